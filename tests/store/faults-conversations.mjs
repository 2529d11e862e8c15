// Rows of faults.mjs: conversations and their messages; what is related.
import assert from "node:assert/strict";

export function conversationRows({ ada, session }) {
  const all = `/conversations?session_id=${session.id}`;
  const total = async () => (await ada.get(all)).json.page.total;
  const begin = async () => {
    const { id } = (await ada.post("/conversations", { session_id: session.id, name: "A talk" })).data;
    const path = `/conversations/${id}`;
    await ada.post(`${path}/messages`, { role: "system", content: "first" });
    return path;
  };
  const row = (id, request, look = () => undefined, more = {}) => ({
    id,
    before: begin,
    request,
    after: async (path, reply) => {
      await look(path, reply);
      await ada.delete(path);
    },
    ...more,
  });
  return [
    {
      id: "conversations_create",
      before: total,
      request: (_, o) => ada.post("/conversations", { session_id: session.id, name: "One more" }, o),
      after: async (before, reply) => {
        assert.equal(await total(), before + 1);
        await ada.delete(`/conversations/${reply.data.id}`);
      },
    },
    row("conversations_list", (_, o) => ada.get(all, o), (_, reply) => assert.equal(reply.json.page.total, reply.data.length)),
    row("conversations_list", (_, o) => ada.get("/conversations?q=talk", o), (_, reply) => assert.ok(reply.data.length > 0), { name: "conversations_list, of all" }),
    row("conversations_get", (path, o) => ada.get(path, o), (_, reply) => assert.equal(reply.data.messages, 1)),
    row("conversations_update", (path, o) => ada.put(path, { name: "Renamed" }, o), async (path) => assert.equal((await ada.get(path)).data.name, "Renamed")),
    row("conversations_delete", (path, o) => ada.delete(path, o), async (path) => assert.ok((await ada.get(path)).data.deleted_at)),
    row("conversations_restore", (path, o) => ada.post(`${path}/restore`, undefined, o), async (path) => assert.equal((await ada.get(path)).data.deleted_at, undefined), {
      before: async () => {
        const path = await begin();
        await ada.delete(path);
        return path;
      },
    }),
    { id: "sessions_related", request: (_, o) => ada.get(`/sessions/${session.id}/related`, o), after: (_, reply) => assert.ok(Array.isArray(reply.data)) },
    row("messages_list", (path, o) => ada.get(`${path}/messages`, o), (_, reply) => assert.equal(reply.data[0].content, "first")),
    row("messages_create", (path, o) => ada.post(`${path}/messages`, { role: "user", content: "again" }, o), async (path) => {
      assert.deepEqual((await ada.get(`${path}/messages`)).data.map((one) => one.seq), [1, 2]);
    }),
  ];
}
