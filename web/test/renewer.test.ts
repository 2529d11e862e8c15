import { expect, test, vi } from "vitest";
import { ApiError, createClient, type Refreshed } from "../src/api/generated";
import { createRenewer } from "../src/api/renewer";
import { staleAt, subjectOf } from "../src/lib/token";

const renewed = (token: string): Refreshed => ({ token, expires_in: 900, cause: "rotated" });
const refusal = (status: number) => new ApiError(status, { code: "unauthenticated", message: "Log in first.", request_id: "req-1" });

/** A lock that all tabs of a test share. */
function sharedLock() {
  let tail: Promise<unknown> = Promise.resolve();
  return (run: () => Promise<boolean>): Promise<boolean> => {
    const turn = tail.then(run, run);
    tail = turn.catch(() => undefined);
    return turn;
  };
}

function tab(lock: ReturnType<typeof sharedLock>, refresh: () => Promise<Refreshed>, tell: (token: string) => void = () => {}) {
  const state: { token: string | undefined; refused: number } = { token: "old", refused: 0 };
  const renew = createRenewer({
    lock,
    refresh,
    current: () => state.token,
    accept: ({ token }) => {
      if (token === "another's") return false;
      state.token = token;
      tell(token);
      return true;
    },
    refused: () => {
      state.refused += 1;
      state.token = undefined;
    },
    unanswered: () => {},
  });
  return { state, renew };
}

test("many requests of one tab cause one refresh", async () => {
  const refresh = vi.fn(async () => renewed("new"));
  const { state, renew } = tab(sharedLock(), refresh);
  expect(await Promise.all([renew(), renew(), renew()])).toEqual([true, true, true]);
  expect(refresh).toHaveBeenCalledTimes(1);
  expect(state.token).toBe("new");
  await renew();
  expect(refresh).toHaveBeenCalledTimes(2);
});

test("tabs refresh one at a time, and take the token that another told", async () => {
  const lock = sharedLock();
  let atOnce = 0;
  let most = 0;
  const refresh = vi.fn(async () => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    await Promise.resolve();
    atOnce -= 1;
    return renewed("told");
  });
  const tabs: Array<ReturnType<typeof tab>> = [];
  const tell = (token: string): void => tabs.forEach(({ state }) => { state.token = token; });
  tabs.push(tab(lock, refresh, tell), tab(lock, refresh, tell));
  expect(await Promise.all(tabs.map(({ renew }) => renew()))).toEqual([true, true]);
  expect(refresh).toHaveBeenCalledTimes(1);
  expect(most).toBe(1);
});

test("a refusal ends the login, silence does not", async () => {
  const refused = tab(sharedLock(), () => Promise.reject(refusal(401)));
  expect(await refused.renew()).toBe(false);
  expect(refused.state).toEqual({ token: undefined, refused: 1 });
  for (const failure of [refusal(503), refusal(429), new TypeError("no network")]) {
    const silent = tab(sharedLock(), () => Promise.reject(failure));
    await expect(silent.renew()).rejects.toBe(failure);
    expect(silent.state).toEqual({ token: "old", refused: 0 });
  }
});

test("the client sends a refused request again, once, with the new token", async () => {
  const seen: Array<string | null> = [];
  const failure = { success: false, error: { code: "unauthenticated", message: "Log in first.", request_id: "req-1" } };
  const fetch = vi.fn(async (_: RequestInfo | URL, init?: RequestInit) => {
    const token = new Headers(init?.headers).get("Authorization");
    seen.push(token);
    if (token !== "Bearer new") return Response.json(failure, { status: 401 });
    return Response.json({ success: true, data: { id: "usr-1" } });
  });
  const { state, renew } = tab(sharedLock(), async () => renewed("new"));
  const client = createClient({ fetch, renew, token: () => state.token });
  const both = await Promise.all([client.usersMeGet(), client.usersMeGet()]);
  expect(both.map(({ id }) => id)).toEqual(["usr-1", "usr-1"]);
  expect(seen).toEqual(["Bearer old", "Bearer old", "Bearer new", "Bearer new"]);
});

/** A server that takes the token "new" alone; what each request that came bore. */
function taking(code: string) {
  const seen: Array<string | null> = [];
  const fetch = vi.fn(async (_: RequestInfo | URL, init?: RequestInit) => {
    const token = new Headers(init?.headers).get("Authorization");
    seen.push(token);
    if (token === "Bearer new") return Response.json({ success: true, data: { id: "usr-1" } });
    return Response.json({ success: false, error: { code, message: "No.", request_id: "req-1" } }, { status: code === "rate_limited" ? 429 : 401 });
  });
  return { seen, fetch };
}

test("a token that ran out is renewed before it is sent: what a server says of it does not matter", async () => {
  const { seen, fetch } = taking("rate_limited");
  const { state, renew } = tab(sharedLock(), async () => renewed("new"));
  const client = createClient({ fetch, renew, token: () => state.token, isStale: () => state.token === "old" });
  expect((await Promise.all([client.usersMeGet(), client.usersMeGet()])).map(({ id }) => id)).toEqual(["usr-1", "usr-1"]);
  expect(seen).toEqual(["Bearer new", "Bearer new"]);
});

test("a token that the server says ran out is renewed", async () => {
  const { seen, fetch } = taking("expired");
  const { state, renew } = tab(sharedLock(), async () => renewed("new"));
  const client = createClient({ fetch, renew, token: () => state.token, isStale: () => false });
  expect((await client.usersMeGet()).id).toBe("usr-1");
  expect(seen).toEqual(["Bearer old", "Bearer new"]);
});

test("a login that is over is told alike, before and behind a request; a renewal without an answer lets the request go on", async () => {
  for (const stale of [true, false]) {
    const { seen, fetch } = taking("expired");
    const { state, renew } = tab(sharedLock(), () => Promise.reject(refusal(401)));
    const client = createClient({ fetch, renew, token: () => state.token, isStale: () => stale });
    await expect(client.usersMeGet()).rejects.toMatchObject({ status: 401, code: "unauthenticated", message: "Log in again." });
    expect(seen).toEqual(stale ? [] : ["Bearer old"]);
    expect(state.refused).toBe(1);
  }
  const { fetch } = taking("expired");
  const { renew } = tab(sharedLock(), () => Promise.reject(refusal(503)));
  expect((await createClient({ fetch, renew, token: () => "new", isStale: () => true }).usersMeGet()).id).toBe("usr-1");
});

test("what is for everybody renews nothing, and a wrong password is no token that ran out", async () => {
  const { fetch } = taking("unauthenticated");
  const renew = vi.fn(async () => true);
  const client = createClient({ fetch, renew, token: () => "old", isStale: () => true });
  await expect(client.authLogin({ body: { email: "a@example.com", password: "wrong password" } })).rejects.toMatchObject({ code: "unauthenticated" });
  expect(renew).not.toHaveBeenCalled();
});

test("a token of another person's login is not taken, and ends this one", async () => {
  const { state, renew } = tab(sharedLock(), async () => renewed("another's"));
  expect(await renew()).toBe(false);
  expect(state).toEqual({ token: undefined, refused: 1 });
});

test("whose a token is", () => {
  const of = (claims: string) => subjectOf(`head.${btoa(claims).replaceAll("+", "-").replaceAll("/", "_")}.mark`);
  expect(of('{"sub":"usr-1","name":"ÿþ?>~"}')).toBe("usr-1");
  expect(["{}", '{"sub":1}', "null", "[1", ""].map(of)).toEqual(Array(5).fill(undefined));
  expect(["", "a", "a.b", "a.%.c"].map(subjectOf)).toEqual(Array(4).fill(undefined));
});

test("a token is stale a little before its life is over, by whatever clock", () => {
  const of = (claims: object) => staleAt(`head.${btoa(JSON.stringify(claims))}.mark`, 5_000_000);
  expect(of({ iat: 1_700_000_000, exp: 1_700_000_900 })).toBe(5_000_000 + 870_000);
  expect(of({ iat: 1_700_000_000, exp: 1_700_000_004 })).toBe(5_000_000 + 3_000);
  expect([{}, { exp: 1 }, { iat: "1", exp: 2 }].map(of)).toEqual(Array(3).fill(Number.POSITIVE_INFINITY));
});
