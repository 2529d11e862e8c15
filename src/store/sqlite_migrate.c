/*
 * From formats 1 and 2 to 3. Format 2 can give space back to the disk (SQLite's incremental auto_vacuum), which only a rewrite of
 * the file makes of an old one; format 3 keeps large values apart (sqlite_connection.c). Values that were written before stay
 * where they are until they are written again: a value in kv is read from there, a number from the table large.
 *
 * The new file is written beside the old one and takes its name when it is whole and flushed; the old one stays as
 * store.format1.db or store.format2.db, a backup that costs no copying: it is the same file. A crash in between leaves the old
 * file under its name, and the next start begins again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "store/sqlite_int.h"

struct database {
    sqlite3 *db;
};

static void database_close(struct database *d)
{
    (void)sqlite3_close(d->db);
    d->db = NULL;
}

#define DATABASE_AUTO __attribute__((cleanup(database_close))) struct database

static int database_open(struct database *d, const char *path)
{
    return sqlite3_open_v2(path, &d->db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK ? 0 : ERR_IO;
}

static int execute(struct database *d, const char *sql)
{
    if (sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK) {
        return 0;
    }
    return log_err(ERR_IO, "store", "sqlite: %s: %s", sql, sqlite3_errmsg(d->db));
}

/* '1' or '2', else 0: this is for others to judge. */
static char older_format(struct database *d)
{
    sqlite3_stmt *statement = NULL;
    char format = 0;
    if (sqlite3_prepare_v2(d->db, "SELECT value FROM kv WHERE key = CAST('meta/format' AS BLOB)",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == 1) {
        char found = *(const char *)sqlite3_column_blob(statement, 0);
        format = found == '1' || found == '2' ? found : 0;
    }
    (void)sqlite3_finalize(statement);
    return format;
}

static int flush_file(const char *path)
{
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || fsync(fd) != 0 ? ERR_IO : 0;
}

/* The new file gets what the format has, and says what it is. */
static int finish_new(const char *path)
{
    DATABASE_AUTO d = {0};
    int r = database_open(&d, path);
    if (r == 0) {
        r = store_connection_create_tables(d.db) == SQLITE_OK ? 0 : ERR_IO;
    }
    if (r == 0) {
        r = execute(&d, "UPDATE kv SET value = CAST('3' AS BLOB)"
                        " WHERE key = CAST('meta/format' AS BLOB)");
    }
    database_close(&d);
    return r ? r : flush_file(path);
}

/* The log is copied into the old file first, so that the file alone is the backup. */
static int rewrite(struct database *d, const char *path)
{
    ARENA_AUTO(a);
    if (strchr(path, '\'') || (unlink(path) != 0 && errno != ENOENT)) {
        return ERR_IO;
    }
    int copied = sqlite3_wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (copied != SQLITE_OK) {
        return log_err(copied == SQLITE_BUSY ? ERR_BUSY : ERR_IO, "store",
                       "the log cannot be copied into the old store first: %s",
                       sqlite3_errstr(copied));
    }
    int r = execute(d, "PRAGMA auto_vacuum=INCREMENTAL");
    r = r ? r : execute(d, arena_printf(&a, "VACUUM INTO '%s'", path).p);
    return r ? r : finish_new(path);
}

/* Both files are whole and closed; only names change. */
static int exchange(const struct store_sqlite *d, const char *path, const char *backup)
{
    ARENA_AUTO(a);
    if (link(d->path, backup) != 0 && errno != EEXIST) {
        return ERR_IO;
    }
    (void)unlink(arena_printf(&a, "%s-wal", d->path).p);
    (void)unlink(arena_printf(&a, "%s-shm", d->path).p);
    if (flush_file(d->directory) != 0 || rename(path, d->path) != 0) {
        return ERR_IO;
    }
    return flush_file(d->directory);
}

static int migrate(const struct store_sqlite *d, struct database *old, char format)
{
    ARENA_AUTO(a);
    const char *path = arena_printf(&a, "%s.new", d->path).p;
    const char *backup = arena_printf(&a, "%s/store.format%c.db", d->directory, format).p;
    log_info("store", "the data has format %c: it is rewritten, the old file stays as %s", format,
             backup);
    int r = rewrite(old, path);
    database_close(old);
    r = r ? r : exchange(d, path, backup);
    if (r) {
        (void)unlink(path);
        return log_err(r, "store", "the data of format %c cannot be rewritten: %s", format,
                       err_row(r)->text);
    }
    return 0;
}

int store_sqlite_migrate(const struct store_sqlite *d)
{
    if (d->vfs || access(d->path, F_OK) != 0) {
        return 0;
    }
    DATABASE_AUTO old = {0};
    if (database_open(&old, d->path) != 0) {
        return 0; /* whoever opens it next says why not */
    }
    (void)sqlite3_db_config(old.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    char format = older_format(&old);
    return format ? migrate(d, &old, format) : 0;
}
