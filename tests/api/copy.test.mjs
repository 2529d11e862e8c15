// Copies by request: files and folders, by names that are no text, refused where they must be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const session = await newSession(ada);
const files = `/sessions/${session.id}/files`;
const noise = Buffer.concat([...bytesOf(300_000, 7)]);

test("a file and a folder", async () => {
  await ada.write(`${files}/a/b/large`, noise);
  await ada.write(`${files}/a/b%FFd`, "no UTF-8");
  const one = await ada.post(`${files}:copy`, { from_b64: Buffer.from("a/b\xFFd", "latin1").toString("base64url"), to: "readable" });
  assert.deepEqual([one.status, one.data.path, one.data.type], [201, "readable", "file"], one.text());
  const two = await ada.post(`${files}:copy`, { from: "a", to: "x/y" });
  assert.deepEqual([two.status, two.data.path, two.data.type], [201, "x/y", "dir"], two.text());
  await ada.delete(`${files}/a?recursive=true`);
  assert.ok((await ada.get(`${files}/x/y/b/large`)).body.equals(noise));
  assert.equal((await ada.get(`${files}/x/y/b%FFd`)).text(), "no UTF-8");
  assert.equal((await ada.get(`${files}/readable`)).text(), "no UTF-8");
  const [first] = (await ada.get(`/sessions/${session.id}/history/x/y/b/large`)).data;
  assert.deepEqual([first.op, first.author.id], ["write", ada.user.id]);
});

test("refused", async () => {
  await ada.write(`${files}/one`, "1");
  await ada.write(`${files}/f/one`, "1");
  const post = async (from, to) => (await ada.post(`${files}:copy`, { from, to })).code;
  assert.equal(await post("one", "f/one"), "exists");
  assert.equal(await post("f", "f/g"), "invalid");
  assert.equal(await post("none", "some"), "not_found");
  assert.equal(await post("one", "one/in"), "invalid");
  assert.equal(await post("f", "one/in"), "not_directory");
  assert.equal(await post("../one", "two"), "invalid");
  const words = async (verb, from, to) => (await ada.post(`${files}:${verb}`, { from, to })).json.error.message;
  assert.equal(await words("copy", "f", "f/g"), "Nothing can be copied into itself.");
  assert.equal(await words("move", "f", "f/g"), "Nothing can be moved into itself.");
  const deep = Array(100).fill("d").join("/");
  await ada.write(`${files}/low/${deep}/x`, "x");
  for (const verb of ["copy", "move"]) assert.match(await words(verb, "low", `high/${deep}/${Array(100).fill("e").join("/")}`), /too deep/);
});

test("Idempotency-Key", async () => {
  const headers = { "Idempotency-Key": "copied" };
  await ada.write(`${files}/k/one`, "1");
  const first = await ada.post(`${files}:copy`, { from: "k", to: "l" }, { headers });
  await ada.write(`${files}/k/two`, "2");
  const again = await ada.post(`${files}:copy`, { from: "k", to: "l" }, { headers });
  assert.deepEqual([again.status, again.data.version], [201, first.data.version]);
  assert.equal((await ada.get(`${files}/l/two`)).status, 404, "what came later is not part of it");
  assert.equal((await ada.post(`${files}:copy`, { from: "k", to: "m" }, { headers })).code, "conflict");
});
