#include "data/world.h"

static void is_a_sortable_dns_label(void **state)
{
    (void)state;
    char earlier[DATA_ID_ROOM];
    char later[DATA_ID_ROOM];
    time_test_set(1800000000 * USEC_PER_SEC, 0);
    struct str a = data_id_new(earlier, "ses");
    time_test_advance(USEC_PER_MS);
    struct str b = data_id_new(later, "ses");
    time_test_real();
    assert_int_equal(a.n, DATA_ID_SIZE);
    assert_true(str_cmp(a, b) < 0);
    assert_true(data_id_is(a, "ses") && data_id_is(b, "ses"));
    for (size_t i = 4; i < a.n; i++) {
        assert_non_null(strchr("0123456789abcdefghjkmnpqrstvwxyz", a.p[i]));
    }
}

static void two_of_a_millisecond_differ(void **state)
{
    (void)state;
    char a[DATA_ID_ROOM];
    char b[DATA_ID_ROOM];
    time_test_set(1800000000 * USEC_PER_SEC, 0);
    struct str first = data_id_new(a, "usr");
    struct str second = data_id_new(b, "usr");
    time_test_real();
    assert_false(str_eq(first, second));
    assert_true(str_starts(second, str_slice(first, 0, 14)));
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "ses-",
        "ses-00000000000000000000000000a", /* too long */
        "ses-000000000000000000000000",    /* too short */
        "usr-00000000000000000000000000",  /* another kind */
        "ses-0000000000000000000000000i",  /* no digit */
        "ses-0000000000000000000000000A",  /* upper case */
        "ses-000000000000000000000000/0",  /* would leave its part of the key */
        "ses_00000000000000000000000000",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(data_id_is(str_from(bad[i]), "ses"));
    }
    assert_true(data_id_is(STR("ses-00000000000000000000000000"), "ses"));
    char nul[] = "ses-00000000000000000000000000";
    nul[10] = '\0';
    assert_false(data_id_is(str_of(nul, DATA_ID_SIZE), "ses"));
    for (int c = 1; c < 256; c++) {
        nul[10] = (char)c;
        bool digit = strchr("0123456789abcdefghjkmnpqrstvwxyz", c) != NULL;
        assert_int_equal(data_id_is(str_of(nul, DATA_ID_SIZE), "ses"), digit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_a_sortable_dns_label),
        cmocka_unit_test(two_of_a_millisecond_differ),
        cmocka_unit_test(refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
