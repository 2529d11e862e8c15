// A link between codi2 and the server that can be cut, run in a worker so that it goes on while a test is busy with its files.
// Told by messages: "flow", "cut" (nothing passes any more), "hold" (nobody hears anything), "lose" (the next answer is lost on
// its way: what was asked is done, and the asker does not know), "refuse" (each call is cut as soon as it is known what it is; the
// function's `refused` says what, and when).
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

function serve({ here, there }) {
  let mode = "flow";
  const pairs = new Set();
  const end = ([a, b]) => { a.destroy(); b.destroy(); };
  const server = createServer((near) => {
    if (mode === "cut") return near.destroy();
    if (mode === "refuse") {
      near.on("error", () => {}).once("data", (bytes) => {
        parentPort.postMessage({ call: String(bytes).match(/^\w+ \/wire\/[^? ]+/)[0], at: performance.now() });
        near.destroy();
      });
      return undefined;
    }
    const far = connect(there);
    const pair = [near, far];
    pairs.add(pair);
    for (const side of pair) side.on("error", () => {}).on("close", () => { pairs.delete(pair); end(pair); });
    near.on("data", (bytes) => far.write(bytes));
    far.on("data", (bytes) => {
      if (mode !== "lose") return near.write(bytes);
      mode = "flow";
      return end(pair);
    });
    if (mode === "hold") for (const side of pair) side.pause();
    return undefined;
  });
  parentPort.on("message", (word) => {
    mode = word;
    if (word === "cut" || word === "refuse") for (const pair of pairs) end(pair);
    if (word === "hold") for (const pair of pairs) for (const side of pair) side.pause();
    if (word === "flow") for (const pair of pairs) for (const side of pair) side.resume();
  });
  rmSync(here, { force: true });
  server.listen(here, () => parentPort.postMessage("ready"));
}

/** A running link from the socket `here` to the socket `there`; gives a function that takes the words above. */
export async function openLink(t, here, there) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { here, there } });
  t.after(() => worker.terminate());
  await once(worker, "message");
  worker.unref(); // of two thousand one or two do not hear that they should end; the run ends without them
  const refused = [];
  worker.on("message", (one) => refused.push(one));
  return Object.assign((word) => worker.postMessage(word), { refused });
}

if (!isMainThread) serve(workerData);
