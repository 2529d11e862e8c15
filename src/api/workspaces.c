/* Workspaces of a tenant, for its owners and admins: /workspaces. */
#include "workspaces/workspaces.h"
#include "api/api_int.h"
#include "sessions/sessions.h"

static void write_limits(const struct api_call *call, struct reply_workspace_limits reply)
{
    const struct api_workspace_limits *limits = &call->api->workspace;
    if (limits->memory > 0) {
        reply_workspace_limits_memory_bytes(&reply, limits->memory);
    }
    if (limits->processes > 0) {
        reply_workspace_limits_processes(&reply, limits->processes);
    }
    if (limits->cpu > 0) {
        reply_workspace_limits_cpu_percent(&reply, limits->cpu);
    }
    if (call->data.quota->session > 0) {
        reply_workspace_limits_bytes(&reply, (int64_t)call->data.quota->session);
    }
    reply_workspace_limits_end(&reply);
}

/* Of one that runs here. */
static void write_use(const struct api_call *call, struct reply_tenant_workspace *reply,
                      const struct sessions_view *view)
{
    struct workspaces_use use;
    if (!call->api->local || !view->workspace.attended ||
        !workspaces_local_use(call->api->local, call->data.arena, view->session.id, &use)) {
        return;
    }
    struct reply_workspace_usage usage = reply_tenant_workspace_usage(reply);
    reply_workspace_usage_memory_bytes(&usage, (int64_t)use.memory);
    reply_workspace_usage_processes(&usage, (int64_t)use.processes);
    reply_workspace_usage_end(&usage);
}

static void write_workspace(const struct api_call *call, struct json_writer *w,
                            const struct sessions_view *view, const struct data_user *user)
{
    const struct data_workspace *workspace = &view->workspace;
    struct reply_tenant_workspace reply = reply_tenant_workspace_begin(w);
    reply_tenant_workspace_id(&reply, workspace->id);
    reply_tenant_workspace_session_id(&reply, view->session.id);
    reply_tenant_workspace_session_name(&reply, view->session.name);
    reply_tenant_workspace_user_id(&reply, view->session.user_id);
    if (user && user->name.n > 0) {
        reply_tenant_workspace_user_name(&reply, user->name);
    }
    if (user && user->email.n > 0) {
        reply_tenant_workspace_user_email(&reply, user->email);
    }
    reply_tenant_workspace_state(&reply, workspace->state);
    reply_tenant_workspace_wanted(&reply, workspace->desired == DATA_WORKSPACE_DESIRED_RUNNING);
    reply_tenant_workspace_since(&reply, workspace->changed_at);
    reply_tenant_workspace_runtime(&reply, workspace->runtime);
    reply_tenant_workspace_connected(&reply, workspace->connected);
    reply_tenant_workspace_files(&reply, (int64_t)view->usage.files);
    reply_tenant_workspace_bytes(&reply, (int64_t)view->usage.bytes);
    write_limits(call, reply_tenant_workspace_limits(&reply));
    write_use(call, &reply, view);
    reply_tenant_workspace_end(&reply);
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
    for (size_t i = 0; i < page.n; i++) {
        write_workspace(call, w, &page.at[i].view, &page.at[i].user);
    }
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
