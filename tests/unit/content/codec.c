/* The stored form of a chunk: round trips, bounds, damage. */
#include "unit.h"

#include <zstd.h>

#include "base/mem.h"
#include "base/rand.h"
#include "content/content.h"

static void round_trip(struct content_codec *c, struct str plain, bool smaller)
{
    struct str encoded = content_encode(c, plain);
    assert_true(smaller ? encoded.n < plain.n : encoded.n == plain.n + 1);
    MEM_AUTO char *kept = mem_dup(encoded.p, encoded.n);
    struct content_hash hash;
    content_hash(plain, &hash);
    struct str decoded;
    assert_int_equal(content_decode_checked(c, str_of(kept, encoded.n), &hash, &decoded), 0);
    assert_true(str_eq(decoded, plain));
}

static void test_round_trips(void **state)
{
    struct content_codec *c = content_codec_create();
    MEM_AUTO char *zeros = mem_alloc(CONTENT_CHUNK_MAX);
    MEM_AUTO char *noise = mem_alloc(CONTENT_CHUNK_MAX);
    rand_bytes(noise, CONTENT_CHUNK_MAX);
    round_trip(c, STR("x"), false);
    round_trip(c, str_of(zeros, CONTENT_CHUNK_MAX), true);
    round_trip(c, str_of(noise, CONTENT_CHUNK_MAX), false);
    round_trip(c, str_of(noise, 2), false);
    content_codec_destroy(c);
    content_codec_destroy(NULL);
}

static void test_malformed(void **state)
{
    struct content_codec *c = content_codec_create();
    struct str plain;
    assert_int_equal(content_decode(c, STR_EMPTY, &plain), ERR_CORRUPT);
    assert_int_equal(content_decode(c, STR("\0"), &plain), ERR_CORRUPT);
    assert_int_equal(content_decode(c, STR("\1"), &plain), ERR_CORRUPT);
    assert_int_equal(content_decode(c, STR("\2abc"), &plain), ERR_CORRUPT);
    assert_int_equal(content_decode(c, STR("\1abc"), &plain), ERR_CORRUPT);
    MEM_AUTO char *large = mem_alloc(CONTENT_ENCODED_MAX + 1);
    assert_int_equal(content_decode(c, str_of(large, CONTENT_ENCODED_MAX), &plain), 0);
    assert_int_equal(content_decode(c, str_of(large, CONTENT_ENCODED_MAX + 1), &plain),
                     ERR_CORRUPT);
    content_codec_destroy(c);
}

/* A frame of a few bytes that claims a gigabyte of zeros is refused, not unpacked. */
static void test_bomb(void **state)
{
    enum { BIG = 8 << 20 };
    struct content_codec *c = content_codec_create();
    MEM_AUTO char *zeros = mem_alloc(BIG);
    MEM_AUTO char *bomb = mem_alloc(CONTENT_ENCODED_MAX);
    static const size_t sizes[] = {CONTENT_CHUNK_MAX + 1, BIG};
    for (size_t i = 0; i < 2; i++) {
        size_t n = ZSTD_compress(bomb + 1, CONTENT_ENCODED_MAX - 1, zeros, sizes[i], 3);
        assert_false(ZSTD_isError(n));
        bomb[0] = 1;
        struct str plain;
        assert_int_equal(content_decode(c, str_of(bomb, n + 1), &plain), ERR_CORRUPT);
    }
    content_codec_destroy(c);
}

static void test_every_flipped_byte_is_seen(void **state)
{
    struct content_codec *c = content_codec_create();
    MEM_AUTO char *text = mem_alloc(2000);
    for (size_t i = 0; i < 2000; i++) {
        text[i] = (char)('a' + i * i % 17);
    }
    struct content_hash hash;
    content_hash(str_of(text, 2000), &hash);
    struct str encoded = content_encode(c, str_of(text, 2000));
    size_t n = encoded.n;
    MEM_AUTO char *kept = mem_dup(encoded.p, n);
    for (size_t i = 0; i < n; i++) {
        kept[i] ^= 0x10;
        struct str plain = STR_EMPTY;
        int r = content_decode_checked(c, str_of(kept, n), &hash, &plain);
        assert_true(r == ERR_CORRUPT || (r == 0 && str_eq(plain, str_of(text, 2000))));
        kept[i] ^= 0x10;
    }
    content_codec_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_bomb), cmocka_unit_test(test_every_flipped_byte_is_seen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
