/* The client's side of a WebSocket: what it sends, which answers it takes. Every answer runs whole and byte by byte. */
#include "http/socket_int.h"
#include "unit.h"

enum { MAX_MESSAGE = 1000 };

static const struct http_header token = {{"Authorization", 13}, {"Bearer x", 8}};

static struct http_dial *dial(struct buf *out)
{
    const struct http_dial_options options = {.host = STR("c.example.com:8443"),
                                              .target = STR("/ws/x?a=b"),
                                              .headers = &token,
                                              .header_count = 1,
                                              .max_message = MAX_MESSAGE};
    struct http_dial *d;
    assert_int_equal(http_dial_create(&options, out, &d), 0);
    return d;
}

static struct str key_of(struct str request)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    const char *at = strstr(request.p, name) + sizeof name - 1;
    return str_of(at, (size_t)(strchr(at, '\r') - at));
}

/* "O(opened)R409(body)T(text)B(bytes)P(ping)Q(pong)C1000(reason)", then "!" for an error. */
static void read_all(struct http_dial *d, struct str in, size_t step, struct buf *out)
{
    static const char letters[] = "?ORTBPQC";
    int r = 0;
    for (size_t at = 0; at < in.n && r == 0; at += step) {
        struct str piece = str_slice(in, at, at + step);
        struct http_dial_event e;
        while ((r = http_dial_next(d, &piece, &e)) == 0 && e.kind != HTTP_DIAL_MORE) {
            buf_byte(out, letters[e.kind]);
            if (e.code != 0) {
                buf_i64(out, e.code);
            }
            buf_printf(out, "(" STR_FMT ")", STR_ARG(e.data));
        }
        assert_true(r < 0 || piece.n == 0);
    }
    buf_add(out, r < 0 ? STR("!") : STR_EMPTY);
}

/* answer: ACCEPT stands for what is right. */
static void answered(struct str answer, const char *expected)
{
    for (size_t step = 1; step <= answer.n + 40; step += answer.n + 39) {
        BUF_AUTO(request, 4096);
        BUF_AUTO(in, 128 * 1024);
        BUF_AUTO(seen, 4096);
        char accept[ACCEPT_ROOM];
        struct http_dial *d = dial(&request);
        (void)buf_z(&request);
        http_accept_make(key_of(buf_str(&request)), accept);
        for (size_t i = 0; i < answer.n; i++) {
            bool here = str_starts(str_slice(answer, i, answer.n), STR("ACCEPT"));
            buf_add(&in, here ? str_from(accept) : str_slice(answer, i, i + 1));
            i += here ? sizeof "ACCEPT" - 2 : 0;
        }
        read_all(d, buf_str(&in), step, &seen);
        assert_str(buf_str(&seen), expected);
        http_dial_destroy(d);
    }
}

#define OPENED "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
#define GOOD OPENED "Sec-WebSocket-Accept: ACCEPT\r\n\r\n"

static void asks(void **state)
{
    (void)state;
    BUF_AUTO(out, 4096);
    struct http_dial *d = dial(&out);
    (void)buf_z(&out);
    struct str key = key_of(buf_str(&out));
    assert_int_equal(key.n, 24);
    assert_true(
        str_starts(buf_str(&out), STR("GET /ws/x?a=b HTTP/1.1\r\nHost: c.example.com:8443\r\n")));
    assert_true(str_ends(buf_str(&out), STR("\r\nAuthorization: Bearer x\r\n\r\n")));
    http_dial_destroy(d);
    http_dial_destroy(NULL);
    char accept[ACCEPT_ROOM];
    http_accept_make(STR("dGhlIHNhbXBsZSBub25jZQ=="), accept);
    assert_str(str_from(accept), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); /* RFC 6455 section 1.3 */
    const struct http_header broken = {STR("Authorization"), STR("x\r\ny")};
    struct http_dial_options options = {
        .host = STR("x"), .target = STR("/"), .headers = &broken, .header_count = 1};
    assert_int_equal(http_dial_create(&options, &out, &d), ERR_INVALID);
    options.header_count = 0;
    options.target = STR("/ x");
    assert_int_equal(http_dial_create(&options, &out, &d), ERR_INVALID);
    options.target = STR("/");
    options.host = STR("x y");
    assert_int_equal(http_dial_create(&options, &out, &d), ERR_INVALID);
}

static void answers(void **state)
{
    (void)state;
    answered(STR(GOOD), "O()");
    answered(STR("HTTP/1.1 100 X\r\n\r\n" GOOD "\x81\x01"
                 "a"),
             "O()T(a)");
    answered(STR(OPENED "Sec-WebSocket-Accept: ACCEPT \r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n"),
             "!");
    answered(STR(OPENED "\r\n"), "!");
    answered(STR(OPENED "Sec-WebSocket-Accept: x\r\n\r\n"), "!");
    answered(STR(OPENED "Sec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Protocol: x\r\n\r\n"), "!");
    answered(STR("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n"),
             "!");
    answered(STR("HTTP/1.1 409 X\r\nContent-Length: 2\r\n\r\n{}more"), "R409({})");
    answered(STR("HTTP/1.1 200 X\r\n\r\n"), "R200()");
    answered(STR("HTTP/1.1 200 X\r\nContent-Length: 1001\r\n\r\n"), "R200()");
    answered(STR("HTTP/1.1 200 X\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), "!");
    answered(STR("nonsense\r\n\r\n"), "!");
}

static void messages(void **state)
{
    (void)state;
    answered(STR(GOOD "\x02\x01"
                      "a\x89\x02pi\x80\x01"
                      "b\x8a\x01p\x88\x05\x03\xe8"
                      "byeX"),
             "O()P(pi)B(ab)Q(p)C1000(bye)");
    answered(STR(GOOD "\x88\x00"), "O()C1005()");
    answered(STR(GOOD "\x81\x81keys1"), "O()!");    /* masked */
    answered(STR(GOOD "\xc1\x01x"), "O()!");        /* compressed */
    answered(STR(GOOD "\x82\x7e\x03\xe9"), "O()!"); /* too long */
    answered(STR(GOOD "\x81\x01\xff"), "O()!");     /* no UTF-8 */
    answered(STR(GOOD "\x80\x01x"), "O()!");        /* of no message */
}

/* What is sent is what a server understands. */
static void sends(void **state)
{
    (void)state;
    static char large[70000];
    BUF_AUTO(out, 256 * 1024);
    http_dial_send(&out, HTTP_DIAL_BINARY, str_of(large, sizeof large));
    http_dial_send(&out, HTTP_DIAL_TEXT, STR("word"));
    http_dial_send(&out, HTTP_DIAL_PING, STR("7"));
    http_dial_send(&out, HTTP_DIAL_PONG, STR_EMPTY);
    http_dial_send(&out, HTTP_DIAL_CLOSED, STR_EMPTY);
    assert_int_equal(out.error, 0);
    static const unsigned opcodes[] = {FRAME_BINARY, FRAME_TEXT, FRAME_PING, FRAME_PONG,
                                       FRAME_CLOSE};
    struct http_messages m;
    http_messages_init(&m, sizeof large, false);
    struct str in = buf_str(&out);
    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes;) {
        struct http_message message;
        int r = http_messages_next(&m, &in, &message);
        assert_true(r == 0 || r == HTTP_DATA);
        if (r == HTTP_DATA) {
            assert_int_equal(message.opcode, opcodes[i]);
            assert_true(i != 0 || str_eq(message.payload, str_of(large, sizeof large)));
            assert_true(i != 4 || message.code == CLOSE_NORMAL);
            i++;
        }
    }
    assert_int_equal(in.n, 0);
    http_messages_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks),
        cmocka_unit_test(answers),
        cmocka_unit_test(messages),
        cmocka_unit_test(sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
