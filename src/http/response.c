/* What a handler says, and the head that comes of it. */
#include "base/assert.h"
#include "http/http_int.h"

enum { RESPONSE_MAGIC = 0x72657370, MAX_FIELDS = 64 * 1024 };

void http_response_init(struct http_response *response)
{
    *response = (struct http_response){.magic = RESPONSE_MAGIC, .status = 200};
    buf_init(&response->fields, MAX_FIELDS);
    buf_init(&response->own, HTTP_MAX_REPLY);
}

void http_response_fini(struct http_response *response)
{
    buf_fini(&response->fields);
    buf_fini(&response->own);
}

void http_status(struct http_response *response, int status)
{
    ASSERT_MAGIC(response, RESPONSE_MAGIC);
    ASSERT(status >= 200 && status <= 599 && !response->streaming);
    response->status = status;
}

int http_response_status(const struct http_response *response)
{
    ASSERT_MAGIC(response, RESPONSE_MAGIC);
    return response->status;
}

void http_set(struct http_response *response, const char *name, struct str value)
{
    ASSERT_MAGIC(response, RESPONSE_MAGIC);
    ASSERT(!response->streaming && *name && http_chars_all(str_from(name), CHAR_TOKEN));
    ASSERT(http_chars_all(value, CHAR_VALUE));
    buf_add(&response->fields, str_from(name));
    buf_add(&response->fields, STR(": "));
    buf_add(&response->fields, value);
    buf_add(&response->fields, STR("\r\n"));
}

void http_body(struct http_response *response, struct str body)
{
    ASSERT_MAGIC(response, RESPONSE_MAGIC);
    ASSERT(!response->streaming);
    response->body = body;
    response->own_used = false;
}

struct buf *http_body_buf(struct http_response *response)
{
    ASSERT_MAGIC(response, RESPONSE_MAGIC);
    ASSERT(!response->streaming);
    response->own_used = true;
    return &response->own;
}

void http_reset(struct http_response *response)
{
    enum { KEPT_ROOM = 32 * 1024 };
    ASSERT_MAGIC(response, RESPONSE_MAGIC);
    response->status = 200;
    response->body = STR_EMPTY;
    response->own_used = false;
    buf_clear(&response->fields);
    buf_clear(&response->own);
    if (response->own.room > KEPT_ROOM) {
        buf_fini(&response->own);
    }
}

const char *http_reason(int status)
{
    static const char *const reasons[] = {
        [100] = "Continue",
        [101] = "Switching Protocols",
        [200] = "OK",
        [201] = "Created",
        [202] = "Accepted",
        [204] = "No Content",
        [206] = "Partial Content",
        [301] = "Moved Permanently",
        [302] = "Found",
        [303] = "See Other",
        [304] = "Not Modified",
        [307] = "Temporary Redirect",
        [308] = "Permanent Redirect",
        [400] = "Bad Request",
        [401] = "Unauthorized",
        [403] = "Forbidden",
        [404] = "Not Found",
        [405] = "Method Not Allowed",
        [408] = "Request Timeout",
        [409] = "Conflict",
        [410] = "Gone",
        [411] = "Length Required",
        [412] = "Precondition Failed",
        [413] = "Content Too Large",
        [414] = "URI Too Long",
        [415] = "Unsupported Media Type",
        [416] = "Range Not Satisfiable",
        [417] = "Expectation Failed",
        [421] = "Misdirected Request",
        [422] = "Unprocessable Content",
        [426] = "Upgrade Required",
        [429] = "Too Many Requests",
        [431] = "Request Header Fields Too Large",
        [500] = "Internal Server Error",
        [501] = "Not Implemented",
        [502] = "Bad Gateway",
        [503] = "Service Unavailable",
        [504] = "Gateway Timeout",
        [505] = "HTTP Version Not Supported",
        [507] = "Insufficient Storage",
    };
    bool known = status >= 0 && status < (int)(sizeof reasons / sizeof *reasons) && reasons[status];
    return known ? reasons[status] : "";
}

/* RFC 9110 section 6.4.1. */
static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

bool http_response_may_have_body(const struct http_exchange *x)
{
    return status_has_body(x->response.status) && x->request.method != HTTP_HEAD;
}

/* Made once a second in each thread. */
static struct str date_now(void)
{
    static __thread char text[30];
    static __thread usec_t made = -1;
    usec_t second = time_now() / USEC_PER_SEC;
    if (second != made) {
        made = second;
        (void)time_http_date(text, second * USEC_PER_SEC);
    }
    return str_from(text);
}

void http_response_head(struct http_exchange *x, struct buf *out, int64_t length)
{
    struct http_connection *c = x->connection;
    const struct http_response *response = &x->response;
    c->closing |= !x->body_done || (length < 0 && x->request.http10) ||
                  atomic_load_explicit(&http_connection_server(c)->draining, memory_order_relaxed);
    buf_add(out, STR("HTTP/1.1 "));
    buf_u64(out, (uint64_t)response->status);
    buf_byte(out, ' ');
    buf_add(out, str_from(http_reason(response->status)));
    buf_add(out, STR("\r\nDate: "));
    buf_add(out, date_now());
    buf_add(out, STR("\r\n"));
    buf_add(out, buf_str(&response->fields));
    if (status_has_body(response->status) && length >= 0) {
        buf_add(out, STR("Content-Length: "));
        buf_i64(out, length);
        buf_add(out, STR("\r\n"));
    } else if (status_has_body(response->status) && !x->request.http10) {
        buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
    }
    buf_add(out, c->closing ? STR("Connection: close\r\n\r\n") : STR("\r\n"));
}
