import { expect, test } from "vitest";
import { asCurl, exampleBody, matching, type Operation, type Reference, requestOf, tokenOf } from "../src/lib/reference";

const field = (place: "path" | "query" | "header" | "body", name: string, rest = false) => ({ in: place, name, required: place === "path", type: "string", ...(rest ? { rest } : {}) });
const put: Operation = {
  id: "files_put", method: "PUT", path: "/sessions/{session_id}/files/{path}", summary: "Write a file.", permission: "files.write", roles: ["owner"],
  fields: [field("path", "session_id"), field("path", "path", true), field("query", "limit"), field("header", "If-Match"), field("body", "x")], body: "bytes", replies: [],
};

test("values go where the document says, encoded; what is empty is not sent", () => {
  const values = { "path.session_id": "ses-1/..", "path.path": "a b/ü$&.c", "query.limit": "1&2", "header.If-Match": '"7"', "body.x": "never" };
  expect(requestOf(put, "/api/v5", values, "hello")).toEqual({
    path: "/api/v5/sessions/ses-1%2F../files/a%20b/%C3%BC%24%26.c?limit=1%262",
    init: { method: "PUT", headers: { "If-Match": '"7"', "Content-Type": "application/octet-stream" }, body: "hello" },
  });
  expect(requestOf({ ...put, path: "/health", body: "none" }, "", {}, "ignored")).toEqual({ path: "/health", init: { method: "PUT", headers: {} } });
  expect(requestOf({ ...put, body: "json" }, "", {}, "").init).toEqual({ method: "PUT", headers: {} });
});

test("a command for a terminal is one word for each value, and has no token", () => {
  const curl = asCurl({ path: "/x", init: { method: "POST", headers: { A: "it's" }, body: "{'}" } }, "http://h", "TOKEN");
  expect(curl).toBe("curl -X POST 'http://h/x' \\\n  -H 'Authorization: Bearer TOKEN' \\\n  -H 'A: it'\\''s' \\\n  --data-binary '{'\\''}'");
  expect(asCurl({ path: "/x", init: { method: "GET", headers: {} } }, "http://h", undefined)).toBe("curl -X GET 'http://h/x'");
});

test("a call bears a person's token, a link's or none", () => {
  expect(tokenOf(put)).toBe("TOKEN");
  expect(tokenOf({ ...put, permission: "link", roles: [] })).toBe("LINK");
  expect(tokenOf({ ...put, permission: "public", roles: [] })).toBeUndefined();
});

test("operations are found by words of method, address and summary", () => {
  const reference: Reference = { title: "", version: "", base: "", about: "", errors: [], groups: [{ name: "files", about: "", operations: [put] }, { name: "none", about: "", operations: [] }] };
  expect(matching(reference, "").map(({ name }) => name)).toEqual(["files"]);
  expect(matching(reference, " WRITE put ")).toHaveLength(1);
  expect(matching(reference, "delete")).toEqual([]);
  expect(exampleBody(put)).toBe("");
  expect(exampleBody({ ...put, example: { a: 1 } })).toBe('{\n  "a": 1\n}');
});
