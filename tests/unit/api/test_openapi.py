"""What tools/gen/openapi*.py accept, refuse and write."""

import copy
import io
import json
import os
import re
import sys
import tempfile
import unittest

import yaml

sys.dont_write_bytecode = True
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools", "gen"))
import openapi_c  # noqa: E402
import openapi_model  # noqa: E402
import openapi_schema  # noqa: E402
import openapi_ts  # noqa: E402

SPEC = os.path.join(ROOT, "spec", "openapi.yaml")

SMALL = yaml.safe_load("""
x-permissions: {public: [], account: [owner, admin]}
x-by-login: [account]
x-rates: {none: {requests: 0, seconds: 0, by: address}, user: {requests: 5, seconds: 60, by: user}}
paths:
  /things/{thing_id}:
    get:
      operationId: thing_get
      summary: One thing.
      x-lane: work
      x-permission: account
      x-rate: user
      x-audit: none
      parameters:
        - {name: thing_id, in: path, required: true, schema: {type: string, pattern: '^thg-[0-9a-hjkmnp-tv-z]{26}$'}}
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 9, default: 3}}
        - {name: If-Match, in: header, schema: {type: string, maxLength: 20}}
      responses: {'200': {description: x, content: {application/json: {schema: {$ref: '#/components/schemas/Reply'}}}},
                  '401': {description: x}, '403': {description: x}, '429': {description: x}, default: {description: x}}
    post:
      operationId: thing_post
      x-lane: work
      x-permission: public
      x-rate: none
      x-audit: thing.post
      parameters:
        - {name: thing_id, in: path, required: true, schema: {type: string, pattern: '^thg-[0-9a-hjkmnp-tv-z]{26}$'}}
      requestBody: {required: true, content: {application/json: {
        schema: {$ref: '#/components/schemas/Input'}, example: {name: a}}}}
      responses: {'200': {description: x, content: {application/json: {schema: {$ref: '#/components/schemas/Reply'}}}},
                  default: {description: x}}
components:
  schemas:
    Input:
      type: object
      required: [name]
      additionalProperties: false
      minProperties: 1
      properties:
        name: {type: string, minLength: 1, maxLength: 10}
        kind: {type: string, enum: [small, large], default: large}
        path: {type: string, format: path, maxLength: 4096}
        path_b64: {type: string, maxLength: 5462, pattern: '^[A-Za-z0-9_-]*$'}
    Reply:
      type: object
      required: [success, data]
      properties: {success: {type: boolean, const: true}, data: {type: string}}
""")


def small(change=None):
    raw = copy.deepcopy(SMALL)
    if change:
        change(raw)
    return openapi_model.Document(raw)


def thing(raw, method="get"):
    return raw["paths"]["/things/{thing_id}"][method]


def as_socket(raw):
    replies = thing(raw)["responses"]
    replies["101"] = replies.pop("200")
    thing(raw)["x-socket"] = True


class Refusals(unittest.TestCase):
    def refused(self, pattern, change):
        with self.assertRaisesRegex(openapi_model.SpecError, pattern):
            small(change)

    def test_the_small_document_is_good(self):
        self.assertEqual([operation.id for operation in small().operations], ["thing_get", "thing_post"])

    def test_missing_words(self):
        for key in ("x-lane", "x-permission", "x-rate", "x-audit"):
            self.refused(key, lambda raw, key=key: thing(raw).pop(key))
        self.refused("operationId", lambda raw: thing(raw).pop("operationId"))

    def test_unknown_words(self):
        for key in ("x-lane", "x-permission", "x-rate"):
            self.refused(key, lambda raw, key=key: thing(raw).update({key: "elsewhere"}))

    def test_a_method_that_is_not_served(self):
        self.refused("not served", lambda raw: raw["paths"]["/things/{thing_id}"].update(patch=thing(raw)))

    def test_an_id_that_stands_twice(self):
        self.refused("stands twice", lambda raw: thing(raw).update(operationId="thing_post"))

    def test_a_string_without_bound(self):
        self.refused("maxLength", lambda raw: raw["components"]["schemas"]["Input"]["properties"]["name"].pop("maxLength"))

    def test_an_integer_without_bound(self):
        self.refused("maximum", lambda raw: thing(raw)["parameters"][1]["schema"].pop("maximum"))

    def test_a_pattern_that_c_does_not_know(self):
        def change(raw):
            raw["components"]["schemas"]["Input"]["properties"]["name"]["pattern"] = "^(a+)+$"
        self.refused("none of those", change)

    def test_a_type_that_cannot_be_decoded(self):
        def change(raw):
            raw["components"]["schemas"]["Input"]["properties"]["name"] = {"type": "number"}
        self.refused("cannot be decoded", change)

    def test_a_body_that_takes_anything(self):
        self.refused("additionalProperties", lambda raw: raw["components"]["schemas"]["Input"].pop("additionalProperties"))

    def test_a_body_without_example(self):
        self.refused("example", lambda raw: thing(raw, "post")["requestBody"]["content"]["application/json"].pop("example"))

    def test_a_body_that_is_a_form(self):
        def change(raw):
            content = thing(raw, "post")["requestBody"]["content"]
            content["multipart/form-data"] = content.pop("application/json")
        self.refused("application/json or", change)

    def test_a_path_parameter_that_is_not_described(self):
        self.refused("not described", lambda raw: thing(raw)["parameters"].pop(0))

    def test_a_path_parameter_that_is_not_in_the_path(self):
        extra = {"name": "other", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 3}}
        self.refused("does not contain other", lambda raw: thing(raw)["parameters"].append(extra))

    def test_missing_replies(self):
        self.refused("default", lambda raw: thing(raw)["responses"].pop("default"))
        self.refused("401", lambda raw: thing(raw)["responses"].pop("401"))
        self.refused("403", lambda raw: thing(raw)["responses"].pop("403"))
        self.refused("429", lambda raw: thing(raw)["responses"].pop("429"))

    def test_a_socket_that_is_no_socket(self):
        self.refused("answered 101", lambda raw: thing(raw).update({"x-socket": True}))
        self.refused("answered 101", lambda raw: (thing(raw, "post").update({"x-socket": True}), thing(raw, "post")["responses"].update({"101": {}})))
        self.refused("wants a success", lambda raw: as_socket(raw) or thing(raw).pop("x-socket"))

    def test_a_reference_that_leads_nowhere(self):
        self.refused("leads nowhere", lambda raw: raw["components"]["schemas"].pop("Input"))

    def test_a_b64_without_its_path(self):
        self.refused("wants a path", lambda raw: raw["components"]["schemas"]["Input"]["properties"].pop("path"))

    def test_roles_that_do_not_exist(self):
        document = small(lambda raw: raw.update({"x-by-login": ["king"]}))
        with self.assertRaises(openapi_model.SpecError):
            openapi_c.check(document)
        document = small(lambda raw: raw["x-permissions"].update(account=["king"]))
        with self.assertRaisesRegex(openapi_model.SpecError, "roles are"):
            openapi_c.check(document)


class Ambiguity(unittest.TestCase):
    def add(self, path, parameters, method="get"):
        def change(raw):
            node = copy.deepcopy(thing(raw))
            node.update(operationId="other", parameters=parameters)
            raw["paths"][path] = {method: node}
        return change

    @staticmethod
    def parameter(name, **schema):
        rest = schema.pop("rest", False)
        return {"name": name, "in": "path", "required": True, "x-path-rest": rest, "schema": dict(type="string", **schema)}

    def test_a_word_that_the_id_refuses_may_stand_in_its_place(self):
        self.assertEqual(len(small(self.add("/things/related", [])).operations), 3)

    def test_a_word_that_the_id_takes_may_not(self):
        with self.assertRaisesRegex(openapi_model.SpecError, "same address"):
            small(self.add("/things/thg-01jd5k7c9r3m8xq2w4e6y8t0za", []))

    def test_two_parameters_of_other_kinds(self):
        other = self.parameter("x", pattern="^oth-[0-9a-hjkmnp-tv-z]{26}$")
        self.assertEqual(len(small(self.add("/things/{x}", [other])).operations), 3)
        with self.assertRaisesRegex(openapi_model.SpecError, "same address"):
            small(self.add("/things/{x}", [self.parameter("x", maxLength=9)]))

    def test_a_rest_takes_everything_below(self):
        rest = self.parameter("p", format="path", maxLength=4096, rest=True)
        with self.assertRaisesRegex(openapi_model.SpecError, "same address"):
            small(self.add("/things/{p}", [rest]))

    def test_a_rest_must_come_last_and_post_wants_a_verb(self):
        rest = self.parameter("p", format="path", maxLength=4096, rest=True)
        with self.assertRaisesRegex(openapi_model.SpecError, "come last"):
            small(self.add("/more/{p}/end", [rest]))
        with self.assertRaisesRegex(openapi_model.SpecError, "verb"):
            small(self.add("/more/{p}", [rest], method="post"))
        with self.assertRaisesRegex(openapi_model.SpecError, "verb"):
            small(self.add("/more/{p}:undo", [rest]))


class Output(unittest.TestCase):
    def header(self, document):
        out = io.StringIO()
        openapi_c.write_header(out, document)
        return out.getvalue()

    def source(self, document):
        out = io.StringIO()
        openapi_c.write_source(out, document)
        return out.getvalue()

    def test_the_input_structure(self):
        header = self.header(small())
        self.assertIn("struct str thing_id;\n    int64_t limit;\n    struct str if_match;\n", header)
        self.assertIn("API_THING_POST_KIND_SMALL, API_THING_POST_KIND_LARGE", header)
        self.assertNotIn("path_b64;", header)

    def test_rows(self):
        source = self.source(small())
        self.assertIn(".permission = DATA_PERMISSION_ACCOUNT", source)
        self.assertIn(".by_login = true", source)
        self.assertIn(".by_login = false", self.source(small(lambda raw: raw.update({"x-by-login": []}))))
        self.assertIn('{ API_SEGMENT_PARAM, STR("thing_id"), "thg" }', source)
        self.assertRegex(source, r'"limit".*\.least = 1, \.most = 9, \.standard = 3')
        self.assertRegex(source, r'"kind".*\.standard = 1')
        self.assertRegex(source, r'"path_b64".*API_TEXT_PATH_B64.*\.at = offsetof\(struct api_thing_post_in, path\)')

    def test_types(self):
        self.assertEqual(openapi_ts.ts_type({"type": ["string", "null"]}), "string | null")
        self.assertEqual(openapi_ts.ts_type({"type": "array", "items": {"type": "integer"}}), "ReadonlyArray<number>")
        self.assertEqual(openapi_ts.ts_type({"type": "string", "enum": ["a", "b"]}), '"a" | "b"')
        self.assertIn("readonly name: string;", openapi_ts.ts_type(SMALL["components"]["schemas"]["Input"]))
        self.assertIn("readonly kind?:", openapi_ts.ts_type(SMALL["components"]["schemas"]["Input"]))

    def test_client(self):
        out = io.StringIO()
        openapi_ts.write_client(out, small())
        self.assertIn("path: `/things/${encodeURIComponent(args.thingId)}`", out.getvalue())
        self.assertIn('headers: { "If-Match": args.ifMatch }', out.getvalue())
        self.assertNotIn("Lines(", out.getvalue())

    def test_a_socket(self):
        self.assertIn(".socket = false", self.source(small()))
        document = small(as_socket)
        self.assertIn(".socket = true", self.source(document))
        self.assertEqual([operation.id for operation in document.calls()], ["thing_post"])
        out = io.StringIO()
        openapi_ts.write_client(out, document)
        self.assertNotIn("thingGet", out.getvalue())
        self.assertEqual(openapi_schema.replies(document, document.operations[0])["101"], {"$ref": "#/$defs/Reply"})

    def test_a_reply_that_has_another_form_too(self):
        def also(raw):
            thing(raw)["responses"]["200"]["content"]["application/x-ndjson"] = {}
        out = io.StringIO()
        openapi_ts.write_client(out, small(also))
        self.assertRegex(out.getvalue(), r'async thingGetLines\(args: .*Promise<Response>')
        self.assertIn('"Accept": "application/x-ndjson"', out.getvalue())

    def test_bounds_of_texts(self):
        out = io.StringIO()
        openapi_ts.write_limits(out, small())
        self.assertIn('limitsOfInput = { name: {"least": 1, "most": 10, "kind": "any", "isRequired": true} }', out.getvalue())

    def test_schemas(self):
        node = {"x-one-of": [["a", "b"]], "x-else": 1, "items": {"$ref": "#/components/schemas/A"}}
        self.assertEqual(openapi_schema.convert(node), {
            "allOf": [{"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}],
            "items": {"$ref": "#/$defs/A"},
        })


class TheDocument(unittest.TestCase):
    def setUp(self):
        self.document = openapi_model.load(SPEC)

    def test_same_input_same_output(self):
        with tempfile.TemporaryDirectory() as folder:
            texts = []
            for number in range(2):
                path = os.path.join(folder, str(number))
                openapi_ts.main(SPEC, path)
                with open(path, encoding="utf-8") as file:
                    texts.append(file.read())
            self.assertEqual(texts[0], texts[1])

    def test_every_reference_of_the_bundle_has_its_schema(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "schema.json")
            openapi_schema.main(SPEC, path)
            with open(path, encoding="utf-8") as file:
                text = file.read()
        bundle = json.loads(text)
        for name in re.findall(r'"#/\$defs/(\w+)"', text):
            self.assertIn(name, bundle["$defs"])
        self.assertNotIn("#/components", text)
        self.assertEqual(len(bundle["operations"]), len(self.document.operations))

    def test_every_change_is_audited_and_every_read_is_not(self):
        for operation in self.document.operations:
            if operation.method == "GET":
                self.assertTrue(operation.audit == ["none"] or operation.socket, operation.id)  # what a socket leads to may change much
            # Tokens are no change of what is kept; the link that a mail brings is audited when it is made.
            elif operation.id not in ("auth_refresh", "auth_ticket_create", "auth_reset_ask"):
                for name in operation.audit if operation.audit != ["history"] else []:
                    self.assertRegex(name, r"^[a-z]+\.[a-z_]+$", operation.id)

    def test_patterns_mean_the_same_as_their_examples(self):
        for pattern in openapi_model.PATTERNS:
            self.assertTrue(pattern.startswith("^") and pattern.endswith("$"))
            re.compile(pattern)


if __name__ == "__main__":
    unittest.main(verbosity=0)
