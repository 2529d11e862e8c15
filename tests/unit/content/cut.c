/* Cutting: sizes, independence of arrival, what an insertion changes. */
#include "unit.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/vec.h"
#include "content/content.h"

enum { MIB = 1024 * 1024 };

struct cuts {
    VEC(struct content_hash) hashes;
    VEC(size_t) lengths;
};

static void cuts_fini(struct cuts *cuts)
{
    VEC_FREE(&cuts->hashes);
    VEC_FREE(&cuts->lengths);
}

static void take(struct content_cutter *c, struct cuts *cuts)
{
    struct str piece;
    while (content_cutter_next(c, &piece)) {
        struct content_hash hash;
        content_hash(piece, &hash);
        VEC_ADD(&cuts->hashes, hash);
        VEC_ADD(&cuts->lengths, piece.n);
    }
}

/* step: bytes that arrive at once, at most */
static void cut(struct str bytes, size_t step, struct cuts *ret_cuts)
{
    struct content_cutter *c = content_cutter_create();
    size_t at = 0;
    while (at < bytes.n) {
        size_t room;
        char *to = content_cutter_room(c, &room);
        size_t n = bytes.n - at < room ? bytes.n - at : room;
        n = n < step ? n : step;
        memcpy(to, bytes.p + at, n);
        content_cutter_filled(c, n);
        at += n;
        take(c, ret_cuts);
    }
    content_cutter_end(c);
    take(c, ret_cuts);
    content_cutter_destroy(c);
}

static char *random_bytes(size_t n, uint64_t seed)
{
    char *p = mem_alloc(n);
    rand_test_seed(seed);
    rand_bytes(p, n);
    rand_test_real();
    return p;
}

static void test_small_is_one_piece(void **state)
{
    MEM_AUTO char *bytes = random_bytes(CONTENT_CHUNK_MAX + 1, 1);
    static const size_t sizes[] = {
        1, 512, 513, CONTENT_CHUNK_MIN, CONTENT_CHUNK_MAX - 1, CONTENT_CHUNK_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct cuts cuts = {0};
        cut(str_of(bytes, sizes[i]), SIZE_MAX, &cuts);
        assert_int_equal(cuts.lengths.n, 1);
        assert_int_equal(cuts.lengths.at[0], sizes[i]);
        cuts_fini(&cuts);
    }
    struct cuts none = {0};
    cut(STR_EMPTY, SIZE_MAX, &none);
    assert_int_equal(none.lengths.n, 0);
    struct cuts two = {0};
    cut(str_of(bytes, CONTENT_CHUNK_MAX + 1), SIZE_MAX, &two);
    assert_true(two.lengths.n >= 2);
    cuts_fini(&two);
}

static void test_sizes(void **state)
{
    MEM_AUTO char *bytes = random_bytes(16 * MIB, 2);
    struct cuts cuts = {0};
    cut(str_of(bytes, 16 * MIB), SIZE_MAX, &cuts);
    size_t sum = 0;
    for (size_t i = 0; i < cuts.lengths.n; i++) {
        sum += cuts.lengths.at[i];
        assert_true(cuts.lengths.at[i] <= CONTENT_CHUNK_MAX);
        assert_true(i + 1 == cuts.lengths.n || cuts.lengths.at[i] >= CONTENT_CHUNK_MIN);
    }
    assert_int_equal(sum, 16 * MIB);
    size_t mean = sum / cuts.lengths.n;
    assert_in_range(mean, 29 * 1024, 35 * 1024);
    cuts_fini(&cuts);
}

static void test_zeros_are_largest(void **state)
{
    MEM_AUTO char *bytes = mem_alloc(MIB);
    struct cuts cuts = {0};
    cut(str_of(bytes, MIB), SIZE_MAX, &cuts);
    assert_int_equal(cuts.lengths.n, MIB / CONTENT_CHUNK_MAX);
    cuts_fini(&cuts);
}

static void test_arrival_does_not_matter(void **state)
{
    MEM_AUTO char *bytes = random_bytes(MIB, 3);
    struct cuts whole = {0};
    cut(str_of(bytes, MIB), SIZE_MAX, &whole);
    static const size_t steps[] = {1000, 65536, 65537, 100001};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct cuts cuts = {0};
        cut(str_of(bytes, MIB), steps[i], &cuts);
        assert_int_equal(cuts.lengths.n, whole.lengths.n);
        assert_memory_equal(cuts.lengths.at, whole.lengths.at, whole.lengths.n * sizeof(size_t));
        cuts_fini(&cuts);
    }
    cuts_fini(&whole);
}

static size_t unknown(const struct cuts *old, const struct cuts *new)
{
    struct map *known = map_create();
    for (size_t i = 0; i < old->hashes.n; i++) {
        (void)map_put(known, content_hash_str(&old->hashes.at[i]), known);
    }
    size_t count = 0;
    for (size_t i = 0; i < new->hashes.n; i++) {
        count += !map_get(known, content_hash_str(&new->hashes.at[i]));
    }
    map_destroy(known);
    return count;
}

/* On average two chunks, never a run of them, wherever it is made. */
static void test_insertion_changes_few(void **state)
{
    enum { SIZE = 5 * MIB, ROUNDS = 20 };
    MEM_AUTO char *bytes = random_bytes(SIZE, 4);
    MEM_AUTO char *changed = mem_alloc(SIZE + 1);
    struct cuts old = {0};
    cut(str_of(bytes, SIZE), SIZE_MAX, &old);
    size_t total = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t at = (size_t)SIZE / ROUNDS * round + round * 37;
        memcpy(changed, bytes, at);
        changed[at] = 'x';
        memcpy(changed + at + 1, bytes + at, SIZE - at);
        struct cuts new = {0};
        cut(str_of(changed, SIZE + 1), SIZE_MAX, &new);
        size_t count = unknown(&old, &new);
        assert_in_range(count, 1, 5);
        total += count;
        cuts_fini(&new);
    }
    assert_in_range(total, ROUNDS, 3 * ROUNDS);
    cuts_fini(&old);
}

/* The cuts are part of what is deduplicated for ever: a change of the table or the points shows here. */
static void test_cuts_stay(void **state)
{
    MEM_AUTO char *bytes = random_bytes(256 * 1024, 5);
    struct cuts cuts = {0};
    cut(str_of(bytes, 256 * 1024), SIZE_MAX, &cuts);
    static const size_t expected[] = {25304, 28289, 25651, 34813, 28129, 28451, 65536, 25971};
    assert_int_equal(cuts.lengths.n, sizeof expected / sizeof *expected);
    assert_memory_equal(cuts.lengths.at, expected, sizeof expected);
    cuts_fini(&cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_is_one_piece),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_zeros_are_largest),
        cmocka_unit_test(test_arrival_does_not_matter),
        cmocka_unit_test(test_insertion_changes_few),
        cmocka_unit_test(test_cuts_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
