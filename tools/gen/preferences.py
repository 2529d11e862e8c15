#!/usr/bin/python3
"""preferences.py SPEC HEADER SOURCE: the table of the settings of people and tenants, from spec/preferences.yaml."""
import json
import re
import sys

import yaml

TYPES = ("choice", "number", "boolean", "text", "patterns")
SCOPES = ("user", "tenant")
KEYS = {"category", "key", "type", "choices", "least", "most", "default", "unit", "scope", "help"}
TEXT_MOST = 200  # characters: SETTINGS_MAX_TEXT of src/settings/settings.h
PATTERNS_MOST = 8192  # bytes: CONTENT_MAX_PATTERN_BYTES of src/content/content.h


def need(condition, row, why):
    if not condition:
        sys.exit(f"preferences: {row.get('category')}.{row.get('key')}: {why}")


def fits(row):
    value = row["default"]
    if row["type"] == "choice":
        return value in row["choices"]
    if row["type"] == "number":
        return isinstance(value, int) and row["least"] <= value <= row["most"]
    if row["type"] == "boolean":
        return isinstance(value, bool)
    if row["type"] == "patterns":
        return value == ""
    return isinstance(value, str) and 1 <= len(value) <= row["most"]


def check(row):
    need(set(row) <= KEYS and {"category", "key", "type", "default", "scope", "help"} <= set(row), row, "members")
    for name in ("category", "key"):
        need(re.fullmatch(r"[a-z]+(_[a-z]+)*", row[name]) and len(row[name]) <= 24, row, f"the {name} is malformed")
    need(row["type"] in TYPES and row["scope"] in SCOPES, row, "type or scope")
    need(("choices" in row) == (row["type"] == "choice"), row, "a choice, and nothing else, has choices")
    need(("least" in row) == (row["type"] == "number"), row, "a number, and nothing else, has a least")
    need(("most" in row) == (row["type"] in ("number", "text", "patterns")), row, "numbers, texts and patterns have a most")
    need(row["type"] != "text" or row["most"] <= TEXT_MOST, row, f"a text has at most {TEXT_MOST} characters")
    need(row["type"] != "patterns" or row["most"] <= PATTERNS_MOST, row, f"patterns have at most {PATTERNS_MOST} bytes")
    need(row["type"] != "patterns" or row["scope"] == "tenant", row, "patterns are a tenant's")
    need(fits(row), row, "the default does not fit")


def load(spec):
    with open(spec, encoding="utf-8") as text:
        rows = yaml.safe_load(text)
    for row in rows:
        check(row)
    names = [(row["category"], row["key"]) for row in rows]
    need(len(names) == len(set(names)), rows[0], "one stands twice")
    return rows


def identifier(row):
    return f"SETTING_{row['category']}_{row['key']}".upper()


def header(rows, out):
    out.write("/* Generated from spec/preferences.yaml. */\n#ifndef PREFERENCES_GEN_H\n#define PREFERENCES_GEN_H\n\n")
    out.write("/* Rows of settings_rows. */\nenum settings_name {\n")
    for row in rows:
        out.write(f"    {identifier(row)}, /* {row['help']} */\n")
    out.write("    SETTINGS_COUNT\n};\n\n#endif\n")


def source(rows, out):
    out.write('/* Generated from spec/preferences.yaml. */\n#include "settings/settings.h"\n\n')
    for row in rows:
        if "choices" in row:
            words = ", ".join(json.dumps(word) for word in row["choices"])
            out.write(f"static const char *const choices_{row['category']}_{row['key']}[] = {{{words}, NULL}};\n")
    out.write("\nconst struct settings_row settings_rows[SETTINGS_COUNT] = {\n")
    for row in rows:
        parts = [f".category = {json.dumps(row['category'])}", f".key = {json.dumps(row['key'])}",
                 f".type = SETTINGS_{row['type'].upper()}", f".scope = SETTINGS_OF_{row['scope'].upper()}",
                 f".least = {row.get('least', 1 if row['type'] == 'text' else 0)}", f".most = {row.get('most', 0)}",
                 f".unit = {json.dumps(row.get('unit', ''))}", f".help = {json.dumps(row['help'])}",
                 f".standard = {json.dumps(json.dumps(row['default']))}"]
        if "choices" in row:
            parts.append(f".choices = choices_{row['category']}_{row['key']}")
        out.write("    {" + ", ".join(parts) + "},\n")
    out.write("};\n")


def main(spec, header_path, source_path):
    rows = load(spec)
    with open(header_path, "w", encoding="utf-8") as out:
        header(rows, out)
    with open(source_path, "w", encoding="utf-8") as out:
        source(rows, out)


main(*sys.argv[1:])
