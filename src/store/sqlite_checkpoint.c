/*
 * The write-ahead log: when it is copied into the database, and how it is cut after a failed flush.
 *
 * Only the writer thread comes here. That is a rule, not a habit: SQLite up to 3.51.2 can lose pages when one connection
 * checkpoints while another resets the log.
 *
 * After a failed flush nobody knows which bytes reached the disk, and the kernel forgets them: reading them back proves
 * nothing, and flushing again says yes. So all that follows the last good commit is cut off before the log is used again:
 * either the frames behind it, or the whole log when all of its frames were already in the database (only then could the
 * failed commit have begun a new log).
 */
#include "base/assert.h"
#include "base/log.h"
#include "store/sqlite_int.h"

enum { WAL_HEADER = 32, WAL_FRAME = 24 + SQLITE_PAGE };

static sqlite3_file *log_of(struct store_sqlite *d)
{
    sqlite3_file *log = NULL;
    int r = sqlite3_file_control(d->writer->db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log);
    return r == SQLITE_OK && log && log->pMethods ? log : NULL;
}

/* Before files beside the database are cut to what the log counts: what is behind that in the log must not come back. */
static int cut_behind(struct store_sqlite *d, sqlite3_file *log, sqlite3_int64 size)
{
    sqlite3_int64 now = 0;
    int r = log ? log->pMethods->xFileSize(log, &now) : SQLITE_IOERR;
    if (r == SQLITE_OK && now > size) {
        r = log->pMethods->xTruncate(log, size);
    }
    if (r == SQLITE_OK && !d->no_sync) {
        r = log->pMethods->xSync(log, SQLITE_SYNC_FULL);
    }
    return r == SQLITE_OK ? 0 : log_err(ERR_IO, "store", "the log cannot be cut to what it counts");
}

/* How much of the log this process and those who read it go by, as its index has it: a checkpoint without room does not tell. The
 * number's place is SQLite's format (sqlite.org/walformat.html, "the WAL-index header"); only the writer changes it. */
static int frames_in_index(struct store_sqlite *d)
{
    enum { REGION = 32 << 10, PLACE = 4 };
    sqlite3_file *file = NULL;
    volatile void *index = NULL;
    sqlite3 *db = d->writer->db;
    if (sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        file->pMethods->iVersion < 2 ||
        file->pMethods->xShmMap(file, 0, REGION, /* extend= */ 0, &index) != SQLITE_OK || !index) {
        return -1;
    }
    return (int)((volatile uint32_t *)index)[PLACE];
}

/*
 * A log that cannot be copied now is gone on with as it is: all of its frames are in the file. They are not where a former process
 * cut all of it away under a reader, whose index still counts them: a commit behind them would stand behind a hole. Then that
 * reader is waited for. Frames that the index does not count are those of a commit in which a former process was killed: nobody
 * has seen it, and the next recovery would.
 */
static int go_on_with_log(struct store_sqlite *d, int frames, int done)
{
    sqlite3_file *log = log_of(d);
    sqlite3_int64 size = 0;
    sqlite3_int64 counted = frames > 0 ? WAL_HEADER + (sqlite3_int64)frames * WAL_FRAME : 0;
    if (frames < 0 || !log || log->pMethods->xFileSize(log, &size) != SQLITE_OK || size < counted) {
        return log_err(ERR_IO, "store",
                       "another process reads the log of this store and holds the opening up: "
                       "wait for it (a backup, or --doctor)");
    }
    d->wal_frames = frames;
    d->wal_checkpointed = frames == done;
    return cut_behind(d, log, counted);
}

/* Nothing is added to a log that nobody counted before it is copied into the database and flushed. While somebody else reads it (a
 * backup that a server does not wait for), or the disk is full, it is counted and copied later. */
int store_sqlite_settle_log(struct store_sqlite *d)
{
    int frames = 0, done = 0;
    sqlite3 *db = d->writer->db;
    int r = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &frames, &done);
    if (r == SQLITE_OK) {
        d->wal_frames = 0;
        d->wal_checkpointed = true;
        return cut_behind(d, log_of(d), 0);
    }
    if ((r & 0xff) == SQLITE_BUSY) {
        log_info("store", "another process reads the log of this store: it is copied later");
    } else if (store_connection_error(d->writer, "first checkpoint") == ERR_NO_SPACE) {
        frames = frames_in_index(d);
        done = 0; /* at least one of them is not copied */
    } else {
        return ERR_IO;
    }
    return go_on_with_log(d, frames, done);
}

/* Readers hold a complete checkpoint up; after a while of that they have to wait for one. A snapshot (sqlite_snapshot.c) does
 * not wait: while there is one this is tried again only when the log has grown by as much once more. */
static int checkpoint(struct store_sqlite *d, int *ret_frames, int *ret_done)
{
    int most = SQLITE_LOG_PATIENCE * d->wal_limit;
    bool patient = d->wal_frames < most;
    if (patient) {
        store_readers_let_go(&d->readers);
    } else {
        store_readers_pause(&d->readers);
    }
    int r = sqlite3_wal_checkpoint_v2(d->writer->db, NULL, SQLITE_CHECKPOINT_PASSIVE, ret_frames,
                                      ret_done);
    if (!patient) {
        store_readers_resume(&d->readers);
        d->wal_held = r == SQLITE_OK && *ret_frames != *ret_done ? d->wal_frames + most : 0;
    }
    return r;
}

bool store_sqlite_log_waits(const struct store_sqlite *d)
{
    return d->writer && !d->writer->failed && !d->wal_checkpointed &&
           (d->shrinks || d->wal_frames >= d->wal_limit / SQLITE_IDLE_PART);
}

void store_sqlite_checkpoint(struct store_sqlite *d, bool idle)
{
    int limit = d->wal_large   ? d->wal_limit / SQLITE_LARGE_PART
                : d->wal_alone ? d->wal_limit * SQLITE_ALONE_LOGS
                               : d->wal_limit;
    limit = limit < d->wal_held ? d->wal_held : limit;
    if (!store_sqlite_log_waits(d) || (!idle && d->wal_frames < limit)) {
        return;
    }
    int frames = 0, done = 0;
    int r = checkpoint(d, &frames, &done);
    if (r == SQLITE_OK) {
        d->wal_checkpointed = frames >= 0 && frames == done;
        d->wal_large = d->wal_large && !d->wal_checkpointed;
        d->wal_held = d->wal_checkpointed ? 0 : d->wal_held;
    } else if (r != SQLITE_BUSY &&
               store_connection_error(d->writer, "checkpoint") == ERR_NO_SPACE) {
        store_space_hit(&d->space);
    }
}

/* At an orderly end: a bit that is turned in the log ends it there, which looks as what a power cut leaves; in the database it is
 * found. Whoever else reads the log holds this up, and a full disk may: then it stays as after a kill. */
void store_sqlite_empty_log(struct store_sqlite *d)
{
    if (!d->writer || d->writer->failed) {
        return;
    }
    store_readers_let_go(&d->readers);
    int r = sqlite3_wal_checkpoint_v2(d->writer->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (r != SQLITE_OK) {
        log_info("store", "the log is not empty at the end: %s", sqlite3_errstr(r));
    }
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_int64 now = 0;
    int r = file->pMethods->xFileSize(file, &now);
    if (r == SQLITE_OK && now > size) {
        r = file->pMethods->xTruncate(file, size);
    }
    if (r == SQLITE_OK) {
        r = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
    }
    (void)file->pMethods->xClose(file);
    return r;
}

int store_sqlite_cut_log(struct store_sqlite *d)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(d->vfs);
    ASSERT(vfs != NULL && !d->writer);
    ASSERT(d->wal_checkpointed || d->wal_frames > 0); /* what was never counted is not cut */
    ARENA_AUTO(a);
    struct str path = arena_printf(&a, "%s-wal", d->path);
    int exists = 0;
    if (vfs->xAccess(vfs, path.p, SQLITE_ACCESS_EXISTS, &exists) != SQLITE_OK || !exists) {
        return exists ? ERR_IO : 0;
    }
    sqlite3_file *file = arena_alloc(&a, (size_t)vfs->szOsFile);
    if (vfs->xOpen(vfs, path.p, file, SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        return log_err(ERR_IO, "store", "cannot open %s", path.p);
    }
    sqlite3_int64 size = 0;
    if (!d->wal_checkpointed) {
        size = WAL_HEADER + (sqlite3_int64)d->wal_frames * WAL_FRAME;
    }
    if (truncate_file(file, size) != SQLITE_OK) {
        return log_err(ERR_IO, "store", "cannot cut %s to what was flushed", path.p);
    }
    return 0;
}
