/* What is agreed about compression in the handshake (RFC 7692 section 7.1, RFC 6455 section 9.1). */
#include "http/socket_int.h"
#include "unit.h"

static const struct {
    const char *offer;
    int result;      /* ERR_INVALID, else 0 */
    unsigned window; /* 0: not agreed */
    const char *why;
} rows[] = {
    {"permessage-deflate", 0, 15, "7.1: plain"},
    {"permessage-deflate; client_max_window_bits", 0, 15, "7.1.2.2: as browsers offer it"},
    {"permessage-deflate; client_max_window_bits=8", 0, 15, "7.1.2.2"},
    {"permessage-deflate;client_max_window_bits=\"10\"", 0, 15, "6455 9.1: in quotes"},
    {"permessage-deflate; server_no_context_takeover; client_no_context_takeover", 0, 15, "7.1.1"},
    {"permessage-deflate; server_max_window_bits=9", 0, 9, "7.1.2.1"},
    {"permessage-deflate; server_max_window_bits=15", 0, 15, "7.1.2.1"},
    {"permessage-deflate; server_max_window_bits=8", 0, 0, "what zlib cannot do is declined"},
    {"permessage-deflate; server_max_window_bits=8, permessage-deflate", 0, 15,
     "5.1: then the next offer"},
    {"permessage-deflate; server_max_window_bits=12, permessage-deflate", 0, 12,
     "5.1: the first that can be met"},
    {"permessage-deflate; server_max_window_bits", 0, 0, "7.1.2.1: needs a value"},
    {"permessage-deflate; server_max_window_bits=7", 0, 0, "7.1.2.1: 8 to 15"},
    {"permessage-deflate; server_max_window_bits=16", 0, 0, "7.1.2.1: 8 to 15"},
    {"permessage-deflate; server_max_window_bits=010", 0, 0, "7.1.2.1: no leading zero"},
    {"permessage-deflate; client_max_window_bits=16", 0, 0, "7.1.2.2: 8 to 15"},
    {"permessage-deflate; server_no_context_takeover=1", 0, 0, "7.1.1.1: has no value"},
    {"permessage-deflate; client_no_context_takeover; client_no_context_takeover", 0, 0,
     "7.1: twice"},
    {"permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", 0, 0, "7.1: twice"},
    {"permessage-deflate; more", 0, 0, "7.1: unknown parameter"},
    {"permessage-bzip2", 0, 0, "another extension"},
    {"x-webkit-deflate-frame, permessage-deflate", 0, 15, "5.1"},
    {", permessage-deflate ,,", 0, 15, "9110 5.6.1: empty elements"},
    {"", 0, 0, "nothing"},
    {"permessage-deflate;", ERR_INVALID, 0, "6455 9.1: an empty parameter"},
    {"permessage-deflate; a=", ERR_INVALID, 0, "6455 9.1: no value"},
    {"permessage-deflate; a=\"b c\"", ERR_INVALID, 0,
     "6455 9.1: a value is a token, also in quotes"},
    {"permessage deflate", ERR_INVALID, 0, "6455 9.1: no token"},
    {"permessage-deflate; =15", ERR_INVALID, 0, "6455 9.1: no name"},
    {"permessage-deflate, ;", ERR_INVALID, 0, "6455 9.1: no name"},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct http_header header = {STR("sec-websocket-extensions"),
                                           str_from(rows[i].offer)};
        const struct http_request request = {.headers = &header, .header_count = 1};
        struct http_deflate_terms terms = {0};
        int r = http_deflate_agree(&request, &terms);
        if (r != rows[i].result || terms.agreed != (rows[i].window > 0) ||
            terms.bits != rows[i].window) {
            fail_msg("row %zu (%s): %d, %u", i, rows[i].why, r, terms.bits);
        }
    }
}

/* Several lines are one list (RFC 9110 section 5.3). */
static void lines(void **state)
{
    (void)state;
    const struct http_header headers[] = {
        {STR("Sec-WebSocket-Extensions"), STR("foo")},
        {STR("Sec-WebSocket-Extensions"), STR("permessage-deflate; server_max_window_bits=11")},
    };
    const struct http_request request = {.headers = headers, .header_count = 2};
    struct http_deflate_terms terms;
    assert_int_equal(http_deflate_agree(&request, &terms), 0);
    assert_int_equal(terms.bits, 11);
}

static void answers(void **state)
{
    (void)state;
    BUF_AUTO(out, 1024);
    http_deflate_answer(&(struct http_deflate_terms){0}, &out);
    assert_int_equal(out.n, 0);
    http_deflate_answer(&(struct http_deflate_terms){true, 15}, &out);
    assert_str(buf_str(&out), "Sec-WebSocket-Extensions: permessage-deflate; "
                              "server_no_context_takeover; client_no_context_takeover\r\n");
    buf_clear(&out);
    http_deflate_answer(&(struct http_deflate_terms){true, 10}, &out);
    assert_true(str_ends(buf_str(&out), STR("; server_max_window_bits=10\r\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(lines),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
