/* A stream on a real socket: what cannot be read is asked for again, but not at once. */
#include <stdatomic.h>
#include <sys/socket.h>

#include "auth/world.h"
#include "base/fd.h"
#include "net/net.h"
#include "realtime/realtime.h"
#include "replies.gen.h"
#include "sessions/sessions.h"

static struct data_context ctx;
static struct str session_id;
static struct realtime *rt;
static atomic_bool fails;
static atomic_int asked;

static int tell(struct data_context *reading, struct realtime_entry *entry,
                struct reply_session_events *message)
{
    (void)reading;
    (void)entry;
    atomic_fetch_add(&asked, 1);
    if (atomic_load(&fails)) {
        return ERR_BUSY;
    }
    json_string(message->r.w, STR("told"));
    return 0;
}

static int route(void *unused, struct http_request *req, struct http_route *ret)
{
    (void)unused;
    (void)req;
    *ret = (struct http_route){.lane = HTTP_WORK, .upgrade = true};
    return 0;
}

static void handle(void *unused, struct http_request *req, struct http_response *res)
{
    (void)unused;
    struct realtime_stream *stream;
    const struct realtime_ask ask = {
        .req = req, .res = res, .data = &ctx, .session_id = session_id};
    assert_int_equal(realtime_open(rt, &ask, &stream), 0);
    req->user = stream;
}

static void answer_error(void *unused, struct http_request *req, int code,
                         struct http_response *res)
{
    (void)unused;
    (void)req;
    http_status(res, err_row(code)->status);
}

static void finish(void *unused, struct http_request *req, const struct http_outcome *outcome)
{
    (void)unused;
    (void)outcome;
    realtime_ended(req->user);
}

static struct http_server *serve(void)
{
    static const struct http_app app = {
        .route = route, .handle = handle, .error = answer_error, .finish = finish};
    static const char *const listen[] = {"127.0.0.1:0", NULL};
    struct http_server *server;
    assert_int_equal(
        http_server_start(&(struct http_server_options){.listen = listen, .app = &app, .loops = 1},
                          &server),
        0);
    return server;
}

static int connect_to(const struct http_server *server)
{
    static const char handshake[] =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    BUF_AUTO(text, 64);
    buf_printf(&text, "127.0.0.1:%u", http_server_port(server, 0));
    struct net_address address;
    int fd;
    assert_int_equal(net_address_parse(buf_str(&text), &address), 0);
    assert_int_equal(net_connect_until(&address, time_monotonic() + USEC_PER_SEC, &fd), 0);
    assert_int_equal(send(fd, handshake, sizeof handshake - 1, MSG_NOSIGNAL), sizeof handshake - 1);
    return fd;
}

/* Whether text comes within that time. */
static bool comes(int fd, const char *text, usec_t patience)
{
    BUF_AUTO(out, 64 * 1024);
    usec_t deadline = time_monotonic() + patience;
    while (net_wait(fd, false, deadline) == 0) {
        ssize_t n = recv(fd, buf_reserve(&out, 4096), 4096, 0);
        assert_true(n > 0);
        buf_commit(&out, (size_t)n);
        if (memmem(out.p, out.n, text, strlen(text))) {
            return true;
        }
    }
    return false;
}

static int happen_fn(struct txn *txn, void *unused)
{
    (void)unused;
    data_event(txn, &ctx.scope, &(struct data_event){.kind = "e.1", .session_id = session_id});
    return 0;
}

static void a_failure_is_waited_for(void **state)
{
    (void)state;
    static struct people p;
    people_init(&p, "memory", NULL);
    static const struct sessions_create_input in = {.name = {"A", 1}};
    struct sessions_view view;
    time_test_real(); /* servers wait on real sockets */
    ctx = people_request_of(&p, "ada@example.com");
    assert_int_equal(sessions_create(&ctx, &in, &view), 0);
    session_id = view.session.id;
    rt = realtime_create(
        &(struct realtime_options){.store = p.w.store, .auth = p.auth, .tell = tell});
    struct http_server *server = serve();
    FD_AUTO int fd = connect_to(server);
    assert_true(comes(fd, "ready", 10 * USEC_PER_SEC));

    atomic_store(&fails, true);
    struct store_op op = store_op_new();
    assert_int_equal(store_write(p.w.store, &op, happen_fn, NULL), 0);
    assert_false(comes(fd, "told", 1500 * USEC_PER_MS));
    assert_in_range(atomic_load(&asked), 1, 3);
    atomic_store(&fails, false);
    assert_true(comes(fd, "told", 10 * USEC_PER_SEC));

    fd_close(&fd);
    http_server_drain(server, 5 * USEC_PER_SEC);
    http_server_destroy(server);
    realtime_destroy(rt);
    people_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
