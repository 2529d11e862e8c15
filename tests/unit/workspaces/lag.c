/* Since when a workspace may hold what the store has not, word by word. */
#include "unit.h"
#include "workspaces/keeper_int.h"

#define SECONDS(n) ((n)*USEC_PER_SEC)

static const usec_t start = SECONDS(10000);

/* A word at a second after the start, for so many changes, the oldest so many milliseconds old. */
static struct report word(int64_t at, int64_t pending, int64_t pending_ms)
{
    return (struct report){.state = REPORT_READY,
                           .at = start + SECONDS(at),
                           .pending = pending,
                           .pending_ms = pending_ms};
}

/* In milliseconds, so many seconds after the start; said: NULL, nothing new. */
static int64_t lag_at(struct lag *lag, const struct report *said, int64_t seconds)
{
    usec_t now = start + SECONDS(seconds);
    usec_t since = workspaces_lag(lag, said, now);
    return since ? (now - since) / USEC_PER_MS : 0;
}

static void it_is_the_age_of_the_oldest_change(void **state)
{
    (void)state;
    struct lag lag = {0};
    struct report r = word(0, 3, 1500);
    assert_int_equal(lag_at(&lag, &r, 0), 1500);
    assert_int_equal(lag_at(&lag, &r, 5), 6500);
    r = word(6, 2, 200); /* those are stored, others came */
    assert_int_equal(lag_at(&lag, &r, 6), 200);
    r = word(7, 0, 0);
    assert_int_equal(lag_at(&lag, &r, 7), 0);
    assert_int_equal(lag_at(&lag, &r, 20), 0);
}

static void whoever_is_silent_may_hold_anything_since_the_last_word(void **state)
{
    (void)state;
    struct lag lag = {0};
    assert_int_equal(lag_at(&lag, NULL, 1000), 0); /* it was never there */
    struct report r = word(0, 0, 0);
    assert_int_equal(lag_at(&lag, &r, 29), 0);
    assert_int_equal(lag_at(&lag, &r, 31), 31000);
    assert_int_equal(lag_at(&lag, NULL, 100), 100000); /* the word is forgotten, not when it was */
    r = word(101, 1, 40000);                           /* it knows better */
    assert_int_equal(lag_at(&lag, &r, 101), 40000);
    assert_int_equal(lag_at(&lag, NULL, 140), 79000);
    r = word(141, 0, 0);
    assert_int_equal(lag_at(&lag, &r, 141), 0);
}

static void what_a_run_left_counts_until_the_next_has_stored_all(void **state)
{
    (void)state;
    struct lag lag = {0};
    struct report r = word(0, 1, 1000);
    assert_int_equal(lag_at(&lag, &r, 0), 1000);
    workspaces_lag_restart(&lag);
    assert_int_equal(lag_at(&lag, NULL, 10), 11000);
    r = word(11, 4, 500);
    r.state = REPORT_RESTORING;
    assert_int_equal(lag_at(&lag, &r, 11), 12000);
    r = word(12, 4, 500);
    assert_int_equal(lag_at(&lag, &r, 12), 13000);
    r = word(13, 0, 0);
    assert_int_equal(lag_at(&lag, &r, 13), 0);
    workspaces_lag_restart(&lag); /* what came after its last word is not known */
    assert_int_equal(lag_at(&lag, NULL, 15), 2000);
}

static void a_first_comparison_is_no_change(void **state)
{
    (void)state;
    struct lag lag = {0};
    struct report r = word(0, 1, 9000);
    r.state = REPORT_RESTORING;
    assert_int_equal(lag_at(&lag, &r, 0), 0);
}

static void what_changes_during_a_later_comparison_counts(void **state)
{
    (void)state;
    struct lag lag = {0};
    struct report r = word(0, 0, 0);
    assert_int_equal(lag_at(&lag, &r, 0), 0);
    for (int64_t at = 10; at <= 200; at++) { /* it is heard of all the time */
        r = word(at, 0, 0);
        r.state = REPORT_RESTORING;
        assert_int_equal(lag_at(&lag, &r, at), (at - 10) * 1000);
    }
    r = word(201, 3, 500); /* what it has found, not all that it has not */
    assert_int_equal(lag_at(&lag, &r, 201), 191000);
    r = word(202, 0, 0);
    assert_int_equal(lag_at(&lag, &r, 202), 0);
    workspaces_lag_restart(&lag); /* the next run's first one is no change again */
    r = word(203, 0, 0);
    r.state = REPORT_RESTORING;
    assert_int_equal(lag_at(&lag, &r, 203), 1000);
    r = word(204, 0, 0);
    assert_int_equal(lag_at(&lag, &r, 204), 0);
}

static void who_does_not_say_how_long_counts_from_the_first_word(void **state)
{
    (void)state;
    struct lag lag = {0};
    struct report r = word(0, 1, 0);
    assert_int_equal(lag_at(&lag, &r, 0), 0);
    r = word(5, 2, 0);
    assert_int_equal(lag_at(&lag, &r, 5), 5000);
    r = word(6, 2, INT64_C(9007199254740991)); /* longer than there was time */
    assert_int_equal(lag_at(&lag, &r, 6), 6000);
}

static void who_is_late_is_counted_but_for_who_has_failed(void **state)
{
    (void)state;
    struct behind b = {0};
    usec_t now = start + SECONDS(100);
    workspaces_behind_add(&b, 0, /* failed= */ false, now);
    workspaces_behind_add(&b, start, /* failed= */ true, now);
    assert_int_equal(b.since, 0);
    assert_int_equal(b.late, 0);
    workspaces_behind_add(&b, start + SECONDS(40), /* failed= */ false, now);
    assert_int_equal(b.late, 0);
    workspaces_behind_add(&b, start + SECONDS(30), /* failed= */ false, now);
    workspaces_behind_add(&b, start + SECONDS(39), /* failed= */ false, now);
    assert_int_equal(b.since, start + SECONDS(30));
    assert_int_equal(b.late, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_age_of_the_oldest_change),
        cmocka_unit_test(whoever_is_silent_may_hold_anything_since_the_last_word),
        cmocka_unit_test(what_a_run_left_counts_until_the_next_has_stored_all),
        cmocka_unit_test(a_first_comparison_is_no_change),
        cmocka_unit_test(what_changes_during_a_later_comparison_counts),
        cmocka_unit_test(who_does_not_say_how_long_counts_from_the_first_word),
        cmocka_unit_test(who_is_late_is_counted_but_for_who_has_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
