/*
 * Inside files: records, one transaction on a session's tree, and content in transit.
 *
 * What lies under which key (all below t/{tenant}/, numbers as 16 hexadecimal digits):
 *     entry/{session}/{folder}/{name}               record of the child that is there now
 *     past/{session}/{folder}/{escaped name}/{seq}  record of the child that was there until seq took it away
 *     version/{session}/{id}/{seq}                  record as of seq, what happened, and the bytes of a small file
 *     change/{session}/{seq}                        who, when, what
 *     node/{session}/{folder}                       what is below a folder, the root excepted: see node.c
 *     rewind/{session}/{seq}                        a return to a past moment that began with seq: see rewind.c
 *     thin/{session}/{seq}                          a stretch of the past of which the last moment is kept: see thin.c
 *     thin/{session}/gone/{folder}                  a dead folder that goes with all in it: see thin_folder.c
 *     usage/{session}                               the latest seq, files and bytes of all (data/)
 *     held/{2 digits}, held/to                      bytes of the chunks whose hash begins so; how far they are counted: see held.c
 *     chunk/{hash}, stored/{hash}                   a chunk or page in its stored form; what is known about it
 *     chunkref/{hash}/{session}/{id}-{seq}          a version names it
 *     chunkref/{hash}/page/{hash}                   a page names it
 *     g/loose/{hour}/{tenant}/{hash}                nothing names it: the collector's queue (loose.c)
 *
 * Invariants:
 * 1. entry.since <= entry.version, and version/{id}/{version} exists. A past record's [since, seq) intervals of one name do
 *    not overlap, and end before the entry's since.
 * 2. The children of a deleted folder stay where they are: they are reachable through past alone, until all of it goes (thin_folder.c).
 * 3. stored/{hash} with a level above 0 says: it is a page, and everything below it is stored and referenced by it. So a
 *    commit looks at one key per manifest.
 * 4. Ids are seq << ID_BITS plus a count within the change: never used twice, known without another counter.
 */
#ifndef FILES_FILES_INT_H
#define FILES_FILES_INT_H

#include "base/assert.h"
#include "files/mirror.h"
#include "files/upkeep.h"
#include "sessions/sessions.h"

enum {
    FILES_ROOT = 1,
    FILES_ID_BITS = 9, /* a change makes at most CONTENT_MAX_DEPTH folders and one file */
    FILES_RECORD_SIZE = 116,
    FILES_STORED_SIZE = 17,
    FILES_FLUSH_BYTES = 512 * 1024, /* stored chunks in one transaction */
};

/* ---- record.c ---- */

struct files_record {
    enum files_kind kind;
    uint32_t mode;
    uint64_t id;
    uint64_t version;
    uint64_t since; /* seq that put it under its name */
    usec_t mtime;
    struct content_hash hash;         /* of all bytes */
    struct content_manifest manifest; /* length: the size */
};

/* A version: the record, what happened, and the bytes when they are small. */
struct files_past_version {
    struct files_record record;
    enum files_op op;
    struct str bytes;
};

struct files_change_record {
    enum files_op op;
    uint64_t id;
    struct files_author author;
    usec_t at;
    struct str path; /* afterwards; of a deletion: before */
    struct str from; /* of a move */
};

struct str files_record_encode(struct arena *arena, const struct files_record *record);
int files_record_decode(struct str bytes, struct files_record *ret_record) BASE_MUST_USE;
struct str files_version_encode(struct arena *arena, const struct files_past_version *version);
int files_version_decode(struct str bytes, struct files_past_version *ret_version) BASE_MUST_USE;
struct str files_change_encode(struct arena *arena, const struct files_change_record *change);
int files_change_decode(struct str bytes, struct files_change_record *ret_change) BASE_MUST_USE;

/* Bytes that an entry is told with beside its path. */
size_t files_bytes_told(const struct files_entry *entry);

/* The entry of a record; path is copied into arena. */
void files_entry_from(struct arena *arena, const struct files_record *record, struct str path,
                      struct files_entry *ret_entry);

struct files_stored {
    uint32_t length; /* of its own plain bytes */
    uint8_t level;   /* of a page, everything below which is known to be there; else 0 */
    uint64_t below;  /* bytes of a file below a page */
    uint32_t hour;   /* since 1970, when an upload last had it: the collector spares young ones */
    bool damaged;    /* a reader found it so: who has the bytes writes them again (mend.c) */
};
struct str files_stored_encode(struct arena *arena, const struct files_stored *stored);
int files_stored_decode(struct str bytes, struct files_stored *ret_stored) BASE_MUST_USE;

/* ---- tx.c: one transaction on a session ---- */

/* A folder that, by what is recorded of it, would reach too far where it is to go; see measure.c. */
struct files_tight {
    uint64_t folder; /* 0: none */
    uint64_t reach;  /* bytes that the longest path below it may have there */
    uint64_t levels; /* names that the deepest may have */
};

/* Of what the tenant holds, as far as the transaction has read it; see held.c. */
struct files_counting {
    bool known;
    bool all; /* every chunk is counted, else those up to this hash; empty: none */
    struct str to;
    bool damaged; /* nobody knows which: none is */
    bool summed;
    uint64_t bytes; /* then: with what the transaction has added */
};

struct files_tx {
    struct txn *txn;
    struct arena *arena; /* the transaction's */
    const struct scope *scope;
    struct str session;
    struct data_usage usage;
    uint64_t bytes_before;          /* usage.bytes, when it began */
    const struct data_quota *quota; /* set by who ends it; NULL: none */
    const char *refusal;            /* of ERR_QUOTA and ERR_LIMIT, in a sentence */
    struct files_counting held;
    struct files_tight tight; /* of the latter, when there is a doubt */
    bool forking;             /* it is still being copied: only the copy itself may change it */
    const struct files_author *author;
    usec_t now;     /* taken outside, so that a repeated run writes the same */
    uint64_t seq;   /* of the change in hand */
    unsigned made;  /* ids of this change */
    size_t written; /* bytes, about */
};

/* Checks that the session is the caller's (ERR_NOT_FOUND) and reads its counters. */
int files_tx_begin(struct files_tx *tx, struct txn *txn, const struct scope *scope,
                   struct str session) BASE_MUST_USE;

void files_tx_next(struct files_tx *tx);   /* the next change: a new seq */
uint64_t files_tx_id(struct files_tx *tx); /* a new id */
int files_tx_end(struct files_tx *tx,
                 uint64_t first) BASE_MUST_USE; /* counters, event; ERR_TOO_LARGE, ERR_QUOTA */

/*
 * On the session's feed, in the transaction of the changes themselves: {"kind":"files","after":a,"seq":b}, the changes behind a up to b
 * as files_log tells them, but for those of rewinds; {"kind":"rewound",…}: the rewind that is whole now, which files_log tells as b. Of
 * what a copy brings nothing is told.
 */
void files_tx_tell(struct files_tx *tx, const char *kind, uint64_t after, uint64_t seq);

void files_tx_put(struct files_tx *tx, struct str key, struct str value);

/* Whether a key begins so. */
int files_any(struct files_tx *tx, struct str prefix, bool *ret_some) BASE_MUST_USE;

struct str files_key_entry(struct files_tx *tx, uint64_t folder, struct str name);
struct str files_key_entries(struct files_tx *tx, uint64_t folder);
struct str files_key_past(struct files_tx *tx, uint64_t folder, struct str name, uint64_t seq);
struct str files_key_past_name(struct files_tx *tx, uint64_t folder,
                               struct str name); /* ended by '/' */
struct str files_key_pasts(struct files_tx *tx, uint64_t folder);
struct str files_key_version(struct files_tx *tx, uint64_t id, uint64_t seq);
struct str files_key_change(struct files_tx *tx, uint64_t seq);

/* The name that an escaped part of a past key stands for. */
int files_unescape(struct arena *arena, struct str escaped,
                   struct str *ret_name) BASE_MUST_USE; /* ERR_CORRUPT */

/* ---- place.c: finding things ---- */

struct files_place {
    struct str path;
    struct str name;                       /* empty for the root */
    uint64_t chain[CONTENT_MAX_DEPTH + 1]; /* folders from the root to the name's */
    size_t depth;                          /* of them; 0 for the root */
    bool there;
    struct files_record record; /* when it is there */
};

static inline uint64_t files_place_folder(const struct files_place *place)
{
    return place->chain[place->depth - 1];
}

/* ERR_NOT_FOUND: a folder on the way is missing; ERR_NOT_DIRECTORY: one is none. The name itself may be missing. */
int files_place_find(struct files_tx *tx, struct str path,
                     struct files_place **ret_place) BASE_MUST_USE;
int files_place_make(struct files_tx *tx, struct str path,
                     struct files_place **ret_place) BASE_MUST_USE;

/* The child of that name. ERR_NOT_FOUND. */
int files_child(struct files_tx *tx, uint64_t folder, struct str name,
                struct files_record *ret_record) BASE_MUST_USE;

/* ---- change.c: what changes do to keys ---- */

/* What a file is to become; hash, manifest and bytes as in struct files_change. */
struct files_content {
    enum files_kind kind;
    struct content_hash hash;
    struct content_manifest manifest;
    struct str bytes;
    bool named; /* a version names it: what of it is damaged or gone is so in another one as well */
};

struct files_write {
    const struct files_content *content;
    enum files_op op;
    int64_t mode; /* -1: as it is, else 0644 (0777 for a link) */
    usec_t mtime;
    uint64_t revive; /* id of a dead file that comes back when nothing is there; 0: a new id */
};

int files_match_check(const struct files_match *match,
                      const struct files_place *place) BASE_MUST_USE;

/* Each needs files_tx_next before and updates place->record. ERR_MISSING_CHUNKS, ERR_INVALID: see files_content_ref. */
int files_change_write(struct files_tx *tx, struct files_place *place,
                       const struct files_write *write) BASE_MUST_USE;
int files_change_mkdir(struct files_tx *tx, struct files_place *place, uint32_t mode,
                       usec_t mtime) BASE_MUST_USE;
void files_change_mode(struct files_tx *tx, struct files_place *place, uint32_t mode,
                       usec_t mtime); /* of a folder */
int files_change_delete(struct files_tx *tx, struct files_place *place) BASE_MUST_USE;
int files_change_move(struct files_tx *tx, struct files_place *from,
                      struct files_place *to) BASE_MUST_USE;
int files_change_relink(struct files_tx *tx, struct files_place *place,
                        const struct files_record *folder) BASE_MUST_USE;

/* Makes a folder under a name where nothing is; no change record. */
void files_folder_new(struct files_tx *tx, const struct files_place *place,
                      struct files_record *record);

/* Reads the latest version of id at or before seq. ERR_NOT_FOUND. */
int files_version_at(struct files_tx *tx, uint64_t id, uint64_t seq,
                     struct files_past_version *ret_version) BASE_MUST_USE;

/* The record's own. ERR_CORRUPT: it is lost; no older one stands for it. */
int files_version_of(struct files_tx *tx, const struct files_record *record,
                     struct files_past_version *ret_version) BASE_MUST_USE;

/* ---- chunk.c: content in the store ---- */

struct files_item { /* a chunk or page that waits to be written */
    struct content_hash hash;
    struct str encoded;
    uint32_t length;
    const struct content_page *page; /* NULL: a chunk */
};

/* About the bytes that writing it writes: for the store's op. */
size_t files_item_cost(const struct files_item *item);

struct str files_hash_part(struct arena *arena, const struct content_hash *hash);
struct str files_key_chunk(struct files_tx *tx, const struct content_hash *hash);
struct str files_key_stored(struct files_tx *tx, const struct content_hash *hash);
struct str files_key_page_ref(struct files_tx *tx, const struct content_hash *hash,
                              const struct content_hash *page);
struct str files_key_version_ref(struct files_tx *tx, const struct content_hash *hash, uint64_t id,
                                 uint64_t seq);

int files_stored_get(struct files_tx *tx, const struct content_hash *hash,
                     struct files_stored *ret_stored) BASE_MUST_USE;

/* Writes what is not there yet, or is marked as damaged. Of a page, everything it names must be there: ERR_MISSING_CHUNKS. ERR_INVALID: it lies. */
int files_item_put(struct files_tx *tx, const struct files_item *item) BASE_MUST_USE;

/* Checks that the content is there, unless it is named, and notes that this version of id names it. ERR_MISSING_CHUNKS;
 * ERR_INVALID: it lies. */
int files_content_ref(struct files_tx *tx, uint64_t id,
                      const struct files_content *content) BASE_MUST_USE;

/* ---- loose.c: content that nothing names ---- */

/* Into the collector's queue, and out of it; hour: what stored/ says. Both are harmless when it is so already. */
void files_loose_put(struct files_tx *tx, const struct content_hash *hash, uint32_t hour);
void files_loose_drop(struct files_tx *tx, const struct content_hash *hash, uint32_t hour);

/* Takes the reference with this key away; who takes the last one queues the content. */
int files_ref_drop(struct files_tx *tx, const struct content_hash *hash,
                   struct str key) BASE_MUST_USE;

/* What names the content of a version goes with the version: whoever deletes version/{id}/{seq} calls this as well. */
int files_content_unref(struct files_tx *tx, uint64_t id, uint64_t seq,
                        const struct content_manifest *manifest) BASE_MUST_USE;

/* Whether anything names it. */
int files_is_named(struct files_tx *tx, const struct content_hash *hash,
                   bool *ret_named) BASE_MUST_USE;

/* Of chunk.c: collects missing hashes, at most FILES_MAX_NAMED. */
struct files_missing {
    struct arena *arena;
    struct content_hash *at;
    size_t n;
};
void files_missing_add(struct files_missing *missing, const struct content_hash *hash);

/* Looks into the pages of a manifest that came as chunks, and marks them. What is missing is added. ERR_INVALID. */
int files_adopt(struct data_context *ctx, const struct content_manifest *manifest,
                struct files_missing *missing) BASE_MUST_USE;

/* The plain bytes of a chunk or page, borrowed from codec. ERR_CORRUPT (also: it is not there): it is marked then. */
struct files_fetch {
    struct data_context *ctx;
    struct content_codec *codec;
    struct buf *encoded;
};
int files_fetch(const struct files_fetch *fetch, const struct content_hash *hash,
                struct str *ret_plain) BASE_MUST_USE;
/* Of mend.c, outside of transactions; nothing when it is not stored. */
void files_mark_damaged(struct store *store, const struct scope *scope,
                        const struct content_hash *hash);

/*
 * Outside of transactions: entry->bytes are checked against its hash, and the target of a link that is too long to lie in its
 * version is fetched. What is not whole is `damaged`, and no error: the entries beside it are to be had.
 */
int files_bytes_load(struct data_context *ctx, struct files_entry *entry) BASE_MUST_USE;

/* ---- edit.c: the frame of every change ---- */

/* Bytes that are remembered under ctx->op: id and seq, 16 hexadecimal digits each. */
enum { FILES_EDIT_ANSWER = 32 };

struct files_edit;
typedef int files_edit_fn(struct files_tx *tx, struct files_edit *edit);

/*
 * One change in one transaction, safe to repeat under ctx->op. step finds and changes things and sets record (of the entry
 * that is answered, or as it was when it went) and path.
 */
struct files_edit {
    struct data_context *ctx;
    struct str session;
    const struct files_author *author;
    const struct files_item *items; /* content of the same transaction, children first */
    size_t item_count;
    size_t bytes; /* about what is written */
    bool reserve; /* takes things away: goes on when the disk is full */
    files_edit_fn *step;
    const void *in;
    usec_t now;
    struct files_tight tight;
    /* results */
    struct files_record record;
    struct str path;
    uint64_t seq;
};
int files_edit(struct files_edit *edit) BASE_MUST_USE;

/* ERR_INVALID unless author and path are well-formed; the root only where it is allowed. */
int files_input_check(const struct files_author *author, struct str path) BASE_MUST_USE;

/* The step of files_upload_commit, files_symlink and files_restore. */
struct files_write_input {
    const struct files_put_input *put;
    struct files_content content;
};
int files_edit_write(struct files_tx *tx, struct files_edit *edit) BASE_MUST_USE;
usec_t files_put_time(const struct files_put_input *put, usec_t now);

/* ---- scrub_names.c ---- */

struct files_damage {
    const struct scope *scope; /* tenant only */
    enum data_space space;     /* of chunks or versions */
    struct str name;           /* the key behind the space's name */
};
/* Into text: " in ", then the files that have it. */
int files_damage_names(struct store *store, const struct files_damage *damage,
                       struct buf *text) BASE_MUST_USE;

/* ---- unseen.c ---- */

/* Of one run of a transaction. */
struct files_unseen {
    uint64_t from,
        end; /* seqs: all before from are known; behind the last that was there before the batch */
    struct str sender;              /* an author's id */
    struct files_change_record *at; /* private, as all below */
    size_t n;
    bool known; /* it was looked for */
    bool more;  /* there is more than can be looked through */
};

/* Whether something in the folder, or the folder itself with one above it, came by what the sender has not seen. */
int files_unseen_below(struct files_unseen *unseen, struct files_tx *tx,
                       const struct files_place *folder, bool *ret_some) BASE_MUST_USE;

/* ---- moment.c: what was there at a moment ---- */

#define FILES_NOW UINT64_MAX

struct files_named {
    struct str name;
    struct files_record record;
    bool damaged; /* the record is a later one of it, or all 0 */
};

struct files_children_query {
    uint64_t folder;
    uint64_t at;      /* a seq, or FILES_NOW */
    struct str after; /* names behind this one */
    size_t limit;     /* about as many */
    bool past_damage; /* what cannot be read is told as damaged, and is no error */
};

/* The child named query->after as of query->at. ERR_NOT_FOUND. */
int files_child_at(struct files_tx *tx, const struct files_children_query *query,
                   struct files_record *ret_record) BASE_MUST_USE;

/* What was at path. ERR_NOT_FOUND, ERR_NOT_DIRECTORY: a part of the way was none. */
int files_record_at(struct files_tx *tx, struct str path, uint64_t at,
                    struct files_record *ret_record) BASE_MUST_USE;

/* Who was at path, as it was later: by names alone, also where its version of then was thinned. ERR_NOT_FOUND. */
int files_name_at(struct files_tx *tx, struct str path, uint64_t at,
                  struct files_record *ret_record) BASE_MUST_USE;
int files_was_at(struct files_tx *tx, struct str path, uint64_t at, bool *ret_there) BASE_MUST_USE;

/* Children in byte order of names. more: there may be more behind *ret_last, also when none is returned. */
struct files_children {
    struct files_named *at;
    size_t n;
    bool more;
    struct str last;
};
int files_children(struct files_tx *tx, const struct files_children_query *query,
                   struct files_children *ret_children) BASE_MUST_USE;

/* ---- walk.c ---- */

struct files_walk {
    struct files_tx *tx;
    uint64_t at;    /* a seq, or FILES_NOW */
    bool recursive; /* folders before what is in them */
    bool past_damage;
    bool damaged; /* the entry just given, as files_named says */
    struct files_level *here;
};

/* after: the path, relative to the folder, of the last entry already had. */
int files_walk_begin(struct files_walk *w, uint64_t folder, struct str after) BASE_MUST_USE;

/* The next entry, its path relative to the start. ERR_NOT_FOUND: that was all. */
int files_walk_next(struct files_walk *w, struct str *ret_path,
                    struct files_record *ret_record) BASE_MUST_USE;

/* What is below the folder that was just given is passed over. */
void files_walk_skip(struct files_walk *w, struct str path);

struct str files_path_join(struct arena *arena, struct str folder, struct str name);

/* What files_reader_open (reader.c) reads, in a transaction: the record, and the bytes when they are small. ERR_NOT_FOUND. */
int files_version_open(struct files_tx *tx, const struct files_open_input *in,
                       struct files_past_version *ret_version) BASE_MUST_USE;

/* ---- thin.c ---- */

/* A moment in a stretch that was thinned is its last. files_thin_end: the last of all; 0: nothing was thinned. */
int files_thin_settle(struct files_tx *tx, uint64_t *at) BASE_MUST_USE;
int files_thin_end(struct files_tx *tx, uint64_t *ret_end) BASE_MUST_USE;

/* For the checker: what stands under the number. ERR_CORRUPT. */
int files_thin_read(struct files_tx *tx, uint64_t number, struct str value) BASE_MUST_USE;

/* All of a new tree's past up to a moment is one stretch, of which nothing is left to be thinned. */
void files_thin_begin_at(struct files_tx *tx, uint64_t at);

struct files_tree {
    struct str tenant, id;
};

/* The next step of one tree; *ret_more: there may be another. */
int files_thin_step(struct store *store, const struct files_keep *keep,
                    const struct files_tree *tree, bool *ret_more) BASE_MUST_USE;

/* A moment in a thinned stretch or a rewind is its end; now, while one is in hand, is before it. ERR_CONFLICT: it is in one in hand. */
int files_moment_settle(struct files_tx *tx, uint64_t *at) BASE_MUST_USE;

/* ---- events.c ---- */

/* The event of a change's key and value, into ctx->arena; a long link's bytes are not loaded. ERR_NOT_FOUND: thinned. */
int files_event_read(struct data_context *ctx, struct files_tx *tx, const struct store_pair *pair,
                     struct files_event *ret_event) BASE_MUST_USE;

/* ---- history.c ---- */

/* The version with this seq of what is or was at path. ERR_NOT_FOUND. */
int files_version_find(struct files_tx *tx, struct str path, uint64_t seq,
                       struct files_past_version *ret_version) BASE_MUST_USE;

#endif
