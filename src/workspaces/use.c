/*
 * What a workspace of this machine uses now, as its control group counts it (workspace/limits.c makes the group). Without one, when
 * the server does not run as root, nobody counts it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "workspaces/workspaces.h"

enum { PATH_ROOM = 256, TEXT_ROOM = 8192 };

/* What stands in a file of the group; empty: it cannot be read. */
static struct str read_file(const char *group, const char *name, char room[static TEXT_ROOM])
{
    char path[PATH_ROOM];
    int length = snprintf(path, sizeof path, "%s/%s", group, name);
    FD_AUTO int fd = length < PATH_ROOM ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd < 0 ? 0 : fd_read_full(fd, room, TEXT_ROOM);
    return str_of(room, n > 0 ? (size_t)n : 0);
}

static bool read_number(const char *group, const char *name, uint64_t *ret_number)
{
    char room[TEXT_ROOM];
    struct str rest = read_file(group, name, room);
    struct str line = STR_EMPTY;
    return str_split(&rest, '\n', &line) && str_u64(line, UINT64_MAX, ret_number) == 0;
}

/* Of "inactive_file 4096" in memory.stat the 4096; 0: there is none. */
static uint64_t read_stat(const char *group, struct str field)
{
    char room[TEXT_ROOM];
    struct str rest = read_file(group, "memory.stat", room);
    struct str line;
    uint64_t number = 0;
    while (str_split(&rest, '\n', &line)) {
        if (str_starts(line, field) &&
            str_u64(str_slice(line, field.n, line.n), UINT64_MAX, &number) == 0) {
            return number;
        }
    }
    return 0;
}

bool workspaces_local_use(struct workspaces_local *l, struct arena *arena, struct str session,
                          struct workspaces_use *ret_use)
{
    struct workspaces_process process;
    workspaces_local_look(l, arena, session, &process);
    bool unified = str_eq(process.limits, STR("cgroup2"));
    if (!workspaces_lives(process.phase) || (!unified && !str_eq(process.limits, STR("cgroup1")))) {
        return false;
    }
    const char *memory = arena_printf(arena, "/sys/fs/cgroup%s/coditect/" STR_FMT,
                                      unified ? "" : "/memory", STR_ARG(session))
                             .p;
    const char *pids =
        unified ? memory
                : arena_printf(arena, "/sys/fs/cgroup/pids/coditect/" STR_FMT, STR_ARG(session)).p;
    struct workspaces_use use;
    if (!read_number(memory, unified ? "memory.current" : "memory.usage_in_bytes", &use.memory) ||
        !read_number(pids, "pids.current", &use.processes)) {
        return false;
    }
    /* What of files is only kept because nobody else wants the room. */
    uint64_t idle =
        read_stat(memory, unified ? STR("inactive_file ") : STR("total_inactive_file "));
    use.memory -= idle < use.memory ? idle : use.memory;
    *ret_use = use;
    return true;
}
