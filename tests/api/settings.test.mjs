// Settings of people and tenants: what counts, who sets it, what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const invitation = (await ada.post("/tenant/invitations", { email: "vic@example.com", role: "viewer" })).data;
const accepted = await server.anonymous().post("/auth/register", { email: "vic@example.com", password: "a long password", invitation: invitation.token });
const vic = new Client(server, accepted.data.token);
const of = async (who, key) => (await who.get("/settings")).data.find((one) => `${one.category}/${one.key}` === key);

test("a person's value, the tenant's, the default", async () => {
  const key = "editor/font_size";
  const standard = await of(ada, key);
  assert.deepEqual([standard.value, standard.source, standard.default], [13, "default", 13]);
  assert.equal((await ada.put(`/tenant/settings/${key}`, { value: 16 })).data.source, "tenant");
  assert.deepEqual([(await of(vic, key)).value, (await of(vic, key)).source], [16, "tenant"]);
  assert.equal((await vic.put(`/settings/${key}`, { value: 20 })).data.value, 20);
  const hers = await of(vic, key);
  assert.deepEqual([hers.value, hers.source, hers.user, hers.tenant], [20, "user", 20, 16]);
  assert.equal((await of(ada, key)).value, 16);
  assert.equal((await vic.delete(`/settings/${key}`)).data.value, 16);
  assert.equal((await vic.delete(`/settings/${key}`)).status, 200, "twice is harmless");
  assert.equal((await ada.delete(`/tenant/settings/${key}`)).data.value, 13);
  const eve = await server.account("eve");
  await ada.put("/tenant/settings/appearance/theme", { value: "dark" });
  assert.equal((await of(eve, "appearance/theme")).value, "system", "another tenant's settings are its own");
});

test("a form can be made from what is served: each bound is kept, each default can be set", async () => {
  for (const one of (await ada.get("/settings")).data) {
    const path = `${one.scope === "tenant" ? "/tenant" : ""}/settings/${one.category}/${one.key}`;
    const good = { choice: one.choices, number: [one.least, one.most], boolean: [true, false], text: ["x".repeat(one.most)], patterns: [`${"x".repeat(511)}\n`.repeat(one.most / 512), "x\n".repeat(200)] }[one.type];
    const bad = { choice: ["none of them", 1], number: [one.least - 1, one.most + 1, "5", true], boolean: ["true", 1], text: ["", "x".repeat(one.most + 1), "a\nb", 1], patterns: [1, `${"x".repeat(511)}\n`.repeat(one.most / 512) + "x", "x\n".repeat(201), "a\n*"] }[one.type];
    for (const value of [...good, one.default]) assert.deepEqual((await ada.put(path, { value })).data.value, value, path);
    for (const value of bad) {
      const reply = await ada.put(path, { value });
      assert.deepEqual([reply.status, Object.keys(reply.json.error.fields)], [400, ["value"]], `${path} ${value}`);
    }
    assert.equal((await ada.delete(path)).status, 200);
  }
  for (const body of [{}, { value: null }, { value: [1] }, { value: {} }, { value: 1.5 }, { value: 14, more: 1 }]) {
    assert.equal((await ada.put("/settings/editor/font_size", body)).status, 400, JSON.stringify(body));
  }
});

test("patterns: the line that is wrong is named; who may not set them; they are served to nobody else", async () => {
  const path = "/tenant/settings/files/ignore";
  const set = await ada.put(path, { value: "*.log\n# big\n*.iso\n!keep.log\n" });
  assert.deepEqual([set.status, set.data.value, set.data.source, set.data.type], [200, "*.log\n# big\n*.iso\n!keep.log\n", "tenant", "patterns"]);
  for (const [value, words] of [["a\nb/../c", /line 2: /], ["a\n\n\\", /line 3: .*backslash/], ["**", /line 1: .*everything/], ["a\tb", /line 1: .*control/], ["x".repeat(1025), /line 1: /], ["\u0000", /line 1: /]]) {
    const refused = await ada.put(path, { value });
    assert.equal(refused.status, 400);
    assert.match(refused.json.error.fields.value, words);
  }
  assert.equal((await vic.put(path, { value: "*.log" })).status, 403);
  assert.equal((await ada.put("/settings/files/ignore", { value: "*.log" })).status, 403);
  assert.equal((await of(vic, "files/ignore")).value, set.data.value);
  assert.equal((await of(await server.account("mallory"), "files/ignore")).value, "", "another tenant has its own");
  assert.equal((await ada.put("/tenant/settings/files/quiet", { value: "a\n*" })).status, 400);
  const { data } = await ada.put("/tenant/settings/files/quiet", { value: "*.db\n" });
  assert.deepEqual([data.value, data.type, data.most, (await of(vic, "files/quiet")).value, (await of(vic, "files/ignore")).value], ["*.db\n", "patterns", 8192, "*.db\n", set.data.value]);
  assert.equal((await ada.delete("/tenant/settings/files/quiet")).data.value, "");
  assert.equal((await ada.delete(path)).data.value, "");
  assert.deepEqual((await ada.get("/audit?limit=100")).data.filter(({ target }) => target === "files.ignore").slice(0, 2).map(({ action }) => action), ["tenant.setting_delete", "tenant.setting_update"]);
});

test("If-Match: what somebody else set meanwhile is not lost; each level by itself", async () => {
  const key = "editor/line_height";
  const rows = (await ada.get("/settings")).data;
  const number = rows.find((one) => one.type === "number" && one.scope === "user");
  const path = `${number.category}/${number.key}`;
  for (const [level, at] of [["user", `/settings/${path}`], ["tenant", `/tenant/settings/${path}`]]) {
    const revision = async () => (await of(ada, path))[`${level}_revision`];
    const put = (value, match) => ada.put(at, { value }, { headers: { "If-Match": match } });
    const none = await revision();
    const first = await put(number.least, `"${none}"`);
    assert.deepEqual([first.status, first.headers.etag], [200, `"${await revision()}"`]);
    assert.notEqual(await revision(), none, "another than of none");
    for (const wrong of [`"${none}"`, '"1"', "x", '"0"', "17", `W/${first.headers.etag}`]) {
      const refused = await put(number.most, wrong);
      assert.deepEqual([refused.status, refused.code], [412, "precondition"], wrong);
      assert.equal((await ada.delete(at, { headers: { "If-Match": wrong } })).status, 412, wrong);
    }
    assert.equal((await of(ada, path))[level], number.least, "nothing of it counts");
    const other = level === "user" ? `/tenant/settings/${path}` : `/settings/${path}`;
    await ada.put(other, { value: number.least + 2 });
    assert.equal(await revision(), Number(first.headers.etag.slice(1, -1)), "the other level's is another value");
    const second = await put(number.most, first.headers.etag);
    assert.equal(second.status, 200);
    assert.equal((await put(number.least, "*")).status, 200, "whatever it is");
    assert.equal((await put(number.most + 1, "*")).status, 400);
    const gone = await ada.delete(at, { headers: { "If-Match": `"${await revision()}"` } });
    assert.deepEqual([gone.status, gone.headers.etag], [200, `"${none}"`], "none again");
    assert.equal((await ada.put(at, { value: number.least })).status, 200, "without it, as it comes");
    await ada.delete(at);
    await ada.delete(other);
  }
  const patterns = await of(ada, "files/ignore");
  assert.equal("user_revision" in patterns, false, "nobody sets one of their own");
  assert.equal((await ada.put(`/settings/${key}`, { value: 1 }, { headers: { "If-Match": '"1"' } })).status, 404, "no such setting");
  assert.equal((await vic.put(`/tenant/settings/${path}`, { value: number.least }, { headers: { "If-Match": `"${number.tenant_revision}"` } })).status, 403);
});

test("of writers who come at once with what they saw, one is taken: no change is lost", async () => {
  const lines = async () => String((await of(ada, "files/ignore")).value);
  const path = "/tenant/settings/files/ignore";
  const write = async (name) => {
    for (let tries = 1; ; tries++) {
      const seen = await of(ada, "files/ignore");
      const reply = await ada.put(path, { value: `${seen.value}${name}\n` }, { headers: { "If-Match": `"${seen.tenant_revision}"` } });
      if (reply.status === 200) return tries;
      assert.equal(reply.status, 412, reply.text());
    }
  };
  const names = Array.from({ length: 12 }, (_, i) => `w${i}`);
  const tries = await Promise.all(names.map(write));
  assert.deepEqual((await lines()).split("\n").filter((one) => one !== "").sort(), [...names].sort(), "each one's line is there");
  assert.ok(Math.max(...tries) > 1, "they did meet");
  const seen = (await of(ada, "files/ignore")).tenant_revision;
  const replies = await Promise.all(names.map((name) => ada.put(path, { value: name }, { headers: { "If-Match": `"${seen}"` } })));
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, ...Array.from({ length: 11 }, () => 412)]);
  assert.equal((await ada.delete(path)).status, 200);
});

test("what is not there is 404; what is not one's to set is 403", async () => {
  for (const path of ["/settings/editor/nothing", "/settings/nothing/font_size", "/tenant/settings/editor/nothing", `/settings/editor/${"x".repeat(33)}`, "/settings/%2e%2e/x"]) {
    assert.equal((await ada.put(path, { value: 1 })).status, 404, path);
    assert.equal((await ada.delete(path)).status, 404, path);
  }
  assert.equal((await ada.put("/settings/workspaces/running", { value: 2 })).status, 403);
  for (const reply of [await vic.put("/tenant/settings/editor/font_size", { value: 20 }), await vic.delete("/tenant/settings/editor/font_size")]) {
    assert.equal(reply.status, 403);
  }
});

test("workspaces/running is how many of one's own run", async () => {
  const [one, two] = [await newSession(ada), await newSession(ada)];
  await ada.put("/tenant/settings/workspaces/running", { value: 1 });
  assert.equal((await ada.post(`/sessions/${one.id}/open`)).status, 202);
  const refused = await ada.post(`/sessions/${two.id}/open`);
  assert.deepEqual([refused.status, refused.code], [409, "too_many_running"]);
  await ada.delete("/tenant/settings/workspaces/running");
  assert.equal((await ada.post(`/sessions/${two.id}/open`)).status, 202);
  const actions = (await ada.get("/audit?limit=100")).data.filter(({ target }) => target === "workspaces.running").map(({ action }) => action);
  assert.deepEqual(actions, ["tenant.setting_delete", "tenant.setting_update", "tenant.setting_delete", "tenant.setting_update", "tenant.setting_update", "tenant.setting_update"]);
});
