// A folder that the store made on the way to a file has no change of its own: here it is made, too, with a mode that nobody chose.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { createServer, request } from "node:http";
import { test } from "node:test";
import { expected } from "./model.mjs";
import { World, put, snapshot, until } from "./world.mjs";

const author = { kind: "api", id: "usr-other" };
const link = (path) => ({ change: "put", path, base: 0, author, kind: "symlink", mode: 0o777, mtime: 1, target: "x" });

/** A server whose batches meet something that others did in the last moment. */
async function meeting(t, world, before) {
  const relay = createServer((req, res) => {
    const parts = [];
    req.on("data", (part) => parts.push(part)).on("end", async () => {
      const body = Buffer.concat(parts);
      if (req.method === "POST" && req.url.startsWith("/wire/changes")) await before(JSON.parse(body));
      request({ socketPath: world.path("wire.sock"), method: req.method, path: req.url, headers: req.headers, agent: false }, (reply) => {
        res.writeHead(reply.statusCode, reply.headers);
        reply.pipe(res);
      }).on("error", () => res.destroy()).end(body);
    });
  });
  t.after(() => { relay.closeAllConnections(); relay.close(); });
  await new Promise((resolve) => relay.listen(world.path("relay.sock"), resolve));
  await world.startCodi2(["--wire", world.path("relay.sock")]);
}

test("others change its mode at the same moment: theirs stays", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  let done = false;
  const shut = async () => {
    if (done) return;
    done = true;
    const { version } = (await world.entries()).find(({ path }) => path === "d");
    assert.ok(await world.change({ change: "put", path: "d", base: version, author, kind: "dir", mode: 0o700, mtime: 1 }));
  };
  await meeting(t, world, shut);
  await world.sync();
  assert.ok(await world.change(link("d/link")));
  await until("it is here", () => fs.lstatSync(world.tree("d/link"), { throwIfNoEntry: false }));
  fs.writeFileSync(world.tree("mine"), "mine");
  await world.sync();
  assert.ok(done, "a batch was sent");
  await until("its mode is here", () => (fs.statSync(world.tree("d")).mode & 0o777) === 0o700);
  await world.sync();
  assert.equal((await world.stored()).d, "dir 700 ");
});

test("ours, which is gone again when the store answers: no folder stays behind there", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  let met = 0;
  await meeting(t, world, async ({ changes }) => {
    if (!changes.some(({ path }) => path === "a/new") || changes.some(({ path, kind }) => path === "a" && kind === "dir")) return;
    met++;
    fs.rmSync(world.tree("a"), { recursive: true, force: true });
  });
  fs.mkdirSync(world.tree("a"));
  fs.writeFileSync(world.tree("a/x"), "x");
  await world.sync();
  for (let i = 0; i < 20 && met === 0; i++) {
    fs.renameSync(world.tree("a"), world.tree("a.aside"));
    fs.mkdirSync(world.tree("a"));
    fs.writeFileSync(world.tree("a/new"), `new ${i}`);
    await world.sync();
    fs.rmSync(world.tree("a.aside"), { recursive: true });
    await world.sync();
  }
  assert.equal(met, 1, "a batch that makes the folder on the way");
  assert.deepEqual(Object.keys(await world.stored()), Object.keys(snapshot(world.tree())));
});

test("into a folder that stood here and was not kept: what is changed there from then on is stored", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.mkdirSync(world.tree("dist"));
  fs.writeFileSync(world.tree("dist/built"), "1");
  await until("it is not kept", async () => (await world.status()).not_kept.includes("/workspace/dist"));
  assert.ok(await world.change(put("dist/in/f", "theirs")));
  await until("it is here", () => fs.existsSync(world.tree("dist/in/f")));
  await world.sync();
  fs.writeFileSync(world.tree("dist/in/f"), "mine");
  await world.sync();
  assert.equal((await world.stored())["dist/in/f"], expected(world.tree())["dist/in/f"]);
});
