/* What passes the relay in both directions: cookies. (The other headers are held in gateway.c's test, on real sockets.) */
#include "auth/world.h"
#include "gateway/gateway_int.h"

static void cookies_that_go_in(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    static const char *const rows[][2] = {
        {"", ""},
        {"theia-connection-token=a", "theia-connection-token=a"},
        {"a=b; theia-connection-token=x; __Host-coditect-ide=secret", "theia-connection-token=x"},
        {"theia-connection-token=a;theia-connection-token=b",
         "theia-connection-token=a; theia-connection-token=b"},
        {"__Host-coditect-refresh=r; coditect-ide=s", ""},
        {"xtheia-connection-token=a; theia-connection-tokenx=b; theia-connection-token", ""},
        {"THEIA-connection-token=a", ""},
        {";;; ;", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_str(
            gateway_relay_cookies(&arena, str_from(rows[i][0]), STR("theia-connection-token")),
            rows[i][1]);
    }
}

static void cookies_that_go_out(void **state)
{
    (void)state;
    static const char *const good[] = {
        "theia-connection-token=a; Path=/; HttpOnly; SameSite=Strict",
        "theia-connection-token=a",
        "theia-connection-token=domain",
        "theia-connection-token=a; Path=/domain=x",
    };
    static const char *const bad[] = {
        "",
        "theia-connection-token",
        "other=a",
        "__Host-coditect-ide=a; Path=/; Secure",
        "theia-connection-token=a; Domain=coditect.localhost",
        "theia-connection-token=a; Path=/; dOmAiN = coditect.localhost",
        "theia-connection-token=a;domain",
        " theia-connection-token=a",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(gateway_relay_may_set(str_from(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(gateway_relay_may_set(str_from(bad[i])));
    }
}

/* Where browsers honour it, the name is one that pages of other hosts cannot set: none of them can shadow the cookie. */
static void cookies_by_another_name(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct gateway_site site = {0};
    struct gateway_place place = {.site = &site, .secure = true};
    struct str name = gateway_relay_cookie_name(&place);
    assert_str(
        gateway_relay_set(&arena, STR("theia-connection-token=a; Path=/; Expires=x"), &place),
        "__Host-theia-connection-token=a; Path=/; HttpOnly; SameSite=Strict; Secure");
    assert_str(
        gateway_relay_cookies(
            &arena, STR("theia-connection-token=shadow; __Host-theia-connection-token=a"), name),
        "theia-connection-token=a");
    place.secure = false;
    assert_str(gateway_relay_set(&arena, STR("theia-connection-token=a"), &place),
               "theia-connection-token=a; Path=/; HttpOnly; SameSite=Strict");
}

/* Where sessions share a host, Theia's cookie is bound to the session's path. */
static void cookies_below_a_path(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct gateway_place place = {.base = STR("/ide/ses-1")};
    assert_str(
        gateway_relay_set(&arena, STR("theia-connection-token=a; Path=/; Expires=x"), &place),
        "theia-connection-token=a; Path=/ide/ses-1/; HttpOnly; SameSite=Strict");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_that_go_in),
        cmocka_unit_test(cookies_that_go_out),
        cmocka_unit_test(cookies_by_another_name),
        cmocka_unit_test(cookies_below_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
