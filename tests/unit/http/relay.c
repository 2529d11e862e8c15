/* Relayed requests and sockets, ours and piped ones. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>

#include "net/net.h"
#include "world.h"

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

static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                                "Upgrade: websocket\r\n\r\n";

enum { BURST = 192 * 1024, BURSTS = 300 };

/* An upstream that switches protocols and then, when it has heard a byte, sends full reads' worth at once. */
static void *burst(void *arg)
{
    int listener = *(int *)arg;
    FD_AUTO int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    static char bytes[BURST];
    char head[4096];
    assert_true(read(fd, head, sizeof head) > 0);
    assert_int_equal(fd_write_all(fd, str_from(switching)), 0);
    for (unsigned i = 0; i < BURSTS; i++) {
        assert_int_equal(read(fd, head, 1), 1);
        assert_int_equal(fd_write_all(fd, str_of(bytes, sizeof bytes)), 0);
    }
    (void)!read(fd, head, 1); /* the end */
    return NULL;
}

enum { FLOOD = 48 * 1024 * 1024 };

static void *flood(void *arg)
{
    FD_AUTO int fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC);
    static char bytes[BURST];
    char head[4096];
    assert_true(read(fd, head, sizeof head) > 0);
    assert_int_equal(fd_write_all(fd, STR("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")), 0);
    for (size_t left = FLOOD; left > 0; left -= sizeof bytes) {
        assert_int_equal(fd_write_all(fd, str_of(bytes, sizeof bytes)), 0);
    }
    return NULL;
}

static void listen_at(int *ret_listener)
{
    (void)snprintf(pipe_path, sizeof pipe_path, "/tmp/unit-http-pipe-%d", (int)getpid());
    struct net_address address;
    BUF_AUTO(text, 128);
    buf_printf(&text, "unix:%s", pipe_path);
    assert_int_equal(net_address_parse(buf_str(&text), &address), 0);
    assert_int_equal(net_listen(&address, false, ret_listener), 0);
    assert_int_equal(fcntl(*ret_listener, F_SETFL, 0), 0);
}

/* An upstream that switches protocols and reads nothing, until it is left. */
static void *deaf(void *arg)
{
    FD_AUTO int fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC);
    char head[4096];
    assert_true(read(fd, head, sizeof head) > 0);
    assert_int_equal(fd_write_all(fd, str_from(switching)), 0);
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    assert_int_equal(poll(&p, 1, 20000), 1);
    return NULL;
}

static void a_pipe_ends_with_its_client(void **state)
{
    (void)state;
    FD_AUTO int listener = -1;
    listen_at(&listener);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, deaf, &listener), 0);
    FD_AUTO int fd = raw_connect();
    BUF_AUTO(out, 4096);
    raw_send(fd, STR(HANDSHAKE("/piped?/x")));
    raw_read(fd, "\r\n\r\n", &out);
    static char bytes[BURST];
    while (net_wait(fd, true, time_monotonic() + USEC_PER_SEC / 2) == 0) {
        assert_true(send(fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT) > 0);
    }
    const struct linger at_once = {.l_onoff = 1}; /* an end that does not wait behind its bytes */
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    fd_close(&fd);
    (void)pthread_join(thread, NULL);
    (void)unlink(pipe_path);
}

static unsigned interims;

/* An upstream that says 103 so many times, as fast as it is taken, before its answer. */
static void *interim(void *arg)
{
    FD_AUTO int fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC);
    char head[4096];
    assert_true(read(fd, head, sizeof head) > 0);
    static const char early[] = "HTTP/1.1 103 Early Hints\r\n\r\n";
    static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
    for (unsigned i = 0; i < interims; i++) {
        if (send(fd, early, sizeof early - 1, MSG_NOSIGNAL) < 0) {
            return NULL;
        }
    }
    (void)send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    return NULL;
}

static void answers_before_the_answer_are_few(void **state)
{
    (void)state;
    static const struct {
        unsigned interims;
        const char *status;
    } cases[] = {{8, " 204 "}, {9, " 502 "}, {1000000000, " 502 "}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FD_AUTO int listener = -1;
        listen_at(&listener);
        interims = cases[i].interims;
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, interim, &listener), 0);
        FD_AUTO int fd = raw_connect();
        BUF_AUTO(out, 4096);
        raw_send(fd, STR("GET /piped?/x HTTP/1.1\r\nHost: a\r\n\r\n"));
        raw_read(fd, cases[i].status, &out);
        assert_non_null(memmem(out.p, out.n, cases[i].status, 5));
        (void)pthread_join(thread, NULL);
        (void)unlink(pipe_path);
    }
}

/* More than a relay moves in one turn of its loop: it gives way and comes back. */
static void a_flood_gives_way_and_arrives(void **state)
{
    (void)state;
    FD_AUTO int listener = -1;
    listen_at(&listener);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, flood, &listener), 0);
    FD_AUTO int fd = raw_connect();
    BUF_AUTO(out, 4096);
    raw_send(fd, STR("GET /piped?/x HTTP/1.1\r\nHost: a\r\n\r\n"));
    size_t got = 0;
    static char bytes[1024 * 1024];
    while (net_wait(fd, false, time_monotonic() + 20 * USEC_PER_SEC) == 0) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0) {
            break;
        }
        got += (size_t)n;
    }
    assert_true(got > FLOOD); /* with its head */
    (void)pthread_join(thread, NULL);
    (void)unlink(pipe_path);
}

/* What was read in one full piece and sent on at once is no reason to wait for the next event: there will be none. */
static void a_pipe_does_not_stall(void **state)
{
    (void)state;
    FD_AUTO int listener = -1;
    listen_at(&listener);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, burst, &listener), 0);
    FD_AUTO int fd = raw_connect();
    BUF_AUTO(out, 4 * BURST);
    raw_send(fd, STR(HANDSHAKE("/piped?/x")));
    raw_read(fd, "\r\n\r\n", &out);
    for (unsigned i = 0; i < BURSTS; i++) {
        raw_send(fd, STR("g"));
        for (size_t left = BURST; left > 0;) {
            char bytes[BURST];
            struct pollfd p = {.fd = fd, .events = POLLIN};
            assert_int_equal(poll(&p, 1, 20000), 1); /* stalled */
            ssize_t n = read(fd, bytes, left);
            assert_true(n > 0);
            left -= (size_t)n;
        }
    }
    fd_close(&fd);
    (void)pthread_join(thread, NULL);
    (void)unlink(pipe_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relayed),
        cmocka_unit_test(sockets),
        cmocka_unit_test(sockets_are_cut),
        cmocka_unit_test(a_pipe_does_not_stall),
        cmocka_unit_test(a_flood_gives_way_and_arrives),
        cmocka_unit_test(answers_before_the_answer_are_few),
        cmocka_unit_test(a_pipe_ends_with_its_client),
        cmocka_unit_test(every_request_finishes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
