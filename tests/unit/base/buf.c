#include "base/buf.h"

#include "base/mem.h"
#include "unit.h"

static void appends(void **state)
{
    (void)state;
    BUF_AUTO(b, 1000);
    assert_string_equal(buf_z(&b), "");
    buf_add(&b, STR("ab"));
    buf_add(&b, STR_EMPTY);
    buf_byte(&b, '-');
    buf_u64(&b, 0);
    buf_byte(&b, ' ');
    buf_u64(&b, UINT64_MAX);
    buf_byte(&b, ' ');
    buf_i64(&b, INT64_MIN);
    buf_printf(&b, "%s", "");
    buf_printf(&b, " %s=%d", "x", -1);
    assert_string_equal(buf_z(&b), "ab-0 18446744073709551615 -9223372036854775808 x=-1");
    assert_int_equal(b.error, 0);
}

/* Exactly the maximum fits, one byte more does not, and nothing does after that. */
static void maximum(void **state)
{
    (void)state;
    BUF_AUTO(b, 100);
    for (int i = 0; i < 100; i++) {
        buf_byte(&b, 'x');
    }
    assert_int_equal(b.error, 0);
    assert_int_equal(b.n, 100);
    assert_int_equal(strlen(buf_z(&b)), 100);
    assert_non_null(buf_reserve(&b, 0));
    buf_byte(&b, 'y');
    assert_int_equal(b.error, ERR_TOO_LARGE);
    assert_int_equal(b.n, 100);
    assert_null(buf_reserve(&b, 0));
    assert_string_equal(buf_z(&b), "");
    buf_clear(&b);
    buf_printf(&b, "%101s", "");
    assert_int_equal(b.error, ERR_TOO_LARGE);
    buf_clear(&b);
    buf_printf(&b, "%100s", "");
    assert_int_equal(b.error, 0);
    assert_int_equal(b.n, 100);
}

static void long_and_short_formats(void **state)
{
    (void)state;
    for (int n = 200; n < 300; n++) {
        BUF_AUTO(b, 400);
        buf_printf(&b, "a%*d", n, 7);
        assert_int_equal(b.n, n + 1);
        assert_int_equal(buf_z(&b)[0], 'a');
        assert_int_equal(buf_z(&b)[n], '7');
        buf_printf(&b, "%*d", 400 - n, 7);
        assert_int_equal(b.error, ERR_TOO_LARGE);
    }
}

static void huge_wishes(void **state)
{
    (void)state;
    BUF_AUTO(b, 1 << 30);
    buf_byte(&b, 'x');
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(b.error, ERR_TOO_LARGE);
    assert_true(b.room < 1000);
    struct buf refused;
    assert_dies((buf_init(&refused, 0), 0));
    assert_dies((buf_init(&refused, ((size_t)1 << 30) + 1), 0));
}

static void reserve_and_commit(void **state)
{
    (void)state;
    BUF_AUTO(b, 100);
    char *to = buf_reserve(&b, 3);
    memcpy(to, "abc", 3);
    buf_commit(&b, 2);
    assert_str(buf_str(&b), "ab");
    assert_dies((buf_commit(&b, b.room - b.n + 1), 0));
}

static void consume(void **state)
{
    (void)state;
    BUF_AUTO(b, 100);
    buf_consume(&b, 0);
    buf_add(&b, STR("abcdef"));
    buf_consume(&b, 2);
    assert_str(buf_str(&b), "cdef");
    assert_dies((buf_consume(&b, 5), 0));
    buf_consume(&b, 4);
    assert_str(buf_str(&b), "");
}

static void takes_no_memory_before_use(void **state)
{
    (void)state;
    mem_test_begin();
    {
        BUF_AUTO(empty, 100);
        BUF_AUTO(used, 100);
        assert_int_equal(mem_test_taken(), 0);
        buf_byte(&used, 'x');
        assert_int_equal(mem_test_taken(), 1);
    }
    assert_int_equal(mem_test_end(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),
        cmocka_unit_test(maximum),
        cmocka_unit_test(long_and_short_formats),
        cmocka_unit_test(huge_wishes),
        cmocka_unit_test(reserve_and_commit),
        cmocka_unit_test(consume),
        cmocka_unit_test(takes_no_memory_before_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
