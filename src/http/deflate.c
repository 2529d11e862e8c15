/*
 * permessage-deflate (RFC 7692): what is agreed in the handshake, and messages in and out of zlib.
 *
 * Invariants:
 * 1. No window outlives its message, in either direction.
 * 2. Inflating stops after INFLATE_STEP bytes of output, and for good where a message becomes larger than its input excuses.
 */
#include "base/assert.h"
#include "http/socket_int.h"

/* ---- the handshake ---- */

/* name[=value]; the value is a token, also in quotes (RFC 6455 section 9.1). */
static int parse_parameter(struct str text, struct str *ret_name, struct str *ret_value)
{
    size_t equals = str_find(text, '=', 0);
    struct str name = str_trim(str_slice(text, 0, equals));
    struct str value = str_trim(str_slice(text, equals + 1, text.n));
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"') {
        value = str_slice(value, 1, value.n - 1);
    }
    if (name.n == 0 || !http_chars_all(name, CHAR_TOKEN) ||
        (equals < text.n && (value.n == 0 || !http_chars_all(value, CHAR_TOKEN)))) {
        return ERR_INVALID;
    }
    *ret_name = name;
    *ret_value = value;
    return 0;
}

enum { NOT_MET = 1 };

struct offer {
    bool server_free, client_free, client_bits; /* parameters seen */
    uint64_t bits;                              /* of server_max_window_bits; 0: not seen */
};

static int once(bool *seen, bool valid)
{
    bool first = !*seen;
    *seen = true;
    return first && valid ? 0 : NOT_MET;
}

/* Window bits: 8 to 15, no leading zero (section 7.1.2). */
static bool parse_bits(struct str value, uint64_t *ret_bits)
{
    return value.n > 0 && value.p[0] != '0' && str_u64(value, 15, ret_bits) == 0 && *ret_bits >= 8;
}

/* A parameter that is unknown, stands twice or has a wrong value: the offer is declined (section 7.1). */
static int take_parameter(struct offer *offer, struct str name, struct str value)
{
    uint64_t bits = 15;
    if (str_eq(name, STR("server_no_context_takeover"))) {
        return once(&offer->server_free, value.n == 0);
    }
    if (str_eq(name, STR("client_no_context_takeover"))) {
        return once(&offer->client_free, value.n == 0);
    }
    if (str_eq(name, STR("client_max_window_bits"))) {
        return once(&offer->client_bits, value.n == 0 || parse_bits(value, &bits));
    }
    /* zlib makes no raw stream with a window of 256 bytes. */
    bool known = str_eq(name, STR("server_max_window_bits")) && offer->bits == 0;
    if (!known || !parse_bits(value, &bits) || bits == 8) {
        return NOT_MET;
    }
    offer->bits = bits;
    return 0;
}

/* 0: it can be met; NOT_MET; ERR_INVALID. */
static int judge(struct str extension, struct http_deflate_terms *ret_terms)
{
    struct offer offer = {0};
    struct str part, name, value;
    bool first = true;
    int verdict = 0;
    while (str_split(&extension, ';', &part)) {
        if (parse_parameter(part, &name, &value) < 0) {
            return ERR_INVALID;
        }
        int r = first ? (str_eq(name, STR("permessage-deflate")) && value.n == 0 ? 0 : NOT_MET)
                      : take_parameter(&offer, name, value);
        verdict = r ? r : verdict;
        first = false;
    }
    if (verdict == 0) {
        *ret_terms = (struct http_deflate_terms){true, offer.bits ? (unsigned char)offer.bits : 15};
    }
    return verdict;
}

int http_deflate_agree(const struct http_request *request, struct http_deflate_terms *ret_terms)
{
    struct http_deflate_terms terms = {0}, met;
    for (size_t i = 0; i < request->header_count; i++) {
        struct str list = request->headers[i].value, extension;
        if (!str_eq_nocase(request->headers[i].name, STR("Sec-WebSocket-Extensions"))) {
            continue;
        }
        while (str_split(&list, ',', &extension)) {
            extension = str_trim(extension);
            if (extension.n == 0) { /* RFC 9110 section 5.6.1: empty elements are ignored */
                continue;
            }
            int r = judge(extension, &met);
            if (r < 0) {
                return r;
            }
            if (r == 0 && !terms.agreed) {
                terms = met;
            }
        }
    }
    *ret_terms = terms;
    return 0;
}

void http_deflate_answer(const struct http_deflate_terms *terms, struct buf *out)
{
    if (!terms->agreed) {
        return;
    }
    buf_add(out, STR("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                     "client_no_context_takeover"));
    if (terms->bits < 15) {
        buf_printf(out, "; server_max_window_bits=%d", terms->bits);
    }
    buf_add(out, STR("\r\n"));
}

/* ---- out ---- */

void http_deflate_message(const struct http_deflate_terms *terms, struct str message,
                          struct buf *out)
{
    enum { MOST = 1 << 20, MEMORY = 8, SLACK = 64 };
    ASSERT(terms->agreed && message.n > 0 && message.n <= MOST);
    z_stream z = {0};
    int r = deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, -terms->bits, MEMORY, Z_DEFAULT_STRATEGY);
    ASSERT(r == Z_OK);
    size_t room = deflateBound(&z, message.n) + SLACK;
    char *to = buf_reserve(out, room);
    ASSERT(to != NULL);
    z.next_in = (unsigned char *)(uintptr_t)message.p;
    z.avail_in = (unsigned)message.n;
    z.next_out = (unsigned char *)to;
    z.avail_out = (unsigned)room;
    r = deflate(&z, Z_SYNC_FLUSH);
    ASSERT(r == Z_OK && z.avail_in == 0 && z.avail_out > 0);
    buf_commit(out, room - z.avail_out - 4);
    (void)deflateEnd(&z);
}

/* ---- in ---- */

static void begin(struct http_inflate *i)
{
    i->z = (z_stream){0};
    i->in = i->out = 0;
    i->pending = false;
    i->begun = true;
    int r = inflateInit2(&i->z, -15);
    ASSERT(r == Z_OK);
}

/* Looked at where a step ends, which does not depend on how the bytes came. */
static bool is_bomb(const struct http_inflate *i)
{
    return i->out % INFLATE_STEP == 0 && i->out > INFLATE_FREE && i->out / INFLATE_RATIO > i->in;
}

/* One call of zlib's with room for `room` bytes at `to`; the bytes that came out, or ERR_INVALID. */
static ssize_t advance(struct http_inflate *i, struct str *in, unsigned char *to, size_t room)
{
    size_t most = in->n < UINT32_MAX ? in->n : UINT32_MAX;
    i->z.next_in = (unsigned char *)(uintptr_t)in->p;
    i->z.avail_in = (unsigned)most;
    i->z.next_out = to;
    i->z.avail_out = (unsigned)room;
    int r = inflate(&i->z, Z_SYNC_FLUSH);
    size_t taken = most - i->z.avail_in, came = room - i->z.avail_out;
    *in = str_slice(*in, taken, in->n);
    i->in += taken;
    i->out += came;
    i->pending = came == room;
    if (r == Z_STREAM_END) { /* a last block that was not the last (section 7.2.3.4) */
        r = inflateReset(&i->z);
    }
    return r == Z_OK || r == Z_BUF_ERROR ? (ssize_t)came : ERR_INVALID;
}

int http_inflate_some(struct http_inflate *i, struct str *in, struct buf *out)
{
    if (!i->begun) {
        begin(i);
    }
    if (in->n == 0 && !i->pending) {
        return 0;
    }
    size_t step = INFLATE_STEP - i->out % INFLATE_STEP;
    size_t room = out->max - out->n < step ? out->max - out->n : step;
    unsigned char beyond[1]; /* tells a message of just the largest size from a larger one */
    ssize_t came = room > 0 ? advance(i, in, (unsigned char *)buf_reserve(out, room), room)
                            : advance(i, in, beyond, sizeof beyond);
    if (came < 0) {
        return (int)came;
    }
    if (is_bomb(i) || (room == 0 && came > 0)) {
        return ERR_TOO_LARGE;
    }
    buf_commit(out, (size_t)came);
    return in->n > 0 || i->pending ? HTTP_DATA : 0;
}

bool http_inflate_is_whole(const struct http_inflate *i)
{
    enum { BETWEEN_BLOCKS = 128 }; /* zlib.h, data_type */
    return i->begun && i->in > 4 && (i->z.data_type & BETWEEN_BLOCKS) != 0;
}

void http_inflate_end(struct http_inflate *i)
{
    if (i->begun) {
        (void)inflateEnd(&i->z);
        *i = (struct http_inflate){0};
    }
}
