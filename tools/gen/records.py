#!/usr/bin/python3
"""records.py SPEC HEADER SOURCE: make the records' structs, field tables and key spaces from spec/records.yaml."""
import json
import re
import sys

import yaml

KINDS = {"id": "struct str", "text": "struct str", "enum": None, "int": "int64_t", "bool": "bool", "time": "usec_t"}
FIELD_KEYS = {"name", "type", "prefix", "max", "min", "of", "optional", "private", "note", "exists"}
INDEX_KEYS = {"name", "fields", "global", "unique", "counted"}


class Bad(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Bad(text)


def check_field(field, enums, where):
    need(set(field) <= FIELD_KEYS, f"{where}: unknown member in {field}")
    need(re.fullmatch(r"[a-z][a-z_]*", field["name"]), f"{where}: bad name {field['name']}")
    need(field["type"] in KINDS, f"{where}: unknown type {field['type']}")
    if field["type"] == "id":
        need(re.fullmatch(r"[a-z]{3}", field["prefix"]), f"{where}: bad prefix")
    if field["type"] == "text":
        need(1 <= field["max"] <= 65536, f"{where}: text wants a max that fits into a record")
    if field["type"] == "enum":
        need(field["of"] in enums, f"{where}: unknown enum {field['of']}")
    if field["type"] == "int":
        need(field["min"] <= field["max"] < 2**53, f"{where}: int wants min and max")


def check_record(record, enums):
    where = record["name"]
    fields = {f["name"]: f for f in record["fields"]}
    need(len(fields) == len(record["fields"]), f"{where}: a field stands twice")
    need(record["fields"][0]["name"] == "id", f"{where}: field 0 is not the id")
    need(record["fields"][0]["prefix"] == record["prefix"], f"{where}: id and record differ in prefix")
    for field in record["fields"]:
        check_field(field, enums, f"{where}.{field['name']}")
    for index in record["indexes"]:
        need(set(index) <= INDEX_KEYS, f"{where}: unknown member in {index}")
        need(1 <= len(index["fields"]) <= 4, f"{where}.{index['name']}: 1 to 4 fields")
        need(index.get("global") or not index.get("unique"), f"{where}.{index['name']}: unique ones are global")
        for name in index["fields"]:
            need(name in fields, f"{where}.{index['name']}: no field {name}")
        for name in index["fields"][:-1]:
            need(fields[name]["type"] != "text", f"{where}.{index['name']}: text only at the end")
        last = fields[index["fields"][-1]]
        need(last["type"] != "text" or index.get("unique"), f"{where}.{index['name']}: text only when unique")
        need(not (index.get("global") and "counted" in index), f"{where}.{index['name']}: global ones are not counted")
        need(0 <= index.get("counted", 0) < len(index["fields"]), f"{where}.{index['name']}: counted by its first fields")


def check(spec):
    prefixes, names = set(), set()
    for record in spec["records"]:
        need(set(record) - {"older"} == {"name", "prefix", "version", "text", "fields", "indexes"}, f"{record['name']}: members")
        need(sorted(record.get("older", {})) == list(range(1, record["version"])), f"{record['name']}: versions before its own")
        need(record["prefix"] not in prefixes, f"prefix {record['prefix']} stands twice")
        need(record["name"] not in names, f"{record['name']} stands twice")
        prefixes.add(record["prefix"])
        names.add(record["name"])
        check_record(record, spec["enums"])
    for record in spec["records"]:
        for field in record["fields"]:
            other = field.get("exists")
            need(not other or (field["type"] == "id" and other in names), f"{record['name']}.{field['name']}: exists")
    for space in spec["spaces"]:
        need(space["name"] not in names and space["name"] not in ("i", "n"), f"space {space['name']} stands twice")
        names.add(space["name"])


def c_type(field):
    return f"enum data_{field['of']}" if field["type"] == "enum" else KINDS[field["type"]]


def header_enums(spec, out):
    for name, words in spec["enums"].items():
        upper = name.upper()
        out.append(f"enum data_{name} {{")
        for number, word in enumerate(words, 1):
            out.append(f"    DATA_{upper}_{word.upper()} = {number},")
        out.append(f"}};\nconst char *data_{name}_name(enum data_{name} value);\n")
    out.append("/* Parts of a tenant's keys that hold no records. */\nenum data_space {")
    for space in spec["spaces"]:
        out.append(f"    DATA_SPACE_{space['name'].upper()}, /* {space['text']} */")
    out.append("    DATA_SPACE_COUNT\n};\n")


def header_record(record, out):
    name, upper = record["name"], record["name"].upper()
    out.append(f"/* {record['text']} */\nstruct data_{name} {{")
    for field in record["fields"]:
        marks = [mark for mark in ("optional", "private") if field.get(mark)]
        if field.get("note"):
            marks.append(field["note"])
        note = f" /* {'; '.join(marks)} */" if marks else ""
        out.append(f"    {c_type(field)} {field['name']};{note}")
    out.append("    struct str reply; /* the public fields as JSON, set by get, list and put */\n};")
    out.append(f"struct data_{name}_list {{\n    struct data_{name} *at;\n    size_t n;\n"
               "    struct str next; /* cursor; empty at the end */\n};")
    if record["indexes"]:
        rows = [f"DATA_{upper}_BY_{index['name'].upper()}" for index in record["indexes"]]
        out.append(f"enum {{ {rows[0]} = 1, " + ", ".join(rows[1:]) + " };")
    out.append(f"""extern const struct data_type data_{name}_type;
int data_{name}_get(struct txn *txn, const struct scope *scope, struct str id, struct data_{name} *ret_{name}) BASE_MUST_USE;
int data_{name}_put(struct txn *txn, const struct scope *scope, struct data_{name} *record) BASE_MUST_USE;
int data_{name}_delete(struct txn *txn, const struct scope *scope, struct str id) BASE_MUST_USE;
int data_{name}_list(struct txn *txn, const struct scope *scope, const struct data_query *query,
                     struct data_{name}_list *ret_list) BASE_MUST_USE;
void data_{name}_copy(struct arena *arena, struct data_{name} *record);
""")
    for version, was in record.get("older", {}).items():
        out.append(f"/* Inside data/. Version {version}: {was} */\nbool data_{name}_from_{version}(struct data_shape *shape) BASE_MUST_USE;\n")


def header(spec):
    out = ["/* Generated from spec/records.yaml. */\n#ifndef RECORDS_GEN_H\n#define RECORDS_GEN_H\n",
           '#include "base/arena.h"\n#include "base/time.h"\n',
           "struct data_query;\nstruct data_shape;\nstruct data_type;\nstruct scope;\nstruct txn;\n\nenum { DATA_BY_ID = 0 };\n"]
    header_enums(spec, out)
    for record in spec["records"]:
        header_record(record, out)
    out.append("#endif\n")
    return "\n".join(out)


def source_enums(spec, out):
    for name, words in spec["enums"].items():
        out.append(f"static const char *const {name}_words[] = {{NULL, " + ", ".join(json.dumps(w) for w in words) + "};\n")
        out.append(f"const char *data_{name}_name(enum data_{name} value)\n{{\n"
                   f"    ASSERT(value >= 1 && value <= {len(words)});\n    return {name}_words[value];\n}}\n")
    out.append("const char *const data_spaces[DATA_SPACE_COUNT] = {")
    for space in spec["spaces"]:
        out.append(f"    {json.dumps(space['name'])},")
    out.append("};\n")


def source_field(record, field, enums):
    kind = field["type"]
    parts = [f".name = {json.dumps(field['name'])}", f".kind = DATA_{kind.upper()}",
             f".offset = offsetof(struct data_{record['name']}, {field['name']})"]
    for mark in ("optional", "private"):
        if field.get(mark):
            parts.append(f".{mark} = true")
    if kind == "id":
        parts.append(f".prefix = {json.dumps(field['prefix'])}")
        if field.get("exists"):
            parts.append(f".exists = &data_{field['exists']}_type")
    if kind == "enum":
        parts += [f".words = {field['of']}_words", f".max = {len(enums[field['of']])}"]
    if kind in ("text", "int"):
        parts += [f".min = {field.get('min', 0)}", f".max = {field['max']}"]
    return "    {" + ", ".join(parts) + "},"


def source_record(record, spec, out):
    name = record["name"]
    out.append(f"static const struct data_field {name}_fields[] = {{")
    out += [source_field(record, field, spec["enums"]) for field in record["fields"]]
    out.append("};\n")
    places = [field["name"] for field in record["fields"]]
    if record["indexes"]:
        out.append(f"static const struct data_index {name}_indexes[] = {{")
        for index in record["indexes"]:
            fields = ", ".join(str(places.index(f)) for f in index["fields"])
            flags = "".join(f", .{mark} = true" for mark in ("global", "unique") if index.get(mark))
            if "counted" in index:
                flags += f", .counted = true, .count_by = {index['counted']}"
            out.append(f"    {{.name = {json.dumps(index['name'])}, .fields = {{{fields}}}, .n = {len(index['fields'])}{flags}}},")
        out.append("};\n")
    if record.get("older"):
        steps = ", ".join(f"data_{name}_from_{version}" for version in sorted(record["older"]))
        out.append(f"static data_upgrade *const {name}_older[] = {{{steps}}};\n")
    older = f"{name}_older" if record.get("older") else "NULL"
    indexes = f"{name}_indexes" if record["indexes"] else "NULL"
    tenant = f"offsetof(struct data_{name}, tenant_id)" if "tenant_id" in places else "DATA_NO_TENANT"
    out.append(f"""const struct data_type data_{name}_type = {{
    .name = {json.dumps(name)}, .prefix = {json.dumps(record['prefix'])}, .version = {record['version']}, .older = {older},
    .size = sizeof(struct data_{name}), .reply = offsetof(struct data_{name}, reply), .tenant = {tenant},
    .fields = {name}_fields, .field_count = {len(record['fields'])},
    .indexes = {indexes}, .index_count = {len(record['indexes'])},
}};

int data_{name}_get(struct txn *txn, const struct scope *scope, struct str id, struct data_{name} *ret_{name})
{{
    return data_table_get(&(struct data_at){{txn, scope, &data_{name}_type}}, id, ret_{name});
}}

int data_{name}_put(struct txn *txn, const struct scope *scope, struct data_{name} *record)
{{
    return data_table_put(&(struct data_at){{txn, scope, &data_{name}_type}}, record);
}}

int data_{name}_delete(struct txn *txn, const struct scope *scope, struct str id)
{{
    return data_table_delete(&(struct data_at){{txn, scope, &data_{name}_type}}, id);
}}

int data_{name}_list(struct txn *txn, const struct scope *scope, const struct data_query *query,
                     struct data_{name}_list *ret_list)
{{
    struct data_rows rows;
    int r = data_table_list(&(struct data_at){{txn, scope, &data_{name}_type}}, query, &rows);
    if (r == 0) {{
        *ret_list = (struct data_{name}_list){{rows.at, rows.n, rows.next}};
    }}
    return r;
}}

void data_{name}_copy(struct arena *arena, struct data_{name} *record)
{{
    data_record_copy(arena, &data_{name}_type, record);
}}
""")


def source(spec):
    out = ['/* Generated from spec/records.yaml. */\n#include "data/data_int.h"\n\n#include <stddef.h>\n']
    source_enums(spec, out)
    for record in spec["records"]:
        source_record(record, spec, out)
    rows = "".join(f"    &data_{record['name']}_type,\n" for record in spec["records"])
    out.append(f"const struct data_type *const data_types[] = {{\n{rows}    NULL,\n}};\n")
    return "\n".join(out)


def main(path, header_path, source_path):
    with open(path, encoding="utf-8") as text:
        spec = yaml.safe_load(text)
    try:
        check(spec)
    except (Bad, KeyError) as bad:
        sys.exit(f"{path}: {bad}")
    with open(header_path, "w", encoding="utf-8") as out:
        out.write(header(spec))
    with open(source_path, "w", encoding="utf-8") as out:
        out.write(source(spec))


main(*sys.argv[1:])
