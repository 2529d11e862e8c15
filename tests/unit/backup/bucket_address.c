/* Which addresses a bucket may have, and that one place is one address however it is written. */
#include "unit.h"

#include "backup/backup_int.h"

static void test_one_place(void **state)
{
    (void)state;
    static const char *const same[] = {
        "https://s3.example.com/bucket/p",
        "https://s3.example.com/bucket/p/",
        "https://s3.example.com:443/bucket/p",
        "https://S3.Example.COM/bucket/p",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct backup_address a;
        assert_int_equal(backup_address_read(same[i], &a), 0);
        assert_true(str_eq(a.scheme, STR("https")));
        assert_string_equal(a.host, "s3.example.com");
        assert_string_equal(a.path, "/bucket");
        assert_string_equal(a.prefix, "p/");
    }
}

/* In clear text on this machine alone; with nothing that only some servers understand. */
static void test_which(void **state)
{
    (void)state;
    static const char *const here[] = {
        "http://127.0.0.1:9000/bucket",
        "http://127.9.9.9/bucket",
        "http://localhost/bucket",
        "http://[::1]:9000/bucket",
    };
    static const char *const none[] = {
        "http://example.com/bucket",
        "http://127.evil.example/bucket",
        "http://127.0.0.1.example/bucket",
        "http://localhost.example/bucket",
        "http://128.0.0.1/bucket",
        "http://[::2]/bucket",
        "https://host",
        "https://host/",
        "https://host/../x",
        "https://host/bucket//p",
        "https://host/bucket?x",
        "https://user:pw@host/bucket",
    };
    for (size_t i = 0; i < sizeof here / sizeof *here; i++) {
        assert_int_equal(backup_bucket_check(here[i]), 0);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_int_equal(backup_bucket_check(none[i]), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_place),
        cmocka_unit_test(test_which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
