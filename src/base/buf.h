/*
 * A growing byte buffer with a maximum given at init. Writing past the maximum sets a sticky error, after which every
 * write is ignored: a writer appends freely and asks once, at the end. Used by one thread.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct buf {
    char *p;
    size_t n;
    size_t room;
    size_t max;
    int error; /* 0 or ERR_TOO_LARGE */
};

/* max in bytes, at most 1 GiB. No memory is taken before the first write. */
void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);

/* Ends a local at the end of its scope: BUF_AUTO(body, 4096); */
#define BUF_AUTO(name, max_bytes) \
    struct buf name __attribute__((cleanup(buf_fini))); \
    buf_init(&name, max_bytes)

void buf_clear(struct buf *b); /* keeps the memory, clears the error */

void buf_add(struct buf *b, struct str s);
void buf_byte(struct buf *b, char c);
void buf_u64(struct buf *b, uint64_t value); /* decimal */
void buf_i64(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* At least room free bytes behind the content, or NULL and the sticky error; the caller then calls buf_commit. */
char *buf_reserve(struct buf *b, size_t room);
void buf_commit(struct buf *b, size_t written);

/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);

static inline struct str buf_str(const struct buf *b)
{
    return str_of(b->p, b->n);
}

/* The content with a NUL behind it (not counted), valid until the next write; "" after an error. */
const char *buf_z(struct buf *b);

#endif
