/*
 * A client's WebSocket messages: what comes must not depend on how the bytes came, and keeps the promises of socket_int.h.
 * First byte: 1: with compression; 2: the rest is the payload of one compressed message; the upper bits: where to cut.
 */
#include "base/assert.h"
#include "fuzz.h"
#include "http/socket_int.h"

enum { MAX_MESSAGE = 2 << 20, TRANSCRIPT = 64 << 20 };

static void note(const struct http_messages *m, const struct http_message *message, struct buf *out)
{
    ASSERT(message->payload.n <= m->message.max);
    ASSERT(message->opcode < FRAME_CLOSE || message->payload.n <= FRAME_CONTROL_MOST);
    ASSERT(message->opcode != FRAME_TEXT || str_is_utf8(message->payload));
    ASSERT(message->opcode != FRAME_CLOSE ||
           (message->code >= 1000 && message->code != CLOSE_ABNORMAL && message->code < 5000));
    buf_printf(out, "%u %d %zu ", message->opcode, message->code, message->payload.n);
    buf_add(out, str_slice(message->payload, 0, 1 << 16));
}

static int read_all(struct http_messages *m, struct str in, size_t step, struct buf *out)
{
    int r = HTTP_MORE;
    for (size_t at = 0; at < in.n && r >= 0; at += step) {
        struct str piece = str_slice(in, at, at + step);
        struct http_message message;
        while ((r = http_messages_next(m, &piece, &message)) >= 0 && r != HTTP_MORE) {
            if (r == HTTP_DATA) {
                note(m, &message, out);
            }
        }
        ASSERT(r < 0 || piece.n == 0);
    }
    ASSERT(m->message.room <= m->message.max);
    return r < 0 ? m->code : 0;
}

/* Between two messages for the reader is between two messages for the walker. */
static void walk(struct str in, const struct http_messages *m, int code)
{
    struct http_frame_walk walk = {0};
    http_frame_walk(&walk, in);
    bool between = m->head.n == 0 && !m->in_frame && !m->in_message;
    ASSERT(code != 0 || (!walk.lost && http_frame_between(&walk) == between));
}

/* As one compressed frame, masked with zeros. */
static struct str wrap(struct buf *frame, struct str payload)
{
    BUF_AUTO(plain, 1 << 17);
    http_frame_add(&plain, FRAME_TEXT, FRAME_RSV1, payload);
    plain.p[1] = (char)(plain.p[1] | 0x80);
    buf_add(frame, str_slice(buf_str(&plain), 0, plain.n - payload.n));
    buf_add(frame, STR("\0\0\0\0"));
    buf_add(frame, payload);
    return buf_str(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 16) {
        return 0;
    }
    bool wrapped = data[0] & 2;
    struct str in = str_of(data + 1, size - 1);
    BUF_AUTO(frame, 1 << 17);
    if (wrapped) {
        in = wrap(&frame, in);
    }
    BUF_AUTO(whole, TRANSCRIPT);
    BUF_AUTO(pieces, TRANSCRIPT);
    struct http_messages m;
    http_messages_init(&m, MAX_MESSAGE, wrapped || (data[0] & 1));
    int code = read_all(&m, in, in.n + 1, &whole);
    walk(in, &m, code);
    http_messages_fini(&m);
    http_messages_init(&m, MAX_MESSAGE, wrapped || (data[0] & 1));
    ASSERT(read_all(&m, in, 1 + data[0] / 4, &pieces) == code);
    ASSERT(str_eq(buf_str(&whole), buf_str(&pieces)));
    http_messages_fini(&m);
    return 0;
}
