/* How a body is delimited (RFC 9112 section 6), and what a host looks like. Whatever two readers could read in two ways is
 * refused. */
#include "http/http_int.h"

static bool named(const struct http_header *header, struct str name)
{
    return str_eq_nocase(header->name, name);
}

/* One coding, chunked. Anything else is unknown (501) unless chunked stands before it or twice, which is malformed. */
static int check_codings(struct str codings)
{
    if (str_eq_nocase(codings, STR("chunked"))) {
        return 0;
    }
    struct str part;
    bool chunked = false;
    while (str_split(&codings, ',', &part)) {
        part = str_trim(part);
        if (part.n == 0 || chunked) {
            return ERR_INVALID;
        }
        chunked = str_eq_nocase(part, STR("chunked"));
    }
    return ERR_NOT_IMPLEMENTED;
}

static int parse_length(struct str value, int64_t *ret_length)
{
    bool digits = value.n > 0;
    for (size_t i = 0; i < value.n; i++) {
        digits = digits && value.p[i] >= '0' && value.p[i] <= '9';
    }
    if (!digits || value.n > 32) {
        return ERR_INVALID;
    }
    uint64_t length;
    if (str_u64(value, INT64_MAX, &length) < 0) {
        return ERR_TOO_LARGE;
    }
    *ret_length = (int64_t)length;
    return 0;
}

int http_framing_of(const struct http_header *headers, size_t count, bool http10,
                    struct http_framing *ret)
{
    const struct http_header *length = NULL, *codings = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct http_header **place = named(&headers[i], STR("Content-Length"))      ? &length
                                           : named(&headers[i], STR("Transfer-Encoding")) ? &codings
                                                                                          : NULL;
        if (place && *place) {
            return ERR_INVALID;
        }
        if (place) {
            *place = &headers[i];
        }
    }
    if (codings) {
        if (length || http10) {
            return ERR_INVALID; /* sections 6.1, 6.3 */
        }
        int r = check_codings(codings->value);
        if (r == 0) {
            *ret = (struct http_framing){.length = -1};
        }
        return r;
    }
    struct http_framing framing = {.has_length = length != NULL};
    if (length) {
        int r = parse_length(length->value, &framing.length);
        if (r < 0) {
            return r;
        }
    }
    *ret = framing;
    return 0;
}

static bool port_is_valid(struct str port)
{
    uint64_t number;
    return port.n <= 5 && str_u64(port, 65535, &number) == 0 && number > 0;
}

bool http_host_is_valid(struct str host)
{
    if (host.n == 0 || host.n > HTTP_MAX_HOST) {
        return false;
    }
    if (host.p[0] == '[') {
        size_t end = str_find(host, ']', 0);
        for (size_t i = 1; i < end; i++) {
            if (http_chars_hex(host.p[i]) < 0 && host.p[i] != ':' && host.p[i] != '.') {
                return false;
            }
        }
        struct str rest = str_slice(host, end + 1, host.n);
        return end < host.n && end > 2 &&
               (rest.n == 0 || (rest.p[0] == ':' && port_is_valid(str_slice(rest, 1, rest.n))));
    }
    size_t colon = str_find(host, ':', 0);
    return colon > 0 && http_chars_all(str_slice(host, 0, colon), CHAR_HOST) &&
           (colon == host.n || port_is_valid(str_slice(host, colon + 1, host.n)));
}
