// A person's home in the store of a server that is coditectd-faults (tests/store/coditectd_faults.c): written as a workspace of
// theirs would, without one.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { join } from "node:path";

export const program = "src/coditectd/coditectd-faults";

async function order(server, line) {
  const socket = connect(join(server.data, "store/faults.sock")).setEncoding("utf8");
  socket.write(`${line}\n`);
  for await (const text of socket) {
    socket.destroy();
    assert.match(text, /^\d+\n$/);
    return Number(text);
  }
  throw new Error("no answer");
}

/** Of the person who is logged in with client; text: one line. Both resolve to the version. */
export function homeOf(server, client) {
  const { tenant_id: tenant, id } = client.user;
  return {
    write: (path, text) => order(server, `home ${tenant} ${id} ${path} ${text}`),
    remove: (path) => order(server, `home ${tenant} ${id} ${path}`),
  };
}
