/* Logins inside store functions: begin one, end one, end all; and what the person is given for one. */
#include "auth/auth_int.h"

struct scope auth_scope_copy(struct arena *arena, const struct scope *scope)
{
    return (struct scope){
        .tenant_id = arena_str(arena, scope->tenant_id),
        .user_id = arena_str(arena, scope->user_id),
        .login_id = arena_str(arena, scope->login_id),
        .role = scope->role,
    };
}

bool auth_login_expired(const struct auth *a, const struct data_login *login, usec_t now)
{
    return now - login->created_at >= a->absolute_life ||
           now - login->last_access_at >= a->idle_life;
}

static int list_of_user(struct txn *txn, const struct scope *scope,
                        struct data_login_list *ret_list)
{
    struct data_login match = {.user_id = scope->user_id};
    struct data_query query = {
        .index = DATA_LOGIN_BY_USER, .match = &match, .fixed = 1, .limit = AUTH_MAX_DEVICES};
    return data_login_list(txn, scope, &query, ret_list);
}

int auth_login_add(struct txn *txn, const struct data_context *ctx, const struct scope *scope,
                   struct data_login *ret_login)
{
    struct data_context actor = *ctx;
    actor.scope = *scope;
    struct data_login_list list;
    int r = list_of_user(txn, scope, &list);
    if (r == 0 && list.n >= AUTH_MAX_DEVICES) {
        r = auth_login_end(txn, &actor, "login.replace", &list.at[0]);
    }
    if (r < 0) {
        return r;
    }
    usec_t now = time_now();
    struct data_login login = {
        .id = scope->login_id,
        .device = data_text_cut(ctx->client.user_agent, 200),
        .address = data_text_cut(ctx->client.address, 64),
        .created_at = now,
        .last_access_at = now,
        .tenant_id = scope->tenant_id,
        .user_id = scope->user_id,
        .counter = 1,
        .rotated_at = now,
    };
    r = data_login_put(txn, scope, &login);
    if (r == 0) {
        r = data_audit(txn, &actor, "login.create", login.id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        *ret_login = login;
    }
    return r;
}

int auth_login_end(struct txn *txn, const struct data_context *ctx, const char *action,
                   const struct data_login *login)
{
    struct data_context actor = *ctx;
    if (actor.scope.tenant_id.n == 0) {
        actor.scope = (struct scope){.tenant_id = login->tenant_id, .user_id = login->user_id};
    }
    int r = data_login_delete(txn, &actor.scope, login->id);
    if (r < 0) {
        return r;
    }
    return data_audit(txn, &actor, action, login->id, DATA_OUTCOME_OK);
}

int auth_login_end_all(struct txn *txn, const struct data_context *ctx, const struct scope *scope,
                       struct str keep)
{
    struct data_login_list list;
    int r = list_of_user(txn, scope, &list);
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        if (!str_eq(list.at[i].id, keep)) {
            r = auth_login_end(txn, ctx, "login.end", &list.at[i]);
        }
    }
    return r;
}

void auth_issue(const struct auth *a, struct data_context *ctx, const struct data_login *login,
                struct auth_result *result)
{
    struct auth_claims claims = {
        .tenant_id = result->user.tenant_id,
        .user_id = result->user.id,
        .login_id = login->id,
        .counter = login->counter,
    };
    result->token = auth_access_make(a, ctx->arena, &claims);
    result->refresh_token = auth_refresh_make(a, ctx->arena, login->id, login->counter);
    result->expires_in = a->access_life / USEC_PER_SEC;
    result->scope = (struct scope){
        .tenant_id = result->user.tenant_id,
        .user_id = result->user.id,
        .login_id = arena_str(ctx->arena, login->id),
        .role = result->user.role,
    };
}
