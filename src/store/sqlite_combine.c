/*
 * Writes to the log are combined. SQLite writes it frame by frame, a header of 24 bytes and a page in calls of their own: a large
 * part of what the writer thread costs is then the system calls. This VFS stands before another and gives it what follows on the
 * other in one piece. (SQLite's "VFS shims" are documented at sqlite.org/vfs.html.)
 *
 * Invariants
 *  1. What waits here is one run of bytes of the log, newer than its file. Anything else that is asked of the file, but for
 *     locks, comes after it: a read by the same connection, a size, a truncation, a flush.
 *  2. Other connections have files of their own and do not see what waits. They need not: a frame is read when the log's index
 *     names it, and that is said only after a flush. Hence this is for connections that flush (synchronous=FULL), not for those of
 *     tests that leave it out, and for disks that do not spoil what lies beside a write (SQLITE_IOCAP_POWERSAFE_OVERWRITE):
 *     for others SQLite fills a sector with a frame behind the flush.
 *  3. Bytes that could not be written are forgotten, and the call that gave them up fails: SQLite rolls back as it does when its own
 *     write fails. Of a log every such call is looked at. Of the database none is behind a checkpoint's last page (walCheckpoint
 *     of 3.40 asks SQLITE_FCNTL_CKPT_DONE and does not hear the answer), so the database's writes go straight through.
 */
#include "base/arena.h"
#include "base/assert.h"
#include "base/mem.h"
#include "store/sqlite_int.h"

/* SQLite itself writes no more than 64 KiB at once, and its unix VFS takes less than 128. */
enum { ROOM = 64 << 10 };

struct combining_vfs {
    sqlite3_vfs own; /* first: SQLite hands this back */
    sqlite3_vfs *below;
};

struct combining_file {
    sqlite3_file own; /* first, too */
    sqlite3_file *below;
    sqlite3_int64 at;
    int count;
    bool combines;
    char *bytes; /* ROOM; made with the first write */
};

static struct combining_file *of(sqlite3_file *file)
{
    return (struct combining_file *)file;
}

static int put_down(struct combining_file *f)
{
    int count = f->count;
    f->count = 0;
    return count > 0 ? f->below->pMethods->xWrite(f->below, f->bytes, count, f->at) : SQLITE_OK;
}

/* ---- a file -------------------------------------------------------------------------------------------------------- */

static int file_close(sqlite3_file *file)
{
    struct combining_file *f = of(file);
    MEM_FREE(f->bytes); /* what waits was not committed */
    return f->below->pMethods->xClose(f->below);
}

static int file_read(sqlite3_file *file, void *ret_bytes, int count, sqlite3_int64 at)
{
    struct combining_file *f = of(file);
    int r = put_down(f);
    return r == SQLITE_OK ? f->below->pMethods->xRead(f->below, ret_bytes, count, at) : r;
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
    struct combining_file *f = of(file);
    if (f->count > 0 && (at != f->at + f->count || count > ROOM - f->count)) {
        int r = put_down(f);
        if (r != SQLITE_OK) {
            return r;
        }
    }
    if (!f->combines || count > ROOM) {
        return f->below->pMethods->xWrite(f->below, bytes, count, at);
    }
    f->bytes = f->bytes ? f->bytes : mem_alloc(ROOM);
    f->at = f->count > 0 ? f->at : at;
    memcpy(f->bytes + f->count, bytes, (size_t)count);
    f->count += count;
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct combining_file *f = of(file);
    int r = put_down(f);
    return r == SQLITE_OK ? f->below->pMethods->xTruncate(f->below, size) : r;
}

static int file_sync(sqlite3_file *file, int flags)
{
    struct combining_file *f = of(file);
    int r = put_down(f);
    return r == SQLITE_OK ? f->below->pMethods->xSync(f->below, flags) : r;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    struct combining_file *f = of(file);
    int r = put_down(f);
    return r == SQLITE_OK ? f->below->pMethods->xFileSize(f->below, ret_size) : r;
}

static int file_lock(sqlite3_file *file, int level)
{
    return of(file)->below->pMethods->xLock(of(file)->below, level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return of(file)->below->pMethods->xUnlock(of(file)->below, level);
}

static int file_reserved(sqlite3_file *file, int *ret_reserved)
{
    return of(file)->below->pMethods->xCheckReservedLock(of(file)->below, ret_reserved);
}

static int file_control(sqlite3_file *file, int what, void *value)
{
    struct combining_file *f = of(file);
    int r = put_down(f);
    return r == SQLITE_OK ? f->below->pMethods->xFileControl(f->below, what, value) : r;
}

static int file_sector(sqlite3_file *file)
{
    sqlite3_file *below = of(file)->below;
    return below->pMethods->xSectorSize ? below->pMethods->xSectorSize(below) : SQLITE_PAGE;
}

static int file_characteristics(sqlite3_file *file)
{
    return of(file)->below->pMethods->xDeviceCharacteristics(of(file)->below);
}

static const sqlite3_io_methods methods = {
    .iVersion = 1, /* SQLite asks the database for shared memory and mappings, never the log */
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_characteristics,
};

/* ---- the VFS ------------------------------------------------------------------------------------------------------- */

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    sqlite3_vfs *below = ((struct combining_vfs *)vfs)->below;
    if (!(flags & SQLITE_OPEN_WAL)) {
        return below->xOpen(below, name, file, flags, ret_flags);
    }
    struct combining_file *f = of(file);
    *f = (struct combining_file){.below = (sqlite3_file *)(f + 1)};
    int r = below->xOpen(below, name, f->below, flags, ret_flags);
    f->own.pMethods = f->below->pMethods ? &methods : NULL; /* set: SQLite closes it */
    f->combines = r == SQLITE_OK && (f->below->pMethods->xDeviceCharacteristics(f->below) &
                                     SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
    return r;
}

_Static_assert(sizeof(struct combining_file) % 8 == 0, "SQLite aligns files to 8 bytes, too");

/* All that is not about open files is the other one's; it is copied, since those functions may want their own pAppData. */
static const char *add(sqlite3_vfs *below, const char *name)
{
    struct combining_vfs *vfs = MEM_NEW(struct combining_vfs);
    vfs->own = *below;
    vfs->own.pNext = NULL;
    vfs->own.zName = mem_dup(name, strlen(name));
    vfs->own.szOsFile = (int)sizeof(struct combining_file) + below->szOsFile;
    vfs->own.xOpen = vfs_open;
    vfs->below = below;
    ASSERT(sqlite3_vfs_register(&vfs->own, /* makeDflt= */ 0) == SQLITE_OK);
    return vfs->own.zName;
}

const char *store_combining_vfs(const char *name)
{
    ARENA_AUTO(a);
    sqlite3_vfs *below = sqlite3_vfs_find(name);
    if (!below) {
        return name; /* opening says what is wrong with it */
    }
    struct str own = arena_printf(&a, "coditect-%s", below->zName);
    sqlite3_mutex *mutex = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_VFS1);
    sqlite3_mutex_enter(mutex);
    sqlite3_vfs *there = sqlite3_vfs_find(own.p);
    const char *found = there ? there->zName : add(below, own.p);
    sqlite3_mutex_leave(mutex);
    return found;
}
