/* Feeds are trimmed in small steps, all of them in the end, and nothing that is kept is lost. */
#include "coditectd/trim.h"

#include "data/world.h"

enum { FEEDS = CODITECTD_TRIM_FEEDS + 30 };

static const usec_t day = CODITECTD_TRIM_HOURS * 3600 * USEC_PER_SEC;

static int setup(void **state)
{
    static struct world w;
    world_init(&w, "memory");
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    world_fini(*state);
    return 0;
}

struct said {
    struct str feed;
    const char *what;
    size_t count; /* of the feed's events, when read */
};

static int say_fn(struct txn *txn, void *ctx)
{
    const struct said *s = ctx;
    store_append(txn, s->feed, str_from(s->what));
    return 0;
}

static void say(struct world *w, struct str feed, const char *what)
{
    struct said s = {.feed = feed, .what = what};
    assert_int_equal(world_write(w, say_fn, &s), 0);
}

static int count_fn(struct txn *txn, void *ctx)
{
    struct said *s = ctx;
    struct store_feed_range range = {.feed = s->feed, .limit = STORE_MAX_SCAN};
    struct store_event *events;
    return store_feed(txn, &range, &events, &s->count);
}

static size_t count(struct world *w, struct str feed)
{
    struct said s = {.feed = feed};
    assert_int_equal(store_read(w->store, count_fn, &s), 0);
    return s.count;
}

static struct str session_feed(struct world *w)
{
    return data_feed_session(&w->arena, data_id_make(&w->arena, "ses"));
}

static void old_events_go_and_new_ones_stay(void **state)
{
    struct world *w = *state;
    struct scope scope = world_tenant_scope(w);
    struct str tenant = data_feed_tenant(&w->arena, &scope);
    struct str session = session_feed(w);
    say(w, tenant, "old");
    say(w, session, "old");
    time_test_advance(day - USEC_PER_SEC);
    say(w, session, "new");
    struct coditectd_trim trim = {.n = 0};
    assert_int_equal(coditectd_trim_step(&trim, w->store), 0);
    assert_int_equal(count(w, tenant), 1);
    assert_int_equal(count(w, session), 2);
    time_test_advance(2 * USEC_PER_SEC);
    assert_int_equal(coditectd_trim_step(&trim, w->store), 0);
    assert_int_equal(count(w, tenant), 0);
    assert_int_equal(count(w, session), 1);
}

/* A step looks at so many feeds and the next one goes on behind them; then the walk begins again. */
static void steps_are_bounded_and_reach_all(void **state)
{
    struct world *w = *state;
    struct str feeds[FEEDS];
    for (size_t i = 0; i < FEEDS; i++) {
        feeds[i] = session_feed(w);
        say(w, feeds[i], "old");
    }
    time_test_advance(day + USEC_PER_SEC);
    struct coditectd_trim trim = {.n = 0};
    for (size_t step = 0; step < 2; step++) {
        assert_int_equal(coditectd_trim_step(&trim, w->store), 0);
        size_t left = 0;
        for (size_t i = 0; i < FEEDS; i++) {
            left += count(w, feeds[i]);
        }
        assert_int_equal(left, step == 0 ? FEEDS - CODITECTD_TRIM_FEEDS : 0);
    }
    assert_int_equal(trim.n, 0);
    say(w, feeds[0], "old again");
    time_test_advance(day + USEC_PER_SEC);
    for (size_t step = 0; step < 2; step++) {
        assert_int_equal(coditectd_trim_step(&trim, w->store), 0);
    }
    assert_int_equal(count(w, feeds[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(old_events_go_and_new_ones_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(steps_are_bounded_and_reach_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
