// files: bytes in and out, names, versions, and what ends a run halfway.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, closeSync, ftruncateSync, lstatSync, mkdirSync, openSync, readFileSync, readdirSync, readlinkSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { Server, bytesOf, newSession, serverForFile, sha256, until } from "../api/harness.mjs";
import { person, program } from "./cli.mjs";

const server = await serverForFile();
const ada = await person(server, "ada");

async function session(cli = ada) {
  const { id } = await newSession(cli.person);
  return { id, at: (path) => `${id}:${path}`, url: (path) => `/sessions/${id}/files/${path}` };
}

const local = (name) => join(ada.files, name);

test("put, cat, get: the same bytes, whatever they are", async () => {
  const { at } = await session();
  for (const [name, bytes] of [["empty", ""], ["one", "x"], ["binary", Buffer.from([0, 255, 10, 13, 26, 0])],
    ["middle", Buffer.concat([...bytesOf(3_000_000)])]]) {
    writeFileSync(local(name), bytes);
    assert.equal((await ada.ok("files", "put", name, at(`a/b/${name}`))).stdout, "");
    assert.deepEqual((await ada.ok("files", "cat", at(`a/b/${name}`))).bytes, Buffer.from(bytes));
    assert.deepEqual((await ada.ok("files", "get", at(`a/b/${name}`), "-")).bytes, Buffer.from(bytes));
    await ada.ok("files", "get", at(`a/b/${name}`), `${name}.back`);
    assert.deepEqual(readFileSync(local(`${name}.back`)), Buffer.from(bytes));
  }
  const both = await ada.ok("files", "cat", at("a/b/one"), at("a/b/one"));
  assert.equal(both.stdout, "xx");
});

test("put and get keep the mode and the time of a file, of any version; get makes a link", async () => {
  const { at, url } = await session();
  const time = new Date("1969-12-31T23:59:58.750Z");
  const facts = (name) => [lstatSync(local(name)).mode & 0o7777, lstatSync(local(name)).mtimeMs];
  writeFileSync(local("tool"), "1");
  chmodSync(local("tool"), 0o4750);
  utimesSync(local("tool"), time, time);
  const { version, mode, mtime } = (await ada.ok("files", "put", "--json", "tool", at("tool"))).json;
  assert.deepEqual([mode, mtime], [0o4750, time.toISOString()]);
  const end = await ada.run(["files", "put", "--json", "-", at("tool")], { input: "2" });
  assert.equal(end.json.mode, 0o4750, "of a pipe nothing is said");
  await ada.person.write(`${url("tool")}?mode=777`, "3");
  await ada.ok("files", "get", at("tool"), "tool.now");
  assert.equal(facts("tool.now")[0], 0o777 & ~process.umask());
  await ada.ok("files", "get", "--version", String(version), at("tool"), "tool.first");
  assert.deepEqual([...facts("tool.first"), readFileSync(local("tool.first"), "utf8")], [0o750 & ~process.umask(), time.getTime(), "1"], "less the umask, and never setuid");

  symlinkSync("tool", local("link"));
  await ada.ok("files", "put", "link", at("followed"));
  assert.equal((await ada.ok("files", "cat", at("followed"))).stdout, "1");
  await ada.person.write(`${url("link")}?type=symlink&mtime=2040-01-01T00:00:00Z`, "../precious");
  writeFileSync(local("precious"), "precious");
  mkdirSync(local("below"));
  symlinkSync("../precious", local("below/link"));
  for (const place of ["below/link", "below/link", "below"]) {
    await ada.ok("files", "get", at("link"), place);
    assert.equal(readlinkSync(local("below/link")), "../precious");
    assert.equal(lstatSync(local("below/link")).mtimeMs, Date.parse("2040-01-01T00:00:00Z"));
  }
  await ada.ok("files", "get", at("tool"), "below/link");
  assert.deepEqual([lstatSync(local("below/link")).isFile(), readFileSync(local("precious"), "utf8")], [true, "precious"], "what it led to is not written");
  assert.equal((await ada.ok("files", "get", at("link"), "-")).stdout, "../precious");
  assert.deepEqual(readdirSync(local("below")), ["link"]);
});

test("put from a pipe, of unknown length, also of nothing", async () => {
  const { at } = await session();
  const bytes = Buffer.concat([...bytesOf(2_500_000, 7)]);
  for (const input of [bytes, Buffer.alloc(0)]) {
    const end = await ada.run(["files", "put", "--json", "-", at("piped")], { input });
    assert.equal(end.status, 0, end.stderr);
    assert.equal(end.json.hash, sha256(input));
    assert.equal(end.json.size, input.length);
  }
  await ada.fails(2, /name in the session is missing/, "files", "put", "-", at("folder/"));
});

test("targets: a folder takes the file under its own name", async () => {
  const { at } = await session();
  writeFileSync(local("name.txt"), "1");
  await ada.ok("files", "put", "name.txt", at(""));
  await ada.ok("files", "put", "./name.txt", at("/in/a/folder/"));
  assert.equal((await ada.ok("files", "ls", "-rq", at(""))).stdout, "in\nin/a\nin/a/folder\nin/a/folder/name.txt\nname.txt\n");
  execFileSync("mkdir", [local("here")]);
  await ada.ok("files", "get", at("in/a/folder/name.txt"), "here");
  assert.deepEqual(readdirSync(local("here")), ["name.txt"]);
  await ada.fails(4, /No such file/, "files", "get", at("name.txt"), "nowhere/x");
  await ada.fails(5, /is a folder; coditect cp -r/, "files", "put", "here", at("here"));
  await ada.fails(4, /No such file/, "files", "put", "missing", at("x"));
  await ada.fails(5, /folder/, "files", "get", at("in"), "x");
});

test("any name, byte for byte", async () => {
  const { at } = await session();
  const names = ["with space", "ünïcode 漢字 🙂", "-rf", "a:b", "%2e%2e", "?x#y&z", "new\nline", "\x1b[31m", "…", "\\", "'\"", ".hidden", "...", "\u009b"];
  for (const name of names) {
    await ada.run(["files", "put", "-", at(name)], { input: name }).then((end) => assert.equal(end.status, 0, end.stderr));
  }
  assert.equal((await ada.ok("files", "cat", ...names.map(at))).stdout, names.join(""));
  assert.deepEqual((await ada.ok("files", "ls", "--json", at(""))).json.map(({ path }) => path).sort(), [...names].sort());
  const shown = (await ada.ok("files", "ls", at(""))).stdout;
  assert.doesNotMatch(shown, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  for (const name of ["new\\nline", "\\x1b[31m", "\\\\", "\\u009b"]) assert.ok(shown.includes(name), name);
  assert.equal(shown.trimEnd().split("\n").length, names.length + 1);
});

test("names that are not UTF-8 go in and out by every command", async () => {
  const { id } = await session();
  const raw = (script) => execFileSync("bash", ["-euc", script], {
    cwd: ada.files, encoding: "latin1", env: { ...process.env, XDG_CONFIG_HOME: ada.home, c: program, id } });
  raw("printf raw | $c files put - \"$id:$(printf 'd\\xff/f\\xfe')\"");
  assert.equal(raw("$c files cat \"$id:$(printf 'd\\xff/f\\xfe')\""), "raw");
  assert.equal(raw("$c files ls -rq $id:"), "d\\xff\nd\\xff/f\\xfe\n");
  raw("$c files mv \"$id:$(printf 'd\\xff/f\\xfe')\" \"$id:$(printf 'd\\xff/g\\xfd')\"");
  raw("$c files mkdir \"$id:$(printf 'm\\xff')\"");
  assert.match(raw("$c files history \"$id:$(printf 'd\\xff/g\\xfd')\""), /move/);
  raw("$c files get \"$id:$(printf 'd\\xff/g\\xfd')\" && test -f \"$(printf 'g\\xfd')\"");
  raw("$c files rm -r \"$id:$(printf 'd\\xff')\"");
  assert.equal(raw("$c files ls -q $id:"), "m\\xff\n");
});

test("paths that lead out lead nowhere", async () => {
  const { at } = await session();
  await ada.person.write((await session()).url("other.txt"), "x");
  for (const path of ["../x", "a/../../x", "..", "./x", "a//b", "a/./b", `a/${"n".repeat(256)}`, "p/".repeat(2500)]) {
    await ada.fails(2, /not valid|bytes/, "files", "cat", at(path));
  }
  for (const command of ["history", "mkdir", "rm", "ls", "get"]) await ada.fails(2, /not valid/, "files", command, at("a/../../x"));
  await ada.fails(2, /not valid/, "cp", at("a/../../x"), "y");
  await ada.fails(2, /not SESSION:PATH/, "files", "cat", "no-colon");
  await ada.fails(2, /path in the session is missing/, "files", "cat", at(""));
  await ada.fails(2, /path in the session is missing/, "files", "rm", "-r", at("/"));
});

test("versions: history, older content, restore, conditions", async () => {
  const { at } = await session();
  const put = async (text, ...options) => ada.run(["files", "put", ...options, "-", at("f")], { input: text });
  await put("one");
  await put("two");
  const table = (await ada.ok("files", "history", at("f"))).stdout.split("\n");
  assert.match(table[0], /^VERSION +CHANGE +SIZE +WHEN \(UTC\) +BY$/);
  assert.match(table[1], /^ +2 +write +3 B .* api usr-/);
  assert.equal((await ada.ok("files", "cat", "--version", "1", at("f"))).stdout, "one");
  assert.equal((await ada.ok("files", "restore", "--json", at("f"), "1")).json.version, 3);
  assert.equal((await ada.ok("files", "cat", at("f"))).stdout, "one");

  assert.equal((await put("three", "--if-version", "2")).status, 5);
  assert.equal((await put("three", "--if-version", "3")).status, 0);
  assert.equal((await put("four", "--new")).status, 5);
  assert.equal((await ada.ok("files", "cat", at("f"))).stdout, "three");

  await ada.ok("files", "rm", at("f"));
  await ada.fails(4, /f: Not found/, "files", "cat", at("f"));
  await ada.ok("files", "restore", at("f"), "4");
  assert.equal((await ada.ok("files", "cat", at("f"))).stdout, "three");
  await ada.fails(2, /VERSION must be a number/, "files", "restore", at("f"), "first");
  await ada.fails(4, /Not found/, "files", "restore", at("f"), "99");
});

test("folders: mkdir, mv, rm", async () => {
  const { at } = await session();
  await ada.ok("files", "mkdir", at("a/b"), at("c"));
  await ada.run(["files", "put", "-", at("a/f")], { input: "f" });
  await ada.ok("files", "mv", at("a/f"), at("c"));
  assert.equal((await ada.ok("files", "ls", "-rq", at(""))).stdout, "a\na/b\nc\nc/f\n");
  await ada.run(["files", "put", "-", at("g")], { input: "g" });
  await ada.fails(5, /exists already/, "files", "mv", at("g"), at("c/f"));
  await ada.ok("files", "mv", "-f", at("g"), at("c/f"));
  assert.equal((await ada.ok("files", "cat", at("c/f"))).stdout, "g");
  await ada.fails(5, /not empty/, "files", "rm", at("c"));
  await ada.ok("files", "rm", "-r", at("c"), at("a"));
  assert.deepEqual((await ada.ok("files", "ls", "--json", at(""))).json, []);
  const other = await session();
  await ada.fails(2, /stays in one session/, "files", "mv", at("a"), other.at("a"));
});

test("a list of many pages is one list", async () => {
  const { id, at } = await session();
  await Promise.all(Array.from({ length: 1100 }, (_, i) => ada.person.post(`/sessions/${id}/files:mkdir`, { path: `d${i}` })));
  assert.equal((await ada.ok("files", "ls", "--json", at(""))).json.length, 1100);
  assert.equal((await ada.ok("files", "ls", at(""))).stdout.trimEnd().split("\n").length, 1101);
});

// ---- large files ----

/** Peak of resident memory, in KiB. */
function peakOf(args) {
  const script = "import resource, subprocess, sys\nsubprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
    + "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
  return Number(execFileSync("/usr/bin/python3", ["-c", script, program, ...args], {
    cwd: ada.files, encoding: "utf8", env: { ...process.env, XDG_CONFIG_HOME: ada.home } }));
}

function sparse(name, size) {
  const fd = openSync(local(name), "w");
  ftruncateSync(fd, size);
  closeSync(fd);
}

test("memory does not grow with a file", async () => {
  const { at } = await session();
  sparse("small", 1 << 20);
  sparse("large", 48 << 20);
  const small = { put: peakOf(["files", "put", "small", at("small")]), get: peakOf(["files", "get", at("small"), "s"]) };
  const large = { put: peakOf(["files", "put", "large", at("large")]), get: peakOf(["files", "get", at("large"), "l"]) };
  assert.ok(large.put < small.put * 1.3, `${large.put} KiB beside ${small.put}`);
  assert.ok(large.get < small.get * 1.3, `${large.get} KiB beside ${small.get}`);
  execFileSync("cmp", [local("large"), local("l")]);
});

test("a file over the limit is refused before it is sent", async () => {
  const { at } = await session();
  sparse("huge", 17 * 2 ** 30);
  await ada.fails(5, /larger than allowed/, "files", "put", "huge", at("huge"));
  await ada.fails(5, /larger than allowed/, "cp", "huge", at("huge"));
  await ada.fails(4, /Not found/, "files", "cat", at("huge"));
});

// ---- ends ----

/** A server in between, for a test: first() sees each request before its body is read, then(request, reply, response) each reply. */
async function between(t, then, first = () => undefined) {
  const middle = createServer((request, response) => {
    first(request);
    const { method, url, headers } = request;
    const onward = ask({ host: "127.0.0.1", port: server.port, method, path: url, headers }, (reply) => {
      response.writeHead(reply.statusCode, reply.headers);
      then(request, reply, response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => middle.listen(0, "127.0.0.1", resolve));
  const kept = JSON.parse(readFileSync(ada.account, "utf8"));
  ada.keep({ ...kept, url: `http://127.0.0.1:${middle.address().port}` });
  t.after(() => {
    ada.keep(kept);
    middle.close().closeAllConnections();
  });
}

test("a get that breaks off leaves the file that was there, and nothing beside it", async (t) => {
  const { at, url } = await session();
  await ada.person.write(url("f"), Buffer.alloc(3_000_000, 1));
  execFileSync("mkdir", [local("broken")]);
  writeFileSync(local("broken/f"), "old");
  await between(t, (_, reply, response) => {
    reply.once("data", (piece) => response.write(piece, () => response.destroy()));
  });
  await ada.fails(6, /does not answer/, "files", "get", at("f"), "broken");
  assert.deepEqual(readdirSync(local("broken")), ["f"]);
  assert.equal(readFileSync(local("broken/f"), "utf8"), "old");
});

test("Ctrl-C during a get ends it at once and leaves nothing behind", async (t) => {
  const { at, url } = await session();
  await ada.person.write(url("f"), Buffer.alloc(3_000_000, 1));
  execFileSync("mkdir", [local("stopped")]);
  await between(t, (_, reply, response) => reply.once("data", (piece) => response.write(piece)));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    const child = ada.start(["files", "get", at("f"), "stopped"]);
    await until("the draft is there", () => readdirSync(local("stopped")).some((name) => name.startsWith(".coditect-")));
    child.kill(signal);
    assert.equal((await child.ended).status, signal);
    assert.deepEqual(readdirSync(local("stopped")), []);
  }
});

test("Ctrl-C during a put changes nothing", async () => {
  const { at, url } = await session();
  await ada.person.write(url("f"), "old");
  const child = ada.start(["files", "put", "-", at("f")], { keepInput: true });
  child.stdin.write(Buffer.alloc(2_000_000, 2));
  await until("it has been read", () => child.stdin.writableLength === 0);
  child.kill("SIGINT");
  assert.equal((await child.ended).status, "SIGINT");
  assert.equal((await ada.ok("files", "cat", at("f"))).stdout, "old");
  assert.equal((await ada.ok("files", "history", "--json", at("f"))).json.length, 1);
});

test("the server is killed in the middle of a put: said, and nothing changed", async (t) => {
  const own = await Server.start({ t });
  const bob = await person(own, "bob");
  const { at, url } = await session(bob);
  await bob.person.write(url("f"), "old");
  const child = bob.start(["files", "put", "-", at("f")], { keepInput: true });
  child.stdin.write(Buffer.alloc(2_000_000, 2));
  await until("it has been read", () => child.stdin.writableLength === 0);
  await own.kill9();
  child.stdin.end();
  const end = await child.ended;
  assert.equal(end.status, 6, end.stderr);
  assert.match(end.stderr, /does not answer/);
  await bob.fails(6, /does not answer/, "files", "cat", at("f"));
  await own.run();
  assert.equal((await bob.ok("files", "cat", at("f"))).stdout, "old");
});

test("a file that shrinks while it is sent is no version", async (t) => {
  const { at } = await session();
  sparse("shrinking", 64 << 20);
  await between(t, (_, reply, response) => reply.pipe(response), () => truncateSync(local("shrinking"), 1));
  await ada.fails(1, /became shorter while it was read/, "files", "put", "shrinking", at("f"));
  await ada.fails(4, /Not found/, "files", "cat", at("f"));
});

test("nobody reads: ended by SIGPIPE without a word", async () => {
  const { at, url } = await session();
  await ada.person.write(url("f"), Buffer.alloc(3_000_000, 1));
  for (const args of [["files", "cat", at("f")], ["manual"]]) {
    const child = ada.start(args, { before: ["bash", "-c", 'read -r _; exec "$@"', "-"], keepInput: true });
    child.stdout.destroy();
    child.stdin.end("go\n");
    const end = await child.ended;
    assert.equal(end.status, "SIGPIPE", `${args[0]}: ${end.stderr}`);
    assert.equal(end.stderr, "");
  }
});

test("standard output that is full or closed is a failure", async () => {
  const { at, url } = await session();
  await ada.person.write(url("f"), "content");
  for (const args of [["files", "cat", at("f")], ["files", "ls", at("")], ["whoami", "--json"], ["--help"], ["manual"]]) {
    for (const [to, says] of [[">/dev/full", /No space left/], [">&-", /Bad file descriptor/]]) {
      const end = await ada.run(args, { before: ["bash", "-c", `exec "$@" ${to}`, "-"] });
      assert.equal(end.status, 1, `${args.join(" ")} ${to}: ${end.stderr}`);
      assert.match(end.stderr, says);
    }
  }
  const all = await ada.run(["files", "put", "-", at("g")], { before: ["bash", "-c", 'exec "$@" <&- >&- 2>&-', "-"] });
  assert.equal(all.status, 1);
  await ada.fails(4, /Not found/, "files", "cat", at("g"));
  assert.match(readFileSync(ada.account, "utf8"), /^\{"url"/);
});

test("cp within a session, changes, and back to a moment", async () => {
  const { id, at } = await session();
  const put = async (path, input) => assert.equal((await ada.run(["files", "put", "-", at(path)], { input })).status, 0);
  await put("src/a", "one");
  await ada.ok("files", "cp", at("src"), at("copy"));
  assert.equal((await ada.ok("files", "cp", "--json", at("src/a"), at(""))).json.path, "a");
  await ada.fails(5, /./, "files", "cp", at("src/a"), at("copy/"));
  await ada.fails(2, /stays in one session/, "files", "cp", at("src"), `${(await session()).id}:x`);
  assert.equal((await ada.ok("files", "cat", at("copy/a"))).stdout, "one");
  await put("src/a", "two");
  await ada.ok("files", "rm", at("src/a"));
  const all = (await ada.ok("files", "changes", "--json", at(""))).json;
  const [gone, written] = all;
  assert.deepEqual([gone.op, gone.path, written.op], ["delete", "src/a", "write"]);
  assert.deepEqual((await ada.ok("files", "changes", "--json", "--oldest", "--since", String(written.version - 1), at(""))).json, [written, gone]);
  assert.deepEqual((await ada.ok("files", "changes", "--json", "--limit", "1", at("src"))).json, [gone]);
  assert.deepEqual((await ada.ok("files", "changes", "--json", "--op", "delete", "--before", String(gone.version), at(""))).json, []);
  assert.match((await ada.ok("files", "changes", at(""))).stdout, /^VERSION +TAKEN FOR +CHANGE +SIZE +WHEN \(UTC\) +BY +PATH\n/);

  const rewind = async (path, version) => {
    const { stdout, stderr } = await ada.ok("files", "rewind", at(path), version);
    assert.equal(stderr, "");
    return /^\d+ changed; version (\d+) was before it\n$/.exec(stdout)[1];
  };
  const before = await rewind("src", String(written.version));
  assert.equal((await ada.ok("files", "cat", at("src/a"))).stdout, "two");
  const again = await rewind("src", before);
  await ada.fails(4, /Not found/, "files", "cat", at("src/a"));
  await rewind("", again);
  assert.equal((await ada.ok("files", "cat", at("src/a"))).stdout, "two");
  assert.equal((await ada.ok("files", "rewind", at("src"), String(written.version))).stdout, "Nothing differs from that moment\n");
  const back = (await ada.ok("files", "rewind", "--json", at(""), String(written.version - 1))).json;
  assert.equal(back.done, true);
  assert.equal((await ada.ok("files", "cat", at("src/a"))).stdout, "one");
  await ada.fails(2, /VERSION must be a number/, "files", "rewind", at(""), "yesterday");

  await ada.ok("sessions", "fork", "--at", String(written.version), id, "Trial");
  await until("the fork is whole", async () => (await ada.run(["files", "cat", "Trial:src/a"])).stdout === "two");
});
