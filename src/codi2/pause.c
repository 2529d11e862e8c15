#include "codi2/pause.h"

#include "base/rand.h"

enum { FIRST_MS = 100, LONGEST_MS = 10000 };

usec_t codi2_pause_next(usec_t *pause)
{
    usec_t longest = LONGEST_MS * USEC_PER_MS;
    *pause = *pause ? *pause * 2 : FIRST_MS * USEC_PER_MS;
    if (*pause > longest) {
        *pause = longest;
    }
    return *pause / 2 + (usec_t)rand_below((uint64_t)*pause / 2 + 1);
}
