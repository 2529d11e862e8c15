/*
 * Our own WebSockets (RFC 6455): the handshake and the connection's life; frames by libwslay, which checks masks, reserved
 * bits, control frames, close codes and UTF-8.
 *
 * Invariants:
 * 1. wslay is never entered from its own callbacks: what a handler asks for inside `message` is queued and sent after it.
 * 2. `closed` is called exactly once, as the last thing, unless the socket never opened.
 */
#include <errno.h>
#include <openssl/sha.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

#include "base/assert.h"
#include "base/encode.h"
#include "base/mem.h"
#include "http/http_int.h"

enum { SOCKET_MAGIC = 0x736f636b, MAX_MESSAGE = 16 << 20, MAX_QUEUE = 1 << 20 };

static const usec_t ping_every = 30 * USEC_PER_SEC;
static const usec_t close_patience = 5 * USEC_PER_SEC;

struct http_socket {
    struct http_owner owner;
    unsigned magic;
    struct http_connection *c;
    struct http_socket_options options;
    char accept[32];
    wslay_event_context_ptr frames;
    struct net_timer timer;
    usec_t heard; /* when the last byte came */
    bool opened, paused, running, ending;
    bool full; /* send has answered ERR_BUSY */
    int code;  /* of the client's close frame; 1006 */
};

static struct http_socket *of_owner(struct http_owner *owner)
{
    struct http_socket *s = (struct http_socket *)(void *)owner; /* its first member */
    ASSERT_MAGIC(s, SOCKET_MAGIC);
    return s;
}

/* ---- between wslay and the connection ---- */

static ssize_t recv_bytes(wslay_event_context_ptr frames, uint8_t *to, size_t n, int flags,
                          void *user)
{
    struct http_socket *s = user;
    struct http_exchange *x = s->c->exchange;
    (void)flags;
    struct str came = str_slice(buf_str(&x->in), x->taken, x->taken + n);
    if (came.n > 0) {
        memcpy(to, came.p, came.n);
        x->taken += came.n;
        return (ssize_t)came.n;
    }
    ssize_t got = s->paused ? 0 : http_connection_recv(s->c, to, n);
    if (got > 0) {
        s->heard = net_loop_now(s->c->worker->loop);
        return got;
    }
    wslay_event_set_error(frames, got == 0 ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t send_bytes(wslay_event_context_ptr frames, const uint8_t *from, size_t n, int flags,
                          void *user)
{
    struct http_socket *s = user;
    ssize_t sent = -1;
    errno = EAGAIN;
    if (s->c->writable) {
        do {
            sent = send(s->c->watch.fd, from, n,
                        MSG_NOSIGNAL | (flags & WSLAY_MSG_MORE ? MSG_MORE : 0));
        } while (sent < 0 && errno == EINTR);
    }
    if (sent >= 0) {
        return sent;
    }
    s->c->writable = false;
    wslay_event_set_error(frames,
                          errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void take_message(wslay_event_context_ptr frames,
                         const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
    struct http_socket *s = user;
    (void)frames;
    if (arg->opcode == WSLAY_CONNECTION_CLOSE) {
        s->code = arg->status_code ? arg->status_code : 1005;
    } else if (arg->opcode == WSLAY_TEXT_FRAME || arg->opcode == WSLAY_BINARY_FRAME) {
        s->options.handler->message(s->options.ctx, s, arg->opcode == WSLAY_TEXT_FRAME,
                                    str_of(arg->msg, arg->msg_length));
    }
}

/* ---- life ---- */

static void gone(struct http_owner *owner)
{
    struct http_socket *s = of_owner(owner);
    net_timer_cancel(&s->timer);
    wslay_event_context_free(s->frames);
    if (s->opened) {
        s->options.handler->closed(s->options.ctx, s, s->code);
    }
    s->magic = 0;
    mem_free(s);
}

/* Reads, sends, and finds out whether it is over. */
static void run(struct http_socket *s)
{
    s->running = true;
    bool failed =
        (!s->paused && wslay_event_want_read(s->frames) && wslay_event_recv(s->frames) != 0) ||
        (wslay_event_want_write(s->frames) && wslay_event_send(s->frames) != 0);
    s->running = false;
    bool over = !wslay_event_want_read(s->frames) && !wslay_event_want_write(s->frames);
    if (failed || over || (s->c->hangup && !s->c->readable)) {
        http_connection_close(s->c); /* calls gone */
        return;
    }
    if (s->full && wslay_event_get_queued_msg_length(s->frames) <= s->options.max_queue / 2) {
        s->full = false;
        s->options.handler->writable(s->options.ctx, s);
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
    if (s->ending || (!s->paused && s->heard + 3 * ping_every < now)) {
        http_connection_close(s->c);
        return;
    }
    const struct wslay_event_msg ping = {.opcode = WSLAY_PING};
    (void)wslay_event_queue_msg(s->frames, &ping);
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
    if (s->ending) {
        return;
    }
    s->ending = true;
    reason = str_slice(reason, 0, 123);
    (void)wslay_event_queue_close(s->frames, (uint16_t)code, (const uint8_t *)reason.p, reason.n);
    net_timer_set(s->c->worker->loop, &s->timer, net_loop_now(s->c->worker->loop) + close_patience);
    run_later(s);
}

static void drain(struct http_owner *owner)
{
    http_socket_close(of_owner(owner), WSLAY_CODE_GOING_AWAY, STR_EMPTY);
}

static void take(struct http_owner *owner, struct http_connection *c)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = recv_bytes,
        .send_callback = send_bytes,
        .on_msg_recv_callback = take_message,
    };
    struct http_socket *s = of_owner(owner);
    s->c = c;
    c->exchange->response.status = 101;
    ASSERT(wslay_event_context_server_init(&s->frames, &callbacks, s) == 0);
    wslay_event_config_set_max_recv_msg_length(s->frames, s->options.max_message);
    BUF_AUTO(head, 1024);
    buf_add(
        &head,
        STR("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"));
    buf_printf(&head, "Sec-WebSocket-Accept: %s\r\n", s->accept);
    if (s->options.protocol.n > 0) {
        buf_printf(&head, "Sec-WebSocket-Protocol: " STR_FMT "\r\n", STR_ARG(s->options.protocol));
    }
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
                 http_header_count(request, "Sec-WebSocket-Key") == 1 &&
                 encode_unbase64(&key, *ret_key) == 0 && key.n == 16;
    return valid ? 0 : ERR_INVALID;
}

static void make_accept(struct str key, char *to, size_t room)
{
    BUF_AUTO(text, 128);
    BUF_AUTO(encoded, 64);
    unsigned char digest[SHA_DIGEST_LENGTH];
    buf_add(&text, key);
    buf_add(&text, STR("258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    (void)SHA1((const unsigned char *)text.p, text.n, digest);
    encode_base64(&encoded, str_of(digest, sizeof digest));
    ASSERT(encoded.n < room);
    memcpy(to, buf_z(&encoded), encoded.n + 1);
}

int http_websocket(struct http_request *request, struct http_response *response,
                   const struct http_socket_options *options)
{
    ASSERT(!response->streaming && !response->owner && response->exchange->route.upgrade);
    ASSERT(http_chars_all(options->protocol, CHAR_TOKEN) || options->protocol.n == 0);
    struct str key;
    int r = check_handshake(request, &key);
    if (r < 0) {
        return r;
    }
    struct http_socket *s = MEM_NEW(struct http_socket);
    s->magic = SOCKET_MAGIC;
    s->owner = (struct http_owner){
        .tag = options->tag, .take = take, .ready = ready, .drain = drain, .gone = gone};
    s->options = *options;
    s->options.max_message = options->max_message ? options->max_message : MAX_MESSAGE;
    s->options.max_queue = options->max_queue ? options->max_queue : MAX_QUEUE;
    s->timer.fire = tick;
    s->code = 1006;
    make_accept(key, s->accept, sizeof s->accept);
    response->owner = &s->owner;
    return 0;
}

int http_socket_send(struct http_socket *s, bool text, struct str data)
{
    ASSERT_MAGIC(s, SOCKET_MAGIC);
    if (s->ending) {
        return ERR_CLOSED;
    }
    size_t queued = wslay_event_get_queued_msg_length(s->frames);
    if (queued > 0 && queued + data.n > s->options.max_queue) {
        s->full = true;
        return ERR_BUSY;
    }
    const struct wslay_event_msg message = {
        .opcode = text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
        .msg = (const uint8_t *)data.p,
        .msg_length = data.n,
    };
    if (wslay_event_queue_msg(s->frames, &message) != 0) {
        return ERR_CLOSED;
    }
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
