/* Who waits for a file of a tree that is being restored: first come first served, bounded, and nobody when nothing is missing. */
#include "codi2/wanted.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "unit.h"

struct waiting {
    struct codi2_wanted *wanted;
    struct str path;
    pthread_t thread;
    atomic_int result; /* 1: it waits */
};

static void *wait_for(void *arg)
{
    struct waiting *w = arg;
    atomic_store(&w->result,
                 codi2_wanted_await(w->wanted, w->path, time_monotonic() + 60 * USEC_PER_SEC));
    return NULL;
}

static void begin(struct waiting *w, struct codi2_wanted *wanted, struct str path)
{
    w->wanted = wanted;
    w->path = path;
    atomic_store(&w->result, 1);
    assert_int_equal(pthread_create(&w->thread, NULL, wait_for, w), 0);
}

static int end(struct waiting *w)
{
    assert_int_equal(pthread_join(w->thread, NULL), 0);
    return atomic_load(&w->result);
}

static int look(struct codi2_wanted *wanted, struct str path)
{
    return codi2_wanted_await(wanted, path, time_monotonic());
}

static void nobody_waits_when_nothing_is_missing(void **state)
{
    (void)state;
    struct codi2_wanted *wanted = codi2_wanted_create();
    assert_int_equal(look(wanted, STR("a")), 0);
    codi2_wanted_restoring(wanted, true);
    assert_int_equal(look(wanted, STR("a")), ERR_TIMEOUT);
    codi2_wanted_restoring(wanted, false);
    assert_int_equal(look(wanted, STR("a")), 0);
    codi2_wanted_destroy(wanted);
}

static void each_is_told_when_its_file_came_or_all_did(void **state)
{
    (void)state;
    struct codi2_wanted *wanted = codi2_wanted_create();
    struct waiting a, same, b;
    struct str path;
    ARENA_AUTO(arena);
    codi2_wanted_restoring(wanted, true);
    assert_false(codi2_wanted_first(wanted, &arena, &path));
    begin(&a, wanted, STR("a"));
    while (!codi2_wanted_first(wanted, &arena, &path)) {
        (void)sched_yield();
    }
    assert_str(path, "a");
    begin(&same, wanted, STR("a"));
    begin(&b, wanted, STR("b"));
    assert_true(codi2_wanted_first(wanted, &arena, &path)); /* it stays until it came */
    assert_str(path, "a");
    while (atomic_load(&a.result) == 1 || atomic_load(&same.result) == 1) {
        codi2_wanted_came(wanted, STR("a")); /* the second may have come later */
    }
    assert_int_equal(end(&a), 0);
    assert_int_equal(end(&same), 0);
    while (!codi2_wanted_first(wanted, &arena, &path)) {
        (void)sched_yield();
    }
    assert_str(path, "b");
    codi2_wanted_restoring(wanted, false);
    assert_int_equal(end(&b), 0);
    codi2_wanted_destroy(wanted);
}

static void so_many_wait_and_no_more_until_we_end(void **state)
{
    (void)state;
    enum { ALL = CODI2_MAX_WANTED + 1 };
    struct codi2_wanted *wanted = codi2_wanted_create();
    struct waiting waiting[ALL];
    int refused = 0;
    codi2_wanted_restoring(wanted, true);
    for (int i = 0; i < ALL; i++) {
        begin(&waiting[i], wanted, STR("a"));
    }
    for (bool one = false; !one; (void)sched_yield()) { /* whoever came last */
        for (int i = 0; i < ALL; i++) {
            one = one || atomic_load(&waiting[i].result) == ERR_LIMIT;
        }
    }
    codi2_wanted_close(wanted);
    for (int i = 0; i < ALL; i++) {
        int result = end(&waiting[i]);
        assert_true(result == ERR_LIMIT || result == ERR_TIMEOUT);
        refused += result == ERR_LIMIT;
    }
    assert_int_equal(refused, 1);
    assert_int_equal(codi2_wanted_await(wanted, STR("a"), time_monotonic() + 60 * USEC_PER_SEC),
                     ERR_TIMEOUT);
    codi2_wanted_destroy(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_waits_when_nothing_is_missing),
                                       cmocka_unit_test(each_is_told_when_its_file_came_or_all_did),
                                       cmocka_unit_test(so_many_wait_and_no_more_until_we_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
