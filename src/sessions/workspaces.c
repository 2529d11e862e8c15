/*
 * The tenant's workspaces, for its admins: whose they are, what they do, since when. Nothing that is in them.
 */
#include "sessions/sessions_int.h"

struct list {
    struct data_context *ctx;
    const struct sessions_workspaces_input *in;
    struct sessions_workspaces page; /* result */
};

static int add(struct txn *txn, struct list *l, const struct data_session *session)
{
    struct sessions_workspace *row = &l->page.at[l->page.n];
    *row = (struct sessions_workspace){.view = {.session = *session}};
    int r = sessions_join(txn, &l->ctx->scope, &row->view);
    if (r == 0) {
        r = data_user_get(txn, &l->ctx->scope, session->user_id, &row->user);
    }
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    }
    sessions_view_copy(l->ctx->arena, &row->view);
    data_user_copy(l->ctx->arena, &row->user);
    l->page.n++;
    return 0;
}

static int list_running(struct txn *txn, struct list *l, struct str *ret_next)
{
    const struct scope *scope = &l->ctx->scope;
    struct data_query query = {.index = DATA_WORKSPACE_BY_RUNNING,
                               .limit = l->in->limit,
                               .cursor = l->in->cursor,
                               .reverse = true};
    struct data_workspace_list rows;
    int r = data_workspace_list(txn, scope, &query, &rows);
    for (size_t i = 0; r == 0 && i < rows.n; i++) {
        struct data_session session;
        r = data_session_get(txn, scope, rows.at[i].session_id, &session);
        r = r == 0 ? add(txn, l, &session) : r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    }
    if (r == 0) {
        *ret_next = rows.next;
    }
    return r;
}

static int list_all(struct txn *txn, struct list *l, struct str *ret_next)
{
    struct data_session match = {.deleted = false};
    struct data_query query = {.index = DATA_SESSION_BY_TENANT,
                               .match = &match,
                               .fixed = 1,
                               .limit = l->in->limit,
                               .cursor = l->in->cursor,
                               .reverse = true};
    struct data_session_list rows;
    int r = data_session_list(txn, &l->ctx->scope, &query, &rows);
    for (size_t i = 0; r == 0 && i < rows.n; i++) {
        r = add(txn, l, &rows.at[i]);
    }
    if (r == 0) {
        *ret_next = rows.next;
    }
    return r;
}

static int list_fn(struct txn *txn, void *ctx)
{
    struct list *l = ctx;
    struct str next = STR_EMPTY;
    uint64_t total = 0;
    l->page = (struct sessions_workspaces){
        .at = ARENA_ARRAY(l->ctx->arena, struct sessions_workspace, l->in->limit)};
    int r = (l->in->running ? list_running : list_all)(txn, l, &next);
    if (r == 0) {
        r = (l->in->running ? sessions_running : sessions_count)(txn, &l->ctx->scope, &total);
    }
    l->page.next = next.n > 0 ? arena_str(l->ctx->arena, next) : STR_EMPTY;
    l->page.total = (int64_t)total;
    return r;
}

int sessions_tenant_workspaces(struct data_context *ctx, const struct sessions_workspaces_input *in,
                               struct sessions_workspaces *ret_workspaces)
{
    ASSERT(in->limit >= 1 && in->limit <= DATA_MAX_LIST);
    struct list l = {.ctx = ctx, .in = in};
    int r = store_read(ctx->store, list_fn, &l);
    if (r == ERR_INVALID) {
        return data_fault(ctx, r, "cursor", "This is not a cursor that was given out.");
    }
    if (r == 0) {
        *ret_workspaces = l.page;
    }
    return r;
}
