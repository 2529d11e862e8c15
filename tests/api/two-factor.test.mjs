// The second step of a login: codes of an authenticator app and recovery codes, each good once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, Server, serverForFile, totpCode, until } from "./harness.mjs";

const server = await serverForFile();
const anonymous = server.anonymous();
const enter = ({ email, password }, code) => anonymous.post("/auth/login", { email, password, ...(code === undefined ? {} : { code }) });

async function turnOn(account) {
  const begun = await account.post("/users/me/totp", { password: account.password });
  assert.equal(begun.status, 201, begun.text());
  const { secret } = begun.data;
  const done = await account.post("/users/me/totp/confirm", { code: totpCode(secret) });
  assert.equal(done.status, 200, done.text());
  return { secret, codes: done.data.recovery_codes };
}

const ada = await server.account("ada");

test("a registration that is said again gives nothing to who has no code", async () => {
  const json = { email: "again@example.com", password: "a long password" };
  const register = () => anonymous.post("/auth/register", json, { headers: { "Idempotency-Key": "again" } });
  const account = Object.assign(new Client(server, (await register()).data.token), json);
  assert.equal((await register()).status, 201);
  await turnOn(account);
  const again = await register();
  assert.deepEqual([again.status, again.code, again.data], [401, "code_needed", undefined]);
  assert.match(again.json.error.message, /log in\.$/);
  assert.equal(again.headers["set-cookie"], undefined);
});

test("nothing is asked for before a first code was shown, then each login wants one, once", async () => {
  assert.deepEqual((await ada.get("/users/me/totp")).data, { enabled: false, recovery_codes_left: 0 });
  assert.equal((await ada.post("/users/me/totp", { password: "wrong password" })).code, "bad_credentials");
  assert.equal((await ada.post("/users/me/totp/confirm", { code: "123456" })).status, 404);
  const begun = (await ada.post("/users/me/totp", { password: ada.password })).data;
  assert.equal(new URL(begun.uri).searchParams.get("secret"), begun.secret);
  assert.equal((await enter(ada)).status, 200);
  const wrong = await ada.post("/users/me/totp/confirm", { code: totpCode(begun.secret, 20) });
  assert.deepEqual([wrong.status, wrong.code, Object.keys(wrong.json.error.fields)], [401, "bad_code", ["code"]]);

  const { secret, codes } = await turnOn(ada);
  assert.equal(new Set(codes).size, 10);
  const state = (await ada.get("/users/me/totp")).data;
  assert.deepEqual([state.enabled, state.recovery_codes_left], [true, 10]);
  assert.equal((await ada.get("/users/me")).data.two_factor_at, state.since);
  assert.equal((await ada.post("/users/me/totp", { password: ada.password })).status, 409);
  assert.equal((await ada.post("/users/me/totp/confirm", { code: totpCode(secret) })).status, 409);

  const asked = await enter(ada);
  assert.deepEqual([asked.status, asked.code], [401, "code_needed"]);
  // A wrong password is answered as that of an account without a second step, code or no code.
  for (const code of [undefined, totpCode(secret), "000000"]) {
    const refused = await enter({ email: ada.email, password: "wrong password" }, code);
    const nobody = await enter({ email: "nobody@example.com", password: "wrong password" }, code);
    assert.deepEqual([refused.status, refused.code, refused.json.error.message], [401, "bad_credentials", nobody.json.error.message]);
  }
  // At the same moment, and after: one code makes one login.
  const code = totpCode(secret, 1);
  const replies = await Promise.all(Array.from({ length: 4 }, () => enter(ada, code)));
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 401, 401, 401]);
  assert.equal((await enter(ada, code)).code, "bad_code");
  assert.equal((await enter(ada, totpCode(secret))).code, "bad_code", "older than the one that was used");
  assert.equal((await enter(ada, codes[3].toUpperCase().replaceAll("-", " "))).status, 200);
  assert.equal((await enter(ada, codes[3])).code, "bad_code");
  assert.equal((await ada.get("/users/me/totp")).data.recovery_codes_left, 9);

  assert.equal((await ada.delete("/users/me/totp", { json: { password: "wrong password" } })).code, "bad_credentials");
  assert.equal((await ada.delete("/users/me/totp")).status, 400);
  assert.equal((await ada.delete("/users/me/totp", { json: { password: ada.password } })).status, 200);
  assert.equal((await ada.delete("/users/me/totp", { json: { password: ada.password } })).status, 404);
  assert.equal((await enter(ada)).status, 200);
});

test("the audit log has each step and no secret", async () => {
  const actions = async () => (await ada.get("/audit?limit=100")).data.map(({ action, outcome }) => `${action} ${outcome}`);
  const wanted = ["totp.begin ok", "totp.begin denied", "totp.enable ok", "totp.recovery ok", "totp.disable ok", "totp.disable denied", "login.code denied"];
  await until("denials are written, a moment later", async () => {
    const seen = await actions();
    return wanted.every((one) => seen.includes(one));
  });
});

test("who manages members takes it from one who lost the app, up to their own role", async () => {
  const eve = await server.account("eve");
  const join = async (role) => {
    const email = `${role}-${Server.number++}@example.com`;
    const { token } = (await ada.post("/tenant/invitations", { email, role })).data;
    const { data } = await anonymous.post("/auth/register", { email, password: "a long password", invitation: token });
    return Object.assign(new Client(server, data.token), { email, password: "a long password", user: data.user });
  };
  const [admin, mel] = [await join("admin"), await join("member")];
  await turnOn(mel);
  const path = `/tenant/members/${mel.user.id}/totp`;
  assert.equal((await mel.delete(path)).status, 403);
  assert.equal((await eve.delete(path)).status, 404);
  assert.ok((await admin.get(`/tenant/members/${mel.user.id}`)).data.two_factor_at);
  assert.equal((await admin.delete(path)).status, 200);
  assert.equal((await admin.delete(path)).status, 404);
  assert.equal((await enter(mel)).status, 200);
  assert.equal((await admin.delete(`/tenant/members/${ada.user.id}/totp`)).status, 403);
  assert.equal((await admin.delete(`/tenant/members/${admin.user.id}/totp`)).status, 409);
  assert.equal((await ada.get("/audit?action=totp.remove")).data[0].target, mel.user.id);
  // A key of a script does not touch the second step.
  const { key } = (await mel.post("/auth/keys", { name: "script", access: "write" })).data;
  assert.equal((await new Client(server, key).get("/users/me/totp")).status, 403);
  // Who is removed leaves no secret behind.
  await turnOn(mel);
  assert.equal((await ada.delete(`/tenant/members/${mel.user.id}`)).status, 200);
  const [former] = (await ada.get("/tenant/members?former=true")).data;
  assert.equal(former.two_factor_at, undefined);
});
