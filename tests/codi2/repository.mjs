// A git server on the loopback, for tests that clone: git's own http-backend behind node's HTTP.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";

// A question of a test writes nothing: git would bring its index up to date, which the mirror stores.
const as = ["--no-optional-locks", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main", "-c", "core.fsync=none"];
export const git = (cwd, ...args) => execFileSync("git", [...as, ...args], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/**
 * One repository, example.git: README.md and src/a.txt on main, and a branch "next" with more. `hold`: a promise that the pack
 * waits for; `asked`: how many clones began; `refuse`: a status for everything.
 */
export async function serve(t) {
  const place = mkdtempSync(join(tmpdir(), "coditect-git-"));
  const work = join(place, "work");
  execFileSync("git", [...as, "init", "-q", work]);
  writeFileSync(join(work, "README.md"), "# Example\n");
  execFileSync("mkdir", [join(work, "src")]);
  writeFileSync(join(work, "src/a.txt"), "one\n");
  git(work, "add", "-A");
  git(work, "commit", "-qm", "first");
  git(work, "checkout", "-qb", "next");
  writeFileSync(join(work, "next.txt"), "two\n");
  git(work, "add", "-A");
  git(work, "commit", "-qm", "second");
  git(work, "checkout", "-q", "main");
  execFileSync("git", [...as, "clone", "-q", "--bare", work, join(place, "example.git")]);

  const state = { hold: Promise.resolve(), asked: 0, refuse: 0, place };
  const server = createServer((request, response) => void answer(state, request, response).catch(() => response.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  state.port = server.address().port;
  state.url = `http://127.0.0.1:${state.port}/example.git`;
  state.close = () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); });
  state.reopen = async () => { server.listen(state.port, "127.0.0.1"); await once(server, "listening"); };
  t.after(async () => {
    await state.close();
    rmSync(place, { recursive: true, force: true });
  });
  return state;
}

async function answer(state, request, response) {
  if (state.refuse !== 0) {
    response.writeHead(state.refuse, state.refuse === 401 ? { "WWW-Authenticate": "Basic realm=git" } : {}).end();
    return;
  }
  const { pathname, search } = new URL(request.url, "http://x");
  if (pathname.endsWith("/info/refs")) state.asked += 1;
  else await state.hold;
  const child = spawn("git", ["http-backend"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {
      PATH: process.env.PATH, GIT_PROJECT_ROOT: state.place, GIT_HTTP_EXPORT_ALL: "1", PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1), REQUEST_METHOD: request.method, CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "", HTTP_GIT_PROTOCOL: request.headers["git-protocol"] ?? "",
    },
  });
  child.stdin.on("error", () => {});
  request.pipe(child.stdin);
  const pieces = [];
  for await (const piece of child.stdout) pieces.push(piece);
  const whole = Buffer.concat(pieces);
  const end = whole.indexOf("\r\n\r\n");
  const headers = Object.fromEntries(whole.subarray(0, end).toString().split("\r\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
  const { Status: status = "200", ...others } = headers;
  response.writeHead(Number.parseInt(status, 10), others).end(whole.subarray(end + 4));
}
