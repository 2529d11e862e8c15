/*
 * A disk that turns a bit of the log, which holds what is committed and not yet in the database: SQLite's sum finds it when the store
 * is opened after the server was killed, and ends the log there. What was committed before is whole; what came behind is lost, and
 * nothing tells. The control: the same log as it was written has all.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_test.h"

enum { COMMITS = 60, LOG_HEADER = 32 };

/* As it lies on the disk of a server that was killed: without what only a running one has beside it. */
static void copy_file(const char *from, const char *to, const char *name)
{
    static char block[1 << 16];
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", from, name);
    FD_AUTO int in = open(path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(path, sizeof path, "%s/%s", to, name);
    FD_AUTO int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, block, sizeof block)) != 0;) {
        assert_true(n > 0);
        assert_int_equal(write(out, block, (size_t)n), n);
    }
}

/* One bit, a part (of 8) of the way into the log. */
static void turn_bit(const char *directory, off_t part)
{
    char path[160];
    uint8_t byte;
    (void)snprintf(path, sizeof path, "%s/store.db-wal", directory);
    FD_AUTO int fd = open(path, O_RDWR | O_CLOEXEC);
    off_t end = lseek(fd, 0, SEEK_END);
    assert_true(end > LOG_HEADER);
    off_t at = LOG_HEADER + (end - LOG_HEADER) / 8 * part;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void name_of(unsigned i, char to[static 16])
{
    (void)snprintf(to, 16, "k/%u", i);
}

/* How many are there; what is there is what was committed first. */
static unsigned count_left(struct store_test *t)
{
    ARENA_AUTO(arena);
    unsigned left = 0;
    for (unsigned i = 0; i < COMMITS; i++) {
        char key[16];
        struct str value;
        name_of(i, key);
        int r = store_test_get(t, &arena, key, &value);
        assert_true(r == 0 || r == ERR_NOT_FOUND);
        assert_true(r != 0 || i == left); /* none behind the first that is not */
        left += r == 0;
    }
    return left;
}

static void what_is_behind_a_turned_bit_is_lost(void **state)
{
    struct store_test written = {.name = "sqlite", .driver = "sqlite"};
    unsigned left[2] = {0};
    store_test_make_directory(written.directory);
    struct store_options options = {
        .driver = "sqlite", .directory = written.directory, .checkpoint = 64 << 20};
    assert_int_equal(store_open(&options, &written.store), 0);
    for (unsigned i = 0; i < COMMITS; i++) {
        char key[16];
        name_of(i, key);
        store_test_put(&written, key, "acknowledged");
    }
    for (int damaged = 0; damaged < 2; damaged++) {
        struct store_test found = {.name = "sqlite", .driver = "sqlite"};
        store_test_make_directory(found.directory);
        copy_file(written.directory, found.directory, "store.db");
        copy_file(written.directory, found.directory, "store.db-wal");
        if (damaged) {
            turn_bit(found.directory, 5);
        }
        store_test_open(&found);
        left[damaged] = count_left(&found);
        store_test_put(&found, "k/next", "goes on");
        store_test_close(&found);
        store_test_remove_directory(found.directory);
    }
    assert_int_equal(left[0], COMMITS);
    assert_in_range(left[1], COMMITS / 4, COMMITS - COMMITS / 4);
    store_test_close(&written);
    store_test_remove_directory(written.directory);
}

/* So that after it there is none in which a bit could be turned unnoticed. */
static void an_orderly_end_leaves_no_log(void **state)
{
    struct store_test t = {.name = "sqlite", .driver = "sqlite"};
    char path[160];
    struct stat log;
    store_test_make_directory(t.directory);
    store_test_open(&t);
    store_test_put(&t, "k", "acknowledged");
    (void)snprintf(path, sizeof path, "%s/store.db-wal", t.directory);
    assert_int_equal(stat(path, &log), 0);
    assert_true(log.st_size > LOG_HEADER);
    store_test_close(&t);
    assert_true(stat(path, &log) < 0 || log.st_size == 0);
    store_test_remove_directory(t.directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_orderly_end_leaves_no_log),
        cmocka_unit_test(what_is_behind_a_turned_bit_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
