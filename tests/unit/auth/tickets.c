/* Tickets and passes: once, for a minute, for one login and one session; and nothing that was not signed for it. */
#include "auth/auth_int.h"
#include "auth/world.h"

PEOPLE_SETUP

static struct auth_visit visit_of(struct people *p, const char *email)
{
    struct data_context ctx = people_request_of(p, email);
    return (struct auth_visit){
        .scope = ctx.scope, .session_id = data_id_make(&p->w.arena, "ses"), .generation = 3};
}

static int take(struct people *p, struct str ticket, struct str session_id,
                struct auth_visit *ret_visit)
{
    struct data_context ctx = people_request(p);
    return auth_ticket_take(p->auth, &ctx,
                            &(struct auth_ticket_use){.ticket = ticket, .session_id = session_id},
                            ret_visit);
}

static void a_ticket_is_good_once(void **state)
{
    struct people *p = *state;
    struct auth_visit visit = visit_of(p, "ada@example.com");
    struct auth_visit got;
    struct str ticket = auth_ticket_make(p->auth, &p->w.arena, &visit);
    assert_true(ticket.n <= AUTH_TICKET_MAX);
    assert_int_equal(take(p, ticket, visit.session_id, &got), 0);
    assert_true(str_eq(got.session_id, visit.session_id));
    assert_true(str_eq(got.scope.tenant_id, visit.scope.tenant_id));
    assert_true(str_eq(got.scope.user_id, visit.scope.user_id));
    assert_true(str_eq(got.scope.login_id, visit.scope.login_id));
    assert_int_equal(got.generation, 3);
    assert_int_equal(take(p, ticket, visit.session_id, &got), ERR_UNAUTHENTICATED);
    /* Another server, with the same store and the same key. */
    struct auth *other;
    assert_int_equal(
        auth_create(&(struct auth_options){.store = p->w.store, .cheap_hash = true}, &other), 0);
    struct data_context ctx = people_request(p);
    const struct auth_ticket_use use = {ticket, visit.session_id};
    assert_int_equal(auth_ticket_take(other, &ctx, &use, &got), ERR_UNAUTHENTICATED);
    auth_destroy(other);
    struct str second = auth_ticket_make(p->auth, &p->w.arena, &visit);
    assert_false(str_eq(ticket, second));
    assert_int_equal(take(p, second, visit.session_id, &got), 0);
}

/* Whoever shows it elsewhere does not use it up. */
static void a_ticket_is_for_its_session(void **state)
{
    struct people *p = *state;
    struct auth_visit visit = visit_of(p, "ada@example.com");
    struct auth_visit got;
    struct str ticket = auth_ticket_make(p->auth, &p->w.arena, &visit);
    assert_int_equal(take(p, ticket, data_id_make(&p->w.arena, "ses"), &got), ERR_UNAUTHENTICATED);
    assert_int_equal(take(p, ticket, visit.session_id, &got), 0);
}

static void a_ticket_lives_for_a_minute(void **state)
{
    struct people *p = *state;
    struct auth_visit visit = visit_of(p, "ada@example.com");
    struct auth_visit got;
    struct str ticket = auth_ticket_make(p->auth, &p->w.arena, &visit);
    struct str late = auth_ticket_make(p->auth, &p->w.arena, &visit);
    time_test_advance((AUTH_TICKET_SECONDS - 1) * USEC_PER_SEC);
    assert_int_equal(take(p, ticket, visit.session_id, &got), 0);
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(take(p, late, visit.session_id, &got), ERR_UNAUTHENTICATED);
}

static void a_ticket_ends_with_its_login(void **state)
{
    struct people *p = *state;
    struct auth_visit visit = visit_of(p, "ada@example.com");
    struct auth_visit got;
    struct str ticket = auth_ticket_make(p->auth, &p->w.arena, &visit);
    struct data_context ctx = people_request(p);
    ctx.scope = visit.scope;
    assert_int_equal(auth_logout(p->auth, &ctx, false), 0);
    assert_int_equal(take(p, ticket, visit.session_id, &got), ERR_UNAUTHENTICATED);
}

/* Every change of a single character, every cut, and what was signed for another purpose. */
static void nothing_else_is_taken(void **state)
{
    struct people *p = *state;
    struct auth_visit visit = visit_of(p, "ada@example.com");
    struct auth_visit got;
    struct str ticket = auth_ticket_make(p->auth, &p->w.arena, &visit);
    struct str pass = auth_pass_make(p->auth, &p->w.arena, &visit);
    for (size_t i = 0; i < pass.n; i++) {
        char *bytes = (char *)(uintptr_t)arena_str(&p->w.arena, pass).p;
        bytes[i] = bytes[i] == 'a' ? 'b' : 'a';
        assert_int_equal(auth_pass_read(p->auth, str_of(bytes, pass.n), &got), ERR_UNAUTHENTICATED);
        assert_int_equal(auth_pass_read(p->auth, str_slice(pass, 0, i), &got), ERR_UNAUTHENTICATED);
    }
    for (size_t i = 0; i < ticket.n; i++) {
        char *bytes = (char *)(uintptr_t)arena_str(&p->w.arena, ticket).p;
        bytes[i] = bytes[i] == 'a' ? 'b' : 'a';
        assert_int_equal(take(p, str_of(bytes, ticket.n), visit.session_id, &got),
                         ERR_UNAUTHENTICATED);
    }
    assert_int_equal(auth_pass_read(p->auth, ticket, &got), ERR_UNAUTHENTICATED);
    assert_int_equal(take(p, pass, visit.session_id, &got), ERR_UNAUTHENTICATED);
    assert_int_equal(take(p, STR_EMPTY, visit.session_id, &got), ERR_UNAUTHENTICATED);
    struct auth_workspace w = {visit.scope.tenant_id, visit.scope.user_id, visit.session_id, 3};
    struct str wire = auth_workspace_token(p->auth, &p->w.arena, &w);
    assert_int_equal(auth_pass_read(p->auth, wire, &got), ERR_UNAUTHENTICATED);
    char *lengthy = arena_alloc(&p->w.arena, 70000);
    memset(lengthy, '.', 70000);
    assert_int_equal(auth_pass_read(p->auth, str_of(lengthy, 70000), &got), ERR_UNAUTHENTICATED);
    assert_int_equal(take(p, ticket, visit.session_id, &got), 0);
}

static void a_pass_says_what_was_put_in(void **state)
{
    struct people *p = *state;
    struct auth_visit visit = visit_of(p, "ada@example.com");
    struct auth_visit got;
    struct str pass = auth_pass_make(p->auth, &p->w.arena, &visit);
    time_test_advance(30 * 24 * 3600 * USEC_PER_SEC); /* it has no age of its own */
    assert_int_equal(auth_pass_read(p->auth, pass, &got), 0);
    assert_true(str_eq(got.session_id, visit.session_id));
    assert_true(str_eq(got.scope.login_id, visit.scope.login_id));
    assert_int_equal(got.generation, 3);
    visit.generation = 0;
    assert_dies(auth_pass_make(p->auth, &p->w.arena, &visit));
}

/* ERR_TIMEOUT when the fault hit the making of the world. */
static int faulty_world(struct people *p, struct store_faults *faults, struct auth_visit *ret_visit)
{
    *p = (struct people){0};
    time_test_set(WORLD_NOW, 1000 * USEC_PER_SEC);
    arena_init(&p->w.arena);
    struct store_options options = {.driver = "memory", .faults = faults};
    assert_int_equal(store_open(&options, &p->w.store), 0);
    int r = auth_create(&(struct auth_options){.store = p->w.store, .cheap_hash = true}, &p->auth);
    struct auth_result result;
    struct auth_register_input in = {.email = STR("ada@example.com"), .password = WORLD_PASSWORD};
    struct data_context ctx = people_request(p);
    r = r < 0 ? r : auth_register(p->auth, &ctx, &in, &result);
    if (r == 0) {
        *ret_visit = (struct auth_visit){
            .scope = result.scope, .session_id = data_id_make(&p->w.arena, "ses"), .generation = 1};
    }
    return r;
}

/* A store that fails at any one call: a ticket that was taken is not taken again, one that was not still is. */
static void faults_of_the_store(void **state)
{
    (void)state;
    enum { CALLS = 40 };
    unsigned taken = 0, failed = 0;
    for (unsigned i = 0; i < CALLS * STORE_FAULT_COUNT; i++) {
        struct people p;
        struct auth_visit visit, got;
        struct store_faults faults = {.at = 1 + i / STORE_FAULT_COUNT,
                                      .kind = (enum store_fault)(i % STORE_FAULT_COUNT)};
        int r = faulty_world(&p, &faults, &visit);
        if (r == 0) {
            struct str ticket = auth_ticket_make(p.auth, &p.w.arena, &visit);
            r = take(&p, ticket, visit.session_id, &got);
            failed += r < 0;
            assert_true(r == 0 || r == ERR_TIMEOUT);
            int again = take(&p, ticket, visit.session_id, &got);
            taken += again == ERR_UNAUTHENTICATED;
            if (again != ERR_TIMEOUT) {
                assert_int_equal(again, r == 0 ? ERR_UNAUTHENTICATED : 0);
            }
        }
        auth_destroy(p.auth);
        store_close(p.w.store);
        arena_fini(&p.w.arena);
        time_test_real();
    }
    assert_true(taken > CALLS && failed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_ticket_is_good_once),        TEST_SQLITE(a_ticket_is_good_once),
        TEST(a_ticket_is_for_its_session),  TEST(a_ticket_lives_for_a_minute),
        TEST(a_ticket_ends_with_its_login), TEST(nothing_else_is_taken),
        TEST(a_pass_says_what_was_put_in),  cmocka_unit_test(faults_of_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
