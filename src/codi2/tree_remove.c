/*
 * Removes a tree of no worth, whatever a program made of it.
 *
 * 1. It is gone through level by level; a folder that lies deeper than LEVELS gets a name of ours at the top, where the next pass
 *    finds it. So neither descriptors nor the stack grow with the depth, which no path that is mirrored bounds.
 * 2. Folders that are shut against their owner are opened: they go anyway.
 * 3. Whoever wants it to stop is heard between any two names.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "codi2/tree_int.h"

enum { LEVELS = 64 };

struct removal {
    int top; /* borrowed */
    const atomic_bool *stop;
    bool put_off; /* something was moved to the top in this pass */
};

/* -1 with errno: also for what is no folder. */
static int open_folder(int parent, const char *name)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    struct stat facts;
    int fd = openat(parent, name, flags | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, AT_SYMLINK_NOFOLLOW) == 0) {
        fd = openat(parent, name, flags | O_CLOEXEC);
    }
    if (fd >= 0 && fstat(fd, &facts) == 0 && (facts.st_mode & S_IRWXU) != S_IRWXU) {
        (void)fchmod(fd, S_IRWXU);
    }
    return fd;
}

static int result(int made)
{
    return made == 0 || errno == ENOENT ? 0 : codi2_tree_errno(errno);
}

static int empty(struct removal *r, int fd, int depth);

static int remove_one(struct removal *r, int parent, const char *name, int depth)
{
    char aside[CODI2_OWN_NAME];
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    int why = errno; /* not of what is no folder */
    int below = open_folder(parent, name);
    if (below < 0) {
        return errno == ENOENT ? 0 : codi2_tree_errno(errno == ENOTDIR ? why : errno);
    }
    if (depth < LEVELS) {
        int error = empty(r, below, depth + 1);
        return error ? error : result(unlinkat(parent, name, AT_REMOVEDIR));
    }
    (void)close(below);
    codi2_tree_own_name(aside);
    r->put_off = true;
    return result(renameat2(parent, name, r->top, aside, RENAME_NOREPLACE));
}

/* fd is taken. */
static int empty(struct removal *r, int fd, int depth)
{
    DIR *folder = fdopendir(fd);
    if (!folder) {
        fd_close(&fd);
        return ERR_IO;
    }
    int error = 0;
    const struct dirent *entry;
    while (!error && (entry = readdir(folder))) {
        if (r->stop && atomic_load(r->stop)) {
            error = ERR_BUSY;
        } else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            error = remove_one(r, dirfd(folder), entry->d_name, depth);
        }
    }
    (void)closedir(folder);
    return error;
}

int codi2_tree_remove_at(int folder, const char *name, const atomic_bool *stop)
{
    FD_AUTO int top = -1;
    int error;
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    int why = errno;
    top = open_folder(folder, name);
    if (top < 0) {
        return errno == ENOENT ? 0 : codi2_tree_errno(errno == ENOTDIR ? why : errno);
    }
    struct removal r = {.top = top, .stop = stop};
    do {
        r.put_off = false;
        int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        error = fd < 0 ? codi2_tree_errno(errno) : empty(&r, fd, 0);
    } while (!error && r.put_off);
    return error ? error : result(unlinkat(folder, name, AT_REMOVEDIR));
}

int codi2_tree_remove_special(const struct codi2_tree *t, struct str path)
{
    FD_AUTO int folder = -1;
    char name[CONTENT_MAX_NAME + 1];
    char aside[CODI2_OWN_NAME];
    struct stat facts;
    int error = codi2_tree_open_parent(t, path, &folder, name);
    if (error) {
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    codi2_tree_own_name(aside);
    if (renameat2(folder, name, folder, aside, RENAME_NOREPLACE) < 0) {
        return result(-1);
    }
    bool content = fstatat(folder, aside, &facts, AT_SYMLINK_NOFOLLOW) < 0 ||
                   S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode) || S_ISLNK(facts.st_mode);
    if (!content) {
        return result(unlinkat(folder, aside, 0));
    }
    (void)renameat2(folder, aside, folder, name, RENAME_NOREPLACE);
    return ERR_CONFLICT;
}

int codi2_tree_remove(const struct codi2_tree *t, struct str path, const atomic_bool *stop)
{
    FD_AUTO int folder = -1;
    char name[CONTENT_MAX_NAME + 1];
    int error = codi2_tree_open_parent(t, path, &folder, name);
    if (error) {
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    return codi2_tree_remove_at(folder, name, stop);
}
