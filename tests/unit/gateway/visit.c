/* Whether a visit may go on, asked of the store: roles, sessions, runs; and a store that fails says nothing about anybody. */
#include "auth/world.h"
#include "gateway/gateway_int.h"
#include "sessions/sessions.h"

struct visitor {
    struct people p;
    struct gateway g; /* only what a visit asks */
    struct data_context ctx;
    struct auth_visit visit;
};

/* A person with a session that is wanted running. Negative: the store failed on the way. */
static int move_in(struct visitor *v)
{
    struct auth_result result;
    struct sessions_view view;
    struct auth_register_input in = {.email = STR("ada@example.com"), .password = WORLD_PASSWORD};
    v->g = (struct gateway){.magic = GATEWAY_MAGIC, .store = v->p.w.store, .auth = v->p.auth};
    v->ctx = people_request(&v->p);
    int r = auth_register(v->p.auth, &v->ctx, &in, &result);
    if (r == 0) {
        v->ctx.scope = result.scope;
        v->ctx.op = store_op_new();
        r = sessions_create(&v->ctx, &(struct sessions_create_input){.name = STR("A")}, &view);
    }
    if (r == 0) {
        r = sessions_open(&v->ctx, view.session.id, &view);
    }
    if (r == 0) {
        v->visit = (struct auth_visit){.scope = v->ctx.scope,
                                       .session_id = view.session.id,
                                       .generation = view.workspace.generation};
    }
    return r;
}

static int setup(void **state)
{
    static struct visitor v;
    people_init(&v.p, "memory", NULL);
    assert_int_equal(move_in(&v), 0);
    *state = &v;
    return 0;
}

static int teardown(void **state)
{
    struct visitor *v = *state;
    people_fini(&v->p);
    return 0;
}

static int demote_fn(struct txn *txn, void *ctx)
{
    const struct visitor *v = ctx;
    struct data_user user;
    int r = data_user_get(txn, &v->ctx.scope, v->ctx.scope.user_id, &user);
    user.role = DATA_ROLE_VIEWER;
    return r < 0 ? r : data_user_put(txn, &v->ctx.scope, &user);
}

static void a_viewer_does_not_enter(void **state)
{
    struct visitor *v = *state;
    assert_int_equal(gateway_visit_stands(&v->g, &v->visit), 0);
    assert_int_equal(world_write(&v->p.w, demote_fn, v), 0);
    assert_int_equal(gateway_visit_stands(&v->g, &v->visit), ERR_UNAUTHENTICATED);
}

static void only_this_session_in_this_run(void **state)
{
    struct visitor *v = *state;
    struct sessions_view view;
    struct auth_visit other = v->visit;
    other.session_id = data_id_make(&v->p.w.arena, "ses");
    assert_int_equal(gateway_visit_stands(&v->g, &other), ERR_UNAUTHENTICATED);
    other = v->visit;
    other.scope.tenant_id = data_id_make(&v->p.w.arena, "ten");
    assert_int_equal(gateway_visit_stands(&v->g, &other), ERR_UNAUTHENTICATED);
    other = v->visit;
    other.generation++;
    assert_int_equal(gateway_visit_stands(&v->g, &other), ERR_UNAUTHENTICATED);
    assert_int_equal(sessions_pause(&v->ctx, v->visit.session_id, &view), 0);
    assert_int_equal(gateway_visit_stands(&v->g, &v->visit), ERR_UNAUTHENTICATED);
    assert_int_equal(sessions_open(&v->ctx, v->visit.session_id, &view), 0);
    assert_int_equal(gateway_visit_stands(&v->g, &v->visit), ERR_UNAUTHENTICATED);
    assert_int_equal(gateway_visit_stands(&v->g, &other), 0); /* the next run */
}

/* Another person of the same tenant is nobody either. */
static void only_its_owner(void **state)
{
    struct visitor *v = *state;
    struct data_context eve = people_request_of(&v->p, "eve@example.com");
    struct auth_visit other = v->visit;
    other.scope = eve.scope;
    assert_int_equal(gateway_visit_stands(&v->g, &other), ERR_UNAUTHENTICATED);
    other.scope = v->visit.scope;
    other.scope.login_id = eve.scope.login_id;
    assert_int_equal(gateway_visit_stands(&v->g, &other), ERR_UNAUTHENTICATED);
}

static void failures_of_the_store(void **state)
{
    (void)state;
    enum { CALLS = 120 };
    unsigned failed = 0, stood = 0;
    for (unsigned i = 0; i < CALLS * STORE_FAULT_COUNT; i++) {
        struct visitor v = {0};
        struct store_faults faults = {.at = 1 + i / STORE_FAULT_COUNT,
                                      .kind = (enum store_fault)(i % STORE_FAULT_COUNT)};
        time_test_set(WORLD_NOW, 1000 * USEC_PER_SEC);
        arena_init(&v.p.w.arena);
        struct store_options options = {.driver = "memory", .faults = &faults};
        assert_int_equal(store_open(&options, &v.p.w.store), 0);
        struct auth_options auth = {.store = v.p.w.store, .cheap_hash = true};
        int r = auth_create(&auth, &v.p.auth);
        r = r < 0 ? r : move_in(&v);
        if (r == 0) {
            r = gateway_visit_stands(&v.g, &v.visit);
            assert_true(r == 0 || r == ERR_TIMEOUT);
            failed += r < 0;
            stood += r == 0;
        }
        auth_destroy(v.p.auth);
        store_close(v.p.w.store);
        arena_fini(&v.p.w.arena);
        time_test_real();
    }
    assert_true(failed > 0 && stood > 0);
}

#define TESTED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTED(a_viewer_does_not_enter),
        TESTED(only_this_session_in_this_run),
        TESTED(only_its_owner),
        cmocka_unit_test(failures_of_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
