/*
 * Clocks. All code asks here, so that tests can drive time (time_test_set). Thread safe.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

typedef int64_t usec_t; /* microseconds */

#define USEC_PER_MS ((usec_t)1000)
#define USEC_PER_SEC ((usec_t)1000000)

usec_t time_now(void);       /* since 1970-01-01 UTC; may jump */
usec_t time_monotonic(void); /* since boot; never goes back: for deadlines */

/* RFC 3339 in UTC with milliseconds, rounded down, "2026-11-21T04:05:06.789Z". Years 0000 to 9999; anything else is clamped. */
void time_format(struct buf *b, usec_t t);
struct str time_str(char ret_text[static 25],
                    usec_t t); /* the same into 25 bytes, NUL-terminated */

/* RFC 3339, UTC ("Z") or with an offset, fraction optional; of the years 0000 to 9999, no leap second. ERR_INVALID. */
int time_parse(struct str s, usec_t *ret_t) BASE_MUST_USE;

/* Fixed date and time of RFC 9110 section 5.6.7 ("Sun, 06 Nov 1994 08:49:37 GMT"). */
struct str time_http_date(char ret_text[static 30], usec_t t);

/* Tests only: both clocks stand at these values until time_test_advance; time_test_real gives the real ones back. */
void time_test_set(usec_t now, usec_t monotonic);
void time_test_advance(usec_t by);
void time_test_real(void);
bool time_is_test(void);

#endif
