// Sessions that have to do with one another, with score and reasons.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, serverForFile, until } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const related = async (id, query = "") => (await ada.get(`/sessions/${id}/related${query}`)).data;
const reasons = async (id) => Object.fromEntries((await related(id)).map((one) => [one.session.name, one.reasons]));

async function fork(id, name) {
  const made = (await ada.post(`/sessions/${id}/fork`, { name })).data;
  await until("the fork is whole", async () => (await ada.get(`/sessions/${made.id}`)).data.status !== "forking");
  return made;
}

async function fill(session, files) {
  for (const [path, text] of Object.entries(files)) assert.equal((await ada.write(`/sessions/${session.id}/files/${path}`, text)).status, 200);
}

test("forks in both directions, their siblings, the project, the name, the repository and files", async () => {
  const project = (await ada.post("/projects", { name: "P" })).data.id;
  const base = (await ada.post("/sessions", { name: "weather station", project_id: project })).data;
  await fill(base, { "a/x": "one", "a-b": "two", "z": "three", ".git/config": "[remote]\n", empty: "" });
  const one = await fork(base.id, "QQQQ");
  const two = await fork(base.id, "1234");
  const named = await newSession(ada, "Weather Station 2");
  const inside = (await ada.post("/sessions", { name: "zzz", project_id: project })).data;
  await ada.put(`/sessions/${one.id}`, { project_id: null });
  await ada.put(`/sessions/${two.id}`, { project_id: null });
  const clone = await newSession(ada, "uuuu");
  await fill(clone, { ".git/config": "[remote]\n", "a/x": "other", empty: "" });
  const copy = await newSession(ada, "vvvv");
  await fill(copy, { "a/x": "one", "a-b": "two", "b": "three", empty: "" });
  await newSession(ada, "jjjj");

  assert.deepEqual(await reasons(base.id), {
    QQQQ: ["fork", "repository", "files"],
    1234: ["fork", "repository", "files"],
    uuuu: ["repository"],
    "Weather Station 2": ["name"],
    zzz: ["project"],
    vvvv: ["files"],
  });
  assert.deepEqual(await reasons(one.id), { "weather station": ["fork_of", "repository", "files"], 1234: ["same_origin", "repository", "files"], uuuu: ["repository"], vvvv: ["files"] });
  assert.deepEqual(await reasons(inside.id), { "weather station": ["project"] });
  const all = await related(base.id);
  assert.deepEqual(all.map((row) => row.score), all.map((row) => row.score).sort((a, b) => b - a), "the closest first");
  const of = (name) => all.find((row) => row.session.name === name);
  assert.deepEqual([of("QQQQ").shared_files, of("uuuu").shared_files, of("vvvv").shared_files, of("zzz").shared_files], [3, 0, 2, 0]);
  assert.ok(of("QQQQ").score > of("uuuu").score && of("uuuu").score > of("zzz").score);
  assert.equal((await related(base.id, "?limit=2")).length, 2);
  for (const limit of [0, 25]) assert.equal((await ada.get(`/sessions/${base.id}/related?limit=${limit}`)).status, 400);
  assert.deepEqual(of("zzz").session, (await ada.get(`/sessions/${inside.id}`)).data);

  await ada.delete(`/sessions/${named.id}`);
  assert.equal((await reasons(base.id))["Weather Station 2"], undefined, "what is deleted is related to nothing");
  await ada.delete(`/sessions/${base.id}`);
  assert.equal((await ada.get(`/sessions/${base.id}/related`)).status, 404);
  assert.deepEqual((await reasons(one.id))["1234"], ["same_origin", "repository", "files"], "also when the origin is gone");
});

test("made from one repository, however its address is written", async () => {
  const bob = await server.account("bob");
  const make = async (name, git_url) => (await bob.post("/sessions", { name, git_url })).data.id;
  const first = await make("aaaa", "https://git.example.com/team/Tool.git");
  await make("bbbb", "https://GIT.example.com/team/Tool/");
  await make("cccc", "https://git.example.com/team/tool");
  await make("dddd", "https://git.example.com/team/Toolbox");
  await newSession(bob, "eeee");
  const found = (await bob.get(`/sessions/${first}/related`)).data;
  assert.deepEqual(found.map(({ session, reasons: why }) => [session.name, why]), [["bbbb", ["repository"]]]);
});

test("what git keeps for itself is nobody's file", async () => {
  const cleo = await server.account("cleo");
  const ids = [];
  for (const name of ["kkkk", "llll", "mmmm"]) {
    const { id } = await newSession(cleo, name);
    ids.push(id);
    const put = async (path, text) => assert.equal((await cleo.write(`/sessions/${id}/files/${path}`, text)).status, 200);
    for (let i = 0; i < 30; i++) await put(`.git/hooks/sample-${i}`, `a sample ${i}`);
    await put("sub/.git/HEAD", "ref: main");
    await put(".git/config", name);
    await put("z/own.txt", name === "llll" ? "another" : "the same");
  }
  const found = (await cleo.get(`/sessions/${ids[0]}/related`)).data;
  assert.deepEqual(found.map((one) => [one.session.name, one.reasons, one.shared_files]), [["mmmm", ["files"], 1]]);
});

test("only what the person may see: not a colleague's, not a stranger's", async () => {
  const { token } = (await ada.post("/tenant/invitations", { email: "mate@example.com", role: "admin" })).data;
  const login = (await server.anonymous().post("/auth/register", { email: "mate@example.com", password: "a long password", invitation: token })).data;
  const mate = Object.assign(server.anonymous(), { token: login.token });
  const eve = await server.account("eve");
  const mine = await newSession(ada, "the same name");
  await fill(mine, { f: "the same content" });
  for (const who of [mate, eve]) {
    const theirs = await newSession(who, "the same name");
    await who.write(`/sessions/${theirs.id}/files/f`, "the same content");
    assert.deepEqual((await who.get(`/sessions/${theirs.id}/related`)).data, []);
    assert.equal((await who.get(`/sessions/${mine.id}/related`)).status, 404);
  }
  assert.deepEqual(await related(mine.id), []);
});

test("the work is bounded: 24 at most, whatever there is", async () => {
  const ken = await server.account("ken");
  const first = await newSession(ken, "many 0");
  for (let i = 1; i <= 30; i++) await newSession(ken, `many ${i}`);
  const all = (await ken.get(`/sessions/${first.id}/related?limit=24`)).data;
  assert.equal(all.length, 24);
  assert.ok(all.every((one) => one.reasons.join() === "name"));
});
