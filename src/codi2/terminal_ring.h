/* The last bytes that a terminal showed: a ring whose positions are counted from the terminal's first byte. One thread. */
#ifndef CODI2_TERMINAL_RING_H
#define CODI2_TERMINAL_RING_H

#include <stdint.h>

#include "base/str.h"

enum { CODI2_RING_ROOM = 256 * 1024 };

struct codi2_ring {
    char *at;     /* CODI2_RING_ROOM bytes, taken with the first write */
    uint64_t end; /* bytes that were ever added */
};

/* Zero-initialised. */
void codi2_ring_fini(struct codi2_ring *r);

void codi2_ring_add(struct codi2_ring *r, struct str bytes);

/* The position of the oldest byte that is still there. */
uint64_t codi2_ring_start(const struct codi2_ring *r);

/* What lies there from position `from` (start to end) on, as far as it lies in one piece; empty at the end. Until the next add. */
struct str codi2_ring_piece(const struct codi2_ring *r, uint64_t from, size_t most);

#endif
