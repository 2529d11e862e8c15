#include "base/time.h"

#include "unit.h"

static void assert_time(usec_t t, const char *wanted)
{
    char shown[25];
    usec_t back;
    assert_str(time_str(shown, t), wanted);
    assert_int_equal(shown[24], '\0');
    assert_int_equal(time_parse(str_from(wanted), &back), 0);
    assert_true(back <= t && t - back < USEC_PER_MS);
}

static void known_times(void **state)
{
    (void)state;
    assert_time(0, "1970-01-01T00:00:00.000Z");
    assert_time(951782400 * USEC_PER_SEC, "2000-02-29T00:00:00.000Z");
    assert_time(1234567890 * USEC_PER_SEC + 123999, "2009-02-13T23:31:30.123Z");
    assert_time(4107542399 * USEC_PER_SEC, "2100-02-28T23:59:59.000Z");
    assert_time(4107542400 * USEC_PER_SEC, "2100-03-01T00:00:00.000Z");
    assert_time((usec_t)253402300799 * USEC_PER_SEC + 999999, "9999-12-31T23:59:59.999Z");
    char shown[25];
    assert_time(-1, "1969-12-31T23:59:59.999Z");
    assert_time(-1000, "1969-12-31T23:59:59.999Z");
    assert_time(-1001, "1969-12-31T23:59:59.998Z");
    assert_time(-2203977600 * USEC_PER_SEC, "1900-02-28T00:00:00.000Z");
    assert_time(-2203891200 * USEC_PER_SEC, "1900-03-01T00:00:00.000Z");
    assert_time((usec_t)-62135596800 * USEC_PER_SEC, "0001-01-01T00:00:00.000Z");
    assert_time((usec_t)-62162121600 * USEC_PER_SEC, "0000-02-29T00:00:00.000Z");
    assert_time((usec_t)-62167219200 * USEC_PER_SEC, "0000-01-01T00:00:00.000Z");
    assert_str(time_str(shown, INT64_MIN), "0000-01-01T00:00:00.000Z");
    assert_str(time_str(shown, INT64_MAX), "9999-12-31T23:59:59.999Z");
    BUF_AUTO(b, 100);
    time_format(&b, 1);
    assert_str(buf_str(&b), "1970-01-01T00:00:00.000Z");
}

static int month_length(int year, int month)
{
    if (month == 2) {
        return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
    }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Counts days as one would by hand. */
static void every_day(void **state)
{
    (void)state;
    int year = 0, month = 1, day = 1;
    for (usec_t t = (usec_t)-62167219200 * USEC_PER_SEC; year < 2410; t += 86400 * USEC_PER_SEC) {
        char shown[25];
        char wanted[64];
        usec_t back;
        (void)snprintf(wanted, sizeof wanted, "%04d-%02d-%02dT00:00:00.000Z", year, month, day);
        if (!str_eq(time_str(shown, t), str_from(wanted))) {
            assert_string_equal(shown, wanted);
        }
        if (time_parse(str_from(wanted), &back) < 0 || back != t) {
            fail_msg("%s is not read back", wanted);
        }
        day++;
        if (day > month_length(year, month)) {
            day = 1;
            month = month % 12 + 1;
            year += month == 1;
        }
    }
}

static void parses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        usec_t seconds, usec;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, 0},
        {"1970-01-01t00:00:01z", 1, 0},
        {"1970-01-01T01:00:00.5+01:00", 0, 500000},
        {"1969-12-31T23:59:59Z", -1, 0},
        {"1969-12-31T23:59:58.75Z", -2, 750000},
        {"1970-01-01T00:00:00+01:00", -3600, 0},
        {"1970-01-01T00:00:00-00:30", 1800, 0},
        {"1970-01-01T00:00:00.1234567899Z", 0, 123456},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        usec_t t = -7;
        assert_int_equal(time_parse(str_from(rows[i].text), &t), 0);
        assert_true(t == rows[i].seconds * USEC_PER_SEC + rows[i].usec);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "1970",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-1-01T00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-01-32T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:60Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00Zx",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+0100",
        "0000-01-01T00:00:00+00:01", /* before the year 0 */
        "9999-12-31T23:59:59-00:01", /* behind 9999 */
        "19700-01-01T00:00:00Z",
        "-970-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        usec_t t = -7;
        if (time_parse(str_from(rows[i]), &t) != ERR_INVALID || t != -7) {
            fail_msg("%s is accepted", rows[i]);
        }
    }
    usec_t t;
    assert_int_equal(time_parse(STR("1970-01-01T00:00:00Z\0"), &t), ERR_INVALID);
    assert_int_equal(time_parse(STR("1970-01-01\0"), &t), ERR_INVALID);
}

static void http_dates(void **state)
{
    (void)state;
    char shown[30];
    /* The example of RFC 9110 section 5.6.7. */
    assert_str(time_http_date(shown, 784111777 * USEC_PER_SEC), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_str(time_http_date(shown, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_str(time_http_date(shown, -1), "Wed, 31 Dec 1969 23:59:59 GMT");
    assert_str(time_http_date(shown, 951868799 * USEC_PER_SEC), "Tue, 29 Feb 2000 23:59:59 GMT");
    assert_int_equal(shown[29], '\0');
}

static void clocks(void **state)
{
    (void)state;
    usec_t before = time_monotonic();
    assert_true(time_monotonic() >= before);
    assert_true(time_now() > 1700000000 * USEC_PER_SEC);
    assert_false(time_is_test());
    time_test_set(5, 7);
    assert_true(time_now() == 5 && time_monotonic() == 7);
    time_test_advance(10);
    assert_true(time_now() == 15 && time_monotonic() == 17);
    assert_dies((time_test_advance(-1), 0));
    time_test_real();
    assert_true(time_monotonic() >= before);
    assert_dies((time_test_advance(1), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times), cmocka_unit_test(every_day),  cmocka_unit_test(parses),
        cmocka_unit_test(refuses),     cmocka_unit_test(http_dates), cmocka_unit_test(clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
