/* The token of a workspace: read back whole, refused when a byte differs, worth nothing elsewhere. */
#include "auth/world.h"

PEOPLE_SETUP

static struct auth_workspace one(struct people *p)
{
    return (struct auth_workspace){
        .tenant_id = data_id_make(&p->w.arena, "ten"),
        .user_id = data_id_make(&p->w.arena, "usr"),
        .session_id = data_id_make(&p->w.arena, "ses"),
        .generation = 41,
    };
}

static void reads_what_it_made(void **state)
{
    struct people *p = *state;
    struct auth_workspace w = one(p);
    struct auth_workspace read;
    struct str token = auth_workspace_token(p->auth, &p->w.arena, &w);
    assert_true(token.n <= AUTH_WORKSPACE_TOKEN_MAX);
    assert_int_equal(auth_workspace_read(p->auth, &p->w.arena, token, &read), 0);
    assert_true(str_eq(read.tenant_id, w.tenant_id));
    assert_true(str_eq(read.user_id, w.user_id));
    assert_true(str_eq(read.session_id, w.session_id));
    assert_int_equal(read.generation, 41);
}

static void refuses_any_other_byte(void **state)
{
    struct people *p = *state;
    struct auth_workspace w = one(p);
    struct auth_workspace read;
    struct str token = auth_workspace_token(p->auth, &p->w.arena, &w);
    for (size_t i = 0; i <= token.n; i++) {
        char *copy = arena_alloc(&p->w.arena, token.n);
        memcpy(copy, token.p, token.n);
        struct str forged = str_of(copy, i < token.n ? token.n : token.n - 1);
        if (i < token.n) {
            copy[i] = copy[i] == 'a' ? 'b' : 'a';
        }
        assert_int_equal(auth_workspace_read(p->auth, &p->w.arena, forged, &read),
                         ERR_UNAUTHENTICATED);
    }
    static const char *const others[] = {"", ".", "....", "a.b.c.d.e"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(auth_workspace_read(p->auth, &p->w.arena, str_from(others[i]), &read),
                         ERR_UNAUTHENTICATED);
    }
}

static void is_no_access_token_and_the_other_way_round(void **state)
{
    struct people *p = *state;
    struct auth_workspace w = one(p);
    struct auth_workspace read;
    struct auth_result ada = people_register(p, "ada@example.com");
    assert_int_equal(people_use(p, auth_workspace_token(p->auth, &p->w.arena, &w)),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(auth_workspace_read(p->auth, &p->w.arena, ada.token, &read),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(auth_workspace_read(p->auth, &p->w.arena, ada.refresh_token, &read),
                     ERR_UNAUTHENTICATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_what_it_made),
        TEST_SQLITE(refuses_any_other_byte),
        TEST(is_no_access_token_and_the_other_way_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
