import { expect, test } from "vitest";
import { ApiError, type Session, type Workspace } from "../src/api/generated";
import { sessionInterval } from "../src/api/queries";
import { formatUntil } from "../src/lib/format";
import { addressBesideIde, hear, originOf, riskOfLeaving } from "../src/lib/frame";
import { homeOf } from "../src/lib/home";
import { nameOfArchive, nameOfRepository } from "../src/lib/beginning";
import { cloningOf, cloningWords, isMoving, isUnsettled, phaseOf, shareDone, stageOf, statusOf, takesAPlace, wordOfSource } from "../src/lib/workspace";

const session = (status: Session["status"], workspace: Partial<Workspace>): Pick<Session, "status" | "workspace"> => ({
  status,
  workspace: { id: "wsp-1", state: "stopped", runtime: "local", connected: true, ...workspace },
});

test.each([
  ["active", "stopped", "stopped", false, false],
  ["active", "starting", "starting", true, true],
  ["active", "restoring", "restoring", true, true],
  ["active", "running", "running", false, true],
  ["active", "failed", "failed", false, true],
  ["active", "stopping", "pausing", true, false],
  ["paused", "running", "pausing", true, false],
  ["paused", "stopped", "paused", false, false],
  ["paused", "failed", "paused", false, false],
  ["forking", "stopped", "forking", true, false],
  ["deleted", "running", "deleted", false, false],
] as const)("%s with a workspace that is %s is %s", (status, state, phase, moving, place) => {
  const one = session(status, { state });
  expect(phaseOf(one)).toBe(phase);
  expect(isMoving(one)).toBe(moving);
  expect(takesAPlace(one)).toBe(place);
});

test.each([
  [{ done: 1, total: 4 }, 0.25],
  [{ total: 4 }, 0],
  [{ done: 9, total: 4 }, 1],
  [{ done: 1, total: 0 }, undefined],
  [{ done: 1 }, undefined],
])("of %j the share is %s", (workspace, share) => expect(shareDone(workspace)).toBe(share));

test.each([
  [{ state: "running" }, "All changes persisted", "good"],
  [{ state: "running", pending: 1 }, "Persisting 1 change…", "busy"],
  [{ state: "running", quiet: 1 }, "Persisted; 1 quiet file waits", "good"],
  [{ state: "running", quiet: 2 }, "Persisted; 2 quiet files wait", "good"],
  [{ state: "running", quiet: 2, pending: 1 }, "Persisting 1 change…", "busy"],
  [{ state: "running", quiet: 2, held_back: 3 }, "3 deletions held back", "attention"],
  [{ state: "running", connected: false, pending: 5 }, "Offline: 5 changes waiting", "bad"],
  [{ state: "running", connected: false, pending: 4, quiet: 1 }, "Offline: 5 changes waiting", "bad"],
  [{ state: "running", connected: false }, "Offline: changes wait", "bad"],
  [{ state: "running", held_back: 1200, pending: 2 }, "1,200 deletions held back", "attention"],
  [{ state: "running", failed: 1 }, "1 file needs attention", "attention"],
  [{ state: "running", failed: 1200, quiet: 1, pending: 2 }, "1,200 files need attention", "attention"],
  [{ state: "running", failed: 1, damaged: 1 }, "1 file is damaged", "attention"],
  [{ state: "running", failed: 3, damaged: 2, pending: 2 }, "2 files are damaged, 1 other needs attention", "attention"],
  [{ state: "running", failed: 1205, damaged: 1200 }, "1,200 files are damaged, 5 others need attention", "attention"],
  [{ state: "running", failed: 1, held_back: 3, trouble: "Full." }, "3 deletions held back", "attention"],
  [{ state: "running", failed: 1, connected: false }, "Offline: changes wait", "bad"],
  [{ state: "running", trouble: "Your storage is full. What you change stays.", pending: 2, failed: 1 }, "Your storage is full: 2 changes waiting", "bad"],
  [{ state: "running", trouble: "Not every folder can be watched: it may take 10 seconds. Less files end this." }, "Not every folder can be watched", "attention"],
  [{ state: "running", message: "The workspace ran out of memory: node was ended." }, "All changes persisted", "good"],
  [{ state: "starting", connected: false }, "Starting", "busy"],
] as const)("%j is said as %s", (workspace, word, mood) => {
  expect(statusOf(session("active", workspace))).toMatchObject({ word, mood });
});

test.each([
  [{ state: "stopped" }, "starting"],
  [{ state: "starting", step: "Starting the workspace" }, "starting"],
  [{ state: "restoring", step: "Restoring files" }, "restoring"],
  [{ state: "starting", step: "Starting the IDE" }, "loading"],
  [{ state: "running" }, "loading"],
] as const)("%j is the stage %s", (workspace, stage) => expect(stageOf(session("active", workspace))).toBe(stage));

test("the IDE's word goes before the server's, except where the server hears nothing", () => {
  const said = { type: "coditect.persistence", mood: "busy", text: "Persisting 2 files…", detail: "On their way." } as const;
  expect(statusOf(session("active", { state: "running" }), said)).toEqual({ mood: "busy", word: "Persisting 2 files…", detail: "On their way." });
  expect(statusOf(session("active", { state: "running", connected: false }), said).word).toBe("Offline: changes wait");
  expect(statusOf(session("paused", {}), said).word).toBe("Paused");
});

test("how soon a session is asked for again", () => {
  const failure = (status: number, after?: number): ApiError => new ApiError(status, { code: "x", message: "x", request_id: "x" }, after);
  const running = { ...session("active", { state: "running" }) } as Session;
  const starting = { ...session("active", { state: "starting" }) } as Session;
  expect(sessionInterval(starting, null)).toBe(1000);
  expect(sessionInterval(running, null)).toBe(10_000);
  expect(sessionInterval({ ...running, workspace: { ...running.workspace, pending: 1 } }, null)).toBe(3000);
  expect(sessionInterval({ ...running, workspace: { ...running.workspace, connected: false } }, null)).toBe(3000);
  expect(sessionInterval({ ...running, workspace: { ...running.workspace, trouble: "Full." } }, null)).toBe(3000);
  expect(sessionInterval(running, new TypeError("away"))).toBe(3000);
  // Where its events are heard:
  expect(sessionInterval(running, null, true)).toBe(20_000);
  expect(sessionInterval(starting, null, true)).toBe(2000);
  expect(sessionInterval({ ...running, workspace: { ...running.workspace, pending: 1 } }, null, true)).toBe(5000);
  expect(sessionInterval(running, new TypeError("away"), true)).toBe(3000);
  expect(sessionInterval(starting, failure(429, 7))).toBe(7000);
});

test("only the frame's own window on the IDE's own origin is heard", () => {
  const frame = {};
  const origin = "http://ses-1.ide.coditect.localhost:8080";
  const data = { type: "coditect.ticket.request" };
  expect(hear({ data, origin, source: frame }, frame, origin)).toEqual(data);
  expect(hear({ data, origin, source: {} }, frame, origin)).toBeUndefined();
  expect(hear({ data, origin: "http://ses-2.ide.coditect.localhost:8080", source: frame }, frame, origin)).toBeUndefined();
  expect(hear({ data, origin, source: undefined }, undefined, origin)).toBeUndefined();
  expect(hear({ data, origin: "null", source: null }, null, origin)).toBeUndefined();
  const wish = (action: unknown) => hear({ data: { type: "coditect.do", action, more: 1 }, origin, source: frame }, frame, origin);
  expect(wish("pause")).toEqual({ type: "coditect.do", action: "pause" });
  expect(wish("palette")).toEqual({ type: "coditect.do", action: "palette" });
  expect([wish("delete"), wish(undefined), wish(["pause"])]).toEqual([undefined, undefined, undefined]);
});

test.each([
  [{ type: "coditect.ready", theme: "dark", more: 1 }, { type: "coditect.ready", theme: "dark" }],
  [{ type: "coditect.theme.changed", theme: "light" }, { type: "coditect.theme.changed", theme: "light" }],
  [{ type: "coditect.theme.changed", theme: "javascript:" }, undefined],
  [{ type: "coditect.ready" }, undefined],
  [{ type: "coditect.theme", theme: "dark" }, undefined],
  [{ type: "coditect.persistence", mood: "good", text: "All changes persisted", detail: "" }, { type: "coditect.persistence", mood: "good", text: "All changes persisted", detail: "" }],
  [{ type: "coditect.persistence", mood: "great", text: "x", detail: "" }, undefined],
  [{ type: "coditect.persistence", mood: "bad", text: "x".repeat(61), detail: "y".repeat(301) }, { type: "coditect.persistence", mood: "bad", text: "x".repeat(60), detail: "y".repeat(300) }],
  [{ type: "coditect.persistence", mood: "good", text: "x" }, undefined],
  ["coditect.ready", undefined],
  [null, undefined],
  [undefined, undefined],
])("message %j is read as %j", (data, message) => {
  const frame = {};
  expect(hear({ data, origin: "http://ide", source: frame }, frame, "http://ide")).toEqual(message);
});

test("what is damaged is told apart from what is not stored", () => {
  const detail = (failed: number, damaged?: number) => statusOf(session("active", { state: "running", failed, damaged })).detail;
  expect(detail(1, 1)).toMatch(/^What the server has of 1 file is damaged: it is not restored, .* names it and says why\.$/);
  expect(detail(2, 2)).not.toContain("not stored");
  expect(detail(3, 2)).toMatch(/of 2 files is damaged: they are not restored, .* 1 file is not stored as it is in the workspace: .* names them /);
  expect(detail(2)).not.toContain("damaged");
});

test.each([
  ["good", "All changes persisted", "none"],
  ["busy", "Persisting…", "soon"],
  ["attention", "2 editors not saved to a file yet", "lost"],
  ["attention", "1 file not saved yet", "lost"],
  ["attention", "Persisting 2 files, 1 not saved", "lost"],
  ["attention", "Offline: 2 changes waiting", "none"],
  ["bad", "Connection lost", "lost"],
] as const)("leaving while the IDE says %s, %s costs %s", (mood, text, risk) => {
  expect(riskOfLeaving({ type: "coditect.persistence", mood, text, detail: "" })).toBe(risk);
  expect(riskOfLeaving(undefined)).toBe("none");
});

test("addresses", () => {
  expect(originOf("http://ses-1.ide.coditect.localhost:8080/x?ticket=1")).toBe("http://ses-1.ide.coditect.localhost:8080");
  expect(originOf("nothing")).toBeUndefined();
  const ide = "http://ses-1.ide.coditect.localhost:8080/";
  const beside = (page: string): string | undefined => addressBesideIde(new URL(page), ide);
  expect(beside("http://127.0.0.1:8080/sessions/ses-1?x=1")).toBe("http://coditect.localhost:8080/sessions/ses-1?x=1");
  expect(beside("http://localhost:8080/")).toBe("http://coditect.localhost:8080/");
  expect(beside("http://coditect.localhost:8080/sessions/ses-1")).toBeUndefined();
  expect(addressBesideIde(new URL("https://coditect.example.com/"), "https://ses-1.ide.example.com/")).toBeUndefined();
  expect(addressBesideIde(new URL("http://localhost:8080/"), "http://localhost:8081/ide/ses-1/")).toBeUndefined();
});

test.each([
  ["http://localhost:8080/sessions?show=deleted#x", "http://coditect.localhost:8080/sessions?show=deleted#x"],
  ["http://127.0.0.1/", "http://coditect.localhost/"],
  ["http://[::1]:8080/", "http://coditect.localhost:8080/"],
  ["http://coditect.localhost:8080/", undefined],
  ["http://localhost.example.com/", undefined],
  ["https://localhost:8443/", undefined],
])("the home of %s is %s", (page, home) => expect(homeOf(new URL(page))?.href).toBe(home));

test.each([
  [8.8 * 60_000, "in 9 minutes"],
  [20_000, "in a moment"],
  [-5000, "in a moment"],
  [2 * 3_600_000, "in 2 hours"],
])("%d ms ahead is %s", (ms, text) => {
  const now = Date.parse("2026-11-21T04:05:06Z");
  expect(formatUntil(new Date(now + ms).toISOString(), now)).toBe(text);
});

test.each([
  ["pending", "stopped", "waits", false],
  ["cloning", "stopped", "waits", false],
  ["pending", "starting", "soon", false],
  ["pending", "running", "soon", true],
  ["cloning", "running", "now", true],
  ["failed", "running", "failed", false],
  ["failed", "stopped", "failed", false],
  ["done", "running", undefined, false],
] as const)("a repository that is %s in a workspace that is %s: %s", (state, workspace, cloning, unsettled) => {
  const one = { ...session("active", { state: workspace }), source: { kind: "git", url: "https://git.example.com/engine.git", state } } as const;
  expect(cloningOf(one)).toBe(cloning);
  expect(isUnsettled(one)).toBe(unsettled);
});

test("how far a clone is", () => {
  const source = { kind: "git", url: "https://git.example.com/engine.git", state: "cloning", percent: 42 } as const;
  expect(cloningWords({ ...session("active", { state: "running" }), source })).toBe("Cloning the repository: 42 %");
  expect(cloningOf(session("active", { state: "running" }))).toBeUndefined();
});

test("what else there is to say of a repository that is there", () => {
  const source = { kind: "git", url: "https://git.example.com/engine.git", state: "done", folder: "engine-2", message: "It was cloned again." } as const;
  const one = { ...session("active", { state: "running" }), source };
  expect([wordOfSource(one), cloningWords(one), cloningOf(one)]).toEqual(["It was cloned again.", "The repository is here, in “engine-2”", undefined]);
  expect(wordOfSource({ ...one, status: "deleted" })).toBeUndefined();
  expect(wordOfSource({ ...one, source: { ...source, state: "failed" } })).toBeUndefined();
  expect(wordOfSource(session("active", { state: "running" }))).toBeUndefined();
});

test.each([
  ["https://git.example.com/team/engine.git", "engine"],
  [" https://git.example.com/engine/ ", "engine"],
  ["https://git.example.com/n%C3%A4me.git", "näme"],
  ["https://git.example.com/100%", "100%"],
  ["https://git.example.com", ""],
  ["git@git.example.com:engine.git", ""],
  ["https://git.example.com/123456789", "12345678"],
])("a session of %j is called %j", (url, name) => expect(nameOfRepository(url, 8)).toBe(name));

test.each([
  ["engine.tar.gz", "engine"],
  ["Engine 2.0.ZIP", "Engine 2.0"],
  ["engine.tgz", "engine"],
  [".zip", ".zip"],
  ["a\tb.tar", "ab"],
])("a session of the archive %j is called %j", (file, name) => expect(nameOfArchive(file, 100)).toBe(name));
