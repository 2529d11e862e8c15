"""Who includes whom: every arrow must be in includes.txt, there is no cycle, nobody includes
another folder's *_int.h, and the table in ARCHITECTURE.md says the same. Generated headers
(*.gen.h) belong to the folder that includes them."""

import os
import re

from tree import Finding

TABLE = "tools/lint/includes.txt"
DOCUMENT = "ARCHITECTURE.md"
HEADING = "## Who may include whom"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
# In the document's words; the folders above that are not infrastructure are "domain folders".
NOT_DOMAIN = {"base", "net", "http", "content", "wire", "store", "backup", "mail"}


def read_table(text):
    """{folder: set of folders}, "*" for every folder."""
    table = {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line:
            folder, _, allowed = line.partition(":")
            table[folder.strip()] = set(allowed.split())
    return table


def document_rows(text):
    """(folders, what they may include) of the Markdown table below the heading."""
    section = text.partition(HEADING)[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or cells[0] == "folder" or set(cells[0]) == {"-"}:
            continue
        for left, right in zip(cells[0::2], cells[1::2]):
            if left:
                yield [name.strip() for name in left.split(",")], right


def expand(right, folder, table):
    """The set that the words of a cell mean for this folder."""
    if right.startswith("everything"):
        return {"*"}
    extra = set()
    for names, more in re.findall(r"\(([\w ,]+): ([\w ]+)\)", right):
        if folder in re.split(r"[ ,]+", names):
            extra |= set(more.split())
    right = re.sub(r"\([^)]*\)", "", right).partition(";")[0]
    if "all domain folders" in right:
        extra |= domain_folders(folder, table) | {"base"}
        right = right.replace("all domain folders above", "").replace("all domain folders", "")
    return extra | (set(re.findall(r"[\w]+", right)) - {"and"})


def domain_folders(folder, table):
    """Those that the table names before this folder."""
    found = set()
    for name in table:
        if name == folder:
            return found
        if name not in NOT_DOMAIN:
            found.add(name)
    return found


def check_document(tree, table):
    if not os.path.isfile(tree.root / DOCUMENT):
        return
    rows = {}
    for folders, right in document_rows(tree.text(DOCUMENT)):
        for folder in folders:
            rows[folder] = expand(right, folder, table)
    if not rows:
        yield Finding(DOCUMENT, 1, "includes", f"no table below `{HEADING}`")
    for folder in sorted(set(table) | set(rows) if rows else ()):
        if table.get(folder) != rows.get(folder):
            yield Finding(TABLE, 1, "includes", f"{folder}: {DOCUMENT} says "
                          f"{sorted(rows.get(folder) or [])}, this table "
                          f"{sorted(table.get(folder) or [])}")


def cycle(graph):
    """One cycle of the graph as a list of folders, or None."""
    done, path = set(), []

    def visit(folder):
        if folder in path:
            return path[path.index(folder):] + [folder]
        if folder in done:
            return None
        path.append(folder)
        for target in sorted(graph.get(folder, ())):
            found = visit(target)
            if found:
                return found
        path.pop()
        done.add(folder)
        return None

    for folder in sorted(graph):
        found = visit(folder)
        if found:
            return found
    return None


def arrows(tree):
    """(file, line, its folder, the included path) of every include of one of our headers."""
    for path in tree.all_files:
        if not path.startswith("src/") or not path.endswith((".c", ".h")):
            continue
        for token in tree.tokens(path):
            match = INCLUDE.match(token.text) if token.kind == "directive" else None
            if match:
                yield path, token.line, path.split("/")[1], match.group(1)


def check_arrow(arrow, table):
    path, line, folder, included = arrow
    if included.endswith(".gen.h"):
        return
    if "/" not in included or included.startswith("."):
        yield Finding(path, line, "includes", f'"{included}": write "folder/file.h"')
        return
    target = included.split("/")[0]
    if target == folder:
        return
    if included.endswith("_int.h"):
        yield Finding(path, line, "includes", f"{included} never leaves its folder")
    allowed = table.get(folder)
    if allowed is None:
        yield Finding(path, line, "includes", f"folder {folder} is not in {TABLE}")
    elif target not in allowed and "*" not in allowed:
        yield Finding(path, line, "includes", f"{folder} may not include {target}")


def check(tree):
    table = read_table(tree.text(TABLE))
    yield from check_document(tree, table)
    graph = {}
    for arrow in arrows(tree):
        yield from check_arrow(arrow, table)
        target = arrow[3].split("/")[0]
        if target != arrow[2] and "/" in arrow[3] and target in table:
            graph.setdefault(arrow[2], set()).add(target)
    found = cycle(graph)
    if found:
        yield Finding("src", 1, "includes", "cycle: " + " → ".join(found))
