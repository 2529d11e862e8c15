#include "power_disk.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/mem.h"
#include "power_files.h"

enum { MOST_OPEN = 64 };

static _Atomic(sqlite3_file *) open_files[MOST_OPEN];
static atomic_uint reads, flushes, punches, removals;
static atomic_uint until_failure, gap, roomless;
static _Atomic(enum power_lie) lie;
static atomic_int refusal;

static int code_of(int r)
{
    return r == SQLITE_OK ? 0 : r == SQLITE_FULL ? ERR_NO_SPACE : ERR_IO;
}

static bool fails(void)
{
    unsigned left = until_failure;
    while (left > 0 && !atomic_compare_exchange_weak(&until_failure, &left,
                                                     left > 1 ? left - 1 : atomic_load(&gap))) {
    }
    if (left == 1) {
        gap = 0;
    }
    return left == 1;
}

static bool finds_no_room(void)
{
    unsigned left = roomless;
    while (left > 0 && !atomic_compare_exchange_weak(&roomless, &left, left - 1)) {
    }
    return left > 0;
}

static int power_open(const char *path, bool write, int *ret_file)
{
    if (fails()) {
        return ERR_IO;
    }
    sqlite3_vfs *vfs = sqlite3_vfs_find(POWER_VFS);
    sqlite3_file *file = mem_alloc((size_t)vfs->szOsFile);
    int flags = SQLITE_OPEN_WAL | (write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    if (vfs->xOpen(vfs, path, file, flags, NULL) != SQLITE_OK) {
        mem_free(file);
        return power_is_cut() ? ERR_IO : ERR_NOT_FOUND;
    }
    for (int i = 0; i < MOST_OPEN; i++) {
        sqlite3_file *none = NULL;
        if (atomic_compare_exchange_strong(&open_files[i], &none, file)) {
            *ret_file = i;
            return 0;
        }
    }
    UNREACHABLE();
}

static int make_named(const char *path)
{
    LOCK_SCOPE(&power_files.lock);
    int r = power_file_make(path);
    return r == SQLITE_OK ? 0 : power_files.cut ? ERR_IO : ERR_EXISTS;
}

static int power_make(const char *path, int *ret_file)
{
    if (fails()) {
        return ERR_NO_SPACE;
    }
    int r = make_named(path);
    return r ? r : power_open(path, /* write= */ true, ret_file);
}

static int power_flush_names(const char *path)
{
    (void)path;
    if (fails()) {
        return ERR_IO;
    }
    LOCK_SCOPE(&power_files.lock);
    return lie == POWER_LIES_OF_NAMES ? 0 : code_of(power_file_sync_names());
}

static void power_close(int at)
{
    sqlite3_file *file = atomic_exchange(&open_files[at], NULL);
    (void)file->pMethods->xClose(file);
    mem_free(file);
}

static int power_size(int at, uint64_t *ret_size)
{
    sqlite3_file *file = open_files[at];
    sqlite3_int64 size = 0;
    int r = fails() ? SQLITE_IOERR_FSTAT : file->pMethods->xFileSize(file, &size);
    *ret_size = (uint64_t)size;
    return code_of(r);
}

static int power_read(int at, void *to, size_t n, uint64_t from)
{
    sqlite3_file *file = open_files[at];
    reads++;
    if (fails()) {
        return ERR_IO;
    }
    int r = file->pMethods->xRead(file, to, (int)n, (sqlite3_int64)from);
    return r == SQLITE_IOERR_SHORT_READ ? ERR_CORRUPT : code_of(r);
}

static int power_write(int at, struct str bytes, uint64_t to)
{
    sqlite3_file *file = open_files[at];
    if (fails()) {
        return ERR_NO_SPACE;
    }
    return code_of(file->pMethods->xWrite(file, bytes.p, (int)bytes.n, (sqlite3_int64)to));
}

static int power_flush(int at)
{
    sqlite3_file *file = open_files[at];
    flushes++;
    if (finds_no_room()) {
        return ERR_NO_SPACE;
    }
    if (fails()) {
        return ERR_IO;
    }
    return lie == POWER_LIES_OF_BYTES ? 0
                                      : code_of(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL));
}

static int power_cut_file(int at, uint64_t size)
{
    sqlite3_file *file = open_files[at];
    if (fails()) {
        return ERR_IO;
    }
    return code_of(file->pMethods->xTruncate(file, (sqlite3_int64)size));
}

/* Never beyond the file's end, as on a real disk. */
static int power_punch(int at, uint64_t from, uint64_t n)
{
    sqlite3_file *file = open_files[at];
    sqlite3_int64 size = 0;
    punches++;
    if (refusal) {
        return refusal;
    }
    int r = file->pMethods->xFileSize(file, &size);
    if (r != SQLITE_OK || from >= (uint64_t)size) {
        return code_of(r);
    }
    n = from + n > (uint64_t)size ? (uint64_t)size - from : n;
    MEM_AUTO char *zeros = mem_alloc(n);
    memset(zeros, 0, n);
    return power_write(at, str_of(zeros, n), from);
}

static int power_remove(const char *path)
{
    if (fails()) {
        return ERR_IO;
    }
    LOCK_SCOPE(&power_files.lock);
    int r = power_file_remove(path);
    removals += r == SQLITE_OK;
    return r == SQLITE_CANTOPEN && !power_files.cut ? ERR_NOT_FOUND : code_of(r);
}

const struct store_disk power_disk = {
    .open = power_open,
    .make = power_make,
    .close = power_close,
    .size = power_size,
    .read = power_read,
    .write = power_write,
    .flush = power_flush,
    .cut = power_cut_file,
    .punch = power_punch,
    .remove = power_remove,
    .flush_names = power_flush_names,
};

struct power_disk_counts power_disk_take(void)
{
    return (struct power_disk_counts){
        .reads = atomic_exchange(&reads, 0),
        .flushes = atomic_exchange(&flushes, 0),
        .punches = atomic_exchange(&punches, 0),
        .removals = atomic_exchange(&removals, 0),
    };
}

bool power_disk_fail(unsigned n, unsigned then)
{
    gap = then;
    return atomic_exchange(&until_failure, n) == 0;
}

void power_disk_fill(unsigned n)
{
    roomless = n;
}

void power_disk_refuse(int code)
{
    refusal = code;
}

void power_disk_lie(enum power_lie what)
{
    lie = what;
}
