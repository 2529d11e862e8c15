// A worker thread that keeps a server busy, so that the thread that measures does nothing else. workerData: port, connections,
// requests ({method, path, headers, body}, taken in turn), or `spin`: nothing but a busy core.
import { Agent, request as httpRequest } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

const { port, connections, requests, spin } = workerData;
const statuses = {};
const took = [];
let stopped = false;

parentPort.on("message", () => {
  stopped = true;
});

function send(agent, { method, path, headers, body }) {
  return new Promise((resolve) => {
    const request = httpRequest({ host: "127.0.0.1", port, agent, method, path, headers: { ...headers, "Content-Length": Buffer.byteLength(body ?? "") } });
    request.on("response", (reply) => {
      reply.resume();
      reply.on("end", () => resolve(reply.statusCode));
      reply.on("error", () => resolve("cut"));
    });
    request.on("error", () => resolve("cut"));
    request.end(body);
  });
}

async function client(agent, number) {
  for (let i = number; !stopped; i += connections) {
    const begin = performance.now();
    const status = await send(agent, requests[i % requests.length]);
    took.push(performance.now() - begin);
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (took.length === connections) parentPort.postMessage("full");
  }
}

async function load() {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  await Promise.all(Array.from({ length: connections }, (_, number) => client(agent, number)));
  agent.destroy();
  parentPort.postMessage({ statuses, took });
}

if (spin) for (;;);
else await load();
