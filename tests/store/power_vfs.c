/*
 * Invariants
 *  1. file.now is what reads return; file.disk is what surely survives; pending is what lies between, oldest first.
 *  2. After a cut nothing changes any disk any more.
 *
 * A sync makes the pending writes of its file durable at once; a cut in the middle of it keeps a random part. Writes of
 * different files are pending independently of one another, so any order among files can be lost. That a file exists is
 * durable from its creation.
 */
#include "power_vfs.h"

#include <sqlite3.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/vec.h"
#include "store_test.h"

enum {
    SECTOR = 512,
    MOST_FILES = 8,
    SHM_REGION = 32 * 1024,
    MOST_REGIONS = 64,
    LOCKS = SQLITE_SHM_NLOCK
};

struct bytes {
    char *p;
    size_t n, room;
};

struct pending {
    bool truncation;
    size_t at;
    struct bytes data; /* of a truncation: NULL and the new size in at */
};

struct disk_file {
    char name[256];
    struct bytes now, disk;
    VEC(struct pending) pending;
    size_t opened;
    char *regions[MOST_REGIONS];
    int shared[LOCKS], exclusive[LOCKS];
};

struct open_file {
    sqlite3_file base;
    struct disk_file *file;
    int level;
    unsigned shm_shared, shm_exclusive; /* masks */
};

static struct {
    struct lock lock;
    bool ready, cut;
    uint64_t random, countdown;
    unsigned failing_syncs;
    bool full;
    struct disk_file files[MOST_FILES];
    sqlite3_vfs vfs, *system;
} disk;

/* ---- the disk ------------------------------------------------------------------------------------------------------ */

static void resize(struct bytes *b, size_t n)
{
    if (n > b->n) {
        if (n > b->room) {
            b->room = 2 * n;
            b->p = mem_grow(b->p, b->room);
        }
        memset(b->p + b->n, 0, n - b->n);
    }
    b->n = n;
}

static void overwrite(struct bytes *b, size_t at, const char *p, size_t n)
{
    if (at + n > b->n) {
        resize(b, at + n);
    }
    memcpy(b->p + at, p, n);
}

static void assign(struct bytes *to, const struct bytes *from)
{
    resize(to, from->n);
    if (from->n > 0) {
        memcpy(to->p, from->p, from->n);
    }
}

static void forget_pending(struct disk_file *f)
{
    for (size_t i = 0; i < f->pending.n; i++) {
        mem_free(f->pending.at[i].data.p);
    }
    f->pending.n = 0;
}

/* Applies a random part of a write, sector by sector of the file. */
static void tear(struct disk_file *f, const struct pending *p)
{
    if (p->truncation) {
        if (store_test_random(&disk.random) % 2) {
            resize(&f->disk, p->at);
        }
        return;
    }
    uint64_t fate = store_test_random(&disk.random) %
                    4; /* 0: all dropped, 1: all kept, else each sector its own */
    for (size_t at = p->at; at < p->at + p->data.n;) {
        size_t end = (at / SECTOR + 1) * SECTOR;
        end = end < p->at + p->data.n ? end : p->at + p->data.n;
        if (fate == 1 || (fate > 1 && store_test_random(&disk.random) % 2)) {
            overwrite(&f->disk, at, p->data.p + (at - p->at), end - at);
        }
        at = end;
    }
}

static void cut_locked(void)
{
    disk.cut = true;
    for (size_t i = 0; i < MOST_FILES; i++) {
        struct disk_file *f = &disk.files[i];
        for (size_t k = 0; k < f->pending.n; k++) {
            tear(f, &f->pending.at[k]);
        }
        forget_pending(f);
    }
}

/* Counts towards the cut. False: the power is gone. */
static bool powered(void)
{
    if (!disk.cut && disk.countdown > 0 && --disk.countdown == 0) {
        cut_locked();
    }
    return !disk.cut;
}

static struct disk_file *find_file(const char *name, bool make)
{
    struct disk_file *empty = NULL;
    for (size_t i = 0; i < MOST_FILES; i++) {
        if (strcmp(disk.files[i].name, name) == 0) {
            return &disk.files[i];
        }
        if (!disk.files[i].name[0] && !empty) {
            empty = &disk.files[i];
        }
    }
    if (!make) {
        return NULL;
    }
    ASSERT(empty && snprintf(empty->name, sizeof empty->name, "%s", name) > 0);
    return empty;
}

static void drop_file(struct disk_file *f)
{
    forget_pending(f);
    VEC_FREE(&f->pending);
    for (size_t i = 0; i < MOST_REGIONS; i++) {
        mem_free(f->regions[i]);
    }
    mem_free(f->now.p);
    mem_free(f->disk.p);
    memset(f, 0, sizeof *f);
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

static int file_close(sqlite3_file *base)
{
    struct open_file *o = (struct open_file *)base;
    LOCK_SCOPE(&disk.lock);
    o->file->opened--;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *to, int n, sqlite3_int64 at)
{
    const struct disk_file *f = ((struct open_file *)base)->file;
    LOCK_SCOPE(&disk.lock);
    if (disk.cut) {
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
    struct disk_file *f = ((struct open_file *)base)->file;
    LOCK_SCOPE(&disk.lock);
    bool no_room = disk.full && (size_t)at + (size_t)n > f->now.n && !strstr(f->name, "-wal");
    if (disk.cut || no_room) {
        return disk.cut ? SQLITE_IOERR_WRITE : SQLITE_FULL;
    }
    overwrite(&f->now, (size_t)at, p, (size_t)n);
    VEC_ADD(&f->pending, (struct pending){.at = (size_t)at,
                                          .data = {mem_dup(p, (size_t)n), (size_t)n, (size_t)n}});
    return powered() ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct disk_file *f = ((struct open_file *)base)->file;
    LOCK_SCOPE(&disk.lock);
    if (disk.cut) {
        return SQLITE_IOERR_TRUNCATE;
    }
    resize(&f->now, (size_t)size);
    VEC_ADD(&f->pending, (struct pending){.truncation = true, .at = (size_t)size});
    return powered() ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct disk_file *f = ((struct open_file *)base)->file;
    LOCK_SCOPE(&disk.lock);
    if (!powered()) {
        return SQLITE_IOERR_FSYNC;
    }
    if (disk.failing_syncs > 0) {
        disk.failing_syncs--;
        forget_pending(f); /* reads go on seeing them, the disk never will */
        return SQLITE_IOERR_FSYNC;
    }
    for (size_t i = 0; i < f->pending.n; i++) {
        const struct pending *p = &f->pending.at[i];
        if (p->truncation) {
            resize(&f->disk, p->at);
        } else {
            overwrite(&f->disk, p->at, p->data.p, p->data.n);
        }
    }
    forget_pending(f);
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    LOCK_SCOPE(&disk.lock);
    *ret_size = (sqlite3_int64)((struct open_file *)base)->file->now.n;
    return disk.cut ? SQLITE_IOERR_FSTAT : SQLITE_OK;
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
    struct disk_file *f = ((struct open_file *)base)->file;
    LOCK_SCOPE(&disk.lock);
    ASSERT(region < MOST_REGIONS && size == SHM_REGION);
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
    LOCK_SCOPE(&disk.lock);
    bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    if (disk.cut && (flags & SQLITE_SHM_LOCK)) {
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
    LOCK_SCOPE(&disk.lock);
}

/* The last to unmap forgets the index, as the last to close does with the file of the system's VFS. */
static int shm_unmap(sqlite3_file *base, int remove)
{
    struct open_file *o = (struct open_file *)base;
    LOCK_SCOPE(&disk.lock);
    for (int i = 0; i < LOCKS; i++) {
        shm_release(o, i);
    }
    if (o->file->opened == 1) {
        for (size_t i = 0; i < MOST_REGIONS; i++) {
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
    LOCK_SCOPE(&disk.lock);
    struct disk_file *f =
        disk.cut || !name ? NULL : find_file(name, (flags & SQLITE_OPEN_CREATE) != 0);
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
    LOCK_SCOPE(&disk.lock);
    struct disk_file *f = disk.cut ? NULL : find_file(name, false);
    if (f) {
        drop_file(f);
    }
    return f ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_yes)
{
    LOCK_SCOPE(&disk.lock);
    const struct disk_file *f = find_file(name, false);
    *ret_yes = f && (flags != SQLITE_ACCESS_EXISTS || f->now.n > 0);
    return disk.cut ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int size, char *to)
{
    return snprintf(to, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *to)
{
    LOCK_SCOPE(&disk.lock);
    for (int i = 0; i < n; i++) {
        to[i] = (char)store_test_random(&disk.random);
    }
    return n;
}

void power_vfs_reset(uint64_t seed)
{
    if (!disk.ready) {
        lock_init(&disk.lock, LOCK_TEST);
        disk.system = sqlite3_vfs_find(NULL);
        disk.vfs = (sqlite3_vfs){
            .iVersion = 1,
            .szOsFile = sizeof(struct open_file),
            .mxPathname = 255,
            .zName = POWER_VFS,
            .xOpen = vfs_open,
            .xDelete = vfs_delete,
            .xAccess = vfs_access,
            .xFullPathname = vfs_path,
            .xRandomness = vfs_random,
            .xSleep = disk.system->xSleep,
            .xCurrentTime = disk.system->xCurrentTime,
        };
        ASSERT(sqlite3_vfs_register(&disk.vfs, 0) == SQLITE_OK);
        disk.ready = true;
    }
    for (size_t i = 0; i < MOST_FILES; i++) {
        ASSERT(disk.files[i].opened == 0);
        drop_file(&disk.files[i]);
    }
    disk.random = seed;
    disk.countdown = 0;
    disk.failing_syncs = 0;
    disk.full = false;
    disk.cut = false;
}

void power_cut_after(uint64_t n)
{
    LOCK_SCOPE(&disk.lock);
    disk.countdown = n;
}

bool power_is_cut(void)
{
    LOCK_SCOPE(&disk.lock);
    return disk.cut;
}

void power_cut(void)
{
    LOCK_SCOPE(&disk.lock);
    cut_locked();
}

void power_on(void)
{
    LOCK_SCOPE(&disk.lock);
    for (size_t i = 0; i < MOST_FILES; i++) {
        struct disk_file *f = &disk.files[i];
        ASSERT(f->opened == 0);
        assign(&f->now, &f->disk);
    }
    disk.cut = false;
    disk.countdown = 0;
}

void power_fail(unsigned syncs, bool full)
{
    LOCK_SCOPE(&disk.lock);
    disk.failing_syncs = syncs;
    disk.full = full;
}
