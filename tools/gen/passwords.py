#!/usr/bin/python3
"""passwords.py OUTPUT [LIST]: make the sorted table of common passwords from the package's list; without it an empty table."""
import re
import sys

SHORTEST, LONGEST, FEWEST = 8, 64, 3000  # shorter ones are refused anyway


def read(path):
    found = re.search(r'\bpasswords: "((?:[^"\\]|\\.)*)"', open(path, encoding="utf-8").read())
    if not found:
        sys.exit(f"passwords: {path} holds no list of passwords")
    words = {word.lower() for word in re.sub(r"\\(.)", r"\1", found[1]).split(",")}
    chosen = sorted(word for word in words if SHORTEST <= len(word) <= LONGEST and re.fullmatch("[!-~]+", word))
    if len(chosen) < FEWEST:
        sys.exit(f"passwords: {path} holds {len(chosen)} passwords, and {FEWEST} are needed")
    return chosen


def main():
    words = read(sys.argv[2]) if len(sys.argv) > 2 else []
    starts, at = [0], 0
    for word in words:
        at += len(word)
        starts.append(at)
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write('/* Made by tools/gen/passwords.py. */\n#include "auth/auth_int.h"\n\n')
        out.write(f"const size_t auth_common_count = {len(words)};\n\nconst char auth_common_text[] =\n    \"\"\n")
        out.writelines('    "%s"\n' % re.sub(r'(["\\?])', r"\\\1", word) for word in words)
        out.write("    ;\n\nconst uint32_t auth_common_at[] = {\n")
        out.writelines(f"    {start},\n" for start in starts)
        out.write("};\n")


main()
