/*
 * A store of format 3 becomes one of today's in its place, and what was there stays as a copy: also when somebody reads it, when there is
 * no room for the copy, and when it is ended in between. The other formats, and what a server makes of them: format.test.mjs.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "store_test.h"

enum { LARGE = 20000, LARGES = 100, ROOM = 4 << 20 }; /* the store has about 2 MiB */

static const char format3[] =
    "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;"
    "CREATE TABLE kv(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE large(number INTEGER PRIMARY KEY, value BLOB NOT NULL);"
    "CREATE TRIGGER large_replaced AFTER UPDATE ON kv WHEN typeof(old.value) = 'integer'"
    " BEGIN DELETE FROM large WHERE number = old.value; END;"
    "CREATE TRIGGER large_deleted AFTER DELETE ON kv WHEN typeof(old.value) = 'integer'"
    " BEGIN DELETE FROM large WHERE number = old.value; END;"
    "INSERT INTO kv VALUES (CAST('meta/format' AS BLOB), CAST('3' AS BLOB)),"
    " (CAST('meta/epoch' AS BLOB), CAST('1' AS BLOB)), (CAST('key' AS BLOB), CAST('value' AS "
    "BLOB));"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
    " INSERT INTO large SELECT i, CAST(printf('%.*c', 20000, 'x') AS BLOB) FROM n;"
    "INSERT INTO kv SELECT CAST(printf('large/%03d', number) AS BLOB), number FROM large;";

static void path_of(const char *directory, const char *name, char to[static 160])
{
    (void)snprintf(to, 160, "%s/%s", directory, name);
}

static sqlite3 *open_database(const char *directory)
{
    char path[160];
    sqlite3 *db;
    path_of(directory, "store.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return db;
}

static void make_store(const char *directory)
{
    sqlite3 *db = open_database(directory);
    assert_int_equal(sqlite3_exec(db, format3, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static ino_t inode_of(const char *directory, const char *name)
{
    char path[160];
    struct stat info;
    path_of(directory, name, path);
    return stat(path, &info) == 0 ? info.st_ino : 0;
}

static int64_t format_of(const char *directory)
{
    sqlite3 *db = open_database(directory);
    int64_t format =
        store_test_ask(db, "SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM kv WHERE key = CAST("
                           "'meta/format' AS BLOB)");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return format;
}

static int try_open(const char *directory, struct store **ret_store)
{
    const struct store_options options = {
        .driver = "sqlite", .directory = directory, .balloon = 1 << 20};
    return store_open(&options, ret_store);
}

static int look(struct txn *txn, void *ctx)
{
    struct str value;
    struct store_range all = {STR("large/"), STR("large0"), .limit = 1000};
    struct store_pair *pairs;
    size_t *ret_whole = ctx, count;
    *ret_whole = 0;
    int r = store_scan(txn, &all, &pairs, &count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        *ret_whole += pairs[i].value.n == LARGE && pairs[i].value.p[LARGE - 1] == 'x';
    }
    return r ? r : store_get(txn, STR("key"), &value);
}

/* All is there, in a file that was not made anew; what was there is, too. Closes nothing else than it opened. */
static void assert_migrated(const char *directory, ino_t inode)
{
    struct store *s;
    size_t whole;
    assert_int_equal(try_open(directory, &s), 0);
    assert_int_equal(store_read(s, look, &whole), 0);
    assert_int_equal(whole, LARGES);
    store_close(s);
    assert_int_equal(format_of(directory), 4);
    assert_int_equal(inode_of(directory, "store.db"), inode);
    assert_true(inode_of(directory, "store.format3.db") != 0);
    assert_int_equal(inode_of(directory, "store.format3.db.part"), 0);

    char path[160];
    sqlite3 *db;
    path_of(directory, "store.format3.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(store_test_ask(db, "SELECT count(*) FROM large WHERE length(value) = 20000"),
                     LARGES);
    assert_int_equal(store_test_ask(db, "SELECT value = CAST('3' AS BLOB) FROM kv"
                                        " WHERE key = CAST('meta/format' AS BLOB)"),
                     1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void it_is_changed_in_its_place(void **state)
{
    const char *directory = *state;
    ino_t inode = inode_of(directory, "store.db");
    assert_migrated(directory, inode);
    assert_migrated(directory, inode);
}

/* It could not be copied whole. */
static void one_that_somebody_reads_is_left_alone(void **state)
{
    const char *directory = *state;
    ino_t inode = inode_of(directory, "store.db");
    sqlite3 *reader = open_database(directory), *writer = open_database(directory);
    assert_int_equal(sqlite3_exec(reader, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_test_ask(reader, "SELECT count(*) FROM large"), LARGES);
    assert_int_equal(sqlite3_exec(writer,
                                  "DELETE FROM kv WHERE key = CAST('none' AS BLOB);"
                                  "INSERT INTO kv VALUES (CAST('a' AS BLOB), x'01')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    struct store *s = NULL;
    assert_int_equal(try_open(directory, &s), ERR_BUSY);
    assert_null(s);
    assert_int_equal(store_test_ask(writer, "SELECT count(*) FROM pragma_table_info('large')"), 2);
    assert_int_equal(inode_of(directory, "store.format3.db"), 0);
    assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    assert_int_equal(sqlite3_close(writer), SQLITE_OK);
    assert_migrated(directory, inode);
}

/* What an end in the middle of the copy, or behind it, leaves. */
static void it_is_begun_again(void **state)
{
    const char *directory = *state;
    ino_t inode = inode_of(directory, "store.db");
    static const char *const left[] = {"store.format3.db.part", "store.format3.db"};
    for (size_t i = 0; i < 2; i++) {
        char path[160];
        path_of(directory, left[i], path);
        FD_AUTO int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        char noise[9000];
        memset(noise, '?', sizeof noise);
        assert_int_equal(fd_write_all(fd, str_of(noise, sizeof noise)), 0);
    }
    assert_migrated(directory, inode);
}

/* The last of the new tables cannot be made: there are none of the others either. */
static void it_is_changed_wholly_or_not_at_all(void **state)
{
    const char *directory = *state;
    ino_t inode = inode_of(directory, "store.db");
    sqlite3 *db = open_database(directory);
    assert_int_equal(sqlite3_exec(db, "CREATE INDEX dead ON kv(key)", NULL, NULL, NULL), SQLITE_OK);
    struct store *s = NULL;
    assert_int_equal(try_open(directory, &s), ERR_IO);
    assert_int_equal(format_of(directory), 3);
    assert_int_equal(store_test_ask(db, "SELECT count(*) FROM pragma_table_info('large')"), 2);
    assert_int_equal(
        store_test_ask(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'segment'"), 0);
    assert_int_equal(sqlite3_exec(db, "DROP INDEX dead", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_migrated(directory, inode);
}

/* A process that opens it is killed, later each time: what is there then is of one format or the other, and whole. */
static void killed_it_is_of_one_format(void **state)
{
    const char *directory = *state;
    ino_t inode = inode_of(directory, "store.db");
    unsigned old = 0, kills = 0;
    for (int ms = 0; ms < 500 && format_of(directory) == 3; ms++) {
        struct store *s;
        (void)fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            _exit(try_open(directory, &s) != 0);
        }
        assert_true(child > 0);
        (void)poll(NULL, 0, ms);
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        kills++;
        old += inode_of(directory, "store.format3.db") != 0 && format_of(directory) == 3;
    }
    print_message("%u kills, %u of them behind the first copy and before the change\n", kills, old);
    assert_migrated(directory, inode);
}

static bool mount_small_disk(const char *directory)
{
    char options[32];
    (void)snprintf(options, sizeof options, "size=%d", 2 * ROOM);
    return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", directory, "tmpfs", 0, options) == 0;
}

static void fill(const char *directory, off_t size)
{
    char path[160];
    path_of(directory, "else", path);
    FD_AUTO int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(posix_fallocate(fd, 0, size), 0);
}

static void there_is_room_for_two_or_nothing_is_changed(void **state)
{
    (void)state;
    char directory[64];
    store_test_make_directory(directory);
    if (!mount_small_disk(directory)) {
        (void)rmdir(directory);
        print_message("skipped: needs root and mount namespaces\n");
        skip();
    }
    make_store(directory);
    sqlite3 *db = open_database(directory);
    assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    ino_t inode = inode_of(directory, "store.db");
    fill(directory, ROOM + ROOM / 4); /* 5 of 8 MiB: 1 is left */
    struct store *s = NULL;
    assert_int_equal(try_open(directory, &s), ERR_NO_SPACE);
    assert_int_equal(format_of(directory), 3);
    assert_int_equal(inode_of(directory, "store.format3.db"), 0);
    assert_int_equal(inode_of(directory, "store.format3.db.part"), 0);
    fill(directory, ROOM / 2 + ROOM / 8); /* 2.5 MiB: 3.5 are left, not enough for two more */
    assert_migrated(directory, inode);
    assert_int_equal(umount(directory), 0);
    (void)rmdir(directory);
}

static int begin(void **state)
{
    char *directory = mem_alloc(64);
    store_test_make_directory(directory);
    make_store(directory);
    *state = directory;
    return 0;
}

static int end(void **state)
{
    store_test_remove_directory(*state);
    mem_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_changed_in_its_place, begin, end),
        cmocka_unit_test_setup_teardown(one_that_somebody_reads_is_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(it_is_begun_again, begin, end),
        cmocka_unit_test_setup_teardown(it_is_changed_wholly_or_not_at_all, begin, end),
        cmocka_unit_test_setup_teardown(killed_it_is_of_one_format, begin, end),
        cmocka_unit_test(there_is_room_for_two_or_nothing_is_changed),
    };
    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
