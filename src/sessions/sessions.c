/*
 * Sessions: made, read, renamed, moved between projects, deleted, restored.
 *
 * 1. sessions_own is the door to a stored session: whose it is not gets ERR_NOT_FOUND; a link's scope opens its one. sessions_tenant_… stand beside it: they
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
    bool by_link = scope->link_session.n > 0;
    ASSERT(by_link || scope->user_id.n > 0);
    struct data_session session;
    if (by_link && !str_eq(id, scope->link_session)) {
        return ERR_NOT_FOUND;
    }
    int r = of_tenant(txn, scope, id, &session);
    if (r == 0 && !by_link && !str_eq(session.user_id, scope->user_id)) {
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
    if (scope->link_session.n > 0) {
        return ERR_FORBIDDEN; /* a link shows files, and no workspace */
    }
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
    struct data_query query = {.index = DATA_SESSION_BY_USER, .match = &match, .fixed = 2};
    uint64_t n;
    int r = data_counted(txn, &(struct data_count_of){&ctx->scope, &data_session_type}, &query, &n);
    if (r == 0 && n >= SESSIONS_MAX_PER_USER) {
        return data_fault(ctx, ERR_LIMIT, NULL, "You have 1,000 sessions. Delete one first.");
    }
    uint64_t most = ctx->quota ? ctx->quota->sessions : 0;
    if (r == 0 && most > 0) {
        r = sessions_count(txn, &ctx->scope, &n);
    }
    if (r == 0 && most > 0 && n >= most) {
        return data_fault(ctx, ERR_LIMIT, NULL,
                          "Your organization has as many sessions as it may. Delete one first.");
    }
    return r;
}

int sessions_count(struct txn *txn, const struct scope *scope, uint64_t *ret_count)
{
    struct data_session match = {.deleted = false};
    struct data_query query = {.index = DATA_SESSION_BY_TENANT, .match = &match, .fixed = 1};
    return data_counted(txn, &(struct data_count_of){scope, &data_session_type}, &query, ret_count);
}

int sessions_changed(struct txn *txn, const struct data_context *ctx, struct sessions_view *view,
                     const char *action)
{
    usec_t now = time_now();
    view->session.updated_at = now;
    view->session.last_access_at = now;
    view->session.revision++;
    int r = data_session_put(txn, &ctx->scope, &view->session);
    return r < 0 || !action ? r : data_audit(txn, ctx, action, view->session.id, DATA_OUTCOME_OK);
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
    if (r == 0) {
        r = sessions_project_check(txn, c->ctx, c->session.project_id);
    }
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
    r = r < 0 ? r : sessions_source_check(ctx, in);
    if (r < 0) {
        return r;
    }
    bool sourced = in->git_url.n > 0;
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
        .source_url = in->git_url,
        .source_branch = in->git_branch,
        .source_state = sourced ? DATA_SOURCE_STATE_PENDING : 0,
        .source_attempt = sourced,
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

/* ---- One ---- */

struct one {
    struct data_context *ctx;
    struct str id;
    const struct sessions_update_input *update;
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

/* The request may name more than what this one changed. */
static int note(struct txn *txn, const struct one *o, const char *action, const char *field)
{
    struct data_context by = *o->ctx;
    by.client.fields = str_from(field);
    return data_audit(txn, &by, action, o->id, DATA_OUTCOME_OK);
}

static int update_name(struct txn *txn, struct one *o)
{
    if (!o->update->rename || str_eq(o->view.session.name, o->name)) {
        return 0;
    }
    o->view.session.name = o->name;
    return note(txn, o, "session.rename", "name");
}

static int update_project(struct txn *txn, struct one *o)
{
    if (!o->update->move || str_eq(o->view.session.project_id, o->update->project_id)) {
        return 0;
    }
    int r = sessions_project_check(txn, o->ctx, o->update->project_id);
    o->view.session.project_id = o->update->project_id;
    return r < 0 ? r : note(txn, o, "session.move", "project_id");
}

static int update_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = sessions_find(txn, &o->ctx->scope, o->id, &o->view.session);
    if (r == 0 && !data_matches(o->ctx, o->revision, o->view.session.revision)) {
        return ERR_PRECONDITION;
    }
    const struct data_session before = o->view.session;
    if (r == 0) {
        r = update_name(txn, o);
    }
    if (r == 0) {
        r = update_project(txn, o);
    }
    bool changed = r == 0 && (!str_eq(before.name, o->view.session.name) ||
                              !str_eq(before.project_id, o->view.session.project_id));
    if (changed) {
        r = sessions_changed(txn, o->ctx, &o->view, NULL);
    }
    return r < 0 ? r : one_done(txn, o);
}

int sessions_update(struct data_context *ctx, struct str id, const struct sessions_update_input *in,
                    struct sessions_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id, .update = in, .revision = in->revision};
    int r = in->rename
                ? data_text_name(ctx, &(struct data_name_rule){.field = "name"}, in->name, &o.name)
                : 0;
    return r < 0 ? r : write_one(&o, update_fn, ret_view);
}

static int delete_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = one_begin(txn, o);
    if (r == 0 && !data_matches(o->ctx, o->revision, o->view.session.revision)) {
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
    r = sessions_links_end_of(txn, o->ctx, &o->view.session);
    r = r < 0 ? r : sessions_changed(txn, o->ctx, &o->view, "session.delete");
    return r < 0 ? r : one_done(txn, o);
}

int sessions_delete(struct data_context *ctx, struct str id, int64_t revision,
                    struct sessions_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id, .revision = revision, .reserve = true};
    return write_one(&o, delete_fn, ret_view);
}

/* What somebody left behind goes with the account: nobody takes it over. */
static int has_person(struct txn *txn, struct data_context *ctx, const struct data_session *session)
{
    struct data_user user = {.deleted_at = 0};
    int r = data_user_get(txn, &ctx->scope, session->user_id, &user);
    bool gone = r == ERR_NOT_FOUND || (r == 0 && user.deleted_at != 0);
    return gone ? data_fault(ctx, ERR_CONFLICT, NULL,
                             "Whose session it is deleted the account, and what was in it goes.")
                : r;
}

/* A copy that is not whole is copied on, which takes what it is a copy of; of nothing, it takes nothing. */
static int has_origin(struct txn *txn, struct data_context *owner,
                      const struct data_session *session)
{
    struct data_session origin;
    bool needs = session->forking_at != 0 && session->fork_seq > 0;
    int r = needs ? sessions_find(txn, &owner->scope, session->forked_from, &origin) : 0;
    return r == ERR_NOT_FOUND ? data_fault(owner, ERR_CONFLICT, NULL,
                                           "What it is a copy of is deleted. Restore that first.")
                              : r;
}

static int restore_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = one_begin(txn, o);
    if (r < 0 || !o->view.session.deleted) {
        return r < 0 ? r : one_done(txn, o);
    }
    r = o->any ? has_person(txn, o->ctx, &o->view.session) : 0;
    if (r < 0) {
        return r;
    }
    struct data_context owner = *o->ctx;
    owner.scope.user_id = o->view.session.user_id;
    r = has_origin(txn, &owner, &o->view.session);
    r = r < 0 ? r : sessions_room(txn, &owner);
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
