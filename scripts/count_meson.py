#!/usr/bin/python3
"""Counts the test cases of one `meson test` run from its JSON log.

A test that prints the results of cmocka, TAP or Python's unittest counts with its cases, any other as one. A test that
ends with an error counts as failed at least once, whatever it printed.
"""

import json
import pathlib
import re
import sys

CMOCKA = {
    "passed": re.compile(r"^\[  PASSED  \] (\d+) test", re.M),
    "failed": re.compile(r"^\[  FAILED  \] (?:\w+: )?(\d+) test", re.M),
    "skipped": re.compile(r"^\[  SKIPPED \] (?:\w+: )?(\d+) test", re.M),
}
UNITTEST = re.compile(r"^Ran (\d+) tests? in [^\n]*\n+(OK|FAILED)(?: \(([^)]*)\))?", re.M)
TAP = re.compile(r"^(not ok|ok)\b([^\n]*)", re.M)


def cmocka_cases(text):
    return {kind: sum(map(int, pattern.findall(text))) for kind, pattern in CMOCKA.items()}


def tap_cases(text):
    cases = {"passed": 0, "failed": 0, "skipped": 0}
    for verdict, rest in TAP.findall(text):
        if re.search(r"# *skip", rest, re.I):
            cases["skipped"] += 1
        else:
            cases["passed" if verdict == "ok" else "failed"] += 1
    return cases


def unittest_cases(text):
    cases = {"passed": 0, "failed": 0, "skipped": 0}
    for ran, _, details in UNITTEST.findall(text):
        kinds = {name: int(n) for name, n in re.findall(r"(\w[\w ]*)=(\d+)", details)}
        skipped = kinds.get("skipped", 0)
        failed = sum(kinds.get(k, 0) for k in ("failures", "errors", "unexpected successes"))
        cases["failed"] += failed
        cases["skipped"] += skipped
        cases["passed"] += max(0, int(ran) - failed - skipped)
    return cases


def test_cases(record):
    """The counts of one executable."""
    text = record.get("stdout", "") + "\n" + record.get("stderr", "")
    for count in (cmocka_cases, unittest_cases, tap_cases):
        cases = count(text)
        if any(cases.values()):
            break
    result = record["result"]
    if result == "SKIP":
        return {"passed": 0, "failed": 0, "skipped": max(1, cases["skipped"])}
    if result in ("OK", "EXPECTEDFAIL"):
        if not any(cases.values()):
            cases["passed"] = 1
    elif not cases["failed"]:
        print(f"FAIL {record['name']}: {result}, status {record.get('returncode')}")
        cases["failed"] = 1
    return cases


def read_records(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(errors="replace").splitlines() if line]


def main():
    records = read_records(pathlib.Path(sys.argv[1]))
    meson_failed = sys.argv[2] != "0"
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for record in records:
        for kind, number in test_cases(record).items():
            total[kind] += number
    if not records or (meson_failed and not total["failed"]):
        print("FAIL: meson ran no test" if not records else "FAIL: meson test ended with an error")
        total["failed"] += 1
    line = f"{total['passed']} passed, {total['failed']} failed"
    print(line + (f", {total['skipped']} skipped" if total["skipped"] else ""))
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
