"""The routes of spec/openapi.yaml, checked and in a form that the generators openapi_*.py share.

Whatever the C side could not keep (a pattern it does not know, a body without bounds, two routes that match the same
address) ends the build here with a sentence that names the place.
"""

import copy
import re

import yaml

METHODS = ("get", "put", "post", "delete")
LANES = {
    "inline": "inline", "read": "read", "scan": "scan", "work": "work", "hash": "hash",
    "stream": "stream", "outside": "outside",
    "work_or_stream": "work",
}

# Patterns that src/api/decode.c knows: regular expression -> name of its class. {prefix} marks ids.
PATTERNS = {
    r"^[^\u0000-\u001f\u007f]*$": "LINE",
    r"^[A-Za-z0-9_-]*$": "TOKEN",
    r"^[A-Za-z0-9._-]*$": "DOTTED",
}
ID_PATTERN = re.compile(re.escape("^@-[0-9a-hjkmnp-tv-z]{26}$").replace("@", "([a-z]{3})"))
FORMATS = {"email": "EMAIL", "path": "PATH"}
MAX_STRING = 1 << 16
SCALAR = ["string", "integer", "boolean"]  # of a body: any of them, which the handler holds against its own bounds


class SpecError(Exception):
    """The document says something that the product could not do."""


class Field:
    """One value that a request carries: a parameter or a member of the body."""

    def __init__(self, name, source, required, schema):
        self.name = name
        self.source = source  # path, query, header, body
        self.required = required
        self.schema = schema
        self.nullable = source == "body" and "null" in schema.get("type", "")
        self.kind = kind_of(name, schema, self.nullable)
        self.text_class, self.prefix = "ANY", ""
        self.slot = self.c_name = name.lower().replace("-", "_")
        if self.kind == "string":
            self._bound_string()
        elif self.kind == "integer":
            for bound in ("minimum", "maximum"):
                if bound not in schema:
                    raise SpecError(f"{name}: an integer wants {bound}")

    def _bound_string(self):
        schema = self.schema
        pattern = schema.get("pattern")
        match = ID_PATTERN.fullmatch(pattern or "")
        if match:
            self.text_class, self.prefix = "ID", match.group(1)
            return
        if not 0 < schema.get("maxLength", 0) <= MAX_STRING:
            raise SpecError(f"{self.name}: a string wants maxLength, at most {MAX_STRING}")
        if pattern is not None:
            if pattern not in PATTERNS:
                raise SpecError(f"{self.name}: pattern {pattern} is none of those that decode.c knows")
            self.text_class = PATTERNS[pattern]
        if self.source == "query" and self.name == "cursor":
            self.text_class = "CURSOR"  # sealed: decode.c gives the handler what is inside
        if "format" in schema:
            if schema["format"] not in FORMATS or pattern is not None:
                raise SpecError(f"{self.name}: format {schema['format']} is not known, or stands beside a pattern")
            self.text_class = FORMATS[schema["format"]]

    @property
    def is_rest(self):
        return self.schema.get("x-path-rest", False)

    def bounds(self):
        """(least, most): of the value, or of the length in code points."""
        schema = self.schema
        if self.kind == "integer":
            return schema["minimum"], schema["maximum"]
        if self.kind == "string" and self.text_class != "ID":
            return schema.get("minLength", 0), schema["maxLength"]
        return 0, 0


class Operation:
    """One route: method, address and everything its row says."""

    def __init__(self, document, method, path, node):
        self.id = node["operationId"]
        self.method = method.upper()
        self.path = path
        self.node = node
        self.lane = pick(node, "x-lane", LANES, self.id)
        self.permission = pick(node, "x-permission", document.raw["x-permissions"], self.id)
        self.rate = pick(node, "x-rate", document.raw["x-rates"], self.id)
        audit = node.get("x-audit") or fail(f"{self.id}: x-audit is missing")
        self.audit = audit if isinstance(audit, list) else [audit]  # names; or "none", or "history"
        self.root = node.get("x-root", False)
        self.socket = node.get("x-socket", False)
        self.fields, self.body, self.body_schema = [], "none", None
        self.body_required, self.min_properties = False, 0
        self._read_parameters(document)
        self._read_body(document)
        self.segments = self._read_segments()
        self._merge_b64()
        self._check_replies(document)

    def _read_parameters(self, document):
        for raw in self.node["parameters"]:
            parameter = document.resolve(raw)
            schema = document.deep(parameter["schema"])
            schema["x-path-rest"] = parameter.get("x-path-rest", False)
            if parameter["in"] == "path" and not parameter.get("required"):
                raise SpecError(f"{self.id}: path parameter {parameter['name']} must be required")
            self.fields.append(Field(parameter["name"], parameter["in"], parameter.get("required", False), schema))

    def _read_body(self, document):
        body = self.node.get("requestBody")
        if body is None:
            return
        (kind, media), = body["content"].items()
        self.body_required = body.get("required", False)
        if kind == "application/octet-stream":
            self.body = "bytes"
            return
        if kind != "application/json":
            raise SpecError(f"{self.id}: a body is application/json or application/octet-stream")
        self.body = "json"
        self.body_schema = media["schema"]
        schema = document.deep(media["schema"])
        if schema.get("additionalProperties") is not False:
            raise SpecError(f"{self.id}: the body wants additionalProperties: false")
        if not ("example" in media or "examples" in media):
            raise SpecError(f"{self.id}: the body wants an example")
        self.min_properties = schema.get("minProperties", 0)
        required = set(schema.get("required", [])) | {group[0] for group in schema.get("x-one-of", [])}
        for name, member in schema["properties"].items():
            self.fields.append(Field(name, "body", name in required, member))

    def _merge_b64(self):
        """path_b64 is another way to say path: both fill one place."""
        names = {field.c_name: field for field in self.fields}
        if len(names) != len(self.fields):
            raise SpecError(f"{self.id}: two values have the same name in C")
        for field in self.fields:
            if field.c_name.endswith("_b64"):
                other = names.get(field.c_name[:-4])
                if other is None or other.text_class != "PATH" or other.source != field.source:
                    raise SpecError(f"{self.id}: {field.name} wants a path field {field.name[:-4]} beside it")
                field.text_class, field.slot = "PATH_B64", other.c_name

    def _read_segments(self):
        """[(literal | param | rest, text)]; of a rest the text is the verb behind it, of a param its field."""
        parameters = {field.name: field for field in self.fields if field.source == "path"}
        segments = []
        for part in self.path.strip("/").split("/"):
            match = re.fullmatch(r"\{([a-z_]+)\}(:[a-z]+)?", part)
            if not match:
                if not re.fullmatch(r"[a-z0-9_.:-]+", part):
                    raise SpecError(f"{self.path}: segment {part} is malformed")
                segments.append(("literal", part))
                continue
            field = parameters.pop(match.group(1), None) or fail(f"{self.path}: {part} is not described")
            verb = match.group(2) or ""
            if verb and not field.is_rest:
                raise SpecError(f"{self.path}: only a rest of the path may have a verb behind it")
            segments.append(("rest", verb) if field.is_rest else ("param", field))
        if parameters:
            raise SpecError(f"{self.path}: does not contain {', '.join(parameters)}")
        if any(kind == "rest" for kind, _ in segments[:-1]):
            raise SpecError(f"{self.path}: a rest must come last")
        if segments[-1][0] == "rest" and (self.method == "POST") != bool(segments[-1][1]):
            raise SpecError(f"{self.path}: behind a rest POST wants a verb, other methods none")
        return segments

    def _check_replies(self, document):
        responses = self.node["responses"]
        if "default" not in responses or not any(status.startswith("2") or self.socket and status == "101" for status in responses):
            raise SpecError(f"{self.id}: wants a success and the default reply")
        if self.socket and (self.method != "GET" or "101" not in responses):
            raise SpecError(f"{self.id}: a socket is a GET that is answered 101")
        if self.permission != "public" and "401" not in responses:
            raise SpecError(f"{self.id}: wants 401")
        if self.rate != "none" and "429" not in responses:
            raise SpecError(f"{self.id}: wants 429")
        if self.permission in document.raw.get("x-by-login", []) and "403" not in responses:
            raise SpecError(f"{self.id}: an API key may not: wants 403")
        if self.idempotent and "409" not in responses:
            raise SpecError(f"{self.id}: the same key with another request: wants 409")

    @property
    def may_stream(self):
        return self.node["x-lane"] == "work_or_stream"

    @property
    def idempotent(self):
        return any(field.name == "Idempotency-Key" for field in self.fields)

    def slots(self):
        """The fields that have a place of their own in the C structure."""
        return [field for field in self.fields if field.slot == field.c_name]


class Document:
    def __init__(self, raw):
        self.raw = raw
        self.operations = []
        for path, item in raw["paths"].items():
            common = item.get("parameters", [])
            for method, node in item.items():
                if method == "parameters":
                    continue
                if method not in METHODS:
                    raise SpecError(f"{path}: method {method} is not served")
                node = dict(node, parameters=common + node.get("parameters", []))
                try:
                    self.operations.append(Operation(self, method, path, node))
                except KeyError as missing:
                    raise SpecError(f"{method.upper()} {path}: {missing} is missing") from missing
        check_ids(self.operations)
        check_ambiguity(self.operations)

    def calls(self):
        """The operations that are a request and its reply: those without a socket."""
        return [operation for operation in self.operations if not operation.socket]

    def resolve(self, node):
        """node, or what its $ref names."""
        seen = 0
        while isinstance(node, dict) and "$ref" in node:
            target = self.raw
            for part in node["$ref"].removeprefix("#/").split("/"):
                if not isinstance(target, dict) or part not in target:
                    raise SpecError(f"{node['$ref']} leads nowhere")
                target = target[part]
            node = target
            seen += 1
            if seen > 20:
                raise SpecError(f"{node}: goes in circles")
        return node

    def deep(self, node):
        """A copy of an input's schema without any $ref."""
        node = copy.deepcopy(self.resolve(node))
        if "properties" in node:
            node["properties"] = {name: self.deep(member) for name, member in node["properties"].items()}
        return node

    def success(self, operation):
        """(status, schema or None, kind) of the first success: kind json, bytes or none."""
        for status, raw in operation.node["responses"].items():
            if status.startswith("2"):
                content = self.resolve(raw).get("content", {})
                if "application/json" in content:
                    return int(status), content["application/json"]["schema"], "json"
                return int(status), None, "bytes" if content else "none"
        raise AssertionError(operation.id)


def fail(what):
    raise SpecError(what)


def pick(node, key, allowed, where):
    if node.get(key) not in allowed:
        raise SpecError(f"{where}: {key} must be one of {', '.join(allowed)}")
    return node[key]


def kind_of(name, schema, nullable=False):
    """nullable: of [string, 'null'], which a body may say: null and absent are different things there."""
    if "enum" in schema:
        return "enum"
    kind = schema.get("type")
    if nullable and kind[1:] == ["null"] and kind[0] == "string":
        return kind[0]
    if kind == SCALAR:
        return "scalar"
    if kind not in ("string", "integer", "boolean"):
        raise SpecError(f"{name}: type {kind} cannot be decoded")
    return kind


def check_ids(operations):
    seen = set()
    for operation in operations:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", operation.id) or operation.id in seen:
            raise SpecError(f"operationId {operation.id} is malformed or stands twice")
        seen.add(operation.id)


def apart(one, other):
    """Whether no segment can match both."""
    kinds = one[0], other[0]
    if kinds == ("literal", "literal"):
        return one[1] != other[1]
    for literal, param in ((one, other), (other, one)):
        if literal[0] == "literal" and param[0] == "param":
            pattern = param[1].schema.get("pattern")
            return pattern is not None and re.search(pattern, literal[1]) is None
    if kinds == ("param", "param"):
        prefixes = one[1].prefix, other[1].prefix
        return all(prefixes) and prefixes[0] != prefixes[1]
    return False


def overlap(one, other):
    """Whether some address matches both."""
    for left, right in zip(one.segments, other.segments):
        if "rest" in (left[0], right[0]):
            both = left[0] == right[0]
            return not (both and left[1] and right[1] and left[1] != right[1])
        if apart(left, right):
            return False
    return len(one.segments) == len(other.segments)


def check_ambiguity(operations):
    for number, one in enumerate(operations):
        for other in operations[:number]:
            if one.method == other.method and overlap(one, other):
                raise SpecError(f"{one.method} {one.path} and {other.path} match the same address")


def load(path):
    with open(path, encoding="utf-8") as file:
        return Document(yaml.safe_load(file))


def camel(name):
    """snake_case or Header-Case -> camelCase"""
    head, *rest = re.split(r"[_-]", name.lower())
    return head + "".join(part.capitalize() for part in rest)
