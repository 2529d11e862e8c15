// Rows of faults.mjs: a tenant with its members, projects, settings and workspaces.
import assert from "node:assert/strict";

/** ada, few and anonymous: clients, few of a tenant that gets no members and sessions here (a list reads each, and what is used is summed over all); countOf: how many a list has; fresh: a new name; member: somebody in ada's tenant; twoFactor: gives them one. */
export function tenancyRows({ ada, few, anonymous, countOf, fresh, member, twoFactor }) {
  const newProject = async () => (await ada.post("/projects", { name: "A project" })).data;
  const newSession = async () => (await ada.post("/sessions", { name: "A session" })).data;
  return [
    {
      id: "tenant_member_totp_end",
      costly: true,
      before: async () => {
        const mel = await member();
        await twoFactor(mel);
        return mel;
      },
      request: (mel, o) => ada.delete(`/tenant/members/${mel.user.id}/totp`, o),
      after: async (mel) => assert.equal((await mel.get("/users/me/totp")).data.enabled, false),
    },
    { id: "tenant_get", request: (_, o) => few.get("/tenant", o), after: (_, reply) => assert.equal(reply.data.id, few.user.tenant_id) },
    {
      id: "tenant_put",
      before: async () => (await few.get("/tenant")).data.revision,
      request: (seen, o) => few.put("/tenant", { name: `Engines ${seen}` }, { ...o, headers: { ...o.headers, "If-Match": `"${seen}"` } }),
      after: (seen, reply) => assert.deepEqual([reply.data.name, reply.data.revision], [`Engines ${seen}`, seen + 1]),
    },
    { id: "tenant_members_list", request: (_, o) => few.get("/tenant/members", o), after: (_, reply) => assert.ok(reply.data.length >= 1) },
    { id: "tenant_members_list", name: "tenant_members_list, sorted", request: (_, o) => few.get("/tenant/members?sort=name&q=example", o), after: (_, reply) => assert.equal(reply.json.page.total, reply.data.length) },
    { id: "tenant_member_get", request: (_, o) => ada.get(`/tenant/members/${ada.user.id}`, o), after: (_, reply) => assert.equal(reply.data.email, ada.email) },
    {
      id: "tenant_member_update",
      costly: true,
      before: () => member(),
      request: (mel, o) => ada.put(`/tenant/members/${mel.user.id}`, { role: "viewer" }, o),
      after: async (mel) => assert.equal((await mel.get("/users/me")).data.role, "viewer"),
    },
    {
      id: "tenant_member_remove",
      costly: true,
      before: () => member(),
      request: (mel, o) => ada.delete(`/tenant/members/${mel.user.id}`, o),
      after: async (mel) => assert.equal((await mel.get("/users/me")).status, 401),
    },
    {
      id: "tenant_transfer",
      costly: true,
      before: () => member("owner"),
      request: (mel, o) => mel.post("/tenant/transfer", { user_id: ada.user.id }, o),
      after: async (mel) => {
        assert.equal((await mel.get("/users/me")).data.role, "admin");
        assert.equal((await ada.get("/users/me")).data.role, "owner");
      },
    },
    { id: "tenant_invitations_list", request: (_, o) => ada.get("/tenant/invitations", o) },
    {
      id: "tenant_invitation_create",
      before: () => ({ email: `${fresh()}@example.com`, role: "viewer" }),
      request: (json, o) => ada.post("/tenant/invitations", json, o),
      after: async ({ email }, reply) => {
        const made = (await ada.get("/tenant/invitations")).data.filter((one) => one.email === email);
        assert.deepEqual(made.map(({ id }) => id), [reply.data.id]);
        await ada.delete(`/tenant/invitations/${reply.data.id}`);
      },
    },
    {
      id: "tenant_invitation_delete",
      before: async () => (await ada.post("/tenant/invitations", { email: "x@example.com", role: "viewer" })).data,
      request: ({ id }, o) => ada.delete(`/tenant/invitations/${id}`, o),
      after: async ({ id }) => assert.equal((await ada.delete(`/tenant/invitations/${id}`)).status, 404),
    },
    { id: "tenant_sessions_list", request: (_, o) => ada.get("/tenant/sessions", o), after: (_, reply) => assert.ok(reply.data.length >= 1) },
    {
      id: "tenant_session_delete",
      before: () => newSession(),
      request: ({ id }, o) => ada.delete(`/tenant/sessions/${id}`, o),
      after: async ({ id }) => assert.equal((await ada.get(`/sessions/${id}/files`)).status, 404),
    },
    {
      id: "tenant_session_restore",
      before: async () => {
        const made = await newSession();
        await ada.delete(`/sessions/${made.id}`);
        return made;
      },
      request: ({ id }, o) => ada.post(`/tenant/sessions/${id}/restore`, undefined, o),
      after: async ({ id }) => {
        assert.equal((await ada.get(`/sessions/${id}`)).data.status, "paused");
        await ada.delete(`/sessions/${id}`);
      },
    },
    {
      id: "tenant_member_reset",
      costly: true,
      before: () => member(),
      request: (mel, o) => ada.post(`/tenant/members/${mel.user.id}/reset`, undefined, o),
      after: async (_, { data }) => assert.equal((await anonymous.post("/auth/reset", { token: data.token, new_password: "another password" })).status, 200),
    },
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
