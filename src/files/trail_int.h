/* Inside files: what was at a path, also under the names that it had before. */
#ifndef FILES_TRAIL_INT_H
#define FILES_TRAIL_INT_H

#include "files/files_int.h"

/* ---- trail.c ---- */

/* A name that is asked for, or one from under which what was at it came by a move: its own, or of a folder above it. */
struct files_trail_name {
    struct str path;
    uint64_t until; /* changes before this seq are meant */
    bool walked;    /* private */
};

struct files_period { /* an id that is or was at one of the names */
    uint64_t id;
    uint64_t last; /* seq that took it away, or the latest */
    bool gone;     /* the former */
    uint64_t went; /* the seq that took a folder above it, the first of them; 0: they are there */
    struct str path;
};

/* Of a path that came and went more often, the newest. */
struct files_trail_rooms {
    size_t periods;
    size_t folders; /* of a name */
    size_t names;
    size_t looks; /* at folders and moves, for the names behind the first */
};

struct files_trail {
    struct files_trail_name *names; /* no path twice; the first is what was asked for */
    size_t name_count;
    struct files_period
        *periods; /* the latest first, no id twice; in the transaction's arena as all of it */
    size_t period_count;
};

/* Nothing ever was there: no period. */
int files_trail_read(struct files_tx *tx, struct str path, const struct files_trail_rooms *rooms,
                     struct files_trail *ret_trail) BASE_MUST_USE;

/* The seq from which it was not at the name any more, or the latest. */
uint64_t files_period_end(const struct files_period *period);

/* The change with this seq. ERR_NOT_FOUND: none, or it was thinned. */
int files_change_read(struct files_tx *tx, uint64_t seq,
                      struct files_change_record *ret_change) BASE_MUST_USE;

#endif
