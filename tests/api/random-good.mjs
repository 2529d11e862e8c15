// For random.test.mjs: of each operation a request that goes through. Most are the document's own example; the others need something
// of their own first, and what ends a login or an account is done by a person who is there for that alone.
import { gzipSync } from "node:zlib";
import { Client, totpCode } from "./harness.mjs";
import { pathOf, requestOf, withQuery } from "./operations.mjs";

/** These go through only beside something that other tests have, with the name of one. */
export const elsewhere = {
  auth_reset_ask: "reset.test.mjs: mail",
  auth_ticket_create: "gateway.test.mjs: an IDE that runs",
  sessions_clone: "audit-actions.test.mjs: a repository that did not come",
};

const password = "a password to test with";
const at = (path) => encodeURIComponent(path).replaceAll("%2F", "/");

/** A tar archive of one empty file. */
function archive(name) {
  const head = Buffer.alloc(512);
  head.write(name);
  head.write("0000644\0" + "0000000\0".repeat(2) + "00000000000\0".repeat(2) + "        0ustar\x0000", 100, "latin1");
  const sum = head.reduce((all, byte) => all + byte, 0);
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return gzipSync(Buffer.concat([head, Buffer.alloc(1024)]));
}

/** world: server, ada, guest, ids, session (which nobody ends), open (one whose workspace runs). */
export function goodRequests({ server, ada, guest, ids, session, open }) {
  let made = 0;
  const next = () => `good-${made++}`;
  const files = `/sessions/${session}/files`;
  const enter = async (json) => {
    const { data } = await server.anonymous().post("/auth/register", { password, ...json });
    return Object.assign(new Client(server, data.token), { user: data.user, login: data, email: json.email });
  };
  const person = () => enter({ email: `${next()}@example.com` });
  const member = async (by) => {
    const email = `${next()}@example.com`;
    const { data } = await by.post("/tenant/invitations", { email, role: "member" });
    return enter({ email, invitation: data.token });
  };
  const team = async () => {
    const by = await person();
    const { user } = await member(by);
    return { by, ids: { user_id: user.id } };
  };
  const written = async () => {
    const path = next();
    await ada.write(`${files}/${at(path)}`, "x");
    return path;
  };
  const own = async (deleted) => {
    const by = await person();
    const { data } = await by.post("/sessions", { name: "good" });
    if (deleted) await by.delete(`/sessions/${data.id}`);
    return { by, ids: { session_id: data.id } };
  };
  const talk = async () => (await ada.post("/conversations", { session_id: session, name: "good" })).data.id;
  const withCode = async (by) => {
    const { data } = await by.post("/users/me/totp", { password });
    return { by, json: { code: totpCode(data.secret) } };
  };
  const proven = async () => ({ by: await person(), json: { password } });
  const running = () => ({ ids: { session_id: open, terminal: "main" } });

  const special = {
    auth_register: () => ({ json: { email: `${next()}@example.com`, password } }),
    auth_login: async () => ({ json: { email: (await person()).email, password } }),
    auth_refresh: async () => ({ json: { refresh_token: (await person()).login.refresh_token } }),
    auth_logout: async () => ({ by: await person(), json: {} }),
    auth_reset: async () => {
      const { by, ids: { user_id } } = await team();
      return { json: { token: (await by.post(`/tenant/members/${user_id}/reset`)).data.token, new_password: `${password} too` } };
    },
    auth_devices_end_others: async () => ({ by: await person() }),
    auth_device_end: async () => {
      const by = await person();
      return { by, ids: { device_id: by.login.refresh_token.split(".")[0] } };
    },
    auth_key_create: async () => ({ by: await person(), json: { name: "good" } }),
    users_me_delete: proven,
    users_me_password: async () => ({ by: await person(), json: { current_password: password, new_password: `${password} too` } }),
    users_me_email: async () => ({ by: await person(), json: { email: `${next()}@example.com`, password } }),
    users_me_totp_begin: proven,
    users_me_totp_confirm: async () => withCode(await person()),
    users_me_totp_end: async () => {
      const { by, json } = await withCode(await person());
      await by.post("/users/me/totp/confirm", json);
      return { by, json: { password } };
    },
    tenant_transfer: async () => {
      const { by, ids: json } = await team();
      return { by, json };
    },
    tenant_member_update: team,
    tenant_member_remove: team,
    tenant_member_reset: team,
    tenant_member_totp_end: async () => {
      const by = await person();
      const mel = await member(by);
      const { json } = await withCode(mel);
      await mel.post("/users/me/totp/confirm", json);
      return { by, ids: { user_id: mel.user.id } };
    },
    tenant_invitation_create: async () => ({ by: await person(), json: { email: `${next()}@example.com`, role: "viewer" } }),
    sessions_create: () => own(false),
    sessions_fork: () => own(false),
    sessions_delete: () => own(false),
    tenant_session_delete: () => own(false),
    sessions_restore: () => own(true),
    tenant_session_restore: () => own(true),
    session_link_create: () => own(false),
    conversations_delete: async () => ({ ids: { conversation_id: await talk() } }),
    conversations_restore: async () => {
      const id = await talk();
      await ada.delete(`/conversations/${id}`);
      return { ids: { conversation_id: id } };
    },
    settings_delete: async () => {
      const by = await person();
      await by.put("/settings/editor/font_size", { value: 17 });
      return { by };
    },
    tenant_setting_delete: async () => {
      const by = await person();
      await by.put("/tenant/settings/editor/font_size", { value: 17 });
      return { by };
    },
    terminals_list: running,
    terminals_delete: running,
    terminals_socket: running,
    files_delete: async () => ({ path: await written() }),
    files_mkdir: () => ({ json: { path: next() } }),
    files_move: async () => ({ json: { from: await written(), to: next() } }),
    files_copy: async () => ({ json: { from: await written(), to: next() } }),
    files_unpack: () => ({ body: archive(next()) }),
    files_rewind: async () => ({ json: { path: await written(), at: await newest(files.replace(/files$/, "changes")) } }),
    files_restore: async () => {
      const path = await written();
      return { path, json: { version: (await ada.get(`/sessions/${session}/history/${at(path)}`)).data[0].version } };
    },
    users_me_home_restore: async () => ({ path: "a", json: { version: await newest("/users/me/home/history/a") } }),
  };
  const newest = async (list) => (await ada.get(`${list}?limit=1`)).data[0].version;
  for (const id of ["files_get", "files_history", "files_diff"]) special[id] = async () => ({ path: await written() });

  return async (operation) => {
    const more = (await special[operation.id]?.()) ?? {};
    const all = { ...ids, session_id: session, ...more.ids };
    const path = pathOf(operation, (name) => all[name], more.path === undefined ? "a" : at(more.path));
    const { by = operation.by_link ? guest : ada, json, body } = more;
    const request = json !== undefined ? { json } : body !== undefined ? { body } : requestOf(operation);
    if (operation.id === "conversations_create") request.json = { session_id: session, name: "good" };
    return { by, path: withQuery(operation, path), request };
  };
}
