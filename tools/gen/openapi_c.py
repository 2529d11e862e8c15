#!/usr/bin/python3
"""openapi_c.py SPEC HEADER SOURCE: the C route table and the tables of the request decoders.

HEADER declares for each operation the structure of its input (struct api_X_in) and its handler (api_X); SOURCE has the
rows that src/api/router.c and src/api/decode.c go through.
"""

import json
import sys

sys.dont_write_bytecode = True
import openapi_model  # noqa: E402
import permissions  # noqa: E402

ROLES = ("owner", "admin", "member", "viewer")
TYPES = {"string": "struct str", "integer": "int64_t", "boolean": "bool", "enum": "int",
         "scalar": "const struct json *"}


def quoted(text):
    return json.dumps(text, ensure_ascii=True)


def enum_name(operation, field):
    return f"api_{operation.id}_{field.c_name}"


def write_input(out, operation):
    for field in operation.slots():
        if field.kind == "enum":
            names = ", ".join(f"{enum_name(operation, field).upper()}_{choice.upper()}" for choice in field.schema["enum"])
            out.write(f"enum {enum_name(operation, field)} {{ {names} }};\n")
    if operation.fields:
        out.write(f"struct api_{operation.id}_in {{\n")
        for field in operation.slots():
            out.write(f"    {TYPES[field.kind]} {field.c_name};\n")
        for field in operation.slots():
            out.write(f"    bool has_{field.c_name};\n")
        out.write("};\n")
    out.write(f"/* {operation.method} {operation.path} */\n")
    extra = f", const struct api_{operation.id}_in *in" if operation.fields else ""
    out.write(f"int api_{operation.id}(struct api_call *call{extra}) BASE_MUST_USE;\n\n")


def write_header(out, document):
    out.write("/* Generated from spec/openapi.yaml. */\n#ifndef ROUTES_GEN_H\n#define ROUTES_GEN_H\n\n")
    out.write('#include "base/str.h"\n\nstruct api_call;\nstruct json;\n\n')
    out.write("enum api_rate_class {\n")
    for name in document.raw["x-rates"]:
        out.write(f"    API_RATE_{name.upper()},\n")
    out.write("    API_RATE_COUNT\n};\n\n")
    longest = max(len(operation.segments) for operation in document.operations)
    out.write(f"enum {{ API_ROUTE_COUNT = {len(document.operations)}, API_MAX_SEGMENTS = {longest} }};\n\n")
    for operation in document.operations:
        write_input(out, operation)
    out.write("#endif\n")


def field_row(operation, field):
    least, most = field.bounds()
    standard = field.schema.get("default", 0)
    if field.kind == "enum":  # what was not said is none of them
        standard = field.schema["enum"].index(standard) if "default" in field.schema else -1
    choices = f"choices_{operation.id}_{field.c_name}" if field.kind == "enum" else "NULL"
    struct = f"struct api_{operation.id}_in"
    parts = [
        f".name = {quoted(field.name)}",
        f".source = API_FROM_{field.source.upper()}",
        f".kind = API_{field.kind.upper()}",
        f".text = API_TEXT_{field.text_class}",
        f".prefix = {quoted(field.prefix)}",
        f".required = {str(field.required).lower()}", f".nullable = {str(field.nullable).lower()}",
        f".at = offsetof({struct}, {field.slot})",
        f".has_at = offsetof({struct}, has_{field.slot})",
        f".least = {least}", f".most = {most}",
        f".standard = {int(standard)}",
        f".choices = {choices}",
    ]
    return "    { " + ", ".join(parts) + " },\n"


def write_fields(out, operation):
    for field in operation.slots():
        if field.kind == "enum":
            choices = ", ".join(quoted(choice) for choice in field.schema["enum"])
            out.write(f"static const char *const choices_{operation.id}_{field.c_name}[] = {{ {choices}, NULL }};\n")
    if operation.fields:
        out.write(f"static const struct api_field fields_{operation.id}[] = {{\n")
        for field in operation.fields:
            out.write(field_row(operation, field))
        out.write("};\n")
        out.write(f"static int call_{operation.id}(struct api_call *call, const void *in)\n"
                  f"{{\n    return api_{operation.id}(call, in);\n}}\n\n")
    else:
        out.write(f"static int call_{operation.id}(struct api_call *call, const void *in)\n"
                  f"{{\n    (void)in;\n    return api_{operation.id}(call);\n}}\n\n")


def segment_rows(operation):
    rows = []
    for kind, value in operation.segments:
        text = value.name if kind == "param" else value
        prefix = value.prefix if kind == "param" else ""
        rows.append(f"{{ API_SEGMENT_{kind.upper()}, STR({quoted(text)}), {quoted(prefix)} }}")
    return ", ".join(rows)


def reply_parts(document, operation):
    """What a success has: a list as its data, and what stands beside it."""
    _, schema, kind = document.success(operation) if not operation.socket else (101, None, "none")
    members = document.resolve(schema)["properties"] if kind == "json" else {}
    is_list = "data" in members and document.resolve(members["data"])["type"] == "array"
    return [f".list = {str(is_list).lower()}"] + [f".{name} = {str(name in members).lower()}" for name in ("page", "kept")]


def route_row(document, operation):
    fields = f"fields_{operation.id}" if operation.fields else "NULL"
    size = f"sizeof(struct api_{operation.id}_in)" if operation.fields else "0"
    audit = "" if operation.audit == ["none"] else operation.audit[0]
    parts = [
        f".id = {quoted(operation.id)}", f".method = STR({quoted(operation.method)})",
        f".path = {quoted(operation.path)}",
        f".segments = {{ {segment_rows(operation)} }}", f".segment_count = {len(operation.segments)}",
        f".lane = HTTP_{operation.lane.split('_')[0].upper()}",
        f".may_stream = {str(operation.may_stream).lower()}", f".root = {str(operation.root).lower()}",
        f".socket = {str(operation.socket).lower()}",
        f".permission = {permissions.name_of(operation.permission)}", f".public = {str(operation.permission == 'public').lower()}",
        f".by_link = {str(operation.permission == 'link').lower()}",
        *reply_parts(document, operation),
        f".by_login = {str(operation.permission in document.raw['x-by-login']).lower()}",
        f".rate = API_RATE_{operation.rate.upper()}", f".audit = {quoted(audit)}",
        f".idempotent = {str(operation.idempotent).lower()}",
        f".body = API_BODY_{operation.body.upper()}", f".body_required = {str(operation.body_required).lower()}",
        f".min_properties = {operation.min_properties}",
        f".fields = {fields}", f".field_count = {len(operation.fields)}", f".in_size = {size}",
        f".call = call_{operation.id}",
    ]
    return "    {\n        " + ",\n        ".join(parts) + ",\n    },\n"


def write_source(out, document):
    out.write('/* Generated from spec/openapi.yaml. */\n#include <stddef.h>\n\n#include "api/api_int.h"\n\n')
    for operation in document.operations:
        write_fields(out, operation)
    out.write("const struct api_rate api_rates[API_RATE_COUNT] = {\n")
    for name, rate in document.raw["x-rates"].items():
        by_user = str(rate["by"] == "user").lower()
        out.write(f"    {{ {quoted(name)}, {rate['requests']}, {rate['seconds']}, {by_user} }},\n")
    out.write("};\n\nconst struct api_route api_routes[API_ROUTE_COUNT] = {\n")
    for operation in document.operations:
        out.write(route_row(document, operation))
    out.write("};\n")


def check(document):
    for name, roles in document.raw["x-permissions"].items():
        if set(roles) - set(ROLES):
            raise openapi_model.SpecError(f"x-permissions {name}: roles are {', '.join(ROLES)}")
    if not set(document.raw["x-by-login"]) <= set(document.raw["x-permissions"]):
        raise openapi_model.SpecError("x-by-login: names rows of x-permissions")
    for name, rate in document.raw["x-rates"].items():
        if rate["by"] not in ("user", "address"):
            raise openapi_model.SpecError(f"x-rates {name}: by is user or address")


def main(spec, header, source):
    document = openapi_model.load(spec)
    check(document)
    with open(header, "w", encoding="utf-8") as out:
        write_header(out, document)
    with open(source, "w", encoding="utf-8") as out:
        write_source(out, document)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except openapi_model.SpecError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
