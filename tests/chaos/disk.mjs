// A disk that can be full: a tmpfs on a folder, whose size is brought down to what is used, and up again. Wants root.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, statfsSync } from "node:fs";

const ROOM = "8g"; // it takes memory only as it is used
const TRIES = 50;

export class Disk {
  isFull = false;

  /** folder is not there yet. */
  constructor(folder, mode) {
    this.folder = folder;
    mkdirSync(folder);
    this.#mount("-t", "tmpfs", "-o", `size=${ROOM},mode=${mode}`, "none");
  }

  #mount(...args) { execFileSync("mount", [...args, this.folder], { stdio: "pipe" }); }
  #size(size) { this.#mount("-o", `remount,size=${size}`); }

  /** Bytes that are free. */
  get left() {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  /** So many bytes are left. What others write while it is told is refused by the kernel as too little: then once more. */
  fill(left) {
    this.isFull = true;
    for (let tries = 1; ; tries++) {
      const { blocks, bfree, bsize } = statfsSync(this.folder);
      try {
        return this.#size((blocks - bfree) * bsize + left);
      } catch (error) {
        assert.ok(tries < TRIES, error);
      }
    }
  }

  free() {
    this.#size(ROOM);
    this.isFull = false;
  }

  /** What the test itself does to its files is no matter of room. */
  aside(work) {
    const { isFull, left } = this;
    this.free();
    work();
    if (isFull) this.fill(left);
  }

  remove() { execFileSync("umount", ["--lazy", this.folder]); }
}
