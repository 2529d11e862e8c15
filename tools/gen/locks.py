#!/usr/bin/python3
"""locks.py SPEC HEADER SOURCE: make the lock classes, in their order, and their names from spec/locks.yaml."""
import json
import re
import sys

import yaml

# Macros of <fcntl.h> and names of base/lock.h that would collide with LOCK_<name>.
TAKEN = {"SH", "EX", "NB", "UN", "MAND", "READ", "WRITE", "RW", "SCOPE", "CLASS_COUNT"}


def main(spec, header, source):
    rows = yaml.safe_load(open(spec, encoding="utf-8"))
    seen = set(TAKEN)
    for row in rows:
        if set(row) != {"name", "text"}:
            sys.exit(f"{spec}: {row}: wants name, text")
        if not re.fullmatch(r"[A-Z][A-Z_]*", row["name"]) or row["name"] in seen:
            sys.exit(f"{spec}: name {row['name']} is malformed, taken, or stands twice")
        seen.add(row["name"])

    with open(header, "w", encoding="utf-8") as out:
        out.write("/* Generated from spec/locks.yaml. */\n#ifndef LOCKS_GEN_H\n#define LOCKS_GEN_H\n\n")
        out.write("/* In the only order in which one may be taken while another is held. */\nenum lock_class {\n")
        for row in rows:
            out.write(f"    LOCK_{row['name']}, /* {row['text']} */\n")
        out.write("    LOCK_CLASS_COUNT\n};\n\nextern const char *const lock_names[LOCK_CLASS_COUNT];\n\n#endif\n")

    with open(source, "w", encoding="utf-8") as out:
        out.write('/* Generated from spec/locks.yaml. */\n#include "locks.gen.h"\n\n')
        out.write("const char *const lock_names[LOCK_CLASS_COUNT] = {\n")
        for row in rows:
            out.write(f"    {json.dumps(row['name'])},\n")
        out.write("};\n")


main(*sys.argv[1:])
