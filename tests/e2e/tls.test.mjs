// A browser that comes by TLS through the nginx of deploy/: the platform's page, its cookie, and the IDE in its frame with a
// WebSocket, on a host of its own and by path.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { freePort, newSession, until } from "../api/harness.mjs";
import { makeBundle } from "../api/ide-bundle.mjs";
import { made, makeCertificate, nginxMissing, startNginx } from "../api/nginx.mjs";
import { axe, button, launch, visible } from "./browser.mjs";

const domain = "coditect.localhost";
const folder = mkdtempSync(join(tmpdir(), "coditect-tls-"));
after(() => rmSync(folder, { recursive: true }));

/** Server, browser and nginx between them; byPath: IDEs on one more port. */
async function world(byPath) {
  const [plain, port, ides, idePort] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const args = ["--rate-factor", "1000", "--ide", makeBundle(), "--node", process.execPath, "--public-url", `https://${domain}:${port}`, "--trusted-proxies", "127.0.0.1"];
  if (byPath) args.push("--ide-listen", `127.0.0.1:${ides}`, "--ide-url", `https://${domain}:${idePort}`);
  const opened = await launch({ args });
  const { server } = opened;
  const { crt, key } = makeCertificate(folder, domain);
  const paths = [["/etc/coditect/tls.crt", crt], ["/etc/coditect/tls.key", key], ["coditect.example.com", domain]];
  const site = [made("nginx.conf", [...paths, ["127.0.0.1:8080", `127.0.0.1:${server.port}`], ["listen 80;", `listen 127.0.0.1:${plain};`], ["listen 443 ", `listen 127.0.0.1:${port} `]])];
  if (byPath) site.push(made("nginx-paths.conf", [...paths, ["server 127.0.0.1:8081;", `server 127.0.0.1:${ides};`], ["listen 8443 ", `listen 127.0.0.1:${idePort} `]]));
  after(await startNginx(site.join("\n"), plain));
  return { server, newContext: (options) => opened.newContext(options), home: `https://${domain}:${port}`, idePort, port };
}

for (const byPath of [false, true]) {
  test(`the IDE in its frame, ${byPath ? "by path" : "on a host of its own"}`, { skip: nginxMissing, timeout: 120_000 }, async () => {
    const { server, newContext, home, port, idePort } = await world(byPath);
    const ada = await server.account("ada");
    const session = (await newSession(ada)).id;
    await ada.post(`/sessions/${session}/open`);
    await until("it runs", async () => (await ada.get(`/sessions/${session}`)).data.workspace.state === "running", 60_000);
    const context = await newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`${home}/login`);
    await visible(button("Log in", page));
    await axe(page, "login by TLS"); // the only page of ours here: what follows is called from it
    const post = (path, body, token) => page.evaluate(async ([at, json, bearer]) => {
      const headers = { "Content-Type": "application/json", ...(bearer && { Authorization: `Bearer ${bearer}` }) };
      const reply = await fetch(`/api/v5${at}`, { method: "POST", headers, body: JSON.stringify(json) });
      return { status: reply.status, ...(await reply.json()) };
    }, [path, body, token]);
    const { email, password } = ada;
    assert.equal((await post("/auth/login", { email, password, cookie: true })).status, 200);
    const { status, data } = await post("/auth/refresh", {});
    assert.equal(status, 200, "the cookie came back, from our own page");
    const ticket = (await post("/auth/tickets", { session_id: session }, data.token)).data.url;
    const attached = page.waitForEvent("frameattached");
    await page.evaluate((url) => {
      const element = document.createElement("iframe");
      element.src = url;
      document.body.append(element);
    }, ticket);
    const frame = await attached;
    await frame.waitForURL(byPath ? `https://${domain}:${idePort}/ide/${session}/` : `https://${session}.ide.${domain}:${port}/`);
    assert.equal(await frame.evaluate(() => document.body.textContent), "the IDE");
    const hello = await frame.evaluate(() => new Promise((resolve) => {
      const socket = new WebSocket(`wss://${location.host}${location.pathname}socket`);
      socket.onmessage = (message) => resolve(message.data);
      socket.onerror = () => resolve("failed");
    }));
    assert.equal(hello, "hello");
    const cookies = await context.cookies();
    assert.ok(cookies.length >= 2 && cookies.every(({ secure, httpOnly, sameSite }) => secure && httpOnly && sameSite === "Strict"), JSON.stringify(cookies));
    await context.close();
  });
}
