/* Wrong passwords in the audit log: those of accounts that exist, a flush later, bounded. */
#include "auth/auth_int.h"
#include "auth/world.h"

PEOPLE_SETUP

struct found {
    struct data_context *ctx;
    size_t denied;
    struct data_audit last;
};

static int find_fn(struct txn *txn, void *arg)
{
    struct found *f = arg;
    struct data_query query = {.index = DATA_BY_ID, .limit = DATA_MAX_LIST};
    struct data_audit_list list;
    f->denied = 0;
    int r;
    do {
        r = data_audit_list(txn, &f->ctx->scope, &query, &list);
        for (size_t i = 0; r == 0 && i < list.n; i++) {
            if (list.at[i].outcome == DATA_OUTCOME_DENIED) {
                f->denied++;
                f->last = list.at[i];
            }
        }
        query.cursor = r == 0 ? list.next : STR_EMPTY;
    } while (query.cursor.n > 0);
    data_audit_copy(f->ctx->arena, &f->last);
    return r;
}

static struct found find(struct data_context *ctx)
{
    struct found f = {.ctx = ctx};
    assert_int_equal(store_read(ctx->store, find_fn, &f), 0);
    return f;
}

static void a_wrong_password_is_noted(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct auth_result result;
    assert_int_equal(people_login(p, "ada@example.com", STR("wrong horse"), &result),
                     ERR_BAD_CREDENTIALS);
    assert_int_equal(find(&ada).denied, 0);
    assert_int_equal(auth_flush(p->auth), 0);
    struct found f = find(&ada);
    assert_int_equal(f.denied, 1);
    assert_str(f.last.action, "login.create");
    assert_true(str_eq(f.last.target, ada.scope.user_id));
    assert_str(f.last.address, "192.0.2.7");
    assert_str(f.last.request_id, "req-1");
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(find(&ada).denied, 1);
}

static void accounts_that_do_not_exist_leave_nothing(void **state)
{
    struct people *p = *state;
    struct auth_result result;
    assert_int_equal(people_login(p, "eve@example.com", STR("wrong horse"), &result),
                     ERR_BAD_CREDENTIALS);
    assert_int_equal(p->auth->denials.n, 0);
}

static void a_wrong_old_password_is_noted(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    const struct auth_password_input in = {.old_password = STR("wrong horse"),
                                           .new_password = STR("another horse battery")};
    assert_int_equal(auth_password_change(p->auth, &ada, &in), ERR_BAD_CREDENTIALS);
    assert_int_equal(auth_flush(p->auth), 0);
    struct found f = find(&ada);
    assert_int_equal(f.denied, 1);
    assert_str(f.last.action, "user.password");
}

static void the_list_is_bounded(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    const struct data_user user = {.id = ada.scope.user_id, .tenant_id = ada.scope.tenant_id};
    for (size_t i = 0; i < AUTH_MAX_DENIALS + 7; i++) {
        auth_denial_add(p->auth, &ada, "login.create", &user);
    }
    assert_int_equal(p->auth->denials.n, AUTH_MAX_DENIALS);
    assert_int_equal(p->auth->denials.dropped, 7);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(p->auth->denials.n, 0);
    assert_int_equal(find(&ada).denied, AUTH_MAX_DENIALS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_password_is_noted),
        TEST_SQLITE(a_wrong_password_is_noted),
        TEST(accounts_that_do_not_exist_leave_nothing),
        TEST(a_wrong_old_password_is_noted),
        TEST(the_list_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
