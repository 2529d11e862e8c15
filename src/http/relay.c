/*
 * An HTTP request handed to another server. The bodies go through as they came, chunk framing and all: our strict decoders
 * only watch them to know where they end, so both sides see the same bytes and nothing can be smuggled between two readings.
 *
 * Invariants:
 * 1. to_up and to_client each hold at most ROOM bytes (a head may be larger); a side is read only while the other's buffer
 *    has room: back-pressure.
 * 2. Bytes of the client behind its request's end are never sent upstream, except after 101.
 * 3. Nothing has been sent to the client until head_sent; before that a failure is answered by app.error.
 * 4. A pipe carries WebSocket frames, which are walked along but not touched: a close frame of ours goes between two messages.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "http/relay_int.h"

enum {
    STALL = 300, /* seconds */
    LAST = 5,    /* seconds for what a pipe still holds: the server stops, or the client has gone */
    ROUNDS = 256, /* in one turn of the loop: at most 16 MiB each way */
    INTERIMS = 8, /* answers 1xx before the answer */
};

static struct http_relay *of_owner(struct http_owner *owner)
{
    return (struct http_relay *)(void *)owner; /* its first member */
}

static void destroy(struct http_relay *relay)
{
    net_timer_cancel(&relay->timer);
    net_timer_cancel(&relay->turn);
    net_watch_end(&relay->up);
    fd_close(&relay->up.fd);
    buf_fini(&relay->to_up);
    buf_fini(&relay->to_client);
    buf_fini(&relay->up_head);
    relay->magic = 0;
    mem_free(relay);
}

static void refuse(struct http_relay *relay, int code)
{
    struct http_connection *c = relay->c;
    destroy(relay);
    http_connection_refuse(c, code);
}

static void end(struct http_relay *relay, bool keep)
{
    struct http_connection *c = relay->c;
    c->exchange->response.sent = relay->sent;
    c->exchange->body_done = relay->request_done;
    destroy(relay);
    http_connection_resume(c, keep);
}

static void cut(struct http_relay *relay)
{
    http_connection_close(relay->c); /* calls gone */
}

/* Sends what a buffer has; false when that side is gone. */
static bool flush(struct http_relay *relay, int fd, struct buf *b, bool *writable)
{
    while (b->n > 0 && *writable) {
        ssize_t n = send(fd, b->p, b->n, MSG_NOSIGNAL);
        if (n >= 0) {
            relay->moved += (uint64_t)n;
            buf_consume(b, (size_t)n);
        } else if (errno != EINTR) {
            *writable = false;
            if (errno != EAGAIN) {
                return false;
            }
        }
    }
    if (b->n == 0) {
        buf_fini(b); /* a quiet relay holds no buffers */
    }
    return true;
}

/* Bytes read, 0 when there are none now, ERR_CLOSED at the end. */
static ssize_t recv_up(struct http_relay *relay, struct buf *to, size_t most)
{
    if (!relay->up_readable || relay->connecting) {
        return 0;
    }
    ssize_t got = recv(relay->up.fd, buf_reserve(to, most), most, 0);
    if (got > 0) {
        relay->moved += (uint64_t)got;
        buf_commit(to, (size_t)got);
        relay->up_readable = (size_t)got == most || relay->up_hangup;
        return got;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        relay->up_readable = errno == EINTR;
        return 0;
    }
    return ERR_CLOSED;
}

/* ---- client to upstream ---- */

/* Bytes that came with the head (or were read behind it), as far as they belong to the request. */
static int forward_came(struct http_relay *relay)
{
    struct http_exchange *x = relay->c->exchange;
    struct str came = str_slice(buf_str(&x->in), x->taken, x->in.n);
    if (!relay->piping && x->request.content_length >= 0) {
        uint64_t left = (uint64_t)x->request.content_length - x->body_seen;
        came = str_slice(came, 0, came.n < left ? came.n : (size_t)left);
        x->body_seen += came.n;
        relay->request_done = x->body_seen == (uint64_t)x->request.content_length;
    } else if (!relay->piping) {
        struct str rest = came, data;
        int r;
        while ((r = http_chunks_next(&x->chunks, &rest, &data)) == HTTP_DATA) {
            x->body_seen += data.n;
        }
        if (r < 0) {
            return r;
        }
        relay->request_done = r == 0;
        came = str_slice(came, 0, came.n - rest.n);
    }
    if (relay->piping) {
        http_frame_walk(&relay->in, came);
    }
    buf_add(&relay->to_up, came);
    x->taken += came.n;
    return x->body_seen > x->route.max_body ? ERR_TOO_LARGE : 0;
}

static int pump_in(struct http_relay *relay)
{
    struct http_connection *c = relay->c;
    struct http_exchange *x = c->exchange;
    while ((relay->piping || !relay->request_done) && relay->to_up.n < RELAY_ROOM / 2) {
        if (x->taken == x->in.n) {
            x->in.n = x->taken = x->head.end;
            ssize_t got = http_connection_recv(c, x->in.p + x->in.n, x->in.room - x->in.n);
            if (got <= 0) {
                return (int)got;
            }
            relay->moved += (uint64_t)got;
            buf_commit(&x->in, (size_t)got);
            relay->progress = net_loop_now(c->worker->loop);
        }
        int r = forward_came(relay);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* ---- upstream to client ---- */

/* A new piece of the body from to_client's position `from` on; cuts off what the client must not get. */
static int watch_body(struct http_relay *relay, size_t from)
{
    struct str piece = str_slice(buf_str(&relay->to_client), from, relay->to_client.n), data;
    if (relay->piping) {
        http_frame_walk(&relay->out, piece);
        return 0;
    }
    if (relay->left >= 0 || relay->until_close) {
        relay->left -= relay->until_close ? 0 : (int64_t)piece.n;
        relay->sent += piece.n;
        relay->reply_done = !relay->until_close && relay->left == 0;
        return relay->until_close || relay->left >= 0 ? 0 : ERR_INVALID;
    }
    struct str rest = piece;
    char *decoded = relay->to_client.p + from;
    int r;
    while ((r = http_chunks_next(&relay->chunks, &rest, &data)) == HTTP_DATA) {
        relay->sent += data.n;
        if (relay->c->exchange->request.http10) { /* does not know chunks */
            memmove(decoded, data.p, data.n);
            decoded += data.n;
        }
    }
    if (relay->c->exchange->request.http10) {
        relay->to_client.n = (size_t)(decoded - relay->to_client.p);
    }
    relay->reply_done = r == 0;
    return r < 0 || (r == 0 && rest.n > 0) ? ERR_INVALID : 0;
}

static int pump_head(struct http_relay *relay)
{
    for (;;) {
        int r = relay->up_head.n > 0 ? http_head_parse(&relay->head, buf_str(&relay->up_head))
                                     : HTTP_MORE;
        if (r < 0) {
            return ERR_BAD_GATEWAY;
        }
        if (r == 0 && (relay->head.status >= 200 || relay->head.status == 101)) {
            return http_relay_answer(relay);
        }
        if (r == 0 && ++relay->interims > INTERIMS) {
            return ERR_BAD_GATEWAY;
        }
        if (r == 0) { /* 1xx: for nobody */
            buf_consume(&relay->up_head, relay->head.end);
            memset(&relay->head, 0, offsetof(struct http_head, field));
            relay->head.response = true;
            continue;
        }
        ssize_t got = recv_up(relay, &relay->up_head, 8 * 1024);
        if (got <= 0) {
            return got < 0 ? ERR_BAD_GATEWAY : 0;
        }
    }
}

static int pump_out(struct http_relay *relay)
{
    if (!relay->head_sent) {
        int r = pump_head(relay);
        if (r < 0 || !relay->head_sent) {
            return r;
        }
        size_t from = relay->to_client.n;
        buf_add(&relay->to_client, relay->early);
        r = relay->early.n > 0 ? watch_body(relay, from) : 0;
        if (r < 0) {
            return r;
        }
    }
    while (!relay->reply_done && relay->to_client.n < RELAY_ROOM / 2) {
        size_t from = relay->to_client.n;
        ssize_t got = recv_up(relay, &relay->to_client, RELAY_ROOM / 2);
        if (got == 0) {
            return 0;
        }
        if (got < 0) {
            relay->reply_done = true;
            relay->broken = !relay->piping && !relay->until_close;
            return 0;
        }
        relay->progress = net_loop_now(relay->c->worker->loop);
        int r = watch_body(relay, from);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* ---- both ---- */

/* A failure on the way: answered as long as nothing has been sent. */
static void fail(struct http_relay *relay, int code)
{
    if (relay->head_sent || code == ERR_CLOSED) {
        cut(relay);
    } else {
        refuse(relay, code);
    }
}

/* One round in both directions. 1: something moved; 0: nothing; negative: failed. */
static int pump(struct http_relay *relay)
{
    struct http_connection *c = relay->c;
    uint64_t moved = relay->moved;
    int r = pump_in(relay);
    if (!relay->connecting && !flush(relay, relay->up.fd, &relay->to_up, &relay->up_writable)) {
        relay->to_up.n = 0; /* it may have answered all the same */
    }
    if (r == 0) {
        r = pump_out(relay);
    }
    if (r < 0) {
        return r;
    }
    if (!flush(relay, c->watch.fd, &relay->to_client, &c->writable)) {
        return ERR_CLOSED;
    }
    return relay->moved != moved;
}

/* Nothing is on its way, as far as both sides have said. */
static bool is_quiet(const struct http_relay *relay)
{
    return relay->to_up.n == 0 && relay->to_client.n == 0 && http_frame_between(&relay->in) &&
           http_frame_between(&relay->out);
}

/* Both sides hear that we go, as they would from each other (RFC 6455 section 7.4.1). */
static void say_goodbye(struct http_relay *relay)
{
    http_frame_add_close(&relay->to_up, CLOSE_GOING_AWAY, STR_EMPTY, /* mask= */ true);
    http_frame_add_close(&relay->to_client, CLOSE_GOING_AWAY, STR_EMPTY, /* mask= */ false);
    (void)flush(relay, relay->up.fd, &relay->to_up, &relay->up_writable);
    (void)flush(relay, relay->c->watch.fd, &relay->to_client, &relay->c->writable);
    end(relay, /* keep= */ false);
}

static void look_at_pipe(struct http_relay *relay)
{
    if (relay->draining && is_quiet(relay)) {
        say_goodbye(relay);
    } else if (relay->c->hangup && !relay->draining) { /* upstream takes nothing */
        net_timer_set(relay->c->worker->loop, &relay->timer, relay->progress + LAST * USEC_PER_SEC);
    }
}

/* After everything that could move has moved. */
static void look_for_end(struct http_relay *relay)
{
    if (relay->reply_done && relay->to_client.n == 0 && relay->broken) {
        cut(relay);
    } else if (relay->reply_done && relay->to_client.n == 0) {
        end(relay, /* keep= */ !relay->piping && !relay->until_close && relay->request_done);
    } else if (relay->c->hangup && relay->request_done && !relay->piping) {
        cut(relay); /* nobody waits for the answer any more */
    } else if (relay->piping) {
        look_at_pipe(relay);
    }
}

static void run(struct http_relay *relay)
{
    int r = 1;
    for (unsigned rounds = 0; r > 0 && rounds < ROUNDS; rounds++) {
        r = pump(relay);
    }
    if (r > 0) { /* both sides are fast: the loop's others first */
        net_timer_set(relay->c->worker->loop, &relay->turn, net_loop_now(relay->c->worker->loop));
        return;
    }
    if (r < 0) {
        fail(relay, r);
    } else {
        look_for_end(relay);
    }
}

static bool connected(struct http_relay *relay)
{
    int error = 0;
    socklen_t length = sizeof error;
    relay->connecting = false;
    return getsockopt(relay->up.fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

static void up_ready(struct net_watch *w, unsigned what)
{
    struct http_relay *relay =
        (struct http_relay *)(void *)((char *)w - offsetof(struct http_relay, up));
    relay->up_readable |= (what & NET_READABLE) != 0;
    relay->up_writable |= (what & NET_WRITABLE) != 0;
    relay->up_hangup |= (what & NET_HANGUP) != 0;
    if (relay->connecting && (what & (NET_WRITABLE | NET_HANGUP)) && !connected(relay)) {
        refuse(relay, ERR_BAD_GATEWAY);
        return;
    }
    run(relay);
}

static void its_turn(struct net_timer *timer)
{
    run((struct http_relay *)(void *)((char *)timer - offsetof(struct http_relay, turn)));
}

static void client_ready(struct http_owner *owner)
{
    run(of_owner(owner));
}

/* While the request's body comes: every `grace`, whether the client sent at least at the least rate. It is not to blame while
 * upstream has not taken what came before. */
static bool is_slow(struct http_relay *relay)
{
    const struct http_limits *limits = &http_connection_server(relay->c)->limits;
    uint64_t seen = relay->c->exchange->body_seen;
    uint64_t least = limits->least_rate * (uint64_t)limits->grace / USEC_PER_SEC;
    bool slow = relay->to_up.n == 0 && seen - relay->seen < least;
    relay->seen = seen;
    return slow;
}

static usec_t next_look(const struct http_relay *relay)
{
    usec_t silence = relay->head_sent ? STALL * USEC_PER_SEC : relay->options.patience;
    usec_t look =
        net_loop_now(relay->c->worker->loop) + http_connection_server(relay->c)->limits.grace;
    usec_t end = relay->progress + silence;
    return relay->request_done || end < look ? end : look;
}

static void late(struct net_timer *timer)
{
    struct http_relay *relay =
        (struct http_relay *)(void *)((char *)timer - offsetof(struct http_relay, timer));
    struct net_loop *loop = relay->c->worker->loop;
    if (relay->piping) {
        if (relay->draining || relay->c->hangup) {
            cut(relay);
        }
    } else if (!relay->request_done && is_slow(relay)) {
        fail(relay, ERR_REQUEST_TIMEOUT);
    } else if (next_look(relay) > net_loop_now(loop)) {
        net_timer_set(loop, timer, next_look(relay));
    } else {
        fail(relay, ERR_TIMEOUT);
    }
}

static void gone(struct http_owner *owner)
{
    destroy(of_owner(owner));
}

/* An ordinary answer may finish; a pipe has no end of its own. */
static void drain(struct http_owner *owner)
{
    struct http_relay *relay = of_owner(owner);
    struct net_loop *loop = relay->c->worker->loop;
    relay->draining = true;
    relay->c->closing = true;
    if (relay->piping) {
        net_timer_set(loop, &relay->timer, net_loop_now(loop) + LAST * USEC_PER_SEC);
        run(relay);
    }
}

static void cut_owned(struct http_owner *owner)
{
    struct http_relay *relay = of_owner(owner);
    if (relay->piping) {
        cut(relay);
    } else {
        relay->c->closing = true;
    }
}

static void take(struct http_owner *owner, struct http_connection *c)
{
    struct http_relay *relay = of_owner(owner);
    relay->c = c;
    relay->progress = net_loop_now(c->worker->loop);
    relay->request_done = c->exchange->request.content_length == 0;
    (void)http_relay_request(relay);
    int r = net_connect(&relay->address, &relay->up.fd);
    if (r == 0) {
        relay->connecting = true;
        r = net_watch_start(c->worker->loop, &relay->up);
    }
    if (r < 0) {
        refuse(relay, ERR_BAD_GATEWAY);
        return;
    }
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (c->exchange->expects && send(c->watch.fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL) < 0) {
        cut(relay);
        return;
    }
    net_timer_set(c->worker->loop, &relay->timer, next_look(relay));
}

int http_relay(struct http_request *request, struct http_response *response,
               const struct http_relay_options *options)
{
    ASSERT(!response->streaming && !response->owner && response->exchange->route.upgrade);
    struct net_address address;
    int r = net_address_parse(options->upstream, &address);
    if (r < 0) {
        return r;
    }
    struct http_relay *relay = MEM_NEW(struct http_relay);
    relay->magic = RELAY_MAGIC;
    relay->owner = (struct http_owner){.tag = options->tag,
                                       .take = take,
                                       .ready = client_ready,
                                       .drain = drain,
                                       .cut = cut_owned,
                                       .gone = gone};
    relay->options = *options;
    relay->options.patience = options->patience ? options->patience : 60 * USEC_PER_SEC;
    relay->address = address;
    relay->head.response = true;
    relay->up = (struct net_watch){.ready = up_ready, .fd = -1};
    relay->timer.fire = late;
    relay->turn.fire = its_turn;
    buf_init(&relay->to_up, HTTP_MAX_HEAD * 2 + RELAY_ROOM);
    buf_init(&relay->to_client, HTTP_MAX_HEAD * 2 + RELAY_ROOM);
    buf_init(&relay->up_head, HTTP_MAX_HEAD + 16 * 1024);
    response->owner = &relay->owner;
    (void)request;
    return 0;
}
