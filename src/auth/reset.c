/*
 * Another password for somebody who forgot theirs: a link that somebody else gives them, or that comes by e-mail.
 *     token  {tenant}.{reset}.{secret}
 * As of invitations, the store has a hash of the secret alone.
 *
 * 1. A person has one link at most; a newer one takes its place, and it goes with the next change of the password or the address:
 *    who reads the old one's mail is nobody to them.
 * 2. Whatever is wrong with a token (forged, used, replaced, too old, the person gone, who made it no longer above them) is the same answer, before any hashing.
 * 3. It is used up in the transaction that sets the password, which also ends all logins and keys: whoever knew the old one is
 *    out.
 */
#include "auth/auth_int.h"

static const usec_t life = AUTH_RESET_MINUTES * 60 * USEC_PER_SEC;

static struct str id_of(struct arena *arena, struct str user_id)
{
    return arena_printf(arena, "rst" STR_FMT, STR_ARG(str_slice(user_id, 3, user_id.n)));
}

/* ---- Set, by whatever way ---- */

int auth_reset_forget_in(struct txn *txn, const struct scope *scope, struct str user_id)
{
    int r = data_reset_delete(txn, scope, id_of(store_arena(txn), user_id));
    return r == ERR_NOT_FOUND ? 0 : r;
}

int auth_password_put_in(struct txn *txn, const struct data_context *ctx, struct data_user *user,
                         const struct auth_new_password *in)
{
    const struct scope scope = {.tenant_id = user->tenant_id, .user_id = user->id};
    struct data_context actor = *ctx;
    actor.scope = scope;
    user->password = in->hash;
    user->password_changed_at = user->updated_at = time_now();
    user->revision++;
    int r = auth_user_put_in(txn, &scope, user);
    if (r == 0) {
        r = auth_reset_forget_in(txn, &scope, user->id);
    }
    if (r == 0) {
        r = auth_login_end_all(txn, &actor, &scope, STR_EMPTY);
    }
    r = r < 0 ? r : auth_apikeys_end_all(txn, &actor, &scope);
    return r < 0 ? r : data_audit(txn, &actor, in->action, user->id, DATA_OUTCOME_OK);
}

/* ---- Made ---- */

int auth_reset_make_in(struct txn *txn, const struct auth_reset_making *in,
                       struct auth_reset *ret_reset)
{
    struct arena *arena = in->arena;
    struct data_reset before;
    usec_t now = time_now();
    int r = data_reset_get(txn, in->scope, id_of(arena, in->user_id), &before);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    bool handed_over = r == 0 && before.created_by.n > 0 && before.expires_at > now;
    if (handed_over && in->created_by.n == 0) {
        return ERR_NOT_FOUND;
    }
    struct str secret = auth_secret_make(arena);
    struct data_reset reset = {
        .id = id_of(arena, in->user_id),
        .created_by = in->created_by,
        .created_at = now,
        .expires_at = now + life,
        .hash = auth_secret_hash(arena, secret),
    };
    r = data_reset_put(txn, in->scope, &reset);
    if (r == 0) {
        ret_reset->token =
            arena_printf(arena, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(in->scope->tenant_id),
                         STR_ARG(reset.id), STR_ARG(secret));
        ret_reset->expires_at = reset.expires_at;
    }
    return r;
}

struct making {
    struct data_context *ctx;
    struct str user_id;
    struct auth_reset reset; /* result */
};

static int make_fn(struct txn *txn, void *ctx)
{
    struct making *m = ctx;
    struct data_context *by = m->ctx;
    struct data_user user;
    int r = auth_actor_in(txn, by);
    r = r < 0 ? r : data_user_get(txn, &by->scope, m->user_id, &user);
    if (r == 0 && user.removed_at != 0) {
        return ERR_NOT_FOUND;
    }
    if (r == 0 && !auth_role_reaches(by->scope.role, user.role)) {
        return data_fault(by, ERR_FORBIDDEN, NULL, "Only an owner changes an owner.");
    }
    const struct auth_reset_making making = {.arena = by->arena,
                                             .scope = &by->scope,
                                             .user_id = m->user_id,
                                             .created_by = by->scope.user_id};
    r = r < 0 ? r : auth_reset_make_in(txn, &making, &m->reset);
    return r < 0 ? r : data_audit(txn, by, "reset.create", user.id, DATA_OUTCOME_OK);
}

int auth_member_reset(struct data_context *ctx, struct str user_id, struct auth_reset *ret_reset)
{
    if (str_eq(user_id, ctx->scope.user_id)) {
        return data_fault(ctx, ERR_CONFLICT, NULL, "Change your own password in your settings.");
    }
    if (!data_id_is(user_id, "usr")) {
        return ERR_NOT_FOUND;
    }
    struct making m = {.ctx = ctx, .user_id = user_id};
    struct store_op op = store_op_new();
    int r = store_write(ctx->store, &op, make_fn, &m);
    if (r == 0) {
        *ret_reset = m.reset;
    }
    return r;
}

/* ---- Used ---- */

struct use {
    struct data_context *ctx;
    struct scope scope; /* as the token says: tenant and person */
    struct str reset_id;
    struct str hash;       /* of the token's secret */
    struct str password;   /* the new one's hash; empty: only a look */
    struct data_user user; /* result */
};

static int refuse(struct data_context *ctx)
{
    return data_fault(ctx, ERR_FORBIDDEN, NULL,
                      "This link does not hold: it was used, replaced, or is too old.");
}

/* ERR_NOT_FOUND: it is no token. */
static int read_token(struct use *u, struct str token)
{
    struct str parts[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        if (!str_split(&token, '.', &parts[i])) {
            return ERR_NOT_FOUND;
        }
    }
    if (token.p || !data_id_is(parts[0], "ten") || !data_id_is(parts[1], "rst")) {
        return ERR_NOT_FOUND;
    }
    struct arena *arena = u->ctx->arena;
    u->reset_id = parts[1];
    u->scope.tenant_id = parts[0];
    u->scope.user_id =
        arena_printf(arena, "usr" STR_FMT, STR_ARG(str_slice(parts[1], 3, parts[1].n)));
    u->hash = auth_secret_hash(arena, parts[2]);
    return 0;
}

/* ERR_NOT_FOUND: whoever handed the link over could not do so now. One by e-mail, or from the operator, is nobody else's. */
static int giver_in(struct txn *txn, const struct use *u, struct str created_by)
{
    if (created_by.n == 0 || str_eq(created_by, u->user.id)) {
        return 0;
    }
    return auth_giver_in(
        txn, &u->scope,
        &(struct auth_giving){created_by, DATA_PERMISSION_TENANT_MANAGE, u->user.role});
}

static int use_fn(struct txn *txn, void *ctx)
{
    struct use *u = ctx;
    struct data_reset reset;
    int r = data_reset_get(txn, &u->scope, u->reset_id, &reset);
    if (r == 0 && (!str_eq_constant(reset.hash, u->hash) || reset.expires_at <= time_now())) {
        return ERR_NOT_FOUND;
    }
    r = r < 0 ? r : data_user_get(txn, &u->scope, u->scope.user_id, &u->user);
    if (r == 0 && u->user.removed_at != 0) {
        return ERR_NOT_FOUND;
    }
    r = r < 0 ? r : giver_in(txn, u, reset.created_by);
    if (r == 0 && u->password.n > 0) {
        r = auth_password_put_in(txn, u->ctx, &u->user,
                                 &(struct auth_new_password){u->password, "user.reset"});
    }
    if (r == 0) {
        data_user_copy(u->ctx->arena, &u->user);
    }
    return r;
}

/* Like a login: by the address that it comes from. */
static int limited(struct auth *a, struct data_context *ctx)
{
    return auth_limit_request(a, ctx, AUTH_LIMIT_LOGIN,
                              auth_limit_network(ctx->arena, ctx->client.address));
}

int auth_reset_use(struct auth *a, struct data_context *ctx, const struct auth_reset_input *in)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct use u = {.ctx = ctx};
    int r = limited(a, ctx);
    if (r < 0) {
        return r;
    }
    r = read_token(&u, in->token);
    r = r < 0 ? r : store_read(ctx->store, use_fn, &u);
    if (r == ERR_NOT_FOUND) {
        return refuse(ctx);
    }
    r = r < 0 ? r : auth_password_check(ctx, "new_password", in->new_password, u.user.email);
    char hash[AUTH_HASH_ROOM];
    r = r < 0 ? r : auth_password_hash(a, in->new_password, hash);
    if (r < 0) {
        return r;
    }
    u.password = str_from(hash);
    struct store_op op = store_op_new();
    op.reserve = true; /* who cannot come in cannot delete anything */
    r = store_write(ctx->store, &op, use_fn, &u);
    return r == ERR_NOT_FOUND ? refuse(ctx) : r;
}

/* ---- Too old ---- */

int auth_resets_expire(struct txn *txn, size_t limit)
{
    struct data_place *places;
    size_t n;
    struct data_query query = {.index = DATA_RESET_BY_EXPIRES, .limit = limit};
    int r = data_places(txn, &data_reset_type, &query, &places, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct data_reset *reset = places[i].record;
        if (reset->expires_at > time_now()) {
            break;
        }
        r = data_reset_delete(txn, &places[i].scope, places[i].id);
    }
    return r;
}
