// A link between codi2 (or another program) and the server that can be cut, run in a worker so that it goes on while a test is busy
// with its files. Told by messages: "flow", "cut" (nothing passes any more), "hold" (nobody hears anything), "lose" (the next answer
// is lost on its way: what was asked is done, and the asker does not know), "tear" (half of it comes), "strand" (of each connection one
// end is gone, and the other does not hear of it before all flows again), "deaf" (all flows but the connection on which codi2 waits for
// changes of others), "mute" (only that one flows: who asks on another is not answered), "refuse" (each call is cut as soon as it is
// known what it is; the function's `refused` says what, and when), "late" (the next batch is kept back, its asker cut off, and who
// connects then; "deliver" brings it to the server after all, whose status is among the function's `answers`). "bury": who asked is
// dead, and so is what was asked and has not arrived; all else stays as it is. The function's `cuts`: how often one of these met a
// connection; of "mute", how often it was asked in vain what others changed.
import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/** A path or a port. */
const addressOf = (place) => (typeof place === "string" ? { path: place } : { host: "127.0.0.1", port: place });

function serve({ here, there, done }) {
  let mode = "flow";
  let late; // a batch that is kept back
  const pairs = new Set();
  const met = (count) => { if (count > 0) parentPort.postMessage("met"); };
  const end = ([a, b]) => { a.destroy(); b.destroy(); };
  const reset = (pair) => { for (const side of pair) if (typeof here === "string") side.destroy(); else side.resetAndDestroy(); };
  const pause = (pair) => { for (const side of pair) side.pause(); };
  const answer = (pair, bytes) => {
    const [near] = pair;
    if (mode !== "lose" && mode !== "tear") return near.write(bytes);
    if (mode === "tear") near.write(bytes.subarray(0, bytes.length >> 1));
    mode = "flow";
    met(1);
    return end(pair);
  };
  const isWhole = (bytes) => {
    const head = String(bytes).split("\r\n\r\n", 1)[0];
    return bytes.length >= head.length + 4 + Number(head.match(/^content-length: (\d+)/im)?.[1] ?? Infinity);
  };
  /** Whether it belongs to the batch that is kept. */
  const keep = (pair, bytes) => {
    if (mode === "late" && /^POST \/wire\/changes/.test(String(bytes.subarray(0, 20)))) [mode, pair.kept] = ["cut", Buffer.alloc(0)];
    if (!pair.kept) return false;
    pair.kept = Buffer.concat([pair.kept, bytes]);
    if (isWhole(pair.kept)) {
      late = pair.kept;
      met(1);
      end(pair);
    }
    return true;
  };
  const deliver = () => {
    const far = connect(addressOf(there));
    far.on("error", () => {}).once("data", (bytes) => {
      parentPort.postMessage({ status: Number(String(bytes).split(" ", 2)[1]) });
      far.destroy();
    });
    far.write(late);
  };
  const strand = (pair, i) => {
    pair.stranded = true;
    pause(pair);
    pair[i % 2].destroy();
  };
  const words = {
    deliver,
    bury: () => pairs.forEach(end),
    cut: () => { for (const pair of pairs) reset(pair); },
    refuse: () => { for (const pair of pairs) end(pair); },
    hold: () => { for (const pair of pairs) pause(pair); },
    strand: () => [...pairs].forEach(strand),
    deaf: () => { for (const pair of pairs) for (const side of pair) if (pair.waits) side.pause(); else side.resume(); },
    flow: () => { for (const pair of pairs) if (pair.stranded) reset(pair); else for (const side of pair) side.resume(); },
  };
  const server = createServer((near) => {
    if (mode === "cut") return near.destroy();
    if (mode === "refuse") {
      near.on("error", () => {}).once("data", (bytes) => {
        parentPort.postMessage({ call: String(bytes).match(/^\w+ \/wire\/[^? ]+/)[0], at: performance.now() });
        near.destroy();
      });
      return undefined;
    }
    const far = connect(addressOf(there));
    const pair = [near, far];
    pairs.add(pair);
    for (const side of pair) {
      side.on("error", () => {}).on("close", () => {
        if (pair.stranded && mode === "strand") return;
        pairs.delete(pair);
        end(pair);
      });
    }
    near.on("data", (bytes) => {
      if (keep(pair, bytes)) return;
      pair.waits ||= /^GET [^ ]*&wait=[1-9]/.test(String(bytes.subarray(0, 200)));
      if (mode === "mute" && !pair.waits && /^GET \/wire\/changes/.test(String(bytes.subarray(0, 20)))) met(1);
      if ((mode === "deaf" && pair.waits) || (mode === "mute" && !pair.waits)) pause(pair);
      far.write(bytes);
    });
    far.on("data", (bytes) => answer(pair, bytes));
    if (mode === "hold" || mode === "strand") pause(pair);
    return undefined;
  });
  parentPort.on("message", (word) => {
    if (word !== "bury" && word !== "deliver") mode = word;
    if (["cut", "hold", "strand", "deaf"].includes(word)) met(pairs.size);
    words[word]?.();
    Atomics.add(done, 0, 1);
    Atomics.notify(done, 0);
  });
  if (typeof here === "string") rmSync(here, { force: true });
  server.listen(addressOf(here), () => parentPort.postMessage("ready"));
}

/**
 * A running link from `here` to `there`, sockets or ports of this machine; gives a function that takes the words above. When that
 * returns it is done: what the test does next would be faster than a message to a worker that the machine lets wait.
 */
export async function openLink(t, here, there) {
  const done = new Int32Array(new SharedArrayBuffer(4)); // words
  const worker = new Worker(new URL(import.meta.url), { workerData: { here, there, done } });
  t.after(() => worker.terminate());
  await once(worker, "message");
  worker.unref(); // of two thousand one or two do not hear that they should end; the run ends without them
  let told = 0;
  const tell = (word) => {
    worker.postMessage(word);
    told++;
    for (let n; (n = Atomics.load(done, 0)) < told;) assert.notEqual(Atomics.wait(done, 0, n, 20_000), "timed-out", `the link does not ${word}`);
  };
  const link = Object.assign(tell, { refused: [], answers: [], cuts: 0 });
  worker.on("message", (one) => {
    if (one === "met") link.cuts++;
    else if (one.status) link.answers.push(one.status);
    else link.refused.push(one);
  });
  return link;
}

if (!isMainThread) serve(workerData);
