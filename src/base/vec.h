/*
 * A growing array. The element type stands in the declaration: VEC(struct str) names; zero-initialised is empty.
 * Owned by its declarer; freed by VEC_FREE. The caller bounds how far a client can make it grow.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stddef.h>

#include "base/assert.h"
#include "base/mem.h"

#define VEC(type) \
    struct { \
        type *at; \
        size_t n; \
        size_t room; \
    }

/* Appends a value of the element type. */
#define VEC_ADD(v, ...) \
    do { \
        if ((v)->n == (v)->room) { \
            (v)->at = vec_grow((v)->at, &(v)->room, sizeof *(v)->at); \
        } \
        (v)->at[(v)->n++] = (__VA_ARGS__); \
    } while (0)

/* Removes the element at index by moving the last one into its place. */
#define VEC_REMOVE_UNORDERED(v, index) \
    do { \
        size_t vec_index_ = (index); \
        ASSERT(vec_index_ < (v)->n); \
        (v)->at[vec_index_] = (v)->at[--(v)->n]; \
    } while (0)

#define VEC_FREE(v) \
    do { \
        mem_free((v)->at); \
        (v)->at = NULL; \
        (v)->n = (v)->room = 0; \
    } while (0)

/* Doubles *room (at least 8) for elements of size bytes. */
void *vec_grow(void *at, size_t *room, size_t size);

#endif
