/* Retention where not all is well: a clock that was wrong, records that are damaged. */
#include "files/fixture.h"

#define DAY (24 * 3600 * USEC_PER_SEC)

static const struct files_keep keep = {.all = 7 * DAY, .hourly = 30 * DAY, .daily = 365 * DAY};

static const usec_t first_day = 20000 * DAY;

/* To the end of the round. */
static int thin(struct fixture *f)
{
    struct files_thin_place place = {{0}, {0}};
    int damage = 0;
    bool more = true;
    while (more) {
        int r = files_thin(f->store, &keep, &place, &more);
        if (r)
            print_message("r %d\n", r);
        assert_true(r == 0 || r == ERR_CORRUPT);
        damage = r < 0 ? r : damage;
    }
    return damage;
}

static size_t versions(struct fixture *f, struct str session, const char *path)
{
    struct files_history_input in = {session, str_from(path), STR_EMPTY, 100};
    struct files_history page;
    assert_ok(files_history(&f->ctx, &in, &page));
    return page.count;
}

static void put_many(struct fixture *f, struct str session, const char *path, int n)
{
    struct str was = f->session;
    f->session = session;
    for (int i = 0; i < n; i++) {
        put(f, path, fixture_noise(f, 3000, (uint64_t)i));
    }
    f->session = was;
}

/* `ahead` changes of a clock that is five years ahead do not hold up what came after. */
static void after_a_clock_ahead(struct fixture *f, int ahead)
{
    time_test_set(first_day + 5 * 365 * DAY, DAY);
    put_many(f, f->session, "ahead", ahead);
    time_test_set(first_day, DAY);
    put_many(f, f->session, "doc", 10);
    time_test_set(first_day + 3 * DAY, DAY);
    assert_ok(thin(f));
    assert_int_equal(versions(f, f->session, "doc"), 10);
    time_test_set(first_day + 9 * DAY, DAY);
    assert_ok(thin(f));
    assert_int_equal(versions(f, f->session, "doc"), 1);
    assert_true(str_eq(slurp(f, "doc", 0), fixture_noise(f, 3000, 9)));
    fixture_check(f);
}

static void test_clock_ahead(void **state)
{
    after_a_clock_ahead(*state, 1);
}

static void test_clock_ahead_for_long(void **state)
{
    after_a_clock_ahead(*state, 2100);
}

static void test_only_a_clock_ahead(void **state)
{
    struct fixture *f = *state;
    time_test_set(first_day + 5 * 365 * DAY, DAY);
    put_many(f, f->session, "ahead", 10);
    time_test_set(first_day + 400 * DAY, DAY);
    assert_ok(thin(f)); /* when they were made nobody knows */
    assert_int_equal(versions(f, f->session, "ahead"), 10);
}

struct damage {
    struct fixture *f;
    struct str session;
    struct str value; /* of its last change */
    struct str was;   /* result, in f->arena */
};

static int damage_fn(struct txn *txn, void *ctx)
{
    struct damage *d = ctx;
    struct arena *arena = store_arena(txn);
    struct str prefix = DATA_PREFIX(arena, &d->f->ctx.scope, DATA_SPACE_CHANGE, d->session);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = 1, .reverse = true};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(txn, &range, &pairs, &count);
    if (r < 0 || count == 0) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    store_put(txn, pairs[0].key, d->value);
    d->was = arena_str(&d->f->arena, pairs[0].value);
    return 0;
}

static void change(struct damage *d)
{
    struct store_op op = store_op_new();
    assert_ok(store_write(d->f->store, &op, damage_fn, d));
}

/* Whichever of three it is, and with it the first. */
static void test_damage(void **state)
{
    struct fixture *f = *state;
    struct str sessions[] = {f->session, f->second, fixture_session(f)};
    const size_t n = sizeof sessions / sizeof sessions[0];
    usec_t now = first_day;
    for (size_t i = 0; i < n; i++) {
        struct damage damage = {f, sessions[i], STR("x")};
        char path[8];
        (void)snprintf(path, sizeof path, "doc%zu", i);
        time_test_set(now, DAY);
        for (size_t k = 0; k < n; k++) {
            put_many(f, sessions[k], path, 5);
        }
        change(&damage);
        time_test_set(now += 9 * DAY, DAY);
        assert_int_equal(thin(f), ERR_CORRUPT);
        damage.value = damage.was;
        change(&damage);
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(versions(f, sessions[k], path), k == i ? 5 : 1);
        }
        assert_ok(thin(f));
        assert_int_equal(versions(f, sessions[i], path), 1);
    }
    fixture_check(f);
}

struct forking {
    struct fixture *f;
    struct str id;
    bool damaged;
};

static int forking_fn(struct txn *txn, void *ctx)
{
    const struct forking *k = ctx;
    const struct scope *scope = &k->f->ctx.scope;
    struct data_session session;
    int r = data_session_get(txn, scope, k->f->second, &session);
    session.id = k->id;
    session.status = DATA_SESSION_STATUS_FORKING;
    session.forked_from = k->f->session;
    session.forking_at = first_day;
    r = r < 0 ? r : data_session_put(txn, scope, &session);
    if (k->damaged) {
        store_put(txn,
                  arena_printf(store_arena(txn), "t/" STR_FMT "/session/" STR_FMT,
                               STR_ARG(scope->tenant_id), STR_ARG(k->id)),
                  STR("1 {"));
    }
    return r;
}

/* What is being copied is not thinned, also while nobody can read which it is. */
static void test_a_damaged_fork(void **state)
{
    struct fixture *f = *state;
    struct forking k = {f, data_id_make(&f->arena, "ses"), true};
    struct store_op op = store_op_new();
    time_test_set(first_day, DAY);
    put_many(f, f->session, "doc", 5);
    assert_ok(store_write(f->store, &op, forking_fn, &k));
    time_test_set(first_day + 9 * DAY, DAY);
    assert_ok(thin(f));
    assert_int_equal(versions(f, f->session, "doc"), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_ahead),        cmocka_unit_test(test_clock_ahead_for_long),
        cmocka_unit_test(test_only_a_clock_ahead), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_a_damaged_fork),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
