/* Workspaces of a tenant, for its owners and admins: /workspaces. */
#include "workspaces/workspaces.h"
#include "api/api_int.h"
#include "sessions/sessions.h"

static void write_limit(struct json_writer *w, const char *name, int64_t limit)
{
    if (limit > 0) {
        json_member_integer(w, name, limit);
    }
}

static void write_limits(const struct api_call *call, struct json_writer *w)
{
    const struct api_workspace_limits *limits = &call->api->workspace;
    json_name(w, "limits");
    json_object(w);
    write_limit(w, "memory_bytes", limits->memory);
    write_limit(w, "processes", limits->processes);
    write_limit(w, "cpu_percent", limits->cpu);
    write_limit(w, "bytes", (int64_t)call->data.quota->session);
    json_object_end(w);
}

/* Of one that runs here. */
static void write_use(const struct api_call *call, struct json_writer *w,
                      const struct sessions_view *view)
{
    struct workspaces_use use;
    if (!call->api->local || !view->workspace.attended ||
        !workspaces_local_use(call->api->local, call->data.arena, view->session.id, &use)) {
        return;
    }
    json_name(w, "usage");
    json_object(w);
    json_member_integer(w, "memory_bytes", (int64_t)use.memory);
    json_member_integer(w, "processes", (int64_t)use.processes);
    json_object_end(w);
}

static void write_workspace(const struct api_call *call, struct json_writer *w,
                            const struct sessions_view *view, const struct data_user *user)
{
    const struct data_workspace *workspace = &view->workspace;
    json_object(w);
    json_member_string(w, "id", workspace->id);
    json_member_string(w, "session_id", view->session.id);
    json_member_string(w, "session_name", view->session.name);
    json_member_string(w, "user_id", view->session.user_id);
    if (user && user->name.n > 0) {
        json_member_string(w, "user_name", user->name);
    }
    if (user && user->email.n > 0) {
        json_member_string(w, "user_email", user->email);
    }
    json_member_string(w, "state", str_from(data_workspace_state_name(workspace->state)));
    json_member_bool(w, "wanted", workspace->desired == DATA_WORKSPACE_DESIRED_RUNNING);
    api_json_time(w, "since", workspace->changed_at);
    json_member_string(w, "runtime", workspace->runtime);
    json_member_bool(w, "connected", workspace->connected);
    json_member_integer(w, "files", (int64_t)view->usage.files);
    json_member_integer(w, "bytes", (int64_t)view->usage.bytes);
    write_limits(call, w);
    write_use(call, w, view);
    json_object_end(w);
}

int api_workspaces_list(struct api_call *call, const struct api_workspaces_list_in *in)
{
    struct sessions_workspaces page;
    struct sessions_workspaces_input input = {
        .limit = (size_t)in->limit, .cursor = in->cursor, .running = in->running};
    int r = sessions_tenant_workspaces(&call->data, &input, &page);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    json_array(w);
    for (size_t i = 0; i < page.n; i++) {
        write_workspace(call, w, &page.at[i].view, &page.at[i].user);
    }
    json_array_end(w);
    return api_end_list(call, page.next, page.total);
}

int api_workspaces_stop(struct api_call *call, const struct api_workspaces_stop_in *in)
{
    struct sessions_view view;
    int r = sessions_tenant_stop(&call->data, in->workspace_id, &view);
    if (r < 0) {
        return r;
    }
    write_workspace(call, api_begin(call, 200), &view, NULL);
    return api_end(call);
}
