/* Reading a request's parts: headers, query, cookies. Nothing here touches the connection. */
#include "base/assert.h"
#include "http/http_int.h"

struct str http_header(const struct http_request *request, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_eq_nocase(request->headers[i].name, wanted)) {
            return request->headers[i].value;
        }
    }
    return STR_EMPTY;
}

size_t http_header_count(const struct http_request *request, const char *name)
{
    struct str wanted = str_from(name);
    size_t n = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        n += str_eq_nocase(request->headers[i].name, wanted);
    }
    return n;
}

static bool list_has(struct str list, struct str token)
{
    struct str part;
    while (str_split(&list, ',', &part)) {
        if (str_eq_nocase(str_trim(part), token)) {
            return true;
        }
    }
    return false;
}

bool http_header_has_token(const struct http_request *request, const char *name, const char *token)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_eq_nocase(request->headers[i].name, wanted) &&
            list_has(request->headers[i].value, str_from(token))) {
            return true;
        }
    }
    return false;
}

static int decode(struct arena *arena, struct str in, bool plus_is_space, struct str *ret)
{
    char *to = arena_alloc(arena, in.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] != '%') {
            to[n++] = plus_is_space && in.p[i] == '+' ? ' ' : in.p[i];
            continue;
        }
        int high = i + 1 < in.n ? http_chars_hex(in.p[i + 1]) : -1;
        int low = i + 2 < in.n ? http_chars_hex(in.p[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return ERR_INVALID;
        }
        to[n++] = (char)(high << 4 | low);
        i += 2;
    }
    *ret = str_of(to, n);
    return 0;
}

int http_percent_decode(struct arena *arena, struct str in, struct str *ret)
{
    return decode(arena, in, /* plus_is_space= */ false, ret);
}

void http_percent_encode(struct buf *out, struct str in)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~' || c == '/';
        if (plain) {
            buf_byte(out, (char)c);
        } else {
            buf_byte(out, '%');
            buf_byte(out, digits[c >> 4]);
            buf_byte(out, digits[c & 15]);
        }
    }
}

bool http_query_next(struct str *rest, struct str *ret_name, struct str *ret_value)
{
    struct str pair;
    while (rest->p && str_split(rest, '&', &pair)) {
        if (pair.n > 0) {
            size_t equals = str_find(pair, '=', 0);
            *ret_name = str_slice(pair, 0, equals);
            *ret_value = str_slice(pair, equals + 1, pair.n);
            return true;
        }
    }
    return false;
}

int http_query(const struct http_request *request, const char *name, struct str *ret)
{
    struct str rest = request->query, key, value, decoded;
    while (http_query_next(&rest, &key, &value)) {
        if (decode(request->arena, key, /* plus_is_space= */ true, &decoded) < 0) {
            continue;
        }
        if (str_eq(decoded, str_from(name))) {
            return decode(request->arena, value, /* plus_is_space= */ true, ret);
        }
    }
    return ERR_NOT_FOUND;
}

/* name=value; name2=value2. A value may stand in double quotes, which are not part of it. */
static size_t find_cookie(struct str header, struct str name, struct str *ret_value)
{
    struct str pair;
    size_t found = 0;
    while (str_split(&header, ';', &pair)) {
        pair = str_trim(pair);
        size_t equals = str_find(pair, '=', 0);
        if (equals == pair.n || !str_eq(str_slice(pair, 0, equals), name)) {
            continue;
        }
        struct str value = str_slice(pair, equals + 1, pair.n);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"') {
            value = str_slice(value, 1, value.n - 1);
        }
        *ret_value = value;
        found++;
    }
    return found;
}

int http_cookie(const struct http_request *request, const char *name, struct str *ret)
{
    struct str value = STR_EMPTY;
    size_t found = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_eq_nocase(request->headers[i].name, STR("Cookie"))) {
            found += find_cookie(request->headers[i].value, str_from(name), &value);
        }
    }
    if (found != 1) {
        return found == 0 ? ERR_NOT_FOUND : ERR_CONFLICT;
    }
    *ret = value;
    return 0;
}
