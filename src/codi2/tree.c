#include "codi2/tree_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/time.h"
#include "base/vec.h"

int codi2_tree_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:
    case ENAMETOOLONG:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ERR_FORBIDDEN;
    default:
        return err_from_errno(number);
    }
}

static int open_below(int folder, struct str path, int flags)
{
    char text[CONTENT_MAX_PATH + 1];
    memcpy(text, path.n ? path.p : ".", path.n ? path.n : 1);
    text[path.n ? path.n : 1] = '\0';
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                           .resolve =
                               RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, folder, text, &how, sizeof how);
}

/* The longest path is one byte more than the kernel takes. */
int codi2_tree_open_beneath(const struct codi2_tree *t, struct str path, int flags)
{
    struct str folder;
    struct str name;
    if (path.n > CONTENT_MAX_PATH) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (path.n < PATH_MAX) {
        return open_below(t->fd, path, flags);
    }
    content_path_split(path, &folder, &name);
    int above = open_below(t->fd, folder, O_PATH | O_DIRECTORY);
    int fd = above < 0 ? -1 : open_below(above, name, flags);
    int error = errno;
    fd_close(&above);
    errno = error;
    return fd;
}

int codi2_tree_open_parent(const struct codi2_tree *t, struct str path, int *ret_folder,
                           char ret_name[static CONTENT_MAX_NAME + 1])
{
    struct str folder;
    struct str name;
    ASSERT(path.n > 0);
    content_path_split(path, &folder, &name);
    if (name.n > CONTENT_MAX_NAME) {
        return ERR_NOT_FOUND;
    }
    int fd = codi2_tree_open_beneath(t, folder, O_PATH | O_DIRECTORY);
    if (fd < 0) {
        return codi2_tree_errno(errno);
    }
    memcpy(ret_name, name.p, name.n);
    ret_name[name.n] = '\0';
    *ret_folder = fd;
    return 0;
}

int codi2_tree_open(const char *root, struct codi2_tree *ret_tree)
{
    int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return codi2_tree_errno(errno);
    }
    ret_tree->fd = fd;
    ret_tree->drafts_from = time_now() * 1000;
    ret_tree->most_names = CODI2_MOST_NAMES;
    return 0;
}

void codi2_tree_close(struct codi2_tree *t)
{
    fd_close(&t->fd);
}

/* Facts of what stands at path, which is not followed; path is not the root. */
static int stat_at(const struct codi2_tree *t, struct str path, struct stat *ret_facts)
{
    FD_AUTO int folder = -1;
    char name[CONTENT_MAX_NAME + 1];
    int error = codi2_tree_open_parent(t, path, &folder, name);
    if (error) {
        return error;
    }
    return fstatat(folder, name, ret_facts, AT_SYMLINK_NOFOLLOW) < 0 ? codi2_tree_errno(errno) : 0;
}

int codi2_tree_look(const struct codi2_tree *t, struct str path, struct codi2_look *ret_look)
{
    struct stat facts;
    if (path.n == 0) {
        return fstat(t->fd, &facts) == 0 && codi2_look_of(&facts, ret_look) ? 0 : ERR_NOT_FOUND;
    }
    int error = stat_at(t, path, &facts);
    if (error) {
        return error;
    }
    return codi2_look_of(&facts, ret_look) ? 0 : ERR_NOT_FOUND;
}

bool codi2_tree_is_special(const struct codi2_tree *t, struct str path)
{
    struct stat facts;
    struct codi2_look look;
    return path.n > 0 && stat_at(t, path, &facts) == 0 && !codi2_look_of(&facts, &look);
}

static int by_bytes(const void *a, const void *b)
{
    const struct str *x = a;
    const struct str *y = b;
    return str_cmp(*x, *y);
}

static void give_names(struct arena *arena, const struct str *names, size_t count,
                       struct codi2_names *ret_names)
{
    ret_names->at = ARENA_ARRAY(arena, struct str, count + 1);
    ret_names->count = count;
    if (count > 0) {
        memcpy(ret_names->at, names, count * sizeof names[0]);
        qsort(ret_names->at, count, sizeof names[0], by_bytes);
    }
}

int codi2_tree_list(const struct codi2_tree *t, struct arena *arena, struct str path,
                    struct codi2_names *ret_names)
{
    int fd = codi2_tree_open_beneath(t, path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        return codi2_tree_errno(errno);
    }
    DIR *folder = fdopendir(fd); /* takes fd */
    if (!folder) {
        fd_close(&fd);
        return ERR_IO;
    }
    VEC(struct str) names = {0};
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(folder)) && names.n <= t->most_names) {
        struct str name = str_from(entry->d_name);
        if (codi2_tree_is_own_name(path, name)) {
            codi2_tree_drop_draft(t, dirfd(folder), entry->d_name);
        } else if (!str_eq(name, STR(".")) && !str_eq(name, STR(".."))) {
            VEC_ADD(&names, arena_str(arena, name));
        }
    }
    ret_names->broken = !entry && errno;
    ret_names->more = ret_names->broken || names.n > t->most_names;
    (void)closedir(folder);
    give_names(arena, names.at, names.n, ret_names);
    VEC_FREE(&names);
    return 0;
}

int codi2_tree_open_file(const struct codi2_tree *t, struct str path, int *ret_fd)
{
    /* O_NONBLOCK: a pipe that took the file's place must not hold us up. */
    FD_AUTO int fd =
        codi2_tree_open_beneath(t, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat facts;
    if (fd < 0) {
        return codi2_tree_errno(errno);
    }
    if (fstat(fd, &facts) < 0 || !S_ISREG(facts.st_mode)) {
        return ERR_NOT_FOUND;
    }
    *ret_fd = FD_TAKE(fd);
    return 0;
}

int codi2_tree_read_link(const struct codi2_tree *t, struct arena *arena, struct str path,
                         struct str *ret_target)
{
    FD_AUTO int folder = -1;
    char name[CONTENT_MAX_NAME + 1];
    int error = codi2_tree_open_parent(t, path, &folder, name);
    if (error) {
        return error;
    }
    char *target = arena_alloc(arena, CONTENT_MAX_PATH);
    ssize_t n = readlinkat(folder, name, target, CONTENT_MAX_PATH);
    if (n < 0) {
        return errno == EINVAL ? ERR_NOT_FOUND : codi2_tree_errno(errno);
    }
    *ret_target = str_of(target, (size_t)n);
    return 0;
}

/* ---- writing ---- */

int codi2_tree_draft(const struct codi2_tree *t, struct str path, uint32_t mode,
                     struct codi2_draft *ret_draft)
{
    FD_AUTO int folder = -1;
    char name[CONTENT_MAX_NAME + 1];
    int error = codi2_tree_open_parent(t, path, &folder, name);
    if (error) {
        return error;
    }
    struct codi2_draft d = {.fd = -1, .folder = -1, .mode = mode & 07777};
    (void)snprintf(d.name, sizeof d.name, CODI2_OWN_PREFIX "%016llx",
                   (unsigned long long)rand_u64());
    d.fd = openat(folder, d.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (d.fd < 0) {
        return codi2_tree_errno(errno);
    }
    d.folder = FD_TAKE(folder);
    *ret_draft = d;
    return 0;
}

/* Whether what stands at name is what was expected; a rename changes no time but ctime. */
static bool is_look(const struct stat *facts, const struct codi2_look *expected)
{
    struct codi2_look now;
    if (!codi2_look_of(facts, &now)) {
        return false;
    }
    now.ctime = expected->ctime;
    return codi2_look_same(&now, expected);
}

static bool is_same(int folder, const char *name, const struct codi2_look *expected)
{
    struct stat facts;
    return fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 && is_look(&facts, expected);
}

static int swap(int folder, const char *a, const char *b)
{
    return renameat2(folder, a, folder, b, RENAME_EXCHANGE) < 0 ? codi2_tree_errno(errno) : 0;
}

/*
 * The two change places, and what comes out is looked at where nobody else finds it. The name comes first: then whoever watches the
 * folder hears that it went and came, a change; the other way round, that it came and went, which an IDE takes for nothing.
 */
static int put_in_place(const struct codi2_draft *d, const char *name,
                        const struct codi2_look *expected)
{
    struct stat ours;
    struct stat out;
    if (!expected) {
        int error =
            renameat2(d->folder, d->name, d->folder, name, RENAME_NOREPLACE) < 0 ? errno : 0;
        return error == EEXIST ? ERR_CONFLICT : error ? codi2_tree_errno(error) : 0;
    }
    int error = fstat(d->fd, &ours) < 0 ? ERR_IO : swap(d->folder, name, d->name);
    if (error || is_same(d->folder, d->name, expected)) {
        return error == ERR_NOT_FOUND ? put_in_place(d, name, NULL) : error;
    }
    error = swap(d->folder, d->name, name);
    bool back =
        fstatat(d->folder, d->name, &out, AT_SYMLINK_NOFOLLOW) == 0 && out.st_ino == ours.st_ino;
    if (!error && !back) { /* ours was replaced meanwhile: what replaced it is the newest */
        error = swap(d->folder, d->name, name);
    }
    return error ? error : ERR_CONFLICT;
}

/* Before 1970 both are rounded down, too: the nanoseconds are never negative. */
static struct timespec time_of(int64_t mtime)
{
    const int64_t second = 1000000000LL;
    int64_t part = mtime % second < 0 ? mtime % second + second : mtime % second;
    return (struct timespec){.tv_sec = (mtime - part) / second, .tv_nsec = part};
}

/* A time that the file system does not take is no reason to go without the file. */
static int judge_time(int result, struct str path)
{
    if (result < 0 && errno == EINVAL) {
        log_warn("codi2", STR_FMT ": the time could not be set: %m", STR_ARG(path));
        return 0;
    }
    return result < 0 ? codi2_tree_errno(errno) : 0;
}

/* The mode comes when all is written: a write takes the bits that say in whose name a program runs. */
static int finish(const struct codi2_draft *d, int64_t mtime, struct str path)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, time_of(mtime)};
    return fchmod(d->fd, d->mode) < 0 ? codi2_tree_errno(errno)
                                      : judge_time(futimens(d->fd, times), path);
}

int codi2_tree_replace(struct codi2_draft *d, const struct codi2_place *place, int64_t mtime,
                       struct codi2_look *ret_look)
{
    struct str folder;
    struct str name;
    content_path_split(place->path, &folder, &name);
    char text[CONTENT_MAX_NAME + 1];
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    struct stat facts;
    struct codi2_look before = {0};
    int error = finish(d, mtime, place->path);
    if (!error && fstat(d->fd, &facts) < 0) {
        error = codi2_tree_errno(errno);
    }
    if (!error && !codi2_look_of(&facts, &before)) {
        error = ERR_IO;
    }
    if (!error) {
        error = put_in_place(d, text, place->expected);
    }
    if (!error) { /* its change by the rename is ours; what was written since is not */
        bool same = fstat(d->fd, &facts) == 0 && is_look(&facts, &before);
        before.ctime = same ? codi2_nanoseconds(facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec) : 0;
        *ret_look = before;
    }
    codi2_draft_fini(d); /* its name is that of what it replaced, or nobody's */
    return error;
}

void codi2_draft_fini(struct codi2_draft *d)
{
    if (d->folder >= 0 && d->name[0]) {
        (void)unlinkat(d->folder, d->name, 0);
    }
    d->name[0] = '\0';
    fd_close(&d->fd);
    fd_close(&d->folder);
}

int codi2_tree_make_folder(const struct codi2_tree *t, struct str path, uint32_t mode)
{
    FD_AUTO int folder = -1;
    char name[CONTENT_MAX_NAME + 1];
    int error = codi2_tree_open_parent(t, path, &folder, name);
    if (error) {
        return error;
    }
    if (mkdirat(folder, name, 0700) < 0) {
        return errno == EEXIST ? ERR_EXISTS : codi2_tree_errno(errno);
    }
    return fchmodat(folder, name, mode & 07777, 0) < 0 ? codi2_tree_errno(errno) : 0;
}

int codi2_tree_make_link(const struct codi2_tree *t, struct str path, struct str target,
                         int64_t mtime)
{
    FD_AUTO int folder = -1;
    char name[CONTENT_MAX_NAME + 1];
    char ours[CODI2_OWN_NAME];
    char text[CONTENT_MAX_PATH + 1];
    int error = target.n == 0 || target.n > CONTENT_MAX_PATH
                    ? ERR_INVALID
                    : codi2_tree_open_parent(t, path, &folder, name);
    if (error) {
        return error;
    }
    memcpy(text, target.p, target.n);
    text[target.n] = '\0';
    codi2_tree_own_name(ours);
    if (symlinkat(text, folder, ours) < 0) {
        return codi2_tree_errno(errno);
    }
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, time_of(mtime)};
    error = judge_time(utimensat(folder, ours, times, AT_SYMLINK_NOFOLLOW), path);
    if (!error && renameat2(folder, ours, folder, name, RENAME_NOREPLACE) < 0) {
        error = errno == EEXIST ? ERR_EXISTS : codi2_tree_errno(errno);
    }
    if (error) {
        (void)unlinkat(folder, ours, 0);
    }
    return error;
}

int codi2_tree_set_mode(const struct codi2_tree *t, struct str path, uint32_t mode)
{
    FD_AUTO int folder = -1;
    char name[CONTENT_MAX_NAME + 1];
    int error = codi2_tree_open_parent(t, path, &folder, name);
    if (error) {
        return error;
    }
    /* A link has no mode of its own; AT_SYMLINK_NOFOLLOW makes a link that took the name's place an error. */
    if (fchmodat(folder, name, mode & 07777, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno == EOPNOTSUPP ? ERR_NOT_FOUND : codi2_tree_errno(errno);
    }
    return 0;
}

int codi2_tree_rename(const struct codi2_tree *t, struct str from, struct str to)
{
    FD_AUTO int from_folder = -1;
    FD_AUTO int to_folder = -1;
    char from_name[CONTENT_MAX_NAME + 1];
    char to_name[CONTENT_MAX_NAME + 1];
    int error = codi2_tree_open_parent(t, from, &from_folder, from_name);
    if (!error) {
        error = codi2_tree_open_parent(t, to, &to_folder, to_name);
    }
    if (!error && renameat2(from_folder, from_name, to_folder, to_name, RENAME_NOREPLACE) < 0) {
        error = errno == EEXIST ? ERR_EXISTS : codi2_tree_errno(errno);
    }
    return error;
}

void codi2_tree_own_name(char ret_name[static CODI2_OWN_NAME])
{
    (void)snprintf(ret_name, CODI2_OWN_NAME, CODI2_OWN_PREFIX "%016llx",
                   (unsigned long long)rand_u64());
}

int codi2_tree_remove_same(const struct codi2_tree *t, const struct codi2_place *place)
{
    FD_AUTO int folder = -1;
    char name[CONTENT_MAX_NAME + 1];
    char aside[CODI2_OWN_NAME];
    int error = codi2_tree_open_parent(t, place->path, &folder, name);
    if (error) {
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    codi2_tree_own_name(aside);
    if (renameat2(folder, name, folder, aside, RENAME_NOREPLACE) < 0) {
        return errno == ENOENT ? 0 : codi2_tree_errno(errno);
    }
    if (is_same(folder, aside, place->expected)) {
        return unlinkat(folder, aside, 0) < 0 ? codi2_tree_errno(errno) : 0;
    }
    /* Back; unless something newer has taken the name. */
    if (renameat2(folder, aside, folder, name, RENAME_NOREPLACE) < 0) {
        (void)unlinkat(folder, aside, 0);
    }
    return ERR_CONFLICT;
}

/* Removes what drafts and removals left that came to no end. */
static void tidy(struct str path, int fd)
{
    DIR *folder = fdopendir(fd); /* takes fd */
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (codi2_tree_is_own_name(path, str_from(entry->d_name))) {
            (void)!codi2_tree_remove_at(dirfd(folder), entry->d_name, NULL);
        }
    }
    if (folder) {
        (void)closedir(folder);
    } else {
        fd_close(&fd);
    }
}

int codi2_tree_remove_empty(const struct codi2_tree *t, struct str path)
{
    FD_AUTO int folder = -1;
    char name[CONTENT_MAX_NAME + 1];
    int error = codi2_tree_open_parent(t, path, &folder, name);
    if (error) {
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        tidy(path, fd);
    }
    if (unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
        return 0;
    }
    return errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR ? ERR_NOT_EMPTY
                                                                     : codi2_tree_errno(errno);
}
