/*
 * One epoll descriptor, a timer wheel and a list of posted messages. Watches are edge triggered: a connection is registered
 * once in its life and costs no further epoll_ctl.
 *
 * Invariants:
 * 1. Only the thread in net_loop_run (or net_loop_turn) touches anything but posted, last, notified and stop.
 * 2. notified is true from the write to the eventfd until the loop has taken the list: at most one write per turn.
 */
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/mem.h"
#include "net/net_int.h"

enum { EVENTS = 256, LOOP_MAGIC = 0x6c6f6f70 };

static const usec_t longest_wait = 60 * USEC_PER_SEC;

struct net_loop {
    unsigned magic;
    int epoll;
    int event;
    usec_t now;
    struct epoll_event *at, *end; /* of the batch in hand, behind the event in hand */
    struct net_watch wake;
    struct net_wheel wheel;
    atomic_bool stop;
    struct lock lock;
    struct net_message *posted, *last;
    bool notified;
    struct epoll_event events[EVENTS];
};

/* The count stays unread: with an edge each write wakes anew. */
static void woken(struct net_watch *w, unsigned what)
{
    (void)what;
    struct net_message *list;
    {
        LOCK_SCOPE(&w->loop->lock);
        list = w->loop->posted;
        w->loop->posted = w->loop->last = NULL;
        w->loop->notified = false;
    }
    while (list) {
        struct net_message *message = list;
        list = message->next;
        message->run(message);
    }
}

int net_loop_create(struct net_loop **ret_loop)
{
    FD_AUTO int epoll = epoll_create1(EPOLL_CLOEXEC);
    FD_AUTO int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll < 0 || event < 0) {
        return ERR_IO;
    }
    struct net_loop *loop = MEM_NEW(struct net_loop);
    loop->magic = LOOP_MAGIC;
    loop->epoll = epoll;
    loop->event = event;
    loop->now = time_monotonic();
    net_wheel_init(&loop->wheel, loop->now);
    lock_init(&loop->lock, LOCK_LOOP);
    loop->wake = (struct net_watch){.ready = woken, .fd = event};
    int r = net_watch_start(loop, &loop->wake);
    if (r < 0) {
        lock_fini(&loop->lock);
        mem_free(loop);
        return r;
    }
    (void)FD_TAKE(epoll);
    (void)FD_TAKE(event);
    *ret_loop = loop;
    return 0;
}

void net_loop_destroy(struct net_loop *loop)
{
    if (!loop) {
        return;
    }
    ASSERT_MAGIC(loop, LOOP_MAGIC);
    ASSERT(loop->posted == NULL);
    fd_close(&loop->epoll);
    fd_close(&loop->event);
    lock_fini(&loop->lock);
    loop->magic = 0;
    mem_free(loop);
}

struct net_wheel *net_loop_wheel(struct net_loop *loop)
{
    return &loop->wheel;
}

usec_t net_loop_now(const struct net_loop *loop)
{
    return loop->now;
}

static void deliver(const struct epoll_event *event)
{
    struct net_watch *w = event->data.ptr;
    if (!w) {
        return;
    }
    unsigned what = 0;
    what |= event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? NET_READABLE : 0;
    what |= event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? NET_WRITABLE : 0;
    what |= event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? NET_HANGUP : 0;
    w->ready(w, what);
}

void net_loop_turn(struct net_loop *loop, usec_t wait)
{
    ASSERT_MAGIC(loop, LOOP_MAGIC);
    usec_t until = net_wheel_wait(&loop->wheel, loop->now, wait);
    int timeout = (int)((until + USEC_PER_MS - 1) / USEC_PER_MS);
    int n = epoll_wait(loop->epoll, loop->events, EVENTS, timeout);
    loop->now = time_monotonic();
    loop->at = loop->events;
    loop->end = loop->events + (n < 0 ? 0 : n);
    while (loop->at < loop->end) {
        deliver(loop->at++);
    }
    net_wheel_advance(&loop->wheel, loop->now);
}

void net_loop_run(struct net_loop *loop)
{
    while (!atomic_load_explicit(&loop->stop, memory_order_acquire)) {
        net_loop_turn(loop, longest_wait);
    }
    /* What was posted before the stop may not have been seen yet. */
    woken(&loop->wake, NET_READABLE);
}

static void notify(struct net_loop *loop)
{
    const uint64_t one = 1;
    (void)!write(loop->event, &one, sizeof one);
}

void net_loop_post(struct net_loop *loop, struct net_message *message)
{
    ASSERT_MAGIC(loop, LOOP_MAGIC);
    message->next = NULL;
    bool first;
    {
        LOCK_SCOPE(&loop->lock);
        if (loop->last) {
            loop->last->next = message;
        } else {
            loop->posted = message;
        }
        loop->last = message;
        first = !loop->notified;
        loop->notified = true;
    }
    if (first) {
        notify(loop);
    }
}

void net_loop_stop(struct net_loop *loop)
{
    ASSERT_MAGIC(loop, LOOP_MAGIC);
    atomic_store_explicit(&loop->stop, true, memory_order_release);
    notify(loop);
}

static int watch(struct net_loop *loop, struct net_watch *w, uint32_t events)
{
    ASSERT_MAGIC(loop, LOOP_MAGIC);
    ASSERT(w->ready != NULL && w->fd >= 0 && !w->loop);
    struct epoll_event event = {.events = events, .data.ptr = w};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, w->fd, &event) < 0) {
        return ERR_IO;
    }
    w->loop = loop;
    return 0;
}

int net_watch_start(struct net_loop *loop, struct net_watch *w)
{
    return watch(loop, w, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

int net_watch_listen(struct net_loop *loop, struct net_watch *w)
{
    return watch(loop, w, EPOLLIN | EPOLLEXCLUSIVE);
}

void net_watch_end(struct net_watch *w)
{
    struct net_loop *loop = w->loop;
    if (!loop) {
        return;
    }
    (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, w->fd, NULL);
    for (struct epoll_event *event = loop->at; event < loop->end; event++) {
        if (event->data.ptr == w) {
            event->data.ptr = NULL;
        }
    }
    w->loop = NULL;
}
