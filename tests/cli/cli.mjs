// Runs the real coditect against the real server. Each Cli is a person's machine: a folder for its login and one for files.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

export const program = join(process.env.CODITECT_BUILD ?? "", "src/cli/coditect");

const noProxies = Object.fromEntries(["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].map((name) => [name, ""]));

// One that a test left when it failed would hold the server's end up.
const running = new Set();
after(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** The end of a run: status (or the name of the signal), and what it wrote. */
export class End {
  constructor(status, stdout, stderr) {
    this.status = status;
    this.bytes = stdout;
    this.stdout = stdout.toString("utf8");
    this.stderr = stderr.toString("utf8");
  }

  get json() {
    return JSON.parse(this.stdout);
  }
}

export class Cli {
  constructor(server) {
    this.server = server;
    this.home = mkdtempSync(join(tmpdir(), "coditect-cli-"));
    this.files = mkdtempSync(join(tmpdir(), "coditect-cli-files-"));
    after(() => {
      rmSync(this.home, { recursive: true, force: true });
      rmSync(this.files, { recursive: true, force: true });
    });
  }

  get url() {
    return `http://127.0.0.1:${this.server.port}`;
  }

  get account() {
    return join(this.home, "coditect/login.json");
  }

  /** Starts a run; `ended` of the child is its End. options: env, stdio, input; held: nobody reads its output. */
  start(args, options = {}) {
    const env = { ...process.env, ...noProxies, XDG_CONFIG_HOME: this.home, HOME: this.home, ...options.env };
    const [first, ...rest] = [...(options.before ?? []), program, ...args];
    const child = spawn(first, rest, { cwd: this.files, env, stdio: options.stdio ?? "pipe" });
    const out = [];
    const err = [];
    if (options.held !== true) child.stdout?.on("data", (piece) => out.push(piece));
    child.stderr?.on("data", (piece) => err.push(piece));
    child.stdin?.on("error", () => undefined); // it may end before it has read everything
    if (options.input !== undefined) child.stdin.end(options.input);
    else if (options.keepInput !== true) child.stdin?.end();
    running.add(child);
    child.ended = new Promise((resolve) => {
      child.on("close", (code, signal) => {
        running.delete(child);
        const end = new End(signal ?? code, Buffer.concat(out), Buffer.concat(err));
        assert.doesNotMatch(end.stderr, /Sanitizer|runtime error:|assertion/i, args.join(" "));
        resolve(end);
      });
    });
    return child;
  }

  run(args, options) {
    return this.start(args, options).ended;
  }

  /** A run that must succeed. */
  async ok(...args) {
    const end = await this.run(args);
    assert.equal(end.status, 0, `${args.join(" ")}: ${end.stderr}`);
    return end;
  }

  /** A run that must end with this status and say something that matches. */
  async fails(status, says, ...args) {
    const end = await this.run(args);
    assert.equal(end.status, status, `${args.join(" ")}: ${end.stdout}${end.stderr}`);
    assert.match(end.stderr, says, args.join(" "));
    return end;
  }

  /** Writes the file of a login. */
  keep(account) {
    mkdirSync(join(this.home, "coditect"), { recursive: true, mode: 0o700 });
    writeFileSync(this.account, JSON.stringify(account), { mode: 0o600 });
  }

  async login(person) {
    const end = await this.run(["login", this.url, "--email", person.email, "--password-stdin"], { input: `${person.password}\n` });
    assert.equal(end.status, 0, end.stderr);
    return this;
  }
}

/** A new account on the server whose tokens lie where a login would have put them. */
export async function person(server, name) {
  const account = await server.account(name);
  const cli = new Cli(server);
  cli.keep({ url: cli.url, email: account.email, token: account.login.token, refresh_token: account.login.refresh_token,
    expires_at: Math.floor(Date.now() / 1000) + account.login.expires_in });
  return Object.assign(cli, { person: account });
}
