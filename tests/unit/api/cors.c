#include "api/api_int.h"

#include "unit.h"

static void origins(void **state)
{
    static const char *const good[] = {
        "https://tools.example.com",
        "http://localhost:3000",
        "http://127.0.0.1:1",
        "https://a:80",
        "http://x",
        "http://localhost:65535",
    };
    static const char *const bad[] = {
        "",
        "*",
        "null",
        "https://",
        "http://:80",
        "https://a/",
        "https://a:443",
        "http://a:80",
        "http://a:",
        "http://a:0",
        "http://a:080",
        "http://a:65536",
        "http://a:8x",
        "http://A",
        "HTTP://a",
        "ftp://a",
        "https://*.example.com",
        "https://user@a",
        "https://a b",
        "https://a?x",
        "https://a,https://b",
        "tools.example.com",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(api_cors_is_origin(str_from(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(api_cors_is_origin(str_from(bad[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(origins)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
