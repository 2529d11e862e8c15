/* Chunks together: what is added comes back, no more than has room, and what is cut short or too long is refused. */
#include "wire/wire.h"

#include "base/mem.h"
#include "unit.h"

enum { HEAD = CONTENT_HASH_SIZE + 4 };

static struct wire_chunk chunk_of(uint8_t mark, struct str encoded)
{
    struct wire_chunk chunk = {.encoded = encoded};
    memset(chunk.hash.bytes, mark, sizeof chunk.hash.bytes);
    return chunk;
}

static void test_same(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    BUF_AUTO(out, WIRE_MAX_CHUNK_BYTES);
    struct wire_chunks chunks;
    assert_int_equal(wire_chunks_read(&arena, buf_str(&out), &chunks), 0);
    assert_int_equal(chunks.n, 0);
    const struct wire_chunk a = chunk_of(1, STR("a"));
    const struct wire_chunk b = chunk_of(2, STR("bc"));
    assert_true(wire_chunks_add(&out, &a));
    assert_true(wire_chunks_add(&out, &b));
    assert_int_equal(out.n, 2 * HEAD + 3);
    assert_int_equal(wire_chunks_read(&arena, buf_str(&out), &chunks), 0);
    assert_int_equal(chunks.n, 2);
    assert_true(content_hash_eq(&chunks.at[0].hash, &a.hash));
    assert_str(chunks.at[0].encoded, "a");
    assert_true(content_hash_eq(&chunks.at[1].hash, &b.hash));
    assert_str(chunks.at[1].encoded, "bc");
}

static void test_room(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    BUF_AUTO(out, WIRE_MAX_CHUNK_BYTES);
    struct wire_chunk most = chunk_of(3, STR_EMPTY);
    most.encoded = str_of(arena_alloc(&arena, CONTENT_ENCODED_MAX), CONTENT_ENCODED_MAX);
    memset((void *)most.encoded.p, 'x', CONTENT_ENCODED_MAX);
    size_t added = 0;
    while (wire_chunks_add(&out, &most)) {
        added++;
    }
    assert_int_equal(added, WIRE_MAX_CHUNK_BYTES / (HEAD + CONTENT_ENCODED_MAX));
    assert_int_equal(out.n,
                     added * (HEAD + CONTENT_ENCODED_MAX)); /* what had no room left nothing */
}

static void test_refused(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    BUF_AUTO(out, WIRE_MAX_CHUNK_BYTES);
    struct wire_chunks chunks;
    const struct wire_chunk one = chunk_of(4, STR("abc"));
    assert_true(wire_chunks_add(&out, &one));
    for (size_t n = 1; n < out.n; n++) {
        assert_int_equal(wire_chunks_read(&arena, str_of(out.p, n), &chunks), ERR_INVALID);
    }
    for (size_t i = 1; i < WIRE_MAX_CHUNKS; i++) {
        assert_true(wire_chunks_add(&out, &one));
    }
    assert_int_equal(wire_chunks_read(&arena, buf_str(&out), &chunks), 0);
    assert_int_equal(chunks.n, WIRE_MAX_CHUNKS);
    assert_true(wire_chunks_add(&out, &one));
    assert_int_equal(wire_chunks_read(&arena, buf_str(&out), &chunks), ERR_INVALID);
    out.p[CONTENT_HASH_SIZE + 3] = 0; /* a chunk has a byte at least */
    assert_int_equal(wire_chunks_read(&arena, str_of(out.p, HEAD), &chunks), ERR_INVALID);
    out.p[CONTENT_HASH_SIZE + 1] = 2; /* and 64 KiB and one at most */
    assert_int_equal(wire_chunks_read(&arena, buf_str(&out), &chunks), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_room),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
