/*
 * The second step of a login: a code of an authenticator app (totp.c), or one of the recovery codes that stand in for a lost one.
 *
 * 1. It is asked for only after the right password, so that it tells nobody whether an account exists.
 * 2. A code is good once: the transaction that makes the login keeps the step of the code, and refuses it and older ones from
 *    then on; a recovery code is deleted there. Of two logins with one code, one fails.
 * 3. Wrong codes are counted by account and network: who knows the password and tries codes keeps nobody out who comes from
 *    elsewhere. Against many networks those of an app are also counted by account alone: 30, then one in 2 minutes, is hopeless
 *    against a million codes. Neither a network in which the person is logged in is subject to that, nor a recovery code, which
 *    nobody guesses: the owner always has a way in.
 * 4. user.two_factor_at is set if and only if there is a confirmed record.
 */
#include <sodium.h>

#include "auth/auth_int.h"
#include "base/encode.h"
#include "base/rand.h"

enum {
    KEY = 20, /* RFC 4226 section 4, R6 */
    RECOVERY = 10,
    RECOVERY_DIGITS = 16,
    HASH_TEXT = 2 * crypto_hash_sha256_BYTES,
    HASHES_MOST = AUTH_RECOVERY_CODES * (HASH_TEXT + 1),
};

static const usec_t patience = AUTH_ENROL_MINUTES * 60 * USEC_PER_SEC;

/* The record's id has the digits of the person's. */
static struct str id_of(struct arena *arena, struct str user_id)
{
    return arena_printf(arena, "otp" STR_FMT, STR_ARG(str_slice(user_id, 3, user_id.n)));
}

/* ---- Recovery codes ---- */

/* 80 random bits: enough for a fast hash. */
static struct str recovery_make(struct arena *arena)
{
    uint8_t bytes[RECOVERY];
    rand_bytes(bytes, sizeof bytes);
    struct str digits = auth_base32(arena, str_of(bytes, sizeof bytes));
    char *text = arena_alloc(arena, RECOVERY_DIGITS + 4);
    size_t n = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (i > 0 && i % 4 == 0) {
            text[n++] = '-';
        }
        text[n++] = (char)(digits.p[i] >= 'A' ? digits.p[i] - 'A' + 'a' : digits.p[i]);
    }
    return str_of(text, n);
}

/* As people type it: capitals, spaces and hyphens do not count. Empty: more than any code has. */
static struct str plain_code(struct arena *arena, struct str typed)
{
    char *text = arena_alloc(arena, AUTH_CODE_MAX);
    size_t n = 0;
    for (size_t i = 0; i < typed.n; i++) {
        char c = typed.p[i];
        if (c == ' ' || c == '-') {
            continue;
        }
        if (n == AUTH_CODE_MAX) {
            return STR_EMPTY;
        }
        text[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return str_of(text, n);
}

/* Bound to the person, so that equal codes of two have different hashes. */
static struct str recovery_hash(struct arena *arena, struct str user_id, struct str plain)
{
    return auth_secret_hash(
        arena, arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(user_id), STR_ARG(plain)));
}

/* hashes without the one; ERR_BAD_CODE: it is not among them. */
static int recovery_take(struct arena *arena, struct str hashes, struct str hash,
                         struct str *ret_left)
{
    BUF_AUTO(left, HASHES_MOST);
    bool found = false;
    struct str one;
    while (str_split(&hashes, ' ', &one)) {
        if (str_eq_constant(one, hash)) {
            found = true;
            continue;
        }
        buf_add(&left, left.n > 0 ? STR(" ") : STR_EMPTY);
        buf_add(&left, one);
    }
    ASSERT(left.error == 0);
    if (found) {
        *ret_left = arena_str(arena, buf_str(&left));
    }
    return found ? 0 : ERR_BAD_CODE;
}

/* ---- Read and checked outside of the transaction that uses it ---- */

struct read {
    struct arena *arena;
    struct scope scope;
    struct str network;    /* of who asks */
    struct data_totp totp; /* results */
    bool at_home;          /* the person is logged in there */
};

static int look_home(struct txn *txn, struct read *d)
{
    const struct data_login match = {.user_id = d->scope.user_id};
    const struct data_query query = {.index = DATA_LOGIN_BY_USER,
                                     .match = &match,
                                     .fixed = 1,
                                     .limit = DATA_MAX_LIST,
                                     .reverse = true};
    struct data_login_list logins;
    int r = data_login_list(txn, &d->scope, &query, &logins);
    d->at_home = false;
    for (size_t i = 0; r == 0 && i < logins.n && !d->at_home; i++) {
        d->at_home = str_eq(auth_limit_network(store_arena(txn), logins.at[i].address), d->network);
    }
    return r;
}

static int read_fn(struct txn *txn, void *ctx)
{
    struct read *d = ctx;
    int r = d->network.n > 0 ? look_home(txn, d) : 0;
    r = r < 0 ? r
              : data_totp_get(txn, &d->scope, id_of(store_arena(txn), d->scope.user_id), &d->totp);
    if (r == 0) {
        data_totp_copy(d->arena, &d->totp);
    }
    return r;
}

static int read_of(struct data_context *ctx, const struct scope *scope, struct data_totp *ret_totp)
{
    struct read d = {.arena = ctx->arena, .scope = *scope};
    int r = store_read(ctx->store, read_fn, &d);
    if (r == 0) {
        *ret_totp = d.totp;
    }
    return r;
}

/* ERR_RATE_LIMITED: too many wrong ones. Tokens come back (give_back) unless a code was wrong. */
static int limited(struct auth *a, struct data_context *ctx, struct str user_id)
{
    return auth_limit_request(a, ctx, AUTH_LIMIT_CODE, auth_limit_of(ctx, user_id));
}

/* The same of the account alone: an app's code from a network in which the person is not logged in. */
static bool is_counted_by_account(const struct read *d, struct str plain)
{
    return plain.n == AUTH_CODE_DIGITS && !d->at_home;
}

static void give_back(struct auth *a, struct data_context *ctx, struct str user_id, bool account)
{
    auth_limit_return(a, AUTH_LIMIT_CODE, auth_limit_of(ctx, user_id));
    if (account) {
        auth_limit_return(a, AUTH_LIMIT_APP_CODE, user_id);
    }
}

/* The step of a right code of the app. */
static bool find_step(const struct data_totp *totp, struct str plain, int64_t *ret_step)
{
    BUF_AUTO(key, KEY);
    if (encode_unhex(&key, totp->key) < 0) {
        return false;
    }
    int64_t step;
    bool right = auth_totp_find(buf_str(&key), plain, time_now(), &step) && step > totp->step;
    sodium_memzero(key.p, key.n);
    if (right) {
        *ret_step = step;
    }
    return right;
}

int auth_second_check(struct auth *a, struct data_context *ctx, const struct auth_second_try *in,
                      struct auth_second *ret_second)
{
    const struct data_user *user = in->user;
    struct auth_second second = {.asked = user->two_factor_at != 0};
    if (!second.asked) {
        *ret_second = second;
        return 0;
    }
    if (in->code.n == 0) {
        return ERR_CODE_NEEDED;
    }
    struct read d = {.arena = ctx->arena,
                     .scope = {.tenant_id = user->tenant_id, .user_id = user->id},
                     .network = auth_limit_network(ctx->arena, ctx->client.address)};
    int r = limited(a, ctx, user->id);
    if (r < 0) {
        return r;
    }
    r = store_read(ctx->store, read_fn, &d);
    if (r < 0) {
        give_back(a, ctx, user->id, /* account= */ false);
        return r == ERR_NOT_FOUND ? ERR_CODE_NEEDED : r; /* turned off just now */
    }
    struct str plain = plain_code(ctx->arena, in->code);
    bool by_account = is_counted_by_account(&d, plain);
    r = by_account ? auth_limit_request(a, ctx, AUTH_LIMIT_APP_CODE, user->id) : 0;
    if (r < 0) { /* nothing was compared: the network keeps its tries of recovery codes */
        give_back(a, ctx, user->id, /* account= */ false);
        return r;
    }
    struct str left;
    second.key = d.totp.key;
    second.recovery = recovery_hash(ctx->arena, user->id, plain);
    if (find_step(&d.totp, plain, &second.step)) {
        second.recovery = STR_EMPTY;
    } else if (recovery_take(ctx->arena, d.totp.recovery, second.recovery, &left) < 0) {
        auth_denial_add(a, ctx, "login.code", user);
        return data_fault(ctx, ERR_BAD_CODE, "code",
                          "This code is not right, or it was used before.");
    }
    give_back(a, ctx, user->id, by_account);
    *ret_second = second;
    return 0;
}

int auth_second_use_in(struct txn *txn, const struct data_context *ctx, const struct scope *scope,
                       const struct auth_second *second)
{
    if (!second->asked) {
        return 0;
    }
    struct arena *arena = store_arena(txn);
    struct data_totp totp;
    int r = data_totp_get(txn, scope, id_of(arena, scope->user_id), &totp);
    if (r == ERR_NOT_FOUND || (r == 0 && !str_eq(totp.key, second->key))) {
        return ERR_BAD_CODE; /* of an app that is not asked any more */
    }
    if (r < 0) {
        return r;
    }
    if (second->recovery.n > 0) {
        r = recovery_take(arena, totp.recovery, second->recovery, &totp.recovery);
    } else if (second->step <= totp.step) {
        r = ERR_BAD_CODE;
    } else {
        totp.step = second->step;
    }
    r = r < 0 ? r : data_totp_put(txn, scope, &totp);
    if (r == 0 && second->recovery.n > 0) {
        struct data_context actor = *ctx;
        actor.scope = *scope;
        r = data_audit(txn, &actor, "totp.recovery", scope->user_id, DATA_OUTCOME_OK);
    }
    return r;
}

/* ---- Turned on ---- */

struct change {
    struct data_context *ctx;
    struct str user_id;
    struct str password;   /* the hash that was proved; empty: nothing was */
    struct data_totp totp; /* begin: what is put; confirm: what was read */
    struct str recovery;   /* confirm */
    int64_t step;          /* confirm */
    const char *action;
    struct data_user user; /* result */
};

static int user_of(struct txn *txn, struct change *c)
{
    int r = data_user_get(txn, &c->ctx->scope, c->user_id, &c->user);
    if (r == 0 && c->user.removed_at != 0) {
        return ERR_NOT_FOUND;
    }
    if (r == 0 && c->password.n > 0 && !str_eq(c->user.password, c->password)) {
        return ERR_BAD_CREDENTIALS;
    }
    return r;
}

static int changed(struct txn *txn, struct change *c)
{
    c->user.updated_at = time_now();
    c->user.revision++;
    int r = auth_user_put_in(txn, &c->ctx->scope, &c->user);
    r = r < 0 ? r : data_audit(txn, c->ctx, c->action, c->user.id, DATA_OUTCOME_OK);
    if (r == 0) {
        data_user_copy(c->ctx->arena, &c->user);
    }
    return r;
}

static int begin_fn(struct txn *txn, void *ctx)
{
    struct change *c = ctx;
    int r = user_of(txn, c);
    if (r == 0 && c->user.two_factor_at != 0) {
        return ERR_EXISTS;
    }
    struct data_totp totp = c->totp;
    r = r < 0 ? r : data_totp_put(txn, &c->ctx->scope, &totp);
    return r < 0 ? r : data_audit(txn, c->ctx, "totp.begin", c->user.id, DATA_OUTCOME_OK);
}

int auth_totp_begin(struct auth *a, struct data_context *ctx, struct str password,
                    struct auth_totp_new *ret_new)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct arena *arena = ctx->arena;
    struct data_user user;
    int r = auth_password_prove(a, ctx, &(struct auth_proof){password, "password", "totp.begin"},
                                &user);
    if (r < 0) {
        return r;
    }
    uint8_t key[KEY];
    BUF_AUTO(hex, KEY * 2);
    rand_bytes(key, sizeof key);
    encode_hex(&hex, str_of(key, sizeof key));
    struct change c = {
        .ctx = ctx,
        .user_id = user.id,
        .password = user.password,
        .totp = {.id = id_of(arena, user.id), .begun_at = time_now(), .key = buf_str(&hex)},
    };
    struct store_op op = store_op_new();
    r = store_write(ctx->store, &op, begin_fn, &c);
    if (r == 0) {
        struct str secret = auth_base32(arena, str_of(key, sizeof key));
        *ret_new = (struct auth_totp_new){secret, auth_totp_uri(arena, user.email, secret)};
    }
    sodium_memzero(key, sizeof key);
    if (r == ERR_EXISTS) {
        return data_fault(ctx, r, NULL, "Your logins ask for a code already. Turn that off first.");
    }
    return r;
}

static int confirm_fn(struct txn *txn, void *ctx)
{
    struct change *c = ctx;
    struct data_totp totp;
    int r = user_of(txn, c);
    r = r < 0 ? r : data_totp_get(txn, &c->ctx->scope, c->totp.id, &totp);
    if (r == 0 && (totp.confirmed_at != 0 || !str_eq(totp.key, c->totp.key))) {
        return ERR_CONFLICT;
    }
    if (r < 0) {
        return r;
    }
    totp.confirmed_at = time_now();
    totp.step = c->step;
    totp.recovery = c->recovery;
    r = data_totp_put(txn, &c->ctx->scope, &totp);
    c->user.two_factor_at = totp.confirmed_at;
    return r < 0 ? r : changed(txn, c);
}

/* ERR_NOT_FOUND: nothing was begun, or too long ago; ERR_EXISTS, ERR_BAD_CODE. */
static int confirm_check(struct auth *a, struct data_context *ctx, struct str code,
                         struct change *c)
{
    int r = read_of(ctx, &ctx->scope, &c->totp);
    if (r == 0 && c->totp.confirmed_at != 0) {
        return data_fault(ctx, ERR_EXISTS, NULL, "Your logins ask for a code already.");
    }
    if (r == 0 && time_now() - c->totp.begun_at > patience) {
        return ERR_NOT_FOUND;
    }
    r = r < 0 ? r : limited(a, ctx, ctx->scope.user_id);
    if (r < 0) {
        return r;
    }
    if (!find_step(&c->totp, plain_code(ctx->arena, code), &c->step)) {
        return data_fault(ctx, ERR_BAD_CODE, "code",
                          "This is not what the app shows. Are the clocks of both right?");
    }
    give_back(a, ctx, ctx->scope.user_id, /* account= */ false);
    return 0;
}

int auth_totp_confirm(struct auth *a, struct data_context *ctx, struct str code,
                      struct auth_recovery *ret_recovery)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct arena *arena = ctx->arena;
    struct change c = {.ctx = ctx, .user_id = ctx->scope.user_id, .action = "totp.enable"};
    int r = confirm_check(a, ctx, code, &c);
    if (r < 0) {
        return r;
    }
    struct auth_recovery recovery;
    BUF_AUTO(hashes, HASHES_MOST);
    for (size_t i = 0; i < AUTH_RECOVERY_CODES; i++) {
        recovery.codes[i] = recovery_make(arena);
        buf_add(&hashes, i > 0 ? STR(" ") : STR_EMPTY);
        buf_add(&hashes, recovery_hash(arena, c.user_id, plain_code(arena, recovery.codes[i])));
    }
    ASSERT(hashes.error == 0);
    c.recovery = buf_str(&hashes);
    struct store_op op = store_op_new();
    r = store_write(ctx->store, &op, confirm_fn, &c);
    if (r == 0) {
        *ret_recovery = recovery;
    }
    return r;
}

/* ---- Shown ---- */

int auth_totp_get(struct data_context *ctx, struct auth_totp_state *ret_state)
{
    struct data_totp totp;
    int r = read_of(ctx, &ctx->scope, &totp);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    struct auth_totp_state state = {.since = r == 0 ? totp.confirmed_at : 0};
    struct str one;
    while (state.since != 0 && str_split(&totp.recovery, ' ', &one)) {
        state.recovery_left += one.n > 0;
    }
    *ret_state = state;
    return 0;
}

/* ---- Turned off ---- */

int auth_second_forget_in(struct txn *txn, const struct scope *scope, struct data_user *user)
{
    int r = data_totp_delete(txn, scope, id_of(store_arena(txn), user->id));
    user->two_factor_at = 0;
    return r;
}

static int end_fn(struct txn *txn, void *ctx)
{
    struct change *c = ctx;
    int r = auth_actor_in(txn, c->ctx);
    r = r < 0 ? r : user_of(txn, c);
    if (r == 0 && !auth_role_reaches(c->ctx->scope.role, c->user.role)) {
        return data_fault(c->ctx, ERR_FORBIDDEN, NULL, "Only an owner changes an owner.");
    }
    r = r < 0 ? r : auth_second_forget_in(txn, &c->ctx->scope, &c->user);
    return r < 0 ? r : changed(txn, c);
}

int auth_totp_end(struct auth *a, struct data_context *ctx, struct str password)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct data_user user;
    int r = auth_password_prove(a, ctx, &(struct auth_proof){password, "password", "totp.disable"},
                                &user);
    if (r < 0) {
        return r;
    }
    struct change c = {
        .ctx = ctx, .user_id = user.id, .password = user.password, .action = "totp.disable"};
    struct store_op op = store_op_new();
    op.reserve = true;
    return store_write(ctx->store, &op, end_fn, &c);
}

int auth_member_totp_end(struct data_context *ctx, struct str user_id)
{
    if (str_eq(user_id, ctx->scope.user_id)) {
        return data_fault(ctx, ERR_CONFLICT, NULL,
                          "Turn off your own in your settings, with your password.");
    }
    struct change c = {.ctx = ctx, .user_id = user_id, .action = "totp.remove"};
    struct store_op op = store_op_new();
    op.reserve = true;
    return store_write(ctx->store, &op, end_fn, &c);
}
