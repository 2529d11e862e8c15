/* Retention where not all is well: a clock that was wrong. */
#include "files/fixture.h"

#define DAY (24 * 3600 * USEC_PER_SEC)

static const struct files_keep keep = {.all = 7 * DAY, .hourly = 30 * DAY, .daily = 365 * DAY};

static const usec_t first_day = 20000 * DAY;

/* To the end of the round. */
static int thin(struct fixture *f)
{
    struct files_thin_place place = {{0}, {0}};
    int damage = 0;
    bool more = true;
    while (more) {
        int r = files_thin(f->store, &keep, &place, &more);
        if (r)
            print_message("r %d\n", r);
        assert_true(r == 0 || r == ERR_CORRUPT);
        damage = r < 0 ? r : damage;
    }
    return damage;
}

static size_t versions(struct fixture *f, struct str session, const char *path)
{
    struct files_history_input in = {session, str_from(path), STR_EMPTY, 100};
    struct files_history page;
    assert_ok(files_history(&f->ctx, &in, &page));
    return page.count;
}

static void put_many(struct fixture *f, struct str session, const char *path, int n)
{
    struct str was = f->session;
    f->session = session;
    for (int i = 0; i < n; i++) {
        put(f, path, fixture_noise(f, 3000, (uint64_t)i));
    }
    f->session = was;
}

/* `ahead` changes of a clock that is five years ahead do not hold up what came after. */
static void after_a_clock_ahead(struct fixture *f, int ahead)
{
    time_test_set(first_day + 5 * 365 * DAY, DAY);
    put_many(f, f->session, "ahead", ahead);
    time_test_set(first_day, DAY);
    put_many(f, f->session, "doc", 10);
    time_test_set(first_day + 3 * DAY, DAY);
    assert_ok(thin(f));
    assert_int_equal(versions(f, f->session, "doc"), 10);
    time_test_set(first_day + 9 * DAY, DAY);
    assert_ok(thin(f));
    assert_int_equal(versions(f, f->session, "doc"), 1);
    assert_true(str_eq(slurp(f, "doc", 0), fixture_noise(f, 3000, 9)));
    fixture_check(f);
}

static void test_clock_ahead(void **state)
{
    after_a_clock_ahead(*state, 1);
}

static void test_clock_ahead_for_long(void **state)
{
    after_a_clock_ahead(*state, 2100);
}

static void test_only_a_clock_ahead(void **state)
{
    struct fixture *f = *state;
    time_test_set(first_day + 5 * 365 * DAY, DAY);
    put_many(f, f->session, "ahead", 10);
    time_test_set(first_day + 400 * DAY, DAY);
    assert_ok(thin(f)); /* when they were made nobody knows */
    assert_int_equal(versions(f, f->session, "ahead"), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_ahead),
        cmocka_unit_test(test_clock_ahead_for_long),
        cmocka_unit_test(test_only_a_clock_ahead),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
