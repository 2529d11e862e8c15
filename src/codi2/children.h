/*
 * The processes that codi2 runs besides itself, and those it inherits: as pid 1 of the sandbox it reaps whatever dies
 * there. Used by the main thread.
 */
#ifndef CODI2_CHILDREN_H
#define CODI2_CHILDREN_H

#include <sys/types.h>

#include "base/err.h"
#include "base/time.h"

/* A program that is kept running: started again when it ends, after 1 s, 2 s, 4 s … at most 60 s. */
struct codi2_keeper {
    const char *name;
    char *const *arguments;   /* the first is the program; NULL at the end */
    char *const *environment; /* NULL: ours */
    const char *directory;
    const char
        *log;  /* file that takes its output; emptied when it is larger than 1 MiB at a start */
    pid_t pid; /* 0: it does not run */
    usec_t started;  /* monotonic */
    usec_t again_at; /* monotonic; 0: not waiting */
    usec_t pause;
};

void codi2_keeper_start(struct codi2_keeper *k);

/* When k is due to be started again, starts it. Milliseconds until it is due, -1: nothing to wait for. */
int codi2_keeper_turn(struct codi2_keeper *k);

/* Reaps everything that has ended; k learns of its own. */
void codi2_children_reap(struct codi2_keeper *k);

/* Ends all other processes of the sandbox: SIGTERM, SIGKILL after patience. Only as pid 1. */
void codi2_children_end(struct codi2_keeper *k, usec_t patience);

#endif
