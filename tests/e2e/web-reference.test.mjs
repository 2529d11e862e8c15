// The API's reference: every operation of the document, to read without a login and to try with the page's own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, until } from "../api/harness.mjs";
import { axe, button, launch, link, look, settles, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const context = await world.newContext();
const page = await context.newPage();

const row = (id) => page.locator(`li#${id}`);
const open = (id) => row(id).getByRole("button", { expanded: false }).first().click();

test("every operation stands there, for whoever reads", async () => {
  await page.goto(`${home}/docs/api`);
  await visible(page.getByRole("heading", { name: "API reference" }));
  await visible(page.getByRole("list", { name: "sessions", exact: true }));
  const ids = () => page.locator("main section li[id]").evaluateAll((items) => items.map(({ id }) => id).sort());
  await settles(ids, bundle.operations.map(({ id }) => id).sort());
  assert.equal(await page.title(), "API reference · Coditect");
  await look(page, "reference");
});

test("tools get the document itself", async () => {
  const address = await link("one OpenAPI document", page).getAttribute("href");
  const reply = await page.evaluate(async (path) => {
    const got = await fetch(path);
    return { status: got.status, type: got.headers.get("content-type"), json: await got.json() };
  }, address);
  assert.deepEqual([reply.status, reply.type], [200, "application/json"]);
  const { openapi, paths } = reply.json;
  assert.match(openapi, /^3\.1\./);
  const methods = Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId).filter((id) => id !== undefined));
  assert.deepEqual(methods.sort(), bundle.operations.map(({ id }) => id).sort());
});

test("an operation opens to what it takes and answers", async () => {
  await page.getByLabel("Find an operation").fill("POST sessions_create");
  await until("the others are gone", async () => (await page.locator("main section li[id]").count()) === 1);
  await visible(row("sessions_create"));
  await open("sessions_create");
  await visible(row("sessions_create").getByRole("list", { name: "What sessions_create takes" }).getByText("Idempotency-Key"));
  await visible(row("sessions_create").getByText("Audited as"));
  await visible(link("Log in", row("sessions_create")));
  await settles(() => new URL(page.url()).hash, "#sessions_create", "the address leads to what is open");
  await look(page, "reference-open");
  await page.getByLabel("Find an operation").fill("no such thing");
  await visible(page.getByText("No operation is called so"));
  await page.getByLabel("Find an operation").fill("");
  await page.evaluate(() => { location.hash = "#audit_list"; }); // as a link would
  await visible(row("audit_list").getByText("Try it"));
  await until("it is led to", () => row("audit_list").evaluate((element) => { const { top } = element.getBoundingClientRect(); return top >= 0 && top < innerHeight; }));
});

test("trying sends the call with the page's login, and shows the reply", async () => {
  await world.logIn(page, ada);
  await link("API", page.getByRole("contentinfo")).click();
  await visible(page.getByRole("heading", { name: "API reference" }));
  await page.goto("about:blank");
  await page.goto(`${home}/docs/api#users_me_get`);
  const me = row("users_me_get");
  await button("Send", me).click();
  await visible(me.getByRole("status").getByText(/^200 /));
  await visible(me.getByRole("region", { name: "Body of the reply" }).getByText(ada.email));

  await open("sessions_create");
  const create = row("sessions_create");
  await visible(create.getByText("This is no rehearsal"));
  await create.getByRole("textbox", { name: "Body" }).fill('{"name":"From the reference"}');
  await create.getByLabel("Idempotency-Key").fill("once");
  for (let i = 0; i < 2; i++) {
    const answered = page.waitForResponse((reply) => reply.request().method() === "POST" && new URL(reply.url()).pathname.endsWith("/sessions"));
    await button("Send", create).click();
    assert.equal((await answered).status(), 201);
    await visible(create.getByRole("status").getByText(/^201 /));
  }
  assert.deepEqual((await ada.get("/sessions")).data.map(({ name }) => name), ["From the reference"]);
  await create.getByRole("textbox", { name: "Body" }).fill("{");
  await button("Send", create).click();
  await visible(create.getByRole("status").getByText(/^400 /));
  await axe(page, "reference tried");
  await look(page, "reference-tried");
});

test("what a link shows is tried with that link's token, which no login has", async () => {
  const [{ id }] = (await ada.get("/sessions")).data;
  const { token } = (await ada.post(`/sessions/${id}/links`, { name: "tried" })).data;
  await open("shared_get");
  const shared = row("shared_get");
  for (const [given, status] of [[token, 200], [`${token.slice(0, -1)}${token.endsWith("a") ? "b" : "a"}`, 401]]) {
    await shared.getByLabel("Token of the link").fill(given);
    await button("Send", shared).click();
    await visible(shared.getByRole("status").getByText(new RegExp(`^${status} `)));
  }
  await look(page, "reference-link");
});

test("a command for a terminal bears a token exactly where one is wanted; a socket has none, and no form", async () => {
  let sockets = 0;
  for (const { id, public: isPublic, by_link: byLink, replies } of bundle.operations) {
    const one = row(id);
    const opened = one.getByRole("button", { expanded: true });
    if ((await opened.count()) === 0) await open(id);
    await visible(one.getByText("Try it", { exact: true }));
    const commands = await one.getByRole("region", { name: `${id} for a terminal`, exact: true }).allTextContents();
    const isSocket = "101" in replies;
    sockets += isSocket;
    assert.deepEqual(commands.map((text) => /Authorization: Bearer (\w+)'/.exec(text)?.[1]), isSocket ? [] : [byLink ? "LINK" : isPublic ? undefined : "TOKEN"], id);
    assert.equal(await button("Send", one).count(), isSocket ? 0 : 1, id);
    if (isSocket) await visible(one.getByText("This is a WebSocket"));
    await opened.first().click();
  }
  assert.equal(sockets, 2);
});

test("a path's part, a body with a choice, a deletion and a refusal are tried as well", async () => {
  const [{ id }] = (await ada.get("/sessions")).data;
  /** Opens it, fills in what is given by name, sends it; what came back. */
  const tried = async (operation, values, status) => {
    const one = row(operation);
    if ((await one.getByRole("button", { expanded: true }).count()) === 0) await open(operation);
    for (const [name, value] of Object.entries(values)) await one.getByRole("textbox", { name, exact: true }).fill(value);
    await button("Send", one).click();
    await visible(one.getByRole("status").getByText(new RegExp(`^${status} `)));
    return one.getByRole("region", { name: "Body of the reply" });
  };
  const path = { "session_id (required)": id };
  await visible((await tried("sessions_get", path, 200)).getByText("From the reference"));
  const key = await tried("auth_key_create", { Body: '{"name":"tried","access":"write"}' }, 201);
  await visible(key.getByText('"access": "write"'));
  await visible((await tried("auth_key_create", { Body: '{"name":"tried","access":"all"}' }, 400)).getByText("access"));
  await tried("sessions_delete", path, 200);
  assert.deepEqual((await ada.get("/sessions")).data, []);
  await visible((await tried("sessions_get", { "session_id (required)": `ses-${"0".repeat(26)}` }, 404)).getByText("not_found"));
  const [{ name }] = (await ada.get("/auth/keys")).data;
  assert.equal(name, "tried");
});
