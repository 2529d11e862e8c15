/* Opening: one process at a time, formats that this program knows, and what an open store refuses to do. */
#include <fcntl.h>
#include <sqlite3.h>

#include "base/assert.h"
#include "store_test.h"

static int open_again(const struct store_test *t, struct store **ret_store)
{
    const struct store_options options = {
        .driver = "sqlite", .directory = t->directory, .balloon = 1 << 20};
    return store_open(&options, ret_store);
}

/* One statement on the closed database. */
static void change(const struct store_test *t, const char *statement)
{
    char path[128];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/store.db", t->directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_second_process_is_refused(void **state)
{
    struct store_test *t = *state;
    struct store *second = NULL;
    assert_int_equal(open_again(t, &second), ERR_BUSY);
    assert_null(second);
    char path[128], pid[32] = "";
    (void)snprintf(path, sizeof path, "%s/lock", t->directory);
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd_read_full(fd, pid, sizeof pid - 1) > 0);
    assert_int_equal(strtoul(pid, NULL, 10), getpid());
}

static void other_formats_are_refused(void **state)
{
    struct store_test *t = *state;
    static const char *const changes[] = {
        "UPDATE kv SET value = CAST('5' AS BLOB) WHERE key = CAST('meta/format' AS BLOB)",
        "UPDATE kv SET value = CAST('one' AS BLOB) WHERE key = CAST('meta/format' AS BLOB)",
        "DELETE FROM kv WHERE key = CAST('meta/format' AS BLOB)", /* somebody else's data */
        "DROP TABLE kv; CREATE TABLE kv(a, b, c)",
    };
    store_test_put(t, "key", "value");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        store_test_close(t);
        change(t, changes[i]);
        assert_true(open_again(t, &t->store) < 0);
        assert_null(t->store);
        if (i == 1) {
            change(
                t,
                "UPDATE kv SET value = CAST('4' AS BLOB) WHERE key = CAST('meta/format' AS BLOB)");
            store_test_open(t);
        }
    }
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    struct store_test *t = *state;
    store_test_close(t);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/store.db", t->directory);
    FD_AUTO int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    char noise[8192];
    memset(noise, 'x', sizeof noise);
    assert_int_equal(fd_write_all(fd, str_of(noise, sizeof noise)), 0);
    assert_int_equal(open_again(t, &t->store), ERR_CORRUPT);
}

/* The same bytes under the same names, in other files. */
static void put_back(const struct store_test *t)
{
    ARENA_AUTO(a);
    const char *command =
        arena_printf(&a,
                     "cd %s && for f in store.db*; do cp $f $f.new && mv $f.new $f || exit 1; done",
                     t->directory)
            .p;
    assert_int_equal(system(command), 0);
}

static void what_was_put_back_is_another_store(void **state)
{
    struct store_test *t = *state;
    uint64_t first = store_id(t->store);
    assert_true(first > 0 && first <= 1ULL << 53);
    store_test_close(t);
    store_test_open(t);
    assert_int_equal(store_id(t->store), first);
    store_test_close(t);
    put_back(t);
    store_test_open(t);
    uint64_t second = store_id(t->store);
    assert_true(second != first);
    store_test_close(t);
    store_test_open(t);
    assert_int_equal(store_id(t->store), second);
    assert_int_equal(store_raise_epoch(t->store), 0);
    assert_true(store_id(t->store) != second);
}

static void what_is_kept_is_there_again(void **state)
{
    struct store_test *t = *state;
    ARENA_AUTO(a);
    for (int i = 0; i < 3; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "key%d", i);
        store_test_put(t, key, "value");
        store_test_close(t);
        store_test_open(t);
        struct str value;
        assert_int_equal(store_test_get(t, &a, "key0", &value), 0);
        assert_str(value, "value");
    }
}

/* ---- somebody else reads the log, as a backup does ------------------------------------------------------------------ */

static sqlite3 *open_database(const struct store_test *t)
{
    char path[128];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/store.db", t->directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return db;
}

static void run(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void assert_kept(struct store_test *t, const char *key)
{
    ARENA_AUTO(a);
    struct str value;
    assert_int_equal(store_test_get(t, &a, key, &value), 0);
    assert_str(value, "value");
}

/* Its moment lies in the middle of the log: nobody can copy what is behind it yet. */
static void one_who_reads_the_log_holds_nobody_up(void **state)
{
    struct store_test *t = *state;
    store_test_put(t, "before", "value");
    sqlite3 *reader = open_database(t);
    run(reader, "BEGIN; SELECT count(*) FROM kv");
    store_test_put(t, "behind", "value");
    store_test_close(t);
    store_test_open(t);
    assert_kept(t, "behind");
    store_test_put(t, "later", "value");
    store_test_close(t);
    run(reader, "COMMIT");
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    store_test_open(t);
    assert_kept(t, "before");
    assert_kept(t, "behind");
    assert_kept(t, "later");
}

/* What was cut away under a reader cannot be added to: a commit behind it would stand behind a hole. */
static void a_log_that_was_cut_is_not_added_to(void **state)
{
    struct store_test *t = *state;
    sqlite3 *reader = open_database(t), *copier = open_database(t);
    run(reader, "BEGIN; SELECT count(*) FROM kv"); /* so that the end leaves the log */
    store_test_put(t, "before", "value");
    store_test_close(t);
    run(reader, "COMMIT; BEGIN; SELECT count(*) FROM kv");
    run(copier, "PRAGMA wal_checkpoint(PASSIVE)");
    char path[128];
    (void)snprintf(path, sizeof path, "%s/store.db-wal", t->directory);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(open_again(t, &t->store), ERR_IO);
    run(reader, "COMMIT");
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    assert_int_equal(sqlite3_close(copier), SQLITE_OK);
    store_test_open(t);
    assert_kept(t, "before");
}

static void an_unknown_driver_is_refused(void **state)
{
    (void)state;
    struct store *s = NULL;
    assert_int_equal(store_open(&(struct store_options){.driver = "paper"}, &s), ERR_INVALID);
}

/* ---- misuse is caught --------------------------------------------------------------------------------------- */

static int put_something(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_put(txn, STR("something"), STR("x"));
    return 0;
}

static int add_something(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_add(txn, STR("something"), 1);
    return 0;
}

static int nested(struct txn *txn, void *ctx)
{
    (void)txn;
    struct store_test *t = ctx;
    return store_read(t->store, put_something, NULL);
}

static int put_reserved(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_put(txn, STR("meta/format"), STR("2"));
    return 0;
}

static int run_in_new_store(store_fn *fn, bool write)
{
    struct store_test t = {.driver = "memory"};
    store_test_open(&t);
    return write ? store_write(t.store, NULL, fn, &t) : store_read(t.store, fn, &t);
}

static int read_own_feed(struct txn *txn, void *ctx)
{
    (void)ctx;
    struct store_event *events;
    size_t count;
    store_append(txn, STR("f"), STR("x"));
    return store_feed(txn, &(struct store_feed_range){.feed = STR("f"), .limit = 1}, &events,
                      &count);
}

static void misuse_dies(void **state)
{
    (void)state;
    assert_dies(run_in_new_store(nested, false));
    assert_dies(run_in_new_store(nested, true));
    assert_dies(run_in_new_store(put_reserved, true));
    assert_dies(run_in_new_store(put_something, false));
    assert_dies(run_in_new_store(add_something, true)); /* without an operation */
    assert_dies(run_in_new_store(read_own_feed, true));
}

static int set_up(void **state)
{
    static struct store_test t;
    t = (struct store_test){.name = "sqlite", .driver = "sqlite"};
    store_test_begin(&t);
    *state = &t;
    return 0;
}

static int tear_down(void **state)
{
    store_test_end(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_process_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_formats_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_database_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_kept_is_there_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_put_back_is_another_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_who_reads_the_log_holds_nobody_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_that_was_cut_is_not_added_to, set_up, tear_down),
        cmocka_unit_test(an_unknown_driver_is_refused),
        cmocka_unit_test(misuse_dies),
    };
    return cmocka_run_group_tests_name("opening", tests, NULL, NULL);
}
