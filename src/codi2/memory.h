/*
 * The watch over memory. Where a control group limits it the kernel ends the largest process, and here it is noticed; where none
 * does, it is done here: when the processes of the workspace together have more than the limit, the largest is ended. Counted
 * is what the kernel cannot drop (anonymous and shared pages), not the files they map. A process may take more between two looks;
 * against that only a control group helps. Used by the main thread.
 */
#ifndef CODI2_MEMORY_H
#define CODI2_MEMORY_H

#include "codi2/processes.h"

struct codi2_memory_use {
    struct codi2_process process;
    uint64_t bytes;
};

/* The bytes that the text of /proc/PID/status tells; 0 when it tells none (the process is ending). */
uint64_t codi2_memory_parse(struct str status);

/* Whom to end: the largest, when the sum is over limit; NULL: nobody. Pure. */
const struct codi2_memory_use *codi2_memory_judge(const struct codi2_memory_use *uses, size_t count,
                                                  uint64_t limit);

/* How many processes the kernel had to end, by the text of memory.events (version 2) or memory.oom_control; 0: unknown. */
uint64_t codi2_memory_parse_kills(struct str text);

struct codi2_memory {
    uint64_t limit;             /* bytes; 0: a control group's duty, or nobody's */
    const char *kills;          /* file of the kernel's count; NULL: none is to be had */
    uint64_t killed;            /* that count */
    struct codi2_process large; /* the largest, when it was last looked for; pid 0: not known */
    usec_t
        name_until; /* monotonic: the kernel ended one, and until then it is seen whom; 0: it did not */
    usec_t next;                 /* monotonic: when to look again */
    struct codi2_process ending; /* pid 0: none; until it is gone, nobody else is ended */
};

/* With the limit given, else by the control group's count of this workspace, from now on. */
void codi2_memory_init(struct codi2_memory *m, uint64_t limit);

/*
 * Looks when it is time. True: ret_ended was ended just now, its name empty when the kernel did it and did not say whom.
 * *ret_wait: milliseconds until the next look, -1: never.
 */
bool codi2_memory_turn(struct codi2_memory *m, struct codi2_process *ret_ended, int *ret_wait);

#endif
