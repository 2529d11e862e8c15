/* Header values and queries: cookies, ranges, entity tags, hosts, extensions of WebSockets, percent escapes. First byte: which
 * of them. */
#include "base/assert.h"
#include "fuzz.h"
#include "http/socket_int.h"

static void try_range(const struct http_request *request, uint64_t size)
{
    struct http_range range;
    if (http_range(request, size, STR("\"e\""), &range) == 0) {
        ASSERT(range.length > 0 && range.offset < size && range.length <= size - range.offset);
    }
}

static void try_percent(struct arena *arena, struct str in)
{
    struct str out, again;
    if (http_percent_decode(arena, in, &out) == 0) {
        BUF_AUTO(encoded, 1 << 23);
        http_percent_encode(&encoded, out);
        ASSERT(http_percent_decode(arena, buf_str(&encoded), &again) == 0 && str_eq(out, again));
    }
}

static void try_query(struct http_request *request)
{
    struct str rest = request->query, name, value;
    size_t pairs = 0;
    while (http_query_next(&rest, &name, &value)) {
        pairs++;
    }
    ASSERT(pairs <= request->query.n);
    ASSERT(http_query(request, "a", &value) <= 0);
}

/* A client's address from a list that anybody may have written. */
static void try_forwarded(struct arena *arena, struct str in)
{
    struct http_network network;
    const struct http_header header = {STR("X-Forwarded-For"), in};
    struct http_request request = {
        .headers = &header, .header_count = 1, .arena = arena, .peer = STR("unix")};
    ASSERT(http_network_parse(STR("10.0.0.0/8"), &network) == 0);
    http_forwarded_apply(&request, &(struct http_networks){&network, 1});
    ASSERT(str_eq(request.peer, STR("unix")) || http_network_parse(request.peer, &network) == 0);
    ASSERT(http_network_parse(in, &network) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    static const char *const names[] = {
        "Cookie",  "Range",    "If-None-Match", "Connection", "Sec-WebSocket-Extensions",
        "Upgrade", "If-Range", "Origin"};
    struct str in = str_of(data + 1, size - 1), value;
    const struct http_header header = {str_from(names[data[0] % 8]), in};
    ARENA_AUTO(arena);
    struct http_request request = {
        .headers = &header, .header_count = 1, .query = in, .arena = &arena};
    ASSERT(http_cookie(&request, "a", &value) <= 0);
    (void)http_header_has_token(&request, "Connection", "close");
    (void)http_etag_listed(in, STR("\"e\""), data[0] & 16);
    (void)http_host_is_valid(in);
    struct http_deflate_terms terms = {0};
    ASSERT(http_deflate_agree(&request, &terms) <= 0);
    ASSERT(!terms.agreed || (terms.bits >= 9 && terms.bits <= 15));
    try_range(&request, data[0]);
    try_percent(&arena, in);
    try_query(&request);
    try_forwarded(&arena, in);
    return 0;
}
