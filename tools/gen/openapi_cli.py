#!/usr/bin/python3
"""openapi_cli.py SPEC HEADER SOURCE: the request layer of the command line.

For each operation: a structure of what the request says (struct cli_X_in), a function that makes the call (cli_X), and
the row that src/cli/request.c encodes it by. For each object that a reply holds: its structure (struct cli_NAME) and the
row that src/cli/shape.c reads it by. Arrays within an object, and values of more than one type, are left to --json.
"""

import json
import re
import sys

sys.dont_write_bytecode = True
import openapi_model  # noqa: E402

TYPES = {"string": "struct str", "integer": "int64_t", "boolean": "bool", "enum": "struct str", "scalar": "struct str"}


def quoted(text):
    return json.dumps(text, ensure_ascii=True)


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def reply_fields(document, schema, shapes):
    """[(name, kind, required, shape or None)] of an object's schema; adds the objects in it to shapes."""
    required = set(schema.get("required", []))
    fields = []
    for name, raw in schema["properties"].items():
        node = document.resolve(raw)
        if node["type"] in ("array", openapi_model.SCALAR):
            continue
        shape = None
        if node["type"] == "object":
            shape = snake(raw["$ref"].rsplit("/", 1)[1])
            add_shape(document, shape, node, shapes)
        elif node["type"] not in ("string", "integer", "boolean"):
            raise openapi_model.SpecError(f"{name}: a reply of type {node['type']} cannot be read")
        fields.append((name, node["type"], name in required, shape))
    return fields


def add_shape(document, name, schema, shapes):
    if name not in shapes:
        shapes[name] = None  # inner objects come before it in the dictionary's order below
        fields = reply_fields(document, schema, shapes)
        del shapes[name]
        shapes[name] = fields


def collect_shapes(document):
    shapes = {}
    for operation in document.calls():
        _, schema, kind = document.success(operation)
        if kind != "json":
            continue
        data = document.resolve(schema)["properties"]["data"]
        inner = data.get("items", data)
        add_shape(document, snake(inner["$ref"].rsplit("/", 1)[1]), document.resolve(inner), shapes)
    return shapes


def write_shape(out, name, fields):
    out.write(f"struct cli_{name} {{\n")
    for field, kind, required, shape in fields:
        out.write(f"    {'struct cli_' + shape if shape else TYPES[kind]} {field};\n")
        if not required:
            out.write(f"    bool has_{field};\n")
    out.write(f"}};\nextern const struct cli_shape cli_shape_{name};\n\n")


def write_input(out, operation):
    if operation.fields:
        out.write(f"struct cli_{operation.id}_in {{\n")
        for field in operation.slots():
            out.write(f"    {TYPES[field.kind]} {field.c_name};\n")
            if not field.required:
                out.write(f"    bool has_{field.c_name};\n")
        out.write("};\n")


def signature(operation):
    given = f"const struct cli_{operation.id}_in *in" if operation.fields else "const void *in"
    return (f"int cli_{operation.id}(struct cli_client *client, {given}, "
            "struct cli_content *content,\n    struct cli_reply *ret_reply)")


def write_header(out, document, shapes):
    out.write("/* Generated from spec/openapi.yaml: what requests say, what replies hold, and one function per operation, all of\n"
              " * which are cli_client_call (cli_int.h). in: NULL when there is nothing to say. */\n"
              "#ifndef REST_GEN_H\n#define REST_GEN_H\n\n"
              '#include "base/str.h"\n\nstruct cli_client;\nstruct cli_content;\nstruct cli_reply;\nstruct cli_shape;\n\n')
    for name, fields in shapes.items():
        write_shape(out, name, fields)
    for operation in document.calls():
        out.write(f"/* {operation.method} {operation.path}: {operation.node['summary']} */\n")
        write_input(out, operation)
        out.write(signature(operation) + " BASE_MUST_USE;\n\n")
    out.write("#endif\n")


def shape_source(out, name, fields):
    struct = f"struct cli_{name}"
    out.write(f"static const struct cli_shape_field shape_fields_{name}[] = {{\n")
    for field, kind, required, shape in fields:
        parts = [f".name = {quoted(field)}", f".kind = CLI_{kind.upper()}", f".required = {str(required).lower()}",
                 f".at = offsetof({struct}, {field})"]
        if not required:
            parts.append(f".has_at = offsetof({struct}, has_{field})")
        if shape:
            parts.append(f".shape = &cli_shape_{shape}")
        out.write("    { " + ", ".join(parts) + " },\n")
    out.write(f"}};\nconst struct cli_shape cli_shape_{name} = {{ shape_fields_{name}, {len(fields)} }};\n\n")


def field_row(operation, field):
    struct = f"struct cli_{operation.id}_in"
    kind = "string" if field.kind == "enum" else field.kind
    parts = [f".name = {quoted(field.name)}", f".source = CLI_IN_{field.source.upper()}", f".kind = CLI_{kind.upper()}",
             f".at = offsetof({struct}, {field.slot})", f".prefix = {quoted(field.prefix)}",
             f".required = {str(field.required).lower()}", f".rest = {str(field.is_rest).lower()}"]
    if not field.required:
        parts.append(f".has_at = offsetof({struct}, has_{field.slot})")
    if any(other.slot == field.c_name and other is not field for other in operation.fields):
        parts.append(f".b64 = {quoted(field.name + '_b64')}")
    return "    { " + ", ".join(parts) + " },\n"


def operation_source(out, operation):
    out.write(f"/* {operation.method} {operation.path} */\n")
    fields = "NULL"
    if operation.fields:
        fields = f"fields_{operation.id}"
        out.write(f"static const struct cli_field {fields}[] = {{\n")
        for field in operation.slots():
            out.write(field_row(operation, field))
        out.write("};\n")
    parts = [
        f".method = {quoted(operation.method)}", f".path = STR({quoted(operation.path)})",
        f".public = {str(operation.permission == 'public').lower()}",
        f".idempotent = {str(operation.idempotent).lower()}", f".json = {str(operation.body == 'json').lower()}",
        f".fields = {fields}", f".field_count = {len(operation.slots())}",
    ]
    out.write(f"static const struct cli_operation operation_{operation.id} = {{\n    " + ",\n    ".join(parts) + ",\n};\n")
    out.write(signature(operation) + f"\n{{\n    return cli_client_call(client, &(struct cli_call){{"
              f"&operation_{operation.id}, in, content}}, ret_reply);\n}}\n\n")


def main(spec, header, source):
    document = openapi_model.load(spec)
    shapes = collect_shapes(document)
    with open(header, "w", encoding="utf-8") as out:
        write_header(out, document, shapes)
    with open(source, "w", encoding="utf-8") as out:
        out.write('/* Generated from spec/openapi.yaml. */\n#include <stddef.h>\n\n#include "cli/cli_int.h"\n\n')
        for name, fields in shapes.items():
            shape_source(out, name, fields)
        for operation in document.calls():
            operation_source(out, operation)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except openapi_model.SpecError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
