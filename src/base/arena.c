/*
 * Blocks double from 4 KiB to 256 KiB; an allocation larger than that gets a block of its own size.
 * Invariant: a->used <= a->blocks->room, and a->blocks is NULL only while a->used is 0.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"

enum { ALIGN = 16, FIRST_BLOCK = 4096, LARGEST_BLOCK = 256 * 1024 };

struct arena_block {
    struct arena_block *older;
    size_t room;
    _Alignas(ALIGN) char bytes[];
};

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

static void free_from(struct arena_block *block)
{
    while (block) {
        struct arena_block *older = block->older;
        mem_free(block);
        block = older;
    }
}

void arena_fini(struct arena *a)
{
    free_from(a->blocks);
    arena_init(a);
}

void arena_reset(struct arena *a)
{
    struct arena_block *kept = a->blocks;
    if (!kept) {
        return;
    }
    if (kept->room > LARGEST_BLOCK) {
        arena_fini(a);
        return;
    }
    free_from(kept->older);
    kept->older = NULL;
    a->used = 0;
    a->total = kept->room;
}

static void add_block(struct arena *a, size_t least)
{
    size_t room = a->blocks ? a->blocks->room * 2 : FIRST_BLOCK;
    if (room > LARGEST_BLOCK) {
        room = LARGEST_BLOCK;
    }
    if (room < least) {
        room = least;
    }
    struct arena_block *block = mem_grow(NULL, sizeof *block + room);
    block->older = a->blocks;
    block->room = room;
    a->blocks = block;
    a->used = 0;
    a->total += room;
}

void *arena_alloc(struct arena *a, size_t size)
{
    ASSERT(size <= SIZE_MAX - LARGEST_BLOCK);
    size_t rounded = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (rounded == 0) {
        rounded = ALIGN;
    }
    if (!a->blocks || a->blocks->room - a->used < rounded) {
        add_block(a, rounded);
    }
    void *p = a->blocks->bytes + a->used;
    a->used += rounded;
    return memset(p, 0, rounded);
}

void *arena_array(struct arena *a, size_t size, size_t count)
{
    size_t bytes;
    ASSERT(!__builtin_mul_overflow(size, count, &bytes));
    return arena_alloc(a, bytes);
}

struct str arena_str(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.n + 1);
    if (s.n > 0) {
        memcpy(copy, s.p, s.n);
    }
    return str_of(copy, s.n);
}

struct str arena_join(struct arena *a, const struct str *parts, size_t n)
{
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        length += parts[i].n;
    }
    char *text = arena_alloc(a, length + 1);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > 0) {
            memcpy(text + at, parts[i].p, parts[i].n);
            at += parts[i].n;
        }
    }
    return str_of(text, length);
}

struct str arena_printf(struct arena *a, const char *format, ...)
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
        return arena_str(a, str_of(at_once, (size_t)length));
    }
    char *text = arena_alloc(a, (size_t)length + 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return str_of(text, (size_t)length);
}
