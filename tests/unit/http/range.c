#include "http/http.h"
#include "unit.h"

static const struct {
    const char *range, *if_range;
    uint64_t size;
    int verdict;
    uint64_t offset, length;
} rows[] = {
    {"bytes=0-9", NULL, 100, 0, 0, 10},
    {"bytes=10-", NULL, 100, 0, 10, 90},
    {"bytes=-10", NULL, 100, 0, 90, 10},
    {"bytes=-1000", NULL, 100, 0, 0, 100},
    {"bytes=90-1000", NULL, 100, 0, 90, 10},
    {"BYTES=0-0", NULL, 100, 0, 0, 1},
    {"bytes=0-9", "\"v\"", 100, 0, 0, 10},
    {"bytes=0-9", "\"w\"", 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=0-9", "W/\"v\"", 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=100-", NULL, 100, ERR_RANGE, 0, 0},
    {"bytes=0-", NULL, 0, ERR_RANGE, 0, 0},
    {"bytes=-0", NULL, 100, ERR_RANGE, 0, 0},
    {"bytes=-5", NULL, 0, ERR_RANGE, 0, 0},
    {"bytes=5-4", NULL, 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=0-1,3-4", NULL, 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=", NULL, 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=-", NULL, 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=a-b", NULL, 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=+1-2", NULL, 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=99999999999999999999-", NULL, 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=0 -9", NULL, 100, ERR_NOT_FOUND, 0, 0},
    {"bytes 0-9", NULL, 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=0-9", "Sat, 01 Jan 2000 00:00:00 GMT", 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=0-9", "", 100, ERR_NOT_FOUND, 0, 0},
    {"lines=0-9", NULL, 100, ERR_NOT_FOUND, 0, 0},
    {"bytes=0-18446744073709551615", NULL, UINT64_MAX, 0, 0, UINT64_MAX},
};

static void ranges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct http_header headers[] = {
            {STR("Range"), str_from(rows[i].range)},
            {STR("If-Range"), str_from(rows[i].if_range)},
        };
        struct http_request request = {.headers = headers,
                                       .header_count = rows[i].if_range ? 2 : 1};
        struct http_range range = {0};
        int r = http_range(&request, rows[i].size, STR("\"v\""), &range);
        if (r != rows[i].verdict || range.offset != rows[i].offset ||
            range.length != rows[i].length) {
            fail_msg("row %zu: %d %llu+%llu", i, r, (unsigned long long)range.offset,
                     (unsigned long long)range.length);
        }
    }
}

/* RFC 9110 section 14.2: another method's Range is ignored, HEAD's too; two lines are no range. */
static void ignored(void **state)
{
    (void)state;
    const struct http_header headers[] = {
        {STR("Range"), STR("bytes=0-1")},
        {STR("Range"), STR("bytes=0-1")},
        {STR("If-Range"), STR("\"v\"")},
        {STR("If-Range"), STR("\"v\"")},
    };
    static const enum http_method methods[] = {HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_OTHER};
    struct http_range range;
    struct http_request request = {.headers = headers, .header_count = 1};
    assert_int_equal(http_range(&request, 10, STR("\"v\""), &range), 0);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        request.method = methods[i];
        assert_int_equal(http_range(&request, 10, STR("\"v\""), &range), ERR_NOT_FOUND);
    }
    request.method = HTTP_GET;
    request.header_count = 2;
    assert_int_equal(http_range(&request, 10, STR("\"v\""), &range), ERR_NOT_FOUND);
    request.headers = headers + 1;
    assert_int_equal(http_range(&request, 10, STR("\"v\""), &range), 0);
    assert_int_equal(http_range(&request, 10, STR("W/\"v\""), &range), ERR_NOT_FOUND);
    request.header_count = 3;
    assert_int_equal(http_range(&request, 10, STR("\"v\""), &range), ERR_NOT_FOUND);
}

static void etags(void **state)
{
    (void)state;
    assert_true(http_etag_listed(STR("*"), STR("\"a\""), true));
    assert_true(http_etag_listed(STR("\"a\""), STR("\"a\""), true));
    assert_true(http_etag_listed(STR("\"x\", \"a\""), STR("\"a\""), true));
    assert_true(http_etag_listed(STR("\"x,y\" , W/\"a\""), STR("\"a\""), false));
    assert_false(http_etag_listed(STR("W/\"a\""), STR("\"a\""), true));
    assert_false(http_etag_listed(STR("\"a"), STR("\"a\""), true));
    assert_false(http_etag_listed(STR("a"), STR("\"a\""), false));
    assert_false(http_etag_listed(STR(""), STR("\"a\""), false));
    assert_false(http_etag_listed(STR(",,"), STR("\"a\""), false));
    assert_false(http_etag_listed(STR("\"a\"x, \"b\""), STR("\"a\""), false));
    assert_false(http_etag_listed(STR("\"a\"\"b\""), STR("\"b\""), false));
    assert_true(http_etag_listed(STR("\"a\"x, \"b\""), STR("\"b\""), false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranges), cmocka_unit_test(ignored),
                                       cmocka_unit_test(etags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
