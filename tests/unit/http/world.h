/*
 * Two servers for the tests of http: front on loopback, back on a unix socket, both with the same application; a client; raw
 * bytes. Each test program uses its part.
 */
#ifndef UNIT_HTTP_WORLD_H
#define UNIT_HTTP_WORLD_H

#include <sys/socket.h>

#include "base/fd.h"
#include "base/lock.h"
#include "http/http.h"
#include "net/net.h"
#include "unit.h"

#define UNUSED __attribute__((unused))

enum { BIG = 3 * 1024 * 1024 };

static struct http_server *front, *back;
static char back_path[64], front_address[32];
UNUSED static char pipe_path[64]; /* an upstream of the test's own */
static struct lock lock;
static struct lock_cond changed;
static int finished, running, most_running, closed_code;
static bool hold;
UNUSED static struct http_static *world_files; /* below /files, when the program has set it */

static const struct {
    const char *path;
    struct http_route route;
} routes[] = {
    {"/large", {.lane = HTTP_INLINE}},
    {"/inline", {.lane = HTTP_INLINE, .max_body = 100}},
    {"/work", {.lane = HTTP_WORK, .max_body = 1000}},
    {"/hold", {.lane = HTTP_HASH}},
    {"/keyed", {.lane = HTTP_STREAM, .key = 7}},
    {"/outside", {.lane = HTTP_OUTSIDE, .key = 7}},
    {"/echo", {.lane = HTTP_STREAM, .stream_body = true, .max_body = BIG}},
    {"/short", {.lane = HTTP_STREAM}},
    {"/relay", {.lane = HTTP_INLINE, .upgrade = true, .max_body = BIG}},
    {"/nobody", {.lane = HTTP_WORK, .upgrade = true}},
    {"/piped", {.lane = HTTP_INLINE, .upgrade = true}},
    {"/socket", {.lane = HTTP_INLINE, .upgrade = true}},
};

UNUSED static int route(void *ctx, struct http_request *request, struct http_route *ret)
{
    (void)ctx;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (str_eq(request->path, str_from(routes[i].path))) {
            *ret = routes[i].route;
            return 0;
        }
    }
    if (str_starts(request->path, STR("/files/"))) {
        *ret = (struct http_route){.lane = HTTP_STREAM};
        return 0;
    }
    return ERR_NOT_FOUND;
}

UNUSED static void wait_while_held(void)
{
    LOCK_SCOPE(&lock);
    running++;
    most_running = running > most_running ? running : most_running;
    lock_cond_broadcast(&changed);
    while (hold) {
        lock_cond_wait(&changed, &lock);
    }
    running--;
}

/* Reads all, then answers with the same in pieces: a client that sends everything before it reads is served too. */
UNUSED static void echo(struct http_request *request, struct http_response *response)
{
    enum { PIECE = 16 * 1024 };
    BUF_AUTO(all, BIG + PIECE);
    ssize_t n;
    while ((n = http_body_read(request, buf_reserve(&all, PIECE), PIECE)) > 0) {
        buf_commit(&all, (size_t)n);
    }
    if (n < 0) {
        http_status(response, err_row((int)n)->status);
        return;
    }
    assert_int_equal(http_stream(response, request->content_length), 0);
    for (size_t at = 0; at < all.n; at += 9999) {
        if (http_write(response, str_slice(buf_str(&all), at, at + 9999)) < 0) {
            return;
        }
    }
}

UNUSED static void opened(void *ctx, struct http_socket *socket)
{
    (void)ctx;
    assert_int_equal(http_socket_send(socket, true, STR("hello")), 0);
}

UNUSED static void message(void *ctx, struct http_socket *socket, bool text, struct str data)
{
    (void)ctx;
    if (str_eq(data, STR("bye"))) {
        http_socket_close(socket, 1000, STR("bye"));
        return;
    }
    assert_int_equal(http_socket_send(socket, text, data), 0);
}

UNUSED static void writable(void *ctx, struct http_socket *socket)
{
    (void)ctx;
    (void)socket;
}

UNUSED static void closed(void *ctx, struct http_socket *socket, int code)
{
    (void)ctx;
    (void)socket;
    LOCK_SCOPE(&lock);
    closed_code = code;
    lock_cond_broadcast(&changed);
}

UNUSED static void open_socket(struct http_request *request, struct http_response *response)
{
    static const struct http_socket_handler handler = {opened, message, writable, closed};
    if (http_websocket(request, response,
                       &(struct http_socket_options){.handler = &handler, .tag = 9}) < 0) {
        http_status(response, 426);
    }
}

UNUSED static bool pass_in(void *ctx, struct str name, struct str *value)
{
    (void)ctx;
    (void)value;
    return !str_eq_nocase(name, STR("Authorization"));
}

UNUSED static void relay(struct http_request *request, struct http_response *response,
                         const char *to)
{
    BUF_AUTO(upstream, 128);
    buf_printf(&upstream, "unix:%s", to);
    const struct http_relay_options options = {
        .upstream = arena_str(request->arena, buf_str(&upstream)),
        .target = request->query, /* "/relay?/echo" */
        .pass_in = pass_in,
        .tag = 8,
    };
    assert_int_equal(http_relay(request, response, &options), 0);
}

UNUSED static void handle(void *ctx, struct http_request *request, struct http_response *response)
{
    (void)ctx;
    struct str path = request->path;
    if (str_eq(path, STR("/hold")) || str_eq(path, STR("/keyed")) ||
        str_eq(path, STR("/outside"))) {
        wait_while_held();
    }
    if (str_eq(path, STR("/large"))) {
        struct buf *body = http_body_buf(response);
        memset(buf_reserve(body, HTTP_MAX_REPLY), 'x', HTTP_MAX_REPLY);
        buf_commit(body, HTTP_MAX_REPLY);
    } else if (str_starts(path, STR("/files/"))) {
        int r = http_static_serve(world_files, request, response, str_slice(path, 6, path.n));
        if (r < 0) {
            http_status(response, err_row(r)->status);
        }
    } else if (str_eq(path, STR("/echo"))) {
        echo(request, response);
    } else if (str_eq(path, STR("/short"))) {
        assert_int_equal(http_stream(response, 10), 0);
        assert_int_equal(http_write(response, STR("12345")), 0);
    } else if (str_eq(path, STR("/relay"))) {
        relay(request, response, back_path);
    } else if (str_eq(path, STR("/piped"))) {
        relay(request, response, pipe_path);
    } else if (str_eq(path, STR("/nobody"))) {
        relay(request, response, "/nonexistent/socket");
    } else if (str_eq(path, STR("/socket"))) {
        open_socket(request, response);
    } else {
        http_set(response, "X-Auth", http_header(request, "Authorization"));
        buf_printf(http_body_buf(response), STR_FMT ":" STR_FMT, STR_ARG(path),
                   STR_ARG(request->body));
    }
}

UNUSED static void error(void *ctx, struct http_request *request, int code,
                         struct http_response *response)
{
    (void)ctx;
    (void)request;
    http_status(response, err_row(code)->status);
    http_body(response, str_from(err_name(code)));
}

UNUSED static void finish(void *ctx, struct http_request *request,
                          const struct http_outcome *outcome)
{
    (void)ctx;
    (void)request;
    assert_true(outcome->status >= 101);
    LOCK_SCOPE(&lock);
    finished++;
    lock_cond_broadcast(&changed);
}

static const struct http_app app = {
    .route = route, .handle = handle, .error = error, .finish = finish};

UNUSED static struct http_server *start(const char *address, struct http_limits limits)
{
    const char *const listen[] = {address, NULL};
    struct http_server *server;
    limits.threads[HTTP_HASH] = 1;
    limits.queue[HTTP_HASH] = 1;
    assert_int_equal(http_server_start(
                         &(struct http_server_options){
                             .listen = listen, .app = &app, .loops = 2, .limits = limits},
                         &server),
                     0);
    return server;
}

/* Where clients and raw sockets connect to. */
UNUSED static void set_front(const struct http_server *server)
{
    (void)snprintf(front_address, sizeof front_address, "127.0.0.1:%u",
                   http_server_port(server, 0));
}

UNUSED static int set_up(void **state)
{
    (void)state;
    lock_init(&lock, LOCK_TEST);
    lock_cond_init(&changed);
    (void)snprintf(back_path, sizeof back_path, "/tmp/unit-http-%d", (int)getpid());
    BUF_AUTO(address, 128);
    buf_printf(&address, "unix:%s", back_path);
    back = start(buf_z(&address), (struct http_limits){0});
    front = start("127.0.0.1:0", (struct http_limits){.header_time = USEC_PER_SEC,
                                                      .grace = USEC_PER_SEC,
                                                      .least_rate = 1 << 20});
    set_front(front);
    return 0;
}

UNUSED static int tear_down(void **state)
{
    (void)state;
    http_server_drain(front, 5 * USEC_PER_SEC);
    http_server_destroy(front);
    http_server_destroy(back);
    (void)unlink(back_path);
    lock_cond_fini(&changed);
    lock_fini(&lock);
    return 0;
}

UNUSED static struct http_client *client_for(const char *address)
{
    struct http_client *client;
    assert_int_equal(
        http_client_create(&(struct http_client_options){.address = str_from(address)}, &client),
        0);
    return client;
}

/* Status of one call; the body into out. */
UNUSED static int call(struct http_client *client, const struct http_call *what, struct buf *out)
{
    struct http_reply reply;
    int r = http_client_call(client, what, &reply);
    if (r < 0) {
        return r;
    }
    buf_clear(out);
    r = http_client_body(client, out);
    return r < 0 ? r : reply.status;
}

struct source {
    size_t left;
    unsigned char next;
};

UNUSED static ssize_t produce(void *ctx, void *to, size_t n)
{
    struct source *source = ctx;
    n = n < source->left ? n : source->left;
    n = n < 7777 ? n : 7777;
    for (size_t i = 0; i < n; i++) {
        ((unsigned char *)to)[i] = source->next++;
    }
    source->left -= n;
    return (ssize_t)n;
}

UNUSED static void expect_pattern(const struct buf *out, size_t n)
{
    assert_int_equal(out->n, n);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)out->p[i] != (unsigned char)i) {
            fail_msg("byte %zu differs", i);
        }
    }
}

/* Both framings through address and target, larger than all buffers on the way. */
UNUSED static void stream_through(const char *address, struct str target)
{
    struct http_client *client = client_for(address);
    BUF_AUTO(out, BIG);
    for (int chunked = 0; chunked < 2; chunked++) {
        struct source source = {.left = BIG / 2};
        const struct http_call what = {.method = "POST",
                                       .target = target,
                                       .read_body = produce,
                                       .ctx = &source,
                                       .length = chunked ? -1 : BIG / 2};
        int r = call(client, &what, &out);
        assert_int_equal(r, 200);
        expect_pattern(&out, BIG / 2);
    }
    http_client_destroy(client);
}

/* ---- raw bytes ---- */

UNUSED static int raw_connect(void)
{
    struct net_address address;
    int fd;
    assert_int_equal(net_address_parse(str_from(front_address), &address), 0);
    assert_int_equal(net_connect_until(&address, time_monotonic() + USEC_PER_SEC, &fd), 0);
    return fd;
}

UNUSED static void raw_send(int fd, struct str s)
{
    assert_int_equal(send(fd, s.p, s.n, MSG_NOSIGNAL), (ssize_t)s.n);
}

/* Everything until the end, or until `until` stands in it. */
UNUSED static void raw_read(int fd, const char *until, struct buf *out)
{
    for (;;) {
        char *to = buf_reserve(out, 4096);
        assert_non_null(to);
        ssize_t n = recv(fd, to, 4096, 0);
        if (n > 0) {
            buf_commit(out, (size_t)n);
            if (until && memmem(out->p, out->n, until, strlen(until))) {
                return;
            }
        } else if (n < 0 && net_wait(fd, false, time_monotonic() + 10 * USEC_PER_SEC) == 0) {
            continue;
        } else {
            return;
        }
    }
}

UNUSED static void every_request_finishes(void **state)
{
    (void)state;
    struct http_server_stats stats;
    do {
        http_server_read_stats(front, &stats);
    } while (stats.open > 0);
    uint64_t all = stats.requests;
    do {
        http_server_read_stats(back, &stats);
    } while (stats.open > 0);
    LOCK_SCOPE(&lock);
    assert_true((uint64_t)finished >= all + stats.requests);
}

#endif
