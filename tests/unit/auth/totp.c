#include "auth/auth_int.h"
#include "auth/world.h"

#define KEY STR("12345678901234567890")

static void makes_the_codes_of_rfc_4226(void **state)
{
    (void)state;
    static const char *const codes[] = {"755224", "287082", "359152", "969429", "338314",
                                        "254676", "287922", "162583", "399871", "520489"};
    for (int64_t i = 0; i < 10; i++) {
        char code[AUTH_CODE_DIGITS + 1];
        auth_totp_code(KEY, i, code);
        assert_string_equal(code, codes[i]);
    }
}

/* Appendix B, the last six of its eight digits. */
static void makes_the_codes_of_rfc_6238(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *code;
    } vectors[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                   {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        int64_t step = -1;
        assert_true(auth_totp_find(KEY, str_from(vectors[i].code),
                                   vectors[i].seconds * USEC_PER_SEC, &step));
        assert_int_equal(step, vectors[i].seconds / 30);
    }
}

static void takes_the_steps_beside_the_present_one_alone(void **state)
{
    (void)state;
    for (int64_t off = -3; off <= 3; off++) {
        char code[AUTH_CODE_DIGITS + 1];
        int64_t step = -1;
        auth_totp_code(KEY, 1000 + off, code);
        bool found = auth_totp_find(KEY, str_from(code), 1000 * 30 * USEC_PER_SEC, &step);
        assert_int_equal(found, off >= -1 && off <= 1);
        assert_int_equal(step, found ? 1000 + off : -1);
    }
    int64_t step;
    assert_false(auth_totp_find(KEY, STR(""), 0, &step));
    assert_false(auth_totp_find(KEY, STR("75522"), 0, &step));
    assert_false(auth_totp_find(KEY, STR("7552240"), 0, &step));
}

static void writes_base32_and_addresses(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    assert_str(auth_base32(&arena, STR("fooba")), "MZXW6YTB"); /* RFC 4648 section 10 */
    assert_str(auth_base32(&arena, STR("\0\0\0\0\0\377\377\377\377\377")), "AAAAAAAA77777777");
    assert_str(auth_base32(&arena, STR("")), "");
    assert_str(auth_totp_uri(&arena, STR("a+b@example.com"), STR("MZXW6YTB")),
               "otpauth://totp/Coditect:a%2Bb%40example.com?secret=MZXW6YTB&issuer=Coditect"
               "&algorithm=SHA1&digits=6&period=30");
    char longest[AUTH_EMAIL_MAX];
    memset(longest, '%', sizeof longest);
    struct str uri = auth_totp_uri(&arena, str_of(longest, sizeof longest),
                                   STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_true(uri.n > 3 * sizeof longest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_codes_of_rfc_4226),
        cmocka_unit_test(makes_the_codes_of_rfc_6238),
        cmocka_unit_test(takes_the_steps_beside_the_present_one_alone),
        cmocka_unit_test(writes_base32_and_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
