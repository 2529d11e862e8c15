/* A client's WebSocket messages: what is accepted and refused, with the section that says so. Every row runs whole and byte by
 * byte; both must come to the same. */
#include "base/mem.h"
#include "http/socket_int.h"
#include "unit.h"

enum { MAX_MESSAGE = 4 * 1024 * 1024 };

/* first: FIN, reserved bits and opcode. */
struct frame {
    unsigned first;
    struct str payload;
};

static const unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d};

static void add_frame(struct buf *out, unsigned first, struct str payload)
{
    struct buf plain;
    buf_init(&plain, MAX_MESSAGE * 2);
    http_frame_add(&plain, FRAME_BINARY, 0, payload);
    size_t head = plain.n - payload.n;
    plain.p[0] = (char)first;
    plain.p[1] = (char)(plain.p[1] | 0x80);
    buf_add(out, str_slice(buf_str(&plain), 0, head));
    buf_add(out, str_of(key, sizeof key));
    http_frame_unmask(plain.p + head, payload, key, 0);
    buf_add(out, str_slice(buf_str(&plain), head, plain.n));
    buf_fini(&plain);
}

static void note(const struct http_message *message, struct buf *out)
{
    static const char letters[16] = {[FRAME_TEXT] = 'T',
                                     [FRAME_BINARY] = 'B',
                                     [FRAME_CLOSE] = 'C',
                                     [FRAME_PING] = 'P',
                                     [FRAME_PONG] = 'O'};
    buf_byte(out, letters[message->opcode]);
    if (message->opcode == FRAME_CLOSE) {
        buf_i64(out, message->code);
    }
    buf_printf(out, "(" STR_FMT ")", STR_ARG(message->payload));
}

/* What came: "T(text)B(bytes)P(ping)O(pong)C1000(reason)", then "!1002" for an error, "+" for more wanted. */
static void read_all(struct http_messages *m, struct str in, size_t step, struct buf *out)
{
    int r = HTTP_MORE;
    for (size_t at = 0; at < in.n && r >= 0; at += step) {
        struct str piece = str_slice(in, at, at + step);
        struct http_message message;
        while ((r = http_messages_next(m, &piece, &message)) == HTTP_DATA || r == 0) {
            if (r == HTTP_DATA) {
                note(&message, out);
            }
        }
    }
    if (r < 0) {
        buf_printf(out, "!%d", m->code);
    } else if (m->in_frame || m->in_message || m->head.n > 0) {
        buf_byte(out, '+');
    }
}

static void expect(struct str in, bool deflate, const char *what, const char *why)
{
    const size_t steps[] = {in.n + 1, 1, 3};
    for (size_t i = 0; i < 3; i++) {
        struct http_messages m;
        http_messages_init(&m, MAX_MESSAGE, deflate);
        BUF_AUTO(out, 64 * 1024);
        read_all(&m, in, steps[i], &out);
        if (!str_eq(buf_str(&out), str_from(what))) {
            fail_msg("%s, in steps of %zu: %s instead of %s", why, steps[i], buf_z(&out), what);
        }
        http_messages_fini(&m);
    }
}

enum { FIN = 0x80, RSV1 = 0x40, RSV2 = 0x20, RSV3 = 0x10 };

/* A whole message of 126 bytes would take the other lengths; limits() has those. */
static const struct {
    struct frame frames[5];
    const char *what, *why;
} rows[] = {
    {{{FIN | 1, STR("hello")}}, "T(hello)", "5.6: text"},
    {{{FIN | 1, STR("")}}, "T()", "5.2: empty"},
    {{{FIN | 2, STR("\xff\xfe")}}, "B(\xff\xfe)", "5.6: any bytes"},
    {{{FIN | 9, STR("")}, {FIN | 9, STR("pi")}, {FIN | 10, STR("po")}},
     "P()P(pi)O(po)",
     "5.5.2, 5.5.3"},
    {{{1, STR("a")}, {0, STR("b")}, {FIN | 0, STR("c")}}, "T(abc)", "5.4: fragments"},
    {{{1, STR("")}, {0, STR("")}, {FIN | 0, STR("")}}, "T()", "5.4: empty fragments"},
    {{{1, STR("a")}, {FIN | 9, STR("x")}, {FIN | 0, STR("b")}},
     "P(x)T(ab)",
     "5.4: control between fragments"},
    {{{2, STR("a")}, {FIN | 10, STR("x")}, {0, STR("b")}, {FIN | 9, STR("y")}, {FIN, STR("c")}},
     "O(x)P(y)B(abc)",
     "5.4"},
    {{{1, STR("a")}, {FIN | 8, STR("\x03\xe8")}}, "C1000()+", "5.5.1: a close in a message"},
    {{{FIN | 0, STR("a")}}, "!1002", "5.4: a continuation of nothing"},
    {{{0, STR("a")}}, "!1002", "5.4: a continuation of nothing"},
    {{{FIN | 1, STR("a")}, {FIN, STR("b")}}, "T(a)!1002", "5.4: a continuation of nothing"},
    {{{1, STR("a")}, {FIN | 1, STR("b")}}, "!1002", "5.4: a message in a message"},
    {{{1, STR("a")}, {FIN | 2, STR("b")}}, "!1002", "5.4: a message in a message"},
    {{{FIN | RSV1 | 1, STR("a")}}, "!1002", "5.2: RSV1 without an extension"},
    {{{FIN | RSV2 | 1, STR("a")}}, "!1002", "5.2: RSV2"},
    {{{FIN | RSV3 | 1, STR("a")}}, "!1002", "5.2: RSV3"},
    {{{FIN | RSV1 | RSV2 | RSV3 | 9, STR("a")}}, "!1002", "5.2: all, in a control frame"},
    {{{FIN | 3, STR("")}}, "!1002", "5.2: reserved opcode 3"},
    {{{FIN | 4, STR("")}}, "!1002", "5.2: reserved opcode 4"},
    {{{FIN | 5, STR("")}}, "!1002", "5.2: reserved opcode 5"},
    {{{FIN | 6, STR("")}}, "!1002", "5.2: reserved opcode 6"},
    {{{FIN | 7, STR("")}}, "!1002", "5.2: reserved opcode 7"},
    {{{FIN | 11, STR("")}}, "!1002", "5.2: reserved opcode 11"},
    {{{FIN | 12, STR("")}}, "!1002", "5.2: reserved opcode 12"},
    {{{FIN | 13, STR("")}}, "!1002", "5.2: reserved opcode 13"},
    {{{FIN | 14, STR("")}}, "!1002", "5.2: reserved opcode 14"},
    {{{FIN | 15, STR("")}}, "!1002", "5.2: reserved opcode 15"},
    {{{9, STR("a")}}, "!1002", "5.5: a fragmented ping"},
    {{{8, STR("")}}, "!1002", "5.5: a fragmented close"},
    {{{FIN | 1, STR("\xce\xba\xe1\xbd\xb9")}}, "T(\xce\xba\xe1\xbd\xb9)", "8.1: UTF-8"},
    {{{1, STR("\xce")}, {FIN, STR("\xba")}}, "T(\xce\xba)", "8.1: a sequence over two fragments"},
    {{{1, STR("\xf0\x9f")}, {0, STR("\x98")}, {FIN, STR("\x80")}},
     "T(\xf0\x9f\x98\x80)",
     "8.1: over three"},
    {{{1, STR("\xf4\x8f")}, {FIN, STR("\xbf\xbf")}},
     "T(\xf4\x8f\xbf\xbf)",
     "3629: the last code point"},
    {{{1, STR("\xed\x9f")}, {FIN, STR("\xbf")}}, "T(\xed\x9f\xbf)", "3629: before the surrogates"},
    {{{1, STR("\xe0\xa0")}, {FIN, STR("\x80")}},
     "T(\xe0\xa0\x80)",
     "3629: the first of three bytes"},
    {{{FIN | 1, STR("a\x80")}}, "!1007", "8.1: a lone continuation"},
    {{{FIN | 1, STR("a\xce")}}, "!1007", "8.1: cut off"},
    {{{1, STR("a\xce")}, {FIN, STR("")}}, "!1007", "8.1: cut off"},
    {{{1, STR("a\xff")}}, "!1007", "8.1: known at once, before the message ends"},
    {{{1, STR("\xed\xa0")}}, "!1007", "3629: a surrogate, known at its second byte"},
    {{{1, STR("\xf4\x90")}}, "!1007", "3629: over U+10FFFF, known at its second byte"},
    {{{1, STR("\xc0")}}, "!1007", "3629: overlong, known at its first byte"},
    {{{1, STR("\xe0\x80")}}, "!1007", "3629: overlong, known at its second byte"},
    {{{1, STR("\xf0\x8f")}}, "!1007", "3629: overlong, known at its second byte"},
    {{{1, STR("\xf5")}}, "!1007", "3629: never"},
    {{{1, STR("\xf0\x9f")}, {FIN | 9, STR("\xff")}, {FIN, STR("\x98\x80")}},
     "P(\xff)T(\xf0\x9f\x98\x80)",
     "8.1: a ping need not be UTF-8"},
    {{{FIN | 8, STR("")}}, "C1005()", "5.5.1: no code"},
    {{{FIN | 8, STR("\x03")}}, "!1002", "5.5.1: half a code"},
    {{{FIN | 8, STR("\x03\xe8")}}, "C1000()", "7.4.1"},
    {{{FIN | 8, STR("\x03\xe9why")}}, "C1001(why)", "7.4.1"},
    {{{FIN | 8, STR("\x03\xe8\xce\xba")}}, "C1000(\xce\xba)", "5.5.1: a reason"},
    {{{FIN | 8, STR("\x03\xe8\xce")}}, "!1007", "5.5.1: a reason that is no UTF-8"},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        BUF_AUTO(in, 4096);
        for (size_t f = 0; f < 5 && rows[i].frames[f].payload.p; f++) {
            add_frame(&in, rows[i].frames[f].first, rows[i].frames[f].payload);
        }
        expect(buf_str(&in), false, rows[i].what, rows[i].why);
    }
}

/* Every code (RFC 6455 section 7.4, and those that IANA has added since). */
static void close_codes(void **state)
{
    (void)state;
    for (unsigned code = 0; code <= UINT16_MAX; code++) {
        bool valid = (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
                     (code >= 3000 && code <= 4999);
        const char payload[] = {(char)(code >> 8), (char)code};
        struct http_messages m;
        http_messages_init(&m, MAX_MESSAGE, false);
        BUF_AUTO(in, 64);
        add_frame(&in, FIN | FRAME_CLOSE, str_of(payload, 2));
        struct str rest = buf_str(&in);
        struct http_message message;
        int r = http_messages_next(&m, &rest, &message);
        if ((r == HTTP_DATA) != valid || (valid && message.code != (int)code) ||
            (!valid && m.code != CLOSE_PROTOCOL)) {
            fail_msg("code %u", code);
        }
        http_messages_fini(&m);
    }
}

static void heads(void **state)
{
    (void)state;
    expect(STR("\x81\x01"
               "a"),
           false, "!1002", "5.1: not masked");
    expect(STR("\x89\x00"), false, "!1002", "5.1: not masked");
    expect(STR("\x89\xfe\x00\x7e"
               "keys"),
           false, "!1002", "5.5: a control frame over 125 bytes");
    expect(STR("\x81\xfe\x00\x7d"
               "keys"),
           false, "!1002", "5.2: a length that is longer than it needs to be");
    expect(STR("\x82\xff\0\0\0\0\0\0\xff\xff"
               "keys"),
           false, "!1002", "5.2: a length that is longer than it needs to be");
    expect(STR("\x82\xff\x80\0\0\0\0\0\0\0"
               "keys"),
           false, "!1002", "5.2: a length over 2^63 - 1");
    expect(STR("\x82\xff\0\0\0\0\0\x40\0\x01"
               "keys"),
           false, "!1009", "a length over the limit, before its payload");
}

static void add_many(struct buf *in, unsigned first, size_t n)
{
    static char bytes[MAX_MESSAGE + 1];
    memset(bytes, 'x', n);
    add_frame(in, first, str_of(bytes, n));
}

/* Reads in; the length of the last message, or minus the code of an error. */
static long read_length(struct str in, bool deflate, size_t max)
{
    struct http_messages m;
    http_messages_init(&m, max, deflate);
    struct http_message message = {0};
    long length = 0;
    int r;
    while ((r = http_messages_next(&m, &in, &message)) >= 0 && r != HTTP_MORE) {
        length = r == HTTP_DATA ? (long)message.payload.n : length;
    }
    length = r < 0 ? -m.code : length;
    http_messages_fini(&m);
    return length;
}

/* Just the largest message passes, one byte more does not, however it is cut. */
static void limits(void **state)
{
    (void)state;
    static const size_t lengths[] = {125, 126, 127, 65535, 65536, MAX_MESSAGE};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        BUF_AUTO(in, MAX_MESSAGE * 2);
        add_many(&in, FIN | 1, lengths[i]);
        assert_int_equal(read_length(buf_str(&in), false, MAX_MESSAGE), lengths[i]);
        assert_int_equal(read_length(buf_str(&in), false, lengths[i]), lengths[i]);
        assert_int_equal(read_length(buf_str(&in), false, lengths[i] - 1), -CLOSE_TOO_BIG);
    }
    for (size_t more = 0; more < 2; more++) {
        BUF_AUTO(in, MAX_MESSAGE * 2);
        add_many(&in, 1, MAX_MESSAGE - 10);
        add_many(&in, FIN | 9, 100);
        add_many(&in, FIN | 0, 10 + more);
        assert_int_equal(read_length(buf_str(&in), false, MAX_MESSAGE),
                         more ? -CLOSE_TOO_BIG : MAX_MESSAGE);
    }
}

/* A million fragments of one byte are a message of a megabyte, and take no more memory than one. */
static void fragments_cost_nothing(void **state)
{
    (void)state;
    enum { MANY = 1 << 20 };
    struct http_messages m;
    http_messages_init(&m, MAX_MESSAGE, false);
    mem_test_begin();
    for (unsigned i = 0; i <= MANY; i++) {
        const char frame[] = {
            (char)(i == 0 ? 2 : i == MANY ? FIN : 0), (char)0x81, 0, 0, 0, 0, 'x'};
        struct str in = str_of(frame, sizeof frame);
        struct http_message message;
        int r = http_messages_next(&m, &in, &message);
        assert_int_equal(r, i == MANY ? HTTP_DATA : 0);
        assert_true(i < MANY || message.payload.n == MANY + 1);
    }
    assert_true(mem_test_taken() <= 1);
    (void)mem_test_end();
    assert_true(m.message.room <= 2 * (MANY + 1));
    http_messages_fini(&m);
}

/* ---- compressed ---- */

static void deflate_into(struct buf *out, struct str text, unsigned char bits)
{
    http_deflate_message(&(struct http_deflate_terms){true, bits}, text, out);
}

static void compressed(void **state)
{
    (void)state;
    expect(STR("\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\0"), true, "T(Hello)", "7692 7.2.3.1");
    expect(STR("\x41\x83\0\0\0\0\xf2\x48\xcd\x80\x84\0\0\0\0\xc9\xc9\x07\0"), true, "T(Hello)",
           "7692 7.2.3.1: in two fragments");
    expect(STR("\xc1\x8b\0\0\0\0\0\x05\0\xfa\xffHello\0"), true, "T(Hello)",
           "7692 7.2.3.3: a block without compression");
    expect(STR("\xc1\x88\0\0\0\0\xf3\x48\xcd\xc9\xc9\x07\0\0"), true, "T(Hello)",
           "7692 7.2.3.4: a last block");
    expect(STR("\xc1\x8d\0\0\0\0\xf2\x48\x05\0\0\0\xff\xff\xca\xc9\xc9\x07\0"), true, "T(Hello)",
           "7692 7.2.3.5: two blocks");
    expect(STR("\xc1\x81\0\0\0\0\0"), true, "T()", "7692 7.2.3.6: empty");
    expect(STR("\x81\x85\0\0\0\0Hello"), true, "T(Hello)", "7692 6: not every message must be");
    expect(STR("\x41\x83\0\0\0\0\xf2\x48\xcd\x89\x81\0\0\0\0p\x80\x84\0\0\0\0\xc9\xc9\x07\0"), true,
           "P(p)T(Hello)", "7692 6.1: a control frame between");
    expect(STR("\xc9\x80\0\0\0\0"), true, "!1002", "7692 6.1: a compressed ping");
    expect(STR("\x41\x83\0\0\0\0\xf2\x48\xcd\xc0\x84\0\0\0\0\xc9\xc9\x07\0"), true, "!1002",
           "7692 6.1: RSV1 in a later fragment");
    expect(STR("\xa1\x81\0\0\0\0\0"), true, "!1002", "6455 5.2: RSV2");
    expect(STR("\xc1\x84\0\0\0\0\xff\xff\xff\xff"), true, "!1007", "no deflate stream");
    expect(STR("\xc1\x80\0\0\0\0"), true, "!1007", "7692 7.2.3.6: an empty message has a byte");
    expect(STR("\xc1\x83\0\0\0\0\xf2\x48\xcd"), true, "!1007", "cut off in a block");
    expect(STR("\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\0\x81\x81\0\0\0\0\xff"), true,
           "T(Hello)!1007", "what is not compressed is still looked at");
}

/* The first message leaves nothing for the second: no context takeover (7692 section 7.1.1). */
static void no_context(void **state)
{
    (void)state;
    expect(STR("\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\0\xc1\x85\0\0\0\0\xf2\0\x11\0\0"), true,
           "T(Hello)!1007", "7692 7.2.3.2: the second refers to the first");
}

/* Bad text is known in the middle of a compressed message, too. */
static void compressed_text(void **state)
{
    (void)state;
    BUF_AUTO(small, 4096);
    BUF_AUTO(in, 4096);
    deflate_into(&small, STR("a\xed\xa0\x80z"), 15);
    add_frame(&in, RSV1 | 1, buf_str(&small));
    expect(buf_str(&in), true, "!1007", "before its last fragment");
    buf_clear(&in);
    add_frame(&in, FIN | RSV1 | 2, buf_str(&small));
    expect(buf_str(&in), true, "B(a\xed\xa0\x80z)", "bytes may be anything");
}

static void compressed_and_back(void **state)
{
    (void)state;
    BUF_AUTO(text, 1 << 20);
    for (unsigned i = 0; text.n < (1 << 20) - 32; i++) {
        buf_printf(&text, "line %u of %u,", i, i * i % 1000);
    }
    for (unsigned char bits = 9; bits <= 15; bits++) {
        BUF_AUTO(small, 1 << 21);
        BUF_AUTO(in, 1 << 21);
        deflate_into(&small, buf_str(&text), bits);
        assert_true(small.n < text.n / 2);
        add_frame(&in, FIN | RSV1 | 1, buf_str(&small));
        struct http_messages m;
        http_messages_init(&m, MAX_MESSAGE, true);
        struct str rest = buf_str(&in);
        struct http_message message;
        int r;
        while ((r = http_messages_next(&m, &rest, &message)) == 0) {
        }
        assert_int_equal(r, HTTP_DATA);
        assert_true(str_eq(message.payload, buf_str(&text)));
        http_messages_fini(&m);
    }
}

/* n bytes of zeros, as http_deflate_message would, in several blocks. */
static void add_zeros(struct buf *out, size_t n)
{
    enum { BLOCK = 1 << 20 };
    static const char zeros[BLOCK];
    while (n > 0) {
        size_t piece = n < BLOCK ? n : BLOCK;
        deflate_into(out, str_of(zeros, piece), 15);
        n -= piece;
        buf_add(out, n > 0 ? STR("\x00\x00\xff\xff") : STR_EMPTY);
    }
}

static long inflate_zeros(size_t zeros, size_t noise, size_t max)
{
    BUF_AUTO(small, MAX_MESSAGE);
    BUF_AUTO(in, MAX_MESSAGE);
    uint64_t random = 88172645463325252U;
    BUF_AUTO(plain, MAX_MESSAGE);
    while (plain.n < noise) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        buf_byte(&plain, (char)random);
    }
    if (noise > 0) {
        deflate_into(&small, buf_str(&plain), 15);
        buf_add(&small, STR("\x00\x00\xff\xff"));
    }
    add_zeros(&small, zeros);
    add_frame(&in, FIN | RSV1 | 2, buf_str(&small));
    return read_length(buf_str(&in), true, max);
}

/* The limit is the inflated size; over a megabyte, a message must also have cost its sender something. */
static void bombs(void **state)
{
    (void)state;
    const size_t freely = INFLATE_FREE;
    assert_int_equal(inflate_zeros(freely, 0, MAX_MESSAGE), freely);
    assert_int_equal(inflate_zeros(2 * freely, 0, MAX_MESSAGE), -CLOSE_TOO_BIG);
    assert_int_equal(inflate_zeros(2 * freely, 2 * freely / INFLATE_RATIO, MAX_MESSAGE),
                     2 * freely + 2 * freely / INFLATE_RATIO);
    assert_int_equal(inflate_zeros(freely, 0, freely - 1), -CLOSE_TOO_BIG);
    assert_int_equal(inflate_zeros(100000, 0, 100000), 100000);
    assert_int_equal(inflate_zeros(100001, 0, 100000), -CLOSE_TOO_BIG);
    assert_int_equal(inflate_zeros(MAX_MESSAGE, 64 * 1024, MAX_MESSAGE), -CLOSE_TOO_BIG);
    assert_int_equal(inflate_zeros(MAX_MESSAGE - 64 * 1024, 64 * 1024, MAX_MESSAGE), MAX_MESSAGE);
}

/* One call never inflates more than a step, so that nobody else on the loop waits for a bomb. */
static void steps_are_small(void **state)
{
    (void)state;
    BUF_AUTO(small, 1 << 21);
    BUF_AUTO(in, 1 << 21);
    add_zeros(&small, INFLATE_FREE);
    add_frame(&in, FIN | RSV1 | 2, buf_str(&small));
    struct http_messages m;
    http_messages_init(&m, MAX_MESSAGE, true);
    struct str rest = buf_str(&in);
    struct http_message message;
    size_t before = 0, calls = 0;
    while (http_messages_next(&m, &rest, &message) == 0) {
        assert_true(m.message.n - before <= INFLATE_STEP);
        before = m.message.n;
        calls++;
    }
    assert_true(calls >= INFLATE_FREE / INFLATE_STEP - 1);
    http_messages_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(close_codes),
        cmocka_unit_test(heads),
        cmocka_unit_test(limits),
        cmocka_unit_test(fragments_cost_nothing),
        cmocka_unit_test(compressed),
        cmocka_unit_test(no_context),
        cmocka_unit_test(compressed_text),
        cmocka_unit_test(compressed_and_back),
        cmocka_unit_test(bombs),
        cmocka_unit_test(steps_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
