// A real nginx with the files of deploy/, for tests: unprivileged, on 127.0.0.1, with a certificate of its own.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, until } from "./harness.mjs";

export const has = (name) => spawnSync("sh", ["-c", `PATH=$PATH:/usr/sbin command -v ${name}`]).status === 0;
export const nginxMissing = (!has("nginx") || !has("openssl")) && "nginx or openssl is not installed";

/** A file of deploy/ with these texts replaced; each has to be there. */
export function made(name, replacements) {
  let text = readFileSync(join(root, "deploy", name), "utf8");
  for (const [from, to] of replacements) {
    assert.ok(text.includes(from), `${name} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** For the platform's name and all below `ide.`; files in folder. */
export function makeCertificate(folder, domain) {
  const files = { crt: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  const names = `subjectAltName=DNS:${domain},DNS:*.ide.${domain}`;
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", `/CN=${domain}`, "-addext", names, "-keyout", files.key, "-out", files.crt], { stdio: "pipe" });
  return files;
}

/** nginx with this text in its http block; resolves, once it answers at port, to what ends it. */
export async function startNginx(site, port) {
  const place = mkdtempSync(join(tmpdir(), "coditect-nginx-"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${place}/${name};`).join("\n");
  const file = join(place, "nginx.conf");
  writeFileSync(file, `${process.getuid() === 0 ? "user root;\n" : ""}daemon off;\nworker_processes 1;\npid ${place}/pid;\nerror_log stderr warn;\nevents {}\nhttp {\naccess_log off;\n${temporary}\n${site}\n}\n`);
  const child = spawn("nginx", ["-p", place, "-c", file], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
  let said = "";
  child.stderr.on("data", (text) => (said += text));
  const ended = new Promise((resolve) => child.on("close", resolve));
  const stop = async () => {
    child.kill("SIGQUIT");
    const status = await ended;
    rmSync(place, { recursive: true });
    assert.equal(status, 0, said);
  };
  await until("nginx listens", async () => {
    assert.equal(child.exitCode, null, said);
    return new Promise((resolve) => httpRequest({ host: "127.0.0.1", port, path: "/" }, (reply) => resolve(reply.resume() !== undefined)).on("error", () => resolve(false)).end());
  });
  return stop;
}
