/* Inside net/ only: the timer wheel as a part of the loop. */
#ifndef NET_NET_INT_H
#define NET_NET_INT_H

#include "net/net.h"

enum { TIMER_SLOTS = 1024 };

/* Timers hashed by tick; bit n of filled says that slot n may have one. */
struct net_wheel {
    uint64_t tick; /* all timers filed up to here have been looked at */
    uint64_t filled[TIMER_SLOTS / 64];
    struct net_timer *slots[TIMER_SLOTS];
};

void net_wheel_init(struct net_wheel *wheel, usec_t now);
void net_wheel_add(struct net_wheel *wheel, struct net_timer *timer);

/* Fires what is due. */
void net_wheel_advance(struct net_wheel *wheel, usec_t now);

/* Microseconds until the next look is due, at most `most`. */
usec_t net_wheel_wait(const struct net_wheel *wheel, usec_t now, usec_t most);

struct net_wheel *net_loop_wheel(struct net_loop *loop);

#endif
