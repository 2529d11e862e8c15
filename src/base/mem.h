/*
 * Long-lived memory. The only callers of malloc are in base/. Running out of memory ends the process: every size that a
 * client can influence is bounded before it comes here (see buf.h for growing data with a maximum).
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* size zeroed bytes; never NULL. Freed by mem_free. */
void *mem_alloc(size_t size);

/* As realloc: moves what is at p (NULL allowed) to a block of size bytes; new bytes are not zeroed. Never NULL. */
void *mem_grow(void *p, size_t size);

/* NULL allowed. */
void mem_free(void *p);

/* n bytes of p and a terminating NUL, in memory of its own. */
char *mem_dup(const void *p, size_t n);

/* For a process that is to be small: what is large goes back to the system when it is freed. Before the first thread. */
void mem_be_small(void);

/* Gives back to the system what is free: after something large that does not come again soon. */
void mem_trim(void);

#define MEM_NEW(type) ((type *)mem_alloc(sizeof(type)))

/* Frees what pointer names and sets it to NULL. */
#define MEM_FREE(pointer) \
    do { \
        mem_free(pointer); \
        (pointer) = NULL; \
    } while (0)

/* Declares a local that is freed at the end of its scope: MEM_AUTO char *path = mem_dup(…); */
#define MEM_AUTO __attribute__((cleanup(mem_auto_free)))
static inline void mem_auto_free(void *pointer)
{
    mem_free(*(void **)pointer);
}

/* Gives the value of a variable away and leaves NULL in it, so that its cleanup frees nothing. */
#define MEM_TAKE(pointer) \
    __extension__({ \
        __typeof__(pointer) mem_taken_ = (pointer); \
        (pointer) = NULL; \
        mem_taken_; \
    })

/*
 * Tests only: counts blocks from mem_test_begin to mem_test_end, which returns those still held (0: no leak; negative: blocks
 * from before were given back). mem_test_taken: blocks taken so far, to show that a limit bounds memory. One count a process.
 */
void mem_test_begin(void);
long mem_test_taken(void);
long mem_test_end(void);

#endif
