/*
 * Deleting gives space back to the disk while nobody waits, of values in the database and of those beside it, and what is left is
 * whole. What a snapshot still reads stays until it is closed.
 */
#include <dirent.h>
#include <poll.h>
#include <sys/stat.h>

#include "store_test.h"

enum { VALUES = 300, IN = 30000, BESIDE = 60000, STAY = 10, SEGMENT = 4 << 20 };
enum { KEPT = 5 << 20 }; /* of the database: about a log's worth, for what comes */

struct value {
    unsigned number;
    size_t size;
    bool found;
};

static struct str key_of(struct txn *txn, const struct value *v)
{
    return arena_printf(store_arena(txn), "value/%03u", v->number);
}

static int put(struct txn *txn, void *ctx)
{
    const struct value *v = ctx;
    char *bytes = arena_alloc(store_arena(txn), v->size);
    memset(bytes, (int)('a' + v->number % 26), v->size);
    store_put(txn, key_of(txn, v), str_of(bytes, v->size));
    return 0;
}

static int get(struct txn *txn, void *ctx)
{
    struct value *v = ctx;
    struct str value;
    int r = store_get(txn, key_of(txn, v), &value);
    char letter = (char)('a' + v->number % 26);
    v->found =
        r == 0 && value.n == v->size && value.p[0] == letter && value.p[v->size - 1] == letter;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* Every STAY-th is left: what stays lies between what goes. */
static int delete_most(struct txn *txn, void *ctx)
{
    (void)ctx;
    for (unsigned i = 0; i < VALUES; i++) {
        if (i % STAY != 0) {
            store_delete(txn, key_of(txn, &(struct value){.number = i}));
        }
    }
    return 0;
}

static int delete_all(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_delete_range(txn, STR("value/"), STR("value0"));
    return 0;
}

/* What the database and the files beside it take of the disk; the log lies between them. */
static off_t size_of(const struct store_test *t)
{
    DIR *d = opendir(t->directory);
    assert_non_null(d);
    off_t sum = 0;
    const struct dirent *e;
    struct stat info;
    while ((e = readdir(d))) {
        if (strncmp(e->d_name, "store.db", 8) == 0 && strcmp(e->d_name, "store.db-wal") != 0 &&
            fstatat(dirfd(d), e->d_name, &info, 0) == 0) {
            sum += info.st_blocks * 512;
        }
    }
    (void)closedir(d);
    return sum;
}

static void open_it(struct store_test *t)
{
    const struct store_options options = {
        .driver = "sqlite", .directory = t->directory, .balloon = 1 << 20, .segment = SEGMENT};
    assert_int_equal(store_open(&options, &t->store), 0);
}

static void begin_with(struct store_test *t, size_t size)
{
    *t = (struct store_test){.name = "sqlite", .driver = "sqlite"};
    store_test_make_directory(t->directory);
    open_it(t);
    for (unsigned i = 0; i < VALUES; i++) {
        struct value v = {.number = i, .size = size};
        assert_int_equal(store_write(t->store, NULL, put, &v), 0);
    }
    store_test_close(t);
    open_it(t);
    assert_true(size_of(t) > (off_t)(VALUES * size));
}

static void wait_below(const struct store_test *t, off_t size)
{
    usec_t deadline = time_monotonic() + 60 * USEC_PER_SEC;
    while (size_of(t) > size) {
        assert_true(time_monotonic() < deadline);
        (void)poll(NULL, 0, 20);
    }
}

static void shrinks(size_t size)
{
    struct store_test t;
    begin_with(&t, size);
    assert_int_equal(store_write(t.store, NULL, delete_most, NULL), 0);
    wait_below(&t, (off_t)(VALUES * size / 5) + KEPT);
    for (unsigned i = 0; i < VALUES; i++) {
        struct value v = {.number = i, .size = size};
        assert_int_equal(store_read(t.store, get, &v), 0);
        assert_int_equal(v.found, i % STAY == 0);
    }
    assert_int_equal(store_write(t.store, NULL, delete_all, NULL), 0);
    wait_below(&t, KEPT);
    store_test_end(&t);
}

static void the_database_shrinks_when_idle(void **state)
{
    (void)state;
    shrinks(IN);
}

static void files_beside_it_shrink_when_idle(void **state)
{
    (void)state;
    shrinks(BESIDE);
}

/* It reads the last value when the store had seconds for giving the space back. */
static void what_a_snapshot_reads_stays(void **state)
{
    (void)state;
    struct store_test t;
    struct store_snapshot *s;
    struct store_snapshot_pair pair;
    struct str value;
    size_t seen = 0;
    begin_with(&t, BESIDE);
    assert_int_equal(store_snapshot_open(t.directory, &s), 0);
    assert_int_equal(store_snapshot_next(s, &pair), 0);
    assert_int_equal(store_write(t.store, NULL, delete_all, NULL), 0);
    (void)poll(NULL, 0, 3500);
    do {
        bool mine = str_starts(pair.key, STR("value/"));
        assert_int_equal(store_snapshot_value(s, &value), 0);
        assert_true(!mine || value.n == BESIDE);
        seen += mine;
    } while (store_snapshot_next(s, &pair) == 0);
    assert_int_equal(seen, VALUES);
    store_snapshot_close(s);
    wait_below(&t, KEPT);
    store_test_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_database_shrinks_when_idle),
        cmocka_unit_test(files_beside_it_shrink_when_idle),
        cmocka_unit_test(what_a_snapshot_reads_stays),
    };
    return cmocka_run_group_tests_name("shrink", tests, NULL, NULL);
}
