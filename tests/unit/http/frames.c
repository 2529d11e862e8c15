/* Frames as they are written, and the walk along frames that a relay passes on. */
#include "http/socket_int.h"
#include "unit.h"

static void written(void **state)
{
    (void)state;
    BUF_AUTO(out, 256 * 1024);
    http_frame_add(&out, FRAME_TEXT, 0, STR("Hello"));
    assert_str(buf_str(&out), "\x81\x05Hello"); /* RFC 6455 section 5.7 */
    buf_clear(&out);
    http_frame_add_close(&out, 1000, STR("bye"), false);
    assert_true(str_eq(buf_str(&out), STR("\x88\x05\x03\xe8"
                                          "bye")));
    buf_clear(&out);
    http_frame_add_close(&out, CLOSE_NONE, STR("unsaid"), false);
    assert_true(str_eq(buf_str(&out), STR("\x88\x00")));
}

/* A reason longer than fits is cut between two characters. */
static void long_reasons(void **state)
{
    (void)state;
    BUF_AUTO(reason, 256);
    BUF_AUTO(out, 256);
    buf_byte(&reason, 'x');
    while (reason.n < 150) {
        buf_add(&reason, STR("\xc3\xa4"));
    }
    http_frame_add_close(&out, 1001, buf_str(&reason), false);
    assert_int_equal(out.n, 2 + FRAME_CONTROL_MOST);
    reason.p[0] = '\xc3';
    reason.p[1] = '\xa4';
    reason.p[2] = '\xc3';
    buf_clear(&out);
    for (size_t i = 0; i + 1 < reason.n; i += 2) {
        memcpy(reason.p + i, "\xc3\xa4", 2);
    }
    http_frame_add_close(&out, 1001, buf_str(&reason), false);
    assert_int_equal(out.n, 2 + FRAME_CONTROL_MOST - 1);
}

/* Every length of length, and back; masked as a client sends it. */
static void there_and_back(void **state)
{
    (void)state;
    static char payload[70000];
    static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        BUF_AUTO(out, 128 * 1024);
        http_frame_add(&out, FRAME_BINARY, FRAME_RSV1, str_of(payload, lengths[i]));
        struct http_frame_head head = {0};
        struct http_frame frame;
        struct str rest = buf_str(&out);
        assert_int_equal(http_frame_take(&head, &rest, &frame), 0);
        assert_true(frame.fin && !frame.masked && frame.reserved == FRAME_RSV1);
        assert_int_equal(frame.opcode, FRAME_BINARY);
        assert_int_equal(frame.length, lengths[i]);
        assert_int_equal(rest.n, lengths[i]);
    }
    BUF_AUTO(close, 64);
    http_frame_add_close(&close, 1001, STR("end"), true);
    struct http_messages m;
    http_messages_init(&m, 100, false);
    struct str rest = buf_str(&close);
    struct http_message message;
    assert_int_equal(http_messages_next(&m, &rest, &message), HTTP_DATA);
    assert_int_equal(message.code, 1001);
    assert_str(message.payload, "end");
    http_messages_fini(&m);
}

static void unmasking(void **state)
{
    (void)state;
    static const unsigned char mask[4] = {1, 2, 4, 8};
    char in[40], out[40];
    for (size_t i = 0; i < sizeof in; i++) {
        in[i] = (char)i;
    }
    for (uint64_t at = 0; at < 5; at++) {
        for (size_t n = 0; n <= sizeof in; n++) {
            http_frame_unmask(out, str_of(in, n), mask, at);
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(out[i], in[i] ^ mask[(at + i) % 4]);
            }
        }
    }
}

/* Where a pipe may be cut: after each of these pieces, and nowhere inside. */
static void walks(void **state)
{
    (void)state;
    static const struct str pieces[] = {
        STR("\x81\x01"
            "a"),
        STR("\x01\x01"
            "a\x00\x02"
            "bc\x89\x00\x80\x00"), /* a message of three fragments, and a ping in it */
        STR("\x8a\x80"
            "keys"),
        STR("\x82\x7e\x00\x80"
            "0123456789012345678901234567890123456789012345678901234567890123"
            "0123456789012345678901234567890123456789012345678901234567890123"),
    };
    struct http_frame_walk walk = {0};
    assert_true(http_frame_between(&walk));
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        for (size_t n = 0; n < pieces[i].n; n++) {
            http_frame_walk(&walk, str_slice(pieces[i], n, n + 1));
            assert_int_equal(http_frame_between(&walk), n + 1 == pieces[i].n);
        }
        http_frame_walk(&walk, pieces[i]);
        assert_true(http_frame_between(&walk));
    }
    http_frame_walk(&walk, STR("\x82\x7e\x00\x01")); /* not the shortest length: no frames */
    assert_true(walk.lost && !http_frame_between(&walk));
    http_frame_walk(&walk, pieces[0]);
    assert_false(http_frame_between(&walk));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written),        cmocka_unit_test(long_reasons),
        cmocka_unit_test(there_and_back), cmocka_unit_test(unmasking),
        cmocka_unit_test(walks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
