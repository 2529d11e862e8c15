/* Returns to a moment that nobody waits for any more: one whose session cannot be read keeps no other from going on. */
#include "files/fixture.h"

#include <sched.h>

#include "lifecycle/lifecycle_int.h"

static void begin(struct fixture *f, struct str session)
{
    f->session = session;
    put(f, "doc", STR("first"));
    put(f, "doc", STR("second"));
    struct files_rewind_input in = {.session = session, .at = 1, .author = {FILES_USER, STR("x")}};
    struct files_rewind rewind;
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
}

struct damage {
    struct fixture *f;
    struct str id;
    struct str value; /* empty: the record is lost, its index entries stay */
};

static int damage_fn(struct txn *txn, void *ctx)
{
    const struct damage *d = ctx;
    struct str key = arena_printf(store_arena(txn), "t/" STR_FMT "/session/" STR_FMT,
                                  STR_ARG(d->f->ctx.scope.tenant_id), STR_ARG(d->id));
    if (d->value.n > 0) {
        store_put(txn, key, d->value);
    } else {
        store_delete(txn, key);
    }
    return 0;
}

static void go_on_beside(struct fixture *f, struct str damage_is)
{
    struct str whole = f->second;
    struct damage damage = {f, f->session, damage_is};
    begin(f, f->session);
    begin(f, whole);
    assert_ok(store_write(f->store, NULL, damage_fn, &damage));
    struct lifecycle_delays delays;
    lifecycle_delays_init(&delays);
    bool more = true;
    while (more) {
        assert_ok(lifecycle_rewind_step(f->store, &delays, &more));
    }
    lifecycle_delays_fini(&delays);
    assert_true(str_eq(slurp(f, "doc", 0), STR("first")));
}

static void test_damaged(void **state)
{
    go_on_beside(*state, STR("1 {"));
}

static void test_lost(void **state)
{
    go_on_beside(*state, STR_EMPTY);
}

static bool in_hand(struct fixture *f, struct str session)
{
    uint64_t first;
    int r = files_rewind_find(fixture_ctx(f), session, &first);
    assert_true(r == 0 || r == ERR_NOT_FOUND);
    return r == 0;
}

/* What is kept of the return that a session is in: it is taken away, or put back. */
struct trouble {
    struct fixture *f;
    struct str session;
    struct str value; /* to be put; empty: damage */
    struct str kept;
};

static int trouble_fn(struct txn *txn, void *ctx)
{
    struct trouble *t = ctx;
    struct str any =
        DATA_KEY(store_arena(txn), &t->f->ctx.scope, DATA_SPACE_REWIND, t->session, STR("x"));
    struct str prefix = str_slice(any, 0, any.n - 1);
    struct store_range range = {prefix, store_after(store_arena(txn), prefix), .limit = 2};
    struct store_pair *pairs;
    size_t n;
    int r = store_scan(txn, &range, &pairs, &n);
    if (r == 0) {
        assert_int_equal(n, 1);
        t->kept = arena_str(&t->f->arena, pairs[0].value);
        store_put(txn, pairs[0].key, t->value.n > 0 ? t->value : STR("damaged"));
    }
    return r;
}

static void turn_over(struct trouble *t)
{
    assert_ok(store_write(t->f->store, NULL, trouble_fn, t));
    t->value = t->kept;
}

static int turn(struct fixture *f, struct lifecycle_delays *delays, bool *ret_more)
{
    lifecycle_delays_begin(delays);
    int r = lifecycle_rewind_step(f->store, delays, ret_more);
    (void)lifecycle_delays_end(delays);
    return r;
}

/* One that fails is tried after 1, 2, 4 … seconds, at last each minute; one beside it goes on meanwhile. */
static void test_backs_off(void **state)
{
    struct fixture *f = *state;
    time_test_set(time_now(), 1000 * USEC_PER_SEC);
    struct trouble trouble = {.f = f, .session = f->session};
    struct str whole = f->second;
    begin(f, f->session);
    begin(f, whole);
    turn_over(&trouble);
    struct lifecycle_delays delays;
    lifecycle_delays_init(&delays);
    bool more;
    assert_int_equal(turn(f, &delays, &more), ERR_CORRUPT);
    while (in_hand(f, whole)) {
        assert_ok(turn(f, &delays, &more));
    }
    static const int64_t tried[] = {1, 3, 7, 15, 31, 63, 123, 183, 243};
    size_t n = 0;
    for (int64_t second = 1; second <= 243; second++) {
        time_test_advance(USEC_PER_SEC);
        bool is_due = second == tried[n];
        assert_int_equal(turn(f, &delays, &more), is_due ? ERR_CORRUPT : 0);
        n += is_due;
    }
    turn_over(&trouble);
    time_test_advance(60 * USEC_PER_SEC);
    do {
        assert_ok(turn(f, &delays, &more));
    } while (more);
    assert_false(in_hand(f, trouble.session));
    assert_int_equal(map_count(delays.of), 0);
    lifecycle_delays_fini(&delays);
    time_test_real();
}

/* What is not in hand any more is forgotten, or it would be due for ever. */
static void test_forgotten(void **state)
{
    (void)state;
    time_test_set(time_now(), 1000 * USEC_PER_SEC);
    struct lifecycle_delays delays;
    lifecycle_delays_init(&delays);
    usec_t begun = time_monotonic();
    assert_int_equal(lifecycle_delays_end(&delays), begun + 60 * USEC_PER_SEC);
    lifecycle_delays_tried(&delays, STR("ses-a"), true);
    assert_int_equal(lifecycle_delays_end(&delays), begun + USEC_PER_SEC);
    time_test_advance(USEC_PER_SEC);
    lifecycle_delays_begin(&delays);
    assert_int_equal(lifecycle_delays_end(&delays), begun + 61 * USEC_PER_SEC);
    assert_int_equal(map_count(delays.of), 0);
    lifecycle_delays_fini(&delays);
    time_test_real();
}

static void begin_and_wait(struct fixture *f)
{
    begin(f, fixture_session(f));
    while (in_hand(f, f->session)) {
        (void)sched_yield();
    }
}

/* The thread: while the clock stands, what is new is done, and what failed is not tried with it. */
static void test_bell(void **state)
{
    struct fixture *f = *state;
    time_test_set(time_now(), 1000 * USEC_PER_SEC);
    struct trouble trouble = {.f = f, .session = f->session};
    begin(f, f->session);
    turn_over(&trouble);
    struct lifecycle_forker *forker;
    assert_ok(lifecycle_forker_start(f->store, &forker));
    begin_and_wait(f);
    begin_and_wait(f); /* a turn later: by now the first has failed */
    turn_over(&trouble);
    begin_and_wait(f);
    begin_and_wait(f);
    assert_true(in_hand(f, trouble.session));
    time_test_advance(USEC_PER_SEC);
    while (in_hand(f, trouble.session)) {
        (void)sched_yield();
    }
    lifecycle_forker_stop(forker);
    time_test_real();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged),   cmocka_unit_test(test_lost),
        cmocka_unit_test(test_backs_off), cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_bell),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
