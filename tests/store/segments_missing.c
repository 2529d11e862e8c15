/*
 * What is told apart when a store is opened whose files do not fit its database: nothing starts on a part of them, nothing is made in
 * the place of what is missing, and nothing is removed because numbers are damaged or a database is older.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "power_disk.h"
#include "power_vfs.h"
#include "values.h"

/* Refused, and every file is as it was. */
static void assert_refused(struct store_test *t)
{
    long before[VALUES], after[VALUES];
    for (unsigned i = 0; i < VALUES; i++) {
        before[i] = values_size(t, i);
    }
    assert_int_equal(values_try_open(t, NULL), ERR_CORRUPT);
    for (unsigned i = 0; i < VALUES; i++) {
        after[i] = values_size(t, i);
    }
    assert_memory_equal(before, after, sizeof before);
}

static void resize(const struct store_test *t, unsigned segment, off_t size)
{
    char path[128];
    values_path(t, segment, path);
    FD_AUTO int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, size), 0);
}

static void what_is_missing_is_not_made_anew(void **state)
{
    struct store_test *t = *state;
    values_put_all(t);
    store_test_close(t);
    char path[128], away[160];
    values_path(t, 2, path);
    (void)snprintf(away, sizeof away, "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    assert_refused(t);
    assert_int_equal(rename(away, path), 0);
    resize(t, 4, values_blocks(2)); /* the last, which is appended to */
    assert_refused(t);
    resize(t, 4, values_blocks(3)); /* as the log says that one may */
    values_open(t, NULL);
    for (unsigned i = 0; i < VALUES; i++) {
        assert_int_equal(values_get(t, i), i == VALUES - 1 ? ERR_CORRUPT : 0);
    }
}

static void what_is_missing_and_dead_is_not_missed(void **state)
{
    struct store_test *t = *state;
    store_test_close(t);
    power_vfs_reset(1);
    values_open(t, &power_disk);
    values_put_all(t);
    for (unsigned i = 0; i < VALUES; i++) {
        values_put(t, i, 1, 100); /* the last one, too, is dead, and stays for what comes */
    }
    store_test_close(t);
    char path[128];
    for (unsigned i = 1; i <= VALUES / 3; i++) {
        values_path(t, i, path);
        int r = power_disk.remove(path);
        assert_true(r == 0 || r == ERR_NOT_FOUND);
    }
    values_open(t, &power_disk);
    values_put_all(t);
    values_assert_all(t);
    store_test_close(t);
    power_vfs_reset(1);
}

static void a_place_that_is_none_is_damaged(void **state)
{
    static const char *const changes[] = {
        "UPDATE large SET segment = 0 WHERE segment = 2",
        "UPDATE large SET segment = -1 WHERE segment = 0",
        "UPDATE large SET segment = 'two' WHERE segment = -1",
        "UPDATE large SET segment = 2, at = -4096 WHERE segment = 'two'",
        "UPDATE large SET at = 0, bytes = -1 WHERE segment = 2",
        "UPDATE large SET bytes = 100001 WHERE segment = 2",
    };
    struct store_test *t = *state;
    values_put_all(t);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        store_test_close(t);
        values_change(t, changes[i]);
        values_open(t, NULL);
        for (unsigned k = 0; k < VALUES; k++) {
            assert_int_equal(values_get(t, k), k / 3 == 1 ? ERR_CORRUPT : 0);
        }
    }
}

/* ---- numbers that cannot be trusted ---------------------------------------------------------------------------------- */

static off_t page_of_numbers(const struct store_test *t, char to[static 128])
{
    sqlite3 *db;
    (void)snprintf(to, 128, "%s/store.db", t->directory);
    values_change(t, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(sqlite3_open(to, &db), SQLITE_OK);
    off_t page =
        store_test_ask(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_sequence'");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return (page - 1) * 4096;
}

static void without_numbers_nothing_is_removed(void **state)
{
    static const char *const changes[] = {
        "DELETE FROM sqlite_sequence",
        "INSERT INTO sqlite_sequence VALUES ('segment', 3)",
        "UPDATE sqlite_sequence SET seq = -1",
        "UPDATE sqlite_sequence SET seq = 4; UPDATE segment SET size = 4096 WHERE number = 4",
    };
    struct store_test *t = *state;
    char path[128], page[4096], zeros[4096] = "";
    values_put_all(t);
    store_test_close(t);
    off_t at = page_of_numbers(t, path);
    FD_AUTO int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, page, sizeof page, at), sizeof page);
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, at), sizeof zeros);
    assert_refused(t);
    assert_int_equal(pwrite(fd, page, sizeof page, at), sizeof page);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        values_change(t, changes[i]);
        assert_refused(t);
    }
    char whole[128];
    (void)snprintf(whole, sizeof whole, "UPDATE segment SET size = %ld WHERE number = 4",
                   values_blocks(3));
    values_change(t, "UPDATE sqlite_sequence SET seq = 4");
    values_change(t, whole);
    values_open(t, NULL);
    values_assert_all(t);
}

/* What a later format means by the same tables nobody knows: nothing is given back before it is refused. */
static void of_another_format_nothing_is_removed(void **state)
{
    static const char *const changes[] = {
        "UPDATE kv SET value = CAST('5' AS BLOB) WHERE key = CAST('meta/format' AS BLOB)",
        "DELETE FROM kv WHERE key = CAST('meta/format' AS BLOB)",
    };
    struct store_test *t = *state;
    values_put_all(t);
    store_test_close(t);
    values_change(t, "UPDATE segment SET live = 0 WHERE number = 1");
    resize(t, 5, 4096);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        values_change(t, changes[i]);
        assert_refused(t);
    }
    values_change(t, "INSERT INTO kv VALUES (CAST('meta/format' AS BLOB), CAST('4' AS BLOB))");
    values_change(t, "UPDATE segment SET live = 150000 WHERE number = 1");
    values_open(t, NULL);
    values_assert_all(t);
}

/* Moved away, or emptied: what lies beside it is not of a new store. */
static void without_a_database_nothing_is_removed(void **state)
{
    struct store_test *t = *state;
    values_put_all(t);
    values_put(t, 0, 3, 100); /* the first file is empty */
    values_change(t, "PRAGMA wal_checkpoint(TRUNCATE)");
    store_test_close(t);
    char path[128], away[160], first[128];
    (void)snprintf(path, sizeof path, "%s/store.db", t->directory);
    (void)snprintf(away, sizeof away, "%s.away", path);
    values_path(t, 1, first);
    (void)unlink(first);
    assert_int_equal(rename(path, away), 0);
    assert_refused(t);
    FD_AUTO int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_refused(t);
    assert_int_equal(rename(away, path), 0);
    values_open(t, NULL);
    for (unsigned i = 3; i < VALUES; i++) {
        assert_int_equal(values_get(t, i), 0);
    }
}

/* More than any group leaves: the database is an older one than its files. */
static void an_older_database_takes_nothing_away(void **state)
{
    struct store_test *t = *state;
    values_put_all(t);
    store_test_close(t);
    resize(t, 4, 200 << 20);
    assert_refused(t);
    resize(t, 4, values_blocks(3));
    resize(t, 5, 200 << 20);
    assert_refused(t);
    resize(t, 5, 100 << 20);
    resize(t, 6, 100 << 20);
    assert_refused(t);
    resize(t, 6, 1 << 20);
    resize(t, 8, 200 << 20); /* behind a gap */
    assert_refused(t);
    resize(t, 8, 0);
    values_open(t, NULL);
    assert_int_equal(values_size(t, 5), -1);
    assert_int_equal(values_size(t, 6), -1);
    values_assert_all(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_missing_is_not_made_anew, values_begin, values_end),
        cmocka_unit_test_setup_teardown(what_is_missing_and_dead_is_not_missed, values_begin,
                                        values_end),
        cmocka_unit_test_setup_teardown(a_place_that_is_none_is_damaged, values_begin, values_end),
        cmocka_unit_test_setup_teardown(without_numbers_nothing_is_removed, values_begin,
                                        values_end),
        cmocka_unit_test_setup_teardown(of_another_format_nothing_is_removed, values_begin,
                                        values_end),
        cmocka_unit_test_setup_teardown(without_a_database_nothing_is_removed, values_begin,
                                        values_end),
        cmocka_unit_test_setup_teardown(an_older_database_takes_nothing_away, values_begin,
                                        values_end),
    };
    return cmocka_run_group_tests_name("segments missing", tests, NULL, NULL);
}
