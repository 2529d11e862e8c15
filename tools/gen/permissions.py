#!/usr/bin/python3
"""permissions.py SPEC HEADER SOURCE: who may what, from x-permissions of spec/openapi.yaml: enum data_permission and what is asked of it."""
import sys

import yaml


def name_of(permission):
    return "DATA_PERMISSION_" + permission.upper().replace(".", "_")


def main(spec, header, source):
    rows = yaml.safe_load(open(spec, encoding="utf-8"))["x-permissions"]
    with open(header, "w", encoding="utf-8") as out:
        out.write("/* Generated from spec/openapi.yaml. */\n#ifndef PERMISSIONS_GEN_H\n#define PERMISSIONS_GEN_H\n\nenum data_permission {\n")
        for permission in rows:
            out.write(f"    {name_of(permission)},\n")
        out.write("    DATA_PERMISSION_COUNT\n};\n\n#endif\n")

    with open(source, "w", encoding="utf-8") as out:
        out.write('/* Generated from spec/openapi.yaml. */\n#include "data/data.h"\n\n')
        out.write("static const unsigned permissions[DATA_PERMISSION_COUNT] = {\n")
        for permission, roles in rows.items():
            bits = " | ".join(f"1U << DATA_ROLE_{role.upper()}" for role in roles) or "0"
            out.write(f"    [{name_of(permission)}] = {bits},\n")
        out.write("};\n\nbool data_may(enum data_role role, enum data_permission permission)\n{\n")
        out.write("    return (permissions[permission] >> role & 1U) != 0;\n}\n")
        wide = " || ".join(f"permission == {name_of(one)}" for one in rows if one.startswith("tenant."))
        out.write(f"\nbool data_may_all(enum data_permission permission)\n{{\n    return {wide};\n}}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
