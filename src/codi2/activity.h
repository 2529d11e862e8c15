/*
 * Whether processes of the workspace are at work: one that used more than 1 % of a processor in the last 5 minutes. Not asked
 * are codi2, the IDE with its plugin hosts and language servers, and shells that wait for a command. Used by the main thread.
 */
#ifndef CODI2_ACTIVITY_H
#define CODI2_ACTIVITY_H

#include "codi2/processes.h"
#include "wire/wire.h"

enum {
    CODI2_SAMPLE_S = 30,
    CODI2_WINDOW_S = 300,
    CODI2_SAMPLES = CODI2_WINDOW_S / CODI2_SAMPLE_S + 1,
    CODI2_BUSY_MS = CODI2_WINDOW_S * 1000 / 100, /* used in the window: 1 % */
    CODI2_MAX_BUSY = WIRE_MAX_AWAKE - 1,         /* names told; one place is the browser's */
};

struct codi2_sample {
    struct codi2_processes processes;
    pid_t ide; /* its backend; 0: it does not run */
};

struct codi2_busy {
    char names[CODI2_MAX_BUSY][CODI2_PROCESS_NAME]; /* each once, the busiest first */
    size_t count;
};

/* Judges samples, the oldest first, that lie in one window. Pure. */
void codi2_activity_judge(const struct codi2_sample *samples, size_t count,
                          struct codi2_busy *ret_busy);

/* The samples of the window now. */
struct codi2_meter;
struct codi2_meter *codi2_meter_create(void);
void codi2_meter_destroy(struct codi2_meter *m); /* NULL allowed */

/* Takes a sample, forgets the oldest, and judges. To be called every CODI2_SAMPLE_S. */
void codi2_meter_sample(struct codi2_meter *m, pid_t ide, struct codi2_busy *ret_busy);

#endif
