#!/usr/bin/python3
"""openapi_docs.py SPEC ERRORS OUT.json OPENAPI.json: the API for the page /docs/api (web/src/pages/reference.tsx), with nothing left to
look up; and for tools the document itself, as JSON: YAML's anchors and merged keys are not everybody's.

{"title", "version", "base", "about", "groups": [{"name", "about", "operations": [
  {"id", "method", "path", "summary", "about"?, "permission", "roles", "rate"?, "audit"?, "socket"?,
   "fields": [{"name", "in", "required", "type", "about"?, "rest"?}], "body": "none" | "json" | "bytes", "example"?,
   "replies": [{"status", "about", "fields": [{"name", "required", "type", "about"?}], "example"?}]}]}],
 "errors": [{"code", "status", "retry", "text"}]}
"""

import json
import sys

sys.dont_write_bytecode = True
import openapi_model  # noqa: E402
import yaml  # noqa: E402

DEEPEST = 4


def bounds(node):
    least, most = node.get("minLength"), node.get("maxLength")
    if most is not None:
        return f"{least or 0} to {most} characters" if least else f"at most {most} characters"
    least, most = node.get("minimum"), node.get("maximum")
    if least is not None and most is not None:
        return f"{least} to {most}"
    return f"at least {least}" if least is not None else ""


def type_of(document, node):
    node = document.resolve(node)
    if "const" in node:
        return json.dumps(node["const"])
    if "enum" in node:
        return " | ".join(json.dumps(value) for value in node["enum"])
    if "oneOf" in node or "anyOf" in node:
        return " | ".join(type_of(document, one) for one in node.get("oneOf", node.get("anyOf")))
    kind = node.get("type", "any value")
    if isinstance(kind, list):
        return " | ".join(kind)
    if kind == "array":
        return f"list of {type_of(document, node['items'])}"
    words = [kind, bounds(node)] + ([f"default {json.dumps(node['default'])}"] if "default" in node else [])
    return ", ".join(word for word in words if word)


def inner(document, node):
    """(suffix of the name, schema) of what has members of its own; None: nothing has."""
    node = document.resolve(node)
    if node.get("type") == "array":
        node = document.resolve(node["items"])
        return ("[]", node) if "properties" in node else None
    return ("", node) if "properties" in node else None


def members(document, node, prefix="", depth=0):
    rows = []
    for name, raw in document.resolve(node).get("properties", {}).items():
        within = inner(document, raw)
        row = {"name": prefix + name, "required": name in document.resolve(node).get("required", [])}
        row["type"] = ("list of objects" if within[0] else "object") if within else type_of(document, raw)
        about = raw.get("description") or document.resolve(raw).get("description")
        rows.append(row | ({"about": about} if about else {}))
        if within and depth < DEEPEST:
            rows += members(document, within[1], f"{prefix}{name}{within[0]}.", depth + 1)
    return rows


def parameters(document, operation):
    rows = []
    for raw in operation.node["parameters"]:
        parameter = document.resolve(raw)
        row = {
            "name": parameter["name"], "in": parameter["in"], "required": parameter.get("required", False),
            "type": type_of(document, parameter["schema"]),
        }
        if "description" in parameter:
            row["about"] = parameter["description"]
        rows.append(row | ({"rest": True} if parameter.get("x-path-rest") else {}))
    return rows


def reply(document, status, raw):
    response = document.resolve(raw)
    row = {"status": status, "about": response["description"], "fields": []}
    media = response.get("content", {}).get("application/json")
    if media:
        row["fields"] = members(document, media["schema"])
        if "example" in media:
            row["example"] = media["example"]
    return row


def rate_words(rates, name):
    rate = rates[name]
    return f"{rate['requests']} requests in {rate['seconds']} s for each {rate['by']}" if rate["requests"] else None


def describe(document, operation):
    media = operation.node.get("requestBody", {}).get("content", {}).get("application/json", {})
    fields = parameters(document, operation)
    if media:
        fields += [row | {"in": "body"} for row in members(document, media["schema"])]
    row = {
        "id": operation.id, "method": operation.method, "path": operation.path, "summary": operation.node["summary"],
        "about": operation.node.get("description"), "permission": operation.permission,
        "roles": document.raw["x-permissions"][operation.permission],
        "rate": rate_words(document.raw["x-rates"], operation.rate),
        "audit": None if operation.audit == ["none"] else operation.audit,
        "socket": operation.socket or None, "fields": fields, "body": operation.body, "example": media.get("example"),
        "replies": [reply(document, status, raw) for status, raw in operation.node["responses"].items()],
    }
    return {name: value for name, value in row.items() if value is not None}


def main(spec, errors, target, whole):
    document = openapi_model.load(spec)
    info = document.raw["info"]
    groups = [
        {"name": tag["name"], "about": tag["description"],
         "operations": [describe(document, one) for one in document.operations if one.node["tags"][0] == tag["name"]]}
        for tag in document.raw["tags"]
    ]
    named = sum(len(group["operations"]) for group in groups)
    if named != len(document.operations):
        raise openapi_model.SpecError("an operation has a tag that `tags` does not list")
    result = {
        "title": info["title"], "version": info["version"], "base": document.raw["servers"][0]["url"],
        "about": info["description"], "groups": [group for group in groups if group["operations"]],
        "errors": [
            {"code": row["code"].lower(), "status": row["status"], "retry": row["retry"], "text": row["text"]}
            for row in yaml.safe_load(open(errors, encoding="utf-8"))
        ],
    }
    with open(target, "w", encoding="utf-8") as out:
        json.dump(result, out, ensure_ascii=False)
    with open(whole, "w", encoding="utf-8") as out:
        json.dump(document.raw, out, ensure_ascii=False)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except openapi_model.SpecError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
