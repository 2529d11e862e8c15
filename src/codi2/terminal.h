/*
 * One terminal: a shell, its last output, and who looks at it. All on one event loop, that of the sockets.
 *
 * A viewer is a socket with a place in the output. The output is read from the shell as fast as the fastest viewer takes it, at any
 * speed when nobody looks; who falls behind by more than the ring is told what it missed. So one slow viewer holds nobody up, and
 * to one alone nothing is lost.
 */
#ifndef CODI2_TERMINAL_H
#define CODI2_TERMINAL_H

#include "base/time.h"
#include "codi2/terminal_ring.h"
#include "codi2/terminal_shell.h"
#include "http/http.h"
#include "net/net.h"

enum {
    CODI2_VIEWERS = 16,
    CODI2_TYPED = 64 * 1024 /* bytes of a message, and before a viewer waits */
};

struct codi2_terminal;

struct codi2_viewer {
    struct codi2_terminal *terminal; /* NULL: none, yet or any more */
    struct http_socket *socket;
    struct codi2_viewer *next;
    uint64_t at; /* what comes next */
    bool full;   /* its socket takes nothing until it says so */
    bool waits;  /* typed more than the shell takes: not read */
};

struct codi2_terminal {
    char id[CODI2_TERMINAL_ID + 1];
    char run[CODI2_TERMINAL_RUN + 1];
    usec_t started; /* wall clock */
    struct codi2_size size;
    pid_t pid;              /* of the shell; 0: it has ended */
    struct net_watch watch; /* of our end; -1: the terminal has ended */
    struct net_timer turn;  /* goes on after the loop's others had their turn */
    bool readable, writable;
    size_t rest;      /* bytes that are read at most once the shell has ended */
    struct buf typed; /* what the shell has not taken yet */
    struct codi2_ring ring;
    struct codi2_viewer *viewers;
    size_t viewer_count;
    struct codi2_exit how; /* once it has ended */
    bool told;             /* to somebody */
};

struct codi2_terminal_begin {
    struct str id;
    const char *command; /* NULL: a login shell */
    struct codi2_size size;
};

/* ERR_IO: no terminal or no process is to be had. */
int codi2_terminal_begin(struct net_loop *loop, const struct codi2_shell_setting *setting,
                         const struct codi2_terminal_begin *begin,
                         struct codi2_terminal **ret_terminal) BASE_MUST_USE;

/* Hangs up when the shell still lives, as closing its window would; viewers are told and closed. NULL allowed. */
void codi2_terminal_destroy(struct codi2_terminal *t);

static inline bool codi2_terminal_has_ended(const struct codi2_terminal *t)
{
    return t->watch.fd < 0;
}

/* ERR_LIMIT: it has as many as may be. v->at is brought to what is kept. */
int codi2_terminal_attach(struct codi2_terminal *t, struct codi2_viewer *v,
                          bool fresh) BASE_MUST_USE;
void codi2_terminal_detach(struct codi2_viewer *v); /* harmless without a terminal */

void codi2_terminal_type(struct codi2_viewer *v, struct str bytes);
void codi2_terminal_resize(struct codi2_terminal *t, const struct codi2_size *size);

/* The viewer's socket takes again. */
void codi2_terminal_writable(struct codi2_viewer *v);

/* Its shell has ended with this status of waitpid. */
void codi2_terminal_reaped(struct codi2_terminal *t, int status);

#endif
