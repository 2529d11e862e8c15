/* The client's side of a WebSocket (RFC 6455 section 4.1), as bytes: handshake and messages, without a connection. */
#include "base/assert.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/rand.h"
#include "http/socket_int.h"

enum { DIAL_MAGIC = 0x6469616c, KEY_BYTES = 16 };

enum dial_state { DIAL_HEAD, DIAL_BODY, DIAL_MESSAGES, DIAL_OVER };

struct http_dial {
    unsigned magic;
    enum dial_state state;
    char accept[ACCEPT_ROOM];
    size_t max_message;
    struct buf in; /* the reply's head; of a refusal, its body */
    struct http_head head;
    struct http_header headers[HTTP_MAX_HEADERS];
    size_t left; /* of the body */
    struct http_messages messages;
};

/* ---- the request ---- */

static bool is_sendable(const struct http_dial_options *o)
{
    bool good = o->host.n > 0 && http_host_is_valid(o->host) && o->target.n > 0 &&
                http_chars_all(o->target, CHAR_TARGET);
    for (size_t i = 0; i < o->header_count; i++) {
        good = good && o->headers[i].name.n > 0 && http_chars_all(o->headers[i].name, CHAR_TOKEN) &&
               http_chars_all(o->headers[i].value, CHAR_VALUE);
    }
    return good;
}

static void ask(struct http_dial *d, const struct http_dial_options *o, struct buf *out)
{
    unsigned char random[KEY_BYTES];
    BUF_AUTO(key, 2 * KEY_BYTES);
    rand_bytes(random, sizeof random);
    encode_base64(&key, str_of(random, sizeof random));
    http_accept_make(buf_str(&key), d->accept);
    buf_printf(out, "GET " STR_FMT " HTTP/1.1\r\nHost: " STR_FMT "\r\n", STR_ARG(o->target),
               STR_ARG(o->host));
    buf_add(out, STR("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"));
    buf_printf(out, "Sec-WebSocket-Key: " STR_FMT "\r\n", STR_ARG(buf_str(&key)));
    for (size_t i = 0; i < o->header_count; i++) {
        buf_printf(out, STR_FMT ": " STR_FMT "\r\n", STR_ARG(o->headers[i].name),
                   STR_ARG(o->headers[i].value));
    }
    buf_add(out, STR("\r\n"));
}

int http_dial_create(const struct http_dial_options *options, struct buf *out,
                     struct http_dial **ret_dial)
{
    if (!is_sendable(options)) {
        return ERR_INVALID;
    }
    struct http_dial *d = MEM_NEW(struct http_dial);
    d->magic = DIAL_MAGIC;
    d->head.response = true;
    d->max_message = options->max_message;
    buf_init(&d->in, HTTP_MAX_HEAD);
    http_messages_init(&d->messages, options->max_message, /* deflate= */ false);
    d->messages.of_server = true;
    ask(d, options, out);
    if (out->error) {
        http_dial_destroy(d);
        return ERR_INVALID;
    }
    *ret_dial = d;
    return 0;
}

void http_dial_destroy(struct http_dial *d)
{
    if (!d) {
        return;
    }
    ASSERT_MAGIC(d, DIAL_MAGIC);
    http_messages_fini(&d->messages);
    buf_fini(&d->in);
    d->magic = 0;
    mem_free(d);
}

/* ---- its answer ---- */

/* Nothing was offered, so nothing may be agreed to. */
static bool is_accepted(const struct http_dial *d)
{
    const struct http_request view = {.headers = d->headers, .header_count = d->head.count};
    return !d->head.http10 && http_header_has_token(&view, "Connection", "upgrade") &&
           http_header_has_token(&view, "Upgrade", "websocket") &&
           str_eq(http_header(&view, "Sec-WebSocket-Accept"), str_from(d->accept)) &&
           http_header_count(&view, "Sec-WebSocket-Accept") == 1 &&
           http_header_count(&view, "Sec-WebSocket-Extensions") == 0 &&
           http_header_count(&view, "Sec-WebSocket-Protocol") == 0;
}

static int refused(struct http_dial *d)
{
    struct http_framing framing = {0};
    if (http_framing_of(d->headers, d->head.count, d->head.http10, &framing) < 0) {
        return ERR_INVALID;
    }
    d->state = DIAL_BODY;
    if (framing.length > 0 && (uint64_t)framing.length <= d->max_message) {
        d->left = (size_t)framing.length;
    }
    return 0;
}

static int end_head(struct http_dial *d, struct http_dial_event *ret)
{
    int status = d->head.status;
    int r = 0;
    http_head_headers(&d->head, buf_str(&d->in), d->headers);
    if (status == 101) {
        r = is_accepted(d) ? 0 : ERR_INVALID;
        d->state = DIAL_MESSAGES;
        ret->kind = HTTP_DIAL_OPENED;
    } else if (status >= 200) {
        r = refused(d);
    }
    buf_fini(&d->in); /* an interim reply (1xx) is followed by another head */
    buf_init(&d->in, status >= 200 ? d->max_message : HTTP_MAX_HEAD);
    d->head = (struct http_head){.response = true, .status = status};
    return r;
}

static int read_head(struct http_dial *d, struct str *in, struct http_dial_event *ret)
{
    size_t before = d->in.n;
    buf_add(&d->in, str_slice(*in, 0, HTTP_MAX_HEAD - before));
    int r = http_head_parse(&d->head, buf_str(&d->in));
    if (r == HTTP_MORE) {
        bool full = d->in.n == HTTP_MAX_HEAD;
        *in = STR_EMPTY;
        return full ? ERR_INVALID : 0;
    }
    if (r < 0) {
        return ERR_INVALID;
    }
    *in = str_slice(*in, d->head.end - before, in->n);
    return end_head(d, ret);
}

static void read_body(struct http_dial *d, struct str *in, struct http_dial_event *ret)
{
    struct str piece = str_slice(*in, 0, d->left);
    buf_add(&d->in, piece);
    *in = str_slice(*in, piece.n, in->n);
    d->left -= piece.n;
    if (d->left == 0) {
        d->state = DIAL_OVER;
        *ret = (struct http_dial_event){HTTP_DIAL_REFUSED, d->head.status, buf_str(&d->in)};
    }
}

/* ---- messages ---- */

static int read_message(struct http_dial *d, struct str *in, struct http_dial_event *ret)
{
    static const enum http_dial_kind kinds[] = {[FRAME_TEXT] = HTTP_DIAL_TEXT,
                                                [FRAME_BINARY] = HTTP_DIAL_BINARY,
                                                [FRAME_CLOSE] = HTTP_DIAL_CLOSED,
                                                [FRAME_PING] = HTTP_DIAL_PING,
                                                [FRAME_PONG] = HTTP_DIAL_PONG};
    struct http_message message;
    int r;
    do {
        r = http_messages_next(&d->messages, in, &message);
    } while (r == 0);
    if (r != HTTP_DATA) {
        return r == HTTP_MORE ? 0 : ERR_INVALID;
    }
    *ret = (struct http_dial_event){kinds[message.opcode], message.code, message.payload};
    if (message.opcode == FRAME_CLOSE) {
        d->state = DIAL_OVER;
    }
    return 0;
}

int http_dial_next(struct http_dial *d, struct str *in, struct http_dial_event *ret_event)
{
    ASSERT_MAGIC(d, DIAL_MAGIC);
    *ret_event = (struct http_dial_event){.kind = HTTP_DIAL_MORE};
    int r = 0;
    while (r == 0 && d->state == DIAL_HEAD && in->n > 0 && ret_event->kind == HTTP_DIAL_MORE) {
        r = read_head(d, in, ret_event);
    }
    if (r == 0 && ret_event->kind == HTTP_DIAL_MORE && d->state == DIAL_BODY) {
        read_body(d, in, ret_event);
    } else if (r == 0 && ret_event->kind == HTTP_DIAL_MORE && d->state == DIAL_MESSAGES) {
        r = read_message(d, in, ret_event);
    } else if (d->state == DIAL_OVER) {
        *in = STR_EMPTY;
    }
    return r;
}

void http_dial_send(struct buf *out, enum http_dial_kind kind, struct str data)
{
    static const enum http_opcode opcodes[] = {[HTTP_DIAL_TEXT] = FRAME_TEXT,
                                               [HTTP_DIAL_BINARY] = FRAME_BINARY,
                                               [HTTP_DIAL_PING] = FRAME_PING,
                                               [HTTP_DIAL_PONG] = FRAME_PONG};
    ASSERT(kind >= HTTP_DIAL_TEXT);
    if (kind == HTTP_DIAL_CLOSED) {
        http_frame_add_close(out, CLOSE_NORMAL, STR_EMPTY, /* mask= */ true);
    } else {
        http_frame_add_masked(out, opcodes[kind], data);
    }
}
