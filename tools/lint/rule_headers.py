"""Every header compiles alone, with the project's warnings."""

import os
import re
import subprocess
import sys
from concurrent import futures

from tree import Finding

FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-DCODITECT_PARANOID=1", "-Wall", "-Wextra", "-Werror",
         "-Wshadow", "-Wmissing-prototypes", "-Wstrict-prototypes", "-Wpointer-arith", "-Wvla",
         "-Wno-unused-function", "-fsyntax-only", "-x", "c", "-"]
ERROR = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: (?:fatal )?error: (?P<what>.*)$", re.M)


def generated_folders(tree):
    """The build's folders of generated headers, below which `#include "folder/file.h"` is found."""
    folders = list(tree.gen)
    if tree.build:
        folders += [str(tree.build / name) for name in ("src", "spec", "")
                    if (tree.build / name).is_dir()]
        folders += sorted({str(p.parent) for p in tree.build.glob("src/*/*.gen.h")})
    return folders


def compile_alone(tree, path, includes):
    source = f'#include "{path[len("src/"):]}"\n'
    done = subprocess.run(["gcc", *includes, *FLAGS], cwd=tree.root, input=source,
                          capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    match = ERROR.search(done.stderr)
    if not match:
        return Finding(path, 1, "headers", done.stderr.strip()[:200])
    return Finding(path, 1, "headers", f"does not compile alone: {match['file']}:{match['line']}: "
                   f"{match['what']}")


def check(tree):
    if not tree.build and not tree.gen:
        print("headers: not checked without --build DIR or --gen DIR", file=sys.stderr)
        return
    includes = [f"-I{folder}" for folder in ["src", *generated_folders(tree)]]
    headers = list(tree.named(".h", under=("src/",)))
    with futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for finding in pool.map(lambda p: compile_alone(tree, p, includes), headers):
            if finding:
                yield finding
