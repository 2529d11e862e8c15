/*
 * One connection: a state and the steps between states. Events only set flags; http_connection_run takes steps until one has
 * to wait. See read.c (heads, bodies), respond.c (handlers, answers), stream.c (a lane's thread at the socket).
 *
 * Invariants:
 * 1. Only the loop's thread touches a connection, except in CONN_LANE: then the lane's thread has the exchange and may use
 *    the descriptor, and the loop only notes events.
 * 2. The descriptor is closed by http_connection_close alone, never in CONN_LANE.
 * 3. A connection without an exchange is in CONN_IDLE, and has no bytes of its own.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "http/http_int.h"

enum { CONN_MAGIC = 0x636f6e6e, STEPS_A_TURN = 64, LINGER_TIME = 2000000 };

struct http_server *http_connection_server(const struct http_connection *c)
{
    return c->worker->server;
}

static struct http_connection *of_watch(struct net_watch *w)
{
    return (struct http_connection *)(void *)((char *)w - offsetof(struct http_connection, watch));
}

static struct http_connection *of_timer(struct net_timer *t)
{
    return (struct http_connection *)(void *)((char *)t - offsetof(struct http_connection, timer));
}

static struct http_connection *of_again(struct net_message *m)
{
    return (struct http_connection *)(void *)((char *)m - offsetof(struct http_connection, again));
}

static void ready(struct net_watch *w, unsigned what)
{
    struct http_connection *c = of_watch(w);
    c->readable |= (what & NET_READABLE) != 0;
    c->writable |= (what & NET_WRITABLE) != 0;
    c->hangup |= (what & NET_HANGUP) != 0;
    http_connection_run(c);
}

/* The moment at which a body in or out is too slow: the grace, and the time that its bytes may take at the least rate. */
static usec_t slow_after(const struct http_connection *c)
{
    const struct http_limits *limits = &http_connection_server(c)->limits;
    const struct http_exchange *x = c->exchange;
    uint64_t bytes = c->state == CONN_BODY ? x->body_seen : x->sent;
    return c->since + limits->grace + (usec_t)(bytes * USEC_PER_SEC / limits->least_rate);
}

static void expired(struct net_timer *t)
{
    struct http_connection *c = of_timer(t);
    usec_t now = net_loop_now(c->worker->loop);
    switch (c->state) {
    case CONN_IDLE:
    case CONN_LINGER:
        http_connection_close(c);
        return;
    case CONN_HEAD:
        if (http_fail(c, ERR_REQUEST_TIMEOUT, /* closing= */ true) == STEP_ON) {
            http_connection_run(c);
        }
        return;
    case CONN_BODY:
    case CONN_SEND:
        if (slow_after(c) > now) {
            net_timer_set(c->worker->loop, &c->timer, slow_after(c));
        } else if (c->state == CONN_SEND) {
            http_connection_close(c);
        } else if (http_fail(c, ERR_REQUEST_TIMEOUT, /* closing= */ true) == STEP_ON) {
            http_connection_run(c);
        }
        return;
    case CONN_LANE:
    case CONN_OWNED:
        return;
    }
}

void http_connection_enter(struct http_connection *c, enum http_state state)
{
    const struct http_limits *limits = &http_connection_server(c)->limits;
    c->state = state;
    c->since = net_loop_now(c->worker->loop);
    switch (state) {
    case CONN_IDLE:
        net_timer_set(c->worker->loop, &c->timer, c->since + limits->idle_time);
        return;
    case CONN_HEAD:
        net_timer_set(c->worker->loop, &c->timer, c->since + limits->header_time);
        return;
    case CONN_BODY:
    case CONN_SEND:
        net_timer_set(c->worker->loop, &c->timer, slow_after(c));
        return;
    case CONN_LINGER:
        net_timer_set(c->worker->loop, &c->timer, c->since + LINGER_TIME);
        return;
    case CONN_LANE:
    case CONN_OWNED:
        return;
    }
}

static enum http_step step(struct http_connection *c)
{
    switch (c->state) {
    case CONN_IDLE:
    case CONN_HEAD:
        return http_read_head(c);
    case CONN_BODY:
        return http_read_body(c);
    case CONN_SEND:
        return http_send(c);
    case CONN_LINGER:
        return http_linger(c);
    case CONN_OWNED:
        c->owner->ready(c->owner);
        return STEP_GONE; /* or not: the owner decides, and calls run when it gives the connection back */
    case CONN_LANE:
        return STEP_WAIT;
    }
    UNREACHABLE();
}

static void run_again(struct net_message *m)
{
    struct http_connection *c = of_again(m);
    c->again_posted = false;
    if (c->dead) {
        mem_free(c);
        return;
    }
    http_connection_run(c);
}

void http_connection_run_later(struct http_connection *c)
{
    if (!c->again_posted) {
        c->again_posted = true;
        net_loop_post(c->worker->loop, &c->again);
    }
}

void http_connection_run(struct http_connection *c)
{
    ASSERT_MAGIC(c, CONN_MAGIC);
    for (int i = 0; i < STEPS_A_TURN; i++) {
        if (step(c) != STEP_ON) {
            return;
        }
    }
    http_connection_run_later(c); /* others wait too */
}

ssize_t http_connection_recv(struct http_connection *c, void *to, size_t n)
{
    while (c->readable) {
        ssize_t got = recv(c->watch.fd, to, n, 0);
        if (got > 0) {
            /* Edge triggered: a short read has emptied the socket, unless its end is still to be read. */
            c->readable = (size_t)got == n || c->hangup;
            return got;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            return ERR_CLOSED;
        }
        c->readable = errno == EINTR;
    }
    return 0;
}

int http_connection_start(struct http_worker *worker, int fd, const struct net_address *peer,
                          uint32_t group)
{
    struct http_connection *c = MEM_NEW(struct http_connection);
    c->magic = CONN_MAGIC;
    c->worker = worker;
    c->group = group;
    c->watch = (struct net_watch){.ready = ready, .fd = fd};
    c->timer.fire = expired;
    c->again.run = run_again;
    c->writable = true;
    c->trusted = http_forwarded_trusts(&worker->server->trusted, peer);
    (void)net_address_host(peer, c->peer);
    int r = net_watch_start(worker->loop, &c->watch);
    if (r < 0) {
        mem_free(c);
        return r;
    }
    const int on = 1;
    if (peer->sockaddr.ss_family != AF_UNIX) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    c->next = worker->connections;
    c->place = &worker->connections;
    if (c->next) {
        c->next->place = &c->next;
    }
    worker->connections = c;
    http_connection_enter(c, CONN_IDLE);
    return 0;
}

static void report_finish(struct http_connection *c)
{
    const struct http_app *app = http_connection_server(c)->app;
    struct http_exchange *x = c->exchange;
    if (!x || !x->routed) {
        return;
    }
    x->routed = false;
    atomic_fetch_add_explicit(&http_connection_server(c)->requests, 1, memory_order_relaxed);
    if (app->finish) {
        const struct http_outcome outcome = {
            .status = x->response.status,
            .sent = x->response.sent,
            .took = net_loop_now(c->worker->loop) - x->request.received,
        };
        app->finish(app->ctx, &x->request, &outcome);
    }
}

void http_connection_close(struct http_connection *c)
{
    ASSERT_MAGIC(c, CONN_MAGIC);
    ASSERT(c->state != CONN_LANE);
    if (c->owner) {
        struct http_owner *owner = c->owner;
        c->owner = NULL;
        owner->gone(owner);
    }
    report_finish(c);
    http_exchange_release(c);
    net_timer_cancel(&c->timer);
    net_watch_end(&c->watch);
    fd_close(&c->watch.fd);
    *c->place = c->next;
    if (c->next) {
        c->next->place = c->place;
    }
    http_server_connection_ended(http_connection_server(c), c->group);
    if (c->again_posted) {
        c->dead = true;
        return;
    }
    c->magic = 0;
    mem_free(c);
}

/* After a response: lingers, closes, or waits for (or goes on with) the next request. */
enum http_step http_finish(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    report_finish(c);
    if (c->closing || !x->body_done) {
        (void)shutdown(c->watch.fd, SHUT_WR);
        http_exchange_release(c);
        http_connection_enter(c, CONN_LINGER);
        return STEP_ON;
    }
    http_exchange_reset(x);
    if (x->in.n == 0) {
        http_exchange_release(c);
    }
    if (atomic_load_explicit(&http_connection_server(c)->draining, memory_order_relaxed)) {
        http_connection_close(c);
        return STEP_GONE;
    }
    http_connection_enter(c, CONN_IDLE);
    return STEP_ON;
}

void http_connection_resume(struct http_connection *c, bool keep)
{
    ASSERT(c->state == CONN_OWNED);
    c->owner = NULL;
    c->closing |= !keep;
    if (http_finish(c) == STEP_ON) {
        http_connection_run_later(c);
    }
}

void http_connection_refuse(struct http_connection *c, int code)
{
    ASSERT(c->state == CONN_OWNED);
    c->owner = NULL;
    c->exchange->response.owner = NULL;
    if (http_fail(c, code, /* closing= */ !c->exchange->body_done) == STEP_ON) {
        http_connection_run_later(c);
    }
}

void http_connection_drain(struct http_connection *c)
{
    if (c->state == CONN_IDLE) {
        http_connection_close(c);
    } else if (c->state == CONN_OWNED) {
        c->owner->drain(c->owner);
    } else if (c->state != CONN_LANE) { /* there the head of the response looks at `draining` */
        c->closing = true;
    }
}
