#!/usr/bin/python3
"""openapi_schema.py SPEC OUT.json: what the tests hold each reply against.

{"$defs": all schemas,
 "operations": [{id, method, path, segments, root, public, by_link, permission, roles, by_login, audit, parameters: [{name, in, schema}], body, replies: {status: schema | "bytes" | null}, examples}]}
Schemas are JSON Schema 2020-12; their references lead into "$defs".
"""

import json
import sys

sys.dont_write_bytecode = True
import openapi_model  # noqa: E402


def convert(node):
    """References into $defs; x-one-of in JSON Schema's own words; our other x- words are left out."""
    if isinstance(node, list):
        return [convert(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for key, value in node.items():
        if key == "$ref":
            result[key] = value.replace("#/components/schemas/", "#/$defs/")
        elif key == "x-one-of":
            result["allOf"] = [{"oneOf": [{"required": [name]} for name in group]} for group in value]
        elif not key.startswith("x-"):
            result[key] = convert(value)
    return result


def replies(document, operation):
    result = {}
    for status, raw in operation.node["responses"].items():
        content = document.resolve(raw).get("content", {})
        if "application/json" in content:
            result[status] = convert(content["application/json"]["schema"])
        else:
            result[status] = "bytes" if content else None
    return result


def examples(document, operation):
    """[{schema, value}]: every example with what it must satisfy."""
    media = [document.resolve(raw).get("content", {}) for raw in operation.node["responses"].values()]
    media.append(operation.node.get("requestBody", {}).get("content", {}))
    rows = [content["application/json"] for content in media if "application/json" in content]
    return [{"schema": convert(row["schema"]), "value": row["example"]} for row in rows if "example" in row]


def parameters(document, operation):
    rows = [document.resolve(raw) for raw in operation.node["parameters"]]
    return [{"name": row["name"], "in": row["in"], "schema": convert(document.deep(row["schema"]))} for row in rows]


def segments(operation):
    return [{"kind": kind, "text": value.name if kind == "param" else value} for kind, value in operation.segments]


def main(spec, target):
    document = openapi_model.load(spec)
    operations = [
        {
            "id": operation.id, "method": operation.method, "path": operation.path,
            "segments": segments(operation), "root": operation.root, "public": operation.permission == "public", "by_link": operation.permission == "link",
            "permission": operation.permission, "roles": document.raw["x-permissions"][operation.permission],
            "by_login": operation.permission in document.raw["x-by-login"], "audit": operation.audit,
            "lane": operation.lane, "rate": {"name": operation.rate, **document.raw["x-rates"][operation.rate]},
            "parameters": parameters(document, operation),
            "body": convert(operation.body_schema) if operation.body_schema else operation.body,
            "replies": replies(document, operation), "examples": examples(document, operation),
        }
        for operation in document.operations
    ]
    with open(target, "w", encoding="utf-8") as out:
        json.dump({"$defs": convert(document.raw["components"]["schemas"]), "operations": operations}, out, indent=1)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except openapi_model.SpecError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
