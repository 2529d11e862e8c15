/*
 * The mirror of one tree: one thread that keeps the store equal to the disk and the disk equal to the store. See README.md
 * for the rules, mirror.c for the invariants.
 */
#ifndef CODI2_MIRROR_H
#define CODI2_MIRROR_H

#include "codi2/link.h"
#include "codi2/status.h"

struct codi2_mirror_options {
    unsigned number;     /* of the root in the status */
    const char *session; /* its id */
    const char *root;    /* the tree, absolute */
    const char *index;   /* directory of the index, absolute */
    bool home;           /* it is the person's home */
    usec_t sweep;        /* between looks at the whole tree, for what no event told */
    struct codi2_link_options link;
    struct codi2_status *status; /* outlives the mirror */
    /*
     * The server will have nothing more of us: ERR_STALE, a newer workspace has taken over; ERR_VERSION_UNSUPPORTED, it
     * speaks another wire. End this one. May be called from any thread.
     */
    void (*over)(void *ctx, int why);
    void *ctx;
};

struct codi2_mirror;

/* Starts the thread. ERR_IO, ERR_LIMIT (inotify instances), ERR_NOT_FOUND: there is no tree. */
int codi2_mirror_start(const struct codi2_mirror_options *options,
                       struct codi2_mirror **ret_mirror) BASE_MUST_USE;

/* Something is to be done: a barrier was asked for. Any thread. */
void codi2_mirror_wake(struct codi2_mirror *m);

/*
 * Any thread. Waits until what the store has at path (relative to the root) stands on the disk, be it nothing: a file that is
 * still to be restored is fetched before all others. ERR_TIMEOUT: not before the deadline (monotonic); ERR_LIMIT: 64 wait.
 */
int codi2_mirror_await_file(struct codi2_mirror *m, struct str path, usec_t deadline) BASE_MUST_USE;
void codi2_mirror_end_waits(
    struct codi2_mirror *m); /* those that wait so, and all later ones: ERR_TIMEOUT */

/* Any thread. The IDE's editor is about to save this content at path: the change is the person's. */
void codi2_mirror_saving(struct codi2_mirror *m, struct str path, const struct content_hash *hash);

/* What is to become of the deletions that are held back. */
enum codi2_choice { CODI2_NO_CHOICE, CODI2_CHOOSE_DELETE, CODI2_CHOOSE_RESTORE };

/* Any thread. False: this root holds nothing back. */
bool codi2_mirror_choose(struct codi2_mirror *m, enum codi2_choice choice);

/* Ends the threads; a call to the server in hand is cut: it is made again after the next start. NULL allowed. */
void codi2_mirror_stop(struct codi2_mirror *m);

#endif
