#include "base/vec.h"

void *vec_grow(void *at, size_t *room, size_t size)
{
    size_t grown = *room ? *room * 2 : 8;
    size_t bytes;
    ASSERT(!__builtin_mul_overflow(grown, size, &bytes));
    at = mem_grow(at, bytes);
    *room = grown;
    return at;
}
