/* What the JSON reader and writer share. */
#ifndef BASE_JSON_INT_H
#define BASE_JSON_INT_H

#include <locale.h>

#include "base/json.h"

/* The "C" locale, in which the decimal point is a point. Lives for ever. */
locale_t json_int_locale(void);

/*
 * Reads the number that starts at at: sets kind and number of *value and returns the end of the number, or sets *ret_error and
 * returns where it went wrong.
 */
const char *json_int_number(const char *at, const char *end, struct json *value,
                            const char **ret_error);

#endif
