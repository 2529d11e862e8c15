// Rounds of two things in turn, so that both see the same machine, and what comes out of them.
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

const sorted = (values) => [...values].sort((a, b) => a - b);

/** part: 0.5 for the median. */
export const quantile = (values, part) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * part))];
export const median = (values) => quantile(values, 0.5);

/** Numbers as people read them: three digits that count. */
export function short(value) {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(value >= 10 ? 3 : 2);
}

export function spread(values, unit = "") {
  return `${short(median(values))}${unit} (${short(Math.min(...values))}–${short(Math.max(...values))})`;
}

/** Runs ours and theirs, the first one changing with each round; the values of each. */
export async function inTurn(rounds, ours, theirs) {
  const results = { ours: [], theirs: [] };
  for (let round = 0; round < rounds; round++) {
    const turns = [["ours", ours], ["theirs", theirs]];
    if (round % 2 === 1) turns.reverse();
    for (const [whose, run] of turns) results[whose].push(await run(round));
  }
  return results;
}

/** The ratio ours / theirs, round by round. */
export function ratio(ours, theirs) {
  return spread(ours.map((value, i) => value / theirs[i]), "×");
}

export function machine() {
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  return `${availableParallelism()} cores (${cpus()[0]?.model ?? "unknown"}), ${gib} GiB, Linux ${release()}, Node.js ${process.versions.node}`;
}

/** The server that is measured: no limits of requests, and no log lines, which the measuring process would have to read. */
export const measured = { args: ["--rate-factor", "100000", "--log-requests", "none"] };

export const load = () => loadavg()[0]?.toFixed(2) ?? "unknown";
