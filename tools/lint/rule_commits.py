"""Subjects of the commits since the base: `area: imperative` (or `area, area: …`), at most 60 characters."""

import re

from tree import Finding, base_commit, git

SUBJECT = re.compile(r"^[a-z0-9][a-z0-9_/.-]*(, [a-z0-9][a-z0-9_/.-]*)*: [a-z0-9/].*[^.]$")
LONGEST = 60
PAST = re.compile(r"^[^:]+: (added|fixed|changed|removed|updated|adds|fixes|changes|removes|updates)\b")


def problem(subject):
    if len(subject) > LONGEST:
        return f"subject has {len(subject)} characters, at most {LONGEST}"
    if not SUBJECT.match(subject):
        return "subject is not `area: imperative`, lower case, without a full stop"
    if PAST.match(subject):
        return "subject is not imperative"
    return None


def check(tree):
    base = base_commit(tree.root)
    if not base:
        return
    for line in git(tree.root, "log", "--no-merges", "--format=%h %s", f"{base}..HEAD"):
        commit, _, subject = line.partition(" ")
        found = problem(subject)
        if found:
            yield Finding(f"commit {commit}", 1, "commits", f"{found}: {subject!r}")
