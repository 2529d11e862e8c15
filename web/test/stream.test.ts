import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { follow, type Hearing, pauseBefore } from "../src/api/stream";
import { paced } from "../src/lib/paced";
import { isTouched, lacks } from "../src/lib/touched";

class FakeSocket {
  static all: FakeSocket[] = [];
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closed: number | undefined;
  readonly url: string;
  readonly protocols: readonly string[];
  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.all.push(this);
  }
  close(code: number): void {
    this.closed = code;
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const sockets = FakeSocket.all;
const newest = (): FakeSocket => sockets.at(-1) ?? expect.fail("no socket");

function ear(token: string | undefined = "tok") {
  const heard: unknown[] = [];
  const hearing: Hearing = {
    token: () => token,
    onLive: (isLive) => heard.push(isLive ? "live" : "dead"),
    onEvents: (events) => heard.push(...events.map(({ kind }) => kind)),
    onGap: () => heard.push("gap"),
    onOver: () => heard.push("over"),
  };
  return { heard, hearing };
}

let session = 0;
const next = (): string => `ses-${(session += 1)}`;

beforeEach(() => {
  vi.useFakeTimers({ now: (session + 1) * 1_000_000 });
  vi.stubGlobal("location", { href: "https://example.com/sessions" });
  vi.stubGlobal("WebSocket", FakeSocket);
  sockets.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("it says when everything is told, and goes on by the cursor where a socket ended", () => {
  const id = next();
  const { heard, hearing } = ear();
  const leave = follow(id, hearing);
  expect(sockets).toHaveLength(0); // a page that is left at once has none
  vi.advanceTimersByTime(300);
  expect(newest().url).toBe(`wss://example.com/ws/sessions/${id}/events`);
  expect(newest().protocols).toEqual(["coditect.v5", "coditect.bearer.tok"]);
  expect(heard).toEqual([]);
  newest().say({ type: "ready", cursor: "a" });
  newest().say({ type: "events", cursor: "b", events: [{ kind: "files" }, { kind: "session.rename" }] });
  expect(heard).toEqual(["live", "gap", "files", "session.rename"]);
  newest().onclose?.({ code: 1001 });
  vi.advanceTimersByTime(3000);
  expect(newest().url).toBe(`wss://example.com/ws/sessions/${id}/events?since=b`);
  newest().say({ type: "ready", cursor: "b" });
  newest().say({ type: "resync", cursor: "c" });
  expect(heard.slice(4)).toEqual(["dead", "live", "gap"]); // by resync alone
  leave();
  expect(newest().closed).toBe(1000);
  expect(heard.at(-1)).toBe("dead");
  vi.advanceTimersByTime(600_000);
  expect(sockets).toHaveLength(2);
});

test("after a minute away it begins anew, and so does another session", () => {
  const id = next();
  const { heard, hearing } = ear();
  const leave = follow(id, hearing);
  vi.advanceTimersByTime(300);
  newest().say({ type: "ready", cursor: "a" });
  vi.advanceTimersByTime(600_000);
  leave();
  vi.advanceTimersByTime(59_000);
  const again = follow(id, hearing);
  vi.advanceTimersByTime(300);
  expect(newest().url).toContain("?since=a"); // however long nothing happened before
  again();
  vi.advanceTimersByTime(61_000);
  const late = follow(id, hearing);
  vi.advanceTimersByTime(300);
  expect(newest().url).not.toContain("since");
  newest().say({ type: "ready", cursor: "b" });
  expect(heard.filter((one) => one === "gap")).toHaveLength(2);
  late();
  follow(next(), hearing)();
  const other = follow(next(), hearing);
  vi.advanceTimersByTime(3000);
  expect(newest().url).not.toContain("since");
  other();
});

test("one that is refused waits longer each time; however fast a person changes sessions, one in three seconds", () => {
  const { hearing } = ear();
  let leave = follow(next(), hearing);
  const answer = (): void => sockets.filter(({ onclose }) => onclose !== null).forEach((one) => one.onclose?.({ code: 1006 }));
  for (let ms = 0; ms < 10 * 60_000; ms += 100) {
    vi.advanceTimersByTime(100);
    answer();
  }
  expect(sockets.length).toBeLessThan(27);
  expect(sockets.length).toBeGreaterThan(10);
  leave();
  sockets.length = 0;
  for (let ms = 0; ms < 60_000; ms += 500) {
    leave = follow(next(), hearing);
    vi.advanceTimersByTime(500);
    leave();
  }
  expect(sockets.length).toBeLessThanOrEqual(20);
});

test("a login or a session that ended is asked about, not knocked at", () => {
  const { heard, hearing } = ear();
  const leave = follow(next(), hearing);
  vi.advanceTimersByTime(300);
  newest().say({ type: "ready", cursor: "a" });
  newest().onclose?.({ code: 4401 });
  expect(heard.slice(2)).toEqual(["dead", "over"]);
  vi.advanceTimersByTime(29_000);
  expect(sockets).toHaveLength(1);
  vi.advanceTimersByTime(31_000);
  expect(sockets).toHaveLength(2);
  newest().onclose?.({ code: 4404 });
  vi.advanceTimersByTime(600_000);
  expect(sockets).toHaveLength(2);
  leave();
});

test("pauses grow to a minute, and differ from page to page", () => {
  expect([0, 1, 3, 6, 40].map((failures) => pauseBefore(failures, 1))).toEqual([1000, 2000, 8000, 60_000, 60_000]);
  expect(pauseBefore(3, 0)).toBe(4000);
});

test("paced: at once, then once for all that was called for meanwhile; from within, too", () => {
  let ran = 0;
  const run = paced(1000, () => {
    ran += 1;
    if (ran === 3) run();
  });
  for (let i = 0; i < 5; i++) run();
  expect(ran).toBe(1);
  vi.advanceTimersByTime(1000);
  expect(ran).toBe(2);
  vi.advanceTimersByTime(5000);
  expect(ran).toBe(2);
  run();
  expect(ran).toBe(3);
  vi.advanceTimersByTime(5000);
  expect(ran).toBe(4);
});

test("which folders and files a change touches", () => {
  const write = { path: "a/b/c", type: "file" } as const;
  expect(["", "a", "a/b", "a/b/c", "a/b/c/d", "a/bb"].map((shown) => isTouched(shown, write))).toEqual([false, false, true, true, false, false]);
  const moved = { path: "x/y", from: "a/b", type: "dir" } as const;
  expect(["", "x", "x/y", "x/y/z", "a", "a/b", "a/b/c", "ab"].map((shown) => isTouched(shown, moved))).toEqual([false, true, true, true, true, true, true, false]);
  const returned = { path: "", type: "dir" } as const;
  expect(["", "a", "a/b"].map((shown) => isTouched(shown, returned))).toEqual([true, true, true]);
  expect(isTouched("elsewhere", { path: "\ufffd", path_b64: "_w", type: "file" })).toBe(true);
});

test("a folder that was made on the way to a file is missing in the list above it", () => {
  const has = (path: string): boolean => ["a", "a/b"].includes(path);
  expect(lacks("", has, { op: "write", path: "a/b/c" })).toBe(false);
  expect(lacks("", has, { op: "write", path: "new/b/c" })).toBe(true);
  expect(lacks("a", has, { op: "write", path: "a/new/c" })).toBe(true);
  expect(lacks("a", has, { op: "write", path: "ab/new/c" })).toBe(false);
  expect(lacks("", has, { op: "delete", path: "new/b/c" })).toBe(false);
});
