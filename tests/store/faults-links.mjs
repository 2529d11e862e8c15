// Rows of faults.mjs: links to a session, and what they show.
import assert from "node:assert/strict";
import { Client } from "../api/harness.mjs";

export function linkRows({ ada, server, base, brokenOff, tarList }) {
  const links = `${base}/links`;
  const make = async () => (await ada.post(links, { name: "for Grace" })).data;
  const clear = async () => {
    for (const { id } of (await ada.get(links)).data) assert.equal((await ada.delete(`${links}/${id}`)).status, 200);
  };
  const by = ({ token }) => new Client(server, token);
  const read = (id, ask, after) => ({
    id,
    before: async () => {
      await clear();
      await ada.write(`${base}/files/shown`, "shown");
      return by(await make());
    },
    request: ask,
    after: (_, reply) => after(reply),
  });
  return [
    { id: "session_links_list", before: make, request: (_, o) => ada.get(links, o), after: async (_, reply) => {
      assert.ok(reply.data.length >= 1);
      await clear();
    } },
    { id: "session_link_create", before: clear, request: (_, o) => ada.post(links, { name: "x" }, o), after: async (_, reply) => assert.equal((await by(reply.data).get("/shared")).status, 200) },
    {
      id: "session_link_delete",
      before: make,
      request: ({ link }, o) => ada.delete(`${links}/${link.id}`, o),
      after: async (made) => assert.equal((await by(made).get("/shared")).status, 401),
    },
    read("shared_get", (link, o) => link.get("/shared", o), (reply) => assert.equal(typeof reply.data.name, "string")),
    read("shared_files_list", (link, o) => link.get("/shared/files?limit=1000", o), (reply) => assert.ok(reply.data.some(({ path }) => path === "shown"))),
    read("shared_files_get", (link, o) => link.get("/shared/files/shown", o).catch(brokenOff), (reply) => assert.equal(reply.body.toString(), "shown")),
    read("shared_archive", (link, o) => link.get("/shared/archive", o).catch(brokenOff), (reply) => assert.ok(tarList(reply.body).includes("shown"))),
  ];
}
