"""Every folder of src/ has a README.md of one page."""

import os

from tree import Finding

LONGEST = 80


def check(tree):
    for folder in sorted({p.split("/")[1] for p in tree.all_files
                          if p.startswith("src/") and p.endswith(".c")}):
        path = f"src/{folder}/README.md"
        if not os.path.isfile(tree.root / path):
            yield Finding(path, 1, "readme", "missing: one page that is read before the code")
        elif tree.text(path).count("\n") > LONGEST:
            yield Finding(path, 1, "readme", f"over {LONGEST} lines: one page is enough")
