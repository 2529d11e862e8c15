#include "base/lock.h"

#include <stdatomic.h>

#include "unit.h"

enum { THREADS = 4, ROUNDS = 10000 };

static struct lock lock;
static struct lock_cond changed;
static int number;

static int begin(void **state)
{
    (void)state;
    lock_init(&lock, LOCK_TEST);
    lock_cond_init(&changed);
    number = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    lock_cond_fini(&changed);
    lock_fini(&lock);
    return 0;
}

static void run_threads(void *(*body)(void *))
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, body, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void *increment(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        LOCK_SCOPE(&lock);
        lock_assert_held(&lock);
        number++;
    }
    return unused;
}

static void excludes(void **state)
{
    (void)state;
    run_threads(increment);
    assert_int_equal(number, THREADS * ROUNDS);
}

/* number goes round: each thread waits for its turn and wakes the others. */
static void *take_turns(void *unused)
{
    static _Atomic int next_turn;
    int turn = atomic_fetch_add(&next_turn, 1) % THREADS;
    for (int i = 0; i < 100; i++) {
        LOCK_SCOPE(&lock);
        while (number % THREADS != turn) {
            lock_cond_wait(&changed, &lock);
        }
        number++;
        lock_cond_broadcast(&changed);
    }
    return unused;
}

static void wakes(void **state)
{
    (void)state;
    run_threads(take_turns);
    assert_int_equal(number, THREADS * 100);
}

static void deadline_passes(void **state)
{
    (void)state;
    LOCK_SCOPE(&lock);
    usec_t start = time_monotonic();
    while (lock_cond_wait_until(&changed, &lock, start + 20 * USEC_PER_MS)) {
        lock_assert_held(&lock);
    }
    assert_true(time_monotonic() >= start + 20 * USEC_PER_MS);
    assert_false(lock_cond_wait_until(&changed, &lock, start));
    assert_false(lock_cond_wait_until(&changed, &lock, -5));
}

static void *wake_in_time(void *unused)
{
    LOCK_SCOPE(&lock);
    number = 1;
    lock_cond_signal(&changed);
    return unused;
}

static void woken_before_the_deadline(void **state)
{
    (void)state;
    pthread_t thread;
    lock_take(&lock);
    assert_int_equal(pthread_create(&thread, NULL, wake_in_time, NULL), 0);
    usec_t deadline = time_monotonic() + 60 * USEC_PER_SEC;
    while (number == 0) {
        assert_true(lock_cond_wait_until(&changed, &lock, deadline));
    }
    lock_release(&lock);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Waits an hour of the test clock and says so. */
static void *wait_an_hour(void *unused)
{
    LOCK_SCOPE(&lock);
    number = 1;
    lock_cond_signal(&changed);
    while (lock_cond_wait_until(&changed, &lock, 3600 * USEC_PER_SEC)) {
        number = 1;
    }
    number = 2;
    return unused;
}

static void deadline_follows_the_test_clock(void **state)
{
    (void)state;
    pthread_t thread;
    time_test_set(0, 0);
    assert_int_equal(pthread_create(&thread, NULL, wait_an_hour, NULL), 0);
    lock_take(&lock);
    while (number == 0) {
        lock_cond_wait(&changed, &lock);
    }
    assert_int_equal(number, 1);
    lock_release(&lock);
    time_test_advance(3600 * USEC_PER_SEC);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(number, 2);
    time_test_real();
}

static void misuse_ends_the_process(void **state)
{
    (void)state;
    assert_dies((lock_release(&lock), 0));
    assert_dies((lock_assert_held(&lock), 0));
    assert_dies((lock_cond_wait(&changed, &lock), 0));
    assert_dies((lock_take(&lock), lock_fini(&lock), 0));
    struct lock other;
    assert_dies((lock_init(&other, LOCK_CLASS_COUNT), 0));
}

static void *assert_held_here(void *unused)
{
    lock_assert_held(&lock);
    return unused;
}

static int let_another_thread_ask(void)
{
    pthread_t thread;
    lock_take(&lock);
    return pthread_create(&thread, NULL, assert_held_here, NULL) || pthread_join(thread, NULL);
}

static void another_threads_lock_is_not_held(void **state)
{
    (void)state;
    assert_dies(let_another_thread_ask());
}

static void order(void **state)
{
    (void)state;
    if (!CODITECT_PARANOID) {
        print_message("the order of locks is checked in paranoid builds only\n");
        skip();
    }
    struct lock outer, inner, same;
    lock_init(&outer, LOCK_LANE);
    lock_init(&inner, LOCK_TEST);
    lock_init(&same, LOCK_LANE);
    lock_take(&outer);
    lock_take(&inner);
    /* Given back in any order. */
    lock_release(&outer);
    assert_dies((lock_take(&outer), 0));
    lock_release(&inner);
    lock_take(&outer);
    assert_dies((lock_take(&same), 0));
    assert_dies((lock_take(&outer), 0));
    lock_take(&inner);
    assert_dies((lock_cond_wait(&changed, &inner), 0)); /* outer would stay taken */
    lock_release(&inner);
    lock_release(&outer);
    lock_fini(&same);
    lock_fini(&inner);
    lock_fini(&outer);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(lock_names[LOCK_TEST], "TEST");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(excludes, begin, end),
        cmocka_unit_test_setup_teardown(wakes, begin, end),
        cmocka_unit_test_setup_teardown(deadline_passes, begin, end),
        cmocka_unit_test_setup_teardown(woken_before_the_deadline, begin, end),
        cmocka_unit_test_setup_teardown(deadline_follows_the_test_clock, begin, end),
        cmocka_unit_test_setup_teardown(misuse_ends_the_process, begin, end),
        cmocka_unit_test_setup_teardown(another_threads_lock_is_not_held, begin, end),
        cmocka_unit_test_setup_teardown(order, begin, end),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
