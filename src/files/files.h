/*
 * Files: the tree of a session. Files, folders and symbolic links have ids that survive renames; nothing is overwritten.
 *
 * Every change has a seq, the session's change counter: it is the version of what it changed, the moment of time travel
 * and what "persisted up to" means. A change is visible completely or not at all, and durable when the function returns.
 * Content is stored before the change that names it, in transactions of its own; an upload that is cut off leaves no
 * visible change.
 *
 * Where a session is named, the id of the person names the person's home, a tree of the same kind.
 * All functions check that the session is the caller's: a session of somebody else, a deleted one and one that never was
 * are the same ERR_NOT_FOUND. Strings and arrays that are returned lie in ctx->arena. Paths are bytes as content.h allows;
 * an input that is malformed is ERR_INVALID. Further errors that every function may return, not repeated below: those of
 * store_read and store_write. Functions block and may be called from any thread with a 256 KiB stack.
 */
#ifndef FILES_FILES_H
#define FILES_FILES_H

#include "base/time.h"
#include "content/content.h"
#include "data/data.h"

enum {
    FILES_MAX_LIST = 1000,   /* entries in a page of a listing */
    FILES_MAX_HISTORY = 500, /* versions in a page of a history */
    FILES_MAX_BATCH = 500,   /* changes in a batch */
    FILES_MAX_TARGET = 4095, /* bytes of a symbolic link's target */
    FILES_MAX_AUTHOR = 64,   /* bytes of an author's id */
    FILES_MAX_NAMED = 2000,  /* chunk and page hashes in a question or an answer */
    FILES_MAX_TXN = 1000000, /* bytes that the changes of one transaction write, about */
    /* A page of anything ends when it holds that many bytes of paths and contents: as JSON, where each may take six, it fits a reply. */
    FILES_PAGE_BYTES = 512 * 1024,
};

enum files_kind { FILES_FILE = 1, FILES_FOLDER, FILES_SYMLINK };
enum files_op { FILES_WRITE = 1, FILES_DELETE, FILES_MOVE, FILES_RESTORE };
enum files_author_kind { FILES_USER = 1, FILES_TERMINAL, FILES_AGENT, FILES_API };

/* The words of the API: "file" "dir" "symlink"; "write" "delete" "move" "restore"; "user" "terminal" "agent" "api". */
const char *files_kind_name(enum files_kind kind);
const char *files_op_name(enum files_op op);
const char *files_author_name(enum files_author_kind kind);

struct files_author {
    enum files_author_kind kind;
    /*
     * Of the user, terminal, run; at most FILES_MAX_AUTHOR bytes. What comes from a workspace has its disk's name behind it
     * (src/wire/README.md); of a user's changes files_history and files_log leave it away.
     */
    struct str id;
};
struct files_author files_author_shown(const struct files_author *author); /* without that */

struct files_entry {
    struct str path; /* bytes, relative to the session's root; the root itself is "" */
    enum files_kind kind;
    uint64_t id;              /* within the session; the root is 1 */
    uint64_t version;         /* seq of its latest change; the root: 0 */
    uint64_t size;            /* bytes of a file or of a link's target; 0 for a folder */
    uint32_t mode;            /* permission bits, at most 07777 */
    usec_t mtime;             /* as told by who wrote it */
    struct content_hash hash; /* SHA-256 of all bytes (of a workspace's chunks: its claim); or 0 */
    struct content_manifest manifest;
    struct str bytes; /* when manifest.small: the content, where the function says so; else empty */
    bool damaged;     /* where bytes are told: they are not what hash says, or gone */
};

/* ---- Reading ---- */

/* The entry at path; "" is the root. ERR_NOT_FOUND. */
int files_stat(struct data_context *ctx, struct str session, struct str path,
               struct files_entry *ret_entry) BASE_MUST_USE;

struct files_list_input {
    struct str session;
    struct str path;  /* of a folder, "" for the root */
    struct str after; /* cursor: path, relative to the folder, of the last entry had; empty: none */
    size_t limit;     /* 1 to FILES_MAX_LIST */
    bool recursive;   /* everything below, folders before what is in them */
    uint64_t at;      /* seq of the moment; 0: now */
};

struct files_page {
    struct files_entry *entries; /* in byte order of names; paths relative to the session's root */
    size_t count;
    bool more;       /* also when there are less than the limit */
    struct str next; /* cursor: the last entry's path in the listed folder; empty: no more */
    uint64_t seq;    /* of the session when this page was read */
};

/* ERR_NOT_FOUND (also: at lies ahead), ERR_NOT_DIRECTORY. A cursor whose entry is gone meanwhile goes on behind its place. */
int files_list(struct data_context *ctx, const struct files_list_input *in,
               struct files_page *ret_page) BASE_MUST_USE;

/* The session's counters. bytes: the sum of all files' and links' sizes; seq: its latest change. */
struct files_totals {
    uint64_t files; /* files and links, not folders */
    uint64_t bytes;
    uint64_t seq;
};
int files_totals(struct data_context *ctx, struct str session,
                 struct files_totals *ret_totals) BASE_MUST_USE;

/* The bytes of a moment (0: now); of one that is past the tree is walked. Errors of files_list. */
int files_bytes_at(struct data_context *ctx, struct str session, uint64_t at,
                   uint64_t *ret_bytes) BASE_MUST_USE;

struct files_open_input {
    struct str session;
    struct str path;
    uint64_t version; /* 0: the current one; else any version of what is or was last at path */
    uint64_t at;      /* with version 0: what was at path at this moment; 0: now */
};

/* A reader of one version. Bounded memory (below 1 MiB), one transaction per chunk, every chunk's hash is checked.
 * ctx must outlive it. Later changes to the file do not show. */
struct files_reader;

/* ERR_NOT_FOUND, ERR_IS_DIRECTORY. A symbolic link is read as its target's text. */
int files_reader_open(struct data_context *ctx, const struct files_open_input *in,
                      struct files_reader **ret_reader,
                      struct files_entry *ret_entry) BASE_MUST_USE;

/* The same of an entry that files_tree gave in this tenant, as of its moment. Not of a folder. ERR_CORRUPT. */
int files_reader_create(struct data_context *ctx, const struct files_entry *entry,
                        struct files_reader **ret_reader) BASE_MUST_USE;
void files_reader_destroy(struct files_reader *r); /* NULL allowed */

/* The next read starts at offset (at most the length; ERR_RANGE). */
int files_reader_seek(struct files_reader *r, uint64_t offset) BASE_MUST_USE;

/* The next at most 64 KiB, borrowed until the next call; n == 0 at the end. ERR_CORRUPT: never wrong bytes. */
int files_reader_next(struct files_reader *r, struct str *ret_bytes) BASE_MUST_USE;

struct files_tree_input {
    struct str session;
    uint64_t at; /* seq of the moment; 0: now (the page says which seq that is; go on with it) */
    struct str after; /* cursor: path of the last entry already had */
    size_t limit;     /* 1 to FILES_MAX_LIST */
};

/* The whole tree as of a moment, folders before what is in them; entries carry bytes when small, links always. ERR_NOT_FOUND: at lies ahead. */
int files_tree(struct data_context *ctx, const struct files_tree_input *in,
               struct files_page *ret_page) BASE_MUST_USE;

/* ---- Changing ---- */

/* What must be true of the present entry, else ERR_PRECONDITION. */
struct files_match {
    bool none;        /* If-None-Match: * : there is none */
    uint64_t version; /* If-Match: there is one of this version; 0: whatever */
};

struct files_put_input {
    struct str session;
    struct str path;
    struct files_match match;
    struct files_author author;
    bool parents;     /* missing folders are made, with mode 0755 */
    int64_t mode;     /* -1: keep what is there, 0644 for a new file */
    bool timed;       /* mtime is given; else it is now */
    usec_t mtime;     /* also one before 1970 */
    int64_t expected; /* length when known, -1 else: another length at commit is ERR_INVALID */
};

/* A streamed upload. Bounded memory (below 4 MiB); nothing is visible before files_upload_commit. The input's strings must
 * outlive it, and ctx. */
struct files_upload;

/* What can be known already is checked already: ERR_NOT_FOUND (session, folder), ERR_PRECONDITION, ERR_IS_DIRECTORY,
 * ERR_NOT_DIRECTORY, ERR_TOO_LARGE (expected). */
int files_upload_create(struct data_context *ctx, const struct files_put_input *in,
                        struct files_upload **ret_upload) BASE_MUST_USE;
void files_upload_destroy(struct files_upload *u); /* NULL allowed; uncommitted: it never was */

/* ERR_TOO_LARGE: over CONTENT_MAX_FILE. */
int files_upload_write(struct files_upload *u, struct str bytes) BASE_MUST_USE;

/* The one transaction that makes it visible; the errors of files_upload_create may come here as well. */
int files_upload_commit(struct files_upload *u, struct files_entry *ret_entry) BASE_MUST_USE;

/* An upload of bytes that are all here. */
int files_put(struct data_context *ctx, const struct files_put_input *in, struct str bytes,
              struct files_entry *ret_entry) BASE_MUST_USE;

/* A symbolic link; uses session, path, match, author, parents, timed, mtime. ERR_INVALID: target empty, too long or with a NUL. */
int files_symlink(struct data_context *ctx, const struct files_put_input *in, struct str target,
                  struct files_entry *ret_entry) BASE_MUST_USE;

/* A folder; uses session, path, author, parents, mode (-1: 0755), timed, mtime. ERR_EXISTS, ERR_NOT_FOUND, ERR_NOT_DIRECTORY. */
int files_mkdir(struct data_context *ctx, const struct files_put_input *in,
                struct files_entry *ret_entry) BASE_MUST_USE;

struct files_delete_input {
    struct str session;
    struct str path; /* not the root: ERR_INVALID */
    struct files_match match;
    struct files_author author;
    bool recursive; /* a folder with everything in it; else ERR_NOT_EMPTY unless it is empty */
};

/* One key moves, however much is below it. ERR_NOT_FOUND, ERR_PRECONDITION, ERR_NOT_EMPTY. ret_seq: the change. */
int files_delete(struct data_context *ctx, const struct files_delete_input *in,
                 uint64_t *ret_seq) BASE_MUST_USE;

struct files_move_input {
    struct str session;
    struct str from;
    struct str to;
    struct files_match match; /* of from */
    struct files_author author;
    bool parents;
    bool overwrite; /* a file or link at to is replaced, its history goes on; else ERR_EXISTS */
};

/* One key moves. ERR_NOT_FOUND, ERR_EXISTS, ERR_INVALID (a folder into itself); ERR_PRECONDITION, ERR_NOT_DIRECTORY;
 * ERR_LIMIT: what is below would lie too deep. */
int files_move(struct data_context *ctx, const struct files_move_input *in,
               struct files_entry *ret_entry) BASE_MUST_USE;

struct files_copy_input {
    struct str session;
    struct str from;
    struct str to; /* nothing is there; missing folders above it are made */
    struct files_author author;
    uint64_t limit; /* files, links and folders in a folder, at most */
};
enum { FILES_MAX_COPY = 50000 };

/*
 * Content is shared, not copied, also where it is damaged. A file is there at once; a folder fills in batches and holds what was
 * at from when it was made; cut off, it is completed by the same call under the same op. ERR_NOT_FOUND (from; or to went away meanwhile),
 * ERR_EXISTS, ERR_INVALID (a folder into itself), ERR_LIMIT: more than limit, or it would lie too deep; ERR_CONFLICT: a folder,
 * while files go back to a moment, or the copy itself does meanwhile.
 */
int files_copy(struct data_context *ctx, const struct files_copy_input *in,
               struct files_entry *ret_entry) BASE_MUST_USE;

/*
 * Changes that wait until there are enough of them for one transaction: files, links and folders, whatever is there, with the
 * folders that are missing. For one thread; ctx outlives it.
 */
struct files_batch;
struct files_batch *files_batch_create(struct data_context *ctx, struct str session,
                                       const struct files_author *author);
void files_batch_destroy(struct files_batch *b); /* NULL allowed; what waits is forgotten */

struct files_batch_input {
    const struct files_put_input *put; /* path, mode, timed, mtime of it count; copied */
    enum files_kind kind;              /* a folder that is there stays as it is */
    struct str bytes; /* at most CONTENT_CHUNK_MAX; of a link: its target; copied */
    uint64_t tag;     /* the caller's name for it */
};

/* Not into one that is full. ERR_INVALID: as files_put, files_symlink. */
int files_batch_add(struct files_batch *b, const struct files_batch_input *in) BASE_MUST_USE;
bool files_batch_is_full(const struct files_batch *b);

/* What waits is done, in order; what came before one that is refused stays. Errors of files_put, files_mkdir; with the tag. */
int files_batch_flush(struct files_batch *b, uint64_t *ret_tag) BASE_MUST_USE;

/* ---- History ---- */

struct files_version {
    struct files_entry entry; /* as it was; for a deletion as before, with its version */
    enum files_op op;
    struct files_author author;
    usec_t at;
};

struct files_history_input {
    struct str session;
    struct str path;  /* of what is there, or was there last */
    struct str after; /* cursor, empty: from the newest */
    size_t limit;     /* 1 to FILES_MAX_HISTORY */
};

struct files_history {
    struct files_version *versions; /* newest first */
    size_t count;
    struct str next; /* cursor; empty: no more */
};

/* Versions of what is at path, through its renames; then of what was there before it, also under the names it was moved from.
 * What went with a folder above it ends with a version of the folder's change. ERR_NOT_FOUND: nothing ever was;
 * ERR_INVALID: not a cursor. */
int files_history(struct data_context *ctx, const struct files_history_input *in,
                  struct files_history *ret_history) BASE_MUST_USE;

struct files_diff_input {
    struct str session;
    struct str path;
    /* Each a version of the path's history, or else a moment: what was there. From 0 is nothing, to 0 what is there now. */
    uint64_t from, to;
    bool before; /* from is not told: the version before that of to, of the same file */
};

enum files_compared { FILES_EQUAL = 1, FILES_TEXT, FILES_BINARY, FILES_TOO_LARGE };

struct files_diff {
    bool from_there, to_there; /* else it was not there yet, or was deleted */
    struct files_entry from, to;
    enum files_compared compared;
    struct content_diff lines; /* FILES_TEXT */
};

/* ERR_NOT_FOUND: there was nothing on either side, or one lies ahead; ERR_IS_DIRECTORY. */
int files_diff(struct data_context *ctx, const struct files_diff_input *in,
               struct files_diff *ret_diff) BASE_MUST_USE;

struct files_event {
    uint64_t seq;
    enum files_op op;
    struct str path;          /* where it is afterwards; of a deletion: where it was */
    struct str from;          /* of a move: where it was */
    struct files_entry entry; /* as of this change, with bytes if small or a link; as it was */
    struct files_author author;
    usec_t at;
    uint64_t moment;  /* of a rewind (files_log alone tells it): what it went back to */
    uint64_t changed; /* and how many it changed */
    uint64_t settled; /* of files_log: the moment that its own is taken for; 0: its own is kept */
};

struct files_log_input {
    struct str session;
    struct str
        path; /* only changes of it, of what is below it, and of folders above that took it along; empty: all */
    enum files_op op; /* only these; 0: all */
    uint64_t since;   /* only changes behind this seq */
    uint64_t before;  /* only changes before this seq; 0: to the newest */
    bool oldest;      /* the oldest first, else the newest */
    size_t limit;     /* 1 to FILES_MAX_BATCH */
};

struct files_log {
    struct files_event *events;
    size_t count;  /* may be less than the limit, even 0, while there is more */
    uint64_t next; /* 0: no more; else go on with it as before (oldest: as since) */
};

/* The changes of a session, without content. A rewind is one change, a restore of its folder; while in hand, none. */
int files_log(struct data_context *ctx, const struct files_log_input *in,
              struct files_log *ret_log) BASE_MUST_USE;

struct files_restore_input {
    struct str session;
    struct str path;
    uint64_t version; /* one of the path's history */
    struct files_author author;
};

/* The old content (of a deleted folder: everything in it) as a new version at path. What stands in the way and is of another
 * kind is deleted before. ERR_NOT_FOUND; ERR_EXISTS: the folder is not deleted itself, or another has its name. */
int files_restore(struct data_context *ctx, const struct files_restore_input *in,
                  struct files_entry *ret_entry) BASE_MUST_USE;

/* ---- Going back to a moment ---- */

struct files_rewind_input {
    struct str session;
    struct str path; /* "" for all */
    uint64_t at;     /* the moment */
    struct files_author author;
};

struct files_rewind {
    uint64_t first;   /* its number; the one before it is the moment before all of it */
    uint64_t version; /* 0: it is in hand; else the moment at which all of it was done */
    uint64_t changed; /* files, folders and links so far */
    uint64_t
        damaged; /* that could not be read, as they were or as they are, and stay as they are; of a folder, its mode */
    uint64_t moment; /* what it goes back to: that asked for, or the one that it is taken for */
};

/*
 * Begins to make a folder and all below it what it was at a moment; what was changed since, or stands in the way now, stays
 * in the history. Done by files_rewind_step, in pages; until the last, no moment shows a part of it, and another is
 * ERR_CONFLICT. A file or link is back at once, as by files_restore. ERR_NOT_FOUND: nothing was there, or the moment lies
 * ahead; ERR_QUOTA. A repeated ctx->op gives the same.
 */
int files_rewind_begin(struct data_context *ctx, const struct files_rewind_input *in,
                       struct files_rewind *ret_rewind) BASE_MUST_USE;

/* The next page of the one with this number; harmless when it is whole. Several callers may take turns. ERR_NOT_FOUND. */
int files_rewind_step(struct data_context *ctx, struct str session, uint64_t first,
                      struct files_rewind *ret_rewind) BASE_MUST_USE;

/* The moment that is meant by at (0: now): never one within a rewind. ERR_CONFLICT: it lies in one that is in hand. */
int files_moment(struct data_context *ctx, struct str session, uint64_t at,
                 uint64_t *ret_at) BASE_MUST_USE;

/* The number of the session's rewind that is in hand. ERR_NOT_FOUND: none is. */
int files_rewind_find(struct data_context *ctx, struct str session,
                      uint64_t *ret_first) BASE_MUST_USE;

#endif
