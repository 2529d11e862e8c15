"""scripts/test and what counts for it, with stand-in suites."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import standin

GOOD = "# what: passes\n# needs:\necho '2 passed, 0 failed, 1 skipped'\n"
BAD = "# what: fails\necho 'FAIL the third case'\necho '2 passed, 1 failed'\nexit 1\n"
SILENT = "# what: says nothing\ntrue\n"
DIES = "# what: counts well and dies\necho '4 passed, 0 failed'\nexit 3\n"
SLOW = "# what: slow\n# slow: yes\necho '1 passed, 0 failed'\n"
BROWSER = "# what: browser\n# needs: browser\necho '1 passed, 0 failed'\n"
ENVIRONMENT = ("# what: sees its environment\n[ -n \"$CODITECT_BUILD\" ] && [ -d \"$CODITECT_SRC\" ]"
               " && [ -x \"$PYTHON\" ] && [ -n \"$ASAN_OPTIONS\" ] && echo '1 passed, 0 failed'\n")
# Each end of a FIFO waits for the other one.
MEETS = "# what: meets another\n# beside: yes\n# seconds: 30\nmkfifo \"$CODITECT_SRC/meet\" 2>/dev/null\n"
BEFORE = "# what: comes before them\n[ ! -e \"$CODITECT_SRC/meet\" ] && echo '1 passed, 0 failed'\n"
ENDLESS = ("# what: hangs\n# beside: yes\ntail -f /dev/null &\npid=$CODITECT_SRC/${0##*/}.pid\n"
           "echo $! >\"$pid.new\"\nmv \"$pid.new\" \"$pid\"\nwait\n")


class Suites(unittest.TestCase):
    def checkout(self, suites):
        checkout = standin.Checkout()
        self.addCleanup(checkout.remove)
        for name, text in suites.items():
            checkout.write(f"tests/suites/{name}", "#!/bin/bash\n" + text)
        return checkout

    def run_suites(self, suites, *arguments):
        return self.checkout(suites).run("test", *arguments)

    def assert_last_line(self, output, line):
        self.assertEqual(output.splitlines()[-1], line, output)

    def test_all_good(self):
        status, output = self.run_suites({"good": GOOD, "environment": ENVIRONMENT})
        self.assertEqual(status, 0, output)
        self.assert_last_line(output, "3 passed, 0 failed, 1 skipped")
        self.assertRegex(output, r"(?m)^good +\d+\.\d s +2 passed +0 failed +1 skipped$")

    def test_no_skipped_no_word(self):
        _, output = self.run_suites({"environment": ENVIRONMENT})
        self.assert_last_line(output, "1 passed, 0 failed")

    def test_failures_count_and_are_shown(self):
        status, output = self.run_suites({"bad": BAD, "dies": DIES, "silent": SILENT, "good": GOOD})
        self.assertEqual(status, 1)
        self.assert_last_line(output, "8 passed, 3 failed, 1 skipped")
        self.assertIn("---- FAIL: bad", output)
        self.assertIn("FAIL the third case", output)

    def test_slow_and_browser_are_chosen(self):
        suites = {"good": GOOD, "slow": SLOW}
        self.assert_last_line(self.run_suites(suites)[1], "2 passed, 0 failed, 1 skipped")
        self.assert_last_line(self.run_suites(suites, "slow")[1], "1 passed, 0 failed")
        suites["browser"] = BROWSER
        _, output = self.run_suites(suites, "--all", "--no-browser")
        self.assert_last_line(output, "3 passed, 0 failed, 1 skipped")

    def test_endless_suite_is_ended(self):
        endless = "# what: hangs\n# seconds: 1\ntail -f /dev/null\n"
        status, output = self.run_suites({"endless": endless, "good": GOOD})
        self.assertEqual(status, 1)
        self.assertIn("FAIL: not finished within 1 s", output)
        self.assert_last_line(output, "2 passed, 1 failed, 1 skipped")

    def test_two_run_beside_each_other_behind_the_others(self):
        status, output = self.run_suites({
            "a": MEETS + ": >\"$CODITECT_SRC/meet\"\necho '1 passed, 0 failed'\n",
            "b": MEETS + ": <\"$CODITECT_SRC/meet\"\necho FAIL of b\necho '3 passed, 1 failed'\nexit 1\n",
            "c": GOOD.replace("# needs:", "# beside: yes"), "z": BEFORE})
        self.assertEqual(status, 1)
        for name, counts in (("a", "1 passed +0"), ("b", "3 passed +1"), ("c", "2 passed +0"), ("z", "1 passed +0")):
            self.assertRegex(output, rf"(?m)^{name} +[0-9.]+ s +{counts} failed")
        self.assertIn("---- FAIL: b", output)
        self.assert_last_line(output, "7 passed, 1 failed, 1 skipped")

    def test_interrupt_ends_all_that_run(self):
        checkout = self.checkout({"a": ENDLESS, "b": ENDLESS})
        run = subprocess.Popen([str(checkout.src / "scripts/test")], env=checkout.environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(lambda: run.poll() is None and run.kill())
        files = [checkout.src / f"{name}.pid" for name in "ab"]
        standin.wait_for(lambda: all(file.exists() for file in files), "both run")
        os.killpg(run.pid, signal.SIGINT)
        self.assertEqual(run.wait(timeout=standin.DEADLINE_S), 130)
        for file in files:
            standin.wait_for(lambda pid=int(file.read_text(encoding="utf-8")): standin.process_gone(pid), "its child has ended")

    def test_list_and_mistakes(self):
        status, output = self.run_suites({"good": GOOD, "slow": SLOW}, "--list")
        self.assertEqual(status, 0)
        self.assertRegex(output, r"(?m)^good +passes$")
        self.assertRegex(output, r"slow: yes")
        for mistake in ("--bogus", "no-such-suite"):
            self.assertEqual(self.run_suites({"good": GOOD}, mistake)[0], 2)


class MesonCounts(unittest.TestCase):
    def count(self, records, meson_status=0):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
            for record in records:
                log.write(json.dumps({"name": "t", "result": "OK", **record}) + "\n")
            log.flush()
            done = subprocess.run(
                [sys.executable, str(standin.ROOT / "scripts/count_meson.py"), log.name,
                 str(meson_status)], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()[-1]

    def test_cmocka(self):
        text = ("[==========] Running 5 test(s).\n[  PASSED  ] 3 test(s).\n"
                "[  SKIPPED ] a: 1 test(s), listed below:\n[  FAILED  ] a: 1 test(s), listed\n")
        self.assertEqual(self.count([{"stderr": text, "result": "FAIL"}], 1),
                         (1, "3 passed, 1 failed, 1 skipped"))

    def test_tap(self):
        text = "1..3\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no data\n"
        self.assertEqual(self.count([{"stdout": text, "result": "FAIL"}], 1),
                         (1, "1 passed, 1 failed, 1 skipped"))

    def test_python(self):
        text = "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n"
        self.assertEqual(self.count([{"stderr": text, "result": "FAIL"}], 1),
                         (1, "2 passed, 2 failed, 1 skipped"))
        self.assertEqual(self.count([{"stderr": "Ran 3 tests in 0.1s\n\nOK\n"}]),
                         (0, "3 passed, 0 failed"))

    def test_plain_executables(self):
        self.assertEqual(self.count([{}, {}]), (0, "2 passed, 0 failed"))

    def test_crash_counts_although_all_cases_passed(self):
        record = {"stderr": "[  PASSED  ] 3 test(s).\n", "result": "FAIL"}
        self.assertEqual(self.count([record], 1), (1, "3 passed, 1 failed"))

    def test_timeout(self):
        self.assertEqual(self.count([{"result": "TIMEOUT"}], 1), (1, "0 passed, 1 failed"))

    def test_nothing_ran(self):
        self.assertEqual(self.count([]), (1, "0 passed, 1 failed"))


class NodeSuite(unittest.TestCase):
    def run_file(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".test.mjs") as file:
            file.write("import { test } from 'node:test';\n" + text)
            file.flush()
            done = subprocess.run([str(standin.ROOT / "scripts/node-suite"), file.name],
                                  capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()[-1]

    def test_counts(self):
        self.assertEqual(self.run_file("test('a', () => {}); test('b', { skip: true }, () => {});"),
                         (0, "1 passed, 0 failed, 1 skipped"))

    def test_failure(self):
        status, line = self.run_file("test('a', () => { throw new Error('x'); });")
        self.assertEqual((status, line), (1, "0 passed, 1 failed"))

    def test_some_run_alone(self):
        """Those behind -- begin when the others have ended, and are counted with them."""
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder, "log")
            for name in "abc":
                pathlib.Path(folder, f"{name}.test.mjs").write_text(
                    "import { test } from 'node:test'; import { appendFileSync } from 'node:fs';"
                    f"test('x', () => appendFileSync({str(log)!r}, {name!r}));", encoding="utf-8")
            files = [f"{folder}/{name}.test.mjs" for name in "abc"]
            done = subprocess.run([str(standin.ROOT / "scripts/node-suite"), files[2], files[1], "--", files[0]],
                                  capture_output=True, text=True, check=False, env={**os.environ, "NODE_SUITE_AT_ONCE": "2"})
            self.assertEqual(done.stdout.splitlines()[-1], "3 passed, 0 failed")
            self.assertEqual(log.read_text(encoding="utf-8")[2], "a")

    def test_missing_file(self):
        done = subprocess.run([str(standin.ROOT / "scripts/node-suite"), "/nonexistent/*.mjs"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.splitlines()[-1], "0 passed, 1 failed")


if __name__ == "__main__":
    unittest.main()
