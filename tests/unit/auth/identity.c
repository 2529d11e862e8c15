#include "auth/auth_int.h"
#include "auth/world.h"

PEOPLE_SETUP

struct one {
    struct arena *arena;
    struct scope scope;
    struct str id;
    struct data_identity identity;
    struct data_identity_list all;
};

static struct one one_of(struct people *p, const struct scope *scope)
{
    struct str digits = str_slice(scope->user_id, 3, scope->user_id.n);
    return (struct one){.arena = &p->w.arena,
                        .scope = *scope,
                        .id = arena_printf(&p->w.arena, "idn" STR_FMT, STR_ARG(digits))};
}

static int get_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = data_identity_get(txn, &o->scope, o->id, &o->identity);
    if (r == 0) {
        data_identity_copy(o->arena, &o->identity);
    }
    return r;
}

static int delete_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    return data_identity_delete(txn, &o->scope, o->id);
}

static int put_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    struct data_identity identity = o->identity;
    return data_identity_put(txn, &o->scope, &identity);
}

static int list_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    const struct data_identity match = {.user_id = o->scope.user_id};
    struct data_query query = {
        .index = DATA_IDENTITY_BY_USER, .match = &match, .fixed = 1, .limit = 10};
    return data_identity_list(txn, &o->scope, &query, &o->all);
}

/* No fault: NULL. */
static void assert_judged(struct people *p, const char *what)
{
    struct data_report report;
    assert_int_equal(data_check(p->w.store, auth_judge, &report), 0);
    bool found = report.faults == 0 && !what;
    for (size_t i = 0; i < report.lines.n; i++) {
        found = found || (what && strstr(report.lines.at[i], what));
        if (!what) {
            print_error("%s\n", report.lines.at[i]);
        }
    }
    assert_true(found);
    data_report_fini(&report);
}

static void put_identity(struct people *p, struct one *o, struct str user_id, struct str subject)
{
    o->identity = (struct data_identity){.id = o->id,
                                         .provider = DATA_IDENTITY_PROVIDER_PASSWORD,
                                         .subject = subject,
                                         .tenant_id = o->scope.tenant_id,
                                         .user_id = user_id,
                                         .created_at = time_now()};
    assert_int_equal(world_write(&p->w, put_fn, o), 0);
}

static void the_checker_knows_the_rule_both_ways(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct one one = one_of(p, &ada.scope);
    assert_judged(p, NULL);
    assert_int_equal(world_write(&p->w, delete_fn, &one), 0);
    assert_judged(p, "the person has no identity");

    put_identity(p, &one, ada.scope.user_id, STR("grace@example.com"));
    assert_judged(p, "the person's identity is another's");
    assert_judged(p, "the identity is not that of its person");
    struct auth_result result; /* what does not agree lets nobody in */
    assert_int_equal(people_login(p, "grace@example.com", WORLD_PASSWORD, &result),
                     ERR_BAD_CREDENTIALS);

    struct one second = one;
    second.id = data_id_make(&p->w.arena, "idn");
    put_identity(p, &one, ada.scope.user_id, STR("ada@example.com"));
    assert_judged(p, NULL);
    put_identity(p, &second, ada.scope.user_id, STR("countess@example.com"));
    assert_judged(p, "the identity is not that of its person");
    put_identity(p, &second, data_id_make(&p->w.arena, "usr"), STR("countess@example.com"));
    assert_judged(p, "its user_id does not exist");
    assert_int_equal(world_write(&p->w, delete_fn, &second), 0);
}

/* Two people's identities crossed: each comes in by their own record, and both are right again. */
static void what_does_not_fit_keeps_nobody_out(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context grace = people_request_of(p, "grace@example.com");
    struct one of_ada = one_of(p, &ada.scope);
    struct one of_grace = one_of(p, &grace.scope);
    assert_int_equal(world_write(&p->w, delete_fn, &of_grace), 0);
    put_identity(p, &of_ada, ada.scope.user_id, STR("grace@example.com"));
    put_identity(p, &of_grace, ada.scope.user_id, STR("ada@example.com"));
    assert_judged(p, "the person's identity is another's");

    struct auth_result result;
    assert_int_equal(people_login(p, "grace@example.com", STR("wrong horse"), &result),
                     ERR_BAD_CREDENTIALS);
    assert_judged(p, "the person's identity is another's");
    assert_int_equal(people_login(p, "grace@example.com", WORLD_PASSWORD, &result), 0);
    assert_true(str_eq(result.user.id, grace.scope.user_id));
    assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &result), 0);
    assert_true(str_eq(result.user.id, ada.scope.user_id));
    assert_judged(p, NULL);
    assert_int_equal(store_read(p->w.store, get_fn, &of_ada), 0);
    assert_str(of_ada.identity.subject, "ada@example.com");
}

static void a_change_of_address_moves_it(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct one one = one_of(p, &ada.scope);
    assert_int_equal(store_read(p->w.store, get_fn, &one), 0);
    assert_str(one.identity.subject, "ada@example.com");
    usec_t made = one.identity.created_at;
    struct auth_email_result moved;
    struct auth_email_input in = {.email = STR("countess@example.com"), .password = WORLD_PASSWORD};
    assert_int_equal(auth_email_change(p->auth, &ada, &in, &moved), 0);
    assert_int_equal(store_read(p->w.store, get_fn, &one), 0);
    assert_str(one.identity.subject, "countess@example.com");
    assert_int_equal(one.identity.created_at, made);
    assert_int_equal(store_read(p->w.store, list_fn, &one), 0);
    assert_int_equal(one.all.n, 1);
    assert_judged(p, NULL);
}

static void two_accounts_cannot_have_one(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context grace = people_request_of(p, "grace@example.com");
    struct one of_ada = one_of(p, &ada.scope);
    struct one of_grace = one_of(p, &grace.scope);
    assert_int_equal(store_read(p->w.store, get_fn, &of_grace), 0);
    of_ada.identity = of_grace.identity;
    of_ada.identity.id = of_ada.id;
    of_ada.identity.tenant_id = ada.scope.tenant_id;
    of_ada.identity.user_id = ada.scope.user_id;
    assert_int_equal(world_write(&p->w, put_fn, &of_ada), ERR_EXISTS);
}

static int leave_fn(struct txn *txn, void *ctx)
{
    struct data_context *by = ctx;
    struct data_user user;
    bool last;
    int r = data_user_get(txn, &by->scope, by->scope.user_id, &user);
    return r < 0 ? r : auth_leave_in(txn, by, user.password, &last);
}

static void who_leaves_has_none(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct one one = one_of(p, &ada.scope);
    assert_int_equal(world_write(&p->w, leave_fn, &ada), 0);
    assert_int_equal(store_read(p->w.store, list_fn, &one), 0);
    assert_int_equal(one.all.n, 0);
    (void)people_register(p, "ada@example.com"); /* the address is free */
}

/* Of a program that knew no identities: the record as it stored it, and nothing beside it. */
static int older_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    struct arena *arena = store_arena(txn);
    struct str key = arena_printf(arena, "t/" STR_FMT "/user/" STR_FMT, STR_ARG(o->scope.tenant_id),
                                  STR_ARG(o->scope.user_id));
    struct str value;
    int r = store_get(txn, key, &value);
    if (r == 0) {
        assert_true(str_starts(value, STR("3 {")));
        store_put(txn, key,
                  arena_printf(arena, "2%.*s%c" STR_FMT, (int)str_find(value, '\0', 0) - 1,
                               value.p + 1, '\0',
                               STR_ARG(str_slice(value, str_find(value, '\0', 0) + 1, value.n))));
        r = data_identity_delete(txn, &o->scope, o->id);
    }
    return r;
}

static void people_of_before_get_one_when_they_come_in(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct one one = one_of(p, &ada.scope);
    assert_int_equal(world_write(&p->w, older_fn, &one), 0);
    assert_judged(p, NULL);
    struct auth_result result;
    assert_int_equal(people_login(p, "ada@example.com", STR("wrong horse"), &result),
                     ERR_BAD_CREDENTIALS);
    assert_int_equal(store_read(p->w.store, get_fn, &one), ERR_NOT_FOUND);
    struct data_context other = people_request(p);
    struct auth_register_input in = {.email = STR("ada@example.com"), .password = WORLD_PASSWORD};
    assert_int_equal(auth_register(p->auth, &other, &in, &result), ERR_EXISTS);
    assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &result), 0);
    assert_int_equal(store_read(p->w.store, get_fn, &one), 0);
    assert_str(one.identity.subject, "ada@example.com");
    assert_judged(p, NULL);
    assert_int_equal(world_write(&p->w, delete_fn, &one), 0); /* the record is of today by now */
    assert_judged(p, "the person has no identity");
    put_identity(p, &one, ada.scope.user_id, STR("ada@example.com"));
}

static void people_of_before_may_change_their_address_first(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct one one = one_of(p, &ada.scope);
    assert_int_equal(world_write(&p->w, older_fn, &one), 0);
    struct auth_email_result moved;
    struct auth_email_input in = {.email = STR("countess@example.com"), .password = WORLD_PASSWORD};
    assert_int_equal(auth_email_change(p->auth, &ada, &in, &moved), 0);
    assert_int_equal(store_read(p->w.store, get_fn, &one), 0);
    assert_str(one.identity.subject, "countess@example.com");
    struct auth_result result;
    assert_int_equal(people_login(p, "countess@example.com", WORLD_PASSWORD, &result), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_checker_knows_the_rule_both_ways),
        TEST(what_does_not_fit_keeps_nobody_out),
        TEST(a_change_of_address_moves_it),
        TEST(two_accounts_cannot_have_one),
        TEST(who_leaves_has_none),
        TEST(people_of_before_get_one_when_they_come_in),
        TEST_SQLITE(people_of_before_get_one_when_they_come_in),
        TEST(people_of_before_may_change_their_address_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
