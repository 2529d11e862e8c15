#!/usr/bin/python3
"""The house rules that a program can check: tools/lint/README.md lists them.

usage: lint.py [--build DIR] [--gen DIR] [--rule NAME]… [--count] [--all | FILE…]

Without files: what changed since the base commit. Prints `file:line: rule: message` and exits 1
when there is a finding. --count also runs the linter's own tests and ends with
`N passed, N failed`: one case a rule.
"""

import argparse
import os
import pathlib
import sys
import unittest

import rule_banned
import rule_commits
import rule_contract
import rule_externs
import rule_forbidden
import rule_format
import rule_headers
import rule_includes
import rule_readme
import rule_replies
import rule_shell
import rule_size
import rule_tsgraph
import rule_typescript
import rule_words
import tree as trees

RULES = {
    "format": rule_format, "banned": rule_banned, "size": rule_size, "includes": rule_includes,
    "headers": rule_headers, "externs": rule_externs, "words": rule_words,
    "contract": rule_contract, "commits": rule_commits, "forbidden": rule_forbidden, "typescript": rule_typescript,
    "tsgraph": rule_tsgraph, "readme": rule_readme, "replies": rule_replies, "shell": rule_shell,
}
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description="checks the house rules")
    parser.add_argument("--all", action="store_true", help="the whole tree")
    parser.add_argument("--build", help="a built meson directory: exported names, generated headers")
    parser.add_argument("--gen", action="append", default=[], help="a folder of generated headers")
    parser.add_argument("--rule", action="append", choices=sorted(RULES), help="only this rule")
    parser.add_argument("--count", action="store_true", help="own tests too; end with a count")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args(arguments)
    if options.build and not os.path.isdir(options.build):
        parser.error(f"--build {options.build}: no such directory")
    return options


def selected_files(options):
    if options.all:
        return trees.every_file(ROOT)
    if options.files:
        return [os.path.relpath(os.path.abspath(f), ROOT) for f in options.files]
    return trees.changed_files(ROOT)


def own_tests():
    """(passed, failed) of the linter's own tests."""
    loader = unittest.defaultTestLoader
    suite = loader.discover(str(pathlib.Path(__file__).parent), pattern="test_*.py")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    return result.testsRun - failed, failed


def main():
    options = parse_arguments(sys.argv[1:])
    tree = trees.Tree(ROOT, selected_files(options), options.build, options.gen, options.all)
    passed = failed = 0
    for name in options.rule or RULES:
        findings = sorted(RULES[name].check(tree))
        for finding in findings:
            print(f"{finding.file}:{finding.line}: {finding.rule}: {finding.message}")
        failed += bool(findings)
        passed += not findings
    if options.count:
        tested, broken = own_tests()
        print(f"{passed + tested} passed, {failed + broken} failed")
        failed += broken
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
