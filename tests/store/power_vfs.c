/* SQLite's interface to the disk of power_files.h. */
#include "power_vfs.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/time.h"
#include "power_files.h"
#include "store_test.h"

enum { SHM_REGION = 32 * 1024, LOCKS = SQLITE_SHM_NLOCK };

struct open_file {
    sqlite3_file base;
    struct power_file *file;
    int level;
    unsigned shm_shared, shm_exclusive; /* masks */
};

/* ---- files --------------------------------------------------------------------------------------------------------- */

static int file_close(sqlite3_file *base)
{
    struct open_file *o = (struct open_file *)base;
    LOCK_SCOPE(&power_files.lock);
    o->file->opened--;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *to, int n, sqlite3_int64 at)
{
    const struct power_file *f = ((struct open_file *)base)->file;
    LOCK_SCOPE(&power_files.lock);
    if (power_files.cut) {
        return SQLITE_IOERR_READ;
    }
    size_t from = (size_t)at, size = (size_t)n;
    size_t have = from < f->now.n ? f->now.n - from : 0;
    have = have < size ? have : size;
    if (have > 0) {
        memcpy(to, f->now.p + from, have);
    }
    memset((char *)to + have, 0, size - have);
    return have < size ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int file_write(sqlite3_file *base, const void *p, int n, sqlite3_int64 at)
{
    LOCK_SCOPE(&power_files.lock);
    return power_file_write(((struct open_file *)base)->file, p, (size_t)n, (size_t)at);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    LOCK_SCOPE(&power_files.lock);
    return power_file_truncate(((struct open_file *)base)->file, (size_t)size);
}

static int file_sync(sqlite3_file *base, int flags)
{
    LOCK_SCOPE(&power_files.lock);
    return power_file_sync(((struct open_file *)base)->file);
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    LOCK_SCOPE(&power_files.lock);
    *ret_size = (sqlite3_int64)((struct open_file *)base)->file->now.n;
    return power_files.cut ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

/* In WAL mode connections share the database file and nobody takes it alone but to change the mode: levels are enough. */
static int file_lock(sqlite3_file *base, int level)
{
    ((struct open_file *)base)->level = level;
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *ret_reserved)
{
    *ret_reserved = ((struct open_file *)base)->level >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int what, void *ctx)
{
    return SQLITE_NOTFOUND;
}

static int file_characteristics(sqlite3_file *base)
{
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as the system's: a torn write spares its neighbours */
}

/* ---- the WAL's index ----------------------------------------------------------------------------------------------- */

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret_p)
{
    struct power_file *f = ((struct open_file *)base)->file;
    LOCK_SCOPE(&power_files.lock);
    ASSERT(region < POWER_MOST_REGIONS && size == SHM_REGION);
    if (!f->regions[region] && extend) {
        f->regions[region] = mem_alloc((size_t)size);
    }
    *ret_p = f->regions[region];
    return SQLITE_OK;
}

static void shm_release(struct open_file *o, int i)
{
    unsigned bit = 1u << i;
    o->file->shared[i] -= (o->shm_shared & bit) != 0;
    o->file->exclusive[i] -= (o->shm_exclusive & bit) != 0;
    o->shm_shared &= ~bit;
    o->shm_exclusive &= ~bit;
}

static bool shm_free(const struct open_file *o, int i, bool exclusive)
{
    unsigned bit = 1u << i;
    int others_shared = o->file->shared[i] - ((o->shm_shared & bit) != 0);
    int others_exclusive = o->file->exclusive[i] - ((o->shm_exclusive & bit) != 0);
    return others_exclusive == 0 && (!exclusive || others_shared == 0);
}

static int shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
    struct open_file *o = (struct open_file *)base;
    LOCK_SCOPE(&power_files.lock);
    bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    if (power_files.cut && (flags & SQLITE_SHM_LOCK)) {
        return SQLITE_IOERR_SHMLOCK;
    }
    for (int i = offset; i < offset + n && (flags & SQLITE_SHM_LOCK); i++) {
        if (!shm_free(o, i, exclusive)) {
            return SQLITE_BUSY;
        }
    }
    for (int i = offset; i < offset + n; i++) {
        shm_release(o, i);
        if (flags & SQLITE_SHM_LOCK) {
            unsigned *mask = exclusive ? &o->shm_exclusive : &o->shm_shared;
            *mask |= 1u << i;
            o->file->shared[i] += !exclusive;
            o->file->exclusive[i] += exclusive;
        }
    }
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *base)
{
    LOCK_SCOPE(&power_files.lock);
}

/* The last to unmap forgets the index, as the last to close does with the file of the system's VFS. */
static int shm_unmap(sqlite3_file *base, int remove)
{
    struct open_file *o = (struct open_file *)base;
    LOCK_SCOPE(&power_files.lock);
    for (int i = 0; i < LOCKS; i++) {
        shm_release(o, i);
    }
    if (o->file->opened == 1) {
        for (size_t i = 0; i < POWER_MOST_REGIONS; i++) {
            MEM_FREE(o->file->regions[i]);
        }
    }
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* ---- the VFS ------------------------------------------------------------------------------------------------------- */

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags,
                    int *ret_flags)
{
    struct open_file *o = (struct open_file *)base;
    memset(o, 0, sizeof *o);
    LOCK_SCOPE(&power_files.lock);
    struct power_file *f =
        power_files.cut || !name ? NULL : power_file_find(name, (flags & SQLITE_OPEN_CREATE) != 0);
    if (!f) {
        return SQLITE_CANTOPEN;
    }
    f->opened++;
    o->file = f;
    o->base.pMethods = &methods;
    if (ret_flags) {
        *ret_flags = flags;
    }
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    LOCK_SCOPE(&power_files.lock);
    struct power_file *f = power_files.cut ? NULL : power_file_find(name, false);
    if (f) {
        power_file_drop(f);
    }
    return f ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_yes)
{
    LOCK_SCOPE(&power_files.lock);
    const struct power_file *f = power_file_find(name, false);
    *ret_yes = f && (flags != SQLITE_ACCESS_EXISTS || f->now.n > 0);
    return power_files.cut ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int size, char *to)
{
    return snprintf(to, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *to)
{
    LOCK_SCOPE(&power_files.lock);
    for (int i = 0; i < n; i++) {
        to[i] = (char)store_test_random(&power_files.random);
    }
    return n;
}

void power_vfs_reset(uint64_t seed)
{
    static sqlite3_vfs vfs;
    power_files_reset(seed);
    if (vfs.zName) {
        return;
    }
    vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct open_file),
        .mxPathname = POWER_NAME - 1,
        .zName = POWER_VFS,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_path,
        .xRandomness = vfs_random,
        .xSleep = sqlite3_vfs_find(NULL)->xSleep,
        .xCurrentTime = sqlite3_vfs_find(NULL)->xCurrentTime,
    };
    ASSERT(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}
