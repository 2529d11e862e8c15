// A bundle as ide/build makes one, with a stand-in for Theia: it runs in the workspace, behind the real door, and says what it
// was asked. For tests of the way to an IDE.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

export const VERSION = "0123abcd";
export const COOKIE = "__Host-coditect-ide";

// Answers each request with what came, and counts them; sends what a hostile page would; opens sockets that say hello.
const backend = `
const { createHash } = require("node:crypto");
const { createServer } = require("node:http");
let count = 0;
const server = createServer((request, response) => {
  count += 1;
  if (request.url === "/" || request.url === "/page") {
    response.setHeader("Set-Cookie", "theia-connection-token=t; Path=/; HttpOnly; SameSite=Strict");
    response.setHeader("Content-Type", "text/html");
    return response.end("<!doctype html><title>IDE</title><body>the IDE");
  }
  if (request.url === "/hostile") {
    response.setHeader("Set-Cookie", ["theia-connection-token=t; Path=/", "theia-connection-token=u; Domain=coditect.localhost", "${COOKIE}=x; Path=/; Secure"]);
    response.setHeader("Clear-Site-Data", '"cookies"');
    response.setHeader("X-Frame-Options", "DENY");
  }
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece)).on("end", () => {
    const { method, url, headers } = request;
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ method, url, headers, count, size: Buffer.concat(pieces).length }));
  });
});
server.on("upgrade", (request, socket) => {
  count += 1;
  const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  socket.write(Buffer.from("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n\\x81\\x05hello", "latin1"));
  socket.on("error", () => socket.destroy());
});
server.listen(process.env.CODITECT_IDE_SOCKET);
process.on("SIGTERM", () => process.exit(0));
`;

/** Its directory, for --ide; removed after the test file. program: another stand-in. */
export function makeBundle(program = backend) {
  const bundle = mkdtempSync(join(tmpdir(), "coditect-bundle-"));
  after(() => rmSync(bundle, { recursive: true }));
  chmodSync(bundle, 0o755); // as built ones are: the server and the workspaces are other users
  const files = {
    "app/lib/backend/main.js": program,
    "app/lib/frontend/index.html": `<!doctype html><script src="./bundle.js?v=${VERSION}"></script>`,
    "app/lib/frontend/bundle.js": "the bundle",
    "plugins/none": "",
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(bundle, name, ".."), { recursive: true });
    writeFileSync(join(bundle, name), text);
  }
  return bundle;
}
