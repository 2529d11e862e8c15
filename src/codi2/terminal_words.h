/*
 * What is said about a terminal on its socket, besides its bytes: JSON objects in text frames. From the client:
 *
 *   {"type":"resize","cols":n,"rows":n}         1 to 1,000 each; the last one to say it decides
 *
 * To the client:
 *
 *   {"type":"opened","terminal","run","offset","cols","rows","new"}
 *                                               first of all: which shell this is; the next byte's position
 *   {"type":"missed","bytes","offset"}          bytes that are not kept any more; the next byte's position
 *   {"type":"ended","exit_code"}                the shell has ended; the socket is closed behind it
 *   {"type":"ended","signal"}                   by a signal
 *   {"type":"ended"}                            DELETE hung up on it
 *   {"type":"gone"}                             the run that was asked for is not here any more; likewise
 */
#ifndef CODI2_TERMINAL_WORDS_H
#define CODI2_TERMINAL_WORDS_H

#include "base/buf.h"

enum {
    CODI2_TERMINAL_ID = 64,       /* characters of a terminal's name, at most */
    CODI2_TERMINAL_RUN = 16,      /* hexadecimal digits of a run */
    CODI2_TERMINAL_WORD = 1024,   /* bytes of a message about it */
    CODI2_TERMINAL_COMMAND = 4096 /* bytes */
};

struct codi2_size {
    unsigned cols, rows; /* 1 to 1,000 */
};

/* Whether this may name a terminal: [A-Za-z0-9_-]{1,64}. */
bool codi2_terminal_is_id(struct str id);

/* 1 to 1,000, in decimal digits. ERR_INVALID. */
int codi2_terminal_side(struct str text, unsigned *ret_side) BASE_MUST_USE;

/* A client's text frame. ERR_INVALID: it is none that is known. */
int codi2_terminal_word(struct str text, struct codi2_size *ret_size) BASE_MUST_USE;

/* How a shell ended. */
struct codi2_exit {
    bool by_signal, hung_up; /* neither: it has an exit code */
    int number;              /* of the signal, else the code */
};

struct codi2_opened {
    struct str id, run;
    uint64_t offset;
    struct codi2_size size;
    bool fresh;
};

void codi2_terminal_say_opened(struct buf *out, const struct codi2_opened *opened);
void codi2_terminal_say_missed(struct buf *out, uint64_t bytes, uint64_t offset);
void codi2_terminal_say_ended(struct buf *out, const struct codi2_exit *how);
void codi2_terminal_say_gone(struct buf *out);

#endif
