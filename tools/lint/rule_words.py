"""Words that do not belong: open ends in comments, preprocessor conditions in logic."""

import re

from tree import Finding

OPEN_END = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
CONDITION = re.compile(r"^\s*#\s*(ifdef|ifndef|if|elif)\b")
COMMENTED = (".c", ".h", ".py", ".ts", ".tsx", ".mjs", ".js", ".yaml", ".build", ".sh")


def open_ends(tree):
    for path in tree.named(*COMMENTED):
        if path.startswith("tools/lint/"):
            continue
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            match = OPEN_END.search(line)
            if match:
                yield Finding(path, number, "words", f"{match.group()}: file an issue instead")


def conditions(tree):
    """base/ may adapt to compilers; elsewhere a variant is a file chosen by the build. Headers may
    have their include guard."""
    for path in tree.named(".c", under=("src/",)):
        if path.startswith("src/base/"):
            continue
        for token in tree.tokens(path):
            if token.kind == "directive" and CONDITION.match(token.text):
                yield Finding(path, token.line, "words",
                              "preprocessor condition in logic: choose a file in meson.build")


def check(tree):
    yield from open_ends(tree)
    yield from conditions(tree)
