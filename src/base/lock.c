/*
 * In paranoid builds every thread keeps the list of what it holds, in the order of taking. Since a lock may only be taken when
 * its class comes behind all held ones, the list is sorted by class and its last entry is the only one to compare with.
 */
#include "base/lock.h"

#include <errno.h>
#include <time.h>

#include "base/assert.h"

#if CODITECT_PARANOID
enum { MOST_HELD = 16 };

static __thread struct {
    struct lock *locks[MOST_HELD];
    unsigned n;
} held_now;

static void note_taking(struct lock *l)
{
    ASSERT(held_now.n < MOST_HELD);
    if (held_now.n > 0) {
        ASSERT(held_now.locks[held_now.n - 1]->class < l->class);
    }
    held_now.locks[held_now.n++] = l;
}

static void note_releasing(struct lock *l)
{
    unsigned at = held_now.n;
    do {
        ASSERT(at > 0);
        at--;
    } while (held_now.locks[at] != l);
    for (held_now.n--; at < held_now.n; at++) {
        held_now.locks[at] = held_now.locks[at + 1];
    }
}

static void note_waiting(void)
{
    ASSERT(held_now.n == 1);
}
#else
static void note_taking(struct lock *l)
{
    (void)l;
}

static void note_releasing(struct lock *l)
{
    (void)l;
}

static void note_waiting(void)
{
}
#endif

static void set_owner(struct lock *l)
{
    l->held = true;
    l->owner = pthread_self();
}

void lock_init(struct lock *l, enum lock_class class)
{
    ASSERT(class < LOCK_CLASS_COUNT);
    *l = (struct lock){.class = class};
    ASSERT(pthread_mutex_init(&l->mutex, NULL) == 0);
}

void lock_fini(struct lock *l)
{
    ASSERT(!l->held);
    ASSERT(pthread_mutex_destroy(&l->mutex) == 0);
}

void lock_take(struct lock *l)
{
    note_taking(l);
    ASSERT(pthread_mutex_lock(&l->mutex) == 0);
    ASSERT(!l->held);
    set_owner(l);
}

void lock_release(struct lock *l)
{
    lock_assert_held(l);
    note_releasing(l);
    l->held = false;
    ASSERT(pthread_mutex_unlock(&l->mutex) == 0);
}

void lock_assert_held(struct lock *l)
{
    ASSERT(l->held && pthread_equal(l->owner, pthread_self()));
}

struct lock *lock_scope_begin(struct lock *l)
{
    lock_take(l);
    return l;
}

void lock_scope_end(struct lock **l)
{
    lock_release(*l);
}

void lock_cond_init(struct lock_cond *c)
{
    pthread_condattr_t attributes;
    ASSERT(pthread_condattr_init(&attributes) == 0);
    ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_cond_init(&c->cond, &attributes) == 0);
    ASSERT(pthread_condattr_destroy(&attributes) == 0);
}

void lock_cond_fini(struct lock_cond *c)
{
    ASSERT(pthread_cond_destroy(&c->cond) == 0);
}

void lock_cond_wait(struct lock_cond *c, struct lock *l)
{
    lock_assert_held(l);
    note_waiting();
    l->held = false;
    ASSERT(pthread_cond_wait(&c->cond, &l->mutex) == 0);
    set_owner(l);
}

/* Waits until a time of the real monotonic clock; false when it passed. */
static bool wait_until_real(struct lock_cond *c, struct lock *l, usec_t deadline)
{
    struct timespec t = {.tv_sec = deadline / USEC_PER_SEC,
                         .tv_nsec = deadline % USEC_PER_SEC * 1000};
    l->held = false;
    int r = pthread_cond_timedwait(&c->cond, &l->mutex, &t);
    ASSERT(r == 0 || r == ETIMEDOUT);
    set_owner(l);
    return r == 0;
}

bool lock_cond_wait_until(struct lock_cond *c, struct lock *l, usec_t deadline)
{
    lock_assert_held(l);
    note_waiting();
    if (!time_is_test()) {
        return wait_until_real(c, l, deadline < 0 ? 0 : deadline);
    }
    /* Tests move the clock without telling the condition: look at it every millisecond. */
    struct timespec t;
    ASSERT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    bool woken = wait_until_real(c, l, t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000 + USEC_PER_MS);
    return woken || time_monotonic() < deadline;
}

void lock_cond_signal(struct lock_cond *c)
{
    ASSERT(pthread_cond_signal(&c->cond) == 0);
}

void lock_cond_broadcast(struct lock_cond *c)
{
    ASSERT(pthread_cond_broadcast(&c->cond) == 0);
}
