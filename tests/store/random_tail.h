/*
 * Who follows the feed "events" of a random run: each event is "{writer} {number}", and each writer's numbers must come once, in
 * order, from 0 on.
 */
#ifndef RANDOM_TAIL_H
#define RANDOM_TAIL_H

#include <pthread.h>

#include "base/lock.h"
#include "store_test.h"

enum { RANDOM_TAIL_WRITERS = 4 };

struct random_tail {
    struct store_test *t;
    struct lock lock;
    struct lock_cond changed;
    bool woken, stop;
    uint8_t position[STORE_POSITION_SIZE];
    uint64_t seen[RANDOM_TAIL_WRITERS]; /* of each the next number */
    const char *wrong;
    pthread_t id;
};

/* All that is there. False: wrong says what is. */
bool random_tail_read(struct random_tail *t);

/* A thread that reads whenever it is woken, until it is stopped or finds something wrong. */
void *random_tail_main(void *tail);
void random_tail_wake(void *tail);

#endif
