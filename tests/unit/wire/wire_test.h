/* Short forms for the tests of wire: a message that is read and written again is the same text. */
#ifndef WIRE_TEST_H
#define WIRE_TEST_H

#include "unit.h"

#include "base/mem.h"
#include "wire/wire.h"

/* Reads text as `what` (hello, batch, …), writes it, and expects the same text. */
#define assert_same(what, z) \
    do { \
        ARENA_AUTO(arena_); \
        BUF_AUTO(out_, WIRE_MAX_MESSAGE); \
        struct wire_##what value_; \
        assert_int_equal(wire_##what##_read(&arena_, str_from(z), &value_), 0); \
        wire_##what##_write(&out_, &value_); \
        assert_int_equal(out_.error, 0); \
        assert_str(buf_str(&out_), z); \
    } while (0)

#define assert_refused(what, s) \
    do { \
        ARENA_AUTO(arena_); \
        struct wire_##what value_; \
        assert_int_equal(wire_##what##_read(&arena_, (s), &value_), ERR_INVALID); \
    } while (0)

/* A message with `count` times item, separated by commas, between head and tail; freed by the caller. */
static inline char *wire_repeat(const char *head, const char *item, size_t count, const char *tail)
{
    BUF_AUTO(b, 8 << 20);
    buf_add(&b, str_from(head));
    for (size_t i = 0; i < count; i++) {
        buf_add(&b, str_from(i ? "," : ""));
        buf_add(&b, str_from(item));
    }
    buf_add(&b, str_from(tail));
    return mem_dup(b.p, b.n);
}

#define HASH_A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" /* of "a" */
#define HASH_0 "0000000000000000000000000000000000000000000000000000000000000000"

#endif
