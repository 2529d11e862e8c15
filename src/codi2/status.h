/*
 * The truth about persistence, shown at the door: one object per process, written by the mirrors, read and waited for by
 * the door. Thread safe.
 */
#ifndef CODI2_STATUS_H
#define CODI2_STATUS_H

#include "base/buf.h"
#include "base/time.h"
#include "codi2/activity.h"
#include "codi2/ide.h"
#include "codi2/unkept.h"

enum { CODI2_ROOTS = 2 };

enum codi2_health { CODI2_STARTING, CODI2_RESTORING, CODI2_ONLINE, CODI2_OFFLINE };

/* Of one root. */
struct codi2_facts {
    enum codi2_health health;
    uint64_t pending; /* paths that are not yet known to be in the store */
    uint64_t quiet;   /* files besides that differ from the store and wait to be still */
    uint64_t seq;     /* everything up to here is persisted */
    uint64_t done;    /* files restored */
    uint64_t total;
    uint64_t held_back; /* deletions that wait for the person's word */
    uint64_t barrier;   /* the largest barrier number that is fulfilled */
    uint64_t refused;   /* the largest that the server refused for good */
};

struct codi2_status;

struct codi2_status *codi2_status_create(void);
void codi2_status_destroy(struct codi2_status *s);

/* Replaces a root's facts; wakes who waits when something differs. */
void codi2_status_set(struct codi2_status *s, unsigned root, const struct codi2_facts *facts);
void codi2_status_get(struct codi2_status *s, unsigned root, struct codi2_facts *ret_facts);

/*
 * Whether fd, of a root's watch, has something to read: then something is pending, whatever the facts say, until this is asked
 * again; -1: all was read.
 */
void codi2_status_unseen(struct codi2_status *s, unsigned root, int fd);

/* A sentence for the person about a root, empty to clear; copied, at most 300 bytes. */
void codi2_status_message(struct codi2_status *s, unsigned root, struct str message);

/*
 * The same about the whole workspace: for a minute as the message when no root has something to say, and as a numbered notice,
 * so that whoever shows it can show each once; it waits for a day until somebody does (notices.h). path, relative to the root:
 * what it is about, empty when it is no file.
 */
struct codi2_notice {
    struct str text;
    unsigned root;
    struct str path;
};
void codi2_status_notice(struct codi2_status *s, const struct codi2_notice *notice);

/* What is not kept, as a path relative to the root. */
void codi2_status_not_kept(struct codi2_status *s, unsigned root, struct str path,
                           enum codi2_why why);

/* Something at or below path is gone or is judged anew: it is not "not kept" any more. */
void codi2_status_forget(struct codi2_status *s, unsigned root, struct str path);

/* What stands at path is in the store now. */
void codi2_status_kept(struct codi2_status *s, unsigned root, struct str path);

/* What the store has at path is whole, or another: it is not "damaged" any more. */
void codi2_status_mended(struct codi2_status *s, unsigned root, struct str path);

/* All that is known not to be kept, with the reasons: an object for the door. */
void codi2_status_write_not_kept(struct codi2_status *s, struct buf *out);

void codi2_status_ide(struct codi2_status *s, enum codi2_ide_state state);

/* Somebody is at the browser: now, and for the next CODI2_WINDOW_S. Being started counts too: somebody opened the session. */
void codi2_status_browser(struct codi2_status *s);

/* Which processes are at work, until the next word. */
void codi2_status_busy(struct codi2_status *s, const struct codi2_busy *busy);

/* The object that src/wire/README.md describes; always less than WIRE_MAX_STATUS. */
void codi2_status_write(struct codi2_status *s, struct buf *out);

/* The same for who shows it to a person, with all notices that were not told yet: they count as told from now on. */
void codi2_status_tell(struct codi2_status *s, struct buf *out);

/* Waits until the revision differs from known or the deadline (monotonic) is over; the revision now. */
uint64_t codi2_status_wait(struct codi2_status *s, uint64_t known, usec_t deadline);

/* Ends what waits for another revision now: it is to end. */
void codi2_status_wake(struct codi2_status *s);

/*
 * Takes a barrier number; codi2_status_await waits until every root has fulfilled it. ERR_TIMEOUT, ERR_FORBIDDEN (what is left
 * was refused: to wait is of no use); ret_seq: of root 0.
 */
uint64_t codi2_status_barrier(struct codi2_status *s, bool all); /* quiet files, too */
uint64_t codi2_status_barrier_wanted(struct codi2_status *s);
uint64_t codi2_status_barrier_of_all(struct codi2_status *s); /* the last of these that was taken */
int codi2_status_await(struct codi2_status *s, uint64_t barrier, usec_t deadline,
                       uint64_t *ret_seq) BASE_MUST_USE;

/* The same for root 0 alone, whatever becomes of the others. */
int codi2_status_await_workspace(struct codi2_status *s, uint64_t barrier, usec_t deadline,
                                 uint64_t *ret_seq) BASE_MUST_USE;

#endif
