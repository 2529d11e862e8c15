#include "auth/auth_int.h"
#include "auth/world.h"

PEOPLE_SETUP

static void checks_the_stored_login(void **state)
{
    struct people *p = *state;
    struct auth_result ada = people_register(p, "ada@example.com");
    struct data_context ctx = people_request(p);
    assert_int_equal(auth_authenticate(p->auth, &ctx, ada.token), 0);
    assert_true(str_eq(ctx.scope.user_id, ada.user.id));
    assert_true(str_eq(ctx.scope.tenant_id, ada.user.tenant_id));
    assert_int_equal(ctx.scope.role, DATA_ROLE_OWNER);
    assert_int_equal(auth_still(p->auth, &ctx), 0);
    assert_int_equal(auth_logout(p->auth, &ctx, false), 0);
    assert_int_equal(people_use(p, ada.token), ERR_UNAUTHENTICATED);
    assert_int_equal(auth_still(p->auth, &ctx), ERR_UNAUTHENTICATED);
    assert_int_equal(auth_logout(p->auth, &ctx, false), 0);
}

static void tokens_end(void **state)
{
    struct people *p = *state;
    struct auth_result ada = people_register(p, "ada@example.com");
    time_test_advance((900 + AUTH_SKEW_SECONDS - 1) * USEC_PER_SEC);
    assert_int_equal(people_use(p, ada.token), 0);
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(people_use(p, ada.token), ERR_EXPIRED);
    struct str other = str_slice(ada.token, 0, ada.token.n - 4);
    assert_int_equal(people_use(p, other), ERR_UNAUTHENTICATED); /* nobody's, whatever it says */
    /* Our clock behind the one of the server that issued it. */
    time_test_set(WORLD_NOW - AUTH_SKEW_SECONDS * USEC_PER_SEC, 0);
    assert_int_equal(people_use(p, ada.token), 0);
    time_test_set(WORLD_NOW - (AUTH_SKEW_SECONDS + 1) * USEC_PER_SEC, 0);
    assert_int_equal(people_use(p, ada.token), ERR_UNAUTHENTICATED);
    /* A login that ended before its token did: refreshing will tell. */
    time_test_set(WORLD_NOW, 1000 * USEC_PER_SEC);
    struct data_context ctx = people_request(p);
    ctx.scope = ada.scope;
    assert_int_equal(auth_logout(p->auth, &ctx, false), 0);
    assert_int_equal(people_use(p, ada.token), ERR_UNAUTHENTICATED);
    time_test_advance((900 + AUTH_SKEW_SECONDS) * USEC_PER_SEC);
    assert_int_equal(people_use(p, ada.token), ERR_EXPIRED);
}

/* Each claim altered, signed with the right key. */
static void refuses_wrong_claims(void **state)
{
    struct people *p = *state;
    struct auth_result ada = people_register(p, "ada@example.com");
    struct auth_result eve = people_register(p, "eve@example.com");
    struct auth_claims good = {ada.user.tenant_id, ada.user.id, ada.scope.login_id, 1};
    assert_int_equal(people_use(p, auth_access_make(p->auth, &p->w.arena, &good)), 0);
    struct auth_claims bad[] = {good, good, good, good, good, good};
    bad[0].counter = 2; /* not yet issued */
    bad[1].tenant_id = eve.user.tenant_id;
    bad[2].user_id = eve.user.id;
    bad[3].login_id = eve.scope.login_id;
    bad[4].counter = 0;
    bad[5].tenant_id = STR("../../x");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(people_use(p, auth_access_make(p->auth, &p->w.arena, &bad[i])),
                         ERR_UNAUTHENTICATED);
    }
    static const char *const payloads[] = {
        "", "{}", "[]", "null", "{\"iss\":\"coditect\"}", "{\"exp\":1e99}"};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        struct str token =
            auth_jws_sign(&p->w.arena, &p->auth->ring->now.access, str_from(payloads[i]));
        assert_int_equal(people_use(p, token), ERR_UNAUTHENTICATED);
    }
    assert_int_equal(people_use(p, ada.refresh_token), ERR_UNAUTHENTICATED);
    assert_int_equal(people_use(p, STR("")), ERR_UNAUTHENTICATED);
    assert_int_equal(people_use(p, STR("a.b.c")), ERR_UNAUTHENTICATED);
}

struct seen {
    struct scope scope;
    struct data_login login;
};

static int seen_fn(struct txn *txn, void *ctx)
{
    struct seen *s = ctx;
    return data_login_get(txn, &s->scope, s->scope.login_id, &s->login);
}

static void writes_last_access_seldom_and_later(void **state)
{
    struct people *p = *state;
    struct auth_result ada = people_register(p, "ada@example.com");
    struct seen s = {.scope = ada.scope};
    assert_int_equal(people_use(p, ada.token), 0);
    assert_int_equal(store_read(p->w.store, seen_fn, &s), 0);
    assert_false(s.login.confirmed);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(store_read(p->w.store, seen_fn, &s), 0);
    assert_true(s.login.confirmed);
    usec_t made = s.login.last_access_at;
    struct store_stats before;
    struct store_stats after;
    store_stats(p->w.store, &before);
    time_test_advance(299 * USEC_PER_SEC);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(people_use(p, ada.token), 0);
    }
    assert_int_equal(auth_flush(p->auth), 0);
    store_stats(p->w.store, &after);
    assert_int_equal(after.writes, before.writes);
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(people_use(p, ada.token), 0);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(store_read(p->w.store, seen_fn, &s), 0);
    assert_int_equal(s.login.last_access_at - made, 300 * USEC_PER_SEC);
}

static void another_server_takes_over(void **state)
{
    struct people *p = *state;
    struct auth_result ada = people_register(p, "ada@example.com");
    auth_destroy(p->auth);
    struct auth_options options = {.store = p->w.store, .cheap_hash = true, .limits_given = true};
    assert_int_equal(auth_create(&options, &p->auth), 0);
    assert_int_equal(people_use(p, ada.token), 0); /* the key is in the store */
    struct auth *other;
    options.secret = STR("a secret of the operator, 32 bytes");
    assert_int_equal(auth_create(&options, &other), 0);
    struct data_context ctx = people_request(p);
    assert_int_equal(auth_authenticate(other, &ctx, ada.token), ERR_UNAUTHENTICATED);
    auth_destroy(other);
    options.secret = STR("too short");
    assert_int_equal(auth_create(&options, &other), ERR_INVALID);
    auth_destroy(NULL);
}

struct kept {
    struct auth_result ada;
    struct str pass, workspace;
};

/* Whether all that was signed once is taken now. */
static bool taken(struct people *p, const struct kept *k)
{
    struct str login;
    int64_t counter;
    struct auth_visit visit;
    bool access = people_use(p, k->ada.token) == 0;
    bool refresh = auth_refresh_read(p->auth, k->ada.refresh_token, &login, &counter) == 0;
    bool pass = auth_pass_read(p->auth, k->pass, &visit) == 0;
    assert_true(access == refresh && refresh == pass);
    return access;
}

static void restart(struct people *p, const struct auth_options *more)
{
    struct auth_options options = *more;
    options.store = p->w.store;
    options.cheap_hash = options.limits_given = true;
    auth_destroy(p->auth);
    assert_int_equal(auth_create(&options, &p->auth), 0);
}

static struct kept keep(struct people *p, const char *email)
{
    struct kept k = {.ada = people_register(p, email)};
    struct auth_visit visit = {
        .scope = k.ada.scope, .session_id = data_id_make(&p->w.arena, "ses"), .generation = 1};
    struct auth_workspace w = {k.ada.scope.tenant_id, k.ada.scope.user_id, visit.session_id, 1};
    k.pass = auth_pass_make(p->auth, &p->w.arena, &visit);
    k.workspace = auth_workspace_token(p->auth, &p->w.arena, &w);
    return k;
}

static void keys_rotate_with_overlap(void **state)
{
    struct people *p = *state;
    const struct auth_options stored = {.issuer = STR_EMPTY};
    struct kept first = keep(p, "ada@example.com");
    char kid[AUTH_KID_ROOM];
    assert_int_equal(auth_rotate_keys(p->w.store, kid), 0);
    assert_true(taken(p, &first)); /* a server that runs goes on with what it read */
    restart(p, &stored);
    assert_string_equal(kid, p->auth->ring->now.access.kid);
    assert_true(taken(p, &first));
    struct auth_result again;
    enum auth_cause cause;
    assert_int_equal(people_refresh(p, first.ada.refresh_token, &again, &cause), 0);
    struct kept second = keep(p, "eve@example.com");
    assert_int_equal(auth_rotate_keys(p->w.store, kid), 0);
    restart(p, &stored);
    assert_false(taken(p, &first));
    assert_true(taken(p, &second));
    assert_int_equal(people_use(p, again.token), 0); /* who came once in between stays */
    struct auth_workspace w;
    assert_int_equal(auth_workspace_read(p->auth, &p->w.arena, first.workspace, &w), 0);
}

static void keys_turn_while_it_runs(void **state)
{
    struct people *p = *state;
    char kid[AUTH_KID_ROOM];
    struct kept first = keep(p, "ada@example.com");
    const struct auth_ring *ring = p->auth->ring;
    assert_int_equal(auth_turn_keys(p->auth, kid), 0);
    assert_string_equal(kid, p->auth->ring->now.access.kid);
    assert_ptr_equal(p->auth->ring->older, ring); /* whoever reads it may go on */
    assert_true(taken(p, &first));
    struct auth_result again;
    enum auth_cause cause;
    assert_int_equal(people_refresh(p, first.ada.refresh_token, &again, &cause), 0);
    assert_int_equal(auth_turn_keys(p->auth, kid), 0);
    assert_false(taken(p, &first));
    assert_int_equal(people_use(p, again.token), 0);
    struct auth_workspace w;
    assert_int_equal(auth_workspace_read(p->auth, &p->w.arena, first.workspace, &w), 0);
    restart(p, &(struct auth_options){.issuer = STR_EMPTY});
    assert_string_equal(kid, p->auth->ring->now.access.kid);
    assert_true(atomic_flag_test_and_set(&p->auth->turning) == false);
    assert_int_equal(auth_turn_keys(p->auth, kid), ERR_BUSY);
    restart(p, &(struct auth_options){.secret = STR("a secret of the operator, 32 bytes")});
    assert_int_equal(auth_turn_keys(p->auth, kid), ERR_CONFLICT);
}

static int use(struct people *p, struct auth *a, struct str token)
{
    struct data_context ctx = people_request(p);
    return auth_authenticate(a, &ctx, token);
}

/* Two servers with one store: neither refuses what the other has signed, whichever of them knows of the turn. */
static void keys_turn_on_all_servers(void **state)
{
    struct people *p = *state;
    struct auth_options options = {.store = p->w.store, .cheap_hash = true, .limits_given = true};
    struct auth *other;
    char kid[AUTH_KID_ROOM];
    struct auth_result first = people_register(p, "ada@example.com");
    assert_int_equal(auth_create(&options, &other), 0);
    assert_int_equal(auth_turn_keys(p->auth, kid), 0);

    struct auth_result second;
    struct auth_result third;
    enum auth_cause cause;
    struct data_context ctx = people_request(p);
    assert_int_equal(auth_refresh(other, &ctx, first.refresh_token, &second, &cause), 0);
    assert_string_not_equal(other->ring->now.access.kid, kid); /* it signs with the old one still */
    assert_int_equal(use(p, p->auth, second.token), 0);
    assert_int_equal(people_refresh(p, second.refresh_token, &third, &cause), 0);
    assert_int_equal(use(p, other, third.token), 0); /* a key that it does not know: it looks */
    assert_string_equal(other->ring->now.access.kid, kid);
    assert_int_equal(use(p, other, second.token), 0);

    assert_int_equal(auth_turn_keys(p->auth, kid), 0);
    struct auth_result fourth;
    assert_int_equal(people_refresh(p, third.refresh_token, &fourth, &cause), 0);
    assert_int_equal(use(p, other, fourth.token), ERR_UNAUTHENTICATED); /* within a second */
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(use(p, other, fourth.token), 0);
    assert_int_equal(use(p, other, second.token), ERR_UNAUTHENTICATED); /* two turns ago */

    assert_int_equal(auth_turn_keys(p->auth, kid), 0);
    assert_int_equal(auth_look_again(other), 0); /* every AUTH_LOOK_SECONDS */
    assert_string_equal(other->ring->now.access.kid, kid);
    const struct auth_ring *ring = other->ring;
    assert_int_equal(auth_look_again(other), 0);
    assert_ptr_equal(other->ring, ring);
    auth_destroy(other);
}

/* A store that does not answer once: the token that came then is refused, the same one taken a moment later. */
static void a_look_that_failed_is_made_again(void **state)
{
    (void)state;
    struct people p = {0};
    time_test_set(WORLD_NOW, 1000 * USEC_PER_SEC);
    arena_init(&p.w.arena);
    const struct store_faults none = {.at = 0};
    const struct store_options opening = {.driver = "memory", .faults = &none};
    assert_int_equal(store_open(&opening, &p.w.store), 0);
    struct auth_options options = {.store = p.w.store, .cheap_hash = true, .limits_given = true};
    struct auth *other;
    char kid[AUTH_KID_ROOM];
    assert_int_equal(auth_create(&options, &p.auth), 0);
    assert_int_equal(auth_create(&options, &other), 0);
    assert_int_equal(auth_turn_keys(p.auth, kid), 0);
    struct auth_result ada = people_register(&p, "ada@example.com");
    store_set_faults(p.w.store, &(struct store_faults){.at = 1, .kind = STORE_FAULT_TIMEOUT});
    assert_int_equal(use(&p, other, ada.token), ERR_UNAUTHENTICATED);
    assert_int_equal(use(&p, other, ada.token), 0);
    assert_string_equal(other->ring->now.access.kid, kid);

    assert_int_equal(auth_turn_keys(p.auth, kid), 0);
    time_test_advance(USEC_PER_SEC);
    struct auth_result bob = people_register(&p, "bob@example.com");
    for (int i = 0; i < 2; i++) {
        store_set_faults(p.w.store, &(struct store_faults){.at = 1, .kind = STORE_FAULT_TIMEOUT});
        assert_int_equal(use(&p, other, bob.token), ERR_UNAUTHENTICATED);
    }
    struct store_stats before;
    struct store_stats after;
    store_stats(p.w.store, &before);
    assert_int_equal(use(&p, other, bob.token), ERR_UNAUTHENTICATED); /* it failed twice */
    store_stats(p.w.store, &after);
    assert_int_equal(after.reads, before.reads);
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(use(&p, other, bob.token), 0);
    auth_destroy(other);
    people_fini(&p);
}

static void strangers_tokens_cost_no_more_than_a_look_a_second(void **state)
{
    struct people *p = *state;
    struct auth_result ada = people_register(p, "ada@example.com");
    struct store_stats before;
    struct store_stats after;
    char token[AUTH_TOKEN_MAX];
    (void)snprintf(token, sizeof token, STR_FMT "x", STR_ARG(ada.token));
    assert_int_equal(people_use(p, str_from(token)), ERR_UNAUTHENTICATED);
    store_stats(p->w.store, &before);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(people_use(p, str_from(token)), ERR_UNAUTHENTICATED);
    }
    store_stats(p->w.store, &after);
    assert_int_equal(after.reads, before.reads);
}

static void secrets_rotate_with_overlap(void **state)
{
    struct people *p = *state;
    const struct str a = STR("a secret of the operator, 32 bytes");
    const struct str b = STR("another secret of the operator 32");
    restart(p, &(struct auth_options){.secret = a});
    struct kept first = keep(p, "ada@example.com");
    restart(p, &(struct auth_options){.secret = b, .previous_secret = a});
    assert_true(taken(p, &first));
    struct auth_workspace w;
    assert_int_equal(auth_workspace_read(p->auth, &p->w.arena, first.workspace, &w), 0);
    restart(p, &(struct auth_options){.secret = b});
    assert_false(taken(p, &first));
    struct auth *none;
    struct auth_options bad = {.store = p->w.store, .previous_secret = a};
    assert_int_equal(auth_create(&bad, &none), ERR_INVALID);
    bad = (struct auth_options){.store = p->w.store, .secret = a, .previous_secret = STR("short")};
    assert_int_equal(auth_create(&bad, &none), ERR_INVALID);
}

static void keys_of_no_server_do_not_rotate(void **state)
{
    (void)state;
    struct world w;
    char kid[AUTH_KID_ROOM];
    world_init(&w, "memory");
    assert_int_equal(auth_rotate_keys(w.store, kid), ERR_NOT_FOUND);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(checks_the_stored_login),
        TEST_SQLITE(checks_the_stored_login),
        TEST(tokens_end),
        TEST(refuses_wrong_claims),
        TEST(writes_last_access_seldom_and_later),
        TEST_SQLITE(writes_last_access_seldom_and_later),
        TEST(another_server_takes_over),
        TEST(keys_rotate_with_overlap),
        TEST_SQLITE(keys_rotate_with_overlap),
        TEST(keys_turn_while_it_runs),
        TEST(keys_turn_on_all_servers),
        TEST_SQLITE(keys_turn_on_all_servers),
        TEST(strangers_tokens_cost_no_more_than_a_look_a_second),
        TEST(secrets_rotate_with_overlap),
        cmocka_unit_test(keys_of_no_server_do_not_rotate),
        cmocka_unit_test(a_look_that_failed_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
