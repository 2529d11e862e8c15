#include "http/http.h"
#include "unit.h"

static struct arena arena;
static struct http_header headers[4];
static struct http_request request;

static int reset(void **state)
{
    (void)state;
    arena_fini(&arena);
    request = (struct http_request){.arena = &arena, .headers = headers};
    return 0;
}

static void set_header(const char *name, const char *value)
{
    headers[request.header_count++] = (struct http_header){str_from(name), str_from(value)};
}

static void header_lookup(void **state)
{
    (void)state;
    set_header("Connection", "keep-alive, Upgrade");
    set_header("CONNECTION", "close");
    assert_str(http_header(&request, "connection"), "keep-alive, Upgrade");
    assert_str(http_header(&request, "none"), "");
    assert_int_equal(http_header_count(&request, "connection"), 2);
    assert_true(http_header_has_token(&request, "Connection", "upgrade"));
    assert_true(http_header_has_token(&request, "Connection", "Close"));
    assert_false(http_header_has_token(&request, "Connection", "up"));
}

static void queries(void **state)
{
    (void)state;
    struct str value;
    request.query = STR("a=1&&b=x%20y+z&c&%64=4&e=%4&a=2&f=%zz");
    assert_int_equal(http_query(&request, "a", &value), 0);
    assert_str(value, "1");
    assert_int_equal(http_query(&request, "b", &value), 0);
    assert_str(value, "x y z");
    assert_int_equal(http_query(&request, "c", &value), 0);
    assert_str(value, "");
    assert_int_equal(http_query(&request, "d", &value), 0);
    assert_str(value, "4");
    assert_int_equal(http_query(&request, "e", &value), ERR_INVALID);
    assert_int_equal(http_query(&request, "f", &value), ERR_INVALID);
    assert_int_equal(http_query(&request, "g", &value), ERR_NOT_FOUND);
    request.query = STR_EMPTY;
    assert_int_equal(http_query(&request, "", &value), ERR_NOT_FOUND);
}

static void percent(void **state)
{
    (void)state;
    struct str out;
    assert_int_equal(http_percent_decode(&arena, STR("a%2Fb+%ff"), &out), 0);
    assert_str(out, "a/b+\xff");
    assert_int_equal(http_percent_decode(&arena, STR("%"), &out), ERR_INVALID);
    assert_int_equal(http_percent_decode(&arena, STR("%f"), &out), ERR_INVALID);
    assert_int_equal(http_percent_decode(&arena, STR("%0g"), &out), ERR_INVALID);
    BUF_AUTO(encoded, 100);
    http_percent_encode(&encoded, STR("/a b\xc3\xa4~%"));
    assert_str(buf_str(&encoded), "/a%20b%C3%A4~%25");
}

static void cookies(void **state)
{
    (void)state;
    struct str value;
    set_header("Cookie", "a=1; b=\"q\";c=x=y ; d");
    set_header("cookie", "e=5; f=6; f=7");
    assert_int_equal(http_cookie(&request, "a", &value), 0);
    assert_str(value, "1");
    assert_int_equal(http_cookie(&request, "b", &value), 0);
    assert_str(value, "q");
    assert_int_equal(http_cookie(&request, "c", &value), 0);
    assert_str(value, "x=y");
    assert_int_equal(http_cookie(&request, "d", &value), ERR_NOT_FOUND);
    assert_int_equal(http_cookie(&request, "e", &value), 0);
    assert_int_equal(http_cookie(&request, "A", &value), ERR_NOT_FOUND);
    assert_int_equal(http_cookie(&request, "f", &value), ERR_CONFLICT);
    set_header("Cookie", "a=2");
    assert_int_equal(http_cookie(&request, "a", &value), ERR_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(header_lookup, reset),
        cmocka_unit_test_setup(queries, reset),
        cmocka_unit_test_setup(percent, reset),
        cmocka_unit_test_setup_teardown(cookies, reset, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
