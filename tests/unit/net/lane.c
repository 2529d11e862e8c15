#include <poll.h>

#include "base/lock.h"
#include "net/net.h"
#include "unit.h"

static struct lock lock;
static struct lock_cond changed;
static int running, most, done;
static bool hold;
static char order[32];

static int set_up(void **state)
{
    (void)state;
    lock_init(&lock, LOCK_TEST);
    lock_cond_init(&changed);
    running = most = done = 0;
    hold = true;
    memset(order, 0, sizeof order);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lock_cond_fini(&changed);
    lock_fini(&lock);
    return 0;
}

struct named_job {
    struct net_job job; /* first */
    char name;
};

static void run(struct net_job *job)
{
    LOCK_SCOPE(&lock);
    running++;
    most = running > most ? running : most;
    lock_cond_broadcast(&changed);
    while (hold) {
        lock_cond_wait(&changed, &lock);
    }
    order[done++] = ((struct named_job *)(void *)job)->name;
    running--;
    lock_cond_broadcast(&changed);
}

static struct named_job job_of(char name, uint64_t key)
{
    return (struct named_job){{.run = run, .key = key}, name};
}

static void wait_for_running(int n)
{
    LOCK_SCOPE(&lock);
    while (running < n) {
        lock_cond_wait(&changed, &lock);
    }
}

static void let_go(void)
{
    LOCK_SCOPE(&lock);
    hold = false;
    lock_cond_broadcast(&changed);
}

static struct net_lane *lane_of(unsigned threads, unsigned queue, unsigned per_key)
{
    return net_lane_create(&(struct net_lane_options){.name = "test",
                                                      .threads = threads,
                                                      .queue = queue,
                                                      .per_key = per_key,
                                                      .per_key_queue = per_key ? 3 : 0,
                                                      .stack = 256 * 1024});
}

static void queue_is_bounded(void **state)
{
    (void)state;
    struct net_lane *lane = lane_of(2, 3, 0);
    struct named_job jobs[6];
    for (int i = 0; i < 6; i++) {
        jobs[i] = job_of((char)('a' + i), 0);
        if (i < 5) {
            assert_int_equal(net_lane_submit(lane, &jobs[i].job), 0);
        }
        if (i < 2) {
            wait_for_running(i + 1);
        }
    }
    assert_int_equal(net_lane_submit(lane, &jobs[5].job), ERR_BUSY);
    struct net_lane_stats stats;
    net_lane_read_stats(lane, &stats);
    assert_int_equal(stats.running, 2);
    assert_int_equal(stats.waiting, 3);
    assert_int_equal(stats.threads, 2);
    assert_int_equal(stats.refused, 1);
    let_go();
    net_lane_destroy(lane); /* waits for all */
    assert_int_equal(done, 5);
    assert_int_equal(most, 2);
}

static void threads_start_when_needed(void **state)
{
    (void)state;
    struct net_lane *lane = lane_of(8, 10, 0);
    struct net_lane_stats stats;
    net_lane_read_stats(lane, &stats);
    assert_int_equal(stats.threads, 0);
    let_go();
    for (int i = 0; i < 20; i++) {
        struct named_job job = job_of('x', 0);
        int before = done;
        assert_int_equal(net_lane_submit(lane, &job.job), 0);
        do { /* until it is idle again; asking without a pause would keep the lane's lock from it */
            (void)poll(NULL, 0, 1);
            net_lane_read_stats(lane, &stats);
        } while (stats.running + stats.waiting > 0 || stats.started < (uint64_t)i + 1);
        assert_int_equal(done, before + 1);
    }
    assert_int_equal(stats.threads, 1);
    net_lane_destroy(lane);
}

static void keys_share_fairly(void **state)
{
    (void)state;
    struct net_lane *lane = lane_of(4, 10, 2);
    struct named_job jobs[] = {job_of('a', 1), job_of('b', 1), job_of('c', 1), job_of('d', 1),
                               job_of('e', 1), job_of('f', 1), job_of('g', 2)};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(net_lane_submit(lane, &jobs[i].job), 0);
        wait_for_running(i < 2 ? i + 1 : 2);
    }
    assert_int_equal(net_lane_submit(lane, &jobs[5].job), ERR_BUSY); /* three of key 1 wait */
    assert_int_equal(net_lane_submit(lane, &jobs[6].job), 0);
    wait_for_running(3); /* g passes c, d and e */
    {
        LOCK_SCOPE(&lock);
        assert_int_equal(running, 3);
    }
    let_go();
    net_lane_destroy(lane);
    assert_int_equal(done, 6);
    assert_true(most <= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(queue_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_start_when_needed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_share_fairly, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
