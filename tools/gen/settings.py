#!/usr/bin/python3
"""settings.py SPEC HEADER SOURCE: make the settings' structure and table from spec/settings.yaml.
settings.py --docs SPEC FILE: put the settings into the Markdown FILE, between its two marks; --check says whether they are."""
import json
import re
import sys

import yaml

TYPES = {"text": "const char *", "path": "const char *", "number": "int64_t ", "boolean": "bool ", "choice": "int ",
         "duration": "usec_t ", "list": "struct coditectd_list "}
KEYS = {"name", "flag", "type", "value", "help", "default", "least", "most", "unit", "choices", "also", "secret"}
UNITS = {"seconds": 1, "minutes": 60}
SUFFIXES = {"s": 1, "m": 60, "h": 3600, "d": 86400}
TEXT_MOST = 4095
FLAG_MOST = 31  # of base/args.c
MARKS = ("<!-- settings: made by tools/gen/settings.py -->", "<!-- end of settings -->")


def refuse(row, why):
    sys.exit(f"settings: {row.get('name', row)}: {why}")


def seconds(row, text):
    match = re.fullmatch(r"([0-9]+)([smhd])", str(text))
    return int(match[1]) * SUFFIXES[match[2]] if match else refuse(row, "default wants a unit")


def check_default(row):
    kind, value = row["type"], row.get("default")
    if kind in ("number", "duration", "choice") and value is None or kind in ("boolean", "list") and value is not None:
        refuse(row, "default is missing, or must be")
    if kind == "choice" and value not in row.get("choices", []):
        refuse(row, "default is none of the choices")
    if kind in ("number", "duration"):
        number = value if kind == "number" else seconds(row, value)
        if not row["least"] <= number <= row["most"]:
            refuse(row, "default is out of bounds")


def complete(row):
    """Checks a row and fills in what follows from its name and type."""
    if not set(row) <= KEYS or not {"name", "type", "help"} <= set(row) or row["type"] not in TYPES:
        refuse(row, "wants name, type, help, and knows " + ", ".join(sorted(KEYS)))
    if not re.fullmatch(r"([a-z]+\.)?[a-z]+(_[a-z]+)*", row["name"]):
        refuse(row, "the name is malformed")
    if row["type"] == "duration" and row.get("unit") not in UNITS:
        refuse(row, "a duration wants a unit of bare numbers")
    row["field"] = row["name"].replace(".", "_")
    row["environment"] = "CODITECT_" + row["field"].upper()
    row["flag"] = None if row.get("secret") else row.get("flag", row["name"].replace(".", "-").replace("_", "-"))
    if row["flag"] and len(row["flag"]) > FLAG_MOST:
        refuse(row, "the flag is too long")
    if row["type"] in ("text", "path", "list"):
        row.setdefault("least", 1)
        row.setdefault("most", TEXT_MOST)
    row.setdefault("least", 0)
    row.setdefault("most", 0)
    check_default(row)
    return row


def load(spec):
    rows = [complete(row) for row in yaml.safe_load(open(spec, encoding="utf-8"))]
    for key in ("field", "environment", "flag"):
        values = [row[key] for row in rows if row[key]]
        if len(values) != len(set(values)):
            sys.exit(f"settings: a {key} stands twice")
    tables = [row["name"].rpartition(".")[0] for row in rows]
    runs = [table for i, table in enumerate(tables) if i == 0 or tables[i - 1] != table]
    if len(runs) != len(set(runs)) or runs[0] != "":
        sys.exit("settings: those without a table stand first, those of one table together")
    return rows


def constant(row):
    return "SETTING_" + row["field"].upper()


def quoted(text):
    return json.dumps(text) if text is not None else "NULL"


def value_name(row):
    """What --help calls the value; None for a flag."""
    kind = row["type"]
    if kind == "boolean":
        return None
    if kind == "choice":
        return "|".join(row["choices"])
    unit = {"seconds": "SECONDS", "minutes": "MINUTES"}.get(row.get("unit"), row.get("unit", "N").upper())
    name = row.get("value") or {"number": unit, "duration": unit}.get(kind, "TEXT")
    return name + ",…" if kind == "list" else name


def help_text(row):
    default = row.get("default")
    return row["help"] + (f" (default {default})" if default is not None else "")


def write_header(rows, out):
    out.write("/* Generated from spec/settings.yaml. */\n#ifndef SETTINGS_GEN_H\n#define SETTINGS_GEN_H\n\n")
    out.write("enum coditectd_setting {\n")
    out.writelines(f"    {constant(row)},\n" for row in rows)
    out.write("    SETTING_COUNT\n};\n\n")
    for row in rows:
        for i, choice in enumerate(row.get("choices", [])):
            out.write(f"{'enum { ' if i == 0 else ''}{constant(row)}_{choice.upper()}")
            out.write(", " if i + 1 < len(row["choices"]) else " };\n")
    out.write("\nstruct coditectd_settings {\n")
    for row in rows:
        out.write(f"    {TYPES[row['type']]}{row['field']}; /* {row['help'].replace('*/', '')} */\n")
    out.write("};\n\n#endif\n")


def write_row(row, out):
    also = row.get("also")
    choices = "".join(f"{quoted(choice)}, " for choice in row.get("choices", []))
    scale = UNITS.get(row.get("unit"), 1)
    out.write(f"    {{{quoted(row['name'])}, {quoted(row['flag'])}, {quoted(row['environment'])}, {quoted(also)},\n")
    out.write(f"     {quoted(value_name(row))}, {quoted(help_text(row))}, {quoted(row.get('unit'))},\n")
    default = row.get("default")
    out.write(f"     {quoted(None if default is None else str(default))}, {{{choices}NULL}},\n")
    out.write(f"     CODITECTD_{row['type'].upper()}, {row['least']}, {row['most']}, {scale},\n")
    out.write(f"     {'true' if row.get('secret') else 'false'},\n")
    out.write(f"     offsetof(struct coditectd_settings, {row['field']})}},\n")


def write_source(rows, out):
    out.write('/* Generated from spec/settings.yaml. */\n#include "coditectd/config.h"\n\n#include <stddef.h>\n\n')
    out.write("const struct coditectd_row coditectd_rows[SETTING_COUNT] = {\n")
    for row in rows:
        write_row(row, out)
    out.write("};\n")


def bounds(row):
    kind = row["type"]
    if kind == "choice":
        return ", ".join(f"`{choice}`" for choice in row["choices"])
    if kind == "number":
        return f"{row['least']} to {row['most']}" + (f" {row['unit']}" if "unit" in row else "")
    if kind == "duration":
        return f"{row['least']} s to {row['most'] // 86400} d" if row["most"] >= 86400 else f"{row['least']} s to {row['most']} s"
    if row.get("secret"):
        return f"secret of {row['least']} to {row['most']} bytes"
    return {"text": "text", "path": "path", "boolean": "`true`, `false`", "list": "list of texts"}[kind]


def names(row):
    also = f", `{row['also']}`" if row.get("also") else ""
    flag = f"`--{row['flag']}`" if row["flag"] else "no flag"
    return f"`{row['environment']}`{also}, {flag}"


def markdown(rows):
    lines, table = [], None
    for row in rows:
        own = row["name"].rpartition(".")[0]
        if own != table:
            table = own
            lines += ["", f"### `[{own}]`" if own else "### Before any table", "",
                      "| key | value | default | what it is | elsewhere |", "|---|---|---|---|---|"]
        default = f"`{row['default']}`" if row.get("default") is not None else "`false`" if row["type"] == "boolean" else ""
        key = row["name"].rpartition(".")[2]
        lines.append(f"| `{key}` | {bounds(row)} | {default} | {row['help']} | {names(row)} |")
    return "\n".join(lines) + "\n\n"


def documented(spec, path):
    text = open(path, encoding="utf-8").read()
    before, mark, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not mark or not end:
        sys.exit(f"{path}: the marks are missing")
    return text, before + mark + "\n" + markdown(load(spec)) + end + after


def main(arguments):
    if arguments[0] in ("--docs", "--check"):
        text, wanted = documented(*arguments[1:])
        if arguments[0] == "--docs":
            open(arguments[2], "w", encoding="utf-8").write(wanted)
        elif text != wanted:
            sys.exit(f"{arguments[2]} is not what spec/settings.yaml says: run tools/gen/settings.py --docs spec/settings.yaml {arguments[2]}")
        return
    spec, header, source = arguments
    rows = load(spec)
    with open(header, "w", encoding="utf-8") as out:
        write_header(rows, out)
    with open(source, "w", encoding="utf-8") as out:
        write_source(rows, out)


main(sys.argv[1:])
