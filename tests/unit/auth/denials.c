/* Wrong passwords in the audit log: those of accounts that exist, a flush later, counted, bounded. */
#include "auth/auth_int.h"
#include "auth/world.h"

PEOPLE_SETUP

struct found {
    struct data_context *ctx;
    size_t denied;
    int64_t count; /* sum of theirs */
    size_t others; /* records */
    struct data_audit last;
};

static int find_fn(struct txn *txn, void *arg)
{
    struct found *f = arg;
    struct data_query query = {.index = DATA_BY_ID, .limit = DATA_MAX_LIST};
    struct data_audit_list list;
    *f = (struct found){.ctx = f->ctx};
    int r;
    do {
        r = data_audit_list(txn, &f->ctx->scope, &query, &list);
        for (size_t i = 0; r == 0 && i < list.n; i++) {
            if (list.at[i].outcome == DATA_OUTCOME_DENIED) {
                f->denied++;
                f->count += list.at[i].count;
                f->others += str_eq(list.at[i].address, STR("others"));
                f->last = list.at[i];
                data_audit_copy(f->ctx->arena, &f->last);
            }
        }
        query.cursor = r == 0 ? list.next : STR_EMPTY;
    } while (query.cursor.n > 0);
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
    assert_int_equal(map_count(p->auth->calls.all), 0);
}

static void guesses_are_a_record_a_minute(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    const struct data_user user = {.id = ada.scope.user_id, .tenant_id = ada.scope.tenant_id};
    time_test_set(time_now(), 1000 * USEC_PER_SEC);
    for (int i = 0; i < 20; i++) {
        auth_denial_add(p->auth, &ada, "login.create", &user);
        time_test_advance(USEC_PER_SEC);
        assert_int_equal(auth_flush(p->auth), 0);
    }
    assert_int_equal(find(&ada).denied, 1);
    time_test_advance(60 * USEC_PER_SEC);
    assert_int_equal(auth_flush(p->auth), 0);
    struct found f = find(&ada);
    assert_int_equal(f.denied, 2);
    assert_int_equal(f.count, 20);
    ada.client.address =
        STR("192.0.2.200"); /* from elsewhere, and another kind: records of their own */
    auth_denial_add(p->auth, &ada, "login.create", &user);
    auth_denial_add(p->auth, &ada, "login.code", &user);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(find(&ada).denied, 4);
    time_test_real();
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

static void many_addresses_share_a_record(void **state)
{
    enum { MORE = AUTH_OPEN_BURST + 57 };
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    const struct data_user user = {.id = ada.scope.user_id, .tenant_id = ada.scope.tenant_id};
    time_test_set(time_now(), 1000 * USEC_PER_SEC);
    for (int i = 0; i < MORE; i++) {
        ada.client.address = arena_printf(&p->w.arena, "2001:db8:0:%x::1", i);
        auth_denial_add(p->auth, &ada, "login.create", &user);
    }
    assert_int_equal(map_count(p->auth->calls.all), AUTH_OPEN_BURST + 1);
    assert_int_equal(auth_flush(p->auth), 0);
    struct found f = find(&ada);
    assert_int_equal(f.denied, AUTH_OPEN_BURST + 1);
    assert_int_equal(f.others, 1);
    assert_int_equal(f.count, MORE);
    struct data_context eve = people_request_of(p, "eve@example.com"); /* of another tenant */
    const struct data_user her = {.id = eve.scope.user_id, .tenant_id = eve.scope.tenant_id};
    auth_denial_add(p->auth, &eve, "login.create", &her);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_str(find(&eve).last.address, "192.0.2.7");
    time_test_real();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_password_is_noted),
        TEST_SQLITE(a_wrong_password_is_noted),
        TEST(accounts_that_do_not_exist_leave_nothing),
        TEST(a_wrong_old_password_is_noted),
        TEST(guesses_are_a_record_a_minute),
        TEST(many_addresses_share_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
