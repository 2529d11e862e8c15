#include <pthread.h>

#include "auth/auth_int.h"
#include "auth/world.h"

PEOPLE_SETUP

static const usec_t second = USEC_PER_SEC;

/* One row: what happens between the rotation and the moment when the token before it comes again. */
struct again {
    usec_t wait;
    bool used;    /* an access token of the current counter was used */
    bool flushed; /* and that is written */
    int result;
};

static void matrix_of_the_token_before(void **state)
{
    struct people *p = *state;
    static const struct again rows[] = {
        {0, false, false, 0},
        {9 * second, true, false, 0},
        {9 * second, true, true, 0},
        {11 * second, false, false, 0},
        {3600 * second, false, false, 0}, /* the reply was lost: the client never had the new one */
        {11 * second, true, false, ERR_REUSED},
        {11 * second, true, true, ERR_REUSED},
        {3600 * second, true, true, ERR_REUSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char email[32];
        (void)snprintf(email, sizeof email, "row%zu@example.com", i);
        struct auth_result one = people_register(p, email);
        struct auth_result two;
        struct auth_result three;
        enum auth_cause cause;
        assert_int_equal(people_refresh(p, one.refresh_token, &two, &cause), 0);
        assert_int_equal(cause, AUTH_ROTATED);
        assert_int_equal(rows[i].used ? people_use(p, two.token) : 0, 0);
        assert_int_equal(rows[i].flushed ? auth_flush(p->auth) : 0, 0);
        time_test_advance(rows[i].wait);
        assert_int_equal(people_refresh(p, one.refresh_token, &three, &cause), rows[i].result);
        if (rows[i].result == 0) {
            assert_int_equal(cause, AUTH_CONCURRENT);
            assert_true(str_eq(three.refresh_token, two.refresh_token));
            assert_int_equal(people_use(p, three.token), 0);
        } else {
            bool over = rows[i].wait >= (900 + AUTH_SKEW_SECONDS) * second;
            assert_int_equal(people_use(p, two.token), over ? ERR_EXPIRED : ERR_UNAUTHENTICATED);
            assert_int_equal(people_refresh(p, two.refresh_token, &three, &cause),
                             ERR_UNAUTHENTICATED);
        }
    }
}

struct audit {
    const struct data_context *ctx;
    size_t reused;
};

static int audit_fn(struct txn *txn, void *ctx)
{
    struct audit *a = ctx;
    struct data_audit_list list;
    struct data_query query = {.index = DATA_BY_ID, .limit = 100};
    int r = data_audit_list(txn, &a->ctx->scope, &query, &list);
    a->reused = 0;
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        a->reused += str_eq(list.at[i].action, STR("login.reused")) &&
                     list.at[i].outcome == DATA_OUTCOME_DENIED;
    }
    return r;
}

static void an_old_token_ends_the_login_and_is_audited(void **state)
{
    struct people *p = *state;
    struct auth_result one = people_register(p, "ada@example.com");
    struct auth_result two;
    struct auth_result three;
    enum auth_cause cause;
    assert_int_equal(people_refresh(p, one.refresh_token, &two, &cause), 0);
    assert_int_equal(people_refresh(p, two.refresh_token, &three, &cause), 0);
    /* Two behind: within the ten seconds, unconfirmed, and still nobody's right. */
    struct data_context ctx = people_request(p);
    assert_int_equal(auth_refresh(p->auth, &ctx, one.refresh_token, &three, &cause), ERR_REUSED);
    assert_int_equal(people_use(p, three.token), ERR_UNAUTHENTICATED);
    ctx.scope = one.scope;
    struct audit a = {.ctx = &ctx};
    assert_int_equal(store_read(p->w.store, audit_fn, &a), 0);
    assert_int_equal(a.reused, 1);
}

static void refuses_forged_tokens(void **state)
{
    struct people *p = *state;
    struct auth_result one = people_register(p, "ada@example.com");
    struct auth_result result;
    enum auth_cause cause;
    struct str good = one.refresh_token;
    for (size_t i = 0; i < good.n; i++) {
        struct str bad = arena_str(&p->w.arena, good);
        ((char *)bad.p)[i] ^= 1;
        assert_int_equal(people_refresh(p, bad, &result, &cause), ERR_UNAUTHENTICATED);
        assert_int_equal(people_refresh(p, str_slice(good, 0, i), &result, &cause),
                         ERR_UNAUTHENTICATED);
    }
    static char large[AUTH_TOKEN_MAX + 1];
    memset(large, '.', sizeof large);
    assert_int_equal(people_refresh(p, str_of(large, sizeof large), &result, &cause),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(people_refresh(p, good, &result, &cause), 0);
}

static void a_refresh_is_an_access(void **state)
{
    struct people *p = *state;
    struct auth_result one = people_register(p, "ada@example.com");
    struct auth_result two;
    enum auth_cause cause;
    struct data_context ctx = people_request(p);
    ctx.scope = one.scope;
    time_test_advance(3600 * second);
    assert_int_equal(people_refresh(p, one.refresh_token, &two, &cause), 0);
    struct auth_devices devices;
    assert_int_equal(auth_devices_list(&ctx, 1, STR_EMPTY, &devices), 0);
    assert_int_equal(devices.n, 1);
    assert_int_equal(devices.at[0].last_access_at, time_now());
}

static void expires_idle_and_absolute(void **state)
{
    struct people *p = *state;
    const usec_t day = 24 * 3600 * second;
    struct auth_result idle = people_register(p, "idle@example.com");
    struct auth_result busy = people_register(p, "busy@example.com");
    struct auth_result result;
    enum auth_cause cause;
    size_t ended;
    for (int days = 0; days < 80; days += 20) {
        time_test_advance(20 * day);
        assert_int_equal(people_refresh(p, busy.refresh_token, &busy, &cause), 0);
    }
    assert_int_equal(people_refresh(p, idle.refresh_token, &result, &cause), ERR_UNAUTHENTICATED);
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    assert_int_equal(ended, 1);
    time_test_advance(11 * day);
    assert_int_equal(people_refresh(p, busy.refresh_token, &result, &cause), ERR_UNAUTHENTICATED);
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    assert_int_equal(ended, 1);
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    assert_int_equal(ended, 0);
}

/* However many end at once, none waits for the next minute; and each transaction is small. */
static void all_that_is_over_goes_in_small_batches(void **state)
{
    enum { PEOPLE = 3, EACH = 70, BATCH = 50, LEAST = PEOPLE * EACH / (2 * BATCH) };
    struct people *p = *state;
    for (int i = 0; i < PEOPLE; i++) {
        const char *email = arena_printf(&p->w.arena, "p%d@example.com", i).p;
        struct auth_result result = people_register(p, email);
        for (int k = 1; k < EACH; k++) {
            assert_int_equal(people_login(p, email, WORLD_PASSWORD, &result), 0);
        }
    }
    time_test_advance(91 * 24 * 3600 * second);
    struct store_stats before;
    struct store_stats after;
    size_t ended;
    store_stats(p->w.store, &before);
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    store_stats(p->w.store, &after);
    assert_int_equal(ended, PEOPLE * EACH);
    assert_true(after.writes - before.writes > LEAST);
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    assert_int_equal(ended, 0);
}

enum { TABS = 50 };

struct tab {
    struct people *p;
    struct str token;
    struct arena arena;
    struct auth_result result;
    enum auth_cause cause;
    int r, used;
};

static void *tab_main(void *arg)
{
    struct tab *t = arg;
    struct data_context ctx = people_request(t->p);
    ctx.arena = &t->arena;
    t->r = auth_refresh(t->p->auth, &ctx, t->token, &t->result, &t->cause);
    t->used = t->r == 0 ? auth_authenticate(t->p->auth, &ctx, t->result.token) : t->r;
    return NULL;
}

static void fifty_tabs_log_nobody_out(void **state)
{
    struct people *p = *state;
    struct auth_result current = people_register(p, "tabs@example.com");
    static struct tab tabs[TABS];
    for (int round = 0; round < 3; round++) {
        pthread_t threads[TABS];
        for (int i = 0; i < TABS; i++) {
            tabs[i] = (struct tab){.p = p, .token = current.refresh_token};
            arena_init(&tabs[i].arena);
            assert_int_equal(pthread_create(&threads[i], NULL, tab_main, &tabs[i]), 0);
        }
        int rotated = 0;
        struct str refresh = STR_EMPTY;
        for (int i = 0; i < TABS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        }
        for (int i = 0; i < TABS; i++) {
            assert_int_equal(tabs[i].r, 0);
            assert_int_equal(tabs[i].used, 0);
            rotated += tabs[i].cause == AUTH_ROTATED;
            assert_true(refresh.n == 0 || str_eq(refresh, tabs[i].result.refresh_token));
            refresh = tabs[i].result.refresh_token;
        }
        assert_int_equal(rotated, 1);
        current.refresh_token = arena_str(&p->w.arena, refresh);
        assert_int_equal(auth_flush(p->auth), 0);
        for (int i = 0; i < TABS; i++) {
            arena_fini(&tabs[i].arena);
        }
        time_test_advance(3600 * second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(matrix_of_the_token_before),
        TEST_SQLITE(matrix_of_the_token_before),
        TEST(an_old_token_ends_the_login_and_is_audited),
        TEST(refuses_forged_tokens),
        TEST(a_refresh_is_an_access),
        TEST(expires_idle_and_absolute),
        TEST(all_that_is_over_goes_in_small_batches),
        TEST(fifty_tabs_log_nobody_out),
        TEST_SQLITE(fifty_tabs_log_nobody_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
