/*
 * The sqlite driver: the embedded engine.
 *
 * Why SQLite: durable group commits as fast as any engine measured here, no limit on key length, integrity check, online
 * backup, known to every operator.
 *
 * Why this layout (bench/store_layout, its row in docs/benchmarks.md): a table without rowid is one tree to search, and neighbours
 * in key order lie together however they were inserted; scans of a table with rowid take three times as long. But a value that
 * does not fit beside its key drags its page and its overflow into each commit: apart, in order of writing, it saves a third
 * of the bytes and of the processor time of a save, and costs reads and scans of small values nothing. Pages of 8 KiB double
 * what is written.
 *
 * Values of uploads do not go through the log at all: see sqlite_segment.c.
 *
 * Files in the directory: store.db with -wal and -shm, and -1, -2 … which are the segments; lock, held by flock with the pid in
 * it; balloon (sqlite_space.c); store.format1.db, -2 or -3 after a migration, for the operator to delete.
 *
 * The file gives space back (auto_vacuum=INCREMENTAL, in idle moments): on a disk that is almost full deleting would free
 * nothing otherwise.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "store/sqlite_int.h"

enum { BALLOON = 256 << 20, CHECKPOINT = 4 << 20, SEGMENT = 256 << 20 };

static pthread_once_t configured = PTHREAD_ONCE_INIT;

static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* its counters cost a global mutex */
    (void)sqlite3_initialize();
}

/* ---- the directory ------------------------------------------------------------------------------------------------- */

static char *join_path(const char *directory, const char *name)
{
    ARENA_AUTO(a);
    struct str path = arena_printf(&a, "%s/%s", directory, name);
    return mem_dup(path.p, path.n);
}

/* A new file is only there after a power cut when its directory was flushed. */
static int sync_directory(const char *directory)
{
    FD_AUTO int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) != 0 ? ERR_IO : 0;
}

static int make_directory(const char *directory)
{
    if (mkdir(directory, 0700) != 0) {
        return errno == EEXIST ? 0
                               : log_err(err_from_errno(errno), "store", "cannot make %s: %s",
                                         directory, strerror(errno));
    }
    MEM_AUTO char *parent = join_path(directory, "..");
    return sync_directory(parent);
}

static int locked_by_other(int fd, const char *directory)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    size_t digits = n > 0 ? strspn(text, "0123456789") : 0;
    return log_err(ERR_BUSY, "store", "%s is in use by process %.*s", directory, (int)digits, text);
}

/* Holds the directory for this process. The kernel lets go when the process ends, however it ends. */
static int lock_directory(struct store_sqlite *d)
{
    int r = make_directory(d->directory);
    if (r) {
        return r;
    }
    MEM_AUTO char *path = join_path(d->directory, "lock");
    FD_AUTO int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return log_err(ERR_IO, "store", "cannot open %s: %s", path, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? locked_by_other(fd, d->directory) : ERR_IO;
    }
    char pid[32];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || fd_write_all(fd, str_of(pid, (size_t)n)) != 0) {
        log_warn("store", "cannot write the process id into %s",
                 path); /* the lock itself is what counts */
    }
    d->lock_fd = FD_TAKE(fd);
    return 0;
}

/* ---- connecting ---------------------------------------------------------------------------------------------------- */

/* Called by SQLite after each commit of the writer: frames is what the log now holds. */
static int committed(void *self, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    struct store_sqlite *d = self;
    d->wal_frames = frames;
    d->wal_checkpointed = false;
    return SQLITE_OK;
}

/* After the numbers of a failed group none is given twice: they only ever grow. */
static int load_commit_number(struct store_sqlite *d)
{
    ARENA_AUTO(a);
    struct str value;
    int r = store_connection_get(d->writer, &a, STR("meta/commit"), &value);
    if (r == ERR_NOT_FOUND) {
        return 0;
    }
    if (r || value.n != 8) {
        return r ? r : ERR_CORRUPT;
    }
    uint64_t number = store_unbig(value.p, 8);
    d->commit_number = d->commit_number > number ? d->commit_number : number;
    d->stored_commit_number = number;
    return 0;
}

/* Files of numbers above this one. False: there is none. */
static bool lie_beside(const struct store_sqlite *d, int64_t above, uint64_t *ret_bytes)
{
    struct stat info;
    uint64_t number;
    bool some = false;
    DIR *dir = d->vfs ? NULL : opendir(d->directory);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        struct str name = str_from(e->d_name);
        if (str_starts(name, STR("store.db-")) &&
            str_u64(str_slice(name, 9, name.n), INT64_MAX, &number) == 0 &&
            (int64_t)number > above && fstatat(dirfd(dir), e->d_name, &info, 0) == 0) {
            some = true;
            *ret_bytes += (uint64_t)info.st_size;
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
    return some;
}

/* Also behind a gap in the numbers: what is wholly dead is removed all the time. */
static int refuse_older(const struct store_sqlite *d)
{
    ARENA_AUTO(a);
    int64_t given = 0;
    uint64_t bytes = 0;
    int r = store_segment_given(d->writer, &given);
    if (r) {
        return r;
    }
    return lie_beside(d, given, &bytes) && bytes > SQLITE_MOST_LEFT
               ? log_err(ERR_CORRUPT, "store", STORE_OLDER, store_full_path(&a, d->path))
               : 0;
}

/* What lies beside the database: checked, and cut to what was committed. Of a format that this program does not know nothing is
 * touched, now or later: it is refused. */
static int settle_segments(struct store_sqlite *d)
{
    ARENA_AUTO(a);
    struct str value;
    uint64_t format = 0;
    int r = store_connection_get(d->writer, &a, STR("meta/format"), &value);
    if (r && r != ERR_NOT_FOUND) {
        return r;
    }
    bool known = r == 0 && str_u64(value, INT64_MAX, &format) == 0 && format == STORE_FORMAT;
    if (r == ERR_NOT_FOUND) {
        int64_t keys = 0;
        r = store_connection_number(d->writer, "SELECT EXISTS (SELECT 1 FROM kv)", &keys);
        known = r == 0 && !keys;
    }
    if (r || !known) {
        return r;
    }
    r = store_segment_check(d->writer);
    r = r ? r : refuse_older(d);
    if (r == 0 && !d->no_sync) { /* who flushes nothing writes into the database alone */
        r = store_segment_settle(&d->segment, d->writer);
        d->writer->segment = &d->segment;
    }
    return r;
}

static int connect_once(struct store_sqlite *d)
{
    ASSERT(!d->writer);
    const struct store_connection_options options = {
        .path = d->path,
        .vfs = d->no_sync ? d->vfs : store_combining_vfs(d->vfs),
        .disk = d->disk,
        .writer = true,
        .no_sync = d->no_sync,
    };
    int r = store_connection_open(&options, &d->writer);
    if (r == 0) {
        r = store_sqlite_settle_log(d);
    }
    if (r == 0) {
        (void)sqlite3_wal_hook(d->writer->db, committed, d);
        r = load_commit_number(d);
    }
    r = r ? r : settle_segments(d);
    if (r) {
        store_segment_close(&d->segment);
        store_connection_close(d->writer);
        d->writer = NULL;
        return r;
    }
    d->keeps_garbage = !d->writer->segment;
    store_readers_open(&d->readers);
    return 0;
}

/* On a disk that is full to its last byte there is no room for what SQLite makes then: the reserve is for that, too. */
int store_sqlite_connect(struct store_sqlite *d)
{
    int r = connect_once(d);
    if (r == ERR_NO_SPACE && d->space.inflated) {
        store_space_hit(&d->space);
        r = connect_once(d);
    }
    return r;
}

void store_sqlite_disconnect(struct store_sqlite *d)
{
    store_readers_close(&d->readers);
    store_segment_close(&d->segment);
    store_connection_close(d->writer);
    d->writer = NULL;
}

/* ---- the driver ---------------------------------------------------------------------------------------------------- */

static void sqlite_close(void *self)
{
    struct store_sqlite *d = self;
    if (d->thread_started) {
        lock_take(&d->queue.lock);
        d->queue.stop = true;
        lock_cond_signal(&d->queue.changed);
        lock_release(&d->queue.lock);
        (void)pthread_join(d->thread, NULL);
    }
    store_sqlite_empty_log(d);
    store_sqlite_disconnect(d);
    store_queue_fini(&d->queue);
    store_readers_fini(&d->readers);
    store_space_fini(&d->space);
    fd_close(&d->lock_fd);
    mem_free(d->vfs);
    mem_free(d->path);
    mem_free(d->directory);
    mem_free(d);
}

static struct store_sqlite *make(const struct store_options *options)
{
    struct store_sqlite *d = MEM_NEW(struct store_sqlite);
    d->directory = mem_dup(options->directory, strlen(options->directory));
    d->path = join_path(d->directory, "store.db");
    d->vfs = options->sqlite_vfs ? mem_dup(options->sqlite_vfs, strlen(options->sqlite_vfs)) : NULL;
    d->no_sync = options->unsafe_no_sync;
    d->early = options->unsafe_early;
    d->wal_limit = (int)((options->checkpoint ? options->checkpoint : CHECKPOINT) / SQLITE_PAGE);
    d->disk = options->disk ? options->disk : &store_system_disk;
    d->segment = (struct store_segment){
        .disk = d->disk,
        .path = d->path,
        .most = options->segment ? options->segment : SEGMENT,
        .file = -1,
    };
    d->lock_fd = -1;
    store_queue_init(&d->queue);
    store_readers_init(&d->readers);
    store_space_init(&d->space, d->directory, options->balloon ? options->balloon : BALLOON);
    return d;
}

/* Without the database nobody knows what its files are: they are not taken for what a crash left of a new store. */
static int refuse_remains(const struct store_sqlite *d)
{
    struct stat info;
    uint64_t bytes = 0;
    if ((stat(d->path, &info) == 0 && info.st_size > 0) || !lie_beside(d, 0, &bytes)) {
        return 0;
    }
    ARENA_AUTO(a);
    const char *path = store_full_path(&a, d->path);
    return log_err(ERR_CORRUPT, "store",
                   "%s is missing or empty, and %s-*, which are part of a store, are there: put "
                   "all store.db* of one moment there, or move them away and restore a backup",
                   path, path);
}

static int sqlite_open(const struct store_options *options, void **ret_self)
{
    ASSERT(options->directory != NULL);
    (void)pthread_once(&configured, configure);
    struct store_sqlite *d = make(options);
    int r = lock_directory(d);
    if (r == 0) {
        r = refuse_remains(d);
    }
    if (r == 0) {
        r = store_sqlite_migrate(d);
    }
    if (r == 0) {
        store_space_inflate(&d->space);
        r = store_sqlite_connect(d);
    }
    if (r == 0) {
        r = sync_directory(d->directory);
    }
    if (r == 0) {
        r = pthread_create(&d->thread, NULL, store_writer_main, d) == 0 ? 0 : ERR_IO;
        d->thread_started = r == 0;
    }
    if (r) {
        sqlite_close(d);
        return r;
    }
    *ret_self = d;
    return 0;
}

static int sqlite_read(void *self, struct txn *txn)
{
    struct store_connection *c;
    int r = store_readers_take(self, &c);
    if (r) {
        return r;
    }
    txn->view = c;
    (void)store_txn_run(txn);
    store_readers_give(self, c);
    return 0;
}

static int sqlite_write(void *self, struct txn *txn)
{
    return store_writer_submit(self, txn);
}

static int sqlite_get(struct txn *txn, struct str key, struct str *ret_value)
{
    int r = store_connection_get(txn->view, &txn->arena, key, ret_value);
    return r == ERR_IO ? ERR_UNAVAILABLE : r;
}

static int sqlite_scan(struct txn *txn, const struct store_range *range,
                       struct store_pair **ret_pairs, size_t *ret_count)
{
    struct store_pairs pairs = {0};
    int r = store_connection_scan(txn->view, &txn->arena, range, &pairs);
    if (r) {
        return r == ERR_IO ? ERR_UNAVAILABLE : r;
    }
    *ret_pairs = pairs.at;
    *ret_count = pairs.n;
    return 0;
}

static void sqlite_stats(void *self, struct store_stats *stats)
{
    const struct store_sqlite *d = self;
    stats->commits += d->commits;
    stats->waiting += d->queue.waiting;
    stats->disk_full = d->space.full;
}

/* Inode and birth of the database; not the device, whose number a new start of the machine may change. */
static uint64_t sqlite_place(void *self)
{
    const struct store_sqlite *d = self;
    struct statx facts;
    if (statx(AT_FDCWD, d->path, 0, STATX_INO | STATX_BTIME, &facts) < 0) {
        return 0; /* a file of a VFS of tests */
    }
    uint64_t born = (uint64_t)facts.stx_btime.tv_sec * 1000000000U + facts.stx_btime.tv_nsec;
    born = facts.stx_mask & STATX_BTIME ? born : 0;
    return (facts.stx_ino * 0x9e3779b97f4a7c15U ^ born) >> 1;
}

const struct store_driver store_sqlite = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .read = sqlite_read,
    .write = sqlite_write,
    .get = sqlite_get,
    .scan = sqlite_scan,
    .stats = sqlite_stats,
    .place = sqlite_place,
};
