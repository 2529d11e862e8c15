/*
 * Backups: everything a store holds at one moment, as files that need no store to be read. Knows keys and values, and which of
 * them never change (content); nothing of what they mean. The format stands in docs/backup.md.
 *
 * A backup directory (or a bucket) holds moments; each costs what changed since the one before. A stream is one moment in one piece, for a
 * pipe. Both are whole or refused: what ends before its end, and what is not what its hash says, is never taken for a backup.
 *
 * Functions say in the log what is wrong with which file, and return ERR_NOT_FOUND (no store, or no such backup), ERR_INVALID (it
 * is something else, or of a newer version), ERR_CORRUPT (damaged or cut short), ERR_FORBIDDEN and ERR_NOT_DIRECTORY (the
 * place), ERR_NO_SPACE, ERR_IO, and what is named at them.
 */
#ifndef BACKUP_BACKUP_H
#define BACKUP_BACKUP_H

#include <stdatomic.h>

#include "base/time.h"
#include "base/vec.h"
#include "content/content.h"

enum {
    BACKUP_NAME_ROOM = 40, /* of a moment, with a NUL: "20261121-171500.123-0123456789abcdef" */
    BACKUP_MOST_MOMENTS = 10000,
    BACKUP_MOST_PACKS = 20000, /* files of data that one moment may lie in */
};

/* What is backed up. */
struct backup_source {
    const char *store; /* its directory; a server may be using it */
    /* Whether key names content: a value in stored form (content/) of this hash, which never changes. */
    bool (*content)(struct str key, struct content_hash *ret_hash);
    /* Called all the time, with the keys that were looked at so far; < 0 ends the backup, which returns it. NULL: nobody asks. */
    int (*page)(void *ctx, uint64_t keys);
    /* Which pairs of the store are in it; value: empty when it is a large one. NULL: all. */
    bool (*wanted)(void *ctx, struct str key, struct str value);
    void *ctx; /* of page and wanted */
};

struct backup_report {
    char name[BACKUP_NAME_ROOM];
    usec_t at;         /* the moment */
    uint64_t keys;     /* that it holds */
    uint64_t contents; /* of them content */
    uint64_t written;  /* bytes that this backup added */
    uint64_t
        damaged; /* content that is not what its hash says, and whole in no older backup: kept as it is */
    uint64_t rescued;  /* the same, that an older backup had whole: it is in this one too */
    uint64_t healed;   /* pieces that were damaged in older packs, and written anew */
    uint64_t lost;     /* by a restore past damage: content, in whose place nothing is */
    uint64_t gaps;     /* the same: blocks of keys that nobody knows */
    uint64_t old_gone; /* moments that were removed since there are newer ones enough */
};

/* How a bucket is asked. All of it is borrowed while the call lasts. */
struct backup_access {
    const char *region, *key, *secret;
    struct str
        authorities; /* PEM, that its certificate is signed by; empty: those of this machine */
    usec_t patience; /* until a request is given up, with all its tries */
    const atomic_bool
        *stop; /* set by any thread: what waits for the bucket returns ERR_CLOSED; NULL */
};

/*
 * Where backups lie: a directory, or a bucket that understands S3, named by its path: https://HOST[:PORT]/BUCKET[/PREFIX], with
 * http:// on this machine alone. A bucket that does not answer in time: ERR_TIMEOUT.
 */
struct backup_where {
    const char *path;
    struct backup_access access; /* of a bucket */
};
bool backup_is_bucket(const char *path); /* it begins as an address */
/* Whether it is the address of a bucket. ERR_INVALID. */
int backup_bucket_check(const char *url) BASE_MUST_USE;

/* What of a pack cannot be had back: [from, to). */
struct backup_harm {
    uint64_t pack, from, to;
};
struct backup_harms { /* freed by VEC_FREE */
    struct backup_harm *at;
    size_t n, room;
};

/*
 * Adds a moment to the backups there (a directory is made when absent), reads back what it wrote, then removes all but the newest
 * `keep` moments (0: none is removed). What is harmed is not built upon: the store's is written anew. ERR_BUSY: another backup
 * is being written there. Whatever it returns, the moments that were there are there.
 */
struct backup_how {
    unsigned keep;
    const struct backup_harms *harms; /* as backup_prove found them; NULL: it is not known of any */
    /* There are some already; where they are not, a disk is not mounted, and none is begun in its place: ERR_NOT_FOUND. */
    bool expected;
};
int backup_write(const struct backup_source *source, const struct backup_where *where,
                 const struct backup_how *how, struct backup_report *ret_report) BASE_MUST_USE;

/* Where a stream goes. What write returns, if < 0, ends the backup. */
struct backup_output {
    int (*write)(void *ctx, struct str bytes);
    void *ctx;
};
int backup_write_fd(void *fd, struct str bytes) BASE_MUST_USE; /* a write; fd: const int * */

/* One moment, all of it; broken off or failed, it has no end and is refused by its reader. ERR_NOT_FOUND also: nothing is wanted. */
int backup_stream(const struct backup_source *source, const struct backup_output *to,
                  struct backup_report *ret_report) BASE_MUST_USE;

struct backup_moment {
    char name[BACKUP_NAME_ROOM];
    usec_t at;
};
struct backup_moments { /* freed by VEC_FREE */
    struct backup_moment *at;
    size_t n, room;
};

/* Oldest first; reads names only. ERR_LIMIT: more than BACKUP_MOST_MOMENTS. */
int backup_list(const struct backup_where *where, struct backup_moments *ret_moments) BASE_MUST_USE;
/* When the newest was made, but for those that lie ahead: a clock was wrong. 0: there is none. */
usec_t backup_newest(const struct backup_moments *moments);

/* Where a backup is read. */
struct backup_from {
    const char *path; /* where backups lie, or a file with a stream; NULL: fd */
    struct backup_access access;
    int fd; /* a stream, read from where it stands */
    const char *
        moment; /* not of a stream: the newest that is not later than this front of a name; NULL: the newest */
    bool
        past_damage; /* of a restore, not of a stream: all that is whole; damaged content becomes an empty value */
    /* Of backup_verify, as backup_source's; NULL: what is content is not known. */
    bool (*content)(struct str key, struct content_hash *ret_hash);
};

/* Reads all of it. The report's damaged: content that was damaged in the store when it was written. */
int backup_verify(const struct backup_from *from, struct backup_report *ret_report) BASE_MUST_USE;

/* How far a proof has come, kept by whoever lets it go on, over restarts too. Zero: one begins. */
struct backup_cursor {
    char older
        [BACKUP_NAME_ROOM]; /* the moment that is read; empty: the newest, whichever it is then */
    char key[1000];         /* where in it */
    size_t key_n;
    char newest
        [BACKUP_NAME_ROOM]; /* the one that key was read of, when older is empty; empty: it is not known */
    bool harmed, lost; /* as backup_proven, so far */
    bool all;          /* something was found in a newer one: what they share is looked at too */
    bool part;         /* as backup_proven */
};

/* What was read of one moment. */
struct backup_proven {
    char name[BACKUP_NAME_ROOM]; /* empty: none, or it went meanwhile */
    usec_t at;
    uint64_t contents;
    bool newest;     /* of those that do not lie ahead */
    uint64_t pieces; /* that were found damaged now */
    bool harmed;     /* something in it is not what was written, or it cannot be read at all */
    bool
        lost; /* content was damaged when it was written: in the store, and no older one had it whole */
    bool
        part; /* what comes before the cursor was read as that of one before it, which was the newest then */
    bool doubt; /* the same, and something was found there: it may have that too, or anew */
    bool ended; /* that was the last one */
};

/*
 * Reads the moment at the cursor from where it lies, past what is damaged, beside a writer: of one that is not the newest, what
 * was not read as another's. 0: to its end, and the cursor stands at the next. What page returned: from there it goes on.
 * ERR_NOT_FOUND: there are no moments.
 */
struct backup_proof {
    const struct backup_where *where;
    /* As backup_source's; NULL: nothing is known as lost. */
    bool (*content)(struct str key, struct content_hash *ret_hash);
    /* Called again and again with the bytes that this call has read; < 0 ends it. */
    int (*page)(void *ctx, uint64_t bytes);
    void *ctx;
    struct backup_harms *harms; /* what is known; grows by what is found */
};
int backup_prove(const struct backup_proof *proof, struct backup_cursor *cursor,
                 struct backup_proven *ret_proven) BASE_MUST_USE;

/*
 * Makes the store of it that directory then holds: under its name only when it is whole and on the disk. ERR_EXISTS: there is
 * a store already (backup_has_store), also one that was made meanwhile.
 */
bool backup_has_store(const char *directory);
/* A directory that only this made, with the store in it; nothing when there is none. */
void backup_remove(const char *directory);
int backup_restore(const struct backup_from *from, const char *directory,
                   struct backup_report *ret_report) BASE_MUST_USE;

#endif
