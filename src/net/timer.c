/*
 * A hashed timer wheel: 1,024 lists of one tick (64 ms) each. Deadlines of connections move with every request, nearly always
 * to later, so moving later only writes the new deadline; the timer is filed again when its old tick comes.
 *
 * Invariants:
 * 1. A set timer stands in exactly one list, and *place points to it.
 * 2. timer->tick > wheel->tick whenever no timer fires, and timer->tick * NET_TICK <= deadline + NET_TICK.
 */
#include "base/assert.h"
#include "net/net_int.h"

static uint64_t tick_of(usec_t deadline)
{
    return deadline <= 0 ? 0 : ((uint64_t)deadline + NET_TICK - 1) / NET_TICK;
}

static void unlink_timer(struct net_timer *timer)
{
    *timer->place = timer->next;
    if (timer->next) {
        timer->next->place = timer->place;
    }
    timer->next = NULL;
    timer->place = NULL;
}

void net_wheel_init(struct net_wheel *wheel, usec_t now)
{
    *wheel = (struct net_wheel){.tick = (uint64_t)now / NET_TICK};
}

void net_wheel_add(struct net_wheel *wheel, struct net_timer *timer)
{
    timer->tick = tick_of(timer->deadline);
    if (timer->tick <= wheel->tick) {
        timer->tick = wheel->tick + 1;
    }
    size_t slot = timer->tick % TIMER_SLOTS;
    timer->place = &wheel->slots[slot];
    timer->next = wheel->slots[slot];
    if (timer->next) {
        timer->next->place = &timer->next;
    }
    wheel->slots[slot] = timer;
    wheel->filled[slot / 64] |= UINT64_C(1) << slot % 64;
}

/* Takes the list out first: what fires may set and cancel any timer, also one of this list. */
static void look_at(struct net_wheel *wheel, size_t slot, usec_t now)
{
    struct net_timer *list = wheel->slots[slot];
    wheel->slots[slot] = NULL;
    wheel->filled[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    if (list) {
        list->place = &list;
    }
    while (list) {
        struct net_timer *timer = list;
        unlink_timer(timer);
        if (timer->deadline > now) {
            net_wheel_add(wheel, timer);
            continue;
        }
        timer->loop = NULL;
        timer->fire(timer);
    }
}

void net_wheel_advance(struct net_wheel *wheel, usec_t now)
{
    uint64_t end = (uint64_t)now / NET_TICK;
    if (end <= wheel->tick) {
        return;
    }
    uint64_t first = wheel->tick + 1;
    uint64_t count = end - wheel->tick;
    wheel->tick = end;
    if (count > TIMER_SLOTS) {
        count = TIMER_SLOTS;
    }
    for (uint64_t i = 0; i < count; i++) {
        size_t slot = (first + i) % TIMER_SLOTS;
        if (wheel->filled[slot / 64] >> slot % 64 & 1) {
            look_at(wheel, slot, now);
        }
    }
}

usec_t net_wheel_wait(const struct net_wheel *wheel, usec_t now, usec_t most)
{
    for (uint64_t tick = wheel->tick + 1; tick <= wheel->tick + TIMER_SLOTS;) {
        size_t slot = tick % TIMER_SLOTS;
        uint64_t word = wheel->filled[slot / 64] >> slot % 64;
        if (word) {
            tick += (uint64_t)__builtin_ctzll(word);
            usec_t wait = (usec_t)(tick * NET_TICK) - now;
            return wait < 0 ? 0 : wait < most ? wait : most;
        }
        tick += 64 - slot % 64;
    }
    return most;
}

void net_timer_set(struct net_loop *loop, struct net_timer *timer, usec_t deadline)
{
    ASSERT(timer->fire != NULL);
    if (timer->loop) {
        ASSERT(timer->loop == loop);
        timer->deadline = deadline;
        if (tick_of(deadline) >= timer->tick) {
            return;
        }
        unlink_timer(timer);
    }
    timer->loop = loop;
    timer->deadline = deadline;
    net_wheel_add(net_loop_wheel(loop), timer);
}

void net_timer_cancel(struct net_timer *timer)
{
    if (timer->loop) {
        unlink_timer(timer);
        timer->loop = NULL;
    }
}
