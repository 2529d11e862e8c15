// The links that can be cut: codi2's to the server, and one for programs to the API.
//
// codi2 calls a socket by its name. Each time that the server makes it, it gets another name, and the link has its: so the link must
// let go of the name before the server starts, which takes no name that somebody listens at.
import { Agent } from "node:http";
import { chmodSync, chownSync, linkSync, renameSync, rmSync, statSync, watch } from "node:fs";
import { join } from "node:path";
import { Client, freePort } from "../api/harness.mjs";
import { openLink } from "../codi2/link.mjs";

const inodeOf = (path) => statSync(path, { throwIfNoEntry: false })?.ino;

export class Links {
  /** Of a server that was started and has no workspace yet. */
  async begin(t, server) {
    const folder = join(server.data, "run/wire");
    [this.name, this.own, this.ours, this.spare] = ["wire.sock", "server.sock", "link.sock", "spare.sock"].map((name) => join(folder, name));
    this.codi2 = await openLink(t, this.ours, this.own);
    const watcher = watch(folder, { persistent: false }, () => this.#take());
    t.after(() => watcher.close());
    this.#take();
    const port = await freePort();
    this.programs = await openLink(t, port, server.port);
    this.server = { port, agent: new Agent({ keepAlive: true, maxSockets: 64 }) };
    t.after(() => this.server.agent.destroy());
  }

  #take() {
    const made = inodeOf(this.name);
    if (made === undefined || made === inodeOf(this.ours)) return;
    const { uid, gid } = statSync(this.name);
    chownSync(this.ours, uid, gid); // the server says who may call it, by the name
    chmodSync(this.ours, 0o666);
    for (const path of [this.own, this.spare]) rmSync(path, { force: true });
    linkSync(this.name, this.own);
    linkSync(this.ours, this.spare);
    renameSync(this.spare, this.name);
  }

  letGo() { rmSync(this.name, { force: true }); }

  /** What asks by the link. */
  client({ token }) { return new Client(this.server, token); }

  /** How often one was cut, or silent, while somebody used it. */
  get cuts() { return this.codi2.cuts + this.programs.cuts; }
}
