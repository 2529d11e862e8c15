"""clang-format 14 leaves every C file as it is."""

import shutil
import subprocess

from tree import Finding

PROGRAMS = ("clang-format-14", "clang-format")


def first_difference(text, formatted):
    """The first line that would change."""
    pairs = zip(text.splitlines(), formatted.splitlines())
    for number, (mine, theirs) in enumerate(pairs, 1):
        if mine != theirs:
            return number
    return min(text.count("\n"), formatted.count("\n")) + 1


def check(tree):
    program = next((p for p in PROGRAMS if shutil.which(p)), None)
    files = list(tree.c_files())
    if not files:
        return
    if not program:
        yield Finding(files[0], 1, "format", "clang-format is not installed")
        return
    for path in files:
        done = subprocess.run([program, "--style=file", f"--assume-filename={path}"],
                              cwd=tree.root, input=tree.text(path), capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            yield Finding(path, 1, "format", done.stderr.strip())
        elif done.stdout != tree.text(path):
            line = first_difference(tree.text(path), done.stdout)
            yield Finding(path, line, "format", f"run {program} -i {path}")
