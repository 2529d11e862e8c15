#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "net/net.h"
#include "unit.h"

static struct net_loop *loop;
static char order[64];
static size_t count;

static int set_up(void **state)
{
    (void)state;
    memset(order, 0, sizeof order);
    count = 0;
    return net_loop_create(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    net_loop_destroy(loop);
    return 0;
}

struct named_timer {
    struct net_timer timer; /* first */
    char name;
};

static void fired(struct net_timer *timer)
{
    order[count++] = ((struct named_timer *)(void *)timer)->name;
}

static struct named_timer named_timer(char name)
{
    return (struct named_timer){.timer.fire = fired, .name = name};
}

/* Turns until n timers have fired or a minute is over. */
static void turn_until(size_t n)
{
    usec_t end = time_monotonic() + 60 * USEC_PER_SEC;
    while (count < n && time_monotonic() < end) {
        net_loop_turn(loop, 10 * USEC_PER_MS);
    }
}

static void timers_fire_in_order(void **state)
{
    (void)state;
    struct named_timer a = named_timer('a'), b = named_timer('b'), c = named_timer('c');
    usec_t now = time_monotonic();
    net_timer_set(loop, &c.timer, now + 400 * USEC_PER_MS);
    net_timer_set(loop, &a.timer, now + 50 * USEC_PER_MS);
    net_timer_set(loop, &b.timer, now + 200 * USEC_PER_MS);
    turn_until(3);
    assert_string_equal(order, "abc");
    usec_t took = time_monotonic() - now;
    assert_true(took >= 400 * USEC_PER_MS);
    assert_null(a.timer.loop);
}

static void timers_move_and_end(void **state)
{
    (void)state;
    struct named_timer later = named_timer('l'), sooner = named_timer('s'),
                       never = named_timer('n');
    usec_t now = time_monotonic();
    net_timer_set(loop, &later.timer, now + 50 * USEC_PER_MS);
    net_timer_set(loop, &later.timer, now + 500 * USEC_PER_MS);
    net_timer_set(loop, &sooner.timer, now + 3600 * USEC_PER_SEC);
    net_timer_set(loop, &sooner.timer, now + 300 * USEC_PER_MS);
    net_timer_set(loop, &never.timer, now + 100 * USEC_PER_MS);
    net_timer_cancel(&never.timer);
    net_timer_cancel(&never.timer);
    turn_until(2);
    assert_string_equal(order, "sl");
}

/* A wheel's turn is 65 s: deadlines of different turns share a slot. Time is driven here. */
static void timers_of_other_turns_wait(void **state)
{
    (void)state;
    time_test_set(0, 1000 * USEC_PER_SEC);
    struct net_loop *driven;
    assert_int_equal(net_loop_create(&driven), 0);
    enum { MANY = 40 };
    struct named_timer timers[MANY];
    usec_t begin = time_monotonic();
    for (int i = 0; i < MANY; i++) {
        timers[i] = named_timer((char)('0' + i));
        net_timer_set(driven, &timers[i].timer, begin + (i + 1) * 65536 * USEC_PER_MS);
    }
    for (int i = 0; i < MANY; i++) {
        time_test_advance(65536 * USEC_PER_MS - NET_TICK);
        net_loop_turn(driven, 0);
        assert_true(count <= (size_t)i + 1);
        time_test_advance(NET_TICK);
        net_loop_turn(driven, 0);
    }
    time_test_advance(2 * NET_TICK);
    net_loop_turn(driven, 0);
    assert_int_equal(count, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(order[i], '0' + i);
    }
    net_loop_destroy(driven);
    time_test_real();
}

struct numbered {
    struct net_message message; /* first */
    int number;
};

static int last_number, sum;

static void received(struct net_message *m)
{
    int number = ((struct numbered *)(void *)m)->number;
    assert_true(number == last_number + 1);
    last_number = number;
    sum += number;
}

enum { POSTS = 5000 };
static struct numbered posts[POSTS];

static void *post_all(void *unused)
{
    (void)unused;
    for (int i = 0; i < POSTS; i++) {
        posts[i] = (struct numbered){{.run = received}, i};
        net_loop_post(loop, &posts[i].message);
    }
    net_loop_stop(loop);
    return NULL;
}

static void messages_keep_their_order(void **state)
{
    (void)state;
    last_number = -1;
    sum = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post_all, NULL), 0);
    net_loop_run(loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sum, POSTS * (POSTS - 1) / 2);
}

/* Also when nothing was done in between that the kernel could take for an answer. */
static void each_post_wakes(void **state)
{
    (void)state;
    last_number = -1;
    for (int i = 0; i < 4; i++) {
        struct numbered one = {{.run = received}, i};
        net_loop_post(loop, &one.message);
        net_loop_turn(loop, 2 * USEC_PER_SEC);
        assert_int_equal(last_number, i);
    }
}

/* A server that is stopped right after its start: the loop's thread sees the stop first. */
static void posted_before_the_stop_runs(void **state)
{
    (void)state;
    last_number = -1;
    struct numbered only = {{.run = received}, 0};
    net_loop_post(loop, &only.message);
    net_loop_stop(loop);
    net_loop_run(loop);
    assert_int_equal(last_number, 0);
}

struct pair {
    struct net_watch watch; /* first */
    struct net_watch *other;
    int events;
};

static void pair_ready(struct net_watch *w, unsigned what)
{
    struct pair *pair = (struct pair *)(void *)w;
    if (what & NET_READABLE) {
        pair->events++;
        net_watch_end(pair->other);
    }
}

/* Both become ready in one turn; whoever comes first ends the other, whose event must not arrive. */
static void ended_watch_gets_nothing(void **state)
{
    (void)state;
    int fds[2][2];
    struct pair pairs[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds[i]),
                         0);
        pairs[i] = (struct pair){.watch = {.ready = pair_ready, .fd = fds[i][0]},
                                 .other = &pairs[1 - i].watch};
        assert_int_equal(net_watch_start(loop, &pairs[i].watch), 0);
    }
    net_loop_turn(loop, 0); /* writable */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(write(fds[i][1], "x", 1), 1);
    }
    net_loop_turn(loop, USEC_PER_SEC);
    assert_int_equal(pairs[0].events + pairs[1].events, 1);
    for (int i = 0; i < 2; i++) {
        net_watch_end(&pairs[i].watch);
        fd_close(&fds[i][0]);
        fd_close(&fds[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(timers_move_and_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(timers_of_other_turns_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_keep_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_post_wakes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(posted_before_the_stop_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ended_watch_gets_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
