/*
 * Pages of other origins that may call the API with a token of their own (Fetch standard, "CORS protocol"). None unless the
 * operator names them.
 *
 * 1. An origin is compared byte by byte with the list; there are no patterns, and neither "*" nor "null" can stand in it.
 * 2. Credentials are never allowed: a browser sends no cookie of ours from there and shows no reply to a request that had one.
 * 3. With a list every reply varies by Origin, so that no cache gives one origin's reply to another.
 */
#include "api/api_int.h"

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static bool is_port(struct str port, const char *standard)
{
    uint64_t number;
    return port.n > 0 && port.p[0] != '0' && str_u64(port, 65535, &number) == 0 &&
           !str_eq(port, str_from(standard));
}

bool api_cors_is_origin(struct str origin)
{
    bool secure = str_starts(origin, STR("https://"));
    if (!secure && !str_starts(origin, STR("http://"))) {
        return false;
    }
    struct str host = str_slice(origin, secure ? 8 : 7, origin.n);
    size_t colon = str_find(host, ':', 0);
    if (colon < host.n && !is_port(str_slice(host, colon + 1, host.n), secure ? "443" : "80")) {
        return false;
    }
    for (size_t i = 0; i < colon; i++) {
        if (!is_host_char(host.p[i])) {
            return false;
        }
    }
    return colon > 0;
}

static bool is_listed(const struct api *api, struct str origin)
{
    for (size_t i = 0; i < api->cors_count; i++) {
        if (str_eq(origin, str_from(api->cors_origins[i]))) {
            return true;
        }
    }
    return false;
}

bool api_cors_allows(const struct api *api, const struct http_request *req)
{
    return http_header_count(req, "Origin") == 1 && is_listed(api, http_header(req, "Origin"));
}

void api_cors_headers(const struct api *api, const struct http_request *req,
                      struct http_response *res)
{
    if (api->cors_count == 0) {
        return;
    }
    http_set(res, "Vary", STR("Origin"));
    if (api_cors_allows(api, req)) {
        http_set(res, "Access-Control-Allow-Origin", http_header(req, "Origin"));
        http_set(res, "Access-Control-Expose-Headers",
                 STR("Content-Range, ETag, File-Mode, File-Mtime, File-Type, Location, "
                     "Moment, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
                     "X-Request-Id"));
    }
}

void api_cors_preflight(const struct api *api, const struct http_request *req,
                        struct http_response *res, struct str methods)
{
    api_cors_headers(api, req, res);
    if (!api_cors_allows(api, req) ||
        http_header_count(req, "Access-Control-Request-Method") != 1) {
        return;
    }
    http_set(res, "Access-Control-Allow-Methods", methods);
    http_set(res, "Access-Control-Allow-Headers",
             STR("Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, "
                 "Range"));
    http_set(res, "Access-Control-Max-Age", STR("600"));
}
