/*
 * Large values beside the database (src/store/sqlite_segment.c): who writes them, what a damaged file means, and what lies
 * behind the last commit. Their space: shrink.c; power cuts: powercut.c.
 */
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/mem.h"
#include "power_disk.h"
#include "power_vfs.h"
#include "values.h"

enum { INDEX = 32 << 10 };

/* ---- who writes what where ------------------------------------------------------------------------------------------ */

static void files_are_filled_one_after_the_other(void **state)
{
    struct store_test *t = *state;
    values_put_all(t);
    for (unsigned segment = 1; segment <= VALUES / 3; segment++) {
        assert_int_equal(values_size(t, segment), values_blocks(2) + VALUE);
    }
    assert_int_equal(values_size(t, VALUES / 3 + 1), -1);
    for (int opened = 0; opened < 2; opened++) {
        values_assert_all(t);
        store_test_close(t);
        values_open(t, NULL);
    }
}

static void small_transactions_flush_once(void **state)
{
    struct store_test *t = *state;
    store_test_close(t);
    power_vfs_reset(1);
    values_open(t, &power_disk);
    (void)power_disk_take();
    for (unsigned i = 0; i < 20; i++) {
        values_put(t, i, 1, 20000);
    }
    assert_int_equal(power_disk_take().flushes, 0);
    values_put(t, 0, 4, 20000);
    assert_int_equal(power_disk_take().flushes, 1); /* however many there are */
    values_put(t, 4, 12, 3000);                     /* much, of small values */
    assert_int_equal(power_disk_take().flushes, 0);
    store_test_close(t);
    power_vfs_reset(1);
}

/* ---- damage --------------------------------------------------------------------------------------------------------- */

static void spoil(const struct store_test *t, unsigned segment, off_t at)
{
    char path[128];
    values_path(t, segment, path);
    FD_AUTO int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "!", 1, at), 1);
}

struct scan {
    bool judged;
    size_t count, empty;
};

static int scan_all(struct txn *txn, void *ctx)
{
    struct scan *s = ctx;
    struct store_pair *pairs;
    struct store_range all = {STR("value/"), STR("value0"), .limit = 100, .judged = s->judged};
    int r = store_scan(txn, &all, &pairs, &s->count);
    s->empty = 0;
    for (size_t i = 0; r == 0 && i < s->count; i++) {
        s->empty += pairs[i].value.n == 0;
    }
    return r;
}

static void assert_only(struct store_test *t, unsigned damaged)
{
    for (unsigned i = 0; i < VALUES; i++) {
        assert_int_equal(values_get(t, i), i == damaged ? ERR_CORRUPT : 0);
    }
    struct scan s = {.judged = false};
    assert_int_equal(store_read(t->store, scan_all, &s), ERR_CORRUPT);
    s.judged = true;
    assert_int_equal(store_read(t->store, scan_all, &s), 0);
    assert_int_equal(s.count, VALUES);
    assert_int_equal(s.empty, 1);
    struct store_snapshot *snapshot;
    struct store_snapshot_pair pair;
    struct str value;
    size_t whole = 0;
    assert_int_equal(store_snapshot_open(t->directory, &snapshot), 0);
    while (store_snapshot_next(snapshot, &pair) == 0) {
        whole += pair.apart && store_snapshot_value(snapshot, &value) == 0;
    }
    store_snapshot_close(snapshot);
    assert_int_equal(whole, VALUES - 1);
}

static void a_damaged_value_is_said_so(void **state)
{
    struct store_test *t = *state;
    values_put_all(t);
    spoil(t, 2, values_blocks(1) + VALUE / 2);
    assert_only(t, 4);
    values_put(t, 4, 1, VALUE);
    assert_int_equal(values_get(t, 4), 0);
}

static void a_file_that_is_gone_takes_only_its_own(void **state)
{
    struct store_test *t = *state;
    values_put_all(t);
    values_put(t, 3, 2, 100); /* one is left in the second */
    char path[128];
    values_path(t, 2, path);
    assert_int_equal(unlink(path), 0);
    for (unsigned i = 0; i < VALUES; i++) {
        int expected = i == 5 ? ERR_CORRUPT : i == 3 || i == 4 ? ERR_PRECONDITION : 0;
        assert_int_equal(values_get(t, i), expected);
    }
}

/* ---- behind the last commit ----------------------------------------------------------------------------------------- */

static void append(const struct store_test *t, unsigned segment)
{
    char path[128], noise[9000];
    memset(noise, '?', sizeof noise);
    values_path(t, segment, path);
    FD_AUTO int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_int_equal(fd_write_all(fd, str_of(noise, sizeof noise)), 0);
}

/* As a kill between the append and its commit leaves it. */
static void what_no_commit_names_is_cut(void **state)
{
    struct store_test *t = *state;
    values_put(t, 0, 1, VALUE);
    store_test_close(t);
    append(t, 1);
    append(t, 2);
    values_open(t, NULL);
    assert_int_equal(values_size(t, 1), values_blocks(1));
    assert_int_equal(values_size(t, 2), -1);
    values_put_all(t);
    values_assert_all(t);
}

/* What the log's index is, as everybody who has the database open sees it. */
static volatile void *index_of(sqlite3 *db)
{
    sqlite3_file *file;
    volatile void *index;
    assert_int_equal(sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &file), SQLITE_OK);
    assert_int_equal(file->pMethods->xShmMap(file, 0, INDEX, 0, &index), SQLITE_OK);
    assert_non_null(index);
    return index;
}

static sqlite3 *begin_reading(const struct store_test *t, const struct store_disk *disk)
{
    char path[128];
    sqlite3 *reader;
    (void)snprintf(path, sizeof path, "%s/store.db", t->directory);
    assert_int_equal(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READWRITE, disk ? POWER_VFS : NULL),
                     SQLITE_OK);
    (void)sqlite3_db_config(reader, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM kv", NULL, NULL, NULL),
                     SQLITE_OK);
    return reader;
}

/* Killed while the log was flushed, under a reader that keeps its index: the commit is not there, and does not come back later. */
static void never_counted(struct store_test *t, const struct store_disk *disk, bool full)
{
    char counted[INDEX];
    values_put(t, 0, 1, VALUE);
    values_put(t, 2, VALUES - 2, 3000); /* these the database has to grow for */
    sqlite3 *reader = begin_reading(t, disk);
    memcpy(counted, (const void *)index_of(reader), INDEX);
    values_put(t, 1, 1, VALUE);
    store_test_close(t);
    memcpy((void *)index_of(reader), counted, INDEX);
    power_fail(0, full);
    for (int ended = 0; ended < 2; ended++) {
        values_open(t, disk);
        assert_int_equal(values_get(t, 0), 0);
        assert_int_equal(values_get(t, 1), ERR_NOT_FOUND);
        store_test_close(t);
        if (!ended) {
            assert_int_equal(sqlite3_close(reader), SQLITE_OK);
        }
    }
    power_fail(0, /* full= */ false);
    values_open(t, disk);
    values_put_all(t);
    values_assert_all(t);
}

static void what_was_never_counted_does_not_come_back(void **state)
{
    never_counted(*state, NULL, /* full= */ false);
}

/* There the log cannot be copied, and SQLite does not tell how much of it counts. */
static void nor_does_it_on_a_full_disk(void **state)
{
    struct store_test *t = *state;
    store_test_close(t);
    power_vfs_reset(1);
    values_open(t, &power_disk);
    never_counted(t, &power_disk, /* full= */ true);
    store_test_close(t);
    power_vfs_reset(1);
}

/* -1: there is none. */
static long size_in_power(const struct store_test *t, unsigned segment)
{
    char path[128];
    int file;
    uint64_t size = 0;
    values_path(t, segment, path);
    if (power_disk.open(path, /* write= */ false, &file) != 0) {
        return -1;
    }
    assert_int_equal(power_disk.size(file, &size), 0);
    power_disk.close(file);
    return (long)size;
}

/* The group is rolled back, and what it appended is gone with it; the file is not appended to any more. */
static void a_failed_flush_fails_its_group(void **state)
{
    struct store_test *t = *state;
    store_test_close(t);
    power_vfs_reset(1);
    values_open(t, &power_disk);
    values_put(t, 0, 1, VALUE);
    power_fail(1, /* full= */ false);
    assert_int_equal(values_try(t, &(struct values){1, 1, VALUE}), ERR_UNAVAILABLE);
    assert_int_equal(size_in_power(t, 1), values_blocks(1)); /* it is cut, too */
    assert_int_equal(values_get(t, 0), 0);
    assert_int_equal(values_get(t, 1), ERR_NOT_FOUND);
    values_put(t, 2, 1, VALUE);
    power_cut();
    store_test_close(t);
    power_on();
    values_open(t, &power_disk);
    assert_int_equal(values_get(t, 0), 0);
    assert_int_equal(values_get(t, 1), ERR_NOT_FOUND);
    assert_int_equal(values_get(t, 2), 0);
    store_test_close(t);
    power_vfs_reset(1);
}

/* A quota, or blocks that are given late: no write fails but the flush. Who may use the reserve has it at once, in another file. */
static void a_flush_without_room_fails_its_group(void **state)
{
    struct store_test *t = *state;
    struct store_stats stats;
    store_test_close(t);
    power_vfs_reset(1);
    time_test_set(time_now(), time_monotonic());
    values_open(t, &power_disk);
    values_put(t, 0, 1, VALUE);
    power_disk_fill(2);
    assert_int_equal(values_try(t, &(struct values){1, 1, VALUE, .reserve = true}), ERR_NO_SPACE);
    store_stats(t->store, &stats);
    assert_true(stats.disk_full);
    assert_int_equal(values_try(t, &(struct values){1, 1, VALUE}), ERR_NO_SPACE);
    assert_int_equal(values_get(t, 1), ERR_NOT_FOUND);
    assert_int_equal(size_in_power(t, 2), -1);
    assert_int_equal(values_try(t, &(struct values){1, 1, VALUE, .reserve = true}), 0);
    time_test_advance(2 * USEC_PER_SEC);
    values_put(t, 2, 1, VALUE);
    time_test_real();
    assert_int_equal(size_in_power(t, 1), values_blocks(1));
    assert_int_equal(size_in_power(t, 2), values_blocks(1) + VALUE);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(values_get(t, i), 0);
    }
    store_test_close(t);
    power_vfs_reset(1);
}

/* A reader ended after the opening: the next commit begins the log anew, whose header is flushed first. */
static void a_failed_commit_at_the_head_of_the_log_is_none(void **state)
{
    struct store_test *t = *state;
    store_test_close(t);
    for (unsigned passing = 0; passing < 2; passing++) {
        power_vfs_reset(1);
        values_open(t, &power_disk);
        values_put(t, 0, 1, 100);
        sqlite3 *reader = begin_reading(t, &power_disk);
        store_test_close(t);
        values_open(t, &power_disk);
        assert_int_equal(sqlite3_close(reader), SQLITE_OK);
        power_fail_behind(passing);
        assert_int_equal(values_try(t, &(struct values){1, 1, 100}), ERR_UNAVAILABLE);
        assert_int_equal(values_get(t, 0), ERR_PRECONDITION); /* it is there, and shorter */
        assert_int_equal(values_get(t, 1), ERR_NOT_FOUND);
        store_test_close(t);
    }
    power_vfs_reset(1);
}

/* Of the log, of the database, and of the log again, before anything beside them is cut: each time it does not start, and then does. */
static void a_start_that_cannot_flush_is_none(void **state)
{
    enum { FLUSHES = 3 };
    struct store_test *t = *state;
    store_test_close(t);
    power_vfs_reset(1);
    values_open(t, &power_disk);
    for (unsigned passing = 0; passing < FLUSHES; passing++) {
        values_put(t, passing, 1, VALUE);
        power_cut(); /* an orderly end would leave no log to be flushed */
        store_test_close(t);
        power_on();
        power_fail_behind(passing);
        assert_int_equal(values_try_open(t, &power_disk), ERR_IO);
        values_open(t, &power_disk);
        for (unsigned i = 0; i <= passing; i++) {
            assert_int_equal(values_get(t, i), 0);
        }
    }
    store_test_close(t);
    power_vfs_reset(1);
}

/* ---- space that does not go back ------------------------------------------------------------------------------------- */

static void wait_until_removed(const struct store_test *t, unsigned segment)
{
    usec_t deadline = time_monotonic() + 60 * USEC_PER_SEC;
    while (size_in_power(t, segment) >= 0) {
        assert_true(time_monotonic() < deadline);
        (void)poll(NULL, 0, 20);
    }
}

static void wait_until_refused(void)
{
    usec_t deadline = time_monotonic() + 60 * USEC_PER_SEC;
    while (power_disk_take().punches == 0) {
        assert_true(time_monotonic() < deadline);
        (void)poll(NULL, 0, 20);
    }
}

/* What lies in the first file stays taken; what is behind it goes all the same. */
static void blocks_that_stay_hold_nothing_up(void **state)
{
    static const int codes[] = {ERR_IO, ERR_NO_SPACE, ERR_UNAVAILABLE};
    struct store_test *t = *state;
    store_test_close(t);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        power_vfs_reset(1);
        values_open(t, &power_disk);
        values_put_all(t);
        power_disk_refuse(codes[i]);
        (void)power_disk_take();
        values_put(t, 0, 1, 100);
        wait_until_refused();
        assert_int_equal(values_try(t, &(struct values){3, 6, 100, .reserve = true}), 0);
        wait_until_removed(t, 2);
        wait_until_removed(t, 3);
        assert_true(size_in_power(t, 1) > 0);
        power_disk_refuse(0);
        assert_int_equal(values_get(t, 1), 0);
        assert_int_equal(values_get(t, 9), 0);
        store_test_close(t);
    }
    power_vfs_reset(1);
}

static int64_t count_dead(const struct store_test *t)
{
    char path[128];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/store.db", t->directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    int64_t count = store_test_ask(db, "SELECT count(*) FROM dead");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return count;
}

/* Else somebody would look after them for ever. */
static void what_died_nowhere_is_forgotten(void **state)
{
    struct store_test *t = *state;
    values_put_all(t);
    store_test_close(t);
    values_change(t, "INSERT INTO dead VALUES (77, 0, 5000), (0, 0, 5000), (-3, 4096, 1)");
    values_change(t,
                  "INSERT INTO dead VALUES (1, 0, 100000000), (2, 100, 50000), (3, 0, 4096),"
                  " (3, 53248, 200000), (4, -4096, 50000)"); /* no places: what lies there lives */
    assert_int_equal(count_dead(t), 8);
    values_open(t, NULL);
    usec_t deadline = time_monotonic() + 60 * USEC_PER_SEC;
    store_test_put(t, "something", "else");
    while (count_dead(t) > 0) {
        assert_true(time_monotonic() < deadline);
        (void)poll(NULL, 0, 20);
    }
    values_assert_all(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_filled_one_after_the_other, values_begin,
                                        values_end),
        cmocka_unit_test_setup_teardown(small_transactions_flush_once, values_begin, values_end),
        cmocka_unit_test_setup_teardown(a_damaged_value_is_said_so, values_begin, values_end),
        cmocka_unit_test_setup_teardown(a_file_that_is_gone_takes_only_its_own, values_begin,
                                        values_end),
        cmocka_unit_test_setup_teardown(what_no_commit_names_is_cut, values_begin, values_end),
        cmocka_unit_test_setup_teardown(what_was_never_counted_does_not_come_back, values_begin,
                                        values_end),
        cmocka_unit_test_setup_teardown(nor_does_it_on_a_full_disk, values_begin, values_end),
        cmocka_unit_test_setup_teardown(a_start_that_cannot_flush_is_none, values_begin,
                                        values_end),
        cmocka_unit_test_setup_teardown(a_flush_without_room_fails_its_group, values_begin,
                                        values_end),
        cmocka_unit_test_setup_teardown(blocks_that_stay_hold_nothing_up, values_begin, values_end),
        cmocka_unit_test_setup_teardown(what_died_nowhere_is_forgotten, values_begin, values_end),
        cmocka_unit_test_setup_teardown(a_failed_flush_fails_its_group, values_begin, values_end),
        cmocka_unit_test_setup_teardown(a_failed_commit_at_the_head_of_the_log_is_none,
                                        values_begin, values_end),
    };
    return cmocka_run_group_tests_name("segments", tests, NULL, NULL);
}
