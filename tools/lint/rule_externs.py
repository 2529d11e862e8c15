"""Names that a static library exports start with its folder's name; in base/ with the first word of
the name of the file that defines them (json_write.c exports json_…). Generated code is left out."""

import pathlib
import re
import subprocess

from tree import Finding

# `nm` lines of symbols that others can see: code, data, bss, read-only data, common, weak.
SYMBOL = re.compile(r"^[0-9a-f]+ [TDBRCVWG] (?P<name>\w+)$")
MEMBER = re.compile(r"^(?P<object>.*\.o):$")
COMPILER_MADE = re.compile(r"^(__|_GLOBAL_|_sub_I|_fini|_init)")
SUFFIX = re.compile(r"\.(c|i)\.o$")


def exported(archive):
    """(object, symbol) of a static library."""
    done = subprocess.run(["nm", "--defined-only", "--extern-only", str(archive)],
                          capture_output=True, text=True, check=False)
    member = ""
    for line in done.stdout.splitlines():
        if match := MEMBER.match(line):
            member = match["object"]
        elif (match := SYMBOL.match(line)) and not COMPILER_MADE.match(match["name"]):
            yield member, match["name"]


def stem(member):
    return SUFFIX.sub("", pathlib.PurePath(member).name)


def allowed_prefix(folder, member):
    """base/: the file's stem; elsewhere the folder."""
    return stem(member).split("_")[0] if folder == "base" else folder


def check_archive(archive, folder):
    for member, name in exported(archive):
        if stem(member).endswith(".gen"):
            continue
        prefix = allowed_prefix(folder, member)
        if name != prefix and not name.startswith(prefix + "_"):
            yield Finding(f"src/{folder}/{stem(member)}.c", 1, "externs",
                          f"{name}: an exported name here starts with {prefix}_")


def check(tree):
    if not tree.build:
        return
    for archive in sorted(tree.build.glob("src/*/lib*.a")):
        yield from check_archive(archive, archive.parent.name)
