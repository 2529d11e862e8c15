/*
 * From formats 1 to 3 to 4. Format 2 can give space back to the disk (SQLite's incremental auto_vacuum), which only a rewrite of
 * the file makes of an old one; format 3 keeps large values apart (sqlite_connection.c), format 4 those of uploads beside it
 * (sqlite_segment.c). Values that were written before stay where they are until they are written again: a value in kv is read
 * from there, a number from the table large.
 *
 * What was there stays as store.format1.db, -2 or -3, and there is room for two files at most. Of format 1 the new file is written
 * beside the old one and takes its name when it is whole and flushed; the old one is the backup. Files of formats 2 and 3 only
 * get further tables: they are copied (which costs no room where the file system shares blocks), and changed in one transaction
 * once the copy is flushed. A crash in between leaves the old format under its name, and the next start begins again.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
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
    int r = sqlite3_open_v2(path, &d->db, SQLITE_OPEN_READWRITE, NULL);
    (void)sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return r == SQLITE_OK ? 0 : ERR_IO;
}

static int failed(struct database *d, const char *what)
{
    return log_err(sqlite3_errcode(d->db) == SQLITE_FULL ? ERR_NO_SPACE : ERR_IO, "store",
                   "sqlite: %s: %s", what, sqlite3_errmsg(d->db));
}

static int execute(struct database *d, const char *sql)
{
    return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(d, sql);
}

/* '1' to '3', else 0: this is for others to judge. */
static char older_format(struct database *d)
{
    sqlite3_stmt *statement = NULL;
    char format = 0;
    if (sqlite3_prepare_v2(d->db, "SELECT value FROM kv WHERE key = CAST('meta/format' AS BLOB)",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == 1) {
        char found = *(const char *)sqlite3_column_blob(statement, 0);
        format = found >= '1' && found < '0' + STORE_FORMAT ? found : 0;
    }
    (void)sqlite3_finalize(statement);
    return format;
}

static int flush_file(const char *path)
{
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || fsync(fd) != 0 ? ERR_IO : 0;
}

/* The log is copied into the old file first, so that the file alone is the backup. */
static int copy_log(struct database *d)
{
    int copied = sqlite3_wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (copied == SQLITE_OK) {
        return 0;
    }
    int r = copied == SQLITE_BUSY ? ERR_BUSY : copied == SQLITE_FULL ? ERR_NO_SPACE : ERR_IO;
    return log_err(r, "store", "the log cannot be copied into the old store first: %s",
                   sqlite3_errstr(copied));
}

/* What the format has, and its number, in one flushed transaction. */
static int convert(struct database *d, char format)
{
    int r = execute(d, "PRAGMA synchronous=FULL");
    if (r == 0 && store_connection_create_tables(d->db, format) != SQLITE_OK) {
        r = failed(d, "new tables");
    }
    return r;
}

/* ---- format 1: a new file ------------------------------------------------------------------------------------------ */

static int rewrite(struct database *d, const char *path, char format)
{
    ARENA_AUTO(a);
    if (strchr(path, '\'') || (unlink(path) != 0 && errno != ENOENT)) {
        return ERR_IO;
    }
    int r = execute(d, "PRAGMA auto_vacuum=INCREMENTAL");
    r = r ? r : execute(d, arena_printf(&a, "VACUUM INTO '%s'", path).p);
    DATABASE_AUTO new = {0};
    r = r ? r : database_open(&new, path);
    r = r ? r : convert(&new, format);
    database_close(&new);
    return r ? r : flush_file(path);
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

static int replace(const struct store_sqlite *d, struct database *old, const char *backup)
{
    ARENA_AUTO(a);
    const char *path = arena_printf(&a, "%s.new", d->path).p;
    int r = rewrite(old, path, '1');
    database_close(old);
    r = r ? r : exchange(d, path, backup);
    if (r) {
        (void)unlink(path);
    }
    return r;
}

/* ---- formats 2 and 3: further tables in a file that was copied ------------------------------------------------------- */

/* With the owner and the rights of what is copied. */
static int open_copy(int from, const char *path)
{
    struct stat info;
    FD_AUTO int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0 || fstat(from, &info) != 0 || fchmod(to, info.st_mode & 07777) != 0 ||
        (geteuid() == 0 && fchown(to, info.st_uid, info.st_gid) != 0)) {
        return -1;
    }
    return FD_TAKE(to);
}

static int copy_bytes(int from, int to)
{
    if (ioctl(to, FICLONE, from) == 0) {
        return 0;
    }
    ssize_t n;
    do {
        n = sendfile(to, from, NULL, 1 << 30);
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n == 0 ? 0 : err_from_errno(errno);
}

static int copy(const char *path, const char *part)
{
    FD_AUTO int from = open(path, O_RDONLY | O_CLOEXEC);
    FD_AUTO int to = from < 0 ? -1 : open_copy(from, part);
    int r = to < 0 ? ERR_IO : copy_bytes(from, to);
    return r == 0 && fsync(to) != 0 ? err_from_errno(errno) : r;
}

static int back_up(const struct store_sqlite *d, const char *backup)
{
    ARENA_AUTO(a);
    const char *part = arena_printf(&a, "%s.part", backup).p;
    int r = copy(d->path, part);
    r = r == 0 && rename(part, backup) != 0 ? ERR_IO : r;
    r = r ? r : flush_file(d->directory);
    if (r) {
        (void)unlink(part);
        return log_err(r, "store", "%s cannot be made%s", backup,
                       r == ERR_NO_SPACE ? ": a copy of the store needs as much room as it" : "");
    }
    return 0;
}

/* Closed while it is copied: whoever closes a file loses this process's locks on it. */
static int extend(const struct store_sqlite *d, struct database *old, const char *backup,
                  char format)
{
    database_close(old);
    int r = back_up(d, backup);
    r = r ? r : database_open(old, d->path);
    return r ? r : convert(old, format);
}

static int migrate(const struct store_sqlite *d, struct database *old, char format)
{
    ARENA_AUTO(a);
    const char *backup = arena_printf(&a, "%s/store.format%c.db", d->directory, format).p;
    log_info("store", "the data has format %c: it is made format %d, what was there stays as %s",
             format, STORE_FORMAT, backup);
    int r = copy_log(old);
    if (r == 0 && format == '1') {
        r = replace(d, old, backup);
    } else if (r == 0) {
        r = extend(d, old, backup, format);
    }
    return r ? log_err(r, "store", "the data of format %c stays as it is: %s", format,
                       err_row(r)->text)
             : 0;
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
    char format = older_format(&old);
    return format ? migrate(d, &old, format) : 0;
}
