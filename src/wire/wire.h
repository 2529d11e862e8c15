/*
 * The wire between codi2 and coditectd: its messages as structs and their JSON, strictly bounded both ways. README.md is the
 * protocol. Transport (HTTP/1.1 over an internal unix socket) is the callers'.
 *
 * Reading: strings borrow from the text or lie in the arena; arrays lie in the arena. Every reader returns ERR_INVALID for
 * what is malformed or over a bound; unknown members are ignored, so that either side may be newer. Writing: the caller
 * gives a buf with room (WIRE_MAX_MESSAGE); bounds of what is written are asserted. Stateless; any thread.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "content/content.h"

enum {
    WIRE_VERSION = 1,
    WIRE_MAX_MESSAGE = 4 << 20, /* bytes of JSON, either way; a request at most WIRE_MAX_REQUEST */
    WIRE_MAX_REQUEST = 1 << 20,
    WIRE_MAX_CHANGES = 500,            /* in a batch, or in a page of changes */
    WIRE_MAX_ENTRIES = 1000,           /* in a page of the tree */
    WIRE_MAX_HASHES = 2000,            /* in a question or an answer about chunks */
    WIRE_MAX_CHUNKS = 400,             /* that are sent together */
    WIRE_MAX_CHUNK_BYTES = 768 * 1024, /* of them, with what stands before each */
    WIRE_MAX_STATUS = 16 * 1024,       /* bytes of a status */
    WIRE_MAX_STATUS_MESSAGE = 1024,
    WIRE_MAX_AWAKE = 8,
    WIRE_MAX_AWAKE_NAME = 64, /* bytes */
    WIRE_MAX_AUTHOR = 64,     /* bytes of an author's id */
    WIRE_MAX_TARGET = 4095,   /* bytes of a symbolic link's target */
    WIRE_MAX_PROGRAM = 64,    /* bytes of a program's name and version */
    WIRE_BATCH_ID_SIZE = 16,
};

enum wire_kind { WIRE_FILE = 1, WIRE_FOLDER, WIRE_SYMLINK };
enum wire_op { WIRE_WRITE = 1, WIRE_DELETE, WIRE_MOVE, WIRE_RESTORE };
enum wire_author_kind { WIRE_USER = 1, WIRE_TERMINAL, WIRE_AGENT, WIRE_API };

/*
 * The id of a change that comes from a workspace is NAME.DISK: the session's id for WIRE_TERMINAL, for WIRE_USER the person's, which
 * the server sets, whatever name is sent.
 */
struct wire_author {
    enum wire_author_kind kind;
    struct str id; /* may be empty */
};
struct str wire_author_disk(struct str id); /* empty: it names none */

/* POST /hello: the first call of a connection's life. */
struct wire_hello {
    uint64_t version;    /* of the wire, the newest that codi2 speaks */
    uint64_t generation; /* of the workspace; 0: the token's */
    struct str program;  /* "codi2 5.0.0" */
};
struct wire_welcome {
    uint64_t version;    /* that both speak from now on */
    uint64_t seq;        /* of the root's latest change */
    uint64_t connection; /* what each batch is to name until the next hello; 0: an older server */
    uint64_t
        store; /* which one it is: what is known of versions is true of that one alone; 0: the same */
};
void wire_hello_write(struct buf *out, const struct wire_hello *hello);
int wire_hello_read(struct arena *arena, struct str text,
                    struct wire_hello *ret_hello) BASE_MUST_USE;
void wire_welcome_write(struct buf *out, const struct wire_welcome *welcome);
int wire_welcome_read(struct arena *arena, struct str text,
                      struct wire_welcome *ret_welcome) BASE_MUST_USE;

/* GET /source: the git repository that the session begins with. */
enum {
    WIRE_MAX_URL = 2000,
    WIRE_MAX_BRANCH = 250,
    WIRE_MAX_FOLDER = 255,
    WIRE_MAX_SOURCE_TEXT = 400,
};
enum wire_source_state {
    WIRE_SOURCE_PENDING = 1,
    WIRE_SOURCE_CLONING,
    WIRE_SOURCE_DONE,
    WIRE_SOURCE_FAILED,
};
struct wire_source {
    struct str url;
    struct str branch; /* empty: the repository's own choice */
    uint64_t attempt;  /* from 1 */
    enum wire_source_state state;
    struct str folder; /* where the workspace said that it puts it; empty: it has not */
};
void wire_source_write(struct buf *out, const struct wire_source *source);
int wire_source_read(struct arena *arena, struct str text,
                     struct wire_source *ret_source) BASE_MUST_USE;

/* POST /source: how far an attempt is. */
struct wire_source_note {
    uint64_t attempt;
    enum wire_source_state state; /* not PENDING */
    uint64_t percent;             /* 0 to 100 */
    struct str folder;            /* DONE: where it stands; CLONING: where it is about to */
    struct str message;           /* FAILED: why; DONE: what else there is to say */
};
void wire_source_note_write(struct buf *out, const struct wire_source_note *note);
int wire_source_note_read(struct arena *arena, struct str text,
                          struct wire_source_note *ret_note) BASE_MUST_USE;

/* GET /rules: what the tenant says of its sessions' files, lists of lines of gitignore(5). */
enum { WIRE_MAX_RULES = 64 * 1024 }; /* bytes of one list */
struct wire_rules {
    struct str ignore; /* left out */
    struct str quiet;  /* stored once they are still; an older server says nothing of them: empty */
};
void wire_rules_write(struct buf *out, const struct wire_rules *rules);
int wire_rules_read(struct arena *arena, struct str text,
                    struct wire_rules *ret_rules) BASE_MUST_USE;

/*
 * A number that stands for them (content_ignore_mark), 1 to INT64_MAX. Without quiet ones it is that of `ignore` alone, which is
 * all that an older codi2 knows: it takes another mark for news, asks, and finds that nothing changed.
 */
uint64_t wire_rules_mark(const struct wire_rules *rules);

/* POST /chunks:missing, both ways. */
struct wire_hashes {
    struct content_hash *at;
    size_t n;
};
void wire_hashes_write(struct buf *out, const struct wire_hashes *hashes);
int wire_hashes_read(struct arena *arena, struct str text,
                     struct wire_hashes *ret_hashes) BASE_MUST_USE;

/*
 * POST /chunks, and the answer to POST /chunks:get: no JSON. Adding is false when it has no room beside what is there
 * already. What is read borrows from the bytes; its hashes are not verified.
 */
struct wire_chunk {
    struct content_hash hash;
    struct str encoded; /* the stored form */
};
struct wire_chunks {
    struct wire_chunk *at;
    size_t n; /* at most WIRE_MAX_CHUNKS */
};
bool wire_chunks_add(struct buf *out, const struct wire_chunk *chunk) BASE_MUST_USE;
int wire_chunks_read(struct arena *arena, struct str bytes,
                     struct wire_chunks *ret_chunks) BASE_MUST_USE;

/* What stands at a path: of a tree, of an event, and what a change makes of it. */
struct wire_entry {
    struct str path;
    enum wire_kind kind;
    uint64_t version;
    uint32_t mode;
    int64_t mtime;                    /* microseconds since 1970 */
    struct content_hash hash;         /* of all bytes of a file or link's target */
    struct content_manifest manifest; /* length: the size */
    struct str bytes;                 /* when manifest.small */
    bool damaged; /* of what the store has: its content is not what hash says; bytes are empty */
};

enum wire_change_kind { WIRE_CHANGE_PUT = 1, WIRE_CHANGE_DELETE, WIRE_CHANGE_MOVE };

struct wire_change {
    enum wire_change_kind kind;
    struct wire_entry
        entry; /* PUT: what is to be there (version is not sent); else only the path (of a move: from) */
    struct str to;    /* MOVE */
    uint64_t base;    /* version that codi2 last saw at the path; 0: nothing */
    uint64_t to_base; /* MOVE: the same for to */
    struct wire_author author;
};

/* POST /changes */
struct wire_batch {
    uint8_t id[WIRE_BATCH_ID_SIZE]; /* random; the same when the same batch is sent again */
    uint64_t generation;            /* of the workspace; 0: the token's */
    uint64_t connection;            /* of the last welcome; 0: unsaid */
    uint64_t unseen; /* of changes from here on codi2 knows its own alone; 0: unsaid */
    struct wire_change *changes;
    size_t n; /* 1 to WIRE_MAX_CHANGES */
};
void wire_batch_write(struct buf *out, const struct wire_batch *batch);
int wire_batch_read(struct arena *arena, struct str text,
                    struct wire_batch *ret_batch) BASE_MUST_USE;

enum wire_verdict { WIRE_APPLIED = 1, WIRE_CONFLICT, WIRE_MISSING };

struct wire_outcome {
    enum wire_verdict verdict;
    uint64_t seq;       /* APPLIED: of the root afterwards */
    uint64_t first;     /* APPLIED: the first that this batch could take; 0: unsaid */
    uint64_t *versions; /* APPLIED: of each change's entry */
    size_t n;           /* of versions */
    uint64_t index;     /* CONFLICT: the first change whose base does not stand */
    uint64_t version; /* CONFLICT: what stands there; 0: nothing. The base: more is in the folder */
    struct wire_hashes missing;
};
void wire_outcome_write(struct buf *out, const struct wire_outcome *outcome);
int wire_outcome_read(struct arena *arena, struct str text,
                      struct wire_outcome *ret_outcome) BASE_MUST_USE;

/* GET /tree?at=&cursor= */
struct wire_tree {
    struct wire_entry *entries;
    size_t n;
    struct str next; /* cursor: bytes of a path; empty: no more */
    uint64_t seq;    /* of the moment */
};
void wire_tree_write(struct buf *out, const struct wire_tree *tree);
int wire_tree_read(struct arena *arena, struct str text, struct wire_tree *ret_tree) BASE_MUST_USE;

/* GET /changes?since= */
struct wire_event {
    uint64_t seq;
    enum wire_op op;
    struct str from;         /* MOVE: where it was */
    struct wire_entry entry; /* as of this change; DELETE: as it was */
    struct wire_author author;
    int64_t at; /* microseconds since 1970 */
};
struct wire_events {
    struct wire_event *events;
    size_t n;
    uint64_t seq; /* of the last one, or since */
    bool more;
    uint64_t rules; /* content_ignore_mark of the tenant's; 0: nothing is said of them */
};
void wire_events_write(struct buf *out, const struct wire_events *events);
int wire_events_read(struct arena *arena, struct str text,
                     struct wire_events *ret_events) BASE_MUST_USE;

/*
 * POST /status: the door's status object (README.md), of at most WIRE_MAX_STATUS. Only the state must be there; what is absent
 * is empty or 0. Who reads it must not take a state or a name for one of a list: codi2 may be newer.
 */
struct wire_status {
    struct str state;   /* "persisted", "persisting", "restoring", "offline", "conflict" */
    struct str message; /* for the person; may be empty */
    uint64_t done;      /* of total files restored; 0 of 0: nothing is being restored */
    uint64_t total;
    uint64_t held_back;    /* deletions that wait for the person's word */
    struct str ide;        /* "none", "starting", "running", "failed"; "" from an older codi2 */
    bool reports_activity; /* false: nothing is known of the next three */
    uint64_t idle_ms;      /* how long nothing has kept it awake; 0: something does */
    struct str awake[WIRE_MAX_AWAKE]; /* what does: "browser", "process make" */
    size_t awake_count;
    struct str text; /* the whole object */
};
int wire_status_read(struct arena *arena, struct str text,
                     struct wire_status *ret_status) BASE_MUST_USE;

#endif
