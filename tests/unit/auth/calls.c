/* Denials and reads in the audit log: counted, few records, bounded, and none lost while the store does not answer. */
#include "auth/auth_int.h"
#include "auth/world.h"

PEOPLE_SETUP

struct found {
    struct data_context *ctx;
    size_t records;
    int64_t denied, read; /* sums of counts */
    size_t bare_others;   /* records without a route */
    size_t named;         /* from 198.51.100.0/24, with a route */
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
            if (list.at[i].count > 0) {
                f->records++;
                *(list.at[i].outcome == DATA_OUTCOME_DENIED ? &f->denied : &f->read) +=
                    list.at[i].count;
                bool bare = list.at[i].route.n == 0;
                f->bare_others += bare && str_eq(list.at[i].address, STR("others"));
                f->named += !bare && str_starts(list.at[i].address, STR("198.51.100."));
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

static void call(struct people *p, const struct data_context *ctx, const char *route, bool denied)
{
    auth_call_note(
        p->auth, ctx,
        &(struct auth_call){.route = route, .denied = denied, .target = ctx->scope.user_id});
}

static void denials_are_a_record_a_minute(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    time_test_set(time_now(), 1000 * USEC_PER_SEC);
    for (int i = 0; i < 7; i++) {
        call(p, &ada, "audit_list", /* denied= */ true);
    }
    assert_int_equal(find(&ada).records, 0);
    assert_int_equal(auth_flush(p->auth), 0);
    struct found f = find(&ada);
    assert_int_equal(f.records, 1);
    assert_int_equal(f.denied, 7);
    assert_str(f.last.action, "request.deny");
    assert_str(f.last.route, "audit_list");
    assert_true(str_eq(f.last.actor_id, ada.scope.user_id));
    assert_str(f.last.address, "192.0.2.7");
    assert_int_equal(f.last.target.n, 0);
    call(p, &ada, "audit_list", true);
    call(p, &ada, "audit_list", true);
    time_test_advance(59 * USEC_PER_SEC);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(find(&ada).records, 1); /* the minute is not over */
    call(p, &ada, "member_update", true);
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(auth_flush(p->auth), 0);
    f = find(&ada);
    assert_int_equal(f.records, 3);
    assert_int_equal(f.denied, 10);
    time_test_advance(120 * USEC_PER_SEC);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(map_count(p->auth->calls.all), 0);
    assert_int_equal(find(&ada).records, 3);
    time_test_real();
}

static void reads_are_a_record_a_flush(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    ada.client.key_id = data_id_make(&p->w.arena, "key");
    for (int i = 0; i < 5; i++) {
        call(p, &ada, "sessions_get", /* denied= */ false);
    }
    struct data_context there = ada;
    there.client.address = STR("192.0.2.8");
    call(p, &there, "sessions_get", false);
    assert_int_equal(auth_flush(p->auth), 0);
    struct found f = find(&ada);
    assert_int_equal(f.records, 2);
    assert_int_equal(f.read, 6);
    assert_str(f.last.action, "request.read");
    assert_true(str_eq(f.last.target, ada.scope.user_id));
    assert_true(str_eq(f.last.key_id, ada.client.key_id));
    call(p, &ada, "sessions_get", false);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(find(&ada).read, 7);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(map_count(p->auth->calls.all), 0);
}

static void the_table_is_bounded(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    for (int i = 0; i < AUTH_MAX_CALLS + 3; i++) {
        ada.client.address = arena_printf(&p->w.arena, "2001:db8::%x", i);
        call(p, &ada, "sessions_get", /* denied= */ false);
    }
    assert_int_equal(map_count(p->auth->calls.all), AUTH_MAX_CALLS);
    assert_int_equal(p->auth->calls.dropped, 3);
    call(p, &ada, "audit_list", /* denied= */ true); /* another kind has room of its own */
    assert_int_equal(p->auth->calls.dropped, 3);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(find(&ada).records, AUTH_MAX_CALLS + 1);
    assert_int_equal(find(&ada).denied, 1);
    assert_int_equal(p->auth->calls.dropped, 0);
}

static struct found find_in_house(struct people *p)
{
    struct data_context house = people_request(p);
    house.scope = data_house;
    return find(&house);
}

static void strangers_are_a_record_a_minute_of_a_network(void **state)
{
    struct people *p = *state;
    struct data_context stranger = people_request(p);
    time_test_set(time_now(), 1000 * USEC_PER_SEC);
    for (int i = 0; i < 9; i++) {
        stranger.client.address = arena_printf(&p->w.arena, "2001:db8:1:2::%x", i + 1);
        call(p, &stranger, "sessions_list", /* denied= */ true);
    }
    assert_int_equal(find_in_house(p).records, 0);
    assert_int_equal(auth_flush(p->auth), 0);
    struct found f = find_in_house(p);
    assert_int_equal(f.records, 1);
    assert_int_equal(f.denied, 9);
    assert_str(f.last.action, "request.deny");
    assert_str(f.last.route, "sessions_list");
    assert_str(f.last.address, "2001:db8:1:2::/64");
    assert_int_equal(f.last.actor_id.n, 0);
    call(p, &stranger, "sessions_list", true);
    call(p, &stranger, "auth_login", true);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(find_in_house(p).records, 2); /* the first one's minute is not over */
    time_test_advance(60 * USEC_PER_SEC);
    assert_int_equal(auth_flush(p->auth), 0);
    f = find_in_house(p);
    assert_int_equal(f.records, 3);
    assert_int_equal(f.denied, 11);
    time_test_advance(120 * USEC_PER_SEC);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(map_count(p->auth->calls.all), 0);
    time_test_real();
}

/* As many networks as somebody has, for ten minutes: neither memory nor records grow with them, and nothing is left uncounted. */
static void many_networks_are_others(void **state)
{
    enum { MINUTES = 10, EACH = 1000 };
    struct people *p = *state;
    struct data_context stranger = people_request(p);
    size_t most = 0;
    time_test_set(time_now(), 1000 * USEC_PER_SEC);
    for (int i = 0; i < MINUTES * EACH; i++) {
        stranger.client.address = arena_printf(&p->w.arena, "2001:db8:%x::1", i + 1);
        call(p, &stranger, "auth_login", /* denied= */ true);
        size_t held = map_count(p->auth->calls.all);
        most = held > most ? held : most;
        time_test_advance(60 * USEC_PER_SEC / EACH);
        if (i % (EACH / 60) == 0) {
            assert_int_equal(auth_flush(p->auth), 0);
        }
    }
    auth_calls_close(p->auth);
    assert_int_equal(auth_flush(p->auth), 0);
    struct found f = find_in_house(p);
    assert_int_equal(f.denied, MINUTES * EACH);
    assert_true(f.records <= AUTH_OPEN_BURST + MINUTES * (AUTH_OPEN_A_MINUTE + 1) + 2);
    assert_true(most <= AUTH_OPEN_BURST + 2 * AUTH_OPEN_A_MINUTE + 1);
    assert_int_equal(f.bare_others, 0);
    assert_int_equal(p->auth->calls.dropped, 0);
    time_test_real();
}

enum { OPERATIONS = 90 };

static void walk(struct people *p, struct data_context *stranger)
{
    static char routes[OPERATIONS][16];
    for (int i = 0; i < OPERATIONS; i++) {
        (void)snprintf(routes[i], sizeof routes[i], "operation_%d", i);
        call(p, stranger, routes[i], /* denied= */ true);
        time_test_advance(60 * USEC_PER_SEC / OPERATIONS);
        assert_int_equal(auth_flush(p->auth), 0);
    }
}

/* Who walks through all operations from one address spends a part of what all strangers have, and hides nobody. */
static void one_network_hides_no_other(void **state)
{
    enum { MINUTES = 10, OTHERS = 5 };
    struct people *p = *state;
    struct data_context stranger = people_request(p);
    time_test_set(time_now(), 1000 * USEC_PER_SEC);
    for (int i = 0; i < MINUTES; i++) {
        walk(p, &stranger);
    }
    struct found before = find_in_house(p);
    assert_true(before.records <= (MINUTES + 1) * (AUTH_OPEN_OPERATIONS + 1));
    for (int i = 0; i < OTHERS; i++) {
        struct data_context other = people_request(p);
        other.client.address = arena_printf(&p->w.arena, "198.51.100.%d", i);
        call(p, &other, "auth_login", /* denied= */ true);
    }
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(find_in_house(p).named, OTHERS);
    auth_calls_close(p->auth);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(find_in_house(p).denied, MINUTES * OPERATIONS + OTHERS);
    time_test_advance(120 * USEC_PER_SEC);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(map_count(p->auth->calls.all), 0);
    assert_int_equal(map_count(p->auth->calls.networks), 0);
    assert_int_equal(map_count(p->auth->calls.budgets), 0);
    time_test_real();
}

static void the_end_leaves_nothing(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    call(p, &ada, "audit_list", /* denied= */ true);
    assert_int_equal(auth_flush(p->auth), 0);
    call(p, &ada, "audit_list", true);
    auth_calls_close(p->auth);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(find(&ada).denied, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(denials_are_a_record_a_minute), TEST_SQLITE(denials_are_a_record_a_minute),
        TEST(reads_are_a_record_a_flush),    TEST(the_table_is_bounded),
        TEST(the_end_leaves_nothing),        TEST(strangers_are_a_record_a_minute_of_a_network),
        TEST(many_networks_are_others),      TEST(one_network_hides_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
