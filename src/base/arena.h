/*
 * An arena: memory that is given back all at once. One per request, one per store transaction. Nothing allocated in it
 * survives arena_reset or arena_fini. Used by one thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* of the newest block */
    size_t total;               /* bytes taken from the system */
};

void arena_init(struct arena *a);
void arena_fini(struct arena *a);

/* Forgets all allocations; keeps one block for the next use. */
void arena_reset(struct arena *a);

#define ARENA_AUTO(name) \
    struct arena name __attribute__((cleanup(arena_fini))); \
    arena_init(&name)

/* size zeroed bytes, aligned to 16; never NULL. */
void *arena_alloc(struct arena *a, size_t size);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_array((a), sizeof(type), (count)))

/* As arena_alloc(size * count); asserts that the product fits. */
void *arena_array(struct arena *a, size_t size, size_t count);

/* A copy with a NUL behind it (not counted in n). */
struct str arena_str(struct arena *a, struct str s);

/* The parts behind each other, with a NUL behind the last. */
struct str arena_join(struct arena *a, const struct str *parts, size_t n);

struct str arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
