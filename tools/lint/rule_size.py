"""Limits of functions and files. Between the wanted and the hard limit a line in exceptions.txt
with a reason excuses; above the hard limit nothing does. An exception that is no longer needed is
a finding: the list only shrinks."""

import os

import cfunctions
from tree import Finding

EXCEPTIONS = "tools/lint/exceptions.txt"
# measure: wanted, hard
FUNCTION_LIMITS = {"lines": (60, 100), "complexity": (15, 25), "nesting": (3, 3),
                   "parameters": (4, 6)}
FILE_LIMITS = (500, 1000)
SOURCES = (".c", ".h", ".py", ".ts", ".tsx", ".mjs", ".js", ".sh")
GENERATED = ("package-lock.json",)


def read_exceptions(tree):
    """{(file, function or "", measure): line}; yields of malformed lines are findings."""
    excused, findings = {}, []
    if not os.path.isfile(tree.root / EXCEPTIONS):
        return excused, findings
    for number, text in enumerate(tree.text(EXCEPTIONS).splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            continue
        place, _, reason = text.partition("  ")
        words = place.split()
        if len(words) != 2 or not reason.strip():
            findings.append(Finding(EXCEPTIONS, number, "size",
                                    "not `FILE[:FUNCTION] MEASURE  reason`"))
            continue
        path, _, function = words[0].partition(":")
        excused[(path, function, words[1])] = number
    return excused, findings


def over(what, measure, value, limits):
    wanted, hard = limits
    if value > hard:
        return f"{what}: {measure} {value}, never over {hard}"
    return f"{what}: {measure} {value}, at most {wanted}" if value > wanted else None


def function_measures(tree, path):
    for function in cfunctions.functions(tree.tokens(path)):
        for measure, limits in FUNCTION_LIMITS.items():
            yield (function.name, function.line, measure, getattr(function, measure), limits)


def file_measures(tree, path):
    yield "", 1, "lines", tree.text(path).count("\n"), FILE_LIMITS


def measures(tree, path):
    yield from file_measures(tree, path)
    if path.endswith((".c", ".h")):
        yield from function_measures(tree, path)


def check(tree):
    excused, findings = read_exceptions(tree)
    yield from findings
    used = set()
    looked_at = [p for p in tree.named(*SOURCES) if not p.endswith(GENERATED)]
    for path in looked_at:
        for name, line, measure, value, limits in measures(tree, path):
            message = over(name or "file", measure, value, limits)
            if not message:
                continue
            key = (path, name, measure)
            if key in excused and value <= limits[1]:
                used.add(key)
                continue
            yield Finding(path, line, "size", message)
    for key, number in excused.items():
        if key not in used and (tree.whole or key[0] in looked_at):
            yield Finding(EXCEPTIONS, number, "size", "exception is not needed any more: remove it")
