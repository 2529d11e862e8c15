#include "codi2/memory.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

enum {
    STATUS_ROOM = 8 * 1024,
    KILLS_ROOM = 1024,
    LOOK_MS = 500,
    LOOK_CLOSELY_MS = 100,
    NAME_MS = 3000,
};

/* ---- what is used ---- */

/* "RssAnon:      1234 kB" */
static uint64_t line_bytes(struct str line, struct str name)
{
    uint64_t kilobytes;
    if (!str_starts(line, name) || !str_ends(line, STR(" kB"))) {
        return 0;
    }
    struct str value = str_slice(line, name.n, line.n - 3);
    return str_u64(str_trim(value), UINT64_MAX / 1024, &kilobytes) == 0 ? kilobytes * 1024 : 0;
}

uint64_t codi2_memory_parse(struct str status)
{
    uint64_t sum = 0;
    struct str line;
    while (str_split(&status, '\n', &line)) {
        sum += line_bytes(line, STR("RssAnon:")) + line_bytes(line, STR("RssShmem:"));
    }
    return sum;
}

static uint64_t memory_of(pid_t pid)
{
    char path[64];
    char text[STATUS_ROOM];
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof text);
    return n > 0 ? codi2_memory_parse(str_of(text, (size_t)n)) : 0;
}

static uint64_t sum_of(const struct codi2_memory_use *uses, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += uses[i].bytes;
    }
    return sum;
}

const struct codi2_memory_use *codi2_memory_judge(const struct codi2_memory_use *uses, size_t count,
                                                  uint64_t limit)
{
    const struct codi2_memory_use *largest = NULL;
    for (size_t i = 0; i < count; i++) {
        if (uses[i].bytes > (largest ? largest->bytes : 0)) {
            largest = &uses[i];
        }
    }
    return sum_of(uses, count) > limit ? largest : NULL;
}

/* ---- ending ---- */

static bool is_same(const struct codi2_process *a, const struct codi2_process *b)
{
    return a->pid == b->pid && a->start == b->start;
}

/* By a descriptor of the process: its number may be another's by now. */
static bool end_process(const struct codi2_process *p)
{
    FD_AUTO int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    ARENA_AUTO(arena);
    struct codi2_processes now;
    codi2_processes_read(&arena, &now);
    const struct codi2_process *same = codi2_processes_find(&now, p->pid);
    return fd >= 0 && same && is_same(same, p) &&
           syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
}

static bool look(struct codi2_memory *m, struct codi2_process *ret_ended, int *ret_wait)
{
    ARENA_AUTO(arena);
    struct codi2_processes all;
    codi2_processes_read(&arena, &all);
    struct codi2_memory_use *uses = ARENA_ARRAY(&arena, struct codi2_memory_use, all.count + 1);
    bool waiting = false;
    for (size_t i = 0; i < all.count; i++) {
        uses[i] = (struct codi2_memory_use){all.at[i], memory_of(all.at[i].pid)};
        waiting = waiting || (is_same(&all.at[i], &m->ending) && uses[i].bytes > 0);
    }
    const struct codi2_memory_use *victim = codi2_memory_judge(uses, all.count, m->limit);
    *ret_wait = sum_of(uses, all.count) > m->limit / 4 * 3 ? LOOK_CLOSELY_MS : LOOK_MS;
    if (!victim || waiting || !end_process(&victim->process)) {
        return false;
    }
    *ret_ended = m->ending = victim->process;
    return true;
}

/* ---- the kernel's doing ---- */

uint64_t codi2_memory_parse_kills(struct str text)
{
    struct str name = STR("oom_kill ");
    struct str line;
    uint64_t count;
    while (str_split(&text, '\n', &line)) {
        if (str_starts(line, name) &&
            str_u64(str_slice(line, name.n, line.n), UINT64_MAX, &count) == 0) {
            return count;
        }
    }
    return 0;
}

static uint64_t read_kills(const char *path)
{
    char text[KILLS_ROOM];
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof text);
    return n > 0 ? codi2_memory_parse_kills(str_of(text, (size_t)n)) : 0;
}

void codi2_memory_init(struct codi2_memory *m, uint64_t limit)
{
    static const char *const files[] = {"/sys/fs/cgroup/memory.events",
                                        "/sys/fs/cgroup/memory/memory.oom_control"};
    *m = (struct codi2_memory){.limit = limit};
    for (size_t i = 0; i < sizeof files / sizeof files[0] && limit == 0 && !m->kills; i++) {
        m->kills = access(files[i], R_OK) == 0 ? files[i] : NULL;
    }
    m->killed = m->kills ? read_kills(m->kills) : 0;
}

/* So that there is a name for the one that the kernel ends next: with each look, since memory is filled within seconds. */
static void find_large(struct codi2_memory *m)
{
    ARENA_AUTO(arena);
    struct codi2_processes all;
    codi2_processes_read(&arena, &all);
    uint64_t most = 0;
    m->large = (struct codi2_process){0};
    for (size_t i = 0; i < all.count; i++) {
        uint64_t bytes = memory_of(all.at[i].pid);
        if (bytes > most) {
            most = bytes;
            m->large = all.at[i];
        }
    }
}

static bool lives(const struct codi2_process *p)
{
    ARENA_AUTO(arena);
    struct codi2_processes now;
    codi2_processes_read(&arena, &now);
    const struct codi2_process *same = codi2_processes_find(&now, p->pid);
    return same && is_same(same, p) && memory_of(same->pid) > 0;
}

/*
 * The kernel counts before the process it chose has gone, and where processors are scarce that is a while later: the largest is
 * named once it is gone. One that stays was not meant.
 */
static bool name_when_known(struct codi2_memory *m, struct codi2_process *ret_ended, int *ret_wait)
{
    bool stays = m->large.pid != 0 && lives(&m->large);
    if (stays && time_monotonic() < m->name_until) {
        *ret_wait = LOOK_CLOSELY_MS;
        return false;
    }
    static const struct codi2_process nobody;
    *ret_ended = stays ? nobody : m->large;
    m->large = nobody;
    m->name_until = 0;
    return true;
}

static bool look_at_kernel(struct codi2_memory *m, struct codi2_process *ret_ended, int *ret_wait)
{
    uint64_t now = read_kills(m->kills);
    if (now > m->killed && m->name_until == 0) {
        m->name_until = time_monotonic() + NAME_MS * USEC_PER_MS;
    }
    m->killed = now;
    if (m->name_until != 0) {
        return name_when_known(m, ret_ended, ret_wait);
    }
    find_large(m);
    return false;
}

bool codi2_memory_turn(struct codi2_memory *m, struct codi2_process *ret_ended, int *ret_wait)
{
    if (m->limit == 0 && !m->kills) {
        *ret_wait = -1;
        return false;
    }
    usec_t now = time_monotonic();
    if (now < m->next) {
        *ret_wait = (int)((m->next - now) / USEC_PER_MS) + 1;
        return false;
    }
    *ret_wait = LOOK_MS;
    bool ended = m->limit ? look(m, ret_ended, ret_wait) : look_at_kernel(m, ret_ended, ret_wait);
    m->next = now + *ret_wait * USEC_PER_MS;
    return ended;
}
