// A run of coditect on a terminal of its own: typed to, resized, and looked at when it has ended.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { until } from "../api/harness.mjs";
import { program } from "./cli.mjs";

// Its input is typed, its output is what the terminal shows; 3 resizes ("132 50"), 4 says the pid, then how it ended.
const driver = `
import fcntl, os, select, struct, sys, termios
master, slave = os.openpty()
def resize(cols, rows):
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
resize(132, 50)
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)
    os.closerange(3, 64)
    os.execv(sys.argv[1], sys.argv[1:])
os.write(4, b"%d\\n" % pid)
ended = os.pidfd_open(pid)
inputs = [0, 3, master, ended]
while inputs:
    ready = select.select(inputs, [], [], 0 if ended not in inputs else None)[0]
    if master in ready:
        os.write(1, os.read(master, 65536))
    elif not ready:
        break
    elif ended in ready:
        inputs = [master]
    elif 3 in ready:
        lines = os.read(3, 4096).decode().split()
        while lines:
            resize(int(lines.pop(0)), int(lines.pop(0)))
    elif 0 in ready:
        typed = os.read(0, 4096)
        if typed:
            os.write(master, typed)
        else:
            inputs.remove(0)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
os.write(4, b"%d %d\\n" % (status, termios.tcgetattr(slave) == before))
`;

export class Pty {
  #told = "";
  text = "";
  constructor(cli, args, env = {}) {
    this.child = spawn("/usr/bin/python3", ["-c", driver, program, ...args], {
      cwd: cli.files, stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"],
      env: { ...process.env, XDG_CONFIG_HOME: cli.home, HOME: cli.home, TERM: "xterm", http_proxy: "", https_proxy: "", ...env } });
    const [typed, shown, err, sizes, told] = this.child.stdio;
    for (const one of [typed, sizes]) one.on("error", () => undefined); // it may have ended
    shown.on("data", (piece) => { this.text += piece.toString("latin1"); });
    err.on("data", (piece) => { this.text += `driver: ${piece}`; });
    told.on("data", (piece) => { this.#told += piece; });
    this.closed = new Promise((resolve) => { this.child.on("close", resolve); });
  }

  get pid() { return Number(this.#told.split("\n")[0]); }

  type(text) { this.child.stdin.write(Buffer.from(text, "latin1")); }

  resize(cols, rows) { this.child.stdio[3].write(`${cols} ${rows}\n`); }

  /** As when its window is closed. */
  destroy() { this.child.kill("SIGKILL"); }

  kill(signal) { process.kill(this.pid, signal); }

  /** Until it shows that; what came before is forgotten. */
  async shows(what, ms = 30_000) {
    let end;
    const look = () => {
      const found = what instanceof RegExp ? what.exec(this.text) : { index: this.text.indexOf(what), 0: what };
      end = found && found.index >= 0 ? found.index + found[0].length : undefined;
      return end !== undefined;
    };
    await until(`the terminal shows ${what}`, look, ms).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(this.text.slice(-600))}`);
    });
    const seen = this.text.slice(0, end);
    this.text = this.text.slice(end);
    return seen;
  }

  /** { status (less than 0: the signal), restored: the terminal is as it was } */
  async ended() {
    await this.closed;
    assert.doesNotMatch(this.text, /Sanitizer|runtime error:|assertion|driver:/i);
    const [status, restored] = this.#told.trim().split("\n")[1].split(" ").map(Number);
    return { status, restored: restored === 1 };
  }
}
