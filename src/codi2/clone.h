/*
 * git clone, as a child: with nothing of the person's or the machine's configuration, no question, no helper that knows
 * passwords, and no other protocol than the address's own. It runs inside, and reaches no more than the terminal does.
 */
#ifndef CODI2_CLONE_H
#define CODI2_CLONE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/time.h"

struct codi2_clone_options {
    const char *root;  /* directory that it runs in */
    struct str folder; /* beneath it, made by it */
    struct str url;    /* https:// or http:// */
    struct str branch; /* or tag; empty: the repository's own choice */
    usec_t deadline;   /* monotonic */
    int stop;          /* a descriptor: readable, it ends */
    void (*progress)(void *ctx,
                     unsigned percent); /* never less than before; in the caller's thread */
    void *ctx;
};

enum codi2_cloned { CODI2_CLONED, CODI2_CLONE_FAILED, CODI2_CLONE_STOPPED };

/* Blocks until it ended. FAILED: a sentence for the person is in ret_why; what is in the folder is of no use. */
enum codi2_cloned codi2_clone(const struct codi2_clone_options *options, struct buf *ret_why);

/* What git said line by line: how far it is, and at the end why it failed. */
struct codi2_clone_words {
    unsigned percent; /* of all; never less than before */
    size_t reason;    /* the best known so far: the lower, the better */
    char last[300];   /* line that begins with "fatal:" or "error:", without that */
};
void codi2_clone_words_init(struct codi2_clone_words *words);
void codi2_clone_hear(struct codi2_clone_words *words, struct str line);
void codi2_clone_why(const struct codi2_clone_words *words, struct buf *ret_why);

/* The folder that a repository gets by its address: letters, digits, '.', '_' and '-', at most 100 bytes, never hidden. */
struct str codi2_clone_name(struct arena *arena, struct str url);

#endif
