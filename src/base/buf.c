#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"

enum { LEAST_ROOM = 64, LARGEST_MAX = 1 << 30 };

void buf_init(struct buf *b, size_t max)
{
    ASSERT(max > 0 && max <= LARGEST_MAX);
    *b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
    MEM_FREE(b->p);
    b->n = b->room = 0;
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->error = 0;
}

char *buf_reserve(struct buf *b, size_t room)
{
    ASSERT(b->max > 0);
    if (b->error) {
        return NULL;
    }
    if (room > b->max - b->n) {
        b->error = ERR_TOO_LARGE;
        return NULL;
    }
    size_t wanted = b->n + room;
    if (wanted > b->room || !b->p) {
        size_t grown = b->room ? b->room * 2 : LEAST_ROOM;
        if (grown < wanted) {
            grown = wanted;
        }
        if (grown > b->max) {
            grown = b->max;
        }
        b->p = mem_grow(b->p, grown + 1); /* +1: buf_z always finds room for its NUL */
        b->room = grown;
    }
    return b->p + b->n;
}

void buf_commit(struct buf *b, size_t written)
{
    ASSERT(written <= b->room - b->n);
    b->n += written;
}

void buf_add(struct buf *b, struct str s)
{
    if (s.n == 0) {
        return;
    }
    char *to = buf_reserve(b, s.n);
    if (to) {
        memcpy(to, s.p, s.n);
        b->n += s.n;
    }
}

void buf_byte(struct buf *b, char c)
{
    buf_add(b, str_of(&c, 1));
}

void buf_u64(struct buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_add(b, str_of(digits + at, sizeof digits - at));
}

void buf_i64(struct buf *b, int64_t value)
{
    if (value < 0) {
        buf_byte(b, '-');
    }
    buf_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    enum { SHORT = 256 };
    char at_once[SHORT]; /* most fit: then the text is made once */
    ASSERT(format != NULL);
    va_list args;
    va_start(args, format);
    int length = vsnprintf(at_once, sizeof at_once, format, args);
    va_end(args);
    ASSERT(length >= 0);
    if (length < SHORT) {
        buf_add(b, str_of(at_once, (size_t)length));
        return;
    }
    if (!buf_reserve(b, (size_t)length)) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(b->p + b->n, (size_t)length + 1, format, args);
    va_end(args);
    b->n += (size_t)length;
}

void buf_consume(struct buf *b, size_t n)
{
    ASSERT(n <= b->n);
    if (n > 0) {
        memmove(b->p, b->p + n, b->n - n);
        b->n -= n;
    }
}

const char *buf_z(struct buf *b)
{
    if (b->error || !b->p) {
        return "";
    }
    b->p[b->n] = '\0';
    return b->p;
}
