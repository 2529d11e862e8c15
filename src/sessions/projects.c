/*
 * Projects: a name that some of a person's sessions stand under.
 *
 * 1. A session's project_id names a project of the same person: whoever sets it asks sessions_project_check in the same
 *    transaction, and a project goes only in a transaction that finds no session in it, deleted ones included, since they can
 *    be restored.
 * 2. For everybody but its person a project is the same ERR_NOT_FOUND as an id that never was.
 */
#include "sessions/sessions_int.h"

enum { RELEASE = DATA_MAX_LIST }; /* sessions that a step of a deletion takes out, twice */

int sessions_project_own(struct txn *txn, const struct scope *scope, struct str id,
                         struct data_project *ret_project)
{
    ASSERT(scope->user_id.n > 0);
    struct data_project project;
    int r = data_project_get(txn, scope, id, &project);
    if (r == 0 && !str_eq(project.user_id, scope->user_id)) {
        return ERR_NOT_FOUND;
    }
    if (r == 0) {
        *ret_project = project;
    }
    return r;
}

int sessions_project_check(struct txn *txn, struct data_context *ctx, struct str id)
{
    if (id.n == 0) {
        return 0;
    }
    struct data_project project;
    int r = sessions_project_own(txn, &ctx->scope, id, &project);
    return r == ERR_NOT_FOUND
               ? data_fault(ctx, ERR_INVALID, "project_id", "You have no such project.")
               : r;
}

/* The rest of a view whose record is there, all of it copied out. */
static int join(struct txn *txn, struct data_context *ctx, struct sessions_project *view)
{
    struct data_session match = {.project_id = view->project.id, .deleted = false};
    struct data_query query = {.index = DATA_SESSION_BY_PROJECT, .match = &match, .fixed = 2};
    int r = data_counted(txn, &(struct data_count_of){&ctx->scope, &data_session_type}, &query,
                         &view->sessions);
    if (r == 0) {
        data_project_copy(ctx->arena, &view->project);
    }
    return r;
}

/* ---- List: so few that they are gathered ---- */

struct list {
    struct data_context *ctx;
    const struct sessions_projects_input *in;
    struct str words;
    struct sessions_projects page; /* result */
};

static int gather_key(struct txn *txn, void *ctx, const void *record, struct str *ret_key)
{
    const struct list *l = ctx;
    const struct data_project *project = record;
    struct arena *arena = store_arena(txn);
    struct str folded = data_text_fold(arena, project->name);
    if (data_text_has(folded, l->words)) {
        *ret_key = l->in->sort == SESSIONS_BY_NAME
                       ? data_pick_by_text(arena, folded, project->id)
                       : data_pick_by_time(arena, project->created_at, project->id);
    }
    return 0;
}

static int list_fn(struct txn *txn, void *ctx)
{
    struct list *l = ctx;
    struct data_project match = {.user_id = l->ctx->scope.user_id};
    const struct data_gather in = {
        .scope = &l->ctx->scope,
        .type = &data_project_type,
        .query = {.index = DATA_PROJECT_BY_USER, .match = &match, .fixed = 1},
        .most = SESSIONS_MAX_PROJECTS,
        .key = gather_key,
        .ctx = l,
        .arena = l->ctx->arena,
        .limit = l->in->limit,
        .cursor = l->in->cursor,
        .reverse = (l->in->sort == SESSIONS_BY_NAME) == l->in->reverse,
    };
    struct data_gathered all;
    int r = data_gather(txn, &in, &all);
    if (r < 0) {
        return r;
    }
    l->page = (struct sessions_projects){
        .at = ARENA_ARRAY(l->ctx->arena, struct sessions_project, all.n + 1),
        .next = all.next,
        .total = all.total,
    };
    for (size_t i = 0; r == 0 && i < all.n; i++) {
        struct sessions_project *view = &l->page.at[l->page.n++];
        view->project = *(const struct data_project *)all.at[i];
        r = join(txn, l->ctx, view);
    }
    return r;
}

int sessions_projects_list(struct data_context *ctx, const struct sessions_projects_input *in,
                           struct sessions_projects *ret_projects)
{
    struct list l = {.ctx = ctx, .in = in, .words = data_text_fold(ctx->arena, in->words)};
    int r = store_read(ctx->store, list_fn, &l);
    if (r == ERR_INVALID) {
        return data_fault(ctx, r, "cursor", "This is not a cursor that was given out.");
    }
    if (r == 0) {
        *ret_projects = l.page;
    }
    return r;
}

/* ---- One ---- */

struct one {
    struct data_context *ctx;
    struct str id;
    struct str name;
    int64_t revision;
    bool more;                    /* result of a step of a deletion */
    struct sessions_project view; /* result */
};

static int create_new(struct txn *txn, struct one *o)
{
    struct data_context *ctx = o->ctx;
    struct data_project match = {.user_id = ctx->scope.user_id};
    struct data_query query = {.index = DATA_PROJECT_BY_USER, .match = &match, .fixed = 1};
    uint64_t n;
    int r = data_counted(txn, &(struct data_count_of){&ctx->scope, &data_project_type}, &query, &n);
    if (r == 0 && n >= SESSIONS_MAX_PROJECTS) {
        return data_fault(ctx, ERR_LIMIT, NULL, "You have 200 projects. Delete one first.");
    }
    if (r < 0) {
        return r;
    }
    usec_t now = time_now();
    o->view.project = (struct data_project){
        .id = o->id,
        .name = o->name,
        .tenant_id = ctx->scope.tenant_id,
        .user_id = ctx->scope.user_id,
        .created_at = now,
        .updated_at = now,
        .revision = 1,
    };
    r = data_project_put(txn, &ctx->scope, &o->view.project);
    if (r == 0) {
        r = data_audit(txn, ctx, "project.create", o->id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        data_remember(txn, ctx, o->id);
    }
    return r;
}

static int create_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    bool found;
    struct str id;
    int r = data_replay(txn, o->ctx, &found, &id);
    if (r == 0) {
        r = found ? sessions_project_own(txn, &o->ctx->scope, id, &o->view.project)
                  : create_new(txn, o);
    }
    return r < 0 ? r : join(txn, o->ctx, &o->view);
}

int sessions_project_create(struct data_context *ctx, struct str name,
                            struct sessions_project *ret_project)
{
    struct one o = {.ctx = ctx, .id = data_id_make(ctx->arena, "prj")};
    int r = data_text_name(ctx, &(struct data_name_rule){.field = "name"}, name, &o.name);
    if (r == 0) {
        r = store_write(ctx->store, &ctx->op, create_fn, &o);
    }
    if (r == 0) {
        *ret_project = o.view;
    }
    return r;
}

static int get_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = sessions_project_own(txn, &o->ctx->scope, o->id, &o->view.project);
    return r < 0 ? r : join(txn, o->ctx, &o->view);
}

int sessions_project_get(struct data_context *ctx, struct str id,
                         struct sessions_project *ret_project)
{
    struct one o = {.ctx = ctx, .id = id};
    int r = store_read(ctx->store, get_fn, &o);
    if (r == 0) {
        *ret_project = o.view;
    }
    return r;
}

static int own_revision(struct txn *txn, struct one *o)
{
    int r = sessions_project_own(txn, &o->ctx->scope, o->id, &o->view.project);
    bool other = r == 0 && !data_matches(o->ctx, o->revision, o->view.project.revision);
    return other ? ERR_PRECONDITION : r;
}

static int rename_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = own_revision(txn, o);
    if (r < 0 || str_eq(o->view.project.name, o->name)) {
        return r < 0 ? r : join(txn, o->ctx, &o->view);
    }
    o->view.project.name = o->name;
    o->view.project.updated_at = time_now();
    o->view.project.revision++;
    r = data_project_put(txn, &o->ctx->scope, &o->view.project);
    if (r == 0) {
        r = data_audit(txn, o->ctx, "project.rename", o->id, DATA_OUTCOME_OK);
    }
    return r < 0 ? r : join(txn, o->ctx, &o->view);
}

int sessions_project_rename(struct data_context *ctx, struct str id,
                            const struct sessions_update_input *in,
                            struct sessions_project *ret_project)
{
    struct one o = {.ctx = ctx, .id = id, .revision = in->revision};
    struct store_op op = store_op_new();
    int r = data_text_name(ctx, &(struct data_name_rule){.field = "name"}, in->name, &o.name);
    if (r == 0) {
        r = store_write(ctx->store, &op, rename_fn, &o);
    }
    if (r == 0) {
        *ret_project = o.view;
    }
    return r;
}

/* ---- Delete ---- */

/* Takes sessions out; *ret_more: not all, perhaps. */
static int release(struct txn *txn, const struct one *o, bool deleted, bool *ret_more)
{
    const struct scope *scope = &o->ctx->scope;
    struct data_session match = {.project_id = o->id, .deleted = deleted};
    struct data_query query = {
        .index = DATA_SESSION_BY_PROJECT, .match = &match, .fixed = 2, .limit = RELEASE};
    struct data_session_list rows;
    int r = data_session_list(txn, scope, &query, &rows);
    for (size_t i = 0; r == 0 && i < rows.n; i++) {
        struct data_session *session = &rows.at[i];
        session->project_id = STR_EMPTY;
        session->updated_at = time_now();
        session->revision++;
        r = data_session_put(txn, scope, session);
        data_event(txn, scope,
                   &(struct data_event){
                       .kind = "session.move", .id = session->id, .session_id = session->id});
    }
    if (r == 0) {
        *ret_more = *ret_more || rows.next.n > 0;
    }
    return r;
}

static int delete_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    bool more = false;
    o->more = false;
    int r = own_revision(txn, o);
    if (r == 0) {
        r = release(txn, o, /* deleted= */ false, &more);
    }
    if (r == 0) {
        r = release(txn, o, /* deleted= */ true, &more);
    }
    if (r < 0 || more) {
        o->more = r == 0;
        return r;
    }
    r = data_project_delete(txn, &o->ctx->scope, o->id);
    return r < 0 ? r : data_audit(txn, o->ctx, "project.delete", o->id, DATA_OUTCOME_OK);
}

int sessions_project_delete(struct data_context *ctx, struct str id, int64_t revision)
{
    struct one o = {.ctx = ctx, .id = id, .revision = revision};
    int r;
    bool begun = false;
    do {
        struct store_op op = store_op_new();
        op.reserve = true;
        op.bytes = (size_t)RELEASE * 2000;
        r = store_write(ctx->store, &op, delete_fn, &o);
        if (begun && r == ERR_NOT_FOUND) {
            return 0; /* somebody else was faster */
        }
        begun = true;
    } while (r == 0 && o.more);
    return r;
}
