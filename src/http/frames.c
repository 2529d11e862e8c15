/* Heads of WebSocket frames, read and written (RFC 6455 section 5.2), and the walk along frames that a relay passes on. */
#include "base/assert.h"
#include "base/rand.h"
#include "http/socket_int.h"

/* What a head needs, as far as the bytes that are there tell. */
static unsigned head_size(const struct http_frame_head *head)
{
    if (head->n < 2) {
        return 2;
    }
    unsigned length = head->bytes[1] & 0x7f;
    return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + (head->bytes[1] & 0x80 ? 4 : 0);
}

static uint64_t big_endian(const unsigned char *p, unsigned n)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

static int read_head(const struct http_frame_head *head, struct http_frame *ret_frame)
{
    const unsigned char *b = head->bytes;
    unsigned length = b[1] & 0x7f;
    unsigned more = length == 126 ? 2 : length == 127 ? 8 : 0;
    struct http_frame frame = {.fin = b[0] & 0x80,
                               .reserved = b[0] >> 4 & 7,
                               .opcode = b[0] & 15,
                               .masked = b[1] & 0x80,
                               .length = more ? big_endian(b + 2, more) : length};
    if ((more == 2 && frame.length < 126) || (more == 8 && frame.length <= UINT16_MAX) ||
        frame.length > INT64_MAX) {
        return ERR_INVALID;
    }
    if (frame.masked) {
        memcpy(frame.mask, b + 2 + more, 4);
    }
    *ret_frame = frame;
    return 0;
}

int http_frame_take(struct http_frame_head *head, struct str *in, struct http_frame *ret_frame)
{
    while (head->n < head_size(head)) {
        if (in->n == 0) {
            return HTTP_MORE;
        }
        head->bytes[head->n++] = (unsigned char)in->p[0];
        *in = str_slice(*in, 1, in->n);
    }
    int r = read_head(head, ret_frame);
    head->n = 0;
    return r;
}

static void add_head(struct buf *out, unsigned first, unsigned masked, size_t length)
{
    unsigned more = length < 126 ? 0 : length <= UINT16_MAX ? 2 : 8;
    buf_byte(out, (char)first);
    buf_byte(out, (char)(masked | (more == 0 ? length : more == 2 ? 126 : 127)));
    for (unsigned i = more; i > 0; i--) {
        buf_byte(out, (char)((uint64_t)length >> 8 * (i - 1)));
    }
}

void http_frame_add(struct buf *out, enum http_opcode opcode, unsigned reserved, struct str payload)
{
    ASSERT(opcode < FRAME_CLOSE || payload.n <= FRAME_CONTROL_MOST);
    add_head(out, 0x80 | reserved << 4 | opcode, 0, payload.n);
    buf_add(out, payload);
}

void http_frame_add_masked(struct buf *out, enum http_opcode opcode, struct str payload)
{
    ASSERT(opcode < FRAME_CLOSE || payload.n <= FRAME_CONTROL_MOST);
    uint64_t random = rand_u64();
    unsigned char key[4];
    memcpy(key, &random, sizeof key);
    add_head(out, 0x80 | opcode, 0x80, payload.n);
    buf_add(out, str_of(key, sizeof key));
    char *to = payload.n > 0 ? buf_reserve(out, payload.n) : NULL;
    if (to) {
        http_frame_unmask(to, payload, key, 0);
        buf_commit(out, payload.n);
    }
}

void http_frame_add_close(struct buf *out, int code, struct str reason, bool mask)
{
    char payload[FRAME_CONTROL_MOST];
    reason = str_slice(reason, 0, sizeof payload - 2);
    reason = str_slice(reason, 0, str_utf8_prefix(reason));
    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    if (reason.n > 0) {
        memcpy(payload + 2, reason.p, reason.n);
    }
    size_t n = code == CLOSE_NONE ? 0 : 2 + reason.n;
    if (mask) {
        http_frame_add_masked(out, FRAME_CLOSE, str_of(payload, n));
    } else {
        http_frame_add(out, FRAME_CLOSE, 0, str_of(payload, n));
    }
}

void http_frame_unmask(char *to, struct str from, const unsigned char mask[static 4], uint64_t at)
{
    unsigned char turned[8];
    for (unsigned i = 0; i < sizeof turned; i++) {
        turned[i] = mask[(at + i) & 3];
    }
    uint64_t wide, bytes;
    memcpy(&wide, turned, sizeof wide);
    size_t i = 0;
    for (; i + sizeof wide <= from.n; i += sizeof wide) {
        memcpy(&bytes, from.p + i, sizeof bytes);
        bytes ^= wide;
        memcpy(to + i, &bytes, sizeof bytes);
    }
    for (; i < from.n; i++) {
        to[i] = (char)((unsigned char)from.p[i] ^ turned[i & 7]);
    }
}

void http_frame_walk(struct http_frame_walk *walk, struct str bytes)
{
    while (bytes.n > 0 && !walk->lost) {
        size_t skipped = walk->left < bytes.n ? (size_t)walk->left : bytes.n;
        walk->left -= skipped;
        bytes = str_slice(bytes, skipped, bytes.n);
        struct http_frame frame;
        int r = bytes.n > 0 ? http_frame_take(&walk->head, &bytes, &frame) : HTTP_MORE;
        walk->lost = r < 0;
        if (r == 0) {
            walk->left = frame.length;
            walk->in_message = frame.opcode < FRAME_CLOSE ? !frame.fin : walk->in_message;
        }
    }
}

bool http_frame_between(const struct http_frame_walk *walk)
{
    return !walk->lost && walk->head.n == 0 && walk->left == 0 && !walk->in_message;
}
