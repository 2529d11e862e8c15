// Mutated requests to our parser, nginx's and node's at once: what did each understand? Every mutation comes from its number and
// the seed alone, so that a difference can be looked at again.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { METHODS, createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Echo } from "./echo.mjs";

// ---- Mutations ----

/** splitmix64, cut to 32 bits. */
export function random(seed) {
  let state = BigInt.asUintN(64, BigInt(seed));
  return (below) => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return Number((z ^ (z >> 31n)) & 0xffffffffn) % below;
  };
}

const H = "Host: localhost\r\n";
const seeds = [
  `GET / HTTP/1.1\r\n${H}\r\n`,
  `GET /a/b?c=d&e=%20f HTTP/1.1\r\n${H}Accept: */*\r\nCookie: a=b; c="d"\r\n\r\n`,
  `GET http://localhost/x?y HTTP/1.1\r\n${H}\r\n`,
  `HEAD /h HTTP/1.1\r\n${H}Connection: keep-alive\r\n\r\n`,
  `OPTIONS * HTTP/1.1\r\n${H}\r\n`,
  `DELETE /d HTTP/1.1\r\n${H}If-Match: "x"\r\n\r\n`,
  `GET /old HTTP/1.0\r\n${H}Connection: keep-alive\r\n\r\n`,
  `POST /p HTTP/1.1\r\n${H}Content-Length: 5\r\n\r\nhello`,
  `PUT /p HTTP/1.1\r\n${H}Content-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello\r\nworld`,
  `POST /c HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  `POST /c HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n`,
  `POST /e HTTP/1.1\r\n${H}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}`,
  `GET /1 HTTP/1.1\r\n${H}\r\nGET /2 HTTP/1.1\r\n${H}\r\n`,
  `POST /1 HTTP/1.1\r\n${H}Content-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n${H}\r\n`,
  `GET /u HTTP/1.1\r\n${H}Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n`,
  `GET /v6 HTTP/1.1\r\nHost: [::1]:8080\r\nRange: bytes=0-1\r\n\r\n`,
];

const bytes = [..."\0\x01\t\n\v\f\r !\"#%&'()*+,-./0:;<=>?@AZ[\\]^_`az{|}~\x7f\x80\xff"];
const words = [
  "\r\n", "\n", "\r", "\r\n ", "\r\n\t", " ", "  ", "\t", ",", ";", ":", " :", "0", "+", "-", "0x", "%", "%00", "%0a", "%zz", "..", "//", "?", "#", "*",
  "chunked", "identity", "gzip", ", chunked", "chunked, ", "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Content-Length: +5\r\n",
  "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding : chunked\r\n", "Transfer-Encoding:\tchunked\r\n",
  "Host: localhost\r\n", "Host: other\r\n", "Host:\r\n", "Connection: close\r\n", "Connection: Content-Length\r\n", "Expect: 100-continue\r\n", "Expect: x\r\n",
  "X: y\r\n", ": y\r\n", "X\r\n", " X: y\r\n", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1", "GET ", "TRACE ", "CONNECT ", "PRI ", "get ",
  "\r\n\r\n", "0\r\n\r\n", "5\r\nhello\r\n", "ffffffffffffffff", "99999999999999999999", ";x=\"y\"", ";\r\n", "http://", "https://", "ftp://", "@", "localhost:80",
];

function mutateOnce(text, next) {
  const at = next(text.length + 1);
  const to = Math.min(text.length, at + 1 + next(4));
  switch (next(9)) {
    case 0: return text.slice(0, at) + bytes[next(bytes.length)] + text.slice(at);
    case 1: return text.slice(0, at) + bytes[next(bytes.length)] + text.slice(at + 1);
    case 2: return text.slice(0, at) + text.slice(to);
    case 3: return text.slice(0, at) + text.slice(at, to).repeat(2 + next(2)) + text.slice(to);
    case 4:
    case 5: return text.slice(0, at) + words[next(words.length)] + text.slice(at);
    case 6: { // a word between two lines
      const lines = text.split(/(?<=\r\n)/);
      lines.splice(next(lines.length + 1), 0, words[next(words.length)]);
      return lines.join("");
    }
    case 7: { // lines twice, swapped, or gone
      const lines = text.split(/(?<=\r\n)/);
      const i = next(lines.length);
      const [line] = lines.splice(i, 1);
      const how = next(3);
      if (how === 0) lines.splice(i, 0, line, line);
      else if (how === 1) lines.splice(next(lines.length + 1), 0, line);
      return lines.join("");
    }
    default: { // other case
      const part = text.slice(at, to);
      return text.slice(0, at) + (part === part.toLowerCase() ? part.toUpperCase() : part.toLowerCase()) + text.slice(to);
    }
  }
}

/** Mutation number n of a seed, as a string of bytes. */
export function mutation(seed, n) {
  const next = random(BigInt(seed) * 1_000_003n + BigInt(n));
  let text = seeds[next(seeds.length)];
  for (let left = [1, 1, 1, 2, 2, 3][next(6)]; left > 0; left--) text = mutateOnce(text, next);
  return text;
}

// ---- The three ----

const nginxConfiguration = (directory, port) => `
daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log crit;
events { worker_connections 1024; }
http {
  access_log off; keepalive_timeout 5s; client_max_body_size 1m; large_client_header_buffers 4 32k; merge_slashes off; msie_padding off;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
  server {
    listen 127.0.0.1:${port} reuseport backlog=512;
    location / {
      proxy_pass http://unix:${directory}/up.sock; proxy_http_version 1.1; proxy_ignore_client_abort on;
      proxy_set_header Host localhost; proxy_set_header X-Host $host; proxy_set_header Connection close;
    }
  }
  server {
    listen unix:${directory}/up.sock; keepalive_timeout 0;
    location / { add_header X-Said "$request_method $content_length $http_x_host $request_uri" always; return 200; }
  }
}`;

async function startNginx(port) {
  const directory = mkdtempSync(join(tmpdir(), "http-differential-"));
  writeFileSync(join(directory, "nginx.conf"), nginxConfiguration(directory, port));
  const child = spawn("nginx", ["-p", directory, "-c", join(directory, "nginx.conf"), "-e", join(directory, "error.log")], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.on("close", resolve));
  child.on("error", () => undefined);
  return { stop: async () => { child.kill("SIGTERM"); await ended; rmSync(directory, { recursive: true, force: true }); } };
}

export const hasNginx = () => spawnSync("nginx", ["-v"], { stdio: "ignore" }).status === 0;

async function startNode() {
  const server = createServer({ maxHeaderSize: 64 * 1024, insecureHTTPParser: false }, (request, response) => {
    let length = 0;
    request.on("data", (piece) => (length += piece.length));
    request.on("end", () => {
      response.setHeader("X-Said", `${request.method} ${length} ${request.headers.host ?? ""} ${request.url}`);
      response.end();
    });
  });
  // What node does with these by itself is not to answer at all.
  for (const event of ["connect", "upgrade"]) server.on(event, (request, socket) => socket.end("HTTP/1.1 501 Not Implemented\r\nConnection: close\r\n\r\n"));
  server.on("checkExpectation", (request, response) => response.writeHead(417, { Connection: "close" }).end());
  server.removeAllListeners("upgrade");
  await new Promise((resolve) => server.listen(0, "127.0.0.1", 512, resolve));
  return server;
}

export async function startAll(freePort) {
  const echo = await Echo.start();
  const nginxPort = await freePort();
  const nginx = await startNginx(nginxPort);
  const node = await startNode();
  const answers = async () => (await understood(nginxPort, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")).length > 0;
  for (let left = 100; !(await answers()); left--) {
    assert.ok(left > 0, "nginx does not answer");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    ports: { ours: echo.port, nginx: nginxPort, node: node.address().port },
    stop: async () => {
      await echo.stop();
      await nginx.stop();
      node.closeAllConnections();
      await new Promise((resolve) => node.close(resolve));
    },
  };
}

// ---- Verdicts ----

export const CANARY = "/canary";
const canary = `GET ${CANARY} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;

/** All bytes of the answers to these bytes and the end of the stream. */
function answersTo(port, text) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let got = "";
    const timer = setTimeout(() => socket.destroy(), 8000);
    socket.setEncoding("latin1");
    socket.on("data", (piece) => (got += piece));
    socket.on("end", () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(got);
    });
    socket.end(Buffer.from(text, "latin1"));
  });
}

/** What a server understood: one entry for each answer but 100, "METHOD length host target" or its status. */
export async function understood(port, text) {
  const got = await answersTo(port, text + canary);
  return [...got.matchAll(/HTTP\/1\.[01] (\d{3})[^]*?\r\n\r\n/g)]
    .filter((match) => match[1] !== "100")
    .map((match) => /\r\nX-Said: ([^\r]*)\r\n/i.exec(match[0])?.[1] ?? match[1]);
}

/** One answer in parts that can be compared: undefined for a refusal. An absolute target counts as its path. */
function parts(answer) {
  const [method, length, host, target] = answer.split(" ");
  if (target === undefined) return undefined;
  const path = target.replace(/^https?:\/\/[^/?]*/i, "") || "/";
  return { method, target: path.startsWith("?") ? `/${path}` : path, host: host.toLowerCase().replace(/:\d*$/, ""), length: Number(length) };
}

const isSame = (a, b, withHost) => a.method === b.method && a.target === b.target && a.length === b.length && (!withHost || a.host === b.host);

/**
 * What ours and another's answers come to: "same"; "stricter": we stopped where the other went on; "laxer": the other stopped;
 * "different": both took a request at the same place, but not the same one.
 */
export function compare(ours, theirs, withHost) {
  for (let i = 0; ; i++) {
    const [a, b] = [parts(ours[i] ?? ""), parts(theirs[i] ?? "")];
    if (a === undefined && b === undefined) return "same";
    if (a === undefined) return "stricter";
    if (b === undefined) return "laxer";
    if (!isSame(a, b, withHost)) return "different";
  }
}

/** Whether another took the requests that we took. */
function tookAlso(theirs, ours) {
  const taken = ours.map(parts).filter((part) => part !== undefined);
  return taken.every((part, i) => parts(theirs[i] ?? "") !== undefined && isSame(part, parts(theirs[i]), true));
}

// ---- Known differences ----

// The rules look at all of the bytes, since after two mutations nobody knows where a request begins.
const any = (pattern) => (text) => pattern.test(text);
const linesOf = (text) => text.split(/\r?\n/);
const isStatus = (answer) => answer !== undefined && /^\d{3}$/.test(answer);
const refusedWith = (...statuses) => (_, ours) => statuses.includes(ours.at(-1));

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const portIsValid = (port) => /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65535;
const hostIsValid = (host) => {
  const [, name, , port] = /^([^:[\]]*|\[[^\]]*\])(:(.*))?$/.exec(host) ?? [];
  return name !== undefined && /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]{2,}\])$/.test(name) && (port === undefined || portIsValid(port));
};
const hosts = (text) => [
  ...linesOf(text).flatMap((line) => /^host:[ \t]*(.*?)[ \t]*$/i.exec(line)?.slice(1) ?? []),
  ...linesOf(text).flatMap((line) => new RegExp(`^${TOKEN} https?://([^/? ]*)`, "i").exec(line)?.slice(1) ?? []),
];
const hasBadHost = (text) => hosts(text).some((host) => !hostIsValid(host));
const isRequestLine = (line) => new RegExp(`${TOKEN} [^ ]+ HTTP/1\\.[01]$`).test(line);
const hasBadLine = (text) => linesOf(text).some((line) => line !== "" && !isRequestLine(line) && !new RegExp(`^${TOKEN}:`).test(line));
const methods = (answers) => answers.filter((answer) => !isStatus(answer)).map((answer) => answer.split(" ")[0]);
const hasBareLf = any(/(^|[^\r])\n/);
const hasBareCr = any(/\r(?!\n)/);
const hasControl = any(/[\0-\x08\v\f\x0e-\x1f\x7f]/);
const hasHttp10 = any(/HTTP\/1\.0/);
const emptyLines = any(/\r\n\r\n\r\n|^\r\n\r\n/);
const badTarget = (text) => linesOf(text).some((line) => new RegExp(`^${TOKEN} [^ ]*(["<>#\\\\^\`{|}\\x80-\\xff\\0-\\x1f\\x7f]|%00|%(?![0-9A-Fa-f]{2}))`).test(line));
const hasTwoHosts = (text) => /^host[ \t]*:[^]*?\nhost[ \t]*:/im.test(text + canary);
const closes = (text, ours) => !isStatus(ours.at(-1)) && (hasHttp10(text) || /^connection:.*close/im.test(text));

/**
 * Why a difference is as it should be: [the others, kind, reason, whether these bytes are a case of it]. The first that fits is
 * counted. A difference that none explains fails the run.
 */
export const explanations = [
  // -- we refuse, the other goes on --
  [["nginx", "node"], "stricter", "an expectation that nobody knows is 417 (RFC 9110 10.1.1); nginx ignores it", refusedWith("417")],
  [["nginx", "node"], "stricter", "a transfer coding that we do not know is 501 (RFC 9112 6.1)", refusedWith("501")],
  [["nginx", "node"], "stricter", "a version that we do not speak is 505 (RFC 9110 15.6.6)", refusedWith("505")],
  [["nginx", "node"], "stricter", "a host that is no host (RFC 9112 3.2): both take almost anything", hasBadHost],
  [["node"], "stricter", "two Hosts (RFC 9112 3.2): node takes the first", hasTwoHosts],
  [["nginx", "node"], "stricter", "bytes or escapes that a target may not have (RFC 3986 2)", badTarget],
  [["nginx", "node"], "stricter", "schemes other than http and https (RFC 9110 4.2): both take any, node any target", any(new RegExp(`^${TOKEN} +(?!https?://|/)[^ ]`, "im"))],
  [["nginx"], "stricter", "a header line without a proper name (RFC 9112 5): nginx leaves it out", hasBadLine],
  [["nginx", "node"], "stricter", "a bare CR or LF (RFC 9112 2.2): nginx ends lines at LF, node forgives them between requests", (text) => hasBareLf(text) || hasBareCr(text)],
  [["nginx", "node"], "stricter", "more than one empty line before a request (RFC 9112 2.2: one)", emptyLines],
  [["nginx", "node"], "stricter", "control characters in a value (RFC 9110 5.5)", hasControl],
  [["nginx", "node"], "stricter", "HTTP/1.0 connections end with their answer, whatever they ask for", hasHttp10],
  [["nginx"], "stricter", "Connection: close counts wherever it stands (RFC 9112 9.6); for nginx the last line counts", closes],
  [["node"], "stricter", "more than one space in a request line (RFC 9112 3)", any(/^[^ \r\n]+ {2,}|^[^ \r\n]+ [^ \r\n]+ {2,}/m)],
  [["node"], "stricter", "a request line without a version (RFC 9112 3): for node that is HTTP/0.9", (text) => linesOf(text).some((line) => /^[A-Z]+ \S+$/.test(line))],
  // -- the other refuses, we go on --
  [["node"], "laxer", "any token is a method (RFC 9110 9.1); node knows a list", (_, ours) => methods(ours).some((method) => !METHODS.includes(method))],
  [["nginx"], "laxer", "any token is a method (RFC 9110 9.1); nginx knows those of capitals", (_, ours) => methods(ours).some((method) => !/^[A-Z_-]+$/.test(method))],
  [["nginx"], "laxer", "OPTIONS * is for the whole server (RFC 9110 9.3.7); nginx has none", any(/^OPTIONS \*/m)],
  [["nginx"], "laxer", "a host of dots is one for RFC 3986 3.2.2; nginx wants names between them", (text) => hosts(text).some((host) => /\.\.|^\./.test(host))],
  [["nginx", "node"], "laxer", "a tab around a value is no part of it (RFC 9110 5.5); both forget that where the value counts", any(/^(host|content-length|transfer-encoding):(.*\t[ \t]*|[ \t]*\t.*)\r$/im)],
  [["nginx"], "laxer", "Connection is a list of whole words (RFC 9110 7.6.1); nginx looks for close inside them", any(/^connection:(?!([^,\n]*,)*[ \t]*close[ \t]*(,|\r)).*close/im)],
  [["nginx"], "laxer", "where .. leads is the application's matter (RFC 3986 5.2.4); nginx resolves it and refuses what lies above the root", any(/^\S+ \S*\/(\.|%2e){2}/im)],
  [["nginx"], "laxer", "an underscore may stand in a host (RFC 3986 3.2.2); nginx refuses it in a target", any(/ https?:\/\/[^/]*_/im)],
  [["nginx"], "laxer", "a list may come in several lines (RFC 9110 5.3); nginx takes one of each that it knows", any(/^(if-match|range|upgrade|content-type|accept):[^]*\n\1:/im)],
  [["nginx"], "laxer", "the same expectation twice is still one; nginx takes a line of each", any(/^expect:[^]*\nexpect:/im)],
  // Whatever the bytes: so nginx must have taken what we took before we refused, or have a reason of its own.
  [["node"], "laxer", "node answers nothing that it read together with what it refuses", (text, ours, theirs, nginx) => isStatus(ours.at(-1)) && isStatus(theirs.at(-1)) && (tookAlso(nginx, ours) || ["laxer", "different"].some((kind) => explain("nginx", kind, text, ours, nginx) !== undefined))],
  [["node"], "laxer", "what follows the last request of a connection is nobody's; node refuses the connection", (text, ours, theirs) => closes(text, ours) && theirs.every(isStatus)],
  [["node"], "laxer", "an Upgrade that is not taken up changes nothing (RFC 9110 7.8); node reads nothing behind it", any(/^upgrade:/im)],
  [["node"], "laxer", "chunk extensions are dropped, whatever they say (RFC 9112 7.1.1); node reads them", any(/^[0-9a-f]+;/im)],
  [["node"], "laxer", "trailers are dropped, whatever they say (RFC 9110 6.5.1); node refuses those of framing", any(/\r\n0+\r\n([^]*\n)?(transfer-encoding|content-length):/i)],
  // -- both go on, with something else --
  [["node"], "different", "node tells the handler of Host where the target names another (RFC 9112 3.2.2)", any(/ https?:\/\//i)],
  [["nginx"], "different", "nginx drops the dot at a host's end", (text) => hosts(text).some((host) => /\.(:\d*)?$/.test(host))],
];

export function explain(other, kind, text, ours, theirs, nginx) {
  return explanations.find(([others, kinds, , test]) => others.includes(other) && kinds === kind && test(text, ours, theirs, nginx))?.[2];
}

/** Runs mutations first … first + count - 1. Resolves with the counts of explained differences and a list of all others. */
export async function compareAll(ports, { seed, count, atOnce = 16 }) {
  const explained = new Map();
  const unexplained = [];
  let same = 0;
  let n = 0;
  const one = async (text, number) => {
    const [ours, nginx, node] = await Promise.all([ports.ours, ports.nginx, ports.node].map((port) => understood(port, text)));
    for (const [other, theirs] of Object.entries({ nginx, node })) {
      const kind = compare(ours, theirs, other === "nginx");
      const why = kind === "same" ? undefined : explain(other, kind, text, ours, theirs, nginx);
      if (kind === "same") same++;
      else if (why === undefined) unexplained.push({ seed, number, other, kind, text, ours, theirs });
      else explained.set(`${other}, ${kind}: ${why}`, (explained.get(`${other}, ${kind}: ${why}`) ?? 0) + 1);
    }
  };
  const worker = async () => {
    while (n < count) {
      const number = n++;
      await one(mutation(seed, number), number);
    }
  };
  await Promise.all([...Array(atOnce)].map(worker));
  return { same, explained, unexplained };
}
