#include "values.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "power_vfs.h"

static struct str key_of(struct txn *txn, unsigned number)
{
    return arena_printf(store_arena(txn), "value/%03u", number);
}

static int put_values(struct txn *txn, void *ctx)
{
    const struct values *v = ctx;
    char *bytes = arena_alloc(store_arena(txn), v->size);
    for (unsigned i = v->first; i < v->first + v->count; i++) {
        memset(bytes, (int)('a' + i), v->size);
        store_put(txn, key_of(txn, i), str_of(bytes, v->size));
    }
    return 0;
}

int values_try(struct store_test *t, const struct values *v)
{
    struct values copy = *v;
    struct store_op op = store_op_new();
    op.reserve = v->reserve;
    return store_write(t->store, &op, put_values, &copy);
}

void values_put(struct store_test *t, unsigned first, unsigned count, size_t size)
{
    assert_int_equal(values_try(t, &(struct values){first, count, size}), 0);
}

static int get_value(struct txn *txn, void *ctx)
{
    const struct values *v = ctx;
    struct str value;
    int r = store_get(txn, key_of(txn, v->first), &value);
    if (r) {
        return r;
    }
    bool whole = value.n == v->size;
    for (size_t i = 0; i < value.n && whole; i++) {
        whole = value.p[i] == (char)('a' + v->first);
    }
    return whole ? 0 : ERR_PRECONDITION;
}

int values_get(struct store_test *t, unsigned number)
{
    struct values v = {.first = number, .size = VALUE};
    return store_read(t->store, get_value, &v);
}

void values_assert_all(struct store_test *t)
{
    for (unsigned i = 0; i < VALUES; i++) {
        assert_int_equal(values_get(t, i), 0);
    }
}

void values_path(const struct store_test *t, unsigned segment, char to[static 128])
{
    (void)snprintf(to, 128, "%s/store.db-%u", t->directory, segment);
}

long values_size(const struct store_test *t, unsigned segment)
{
    char path[128];
    struct stat info;
    values_path(t, segment, path);
    return stat(path, &info) == 0 ? (long)info.st_size : -1;
}

long values_blocks(size_t values)
{
    return (long)(values * ((VALUE + 4095) / 4096 * 4096));
}

int values_try_open(struct store_test *t, const struct store_disk *disk)
{
    const struct store_options options = {
        .driver = "sqlite",
        .directory = t->directory,
        .balloon = 1 << 20,
        .segment = VALUES_SEGMENT,
        .sqlite_vfs = disk ? POWER_VFS : NULL,
        .disk = disk,
    };
    return store_open(&options, &t->store);
}

void values_open(struct store_test *t, const struct store_disk *disk)
{
    assert_int_equal(values_try_open(t, disk), 0);
}

void values_put_all(struct store_test *t)
{
    for (unsigned i = 0; i < VALUES; i++) {
        values_put(t, i, 1, VALUE);
    }
}

/* One statement on the database, whether it is open or not. */
void values_change(const struct store_test *t, const char *statement)
{
    char path[128];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/store.db", t->directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 5000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int values_begin(void **state)
{
    struct store_test *t = MEM_NEW(struct store_test);
    *t = (struct store_test){.name = "sqlite", .driver = "sqlite"};
    store_test_make_directory(t->directory);
    values_open(t, NULL);
    *state = t;
    return 0;
}

int values_end(void **state)
{
    store_test_end(*state);
    mem_free(*state);
    return 0;
}
