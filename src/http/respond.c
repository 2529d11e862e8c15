/* From a request to its answer: the lane, the handler, sending. On the loop but for run_on_lane. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/assert.h"
#include "http/http_int.h"

enum { MOST_DISCARDED = 32 * 1024 * 1024 }; /* two of a WebSocket's largest messages */

static struct http_exchange *of_job(struct net_job *job)
{
    return (struct http_exchange *)(void *)((char *)job - offsetof(struct http_exchange, job));
}

static struct http_exchange *of_done(struct net_message *m)
{
    return (struct http_exchange *)(void *)((char *)m - offsetof(struct http_exchange, done));
}

static enum http_step begin_send(struct http_connection *c)
{
    c->state = CONN_SEND; /* its timer is set when the first send does not take everything */
    c->since = net_loop_now(c->worker->loop);
    c->exchange->sent = 0;
    c->exchange->blocked = false;
    return STEP_ON;
}

enum http_step http_fail(struct http_connection *c, int code, bool closing)
{
    struct http_exchange *x = c->exchange;
    const struct http_app *app = http_connection_server(c)->app;
    c->closing |= closing;
    http_reset(&x->response);
    app->error(app->ctx, &x->request, code, &x->response);
    return begin_send(c);
}

/* What now may be quiet for hours must notice by itself that the other machine is gone. */
static void keep_alive(int fd)
{
    const int on = 1, idle = 60, interval = 15, tries = 4;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
}

/* The handler has returned: hand over, or send. */
static enum http_step handled(struct http_connection *c)
{
    struct http_response *response = &c->exchange->response;
    if (response->owner) {
        ASSERT(c->exchange->route.upgrade);
        keep_alive(c->watch.fd);
        c->owner = response->owner;
        http_connection_enter(c, CONN_OWNED);
        c->owner->take(c->owner, c);
        return STEP_GONE;
    }
    if (response->own.error || response->fields.error) {
        return http_fail(c, ERR_INTERNAL, /* closing= */ false);
    }
    return begin_send(c);
}

static void run_on_lane(struct net_job *job)
{
    struct http_exchange *x = of_job(job);
    struct http_server *server = http_connection_server(x->connection);
    server->app->handle(server->app->ctx, &x->request, &x->response);
    http_stream_end(x);
    net_loop_post(x->connection->worker->loop, &x->done);
}

static void back_on_loop(struct net_message *m)
{
    struct http_exchange *x = of_done(m);
    struct http_connection *c = x->connection;
    ASSERT(c->state == CONN_LANE && c->exchange == x);
    if (x->route.stream_body || x->route.upgrade || x->response.streaming) {
        c->readable = true; /* events may have come for the thread, which left something */
        c->writable = true;
    }
    c->state = CONN_SEND;
    c->since = net_loop_now(c->worker->loop);
    if (x->response.streaming && x->response.aborted) {
        http_connection_close(c);
        return;
    }
    enum http_step step = x->response.streaming ? http_finish(c) : handled(c);
    if (step == STEP_ON) {
        http_connection_run(c);
    }
}

enum http_step http_start_handler(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    struct http_server *server = http_connection_server(c);
    if (x->failure < 0) {
        return http_fail(c, x->failure, /* closing= */ false);
    }
    if (x->route.lane == HTTP_INLINE) {
        server->app->handle(server->app->ctx, &x->request, &x->response);
        return handled(c);
    }
    http_connection_enter(c, CONN_LANE);
    x->job = (struct net_job){.run = run_on_lane, .key = x->route.key};
    x->done.run = back_on_loop;
    if (net_lane_submit(server->lanes[x->route.lane], &x->job) < 0) {
        return http_fail(c, ERR_BUSY, /* closing= */ false);
    }
    return STEP_WAIT;
}

static struct str body_of(struct http_exchange *x)
{
    return x->response.own_used ? buf_str(&x->response.own) : x->response.body;
}

/* What is still to be sent, in at most two pieces. */
static int pieces(struct http_exchange *x, struct str body, struct iovec iov[static 2])
{
    struct str head = str_slice(buf_str(&x->out), x->sent, x->out.n);
    size_t body_sent = x->sent > x->out.n ? x->sent - x->out.n : 0;
    body = str_slice(body, body_sent, body.n);
    iov[0] = (struct iovec){(char *)(uintptr_t)head.p, head.n};
    iov[1] = (struct iovec){(char *)(uintptr_t)body.p, body.n};
    return body.n > 0 ? 2 : 1;
}

enum http_step http_send(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    struct str body = http_response_may_have_body(x) ? body_of(x) : STR_EMPTY;
    if (x->out.n == 0) {
        http_response_head(x, &x->out, (int64_t)body_of(x).n);
    }
    while (x->sent < x->out.n + body.n) {
        struct iovec iov[2];
        struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)pieces(x, body, iov)};
        ssize_t n = c->writable ? sendmsg(c->watch.fd, &message, MSG_NOSIGNAL) : 0;
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            http_connection_close(c);
            return STEP_GONE;
        }
        if (n < 0) {
            c->writable = errno == EINTR;
            continue;
        }
        x->sent += (size_t)n;
        if (n == 0 && !x->blocked) { /* once: waiting again gives no more time */
            x->blocked = true;
            http_connection_enter(c, CONN_SEND);
        }
        if (n == 0) {
            return STEP_WAIT;
        }
    }
    x->response.sent = body.n;
    return http_finish(c);
}

/* Reads on for a moment after the last answer: a socket closed with unread bytes would take the answer back (RST). */
enum http_step http_linger(struct http_connection *c)
{
    char nowhere[16 * 1024];
    ssize_t got = http_connection_recv(c, nowhere, sizeof nowhere);
    if (got == 0) {
        return STEP_WAIT;
    }
    c->discarded += got > 0 ? (uint32_t)got : 0;
    if (got < 0 || c->discarded > MOST_DISCARDED) {
        http_connection_close(c);
        return STEP_GONE;
    }
    return STEP_ON;
}
