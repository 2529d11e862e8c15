/* Where files of large values lie: the system's disk. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/sqlite_int.h"

const char *store_full_path(struct arena *a, const char *path)
{
    char here[PATH_MAX];
    return path[0] == '/' || !getcwd(here, sizeof here) ? path
                                                        : arena_printf(a, "%s/%s", here, path).p;
}

static int open_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    MEM_AUTO char *directory = slash ? mem_dup(path, (size_t)(slash - path)) : mem_dup(".", 1);
    return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Of a write or a flush: some disks find only then that there is no room (a quota, blocks that are given late). */
static int no_space_or_io(void)
{
    return err_from_errno(errno) == ERR_NO_SPACE ? ERR_NO_SPACE : ERR_IO;
}

static int disk_flush_names(const char *path)
{
    FD_AUTO int fd = open_directory_of(path);
    return fd >= 0 && fsync(fd) == 0 ? 0 : no_space_or_io();
}

/* Of the directory's owner, also when an operator's root makes it: SQLite does the same for the log. */
static int disk_make(const char *path, int *ret_file)
{
    FD_AUTO int directory = open_directory_of(path);
    FD_AUTO int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct stat owner;
    if (fd < 0) {
        return err_from_errno(errno);
    }
    if (directory < 0 || fstat(directory, &owner) != 0 ||
        (geteuid() == 0 && fchown(fd, owner.st_uid, owner.st_gid) != 0)) {
        return ERR_IO;
    }
    *ret_file = FD_TAKE(fd);
    return 0;
}

static int disk_open(const char *path, bool write, int *ret_file)
{
    int fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0) {
        return err_from_errno(errno);
    }
    *ret_file = fd;
    return 0;
}

static void disk_close(int file)
{
    fd_close(&file);
}

static int disk_size(int file, uint64_t *ret_size)
{
    struct stat info;
    if (fstat(file, &info) != 0) {
        return ERR_IO;
    }
    *ret_size = (uint64_t)info.st_size;
    return 0;
}

static int disk_read(int file, void *to, size_t n, uint64_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(file, (char *)to + done, n - done, (off_t)(at + done));
        if (got < 0 && errno != EINTR) {
            return ERR_IO;
        }
        if (got == 0) {
            return ERR_CORRUPT;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int disk_write(int file, struct str bytes, uint64_t at)
{
    for (size_t done = 0; done < bytes.n;) {
        ssize_t put = pwrite(file, bytes.p + done, bytes.n - done, (off_t)(at + done));
        if (put < 0 && errno != EINTR) {
            return no_space_or_io();
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static int disk_flush(int file)
{
    return fdatasync(file) == 0 ? 0 : no_space_or_io();
}

static int disk_cut(int file, uint64_t size)
{
    return ftruncate(file, (off_t)size) == 0 ? 0 : ERR_IO;
}

static int disk_punch(int file, uint64_t at, uint64_t n)
{
    int how = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (fallocate(file, how, (off_t)at, (off_t)n) == 0) {
        return 0;
    }
    return errno == EOPNOTSUPP || errno == ENOSYS ? ERR_UNAVAILABLE : err_from_errno(errno);
}

static int disk_remove(const char *path)
{
    return unlink(path) == 0 ? 0 : err_from_errno(errno);
}

const struct store_disk store_system_disk = {
    .open = disk_open,
    .make = disk_make,
    .close = disk_close,
    .size = disk_size,
    .read = disk_read,
    .write = disk_write,
    .flush = disk_flush,
    .cut = disk_cut,
    .punch = disk_punch,
    .remove = disk_remove,
    .flush_names = disk_flush_names,
};
