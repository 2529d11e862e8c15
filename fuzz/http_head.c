/*
 * Heads of requests: the verdict must not depend on how the bytes came. First byte: where to cut; second: request or response.
 * What is accepted is held against the promises of http.h.
 */
#include "base/assert.h"
#include "fuzz.h"
#include "http/http_int.h"

static struct http_head whole, pieces;
static struct http_header headers[HTTP_MAX_HEADERS];

static int parse_pieces(struct str in, size_t step)
{
    int r = HTTP_MORE;
    for (size_t n = 0; r == HTTP_MORE && n <= in.n; n += step) {
        r = http_head_parse(&pieces, str_slice(in, 0, n));
        if (n < in.n && n + step > in.n) {
            n = in.n - step;
        }
    }
    return r;
}

static void check_request(struct str in)
{
    struct http_request request = {0};
    if (http_head_request(&whole, in, headers, &request) < 0) {
        return;
    }
    ASSERT(request.path.n > 0 && (request.path.p[0] == '/' || str_eq(request.path, STR("*"))));
    ASSERT(request.http10 || http_host_is_valid(request.host));
    ASSERT(request.content_length >= -1);
    ASSERT(!memchr(request.target.p, '\0', request.target.n));
    ARENA_AUTO(arena);
    struct str decoded;
    ASSERT(http_percent_decode(&arena, request.path, &decoded) == 0);
    ASSERT(!memchr(decoded.p, '\0', decoded.n));
    for (size_t i = 0; i < request.header_count; i++) {
        ASSERT(headers[i].name.n > 0 && http_chars_all(headers[i].name, CHAR_TOKEN));
        ASSERT(http_chars_all(headers[i].value, CHAR_VALUE));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct str in = str_of(data + 2, size - 2);
    whole = (struct http_head){.response = data[1] & 1};
    pieces = (struct http_head){.response = data[1] & 1};
    int r = http_head_parse(&whole, in);
    ASSERT(parse_pieces(in, 1 + data[0] % 32) == r);
    if (r != 0) {
        return 0;
    }
    ASSERT(whole.end <= in.n && whole.end == pieces.end && whole.count == pieces.count);
    ASSERT(memcmp(in.p + whole.end - 4, "\r\n\r\n", 4) == 0);
    if (!whole.response) {
        check_request(in);
    }
    return 0;
}
