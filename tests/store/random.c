/*
 * Random transactions of several threads against plain models, on every driver, with faults, with the store closed and
 * opened in between.
 *
 * Each thread has keys of its own and knows what they must hold (struct model): every get and scan is compared at once. All
 * threads share eight accounts, between which every transaction moves something (their sum stays 0 in every snapshot), a
 * counter, and a feed with one event a transaction, which a tail follows by its watch: it must see each event once, each
 * thread's in order.
 *
 * The control spoils what one of them keeps behind its back: it must be found out.
 *
 * CODITECT_TEST_SEED repeats what the threads do, though not how they interleave; what one does alone it repeats exactly,
 * faults too, which is tried first.
 */
#include <pthread.h>

#include "base/siphash.h"
#include "random_tail.h"

enum { KEYS = 48, THREADS = RANDOM_TAIL_WRITERS, PHASES = 3, TXNS = 60, OPS = 10, ACCOUNTS = 8 };

/* Even keys hold counters, odd ones bytes made from the number. */
struct model {
    bool there[KEYS];
    uint64_t number[KEYS];
};

struct client {
    struct store_test *t;
    unsigned thread;
    uint64_t random;
    struct model model;
    uint64_t kept;  /* transactions */
    uint64_t trace; /* of what came of each */
    const char *wrong;
    pthread_t id;
};

/* ---- a thread's own keys ------------------------------------------------------------------------------------------- */

struct
    step { /* what one run of the function works on: everything is copied in, so that it may run again */
    struct client *client;
    uint64_t random;
    struct model model;
    bool replayed;
    bool give_up;
    const char *wrong;
};

static struct str own_key(struct txn *txn, const struct step *s, unsigned i)
{
    return arena_printf(store_arena(txn), "own/%u/%02u", s->client->thread, i);
}

static struct str own_value(struct txn *txn, unsigned i, uint64_t number)
{
    size_t size = i % 2 ? number % 300 + (number % 10 == 0 ? 40000 : 0) : 8;
    char *p = arena_alloc(store_arena(txn), size);
    memset(p, (int)(number % 255), size);
    for (unsigned k = 0; k < 8 && i % 2 == 0; k++) {
        p[k] = (char)(number >> (8 * k));
    }
    return str_of(p, size);
}

static void expect(struct step *s, bool right, const char *what)
{
    if (!right && !s->wrong) {
        s->wrong = what;
    }
}

static int do_get(struct txn *txn, struct step *s, unsigned i)
{
    struct str value;
    int r = store_get(txn, own_key(txn, s, i), &value);
    if (r && r != ERR_NOT_FOUND) {
        return r;
    }
    expect(s, (r == 0) == s->model.there[i], "a get finds what should not be there or the reverse");
    if (r == 0 && s->model.there[i]) {
        expect(s, str_eq(value, own_value(txn, i, s->model.number[i])),
               "a get finds another value");
    }
    return 0;
}

static void do_put(struct txn *txn, struct step *s, unsigned i)
{
    s->model.there[i] = true;
    s->model.number[i] = store_test_random(&s->random);
    store_put(txn, own_key(txn, s, i), own_value(txn, i, s->model.number[i]));
}

static void do_add(struct txn *txn, struct step *s, unsigned i)
{
    i &= ~1u;
    uint64_t by = store_test_random(&s->random);
    s->model.number[i] = s->model.there[i] ? s->model.number[i] + by : by;
    s->model.there[i] = true;
    store_add(txn, own_key(txn, s, i), (int64_t)by);
}

static void do_delete(struct txn *txn, struct step *s, unsigned i, unsigned end)
{
    if (end <= i) {
        s->model.there[i] = false;
        store_delete(txn, own_key(txn, s, i));
        return;
    }
    for (unsigned k = i; k < end; k++) {
        s->model.there[k] = false;
    }
    store_delete_range(txn, own_key(txn, s, i), own_key(txn, s, end));
}

struct scan {
    unsigned begin, end; /* keys, [begin, end) */
    bool reverse;
    size_t limit;
};

/* The n-th key that a scan must find, or KEYS. */
static unsigned expected_key(const struct step *s, const struct scan *scan, size_t n)
{
    for (unsigned k = 0; scan->begin + k < scan->end; k++) {
        unsigned i = scan->reverse ? scan->end - 1 - k : scan->begin + k;
        if (s->model.there[i] && n-- == 0) {
            return i;
        }
    }
    return KEYS;
}

static int do_scan(struct txn *txn, struct step *s, unsigned begin, unsigned end)
{
    uint64_t random = store_test_random(&s->random);
    struct scan scan = {begin, end, random & 1, 1 + (random >> 8) % 12};
    struct store_range range = {own_key(txn, s, begin), own_key(txn, s, end), scan.limit,
                                scan.reverse};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(txn, &range, &pairs, &count);
    if (r) {
        return r;
    }
    for (size_t n = 0; n < count; n++) {
        unsigned i = expected_key(s, &scan, n);
        expect(s, i < KEYS && str_eq(pairs[n].key, own_key(txn, s, i)), "a scan finds another key");
        expect(s, i < KEYS && str_eq(pairs[n].value, own_value(txn, i, s->model.number[i])),
               "a scan finds another value");
    }
    expect(s, count == scan.limit || expected_key(s, &scan, count) == KEYS,
           "a scan ends too early");
    return 0;
}

static int do_something(struct txn *txn, struct step *s)
{
    uint64_t random = store_test_random(&s->random);
    unsigned i = (random >> 8) % KEYS, end = (random >> 16) % KEYS;
    switch (random % 8) {
    case 0:
    case 1:
        return do_get(txn, s, i);
    case 2:
    case 3:
        do_put(txn, s, i);
        return 0;
    case 4:
        do_add(txn, s, i);
        return 0;
    case 5:
        do_delete(txn, s, i, random % 64 < 16 ? end : 0);
        return 0;
    default:
        return do_scan(txn, s, i < end ? i : end, i < end ? end : i);
    }
}

/* ---- what all share ------------------------------------------------------------------------------------------------- */

static int read_account(struct txn *txn, unsigned i, int64_t *ret_amount)
{
    struct str value;
    int r = store_get(txn, arena_printf(store_arena(txn), "account/%u", i), &value);
    *ret_amount = 0;
    if (r == 0) {
        memcpy(ret_amount, value.p, sizeof *ret_amount);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int change_account(struct txn *txn, unsigned i, int64_t by)
{
    int64_t amount;
    int r = read_account(txn, i, &amount);
    amount += by;
    store_put(txn, arena_printf(store_arena(txn), "account/%u", i), str_of(&amount, sizeof amount));
    return r;
}

static int share(struct txn *txn, struct step *s)
{
    uint64_t random = store_test_random(&s->random);
    unsigned from = random % ACCOUNTS, to = (random >> 8) % ACCOUNTS;
    int r = change_account(txn, from, -(int64_t)(random >> 16 & 0xff));
    r = r ? r : change_account(txn, to, (int64_t)(random >> 16 & 0xff));
    store_add(txn, STR("total"), 1);
    store_append(txn, STR("events"),
                 arena_printf(store_arena(txn), "%u %llu", s->client->thread,
                              (unsigned long long)s->client->kept));
    return r;
}

static int look_at_sum(struct txn *txn, void *ctx)
{
    int64_t *ret_sum = ctx;
    *ret_sum = 0;
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        int64_t amount;
        int r = read_account(txn, i, &amount);
        if (r) {
            return r;
        }
        *ret_sum += amount;
    }
    return 0;
}

/* ---- transactions --------------------------------------------------------------------------------------------------- */

static int random_step(struct txn *txn, void *ctx)
{
    struct step *s = ctx;
    struct str nothing;
    s->replayed = store_replayed(txn, &nothing);
    if (s->replayed) {
        return 0; /* when it was this call's own run that was kept, s holds what it did */
    }
    s->random = s->client->random;
    s->model = s->client->model;
    s->wrong = NULL;
    int r = 0;
    for (int i = 0; i < OPS && r == 0; i++) {
        r = do_something(txn, s);
    }
    r = r ? r : share(txn, s);
    s->give_up = store_test_random(&s->random) % 8 == 0;
    return r ? r : (s->give_up ? ERR_PRECONDITION : 0);
}

static int write_step(struct client *c, const struct store_op *op, struct step *s)
{
    int r;
    do {
        r = store_write(c->t->store, op, random_step, s);
    } while (r == ERR_TIMEOUT && c->t->fault_rate);
    return r;
}

static bool one_transaction(struct client *c)
{
    struct step s = {.client = c};
    uint8_t id[16];
    for (int i = 0; i < 2; i++) {
        uint64_t half = store_test_random(&c->random);
        memcpy(id + 8 * i, &half, 8);
    }
    bool from_client = store_test_random(&c->random) % 4 == 0;
    struct store_op op = from_client ? store_op_derived(id) : store_op_new();
    int r = write_step(c, &op, &s);
    if (r == 0 && from_client) {
        struct step again = {.client = c};
        expect(&s, write_step(c, &op, &again) == 0 && again.replayed,
               "a repeated operation ran again");
    }
    expect(&s, r == 0 || (r == ERR_PRECONDITION && s.give_up), "a write fails");
    c->wrong = s.wrong;
    const uint64_t key[2] = {c->trace, (uint64_t)r};
    c->trace = siphash((const unsigned char *)key, str_of(&s.model, sizeof s.model));
    if (r == 0) {
        c->model = s.model;
        c->kept++;
    }
    (void)store_test_random(&c->random); /* so that the next differs also after a failure */
    int64_t sum;
    if (!c->wrong && (store_test_read(c->t, look_at_sum, &sum) != 0 || sum != 0)) {
        c->wrong = "the accounts do not add up to 0";
    }
    return !c->wrong;
}

static void *client_main(void *ctx)
{
    struct client *c = ctx;
    int txns = TXNS * (store_test_all() ? 20 : 1);
    while (txns-- > 0 && one_transaction(c)) {
    }
    return NULL;
}

/* ---- the run -------------------------------------------------------------------------------------------------------- */

static int check_own(struct txn *txn, void *ctx)
{
    struct step *s = ctx;
    s->wrong = NULL;
    int r = 0;
    for (unsigned i = 0; i < KEYS && r == 0; i++) {
        r = do_get(txn, s, i);
    }
    return r;
}

static void check_phase(struct store_test *t, struct client *clients,
                        const struct random_tail *tail)
{
    for (unsigned i = 0; i < THREADS; i++) {
        if (clients[i].wrong || tail->wrong) {
            fail_msg("%s", clients[i].wrong ? clients[i].wrong : tail->wrong);
        }
        struct step s = {.client = &clients[i], .model = clients[i].model};
        assert_int_equal(store_test_read(t, check_own, &s), 0);
        assert_null(s.wrong);
        assert_int_equal(tail->seen[i], clients[i].kept);
    }
}

static void run_phase(struct store_test *t, struct client *clients, struct random_tail *tail)
{
    tail->stop = false;
    tail->woken = true;
    assert_int_equal(pthread_create(&tail->id, NULL, random_tail_main, tail), 0);
    struct store_watch *watch = store_watch(t->store, STR("events"), random_tail_wake, tail);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&clients[i].id, NULL, client_main, &clients[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(clients[i].id, NULL), 0);
    }
    store_unwatch(watch);
    lock_take(&tail->lock);
    tail->stop = true; /* what was woken before is still read */
    lock_cond_signal(&tail->changed);
    lock_release(&tail->lock);
    assert_int_equal(pthread_join(tail->id, NULL), 0);
}

struct repeat {
    uint64_t trace, kept, faults;
};

static struct repeat run_alone(struct store_test *t, uint64_t seed)
{
    struct client c = {.t = t, .random = seed};
    struct store_stats stats;
    store_test_begin(t);
    (void)client_main(&c);
    assert_null(c.wrong);
    store_stats(t->store, &stats);
    store_test_end(t);
    return (struct repeat){c.trace, c.kept, stats.faults};
}

static void random_run(void **state)
{
    struct store_test *t = *state;
    uint64_t seed = store_test_seed(t->name);
    struct repeat first = run_alone(t, seed), again = run_alone(t, seed);
    assert_memory_equal(&first, &again, sizeof first);
    assert_true((first.faults > 0) == (t->fault_rate > 0));
    assert_true(first.trace != run_alone(t, seed + 1).trace);
    store_test_begin(t);
    struct client clients[THREADS];
    struct random_tail tail = {.t = t};
    lock_init(&tail.lock, LOCK_TEST);
    lock_cond_init(&tail.changed);
    for (unsigned i = 0; i < THREADS; i++) {
        clients[i] = (struct client){.t = t, .thread = i, .random = seed + i};
    }
    for (int phase = 0; phase < PHASES; phase++) {
        run_phase(t, clients, &tail);
        if (strcmp(t->driver, "sqlite") == 0) {
            store_test_close(t);
            store_test_open(t);
        }
        check_phase(t, clients, &tail);
    }
    lock_cond_fini(&tail.changed);
    lock_fini(&tail.lock);
    assert_true(strcmp(t->driver, "sqlite") != 0 || store_test_segments(t) > 2);
    store_test_end(t);
}

/* ---- the control ---------------------------------------------------------------------------------------------------- */

static int spoil(struct txn *txn, void *ctx)
{
    const struct step *s = ctx;
    store_delete_range(txn, own_key(txn, s, 0), own_key(txn, s, KEYS));
    store_append(txn, STR("events"), STR("0 0")); /* a second time */
    return 0;
}

static void what_is_spoilt_is_found_out(void **state)
{
    struct store_test *t = *state;
    struct client c = {.t = t, .random = store_test_seed("random control")};
    struct random_tail tail = {.t = t};
    struct store_op op = store_op_new();
    store_test_begin(t);
    (void)client_main(&c);
    assert_null(c.wrong);
    assert_true(random_tail_read(&tail));
    assert_int_equal(store_write(t->store, &op, spoil, &(struct step){.client = &c}), 0);
    (void)client_main(&c);
    assert_non_null(c.wrong);
    assert_false(random_tail_read(&tail));
    store_test_end(t);
}

int main(void)
{
    static struct store_test drivers[] = {
        {.name = "memory", .driver = "memory"},
        {.name = "sqlite", .driver = "sqlite"},
        {.name = "faulty memory", .driver = "memory", .fault_rate = 40},
        {.name = "faulty sqlite", .driver = "sqlite", .fault_rate = 40},
    };
    const struct CMUnitTest tests[] = {
        {"memory", random_run, NULL, NULL, &drivers[0]},
        {"sqlite", random_run, NULL, NULL, &drivers[1]},
        {"faulty memory", random_run, NULL, NULL, &drivers[2]},
        {"faulty sqlite", random_run, NULL, NULL, &drivers[3]},
        {"control, memory", what_is_spoilt_is_found_out, NULL, NULL, &drivers[0]},
        {"control, sqlite", what_is_spoilt_is_found_out, NULL, NULL, &drivers[1]},
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
