// Two sessions of one person in the real IDE: from the terminal of one and with its cookies nothing of the other can be reached. What a script in the IDE's page tries is in hostile-ide.test.mjs.
import assert from "node:assert/strict";
import { request } from "node:http";
import { Client, until } from "../api/harness.mjs";
import { visible } from "./browser.mjs";
import * as ide from "./ide.mjs";

const world = await ide.launchProduct();
const { home, server } = world;
const ada = { name: "Ada Lovelace", email: "ada@example.com", password: "a password to test with" };
const SECRET = "SECRET-OF-A";
let page, client, a, b, frameOfA, frame;
const step = ide.story(() => page);

async function newClient() {
  const reply = await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
  return Object.assign(new Client(server, reply.data.token), { login: reply.data.login_id });
}

step("Project A with a secret, Project B beside it", async () => {
  page = await ide.newPage(world);
  await ide.register(page, home, ada);
  client = await newClient();
  a = await ide.createSession(page, home, "Project A");
  await client.write(`/sessions/${a}/files/secret.txt`, SECRET);
  frameOfA = await ide.ready(page, ide.originOf(world, a));
  await visible(ide.inExplorer(frameOfA, "secret.txt"));
  page = await page.context().newPage();
  page.on("dialog", (dialog) => dialog.accept());
  b = await ide.createSession(page, home, "Project B");
  frame = await ide.ready(page, ide.originOf(world, b));
  await ide.says(frame, ide.PERSISTED);
  assert.equal(await frame.locator(".theia-TreeNode").count(), 0);
  assert.deepEqual((await client.get(`/sessions/${b}/files?recursive=true`)).data, []);
});

// Each line it writes but the last two is something that it should not have reached.
const probe = () => `
secret=SECRET-OF'-A' other=${a.slice(0, 10)}'${a.slice(10)}' port=${server.port}
{
  find / \\( -path /proc -o -path /sys \\) -prune -o \\( -name secret.txt -o -name "*$other*" \\) -print
  grep -rlsF -- "$secret" /workspace /home /tmp /run /var/tmp /var/lib /dev/shm /opt /mnt /srv /root
  grep -lsF -- "$other" /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/mountinfo /proc/net/unix
  cat /proc/1/environ /proc/1/maps; ls /proc/1/fd /proc/1/cwd/; ls ${server.data}
  for host in 127.0.0.1 '[::1]' localhost 10.0.2.2 10.0.2.3 coditect.localhost $(hostname -I); do
    curl -sS -m 3 "http://$host:$port/health" && echo "reached the server at $host"
  done
  for socket in $(find / \\( -path /proc -o -path /sys \\) -prune -o -type s -print); do
    for path in / /status /coditect/session; do
      curl -s -m 3 -w '%{http_code}' --unix-socket "$socket" "http://$other.ide.coditect.localhost:$port$path" | grep -sF -e "$other" -e "$secret"
    done
  done
} 2>/dev/null > /tmp/found
mv /tmp/found /workspace/found.txt
curl -sS --unix-socket /run/coditect/door/door.sock http://door/status > /workspace/control.txt
`;

step("from the terminal of B nothing of A can be reached, nor the server", async () => {
  await client.write(`/sessions/${b}/files/probe.sh`, probe());
  await visible(ide.inExplorer(frame, "probe.sh"));
  await ide.showTerminal(page, frame);
  await ide.enter(page, frame, "bash probe.sh");
  await until("the probe is done", async () => (await ide.stored(client, b, "control.txt"))?.length > 0, 2 * ide.DEADLINE_MS);
  assert.equal((await ide.stored(client, b, "found.txt")).toString(), "");
  assert.match((await ide.stored(client, b, "control.txt")).toString(), /"state":/, "curl works, and its own door answers");
});

step("with the cookies of B nothing of A answers", async () => {
  const own = await page.context().cookies(ide.originOf(world, b));
  const cookie = own.map(({ name, value }) => `${name}=${value}`).join("; ");
  const ask = (host, path) => new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port: server.port, path, agent: false, headers: { Host: new URL(host).host, Cookie: cookie } })
      .on("response", (reply) => resolve(reply.resume().statusCode)).on("error", reject).end();
  });
  assert.equal(await ask(ide.originOf(world, b), "/"), 200, "they are good");
  for (const path of ["/", "/socket.io/?EIO=4&transport=polling", "/coditect/session"]) assert.equal(await ask(ide.originOf(world, a), path), 401);
  for (const path of ["/users/me", `/sessions/${a}`, `/sessions/${a}/files/secret.txt`]) assert.equal(await ask(home, `/api/v5${path}`), 401);
});
