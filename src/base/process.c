#include "base/process.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"

enum { STATE_FIELD = 3, START_FIELD = 22, STAT_ROOM = 2048 };

int process_stat_start_time(struct str stat, uint64_t *ret_ticks)
{
    /* Field 2, the name in brackets, may hold anything, brackets too: fields are counted from the last one. */
    size_t name_end = stat.n;
    while (name_end > 0 && stat.p[name_end - 1] != ')') {
        name_end--;
    }
    struct str rest = str_slice(stat, name_end + 1, stat.n);
    struct str field;
    for (int number = STATE_FIELD; name_end > 0 && str_split(&rest, ' ', &field); number++) {
        if (number == STATE_FIELD && (str_eq(field, STR("Z")) || str_eq(field, STR("X")))) {
            return ERR_NOT_FOUND;
        }
        if (number == START_FIELD) {
            return str_u64(field, UINT64_MAX, ret_ticks);
        }
    }
    return ERR_INVALID;
}

int process_start_time(pid_t pid, uint64_t *ret_ticks)
{
    char path[32];
    char text[STAT_ROOM];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof text);
    if (n <= 0 || process_stat_start_time(str_of(text, (size_t)n), ret_ticks) != 0) {
        return ERR_NOT_FOUND;
    }
    return 0;
}
