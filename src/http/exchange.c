/*
 * What a connection needs only while it has a request: buffers, head, arena. An idle connection has none, so that ten
 * thousand of them are cheap; a loop keeps some for the next requests.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "http/http_int.h"

/* KEPT_FREE: about as many as a busy loop answers at once, some 30 KiB each. */
enum { KEPT_FREE = 256, KEPT_ROOM = 32 * 1024, MAX_FIELDS_OUT = 64 * 1024 };

static void shrink(struct buf *b)
{
    buf_clear(b);
    if (b->room > KEPT_ROOM) {
        buf_fini(b);
    }
}

static void destroy(struct http_exchange *x)
{
    buf_fini(&x->in);
    buf_fini(&x->body);
    buf_fini(&x->out);
    arena_fini(&x->arena);
    http_response_fini(&x->response);
    mem_free(x);
}

struct http_exchange *http_exchange_take(struct http_connection *c)
{
    struct http_worker *worker = c->worker;
    struct http_exchange *x = worker->free;
    if (x) {
        worker->free = x->next_free;
        worker->free_count--;
    } else {
        x = MEM_NEW(struct http_exchange);
        buf_init(&x->in, HTTP_MAX_HEAD + KEPT_ROOM);
        buf_init(&x->body, HTTP_MAX_BUFFERED_BODY);
        buf_init(&x->out, MAX_FIELDS_OUT + 1024);
        arena_init(&x->arena);
        http_response_init(&x->response);
    }
    x->connection = c;
    x->response.exchange = x;
    c->exchange = x;
    return x;
}

static void forget_body(struct http_exchange *x)
{
    if (x->accounted > 0) {
        atomic_fetch_sub(&http_connection_server(x->connection)->bodies, x->accounted);
        x->accounted = 0;
    }
    shrink(&x->body);
}

void http_exchange_reset(struct http_exchange *x)
{
    buf_consume(&x->in, x->taken);
    forget_body(x);
    shrink(&x->out);
    arena_reset(&x->arena);
    http_reset(&x->response);
    x->response.streaming = x->response.aborted = false;
    x->response.sent = 0;
    x->response.owner = NULL;
    x->request = (struct http_request){0};
    x->route = (struct http_route){0};
    x->failure = x->body_error = 0;
    x->routed = x->expects = x->body_done = false;
    x->body_seen = 0;
    x->waited = 0;
    x->taken = x->sent = 0;
    x->chunks = (struct http_chunks){0};
    memset(&x->head, 0, offsetof(struct http_head, field));
}

void http_exchange_release(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    if (!x) {
        return;
    }
    x->taken = x->in.n;
    http_exchange_reset(x);
    shrink(&x->in);
    c->exchange = NULL;
    x->connection = NULL;
    if (c->worker->free_count >= KEPT_FREE) {
        destroy(x);
        return;
    }
    x->next_free = c->worker->free;
    c->worker->free = x;
    c->worker->free_count++;
}

void http_worker_free_exchanges(struct http_worker *worker)
{
    while (worker->free) {
        struct http_exchange *x = worker->free;
        worker->free = x->next_free;
        destroy(x);
    }
    worker->free_count = 0;
}
