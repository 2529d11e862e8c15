"""What the rules look at: the files of the checkout, their text and their tokens, read once."""

import collections
import functools
import os
import pathlib
import subprocess

import ctokens

Finding = collections.namedtuple("Finding", "file line rule message")


def git(root, *arguments):
    """The lines that git prints, none when it fails (for example without a base commit)."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True,
                          check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


class Tree:
    """root: of the checkout. selected: relative paths to look at. build: a meson build directory
    or None; gen: directories of generated headers."""

    def __init__(self, root, selected, build=None, gen=(), whole=False):
        self.root = pathlib.Path(root)
        self.selected = sorted(selected)
        self.build = pathlib.Path(build) if build else None
        self.gen = list(gen)
        self.whole = whole

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    @functools.lru_cache(maxsize=None)
    def tokens(self, path):
        return ctokens.tokenize(self.text(path))

    def named(self, *suffixes, under=()):
        """The selected files with one of these suffixes, below one of these folders (or all)."""
        for path in self.selected:
            if path.endswith(suffixes) and (not under or path.startswith(tuple(under))):
                yield path

    def c_files(self, under=("src/", "tests/", "fuzz/", "bench/")):
        return self.named(".c", ".h", under=under)

    @functools.cached_property
    def all_files(self):
        """Every file of the checkout that is not ignored, whatever is selected."""
        return every_file(self.root)


def every_file(root):
    paths = git(root, "ls-files", "--cached", "--others", "--exclude-standard")
    return sorted(p for p in set(paths) if os.path.isfile(os.path.join(root, p)))


def base_commit(root):
    """The commit that the work began from: where origin has it, else HEAD."""
    for upstream in ("@{upstream}", "origin/main"):
        found = git(root, "merge-base", "HEAD", upstream)
        if found:
            return found[0]
    return None


def changed_files(root):
    base = base_commit(root) or "HEAD"
    paths = set(git(root, "diff", "--name-only", "--diff-filter=d", base))
    paths.update(git(root, "ls-files", "--others", "--exclude-standard"))
    return sorted(p for p in paths if os.path.isfile(os.path.join(root, p)))
