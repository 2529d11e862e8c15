#include "codi2/terminal_ring.h"

#include "base/assert.h"
#include "base/mem.h"

void codi2_ring_fini(struct codi2_ring *r)
{
    MEM_FREE(r->at);
}

static size_t least(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

void codi2_ring_add(struct codi2_ring *r, struct str bytes)
{
    if (!r->at) {
        r->at = mem_alloc(CODI2_RING_ROOM);
    }
    while (bytes.n > 0) {
        size_t to = (size_t)(r->end % CODI2_RING_ROOM);
        size_t n = least(bytes.n, CODI2_RING_ROOM - to);
        memcpy(r->at + to, bytes.p, n);
        r->end += n;
        bytes = str_slice(bytes, n, bytes.n);
    }
}

uint64_t codi2_ring_start(const struct codi2_ring *r)
{
    return r->end > CODI2_RING_ROOM ? r->end - CODI2_RING_ROOM : 0;
}

struct str codi2_ring_piece(const struct codi2_ring *r, uint64_t from, size_t most)
{
    ASSERT(from >= codi2_ring_start(r) && from <= r->end);
    if (from == r->end) {
        return STR_EMPTY;
    }
    size_t at = (size_t)(from % CODI2_RING_ROOM);
    size_t n = least(r->end - from, CODI2_RING_ROOM - at);
    return str_of(r->at + at, least(n, most));
}
