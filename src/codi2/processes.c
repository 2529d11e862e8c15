#include "codi2/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"

enum { STAT_ROOM = 1024, FIRST_FIELD = 3, LAST_FIELD = 22 };

/* ---- one process ---- */

static bool read_number(struct str text, int64_t *ret_value)
{
    uint64_t value;
    bool negative = str_starts(text, STR("-"));
    if (str_u64(str_slice(text, negative ? 1 : 0, text.n), INT64_MAX, &value) != 0) {
        return false;
    }
    *ret_value = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

int codi2_process_parse(struct str stat, struct codi2_process *ret_process)
{
    size_t open = str_find(stat, '(', 0);
    size_t close = stat.n;
    while (close > open && stat.p[close - 1] != ')') {
        close--;
    }
    int64_t pid;
    if (open < 2 || close < open + 2 || close + 2 > stat.n ||
        !read_number(str_slice(stat, 0, open - 1), &pid) || pid <= 0 || pid > INT32_MAX) {
        return ERR_INVALID;
    }
    struct str rest = str_slice(stat, close, stat.n); /* " S 1 2 …": the state is field 3 */
    struct str field;
    int64_t fields[LAST_FIELD + 1] = {0};
    (void)str_split(&rest, ' ', &field);
    for (int i = FIRST_FIELD; i <= LAST_FIELD; i++) {
        if (!str_split(&rest, ' ', &field) ||
            (i > FIRST_FIELD && !read_number(str_trim(field), &fields[i]))) {
            return ERR_INVALID;
        }
    }
    uint64_t ticks = (uint64_t)(fields[14] + fields[15] + fields[16] + fields[17]);
    struct codi2_process p = {.pid = (pid_t)pid,
                              .parent = (pid_t)fields[4],
                              .group = (pid_t)fields[5],
                              .session = (pid_t)fields[6],
                              .terminal = (int)fields[7],
                              .foreground = (pid_t)fields[8],
                              .start = (uint64_t)fields[22],
                              .used_ms = ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK)};
    struct str name = str_slice(stat, open + 1, close - 1);
    name = str_slice(name, 0, sizeof p.name - 1);
    memcpy(p.name, name.p, name.n);
    *ret_process = p;
    return 0;
}

static bool read_one(int proc, const char *pid, struct codi2_process *ret_process)
{
    char path[64];
    char text[STAT_ROOM];
    (void)snprintf(path, sizeof path, "%.16s/stat", pid);
    FD_AUTO int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof text);
    return n > 0 && codi2_process_parse(str_of(text, (size_t)n), ret_process) == 0;
}

/* ---- all ---- */

static int by_pid(const void *a, const void *b)
{
    const struct codi2_process *x = a;
    const struct codi2_process *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

const struct codi2_process *codi2_processes_find(const struct codi2_processes *all, pid_t pid)
{
    const struct codi2_process key = {.pid = pid};
    return all->count > 0 ? bsearch(&key, all->at, all->count, sizeof key, by_pid) : NULL;
}

static bool is_below(const struct codi2_processes *all, const struct codi2_process *p, pid_t root)
{
    for (size_t depth = 0; p && depth < all->count; depth++) { /* bounded: /proc is no snapshot */
        if (p->parent == root) {
            return true;
        }
        p = codi2_processes_find(all, p->parent);
    }
    return false;
}

void codi2_processes_below(struct codi2_processes *all, pid_t root)
{
    bool keep[CODI2_MAX_PROCESSES];
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++) {
        keep[i] = all->at[i].pid != root && is_below(all, &all->at[i], root);
    }
    for (size_t i = 0; i < all->count; i++) {
        if (keep[i]) {
            all->at[kept++] = all->at[i];
        }
    }
    all->count = kept;
}

void codi2_processes_read(struct arena *arena, struct codi2_processes *ret_processes)
{
    *ret_processes = (struct codi2_processes){
        .at = ARENA_ARRAY(arena, struct codi2_process, CODI2_MAX_PROCESSES)};
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    while (proc && ret_processes->count < CODI2_MAX_PROCESSES && (entry = readdir(proc))) {
        char first = entry->d_name[0];
        if (first >= '1' && first <= '9' &&
            read_one(dirfd(proc), entry->d_name, &ret_processes->at[ret_processes->count])) {
            ret_processes->count++;
        }
    }
    if (proc) {
        (void)closedir(proc);
    }
    qsort(ret_processes->at, ret_processes->count, sizeof ret_processes->at[0], by_pid);
    codi2_processes_below(ret_processes, getpid());
}
