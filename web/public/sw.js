// A page that is loaded while the server is away shows ours instead of the browser's; and a download that wants a header, which
// no address can carry, is handed to the browser as it comes. Nothing else is kept or answered here: a newer build must never be
// hidden behind an old one, and what the API says is never a memory.
const CACHE = "coditect-offline-1";
const PAGE = "/offline.html";
const PARTS = [PAGE, "/offline.css", "/offline.js", "/icon.svg"];

/** What a proxy says when the server behind it is away. */
const isAway = ({ status, headers }) => status === 502 || status === 504 || (status === 503 && !(headers.get("content-type") ?? "").includes("json"));

async function page(request) {
  try {
    const response = await fetch(request);
    if (!isAway(response)) return response;
    return (await caches.match(PAGE)) ?? response;
  } catch (error) {
    const kept = await caches.match(PAGE);
    if (kept === undefined) throw error;
    return kept;
  }
}

async function part(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(new URL(request.url).pathname);
    if (kept === undefined) throw error;
    return kept;
  }
}

/** Answers that have begun, by the id in /download/{id}/{name}: each is fetched once, by the navigation that the page makes next. */
const begun = new Map();
const KEPT_MS = 30_000;
/** Of the server, which lets a login have a few long answers at once: what has not begun is let go, and the page asks again. */
const BEGIN_MS = 45_000;
/** All that a token is sent to: what a link shows, the files of a session, and the home. */
const OPENED = /^\/api\/v5\/(shared\/|users\/me\/home\/(archive$|files\/)|sessions\/ses-[0-9a-z]{26}\/(archive$|files\/))/;
/** What is no attachment would be shown in the page's place, as a page of ours. */
const isAttachment = ({ headers }) => (headers.get("content-disposition") ?? "").startsWith("attachment");

/** What nobody comes for, as when the page was closed, is not held for ever. */
function keep(id, response, port) {
  begun.set(id, { response, port });
  setTimeout(() => {
    if (begun.delete(id)) response.body?.cancel().catch(() => undefined);
  }, KEPT_MS);
}

async function begin({ id, url, token }, port) {
  port.postMessage("taken");
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), BEGIN_MS);
  try {
    const { origin, pathname, search } = new URL(url, location.origin);
    if (origin !== location.origin || !OPENED.test(pathname)) throw new Error("No token is sent there.");
    const response = await fetch(pathname + search, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store", signal: patience.signal });
    clearTimeout(timer);
    const isTaken = response.ok && isAttachment(response);
    if (isTaken) keep(id, response, port);
    else await response.body?.cancel();
    port.postMessage(isTaken ? "ready" : "refused");
  } catch {
    port.postMessage(patience.signal.aborted ? "late" : "refused");
  }
}

/** What is not known (any more), as when the worker was ended meanwhile, is nothing: the page stays. */
function taken(address) {
  const [, place, id, name] = new URL(address).pathname.split("/");
  if (place !== "download" || name === undefined) return undefined;
  const one = begun.get(id);
  begun.delete(id);
  one?.port.postMessage("left");
  return one?.response ?? new Response(undefined, { status: 204 });
}

addEventListener("message", (event) => {
  if (event.data?.kind === "download") event.waitUntil(begin(event.data, event.ports[0]));
});

addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(PARTS.map((path) => new Request(path, { cache: "reload" })))).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(taken(request.url) ?? page(request));
  else if (PARTS.includes(new URL(request.url).pathname)) event.respondWith(part(request));
});
