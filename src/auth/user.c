/* The logged-in person: their record, name and password. */
#include "auth/auth_int.h"

struct self {
    struct data_context *ctx;
    const struct auth_user_update *update; /* NULL: read alone */
    struct str name;
    struct data_user user;
};

static int self_get(struct txn *txn, struct self *s)
{
    int r = data_user_get(txn, &s->ctx->scope, s->ctx->scope.user_id, &s->user);
    return r == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : r;
}

static int get_fn(struct txn *txn, void *ctx)
{
    struct self *s = ctx;
    int r = self_get(txn, s);
    if (r == 0) {
        data_user_copy(s->ctx->arena, &s->user);
    }
    return r;
}

int auth_user_get(struct data_context *ctx, struct data_user *ret_user)
{
    struct self s = {.ctx = ctx};
    int r = store_read(ctx->store, get_fn, &s);
    if (r == 0) {
        *ret_user = s.user;
    }
    return r;
}

static int put_fn(struct txn *txn, void *ctx)
{
    struct self *s = ctx;
    int r = self_get(txn, s);
    if (r < 0) {
        return r;
    }
    if (!data_matches(s->ctx, s->update->revision, s->user.revision)) {
        return ERR_PRECONDITION;
    }
    if (!str_eq(s->user.name, s->name)) {
        s->user.name = s->name;
        s->user.updated_at = time_now();
        s->user.revision++;
        r = auth_user_put_in(txn, &s->ctx->scope, &s->user);
        r = r < 0 ? r : data_audit(txn, s->ctx, "user.update", s->user.id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        data_user_copy(s->ctx->arena, &s->user);
    }
    return r;
}

int auth_user_put(struct data_context *ctx, const struct auth_user_update *in,
                  struct data_user *ret_user)
{
    struct self s = {.ctx = ctx, .update = in};
    int r = data_text_name(ctx, &(struct data_name_rule){.field = "name", .optional = true},
                           in->name, &s.name);
    if (r < 0) {
        return r;
    }
    struct store_op op = store_op_new();
    r = store_write(ctx->store, &op, put_fn, &s);
    if (r == 0) {
        *ret_user = s.user;
    }
    return r;
}

struct change {
    struct data_context *ctx;
    const struct auth_password_input *in;
    struct str before; /* the hash that the old password was checked against */
    struct str after;
};

static int change_fn(struct txn *txn, void *ctx)
{
    struct change *c = ctx;
    struct self s = {.ctx = c->ctx};
    int r = self_get(txn, &s);
    if (r < 0) {
        return r;
    }
    if (!str_eq(s.user.password, c->before)) {
        return ERR_BAD_CREDENTIALS;
    }
    s.user.password = c->after;
    s.user.password_changed_at = time_now();
    s.user.updated_at = s.user.password_changed_at;
    s.user.revision++;
    r = auth_user_put_in(txn, &c->ctx->scope, &s.user);
    if (r == 0) {
        r = data_audit(txn, c->ctx, "user.password", s.user.id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        r = auth_reset_forget_in(txn, &c->ctx->scope, s.user.id);
    }
    if (r == 0 && c->in->end_others) {
        r = auth_login_end_all(txn, c->ctx, &c->ctx->scope, c->ctx->scope.login_id);
        r = r < 0 ? r : auth_apikeys_end_all(txn, c->ctx, &c->ctx->scope);
    }
    return r;
}

/*
 * Counted by person and network, as logins are: who has got hold of a token may not try passwords without end, nor keep its owner
 * from changing theirs.
 */
static int prove(struct auth *a, struct data_context *ctx, const struct auth_proof *proof,
                 const struct data_user *user)
{
    struct str key = auth_limit_of(ctx, user->id);
    int r = auth_limit_request(a, ctx, AUTH_LIMIT_PASSWORD, key);
    if (r < 0) {
        return r;
    }
    r = auth_password_verify(a, user->password, proof->password);
    if (r == ERR_BAD_CREDENTIALS) {
        auth_denial_add(a, ctx, proof->action, user);
        return data_fault(ctx, ERR_BAD_CREDENTIALS, proof->field, "The password is wrong.");
    }
    auth_limit_return(a, AUTH_LIMIT_PASSWORD, key); /* right, or never tried */
    return r;
}

int auth_password_prove(struct auth *a, struct data_context *ctx, const struct auth_proof *proof,
                        struct data_user *ret_user)
{
    struct data_user user;
    int r = auth_user_get(ctx, &user);
    r = r < 0 ? r : prove(a, ctx, proof, &user);
    if (r == 0) {
        *ret_user = user;
    }
    return r;
}

int auth_password_change(struct auth *a, struct data_context *ctx,
                         const struct auth_password_input *in)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct data_user user;
    int r = auth_user_get(ctx, &user);
    if (r == 0) {
        r = auth_password_check(ctx, "new_password", in->new_password, user.email);
    }
    if (r == 0) {
        r = prove(a, ctx,
                  &(struct auth_proof){in->old_password, "current_password", "user.password"},
                  &user);
    }
    char hash[AUTH_HASH_ROOM];
    r = r < 0 ? r : auth_password_hash(a, in->new_password, hash);
    if (r < 0) {
        return r;
    }
    struct change c = {.ctx = ctx, .in = in, .before = user.password, .after = str_from(hash)};
    struct store_op op = store_op_new();
    return store_write(ctx->store, &op, change_fn, &c);
}

/* ---- Another address ---- */

struct move {
    struct data_context *ctx;
    const struct auth *auth;
    struct str email;
    int64_t revision;        /* If-Match; 0: whatever */
    struct data_user before; /* who proved to be them: address and password are still these */
    struct data_user user;   /* result */
};

static int move_fn(struct txn *txn, void *ctx)
{
    struct move *m = ctx;
    struct self s = {.ctx = m->ctx};
    int r = self_get(txn, &s);
    if (r < 0) {
        return r;
    }
    if (!data_matches(m->ctx, m->revision, s.user.revision)) {
        return ERR_PRECONDITION;
    }
    if (!str_eq(s.user.password, m->before.password) || !str_eq(s.user.email, m->before.email)) {
        return ERR_BAD_CREDENTIALS;
    }
    if (!str_eq(s.user.email, m->email)) {
        struct data_context by_nobody = *m->ctx; /* that invitations end is no deed of theirs */
        by_nobody.client.nobody = true;
        s.user.email = m->email;
        s.user.updated_at = time_now();
        s.user.revision++;
        r = auth_user_put_in(txn, &m->ctx->scope, &s.user);
        r = r < 0 ? r : auth_reset_forget_in(txn, &m->ctx->scope, s.user.id);
        r = r < 0 ? r : data_audit(txn, m->ctx, "user.email", s.user.id, DATA_OUTCOME_OK);
        r = r < 0 ? r : auth_address_tell_in(txn, m->auth, &m->before);
        r = r < 0 ? r : auth_invitations_sift_in(txn, &by_nobody, m->before.email);
        r = r < 0 ? r : auth_invitations_sift_in(txn, &by_nobody, m->email);
    }
    if (r == 0) {
        m->user = s.user;
        data_user_copy(m->ctx->arena, &m->user);
    }
    return r;
}

static int move(struct move *m)
{
    struct store_op op = store_op_new();
    int r = store_write(m->ctx->store, &op, move_fn, m);
    return r == ERR_EXISTS ? data_fault(m->ctx, r, "email",
                                        "There is an account with this e-mail address already.")
                           : r;
}

/* By the password, or by the link that was mailed to the new address. */
static int prove_move(struct auth *a, struct move *m, const struct auth_email_input *in)
{
    struct data_context *ctx = m->ctx;
    if (in->confirmation.n == 0) {
        return auth_password_prove(
            a, ctx, &(struct auth_proof){in->password, "password", "user.email"}, &m->before);
    }
    int r = auth_user_get(ctx, &m->before);
    if (r < 0) {
        return r;
    }
    const struct auth_confirmation confirmation = {
        .what = auth_confirm_address(ctx->arena, &m->before, m->email), .token = in->confirmation};
    return auth_confirmation_holds(a, ctx->arena, &confirmation)
               ? 0
               : data_fault(ctx, ERR_FORBIDDEN, NULL,
                            "This link does not hold: it is another account's, was used, or is too "
                            "old.");
}

/*
 * The address before is told: it is left no more often than it may be written to. Not in the bucket of what strangers ask for,
 * who could keep somebody from leaving.
 */
static int limit_leaving(struct auth *a, struct move *m)
{
    struct str key = arena_printf(m->ctx->arena, "left " STR_FMT, STR_ARG(m->before.email));
    return auth_limit_request(a, m->ctx, AUTH_LIMIT_MAIL, key);
}

static int may_move(struct auth *a, struct move *m, bool asks)
{
    int r = auth_domain_allowed(a, m->ctx, m->email);
    return r < 0 || asks || !a->mail_base ? r : limit_leaving(a, m);
}

int auth_email_change(struct auth *a, struct data_context *ctx, const struct auth_email_input *in,
                      struct auth_email_result *ret_result)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct move m = {.ctx = ctx, .auth = a, .revision = in->revision};
    int r = auth_email_clean(ctx, in->email, &m.email);
    if (r == 0 && in->confirmation.n == 0 && in->password.n == 0) {
        r = data_fault(ctx, ERR_INVALID, "password", "The password is needed.");
    }
    if (r < 0) {
        return r;
    }
    r = auth_limit_request(a, ctx, AUTH_LIMIT_REGISTER,
                           auth_limit_network(ctx->arena, ctx->client.address));
    if (r < 0) {
        return r;
    }
    r = prove_move(a, &m, in);
    if (r < 0) {
        return r;
    }
    if (!data_matches(ctx, m.revision, m.before.revision)) {
        return ERR_PRECONDITION; /* before anybody is written to */
    }
    bool moves = !str_eq(m.email, m.before.email);
    bool asks = a->confirm && in->confirmation.n == 0 && moves;
    if (moves) {
        r = may_move(a, &m, asks);
    }
    if (r < 0) {
        return r;
    }
    r = asks ? auth_address_ask(a, ctx, &m.before, m.email) : move(&m);
    if (r == 0) {
        *ret_result = (struct auth_email_result){.asked = asks, .user = m.user};
    }
    return r;
}
