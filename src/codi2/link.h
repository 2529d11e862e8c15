/*
 * The link to the server: the calls of the wire (src/wire/README.md) for one root, over the internal socket. Blocking; each
 * thread has a link of its own. A call that fails for want of a connection is ERR_UNAVAILABLE: whoever called tries again
 * later; nothing is lost, since what is to be sent lies on the disk.
 */
#ifndef CODI2_LINK_H
#define CODI2_LINK_H

#include "base/arena.h"
#include "base/time.h"
#include "codi2/plan.h"
#include "content/content.h"

struct codi2_link;

struct codi2_link_options {
    const char *socket; /* path of the server's internal socket */
    struct str token;
    const char *root;    /* "workspace", "home" */
    uint64_t generation; /* of the workspace */
    const char *author;  /* what our changes are signed with: SESSION.DISK; "" for none */
    usec_t patience;     /* for each wait for the server; 0: 60 s */
};

struct codi2_link *codi2_link_create(
    const struct codi2_link_options *options); /* connects when first used */
void codi2_link_destroy(struct codi2_link *l); /* NULL allowed */

/* Ends a call that waits in another thread; it and all later ones are ERR_UNAVAILABLE. */
void codi2_link_cancel(struct codi2_link *l);

/*
 * The first call: both say which version of the wire they speak. ERR_STALE: a newer workspace has taken over;
 * ERR_VERSION_UNSUPPORTED: they have none in common; ERR_UNAVAILABLE. What was pushed before and not answered has come to the
 * store by then, among its changes up to seq, or never will. From then on what this link asks of the tree and tells is of that store:
 * ERR_PRECONDITION when the server does not know of the greeting any more.
 */
struct codi2_welcome {
    uint64_t seq;
    uint64_t store; /* which it is; 0: an older server */
};
int codi2_link_greet(struct codi2_link *l, struct codi2_welcome *ret_welcome) BASE_MUST_USE;

/* Content of a file, brought to the server: what its WRITE names. */
struct codi2_content {
    struct content_manifest manifest;
    struct content_hash hash;       /* of all bytes */
    char small[CONTENT_INLINE_MAX]; /* the bytes, when manifest.small */
};

/*
 * Cuts what fd reads from its start. The chunks wait in memory (at most 8 MiB) and are with the server when codi2_link_push
 * has succeeded. length: what the file had when it was opened; more or fewer bytes are ERR_CONFLICT (it is being written;
 * look again). ERR_UNAVAILABLE, ERR_DISK_LOW (the server's).
 */
int codi2_link_upload(struct codi2_link *l, struct codi2_content *ret_content, int fd,
                      uint64_t length) BASE_MUST_USE;

/* Brings what waits to the server when no push is to follow. Errors of codi2_link_upload. */
int codi2_link_flush(struct codi2_link *l) BASE_MUST_USE;

struct codi2_change {
    struct codi2_step step;
    struct codi2_content content; /* CODI2_WRITE */
    struct str target;            /* CODI2_LINK */
    bool saved;                   /* CODI2_WRITE: in the IDE's editor, so it is the person's */
};

enum codi2_verdict { CODI2_ACCEPTED, CODI2_CONFLICT, CODI2_MISSING };

struct codi2_reply {
    enum codi2_verdict
        verdict; /* CODI2_MISSING: content is gone from the server; read the files again */
    size_t
        index; /* CODI2_CONFLICT: the first change that does not stand; nothing of the batch was done */
    uint64_t
        version; /* CODI2_CONFLICT: what the server has there now, 0: nothing; the base: it has unseen things in that folder */
    uint64_t *versions; /* CODI2_ACCEPTED: of each change, in arena */
    uint64_t seq;       /* CODI2_ACCEPTED: of the root afterwards */
    uint64_t first; /* CODI2_ACCEPTED: others changed nothing from here on; 0: that is not known */
};

struct codi2_batch {
    const struct codi2_change *changes;
    size_t count;  /* 1 to 500 */
    uint64_t seen; /* others' changes up to here have come; no folder's deletion takes later ones */
};

/*
 * One batch: all or nothing, repeated with the same id until its result is known. ERR_UNAVAILABLE, ERR_STALE (a newer
 * workspace has taken over: end), ERR_PRECONDITION (the server does not know of the last greeting any more: greet). For what is in it: ERR_TOO_LARGE (more bytes than a request may have, or than the store takes
 * at once: send fewer), ERR_LIMIT (a move would make paths that are too long), ERR_INVALID (our bug, or a path that the store
 * refuses).
 */
int codi2_link_push(struct codi2_link *l, struct arena *arena, const struct codi2_batch *batch,
                    struct codi2_reply *ret_reply) BASE_MUST_USE;

/* What the store has. */
struct codi2_remote {
    struct str path;
    struct str from; /* a change: it moved from here; else empty */
    enum codi2_kind kind;
    bool deleted; /* a change: it is gone */
    bool ours;    /* a change: it was sent from this disk */
    bool
        restored; /* a change: a folder that it names came back with what it held, which has no changes of its own */
    uint32_t mode;
    int64_t mtime; /* nanoseconds */
    uint64_t version;
    uint64_t size;
    struct content_hash hash;
    struct content_manifest manifest;
    struct str bytes; /* small content, or a link's target */
    bool damaged;     /* the store has lost what it was, and says so: bytes are empty */
};

struct codi2_remotes {
    struct codi2_remote *at;
    size_t count;
    struct str next; /* tree: cursor of the next page, empty at the end */
    uint64_t seq;    /* tree: of the moment listed; changes: up to and including */
    uint64_t
        rules; /* changes: the mark of the tenant's rules; 0: the server says nothing of them */
};

struct codi2_tree_query {
    uint64_t seq; /* the moment; 0: now */
    struct str cursor;
};

/* A page of the tree, folders before what is in them. */
int codi2_link_tree(struct codi2_link *l, struct arena *arena, const struct codi2_tree_query *query,
                    struct codi2_remotes *ret_tree) BASE_MUST_USE;

struct codi2_past_query {
    const struct codi2_entry *here;
    bool by_others; /* what this session's own workspaces replaced or deleted is not found */
};

/*
 * The newest version of what is or was at here's path that has here's size and mtime (in whole microseconds), unless it had been
 * replaced in the store before here's ctime. ERR_NOT_FOUND.
 */
int codi2_link_past_like(struct codi2_link *l, struct arena *arena,
                         const struct codi2_past_query *query,
                         struct codi2_remote *ret_version) BASE_MUST_USE;

struct codi2_changes_query {
    uint64_t since;
    int wait_ms; /* for the first; 0: do not wait */
    uint64_t
        rules; /* their mark, as last told: the call waits for another one, too; 0: it does not */
};

/* Changes behind since. ERR_RESYNC: compare the whole tree. */
int codi2_link_changes(struct codi2_link *l, struct arena *arena,
                       const struct codi2_changes_query *query,
                       struct codi2_remotes *ret_changes) BASE_MUST_USE;

/*
 * What the tenant says of this tree's files, in arena. ERR_NOT_FOUND: of this root nothing, or an older server; ERR_INVALID: no such
 * answer as we know.
 */
struct wire_rules; /* wire/wire.h */
int codi2_link_rules(struct codi2_link *l, struct arena *arena,
                     struct wire_rules *ret_rules) BASE_MUST_USE;

/*
 * The next lot of files whose content will be asked for: it is fetched in the background, and the lot before it is what
 * codi2_link_download finds here. How many of them are in the lot (at least one, when there are any).
 */
size_t codi2_link_ahead(struct codi2_link *l, const struct codi2_remote *remotes, size_t count);
void codi2_link_ahead_end(struct codi2_link *l); /* all is forgotten; also by codi2_link_destroy */

/*
 * Writes a file's content to fd, every chunk's hash checked. ERR_CORRUPT: the store has not all of it, or not whole;
 * ERR_UNAVAILABLE, ERR_NO_SPACE, ERR_IO.
 */
int codi2_link_download(struct codi2_link *l, const struct codi2_remote *remote,
                        int fd) BASE_MUST_USE;

/* Says how it goes; the server shows it as the workspace's state. text: JSON of the door's status. */
int codi2_link_report(struct codi2_link *l, struct str text) BASE_MUST_USE;

/*
 * What the session begins with; strings in arena. ERR_NOT_FOUND: nothing. And what is said of an attempt; ERR_CONFLICT: that one
 * is over. Both: ERR_UNAVAILABLE, ERR_STALE.
 */
struct wire_source;      /* wire/wire.h */
struct wire_source_note; /* the same */
int codi2_link_source(struct codi2_link *l, struct arena *arena,
                      struct wire_source *ret_source) BASE_MUST_USE;
int codi2_link_source_note(struct codi2_link *l, const struct wire_source_note *note) BASE_MUST_USE;

#endif
