"""Text that must not be in the tree: paths of one machine, addresses of package registries (also
in lock files), and the words of forbidden.txt."""

import os
import re

from tree import Finding

WORDS = "tools/lint/forbidden.txt"
BINARY = (".png", ".ico", ".jpg", ".woff2", ".zst", ".vsix", ".gz", ".bin", ".wasm")


def read_words(tree):
    """The patterns of forbidden.txt: `pattern  reason`, one a line."""
    rules = []
    if os.path.isfile(tree.root / WORDS):
        for line in tree.text(WORDS).splitlines():
            if line.strip() and not line.startswith("#"):
                pattern, _, reason = line.partition("  ")
                rules.append((re.compile(pattern), reason.strip()))
    return rules


def check(tree):
    rules = read_words(tree)
    for path in tree.selected:
        if path == WORDS or path.endswith(BINARY) or "/corpus/" in path:
            continue
        if path.startswith("tools/lint/"):
            continue
        text = tree.text(path)
        for pattern, reason in rules:
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                yield Finding(path, line, "forbidden", f"{match.group()!r}: {reason}")
