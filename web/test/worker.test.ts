// The service worker's downloads, in a world of the test's own.
import { afterEach, expect, test, vi } from "vitest";
import source from "../public/sw.js?raw";

interface Asked {
  readonly init: { readonly signal: AbortSignal };
  readonly answer: (response: Response) => void;
}

type Handler = (event: Readonly<Record<string, unknown>>) => void;

function worker() {
  const handlers = new Map<string, Handler>();
  const asked: Asked[] = [];
  const fetch = (_url: string, init: Asked["init"]) => new Promise((resolve, reject) => {
    asked.push({ init, answer: resolve });
    init.signal.addEventListener("abort", () => reject(init.signal.reason));
  });
  const run = new Function("addEventListener", "fetch", "location", source) as (...world: readonly unknown[]) => void;
  run((kind: string, handler: Handler) => handlers.set(kind, handler), fetch, { origin: "https://coditect.example" });
  const said: unknown[] = [];
  const ask = (id: string, url = "/api/v5/shared/archive?format=zip"): void => handlers.get("message")?.({
    data: { kind: "download", id, url, token: "t" },
    ports: [{ postMessage: (word: unknown) => said.push(word) }],
    waitUntil: () => undefined,
  });
  const come = async (id: string): Promise<Response> => {
    let response: unknown;
    const request = { method: "GET", mode: "navigate", url: `https://coditect.example/download/${id}/name` };
    handlers.get("fetch")?.({ request, respondWith: (one: unknown) => { response = one; } });
    return await response as Response;
  };
  return { asked, said, ask, come };
}

const attachment = () => new Response("bytes", { headers: { "Content-Disposition": "attachment" } });

afterEach(() => void vi.useRealTimers());

test("what begins in time is kept for the browser, for as long as it then lasts", async () => {
  vi.useFakeTimers();
  const { asked, said, ask, come } = worker();
  ask("a");
  await vi.advanceTimersByTimeAsync(40_000);
  asked[0]?.answer(attachment());
  await vi.advanceTimersByTimeAsync(0);
  expect(said).toEqual(["taken", "ready"]);
  const response = await come("a");
  expect(said).toEqual(["taken", "ready", "left"]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(asked[0]?.init.signal.aborted).toBe(false);
  expect(await response.text()).toBe("bytes");
});

test("what does not begin in time is let go, and said to be late", async () => {
  vi.useFakeTimers();
  const { asked, said, ask } = worker();
  ask("a");
  await vi.advanceTimersByTimeAsync(44_000);
  expect(said).toEqual(["taken"]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(said).toEqual(["taken", "late"]);
  expect(asked[0]?.init.signal.aborted).toBe(true);
});

test("the token goes to what is downloaded, the home among it, and to nothing else", () => {
  const { asked, ask } = worker();
  const session = `/api/v5/sessions/ses-${"0".repeat(26)}`;
  const downloads = ["/api/v5/users/me/home/archive", "/api/v5/users/me/home/files/.bashrc?version=7", `${session}/archive?format=tgz`, `${session}/files/a`, "/api/v5/shared/files/a"];
  const others = ["/api/v5/users/me", "/api/v5/users/me/home/archive/x", "/api/v5/users/me/home/files", "/api/v5/users/me/home/history/.bashrc", `${session}/links`, "https://elsewhere.example/api/v5/users/me/home/archive"];
  for (const url of downloads) ask(url, url);
  expect(asked.length).toBe(downloads.length);
  for (const url of others) ask(url, url);
  expect(asked.length).toBe(downloads.length);
});

test("what is not known any more takes nobody away, and is not said to have left", async () => {
  const { said, come } = worker();
  expect((await come("a")).status).toBe(204);
  expect(said).toEqual([]);
});
