import { afterEach, beforeEach, expect, test, vi } from "vitest";

const LIFE_MS = 900_000;
const EARLY_MS = 30_000;
const BEGIN = 1_700_000_000_000;

/** An access token of a login, which `mark` tells from the others. */
const tokenOf = (mark: string): string =>
  `head.${btoa(JSON.stringify({ sub: "usr-1", iat: BEGIN / 1000, exp: (BEGIN + LIFE_MS) / 1000 }))}.${mark}`;

const said: string[] = [];
let answer: (path: string) => Response;

const ok = (data: object): Response => Response.json({ success: true, data });
const no = (status: number, code: string): Response =>
  Response.json({ success: false, error: { code, message: "No.", request_id: "req-1" } }, { status });

/** A page of its own, as after a load, where somebody is logged in. */
async function page() {
  vi.resetModules();
  const { api, resume, tokenNow, useAuth } = await import("../src/stores/auth");
  answer = (path) => ok(path.endsWith("/refresh") ? { token: tokenOf("first"), expires_in: 900, cause: "rotated" } : { id: "usr-1" });
  await resume();
  said.length = 0;
  return { api, tokenNow, useAuth };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: BEGIN });
  vi.stubGlobal("fetch", async (input: string) => {
    const path = input.replace("/api/v5", "");
    said.push(path);
    return answer(path);
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a renewal that nobody answers is asked for once in a while, not before each call", async () => {
  const { api, tokenNow } = await page();
  for (const status of [429, 503]) {
    vi.setSystemTime(Date.now() + LIFE_MS);
    said.length = 0;
    answer = (path) => (path.endsWith("/refresh") ? no(status, status === 429 ? "rate_limited" : "unavailable") : ok({ id: "usr-1" }));
    for (let i = 0; i < 3; i += 1) await api.usersMeGet();
    expect(said).toEqual(["/auth/refresh", "/users/me", "/users/me", "/users/me"]);
    expect(tokenNow()).toBeUndefined(); // what renews none itself waits for one
    vi.setSystemTime(Date.now() + 5000);
    await api.usersMeGet();
    expect(said.slice(4)).toEqual(["/auth/refresh", "/users/me"]);
  }
});

test("a call whose token is refused asks once for another, whoever asked first", async () => {
  const { api } = await page();
  vi.setSystemTime(BEGIN + LIFE_MS);
  answer = (path) => (path.endsWith("/refresh") ? no(503, "unavailable") : no(401, "expired"));
  for (let i = 0; i < 2; i += 1) {
    await expect(api.usersMeGet()).rejects.toMatchObject({ status: 503 });
    expect(said.filter((path) => path.endsWith("/refresh"))).toHaveLength(i + 1);
  }
});

test("a token that another tab renewed is as old as it is there", async () => {
  const { tokenNow, useAuth } = await page();
  const other = new BroadcastChannel("coditect-auth");
  const heard = new Promise<void>((resolve) => useAuth.subscribe(({ token }) => token === tokenOf("second") && resolve()));
  // Heard ten minutes late, by a page that slept.
  vi.setSystemTime(BEGIN + 600_000);
  other.postMessage({ kind: "renewed", token: tokenOf("second"), staleAt: BEGIN + LIFE_MS - EARLY_MS });
  await heard;
  expect(tokenNow()).toBe(tokenOf("second"));
  vi.setSystemTime(BEGIN + LIFE_MS - EARLY_MS);
  expect(tokenNow()).toBeUndefined();
  other.close();
});

test("other tabs are told how old a renewed token is", async () => {
  const other = new BroadcastChannel("coditect-auth");
  const heard = new Promise<unknown>((resolve) => {
    other.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data);
  });
  await page();
  expect(await heard).toEqual({ kind: "renewed", token: tokenOf("first"), staleAt: BEGIN + LIFE_MS - EARLY_MS });
  other.close();
});
