// A page that stands for the IDE in the tests of the page that frames it: it says what the IDE says (ide/README.md), keeps
// what it heard, and starts only with a ticket that was never used before.
import { createServer } from "node:http";
import { after } from "node:test";

const page = (platform) => `<!doctype html><meta charset="utf-8"><title>IDE</title>
<body style="margin:0;font:14px sans-serif;background:#17171b;color:#e4e4e7;padding:24px"><label>Editor <textarea></textarea></label>
<script>
  const platform = ${JSON.stringify(platform)};
  globalThis.heard = [];
  globalThis.say = (message, origin = platform) => parent.postMessage(message, origin);
  addEventListener("message", ({ data, origin, source }) => {
    globalThis.heard.push({ data, origin, fromParent: source === parent });
    if (data.type === "coditect.theme") document.body.style.background = data.theme === "dark" ? "#17171b" : "#ffffff";
  });
  globalThis.persistence = (mood, text, detail = "As the status bar says.") => say({ type: "coditect.persistence", mood, text, detail });
  if (!location.search.includes("silent")) say({ type: "coditect.ready", theme: "dark" });
</script>`;

/** platform: the origin of the page that may frame it. */
export async function standInIde(platform) {
  const tickets = new Map();
  const ide = { served: [], refused: 0, silent: false };
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://ide");
    const ticket = url.searchParams.get("ticket");
    const session = request.headers.host.split(".")[0];
    if (url.pathname === "/ticket" && tickets.get(ticket) === session) {
      tickets.delete(ticket);
      response.writeHead(303, { "Set-Cookie": `coditect-ide=${session}; HttpOnly; SameSite=Strict; Path=/`, Location: ide.silent ? "/?silent" : "/" }).end();
    } else if (url.pathname === "/" && (request.headers.cookie ?? "").includes(`coditect-ide=${session}`)) {
      ide.served.push(session);
      response.writeHead(200, { "Content-Type": "text/html" }).end(page(platform));
    } else {
      ide.refused += 1;
      response.writeHead(401, { "Content-Type": "text/plain" }).end("no ticket");
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  let count = 0;
  ide.url = (session) => `http://${session}.ide.coditect.localhost:${server.address().port}/`;
  ide.ticket = (session) => {
    const ticket = `t${(count += 1)}`;
    tickets.set(ticket, session);
    return { ticket, expires_in: 30, url: `${ide.url(session)}ticket?ticket=${ticket}` };
  };
  return ide;
}
