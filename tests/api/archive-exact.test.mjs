// What an archive keeps to the byte and the microsecond, and a zip archive whose list says something else than its entries.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const base = async () => `/sessions/${(await newSession(ada)).id}`;
const send = async (session, bytes) => (await ada.request("POST", `${session}/archive`, { body: bytes }));
const names = async (session) => (await ada.get(`${session}/files?recursive=true`)).data.map((entry) => entry.path);
const zipped = (code) => execFileSync("python3", ["-c", `
import sys, zipfile, io
b = io.BytesIO()
z = zipfile.ZipFile(b, "w")
${code}
z.close()
sys.stdout.buffer.write(b.getvalue())`], { maxBuffer: 64 << 20 });

/** The same bytes with a bit turned. */
function turned(bytes, at, bit = 0) {
  const copy = Buffer.from(bytes);
  copy[at] ^= 1 << bit;
  return copy;
}

const times = {
  "now": "2026-01-02T03:04:05.678Z", "whole": "2026-01-02T03:04:05.000Z", "before": "1960-05-06T07:08:09.250Z", "just-before": "1969-12-31T23:59:59.900Z",
  "first": "0000-01-01T00:00:00.000Z", "late": "2200-02-03T04:05:06.007Z", "last": "9999-12-31T23:59:59.000Z",
};

test("tar keeps every time there is; zip whole seconds from 1970 to 2038, and the nearest of them else", async () => {
  const from = await base();
  for (const [name, time] of Object.entries(times)) assert.equal((await ada.request("PUT", `${from}/files/${name}?mtime=${encodeURIComponent(time)}`, { body: name })).status, 200);
  const kept = async (session) => Object.fromEntries((await ada.get(`${session}/files`)).data.map((entry) => [entry.path, entry.mtime]));
  assert.deepEqual(await kept(from), times);
  for (const format of ["tgz", "zip"]) {
    const to = await base();
    assert.equal((await send(to, (await ada.get(`${from}/archive?format=${format}`)).body)).status, 200);
    const nearest = (time) => new Date(Math.floor(Math.min(Math.max(Date.parse(time), 0), (2 ** 31 - 1) * 1000) / 1000) * 1000).toISOString();
    const wanted = format === "tgz" ? times : Object.fromEntries(Object.entries(times).map(([name, time]) => [name, nearest(time)]));
    assert.deepEqual(await kept(to), wanted, format);
  }
});

test("a zip archive with an entry less than it says is damaged, not empty", async () => {
  const one = zipped(`z.writestr("a", "x")`);
  const mark = one.indexOf("PK\x01\x02");
  const session = await base();
  for (let i = 0; i < 32; i++) {
    const reply = await send(session, turned(one, mark + (i >> 3), i & 7));
    assert.equal(reply.status, 400, `bit ${i}`);
    assert.match(reply.text(), /damaged/);
  }
  const three = zipped(`[z.writestr(name, "x") for name in "abc"]`);
  const last = three.lastIndexOf("PK\x01\x02");
  assert.equal((await send(session, turned(three, last))).status, 400);
  assert.deepEqual(await names(session), []);
  assert.equal((await send(session, three)).status, 200);
  assert.deepEqual(await names(session), ["a", "b", "c"]);
});

test("a zip archive that shows one name and unpacks another is refused", async () => {
  const zip = zipped(`z.writestr("harmless.txt", "x"); z.writestr("b/ü", "y")`);
  const session = await base();
  for (const name of ["harmless", "b/"]) {
    const own = zip.indexOf(name), listed = zip.lastIndexOf(name);
    assert.ok(own < listed);
    for (const at of [own, listed]) assert.equal((await send(session, turned(zip, at, 1))).status, 400, `${name} ${at}`);
  }
  assert.deepEqual(await names(session), []);
  assert.equal((await send(session, zip)).status, 200);
});

test("zip archives as others write them are taken: streamed, with 64-bit numbers, with a comment", async () => {
  const streamed = execFileSync("python3", ["-c", `
import sys, zipfile
class Out:
    def write(self, b): return sys.stdout.buffer.write(b)
    def flush(self): pass
z = zipfile.ZipFile(Out(), "w", zipfile.ZIP_DEFLATED)
with z.open("streamed", "w", force_zip64=True) as f: f.write(b"s" * 5000)
z.close()`]);
  const session = await base();
  assert.equal((await send(session, streamed)).status, 200);
  assert.equal((await send(session, zipped(`z.comment = b"PK\\x05\\x06 is no end"; z.writestr("said", "x")`))).status, 200);
  assert.equal((await send(session, zipped(`[z.writestr(f"many/{i}", "") for i in range(66_000)]`))).status, 200, "more than 16 bits count");
  assert.equal((await ada.get(`${session}/files/streamed`)).body.length, 5000);
  assert.equal((await ada.get(session)).data.files, 66_002);
});
