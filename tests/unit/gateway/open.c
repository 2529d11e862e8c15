/* What is open ends when its right has ended: sockets whose login, session or generation is gone, within five seconds. */
#include "world.h"

enum { LATEST = 5 };

/* A socket of the resident's IDE that is open and quiet. */
static int open_socket(struct stand *s, const struct resident *r)
{
    const struct asked a = {
        .host = host_of(s, r),
        .path = "/socket",
        .pass = pass_of(s, r),
        .headers = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"};
    int fd = stand_connect(s->address);
    stand_send(s, fd, &a);
    assert_true(stand_read(fd, "hello", 10 * USEC_PER_SEC));
    assert_true(says("HTTP/1.1 101 "));
    return fd;
}

/* Begins the thread, does what ends Ada's right, and expects her sockets, and only hers, to end in time. */
static void ends(struct stand *s, void (*what)(struct stand *s))
{
    assert_int_equal(gateway_start(s->gateway, s->front, s->paths), 0);
    FD_AUTO int hers = open_socket(s, &s->ada);
    FD_AUTO int second = open_socket(s, &s->ada);
    FD_AUTO int other = open_socket(s, &s->eve);
    what(s);
    usec_t begin = time_monotonic();
    assert_true(stand_read(hers, NULL, LATEST * USEC_PER_SEC));
    assert_true(stand_read(second, NULL, LATEST * USEC_PER_SEC));
    assert_true(time_monotonic() - begin < LATEST * USEC_PER_SEC);
    char byte;
    assert_int_equal(recv(other, &byte, 1, MSG_DONTWAIT), -1); /* open and quiet */
    struct asked again = {.host = host_of(s, &s->ada), .path = "/", .pass = pass_of(s, &s->ada)};
    assert_int_equal(ask(s, &again), 401);
}

static void log_out(struct stand *s)
{
    assert_int_equal(auth_logout(s->p.auth, &s->ada.ctx, false), 0);
}

static void pause_session(struct stand *s)
{
    struct sessions_view view;
    assert_int_equal(sessions_pause(&s->ada.ctx, s->ada.session, &view), 0);
}

static void delete_session(struct stand *s)
{
    struct sessions_view view;
    assert_int_equal(sessions_delete(&s->ada.ctx, s->ada.session, 0, &view), 0);
}

static void start_again(struct stand *s)
{
    struct sessions_view view;
    pause_session(s);
    assert_int_equal(sessions_open(&s->ada.ctx, s->ada.session, &view), 0);
}

static void by_logout(void **state)
{
    ends(*state, log_out);
}

static void by_pause(void **state)
{
    ends(*state, pause_session);
}

static void by_deletion(void **state)
{
    ends(*state, delete_session);
}

static void by_a_new_generation(void **state)
{
    ends(*state, start_again);
    struct stand *s = *state;
    s->ada.visit.generation++;
    struct asked again = {.host = host_of(s, &s->ada), .path = "/", .pass = pass_of(s, &s->ada)};
    assert_int_equal(ask(s, &again), 200);
}

/* One visit for all requests of a cookie, gone with the last of them. */
static void what_is_listed(void **state)
{
    struct stand *s = *state;
    struct gateway *g = s->gateway;
    g->opens.servers[0] = s->front;
    assert_int_equal(map_count(g->opens.by_pass), 0);
    struct gateway_open *one, *two, *other;
    assert_int_equal(gateway_open_begin(g, &s->ada.visit, false, &one), 0);
    assert_int_equal(gateway_open_begin(g, &s->ada.visit, false, &two), 0);
    assert_int_equal(gateway_open_begin(g, &s->eve.visit, false, &other), 0);
    assert_ptr_equal(one, two);
    assert_ptr_not_equal(one, other);
    assert_true(one->tag != other->tag && one->tag != 0 && other->tag != 0);
    assert_int_equal(gateway_open_round(g), 0);
    log_out(s);
    assert_int_equal(gateway_open_round(g), 1);
    assert_int_equal(gateway_open_round(g), 1); /* again, as long as it is there */
    gateway_open_end(g, one, false);
    assert_int_equal(map_count(g->opens.by_pass), 2);
    gateway_open_end(g, two, false);
    gateway_open_end(g, other, false);
    assert_int_equal(map_count(g->opens.by_pass), 0);
}

/* Of a person, whatever their sessions; what is no socket is not counted, and one that ends makes room. */
static void sockets_have_an_end(void **state)
{
    struct stand *s = *state;
    struct gateway *g = s->gateway;
    struct auth_visit second = s->ada.visit;
    second.generation++;
    struct gateway_open *opens[GATEWAY_SOCKETS], *other, *page;
    for (size_t i = 0; i < GATEWAY_SOCKETS; i++) {
        const struct auth_visit *visit = i % 2 ? &second : &s->ada.visit;
        assert_int_equal(gateway_open_begin(g, visit, true, &opens[i]), 0);
    }
    assert_int_equal(gateway_open_begin(g, &second, true, &other), ERR_LIMIT);
    assert_int_equal(gateway_open_begin(g, &s->eve.visit, true, &other), 0);
    assert_int_equal(gateway_open_begin(g, &s->ada.visit, false, &page), 0);
    gateway_open_end(g, page, false);
    gateway_open_end(g, other, true);

    struct gateway_socket terminal = {.visit = second, .target = STR("/terminals/x")};
    assert_int_equal(gateway_socket_relay(g, NULL, NULL, &terminal), ERR_LIMIT);
    assert_null(terminal.open);
    struct asked ide = {.host = host_of(s, &s->ada),
                        .path = "/socket",
                        .pass = pass_of(s, &s->ada),
                        .headers = "Upgrade: websocket\r\n"};
    assert_int_equal(ask(s, &ide), 409);
    assert_true(says("256 sockets of yours are open already"));

    gateway_open_end(g, opens[0], true);
    assert_int_equal(gateway_open_begin(g, &second, true, &opens[0]), 0);
    for (size_t i = 0; i < GATEWAY_SOCKETS; i++) {
        gateway_open_end(g, opens[i], true);
    }
    assert_int_equal(map_count(g->opens.by_pass), 0);
}

#define STAND(name) cmocka_unit_test_setup_teardown(name, stand_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAND(what_is_listed), STAND(sockets_have_an_end), STAND(by_logout),
        STAND(by_pause),       STAND(by_deletion),         STAND(by_a_new_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
