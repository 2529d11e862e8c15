/* A whole server on loopback, its lanes, streams, relay and sockets, driven by our own client and by raw bytes. */
#include <sys/socket.h>

#include "base/fd.h"
#include "base/lock.h"
#include "http/http.h"
#include "net/net.h"
#include "unit.h"

enum { BIG = 3 * 1024 * 1024 };

static struct http_server *front, *back;
static char back_path[64], front_address[32];
static struct lock lock;
static struct lock_cond changed;
static int finished, running, most_running, closed_code;
static bool hold;

static const struct {
    const char *path;
    struct http_route route;
} routes[] = {
    {"/inline", {.lane = HTTP_INLINE, .max_body = 100}},
    {"/work", {.lane = HTTP_WORK, .max_body = 1000}},
    {"/hold", {.lane = HTTP_HASH}},
    {"/keyed", {.lane = HTTP_STREAM, .key = 7}},
    {"/echo", {.lane = HTTP_STREAM, .stream_body = true, .max_body = BIG}},
    {"/short", {.lane = HTTP_STREAM}},
    {"/relay", {.lane = HTTP_INLINE, .upgrade = true, .max_body = BIG}},
    {"/nobody", {.lane = HTTP_WORK, .upgrade = true}},
    {"/socket", {.lane = HTTP_INLINE, .upgrade = true}},
};

static int route(void *ctx, struct http_request *request, struct http_route *ret)
{
    (void)ctx;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (str_eq(request->path, str_from(routes[i].path))) {
            *ret = routes[i].route;
            return 0;
        }
    }
    return ERR_NOT_FOUND;
}

static void wait_while_held(void)
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
static void echo(struct http_request *request, struct http_response *response)
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

static void opened(void *ctx, struct http_socket *socket)
{
    (void)ctx;
    assert_int_equal(http_socket_send(socket, true, STR("hello")), 0);
}

static void message(void *ctx, struct http_socket *socket, bool text, struct str data)
{
    (void)ctx;
    if (str_eq(data, STR("bye"))) {
        http_socket_close(socket, 1000, STR("bye"));
        return;
    }
    assert_int_equal(http_socket_send(socket, text, data), 0);
}

static void writable(void *ctx, struct http_socket *socket)
{
    (void)ctx;
    (void)socket;
}

static void closed(void *ctx, struct http_socket *socket, int code)
{
    (void)ctx;
    (void)socket;
    LOCK_SCOPE(&lock);
    closed_code = code;
    lock_cond_broadcast(&changed);
}

static void open_socket(struct http_request *request, struct http_response *response)
{
    static const struct http_socket_handler handler = {opened, message, writable, closed};
    if (http_websocket(request, response,
                       &(struct http_socket_options){.handler = &handler, .tag = 9}) < 0) {
        http_status(response, 426);
    }
}

static bool pass_in(void *ctx, struct str name, struct str *value)
{
    (void)ctx;
    (void)value;
    return !str_eq_nocase(name, STR("Authorization"));
}

static void relay(struct http_request *request, struct http_response *response, const char *to)
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

static void handle(void *ctx, struct http_request *request, struct http_response *response)
{
    (void)ctx;
    struct str path = request->path;
    if (str_eq(path, STR("/hold")) || str_eq(path, STR("/keyed"))) {
        wait_while_held();
    }
    if (str_eq(path, STR("/echo"))) {
        echo(request, response);
    } else if (str_eq(path, STR("/short"))) {
        assert_int_equal(http_stream(response, 10), 0);
        assert_int_equal(http_write(response, STR("12345")), 0);
    } else if (str_eq(path, STR("/relay"))) {
        relay(request, response, back_path);
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

static void error(void *ctx, struct http_request *request, int code, struct http_response *response)
{
    (void)ctx;
    (void)request;
    http_status(response, err_row(code)->status);
    http_body(response, str_from(err_name(code)));
}

static void finish(void *ctx, struct http_request *request, const struct http_outcome *outcome)
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

static struct http_server *start(const char *address, struct http_limits limits)
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

static int set_up(void **state)
{
    (void)state;
    lock_init(&lock, LOCK_TEST);
    lock_cond_init(&changed);
    (void)snprintf(back_path, sizeof back_path, "/tmp/unit-http-%d", (int)getpid());
    BUF_AUTO(address, 128);
    buf_printf(&address, "unix:%s", back_path);
    back = start(buf_z(&address), (struct http_limits){0});
    front =
        start("127.0.0.1:0",
              (struct http_limits){.header_time = 300000, .grace = 300000, .least_rate = 1 << 20});
    (void)snprintf(front_address, sizeof front_address, "127.0.0.1:%u", http_server_port(front, 0));
    return 0;
}

static int tear_down(void **state)
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

static struct http_client *client_for(const char *address)
{
    struct http_client *client;
    assert_int_equal(
        http_client_create(&(struct http_client_options){.address = str_from(address)}, &client),
        0);
    return client;
}

/* Status of one call; the body into out. */
static int call(struct http_client *client, const struct http_call *what, struct buf *out)
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

static void requests(void **state)
{
    (void)state;
    struct http_client *client = client_for(front_address);
    BUF_AUTO(out, BIG);
    assert_int_equal(
        call(client, &(struct http_call){.method = "GET", .target = STR("/inline")}, &out), 200);
    assert_str(buf_str(&out), "/inline:");
    assert_int_equal(
        call(client,
             &(struct http_call){.method = "POST", .target = STR("/work"), .body = STR("abc")},
             &out),
        200);
    assert_str(buf_str(&out), "/work:abc");
    assert_int_equal(
        call(client, &(struct http_call){.method = "HEAD", .target = STR("/work")}, &out), 200);
    assert_int_equal(out.n, 0);
    assert_int_equal(
        call(client,
             &(struct http_call){.method = "POST", .target = STR("/none"), .body = STR("abc")},
             &out),
        404);
    assert_str(buf_str(&out), "not_found");
    http_client_destroy(client);
    struct http_server_stats stats;
    http_server_read_stats(front, &stats);
    assert_int_equal(stats.connections, 1);
    assert_int_equal(stats.lanes[HTTP_WORK].started, 2);
}

struct source {
    size_t left;
    unsigned char next;
};

static ssize_t produce(void *ctx, void *to, size_t n)
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

static void expect_pattern(const struct buf *out, size_t n)
{
    assert_int_equal(out->n, n);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)out->p[i] != (unsigned char)i) {
            fail_msg("byte %zu differs", i);
        }
    }
}

/* Both framings through address and target, larger than all buffers on the way. */
static void stream_through(const char *address, struct str target)
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

static void streams(void **state)
{
    (void)state;
    stream_through(front_address, STR("/echo"));
}

static void relayed(void **state)
{
    (void)state;
    stream_through(front_address, STR("/relay?/echo"));
    struct http_client *client = client_for(front_address);
    BUF_AUTO(out, 1000);
    const struct http_header secret = {STR("Authorization"), STR("x")};
    struct http_reply reply;
    assert_int_equal(http_client_call(client,
                                      &(struct http_call){.method = "GET",
                                                          .target = STR("/relay?/work"),
                                                          .headers = &secret,
                                                          .header_count = 1},
                                      &reply),
                     0);
    assert_str(http_reply_header(&reply, "X-Auth"), "");
    assert_int_equal(http_client_body(client, &out), 0);
    assert_str(buf_str(&out), "/work:");
    assert_int_equal(
        call(client, &(struct http_call){.method = "HEAD", .target = STR("/relay?/work")}, &out),
        200);
    assert_int_equal(
        call(client, &(struct http_call){.method = "GET", .target = STR("/relay?/none")}, &out),
        404);
    assert_int_equal(
        call(client, &(struct http_call){.method = "GET", .target = STR("/nobody")}, &out), 502);
    assert_str(buf_str(&out), "bad_gateway");
    assert_int_equal(
        call(client, &(struct http_call){.method = "GET", .target = STR("/relay?/short")}, &out),
        ERR_IO);
    http_client_destroy(client);
}

static void cut_answers(void **state)
{
    (void)state;
    struct http_client *client = client_for(front_address);
    BUF_AUTO(out, 1000);
    assert_int_equal(
        call(client, &(struct http_call){.method = "GET", .target = STR("/short")}, &out), ERR_IO);
    assert_int_equal(call(client,
                          &(struct http_call){.method = "POST",
                                              .target = STR("/work"),
                                              .body = str_of(back_path, sizeof back_path)},
                          &out),
                     200);
    struct source source = {.left = BIG + 1};
    int r = call(client,
                 &(struct http_call){.method = "POST",
                                     .target = STR("/echo"),
                                     .read_body = produce,
                                     .ctx = &source,
                                     .length = BIG + 1},
                 &out);
    assert_true(r == 413 || r == ERR_IO);
    http_client_destroy(client);
}

/* ---- raw bytes ---- */

static int raw_connect(void)
{
    struct net_address address;
    int fd;
    assert_int_equal(net_address_parse(str_from(front_address), &address), 0);
    assert_int_equal(net_connect_until(&address, time_monotonic() + USEC_PER_SEC, &fd), 0);
    return fd;
}

static void raw_send(int fd, struct str s)
{
    assert_int_equal(send(fd, s.p, s.n, MSG_NOSIGNAL), (ssize_t)s.n);
}

/* Everything until the end, or until `until` stands in it. */
static void raw_read(int fd, const char *until, struct buf *out)
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

#define HANDSHAKE(target) \
    "GET " target " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void talk(struct str handshake)
{
    FD_AUTO int fd = raw_connect();
    BUF_AUTO(out, 64 * 1024);
    raw_send(fd, handshake);
    raw_read(fd, "hello", &out);
    assert_non_null(
        memmem(out.p, out.n, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28)); /* RFC 6455 section 1.3 */
    raw_send(fd, STR("\x81\x83\0\0\0\0"
                     "abc"));
    raw_read(fd, "abc", &out);
    raw_send(fd, STR("\x89\x82\0\0\0\0"
                     "pi"));
    raw_read(fd, "\x8a\x02pi", &out);
    raw_send(fd, STR("\x81\x83\0\0\0\0"
                     "bye"));
    raw_read(fd,
             "\x88\x05\x03\xe8"
             "bye",
             &out);
    raw_send(fd, STR("\x88\x82\0\0\0\0\x03\xe8"));
    raw_read(fd, NULL, &out); /* to the end */
    LOCK_SCOPE(&lock);
    while (closed_code == 0) {
        lock_cond_wait(&changed, &lock);
    }
    assert_int_equal(closed_code, 1000);
    closed_code = 0;
}

static void sockets(void **state)
{
    (void)state;
    talk(STR(HANDSHAKE("/socket")));
    talk(STR(HANDSHAKE("/relay?/socket")));
    FD_AUTO int fd = raw_connect();
    BUF_AUTO(out, 64 * 1024);
    raw_send(fd, STR("GET /socket HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    raw_read(fd, NULL, &out);
    assert_non_null(memmem(out.p, out.n, " 426 ", 5));
}

static void sockets_are_cut(void **state)
{
    (void)state;
    BUF_AUTO(out, 64 * 1024);
    FD_AUTO int own = raw_connect();
    raw_send(own, STR(HANDSHAKE("/socket")));
    raw_read(own, "hello", &out);
    http_server_cut(front, 9);
    raw_read(own, "\x88\x02\x03\xe9", &out); /* 1001 */
    fd_close(&own);
    FD_AUTO int piped = raw_connect();
    buf_clear(&out);
    raw_send(piped, STR(HANDSHAKE("/relay?/socket")));
    raw_read(piped, "hello", &out);
    http_server_cut(front, 8);
    raw_read(piped, NULL, &out);
    LOCK_SCOPE(&lock);
    closed_code = 0;
}

static void deadlines(void **state)
{
    (void)state;
    BUF_AUTO(out, 64 * 1024);
    FD_AUTO int head = raw_connect();
    FD_AUTO int body = raw_connect();
    FD_AUTO int stream = raw_connect();
    raw_send(head, STR("GET /inline HTTP/1.1\r\nHost:"));
    raw_send(body, STR("POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"));
    raw_send(stream, STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"));
    raw_read(head, NULL, &out);
    assert_non_null(memmem(out.p, out.n, " 408 ", 5));
    buf_clear(&out);
    raw_read(body, NULL, &out);
    assert_non_null(memmem(out.p, out.n, " 408 ", 5));
    buf_clear(&out);
    raw_read(stream, NULL, &out);
    assert_non_null(memmem(out.p, out.n, " 408 ", 5));
}

static void wait_until_running(int count)
{
    LOCK_SCOPE(&lock);
    while (running < count) {
        lock_cond_wait(&changed, &lock);
    }
}

static void set_hold(bool on)
{
    LOCK_SCOPE(&lock);
    hold = on;
    most_running = 0;
    lock_cond_broadcast(&changed);
}

static void wait_for_waiting(enum http_lane lane, unsigned count)
{
    struct http_server_stats stats;
    do {
        http_server_read_stats(front, &stats);
    } while (stats.lanes[lane].waiting < count);
}

/* One runs, one waits, the third is refused; other lanes do not notice. */
static void full_lane(void **state)
{
    (void)state;
    set_hold(true);
    int fds[3];
    BUF_AUTO(out, 64 * 1024);
    for (int i = 0; i < 3; i++) {
        fds[i] = raw_connect();
        raw_send(fds[i], STR("GET /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        if (i == 0) {
            wait_until_running(1);
        } else if (i == 1) {
            wait_for_waiting(HTTP_HASH, 1);
        }
    }
    raw_read(fds[2], NULL, &out);
    assert_non_null(memmem(out.p, out.n, " 503 ", 5));
    FD_AUTO int other = raw_connect();
    raw_send(other, STR("GET /work HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    raw_read(other, "/work:", &out);
    set_hold(false);
    for (int i = 0; i < 3; i++) {
        buf_clear(&out);
        raw_read(fds[i], NULL, &out);
        fd_close(&fds[i]);
    }
}

/* At most four of one key at once, the rest wait their turn. */
static void fair_lane(void **state)
{
    (void)state;
    enum { MANY = 9 };
    set_hold(true);
    int fds[MANY];
    for (int i = 0; i < MANY; i++) {
        fds[i] = raw_connect();
        raw_send(fds[i], STR("GET /keyed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    }
    wait_until_running(4);
    wait_for_waiting(HTTP_STREAM, MANY - 4);
    {
        LOCK_SCOPE(&lock);
        assert_int_equal(running, 4);
    }
    set_hold(false);
    for (int i = 0; i < MANY; i++) {
        BUF_AUTO(out, 64 * 1024);
        raw_read(fds[i], NULL, &out);
        assert_non_null(memmem(out.p, out.n, " 200 ", 5));
        fd_close(&fds[i]);
    }
    LOCK_SCOPE(&lock);
    assert_true(most_running <= 4);
}

static void limits_of_addresses(void **state)
{
    (void)state;
    struct http_server *server =
        start("127.0.0.1:0", (struct http_limits){.per_address = 2, .per_loopback = true});
    char kept[32];
    memcpy(kept, front_address, sizeof kept);
    (void)snprintf(front_address, sizeof front_address, "127.0.0.1:%u",
                   http_server_port(server, 0));
    BUF_AUTO(out, 64 * 1024);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = raw_connect();
        raw_send(fds[i], STR("GET /inline HTTP/1.1\r\nHost: a\r\n\r\n"));
        buf_clear(&out);
        raw_read(fds[i], i < 2 ? "/inline:" : " 503 ", &out);
        assert_non_null(memmem(out.p, out.n, i < 2 ? " 200 " : " 503 ", 5));
    }
    for (int i = 0; i < 3; i++) {
        fd_close(&fds[i]);
    }
    http_server_destroy(server);
    memcpy(front_address, kept, sizeof kept);
}

static void every_request_finishes(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(streams),
        cmocka_unit_test(relayed),
        cmocka_unit_test(cut_answers),
        cmocka_unit_test(sockets),
        cmocka_unit_test(sockets_are_cut),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(full_lane),
        cmocka_unit_test(fair_lane),
        cmocka_unit_test(limits_of_addresses),
        cmocka_unit_test(every_request_finishes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
