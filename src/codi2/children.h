/*
 * The processes that codi2 runs besides itself, and those it inherits: as pid 1 of the sandbox it reaps whatever dies
 * there. Used by the main thread.
 */
#ifndef CODI2_CHILDREN_H
#define CODI2_CHILDREN_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/time.h"

/* A program that is kept running: started again when it ends, after 1 s, 2 s, 4 s … at most 60 s. */
struct codi2_keeper {
    const char *name;
    char *const *arguments;   /* the first is the program; NULL at the end */
    char *const *environment; /* NULL: ours */
    const char *directory;
    const char *log; /* takes its output; at 512 KiB it becomes log.1, so both have at most 1 MiB */
    pid_t pid;       /* 0: it does not run */
    usec_t started;  /* monotonic */
    usec_t again_at; /* monotonic; 0: not waiting */
    usec_t pause;
    int output; /* what it says; -1: none. When it is readable: codi2_keeper_read */
};

void codi2_keeper_start(struct codi2_keeper *k);

/*
 * Our environment without variables that begin with one of dropped, and with ours (NAME=VALUE); both end with NULL. In arena, as
 * execve wants it.
 */
char **codi2_child_environment(struct arena *arena, const char *const *dropped,
                               const char *const *ours);

/* In a child: when memory runs out the kernel takes one of these before codi2 or anything of the server, the largest first. */
void codi2_child_in_front(void);

/* When k is due to be started again, starts it. Milliseconds until it is due, -1: nothing to wait for. */
int codi2_keeper_turn(struct codi2_keeper *k);

/* Brings what k has said to its log. Never blocks. NULL allowed. */
void codi2_keeper_read(struct codi2_keeper *k);

/* Who learns of everything that has ended: its status is waitpid's. */
struct codi2_mourner {
    void (*reaped)(void *ctx, pid_t pid, int status);
    void *ctx;
};

/* Reaps everything that has ended; k (NULL allowed) learns of its own. */
void codi2_children_reap(struct codi2_keeper *k, const struct codi2_mourner *mourner);

/*
 * Ends all other processes of the sandbox: SIGTERM, SIGKILL after patience. Without a sandbox: k in this way, then all that
 * descends from us by SIGKILL. k: NULL allowed.
 */
void codi2_children_end(struct codi2_keeper *k, usec_t patience);

#endif
