#include "base/mem.h"

#include "unit.h"

static void blocks(void **state)
{
    (void)state;
    char *p = mem_alloc(100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(p[i], 0);
    }
    memset(p, 7, 100);
    p = mem_grow(p, 100000);
    assert_int_equal(p[99], 7);
    MEM_FREE(p);
    assert_null(p);
    mem_free(NULL);
    void *empty = mem_alloc(0);
    assert_non_null(empty);
    mem_free(empty);
    char *copy = mem_dup("a\0b", 3);
    assert_memory_equal(copy, "a\0b", 4);
    mem_free(copy);
    copy = mem_dup(NULL, 0);
    assert_string_equal(copy, "");
    mem_free(copy);
}

static volatile size_t huge = SIZE_MAX / 2;

static void take_too_much(void)
{
    mem_free(mem_alloc(huge));
}

static void grow_too_much(void)
{
    mem_free(mem_grow(NULL, huge));
}

static void more_than_there_is(void **state)
{
    (void)state;
    char text[4096];
    /* Not always by an assertion: AddressSanitizer ends the process itself. */
    assert_int_not_equal(unit_capture(take_too_much, text, sizeof text), 0);
    assert_int_not_equal(unit_capture(grow_too_much, text, sizeof text), 0);
}

static void scope_and_take(void **state)
{
    (void)state;
    mem_test_begin();
    char *taken;
    {
        MEM_AUTO char *given = mem_dup("x", 1);
        MEM_AUTO char *ended = mem_dup("y", 1);
        MEM_AUTO char *none = NULL;
        (void)ended;
        (void)none;
        taken = MEM_TAKE(given);
        assert_null(given);
    }
    assert_string_equal(taken, "x");
    mem_free(taken);
    assert_int_equal(mem_test_end(), 0);
}

static void counts(void **state)
{
    (void)state;
    char *before = mem_alloc(1);
    mem_test_begin();
    char *kept = mem_alloc(1);
    kept = mem_grow(kept, 2);
    char *grown = mem_grow(NULL, 1);
    assert_int_equal(mem_test_taken(), 2);
    assert_int_equal(mem_test_end(), 2);
    mem_test_begin();
    mem_free(before);
    assert_int_equal(mem_test_end(), -1);
    mem_free(kept);
    mem_free(grown);
    assert_int_equal(mem_test_taken(), 0); /* not counted outside */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),
        cmocka_unit_test(more_than_there_is),
        cmocka_unit_test(scope_and_take),
        cmocka_unit_test(counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
