/* Between the parts of retention: thin.c (its rules stand there) and thin_run.c. */
#ifndef FILES_THIN_INT_H
#define FILES_THIN_INT_H

#include "files/rewind_int.h"

enum files_thin_level {
    FILES_THIN_HOURS,
    FILES_THIN_DAYS,
    FILES_THIN_EVERYTHING, /* all that are too old */
    FILES_THIN_LEVELS
};

enum { FILES_THIN_RUN = 1000 }; /* changes of a stretch at most */

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

#endif
