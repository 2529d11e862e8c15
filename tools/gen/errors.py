#!/usr/bin/python3
"""errors.py SPEC HEADER SOURCE: make the error codes and their table from spec/errors.yaml."""
import json
import re
import sys

import yaml


def main(spec, header, source):
    rows = yaml.safe_load(open(spec, encoding="utf-8"))
    seen = set()
    for row in rows:
        if set(row) != {"code", "status", "retry", "text"}:
            sys.exit(f"{spec}: {row}: wants code, status, retry, text")
        if not re.fullmatch(r"[A-Z][A-Z_]*", row["code"]) or row["code"] in seen:
            sys.exit(f"{spec}: code {row['code']} is malformed or stands twice")
        seen.add(row["code"])

    with open(header, "w", encoding="utf-8") as out:
        out.write("/* Generated from spec/errors.yaml. */\n#ifndef ERRORS_GEN_H\n#define ERRORS_GEN_H\n\nenum {\n")
        for number, row in enumerate(rows, 1):
            out.write(f"    ERR_{row['code']} = -{number},\n")
        out.write(f"    ERR_COUNT = {len(rows)}\n}};\n\n#endif\n")

    with open(source, "w", encoding="utf-8") as out:
        out.write('/* Generated from spec/errors.yaml. */\n#include "base/err.h"\n\n')
        out.write("const struct err_row err_table[ERR_COUNT] = {\n")
        for row in rows:
            retry = "true" if row["retry"] else "false"
            out.write(f"    {{ {json.dumps(row['code'].lower())}, {row['status']}, {retry}, {json.dumps(row['text'])} }},\n")
        out.write("};\n")


main(*sys.argv[1:])
