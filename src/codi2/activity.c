/*
 * 1. What a process used in the window is the difference between the last sample that has it and the first of the window; all
 *    of it, if the first has it not: then it was born since.
 * 2. What it is (the IDE's, a waiting shell) is asked of the last sample that has it.
 * 3. The IDE's are its backend and what descends from it without ever having had a terminal: plugin hosts, language servers,
 *    git asked by a view. Whatever stands in a terminal is a person's, and what left one (setsid) has us for a parent, or
 *    somebody with a terminal.
 */
#include "codi2/activity.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"

enum { METER_MAGIC = 0x6d657465, MOST_USES = 256 };

/* ---- judging ---- */

static bool is_of_ide(const struct codi2_sample *s, const struct codi2_process *p)
{
    for (size_t depth = 0; p && depth < s->processes.count; depth++) {
        if (p->pid == s->ide) {
            return true;
        }
        if (p->terminal != 0) {
            return false;
        }
        p = codi2_processes_find(&s->processes, p->parent);
    }
    return false;
}

static bool has_child(const struct codi2_sample *s, pid_t pid)
{
    for (size_t i = 0; i < s->processes.count; i++) {
        if (s->processes.at[i].parent == pid) {
            return true;
        }
    }
    return false;
}

static bool is_waiting_shell(const struct codi2_sample *s, const struct codi2_process *p)
{
    static const char *const shells[] = {"bash", "sh", "dash", "zsh", "fish", "ksh"};
    bool shell = false;
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        shell = shell || strcmp(p->name, shells[i]) == 0;
    }
    return shell && p->pid == p->session && p->foreground == p->group && !has_child(s, p->pid);
}

static const struct codi2_process *same_in(const struct codi2_sample *s,
                                           const struct codi2_process *p)
{
    const struct codi2_process *same = codi2_processes_find(&s->processes, p->pid);
    return same && same->start == p->start ? same : NULL;
}

struct use {
    const char *name;
    uint64_t ms;
};

static int by_use(const void *a, const void *b)
{
    const struct use *x = a;
    const struct use *y = b;
    return (x->ms < y->ms) - (x->ms > y->ms);
}

static void take_names(struct use *uses, size_t count, struct codi2_busy *ret_busy)
{
    qsort(uses, count, sizeof uses[0], by_use);
    for (size_t i = 0; i < count && ret_busy->count < CODI2_MAX_BUSY; i++) {
        bool known = false;
        for (size_t j = 0; j < ret_busy->count; j++) {
            known = known || strcmp(ret_busy->names[j], uses[i].name) == 0;
        }
        if (!known) {
            memcpy(ret_busy->names[ret_busy->count++], uses[i].name, CODI2_PROCESS_NAME);
        }
    }
}

/* What p, which is last seen in samples[at], used; 0 for what is not asked. */
static uint64_t use_of(const struct codi2_sample *samples, size_t at, const struct codi2_process *p)
{
    const struct codi2_sample *s = &samples[at];
    if (is_of_ide(s, p)) {
        return 0;
    }
    const struct codi2_process *first = same_in(&samples[0], p);
    uint64_t before = first ? first->used_ms : 0;
    uint64_t used = p->used_ms > before ? p->used_ms - before : 0;
    return used > CODI2_BUSY_MS && !is_waiting_shell(s, p) ? used : 0;
}

void codi2_activity_judge(const struct codi2_sample *samples, size_t count,
                          struct codi2_busy *ret_busy)
{
    struct use uses[MOST_USES];
    size_t n = 0;
    *ret_busy = (struct codi2_busy){0};
    for (size_t at = count; at-- > 0;) {
        const struct codi2_processes *all = &samples[at].processes;
        for (size_t i = 0; i < all->count && n < MOST_USES; i++) {
            const struct codi2_process *p = &all->at[i];
            if (at + 1 < count && same_in(&samples[at + 1], p)) {
                continue; /* seen there */
            }
            uint64_t ms = use_of(samples, at, p);
            if (ms > 0 && count > 1) {
                uses[n++] = (struct use){p->name, ms};
            }
        }
    }
    take_names(uses, n, ret_busy);
}

/* ---- the window ---- */

struct codi2_meter {
    unsigned magic;
    struct codi2_sample samples[CODI2_SAMPLES]; /* the oldest first; their processes are ours */
    size_t count;
};

struct codi2_meter *codi2_meter_create(void)
{
    struct codi2_meter *m = MEM_NEW(struct codi2_meter);
    m->magic = METER_MAGIC;
    return m;
}

void codi2_meter_destroy(struct codi2_meter *m)
{
    if (!m) {
        return;
    }
    ASSERT_MAGIC(m, METER_MAGIC);
    for (size_t i = 0; i < m->count; i++) {
        mem_free(m->samples[i].processes.at);
    }
    m->magic = 0;
    mem_free(m);
}

void codi2_meter_sample(struct codi2_meter *m, pid_t ide, struct codi2_busy *ret_busy)
{
    ASSERT_MAGIC(m, METER_MAGIC);
    ARENA_AUTO(arena);
    struct codi2_processes now;
    codi2_processes_read(&arena, &now);
    if (m->count == CODI2_SAMPLES) {
        mem_free(m->samples[0].processes.at);
        memmove(&m->samples[0], &m->samples[1], (CODI2_SAMPLES - 1) * sizeof m->samples[0]);
        m->count--;
    }
    size_t size = now.count * sizeof now.at[0];
    struct codi2_sample *s = &m->samples[m->count++];
    *s = (struct codi2_sample){.processes = {.at = mem_alloc(size + 1), .count = now.count},
                               .ide = ide};
    memcpy(s->processes.at, now.at, size);
    codi2_activity_judge(m->samples, m->count, ret_busy);
}
