/*
 * What the checker asks of the records of auth/: whatever lets a person in, or is set for them, has its person, and the second step is
 * asked for if and only if there is one. A plan is its tenant's, and keys of the server are as long as keys are.
 */
#include "auth/auth_int.h"
#include "data/check.h"

/* The person's id that has the digits of id. */
static struct str user_of(const struct data_found *found, struct str id)
{
    return arena_printf(store_arena(found->txn), "usr" STR_FMT, STR_ARG(str_slice(id, 3, id.n)));
}

/* A person who is asked for a code has what it is made with. */
static int judge_asked(const struct data_found *found, const struct data_user *user,
                       const char **ret_fault)
{
    struct data_totp totp;
    if (*ret_fault || user->two_factor_at == 0) {
        return 0;
    }
    struct str id = arena_printf(store_arena(found->txn), "otp" STR_FMT,
                                 STR_ARG(str_slice(user->id, 3, user->id.n)));
    int r = data_totp_get(found->txn, found->scope, id, &totp);
    if (r == ERR_NOT_FOUND || (r == 0 && totp.confirmed_at == 0)) {
        *ret_fault = "the person has no second step to be asked for";
        return 0;
    }
    return r;
}

static int judge_totp(const struct data_found *found, const struct data_totp *totp,
                      const char **ret_fault)
{
    struct data_user user;
    int r = data_user_get(found->txn, found->scope, user_of(found, totp->id), &user);
    if (r == ERR_NOT_FOUND) {
        *ret_fault = "its person does not exist";
        return 0;
    }
    if (r == 0 && totp->confirmed_at != 0 && user.two_factor_at == 0) {
        *ret_fault = "the person is not asked for their second step";
    }
    return r;
}

/* Under any other id nobody asks for it. */
static void judge_plan(const struct data_found *found, const struct data_plan *plan,
                       const char **ret_fault)
{
    struct str tenant = found->scope->tenant_id;
    if (!str_eq(str_slice(plan->id, 3, plan->id.n), str_slice(tenant, 3, tenant.n))) {
        *ret_fault = "the plan is not its tenant's";
    }
}

/* Nothing else in the store says what it must be. */
static void judge_key(struct str bytes, const char **ret_fault)
{
    if (bytes.n < AUTH_SECRET_MIN || bytes.n > AUTH_KEY_MAX) {
        *ret_fault = "it is no key";
    }
}

static int judge(const struct data_found *found, const char **ret_fault)
{
    const struct data_type *type = found->type;
    if (type == &data_user_type) {
        return judge_asked(found, found->record, ret_fault);
    }
    if (type == &data_totp_type) {
        return judge_totp(found, found->record, ret_fault);
    }
    if (type == &data_reset_type) {
        const struct data_reset *reset = found->record;
        return data_judge_person(found, user_of(found, reset->id), ret_fault);
    }
    if (type == &data_login_type) {
        const struct data_login *login = found->record;
        return data_judge_person(found, login->user_id, ret_fault);
    }
    if (type == &data_apikey_type) {
        const struct data_apikey *key = found->record;
        return data_judge_person(found, key->user_id, ret_fault);
    }
    if (type == &data_plan_type) {
        judge_plan(found, found->record, ret_fault);
    } else if (!type && !found->scope && str_starts(found->rest, STR("key/"))) {
        judge_key(found->value, ret_fault);
    }
    return 0;
}

int auth_judge(const struct data_found *found, const char **ret_fault)
{
    int r = auth_identity_judge(found, ret_fault);
    r = r < 0 ? r : judge(found, ret_fault);
    return data_unreadable(r) ? 0 : r; /* a record that cannot be read is said itself */
}
