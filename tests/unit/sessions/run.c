#include <pthread.h>

#include "auth/world.h"
#include "sessions/sessions.h"

PEOPLE_SETUP

static struct str make(struct data_context *ctx, const char *name)
{
    struct sessions_view view;
    ctx->op = store_op_new();
    assert_int_equal(
        sessions_create(ctx, &(struct sessions_create_input){.name = str_from(name)}, &view), 0);
    return view.session.id;
}

static void open_twice_is_one_start(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str id = make(&ada, "A");
    struct sessions_view v;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sessions_open(&ada, id, &v), 0);
        assert_int_equal(v.session.status, DATA_SESSION_STATUS_ACTIVE);
        assert_int_equal(v.workspace.state, DATA_WORKSPACE_STATE_STARTING);
        assert_int_equal(v.workspace.generation, 1);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sessions_pause(&ada, id, &v), 0);
        assert_int_equal(v.session.status, DATA_SESSION_STATUS_PAUSED);
        assert_int_equal(v.workspace.desired, DATA_WORKSPACE_DESIRED_STOPPED);
        assert_int_equal(v.workspace.generation, 1);
    }
    assert_int_equal(sessions_open(&ada, id, &v), 0);
    assert_int_equal(v.workspace.generation, 2);
}

struct fail {
    struct scope scope;
    struct str workspace;
};

/* As workspaces/ does when it cannot start one. */
static int fail_fn(struct txn *txn, void *ctx)
{
    struct fail *f = ctx;
    struct data_workspace workspace;
    int r = data_workspace_get(txn, &f->scope, f->workspace, &workspace);
    if (r < 0) {
        return r;
    }
    workspace.state = DATA_WORKSPACE_STATE_FAILED;
    workspace.error = STR("no memory");
    return data_workspace_put(txn, &f->scope, &workspace);
}

static void open_tries_again_after_a_failure(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str id = make(&ada, "A");
    struct sessions_view v;
    assert_int_equal(sessions_open(&ada, id, &v), 0);
    struct fail f = {ada.scope, v.workspace.id};
    assert_int_equal(world_write(&p->w, fail_fn, &f), 0);
    assert_int_equal(sessions_get(&ada, id, &v), 0);
    assert_str(v.workspace.error, "no memory");
    assert_int_equal(sessions_open(&ada, id, &v), 0);
    assert_int_equal(v.workspace.state, DATA_WORKSPACE_STATE_STARTING);
    assert_int_equal(v.workspace.generation, 2);
    assert_int_equal(v.workspace.error.n, 0);
}

static void four_run_at_once(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct str ids[5];
    struct sessions_view v;
    char name[16];
    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof name, "run \"%d\"", i);
        ids[i] = make(&ada, name);
        time_test_advance(USEC_PER_MS);
        assert_int_equal(sessions_open(&ada, ids[i], &v), i < 4 ? 0 : ERR_TOO_MANY_RUNNING);
    }
    assert_str(ada.fault.message,
               "At most 4 workspaces run at once. Pause one of: \"run \"0\"\", \"run \"1\"\", "
               "\"run \"2\"\", \"run \"3\"\".");
    assert_int_equal(sessions_open(&ada, ids[0], &v), 0); /* runs already */
    struct str hers = make(&eve, "Eve's");
    assert_int_equal(sessions_open(&eve, hers, &v), 0);
    assert_int_equal(sessions_delete(&ada, ids[1], 0, &v), 0);
    assert_int_equal(sessions_open(&ada, ids[4], &v), 0);
    assert_int_equal(sessions_pause(&ada, ids[2], &v), 0);
    assert_int_equal(sessions_restore(&ada, ids[1], &v), 0);
    assert_int_equal(sessions_open(&ada, ids[1], &v), 0);
    assert_int_equal(sessions_open(&ada, ids[2], &v), ERR_TOO_MANY_RUNNING);
}

struct wanted {
    struct data_place *places;
    size_t n;
    char ids[4][DATA_ID_ROOM];
    char tenants[4][DATA_ID_ROOM];
};

/* How workspaces/ finds its work over all tenants. */
static int wanted_fn(struct txn *txn, void *ctx)
{
    struct wanted *w = ctx;
    struct data_workspace match = {.attended = true};
    struct data_query query = {
        .index = DATA_WORKSPACE_BY_ATTENDED, .match = &match, .fixed = 1, .limit = 4};
    int r = data_places(txn, &data_workspace_type, &query, &w->places, &w->n);
    for (size_t i = 0; r == 0 && i < w->n; i++) {
        memcpy(w->ids[i], w->places[i].id.p, DATA_ID_SIZE);
        memcpy(w->tenants[i], w->places[i].scope.tenant_id.p, DATA_ID_SIZE);
    }
    return r;
}

static void what_is_to_be_looked_after_can_be_found(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct sessions_view a;
    struct sessions_view e;
    assert_int_equal(sessions_open(&ada, make(&ada, "A"), &a), 0);
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(sessions_open(&eve, make(&eve, "E"), &e), 0);
    (void)make(&eve, "not wanted");
    struct wanted w = {.n = 0};
    assert_int_equal(store_read(p->w.store, wanted_fn, &w), 0);
    assert_int_equal(w.n, 2);
    assert_str(a.workspace.id, w.ids[0]);
    assert_str(eve.scope.tenant_id, w.tenants[1]);
    assert_int_equal(sessions_pause(&ada, a.session.id, &a), 0);
    assert_int_equal(store_read(p->w.store, wanted_fn, &w), 0);
    assert_int_equal(w.n, 2); /* until somebody has seen it stopped */
}

enum { THREADS = 16 };

struct opener {
    struct data_context ctx;
    struct arena arena;
    struct str id;
    int r;
};

static void *opener_main(void *arg)
{
    struct opener *o = arg;
    struct sessions_view v;
    o->r = sessions_open(&o->ctx, o->id, &v);
    return NULL;
}

static void the_limit_holds_against_a_race(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    static struct opener openers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        openers[i] = (struct opener){.ctx = ada, .id = make(&ada, "x")};
        arena_init(&openers[i].arena);
        openers[i].ctx.arena = &openers[i].arena;
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, opener_main, &openers[i]), 0);
    }
    int opened = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(openers[i].r == 0 || openers[i].r == ERR_TOO_MANY_RUNNING);
        opened += openers[i].r == 0;
        arena_fini(&openers[i].arena);
    }
    assert_int_equal(opened, SESSIONS_MAX_RUNNING);
}

struct counting {
    struct scope scope;
    uint64_t n; /* result */
};

static int running_fn(struct txn *txn, void *ctx)
{
    struct counting *c = ctx;
    return sessions_running(txn, &c->scope, &c->n);
}

static uint64_t running(struct data_context *ctx)
{
    struct counting counting = {.scope = ctx->scope};
    assert_int_equal(store_read(ctx->store, running_fn, &counting), 0);
    return counting.n;
}

static void a_tenant_runs_as_many_as_it_may(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context mate = ada;
    mate.scope.user_id = data_id_make(&p->w.arena, "usr");
    struct data_quota quota = {.running = 2};
    ada.quota = mate.quota = &quota;
    struct str ids[] = {make(&ada, "A"), make(&ada, "B"), make(&mate, "C")};
    struct sessions_view v;
    assert_int_equal(sessions_open(&ada, ids[0], &v), 0);
    assert_int_equal(sessions_open(&ada, ids[1], &v), 0);
    assert_int_equal(sessions_open(&mate, ids[2], &v), ERR_TOO_MANY_RUNNING);
    assert_true(mate.fault.message.n > 0);
    assert_int_equal(sessions_open(&ada, ids[0], &v), 0); /* it runs already */
    assert_int_equal(running(&ada), 2);
    assert_int_equal(sessions_tenant_stop(&mate, v.workspace.id, &v), 0);
    assert_int_equal(v.session.status, DATA_SESSION_STATUS_PAUSED);
    assert_int_equal(sessions_tenant_stop(&mate, v.workspace.id, &v), 0); /* harmless */
    assert_int_equal(running(&ada), 1);
    assert_int_equal(sessions_open(&mate, ids[2], &v), 0);
    struct data_context eve = people_request_of(p, "eve@example.com");
    assert_int_equal(sessions_tenant_stop(&eve, v.workspace.id, &v), ERR_NOT_FOUND);
    assert_int_equal(sessions_delete(&mate, ids[2], 0, &v), 0);
    assert_int_equal(sessions_tenant_stop(&ada, v.workspace.id, &v), ERR_NOT_FOUND);
    assert_int_equal(running(&ada), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(open_twice_is_one_start),          TEST_SQLITE(open_twice_is_one_start),
        TEST(open_tries_again_after_a_failure), TEST(four_run_at_once),
        TEST_SQLITE(four_run_at_once),          TEST(what_is_to_be_looked_after_can_be_found),
        TEST(the_limit_holds_against_a_race),   TEST_SQLITE(the_limit_holds_against_a_race),
        TEST(a_tenant_runs_as_many_as_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
