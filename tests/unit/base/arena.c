#include "base/arena.h"

#include "base/mem.h"
#include "unit.h"

static void aligned_and_zeroed(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    for (size_t size = 0; size < 300; size++) {
        unsigned char *p = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(p[i], 0);
            p[i] = 0xAA;
        }
    }
}

static void large_blocks(void **state)
{
    (void)state;
    mem_test_begin();
    {
        ARENA_AUTO(arena);
        char *small = arena_alloc(&arena, 10);
        char *large = arena_alloc(&arena, 3 << 20);
        memset(large, 1, 3 << 20);
        assert_int_equal(small[0], 0);
        assert_true(arena.total >= 3 << 20);
        arena_reset(&arena);
        assert_true(arena.total <= 256 * 1024); /* a huge block is not kept */
    }
    assert_int_equal(mem_test_end(), 0);
}

static void reset_keeps_one_block(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    arena_reset(&arena);
    assert_int_equal(arena.total, 0);
    for (int i = 0; i < 100; i++) {
        memset(arena_alloc(&arena, 1000), 0xFF, 1000);
    }
    arena_reset(&arena);
    size_t kept = arena.total;
    assert_true(kept > 0);
    mem_test_begin();
    for (int i = 0; i < 10; i++) {
        unsigned char *p = arena_alloc(&arena, 1000);
        assert_int_equal(p[0] | p[999], 0);
        memset(p, 0xFF, 1000);
        arena_reset(&arena);
    }
    assert_int_equal(mem_test_taken(), 0);
    assert_int_equal(mem_test_end(), 0);
    assert_int_equal(arena.total, kept);
}

static void text(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct str copy = arena_str(&arena, STR("a\0b"));
    assert_int_equal(copy.n, 3);
    assert_memory_equal(copy.p, "a\0b", 4);
    assert_str(arena_str(&arena, STR_EMPTY), "");
    assert_str(arena_printf(&arena, "%s-%d", "x", 42), "x-42");
    assert_str(arena_printf(&arena, "%s", ""), "");
    for (int n = 200; n < 300; n++) {
        struct str wide = arena_printf(&arena, "%*d", n, 7);
        assert_int_equal(wide.n, n);
        assert_int_equal(wide.p[n - 1], '7');
        assert_int_equal(wide.p[n], '\0');
    }
    const struct str parts[] = {STR("t/"), STR_EMPTY, STR("a"), STR("/b")};
    assert_str(arena_join(&arena, parts, 4), "t/a/b");
    assert_int_equal(arena_join(&arena, parts, 4).p[5], '\0');
    assert_str(arena_join(&arena, parts, 0), "");
}

static void arrays(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    uint64_t *numbers = ARENA_ARRAY(&arena, uint64_t, 1000);
    numbers[999] = 1;
    assert_int_equal(numbers[0], 0);
    assert_dies(arena_array(&arena, SIZE_MAX / 2, 3));
    assert_dies(arena_alloc(&arena, SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligned_and_zeroed),
        cmocka_unit_test(large_blocks),
        cmocka_unit_test(reset_keeps_one_block),
        cmocka_unit_test(text),
        cmocka_unit_test(arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
