/* Files that are quiet: how long each waits, whatever happens to it, by a clock that stands until it is moved. */
#include "codi2/quiet.h"

#include <stdio.h>

#include "unit.h"

struct place {
    struct codi2_quiet *quiet;
    struct codi2_dirty *dirty;
    struct codi2_look look;
};

static int make(void **state)
{
    static struct place p;
    time_test_set(0, 1000 * USEC_PER_SEC);
    p = (struct place){
        codi2_quiet_create(), codi2_dirty_create(), {.kind = CODI2_FILE, .size = 1, .inode = 7}};
    *state = &p;
    return 0;
}

static int drop(void **state)
{
    struct place *p = *state;
    codi2_quiet_destroy(p->quiet);
    codi2_dirty_destroy(p->dirty);
    time_test_real();
    return 0;
}

static void pass(int64_t ms)
{
    time_test_advance(ms * USEC_PER_MS);
}

static bool waits(struct place *p, const char *path)
{
    bool news;
    return codi2_quiet_waits(p->quiet, str_from(path), &p->look, &news);
}

static bool changed(struct place *p, const char *path)
{
    bool news;
    p->look.size++;
    bool waits = codi2_quiet_waits(p->quiet, str_from(path), &p->look, &news);
    assert_true(news);
    return waits;
}

/* What a round takes from the dirty ones. */
static size_t taken(struct place *p)
{
    ARENA_AUTO(arena);
    struct codi2_dirty_path *at;
    size_t count;
    codi2_dirty_take(p->dirty, &arena, &at, &count);
    return count;
}

static size_t due(struct place *p)
{
    codi2_quiet_send_due(p->quiet, p->dirty, /* all= */ false);
    return taken(p);
}

static void one_that_stays_still_waits_ten_seconds(void **state)
{
    struct place *p = *state;
    assert_true(waits(p, "a"));
    assert_int_equal(codi2_quiet_count(p->quiet), 1);
    pass(9999);
    assert_true(waits(p, "a")); /* looked at by a sweep: no change */
    assert_int_equal(due(p), 0);
    assert_int_equal(codi2_quiet_next(p->quiet), time_monotonic() + USEC_PER_MS);
    pass(1);
    assert_int_equal(due(p), 1);
    assert_int_equal(codi2_quiet_count(p->quiet), 0);
    assert_int_equal(codi2_quiet_next(p->quiet), INT64_MAX); /* and is not taken again */
    assert_int_equal(due(p), 0);
    assert_false(waits(p, "a"));
}

static void one_that_never_is_still_waits_a_minute(void **state)
{
    struct place *p = *state;
    int versions = 0;
    for (int ms = 0; ms < 5 * 60 * 1000; ms += 100) {
        if (!changed(p, "a")) {
            versions++;
            codi2_quiet_settle(p->quiet, p->dirty);
        }
        pass(100);
    }
    assert_int_equal(versions, 4); /* at 60, 120.1, 180.2 and 240.3 s */
}

static void a_change_before_its_time_begins_the_ten_seconds_again(void **state)
{
    struct place *p = *state;
    assert_true(waits(p, "a"));
    pass(9000);
    assert_true(changed(p, "a"));
    pass(9000);
    assert_int_equal(due(p), 0);
    pass(1000);
    assert_int_equal(due(p), 1);
    assert_true(changed(p, "a")); /* while it was about to be looked at */
    assert_int_equal(codi2_quiet_count(p->quiet), 1);
    pass(10000);
    assert_int_equal(due(p), 1);
}

static void what_could_not_be_stored_does_not_wait_another_minute(void **state)
{
    struct place *p = *state;
    assert_true(waits(p, "a"));
    for (int i = 0; i < 60; i++) {
        pass(1000);
        (void)changed(p, "a");
    }
    assert_false(changed(p, "a"));
    codi2_dirty_add(p->dirty, STR("a"), /* deep= */ false); /* it was torn */
    codi2_quiet_settle(p->quiet, p->dirty);
    (void)taken(p);
    assert_false(changed(p, "a"));
    codi2_dirty_add_all(p->dirty); /* the server went away while all was looked at */
    codi2_quiet_settle(p->quiet, p->dirty);
    (void)taken(p);
    assert_false(changed(p, "a"));
    codi2_quiet_settle(p->quiet, p->dirty); /* stored */
    assert_true(changed(p, "a"));
}

static void a_barrier_takes_all_of_them(void **state)
{
    struct place *p = *state;
    assert_true(waits(p, "a"));
    assert_true(waits(p, "b"));
    codi2_quiet_send_due(p->quiet, p->dirty, /* all= */ true);
    assert_true(codi2_dirty_has(p->dirty, STR("a")) && codi2_dirty_has(p->dirty, STR("b")));
    assert_int_equal(codi2_quiet_count(p->quiet), 0);
}

static void a_new_name_does_not_begin_anew(void **state)
{
    struct place *p = *state;
    assert_true(waits(p, "a"));
    for (int i = 0; i < 59; i++) {
        pass(1000);
        (void)changed(p, "a");
    }
    codi2_quiet_send(p->quiet, STR("a")); /* it is gone */
    assert_true(changed(p, "b"));
    codi2_quiet_settle(p->quiet, p->dirty);
    assert_int_equal(codi2_quiet_count(p->quiet), 1);
    pass(1000);
    assert_int_equal(due(p), 1);
    p->look.inode = 8; /* another file has had no time */
    assert_true(changed(p, "c"));
    pass(1000);
    assert_int_equal(due(p), 0);
}

static void what_is_dirty_and_waits_is_told_apart(void **state)
{
    struct place *p = *state;
    assert_true(waits(p, "a"));
    assert_true(waits(p, "b"));
    codi2_dirty_add(p->dirty, STR("a"), /* deep= */ false);
    codi2_dirty_add(p->dirty, STR("c"), /* deep= */ false);
    assert_int_equal(codi2_quiet_count_dirty(p->quiet, p->dirty), 1);
    codi2_quiet_send(p->quiet, STR("a"));
    codi2_quiet_send(p->quiet, STR("never"));
    assert_int_equal(codi2_quiet_count_dirty(p->quiet, p->dirty), 0);
}

static void one_too_many_does_not_wait(void **state)
{
    struct place *p = *state;
    char name[16];
    for (int i = 0; i <= CODI2_MAX_QUIET; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        assert_int_equal(waits(p, name), i < CODI2_MAX_QUIET);
    }
    assert_int_equal(codi2_quiet_count(p->quiet), CODI2_MAX_QUIET);
    codi2_quiet_send(p->quiet, STR("0"));
    codi2_quiet_settle(p->quiet, p->dirty);
    assert_true(waits(p, name));
}

#define test(function) cmocka_unit_test_setup_teardown(function, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(one_that_stays_still_waits_ten_seconds),
        test(one_that_never_is_still_waits_a_minute),
        test(a_change_before_its_time_begins_the_ten_seconds_again),
        test(what_could_not_be_stored_does_not_wait_another_minute),
        test(a_barrier_takes_all_of_them),
        test(a_new_name_does_not_begin_anew),
        test(what_is_dirty_and_waits_is_told_apart),
        test(one_too_many_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
