/*
 * Heads of messages, line by line as they arrive (RFC 9112 sections 2 to 5). A line is judged only when it is complete, and
 * its length before its content, so that the verdict does not depend on how the bytes were cut.
 *
 * Strict where leniency smuggles requests: every line ends in CRLF, no folding, no space before a colon.
 */
#include "base/assert.h"
#include "http/http_int.h"

static struct http_span span(size_t at, size_t end)
{
    return (struct http_span){(uint32_t)at, (uint32_t)(end - at)};
}

static struct str span_str(struct http_span s, struct str in)
{
    return str_of(in.p + s.at, s.n);
}

/* "HTTP/1.1"; other well-formed versions are not spoken here. */
static int parse_version(struct str version, bool *ret_http10)
{
    if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || version.p[6] != '.' ||
        http_chars_hex(version.p[5]) < 0 || http_chars_hex(version.p[5]) > 9 ||
        http_chars_hex(version.p[7]) < 0 || http_chars_hex(version.p[7]) > 9) {
        return ERR_INVALID;
    }
    if (version.p[5] != '1' || version.p[7] > '1') {
        return ERR_VERSION_UNSUPPORTED;
    }
    *ret_http10 = version.p[7] == '0';
    return 0;
}

static int parse_request_line(struct http_head *head, struct str in, struct str line)
{
    size_t at = (size_t)(line.p - in.p);
    size_t first = str_find(line, ' ', 0);
    size_t second = str_find(line, ' ', first + 1);
    if (first == 0 || second >= line.n || second == first + 1 ||
        !http_chars_all(str_slice(line, 0, first), CHAR_TOKEN) ||
        !http_chars_all(str_slice(line, first + 1, second), CHAR_TARGET)) {
        return ERR_INVALID;
    }
    head->method = span(at, at + first);
    head->target = span(at + first + 1, at + second);
    return parse_version(str_slice(line, second + 1, line.n), &head->http10);
}

/* "HTTP/1.1 200 OK"; the reason may be missing. */
static int parse_status_line(struct http_head *head, struct str line)
{
    uint64_t status;
    if (line.n < 12 || line.p[8] != ' ' || (line.n > 12 && line.p[12] != ' ') ||
        !http_chars_all(line, CHAR_VALUE) || str_u64(str_slice(line, 9, 12), 599, &status) < 0 ||
        status < 100) {
        return ERR_INVALID;
    }
    head->status = (int)status;
    return parse_version(str_slice(line, 0, 8), &head->http10);
}

static int parse_field(struct http_head *head, struct str in, struct str line)
{
    size_t at = (size_t)(line.p - in.p);
    size_t colon = str_find(line, ':', 0);
    struct str name = str_slice(line, 0, colon);
    struct str value = str_trim(str_slice(line, colon + 1, line.n));
    if (colon == 0 || colon == line.n || !http_chars_all(name, CHAR_TOKEN) ||
        !http_chars_all(value, CHAR_VALUE)) {
        return ERR_INVALID;
    }
    if (head->count == HTTP_MAX_HEADERS) {
        return ERR_HEADERS_TOO_LARGE;
    }
    size_t value_at = value.n > 0 ? (size_t)(value.p - in.p) : at + colon;
    head->field[head->count].name = span(at, at + colon);
    head->field[head->count].value = span(value_at, value_at + value.n);
    head->count++;
    return 0;
}

/* A complete line without its CRLF; next is where the following one begins. */
static int take_line(struct http_head *head, struct str in, struct str line)
{
    if (memchr(line.p, '\r', line.n)) {
        return ERR_INVALID;
    }
    if (head->state == HEAD_FIELDS) {
        if (line.n > 0) {
            return parse_field(head, in, line);
        }
        head->state = HEAD_DONE;
        head->end = head->line;
        return 0;
    }
    if (line.n == 0 && !head->skipped && !head->response) {
        head->skipped = true; /* section 2.2 */
        return 0;
    }
    head->state = HEAD_FIELDS;
    head->fields = head->line;
    return head->response ? parse_status_line(head, line) : parse_request_line(head, in, line);
}

/* end: of the line in hand with its CRLF, or of what has come of it. */
static int check_size(const struct http_head *head, size_t end)
{
    if (head->state == HEAD_FIRST_LINE) {
        return end - head->line > HTTP_MAX_REQUEST_LINE ? ERR_URI_TOO_LONG : 0;
    }
    return end - head->fields > HTTP_MAX_FIELDS ? ERR_HEADERS_TOO_LARGE : 0;
}

int http_head_parse(struct http_head *head, struct str in)
{
    while (head->state != HEAD_DONE) {
        const char *lf =
            head->scanned < in.n ? memchr(in.p + head->scanned, '\n', in.n - head->scanned) : NULL;
        size_t end = lf ? (size_t)(lf - in.p) + 1 : in.n;
        int r = check_size(head, end);
        if (r < 0) {
            return r;
        }
        head->scanned = end;
        if (!lf) {
            return HTTP_MORE;
        }
        size_t start = head->line;
        head->line = end;
        if (end - start < 2 || in.p[end - 2] != '\r') {
            return ERR_INVALID;
        }
        r = take_line(head, in, str_slice(in, start, end - 2));
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

void http_head_headers(const struct http_head *head, struct str in, struct http_header *headers)
{
    ASSERT(head->state == HEAD_DONE);
    for (uint32_t i = 0; i < head->count; i++) {
        headers[i].name = span_str(head->field[i].name, in);
        headers[i].value = span_str(head->field[i].value, in);
    }
}

static enum http_method method_of(struct str text)
{
    static const struct str names[] = {
        [HTTP_GET] = STR("GET"),         [HTTP_HEAD] = STR("HEAD"),     [HTTP_POST] = STR("POST"),
        [HTTP_PUT] = STR("PUT"),         [HTTP_DELETE] = STR("DELETE"), [HTTP_PATCH] = STR("PATCH"),
        [HTTP_OPTIONS] = STR("OPTIONS"),
    };
    for (int i = 0; i < HTTP_OTHER; i++) {
        if (str_eq(text, names[i])) {
            return (enum http_method)i;
        }
    }
    return HTTP_OTHER;
}

/* Complete escapes only in the path, and no %00 anywhere. */
static bool escapes_are_valid(struct str target)
{
    bool query = false;
    for (size_t i = 0; i < target.n; i++) {
        query |= target.p[i] == '?';
        if (target.p[i] != '%') {
            continue;
        }
        int high = i + 1 < target.n ? http_chars_hex(target.p[i + 1]) : -1;
        int low = i + 2 < target.n ? http_chars_hex(target.p[i + 2]) : -1;
        if ((!query && (high < 0 || low < 0)) || (high == 0 && low == 0)) {
            return false;
        }
    }
    return true;
}

static void split_query(struct str target, struct http_request *request)
{
    size_t mark = str_find(target, '?', 0);
    request->path = str_slice(target, 0, mark);
    request->query = str_slice(target, mark + 1, target.n);
}

/* http://host[:port][/path][?query] (RFC 9112 section 3.2.2). */
static int split_absolute(struct str target, struct http_request *request)
{
    size_t scheme = str_eq_nocase(str_slice(target, 0, 7), STR("http://"))    ? 7
                    : str_eq_nocase(str_slice(target, 0, 8), STR("https://")) ? 8
                                                                              : 0;
    if (scheme == 0) {
        return ERR_INVALID;
    }
    size_t end = scheme;
    while (end < target.n && target.p[end] != '/' && target.p[end] != '?') {
        end++;
    }
    request->host = str_slice(target, scheme, end);
    split_query(str_slice(target, end, target.n), request);
    if (request->path.n == 0) {
        request->path = STR("/");
    }
    return http_host_is_valid(request->host) ? 0 : ERR_INVALID;
}

static int split_target(struct http_request *request)
{
    struct str target = request->target;
    if (!escapes_are_valid(target)) {
        return ERR_INVALID;
    }
    if (target.p[0] == '/') {
        split_query(target, request);
        return 0;
    }
    if (str_eq(target, STR("*"))) {
        request->path = target;
        return request->method == HTTP_OPTIONS ? 0 : ERR_INVALID;
    }
    return split_absolute(target, request);
}

/* Exactly one Host in HTTP/1.1, at most one in HTTP/1.0 (RFC 9112 section 3.2). */
static int take_host(struct http_request *request)
{
    size_t count = http_header_count(request, "Host");
    request->host = http_header(request, "Host");
    if (count == 0 && request->http10) {
        return 0;
    }
    return count == 1 && http_host_is_valid(request->host) ? 0 : ERR_INVALID;
}

int http_head_request(const struct http_head *head, struct str in, struct http_header *headers,
                      struct http_request *ret_request)
{
    http_head_headers(head, in, headers);
    ret_request->headers = headers;
    ret_request->header_count = head->count;
    ret_request->http10 = head->http10;
    ret_request->method_text = span_str(head->method, in);
    ret_request->method = method_of(ret_request->method_text);
    ret_request->target = span_str(head->target, in);
    struct http_framing framing = {0};
    int r = http_framing_of(headers, head->count, head->http10, &framing);
    if (r < 0) {
        return r;
    }
    ret_request->content_length = framing.length;
    r = take_host(ret_request);
    if (r < 0) {
        return r;
    }
    if (str_eq(ret_request->method_text, STR("CONNECT"))) {
        return ERR_NOT_IMPLEMENTED;
    }
    return split_target(ret_request);
}
