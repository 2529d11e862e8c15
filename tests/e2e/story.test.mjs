// The whole story, as a person lives it: a session, its IDE, files from the editor and from the terminal; then every process is
// killed and the workspace's disk is lost, and all of it is there again; and from another session none of it can be reached.
// Everything is real: server, sandbox, IDE and browser.
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { bytesOf, Client, sha256, until } from "../api/harness.mjs";
import { alive, processesOf, reaches } from "../workspaces/inside.mjs";
import { axe, button, link, setTheme, shot, visible } from "./browser.mjs";
import { attack, probe } from "./hostile.mjs";
import * as ide from "./ide.mjs";

const world = await ide.launchProduct(["--quota-tenant", "32"]);
const { home, server } = world;
const ada = { name: "Ada Lovelace", email: "ada@example.com", password: "a password to test with" };
const HELLO = "Hello, this was typed.\nGrüße, 你好\n";
const MADE = "made in the terminal\n";
let page, frame, client, a, b, frameOfA;
const step = ide.story(() => page);

/** A login beside the browser's, to see what the server has. */
async function newClient() {
  const reply = await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
  return new Client(server, reply.data.token);
}

step("register, create Project A, open it", async () => {
  page = await ide.newPage(world);
  await ide.register(page, home, ada);
  client = await newClient();
  a = await ide.createSession(page, home, "Project A");
  frame = await ide.ready(page, ide.originOf(world, a));
  await ide.says(frame, ide.PERSISTED);
  await visible(frame.locator(".coditect-welcome").getByRole("heading", { name: "Project A" }));
});

step("a file typed in the editor is on the server when the status bar says so", async () => {
  await ide.newFile(frame, "hello.txt");
  await ide.says(frame, ide.PERSISTED); // the empty file
  await ide.noteWords(frame);
  await page.keyboard.type(HELLO);
  await page.keyboard.press("Control+s");
  await ide.isSaved(frame);
  assert.equal((await ide.stored(client, a, "hello.txt"))?.toString(), HELLO);
});

const toast = (text) => frame.locator(".theia-notification-list-item-container", { hasText: text });

step("what comes back from the past is in the open editor at once", async () => {
  const { data } = await client.get(`/sessions/${a}/history/hello.txt`);
  const versionOf = (size) => data.find((one) => one.size === size).version;
  for (const [text, version] of [["", versionOf(0)], [HELLO, versionOf(Buffer.byteLength(HELLO))]]) { // both older than what is there
    assert.equal((await client.post(`/sessions/${a}/history/hello.txt:restore`, { version })).status, 200);
    await ide.shows(frame, text);
  }
  assert.equal(await frame.locator(".dialogBlock").count(), 0);
  await ide.says(frame, ide.PERSISTED);
});

step("the API and the editor change a file in the same moment: both are kept, and the person is asked", async () => {
  for (let i = 0; await toast("was changed").count() === 0; i++) {
    assert.ok(i < 20, "nobody was asked");
    await page.keyboard.press("Control+Home");
    await Promise.all([page.keyboard.type("x"), client.write(`/sessions/${a}/files/hello.txt`, `theirs ${i}\n`)]);
    await toast("was changed").first().waitFor({ timeout: 4_000 }).catch(() => {});
  }
  assert.equal(await frame.locator(".dialogBlock").count(), 0);
  await shot(page, "story-both");
  await button("Take Theirs", toast("was changed").first()).click();
  await ide.says(frame, ide.PERSISTED);
  await client.write(`/sessions/${a}/files/hello.txt`, HELLO);
  await ide.shows(frame, HELLO);
});

step("a full store is told in plain words, loses nothing, and goes on when there is room", async () => {
  await until("all but 1000 bytes is taken", async () => {
    const { used, limit } = (await client.get("/tenant")).data.usage.bytes; // the IDE stores its own meanwhile
    const filler = Buffer.concat([...bytesOf(limit - used - 1000)]);
    return (await client.write(`/sessions/${a}/files/filler`, filler)).status === 200;
  });
  const much = "x".repeat(5000);
  await ide.enterEditor(frame);
  await page.keyboard.press("Control+Home");
  await page.keyboard.insertText(`${much}\n`);
  await page.keyboard.press("Control+s");
  await visible(toast("Your storage is full"));
  await ide.says(frame, /^Your storage is full: \d changes? waiting$/); // the IDE's own settings may be another
  await shot(page, "story-full");
  assert.equal((await ide.stored(client, a, "hello.txt"))?.toString(), HELLO);
  assert.equal((await client.delete(`/sessions/${a}/files/filler`)).status, 200);
  await ide.says(frame, ide.PERSISTED);
  await ide.isStored(client, a, "hello.txt", `${much}\n${HELLO}`);
  await client.write(`/sessions/${a}/files/hello.txt`, HELLO);
  await ide.shows(frame, HELLO);
});

step("files made in the terminal", async () => {
  await ide.showTerminal(page, frame);
  await ide.enter(page, frame, "echo made in the terminal > made.txt; chmod 755 made.txt; ln -s hello.txt link; seq 200000 > numbers.txt");
  await visible(ide.inExplorer(frame, "numbers.txt"));
  await ide.isStored(client, a, "made.txt", MADE);
  await until("the server has the numbers", async () => (await ide.stored(client, a, "numbers.txt"))?.length === 1_288_895, ide.DEADLINE_MS);
  await ide.says(frame, ide.PERSISTED);
  await ide.headerSays(page, ide.PERSISTED);
});

step("how it looks, light and dark", async () => {
  for (const theme of ["dark", "light"]) {
    await setTheme(page, theme);
    await frame.locator(`body.theia-${theme}`).waitFor();
    await axe(page, `around the IDE, ${theme}`); // within it: ide-look.test.mjs
    await shot(page, `story-ide-${theme}`);
  }
});

step("every process is killed, the workspace's disk is lost: Project A has both files, byte for byte", async () => {
  const numbers = sha256(await ide.stored(client, a, "numbers.txt"));
  await page.context().close();
  const processes = [server.child.pid, server.serverPid, ...processesOf(server, a)];
  assert.ok(processes.length > 5, `${processes.length} processes`);
  assert.ok(ide.processesNamed(server, a, "main.js") > 0, "the IDE is among them");
  for (const pid of processes) if (alive(pid)) process.kill(pid, "SIGKILL");
  await server.exited;
  await until("every process has ended", () => !processes.some(alive), ide.DEADLINE_MS);
  const disk = join(server.data, "workspaces", a);
  assert.ok(existsSync(join(disk, "tree/hello.txt")));
  rmSync(disk, { recursive: true });

  await server.run();
  page = await ide.newPage(world);
  await world.logIn(page, ada);
  client = await newClient();
  assert.equal((await ide.stored(client, a, "hello.txt"))?.toString(), HELLO);
  assert.equal(sha256(await ide.stored(client, a, "numbers.txt")), numbers);
  await link("Project A", page).click();
  frame = await ide.ready(page, ide.originOf(world, a));
  await ide.openFile(frame, "hello.txt");
  await ide.shows(frame, HELLO);
  await ide.openFile(frame, "made.txt");
  await ide.shows(frame, MADE);
  await ide.showTerminal(page, frame);
  await ide.enter(page, frame, "sha256sum hello.txt made.txt numbers.txt | cut -c 1-64 > sums.txt; stat -c %a made.txt >> sums.txt; readlink link >> sums.txt");
  await ide.isStored(client, a, "sums.txt", [sha256(HELLO), sha256(MADE), numbers, "755", "hello.txt", ""].join("\n"));
  await ide.says(frame, ide.PERSISTED);
});

step("the daemon inside stands still: said, and everything goes on", async () => {
  const daemon = processesOf(server, a).find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8") === "codi2\n");
  process.kill(daemon, "SIGSTOP");
  try {
    await ide.says(frame, "Connection lost");
    await ide.headerSays(page, "Connection lost");
    await ide.tab(frame, "made.txt").click();
    await page.keyboard.press("Control+Home");
    await page.keyboard.type("still, ");
    await ide.says(frame, "Connection lost");
  } finally {
    process.kill(daemon, "SIGCONT");
  }
  await ide.isStored(client, a, "made.txt", `still, ${MADE}`);
  await ide.says(frame, ide.PERSISTED);
});

step("text that is no file yet is not called persisted", async () => {
  await ide.menu(frame, "File", "New Text File");
  await visible(ide.tab(frame, "Untitled"));
  await page.keyboard.type("a thought");
  await ide.says(frame, "1 editor not saved to a file yet");
});

step("the server is killed while the IDE is open: said at once, and everything goes on", async () => {
  await ide.noteWords(frame);
  await server.kill9();
  await ide.says(frame, "Connection lost");
  await ide.headerSays(page, "Connection lost");
  await visible(page.getByTestId("lost"));
  await axe(page, "the server is away");
  await ide.tab(frame, "made.txt").click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("offline, ");
  await ide.shows(frame, `offline, still, ${MADE}`);
  assert.deepEqual((await ide.words(frame)).slice(1), ["Connection lost"]);
  await server.run();
  await ide.isStored(client, a, "made.txt", `offline, still, ${MADE}`);
  await ide.says(frame, "1 editor not saved to a file yet");
  await page.getByTestId("lost").waitFor({ state: "hidden" });
  const after = await ide.words(frame);
  assert.ok(!after.slice(1, after.lastIndexOf("Connection lost")).includes(ide.PERSISTED), `${after}`);
  await ide.tab(frame, "Untitled").click();
  await ide.shows(frame, "a thought");
});

step("a reload leaves one plugin host, and a terminal whose command still runs", async () => {
  await frame.locator(".lm-TabBar-tab.lm-mod-current", { hasText: "Untitled" }).locator(".lm-TabBar-tabCloseIcon").click();
  await button("Don't Save", frame).click();
  await ide.enter(page, frame, "cat > held.txt");
  await until("the command runs", () => ide.processesNamed(server, a, "cat\0") === 1);
  await page.reload();
  frame = await ide.ready(page, ide.originOf(world, a));
  await ide.says(frame, ide.PERSISTED);
  await until("one plugin host", () => ide.processesNamed(server, a, "plugin-host") === 1, ide.DEADLINE_MS);
  assert.equal(ide.processesNamed(server, a, "cat\0"), 1);
  await ide.enter(page, frame, "the same terminal");
  await page.keyboard.press("Control+d");
  await ide.isStored(client, a, "held.txt", "the same terminal\n");
});

step("a program that takes too much memory is ended, its name is told, and the IDE goes on", async () => {
  await ide.enter(page, frame, "python3 -c 'import time; x = [(bytearray(1 << 26), time.sleep(.05)) for _ in range(64)]'; echo $? > killed.txt");
  await visible(frame.locator(".theia-notification-message", { hasText: "The workspace ran out of memory: python3 was ended." }));
  await shot(page, "story-out-of-memory");
  await ide.isStored(client, a, "killed.txt", "137\n");
  await ide.says(frame, ide.PERSISTED);
});

step("paused and opened again, the files are there", async () => {
  await page.getByTestId("persistence").click();
  await button("Pause session", page).click();
  await visible(page.getByTestId("paused"));
  await reaches(client, a, "stopped");
  await until("nothing of it runs", () => processesOf(server, a).length === 0);
  await page.getByTestId("open-session").click();
  frame = await ide.ready(page, ide.originOf(world, a));
  await ide.says(frame, ide.PERSISTED);
  await ide.openFile(frame, "held.txt");
  await ide.shows(frame, "the same terminal\n");
});

step("Project B, beside it, is empty", async () => {
  frameOfA = frame;
  page = await ide.newPage(world);
  await world.logIn(page, ada);
  b = await ide.createSession(page, home, "Project B");
  frame = await ide.ready(page, ide.originOf(world, b));
  await ide.says(frame, ide.PERSISTED);
  assert.equal(await frame.locator(".theia-TreeNode").count(), 0);
  assert.deepEqual((await client.get(`/sessions/${b}/files?recursive=true`)).data, []);
});

step("from its terminal another session is tried, and the server", async () => {
  await client.write(`/sessions/${b}/files/probe.sh`, probe({ server, other: a, file: "hello.txt", secret: "Hello, this was typed." }));
  await visible(ide.inExplorer(frame, "probe.sh"));
  await ide.showTerminal(page, frame);
  await ide.enter(page, frame, "bash probe.sh");
  await visible(ide.inExplorer(frame, "probing")); // what it found is looked at below; it waits for much that does not answer
});

step("with its cookies nothing of A answers", async () => {
  const cookies = await page.context().cookies(ide.originOf(world, b));
  const headers = { Cookie: cookies.map(({ name, value }) => `${name}=${value}`).join("; ") };
  const ask = (origin, path) => new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port: server.port, path, agent: false, headers: { Host: new URL(origin).host, ...headers } })
      .on("response", (reply) => resolve(reply.resume().statusCode)).on("error", reject).end();
  });
  assert.equal(await ask(ide.originOf(world, b), "/"), 200, "they are good");
  for (const path of ["/", "/socket.io/?EIO=4&transport=polling", "/coditect/session"]) {
    assert.equal(await ask(ide.originOf(world, a), path), 401);
  }
  for (const path of ["/users/me", `/sessions/${a}`, `/sessions/${a}/files/hello.txt`]) {
    assert.equal(await ask(home, `/api/v5${path}`), 401);
  }
});

step("a hostile script in its IDE has no effect", async () => {
  const before = world.refused.length;
  const words = await frame.evaluate(attack, { platform: home, other: ide.originOf(world, a) });
  assert.ok(words.every((word) => ["failed", "opaque", "loaded", "silence"].includes(word)), `${words}`);
  const framed = () => page.frames().filter((one) => one.parentFrame() === frame).map((one) => one.url());
  await until("what it framed is refused", () => framed().length > 0 && framed().every((url) => url.startsWith("chrome-error:")));
  const refused = world.refused.splice(before);
  assert.ok(refused.length >= framed().length && refused.every((text) => text.startsWith("Framing 'http")), refused.join(""));
  await ide.says(frameOfA, ide.PERSISTED);
  await page.reload(); // logged in as before, and by the same cookies
  frame = await ide.ready(page, ide.originOf(world, b));
  await ide.says(frame, ide.PERSISTED);
  assert.equal((await ide.stored(client, a, "hello.txt")).toString(), HELLO);
});

step("and nothing was reached from its terminal meanwhile", async () => {
  await until("the probe is done", async () => (await ide.stored(client, b, "control.txt"))?.length > 0, 2 * ide.DEADLINE_MS);
  assert.equal((await ide.stored(client, b, "found.txt")).toString(), "");
  assert.match((await ide.stored(client, b, "control.txt")).toString(), /^[1-9]\d*\n.*"state":/s);
});

step("no foreign request, nothing refused by the policy", async () => {
  assert.deepEqual(world.foreign, []);
  // Theia tells its plugin hosts of an editor's tab that they have not heard of yet, or not any more, and they answer so.
  assert.deepEqual(world.refused.filter((text) => !text.startsWith("Error: INVALID tab")), []);
});
