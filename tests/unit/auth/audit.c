#include "auth/world.h"

PEOPLE_SETUP

static const usec_t day = 24 * 3600 * USEC_PER_SEC;

static size_t count(struct data_context *ctx)
{
    struct auth_audit_input in = {.limit = DATA_MAX_LIST};
    struct auth_audit_page page;
    size_t n = 0;
    do {
        assert_int_equal(auth_audit_list(ctx, &in, &page), 0);
        n += page.n;
        in.cursor = page.next;
    } while (page.next.n > 0);
    return n;
}

static void rename_often(struct data_context *ctx, unsigned times)
{
    static unsigned number; /* the same name once more would be no change */
    struct data_user user;
    for (unsigned i = 0; i < times; i++) {
        time_test_advance(USEC_PER_MS); /* ids sort by it */
        struct str name = arena_printf(ctx->arena, "A%u", number++);
        assert_int_equal(auth_user_put(ctx, &(struct auth_user_update){.name = name}, &user), 0);
    }
}

static unsigned purge(struct people *p, usec_t keep)
{
    struct auth_audit_purge state = {.before = time_now() - keep, .house_before = time_now() - day};
    bool more = true;
    unsigned steps = 0;
    while (more) {
        assert_int_equal(auth_audit_purge(p->w.store, &state, &more), 0);
        steps++;
    }
    return steps;
}

static void what_is_old_goes_in_batches_everywhere(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    rename_often(&ada, 250);
    size_t before = count(&ada);
    assert_true(before >= 252);
    assert_int_equal(purge(p, day), 1);
    assert_int_equal(count(&ada), before);
    time_test_advance(2 * day);
    rename_often(&ada, 3);
    rename_often(&eve, 1);
    assert_true(purge(p, day) >= 4);
    assert_int_equal(count(&ada), 3);
    assert_int_equal(count(&eve), 1);
}

static void what_cannot_be_read_keeps_no_other_from_going(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    for (size_t i = 0; i < 2; i++) {
        struct data_context *ctx = i == 0 ? &ada : &eve; /* whoever of them comes first */
        rename_often(ctx, 3);
        struct auth_audit_input in = {.limit = 2};
        struct auth_audit_page page;
        assert_int_equal(auth_audit_list(ctx, &in, &page), 0);
        struct str key = people_key(p, ctx, "audit", page.at[1].id);
        struct str was = people_damage(p, key, i == 0 ? STR("1 {") : STR("99 {}"));
        time_test_advance(2 * day);
        rename_often(&ada, 1);
        rename_often(&eve, 1);
        (void)purge(p, day);
        (void)people_damage(p, key, was);
        assert_int_equal(count(ctx), 2);
        assert_int_equal(count(i == 0 ? &eve : &ada), 1);
        (void)purge(p, day);
        assert_int_equal(count(ctx), 1);
    }
}

static void a_page_looks_at_so_many_only(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    rename_often(&ada, 120);
    struct auth_audit_input in = {.limit = 2, .action = STR("user.register")};
    struct auth_audit_page page;
    assert_int_equal(auth_audit_list(&ada, &in, &page), 0);
    assert_int_equal(page.n, 0);
    assert_true(page.next.n > 0);
    in.cursor = page.next;
    assert_int_equal(auth_audit_list(&ada, &in, &page), 0);
    assert_int_equal(page.n, 1);
    in.cursor = STR("!");
    assert_int_equal(auth_audit_list(&ada, &in, &page), ERR_INVALID);
}

static void what_strangers_were_refused_goes_earlier(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context house = people_request(p);
    auth_call_note(p->auth, &house, &(struct auth_call){.route = "auth_login", .denied = true});
    assert_int_equal(auth_flush(p->auth), 0);
    house.scope = data_house;
    size_t before = count(&ada);
    purge(p, 4 * day);
    assert_int_equal(count(&house), 1);
    time_test_advance(2 * day);
    purge(p, 4 * day);
    assert_int_equal(count(&house), 0);
    assert_int_equal(count(&ada), before);
}

/* More of what is kept than a step looks at does not hide a refusal behind it. */
static void what_the_operator_did_stays(void **state)
{
    enum { TURNS = 130 };
    struct people *p = *state;
    struct data_context house = people_request(p);
    char kid[AUTH_KID_ROOM];
    for (unsigned i = 0; i < TURNS; i++) {
        time_test_advance(USEC_PER_MS);
        assert_int_equal(auth_rotate_keys(p->w.store, kid), 0);
    }
    time_test_advance(USEC_PER_MS);
    auth_call_note(p->auth, &house, &(struct auth_call){.route = "auth_login", .denied = true});
    assert_int_equal(auth_flush(p->auth), 0);
    house.scope = data_house;
    assert_int_equal(count(&house), TURNS + 1);
    struct auth_audit_page page;
    struct auth_audit_input in = {.limit = 2};
    assert_int_equal(auth_audit_list(&house, &in, &page), 0);
    assert_true(str_eq(page.at[1].action, STR("key.rotate")));
    assert_true(str_eq(page.at[1].target, str_from(kid)));
    time_test_advance(2 * day);
    purge(p, 4 * day);
    assert_int_equal(count(&house), TURNS);
    time_test_advance(3 * day);
    purge(p, 4 * day);
    assert_int_equal(count(&house), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_old_goes_in_batches_everywhere),
        TEST_SQLITE(what_is_old_goes_in_batches_everywhere),
        TEST(what_cannot_be_read_keeps_no_other_from_going),
        TEST(a_page_looks_at_so_many_only),
        TEST(what_strangers_were_refused_goes_earlier),
        TEST(what_the_operator_did_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
