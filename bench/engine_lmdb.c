/* LMDB as an engine. A reader's transaction is kept by its thread and renewed, which is what LMDB is fastest at. */
#include <lmdb.h>

#include "base/assert.h"
#include "base/mem.h"
#include "engine.h"

enum { READERS = 256 };

static const size_t most = (size_t)64 << 30; /* address space, not disk */

struct lmdb {
    MDB_env *env;
    MDB_dbi dbi;
};

struct view {
    MDB_txn *txn;
    MDB_dbi dbi;
};

static __thread struct view reader;

static void *lmdb_open(const char *directory)
{
    struct lmdb *l = MEM_NEW(struct lmdb);
    MDB_txn *txn;
    ASSERT(mdb_env_create(&l->env) == 0);
    ASSERT(mdb_env_set_mapsize(l->env, most) == 0 && mdb_env_set_maxreaders(l->env, READERS) == 0);
    ASSERT(mdb_env_open(l->env, directory, MDB_NOTLS | MDB_NORDAHEAD, 0600) == 0);
    ASSERT(mdb_txn_begin(l->env, NULL, 0, &txn) == 0);
    ASSERT(mdb_dbi_open(txn, NULL, 0, &l->dbi) == 0);
    ASSERT(mdb_txn_commit(txn) == 0);
    return l;
}

static void lmdb_close(void *self)
{
    struct lmdb *l = self;
    mdb_env_close(l->env);
    mem_free(l);
}

static void *lmdb_begin(void *self, bool write)
{
    struct lmdb *l = self;
    if (!write && reader.txn && mdb_txn_env(reader.txn) == l->env) {
        ASSERT(mdb_txn_renew(reader.txn) == 0);
        return &reader;
    }
    struct view *v = write ? MEM_NEW(struct view) : &reader;
    v->dbi = l->dbi;
    ASSERT(mdb_txn_begin(l->env, NULL, write ? 0 : MDB_RDONLY, &v->txn) == 0);
    return v;
}

static void lmdb_end_read(void *self, void *view)
{
    (void)self;
    struct view *v = view;
    mdb_txn_reset(v->txn);
}

static void lmdb_commit(void *self, void *view)
{
    (void)self;
    struct view *v = view;
    ASSERT(mdb_txn_commit(v->txn) == 0);
    mem_free(v);
}

static MDB_val val(struct str s)
{
    return (MDB_val){s.n, (void *)(uintptr_t)s.p};
}

static void lmdb_put(void *view, struct str key, struct str value)
{
    struct view *v = view;
    MDB_val k = val(key), data = val(value);
    ASSERT(mdb_put(v->txn, v->dbi, &k, &data, 0) == 0);
}

static void lmdb_remove(void *view, struct str key)
{
    struct view *v = view;
    MDB_val k = val(key);
    int r = mdb_del(v->txn, v->dbi, &k, NULL);
    ASSERT(r == 0 || r == MDB_NOTFOUND);
}

static bool lmdb_get(void *view, struct arena *a, struct str key, struct str *ret_value)
{
    struct view *v = view;
    MDB_val k = val(key), data;
    int r = mdb_get(v->txn, v->dbi, &k, &data);
    ASSERT(r == 0 || r == MDB_NOTFOUND);
    if (r == 0) {
        *ret_value = arena_str(a, str_of(data.mv_data, data.mv_size));
    }
    return r == 0;
}

static void lmdb_scan(void *view, struct arena *a, const struct store_range *range,
                      struct store_pairs *pairs)
{
    struct view *v = view;
    MDB_cursor *cursor;
    MDB_val k = val(range->begin), data;
    ASSERT(mdb_cursor_open(v->txn, v->dbi, &cursor) == 0);
    int r = mdb_cursor_get(cursor, &k, &data, range->begin.n > 0 ? MDB_SET_RANGE : MDB_FIRST);
    while (r == 0 && pairs->n < range->limit &&
           str_cmp(str_of(k.mv_data, k.mv_size), range->end) < 0) {
        struct store_pair pair = {arena_str(a, str_of(k.mv_data, k.mv_size)),
                                  arena_str(a, str_of(data.mv_data, data.mv_size))};
        ASSERT(store_pairs_add(pairs, a, pair) == 0);
        r = mdb_cursor_get(cursor, &k, &data, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
}

static const struct engine lmdb = {
    .open = lmdb_open,
    .close = lmdb_close,
    .begin = lmdb_begin,
    .end_read = lmdb_end_read,
    .commit = lmdb_commit,
    .put = lmdb_put,
    .remove = lmdb_remove,
    .get = lmdb_get,
    .scan = lmdb_scan,
};

static int open_lmdb(const struct store_options *options, void **ret_self)
{
    return engine_open(&lmdb, options, ret_self);
}

const struct store_driver engine_lmdb = ENGINE_DRIVER("lmdb", open_lmdb);
