#include "codi2/mapped.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"

enum { PIECE = 64 * 1024, FIELDS_BEFORE_PATH = 5 };

/* "7f0000000000-7f0000001000 rw-s 00000000 08:01 1234      /workspace/data.db" */
bool codi2_mapped_parse(struct str line, struct str root, struct codi2_mapped_file *ret_file)
{
    size_t mode = str_find(line, ' ', 0) + 1;
    if (mode + 4 > line.n || line.p[mode + 1] != 'w' || line.p[mode + 3] != 's') {
        return false;
    }
    size_t at = 0;
    struct str inode = STR_EMPTY;
    for (int i = 0; i < FIELDS_BEFORE_PATH; i++) {
        size_t end = str_find(line, ' ', at);
        inode = str_slice(line, at, end);
        at = end + 1;
    }
    struct codi2_mapped_file file = {.outside = true};
    if (str_u64(inode, UINT64_MAX, &file.inode) != 0 || file.inode == 0) {
        return false;
    }
    while (at < line.n && line.p[at] == ' ') {
        at++;
    }
    struct str path = str_slice(line, at, line.n);
    if (path.n > root.n + 1 && str_starts(path, root) && path.p[root.n] == '/') {
        path = str_slice(path, root.n + 1, path.n);
        file.outside = content_path_check(path) != 0;
        file.path = file.outside ? STR_EMPTY : path;
    }
    *ret_file = file;
    return true;
}

static void found(const struct codi2_mapped_query *query, struct codi2_mapped_file *file)
{
    FD_AUTO int fd = -1;
    struct stat facts;
    if (!file->outside && codi2_tree_open_file(query->tree, file->path, &fd) == 0) {
        (void)fdatasync(fd);
        file->inode = fstat(fd, &facts) == 0 ? (uint64_t)facts.st_ino : file->inode;
    } else {
        file->path = STR_EMPTY;
    }
    query->found(query->ctx, file);
}

struct reading {
    char window[PIECE]; /* that moves on by whole lines */
    size_t done;        /* bytes */
    bool all;
};

/* The lines of one process. */
static size_t read_process(const struct codi2_mapped_query *query, int fd, struct reading *g)
{
    char *window = g->window;
    size_t kept = 0;
    size_t count = 0;
    ssize_t n = 1;
    for (; g->done < query->most && count < CODI2_MAX_MAPPED; g->done += (size_t)n) {
        n = read(fd, window + kept, PIECE - kept);
        if (n <= 0) {
            break;
        }
        struct str rest = str_of(window, kept + (size_t)n);
        size_t end;
        while ((end = str_find(rest, '\n', 0)) < rest.n) {
            struct codi2_mapped_file file;
            if (codi2_mapped_parse(str_slice(rest, 0, end), query->root, &file)) {
                found(query, &file);
                count += file.outside ? 0 : 1;
            }
            rest = str_slice(rest, end + 1, rest.n);
        }
        kept =
            rest.n < PIECE ? rest.n : 0; /* the kernel's lines are shorter than a path and a bit */
        memmove(window, rest.p, kept);
    }
    g->all = g->all && n <= 0;
    return count;
}

/* One that ended has nothing mapped any more, and one that nobody may look into is not the workspace's. */
static bool has_nothing(int error)
{
    return error == ENOENT || error == ESRCH || error == EACCES || error == EPERM;
}

size_t codi2_mapped_find(const struct codi2_mapped_query *query, bool *ret_all)
{
    struct reading g = {.done = 0};
    size_t count = 0;
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    g.all = proc;
    while (proc && count < CODI2_MAX_MAPPED && (entry = readdir(proc))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') {
            continue;
        }
        char path[64];
        (void)snprintf(path, sizeof path, "%.16s/maps", entry->d_name);
        FD_AUTO int fd = openat(dirfd(proc), path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            count += read_process(query, fd, &g);
        } else {
            g.all = g.all && has_nothing(errno);
        }
    }
    if (proc) {
        (void)closedir(proc);
    }
    *ret_all = g.all && count < CODI2_MAX_MAPPED;
    return count;
}
