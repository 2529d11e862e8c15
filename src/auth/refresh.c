/*
 * The refresh rule. A login has one current counter; a refresh token names a counter and is signed.
 *     counter is current                                     → the next one becomes current (rotated)
 *     counter is the one before, and the rotation is under 10 s old, or
 *       nobody has yet used an access token of the current   → the current one is given again (concurrent):
 *                                                              another tab was faster, or the reply was lost
 *     anything else                                          → somebody has a copy: the login ends (reused)
 */
#include "auth/auth_int.h"

enum outcome { ROTATED, CONCURRENT, REUSED };

struct refresh {
    const struct auth *a;
    struct data_context *ctx;
    struct str login_id;
    int64_t counter;
    int64_t noted; /* counter known to be in use, though not yet written */
    enum outcome outcome;
    struct data_login login;
    struct data_user user;
};

const char *auth_cause_name(enum auth_cause cause)
{
    return cause == AUTH_ROTATED ? "rotated" : "concurrent";
}

static enum outcome judge(const struct refresh *f, const struct data_login *login, usec_t now)
{
    if (f->counter == login->counter) {
        return ROTATED;
    }
    bool confirmed = login->confirmed || f->noted == login->counter;
    bool fresh = now - login->rotated_at < AUTH_REPLAY_SECONDS * USEC_PER_SEC;
    return f->counter == login->counter - 1 && (fresh || !confirmed) ? CONCURRENT : REUSED;
}

static int apply(struct txn *txn, struct refresh *f, const struct scope *scope,
                 struct data_login *login)
{
    usec_t now = time_now();
    f->outcome = judge(f, login, now);
    if (f->outcome == REUSED) {
        struct data_context actor = *f->ctx;
        actor.scope = (struct scope){
            .tenant_id = scope->tenant_id, .user_id = login->user_id, .login_id = login->id};
        int r = data_login_delete(txn, scope, login->id);
        return r < 0 ? r : data_audit(txn, &actor, "login.reused", login->id, DATA_OUTCOME_DENIED);
    }
    if (f->outcome == ROTATED) {
        login->counter++;
        login->rotated_at = now;
        login->last_access_at = now;
        login->confirmed = false;
        return data_login_put(txn, scope, login);
    }
    return 0;
}

static int refresh_fn(struct txn *txn, void *ctx)
{
    struct refresh *f = ctx;
    struct scope scope;
    int r = data_login_by_id(txn, f->login_id, &scope);
    if (r == 0) {
        r = data_login_get(txn, &scope, f->login_id, &f->login);
    }
    if (r == 0) {
        r = data_user_get(txn, &scope, f->login.user_id, &f->user);
    }
    if (r == ERR_NOT_FOUND || (r == 0 && auth_login_expired(f->a, &f->login, time_now()))) {
        return ERR_UNAUTHENTICATED;
    }
    if (r == 0) {
        r = apply(txn, f, &scope, &f->login);
    }
    if (r < 0) {
        return r;
    }
    data_login_copy(f->ctx->arena, &f->login);
    data_user_copy(f->ctx->arena, &f->user);
    return 0;
}

int auth_refresh(struct auth *a, struct data_context *ctx, struct str refresh_token,
                 struct auth_result *ret_result, enum auth_cause *ret_cause)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct refresh f = {.a = a, .ctx = ctx};
    int r = auth_refresh_read(a, refresh_token, &f.login_id, &f.counter);
    if (r < 0) {
        return r;
    }
    r = auth_limit_request(a, ctx, AUTH_LIMIT_REFRESH, f.login_id);
    if (r < 0) {
        return r;
    }
    f.noted = auth_note_counter(a, f.login_id);
    struct store_op op = store_op_new();
    op.reserve = true; /* a full disk logs nobody out */
    r = store_write(ctx->store, &op, refresh_fn, &f);
    if (r < 0) {
        return r;
    }
    if (f.outcome == REUSED) {
        return ERR_REUSED;
    }
    struct auth_result result = {.user = f.user};
    auth_issue(a, ctx, &f.login, &result);
    *ret_result = result;
    *ret_cause = f.outcome == ROTATED ? AUTH_ROTATED : AUTH_CONCURRENT;
    return 0;
}
