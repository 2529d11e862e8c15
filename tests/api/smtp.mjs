// A mail server for tests: SMTP with STARTTLS and logins (RFC 5321, 3207, 4954), by a certificate made on the spot, that keeps what
// it is given, refuses what it is told to, and can go away and come back.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket, createSecureContext } from "node:tls";

/** A message as a person would see it; asserts nothing: what is not there is undefined. */
function read(raw) {
  const [head, body] = [raw.slice(0, raw.indexOf("\r\n\r\n")), raw.slice(raw.indexOf("\r\n\r\n") + 4)];
  const lines = head.replaceAll(/\r\n[ \t]+/g, " ").split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]));
  const bytes = body.replaceAll("=\r\n", "").replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { raw, headers, names: lines.map((line) => line.split(":")[0]), text: Buffer.from(bytes, "latin1").toString("utf8").replaceAll("\r\n", "\n") };
}

const decodeWords = (text) => text.replaceAll(/=\?UTF-8\?B\?([^?]*)\?=\s*/g, (_, word) => Buffer.from(word, "base64").toString("utf8"));

class Conversation {
  constructor(server, socket, secure) {
    Object.assign(this, { server, secure, left: "", data: undefined, login: undefined, from: undefined, to: [] });
    this.use(socket);
    this.say(server.refuse("greeting") ?? "220 mail.test ESMTP");
  }

  use(socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text) => this.take(text));
    socket.on("error", () => socket.destroy());
  }

  say(line) {
    this.server.said.push(`S ${line}`);
    this.socket.write(`${line}\r\n`);
  }

  take(text) {
    this.left += text;
    for (let end; (end = this.left.indexOf("\r\n")) >= 0; ) {
      const line = this.left.slice(0, end);
      this.left = this.left.slice(end + 2);
      if (this.data === undefined) this.command(line);
      else this.content(line);
    }
  }

  content(line) {
    if (line !== ".") {
      this.data.push(line.startsWith(".") ? line.slice(1) : line);
      return;
    }
    const { from, to, login, secure } = this;
    const refused = this.server.refuse("END");
    if (refused === undefined) this.server.mails.push({ from, to, login, secure, ...read(`${this.data.join("\r\n")}\r\n`) });
    this.data = undefined;
    this.say(refused ?? "250 taken");
  }

  command(line) {
    const verb = line.split(" ")[0].toUpperCase();
    this.server.said.push(`C ${verb}`);
    if (this.server.hangs.has(verb)) return;
    const refused = this.server.refuse(verb);
    if (refused !== undefined) {
      this.say(refused);
      return;
    }
    if (this.credentials) {
      this.login = Buffer.from(line, "base64").toString().split("\0").slice(1);
      this.credentials = false;
      this.say("235 welcome");
      return;
    }
    (this[verb] ?? this.unknown).call(this, line);
  }

  unknown() {
    this.say("502 what?");
  }

  EHLO() {
    const more = [this.server.offersTls && !this.secure ? "STARTTLS" : "", this.secure ? "AUTH PLAIN" : ""].filter(Boolean);
    const lines = ["mail.test", ...more, "SIZE 1000000"];
    for (const [i, text] of lines.entries()) this.say(`250${i + 1 < lines.length ? "-" : " "}${text}`);
  }

  STARTTLS() {
    this.say("220 go on");
    this.socket.removeAllListeners("data");
    this.left = "";
    this.secure = true;
    this.use(new TLSSocket(this.socket, { isServer: true, secureContext: this.server.context }));
  }

  AUTH(line) {
    const [, , first] = line.split(" ");
    this.credentials = true;
    if (first === undefined) this.say("334 ");
    else this.command(first);
  }

  MAIL(line) {
    this.from = /<(.*)>/.exec(line)[1];
    this.to = [];
    this.say("250 ok");
  }

  RCPT(line) {
    this.to.push(/<(.*)>/.exec(line)[1]);
    this.say("250 ok");
  }

  DATA() {
    this.data = [];
    this.say("354 go on");
  }

  QUIT() {
    this.say("221 bye");
    this.socket.end();
  }
}

export class MailServer {
  mails = [];
  said = [];
  /** verb (END: after the content) → replies to give, one each time; "*": always. */
  refusals = new Map();
  hangs = new Set();
  offersTls = true;

  static async start() {
    const server = new MailServer();
    server.folder = mkdtempSync(join(tmpdir(), "coditect-mail-"));
    server.certificate = join(server.folder, "cert.pem");
    const key = join(server.folder, "key.pem");
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", server.certificate], { stdio: "pipe" });
    server.context = createSecureContext({ key: readFileSync(key), cert: readFileSync(server.certificate) });
    await server.come();
    return server;
  }

  refuse(verb) {
    const waiting = this.refusals.get(verb);
    if (waiting === undefined || waiting.length === 0) return undefined;
    return waiting[0] === "*" ? waiting[1] : waiting.shift();
  }

  /** Listens, on the port that it had. */
  async come() {
    this.sockets = new Set();
    this.listener = createServer((socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
      this.conversation = new Conversation(this, socket, false);
    });
    await new Promise((resolve) => this.listener.listen(this.port ?? 0, "127.0.0.1", resolve));
    this.port = this.listener.address().port;
  }

  async go() {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.listener.close(resolve));
  }

  async stop() {
    await this.go();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What the server's settings are to be. */
  args(more = []) {
    return ["--smtp-url", `smtp://127.0.0.1:${this.port}`, "--smtp-from", "Coditect <coditect@example.com>", "--smtp-ca-file", this.certificate, "--smtp-retry", "1s", ...more];
  }

  to(address) {
    return this.mails.filter(({ to }) => to.includes(address));
  }
}

/** The token of the link in a message. */
export const linkIn = ({ text }, page) => new RegExp(`^https?://\\S+/${page}#token=(\\S+)$`, "m").exec(text)?.[1];

/** The page and the parts of the link by which an address is confirmed. */
export function confirmationIn({ text }) {
  const [, page, parts] = /^https?:\/\/\S+\/(\w+)#(\S*confirmation=\S+)$/m.exec(text) ?? [];
  return page && { page, ...Object.fromEntries(new URLSearchParams(parts.replaceAll("+", "%2B"))) };
}

export const subjectOf = ({ headers }) => decodeWords(headers.subject);
