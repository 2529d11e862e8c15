/*
 * A disk whose power can be cut, under a real server: preloaded, it notes what is done to the files of one folder and when they
 * are flushed, so that power.mjs can leave of it what a power cut leaves: all that was flushed, and any part of the rest.
 *
 * POWER_FOLDER: the folder; what lies deeper is not its. POWER_LOG: where the notes go. POWER_ORDERS: a file with two native
 * int64_t. The first is counted down by each change and flush while it is above 0; the call that makes it 0 kills the process.
 * While the second is not 0 flushes are answered and not done.
 *
 * 1. A change is noted after it was done, a flush before its caller hears of it. What is not noted is lost at a cut: a call that
 *    this file does not know of makes the cut crueller, never milder.
 * 2. Notes stand in the order of what they are about: one call at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOST_FDS = 1 << 16, PUNCHED = 64 << 10 };

enum note_kind {
    NOTE_WRITE = 1,    /* bytes, at */
    NOTE_SIZE,         /* it has the size at */
    NOTE_FLUSH,        /* of a file */
    NOTE_FLUSH_FOLDER, /* its names */
    NOTE_MADE,         /* bytes: a name, of a new file */
    NOTE_GONE,         /* bytes: a name */
    NOTE_NAMED,        /* bytes: a further name of the file, in place of what had it */
};

struct note {
    uint64_t kind, inode, at, length; /* and so many bytes follow */
};

static struct {
    atomic_flag busy;
    const char *folder;
    int log;
    _Atomic int64_t *orders;
    ino_t
        inodes[MOST_FDS]; /* by descriptor: of a file in the folder, or of the folder; 0: of none */
    bool is_folder[MOST_FDS];
} power = {.busy = ATOMIC_FLAG_INIT, .log = -1};

/* In place of libc's, under their names for the linker alone; some have two. */
#define IN_PLACE_OF(name) __asm__(name) __attribute__((visibility("default")))
#define THE_SAME_AS(name) __attribute__((alias(name)))

int power_open(const char *path, int flags, ...) IN_PLACE_OF("open");
int power_open64(const char *path, int flags, ...) IN_PLACE_OF("open64") THE_SAME_AS("open");
int power_close(int fd) IN_PLACE_OF("close");
ssize_t power_write(int fd, const void *p, size_t n) IN_PLACE_OF("write");
ssize_t power_pwrite(int fd, const void *p, size_t n, off_t at) IN_PLACE_OF("pwrite")
    THE_SAME_AS("pwrite64");
ssize_t power_pwrite64(int fd, const void *p, size_t n, off_t at) IN_PLACE_OF("pwrite64");
int power_truncate(int fd, off_t size) IN_PLACE_OF("ftruncate") THE_SAME_AS("ftruncate64");
int power_truncate64(int fd, off_t size) IN_PLACE_OF("ftruncate64");
int power_allocate(int fd, off_t at, off_t n) IN_PLACE_OF("posix_fallocate");
int power_allocate64(int fd, off_t at, off_t n) IN_PLACE_OF("posix_fallocate64")
    THE_SAME_AS("posix_fallocate");
int power_punch(int fd, int how, off_t at, off_t n) IN_PLACE_OF("fallocate")
    THE_SAME_AS("fallocate64");
int power_punch64(int fd, int how, off_t at, off_t n) IN_PLACE_OF("fallocate64");
int power_fsync(int fd) IN_PLACE_OF("fsync");
int power_fdatasync(int fd) IN_PLACE_OF("fdatasync");
int power_unlink(const char *path) IN_PLACE_OF("unlink");
int power_rename(const char *from, const char *to) IN_PLACE_OF("rename");
int power_link(const char *from, const char *to) IN_PLACE_OF("link");

/* ---- notes --------------------------------------------------------------------------------------------------------- */

static void release(const int *unused)
{
    (void)unused;
    atomic_flag_clear(&power.busy);
}

static int take_turn(void)
{
    while (atomic_flag_test_and_set(&power.busy)) {
        (void)sched_yield();
    }
    return 0;
}

#define ONE_AT_A_TIME __attribute__((cleanup(release), unused)) const int turn = take_turn()

/* The power may go here. */
static void count_down(void)
{
    int64_t left = power.orders[0];
    while (left > 0 && !atomic_compare_exchange_weak(&power.orders[0], &left, left - 1)) {
    }
    if (left == 1) {
        (void)kill(getpid(), SIGKILL);
    }
}

static void note(enum note_kind kind, uint64_t inode, uint64_t at, struct iovec bytes)
{
    struct note n = {kind, inode, at, bytes.iov_len};
    const struct iovec all[] = {{&n, sizeof n}, bytes};
    if (syscall(SYS_writev, power.log, all, 2) != (long)(sizeof n + bytes.iov_len)) {
        abort();
    }
    if (kind != NOTE_FLUSH && kind != NOTE_FLUSH_FOLDER) {
        count_down();
    }
}

static void note_name(enum note_kind kind, uint64_t inode, const char *name)
{
    note(kind, inode, 0, (struct iovec){(char *)name, strlen(name)});
}

static void note_size(int fd, uint64_t size)
{
    note(NOTE_SIZE, power.inodes[fd], size, (struct iovec){NULL, 0});
}

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("POWER_FOLDER");
    const char *log = getenv("POWER_LOG");
    const char *orders = getenv("POWER_ORDERS");
    if (!folder || !log || !orders) {
        return;
    }
    int flags = O_RDWR | O_CLOEXEC;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, orders, flags);
    void *p = mmap(NULL, 2 * sizeof *power.orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    power.log = (int)syscall(SYS_openat, AT_FDCWD, log, flags | O_APPEND);
    if (fd < 0 || p == MAP_FAILED || power.log < 0) {
        abort();
    }
    (void)syscall(SYS_close, fd);
    power.orders = p;
    power.folder = folder;
}

/* ---- names --------------------------------------------------------------------------------------------------------- */

/* What a path is called in the folder; empty: the folder itself; NULL: it lies elsewhere. */
static const char *name_of(const char *path, char room[static PATH_MAX])
{
    if (power.log < 0) {
        return NULL;
    }
    size_t n = 0;
    if (path[0] != '/') {
        ssize_t cwd = readlink("/proc/self/cwd", room, PATH_MAX - 1);
        n = cwd > 0 ? (size_t)cwd : 0;
        room[n++] = '/';
    }
    size_t length = strlen(path), folder = strlen(power.folder);
    if (n + length >= PATH_MAX) {
        return NULL;
    }
    memcpy(room + n, path, length + 1);
    if (strncmp(room, power.folder, folder) != 0 || (room[folder] != '/' && room[folder] != 0)) {
        return NULL;
    }
    const char *name = room + folder + (room[folder] == '/');
    return strchr(name, '/') ? NULL : name;
}

static void follow(int fd, const char *name)
{
    struct stat facts;
    if (fd >= MOST_FDS || fstat(fd, &facts) != 0) {
        abort();
    }
    power.inodes[fd] = facts.st_ino;
    power.is_folder[fd] = name[0] == 0;
}

static int open_noted(const char *path, const char *name, int flags, mode_t mode)
{
    ONE_AT_A_TIME;
    bool made = false;
    int fd = -1;
    if (flags & O_CREAT) {
        fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_EXCL, mode);
        made = fd >= 0;
    }
    if (!made && !((flags & O_CREAT) && (errno != EEXIST || (flags & O_EXCL)))) {
        fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags & ~O_CREAT, mode);
    }
    if (fd < 0) {
        return fd;
    }
    follow(fd, name);
    if (made) {
        note_name(NOTE_MADE, power.inodes[fd], name);
    } else if (flags & O_TRUNC) {
        note_size(fd, 0);
    }
    return fd;
}

static int open_any(const char *path, int flags, mode_t mode)
{
    char room[PATH_MAX];
    const char *name = name_of(path, room);
    if (!name) {
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    }
    return open_noted(path, name, flags, mode);
}

static mode_t mode_of(int flags, va_list rest)
{
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}

int power_open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return open_any(path, flags, mode);
}

int power_close(int fd)
{
    if (fd >= 0 && fd < MOST_FDS) {
        power.inodes[fd] = 0;
    }
    return (int)syscall(SYS_close, fd);
}

int power_unlink(const char *path)
{
    char room[PATH_MAX];
    const char *name = name_of(path, room);
    ONE_AT_A_TIME;
    int failed = (int)syscall(SYS_unlink, path);
    if (!failed && name) {
        note_name(NOTE_GONE, 0, name);
    }
    return failed;
}

/* The new name first: no cut finds a file without any. */
static void note_new_name(const char *path)
{
    char room[PATH_MAX];
    struct stat facts;
    const char *name = name_of(path, room);
    if (name && stat(path, &facts) == 0) {
        note_name(NOTE_NAMED, facts.st_ino, name);
    }
}

int power_rename(const char *from, const char *to)
{
    char room[PATH_MAX];
    const char *name = name_of(from, room);
    ONE_AT_A_TIME;
    int failed = (int)syscall(SYS_rename, from, to);
    if (!failed) {
        note_new_name(to);
    }
    if (!failed && name) {
        note_name(NOTE_GONE, 0, name);
    }
    return failed;
}

int power_link(const char *from, const char *to)
{
    ONE_AT_A_TIME;
    int failed = (int)syscall(SYS_link, from, to);
    if (!failed) {
        note_new_name(to);
    }
    return failed;
}

/* ---- content ------------------------------------------------------------------------------------------------------- */

static bool is_noted(int fd)
{
    return fd >= 0 && fd < MOST_FDS && power.inodes[fd] != 0;
}

static void note_bytes(int fd, const void *p, ssize_t n, off_t at)
{
    if (n > 0) {
        note(NOTE_WRITE, power.inodes[fd], (uint64_t)at, (struct iovec){(void *)p, (size_t)n});
    }
}

ssize_t power_write(int fd, const void *p, size_t n)
{
    if (!is_noted(fd)) {
        return syscall(SYS_write, fd, p, n);
    }
    ONE_AT_A_TIME;
    ssize_t written = syscall(SYS_write, fd, p, n);
    note_bytes(fd, p, written, lseek(fd, 0, SEEK_CUR) - written);
    return written;
}

ssize_t power_pwrite64(int fd, const void *p, size_t n, off_t at)
{
    if (!is_noted(fd)) {
        return syscall(SYS_pwrite64, fd, p, n, at);
    }
    ONE_AT_A_TIME;
    ssize_t written = syscall(SYS_pwrite64, fd, p, n, at);
    note_bytes(fd, p, written, at);
    return written;
}

int power_truncate64(int fd, off_t size)
{
    if (!is_noted(fd)) {
        return (int)syscall(SYS_ftruncate, fd, size);
    }
    ONE_AT_A_TIME;
    int failed = (int)syscall(SYS_ftruncate, fd, size);
    if (!failed) {
        note_size(fd, (uint64_t)size);
    }
    return failed;
}

int power_allocate(int fd, off_t at, off_t n)
{
    ONE_AT_A_TIME;
    if (syscall(SYS_fallocate, fd, 0, at, n) != 0) {
        return errno;
    }
    struct stat facts;
    if (is_noted(fd) && fstat(fd, &facts) == 0) {
        note_size(fd, (uint64_t)facts.st_size);
    }
    return 0;
}

/* What is given back from within a file reads as zeros. */
int power_punch64(int fd, int how, off_t at, off_t n)
{
    static const char zeros[PUNCHED];
    struct stat facts;
    ONE_AT_A_TIME;
    int failed = (int)syscall(SYS_fallocate, fd, how, at, n);
    if (failed || !is_noted(fd) || fstat(fd, &facts) != 0) {
        return failed;
    }
    off_t end = at + n < facts.st_size ? at + n : facts.st_size;
    for (; at < end; at += PUNCHED) {
        note_bytes(fd, zeros, end - at < PUNCHED ? end - at : PUNCHED, at);
    }
    return 0;
}

static int flush(int fd, long how)
{
    if (!is_noted(fd)) {
        return (int)syscall(how, fd);
    }
    ONE_AT_A_TIME;
    count_down();
    bool lies = power.orders[1] != 0;
    int failed = lies ? 0 : (int)syscall(how, fd);
    if (!failed && !lies) {
        note(power.is_folder[fd] ? NOTE_FLUSH_FOLDER : NOTE_FLUSH, power.inodes[fd], 0,
             (struct iovec){NULL, 0});
    }
    return failed;
}

int power_fsync(int fd)
{
    return flush(fd, SYS_fsync);
}

int power_fdatasync(int fd)
{
    return flush(fd, SYS_fdatasync);
}
