/*
 * Open and pause: what is wanted of a session's workspace. The workspaces folder follows the global index of what is to be
 * looked after (attended), makes it so, and writes the state back.
 *
 * 1. A start raises the generation: whoever still runs under an older one is stale.
 * 2. Open is harmless when the workspace is wanted running already and has not failed.
 */
#include "sessions/sessions_int.h"

struct run {
    struct data_context *ctx;
    struct str id;
    bool reserve;              /* goes on when the disk is full */
    struct sessions_view view; /* result */
};

int sessions_want(struct txn *txn, const struct data_context *ctx, struct data_workspace *workspace,
                  enum data_workspace_desired desired)
{
    bool start = desired == DATA_WORKSPACE_DESIRED_RUNNING;
    bool failed = workspace->state == DATA_WORKSPACE_STATE_FAILED;
    if (workspace->desired == desired && !(start && failed)) {
        return 0;
    }
    workspace->desired = desired;
    workspace->changed_at = time_now();
    workspace->running_at = start ? workspace->changed_at : 0;
    if (start) {
        workspace->generation++;
        workspace->attended = true;
        workspace->state = DATA_WORKSPACE_STATE_STARTING;
        workspace->step = workspace->error = workspace->message = STR_EMPTY;
        workspace->trouble = workspace->awake = STR_EMPTY;
        workspace->done = workspace->total = workspace->pending = 0;
        workspace->quiet = workspace->held_back = 0;
        workspace->failed = workspace->damaged = 0;
        workspace->pauses_at = 0;
    }
    int r = data_workspace_put(txn, &ctx->scope, workspace);
    if (r == 0) {
        store_put(txn, data_key_bell(store_arena(txn), SESSIONS_BELL), workspace->id);
        data_event(txn, &ctx->scope,
                   &(struct data_event){.kind = start ? "workspace.start" : "workspace.stop",
                                        .id = workspace->session_id,
                                        .session_id = workspace->session_id,
                                        .state = data_workspace_state_name(workspace->state)});
    }
    return r;
}

int sessions_running(struct txn *txn, const struct scope *scope, uint64_t *ret_count)
{
    struct data_query query = {.index = DATA_WORKSPACE_BY_RUNNING};
    return data_counted(txn, &(struct data_count_of){scope, &data_workspace_type}, &query,
                        ret_count);
}

/* ERR_TOO_MANY_RUNNING: everybody's together are as many as the tenant may have. */
static int check_tenant_running(struct txn *txn, struct data_context *ctx)
{
    uint64_t most = ctx->quota ? ctx->quota->running : 0;
    uint64_t n = 0;
    int r = most > 0 ? sessions_running(txn, &ctx->scope, &n) : 0;
    if (r < 0 || most == 0 || n < most) {
        return r;
    }
    return data_fault(ctx, ERR_TOO_MANY_RUNNING, NULL,
                      "Your organization has as many workspaces running as it may. Wait until "
                      "one is paused.");
}

/* ERR_TOO_MANY_RUNNING, naming the sessions that could be paused. */
static int check_running(struct txn *txn, struct data_context *ctx)
{
    uint64_t quota = ctx->quota ? ctx->quota->own_running : 0;
    size_t most = quota > 0 ? (size_t)quota : SESSIONS_MAX_RUNNING;
    ASSERT(most <= DATA_MAX_LIST);
    struct data_workspace match = {.user_id = ctx->scope.user_id,
                                   .desired = DATA_WORKSPACE_DESIRED_RUNNING};
    struct data_query query = {
        .index = DATA_WORKSPACE_BY_USER, .match = &match, .fixed = 2, .limit = most};
    struct data_workspace_list list;
    int r = data_workspace_list(txn, &ctx->scope, &query, &list);
    if (r < 0 || list.n < most) {
        return r;
    }
    BUF_AUTO(text, DATA_MAX_LIST * 512); /* a name has 400 bytes at most */
    buf_printf(&text, "At most %zu workspaces run at once. Pause one of: ", most);
    for (size_t i = 0; i < list.n; i++) {
        struct data_session session;
        r = data_session_get(txn, &ctx->scope, list.at[i].session_id, &session);
        if (r < 0) {
            return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
        }
        buf_printf(&text, "%s\"" STR_FMT "\"", i > 0 ? ", " : "", STR_ARG(session.name));
    }
    buf_byte(&text, '.');
    ctx->fault = (struct data_fault){.message = arena_str(ctx->arena, buf_str(&text))};
    return ERR_TOO_MANY_RUNNING;
}

static int open_fn(struct txn *txn, void *ctx)
{
    struct run *o = ctx;
    int r = sessions_find(txn, &o->ctx->scope, o->id, &o->view.session);
    if (r == 0) {
        r = sessions_join(txn, &o->ctx->scope, &o->view);
    }
    if (r == 0 && o->view.session.status == DATA_SESSION_STATUS_FORKING) {
        r = data_fault(o->ctx, ERR_CONFLICT, NULL, SESSIONS_FORKING_TEXT);
    }
    if (r == 0 && o->view.workspace.desired != DATA_WORKSPACE_DESIRED_RUNNING) {
        r = check_running(txn, o->ctx);
        r = r < 0 ? r : check_tenant_running(txn, o->ctx);
    }
    if (r == 0) {
        r = sessions_want(txn, o->ctx, &o->view.workspace, DATA_WORKSPACE_DESIRED_RUNNING);
    }
    if (r < 0) {
        return r;
    }
    o->view.session.status = DATA_SESSION_STATUS_ACTIVE;
    r = sessions_changed(txn, o->ctx, &o->view, "session.open");
    if (r == 0) {
        sessions_view_copy(o->ctx->arena, &o->view);
    }
    return r;
}

/* What both ways to stop have in common, once the session is found. */
static int stop(struct txn *txn, struct run *o, const char *action)
{
    int r = sessions_join(txn, &o->ctx->scope, &o->view);
    if (r == 0) {
        r = sessions_want(txn, o->ctx, &o->view.workspace, DATA_WORKSPACE_DESIRED_STOPPED);
    }
    if (r == 0 && o->view.session.status == DATA_SESSION_STATUS_ACTIVE) {
        o->view.session.status = DATA_SESSION_STATUS_PAUSED;
        r = sessions_changed(txn, o->ctx, &o->view, action);
    }
    if (r == 0) {
        sessions_view_copy(o->ctx->arena, &o->view);
    }
    return r;
}

static int pause_fn(struct txn *txn, void *ctx)
{
    struct run *o = ctx;
    int r = sessions_find(txn, &o->ctx->scope, o->id, &o->view.session);
    return r < 0 ? r : stop(txn, o, "session.pause");
}

static int stop_fn(struct txn *txn, void *ctx)
{
    struct run *o = ctx;
    struct data_workspace workspace;
    int r = data_workspace_get(txn, &o->ctx->scope, o->id, &workspace);
    if (r == 0) {
        r = data_session_get(txn, &o->ctx->scope, workspace.session_id, &o->view.session);
    }
    if (r < 0 || o->view.session.deleted) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    return stop(txn, o, "workspace.stop");
}

static int run(struct run *o, store_fn *fn, struct sessions_view *ret_view)
{
    struct store_op op = store_op_new();
    op.reserve = o->reserve;
    int r = store_write(o->ctx->store, &op, fn, o);
    if (r == 0) {
        *ret_view = o->view;
    }
    return r;
}

int sessions_open(struct data_context *ctx, struct str id, struct sessions_view *ret_view)
{
    struct run o = {.ctx = ctx, .id = id};
    return run(&o, open_fn, ret_view);
}

int sessions_pause(struct data_context *ctx, struct str id, struct sessions_view *ret_view)
{
    struct run o = {.ctx = ctx, .id = id, .reserve = true};
    return run(&o, pause_fn, ret_view);
}

int sessions_tenant_stop(struct data_context *ctx, struct str workspace_id,
                         struct sessions_view *ret_view)
{
    struct run o = {.ctx = ctx, .id = workspace_id, .reserve = true};
    return run(&o, stop_fn, ret_view);
}

int sessions_pause_all_in(struct txn *txn, const struct data_context *ctx, struct str user_id)
{
    struct data_workspace match = {.user_id = user_id, .desired = DATA_WORKSPACE_DESIRED_RUNNING};
    struct data_query query = {
        .index = DATA_WORKSPACE_BY_USER, .match = &match, .fixed = 2, .limit = DATA_MAX_LIST};
    struct data_workspace_list list;
    int r = data_workspace_list(txn, &ctx->scope, &query, &list);
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        struct sessions_view view = {.workspace = list.at[i]};
        r = data_session_get(txn, &ctx->scope, view.workspace.session_id, &view.session);
        if (r == 0) {
            r = sessions_want(txn, ctx, &view.workspace, DATA_WORKSPACE_DESIRED_STOPPED);
        }
        if (r == 0 && view.session.status == DATA_SESSION_STATUS_ACTIVE) {
            view.session.status = DATA_SESSION_STATUS_PAUSED;
            r = sessions_changed(txn, ctx, &view, "session.pause");
        }
    }
    return r;
}

/* ---- Into a workspace that runs ---- */

bool sessions_comes(const struct data_workspace *workspace)
{
    return workspace->desired == DATA_WORKSPACE_DESIRED_RUNNING &&
           workspace->state != DATA_WORKSPACE_STATE_FAILED;
}

int sessions_runs(struct data_context *ctx, const struct sessions_view *view)
{
    const struct data_workspace *workspace = &view->workspace;
    if (view->session.deleted) {
        return ERR_NOT_FOUND;
    }
    if (workspace->desired == DATA_WORKSPACE_DESIRED_RUNNING &&
        workspace->state == DATA_WORKSPACE_STATE_RUNNING) {
        return 0;
    }
    return data_fault(ctx, ERR_NOT_RUNNING, NULL,
                      sessions_comes(workspace)
                          ? "The workspace is starting. Try again once it runs."
                          : "The workspace is not running. Open the session first.");
}

struct enter {
    struct data_context *ctx;
    struct str id;
    const char *action;
    struct sessions_view view; /* result */
};

static int enter_fn(struct txn *txn, void *ctx)
{
    struct enter *e = ctx;
    int r = sessions_find(txn, &e->ctx->scope, e->id, &e->view.session);
    if (r == 0) {
        r = sessions_join(txn, &e->ctx->scope, &e->view);
    }
    if (r == 0) {
        r = sessions_runs(e->ctx, &e->view);
    }
    if (r == 0) {
        r = data_audit(txn, e->ctx, e->action, e->id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        sessions_view_copy(e->ctx->arena, &e->view);
    }
    return r;
}

int sessions_enter(struct data_context *ctx, struct str id, const char *action,
                   struct sessions_view *ret_view)
{
    struct enter e = {.ctx = ctx, .id = id, .action = action};
    struct store_op op = store_op_new();
    op.reserve = true; /* who makes room on a full disk works in a shell */
    int r = store_write(ctx->store, &op, enter_fn, &e);
    if (r == 0) {
        *ret_view = e.view;
    }
    return r;
}
