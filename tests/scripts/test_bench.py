"""scripts/bench, without measuring anything."""

import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Bench(unittest.TestCase):
    def test_help_names_every_row(self):
        run = (ROOT / "bench/run.mjs").read_text()
        names = re.search(r"const rows = \{(.*?)\};", run)[1].replace(",", " ").split()
        self.assertGreater(len(names), 5)
        shown = subprocess.run([ROOT / "scripts/bench", "--help"], capture_output=True, text=True,
                               check=True).stdout
        told = re.findall(r"(?m)^  ([a-z]+)  ", shown)
        self.assertEqual(told, names)

    def test_the_page_explains_every_row(self):
        run = (ROOT / "bench/run.mjs").read_text()
        names = re.search(r"const rows = \{(.*?)\};", run)[1].replace(",", " ").split()
        page = (ROOT / "docs/benchmarks.md").read_text()
        self.assertEqual(re.findall(r"(?m)^\| `([a-z]+)` \|", page), names)


if __name__ == "__main__":
    unittest.main()
