/* From bytes to a request: heads, the application's decision, collected bodies. All on the loop. */
#include "base/assert.h"
#include "base/encode.h"
#include "http/http_int.h"

enum { HEAD_ROOM = 4096, BODY_ROOM = 64 * 1024, CHUNK_ROOM = 16 * 1024, SMALL_BODY = 64 * 1024 };

/* splitmix64: ids only have to differ, not to be secret. */
static uint64_t next_id(struct http_worker *worker)
{
    uint64_t z = worker->ids += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* What even a refused request has. */
static void prepare(struct http_connection *c)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    struct http_exchange *x = c->exchange;
    uint64_t value = next_id(c->worker);
    memcpy(x->id, "req-", 4);
    for (int i = 0; i < 13; i++) {
        x->id[4 + i] = digits[value & 31];
        value >>= 5;
    }
    x->request.id = str_of(x->id, 17);
    x->request.peer = str_from(c->peer);
    x->request.arena = &x->arena;
    x->request.received = net_loop_now(c->worker->loop);
}

static int read_expectation(struct http_exchange *x)
{
    const struct http_request *request = &x->request;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!str_eq_nocase(request->headers[i].name, STR("Expect"))) {
            continue;
        }
        if (!str_eq_nocase(request->headers[i].value, STR("100-continue"))) {
            return ERR_EXPECTATION;
        }
        x->expects = !request->http10 && request->content_length != 0;
    }
    return 0;
}

static void check_route(const struct http_route *route)
{
    ASSERT(route->lane < HTTP_LANES);
    ASSERT(!route->stream_body || route->lane != HTTP_INLINE);
    ASSERT(route->stream_body || route->upgrade || route->max_body <= HTTP_MAX_BUFFERED_BODY);
}

/*
 * The application's decision. If it refuses a request with a small body, the body is read before the answer, so that the
 * connection can be kept.
 */
static int decide(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    const struct http_app *app = http_connection_server(c)->app;
    int r = app->route(app->ctx, &x->request, &x->route);
    x->routed = true;
    int64_t length = x->request.content_length;
    if (r < 0 && !x->expects && length >= 0 && length <= SMALL_BODY) {
        x->failure = r;
        x->route = (struct http_route){.max_body = SMALL_BODY};
        return 0;
    }
    if (r < 0) {
        return r;
    }
    check_route(&x->route);
    return length > 0 && (uint64_t)length > x->route.max_body ? ERR_TOO_LARGE : 0;
}

static enum http_step begin_body(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    x->body_done = x->request.content_length == 0;
    if (x->body_done || x->route.stream_body || x->route.upgrade) {
        return http_start_handler(c);
    }
    http_connection_enter(c, CONN_BODY);
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (x->expects && x->in.n == x->taken &&
        send(c->watch.fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL) != (ssize_t)sizeof go_on - 1) {
        http_connection_close(c);
        return STEP_GONE;
    }
    x->expects = false;
    return STEP_ON;
}

static enum http_step take_head(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    prepare(c);
    x->taken = x->head.end;
    (void)buf_reserve(&x->in, CHUNK_ROOM); /* from here on it does not move */
    int r = http_head_request(&x->head, buf_str(&x->in), x->headers, &x->request);
    if (r == 0) {
        r = read_expectation(x);
    }
    if (r < 0) {
        return http_fail(c, r, /* closing= */ true);
    }
    if (c->trusted) {
        http_forwarded_apply(&x->request, &http_connection_server(c)->trusted);
    }
    c->closing |= x->request.http10 || http_header_has_token(&x->request, "Connection", "close");
    r = decide(c);
    return r < 0 ? http_fail(c, r, /* closing= */ x->request.content_length != 0) : begin_body(c);
}

static enum http_step want_head_bytes(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    char *to = buf_reserve(&x->in, HEAD_ROOM);
    ASSERT(to != NULL);
    ssize_t got = http_connection_recv(c, to, x->in.room - x->in.n);
    if (got < 0) {
        http_connection_close(c);
        return STEP_GONE;
    }
    buf_commit(&x->in, (size_t)got);
    if (got > 0) {
        return STEP_ON;
    }
    if (x->in.n == 0) {
        http_exchange_release(c);
    } else if (c->state == CONN_IDLE) {
        http_connection_enter(c, CONN_HEAD);
    }
    return STEP_WAIT;
}

enum http_step http_read_head(struct http_connection *c)
{
    if (!c->exchange && !c->readable) {
        return STEP_WAIT;
    }
    struct http_exchange *x = c->exchange ? c->exchange : http_exchange_take(c);
    int r = x->in.n > 0 ? http_head_parse(&x->head, buf_str(&x->in)) : HTTP_MORE;
    if (r == HTTP_MORE) {
        return want_head_bytes(c);
    }
    if (r < 0) {
        prepare(c);
        return http_fail(c, r, /* closing= */ true);
    }
    return take_head(c);
}

bool http_account_body(struct http_exchange *x, size_t bytes)
{
    struct http_server *server = http_connection_server(x->connection);
    if (atomic_fetch_add(&server->bodies, bytes) + bytes > server->limits.buffered_bodies) {
        /* At once: what is refused takes no room from the bodies that were there before. */
        atomic_fetch_sub(&server->bodies, bytes);
        return false;
    }
    x->accounted += bytes;
    return true;
}

void http_unaccount_body(struct http_exchange *x, size_t bytes)
{
    ASSERT(bytes <= x->accounted);
    atomic_fetch_sub(&http_connection_server(x->connection)->bodies, bytes);
    x->accounted -= bytes;
}

static int collect(struct http_exchange *x, struct str data)
{
    x->body_seen += data.n;
    if (x->body_seen > x->route.max_body) {
        return ERR_TOO_LARGE;
    }
    buf_add(&x->body, data);
    return http_account_body(x, data.n) ? x->body.error : ERR_BUSY;
}

static enum http_step body_complete(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    x->body_done = true;
    x->request.body = buf_str(&x->body);
    return http_start_handler(c);
}

/* Into the free end of in, which does not move. */
static enum http_step want_chunk_bytes(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    x->in.n = x->taken = x->head.end;
    ssize_t got = http_connection_recv(c, x->in.p + x->in.n, x->in.room - x->in.n);
    if (got < 0) {
        http_connection_close(c);
        return STEP_GONE;
    }
    buf_commit(&x->in, (size_t)got);
    return got > 0 ? STEP_ON : STEP_WAIT;
}

static enum http_step read_chunks(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    struct str rest = str_slice(buf_str(&x->in), x->taken, x->in.n), data;
    int r;
    while ((r = http_chunks_next(&x->chunks, &rest, &data)) == HTTP_DATA) {
        r = collect(x, data);
        if (r < 0) {
            break;
        }
    }
    x->taken = x->in.n - rest.n;
    if (r < 0) {
        return http_fail(c, r, /* closing= */ true);
    }
    return r == HTTP_MORE ? want_chunk_bytes(c) : body_complete(c);
}

static enum http_step read_sized(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    size_t length = (size_t)x->request.content_length;
    struct str came = str_slice(buf_str(&x->in), x->taken, x->taken + length - x->body.n);
    x->taken += came.n;
    int r = collect(x, came);
    if (r == 0 && x->body.n < length) {
        size_t wanted = length - x->body.n < BODY_ROOM ? length - x->body.n : BODY_ROOM;
        ssize_t got = http_connection_recv(c, buf_reserve(&x->body, wanted), wanted);
        if (got < 0) {
            http_connection_close(c);
            return STEP_GONE;
        }
        buf_commit(&x->body, (size_t)got);
        x->body_seen += (uint64_t)got;
        if (got == 0) {
            return STEP_WAIT;
        }
        r = http_account_body(x, (size_t)got) ? 0 : ERR_BUSY;
    }
    if (r < 0) {
        return http_fail(c, r, /* closing= */ true);
    }
    return x->body.n < length ? STEP_ON : body_complete(c);
}

enum http_step http_read_body(struct http_connection *c)
{
    return c->exchange->request.content_length < 0 ? read_chunks(c) : read_sized(c);
}
