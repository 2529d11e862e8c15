/* Ranges and entity tags (RFC 9110 sections 8.8.3, 13.1, 14). */
#include "http/http_int.h"

static struct str opaque(struct str etag)
{
    return str_starts(etag, STR("W/")) ? str_slice(etag, 2, etag.n) : etag;
}

static bool is_weak(struct str etag)
{
    return str_starts(etag, STR("W/"));
}

/* Up to the next comma behind the tag's quotes: what follows them makes it another one, which nothing has. */
bool http_etag_next(struct str *rest, struct str *ret_etag)
{
    size_t at = 0;
    while (at < rest->n && (rest->p[at] == ',' || rest->p[at] == ' ' || rest->p[at] == '\t')) {
        at++;
    }
    if (at >= rest->n) {
        return false;
    }
    size_t quote = str_find(*rest, '"', at);
    size_t end = str_find(*rest, quote < rest->n ? '"' : ',', quote < rest->n ? quote + 1 : at);
    end = str_find(*rest, ',', end);
    *ret_etag = str_trim(str_slice(*rest, at, end));
    *rest = str_slice(*rest, end, rest->n);
    return true;
}

bool http_etag_listed(struct str list, struct str etag, bool strong)
{
    if (str_eq(str_trim(list), STR("*"))) {
        return true;
    }
    struct str one;
    while (http_etag_next(&list, &one)) {
        if (str_eq(opaque(one), opaque(etag)) && !(strong && (is_weak(one) || is_weak(etag)))) {
            return true;
        }
    }
    return false;
}

/* "-n": the last n bytes. */
static int suffix_range(struct str digits, uint64_t size, struct http_range *ret)
{
    uint64_t n;
    if (str_u64(digits, UINT64_MAX, &n) < 0) {
        return ERR_NOT_FOUND;
    }
    if (n == 0 || size == 0) {
        return ERR_RANGE;
    }
    n = n < size ? n : size;
    *ret = (struct http_range){size - n, n};
    return 0;
}

/* "a-b" or "a-". */
static int plain_range(struct str first_digits, struct str last_digits, uint64_t size,
                       struct http_range *ret)
{
    uint64_t first, last = UINT64_MAX;
    if (str_u64(first_digits, UINT64_MAX, &first) < 0 ||
        (last_digits.n > 0 && str_u64(last_digits, UINT64_MAX, &last) < 0) || last < first) {
        return ERR_NOT_FOUND;
    }
    if (first >= size) {
        return ERR_RANGE;
    }
    last = last < size ? last : size - 1;
    *ret = (struct http_range){first, last - first + 1};
    return 0;
}

/* Section 14.2: of GET alone, in one line; section 13.1.5: a condition holds for just this version. */
static bool counts(const struct http_request *request, struct str etag)
{
    size_t conditions = http_header_count(request, "If-Range");
    bool same = str_eq(http_header(request, "If-Range"), etag) && !is_weak(etag);
    return request->method == HTTP_GET && http_header_count(request, "Range") == 1 &&
           (conditions == 0 || (conditions == 1 && same));
}

int http_range(const struct http_request *request, uint64_t size, struct str etag,
               struct http_range *ret)
{
    const struct str unit = STR("bytes=");
    struct str range = http_header(request, "Range");
    if (!counts(request, etag) || !str_eq_nocase(str_slice(range, 0, unit.n), unit)) {
        return ERR_NOT_FOUND;
    }
    range = str_trim(str_slice(range, unit.n, range.n));
    size_t dash = str_find(range, '-', 0);
    if (dash == range.n) {
        return ERR_NOT_FOUND;
    }
    struct str last = str_slice(range, dash + 1, range.n);
    return dash == 0 ? suffix_range(last, size, ret)
                     : plain_range(str_slice(range, 0, dash), last, size, ret);
}
