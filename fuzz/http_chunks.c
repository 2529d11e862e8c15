/* Chunked bodies: content, end and verdict must not depend on how the bytes came. First byte: where to cut. */
#include "base/assert.h"
#include "fuzz.h"
#include "http/http_int.h"

static int decode(struct str in, size_t step, struct buf *out, size_t *ret_end)
{
    struct http_chunks chunks = {0};
    size_t at = 0;
    int r = HTTP_MORE;
    while (r == HTTP_MORE && at < in.n) {
        struct str piece = str_slice(in, at, at + step), data;
        size_t before = piece.n;
        while ((r = http_chunks_next(&chunks, &piece, &data)) == HTTP_DATA) {
            ASSERT(data.n > 0);
            buf_add(out, data);
        }
        at += before - piece.n;
    }
    *ret_end = at;
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct str in = str_of(data + 1, size - 1);
    BUF_AUTO(whole, 1 << 20);
    BUF_AUTO(pieces, 1 << 20);
    size_t end, other;
    int r = decode(in, in.n + 1, &whole, &end);
    ASSERT(decode(in, 1 + data[0] % 32, &pieces, &other) == r);
    ASSERT(str_eq(buf_str(&whole), buf_str(&pieces)));
    ASSERT(r < 0 || end == other);
    return 0;
}
