/*
 * The HTTP core alone, for tests from outside: http-echo ADDRESS [NAME=VALUE]…
 *
 *   /ws            sends every message back (RFC 6455), and reads nothing while its answers are not taken
 *   /ws-own        the same, for pages of https://c.example.com alone
 *   /relay…        goes to the server named by relay=unix:PATH, with the same target
 *   /sink          takes a body of any size and says how large it was
 *   /source?N      sends N bytes
 *   anything else  says how it was understood, also in X-Said: method, length of the body, host, target
 *
 * The other names are limits of the server: per_address, header_ms, idle_ms, grace_ms, least_rate. SIGTERM ends it in order, with the
 * patience of the product.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "http/http.h"

enum { PATIENCE_S = 30, PIECE = 64 * 1024, MAX_UPLOAD = 1 << 30 };

static const char *relay_to;

/* ---- sockets ---- */

/* A message that found the queue full waits here, and the client with it. */
struct echo {
    struct buf waiting;
    bool text;
};

static void opened(void *ctx, struct http_socket *socket)
{
    (void)ctx;
    (void)socket;
}

static void message(void *ctx, struct http_socket *socket, bool text, struct str data)
{
    struct echo *echo = ctx;
    if (http_socket_send(socket, text, data) == ERR_BUSY) {
        buf_add(&echo->waiting, data);
        echo->text = text;
        http_socket_pause(socket, true);
    }
}

static void writable(void *ctx, struct http_socket *socket)
{
    struct echo *echo = ctx;
    if (http_socket_send(socket, echo->text, buf_str(&echo->waiting)) != ERR_BUSY) {
        buf_fini(&echo->waiting);
        http_socket_pause(socket, false);
    }
}

static void closed(void *ctx, struct http_socket *socket, int code)
{
    struct echo *echo = ctx;
    (void)socket;
    (void)code;
    buf_fini(&echo->waiting);
    mem_free(echo);
}

static void open_socket(struct http_request *request, struct http_response *response,
                        const char *const *origins)
{
    static const struct http_socket_handler handler = {opened, message, writable, closed};
    struct echo *echo = MEM_NEW(struct echo);
    buf_init(&echo->waiting, 16 << 20);
    const struct http_socket_options options = {
        .handler = &handler, .ctx = echo, .origins = origins};
    int r = http_websocket(request, response, &options);
    if (r < 0) {
        mem_free(echo);
        bool version = str_eq(http_header(request, "Sec-WebSocket-Version"), STR("13"));
        http_status(response, r == ERR_FORBIDDEN ? 403 : version ? 400 : 426);
        http_set(response, "Sec-WebSocket-Version", STR("13"));
    }
}

/* ---- requests ---- */

static void sink(struct http_request *request, struct http_response *response)
{
    MEM_AUTO char *piece = mem_alloc(PIECE);
    uint64_t all = 0;
    ssize_t n;
    while ((n = http_body_read(request, piece, PIECE)) > 0) {
        all += (uint64_t)n;
    }
    if (n < 0) {
        http_status(response, err_row((int)n)->status);
    }
    buf_printf(http_body_buf(response), "%" PRIu64 "\n", all);
}

static void source(struct http_request *request, struct http_response *response)
{
    uint64_t left;
    if (str_u64(request->query, MAX_UPLOAD, &left) < 0) {
        http_status(response, 400);
        return;
    }
    MEM_AUTO char *piece = mem_alloc(PIECE);
    int r = http_stream(response, (int64_t)left);
    while (r == 0 && left > 0) {
        uint64_t n = left < PIECE ? left : PIECE;
        r = http_write(response, str_of(piece, (size_t)n));
        left -= n;
    }
}

static void say(struct http_request *request, struct http_response *response)
{
    struct str said = arena_printf(request->arena, STR_FMT " %zu " STR_FMT " " STR_FMT,
                                   STR_ARG(request->method_text), request->body.n,
                                   STR_ARG(request->host), STR_ARG(request->target));
    http_set(response, "X-Said", said);
    http_body(response, said);
}

static void relay(struct http_request *request, struct http_response *response)
{
    const struct http_relay_options options = {.upstream = str_from(relay_to)};
    if (!relay_to || http_relay(request, response, &options) < 0) {
        http_status(response, 404);
    }
}

static int route(void *ctx, struct http_request *request, struct http_route *ret_route)
{
    (void)ctx;
    struct str path = request->path;
    bool upgrade = str_starts(path, STR("/ws")) || str_starts(path, STR("/relay"));
    bool streams = str_eq(path, STR("/sink")) || str_eq(path, STR("/source"));
    *ret_route = (struct http_route){
        .lane = streams ? HTTP_STREAM : HTTP_INLINE,
        .upgrade = upgrade,
        .stream_body = streams,
        .max_body = streams || upgrade ? MAX_UPLOAD : HTTP_MAX_BUFFERED_BODY,
    };
    return 0;
}

static void handle(void *ctx, struct http_request *request, struct http_response *response)
{
    static const char *const own[] = {"https://c.example.com", NULL};
    (void)ctx;
    if (str_eq(request->path, STR("/ws-own"))) {
        open_socket(request, response, own);
    } else if (str_starts(request->path, STR("/ws"))) {
        open_socket(request, response, NULL);
    } else if (str_starts(request->path, STR("/relay"))) {
        relay(request, response);
    } else if (str_eq(request->path, STR("/sink"))) {
        sink(request, response);
    } else if (str_eq(request->path, STR("/source"))) {
        source(request, response);
    } else {
        say(request, response);
    }
}

static void error(void *ctx, struct http_request *request, int code, struct http_response *response)
{
    (void)ctx;
    (void)request;
    http_status(response, err_row(code)->status);
    http_body(response, str_from(err_name(code)));
}

/* ---- start and end ---- */

static bool set(struct http_server_options *options, struct str word)
{
    size_t equals = str_find(word, '=', 0);
    struct str name = str_slice(word, 0, equals), value = str_slice(word, equals + 1, word.n);
    uint64_t number = 0;
    if (str_eq(name, STR("relay"))) {
        relay_to = value.p;
        return true;
    }
    if (str_u64(value, UINT32_MAX, &number) < 0) {
        return false;
    }
    if (str_eq(name, STR("per_address"))) {
        options->limits.per_address = (unsigned)number;
        options->limits.per_loopback = true;
    } else if (str_eq(name, STR("header_ms"))) {
        options->limits.header_time = (usec_t)number * USEC_PER_MS;
    } else if (str_eq(name, STR("idle_ms"))) {
        options->limits.idle_time = (usec_t)number * USEC_PER_MS;
    } else if (str_eq(name, STR("grace_ms"))) {
        options->limits.grace = (usec_t)number * USEC_PER_MS;
    } else if (str_eq(name, STR("least_rate"))) {
        options->limits.least_rate = (unsigned)number;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct http_app app = {.route = route, .handle = handle, .error = error};
    const char *const listen[] = {argc > 1 ? argv[1] : "", NULL};
    struct http_server_options options = {.listen = listen, .app = &app};
    for (int i = 2; i < argc; i++) {
        if (!set(&options, str_from(argv[i]))) {
            (void)fprintf(stderr, "http-echo: %s is not understood\n", argv[i]);
            return 2;
        }
    }
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    struct http_server *server;
    int r = http_server_start(&options, &server);
    if (r < 0) {
        (void)fprintf(stderr, "http-echo: %s: %s\n", listen[0], err_row(r)->text);
        return 1;
    }
    (void)printf("%u\n", http_server_port(server, 0));
    (void)fflush(stdout);
    int number;
    (void)sigwait(&signals, &number);
    http_server_drain(server, PATIENCE_S * USEC_PER_SEC);
    http_server_destroy(server);
    return 0;
}
