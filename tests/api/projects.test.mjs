// Projects, and lists of sessions as they are searched, sorted and counted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const eve = await server.account("eve");
const names = (reply) => reply.data.map((one) => one.name);

test("create, get, list, rename, delete; the sessions stay", async () => {
  const created = await ada.post("/projects", { name: "Compilers" });
  assert.equal(created.status, 201, created.text());
  const project = created.data;
  const path = `/projects/${project.id}`;
  assert.equal(created.headers.location, `/api/v5${path}`);
  assert.deepEqual([project.name, project.sessions, project.user_id], ["Compilers", 0, ada.user.id]);
  assert.deepEqual((await ada.get(path)).data, project);

  const inside = (await ada.post("/sessions", { name: "inside", project_id: project.id })).data;
  assert.equal(inside.project_id, project.id);
  const outside = await newSession(ada, "outside");
  assert.equal(outside.project_id, undefined);
  assert.deepEqual(names(await ada.get(`/sessions?project_id=${project.id}`)), ["inside"]);
  assert.equal((await ada.get(path)).data.sessions, 1);

  const moved = await ada.put(`/sessions/${outside.id}`, { project_id: project.id });
  assert.deepEqual([moved.data.name, moved.data.project_id], ["outside", project.id], "what is not named stays");
  const renamed = await ada.put(`/sessions/${outside.id}`, { name: "also inside" });
  assert.deepEqual([renamed.data.name, renamed.data.project_id], ["also inside", project.id]);
  const out = await ada.put(`/sessions/${outside.id}`, { name: "outside", project_id: null });
  assert.deepEqual([out.data.name, out.data.project_id], ["outside", undefined]);
  for (const body of [{}, { name: null }, { project_id: "" }, { project_id: 5 }, { project_id: `prj-${"0".repeat(26)}` }]) {
    assert.equal((await ada.put(`/sessions/${outside.id}`, body)).status, 400, JSON.stringify(body));
  }

  assert.equal((await ada.put(path, { name: "Parsers" })).data.name, "Parsers");
  const old = await ada.request("PUT", path, { json: { name: "x" }, headers: { "If-Match": created.headers.etag } });
  assert.equal(old.status, 412);
  assert.equal((await ada.delete(path, { headers: { "If-Match": created.headers.etag } })).status, 412);
  assert.equal((await ada.delete(path)).status, 200);
  for (const reply of [await ada.get(path), await ada.put(path, { name: "x" }), await ada.delete(path)]) assert.equal(reply.status, 404);
  assert.equal((await ada.get(`/sessions/${inside.id}`)).data.project_id, undefined);
  const actions = (await ada.get(`/audit?session_id=${inside.id}`)).data.map((one) => one.action);
  assert.deepEqual(actions, ["session.create"]);
});

test("somebody else's project is the same as none", async () => {
  const { id } = (await ada.post("/projects", { name: "Secret" })).data;
  const mine = await newSession(eve);
  const nobody = `prj-${"0".repeat(26)}`;
  const ask = async (project) => {
    const replies = [
      await eve.get(`/projects/${project}`),
      await eve.put(`/projects/${project}`, { name: "Mine" }),
      await eve.delete(`/projects/${project}`),
      await eve.get(`/sessions?project_id=${project}`),
      await eve.post("/sessions", { name: "x", project_id: project }),
      await eve.put(`/sessions/${mine.id}`, { project_id: project }),
    ];
    return replies.map((reply) => [reply.status, reply.code, reply.json.error.fields]);
  };
  assert.deepEqual(await ask(id), await ask(nobody));
  assert.deepEqual((await ask(id)).map(([status]) => status), [404, 404, 404, 404, 400, 400]);
  assert.deepEqual(names(await eve.get("/projects")), []);
  assert.equal((await ada.get(`/projects/${id}`)).data.name, "Secret");
  assert.equal((await ada.delete(`/projects/${id}`)).status, 200);
});

test("the same Idempotency-Key is the same project", async () => {
  const create = (name) => ada.request("POST", "/projects", { json: { name }, headers: { "Idempotency-Key": "one" } });
  const first = await create("Once");
  assert.equal((await create("Once")).data.id, first.data.id);
  assert.equal((await create("Twice")).status, 409);
  await ada.delete(`/projects/${first.data.id}`);
});

test("lists are searched, sorted and counted, the same on every page", async () => {
  const ken = await server.account("ken");
  for (const name of ["delta", "Alpha", "gamma", "BETA"]) {
    await newSession(ken, name);
    await ken.post("/projects", { name });
  }
  const pages = async (path) => {
    const seen = [];
    for (let cursor = ""; cursor !== undefined; ) {
      const page = await ken.get(`${path}&limit=3${cursor}`);
      seen.push(...names(page));
      assert.equal(page.json.page.total, path.includes("q=") ? 2 : 4, path);
      if (cursor === "") await server.anonymous().get("/health");
      cursor = page.json.page.next === null ? undefined : `&cursor=${page.json.page.next}`;
    }
    return seen.join(" ");
  };
  for (const list of ["/sessions", "/projects"]) {
    assert.equal(await pages(`${list}?sort=name`), "Alpha BETA delta gamma", list);
    assert.equal(await pages(`${list}?sort=name&reverse=true`), "gamma delta BETA Alpha", list);
    assert.equal(await pages(`${list}?sort=created`), "BETA gamma Alpha delta", list);
    assert.equal(await pages(`${list}?sort=created&reverse=true`), "delta Alpha gamma BETA", list);
    assert.equal(await pages(`${list}?q=TA&sort=name`), "BETA delta", list);
    for (const bad of ["sort=size", "q=", `q=${"x".repeat(101)}`, "reverse=1", "q=%00"]) {
      assert.equal((await ken.get(`${list}?${bad}`)).status, 400, `${list}?${bad}`);
    }
  }
  assert.equal(await pages("/sessions?sort=activity"), "BETA gamma Alpha delta");
  assert.deepEqual(names(await ken.get("/tenant/sessions?q=ta")), ["BETA", "delta"]);
  const all = await ken.get("/tenant/sessions?limit=1&reverse=true");
  assert.deepEqual([names(all), all.json.page.total], [["delta"], 4]);
});

test("a session that comes in meanwhile moves nothing", async () => {
  const lin = await server.account("lin");
  for (const name of ["a", "c", "e", "g"]) await newSession(lin, name);
  const first = await lin.get("/sessions?sort=name&limit=2");
  await newSession(lin, "b");
  await newSession(lin, "f");
  const second = await lin.get(`/sessions?sort=name&limit=10&cursor=${first.json.page.next}`);
  assert.deepEqual([...names(first), ...names(second)], ["a", "c", "e", "f", "g"]);
});
