"""TypeScript: no `any`, `undefined` instead of `null`, no barrels, strict configurations."""

import json
import os
import re

from tree import Finding

# The one place that may compare with null: what the DOM and React hand over becomes undefined
# there.
NULL_HELPER = re.compile(r"(^|/)(nullable|dom-null)\.tsx?$")
ANY = re.compile(r"(?::|\bas|<|,|\||=>|\bArray<)\s*any\b(?!\s*[:(])")
# React takes nothing else for a reference to an element.
NULL = re.compile(r"(?<!>\()\bnull\b|(?<!\buseRef)<[\w<>]*>\(null\b")
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
    if not NULL_HELPER.search(path):
        for match in NULL.finditer(plain):
            yield Finding(path, line_of(plain, match.start()), "typescript",
                          "null: use undefined (nullable.ts converts what the DOM gives)")
    if re.search(r"(^|/)index\.tsx?$", path) and REEXPORT.search(text):
        yield Finding(path, 1, "typescript", "barrel: import from the file that defines it")


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
