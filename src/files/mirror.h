/*
 * What a mirror asks of the tree and tells it (wire/, coditectd/wire.c): batches of changes, chunks, what has come since.
 * As of files.h: the caller's sessions alone, arenas, errors.
 */
#ifndef FILES_MIRROR_H
#define FILES_MIRROR_H

#include "files/files.h"

enum files_change_kind {
    FILES_CHANGE_PUT = 1,
    FILES_CHANGE_MKDIR,
    FILES_CHANGE_SYMLINK,
    FILES_CHANGE_DELETE,
    FILES_CHANGE_MOVE
};

struct files_change {
    enum files_change_kind kind;
    struct str path;  /* of a move: from */
    struct str to;    /* of a move */
    uint64_t base;    /* version that the sender last saw at path; 0: it saw nothing there */
    uint64_t to_base; /* of a move: the same for to */
    uint32_t mode;
    usec_t mtime;
    struct content_hash hash;         /* of a file's bytes */
    struct content_manifest manifest; /* of a file; of a link: small */
    struct str bytes; /* of a small file; of a link: its target (also above CONTENT_INLINE_MAX) */
    struct files_author author;
};

struct files_apply_input {
    struct str session;
    const struct files_change *changes;
    size_t count;    /* 1 to FILES_MAX_BATCH; all of one disk */
    uint64_t unseen; /* seq from which on the sender knows its own changes alone; 0: it knows all */
    /* Runs first in the transaction: is the sender still the owner (ERR_STALE)? NULL: not asked. Same rules as store_fn. */
    int (*guard)(struct txn *txn, void *guard_ctx);
    void *guard_ctx;
};

enum files_outcome { FILES_APPLIED = 1, FILES_CONFLICT, FILES_MISSING };

struct files_apply_result {
    enum files_outcome outcome;
    uint64_t seq;       /* of the session afterwards: everything up to here is persisted */
    uint64_t first;     /* FILES_APPLIED: the first seq that these could take; 0: a repetition */
    uint64_t *versions; /* FILES_APPLIED: of each change's entry, also where nothing was changed */
    size_t index;       /* FILES_CONFLICT: the first change whose base does not stand */
    uint64_t version;   /* and what stands there (0: nothing) */
    struct content_hash *missing; /* FILES_MISSING: chunks and pages to be sent first */
    size_t missing_count;
};

/*
 * Applies the changes in order in one transaction, all or none; ctx->op is the batch's. Each has its own seq. Missing folders are
 * made. A deletion takes everything below: a conflict, with its base standing, when some of that is unseen. Chunks and pages of a
 * manifest went to files_chunk_put before; pages are looked into. ERR_TOO_LARGE: it writes more than a transaction may; send half.
 */
int files_apply(struct data_context *ctx, const struct files_apply_input *in,
                struct files_apply_result *ret_result) BASE_MUST_USE;

struct files_hashes {
    struct content_hash *at;
    size_t n;
};

/* Which of the chunks the tenant has not, or has damaged, in the order of the question. ERR_LIMIT: more than FILES_MAX_NAMED. */
int files_chunks_missing(struct data_context *ctx, const struct files_hashes *asked,
                         struct files_hashes *ret_missing) BASE_MUST_USE;

/* Stores a chunk in its stored form. Harmless when repeated. ERR_INVALID: malformed, or its bytes have another hash. */
int files_chunk_put(struct data_context *ctx, const struct content_hash *hash,
                    struct str encoded) BASE_MUST_USE;

struct files_chunk {
    struct content_hash hash;
    struct str encoded;
};

enum { FILES_MAX_TOGETHER = 400 }; /* chunks, and 1 MiB */

/* The same for several in one transaction: all or none. ERR_LIMIT: too many. */
int files_chunks_put(struct data_context *ctx, const struct files_chunk *chunks,
                     size_t count) BASE_MUST_USE;

/* The stored form of a chunk or page, into ctx->arena, verified. ERR_NOT_FOUND; ERR_CORRUPT: who has it may send it again. */
int files_chunk_get(struct data_context *ctx, const struct content_hash *hash,
                    struct str *ret_encoded) BASE_MUST_USE;

struct files_events {
    struct files_event *events;
    size_t count;
    uint64_t seq; /* go on behind it: of the last event, or of the session when these were all */
    bool more;
};

struct files_since_input {
    struct str session;
    uint64_t since; /* seq; 0: from the first change */
    size_t limit;   /* 1 to FILES_MAX_BATCH */
};

/* Changes behind since, in order. ERR_RESYNC: compare all: some of the past behind it was thinned, or the store is an older one. */
int files_changes_since(struct data_context *ctx, const struct files_since_input *in,
                        struct files_events *ret_events) BASE_MUST_USE;

struct files_like { /* something on a disk */
    struct files_version
        is; /* path and kind; but of a folder size and mtime; at: its ctime; author: of the session's own workspaces, whose ids begin with its */
    bool by_others; /* what one of these replaced, or took away, is not found */
};

/* The newest version of what is or was at like's path with its kind, size and mtime, if not replaced or taken from there, alone or with a folder above it, before like's at (see history.c); with bytes when small, a link always. ERR_NOT_FOUND: none of the last 10,000. */
int files_version_like(struct data_context *ctx, struct str session, const struct files_like *like,
                       struct files_entry *ret_entry) BASE_MUST_USE;

#endif
