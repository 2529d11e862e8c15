// What a small save feels while others upload: the whole server, by HTTP.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { newSession, Server, until } from "../tests/api/harness.mjs";
import { inTurn, measured, ratio, spread } from "./measure.mjs";
import { wrk } from "./wrk.mjs";

const ROUNDS = 3;
const SECONDS = 20;
const PEOPLE = 4;
const UPLOADS_EACH = 4; // as many as one person may have in hand
const GIB = 1024 ** 3;

/** Uploads 1 GiB that nobody has stored yet, again and again until it is ended; `first` bytes of the first file are still to come. */
function uploader(port, token, session, { number, first }) {
  const url = `http://127.0.0.1:${port}/api/v5/sessions/${session}/files/large-${number}`;
  const script = `left=${first}; while :; do openssl enc -aes-128-ctr -nosalt -pass file:/dev/fd/3 -pbkdf2 -iter 1 -in /dev/zero 3< <(head -c 16 /dev/urandom | base64) 2> /dev/null |
    head -c $left | curl -sS -f -o /dev/null -T - -H "Authorization: Bearer $TOKEN" '${url}' || exit 1; left=${GIB}; done`;
  return spawn("bash", ["-c", script], { detached: true, stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, TOKEN: token } });
}

/** p99 of durable saves of 4 KiB by 4 connections while 16 files of 1 GiB are uploaded, against the same alone. */
export async function beside() {
  const server = await Server.start(measured);
  try {
    const me = await server.account("bench");
    const env = { BENCH_PUT: `/api/v5/sessions/${(await newSession(me)).id}/files`, BENCH_BYTES: "4096" };
    const others = [];
    for (let i = 0; i < PEOPLE; i++) {
      const person = await server.account("uploader");
      others.push({ person, session: (await newSession(person)).id });
    }
    const save = async () => (await wrk(`http://127.0.0.1:${server.port}/`, { connections: 4, token: me.token, env, seconds: SECONDS })).p99_us / 1000;
    const loaded = async () => {
      // They are anywhere in their files, so that some end, and are named, while the saves are timed.
      const count = PEOPLE * UPLOADS_EACH;
      const uploads = Array.from({ length: count }, (_, i) => {
        const { person, session } = others[i % PEOPLE];
        return uploader(server.port, person.token, session, { number: i, first: Math.ceil(GIB / count) * (i + 1) });
      });
      try {
        await sleep(3000); // each has begun
        return await save();
      } finally {
        for (const { pid, exitCode } of uploads) {
          assert.equal(exitCode, null, "an upload ended early");
          process.kill(-pid, "SIGKILL");
        }
        await until("the uploads are gone", () => uploads.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null));
      }
    };
    const { ours, theirs } = await inTurn(ROUNDS, loaded, save);
    return [{
      what: "p99 of a durable save of 4 KiB, 4 connections, while 16 files of 1 GiB are uploaded",
      ours: spread(ours, " ms"), yardstick: `nobody uploads: ${spread(theirs, " ms")}`, ratio: ratio(ours, theirs),
    }];
  } finally {
    await server.stop();
  }
}
