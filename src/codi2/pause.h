/*
 * How long to wait before what failed is tried again: longer each time, and never as long as others wait, so that those whom
 * one server left do not all come back at once.
 */
#ifndef CODI2_PAUSE_H
#define CODI2_PAUSE_H

#include "base/time.h"

/* pause is the caller's: 0 before the first failure, and again after a success. At most 10 s, at least half of what it is at. */
usec_t codi2_pause_next(usec_t *pause);

#endif
