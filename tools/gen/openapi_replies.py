#!/usr/bin/python3
"""openapi_replies.py SPEC RECORDS HEADER: the encoders of what the server says.

For each object that a success or a socket's message holds, a structure and a function for each member:
    struct reply_project o = reply_project_begin(w);
    reply_project_id(&o, id);
    reply_project_end(&o);
The functions take what the document says that the member is, and count it: a member that is misspelt or of another type does not
compile, and one that is missing, stands twice or is no word of its list ends the process in reply_end or where it is written
(src/base/reply.h). There is no structure to fill. x-record of a schema names the record of spec/records.yaml whose public
part, which is stored as JSON, stands in the object; reply_project_record copies it.

What the success of every call is (success, data, page, kept) is one encoder, reply_envelope.
"""

import json
import re
import sys

sys.dont_write_bytecode = True
import openapi_model  # noqa: E402
import yaml  # noqa: E402

MOST_MEMBERS = 64
ENVELOPE = {"success", "data", "page", "kept"}
PLAIN = {  # kind: (C type, statement that writes value)
    "string": ("struct str", "json_string(o->r.w, value);"),
    "boolean": ("bool", "json_bool(o->r.w, value);"),
    "time": ("usec_t", "reply_time(&o->r, value);"),
    "number": ("double", "json_double(o->r.w, value);"),
}
RECORD_KINDS = {"id": "string", "text": "string", "int": "integer", "bool": "boolean", "time": "time"}


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def name_of(raw, where):
    """The C name of the object that a reference leads to."""
    if "$ref" not in raw:
        raise openapi_model.SpecError(f"{where}: an object within a reply is one of components/schemas")
    return snake(raw["$ref"].rsplit("/", 1)[1])


class Member:
    """One member of an object: its name, its number and what it may be."""

    def __init__(self, document, where, name, raw, bit):
        self.name, self.bit = name, bit
        self.where = f"{where}.{name}"
        self.node = document.resolve(raw)
        self.kind = self._kind()
        self.inner = name_of(raw, self.where) if self.kind == "object" else None
        self.item = None
        if self.kind == "array":
            self.item = Member(document, where, name, self.node["items"], bit)
            if self.item.kind not in ("object", "string", "word"):
                raise openapi_model.SpecError(f"{self.where}: an array of {self.item.kind} is not written")

    def _kind(self):
        kind = self.node.get("type")
        if not self.node:
            return "any"
        if kind == ["string", "null"]:
            return "nullable"
        if kind == openapi_model.SCALAR:
            return "scalar"
        if "const" in self.node:
            if self.node["const"] not in (True, False):
                raise openapi_model.SpecError(f"{self.where}: a constant is true or false")
            return "constant"
        if "enum" in self.node:
            return "word"
        if kind == "string" and self.node.get("format") == "date-time":
            return "time"
        if kind in ("string", "integer", "boolean", "number", "array", "object"):
            return kind
        raise openapi_model.SpecError(f"{self.where}: a reply's member of type {kind} cannot be written")

    def bounds(self):
        return self.node.get("minimum", "INT64_MIN"), self.node.get("maximum", "INT64_MAX")


class Shape:
    """One object."""

    def __init__(self, document, name, schema):
        self.name, self.schema = name, schema
        if schema.get("additionalProperties") is not False:
            raise openapi_model.SpecError(f"{name}: a reply wants additionalProperties: false")
        if len(schema["properties"]) > MOST_MEMBERS:
            raise openapi_model.SpecError(f"{name}: more than {MOST_MEMBERS} members")
        self.members = [Member(document, name, key, raw, bit)
                        for bit, (key, raw) in enumerate(schema["properties"].items())]
        self.by_name = {member.name: member for member in self.members}
        self.required = set(schema.get("required", []))
        if not self.required <= set(self.by_name):
            raise openapi_model.SpecError(f"{name}: requires a member that it has not")
        self.record = schema.get("x-record")
        self.is_whole = False  # whether its record is all that it requires: write_record says so

    def mask(self, names):
        return hex(sum(1 << self.by_name[name].bit for name in names))

    def b64_of(self, member):
        """The member that says the bytes of a path, when this one may not be able to."""
        return self.by_name.get(member.name + "_b64")

    def is_b64(self, member):
        return member.name.endswith("_b64") and member.name[:-4] in self.by_name


# ---- What is there to write ----


def replies(document, first="2"):
    """(operation, schema) of all successes, or what a socket (1) says, that are JSON."""
    for operation in document.operations:
        for status, raw in operation.node["responses"].items():
            content = document.resolve(raw).get("content", {})
            if status.startswith(first) and "application/json" in content:
                yield operation, content["application/json"]["schema"]


def envelope_of(document):
    """One schema for what all successes have around their data."""
    properties = {"data": {}}
    for operation, raw in replies(document):
        schema = document.resolve(raw)
        if not {"success", "data"} <= set(schema["required"]) == set(schema["properties"]) <= ENVELOPE:
            raise openapi_model.SpecError(f"{operation.id}: a reply is success, data and, of a list, page and kept, all required")
        for name, node in schema["properties"].items():
            if name != "data" and properties.setdefault(name, node) != node:
                raise openapi_model.SpecError(f"{operation.id}: {name} is another one elsewhere")
    return {"type": "object", "additionalProperties": False, "required": ["success", "data"], "properties": properties}


def collect(document):
    """{name: Shape}, what is within another one before it."""
    shapes = {}

    def add(raw, where):
        node = document.resolve(raw)
        if node.get("type") == "array":
            add(node["items"], where)
        elif node.get("type") == "object":
            name = name_of(raw, where)
            if name not in shapes:
                shapes[name] = None
                add_members(node, name)
                shapes.pop(name)
                shapes[name] = Shape(document, name, node)

    def add_members(node, name):
        for key, member in node["properties"].items():
            add(member, f"{name}.{key}")

    for operation, schema in replies(document):
        add(document.resolve(schema)["properties"]["data"], operation.id)
    for operation, schema in replies(document, "1"):
        add(schema, operation.id)
    envelope = envelope_of(document)
    add_members(envelope, "envelope")
    if "envelope" in shapes:
        raise openapi_model.SpecError("Envelope: the name is taken")
    shapes["envelope"] = Shape(document, "envelope", envelope)
    return shapes


# ---- Records ----


def same_enum(records, words):
    """The enum of spec/records.yaml that has exactly these words."""
    return next((name for name, list_ in records["enums"].items() if list_ == words), None)


def fits(records, field, member):
    """Whether each value of the record's field is one that the document allows."""
    kind = field["type"]
    if kind == "enum":
        return member.kind == "word" and set(records["enums"][field["of"]]) <= set(member.node["enum"])
    if member.kind != RECORD_KINDS[kind]:
        return False
    if kind == "int":
        least = max(field["min"], 1) if field.get("optional") and field["min"] == 0 else field["min"]
        return member.node.get("minimum", least) <= least and field["max"] <= member.node.get("maximum", field["max"])
    prefix = openapi_model.ID_PATTERN.fullmatch(member.node.get("pattern", ""))
    return kind != "id" or not prefix or prefix.group(1) == field["prefix"]


def record_members(records, shape):
    """(names that are always there, fields that are there when set, fields that must not be set) of the shape's record."""
    record = next((row for row in records["records"] if row["name"] == shape.record), None)
    if record is None:
        raise openapi_model.SpecError(f"{shape.name}: x-record {shape.record} is none of spec/records.yaml")
    always, maybe, never = [], [], []
    for field in record["fields"]:
        name = field["name"]
        if field.get("private"):
            continue
        if name not in shape.by_name:
            if not field.get("optional"):
                raise openapi_model.SpecError(f"{shape.name}: {name} of the record is not described")
            never.append(field)
            continue
        if not fits(records, field, shape.by_name[name]):
            raise openapi_model.SpecError(f"{shape.name}.{name}: is something else in the record")
        if field.get("optional") and name in shape.required:
            maybe.append(field)
        else:
            always.append(name)
    return always, maybe, never


def absent(field):
    return field["name"] + (".n == 0" if field["type"] in ("id", "text") else " == 0")


def write_record(out, records, shape):
    """What the stored values decide is asserted in tests alone: two requests at once may make a record that is shown just now another."""
    always, maybe, never = record_members(records, shape)
    has = shape.mask(always)
    for field in maybe:
        bit = shape.mask([field["name"]])
        has += f" | (CODITECT_PARANOID && record->{absent(field)} ? 0 : {bit})"
    out.write(f"static inline void reply_{shape.name}_record(struct reply_{shape.name} *o, const struct data_{shape.record} *record)\n{{\n")
    for field in never:
        out.write(f"    ASSERT(!CODITECT_PARANOID || record->{absent(field)});\n")
    out.write(f"    reply_members(&o->r, {has}, record->reply);\n}}\n")
    shape.is_whole = shape.required <= set(always) | {field["name"] for field in maybe}
    if shape.is_whole:
        out.write(f"static inline void reply_{shape.name}_whole(struct json_writer *w, const struct data_{shape.record} *record)\n"
                  f"{{\n    struct reply_{shape.name} o = reply_{shape.name}_begin(w);\n"
                  f"    reply_{shape.name}_record(&o, record);\n    reply_{shape.name}_end(&o);\n}}\n")


# ---- C ----


def quoted(text):
    return json.dumps(text, ensure_ascii=True)


def c_name(member):
    return f"STR({quoted(',' + quoted(member.name) + ':')})"


def function(out, shape, name, parameter, body, result="void "):
    extra = f", {parameter}" if parameter else ""
    lines = "".join(f"    {line}\n" for line in body)
    out.write(f"static inline {result}reply_{shape.name}_{name}(struct reply_{shape.name} *o{extra})\n{{\n{lines}}}\n")


def word_writer(records, member):
    """(parameter, lines) of one word of a list."""
    words = member.node["enum"]
    enum = same_enum(records, words)
    if enum:
        return f"enum data_{enum} value", [f"json_string(o->r.w, str_from(data_{enum}_name(value)));"]
    listed = ", ".join(quoted(word) for word in words)
    return "const char *value", [f"static const char *const words[] = {{{listed}, NULL}};", "reply_word(&o->r, value, words);"]


def value_writer(records, member):
    """(parameter, lines) that write a value of a kind that is no container."""
    if member.kind == "word":
        return word_writer(records, member)
    if member.kind == "integer":
        least, most = member.bounds()
        return "int64_t value", [f"reply_integer(&o->r, value, {least}, {most});"]
    if member.kind == "constant":
        return "", [f"json_bool(o->r.w, {str(member.node['const']).lower()});"]
    c_type, line = PLAIN[member.kind]
    return f"{c_type} value", [line]


def object_begin(name):
    return [f"return reply_{name}_begin(o->r.w);"]


def write_array(out, records, shape, member):
    named = f"reply_name(&o->r, {member.bit}, {c_name(member)});"
    function(out, shape, member.name, "", [named, "json_array(o->r.w);"])
    check = "reply_element(&o->r);"
    if member.item.kind == "object":
        inner = member.item.inner
        function(out, shape, member.name + "_item", "", [check, *object_begin(inner)], f"struct reply_{inner} ")
    else:
        parameter, lines = value_writer(records, member.item)
        function(out, shape, member.name + "_item", parameter, [*lines[:-1], check, lines[-1]])
    function(out, shape, member.name + "_end", "", ["reply_array_end(&o->r);"])


def write_member(out, records, shapes, shape, member):
    named = f"reply_name(&o->r, {member.bit}, {c_name(member)});"
    b64 = shape.b64_of(member)
    if member.kind == "array":
        write_array(out, records, shape, member)
    elif member.kind == "object":
        function(out, shape, member.name, "", [named, *object_begin(member.inner)], f"struct reply_{member.inner} ")
        whole = shapes[member.inner]
        if whole.is_whole:
            function(out, shape, member.name + "_whole", f"const struct data_{whole.record} *record",
                     [named, f"reply_{whole.name}_whole(o->r.w, record);"])
    elif b64:
        function(out, shape, member.name, "struct str path", [
            f"static const unsigned bits[] = {{{member.bit}, {b64.bit}}};",
            f"const struct str names[] = {{{c_name(member)}, {c_name(b64)}}};",
            "reply_path(&o->r, bits, names, path);"])
    elif member.kind == "nullable":
        function(out, shape, member.name, "struct str value", [named, "json_string(o->r.w, value);"])
        function(out, shape, member.name + "_null", "", [named, "json_null(o->r.w);"])
    elif member.kind == "any":
        function(out, shape, member.name, "", [named, "return o->r.w;"], "struct json_writer *")
    elif member.kind == "scalar":  # JSON already, which the name of the function says
        function(out, shape, member.name + "_json", "struct str value", [named, "json_raw(o->r.w, value);"])
    else:
        parameter, lines = value_writer(records, member)
        function(out, shape, member.name, parameter, [*lines[:-1], named, lines[-1]])


def write_shape(out, records, shapes, shape):
    name = shape.name
    out.write(f"\n/* {name} */\nstruct reply_{name} {{\n    struct reply r;\n}};\n")
    out.write(f"static inline struct reply_{name} reply_{name}_begin(struct json_writer *w)\n"
              f"{{\n    return (struct reply_{name}){{reply_begin(w)}};\n}}\n")
    for member in shape.members:
        if not shape.is_b64(member):
            write_member(out, records, shapes, shape, member)
    function(out, shape, "end", "", [f"reply_end(&o->r, {shape.mask(shape.required)});"])
    if shape.record:
        write_record(out, records, shape)


def check_functions(shapes):
    """No two functions may have one name: Link.url_end and the end of an array Link.url."""
    seen = {}
    for shape in shapes.values():
        ends = ["begin", "end"] + (["record", "whole"] if shape.record else [])
        for member in shape.members:
            ends.append(member.name)
            ends += {"array": [member.name + "_item", member.name + "_end"], "nullable": [member.name + "_null"],
                     "scalar": [member.name + "_json"], "object": [member.name + "_whole"]}.get(member.kind, [])
        for end in ends:
            name = f"{shape.name}_{end}"
            if seen.setdefault(name, shape.name) != shape.name or ends.count(end) > 1:
                raise openapi_model.SpecError(f"{shape.name}: reply_{name} would stand twice")


def write_header(out, document, records):
    shapes = collect(document)
    check_functions(shapes)
    out.write("/* Generated from spec/openapi.yaml and spec/records.yaml: see tools/gen/openapi_replies.py. */\n"
              "#ifndef REPLIES_GEN_H\n#define REPLIES_GEN_H\n\n"
              '#include "base/assert.h"\n#include "base/reply.h"\n#include "records.gen.h"\n')
    for shape in shapes.values():
        write_shape(out, records, shapes, shape)
    out.write("\n#endif\n")


def main(spec, records_path, header):
    document = openapi_model.load(spec)
    with open(records_path, encoding="utf-8") as file:
        records = yaml.safe_load(file)
    with open(header, "w", encoding="utf-8") as out:
        write_header(out, document, records)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except openapi_model.SpecError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
