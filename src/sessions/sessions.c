/*
 * Sessions: made, read, listed, renamed, deleted, restored.
 *
 * 1. sessions_own is the door to a stored session: whose it is not gets ERR_NOT_FOUND. sessions_tenant_… stand beside it: they
 *    list, delete and restore, and lead to no file.
 * 2. session.deleted and status "deleted" change together; deleted_at is set exactly then.
 * 3. A session and its workspace are made in one transaction and name each other.
 */
#include "sessions/sessions_int.h"

/* The tenant's session, whosever it is. */
static int of_tenant(struct txn *txn, const struct scope *scope, struct str id,
                     struct data_session *ret_session)
{
    struct data_session session;
    int r = data_session_get(txn, scope, id, &session);
    if (r < 0) {
        return r;
    }
    if (session.deleted && time_now() - session.deleted_at >= sessions_restore_life()) {
        return ERR_NOT_FOUND;
    }
    *ret_session = session;
    return 0;
}

int sessions_own(struct txn *txn, const struct scope *scope, struct str id,
                 struct data_session *ret_session)
{
    ASSERT(scope->user_id.n > 0);
    struct data_session session;
    int r = of_tenant(txn, scope, id, &session);
    if (r == 0 && !str_eq(session.user_id, scope->user_id)) {
        return ERR_NOT_FOUND;
    }
    if (r == 0) {
        *ret_session = session;
    }
    return r;
}

int sessions_find(struct txn *txn, const struct scope *scope, struct str id,
                  struct data_session *ret_session)
{
    struct data_session session;
    int r = sessions_own(txn, scope, id, &session);
    if (r == 0 && session.deleted) {
        return ERR_NOT_FOUND;
    }
    if (r == 0) {
        *ret_session = session;
    }
    return r;
}

int sessions_join(struct txn *txn, const struct scope *scope, struct sessions_view *view)
{
    int r = data_workspace_get(txn, scope, view->session.workspace_id, &view->workspace);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    }
    return data_usage_get(txn, scope, view->session.id, &view->usage);
}

void sessions_view_copy(struct arena *arena, struct sessions_view *view)
{
    data_session_copy(arena, &view->session);
    data_workspace_copy(arena, &view->workspace);
}

int sessions_room(struct txn *txn, struct data_context *ctx)
{
    struct data_session match = {.user_id = ctx->scope.user_id, .deleted = false};
    struct data_query query = {
        .index = DATA_SESSION_BY_USER, .match = &match, .fixed = 2, .limit = SESSIONS_MAX_PER_USER};
    size_t n;
    int r = data_count(txn, &(struct data_count_of){&ctx->scope, &data_session_type}, &query, &n);
    if (r == 0 && n >= SESSIONS_MAX_PER_USER) {
        return data_fault(ctx, ERR_LIMIT, NULL, "You have 1,000 sessions. Delete one first.");
    }
    return r;
}

int sessions_changed(struct txn *txn, const struct data_context *ctx, struct sessions_view *view,
                     const char *action)
{
    usec_t now = time_now();
    view->session.updated_at = now;
    view->session.last_access_at = now;
    view->session.revision++;
    int r = data_session_put(txn, &ctx->scope, &view->session);
    return r < 0 ? r : data_audit(txn, ctx, action, view->session.id, DATA_OUTCOME_OK);
}

/* ---- Create ---- */

struct create {
    struct data_context *ctx;
    struct data_session session;
    struct data_workspace workspace;
    struct sessions_view view; /* result */
};

static int create_new(struct txn *txn, struct create *c)
{
    const struct scope *scope = &c->ctx->scope;
    int r = sessions_room(txn, c->ctx);
    if (r < 0) {
        return r;
    }
    c->view = (struct sessions_view){.session = c->session, .workspace = c->workspace};
    r = data_workspace_put(txn, scope, &c->view.workspace);
    if (r == 0) {
        r = data_session_put(txn, scope, &c->view.session);
    }
    if (r == 0) {
        r = data_audit(txn, c->ctx, "session.create", c->session.id, DATA_OUTCOME_OK);
    }
    if (r < 0) {
        return r;
    }
    data_remember(txn, c->ctx, c->session.id);
    return 0;
}

static int create_fn(struct txn *txn, void *ctx)
{
    struct create *c = ctx;
    bool found;
    struct str id;
    int r = data_replay(txn, c->ctx, &found, &id);
    if (r < 0) {
        return r;
    }
    if (!found) {
        r = create_new(txn, c);
    } else {
        r = sessions_own(txn, &c->ctx->scope, id, &c->view.session);
        r = r < 0 ? r : sessions_join(txn, &c->ctx->scope, &c->view);
    }
    if (r < 0) {
        return r;
    }
    sessions_view_copy(c->ctx->arena, &c->view);
    return 0;
}

int sessions_create(struct data_context *ctx, const struct sessions_create_input *in,
                    struct sessions_view *ret_view)
{
    struct str name;
    int r = data_text_name(ctx, &(struct data_name_rule){.field = "name"}, in->name, &name);
    if (r < 0) {
        return r;
    }
    if (in->project_id.n > 0 && !data_id_is(in->project_id, "prj")) {
        return data_fault(ctx, ERR_INVALID, "project_id", "This is not the id of a project.");
    }
    struct create c = {.ctx = ctx};
    usec_t now = time_now();
    c.session = (struct data_session){
        .id = data_id_make(ctx->arena, "ses"),
        .name = name,
        .status = DATA_SESSION_STATUS_ACTIVE,
        .tenant_id = ctx->scope.tenant_id,
        .user_id = ctx->scope.user_id,
        .project_id = in->project_id,
        .created_at = now,
        .updated_at = now,
        .last_access_at = now,
        .revision = 1,
        .workspace_id = data_id_make(ctx->arena, "wsp"),
    };
    c.workspace = (struct data_workspace){
        .id = c.session.workspace_id,
        .state = DATA_WORKSPACE_STATE_STOPPED,
        .runtime = STR("local"),
        .tenant_id = ctx->scope.tenant_id,
        .user_id = ctx->scope.user_id,
        .session_id = c.session.id,
        .desired = DATA_WORKSPACE_DESIRED_STOPPED,
        .changed_at = now,
    };
    r = store_write(ctx->store, &ctx->op, create_fn, &c);
    if (r == 0) {
        *ret_view = c.view;
    }
    return r;
}

/* ---- Read ---- */

struct list {
    struct data_context *ctx;
    struct data_query query;
    struct sessions_page page; /* result */
};

static int list_fn(struct txn *txn, void *ctx)
{
    struct list *l = ctx;
    struct arena *arena = l->ctx->arena;
    struct data_session_list rows;
    int r = data_session_list(txn, &l->ctx->scope, &l->query, &rows);
    if (r < 0) {
        return r;
    }
    l->page = (struct sessions_page){
        .at = ARENA_ARRAY(arena, struct sessions_view, rows.n + 1),
        .n = rows.n,
        .next = rows.next.n > 0 ? arena_str(arena, rows.next) : STR_EMPTY,
    };
    for (size_t i = 0; i < rows.n; i++) {
        l->page.at[i].session = rows.at[i];
        r = sessions_join(txn, &l->ctx->scope, &l->page.at[i]);
        if (r < 0) {
            return r;
        }
        sessions_view_copy(arena, &l->page.at[i]);
    }
    return 0;
}

/* By an index that begins with so many fields of match. */
struct list_by {
    unsigned index, fixed;
    struct data_session match;
};

static int list_by(struct data_context *ctx, const struct sessions_list_input *in,
                   const struct list_by *by, struct sessions_page *ret_page)
{
    struct list l = {
        .ctx = ctx,
        .query =
            {
                .index = by->index,
                .match = &by->match,
                .fixed = by->fixed,
                .limit = in->limit,
                .cursor = in->cursor,
                .reverse = true,
            },
    };
    int r = store_read(ctx->store, list_fn, &l);
    if (r == ERR_INVALID) {
        return data_fault(ctx, r, "cursor", "This is not a cursor that was given out.");
    }
    if (r == 0) {
        *ret_page = l.page;
    }
    return r;
}

int sessions_list(struct data_context *ctx, const struct sessions_list_input *in,
                  struct sessions_page *ret_page)
{
    const struct list_by by = {.index = DATA_SESSION_BY_USER,
                               .fixed = 2,
                               .match = {.user_id = ctx->scope.user_id, .deleted = in->deleted}};
    return list_by(ctx, in, &by, ret_page);
}

int sessions_tenant_list(struct data_context *ctx, const struct sessions_list_input *in,
                         struct sessions_page *ret_page)
{
    const struct list_by by = {
        .index = DATA_SESSION_BY_TENANT, .fixed = 1, .match = {.deleted = in->deleted}};
    return list_by(ctx, in, &by, ret_page);
}

struct one {
    struct data_context *ctx;
    struct str id;
    const struct sessions_rename_input *rename;
    struct str name;
    int64_t revision;
    bool reserve;              /* goes on when the disk is full */
    bool any;                  /* whosever it is */
    struct sessions_view view; /* result */
};

/* The first line of a store function here. */
static int one_begin(struct txn *txn, struct one *o)
{
    return (o->any ? of_tenant : sessions_own)(txn, &o->ctx->scope, o->id, &o->view.session);
}

/* The last line of a store function here: the view joined and copied out. */
static int one_done(struct txn *txn, struct one *o)
{
    int r = sessions_join(txn, &o->ctx->scope, &o->view);
    if (r == 0) {
        sessions_view_copy(o->ctx->arena, &o->view);
    }
    return r;
}

static int get_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = sessions_own(txn, &o->ctx->scope, o->id, &o->view.session);
    return r < 0 ? r : one_done(txn, o);
}

int sessions_get(struct data_context *ctx, struct str id, struct sessions_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id};
    int r = store_read(ctx->store, get_fn, &o);
    if (r == 0) {
        *ret_view = o.view;
    }
    return r;
}

/* ---- Change ---- */

static int write_one(struct one *o, store_fn *fn, struct sessions_view *ret_view)
{
    struct store_op op = store_op_new();
    op.reserve = o->reserve;
    int r = store_write(o->ctx->store, &op, fn, o);
    if (r == 0) {
        *ret_view = o->view;
    }
    return r;
}

static int rename_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = sessions_find(txn, &o->ctx->scope, o->id, &o->view.session);
    if (r < 0) {
        return r;
    }
    if (o->revision != 0 && o->revision != o->view.session.revision) {
        return ERR_PRECONDITION;
    }
    o->view.session.name = o->name;
    r = sessions_changed(txn, o->ctx, &o->view, "session.rename");
    return r < 0 ? r : one_done(txn, o);
}

int sessions_rename(struct data_context *ctx, struct str id, const struct sessions_rename_input *in,
                    struct sessions_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id, .revision = in->revision};
    int r = data_text_name(ctx, &(struct data_name_rule){.field = "name"}, in->name, &o.name);
    return r < 0 ? r : write_one(&o, rename_fn, ret_view);
}

static int delete_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = one_begin(txn, o);
    if (r == 0 && o->revision != 0 && o->revision != o->view.session.revision) {
        return ERR_PRECONDITION;
    }
    if (r < 0 || o->view.session.deleted) {
        return r < 0 ? r : one_done(txn, o);
    }
    r = sessions_may_go(txn, o->ctx, &o->view.session);
    if (r == 0) {
        r = sessions_join(txn, &o->ctx->scope, &o->view);
    }
    if (r == 0) {
        r = sessions_want(txn, o->ctx, &o->view.workspace, DATA_WORKSPACE_DESIRED_STOPPED);
    }
    if (r < 0) {
        return r;
    }
    o->view.session.status = DATA_SESSION_STATUS_DELETED;
    o->view.session.deleted = true;
    o->view.session.deleted_at = time_now();
    r = sessions_changed(txn, o->ctx, &o->view, "session.delete");
    return r < 0 ? r : one_done(txn, o);
}

int sessions_delete(struct data_context *ctx, struct str id, int64_t revision,
                    struct sessions_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id, .revision = revision, .reserve = true};
    return write_one(&o, delete_fn, ret_view);
}

static int restore_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = one_begin(txn, o);
    if (r < 0 || !o->view.session.deleted) {
        return r < 0 ? r : one_done(txn, o);
    }
    struct data_context owner = *o->ctx;
    owner.scope.user_id = o->view.session.user_id;
    r = sessions_room(txn, &owner);
    if (r < 0) {
        o->ctx->fault = owner.fault;
        return r;
    }
    bool whole = o->view.session.forking_at == 0;
    o->view.session.status = whole ? DATA_SESSION_STATUS_PAUSED : DATA_SESSION_STATUS_FORKING;
    o->view.session.deleted = false;
    o->view.session.deleted_at = 0;
    if (!whole) {
        store_put(txn, data_key_bell(store_arena(txn), SESSIONS_FORK_BELL), o->id);
    }
    r = sessions_changed(txn, o->ctx, &o->view, "session.restore");
    return r < 0 ? r : one_done(txn, o);
}

int sessions_restore(struct data_context *ctx, struct str id, struct sessions_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id};
    return write_one(&o, restore_fn, ret_view);
}

int sessions_tenant_delete(struct data_context *ctx, struct str id, int64_t revision,
                           struct sessions_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id, .revision = revision, .reserve = true, .any = true};
    return write_one(&o, delete_fn, ret_view);
}

int sessions_tenant_restore(struct data_context *ctx, struct str id, struct sessions_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id, .any = true};
    return write_one(&o, restore_fn, ret_view);
}
