"""TypeScript modules: no cycle of imports, no export that nobody uses.

Looks at each TypeScript project as a whole, whatever is selected. Types-only imports count for use
but not for cycles: they are gone when the program runs. An export is used when another file of the
project imports its name, or imports or calls up the whole module; a type (or what a type is made of) also when its own file
uses it, for then it is part of the shape of something else. Entry points (named in
package.json, index.html or a configuration) and test files are used from outside; so is a name that
a test in plain JavaScript says.
"""

import os
import re

from tree import Finding

IMPORT = re.compile(
    r"""(?:^|[;\n])\s*(?P<kind>import|export)\s+(?P<type>type\s+)?
        (?:(?P<what>[\w*{][^;'"]*?)\s+from\s+)?['"](?P<from>\.[^'"]+)['"]""", re.X)
DYNAMIC = re.compile(r"""\b(?:import|require)\(\s*['"](\.[^'"]+)['"]\s*\)""")
EXPORT = re.compile(
    r"""^export\s+(?:declare\s+)?(?:default\s+)?(?:abstract\s+)?(?:async\s+)?
        (?P<kind>const|let|function\*?|class|interface|type|enum|namespace)\s+(?P<name>\w+)""",
    re.M | re.X)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
TRIED = ("", ".ts", ".tsx", "/index.ts", "/index.tsx")
OUTSIDE_USE = re.compile(r"(\.test|\.spec|\.d|\.config)\.tsx?$|module\.ts$")
IN_TEXT = re.compile(r"[\w./-]+")


def projects(tree):
    """{folder of a package.json with TypeScript below it: its files}, innermost folder first."""
    folders = sorted({os.path.dirname(p) for p in tree.all_files
                      if p.endswith("package.json") and "/" in p}, key=len, reverse=True)
    found = {}
    for path in tree.all_files:
        folder = next((f for f in folders if path.startswith(f + "/")), None)
        if folder and path.endswith((".ts", ".tsx")):
            found.setdefault(folder, []).append(path)
    return found


def resolve(path, target, files):
    """The file of the project that a relative import names, or None."""
    base = os.path.normpath(os.path.join(os.path.dirname(path), target))
    base = re.sub(r"\.jsx?$", "", base)
    return next((base + end for end in TRIED if base + end in files), None)


def names_of(what):
    """The names that an import takes from a module; None: the whole module."""
    if what is None or "*" in what:
        return None
    names = set()
    default, _, braces = what.partition("{")
    if default.strip(" ,\n"):
        names.add("default")
    for part in braces.rstrip("} \n").split(","):
        name = re.sub(r"^type\s+", "", part.strip()).split(" as ")[0].strip()
        if name:
            names.add(name)
    return names


def imports(tree, path, files):
    """(target file, names or None, whether it exists only for types)"""
    text = COMMENT.sub("", tree.text(path))
    for match in IMPORT.finditer(text):
        target = resolve(path, match["from"], files)
        if target:
            yield target, names_of(match["what"]), bool(match["type"])
    for match in DYNAMIC.finditer(text):
        target = resolve(path, match.group(1), files)
        if target:
            yield target, None, True


def entry_points(tree, folder):
    """Names of files that configurations and pages of the project mention, without extension."""
    mentioned = set()
    for path in tree.all_files:
        if path.startswith(folder + "/") and path.endswith((".json", ".html", ".config.ts", ".mjs")):
            if not path.endswith("package-lock.json"):
                mentioned |= {re.sub(r"\.(tsx?|js)$", "", w).rsplit("/", 1)[-1]
                              for w in IN_TEXT.findall(tree.text(path))}
    return mentioned


def said_by_tests(tree, folder):
    """All words of the JavaScript tests beside the project."""
    top = folder.split("/")[0] + "/"
    return {word for path in tree.all_files if path.startswith(top) and path.endswith(".mjs")
            for word in re.findall(r"\w+", tree.text(path))}


def find_cycle(graph):
    """One cycle as a list of files, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        path.append(node)
        for target in sorted(graph.get(node, ())):
            found = visit(target)
            if found:
                return found
        path.pop()
        done.add(node)
        return None

    return next((c for c in map(visit, sorted(graph)) if c), None)


def check_project(tree, folder, files):
    graph, used, whole = {}, {}, set()
    for path in files:
        for target, names, only_types in imports(tree, path, set(files)):
            if not only_types:
                graph.setdefault(path, set()).add(target)
            if names is None:
                whole.add(target)
            else:
                used.setdefault(target, set()).update(names)
    cycle = find_cycle(graph)
    if cycle:
        yield Finding(cycle[0], 1, "tsgraph", "cycle: " + " → ".join(cycle))
    entries = entry_points(tree, folder)
    said = said_by_tests(tree, folder)
    for path in files:
        stem = re.sub(r"\.tsx?$", "", path).rsplit("/", 1)[-1]
        if path not in whole and stem not in entries and not OUTSIDE_USE.search(path):
            yield from dead_exports(tree, path, used.get(path, set()) | said)


def dead_exports(tree, path, used):
    text = tree.text(path)
    for match in EXPORT.finditer(text):
        default = "default" in match.group().split()
        uses_here = len(re.findall(rf"\b{match['name']}\b", COMMENT.sub("", text))) - 1
        of_a_type = re.search(rf"\btypeof {match['name']}\b", text)
        if uses_here and (match["kind"] in ("type", "interface") or of_a_type):
            continue
        if ("default" if default else match["name"]) not in used:
            line = text.count("\n", 0, match.start()) + 1
            yield Finding(path, line, "tsgraph", f"export {match['name']} is used by nobody")


def check(tree):
    if not any(p.endswith((".ts", ".tsx")) for p in tree.selected):
        return
    for folder, files in projects(tree).items():
        yield from check_project(tree, folder, files)
