/* The process's only way to malloc. Counting costs one read of a flag that never changes outside tests. */
#include "base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static _Atomic bool counting;
static _Atomic long live;
static _Atomic long taken;

static void count(long blocks)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed)) {
        (void)atomic_fetch_add(&live, blocks);
        (void)atomic_fetch_add(&taken, blocks > 0);
    }
}

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    ASSERT(p != NULL);
    count(1);
    return p;
}

void *mem_grow(void *p, size_t size)
{
    bool fresh = p == NULL;
    p = realloc(p, size ? size : 1);
    ASSERT(p != NULL);
    if (fresh) {
        count(1);
    }
    return p;
}

void mem_free(void *p)
{
    if (p) {
        count(-1);
        free(p);
    }
}

char *mem_dup(const void *p, size_t n)
{
    char *copy = mem_alloc(n + 1);
    if (n > 0) {
        memcpy(copy, p, n);
    }
    return copy;
}

void mem_be_small(void)
{
    enum {
        LARGE = 1 << 20,
        MOST_FREE = 4 << 20
    }; /* glibc raises its own as large ones are freed */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE);
    (void)mallopt(M_TRIM_THRESHOLD, MOST_FREE);
}

void mem_trim(void)
{
    (void)malloc_trim(0);
}

void mem_test_begin(void)
{
    atomic_store(&live, 0);
    atomic_store(&taken, 0);
    atomic_store(&counting, true);
}

long mem_test_taken(void)
{
    return atomic_load(&taken);
}

long mem_test_end(void)
{
    atomic_store(&counting, false);
    return atomic_load(&live);
}
