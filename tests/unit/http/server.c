/* A whole server on loopback: requests, streams, deadlines, lanes, limits. */
#include <poll.h>
#include <pthread.h>

#include "world.h"

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

static void streams(void **state)
{
    (void)state;
    stream_through(front_address, STR("/echo"));
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

/* Takes the answer steadily, but at a quarter of the least rate: it is cut, however often the socket had room in between. */
static void slow_reader(void **state)
{
    (void)state;
    const struct http_limits limits = {.grace = 300 * USEC_PER_MS, .least_rate = 8 << 20};
    struct http_server *server = start("127.0.0.1:0", limits);
    set_front(server);
    FD_AUTO int fd = raw_connect();
    set_front(front);
    raw_send(fd, STR("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
    char some[40 * 1024];
    struct http_server_stats stats;
    usec_t end = time_monotonic() + 10 * USEC_PER_SEC;
    do { /* until the server has let go of it */
        (void)!recv(fd, some, sizeof some, 0);
        (void)poll(NULL, 0, 20);
        http_server_read_stats(server, &stats);
    } while (stats.open > 0 && time_monotonic() < end);
    assert_int_equal(stats.open, 0); /* an answer that was complete would leave it open */
    http_server_destroy(server);
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

/* The next request comes while a thread has the connection: nothing will say so again. */
static void next_comes_meanwhile(void **state)
{
    (void)state;
    FD_AUTO int fd = raw_connect();
    BUF_AUTO(out, 64 * 1024);
    for (int i = 0; i < 3; i++) {
        set_hold(true);
        raw_send(fd, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
        wait_until_running(1);
        raw_send(fd, STR("GET /work HTTP/1.1\r\nHost: a\r\n\r\n"));
        (void)poll(NULL, 0, 20); /* the loop sees it */
        set_hold(false);
        buf_clear(&out);
        raw_read(fd, "/work:", &out);
        assert_non_null(memmem(out.p, out.n, "/hold", 5));
        assert_non_null(memmem(out.p, out.n, "/work:", 6));
    }
}

/* At most four of one key at once, the rest wait their turn. */
static void be_fair(const char *path, enum http_lane lane)
{
    enum { MANY = 9 };
    set_hold(true);
    int fds[MANY];
    for (int i = 0; i < MANY; i++) {
        fds[i] = raw_connect();
        BUF_AUTO(head, 256);
        buf_printf(&head, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);
        raw_send(fds[i], buf_str(&head));
    }
    wait_until_running(4);
    wait_for_waiting(lane, MANY - 4);
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

static void fair_lane(void **state)
{
    (void)state;
    be_fair("/keyed", HTTP_STREAM);
    be_fair("/outside", HTTP_OUTSIDE);
}

static void limits_of_addresses(void **state)
{
    (void)state;
    struct http_server *server =
        start("127.0.0.1:0", (struct http_limits){.per_address = 2, .per_loopback = true});
    set_front(server);
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
    set_front(front);
}

/* Polls until one of the sockets has something to say. */
static int first_readable(const int *fds, int count)
{
    struct pollfd polled[8];
    for (int i = 0; i < count; i++) {
        polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    }
    assert_true(poll(polled, (nfds_t)count, 10000) > 0);
    for (int i = 0; i < count; i++) {
        if (polled[i].revents != 0) {
            return i;
        }
    }
    return -1;
}

/* Room for two bodies: whichever of three comes last is refused, and their room is given back when they are done. */
static void bodies_in_memory(void **state)
{
    (void)state;
    enum { COUNT = 3, BODY = 1000, SENT = 900 };
    struct http_server *server =
        start("127.0.0.1:0", (struct http_limits){.buffered_bodies = 2 * BODY + 500});
    set_front(server);
    BUF_AUTO(out, 64 * 1024);
    char part[BODY];
    memset(part, 'x', sizeof part);
    for (int round = 0; round < 2; round++) {
        int fds[COUNT];
        for (int i = 0; i < COUNT; i++) {
            fds[i] = raw_connect();
            raw_send(fds[i], STR("POST /work HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                 "Content-Length: 1000\r\n\r\n"));
            raw_send(fds[i], str_of(part, SENT));
        }
        int refused = first_readable(fds, COUNT);
        for (int i = 0; i < COUNT; i++) {
            if (i != refused) {
                raw_send(fds[i], str_of(part, BODY - SENT));
            }
            buf_clear(&out);
            raw_read(fds[i], NULL, &out);
            assert_non_null(memmem(out.p, out.n, i == refused ? " 503 " : " 200 ", 5));
            fd_close(&fds[i]);
        }
    }
    http_server_destroy(server);
    set_front(front);
}

struct draining {
    struct http_server *server;
    usec_t patience;
    usec_t took; /* result */
};

static void *drain(void *ctx)
{
    struct draining *d = ctx;
    usec_t begin = time_monotonic();
    http_server_drain(d->server, d->patience);
    d->took = time_monotonic() - begin;
    return NULL;
}

static void expect_end(int fd)
{
    BUF_AUTO(out, 8192);
    raw_read(fd, NULL, &out);
    assert_int_equal(out.n, 0);
}

/* Each loop ends its listening by itself. */
static void expect_refused(void)
{
    struct net_address address;
    assert_int_equal(net_address_parse(str_from(front_address), &address), 0);
    usec_t end = time_monotonic() + 10 * USEC_PER_SEC;
    int fd;
    while (net_connect_until(&address, end, &fd) == 0) {
        fd_close(&fd);
        assert_true(time_monotonic() < end);
    }
}

/* What a server does at SIGTERM: no new connection, idle ones end, requests on their way are answered. */
static void draining(void **state)
{
    (void)state;
    struct draining d = {.server = start("127.0.0.1:0", (struct http_limits){0}),
                         .patience = 60 * USEC_PER_SEC};
    set_front(d.server);
    BUF_AUTO(out, 64 * 1024);
    FD_AUTO int idle = raw_connect();
    raw_send(idle, STR("GET /inline HTTP/1.1\r\nHost: a\r\n\r\n"));
    raw_read(idle, "/inline:", &out);
    set_hold(true);
    FD_AUTO int handled = raw_connect();
    raw_send(handled, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    wait_until_running(1);
    FD_AUTO int body = raw_connect();
    raw_send(body, STR("POST /work HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                       "Content-Length: 10\r\n\r\n"));
    raw_read(body, "100 Continue", &out);

    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, drain, &d), 0);
    expect_end(idle);
    expect_refused();
    raw_send(body, STR("0123456789"));
    buf_clear(&out);
    raw_read(body, NULL, &out);
    assert_non_null(memmem(out.p, out.n, "/work:0123456789", 16));
    set_hold(false);
    buf_clear(&out);
    raw_read(handled, NULL, &out);
    assert_non_null(memmem(out.p, out.n, " 200 ", 5));
    assert_non_null(memmem(out.p, out.n, "Connection: close", 17));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(d.took < d.patience / 2);
    http_server_destroy(d.server);
    set_front(front);
}

/* A request that does not end is not waited for longer than the server's patience. */
static void impatience(void **state)
{
    (void)state;
    struct draining d = {.server = start("127.0.0.1:0", (struct http_limits){0}),
                         .patience = 50 * USEC_PER_MS};
    set_front(d.server);
    set_hold(true);
    FD_AUTO int held = raw_connect();
    raw_send(held, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    wait_until_running(1);
    (void)drain(&d);
    assert_true(d.took >= d.patience && d.took < 10 * USEC_PER_SEC);
    set_hold(false);
    http_server_destroy(d.server);
    set_front(front);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(streams),
        cmocka_unit_test(cut_answers),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(slow_reader),
        cmocka_unit_test(full_lane),
        cmocka_unit_test(fair_lane),
        cmocka_unit_test(limits_of_addresses),
        cmocka_unit_test(bodies_in_memory),
        cmocka_unit_test(draining),
        cmocka_unit_test(impatience),
        cmocka_unit_test(every_request_finishes),
        cmocka_unit_test(next_comes_meanwhile),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
