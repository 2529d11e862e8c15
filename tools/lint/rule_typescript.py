"""TypeScript: no `any`, `undefined` instead of `null`, no barrels, strict configurations."""

import json
import os
import re

from tree import Finding

ANY = re.compile(r"(?::|\bas|<|,|\||=>|\bArray<)\s*any\b(?!\s*[:(])")
# Our code makes no null. It may ask for the platform's (DOM, URLSearchParams, JSON) and say in a type
# that it comes; React takes nothing else for a reference to an element.
NULL = re.compile(r"\bnull\b")
BEFORE_ASKED = re.compile(r"(?:[=!]==?|(?<!\|)\||\buseRef<[\w<>]*>\()\s*$")
AFTER_ASKED = re.compile(r"\s*(?:[=!]==?|\|(?!\|))")
# Chakra's word for a progress of unknown length.
FOREIGN = re.compile(r"<Progress\.Root [^\n]*value=\{[^\n]*$")
TESTS = re.compile(r"(^|/)test/|\.test\.tsx?$")
REEXPORT = re.compile(r"^\s*export\s+(\*|\{[^}]*\})\s+from\b", re.M)
NOT_CODE = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)""",
    re.S)


def blank(match):
    """Keeps the line breaks, so that lines can still be counted."""
    return re.sub(r"[^\n]", " ", match.group())


def code_only(text):
    """The text with comments and strings blanked. Code inside a template's ${…} is blanked too."""
    return NOT_CODE.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def check_file(path, text):
    plain = code_only(text)
    for match in ANY.finditer(plain):
        yield Finding(path, line_of(plain, match.start()), "typescript", "type any: name the type")
    if not TESTS.search(path):
        yield from check_null(path, plain)
    if re.search(r"(^|/)index\.tsx?$", path) and REEXPORT.search(text):
        yield Finding(path, 1, "typescript", "barrel: import from the file that defines it")


def check_null(path, plain):
    for match in NULL.finditer(plain):
        before = plain[plain.rfind("\n", 0, match.start()) + 1:match.start()]
        asked = (BEFORE_ASKED.search(before) or FOREIGN.search(before)
                 or AFTER_ASKED.match(plain, match.end()))
        if not asked:
            yield Finding(path, line_of(plain, match.start()), "typescript",
                          "null: our own code says undefined")


def is_strict(tree, path, seen=()):
    """Whether the configuration sets strict, itself or through `extends` inside the tree."""
    text = re.sub(r"^\s*//.*$", "", tree.text(path), flags=re.M)
    try:
        settings = json.loads(text)
    except ValueError:
        return False
    options = settings.get("compilerOptions", {})
    if "strict" in options:
        return options["strict"] is True
    if settings.get("files") == [] and settings.get("references"):
        return True
    base = settings.get("extends")
    if not isinstance(base, str) or not base.startswith("."):
        return False
    base = os.path.normpath(os.path.join(os.path.dirname(path), base))
    return base not in seen and (tree.root / base).is_file() and is_strict(tree, base, (*seen, path))


def check(tree):
    for path in tree.named(".ts", ".tsx"):
        yield from check_file(path, tree.text(path))
    for path in tree.selected:
        if re.search(r"(^|/)tsconfig[^/]*\.json$", path) and not is_strict(tree, path):
            yield Finding(path, 1, "typescript", "strict is not true")
