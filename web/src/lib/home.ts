// The address at which everything works. On one machine each session's IDE has a name below coditect.localhost, and a browser
// gives it its cookie only when the page around it comes from there too. A page that came by localhost or 127.0.0.1 moves,
// if this browser reaches that name (not all resolve names below localhost by themselves); else it stays.
const HOME = "coditect.localhost";
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const PATIENCE_MS = 1500;

/** Undefined: it is there, or comes from another machine. */
export function homeOf(page: URL): URL | undefined {
  if (page.protocol !== "http:" || !LOOPBACK.test(page.hostname)) return undefined;
  const home = new URL(page);
  home.hostname = HOME;
  return home;
}

/** True: the browser leaves for there. */
export async function moveHome(page: URL): Promise<boolean> {
  const home = homeOf(page);
  if (home === undefined) return false;
  try {
    await fetch(new URL("/icon.svg", home), { mode: "no-cors", cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    return false;
  }
  globalThis.location.replace(home);
  return true;
}
