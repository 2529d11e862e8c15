/*
 * From a peer's bytes to whole messages (RFC 6455 sections 5 and 8.1, RFC 7692 section 7.2.2). What is wrong is said as early
 * as it can be known: a bad head before its payload, text that is no UTF-8 in the middle of a message.
 *
 * Invariants:
 * 1. Control frames have a buffer of their own, so that they may come between fragments.
 * 2. One call does at most INFLATE_STEP bytes' worth of inflating.
 */
#include "base/assert.h"
#include "http/socket_int.h"

enum { PIECE = 16 * 1024, KEPT_ROOM = 4 * 1024 };

void http_messages_init(struct http_messages *m, size_t max_message, bool deflate)
{
    *m = (struct http_messages){.deflate = deflate};
    buf_init(&m->message, max_message);
}

void http_messages_fini(struct http_messages *m)
{
    http_inflate_end(&m->inflate);
    buf_fini(&m->message);
}

static int wrong(struct http_messages *m, enum http_close_code code)
{
    m->code = (int)code;
    return ERR_INVALID;
}

/* ---- heads ---- */

static bool opcode_is_known(unsigned opcode)
{
    return opcode <= FRAME_BINARY || (opcode >= FRAME_CLOSE && opcode <= FRAME_PONG);
}

static bool frame_is_valid(const struct http_messages *m, const struct http_frame *f)
{
    bool control = f->opcode >= FRAME_CLOSE;
    bool begins = f->opcode == FRAME_TEXT || f->opcode == FRAME_BINARY;
    if (!opcode_is_known(f->opcode) || f->masked == m->of_server) {
        return false;
    }
    if (f->reserved != 0 && !(m->deflate && begins && f->reserved == FRAME_RSV1)) {
        return false;
    }
    return control ? f->fin && f->length <= FRAME_CONTROL_MOST : begins != m->in_message;
}

static int begin_frame(struct http_messages *m)
{
    const struct http_frame *f = &m->frame;
    if (!frame_is_valid(m, f)) {
        return wrong(m, CLOSE_PROTOCOL);
    }
    m->in_frame = true;
    m->seen = 0;
    if (f->opcode >= FRAME_CLOSE) {
        m->control_n = 0;
        return 0;
    }
    if (!m->in_message) {
        m->in_message = true;
        m->opcode = f->opcode;
        m->compressed = f->reserved == FRAME_RSV1;
        m->checked = 0;
    }
    return f->length > m->message.max - m->message.n ? wrong(m, CLOSE_TOO_BIG) : 0;
}

/* ---- payloads ---- */

/* Whether bytes could still make one well-formed sequence of what is cut off here. */
static bool may_become_utf8(struct str tail)
{
    static const unsigned char seconds[] = {0x80, 0x90, 0xa0}; /* one of them fits any first byte */
    char whole[4];
    if (tail.n >= sizeof whole) {
        return false;
    }
    for (size_t i = 0; i < sizeof seconds; i++) {
        memset(whole, 0x80, sizeof whole);
        whole[1] = (char)seconds[i];
        memcpy(whole, tail.p, tail.n);
        if (str_utf8_length(str_of(whole, sizeof whole)) > tail.n) {
            return true;
        }
    }
    return false;
}

static int check_text(struct http_messages *m, bool complete)
{
    if (m->opcode != FRAME_TEXT) {
        return 0;
    }
    struct str rest = str_slice(buf_str(&m->message), m->checked, m->message.n);
    size_t good = str_utf8_prefix(rest);
    m->checked += good;
    rest = str_slice(rest, good, rest.n);
    bool fits = rest.n == 0 || (!complete && may_become_utf8(rest));
    return fits ? 0 : wrong(m, CLOSE_NOT_UTF8);
}

static int inflate_piece(struct http_messages *m, struct str *piece)
{
    int r = http_inflate_some(&m->inflate, piece, &m->message);
    if (r < 0) {
        return wrong(m, r == ERR_INVALID ? CLOSE_NOT_UTF8 : CLOSE_TOO_BIG);
    }
    int checked = check_text(m, /* complete= */ false);
    return checked < 0 ? checked : r;
}

/* The unmasked bytes are made again from the frame's when zlib did not take all of them. */
static int take_compressed(struct http_messages *m, struct str bytes, size_t *ret_taken)
{
    char clear[PIECE];
    size_t given = bytes.n < PIECE ? bytes.n : PIECE;
    http_frame_unmask(clear, str_slice(bytes, 0, given), m->frame.mask, m->seen);
    struct str piece = str_of(clear, given);
    int r = inflate_piece(m, &piece);
    *ret_taken = given - piece.n;
    return r < 0 ? r : 0;
}

static int take_plain(struct http_messages *m, struct str bytes)
{
    char *to = buf_reserve(&m->message, bytes.n);
    ASSERT(to || bytes.n == 0); /* begin_frame asked for the room */
    http_frame_unmask(to, bytes, m->frame.mask, m->seen);
    buf_commit(&m->message, bytes.n);
    return check_text(m, /* complete= */ false);
}

/* Takes what *in has of the frame's payload, or a part of it. */
static int take_payload(struct http_messages *m, struct str *in)
{
    uint64_t left = m->frame.length - m->seen;
    struct str bytes = str_slice(*in, 0, left < in->n ? (size_t)left : in->n);
    size_t taken = bytes.n;
    int r = 0;
    if (m->frame.opcode >= FRAME_CLOSE) {
        http_frame_unmask(m->control + m->control_n, bytes, m->frame.mask, m->seen);
        m->control_n += (unsigned)bytes.n;
    } else if (m->compressed) {
        r = take_compressed(m, bytes, &taken);
    } else {
        r = take_plain(m, bytes);
    }
    m->seen += taken;
    *in = str_slice(*in, taken, in->n);
    return r;
}

/* ---- ends ---- */

/* Section 7.4: what may stand in a close frame. */
static bool close_code_is_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static int end_close(struct http_messages *m, struct http_message *ret)
{
    struct str payload = str_of(m->control, m->control_n);
    unsigned code = CLOSE_NONE;
    if (payload.n > 0) {
        code = payload.n < 2
                   ? 0
                   : (unsigned)((unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1]);
        if (!close_code_is_valid(code)) {
            return wrong(m, CLOSE_PROTOCOL);
        }
    }
    struct str reason = str_slice(payload, 2, payload.n);
    if (!str_is_utf8(reason)) {
        return wrong(m, CLOSE_NOT_UTF8);
    }
    *ret = (struct http_message){FRAME_CLOSE, reason, (int)code};
    return HTTP_DATA;
}

static int end_message(struct http_messages *m, struct http_message *ret)
{
    int r = check_text(m, /* complete= */ true);
    if (r < 0) {
        return r;
    }
    m->in_message = m->ending = false;
    m->given = true;
    http_inflate_end(&m->inflate);
    *ret = (struct http_message){.opcode = (enum http_opcode)m->opcode,
                                 .payload = buf_str(&m->message)};
    return HTTP_DATA;
}

/* The block that the sender cut off (RFC 7692 section 7.2.2). */
static int inflate_tail(struct http_messages *m, struct http_message *ret)
{
    int r = inflate_piece(m, &m->tail);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    return http_inflate_is_whole(&m->inflate) ? end_message(m, ret) : wrong(m, CLOSE_NOT_UTF8);
}

static int end_frame(struct http_messages *m, struct http_message *ret)
{
    m->in_frame = false;
    if (m->frame.opcode == FRAME_CLOSE) {
        return end_close(m, ret);
    }
    if (m->frame.opcode > FRAME_CLOSE) {
        *ret = (struct http_message){.opcode = (enum http_opcode)m->frame.opcode,
                                     .payload = str_of(m->control, m->control_n)};
        return HTTP_DATA;
    }
    if (!m->frame.fin) {
        return 0;
    }
    if (!m->compressed) {
        return end_message(m, ret);
    }
    m->ending = true;
    m->tail = STR("\x00\x00\xff\xff");
    return 0;
}

static void forget(struct http_messages *m)
{
    m->given = false;
    buf_clear(&m->message);
    if (m->message.room > KEPT_ROOM) {
        buf_fini(&m->message);
    }
}

int http_messages_next(struct http_messages *m, struct str *in, struct http_message *ret_message)
{
    if (m->given) {
        forget(m);
    }
    if (m->ending) {
        return inflate_tail(m, ret_message);
    }
    if (!m->in_frame) {
        int r = http_frame_take(&m->head, in, &m->frame);
        if (r != 0) {
            return r < 0 ? wrong(m, CLOSE_PROTOCOL) : r;
        }
        r = begin_frame(m);
        if (r < 0) {
            return r;
        }
    }
    if (m->seen < m->frame.length) {
        if (in->n == 0) {
            return HTTP_MORE;
        }
        int r = take_payload(m, in);
        if (r < 0 || m->seen < m->frame.length) {
            return r;
        }
    }
    return end_frame(m, ret_message);
}
