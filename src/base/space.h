/* How much room the file system of a directory has left, against limits that an operator chose. */
#ifndef BASE_SPACE_H
#define BASE_SPACE_H

#include <stdint.h>

enum space_level {
    SPACE_AMPLE,
    SPACE_LOW,    /* what needs much is refused */
    SPACE_SCARCE, /* what runs is ended */
};

/* Free is what an ordinary user may still take. Zero limits are never passed. */
struct space {
    const char *directory;
    uint64_t low;        /* bytes */
    unsigned percent;    /* of the file system; counts as low too, … */
    uint64_t percent_to; /* … but never demands more bytes than this */
    uint64_t scarce;     /* bytes */
};

/* One system call; AMPLE when it fails. Any thread. */
enum space_level space_level(const struct space *space); /* NULL: SPACE_AMPLE */

#endif
