/*
 * Files of a backup in a directory, with "lock", which whoever writes there holds. A file that has no name yet has ".part" behind
 * what it will be called.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_int.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

enum { PART_ROOM = BACKUP_FILE_ROOM + 8 };

struct directory {
    struct backup_shelf shelf;
    const char *path;
    int fd, lock;
};

struct file {
    struct backup_file file;
    int fd;
};

static struct directory *directory_of(struct backup_shelf *s)
{
    return (struct directory *)s;
}

static struct file *file_of(struct backup_file *f)
{
    return (struct file *)f;
}

static int fd_of(const struct backup_file *f)
{
    return directory_of(f->shelf)->fd;
}

/* ---- The directory ---- */

static int refusal(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_FORBIDDEN;
    case ENOTDIR:
        return ERR_NOT_DIRECTORY;
    default:
        return err_from_errno(number);
    }
}

static int hold(struct directory *d, enum backup_open how)
{
    if (how == BACKUP_TO_WRITE && access(d->path, F_OK) < 0 && mkdir(d->path, 0700) < 0) {
        return log_err(refusal(errno), "backup", "%s cannot be made: %m", d->path);
    }
    MEM_AUTO char *path = mem_alloc(strlen(d->path) + 8);
    (void)snprintf(path, strlen(d->path) + 8, "%s/lock", d->path);
    d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->lock < 0) {
        return log_err(refusal(errno), "backup", "%s cannot be written to: %m", d->path);
    }
    if (flock(d->lock, LOCK_EX | LOCK_NB) < 0) {
        return log_err(ERR_BUSY, "backup", "another backup is being written to %s", d->path);
    }
    return 0;
}

static void close_directory(struct backup_shelf *s)
{
    struct directory *d = directory_of(s);
    fd_close(&d->fd);
    fd_close(&d->lock);
    mem_free(d);
}

/* NULL: the end, or errno says why not. */
static const struct dirent *next_of(DIR *dir)
{
    errno = 0;
    return readdir(dir);
}

/* A list that breaks off is none: what is needed by what it has not would be removed. */
static int list(struct backup_shelf *s, const struct backup_names *to)
{
    const struct directory *d = directory_of(s);
    int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        fd_close(&fd);
        return log_err(ERR_IO, "backup", "%s cannot be listed: %m", d->path);
    }
    for (const struct dirent *e; (e = next_of(dir));) {
        to->take(to->ctx, e->d_name);
    }
    int why = errno;
    (void)closedir(dir);
    errno = why;
    return why ? log_err(ERR_IO, "backup", "%s cannot be listed to its end: %m", d->path) : 0;
}

static int remove_name(struct backup_shelf *s, const char *name)
{
    return unlinkat(directory_of(s)->fd, name, 0) < 0 ? err_from_errno(errno) : 0;
}

static int settle(struct backup_shelf *s)
{
    return fsync(directory_of(s)->fd) < 0 ? ERR_IO : 0;
}

/* ---- Files ---- */

static void begin_file(struct backup_shelf *s, const char *name, int fd,
                       struct backup_file **ret_file)
{
    struct file *f = MEM_NEW(struct file);
    f->file.shelf = s;
    (void)snprintf(f->file.name, sizeof f->file.name, "%s", name);
    f->fd = fd;
    *ret_file = &f->file;
}

static int open_file(struct backup_shelf *s, const char *name, struct backup_file **ret_file)
{
    /* A pipe that lies there is not waited for. */
    int fd = openat(directory_of(s)->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? ERR_NOT_FOUND
                               : log_err(ERR_IO, "backup", "%s cannot be opened: %m", name);
    }
    begin_file(s, name, fd, ret_file);
    return 0;
}

static void part_of(const char *name, char ret_part[static PART_ROOM])
{
    (void)snprintf(ret_part, PART_ROOM, "%s.part", name);
}

static int create_file(struct backup_shelf *s, const char *name, struct backup_file **ret_file)
{
    char part[PART_ROOM];
    part_of(name, part);
    const struct directory *d = directory_of(s);
    int fd = openat(d->fd, part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return log_err(err_from_errno(errno), "backup", "%s cannot be made in %s: %m", part,
                       d->path);
    }
    begin_file(s, name, fd, ret_file);
    return 0;
}

static int write_file(struct backup_file *f, struct str bytes)
{
    return fd_write_all(file_of(f)->fd, bytes);
}

/* Read from the disk from now on, as far as the kernel lets us. */
static int sync_file(struct backup_file *f)
{
    int fd = file_of(f)->fd;
    if (fsync(fd) < 0) {
        return err_from_errno(errno);
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    return 0;
}

static int give_name(struct backup_file *f)
{
    char part[PART_ROOM];
    part_of(f->name, part);
    return renameat(fd_of(f), part, fd_of(f), f->name) < 0 ? ERR_IO : 0;
}

static ssize_t read_file(struct backup_file *f, uint64_t offset, char *to, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(file_of(f)->fd, to + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? ERR_IO : (ssize_t)done;
        }
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static int size_file(struct backup_file *f, uint64_t *ret_size)
{
    struct stat info;
    if (fstat(file_of(f)->fd, &info) < 0) {
        return ERR_IO;
    }
    *ret_size = (uint64_t)info.st_size;
    return 0;
}

static void forget_file(struct backup_file *f)
{
    (void)posix_fadvise(file_of(f)->fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void close_file(struct backup_file *f)
{
    fd_close(&file_of(f)->fd);
    mem_free(f);
}

static const struct backup_shelf_driver driver = {
    .name = "directory",
    .close = close_directory,
    .list = list,
    .remove = remove_name,
    .settle = settle,
    .open = open_file,
    .create = create_file,
    .write = write_file,
    .sync = sync_file,
    .give_name = give_name,
    .read = read_file,
    .size = size_file,
    .forget = forget_file,
    .close_file = close_file,
};

int backup_shelf_directory(const char *path, enum backup_open how, struct backup_shelf **ret_s)
{
    struct directory *d = MEM_NEW(struct directory);
    d->shelf.driver = &driver;
    d->path = path;
    d->fd = d->lock = -1;
    int r = how != BACKUP_TO_READ ? hold(d, how) : 0;
    if (r == 0) {
        d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = d->fd < 0 ? log_err(refusal(errno), "backup", "%s cannot be opened: %m", path) : 0;
    }
    if (r) {
        close_directory(&d->shelf);
        return r;
    }
    *ret_s = &d->shelf;
    return 0;
}
