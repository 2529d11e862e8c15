/* Between the parts of retention: thin.c (its rules stand there), thin_run.c, thin_drop.c, thin_names.c, thin_folder.c. */
#ifndef FILES_THIN_INT_H
#define FILES_THIN_INT_H

#include "files/rewind_int.h"

enum files_thin_level {
    FILES_THIN_HOURS,
    FILES_THIN_DAYS,
    FILES_THIN_EVERYTHING, /* all that are too old */
    FILES_THIN_LEVELS
};

enum {
    FILES_THIN_RUN = 1000,       /* changes of a stretch at most */
    FILES_THIN_MEMORY = 1 << 20, /* what a page reads: see files_thin_is_full */
};

struct files_stretch {
    uint64_t first, last; /* last 0: none is in hand */
    uint64_t from;        /* the next change to be looked at */
};

/*
 * Whether a page has read enough: some thousand keys, since each lies in the transaction's arena with what stands under it. The number
 * of changes or names in a page is no bound: looking for one costs a few reads for each folder on its way, of up to CONTENT_MAX_DEPTH.
 * Whoever asks has done something before, else nothing would ever be done.
 */
static inline bool files_thin_is_full(const struct files_tx *tx)
{
    return store_arena(tx->txn)->total > FILES_THIN_MEMORY;
}

/* ---- thin_run.c ---- */

struct files_thin_run {
    const struct files_keep *keep;
    usec_t now;
    struct files_tx *tx;
    enum files_thin_level level;
    uint64_t from; /* the first change's number at least */
    /* results, in the transaction's arena */
    struct store_pair *at; /* what was read: the changes of the run, and perhaps some behind */
    size_t read;
    size_t n; /* how many belong to it; 0: nothing is due */
};

/* The changes of the next stretch. */
int files_thin_run(struct files_thin_run *run) BASE_MUST_USE;

/* ---- thin_drop.c ---- */

/* What goes for one change of the stretch, s->from its number. *ret_folder: it took a folder away, which costs a page. */
int files_thin_change(struct files_tx *tx, const struct files_stretch *s,
                      const struct files_change_record *change, bool *ret_folder) BASE_MUST_USE;

/* heir: the next version of the same file; NULL: none. The version's change goes when nothing needs it. */
int files_thin_version(struct files_tx *tx, const struct files_record *record,
                       const struct files_record *heir) BASE_MUST_USE;

/* The folder in which something at path lay just before seq. ERR_NOT_FOUND: nobody can tell. */
int files_thin_above(struct files_tx *tx, struct str path, uint64_t seq,
                     uint64_t *ret_folder) BASE_MUST_USE;

/* What was said of who made a change goes, when there is nothing left that it made and no name that it tells. */
int files_thin_said(struct files_tx *tx, uint64_t seq) BASE_MUST_USE;

/* ---- thin_names.c ---- */

struct files_thin_name { /* that something had until a change */
    struct str path;
    uint64_t until;
    struct str key; /* what was there */
    struct files_record record;
};

/* The name from under which the change with the number took something. ERR_NOT_FOUND: none, it is gone, or nobody can tell. */
int files_thin_name_find(struct files_tx *tx, uint64_t until,
                         const struct files_change_record *change,
                         struct files_thin_name *ret_name) BASE_MUST_USE;

/* Whether a name that is there begins with the change, a move, or ended with it. */
int files_thin_name_told(struct files_tx *tx, uint64_t seq,
                         const struct files_change_record *change, bool *ret_told) BASE_MUST_USE;

/* The name of a file that has a later one goes. */
int files_thin_name(struct files_tx *tx, const struct files_thin_name *name) BASE_MUST_USE;

/* Of a folder that goes: the name from under which this version took it. */
int files_thin_folder_name(struct files_tx *tx, const struct files_record *folder) BASE_MUST_USE;

/* ---- thin_folder.c ---- */

/* The change, s->from, took a folder away: it goes with all in it, page by page, unless a moment that is kept shows it. */
int files_thin_folder(struct files_tx *tx, const struct files_stretch *s,
                      const struct files_change_record *change) BASE_MUST_USE;

/* For the checker: whether thin/{tree}/{key} says of a folder that it goes. */
bool files_thin_is_gone(struct str key, struct str value);

/* A page of what lies in folders that go; *ret_some: there was some. */
int files_thin_folder_page(struct files_tx *tx, bool *ret_some) BASE_MUST_USE;

#endif
