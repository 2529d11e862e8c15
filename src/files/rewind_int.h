/* Inside files: going back. What is kept of a return to a moment, and what one file's way back consists of. */
#ifndef FILES_REWIND_INT_H
#define FILES_REWIND_INT_H

#include "files/files_int.h"

/* ---- rewind_record.c ---- */

enum files_rewind_phase {
    FILES_REWIND_ROOT,
    FILES_REWIND_PRUNE,
    FILES_REWIND_MAKE,
    FILES_REWIND_PRUNE_AGAIN,
    FILES_REWIND_END
};

struct files_rewind_record {
    uint64_t first;  /* seq that it began with */
    uint64_t last;   /* seq that it ended with, the moment of all of it; 0: it is in hand */
    uint64_t own;    /* seq of its latest change, at first its own */
    uint64_t moment; /* what it goes back to */
    usec_t at;       /* when it began: each of its changes says the same */
    uint64_t changed;
    uint64_t damaged; /* entries that could not be read */
    unsigned phase;
    bool again; /* folders came back that may hold too much */
    struct files_author author;
    struct str path;  /* "": all */
    struct str after; /* cursor of the phase */
};

void files_rewind_put(struct files_tx *tx, const struct files_rewind_record *rewind);

/* The one with this number. ERR_NOT_FOUND. */
int files_rewind_get(struct files_tx *tx, uint64_t first,
                     struct files_rewind_record *ret_rewind) BASE_MUST_USE;

/* The last one that began at seq or before. ERR_NOT_FOUND. */
int files_rewind_before(struct files_tx *tx, uint64_t seq,
                        struct files_rewind_record *ret_rewind) BASE_MUST_USE;

/* ERR_CONFLICT: one is in hand. */
int files_rewind_none(struct files_tx *tx) BASE_MUST_USE;

/* The number of the first that began behind seq; UINT64_MAX: none. */
int files_rewind_next(struct files_tx *tx, uint64_t seq, uint64_t *ret_first) BASE_MUST_USE;

/* ---- restore.c ---- */

/* Whether the last that happened to id was its deletion: then it may come back under its id. */
int files_id_is_dead(struct files_tx *tx, uint64_t id, bool *ret_dead) BASE_MUST_USE;

/* A file's or link's old version as the new one at place. ERR_IS_DIRECTORY: a folder is there. */
int files_restore_file(struct files_tx *tx, struct files_place *place,
                       const struct files_past_version *version, bool dead) BASE_MUST_USE;

/* Deletes, under tx->seq, what is no folder on the way to path. ERR_NOT_FOUND: there is no such thing. */
int files_way_clear(struct files_tx *tx, struct str path) BASE_MUST_USE;

/* files_rewind_begin of what was a file or link. */
int files_restore_at(struct data_context *ctx, const struct files_rewind_input *in,
                     struct files_rewind *ret_rewind) BASE_MUST_USE;

#endif
