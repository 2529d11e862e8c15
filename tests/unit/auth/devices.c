#include "auth/world.h"

PEOPLE_SETUP

static void lists_and_revokes(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct auth_result second;
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &second), 0);
    struct auth_devices devices;
    assert_int_equal(auth_devices_list(&ada, 10, STR_EMPTY, &devices), 0);
    assert_int_equal(devices.n, 2);
    assert_true(str_eq(devices.at[0].id, second.scope.login_id));
    assert_str(devices.at[0].device, "Firefox");
    assert_str(devices.at[0].address, "192.0.2.7");
    BUF_AUTO(text, 4096);
    struct json_writer w;
    json_writer_init(&w, &text);
    auth_device_write(&w, &ada, &devices.at[1]);
    assert_non_null(strstr(buf_z(&text), "\"current\":true"));
    assert_null(strstr(buf_z(&text), "counter"));
    assert_int_equal(auth_devices_revoke(p->auth, &ada, second.scope.login_id), 0);
    assert_int_equal(auth_devices_revoke(p->auth, &ada, second.scope.login_id), ERR_NOT_FOUND);
    assert_int_equal(people_use(p, second.token), ERR_UNAUTHENTICATED);
}

static void pages(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct auth_result result;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &result), 0);
    }
    struct auth_devices page = {.next = STR_EMPTY};
    size_t seen = 0;
    do {
        assert_int_equal(auth_devices_list(&ada, 2, page.next, &page), 0);
        seen += page.n;
    } while (page.next.n > 0);
    assert_int_equal(seen, 5);
    assert_int_equal(auth_devices_list(&ada, 2, STR("!"), &page), ERR_INVALID);
}

static void others_have_none_of_mine(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    assert_int_equal(auth_devices_revoke(p->auth, &eve, ada.scope.login_id), ERR_NOT_FOUND);
    assert_int_equal(auth_devices_revoke(p->auth, &eve, STR("log-00000000000000000000000000")),
                     ERR_NOT_FOUND);
    assert_int_equal(auth_devices_revoke(p->auth, &eve, STR("../")), ERR_NOT_FOUND);
    assert_int_equal(auth_still(p->auth, &ada), 0);
    struct auth_devices devices;
    assert_int_equal(auth_devices_list(&eve, 10, STR_EMPTY, &devices), 0);
    assert_int_equal(devices.n, 1);
}

static void logs_out_here_or_everywhere(void **state)
{
    struct people *p = *state;
    struct auth_result one = people_register(p, "ada@example.com");
    struct auth_result two;
    struct auth_result three;
    assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &two), 0);
    assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &three), 0);
    struct auth_result eve = people_register(p, "eve@example.com");
    struct data_context ctx = people_request(p);
    assert_int_equal(auth_logout_token(p->auth, &ctx, one.refresh_token, false), 0);
    assert_int_equal(auth_logout_token(p->auth, &ctx, one.refresh_token, false), 0);
    assert_int_equal(people_use(p, one.token), ERR_UNAUTHENTICATED);
    assert_int_equal(people_use(p, two.token), 0);
    assert_int_equal(auth_logout_token(p->auth, &ctx, two.refresh_token, true), 0);
    assert_int_equal(people_use(p, two.token), ERR_UNAUTHENTICATED);
    assert_int_equal(people_use(p, three.token), ERR_UNAUTHENTICATED);
    assert_int_equal(people_use(p, eve.token), 0);
    assert_int_equal(auth_logout_token(p->auth, &ctx, STR("forged"), true), ERR_UNAUTHENTICATED);
}

/* A token of a login that has long ended is as good here as ever: it costs a write each time. */
static void ends_are_counted_by_login(void **state)
{
    (void)state;
    struct auth_options options = {.limits_given = true};
    options.limits[AUTH_LIMIT_REFRESH] = (struct auth_rate){2, 60 * USEC_PER_SEC};
    struct people p;
    people_init(&p, "memory", &options);
    struct auth_result one = people_register(&p, "ada@example.com");
    struct auth_result eve = people_register(&p, "eve@example.com");
    struct data_context ctx = people_request(&p);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(auth_logout_token(p.auth, &ctx, one.refresh_token, false), 0);
    }
    assert_int_equal(auth_logout_token(p.auth, &ctx, one.refresh_token, false), ERR_RATE_LIMITED);
    assert_int_equal(auth_logout_token(p.auth, &ctx, eve.refresh_token, false), 0);
    people_fini(&p);
}

static bool anybody(struct data_context *ctx)
{
    bool found;
    assert_int_equal(auth_anybody_in(ctx, &found), 0);
    return found;
}

static void knows_whether_anybody_can_still_ask(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    assert_true(anybody(&ada));
    assert_int_equal(auth_logout(p->auth, &ada, false), 0);
    assert_false(anybody(&ada));
    assert_true(anybody(&eve));
    struct data_apikey key;
    struct str token;
    struct auth_apikey_input in = {
        .name = STR("script"), .access = DATA_APIKEY_ACCESS_READ, .days = 1};
    assert_int_equal(auth_apikey_create(&ada, &in, &key, &token), 0);
    assert_false(anybody(&ada)); /* what only reads needs no workspace */
    in.access = DATA_APIKEY_ACCESS_WRITE;
    assert_int_equal(auth_apikey_create(&ada, &in, &key, &token), 0);
    assert_true(anybody(&ada));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_and_revokes),
        TEST_SQLITE(lists_and_revokes),
        TEST(pages),
        TEST(others_have_none_of_mine),
        TEST(logs_out_here_or_everywhere),
        cmocka_unit_test(ends_are_counted_by_login),
        TEST(knows_whether_anybody_can_still_ask),
        TEST_SQLITE(logs_out_here_or_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
