/*
 * Each call of the disk on which the files of large values lie fails once, and then a second one a few calls later: what was
 * acknowledged is there, and stays what it was. Writes that may use the reserve are tried once more at once, on what the failure
 * left behind.
 */
#include "base/mem.h"
#include "power_disk.h"
#include "power_vfs.h"
#include "values.h"

/* After a failed write the fifth call behind it is the one that cuts what was written. */
enum { BETWEEN = 5, MOST_BETWEEN = 12 };

static int try_open(struct store_test *t)
{
    const struct store_options options = {
        .driver = "sqlite",
        .directory = t->directory,
        .balloon = 4096,
        .checkpoint = 16 << 10,
        .segment = VALUES_SEGMENT,
        .sqlite_vfs = POWER_VFS,
        .disk = &power_disk,
    };
    return store_open(&options, &t->store);
}

static void open_at_last(struct store_test *t)
{
    int r = ERR_INTERNAL;
    for (int i = 0; i < 3 && r; i++) {
        r = try_open(t);
    }
    assert_int_equal(r, 0);
}

/* Until it is kept: the store looks for space again after a second. */
static void put_at_last(struct store_test *t, unsigned number)
{
    int r = ERR_INTERNAL;
    for (int i = 0; i < 6 && r; i++) {
        time_test_advance(1100 * USEC_PER_MS);
        r = values_try(t, &(struct values){number, 1, VALUE, .reserve = number % 2});
        assert_true(r == 0 || r == ERR_UNAVAILABLE || r == ERR_NO_SPACE);
    }
    assert_int_equal(r, 0);
}

/* What is there is right, now and behind a cut of the power. */
static void check(struct store_test *t, bool come)
{
    for (unsigned i = 0; i < VALUES; i++) {
        int r = values_get(t, i);
        assert_true(r == 0 || (!come && r == ERR_UNAVAILABLE)); /* this read may be what fails */
    }
}

/* Each value twice: there is much to be given back. False: not all calls that were to fail came. */
static bool fail_at(struct store_test *t, unsigned n, unsigned then)
{
    power_vfs_reset(n);
    (void)power_disk_fail(n, then);
    open_at_last(t);
    for (unsigned i = 0; i < 2 * VALUES; i++) {
        put_at_last(t, i % VALUES);
        int r = values_get(t, i % VALUES);
        assert_true(r == 0 || r == ERR_UNAVAILABLE);
    }
    power_cut();
    store_test_close(t);
    power_on();
    open_at_last(t);
    bool come = power_disk_fail(0, 0);
    check(t, come);
    store_test_close(t);
    return come;
}

static void fail_each(struct store_test *t, unsigned then)
{
    (void)power_disk_take();
    unsigned n = 1;
    while (fail_at(t, n, then)) {
        n++;
    }
    struct power_disk_counts counts = power_disk_take();
    print_message("%u calls, and then the one %u behind\n", n - 1, then);
    assert_true(n > 2 * VALUES * 3 && counts.punches > 0 && counts.removals > 0);
}

static void each_call_fails_once(void **state)
{
    fail_each(*state, 0);
}

static void each_call_fails_and_then_another(void **state)
{
    unsigned step = store_test_all() ? 1 : BETWEEN - 1,
             most = store_test_all() ? MOST_BETWEEN : BETWEEN;
    for (unsigned then = 1; then <= most; then += step) {
        fail_each(*state, then);
    }
}

static int begin(void **state)
{
    struct store_test *t = MEM_NEW(struct store_test);
    *t = (struct store_test){.name = "sqlite", .driver = "sqlite"};
    store_test_make_quick_directory(t->directory);
    time_test_set(time_now(), time_monotonic());
    *state = t;
    return 0;
}

static int end(void **state)
{
    struct store_test *t = *state;
    time_test_real();
    power_vfs_reset(1);
    store_test_remove_directory(t->directory);
    mem_free(t);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_call_fails_once, begin, end),
        cmocka_unit_test_setup_teardown(each_call_fails_and_then_another, begin, end),
    };
    return cmocka_run_group_tests_name("segments failing", tests, NULL, NULL);
}
