/*
 * What the operator of the machine may do to accounts without being anybody's: for a first owner where registration is closed, and
 * for an owner who is locked out. Who can run this can read the store anyway.
 */
#include "auth/auth_int.h"

int auth_console_owner(struct auth *a, struct data_context *ctx,
                       const struct auth_console_input *in)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    ASSERT(a->registration == AUTH_REGISTRATION_OPEN && a->domain_count == 0);
    struct auth_result made;
    struct auth_register_input as = {.email = in->email, .password = in->password};
    int r = auth_register(a, ctx, &as, &made);
    if (r < 0) {
        return r;
    }
    ctx->scope = made.scope;
    r = auth_logout(a, ctx, /* everywhere= */ false); /* there is no device */
    ctx->scope = (struct scope){0};
    return r;
}

struct change {
    struct data_context *ctx;
    struct str email;
    struct str password; /* the new one's hash; empty: the second step goes */
};

static int change_fn(struct txn *txn, void *ctx)
{
    const struct change *c = ctx;
    struct scope scope;
    struct data_user user;
    int r = data_user_by_email(txn, c->email, &scope);
    r = r < 0 ? r : data_user_get(txn, &scope, scope.user_id, &user);
    if (r < 0) {
        return r;
    }
    if (c->password.n > 0) {
        return auth_password_put_in(txn, c->ctx, &user,
                                    &(struct auth_new_password){c->password, "user.reset"});
    }
    struct data_context actor = *c->ctx;
    actor.scope = scope;
    r = auth_second_forget_in(txn, &scope, &user);
    user.updated_at = time_now();
    user.revision++;
    r = r < 0 ? r : auth_user_put_in(txn, &scope, &user);
    return r < 0 ? r : data_audit(txn, &actor, "totp.remove", user.id, DATA_OUTCOME_OK);
}

static int change(struct data_context *ctx, struct change *c)
{
    struct store_op op = store_op_new();
    op.reserve = true;
    return store_write(ctx->store, &op, change_fn, c);
}

int auth_console_password(struct auth *a, struct data_context *ctx,
                          const struct auth_console_input *in)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct change c = {.ctx = ctx};
    char hash[AUTH_HASH_ROOM];
    int r = auth_email_clean(ctx, in->email, &c.email);
    r = r < 0 ? r : auth_password_check(ctx, "password", in->password, c.email);
    r = r < 0 ? r : auth_password_hash(a, in->password, hash);
    if (r < 0) {
        return r;
    }
    c.password = str_from(hash);
    return change(ctx, &c);
}

struct linking {
    struct data_context *ctx;
    struct str email;
    struct auth_reset reset; /* result */
};

/* The operator is nobody that the link's record could name: it says the person. */
static int link_fn(struct txn *txn, void *ctx)
{
    struct linking *l = ctx;
    struct scope scope;
    int r = data_user_by_email(txn, l->email, &scope);
    if (r < 0) {
        return r;
    }
    const struct auth_reset_making making = {.arena = l->ctx->arena,
                                             .scope = &scope,
                                             .user_id = scope.user_id,
                                             .created_by = scope.user_id};
    struct data_context actor = *l->ctx;
    actor.scope = scope;
    r = auth_reset_make_in(txn, &making, &l->reset);
    return r < 0 ? r : data_audit(txn, &actor, "reset.create", scope.user_id, DATA_OUTCOME_OK);
}

int auth_console_reset(struct data_context *ctx, struct str email, struct auth_reset *ret_reset)
{
    struct linking l = {.ctx = ctx};
    struct store_op op = store_op_new();
    op.reserve = true;
    int r = auth_email_clean(ctx, email, &l.email);
    r = r < 0 ? r : store_write(ctx->store, &op, link_fn, &l);
    if (r == 0) {
        *ret_reset = l.reset;
    }
    return r;
}

int auth_console_totp_end(struct data_context *ctx, struct str email)
{
    struct change c = {.ctx = ctx};
    int r = auth_email_clean(ctx, email, &c.email);
    return r < 0 ? r : change(ctx, &c);
}
