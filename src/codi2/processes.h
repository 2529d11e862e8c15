/*
 * The processes of the workspace, as /proc shows them: our own descendants. As pid 1 of a sandbox that is everything that
 * runs in it; elsewhere (tests) the rest of the machine is none of our business. Used by the main thread.
 */
#ifndef CODI2_PROCESSES_H
#define CODI2_PROCESSES_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/time.h"

enum { CODI2_MAX_PROCESSES = 2048, CODI2_PROCESS_NAME = 16 };

struct codi2_process {
    pid_t pid;
    pid_t parent;
    pid_t group;
    pid_t session;
    pid_t foreground; /* group in the foreground of its terminal; -1: no terminal */
    int terminal;     /* 0: none */
    uint64_t start;   /* clock ticks since boot: with the pid it names a process for ever */
    uint64_t used_ms; /* of a processor, with that of children that it waited for */
    char name[CODI2_PROCESS_NAME];
};

struct codi2_processes {
    struct codi2_process *at; /* sorted by pid */
    size_t count;
};

/* The text of /proc/PID/stat (proc(5)); the name in it may hold anything. ERR_INVALID. */
int codi2_process_parse(struct str stat, struct codi2_process *ret_process) BASE_MUST_USE;

/* Our descendants, at most CODI2_MAX_PROCESSES, in arena. */
void codi2_processes_read(struct arena *arena, struct codi2_processes *ret_processes);

/* Keeps of all only the descendants of root, which itself goes too. Pure; all is sorted by pid and stays so. */
void codi2_processes_below(struct codi2_processes *all, pid_t root);

/* NULL: not there. */
const struct codi2_process *codi2_processes_find(const struct codi2_processes *all, pid_t pid);

#endif
