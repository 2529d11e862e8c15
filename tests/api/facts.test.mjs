// What an entry is besides its bytes: its mode, its time, and whether it is a link.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { bytesOf, newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const bob = await server.account("bob");

async function tree() {
  const { id } = await newSession(ada);
  const files = `/sessions/${id}/files`;
  return { files, history: `/sessions/${id}/history`, entry: async (path) => (await ada.get(files)).data.find((one) => one.path === path) };
}

const query = (values) => `?${new URLSearchParams(values)}`;
const headersOf = ({ headers }) => [headers["file-type"], headers["file-mode"], headers["file-mtime"]];

test("mode and time go with a file, come with its bytes, and stay with its versions", async () => {
  const { files, history, entry } = await tree();
  const mtime = "1969-07-20T20:17:40.123Z";
  const large = Buffer.concat([...bytesOf(2_000_000)]);
  for (const [path, body] of [["small", "x"], ["large", large], ["chunked", Readable.from([large])], ["empty", ""]]) {
    const put = await ada.write(`${files}/${path}${query({ mode: "6755", mtime })}`, body);
    assert.deepEqual([put.status, put.data.mode, put.data.mtime], [200, 0o6755, mtime], put.text());
    assert.deepEqual(await entry(path), put.data);
    for (const reply of [await ada.get(`${files}/${path}`), await ada.head(`${files}/${path}`), await ada.get(`${files}/${path}?version=${put.data.version}`)]) {
      assert.deepEqual(headersOf(reply), ["file", "6755", mtime]);
    }
  }
  const first = (await entry("small")).version;
  const before = Date.now();
  const said = (await ada.write(`${files}/small?mode=0600`, "x")).data;
  assert.ok(Math.abs(Date.parse(said.mtime) - before) < 600_000, "a time that is not said is now");
  assert.deepEqual([said.mode, said.version > first], [0o600, true], "another mode is another version");
  assert.equal((await ada.write(`${files}/small`, "y")).data.mode, 0o600, "a mode that is not said is kept");
  assert.equal((await ada.write(`${files}/new`, "y")).data.mode, 0o644);
  assert.equal((await ada.get(`${history}/small`)).data.length, 3);
  assert.deepEqual(headersOf(await ada.get(`${files}/small?version=${first}`)), ["file", "6755", mtime]);
  const stale = await ada.write(`${files}/small${query({ mode: "777", mtime })}`, "z", { headers: { "If-Match": `"${first}"` } });
  assert.deepEqual([stale.status, (await entry("small")).mode], [412, 0o600]);
});

test("bounds of modes and times", async () => {
  const { files } = await tree();
  for (const [mode, want] of [["0", 0], ["7777", 0o7777], ["0007", 7], ["1", 1]]) assert.equal((await ada.write(`${files}/f?mode=${mode}`, "")).data.mode, want);
  for (const mode of ["9", "8", "77777", "00755", "", "-1", "0o7", "u+x", "7 ", "/", ":", "\u0667"]) {
    const put = await ada.write(`${files}/f${query({ mode })}`, "");
    assert.deepEqual([put.status, Object.keys(put.json.error.fields)], [400, ["mode"]], mode);
  }
  assert.equal((await ada.write(`${files}/f?mode=1&mode=2`, "")).status, 400);
  for (const [mtime, want] of [["0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"], ["9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"], ["1970-01-01T00:00:00+01:00", "1969-12-31T23:00:00.000Z"],
    ["1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"], ["2040-02-29t12:00:00z", "2040-02-29T12:00:00.000Z"]]) {
    const put = await ada.write(`${files}/f${query({ mtime })}`, "");
    assert.equal(put.data?.mtime, want, put.text());
    assert.equal((await ada.get(`${files}/f`)).headers["file-mtime"], want);
  }
  for (const mtime of ["10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-02-29T00:00:00Z", "2026-11-21", "1700000000", "now", "", "2026-11-21T04:05:06Z\n", `2026-11-21T04:05:06.${"0".repeat(40)}Z`]) {
    const put = await ada.write(`${files}/f${query({ mtime })}`, "");
    assert.deepEqual([put.status, Object.keys(put.json.error.fields)], [400, ["mtime"]], mtime);
  }
  assert.deepEqual(Object.keys((await ada.write(`${files}/f?mode=9&mtime=9`, "")).json.error.fields).sort(), ["mode", "mtime"]);
});

test("folders have them from the start", async () => {
  const { files, entry } = await tree();
  const made = await ada.post(`${files}:mkdir`, { path: "d", mode: "1700", mtime: "2040-01-01T00:00:00.001Z" });
  assert.deepEqual([made.status, made.data.mode, made.data.mtime], [201, 0o1700, "2040-01-01T00:00:00.001Z"]);
  await ada.write(`${files}/d/f`, "x");
  assert.deepEqual(await entry("d"), made.data, "what comes into it changes neither");
  assert.equal((await ada.post(`${files}:mkdir`, { path: "plain" })).data.mode, 0o755);
  assert.equal((await ada.post(`${files}:mkdir`, { path: "d", mode: "755" })).status, 409);
  for (const wrong of [{ mode: "9" }, { mode: "77777" }, { mode: 0o755 }, { mode: "" }, { mtime: "now" }, { mtime: 0 }]) {
    assert.equal((await ada.post(`${files}:mkdir`, { path: "e", ...wrong })).status, 400, JSON.stringify(wrong));
  }
});

test("links: the body is the target, whatever it leads to", async () => {
  const { files, entry } = await tree();
  const mtime = "1969-12-31T00:00:00.000Z";
  for (const target of ["f", "../../..", "/etc/passwd", "gone\n", Buffer.from([0xff, 0xfe]), "t".repeat(512), "t".repeat(513), "t".repeat(4095)]) {
    for (const body of [target, Readable.from([Buffer.from(target)])]) {
      const put = await ada.write(`${files}/link${query({ type: "symlink", mtime })}`, body);
      assert.deepEqual([put.status, put.data.type, put.data.size, put.data.mode, put.data.mtime], [200, "symlink", target.length, 0o777, mtime]);
      const read = await ada.get(`${files}/link`);
      assert.deepEqual(read.body, Buffer.from(target));
      assert.deepEqual(headersOf(read), ["symlink", "777", mtime]);
    }
  }
  const put = (values, body = "f", options = {}) => ada.write(`${files}/other${query(values)}`, body, options);
  for (const body of ["", "t".repeat(4096), "a\0b", Buffer.alloc(2_000_000, "t"), Readable.from([Buffer.alloc(2_000_000, "t")]), Readable.from([])]) {
    const reply = await put({ type: "symlink" }, body);
    assert.deepEqual([reply.status, Object.keys(reply.json.error.fields)], [400, ["body"]]);
  }
  assert.deepEqual(Object.keys((await put({ type: "symlink", mode: "777" })).json.error.fields), ["mode"]);
  for (const type of ["dir", "link", ""]) assert.equal((await put({ type })).status, 400, type);
  assert.equal(await entry("other"), undefined);

  assert.equal((await ada.write(`${files}/link?type=symlink`, "f", { headers: { "If-None-Match": "*" } })).status, 412);
  await ada.post(`${files}:mkdir`, { path: "folder" });
  assert.equal((await ada.write(`${files}/folder?type=symlink`, "f")).code, "is_directory");
  assert.equal((await ada.write(`${files}/link/below`, "x")).code, "not_directory", "the server follows none");
});

test("a file in a link's place has a file's mode, and the other way round", async () => {
  const { files } = await tree();
  await ada.write(`${files}/a?mode=600`, "x");
  assert.equal((await ada.write(`${files}/a?type=symlink`, "f")).data.mode, 0o777);
  assert.equal((await ada.write(`${files}/a`, "x")).data.mode, 0o644);
  assert.equal((await ada.get(`${files}/a`)).headers["file-type"], "file");
});

test("no other tenant makes any of it", async () => {
  const { files } = await tree();
  for (const values of [{ mode: "600" }, { type: "symlink" }, { mtime: "1969-12-31T00:00:00Z" }]) assert.equal((await bob.write(`${files}/f${query(values)}`, "x")).status, 404);
  assert.equal((await bob.post(`${files}:mkdir`, { path: "d", mode: "700" })).status, 404);
  assert.deepEqual((await ada.get(files)).data, []);
});
