/* RocksDB as an engine: a write transaction is an indexed batch over the database, so that it reads what it wrote. */
#include <rocksdb/c.h>

#include "base/assert.h"
#include "base/mem.h"
#include "engine.h"

struct rocks {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *flushed;
};

struct view {
    struct rocks *rocks;
    rocksdb_readoptions_t *how;
    const rocksdb_snapshot_t *snapshot; /* of a reader */
    rocksdb_writebatch_wi_t *batch;     /* of the writer */
};

static void expect(const char *error)
{
    ASSERT(error == NULL);
}

static void *rocks_open(const char *directory)
{
    struct rocks *r = MEM_NEW(struct rocks);
    char *error = NULL;
    r->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(r->options, 1);
    rocksdb_options_set_compression(r->options, rocksdb_no_compression); /* content is compressed */
    r->flushed = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(r->flushed, 1);
    r->db = rocksdb_open(r->options, directory, &error);
    expect(error);
    return r;
}

static void rocks_close(void *self)
{
    struct rocks *r = self;
    rocksdb_close(r->db);
    rocksdb_writeoptions_destroy(r->flushed);
    rocksdb_options_destroy(r->options);
    mem_free(r);
}

static void *rocks_begin(void *self, bool write)
{
    struct view *v = MEM_NEW(struct view);
    v->rocks = self;
    v->how = rocksdb_readoptions_create();
    if (write) {
        v->batch = rocksdb_writebatch_wi_create(0, 1);
    } else {
        v->snapshot = rocksdb_create_snapshot(v->rocks->db);
        rocksdb_readoptions_set_snapshot(v->how, v->snapshot);
    }
    return v;
}

static void rocks_end_read(void *self, void *view)
{
    const struct rocks *r = self;
    struct view *v = view;
    rocksdb_release_snapshot(r->db, v->snapshot);
    rocksdb_readoptions_destroy(v->how);
    mem_free(v);
}

static void rocks_commit(void *self, void *view)
{
    const struct rocks *r = self;
    struct view *v = view;
    char *error = NULL;
    rocksdb_write_writebatch_wi(r->db, r->flushed, v->batch, &error);
    expect(error);
    rocksdb_writebatch_wi_destroy(v->batch);
    rocksdb_readoptions_destroy(v->how);
    mem_free(v);
}

static void rocks_put(void *view, struct str key, struct str value)
{
    struct view *v = view;
    rocksdb_writebatch_wi_put(v->batch, key.p, key.n, value.p, value.n);
}

static void rocks_remove(void *view, struct str key)
{
    struct view *v = view;
    rocksdb_writebatch_wi_delete(v->batch, key.p, key.n);
}

static bool rocks_get(void *view, struct arena *a, struct str key, struct str *ret_value)
{
    struct view *v = view;
    char *error = NULL;
    size_t n = 0;
    rocksdb_t *db = v->rocks->db;
    char *p = v->batch ? rocksdb_writebatch_wi_get_from_batch_and_db(v->batch, db, v->how, key.p,
                                                                     key.n, &n, &error)
                       : rocksdb_get(db, v->how, key.p, key.n, &n, &error);
    expect(error);
    if (p) {
        *ret_value = arena_str(a, str_of(p, n));
        rocksdb_free(p);
    }
    return p != NULL;
}

static void rocks_scan(void *view, struct arena *a, const struct store_range *range,
                       struct store_pairs *pairs)
{
    struct view *v = view;
    rocksdb_iterator_t *i = rocksdb_create_iterator(v->rocks->db, v->how);
    if (v->batch) {
        i = rocksdb_writebatch_wi_create_iterator_with_base(v->batch, i);
    }
    for (rocksdb_iter_seek(i, range->begin.p ? range->begin.p : "", range->begin.n);
         rocksdb_iter_valid(i) && pairs->n < range->limit; rocksdb_iter_next(i)) {
        size_t key_n, value_n;
        const char *key = rocksdb_iter_key(i, &key_n);
        const char *value = rocksdb_iter_value(i, &value_n);
        if (str_cmp(str_of(key, key_n), range->end) >= 0) {
            break;
        }
        struct store_pair pair = {arena_str(a, str_of(key, key_n)),
                                  arena_str(a, str_of(value, value_n))};
        ASSERT(store_pairs_add(pairs, a, pair) == 0);
    }
    rocksdb_iter_destroy(i);
}

static const struct engine rocks = {
    .open = rocks_open,
    .close = rocks_close,
    .begin = rocks_begin,
    .end_read = rocks_end_read,
    .commit = rocks_commit,
    .put = rocks_put,
    .remove = rocks_remove,
    .get = rocks_get,
    .scan = rocks_scan,
};

static int open_rocks(const struct store_options *options, void **ret_self)
{
    return engine_open(&rocks, options, ret_self);
}

const struct store_driver engine_rocksdb = ENGINE_DRIVER("rocksdb", open_rocks);
