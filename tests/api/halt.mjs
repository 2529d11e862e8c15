// A process that stands still for a while, as on a machine that is out of breath or behind a network that hangs.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** Nothing for one that has ended. */
export function resume(pid) {
  try {
    process.kill(pid, "SIGCONT");
  } catch (error) {
    assert.equal(error.code, "ESRCH");
  }
}

function stands(pid) {
  try {
    const states = readdirSync(`/proc/${pid}/task`).map((thread) => /^.*\) (\S)/s.exec(readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8"))[1]);
    return states.every((state) => state === "T");
  } catch {
    return false; // a thread that was listed has ended
  }
}

/**
 * When this returns none of its threads runs. The signal alone does not say so: it waits until one of them is scheduled, and the
 * others run on until then. resume() lets it go on, at the latest at the end of the test, so that nothing behind it waits for it.
 */
export async function halt(t, pid) {
  process.kill(pid, "SIGSTOP");
  t.after(() => resume(pid));
  for (const deadline = Date.now() + 20_000; !stands(pid); await wait(5)) assert.ok(Date.now() < deadline, `${pid} does not stand still`);
}
