#!/usr/bin/python3
"""openapi_ts.py SPEC OUT.ts: the types of the API and a small typed client for the browser (and node 20).

Each operation becomes a function of the client that takes one object (path and query parameters and headers in
camelCase, `body`, `signal`) and resolves to the reply's `data`; of a list to `{data, page}`; of a file's bytes to the
Response. A reply that has another form, too (FORMS), has a second function for it, such as `{name}Lines`, that resolves to the
Response. A failure is thrown as ApiError. `limitsOf{Schema}` are the bounds of the texts of each body, for the forms,
`numbersOf{Schema}` those of its numbers; `permissions` which roles may what; `auditActions` what the audit log calls the changes. What
has a socket (x-socket) has its types here, and no function.
"""

import json
import re
import sys

sys.dont_write_bytecode = True
import openapi_model  # noqa: E402

RUNTIME = '''
/** JSON's word for taking a value away; our own code says undefined. */
export const NONE = null;

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly requestId: string;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined;

  constructor(status: number, error: Failure["error"], retryAfter?: number) {
    super(error.message);
    this.name = "ApiError";
    this.status = status;
    this.code = error.code;
    this.fields = error.fields ?? {};
    this.requestId = error.request_id;
    this.retryAfter = retryAfter;
  }
}

export interface ClientOptions {
  /** Where the API is; default "/api/v5". */
  readonly base?: string;
  /** The access token to send, if there is one. */
  readonly token?: () => string | undefined;
  /** Whether the token's time is over, or nearly: it is renewed before a request, instead of being refused. */
  readonly isStale?: () => boolean;
  /** Called before a request, and once for one refused for its token; true: there is a new token; false: the login is over. */
  readonly renew?: () => Promise<boolean>;
  readonly fetch?: typeof globalThis.fetch;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly json?: unknown;
  readonly bytes?: BodyInit;
  readonly signal?: AbortSignal;
  /** A 401 is the answer and not a stale token. */
  readonly open?: boolean;
}

/** Of a file or folder; as bytes when they are no UTF-8, which no string can hold. */
export type FilePath = string | Uint8Array;

/** Percent-encodes each segment of a path, not the slashes between them. */
export function encodePath(path: FilePath): string {
  if (typeof path === "string") return path.split("/").map(encodeURIComponent).join("/");
  return Array.from(path, (byte) => (byte < 128 ? encodePath(String.fromCharCode(byte)) : `%${byte.toString(16).toUpperCase()}`)).join("");
}

function address(base: string, call: Call): string {
  const pairs = Object.entries(call.query ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`);
  return base + call.path + (pairs.length > 0 ? `?${pairs.join("&")}` : "");
}

function headersOf(call: Call, token: string | undefined): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(call.headers ?? {})) {
    if (value !== undefined) headers.set(name, value);
  }
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  if (call.json !== undefined) headers.set("Content-Type", "application/json");
  else if (call.bytes !== undefined) headers.set("Content-Type", "application/octet-stream");
  return headers;
}

async function failureOf(response: Response): Promise<ApiError> {
  const after = Number(response.headers.get("Retry-After") ?? Number.NaN);
  const retryAfter = Number.isFinite(after) ? after : undefined;
  const requestId = response.headers.get("X-Request-Id") ?? "";
  try {
    const failure = (await response.json()) as Failure;
    if (failure.success === false) return new ApiError(response.status, failure.error, retryAfter);
  } catch {
    // Not our envelope: something between us and the server answered.
  }
  const error = { code: "bad_gateway", message: `The server answered ${response.status}.`, request_id: requestId };
  return new ApiError(response.status, error, retryAfter);
}

const loginOver = (requestId: string): ApiError =>
  new ApiError(401, { code: "unauthenticated", message: "Log in again.", request_id: requestId });

/**
 * Rejects when the login is over. Resolves to what kept anybody from knowing, else undefined: that is no reason to wait, since the
 * token may be taken still.
 */
async function renewEarly(options: ClientOptions): Promise<unknown> {
  if (options.renew === undefined || options.isStale?.() !== true) return undefined;
  const renewal = await options.renew().then((renewed) => ({ renewed, failure: undefined }), (failure: unknown) => ({ renewed: true, failure }));
  if (!renewal.renewed) throw loginOver("");
  return renewal.failure;
}

async function send(options: ClientOptions, call: Call): Promise<Response> {
  const request = async (): Promise<Response> => {
    const body = call.json !== undefined ? JSON.stringify(call.json) : call.bytes;
    return (options.fetch ?? globalThis.fetch)(address(options.base ?? "/api/v5", call), {
      method: call.method,
      headers: headersOf(call, options.token?.()),
      ...(body !== undefined ? { body } : {}),
      ...(call.signal !== undefined ? { signal: call.signal } : {}),
      credentials: "same-origin",
    });
  };
  const unanswered = call.open === true ? undefined : await renewEarly(options);
  let response = await request();
  if (response.ok || response.status === 304) return response;
  const failure = await failureOf(response);
  // A wrong password is 401 too, but no new token would change that.
  const stale = ["unauthenticated", "expired"].includes(failure.code) && call.open !== true;
  if (!stale || options.renew === undefined) throw failure;
  if (unanswered !== undefined) throw unanswered; // it was asked for this call: not twice
  if (!(await options.renew())) throw loginOver(failure.requestId);
  response = await request();
  if (!response.ok && response.status !== 304) throw await failureOf(response);
  return response;
}
'''


# Other forms that a reply can have: what the name of their function ends with.
FORMS = {"application/x-ndjson": "Lines", "text/x-diff": "Text"}


def literal(value):
    return json.dumps(value)


def doc(text, indent=""):
    text = " ".join((text or "").split()).replace("*/", "*\\/")
    return f"{indent}/** {text} */\n" if text else ""


def ts_type(node, indent=""):
    """The TypeScript type of a schema."""
    if "$ref" in node:
        return node["$ref"].rsplit("/", 1)[1]
    if "const" in node:
        return literal(node["const"])
    if "enum" in node:
        return " | ".join(literal(choice) for choice in node["enum"])
    kind = node.get("type")
    if isinstance(kind, list):
        return " | ".join(ts_type(dict(node, type=one), indent) for one in kind)
    if kind == "array":
        return f"ReadonlyArray<{ts_type(node['items'], indent)}>"
    if kind == "object":
        return ts_object(node, indent)
    return {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}[kind]


def ts_object(node, indent):
    if "properties" not in node:
        extra = node.get("additionalProperties")
        return f"Readonly<Record<string, {ts_type(extra, indent) if isinstance(extra, dict) else 'never'}>>"
    required = set(node.get("required", []))
    lines = ["{\n"]
    for name, member in node["properties"].items():
        lines.append(doc(member.get("description"), indent + "  "))
        mark = "" if name in required else "?"
        lines.append(f"{indent}  readonly {name}{mark}: {ts_type(member, indent + '  ')};\n")
    lines.append(indent + "}")
    return "".join(lines)


def write_types(out, document):
    for name, node in document.raw["components"]["schemas"].items():
        out.write("\n" + doc(node.get("description")))
        if node.get("type") == "object" and "properties" in node:
            out.write(f"export interface {name} {ts_object(node, '')}\n")
        else:
            out.write(f"export type {name} = {ts_type(node)};\n")


def text_limits(operation):
    """The bounds that src/api/decode.c holds the texts of a body against, by name."""
    rows = {}
    for field in operation.fields:
        if field.source == "body" and field.kind == "string" and field.text_class in ("ANY", "LINE", "EMAIL"):
            least, most = field.bounds()
            rows[field.name] = {"least": least, "most": most, "kind": field.text_class.lower(), "isRequired": field.required}
    return rows


def write_limits(out, document):
    out.write("""
/** What a text may be: its length in code points, and what is in it. */
export interface TextLimits {
  readonly least: number;
  readonly most: number;
  readonly kind: "any" | "line" | "email";
  readonly isRequired: boolean;
}
""")
    done = set()
    for operation in document.operations:
        rows = text_limits(operation) if operation.body == "json" else {}
        name = operation.body_schema["$ref"].rsplit("/", 1)[1] if rows and "$ref" in operation.body_schema else ""
        if name and name not in done:
            done.add(name)
            inner = ", ".join(f"{field}: {literal(bounds)}" for field, bounds in rows.items())
            out.write(f"export const limitsOf{name} = {{ {inner} }} as const satisfies Readonly<Record<string, TextLimits>>;\n")


def write_numbers(out, document):
    out.write("""
/** What a whole number may be, and what it is when nothing is said. */
export interface NumberLimits {
  readonly least: number;
  readonly most: number;
  readonly usual: number;
}
""")
    done = set()
    for operation in document.operations:
        name = operation.body_schema["$ref"].rsplit("/", 1)[1] if operation.body == "json" and "$ref" in operation.body_schema else ""
        rows = {field.name: {"least": field.schema["minimum"], "most": field.schema["maximum"], "usual": field.schema["default"]}
                for field in operation.fields if field.source == "body" and "default" in field.schema and "maximum" in field.schema}
        if rows and name and name not in done:
            done.add(name)
            inner = ", ".join(f"{field}: {literal(bounds)}" for field, bounds in rows.items())
            out.write(f"export const numbersOf{name} = {{ {inner} }} as const satisfies Readonly<Record<string, NumberLimits>>;\n")


def write_permissions(out, document):
    out.write("\n/** Which roles may what. */\n")
    rows = ",\n".join(f"  {literal(name)}: {literal(roles)}" for name, roles in document.raw["x-permissions"].items())
    out.write(f"export const permissions = {{\n{rows},\n}} as const;\n")


def write_actions(out, document):
    actions = sorted({name for operation in document.operations for name in operation.audit} - {"none", "history"})
    out.write("\n/** What changes are called in the audit log. */\n")
    out.write(f"export const auditActions = {literal(actions)} as const;\n")


def argument_rows(operation):
    rows = []
    for field in operation.fields:
        if field.source == "body":
            continue
        mark = "" if field.required else "?"
        kind = "FilePath" if field.is_rest else ts_type(field.schema)
        rows.append(f"readonly {openapi_model.camel(field.name)}{mark}: {kind}")
    if operation.body == "json":
        mark = "" if operation.body_required else "?"
        rows.append(f"readonly body{mark}: {ts_type(operation.body_schema)}")
    elif operation.body == "bytes":
        rows.append("readonly body: BodyInit")
    rows.append("readonly signal?: AbortSignal")
    return rows


def reply_names(operation):
    """The schemas of all successes: a call may be done at once, or later."""
    names = []
    for status, raw in operation.node["responses"].items():
        schema = raw.get("content", {}).get("application/json", {}).get("schema", {}) if status.startswith("2") else {}
        if "$ref" in schema:
            names.append(schema["$ref"].rsplit("/", 1)[1])
    return list(dict.fromkeys(names))


def result_type(document, operation):
    """(type, expression made of response)"""
    _, schema, kind = document.success(operation)
    if kind == "bytes":
        return "Response", "response"
    reply = document.resolve(schema)
    name = schema["$ref"].rsplit("/", 1)[1]
    if "page" in reply["properties"]:
        return f'Omit<{name}, "success">', f"(await response.json()) as {name}"
    replies = reply_names(operation) or [name]
    types = [ts_type(document.resolve({"$ref": f"#/components/schemas/{one}"})["properties"]["data"], "  ") for one in replies]
    return " | ".join(types), f"((await response.json()) as {' | '.join(replies)}).data"


def path_expression(operation):
    parts = []
    for kind, value in operation.segments:
        if kind == "literal":
            parts.append(value)
        elif kind == "param":
            parts.append("${encodeURIComponent(args." + openapi_model.camel(value.name) + ")}")
        else:
            rest = re.search(r"\{([a-z_]+)\}(:[a-z]+)?$", operation.path)
            parts.append("${encodePath(args." + openapi_model.camel(rest.group(1)) + ")}" + value)
    return "`/" + "/".join(parts) + "`"


def members(operation, source):
    return [field for field in operation.fields if field.source == source]


def call_lines(operation):
    lines = [f"method: {literal(operation.method)}", f"path: {path_expression(operation)}"]
    for source, key in (("query", "query"), ("header", "headers")):
        fields = members(operation, source)
        if fields:
            inner = ", ".join(f"{literal(field.name)}: args.{openapi_model.camel(field.name)}" for field in fields)
            lines.append(f"{key}: {{ {inner} }}")
    if operation.body == "json":
        lines.append("json: args.body")
    elif operation.body == "bytes":
        lines.append("bytes: args.body")
    if operation.permission == "public":
        lines.append("open: true")
    lines.append("signal: args.signal")
    return lines


def other_forms(operation):
    content = operation.node["responses"].get("200", {}).get("content", {})
    return [form for form in FORMS if form in content]


def write_function(out, operation, name, result, lines):
    """result: (type, expression made of response)"""
    rows = argument_rows(operation)
    optional = all("?:" in row for row in rows)
    arguments = "{ " + "; ".join(rows) + " }"
    out.write(doc(operation.node.get("summary"), "    "))
    out.write(f"    async {name}(args: {arguments}{' = {}' if optional else ''}): Promise<{result[0]}> {{\n")
    out.write("      const response = await send(options, {\n")
    for line in lines:
        if line == "signal: args.signal":
            line = "...(args.signal !== undefined ? { signal: args.signal } : {})"
        out.write(f"        {line},\n")
    out.write(f"      }});\n      return {result[1]};\n    }},\n")


def write_client(out, document):
    out.write("\nexport type Client = ReturnType<typeof createClient>;\n")
    out.write("\nexport function createClient(options: ClientOptions = {}) {\n  return {\n")
    for operation in document.calls():
        name = openapi_model.camel(operation.id)
        write_function(out, operation, name, result_type(document, operation), call_lines(operation))
        for form in other_forms(operation):
            lines = [*call_lines(operation), f'headers: {{ "Accept": {literal(form)} }}']
            write_function(out, operation, name + FORMS[form], ("Response", "response"), lines)
    out.write("  };\n}\n")


def main(spec, target):
    document = openapi_model.load(spec)
    with open(target, "w", encoding="utf-8") as out:
        out.write("// Generated from spec/openapi.yaml.\n")
        write_types(out, document)
        write_limits(out, document)
        write_numbers(out, document)
        write_permissions(out, document)
        write_actions(out, document)
        out.write(RUNTIME)
        write_client(out, document)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except openapi_model.SpecError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
