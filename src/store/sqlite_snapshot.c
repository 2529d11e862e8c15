/*
 * A snapshot for backups: a read-only connection of its own, outside of the pool, so that it can stand on one moment for as long
 * as its reader needs. It works beside a server because it opens the file by its name: what it holds is a mark in the log, up
 * to which the writer may copy and not beyond.
 *
 * Why one walk over kv with the large values left aside: kv is a small part of the file, and whoever makes a backup has most
 * large values from the time before.
 */
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "store/sqlite_int.h"

enum { SNAPSHOT_MAGIC = 0x536e6170 };

static const char walk[] = "SELECT key, value FROM kv WHERE key > ?1 ORDER BY key";

struct store_snapshot {
    uint32_t magic;
    struct store_connection *c;
    sqlite3_stmt *walk; /* while it stands on a row the connection keeps its snapshot */
    struct buf last;    /* the key read last */
    struct arena arena; /* of the pair */
    bool row;           /* walk stands on the pair read last */
};

/* ERR_CORRUPT is what another format, or a file without any, is answered. */
static int check_format(struct store_snapshot *s, const char *path)
{
    struct str value;
    uint64_t format = 0;
    int r = store_connection_get(s->c, &s->arena, STR("meta/format"), &value);
    store_connection_end_read(s->c);
    if (r == 0 && str_u64(value, INT64_MAX, &format) == 0 && format == STORE_FORMAT) {
        return 0;
    }
    return r == ERR_IO ? r
                       : log_err(ERR_CORRUPT, "store",
                                 "%s has not the format %d: start this version's server once", path,
                                 STORE_FORMAT);
}

int store_snapshot_open(const char *directory, struct store_snapshot **ret_s)
{
    ARENA_AUTO(a);
    const char *path = arena_printf(&a, "%s/store.db", directory).p;
    if (access(path, F_OK) != 0) {
        return ERR_NOT_FOUND;
    }
    struct store_snapshot *s = MEM_NEW(struct store_snapshot);
    s->magic = SNAPSHOT_MAGIC;
    buf_init(&s->last, STORE_MAX_KEY);
    arena_init(&s->arena);
    const struct store_connection_options options = {.path = path};
    int r = store_connection_open(&options, &s->c);
    if (r == 0) {
        r = check_format(s, path);
    }
    if (r == 0 && sqlite3_prepare_v2(s->c->db, walk, -1, &s->walk, NULL) != SQLITE_OK) {
        r = store_connection_error(s->c, walk);
    }
    r = r ? r : store_snapshot_renew(s);
    if (r) {
        store_snapshot_close(s);
        return r;
    }
    *ret_s = s;
    return 0;
}

void store_snapshot_close(struct store_snapshot *s)
{
    if (!s) {
        return;
    }
    ASSERT_MAGIC(s, SNAPSHOT_MAGIC);
    (void)sqlite3_finalize(s->walk);
    if (s->c) {
        store_connection_end_read(s->c);
    }
    store_connection_close(s->c);
    buf_fini(&s->last);
    arena_fini(&s->arena);
    s->magic = 0;
    mem_free(s);
}

int store_snapshot_renew(struct store_snapshot *s)
{
    ASSERT_MAGIC(s, SNAPSHOT_MAGIC);
    s->row = false;
    (void)sqlite3_reset(s->walk);
    store_connection_end_read(s->c);
    int r = store_connection_run(s->c, STORE_STATEMENT_BEGIN_READ);
    if (r == 0) {
        s->c->begun = true;
        r = sqlite3_bind_blob64(s->walk, 1, s->last.n > 0 ? s->last.p : "", s->last.n,
                                SQLITE_TRANSIENT) == SQLITE_OK
                ? 0
                : store_connection_error(s->c, walk);
    }
    return r;
}

int store_snapshot_files(struct store_snapshot *s)
{
    ASSERT_MAGIC(s, SNAPSHOT_MAGIC);
    return store_segment_check(s->c);
}

static struct str column(sqlite3_stmt *statement, int at)
{
    const void *p = sqlite3_column_blob(statement, at);
    return str_of(p, (size_t)sqlite3_column_bytes(statement, at));
}

static int step(struct store_snapshot *s)
{
    int code = sqlite3_step(s->walk);
    s->row = code == SQLITE_ROW;
    if (s->row) {
        return 0;
    }
    return code == SQLITE_DONE ? ERR_NOT_FOUND : store_connection_error(s->c, walk);
}

int store_snapshot_next(struct store_snapshot *s, struct store_snapshot_pair *ret_pair)
{
    ASSERT_MAGIC(s, SNAPSHOT_MAGIC);
    struct str key;
    do {
        int r = step(s);
        if (r) {
            return r;
        }
        key = column(s->walk, 0);
    } while (!store_is_snapshot_key(key));
    buf_clear(&s->last);
    buf_add(&s->last, key);
    if (s->last.error) {
        return ERR_CORRUPT;
    }
    *ret_pair = (struct store_snapshot_pair){
        .key = buf_str(&s->last),
        .apart = sqlite3_column_type(s->walk, 1) == SQLITE_INTEGER,
    };
    if (!ret_pair->apart) {
        ret_pair->value = column(s->walk, 1);
    }
    return 0;
}

int store_snapshot_value(struct store_snapshot *s, struct str *ret_value)
{
    ASSERT_MAGIC(s, SNAPSHOT_MAGIC);
    ASSERT(s->row);
    if (sqlite3_column_type(s->walk, 1) != SQLITE_INTEGER) {
        *ret_value = column(s->walk, 1);
        return 0;
    }
    arena_reset(&s->arena);
    return store_connection_large(s->c, &s->arena, sqlite3_column_int64(s->walk, 1), ret_value);
}
