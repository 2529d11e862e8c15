/*
 * The end of an account that its person wants: what makes them somebody goes at once, what they made goes by duties (lifecycle/),
 * and the record last, by whose index the duties find what is left. The audit log keeps the id, which then says nothing.
 *
 * 1. Nobody leaves others behind without an owner.
 */
#include "auth/auth_int.h"

enum { FEW = 10 }; /* an owner is among the oldest */

int auth_leave_prove(struct auth *a, struct data_context *ctx, struct str password,
                     struct str *ret_proof)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct data_user user;
    int r = auth_password_prove(a, ctx, &(struct auth_proof){password, "password", "user.delete"},
                                &user);
    if (r == 0) {
        *ret_proof = user.password;
    }
    return r;
}

struct others {
    bool any, owner;
};

static int look_at_others(struct txn *txn, const struct scope *scope, struct others *ret_others)
{
    struct data_user_list rows = {0};
    struct others others = {false, false};
    do {
        struct data_query query = {
            .index = DATA_USER_BY_CREATED, .limit = FEW, .cursor = rows.next};
        int r = data_user_list(txn, scope, &query, &rows);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < rows.n; i++) {
            bool there = rows.at[i].removed_at == 0 && !str_eq(rows.at[i].id, scope->user_id);
            others.any = others.any || there;
            others.owner =
                others.owner || (there && data_may(rows.at[i].role, DATA_PERMISSION_TENANT_OWN));
        }
    } while (!others.owner && rows.next.n > 0);
    *ret_others = others;
    return 0;
}

/* Nobody can be given the accounts of former members any more: they go like that of who leaves. */
static int end_former(struct txn *txn, const struct scope *scope)
{
    struct data_user_list rows = {.next = STR_EMPTY};
    int r;
    do {
        struct data_query query = {
            .index = DATA_USER_BY_CREATED, .limit = DATA_MAX_LIST, .cursor = rows.next};
        r = data_user_list(txn, scope, &query, &rows);
        for (size_t i = 0; r == 0 && i < rows.n; i++) {
            struct data_user former = rows.at[i];
            if (former.removed_at != 0 && former.deleted_at == 0) {
                former.name = STR_EMPTY;
                former.deleted_at = former.updated_at = time_now();
                former.revision++;
                r = auth_user_put_in(txn, scope, &former);
            }
        }
    } while (r == 0 && rows.next.n > 0);
    return r;
}

/* The audit log of the tenant ends by its own age; the record stays, without a name, so that the keys have a tenant. */
static int end_tenant(struct txn *txn, const struct scope *scope)
{
    struct data_tenant tenant;
    struct data_invitation_list open;
    struct data_query query = {
        .index = DATA_INVITATION_BY_CREATED, .limit = AUTH_MAX_INVITATIONS, .pass_over = true};
    int r = data_tenant_get(txn, scope, scope->tenant_id, &tenant);
    if (r == 0) {
        tenant.name = STR("-");
        tenant.updated_at = time_now();
        tenant.revision++;
        r = data_tenant_put(txn, scope, &tenant);
    }
    r = r < 0 ? r : data_invitation_list(txn, scope, &query, &open);
    for (size_t i = 0; r == 0 && i < open.n; i++) {
        r = data_invitation_delete(txn, scope, open.at[i].id);
    }
    r = r < 0 ? r : end_former(txn, scope);
    return r < 0 ? r : auth_plan_forget_in(txn, scope);
}

/* Whatever lets somebody in as this person. */
static int end_ways_in(struct txn *txn, const struct data_context *ctx, struct data_user *user)
{
    const struct scope *scope = &ctx->scope;
    int r = auth_login_end_all(txn, ctx, scope, STR_EMPTY);
    if (r == 0) {
        r = auth_apikeys_end_all(txn, ctx, scope);
    }
    if (r == 0) {
        r = auth_reset_forget_in(txn, scope, user->id);
    }
    if (r == 0) {
        r = auth_second_forget_in(txn, scope, user);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

int auth_leave_in(struct txn *txn, struct data_context *ctx, struct str proof, bool *ret_last)
{
    const struct scope *scope = &ctx->scope;
    struct data_user user;
    struct others others;
    int r = data_user_get(txn, scope, scope->user_id, &user);
    if (r < 0 || user.removed_at != 0) {
        return r < 0 && r != ERR_NOT_FOUND ? r : ERR_UNAUTHENTICATED;
    }
    if (!str_eq(user.password, proof)) {
        return ERR_BAD_CREDENTIALS;
    }
    r = look_at_others(txn, scope, &others);
    if (r == 0 && others.any && !others.owner) {
        return data_fault(ctx, ERR_CONFLICT, NULL,
                          "You are the last owner. Make somebody else an owner first.");
    }
    if (r == 0 && !others.any) {
        r = end_tenant(txn, scope);
    }
    r = r < 0 ? r : end_ways_in(txn, ctx, &user);
    if (r < 0) {
        return r;
    }
    struct str address = user.email;
    struct data_context by_nobody = *ctx; /* that invitations end is no deed of theirs */
    by_nobody.client.nobody = true;
    user.email = user.name = user.password = STR_EMPTY;
    user.removed_at = user.deleted_at = user.updated_at = time_now();
    user.revision++;
    *ret_last = !others.any;
    r = auth_user_put_in(txn, scope, &user);
    r = r < 0 ? r : data_audit(txn, ctx, "user.delete", user.id, DATA_OUTCOME_OK);
    return r < 0 ? r : auth_invitations_sift_in(txn, &by_nobody, address);
}

int auth_leaver_next(struct txn *txn, struct str cursor, struct auth_leaver *ret_leaver)
{
    struct data_place *places;
    size_t n;
    struct data_query query = {.index = DATA_USER_BY_DELETED, .limit = 1, .cursor = cursor};
    int r = data_places(txn, &data_user_type, &query, &places, &n);
    if (r < 0 || n == 0) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    *ret_leaver = (struct auth_leaver){
        .scope = {.tenant_id = places[0].scope.tenant_id, .user_id = places[0].id},
        .cursor = places[0].cursor,
    };
    return 0;
}

int auth_leaver_forget_in(struct txn *txn, const struct scope *scope)
{
    struct data_context actor = {.scope = *scope, .client.nobody = true};
    int r = data_user_delete(txn, scope, scope->user_id);
    return r < 0 ? r : data_audit(txn, &actor, "user.purge", scope->user_id, DATA_OUTCOME_OK);
}
