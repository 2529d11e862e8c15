/*
 * Faults for codi2, preloaded. FAULT_DEAF=N: of the reads that bring events of inotify every Nth brings none. FAULT_TICK=MS: files'
 * times move on in steps of so many milliseconds, as those of kernels before 6.13 do. FAULT_FLUSH=1: no file system can be flushed.
 * FAULT_LIST=PATH: while a folder stands there, it can be read as far as its first name. FAULT_CROWD=PATH: likewise, it has names without end.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In place of libc's, under their names for the linker alone. */
__attribute__((visibility("default"))) int make_inotify(int flags) __asm__("inotify_init1");
__attribute__((visibility("default"))) ssize_t read_bytes(int fd, void *bytes,
                                                          size_t n) __asm__("read");
__attribute__((visibility("default"))) int look_at(int folder, const char *name, struct stat *facts,
                                                   int flags) __asm__("fstatat");
__attribute__((visibility("default"))) int look_in(int fd, struct stat *facts) __asm__("fstat");

__attribute__((visibility("default"))) int flush_all(int fd) __asm__("syncfs");
__attribute__((visibility("default"))) struct dirent *next_name(DIR *folder) __asm__("readdir64");

static atomic_int inotify = -1;

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : 0;
}

int make_inotify(int flags)
{
    int fd = (int)syscall(SYS_inotify_init1, flags);
    inotify = fd;
    return fd;
}

ssize_t read_bytes(int fd, void *bytes, size_t n)
{
    static atomic_uint count;
    ssize_t got = syscall(SYS_read, fd, bytes, n);
    uint64_t nth = got > 0 && fd == inotify ? number_of("FAULT_DEAF") : 0;
    if (nth == 0 || ++count % nth != 0) {
        return got;
    }
    errno = EAGAIN;
    return -1;
}

static void coarsen(struct timespec *time)
{
    uint64_t tick = number_of("FAULT_TICK") * 1000000;
    if (tick > 0) {
        time->tv_nsec -= (long)((uint64_t)time->tv_nsec % tick);
    }
}

int look_at(int folder, const char *name, struct stat *facts, int flags)
{
    int error = (int)syscall(SYS_newfstatat, folder, name, facts, flags);
    if (error == 0) {
        coarsen(&facts->st_mtim);
        coarsen(&facts->st_ctim);
    }
    return error;
}

int look_in(int fd, struct stat *facts)
{
    return look_at(fd, "", facts, 0x1000 /* AT_EMPTY_PATH */);
}

static bool is_folder(DIR *folder, const char *name)
{
    const char *path = getenv(name);
    struct stat here;
    struct stat there;
    return path && stat(path, &there) == 0 && fstat(dirfd(folder), &here) == 0 &&
           here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

struct dirent *next_name(DIR *folder)
{
    static struct dirent bad = {.d_name = "no//name"}; /* that nobody goes on to look at */
    struct dirent *(*next)(DIR *) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "readdir64");
    struct dirent *entry = next(folder);
    int end = errno; /* 0: the folder's */
    if (entry && entry->d_name[0] != '.' && is_folder(folder, "FAULT_LIST")) {
        errno = EIO;
        return NULL;
    }
    bool goes_on = !entry && is_folder(folder, "FAULT_CROWD");
    errno = end;
    return goes_on ? &bad : entry;
}

int flush_all(int fd)
{
    if (number_of("FAULT_FLUSH") > 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_syncfs, fd);
}
