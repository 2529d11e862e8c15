/*
 * Links: a session's files for whoever has the link, to read. The token is cdl_{26 digits of the record's id}_{43 characters of
 * base64url}, that is 32 random bytes; as of keys of scripts the id finds the record, and the whole token's SHA-256 is what it is
 * held against.
 *
 * 1. The token itself is in the reply that makes it and nowhere else.
 * 2. enter_fn makes a link's scope, and nothing else does; data/ keeps it to its session (link_session).
 * 3. There are no links to a session that is deleted, and none by somebody who is gone or may make none any more. Whoever has one
 *    is asked of the same again, since a store may have some of before.
 */
#include "auth/auth.h"
#include "sessions/sessions_int.h"

#include "base/assert.h"

#define PREFIX "cdl_"

enum { PURGE = 50 };

static const usec_t day = 24 * 60 * 60 * USEC_PER_SEC;

/* ---- Made ---- */

/* Of the caller, as a link's record names it. */
static struct data_context about(const struct data_context *ctx, const struct data_link *link)
{
    struct data_context c = *ctx;
    c.client.link_id = link->id;
    return c;
}

/* All that the person made. */
static int made_by(struct txn *txn, const struct scope *scope, struct str user_id,
                   struct data_link_list *ret_list)
{
    struct data_link match = {.user_id = user_id};
    struct data_query query = {
        .index = DATA_LINK_BY_USER, .match = &match, .fixed = 1, .limit = SESSIONS_MAX_LINKS};
    return data_link_list(txn, scope, &query, ret_list);
}

/* All that lead to the session: no more than its person made. */
static int leading_to(struct txn *txn, const struct scope *scope, struct str session_id,
                      struct data_link_list *ret_list)
{
    struct data_link match = {.session_id = session_id};
    struct data_query query = {.index = DATA_LINK_BY_SESSION,
                               .match = &match,
                               .fixed = 1,
                               .limit = SESSIONS_MAX_LINKS,
                               .reverse = true};
    return data_link_list(txn, scope, &query, ret_list);
}

/* ERR_NOT_FOUND: nobody, or somebody who went; ERR_FORBIDDEN: who makes no links. */
static int maker_in(struct txn *txn, const struct scope *scope, struct str user_id)
{
    struct data_user user;
    int r = data_user_get(txn, scope, user_id, &user);
    if (r == 0 && (user.removed_at != 0 || user.deleted_at != 0)) {
        return ERR_NOT_FOUND;
    }
    return r == 0 && !data_may(user.role, DATA_PERMISSION_SESSIONS_WRITE) ? ERR_FORBIDDEN : r;
}

struct create {
    struct data_context *ctx;
    struct data_link wanted;
    struct data_link made; /* result */
};

static int create_fn(struct txn *txn, void *ctx)
{
    struct create *c = ctx;
    const struct scope *scope = &c->ctx->scope;
    struct data_session session;
    struct data_link_list list;
    struct data_usage usage;
    int r = sessions_find(txn, scope, c->wanted.session_id, &session);
    if (r == 0) {
        r = data_usage_get(txn, scope, session.id, &usage);
    }
    if (r == 0 && (uint64_t)c->wanted.at > usage.seq) {
        return ERR_NOT_FOUND;
    }
    if (r == 0) {
        r = made_by(txn, scope, scope->user_id, &list);
    }
    if (r == 0) {
        r = maker_in(txn, scope, scope->user_id);
        r = r == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : r; /* whoever asks goes just now */
    }
    if (r == 0 && list.n >= SESSIONS_MAX_LINKS) {
        return ERR_LIMIT;
    }
    c->made = c->wanted;
    if (r == 0) {
        r = data_link_put(txn, scope, &c->made);
    }
    if (r == 0) {
        struct data_context actor = about(c->ctx, &c->made);
        r = data_audit(txn, &actor, "link.create", session.id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        data_link_copy(c->ctx->arena, &c->made);
    }
    return r;
}

int sessions_link_create(struct data_context *ctx, const struct sessions_link_input *in,
                         struct data_link *ret_link, struct str *ret_token)
{
    ASSERT(in->days >= 1 && in->days <= SESSIONS_LINK_DAYS);
    struct str name;
    int r = data_text_name(ctx, &(struct data_name_rule){.field = "name"}, in->name, &name);
    if (r < 0) {
        return r;
    }
    usec_t now = time_now();
    struct create c = {
        .ctx = ctx,
        .wanted =
            {
                .id = data_id_make(ctx->arena, "lnk"),
                .name = name,
                .session_id = in->session_id,
                .at = (int64_t)in->at,
                .moment_at = in->moment,
                .created_at = now,
                .expires_at = now + in->days * day,
                .tenant_id = ctx->scope.tenant_id,
                .user_id = ctx->scope.user_id,
            },
    };
    struct str token = auth_token_make(ctx->arena, PREFIX, c.wanted.id);
    c.wanted.hash = auth_secret_hash(ctx->arena, token);
    struct store_op op = store_op_new();
    r = store_write(ctx->store, &op, create_fn, &c);
    if (r == ERR_LIMIT) {
        return data_fault(ctx, r, NULL, "You have 100 links. End one first.");
    }
    if (r == 0) {
        *ret_link = c.made;
        *ret_token = token;
    }
    return r;
}

/* ---- Listed ---- */

struct list {
    struct data_context *ctx;
    struct str session_id;
    struct sessions_links links; /* result */
};

static int list_fn(struct txn *txn, void *ctx)
{
    struct list *l = ctx;
    struct data_session session;
    struct data_link_list list;
    int r = sessions_find(txn, &l->ctx->scope, l->session_id, &session);
    if (r == 0) {
        r = leading_to(txn, &l->ctx->scope, l->session_id, &list);
    }
    if (r < 0) {
        return r;
    }
    l->links.at = ARENA_ARRAY(l->ctx->arena, struct data_link, list.n + 1);
    l->links.n = list.n;
    for (size_t i = 0; i < list.n; i++) {
        l->links.at[i] = list.at[i];
        data_link_copy(l->ctx->arena, &l->links.at[i]);
    }
    return 0;
}

int sessions_links_list(struct data_context *ctx, struct str session_id,
                        struct sessions_links *ret_links)
{
    struct list l = {.ctx = ctx, .session_id = session_id};
    int r = store_read(ctx->store, list_fn, &l);
    if (r == 0) {
        *ret_links = l.links;
    }
    return r;
}

/* ---- Ended ---- */

static int end_one(struct txn *txn, const struct data_context *ctx, const struct data_link *link,
                   const char *action)
{
    struct data_context actor = about(ctx, link);
    int r = data_link_delete(txn, &ctx->scope, link->id);
    return r < 0 ? r : data_audit(txn, &actor, action, link->session_id, DATA_OUTCOME_OK);
}

static int end_list(struct txn *txn, const struct data_context *ctx,
                    const struct data_link_list *list)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < list->n; i++) {
        r = end_one(txn, ctx, &list->at[i], "link.delete");
    }
    return r;
}

int sessions_links_end_of(struct txn *txn, const struct data_context *ctx,
                          const struct data_session *session)
{
    struct data_link_list list;
    int r = leading_to(txn, &ctx->scope, session->id, &list);
    return r < 0 ? r : end_list(txn, ctx, &list);
}

int sessions_links_end_all_in(struct txn *txn, const struct data_context *ctx, struct str user_id)
{
    struct data_link_list list;
    int r = made_by(txn, &ctx->scope, user_id, &list);
    return r < 0 ? r : end_list(txn, ctx, &list);
}

struct end {
    const struct data_context *ctx;
    struct str session_id, link_id;
};

static int end_fn(struct txn *txn, void *ctx)
{
    const struct end *e = ctx;
    struct data_session session;
    struct data_link link;
    int r = sessions_find(txn, &e->ctx->scope, e->session_id, &session);
    if (r == 0) {
        r = data_link_get(txn, &e->ctx->scope, e->link_id, &link);
    }
    if (r == 0 && !str_eq(link.session_id, session.id)) {
        return ERR_NOT_FOUND;
    }
    return r < 0 ? r : end_one(txn, e->ctx, &link, "link.delete");
}

int sessions_link_end(struct data_context *ctx, struct str session_id, struct str link_id)
{
    struct end e = {ctx, session_id, link_id};
    struct store_op op = store_op_new();
    op.reserve = true; /* also when the disk is full */
    return store_write(ctx->store, &op, end_fn, &e);
}

/* ---- Used ---- */

struct enter {
    struct data_context *ctx;
    struct str link_id, hash;
    struct sessions_shared shared; /* results */
    struct scope scope;
};

/* What else must hold, with the link's tenant. ERR_NOT_FOUND: it does not. */
static int stands(struct txn *txn, const struct scope *tenant, struct sessions_shared *shared)
{
    int r = maker_in(txn, tenant, shared->link.user_id);
    if (r == ERR_FORBIDDEN) {
        return ERR_NOT_FOUND;
    }
    if (r == 0) {
        r = data_session_get(txn, tenant, shared->link.session_id, &shared->session);
    }
    return r == 0 && shared->session.deleted ? ERR_NOT_FOUND : r;
}

static int enter_fn(struct txn *txn, void *ctx)
{
    struct enter *e = ctx;
    struct arena *arena = e->ctx->arena;
    struct data_link *link = &e->shared.link;
    struct scope tenant;
    int r = data_link_by_id(txn, e->link_id, &tenant);
    if (r == 0) {
        r = data_link_get(txn, &tenant, e->link_id, link);
    }
    if (r == 0 && (!str_eq_constant(link->hash, e->hash) || time_now() >= link->expires_at)) {
        return ERR_UNAUTHENTICATED;
    }
    if (r == 0) {
        r = stands(txn, &tenant, &e->shared);
    }
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : r;
    }
    data_link_copy(arena, link);
    data_session_copy(arena, &e->shared.session);
    e->scope = (struct scope){.tenant_id = arena_str(arena, tenant.tenant_id),
                              .link_session = e->shared.session.id};
    return 0;
}

int sessions_link_enter(struct data_context *ctx, struct str token,
                        struct sessions_shared *ret_shared)
{
    ASSERT(ctx->scope.tenant_id.n == 0);
    struct str link_id = auth_token_id(ctx->arena, PREFIX, "lnk", token);
    if (link_id.n == 0) {
        return ERR_UNAUTHENTICATED;
    }
    struct enter e = {
        .ctx = ctx,
        .link_id = link_id,
        .hash = auth_secret_hash(ctx->arena, token),
    };
    int r = store_read(ctx->store, enter_fn, &e);
    if (r == 0) {
        ctx->scope = e.scope;
        ctx->client.link_id = e.shared.link.id;
        *ret_shared = e.shared;
    }
    return r;
}

int sessions_link_stands(const struct data_context *ctx, const struct sessions_shared *shared)
{
    ARENA_AUTO(arena);
    struct data_context again = {.store = ctx->store, .arena = &arena};
    struct enter e = {.ctx = &again, .link_id = shared->link.id, .hash = shared->link.hash};
    return store_read(ctx->store, enter_fn, &e);
}

/* ---- Ended by their age ---- */

struct purge {
    size_t ended; /* result */
};

static int purge_fn(struct txn *txn, void *ctx)
{
    struct purge *p = ctx;
    struct data_place *places;
    size_t n;
    struct data_query query = {.index = DATA_LINK_BY_EXPIRES, .limit = PURGE};
    p->ended = 0;
    int r = data_places(txn, &data_link_type, &query, &places, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct data_context actor = {.scope = places[i].scope};
        const struct data_link *link = places[i].record;
        if (link->expires_at > time_now()) {
            break;
        }
        r = end_one(txn, &actor, link, "link.expire");
        p->ended += r == 0;
    }
    return r;
}

int sessions_links_purge(struct store *store, size_t *ret_ended)
{
    struct purge p = {0};
    struct store_op op = store_op_new();
    op.reserve = true;
    int r = store_write(store, &op, purge_fn, &p);
    if (r == 0) {
        *ret_ended = p.ended;
    }
    return r;
}
