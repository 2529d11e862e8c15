/* The table of what is accepted and refused, with the section that says so. Every row runs whole and byte by byte. */
#include "http/http_int.h"
#include "unit.h"

#define HOST "Host: example.com\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST

static struct http_head head;
static struct http_header headers[HTTP_MAX_HEADERS];
static struct http_request request;

static int parse(struct str in, bool byte_by_byte)
{
    memset(&head, 0, sizeof head);
    request = (struct http_request){0};
    int r = HTTP_MORE;
    for (size_t n = byte_by_byte ? 0 : in.n; n <= in.n && r == HTTP_MORE; n++) {
        r = http_head_parse(&head, str_slice(in, 0, n));
    }
    return r == 0 ? http_head_request(&head, in, headers, &request) : r;
}

static const struct {
    struct str in;
    int verdict;
    const char *why;
} rows[] = {
    {STR(GET HOST "\r\n"), 0, "plain"},
    {STR("GET / HTTP/1.0\r\n\r\n"), 0, "9112 3.2: HTTP/1.0 needs no Host"},
    {STR("\r\n" GET HOST "\r\n"), 0, "9112 2.2: one empty line before"},
    {STR("\r\n\r\n" GET HOST "\r\n"), ERR_INVALID, "two empty lines before"},
    {STR(GET HOST), HTTP_MORE, "unfinished"},
    {STR("GET / HTTP/1.1"), HTTP_MORE, "unfinished"},
    {STR("QUERY / HTTP/1.1\r\n" HOST "\r\n"), 0, "9110 9.1: any token is a method"},
    {STR("G ET / HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9112 3: space in method"},
    {STR(" / HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9112 3: no method"},
    {STR("G@T / HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9110 5.6.2: not a token"},
    {STR("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9112 3: tab for space"},
    {STR("GET  / HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9112 3: two spaces"},
    {STR("GET / HTTP/1.1 \r\n" HOST "\r\n"), ERR_INVALID, "9112 3: space behind version"},
    {STR("GET /\r\n\r\n"), ERR_INVALID, "HTTP/0.9"},
    {STR("GET / http/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9112 2.3: case of version"},
    {STR("GET / HTTP/1.10\r\n" HOST "\r\n"), ERR_INVALID, "9112 2.3: two digits"},
    {STR("GET / HTTP/1.a\r\n" HOST "\r\n"), ERR_INVALID, "9112 2.3: no digit"},
    {STR("GET / HTTP/2.0\r\n" HOST "\r\n"), ERR_VERSION_UNSUPPORTED, "9110 15.6.6"},
    {STR("GET / HTTP/1.2\r\n" HOST "\r\n"), ERR_VERSION_UNSUPPORTED, "not spoken"},
    {STR("GET x HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9112 3.2: no form of target"},
    {STR("GET /a b HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9112 3.2: space in target"},
    {STR("GET /\x7f HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "3986 2: control"},
    {STR("GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "3986 2: not ASCII"},
    {STR("GET /a\0b HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "NUL in target"},
    {STR("GET /#f HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9110 4.2.5: fragment"},
    {STR("GET /\\ HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "backslash"},
    {STR("GET /%00 HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "%00 in path"},
    {STR("GET /?a=%00 HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "%00 in query"},
    {STR("GET /%4 HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "3986 2.1: incomplete escape"},
    {STR("GET /%zz HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "3986 2.1: no escape"},
    {STR("GET /a|b[c]?d=%zz HTTP/1.1\r\n" HOST "\r\n"), 0, "as browsers send it"},
    {STR("GET http://a.b:80/x?y HTTP/1.1\r\n" HOST "\r\n"), 0, "9112 3.2.2"},
    {STR("GET http://u@a.b/ HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9110 4.2.4: userinfo"},
    {STR("GET http:///x HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9110 4.2.1: no host"},
    {STR("GET hTTp://a.b/ HTTP/1.1\r\n" HOST "\r\n"), 0, "9110 4.2.3: case of the scheme"},
    {STR("GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "other scheme"},
    {STR("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 0, "9112 3.2.4"},
    {STR("GET * HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID, "9112 3.2.4"},
    {STR("CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n"), ERR_NOT_IMPLEMENTED, "9110 9.3.6"},
    {STR(GET "\r\n"), ERR_INVALID, "9112 3.2: no Host"},
    {STR(GET HOST HOST "\r\n"), ERR_INVALID, "9112 3.2: two Hosts"},
    {STR(GET "Host: \r\n\r\n"), ERR_INVALID, "empty Host"},
    {STR(GET "Host: a b\r\n\r\n"), ERR_INVALID, "9112 3.2: invalid Host"},
    {STR(GET "Host: a, b\r\n\r\n"), ERR_INVALID, "9112 3.2: list of hosts"},
    {STR(GET "Host: a:0\r\n\r\n"), ERR_INVALID, "port 0"},
    {STR(GET "Host: a:65536\r\n\r\n"), ERR_INVALID, "port too large"},
    {STR(GET "Host: a:\r\n\r\n"), ERR_INVALID, "no port"},
    {STR(GET "Host: a:+1\r\n\r\n"), ERR_INVALID, "signed port"},
    {STR(GET "Host: [::1]:8080\r\n\r\n"), 0, "IPv6"},
    {STR(GET "Host: [::1\r\n\r\n"), ERR_INVALID, "IPv6 without end"},
    {STR(GET "Host: [::1]x\r\n\r\n"), ERR_INVALID, "junk behind IPv6"},
    {STR(GET "Host : a\r\n\r\n"), ERR_INVALID, "9112 5.1: space before colon"},
    {STR(GET HOST ": x\r\n\r\n"), ERR_INVALID, "9112 5: empty name"},
    {STR(GET HOST "a\r\n\r\n"), ERR_INVALID, "9112 5: no colon"},
    {STR(GET HOST "a b: c\r\n\r\n"), ERR_INVALID, "9110 5.1: name is no token"},
    {STR(GET HOST "a: b\r\n c\r\n\r\n"), ERR_INVALID, "9112 5.2: obs-fold"},
    {STR(GET " " HOST "\r\n"), ERR_INVALID, "9112 2.2: space before the first field"},
    {STR(GET HOST "a: b\rc\r\n\r\n"), ERR_INVALID, "9112 2.2: bare CR"},
    {STR(GET HOST "a: b\r\r\n\r\n"), ERR_INVALID, "9112 2.2: bare CR"},
    {STR(GET HOST "a: b\n\r\n"), ERR_INVALID, "bare LF"},
    {STR(GET HOST "\n"), ERR_INVALID, "bare LF at the end"},
    {STR("GET / HTTP/1.1\n" HOST "\r\n"), ERR_INVALID, "bare LF in the first line"},
    {STR(GET HOST "a: b\0c\r\n\r\n"), ERR_INVALID, "9110 5.5: NUL"},
    {STR(GET HOST "a: b\x01\r\n\r\n"), ERR_INVALID, "9110 5.5: control"},
    {STR(GET HOST "a: \xff\tb\r\n\r\n"), 0, "9110 5.5: obs-text and tab"},
    {STR(POST "Content-Length: 7\r\n\r\n"), 0, "9112 6.2"},
    {STR(POST "Content-Length: 7\r\nContent-Length: 7\r\n\r\n"), ERR_INVALID, "9112 6.3: two"},
    {STR(POST "Content-Length: 7, 7\r\n\r\n"), ERR_INVALID, "9112 6.3: a list"},
    {STR(POST "Content-Length: +7\r\n\r\n"), ERR_INVALID, "9110 8.6: sign"},
    {STR(POST "Content-Length: -1\r\n\r\n"), ERR_INVALID, "9110 8.6: sign"},
    {STR(POST "Content-Length: 0x2\r\n\r\n"), ERR_INVALID, "9110 8.6: hexadecimal"},
    {STR(POST "Content-Length: 1 0\r\n\r\n"), ERR_INVALID, "9110 8.6: space"},
    {STR(POST "Content-Length:\r\n\r\n"), ERR_INVALID, "9110 8.6: empty"},
    {STR(POST "Content-Length: 9223372036854775807\r\n\r\n"), 0, "the largest"},
    {STR(POST "Content-Length: 9223372036854775808\r\n\r\n"), ERR_TOO_LARGE, "9110 8.6: overflow"},
    {STR(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), ERR_INVALID,
     "9112 6.1: both"},
    {STR(POST "Transfer-Encoding: chunked\r\n\r\n"), 0, "9112 6.1"},
    {STR(POST "Transfer-Encoding: CHUNKED\r\n\r\n"), 0, "9112 7: case"},
    {STR(POST "Transfer-Encoding: xchunked\r\n\r\n"), ERR_NOT_IMPLEMENTED, "9112 6.1: unknown"},
    {STR(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), ERR_NOT_IMPLEMENTED,
     "9112 6.1: unknown"},
    {STR(POST "Transfer-Encoding: chunked, gzip\r\n\r\n"), ERR_INVALID, "9112 6.3: not last"},
    {STR(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), ERR_INVALID, "9112 6.1: twice"},
    {STR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), ERR_INVALID,
     "9112 6.1: twice"},
    {STR(POST "Transfer-Encoding:\r\n\r\n"), ERR_INVALID, "empty"},
    {STR(POST "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n"),
     ERR_INVALID, "control before"},
    {STR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), ERR_INVALID, "9112 6.1: in 1.0"},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int split = 0; split < 2; split++) {
            int r = parse(rows[i].in, split);
            if (r != rows[i].verdict) {
                fail_msg("row %zu (%s): %d instead of %d", i, rows[i].why, r, rows[i].verdict);
            }
        }
    }
}

static void parts(void **state)
{
    (void)state;
    assert_int_equal(parse(STR("PUT /a%20b?c=d HTTP/1.1\r\nhost: x:81\r\nA:  b c \t\r\nB:\r\n"
                               "Content-Length: 3\r\n\r\nxyz"),
                           true),
                     0);
    assert_int_equal(request.method, HTTP_PUT);
    assert_str(request.target, "/a%20b?c=d");
    assert_str(request.path, "/a%20b");
    assert_str(request.query, "c=d");
    assert_str(request.host, "x:81");
    assert_int_equal(request.content_length, 3);
    assert_int_equal(request.header_count, 4);
    assert_str(http_header(&request, "a"), "b c");
    assert_str(http_header(&request, "B"), "");
    assert_int_equal(parse(STR("GET http://h:1?q HTTP/1.1\r\n" HOST "\r\n"), true), 0);
    assert_str(request.host, "h:1");
    assert_str(request.path, "/");
    assert_str(request.query, "q");
    assert_int_equal(parse(STR(POST "Transfer-Encoding: chunked\r\n\r\n"), false), 0);
    assert_int_equal(request.content_length, -1);
}

/* first + n times 'a' + last */
static int parse_long(const char *first, size_t n, const char *last)
{
    BUF_AUTO(text, 128 * 1024);
    buf_add(&text, str_from(first));
    for (size_t i = 0; i < n; i++) {
        buf_byte(&text, 'a');
    }
    buf_add(&text, str_from(last));
    int whole = parse(buf_str(&text), false);
    assert_int_equal(parse(buf_str(&text), true), whole);
    return whole;
}

static void limits(void **state)
{
    (void)state;
    const size_t around = sizeof "GET / HTTP/1.1\r\n" - 1;
    const char *rest = " HTTP/1.1\r\n" HOST "\r\n";
    assert_int_equal(parse_long("GET /", HTTP_MAX_REQUEST_LINE - around, rest), 0);
    assert_int_equal(parse_long("GET /", HTTP_MAX_REQUEST_LINE - around + 1, rest),
                     ERR_URI_TOO_LONG);
    assert_int_equal(parse_long("GET /", HTTP_MAX_REQUEST_LINE, ""), ERR_URI_TOO_LONG);
    const size_t fields = sizeof HOST "x: \r\n\r\n" - 1;
    assert_int_equal(parse_long(GET HOST "x: ", HTTP_MAX_FIELDS - fields, "\r\n\r\n"), 0);
    assert_int_equal(parse_long(GET HOST "x: ", HTTP_MAX_FIELDS - fields + 1, "\r\n\r\n"),
                     ERR_HEADERS_TOO_LARGE);
    assert_int_equal(parse_long(GET HOST "x: ", HTTP_MAX_FIELDS, ""), ERR_HEADERS_TOO_LARGE);
    for (int count = HTTP_MAX_HEADERS; count <= HTTP_MAX_HEADERS + 1; count++) {
        BUF_AUTO(text, 64 * 1024);
        buf_add(&text, STR(GET HOST));
        for (int i = 1; i < count; i++) {
            buf_add(&text, STR("a: b\r\n"));
        }
        buf_add(&text, STR("\r\n"));
        assert_int_equal(parse(buf_str(&text), true),
                         count > HTTP_MAX_HEADERS ? ERR_HEADERS_TOO_LARGE : 0);
    }
}

static int parse_response(struct str in)
{
    memset(&head, 0, sizeof head);
    head.response = true;
    return http_head_parse(&head, in);
}

static void responses(void **state)
{
    (void)state;
    assert_int_equal(parse_response(STR("HTTP/1.1 200 OK\r\n\r\n")), 0);
    assert_int_equal(head.status, 200);
    assert_int_equal(parse_response(STR("HTTP/1.0 404\r\n\r\n")), 0);
    assert_true(head.http10);
    assert_int_equal(parse_response(STR("HTTP/1.1 404Bad\r\n\r\n")), ERR_INVALID);
    assert_int_equal(parse_response(STR("HTTP/1.1 099 x\r\n\r\n")), ERR_INVALID);
    assert_int_equal(parse_response(STR("HTTP/1.1 +20 x\r\n\r\n")), ERR_INVALID);
    assert_int_equal(parse_response(STR("HTTP/2.0 200 x\r\n\r\n")), ERR_VERSION_UNSUPPORTED);
    assert_int_equal(parse_response(STR("\r\nHTTP/1.1 200 OK\r\n\r\n")), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(parts),
        cmocka_unit_test(limits),
        cmocka_unit_test(responses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
