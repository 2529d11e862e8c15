/*
 * Content-defined cutting: FastCDC (Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data
 * Deduplication", USENIX ATC 2016; TPDS 2020) with normalised chunking at level 2.
 *
 * A rolling "gear" hash goes over the bytes: h = (h << 1) + gear[byte]. A piece ends where the top bits of h are zero: 17
 * bits up to the normal point, 13 bits behind it, nowhere before the minimum, always at the maximum. The top bits depend on
 * the last 48 to 64 bytes only, so that an insertion moves the cuts near it and no others.
 *
 * Invariants:
 * 1. The cuts are a function of the bytes alone: not of how they arrive, not of the machine. They are part of the format in
 *    the sense that another table or another point stores everything a second time; reading never depends on them.
 * 2. gear[] is the first 256 outputs of splitmix64 (Steele, Lea, Flood 2014) from the seed 0x436f646974656374 ("Coditect").
 * 3. The normal point lies at 24 KiB: behind it the expected distance is 2^13, which makes the mean piece 32 KiB.
 * 4. A stream of at most CONTENT_CHUNK_MAX bytes is one piece; so nothing is cut before more than that is there, or the end.
 */
#include "content/content.h"

#include <pthread.h>

#include "base/assert.h"
#include "base/mem.h"

enum {
    CUTTER_MAGIC = 0x63757474,
    CUTTER_ROOM = 256 * 1024,
    NORMAL_POINT = 24 * 1024,
    GEAR_WINDOW = 64, /* bytes that a 64-bit gear hash remembers */
};

static const uint64_t mask_before = 0xffff800000000000; /* 17 bits */
static const uint64_t mask_behind = 0xfff8000000000000; /* 13 bits */

static uint64_t gear[256];
static pthread_once_t gear_once = PTHREAD_ONCE_INIT;

struct content_cutter {
    uint32_t magic;
    bool ended;
    bool cutting; /* more than one chunk was seen: the stream is cut */
    size_t begin; /* of what was not handed out yet */
    size_t end;
    char bytes[CUTTER_ROOM];
};

static void gear_make(void)
{
    uint64_t state = 0x436f646974656374;
    for (size_t i = 0; i < 256; i++) {
        state += 0x9e3779b97f4a7c15;
        uint64_t z = state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        gear[i] = z ^ (z >> 31);
    }
}

/* Length of the first piece of n bytes; n when they hold no cut. The window is filled before the minimum is reached. */
static size_t cut_length(const uint8_t *bytes, size_t n)
{
    if (n <= CONTENT_CHUNK_MIN) {
        return n;
    }
    size_t limit = n < CONTENT_CHUNK_MAX ? n : CONTENT_CHUNK_MAX;
    size_t normal = limit < NORMAL_POINT ? limit : NORMAL_POINT;
    uint64_t h = 0;
    size_t i = CONTENT_CHUNK_MIN - GEAR_WINDOW;
    for (; i < CONTENT_CHUNK_MIN; i++) {
        h = (h << 1) + gear[bytes[i]];
    }
    for (; i < normal; i++) {
        h = (h << 1) + gear[bytes[i]];
        if (!(h & mask_before)) {
            return i + 1;
        }
    }
    for (; i < limit; i++) {
        h = (h << 1) + gear[bytes[i]];
        if (!(h & mask_behind)) {
            return i + 1;
        }
    }
    return limit;
}

struct content_cutter *content_cutter_create(void)
{
    pthread_once(&gear_once, gear_make);
    struct content_cutter *c = MEM_NEW(struct content_cutter);
    c->magic = CUTTER_MAGIC;
    return c;
}

void content_cutter_destroy(struct content_cutter *c)
{
    if (!c) {
        return;
    }
    ASSERT_MAGIC(c, CUTTER_MAGIC);
    c->magic = 0;
    mem_free(c);
}

char *content_cutter_room(struct content_cutter *c, size_t *ret_room)
{
    ASSERT_MAGIC(c, CUTTER_MAGIC);
    ASSERT(!c->ended);
    if (CUTTER_ROOM - c->end < CONTENT_CHUNK_MAX) {
        memmove(c->bytes, c->bytes + c->begin, c->end - c->begin);
        c->end -= c->begin;
        c->begin = 0;
    }
    *ret_room = CUTTER_ROOM - c->end;
    return c->bytes + c->end;
}

void content_cutter_filled(struct content_cutter *c, size_t n)
{
    ASSERT_MAGIC(c, CUTTER_MAGIC);
    ASSERT(n <= CUTTER_ROOM - c->end);
    c->end += n;
}

void content_cutter_end(struct content_cutter *c)
{
    ASSERT_MAGIC(c, CUTTER_MAGIC);
    c->ended = true;
}

bool content_cutter_next(struct content_cutter *c, struct str *ret_piece)
{
    ASSERT_MAGIC(c, CUTTER_MAGIC);
    size_t left = c->end - c->begin;
    if (left == 0 || (!c->ended && left <= CONTENT_CHUNK_MAX)) {
        return false;
    }
    size_t length = left;
    if (c->cutting || left > CONTENT_CHUNK_MAX) {
        c->cutting = true;
        length = cut_length((const uint8_t *)c->bytes + c->begin, left);
    }
    *ret_piece = str_of(c->bytes + c->begin, length);
    c->begin += length;
    return true;
}

void content_cutter_reset(struct content_cutter *c)
{
    ASSERT_MAGIC(c, CUTTER_MAGIC);
    c->ended = c->cutting = false;
    c->begin = c->end = 0;
}
