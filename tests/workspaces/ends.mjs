// For ends.test.mjs: servers with workspaces that run, whose process then ends as its argument says.
import { setInterval } from "node:timers";
import { newSession, Server } from "../api/harness.mjs";
import { makeBundle } from "../api/ide-bundle.mjs";
import { processesOf, reaches } from "./inside.mjs";

const args = ["--rate-factor", "100000", "--ide", makeBundle(), "--node", process.execPath];
const servers = [await Server.start({ args }), await Server.start({ args })];
for (const server of servers) {
  const client = await server.account();
  const { id } = await newSession(client);
  await client.post(`/sessions/${id}/open`);
  await reaches(client, id, "running");
  console.log([server.child.pid, server.serverPid, ...processesOf(server, id)].join(" "));
}
console.log("ready");

const ends = {
  /** As tests do that restore a store: the server is gone, and the test is done. */
  async kill() {
    for (const server of servers) await server.kill9();
  },
  async fail() {
    process.kill(servers[0].serverPid, "SIGKILL");
    await servers[0].exited;
    await servers[0].stop().catch(() => process.exit(1));
  },
  wait: () => setInterval(() => {}, 1000),
};
await ends[process.argv[2]]();
