#include "api/api_int.h"

#include "unit.h"

static void urls(void **state)
{
    (void)state;
    struct api_origin o;
    static const char *const bad[] = {"coditect.example.com", "ftp://x",    "https://", "http:///",
                                      "https://x/path",       "https://u@x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(api_origin_init(&o, str_from(bad[i])), ERR_INVALID);
    }
    assert_int_equal(api_origin_init(&o, STR("https://x.example.com/")), 0);
    assert_str(o.public_url, "https://x.example.com");
    assert_str(o.public_host, "x.example.com");
    assert_true(o.secure_cookie);
    assert_int_equal(api_origin_init(&o, STR("http://x.example.com:8080")), 0);
    assert_false(o.secure_cookie);
    assert_int_equal(api_origin_init(&o, STR("http://coditect.localhost:8080")), 0);
    assert_true(o.secure_cookie);
    assert_int_equal(api_origin_init(&o, STR_EMPTY), 0);
    assert_true(o.secure_cookie);
}

static void hosts(void **state)
{
    (void)state;
    struct api_origin o;
    assert_int_equal(api_origin_init(&o, STR("https://x.example.com:8443")), 0);
    static const char *const good[] = {
        "X.example.com:8443", "localhost", "a.LOCALHOST:1", "127.0.0.1:80",
        "127.1.2.3",          "[::1]",     "[::1]:80"};
    static const char *const bad[] = {
        "",           "x.example.com", "x.example.com:80", ".localhost",
        "xlocalhost", "localhost.",    "127.0.0.1.x",      "127.1",
        "[::2]",      "::1x",          "0.0.0.0",          "2130706433",
        "example.com"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(api_origin_serves(&o, str_from(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(api_origin_serves(&o, str_from(bad[i])));
    }
}

static bool own(const struct api_origin *o, const char *host, const char *origin, const char *site)
{
    struct http_header headers[2] = {
        {STR("Origin"), str_from(origin)},
        {STR("Sec-Fetch-Site"), str_from(site)},
    };
    struct http_request request = {
        .host = str_from(host),
        .headers = headers,
        .header_count = site != NULL ? 2 : 1,
    };
    return api_origin_is_own(o, &request);
}

static void pages(void **state)
{
    (void)state;
    struct api_origin o;
    assert_int_equal(api_origin_init(&o, STR_EMPTY), 0);
    assert_true(own(&o, "localhost:8080", "http://localhost:8080", NULL));
    assert_true(own(&o, "localhost:8080", "http://localhost:8080", "same-origin"));
    assert_false(own(&o, "localhost:8080", "http://localhost:8080", "same-site"));
    assert_false(own(&o, "localhost:8080", "http://localhost:8080", "none"));
    assert_false(own(&o, "localhost:8080", "http://localhost:9090", NULL));
    assert_false(own(&o, "localhost:8080", "https://localhost:8080", NULL));
    assert_false(own(&o, "localhost:8080", "null", NULL));
    assert_false(own(&o, "localhost:8080", "", NULL));
    assert_false(own(&o, "x.example.com", "http://x.example.com", NULL));

    assert_int_equal(api_origin_init(&o, STR("https://x.example.com")), 0);
    assert_true(own(&o, "x.example.com", "https://x.example.com", "same-origin"));
    assert_false(own(&o, "x.example.com", "http://x.example.com", "same-origin"));
    assert_false(own(&o, "x.example.com", "https://y.example.com", "same-origin"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(hosts),
        cmocka_unit_test(pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
