// What the rows of faults suffer: a request is sent with a fault of the store at its first call, its second, and so on, until it
// ends before the fault comes. Routes that hash passwords or start programs (`costly`) suffer one kind at each call, in turn; with
// CODITECT_TEST_ALL=1 all kinds.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { join } from "node:path";

const TIMEOUT = 1;
const KINDS = ["conflict", "timeout", "unknown, lost", "unknown, kept"];
const MOST_CALLS = 400;
const all = process.env.CODITECT_TEST_ALL === "1";

/** Of a server that is coditectd-faults: orders to its store are lines (coditectd_faults.c). */
export class Rounds {
  static async open(server) {
    const rounds = new Rounds();
    rounds.server = server;
    rounds.number = 0;
    rounds.socket = connect(join(server.data, "store/faults.sock"));
    rounds.lines = rounds.socket.setEncoding("utf8")[Symbol.asyncIterator]();
    return rounds;
  }

  close() {
    this.socket.destroy();
  }

  async send(line) {
    this.socket.write(`${line}\n`);
    const { value } = await this.lines.next();
    return value.trim();
  }

  count = async () => Number(await this.send("count"));

  /** One request with the fault; true: it came. */
  async round(row, kind, at) {
    const what = `${row.name ?? row.id}: ${KINDS[kind]} at call ${at}`;
    const made = await row.before?.();
    const options = { expected5xx: true, headers: { "Idempotency-Key": `key-${this.number++}` } };
    const before = await this.count();
    await this.send(`${kind} ${at}`);
    let reply = await row.request(made, options);
    const came = (await this.count()) > before;
    await this.send("0 0");
    if (reply.status >= 500 && reply.status !== row.refusal) {
      assert.equal(kind, TIMEOUT, `${what}: ${reply.status} ${reply.text()}`);
      assert.equal(reply.code, "timeout", what);
    }
    if (reply.status >= 500) reply = await row.request(made, { headers: options.headers });
    if (row.status !== undefined) assert.equal(reply.status, row.status, what);
    else assert.ok(reply.status < 300, `${what}: ${reply.status} ${reply.text()}`);
    await row.after?.(made, reply);
    return came;
  }

  /** All of a row, and what is stored is whole then; how many faults there were. */
  async everyCall(row) {
    let calls = 0;
    for (const kind of row.costly && !all ? [undefined] : KINDS.keys()) {
      let at = 1;
      while (await this.round(row, kind ?? this.number % KINDS.length, at)) {
        at += 1;
        assert.ok(at < MOST_CALLS, `${row.id} makes too many calls`);
      }
      calls += at - 1;
    }
    assert.equal(Number(await this.send("check")), 0, this.server.log);
    return calls;
  }
}
