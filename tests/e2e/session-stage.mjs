// The session's page for the tests that need it in every state: what the server says of the workspace is written over on its way
// to the page, and a page of the tests' own stands for the IDE. Accounts, sessions and files are the real coditectd's.
// story.test.mjs has the same page with the real workspace behind it.
import assert from "node:assert/strict";
import { newSession } from "../api/harness.mjs";
import { makeBundle } from "../api/ide-bundle.mjs";
import { launch } from "./browser.mjs";
import { standInIde } from "./standin-ide.mjs";

/** A person who is logged in, with "Project A" (hello.txt in it) and "Project B", on the list of her sessions. */
export async function openStage() {
  /** refusal: code, message → the next open is refused with them. */
  const stage = { refusal: undefined };
  // What a server that has an IDE permits its pages to frame.
  const world = await launch({ args: ["--rate-factor", "1000", "--ide", makeBundle()] });
  const { home, server } = world;
  const ide = await standInIde(home);
  const context = await world.newContext();
  const page = await context.newPage();

  const ada = await server.account("ada");
  const a = await newSession(ada, "Project A");
  const b = await newSession(ada, "Project B");
  await ada.write(`/sessions/${a.id}/files/hello.txt`, "hello\n");

  /** What the page is told of a session's workspace: id → {status, workspace, source, gone}; and what it asked for. */
  const told = new Map();
  const asked = { open: [], pause: [], tickets: [] };
  const patched = (session) => {
    const { status, workspace, source } = told.get(session.id) ?? {};
    return { ...session, ...(status ? { status } : {}), ...(source ? { source } : {}), workspace: { ...session.workspace, state: "stopped", ...workspace } };
  };
  const tell = (id, status, workspace = {}, source = undefined) => told.set(id, { status, workspace, source });
  const running = (id, more = {}) => tell(id, "active", { state: "running", connected: true, ide_url: ide.url(id), ...more });
  const failure = (status, code, message) => ({ status, json: { success: false, error: { code, message, request_id: "req-test" } } });

  async function answerOne(route) {
    const request = route.request();
    const [, id, verb] = /\/sessions\/(ses-[0-9a-z]+)(?:\/(open|pause))?$/.exec(new URL(request.url()).pathname);
    if (verb !== undefined) asked[verb].push(id);
    if (told.get(id)?.gone) return route.fulfill(failure(404, "not_found", "There is no such session."));
    if (verb === "open" && stage.refusal !== undefined) {
      const no = failure(409, ...stage.refusal);
      stage.refusal = undefined;
      return route.fulfill(no);
    }
    if (verb === "open") tell(id, "active", { state: "starting" });
    if (verb === "pause") tell(id, "paused", { state: "stopping" });
    const real = await ada.get(`/sessions/${id}`);
    if (real.status !== 200) return route.fulfill({ status: real.status, json: real.json }); // her login ended meanwhile
    return route.fulfill({ status: verb === "open" ? 202 : 200, json: { ...real.json, data: patched(real.data) } });
  }

  async function answerList(route) {
    if (route.request().method() !== "GET") return route.fallback();
    const real = await ada.get(`/sessions${new URL(route.request().url()).search}`);
    if (real.status !== 200) return route.fulfill({ status: real.status, json: real.json });
    return route.fulfill({ status: 200, json: { ...real.json, data: real.data.map(patched) } });
  }

  async function answerTicket(route) {
    const { session_id: id } = route.request().postDataJSON();
    asked.tickets.push(id);
    return route.fulfill({ status: 201, json: { success: true, data: ide.ticket(id) } });
  }

  const answers = (where) => Promise.all([
    where.route(/\/api\/v5\/sessions\/ses-[0-9a-z]+(\/open|\/pause)?$/, answerOne),
    where.route(/\/api\/v5\/sessions(\?.*)?$/, answerList),
    where.route("**/api/v5/auth/tickets", answerTicket),
  ]);
  await answers(context);
  await world.logIn(page, ada);

  const status = page.getByTestId("persistence");
  const startUp = page.getByTestId("startup");
  /** Of the session whose address the page has. */
  const frame = () => page.frames().find((one) => one.url().includes(`//${/ses-[0-9a-z]+/.exec(page.url())?.[0]}.ide.`));
  const framesCount = () => page.frames().filter((one) => one.url().includes(".ide.")).length;
  const heard = () => frame().evaluate(() => globalThis.heard);
  const ready = () => page.locator("[data-testid=ide][data-ready=true]").waitFor();
  const until = async (what, test) => {
    const deadline = Date.now() + 30_000;
    while (!(await test())) {
      assert.ok(Date.now() < deadline, `not in time: ${what}`);
      await page.waitForTimeout(50);
    }
  };
  /** The page asks anew of the session it shows: as one that becomes visible does, if it did not ask within the last second. */
  const poke = async () => {
    let hasAsked = false;
    const [id] = /ses-[0-9a-z]+/.exec(page.url());
    const note = (request) => { hasAsked ||= request.url().endsWith(`/sessions/${id}`); };
    page.on("request", note);
    await until("it asks", async () => {
      await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
      return hasAsked || !new URL(page.url()).pathname.includes(id); // what it heard by itself has led it elsewhere; /login names the session, too
    });
    page.off("request", note);
  };
  return Object.assign(stage, { world, home, server, ide, context, page, ada, a, b, told, asked, tell, running, answers, answerOne, status, startUp, frame, framesCount, heard, ready, poke, until });
}
