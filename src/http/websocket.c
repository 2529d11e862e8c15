/*
 * Our own WebSockets (RFC 6455): the handshake and the connection's life. Messages are read and written by messages.c, frames.c
 * and deflate.c.
 *
 * Invariants:
 * 1. Nothing is read while the socket is paused, or while more than max_queue waits to be sent: whoever does not take our
 *    answers waits with further requests.
 * 2. What a handler asks for inside `message` is queued and sent after it.
 * 3. After a close frame of ours nothing is queued; after one of theirs (or an error) nothing is read.
 * 4. `closed` is called exactly once, as the last thing, unless the socket never opened.
 */
#include <errno.h>
#include <openssl/sha.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/encode.h"
#include "base/mem.h"
#include "http/socket_int.h"

enum {
    SOCKET_MAGIC = 0x736f636b,
    MAX_MESSAGE = 16 << 20,
    MAX_QUEUE = 1 << 20,
    CONTROL_ROOM = 64 * 1024, /* in the queue, for answers to what one read brought */
    /* Smaller messages do not shrink, larger ones would keep the loop for more than a few milliseconds. */
    DEFLATE_LEAST = 256,
    DEFLATE_MOST = 256 * 1024,
    TURN = 256,     /* steps in one turn of the loop */
    STEP_COST = 16, /* of those, for one that may have inflated */
};

static const usec_t ping_every = 30 * USEC_PER_SEC;
static const usec_t close_patience = 5 * USEC_PER_SEC;

struct http_socket {
    struct http_owner owner;
    unsigned magic;
    struct http_connection *c;
    struct http_socket_options options;
    struct http_deflate_terms deflate;
    char accept[ACCEPT_ROOM];
    struct http_messages in;
    size_t accounted; /* of in.message's room */
    struct buf out;   /* frames */
    size_t sent;      /* of out */
    struct net_timer timer;
    usec_t heard; /* when the last byte came */
    bool opened, paused, running;
    bool closing; /* our close frame is queued or sent */
    bool deaf;    /* nothing is read any more */
    bool full;    /* send has answered ERR_BUSY */
    int code;     /* of the client's close frame; 1006 */
};

static struct http_socket *of_owner(struct http_owner *owner)
{
    struct http_socket *s = (struct http_socket *)(void *)owner; /* its first member */
    ASSERT_MAGIC(s, SOCKET_MAGIC);
    return s;
}

static size_t queued(const struct http_socket *s)
{
    return s->out.n - s->sent;
}

/* ---- the end ---- */

static void destroy(struct http_socket *s)
{
    net_timer_cancel(&s->timer);
    http_unaccount_body(s->c->exchange, s->accounted);
    http_messages_fini(&s->in);
    buf_fini(&s->out);
    if (s->opened) {
        s->options.handler->closed(s->options.ctx, s, s->code);
    }
    s->magic = 0;
    mem_free(s);
}

static void gone(struct http_owner *owner)
{
    destroy(of_owner(owner));
}

/* In order: what was sent last still arrives, whatever the client sends meanwhile. */
static void finish(struct http_socket *s)
{
    struct http_connection *c = s->c;
    destroy(s);
    http_connection_resume(c, /* keep= */ false);
}

static void queue_close(struct http_socket *s, int code, struct str reason)
{
    if (!s->closing) {
        s->closing = true;
        http_frame_add_close(&s->out, code, reason, /* mask= */ false);
        usec_t now = net_loop_now(s->c->worker->loop);
        net_timer_set(s->c->worker->loop, &s->timer, now + close_patience);
    }
}

static void refuse_further(struct http_socket *s, int code)
{
    s->deaf = true;
    queue_close(s, code, STR_EMPTY);
}

/* ---- bytes ---- */

/* 0, or ERR_CLOSED. */
static int flush(struct http_socket *s)
{
    while (queued(s) > 0 && s->c->writable) {
        ssize_t n = send(s->c->watch.fd, s->out.p + s->sent, queued(s), MSG_NOSIGNAL);
        if (n >= 0) {
            s->sent += (size_t)n;
        } else if (errno != EINTR) {
            s->c->writable = false;
            if (errno != EAGAIN) {
                return ERR_CLOSED;
            }
        }
    }
    if (queued(s) == 0) {
        buf_fini(&s->out); /* a quiet socket holds no buffers */
        s->sent = 0;
    } else if (s->sent > s->out.n / 2) {
        buf_consume(&s->out, s->sent);
        s->sent = 0;
    }
    return 0;
}

/* Bytes that are there, at least one, or 0 or ERR_CLOSED. */
static int fill(struct http_socket *s)
{
    struct http_exchange *x = s->c->exchange;
    if (x->taken < x->in.n) {
        return 1;
    }
    x->in.n = x->taken = x->head.end;
    ssize_t got = http_connection_recv(s->c, x->in.p + x->in.n, x->in.room - x->in.n);
    if (got > 0) {
        buf_commit(&x->in, (size_t)got);
        s->heard = net_loop_now(s->c->worker->loop);
    }
    return got > 0 ? 1 : (int)got;
}

/* ---- messages ---- */

static void take_message(struct http_socket *s, const struct http_message *message)
{
    if (message->opcode == FRAME_CLOSE) {
        s->code = message->code;
        refuse_further(s, message->code);
    } else if (s->closing || message->opcode == FRAME_PONG) {
        return;
    } else if (message->opcode == FRAME_PING) {
        http_frame_add(&s->out, FRAME_PONG, 0, message->payload);
    } else {
        s->options.handler->message(s->options.ctx, s, message->opcode == FRAME_TEXT,
                                    message->payload);
    }
}

/* What messages hold while they arrive counts with the bodies of requests. */
static bool account(struct http_socket *s)
{
    size_t room = s->in.message.room;
    if (room > s->accounted && !http_account_body(s->c->exchange, room - s->accounted)) {
        return false;
    }
    if (room < s->accounted) {
        http_unaccount_body(s->c->exchange, s->accounted - room);
    }
    s->accounted = room;
    return true;
}

/* One step. What it cost, 0 when there is nothing to do now, or ERR_CLOSED. */
static int advance(struct http_socket *s)
{
    struct http_exchange *x = s->c->exchange;
    if (s->deaf || s->paused || queued(s) > s->options.max_queue) {
        return 0;
    }
    int r = s->in.ending ? 1 : fill(s);
    if (r <= 0) {
        return r;
    }
    struct str came = str_slice(buf_str(&x->in), x->taken, x->in.n);
    struct http_message message;
    r = http_messages_next(&s->in, &came, &message);
    x->taken = x->in.n - came.n;
    bool compressed = s->in.compressed;
    if (r < 0) {
        refuse_further(s, s->in.code);
    } else if (!account(s)) {
        refuse_further(s, CLOSE_TRY_LATER);
    } else if (r == HTTP_DATA) {
        take_message(s, &message);
    }
    return compressed ? STEP_COST : 1;
}

/* Reads, sends, and finds out whether it is over. */
static void run(struct http_socket *s)
{
    int spent = 0, r = 1;
    s->running = true;
    while (r > 0 && spent < TURN) {
        r = flush(s);
        r = r < 0 ? r : advance(s);
        spent += r > 0 ? r : 0;
    }
    r = r < 0 ? r : flush(s);
    s->running = false;
    bool over = s->deaf && queued(s) == 0;
    if (over) {
        finish(s);
    } else if (r < 0 || (s->c->hangup && !s->c->readable)) {
        http_connection_close(s->c); /* calls gone */
    } else {
        if (spent >= TURN) { /* the loop's others first */
            http_connection_run_later(s->c);
        }
        if (s->full && queued(s) <= s->options.max_queue / 2) {
            s->full = false;
            s->options.handler->writable(s->options.ctx, s);
        }
    }
}

static void ready(struct http_owner *owner)
{
    run(of_owner(owner));
}

static void tick(struct net_timer *timer)
{
    struct http_socket *s =
        (struct http_socket *)(void *)((char *)timer - offsetof(struct http_socket, timer));
    usec_t now = net_loop_now(s->c->worker->loop);
    if (s->closing || (!s->paused && s->heard + 3 * ping_every < now)) {
        http_connection_close(s->c);
        return;
    }
    if (queued(s) == 0) { /* what waits already says the same */
        http_frame_add(&s->out, FRAME_PING, 0, STR_EMPTY);
    }
    net_timer_set(s->c->worker->loop, timer, now + ping_every);
    run(s);
}

/* Work that was asked for outside run gets its turn soon. */
static void run_later(struct http_socket *s)
{
    if (!s->running) {
        http_connection_run_later(s->c);
    }
}

void http_socket_close(struct http_socket *s, int code, struct str reason)
{
    ASSERT_MAGIC(s, SOCKET_MAGIC);
    if (!s->closing) {
        queue_close(s, code, reason);
        run_later(s);
    }
}

static void drain(struct http_owner *owner)
{
    http_socket_close(of_owner(owner), CLOSE_GOING_AWAY, STR_EMPTY);
}

/* ---- the beginning ---- */

static void take(struct http_owner *owner, struct http_connection *c)
{
    struct http_socket *s = of_owner(owner);
    s->c = c;
    c->exchange->response.status = 101;
    BUF_AUTO(head, 1024);
    buf_add(
        &head,
        STR("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"));
    buf_printf(&head, "Sec-WebSocket-Accept: %s\r\n", s->accept);
    if (s->options.protocol.n > 0) {
        buf_printf(&head, "Sec-WebSocket-Protocol: " STR_FMT "\r\n", STR_ARG(s->options.protocol));
    }
    http_deflate_answer(&s->deflate, &head);
    buf_add(&head, STR("\r\n"));
    if (send(c->watch.fd, head.p, head.n, MSG_NOSIGNAL) != (ssize_t)head.n) {
        http_connection_close(c);
        return;
    }
    s->opened = true;
    s->heard = net_loop_now(c->worker->loop);
    net_timer_set(c->worker->loop, &s->timer, s->heard + ping_every);
    s->options.handler->opened(s->options.ctx, s);
    http_connection_run_later(c);
}

static int check_handshake(const struct http_request *request, struct str *ret_key)
{
    *ret_key = http_header(request, "Sec-WebSocket-Key");
    BUF_AUTO(key, 32);
    bool valid = request->method == HTTP_GET && !request->http10 && request->content_length == 0 &&
                 http_header_has_token(request, "Connection", "upgrade") &&
                 http_header_has_token(request, "Upgrade", "websocket") &&
                 str_eq(http_header(request, "Sec-WebSocket-Version"), STR("13")) &&
                 http_header_count(request, "Sec-WebSocket-Version") == 1 &&
                 http_header_count(request, "Sec-WebSocket-Key") == 1 &&
                 encode_unbase64(&key, *ret_key) == 0 && key.n == 16;
    return valid ? 0 : ERR_INVALID;
}

/* Section 10.2: a browser says whose page asks; what says nothing is no browser. */
static int check_origin(const struct http_request *request, const char *const *origins)
{
    size_t count = http_header_count(request, "Origin");
    if (!origins || count == 0) {
        return 0;
    }
    struct str origin = http_header(request, "Origin");
    for (; count == 1 && *origins; origins++) {
        if (str_eq(origin, str_from(*origins))) {
            return 0;
        }
    }
    return ERR_FORBIDDEN;
}

void http_accept_make(struct str key, char to[static ACCEPT_ROOM])
{
    BUF_AUTO(text, 128);
    BUF_AUTO(encoded, 64);
    unsigned char digest[SHA_DIGEST_LENGTH];
    buf_add(&text, key);
    buf_add(&text, STR("258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    (void)SHA1((const unsigned char *)text.p, text.n, digest);
    encode_base64(&encoded, str_of(digest, sizeof digest));
    ASSERT(encoded.n < ACCEPT_ROOM);
    memcpy(to, buf_z(&encoded), encoded.n + 1);
}

int http_websocket(struct http_request *request, struct http_response *response,
                   const struct http_socket_options *options)
{
    ASSERT(!response->streaming && !response->owner && response->exchange->route.upgrade);
    ASSERT(http_chars_all(options->protocol, CHAR_TOKEN) || options->protocol.n == 0);
    struct str key;
    struct http_deflate_terms deflate = {0};
    int r = check_handshake(request, &key);
    if (r == 0) {
        r = check_origin(request, options->origins);
    }
    if (r == 0) {
        r = http_deflate_agree(request, &deflate);
    }
    if (r < 0) {
        return r;
    }
    struct http_socket *s = MEM_NEW(struct http_socket);
    s->magic = SOCKET_MAGIC;
    s->owner = (struct http_owner){.tag = options->tag,
                                   .take = take,
                                   .ready = ready,
                                   .drain = drain,
                                   .cut = drain,
                                   .gone = gone};
    s->options = *options;
    s->options.max_message = options->max_message ? options->max_message : MAX_MESSAGE;
    s->options.max_incoming =
        options->max_incoming ? options->max_incoming : s->options.max_message;
    s->options.max_queue = options->max_queue ? options->max_queue : MAX_QUEUE;
    s->deflate = deflate;
    http_messages_init(&s->in, s->options.max_incoming, deflate.agreed);
    buf_init(&s->out, s->options.max_queue + s->options.max_message + CONTROL_ROOM);
    s->timer.fire = tick;
    s->code = CLOSE_ABNORMAL;
    http_accept_make(key, s->accept);
    response->owner = &s->owner;
    return 0;
}

static void add_message(struct http_socket *s, enum http_opcode opcode, struct str data)
{
    if (s->deflate.agreed && data.n >= DEFLATE_LEAST && data.n <= DEFLATE_MOST) {
        BUF_AUTO(small, DEFLATE_MOST * 2);
        http_deflate_message(&s->deflate, data, &small);
        if (small.n < data.n) {
            http_frame_add(&s->out, opcode, FRAME_RSV1, buf_str(&small));
            return;
        }
    }
    http_frame_add(&s->out, opcode, 0, data);
}

int http_socket_send(struct http_socket *s, bool text, struct str data)
{
    ASSERT_MAGIC(s, SOCKET_MAGIC);
    if (s->closing) {
        return ERR_CLOSED;
    }
    if (data.n > s->options.max_message) {
        return ERR_TOO_LARGE;
    }
    if (queued(s) > 0 && queued(s) + data.n > s->options.max_queue) {
        s->full = true;
        return ERR_BUSY;
    }
    add_message(s, text ? FRAME_TEXT : FRAME_BINARY, data);
    ASSERT(!s->out.error);
    run_later(s);
    return 0;
}

void http_socket_pause(struct http_socket *s, bool paused)
{
    ASSERT_MAGIC(s, SOCKET_MAGIC);
    s->paused = paused;
    if (!paused) {
        run_later(s);
    }
}

struct net_loop *http_socket_loop(const struct http_socket *s)
{
    return s->c->worker->loop;
}
