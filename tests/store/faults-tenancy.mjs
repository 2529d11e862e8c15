// Rows of faults.test.mjs: projects and what else a tenant has beside its sessions and members.
import assert from "node:assert/strict";

/** world: ada (a client), countOf (how many a list has). */
export function tenancyRows({ ada, countOf }) {
  const newProject = async () => (await ada.post("/projects", { name: "A project" })).data;
  const newSession = async () => (await ada.post("/sessions", { name: "A session" })).data;
  return [
    { id: "settings_list", request: (_, o) => ada.get("/settings", o), after: (_, reply) => assert.equal(reply.json.page.total, reply.data.length) },
    ...["settings", "tenant_setting"].flatMap((id) => {
      const path = `${id === "settings" ? "" : "/tenant"}/settings/editor/tab_size`;
      return [
        { id: `${id}_put`, request: (_, o) => ada.put(path, { value: 3 }, o), after: (_, reply) => assert.equal(reply.data.value, 3) },
        { id: `${id}_delete`, request: (_, o) => ada.delete(path, o), after: (_, reply) => assert.equal(reply.data.value, 4) },
      ];
    }),
    {
      id: "workspaces_list",
      request: (_, o) => ada.get("/workspaces", o),
      after: (_, reply) => assert.equal(reply.json.page.total, reply.data.length),
    },
    {
      id: "workspaces_stop",
      before: newSession,
      request: ({ workspace }, o) => ada.post(`/workspaces/${workspace.id}/stop`, undefined, o),
      after: async ({ id }) => {
        assert.equal((await ada.get(`/sessions/${id}`)).data.status, "paused");
        await ada.delete(`/sessions/${id}`);
      },
    },
    {
      id: "projects_create",
      before: () => countOf("/projects"),
      request: (_, o) => ada.post("/projects", { name: "One more" }, o),
      after: async (before, reply) => {
        assert.equal(await countOf("/projects"), before + 1);
        await ada.delete(`/projects/${reply.data.id}`);
      },
    },
    { id: "projects_list", request: (_, o) => ada.get("/projects?sort=name", o), after: (_, reply) => assert.equal(reply.json.page.total, reply.data.length) },
    { id: "projects_get", before: newProject, request: ({ id }, o) => ada.get(`/projects/${id}`, o), after: ({ id }) => ada.delete(`/projects/${id}`) },
    {
      id: "projects_update",
      before: newProject,
      request: ({ id }, o) => ada.put(`/projects/${id}`, { name: "Renamed" }, o),
      after: async ({ id }) => {
        assert.equal((await ada.get(`/projects/${id}`)).data.name, "Renamed");
        await ada.delete(`/projects/${id}`);
      },
    },
    {
      id: "projects_delete",
      before: async () => {
        const { id } = await newProject();
        return { id, inside: (await ada.post("/sessions", { name: "inside", project_id: id })).data };
      },
      request: ({ id }, o) => ada.delete(`/projects/${id}`, o),
      after: async ({ id, inside }) => {
        assert.equal((await ada.get(`/projects/${id}`)).status, 404);
        assert.equal((await ada.get(`/sessions/${inside.id}`)).data.project_id, undefined);
        await ada.delete(`/sessions/${inside.id}`);
      },
    },
    { id: "sessions_list", name: "sessions_list, sorted", request: (_, o) => ada.get("/sessions?sort=name&q=a", o), after: (_, reply) => assert.ok(reply.json.page.total >= 1) },
  ];
}
