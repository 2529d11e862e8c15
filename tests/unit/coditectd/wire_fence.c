/* The fence between connections: what is late is refused, and nobody is greeted while something older is in hand. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "coditectd/wire_fence.h"

#define WORKSPACE STR("ses-1/ses-1")
#define HOME STR("ses-1/usr-1")

static uint64_t greet(struct coditectd_wire_fence *f, struct str root)
{
    uint64_t connection = 0;
    assert_int_equal(coditectd_wire_fence_greet(f, root, 0, &connection), 0);
    assert_true(connection > 0);
    return connection;
}

static void test_the_last_is_let_in(void **state)
{
    (void)state;
    struct coditectd_wire_fence *f = coditectd_wire_fence_create();
    assert_int_equal(coditectd_wire_fence_enter(f, WORKSPACE, 1), ERR_PRECONDITION);
    uint64_t first = greet(f, WORKSPACE);
    uint64_t home = greet(f, HOME);
    uint64_t second = greet(f, WORKSPACE);
    assert_true(first != second);
    assert_int_equal(coditectd_wire_fence_enter(f, WORKSPACE, first), ERR_PRECONDITION);
    assert_int_equal(coditectd_wire_fence_enter(f, HOME, second), ERR_PRECONDITION);
    assert_int_equal(coditectd_wire_fence_enter(f, WORKSPACE, second), 0);
    assert_int_equal(coditectd_wire_fence_enter(f, HOME, home), 0);
    coditectd_wire_fence_leave(f, WORKSPACE);
    coditectd_wire_fence_leave(f, HOME);
    coditectd_wire_fence_destroy(f);
}

static void test_busy_at_the_deadline(void **state)
{
    (void)state;
    struct coditectd_wire_fence *f = coditectd_wire_fence_create();
    uint64_t first = greet(f, WORKSPACE);
    uint64_t second = 0;
    assert_int_equal(coditectd_wire_fence_enter(f, WORKSPACE, first), 0);
    assert_int_equal(coditectd_wire_fence_greet(f, WORKSPACE, 0, &second), ERR_BUSY);
    (void)greet(f, HOME);
    assert_int_equal(coditectd_wire_fence_enter(f, WORKSPACE, first), ERR_PRECONDITION);
    coditectd_wire_fence_leave(f, WORKSPACE);
    (void)greet(f, WORKSPACE);
    coditectd_wire_fence_destroy(f);
}

struct slow {
    struct coditectd_wire_fence *f;
    uint64_t first;
    atomic_bool done;
};

/* Until the new connection has put an end to the old one. */
static void *finish(void *arg)
{
    struct slow *s = arg;
    while (coditectd_wire_fence_enter(s->f, WORKSPACE, s->first) == 0) {
        coditectd_wire_fence_leave(s->f, WORKSPACE);
    }
    atomic_store(&s->done, true);
    coditectd_wire_fence_leave(s->f, WORKSPACE);
    return NULL;
}

static void test_waits_for_what_is_in_hand(void **state)
{
    (void)state;
    struct slow s = {.f = coditectd_wire_fence_create()};
    pthread_t thread;
    uint64_t second;
    s.first = greet(s.f, WORKSPACE);
    assert_int_equal(coditectd_wire_fence_enter(s.f, WORKSPACE, s.first), 0);
    assert_int_equal(pthread_create(&thread, NULL, finish, &s), 0);
    usec_t deadline = time_monotonic() + 60 * USEC_PER_SEC;
    assert_int_equal(coditectd_wire_fence_greet(s.f, WORKSPACE, deadline, &second), 0);
    assert_true(atomic_load(&s.done));
    (void)pthread_join(thread, NULL);
    coditectd_wire_fence_destroy(s.f);
}

static void test_most_roots(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct coditectd_wire_fence *f = coditectd_wire_fence_create();
    uint64_t busy = greet(f, WORKSPACE);
    uint64_t idle = greet(f, HOME);
    assert_int_equal(coditectd_wire_fence_enter(f, WORKSPACE, busy), 0);
    for (unsigned i = 0; i < 20000 - 2; i++) {
        (void)greet(f, arena_printf(&arena, "ses-%u", i));
    }
    assert_int_equal(coditectd_wire_fence_enter(f, HOME, idle), 0); /* they all have room */
    coditectd_wire_fence_leave(f, HOME);
    (void)greet(f, STR("one more"));
    assert_int_equal(coditectd_wire_fence_enter(f, HOME, idle), ERR_PRECONDITION);
    assert_int_equal(coditectd_wire_fence_enter(f, WORKSPACE, busy), 0);
    coditectd_wire_fence_leave(f, WORKSPACE);
    coditectd_wire_fence_leave(f, WORKSPACE);
    coditectd_wire_fence_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_is_let_in), cmocka_unit_test(test_busy_at_the_deadline),
        cmocka_unit_test(test_waits_for_what_is_in_hand), cmocka_unit_test(test_most_roots)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
