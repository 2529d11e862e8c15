/*
 * What a server answers to a WebSocket's client: what comes must not depend on how the bytes came. First byte: 1: behind a handshake
 * that holds; the upper bits: where to cut.
 */
#include "base/assert.h"
#include "base/rand.h"
#include "fuzz.h"
#include "http/socket_int.h"

enum { MAX_MESSAGE = 1 << 16, TRANSCRIPT = 16 << 20 };

static struct http_dial *dial(struct buf *out)
{
    const struct http_dial_options options = {
        .host = STR("x"), .target = STR("/"), .max_message = MAX_MESSAGE};
    struct http_dial *d;
    rand_test_seed(1);
    int r = http_dial_create(&options, out, &d);
    ASSERT(r == 0);
    rand_test_real();
    return d;
}

static void add_handshake(struct str request, struct buf *out)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    const char *key = strstr(request.p, name) + sizeof name - 1;
    char accept[ACCEPT_ROOM];
    http_accept_make(str_of(key, (size_t)(strchr(key, '\r') - key)), accept);
    buf_printf(out,
               "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Accept: %s\r\n\r\n",
               accept);
}

static int read_all(struct str in, size_t step, struct buf *seen)
{
    BUF_AUTO(request, 4096);
    struct http_dial *d = dial(&request);
    int r = 0;
    for (size_t at = 0; at < in.n && r == 0; at += step) {
        struct str piece = str_slice(in, at, at + step);
        struct http_dial_event e;
        while ((r = http_dial_next(d, &piece, &e)) == 0 && e.kind != HTTP_DIAL_MORE) {
            ASSERT(e.data.n <= MAX_MESSAGE);
            ASSERT(e.kind != HTTP_DIAL_TEXT || str_is_utf8(e.data));
            buf_printf(seen, "%u %d %zu ", e.kind, e.code, e.data.n);
            buf_add(seen, e.data);
        }
        ASSERT(r < 0 || piece.n == 0);
    }
    http_dial_destroy(d);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 16) {
        return 0;
    }
    BUF_AUTO(request, 4096);
    BUF_AUTO(in, 1 << 17);
    BUF_AUTO(whole, TRANSCRIPT);
    BUF_AUTO(pieces, TRANSCRIPT);
    http_dial_destroy(dial(&request));
    (void)buf_z(&request);
    if (data[0] & 1) {
        add_handshake(buf_str(&request), &in);
    }
    buf_add(&in, str_of(data + 1, size - 1));
    int r = read_all(buf_str(&in), in.n + 1, &whole);
    ASSERT(read_all(buf_str(&in), 1 + data[0] / 2, &pieces) == r);
    ASSERT(str_eq(buf_str(&whole), buf_str(&pieces)));
    return 0;
}
