"""shellcheck over every shell script."""

import json
import shutil
import subprocess

from tree import Finding


def is_shell(tree, path):
    if path.endswith(".sh"):
        return True
    if "." in path.rsplit("/", 1)[-1]:
        return False
    first = tree.text(path).split("\n", 1)[0]
    return first.startswith("#!") and ("bash" in first or first.endswith("/sh"))


def check(tree):
    scripts = [p for p in tree.selected if is_shell(tree, p)]
    if not scripts or not shutil.which("shellcheck"):
        return
    done = subprocess.run(["shellcheck", "-x", "-f", "json", *scripts], cwd=tree.root,
                          capture_output=True, text=True, check=False)
    if done.returncode > 1:
        yield Finding(scripts[0], 1, "shell", "shellcheck did not run: " + done.stderr.strip())
        return
    for row in json.loads(done.stdout):
        yield Finding(row["file"], row["line"], "shell", f"SC{row['code']} {row['message']}")
