/* A tree with an index of its own, and memory for results: setup and teardown of tests. */
#ifndef UNIT_CODI2_BENCH_H
#define UNIT_CODI2_BENCH_H

#include "codi2/scratch.h"

struct bench {
    struct scratch scratch;
    struct codi2_index *index;
    struct arena arena;
};

static inline int bench_setup(void **state)
{
    static struct bench b;
    b = (struct bench){0};
    bool fresh = false;
    scratch_setup(&b.scratch);
    arena_init(&b.arena);
    assert_int_equal(codi2_index_open(b.scratch.index, b.scratch.root, &b.index, &fresh), 0);
    assert_true(fresh);
    *state = &b;
    return 0;
}

static inline int bench_teardown(void **state)
{
    struct bench *b = *state;
    codi2_index_close(b->index);
    arena_fini(&b->arena);
    scratch_teardown(&b->scratch);
    return 0;
}

#endif
