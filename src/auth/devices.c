/* Devices: the logins of a person; ending one, or all. */
#include "auth/auth_int.h"
#include "replies.gen.h"

struct devices {
    struct data_context *ctx;
    struct data_query query;
    struct data_login_list list;
};

static int list_fn(struct txn *txn, void *ctx)
{
    struct devices *d = ctx;
    int r = data_login_list(txn, &d->ctx->scope, &d->query, &d->list);
    if (r < 0) {
        return r;
    }
    struct arena *arena = d->ctx->arena;
    struct data_login *at = ARENA_ARRAY(arena, struct data_login, d->list.n + 1);
    for (size_t i = 0; i < d->list.n; i++) {
        at[i] = d->list.at[i];
        data_login_copy(arena, &at[i]);
    }
    d->list.at = at;
    d->list.next = arena_str(arena, d->list.next);
    return 0;
}

int auth_devices_list(struct data_context *ctx, size_t limit, struct str cursor,
                      struct auth_devices *ret_devices)
{
    struct data_login match = {.user_id = ctx->scope.user_id};
    struct devices d = {
        .ctx = ctx,
        .query =
            {
                .index = DATA_LOGIN_BY_USER,
                .match = &match,
                .fixed = 1,
                .limit = limit,
                .cursor = cursor,
                .reverse = true,
            },
    };
    int r = store_read(ctx->store, list_fn, &d);
    if (r == 0) {
        *ret_devices = (struct auth_devices){d.list.at, d.list.n, d.list.next};
    }
    return r;
}

struct anybody {
    struct data_context *ctx;
    bool found;
};

/* One for reading starts nothing and holds nothing open. */
static bool has_key_that_writes(const struct data_apikey_list *keys)
{
    size_t i = 0;
    while (i < keys->n && keys->at[i].access != DATA_APIKEY_ACCESS_WRITE) {
        i++;
    }
    return i < keys->n;
}

static int anybody_fn(struct txn *txn, void *ctx)
{
    struct anybody *a = ctx;
    const struct scope *scope = &a->ctx->scope;
    struct data_login login = {.user_id = scope->user_id};
    struct data_query query = {
        .index = DATA_LOGIN_BY_USER, .match = &login, .fixed = 1, .limit = 1};
    struct data_login_list logins;
    int r = data_login_list(txn, scope, &query, &logins);
    if (r < 0) {
        return r;
    }
    struct data_apikey key = {.user_id = scope->user_id};
    query.index = DATA_APIKEY_BY_USER;
    query.match = &key;
    query.limit = AUTH_MAX_APIKEYS;
    struct data_apikey_list keys;
    r = data_apikey_list(txn, scope, &query, &keys);
    if (r < 0) {
        return r;
    }
    a->found = logins.n > 0 || has_key_that_writes(&keys);
    return 0;
}

int auth_anybody_in(struct data_context *ctx, bool *ret_anybody)
{
    struct anybody a = {.ctx = ctx};
    int r = store_read(ctx->store, anybody_fn, &a);
    if (r == 0) {
        *ret_anybody = a.found;
    }
    return r;
}

void auth_device_write(struct json_writer *w, const struct data_context *ctx,
                       const struct data_login *login)
{
    struct reply_device device = reply_device_begin(w);
    reply_device_record(&device, login);
    reply_device_current(&device, str_eq(login->id, ctx->scope.login_id));
    reply_device_end(&device);
}

struct end {
    struct data_context *ctx;
    struct scope scope; /* tenant, and the login meant */
    struct str user_id; /* whose login it must be; empty: whoever's */
    bool everywhere;
};

static int end_fn(struct txn *txn, void *ctx)
{
    struct end *e = ctx;
    struct scope scope = e->scope;
    int r = scope.tenant_id.n > 0 ? 0 : data_login_by_id(txn, e->scope.login_id, &scope);
    struct data_login login;
    if (r == 0) {
        r = data_login_get(txn, &scope, scope.login_id, &login);
    }
    if (r == 0 && e->user_id.n > 0 && !str_eq(login.user_id, e->user_id)) {
        return ERR_NOT_FOUND;
    }
    if (r < 0) {
        return r;
    }
    struct data_context actor = *e->ctx;
    actor.scope = (struct scope){
        .tenant_id = login.tenant_id, .user_id = login.user_id, .login_id = login.id};
    if (e->user_id.n > 0) {
        actor.scope.login_id = e->ctx->scope.login_id;
    }
    return e->everywhere ? auth_login_end_all(txn, &actor, &actor.scope, STR_EMPTY)
                         : auth_login_end(txn, &actor, "login.end", &login);
}

static int end(struct end *e)
{
    struct store_op op = store_op_new();
    op.reserve = true;
    return store_write(e->ctx->store, &op, end_fn, e);
}

int auth_devices_revoke(struct auth *a, struct data_context *ctx, struct str login_id)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct end e = {
        .ctx = ctx,
        .scope = {.tenant_id = ctx->scope.tenant_id, .login_id = login_id},
        .user_id = ctx->scope.user_id,
    };
    return end(&e);
}

int auth_logout(struct auth *a, struct data_context *ctx, bool everywhere)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct end e = {
        .ctx = ctx,
        .scope = {.tenant_id = ctx->scope.tenant_id, .login_id = ctx->scope.login_id},
        .user_id = ctx->scope.user_id,
        .everywhere = everywhere,
    };
    int r = end(&e);
    return r == ERR_NOT_FOUND ? 0 : r;
}

int auth_logout_token(struct auth *a, struct data_context *ctx, struct str refresh_token,
                      bool everywhere)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct end e = {.ctx = ctx, .everywhere = everywhere};
    int64_t counter;
    int r = auth_refresh_read(a, refresh_token, &e.scope.login_id, &counter);
    r = r < 0 ? r : auth_limit_request(a, ctx, AUTH_LIMIT_REFRESH, e.scope.login_id);
    if (r < 0) {
        return r;
    }
    r = end(&e);
    return r == ERR_NOT_FOUND ? 0 : r;
}
