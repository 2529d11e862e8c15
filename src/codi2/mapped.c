#include "codi2/mapped.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"

enum { PIECE = 64 * 1024, MOST_PIECES = 256, FIELDS_BEFORE_PATH = 5 };

/* "7f0000000000-7f0000001000 rw-s 00000000 08:01 1234      /workspace/data.db" */
bool codi2_mapped_parse(struct str line, struct str root, struct str *ret_path)
{
    size_t mode = str_find(line, ' ', 0) + 1;
    if (mode + 4 > line.n || line.p[mode + 1] != 'w' || line.p[mode + 3] != 's') {
        return false;
    }
    size_t at = 0;
    for (int i = 0; i < FIELDS_BEFORE_PATH; i++) {
        at = str_find(line, ' ', at) + 1;
    }
    while (at < line.n && line.p[at] == ' ') {
        at++;
    }
    struct str path = str_slice(line, at, line.n);
    if (path.n <= root.n + 1 || !str_starts(path, root) || path.p[root.n] != '/') {
        return false;
    }
    path = str_slice(path, root.n + 1, path.n);
    if (content_path_check(path) != 0) {
        return false;
    }
    *ret_path = path;
    return true;
}

static void found(const struct codi2_mapped_query *query, struct str path)
{
    FD_AUTO int fd = -1;
    if (codi2_tree_open_file(query->tree, path, &fd) == 0) { /* not, when it was deleted */
        (void)fdatasync(fd);
        query->found(query->ctx, path);
    }
}

/* The lines of one process, through a window that moves on by whole lines. */
static size_t read_process(const struct codi2_mapped_query *query, int fd,
                           char window[static PIECE])
{
    size_t kept = 0;
    size_t count = 0;
    for (int i = 0; i < MOST_PIECES && count < CODI2_MAX_MAPPED; i++) {
        ssize_t n = read(fd, window + kept, PIECE - kept);
        if (n <= 0) {
            break;
        }
        struct str rest = str_of(window, kept + (size_t)n);
        size_t end;
        while ((end = str_find(rest, '\n', 0)) < rest.n) {
            struct str path;
            if (codi2_mapped_parse(str_slice(rest, 0, end), query->root, &path)) {
                found(query, path);
                count++;
            }
            rest = str_slice(rest, end + 1, rest.n);
        }
        kept =
            rest.n < PIECE ? rest.n : 0; /* the kernel's lines are shorter than a path and a bit */
        memmove(window, rest.p, kept);
    }
    return count;
}

size_t codi2_mapped_find(const struct codi2_mapped_query *query)
{
    char window[PIECE];
    size_t count = 0;
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    while (proc && count < CODI2_MAX_MAPPED && (entry = readdir(proc))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') {
            continue;
        }
        char path[64];
        (void)snprintf(path, sizeof path, "%.16s/maps", entry->d_name);
        FD_AUTO int fd = openat(dirfd(proc), path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            count += read_process(query, fd, window);
        }
    }
    if (proc) {
        (void)closedir(proc);
    }
    return count;
}
