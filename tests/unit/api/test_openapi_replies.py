"""What tools/gen/openapi_replies.py accepts, refuses and writes."""

import copy
import io
import os
import sys
import unittest

import yaml

sys.dont_write_bytecode = True
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools", "gen"))
import openapi_c  # noqa: E402
import openapi_model  # noqa: E402
import openapi_replies  # noqa: E402

SMALL = yaml.safe_load("""
x-permissions: {public: []}
x-by-login: []
x-rates: {none: {requests: 0, seconds: 0, by: address}}
paths:
  /things:
    get: {operationId: things_list, x-lane: work, x-permission: public, x-rate: none, x-audit: none, parameters: [],
          responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/ThingListReply'}}}}, default: {}}}
    post: {operationId: thing_make, x-lane: work, x-permission: public, x-rate: none, x-audit: thing.make, parameters: [],
           responses: {'201': {content: {application/json: {schema: {$ref: '#/components/schemas/ThingReply'}}}}, default: {}}}
  /ws:
    get: {operationId: events, x-lane: work, x-permission: public, x-rate: none, x-audit: none, x-socket: true, parameters: [],
          responses: {'101': {content: {application/json: {schema: {$ref: '#/components/schemas/Event'}}}}, default: {}}}
components:
  schemas:
    ThingListReply:
      type: object
      required: [success, data, page]
      properties: {success: {type: boolean, const: true}, data: {type: array, items: {$ref: '#/components/schemas/Thing'}},
                   page: {$ref: '#/components/schemas/Page'}}
    ThingReply:
      type: object
      required: [success, data]
      properties: {success: {type: boolean, const: true}, data: {$ref: '#/components/schemas/Thing'}}
    Page: {type: object, required: [next], additionalProperties: false, properties: {next: {type: [string, 'null']}}}
    Event: {type: object, required: [at], additionalProperties: false, properties: {at: {type: string, format: date-time}}}
    Thing:
      type: object
      x-record: thing
      required: [id, name, size]
      additionalProperties: false
      properties:
        id: {type: string, pattern: '^thg-[0-9a-hjkmnp-tv-z]{26}$'}
        name: {type: string}
        color: {type: string, enum: [red, green]}
        shape: {type: string, enum: [round]}
        size: {type: integer, minimum: 0, maximum: 9}
        value: {type: [string, integer, boolean]}
        path: {type: string}
        path_b64: {type: string}
        words: {type: array, items: {type: string}}
        parts: {type: array, items: {$ref: '#/components/schemas/Part'}}
        main: {$ref: '#/components/schemas/Part'}
    Part: {type: object, required: [], additionalProperties: false, properties: {done: {type: boolean, const: true}}}
""")

RECORDS = yaml.safe_load("""
enums: {color: [red, green]}
records:
- name: thing
  fields:
  - {name: id, type: id, prefix: thg}
  - {name: name, type: text, max: 10, optional: true}
  - {name: color, type: enum, of: color}
  - {name: gone_at, type: time, optional: true}
  - {name: secret, type: text, max: 10, private: true}
""")


def schemas(raw):
    return raw["components"]["schemas"]


def header(change=None, change_records=None):
    raw, records = copy.deepcopy(SMALL), copy.deepcopy(RECORDS)
    if change:
        change(raw)
    if change_records:
        change_records({field["name"]: field for field in records["records"][0]["fields"]})
    out = io.StringIO()
    openapi_replies.write_header(out, openapi_model.Document(raw), records)
    return out.getvalue()


class Refusals(unittest.TestCase):
    def refused(self, pattern, change=None, change_records=None):
        with self.assertRaisesRegex(openapi_model.SpecError, pattern):
            header(change, change_records)

    def test_an_object_that_may_have_more(self):
        self.refused("additionalProperties", lambda raw: schemas(raw)["Part"].pop("additionalProperties"))

    def test_a_requirement_that_is_no_member(self):
        self.refused("has not", lambda raw: schemas(raw)["Part"]["required"].append("gone"))

    def test_more_members_than_can_be_counted(self):
        more = {f"m{number}": {"type": "string"} for number in range(65)}
        self.refused("more than 64", lambda raw: schemas(raw)["Part"]["properties"].update(more))

    def test_an_object_without_a_name(self):
        self.refused("components/schemas", lambda raw: schemas(raw)["Thing"]["properties"].update(main=schemas(raw)["Part"]))

    def test_types_that_nobody_writes(self):
        for node in ({"type": "null"}, {"type": ["integer", "null"]}, {"type": "array", "items": {"type": "integer"}}):
            self.refused("written", lambda raw, node=node: schemas(raw)["Thing"]["properties"].update(main=node))

    def test_replies_without_the_envelope(self):
        self.refused("a reply is success, data", lambda raw: schemas(raw)["ThingReply"]["required"].remove("data"))
        self.refused("a reply is success, data", lambda raw: schemas(raw)["ThingReply"]["properties"].update(more={}))

    def test_an_envelope_that_is_another_one(self):
        self.refused("page is another one", lambda raw: (
            schemas(raw)["ThingReply"]["required"].append("page"),
            schemas(raw)["ThingReply"]["properties"].update(page={"$ref": "#/components/schemas/Part"})))

    def test_two_functions_of_one_name(self):
        self.refused("reply_thing_words_end would stand twice",
                     lambda raw: schemas(raw)["Thing"]["properties"].update(words_end={"type": "string"}))

    def test_a_record_that_is_another_thing(self):
        self.refused("none of spec/records", lambda raw: schemas(raw)["Thing"].update({"x-record": "other"}))
        self.refused("thing.name: is something else", None, lambda fields: fields["name"].update(type="int", min=0))
        self.refused("thing.id: is something else", None, lambda fields: fields["id"].update(prefix="tho"))
        self.refused("thing.color: is something else",
                     lambda raw: schemas(raw)["Thing"]["properties"]["color"].update(enum=["red"]))
        self.refused("gone_at of the record is not described", None, lambda fields: fields["gone_at"].pop("optional"))

    def test_bounds_of_a_record(self):
        def size(least, most, **more):
            return lambda fields: fields["gone_at"].update(name="size", type="int", min=least, max=most, **more)
        self.refused("thing.size: is something else", None, size(0, 10))
        self.refused("thing.size: is something else", None, size(-1, 9))
        self.assertIn("record->size == 0 ? 0 : 0x10", header(None, size(0, 9)))


class Output(unittest.TestCase):
    def test_members(self):
        text = header()
        for line in (
                "reply_thing_name(struct reply_thing *o, struct str value)",
                "reply_thing_color(struct reply_thing *o, enum data_color value)",
                "reply_thing_shape(struct reply_thing *o, const char *value)",
                "reply_thing_size(struct reply_thing *o, int64_t value)",
                "reply_thing_value_json(struct reply_thing *o, struct str value)",
                "reply_thing_path(struct reply_thing *o, struct str path)",
                "reply_thing_words_item(struct reply_thing *o, struct str value)",
                "struct reply_part reply_thing_parts_item(struct reply_thing *o)",
                "struct reply_part reply_thing_main(struct reply_thing *o)",
                "reply_part_done(struct reply_part *o)",
                "reply_page_next_null(struct reply_page *o)",
                "reply_event_at(struct reply_event *o, usec_t value)",
                "reply_integer(&o->r, value, 0, 9);",
                "reply_end(&o->r, 0x13);",
        ):
            self.assertIn(line, text)
        self.assertNotIn("reply_thing_path_b64", text)

    def test_inner_objects_come_first(self):
        text = header()
        self.assertLess(text.index("struct reply_part {"), text.index("struct reply_thing {"))

    def test_records(self):
        text = header()
        self.assertIn("reply_thing_record(struct reply_thing *o, const struct data_thing *record)", text)
        self.assertIn("ASSERT(!CODITECT_PARANOID || record->gone_at == 0);", text)
        self.assertIn("reply_members(&o->r, 0x5 | (CODITECT_PARANOID && record->name.n == 0 ? 0 : 0x2), record->reply);", text)
        self.assertNotIn("secret", text)
        self.assertNotIn("reply_thing_whole", text)  # it has no size
        self.assertIn("reply_thing_whole", header(lambda raw: schemas(raw)["Thing"]["required"].remove("size")))

    def test_rows_say_what_stands_in_a_success(self):
        document = openapi_model.Document(copy.deepcopy(SMALL))
        parts = {operation.id: openapi_c.reply_parts(document, operation) for operation in document.operations}
        self.assertEqual(parts["things_list"], [".list = true", ".page = true", ".kept = false"])
        self.assertEqual(parts["thing_make"], [".list = false", ".page = false", ".kept = false"])
        self.assertEqual(parts["events"], [".list = false", ".page = false", ".kept = false"])


if __name__ == "__main__":
    unittest.main(verbosity=0)
