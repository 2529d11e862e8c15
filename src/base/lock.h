/*
 * Mutexes and conditions. Every lock names its class from spec/locks.yaml; the order of the rows is the only order in which
 * two may be held (a later row may be taken while an earlier one is held, never the other way round, never two of a class).
 * CODITECT_PARANOID builds check this and who holds what.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>

#include "base/time.h"
#include "locks.gen.h" /* enum lock_class { LOCK_…, LOCK_CLASS_COUNT }; extern const char *const lock_names[] */

struct lock {
    pthread_mutex_t mutex;
    enum lock_class class;
    bool held; /* by owner; only read by the owner's own assertion */
    pthread_t owner;
};

void lock_init(struct lock *l, enum lock_class class);
void lock_fini(struct lock *l); /* asserts that it is free */
void lock_take(struct lock *l);
void lock_release(struct lock *l);
void lock_assert_held(struct lock *l); /* first line of every _locked function */

/* Held to the end of the scope: LOCK_SCOPE(&q->lock); */
#define LOCK_SCOPE(l) LOCK_SCOPE_AT_(l, __LINE__)
#define LOCK_SCOPE_AT_(l, line) LOCK_SCOPE_NAME_(l, line)
#define LOCK_SCOPE_NAME_(l, line) \
    struct lock *lock_scope_##line __attribute__((cleanup(lock_scope_end), unused)) = \
        lock_scope_begin(l)
struct lock *lock_scope_begin(struct lock *l);
void lock_scope_end(struct lock **l);

/*
 * A condition waits on time_monotonic's clock. Its lock must be the only one that the caller holds. Waking without a reason is
 * allowed: callers wait in a loop over their predicate.
 */
struct lock_cond {
    pthread_cond_t cond;
};
void lock_cond_init(struct lock_cond *c);
void lock_cond_fini(struct lock_cond *c);
void lock_cond_wait(struct lock_cond *c, struct lock *l);

/* False when the deadline (monotonic) passed. */
bool lock_cond_wait_until(struct lock_cond *c, struct lock *l, usec_t deadline);
void lock_cond_signal(struct lock_cond *c);
void lock_cond_broadcast(struct lock_cond *c);

#endif
