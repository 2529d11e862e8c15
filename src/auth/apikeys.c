/*
 * Keys of scripts: cdk_{26 digits of the record's id}_{43 characters of base64url}, that is 32 random bytes. The id finds the
 * record; the whole key's SHA-256 is what it is held against. A fast hash is enough: nobody guesses 256 random bits.
 *
 * 1. The key itself is in the reply that makes it and nowhere else.
 * 2. A key is its person's: it has their role of now, and is worth nothing once they are gone.
 */
#include "auth/auth_int.h"

#define PREFIX "cdk_"

static const usec_t day = 24 * 60 * 60 * USEC_PER_SEC;

/* ---- Made, listed, ended ---- */

struct create {
    struct data_context *ctx;
    struct data_apikey wanted;
    struct data_apikey made; /* result */
};

static int create_fn(struct txn *txn, void *ctx)
{
    struct create *c = ctx;
    const struct scope *scope = &c->ctx->scope;
    struct data_query query = {
        .index = DATA_APIKEY_BY_USER, .match = &c->wanted, .fixed = 1, .limit = AUTH_MAX_APIKEYS};
    struct data_apikey_list list;
    int r = auth_actor_in(txn, c->ctx); /* who goes just now takes none along */
    r = r < 0 ? r : data_apikey_list(txn, scope, &query, &list);
    if (r == 0 && list.n >= AUTH_MAX_APIKEYS) {
        return ERR_LIMIT;
    }
    c->made = c->wanted;
    if (r == 0) {
        r = data_apikey_put(txn, scope, &c->made);
    }
    if (r == 0) {
        r = data_audit(txn, c->ctx, "key.create", c->made.id, DATA_OUTCOME_OK);
    }
    if (r < 0) {
        return r;
    }
    data_apikey_copy(c->ctx->arena, &c->made);
    return 0;
}

int auth_apikey_create(struct data_context *ctx, const struct auth_apikey_input *in,
                       struct data_apikey *ret_key, struct str *ret_token)
{
    ASSERT(in->days >= 1 && in->days <= AUTH_APIKEY_DAYS);
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
                .id = data_id_make(ctx->arena, "key"),
                .name = name,
                .access = in->access,
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
        return data_fault(ctx, r, NULL, "You have 50 keys. Delete one first.");
    }
    if (r == 0) {
        *ret_key = c.made;
        *ret_token = token;
    }
    return r;
}

struct list {
    struct data_context *ctx;
    struct data_query query;
    struct data_apikey_list list;
};

static int list_fn(struct txn *txn, void *ctx)
{
    struct list *l = ctx;
    int r = data_apikey_list(txn, &l->ctx->scope, &l->query, &l->list);
    if (r < 0) {
        return r;
    }
    struct arena *arena = l->ctx->arena;
    struct data_apikey *at = ARENA_ARRAY(arena, struct data_apikey, l->list.n + 1);
    for (size_t i = 0; i < l->list.n; i++) {
        at[i] = l->list.at[i];
        data_apikey_copy(arena, &at[i]);
    }
    l->list.at = at;
    l->list.next = arena_str(arena, l->list.next);
    return 0;
}

int auth_apikeys_list(struct data_context *ctx, size_t limit, struct str cursor,
                      struct auth_apikeys *ret_keys)
{
    struct data_apikey match = {.user_id = ctx->scope.user_id};
    struct list l = {
        .ctx = ctx,
        .query =
            {
                .index = DATA_APIKEY_BY_USER,
                .match = &match,
                .fixed = 1,
                .limit = limit,
                .cursor = cursor,
                .reverse = true,
            },
    };
    int r = store_read(ctx->store, list_fn, &l);
    if (r == 0) {
        *ret_keys = (struct auth_apikeys){l.list.at, l.list.n, l.list.next};
    }
    return r;
}

struct revoke {
    const struct data_context *ctx;
    struct str key_id;
};

static int revoke_fn(struct txn *txn, void *ctx)
{
    const struct revoke *v = ctx;
    const struct scope *scope = &v->ctx->scope;
    struct data_apikey key;
    int r = data_apikey_get(txn, scope, v->key_id, &key);
    if (r == 0 && !str_eq(key.user_id, scope->user_id)) {
        return ERR_NOT_FOUND;
    }
    if (r == 0) {
        r = data_apikey_delete(txn, scope, v->key_id);
    }
    return r < 0 ? r : data_audit(txn, v->ctx, "key.delete", v->key_id, DATA_OUTCOME_OK);
}

int auth_apikey_revoke(struct data_context *ctx, struct str key_id)
{
    struct revoke v = {.ctx = ctx, .key_id = key_id};
    struct store_op op = store_op_new();
    op.reserve = true;
    return store_write(ctx->store, &op, revoke_fn, &v);
}

int auth_apikeys_end_all(struct txn *txn, const struct data_context *ctx, const struct scope *scope)
{
    struct data_apikey match = {.user_id = scope->user_id};
    struct data_query query = {
        .index = DATA_APIKEY_BY_USER, .match = &match, .fixed = 1, .limit = AUTH_MAX_APIKEYS};
    struct data_apikey_list list;
    int r = data_apikey_list(txn, scope, &query, &list);
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        r = data_apikey_delete(txn, scope, list.at[i].id);
        if (r == 0) {
            r = data_audit(txn, ctx, "key.delete", list.at[i].id, DATA_OUTCOME_OK);
        }
    }
    return r;
}

/* ---- Used ---- */

bool auth_apikey_is(struct str bearer)
{
    return str_starts(bearer, STR(PREFIX));
}

/* The key, its person and their place, as long as it is good. ERR_UNAUTHENTICATED: it is not. */
static int find_good(struct txn *txn, struct str key_id, struct data_apikey *ret_key,
                     struct scope *ret_scope)
{
    struct data_user user;
    int r = data_apikey_by_id(txn, key_id, ret_scope);
    if (r == 0) {
        r = data_apikey_get(txn, ret_scope, key_id, ret_key);
    }
    if (r == 0) {
        r = data_user_get(txn, ret_scope, ret_key->user_id, &user);
    }
    if (r == ERR_NOT_FOUND) {
        return ERR_UNAUTHENTICATED;
    }
    if (r < 0) {
        return r;
    }
    ret_scope->user_id = user.id;
    ret_scope->role = user.role;
    return user.removed_at != 0 || time_now() >= ret_key->expires_at ? ERR_UNAUTHENTICATED : 0;
}

int auth_apikey_still_in(struct txn *txn, struct str key_id, struct scope *scope)
{
    struct data_apikey key;
    struct scope found;
    int r = find_good(txn, key_id, &key, &found);
    if (r == 0 &&
        (!str_eq(found.tenant_id, scope->tenant_id) || !str_eq(found.user_id, scope->user_id))) {
        return ERR_UNAUTHENTICATED;
    }
    if (r == 0) {
        scope->role = found.role;
    }
    return r;
}

struct use {
    struct str key_id, hash;
    struct scope scope; /* result */
    struct arena *arena;
    struct data_apikey key;
};

static int use_fn(struct txn *txn, void *ctx)
{
    struct use *u = ctx;
    struct scope scope;
    int r = find_good(txn, u->key_id, &u->key, &scope);
    if (r < 0) {
        return r;
    }
    if (!str_eq_constant(u->key.hash, u->hash)) {
        return ERR_UNAUTHENTICATED;
    }
    u->scope = auth_scope_copy(u->arena, &scope);
    return 0;
}

int auth_apikey_authenticate(struct auth *a, struct data_context *ctx, struct str bearer,
                             enum data_apikey_access *ret_access)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct str key_id = auth_token_id(ctx->arena, PREFIX, "key", bearer);
    if (key_id.n == 0) {
        return ERR_UNAUTHENTICATED;
    }
    struct use u = {
        .key_id = key_id,
        .hash = auth_secret_hash(ctx->arena, bearer),
        .arena = ctx->arena,
    };
    int r = store_read(a->store, use_fn, &u);
    if (r < 0) {
        return r;
    }
    usec_t now = time_now();
    if (now - u.key.last_used_at >= AUTH_ACCESS_EVERY) {
        auth_note_add(
            a, &(struct auth_note){.scope = {.tenant_id = u.scope.tenant_id, .login_id = u.key_id},
                                   .access = now});
    }
    ctx->scope = u.scope;
    ctx->client.key_id = u.key_id;
    *ret_access = u.key.access;
    return 0;
}

int auth_apikey_touch(struct txn *txn, const struct scope *scope, struct str key_id, usec_t used)
{
    struct data_apikey key;
    int r = data_apikey_get(txn, scope, key_id, &key);
    if (r < 0) {
        return r == ERR_NOT_FOUND || data_unreadable(r) ? 0 : r; /* as of logins */
    }
    key.last_used_at = used > key.last_used_at ? used : key.last_used_at;
    return data_apikey_put(txn, scope, &key);
}

/* ---- Ended by their age ---- */

static int expire_one(struct txn *txn, const struct data_place *place,
                      const struct data_apikey *key)
{
    struct data_context actor = {
        .scope = {.tenant_id = place->scope.tenant_id, .user_id = key->user_id},
        .client.nobody = true};
    int r = data_apikey_delete(txn, &place->scope, place->id);
    return r < 0 ? r : data_audit(txn, &actor, "key.expire", place->id, DATA_OUTCOME_OK);
}

int auth_apikeys_expire(struct txn *txn, size_t limit, size_t *ended)
{
    struct data_place *places;
    size_t n;
    struct data_query query = {.index = DATA_APIKEY_BY_EXPIRES, .limit = limit};
    int r = data_places(txn, &data_apikey_type, &query, &places, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct data_apikey *key = places[i].record;
        if (key->expires_at > time_now()) {
            break;
        }
        r = expire_one(txn, &places[i], key);
        *ended += r == 0;
    }
    return r;
}
