#include "base/vec.h"

#include "unit.h"

static void grows(void **state)
{
    (void)state;
    mem_test_begin();
    VEC(int) numbers = {0};
    for (int i = 0; i < 1000; i++) {
        VEC_ADD(&numbers, i);
    }
    assert_int_equal(numbers.n, 1000);
    assert_int_equal(numbers.at[999], 999);
    VEC_REMOVE_UNORDERED(&numbers, 0);
    assert_int_equal(numbers.at[0], 999);
    VEC_REMOVE_UNORDERED(&numbers, numbers.n - 1);
    assert_int_equal(numbers.n, 998);
    assert_dies(({
        VEC_REMOVE_UNORDERED(&numbers, 998);
        0;
    }));
    VEC_FREE(&numbers);
    assert_int_equal(numbers.n, 0);
    assert_int_equal(mem_test_end(), 0);
}

static void structs(void **state)
{
    (void)state;
    VEC(struct str) names = {0};
    VEC_ADD(&names, (struct str){"ab", 2});
    assert_str(names.at[0], "ab");
    VEC_FREE(&names);
    VEC_FREE(&names);
}

static void absurd_sizes(void **state)
{
    (void)state;
    size_t room = (size_t)1 << 62;
    assert_dies(vec_grow(NULL, &room, 16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows),
        cmocka_unit_test(structs),
        cmocka_unit_test(absurd_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
