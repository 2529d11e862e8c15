/*
 * From format 1 to 2: a database file that can give space back to the disk (SQLite's incremental auto_vacuum), which only a
 * rewrite of the file makes of an old one.
 *
 * The new file is written beside the old one and takes its name when it is whole and flushed; the old one stays as
 * store.format1.db, a backup that costs no copying: it is the same file. A crash in between leaves the old file under its name,
 * and the next start begins again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "store/sqlite_int.h"

static const char backup[] = "store.format1.db";

static int execute(struct store_sqlite *d, const char *sql)
{
    if (sqlite3_exec(d->writer->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return store_connection_error(d->writer, sql);
    }
    return 0;
}

static bool has_format(struct store_sqlite *d, struct str format)
{
    ARENA_AUTO(a);
    struct str value;
    return store_connection_get(d->writer, &a, STR("meta/format"), &value) == 0 &&
           str_eq(value, format);
}

static int flush_file(const char *path)
{
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || fsync(fd) != 0 ? ERR_IO : 0;
}

/* The new file says what it is. */
static int put_format(const char *path)
{
    sqlite3 *db = NULL;
    int r = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    if (r == SQLITE_OK) {
        r = sqlite3_exec(db,
                         "UPDATE kv SET value = CAST('2' AS BLOB)"
                         " WHERE key = CAST('meta/format' AS BLOB)",
                         NULL, NULL, NULL);
    }
    bool closed = sqlite3_close(db) == SQLITE_OK;
    return r == SQLITE_OK && closed ? flush_file(path) : ERR_IO;
}

static int rewrite(struct store_sqlite *d, const char *path)
{
    ARENA_AUTO(a);
    if (unlink(path) != 0 && errno != ENOENT) {
        return ERR_IO;
    }
    int r = execute(d, "PRAGMA auto_vacuum=INCREMENTAL");
    if (r == 0) {
        r = execute(d, arena_printf(&a, "VACUUM INTO '%s'", path).p);
    }
    return r ? r : put_format(path);
}

/* Both files are whole; only names change. The log of the old one is empty. */
static int exchange(const struct store_sqlite *d, const char *path)
{
    ARENA_AUTO(a);
    struct str old = arena_printf(&a, "%s/%s", d->directory, backup);
    if (link(d->path, old.p) != 0 && errno != EEXIST) {
        return ERR_IO;
    }
    (void)unlink(arena_printf(&a, "%s-wal", d->path).p);
    (void)unlink(arena_printf(&a, "%s-shm", d->path).p);
    if (flush_file(d->directory) != 0 || rename(path, d->path) != 0) {
        return ERR_IO;
    }
    return flush_file(d->directory);
}

int store_sqlite_migrate(struct store_sqlite *d)
{
    if (d->vfs || !has_format(d, STR("1"))) {
        return 0;
    }
    if (!d->wal_checkpointed || strchr(d->path, '\'')) {
        return log_err(ERR_IO, "store", "the data of format 1 cannot be rewritten");
    }
    ARENA_AUTO(a);
    const char *path = arena_printf(&a, "%s.new", d->path).p;
    log_info("store", "the data has format 1: it is rewritten, the old file stays as %s/%s",
             d->directory, backup);
    int r = rewrite(d, path);
    if (r == 0) {
        store_sqlite_disconnect(d);
        r = exchange(d, path);
        r = r ? r : store_sqlite_connect(d);
    }
    if (r) {
        (void)unlink(path);
        return log_err(r, "store", "the data of format 1 cannot be rewritten: %s",
                       err_row(r)->text);
    }
    return 0;
}
