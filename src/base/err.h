/*
 * Error codes. A fallible function returns 0 or one of the negative ERR_* of spec/errors.yaml, which also names the HTTP
 * status, whether trying again can help, and a sentence for the person.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include "errors.gen.h"

#define BASE_MUST_USE __attribute__((warn_unused_result))

struct err_row {
    const char *name; /* lower case, as in replies: "not_found" */
    int status;       /* HTTP */
    bool retry;
    const char *text;
};

extern const struct err_row err_table[ERR_COUNT];

/* The row of a negative code. Asserts that the code exists. */
const struct err_row *err_row(int code);

static inline const char *err_name(int code)
{
    return err_row(code)->name;
}

/* Maps errno of a failed file or socket call: ENOSPC and EDQUOT to NO_SPACE, ENOENT to NOT_FOUND, EEXIST to EXISTS, else IO. */
int err_from_errno(int number);

#endif
