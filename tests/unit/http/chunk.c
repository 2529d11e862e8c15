#include "http/http_int.h"
#include "unit.h"

/* Decodes in pieces of at most step bytes; the content into out, the number of bytes behind the body into ret_rest. */
static int decode(struct str in, size_t step, struct buf *out, size_t *ret_rest)
{
    struct http_chunks chunks = {0};
    buf_clear(out);
    for (size_t at = 0; at < in.n;) {
        struct str piece = str_slice(in, at, at + step), data;
        size_t before = piece.n;
        int r;
        while ((r = http_chunks_next(&chunks, &piece, &data)) == HTTP_DATA) {
            assert_true(data.n > 0);
            buf_add(out, data);
        }
        at += before - piece.n;
        if (r != HTTP_MORE) {
            *ret_rest = in.n - at;
            return r;
        }
    }
    return HTTP_MORE;
}

static const struct {
    struct str in;
    int verdict;
    const char *content;
    size_t rest;
} rows[] = {
    {STR("0\r\n\r\n"), 0, "", 0},
    {STR("3\r\nabc\r\n0\r\n\r\nGET"), 0, "abc", 3},
    {STR("3\r\nabc\r\nA\r\n0123456789\r\n000\r\n\r\n"), 0, "abc0123456789", 0},
    {STR("3;a=b;c=\"d e\"\r\nabc\r\n0;x\r\n\r\n"), 0, "abc", 0},
    {STR("0\r\nA: b\r\nC:\r\n\r\n"), 0, "", 0},
    {STR("3\r\nab"), HTTP_MORE, "ab", 0},
    {STR("3\r\nabc\r\n0\r\n"), HTTP_MORE, "abc", 0},
    {STR("\r\n"), ERR_INVALID, NULL, 0},
    {STR("x\r\n"), ERR_INVALID, NULL, 0},
    {STR("0x3\r\nabc\r\n0\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("+3\r\nabc\r\n0\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("-1\r\n"), ERR_INVALID, NULL, 0},
    {STR("3 \r\nabc\r\n0\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("3\nabc\r\n0\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("3\rabc\r\n0\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("3\r\nabcd\r\n0\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("3\r\nabc\n0\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("fffffffffffffffff\r\n"), ERR_INVALID, NULL, 0},
    {STR("10000000000000003\r\nabc"), ERR_INVALID, NULL, 0},
    {STR("0000000000000003\r\nabc"), ERR_INVALID, NULL, 0},
    {STR("3;a\nb\r\nabc"), ERR_INVALID, NULL, 0},
    {STR("3;\0\r\nabc"), ERR_INVALID, NULL, 0},
    {STR("0\r\nA\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("0\r\n: b\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("0\r\nA : b\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("0\r\n A: b\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("0\r\nA: b\nC: d\r\n\r\n"), ERR_INVALID, NULL, 0},
    {STR("0\r\n\rX"), ERR_INVALID, NULL, 0},
};

static void table(void **state)
{
    (void)state;
    BUF_AUTO(out, 1024);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t step = 1; step <= 64; step++) {
            size_t rest = 0;
            int r = decode(rows[i].in, step, &out, &rest);
            if (r != rows[i].verdict) {
                fail_msg("row %zu in pieces of %zu: %d", i, step, r);
            }
            if (rows[i].content) {
                assert_str(buf_str(&out), rows[i].content);
                assert_int_equal(rest, r == HTTP_MORE ? 0 : rows[i].rest);
            }
        }
    }
}

static int repeated(const char *first, char c, size_t n, const char *last)
{
    BUF_AUTO(in, 64 * 1024);
    BUF_AUTO(out, 64 * 1024);
    buf_add(&in, str_from(first));
    for (size_t i = 0; i < n; i++) {
        buf_byte(&in, c);
    }
    buf_add(&in, str_from(last));
    size_t rest;
    return decode(buf_str(&in), in.n, &out, &rest);
}

static void limits(void **state)
{
    (void)state;
    assert_int_equal(repeated("1;", 'e', HTTP_MAX_EXTENSIONS, "\r\nx\r\n0\r\n\r\n"), 0);
    assert_int_equal(repeated("1;", 'e', HTTP_MAX_EXTENSIONS + 1, "\r\nx\r\n0\r\n\r\n"),
                     ERR_INVALID);
    /* over all chunks together */
    assert_int_equal(repeated("1;", 'e', HTTP_MAX_EXTENSIONS, "\r\nx\r\n0;y\r\n\r\n"), ERR_INVALID);
    assert_int_equal(repeated("0\r\nA: ", 't', HTTP_MAX_TRAILERS - 6, "\r\n\r\n"), 0);
    assert_int_equal(repeated("0\r\nA: ", 't', HTTP_MAX_TRAILERS - 5, "\r\n\r\n"), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
