#include "auth/world.h"

PEOPLE_SETUP

static void registers_and_logs_in(void **state)
{
    struct people *p = *state;
    struct auth_result made = people_register(p, " Ada@Example.COM ");
    assert_str(made.user.email, "ada@example.com");
    assert_int_equal(made.user.role, DATA_ROLE_OWNER);
    assert_int_equal(made.expires_in, 900);
    assert_int_equal(people_use(p, made.token), 0);
    BUF_AUTO(reply, 4096);
    buf_add(&reply, made.user.reply);
    assert_null(strstr(buf_z(&reply), "password"));
    assert_null(strstr(buf_z(&reply), "argon2"));
    struct auth_result again;
    assert_int_equal(people_login(p, "ADA@example.com", WORLD_PASSWORD, &again), 0);
    assert_true(str_eq(again.user.id, made.user.id));
    assert_false(str_eq(again.scope.login_id, made.scope.login_id));
    assert_int_equal(people_use(p, again.token), 0);
}

static void unknown_and_wrong_are_one_answer(void **state)
{
    struct people *p = *state;
    (void)people_register(p, "ada@example.com");
    struct auth_result result;
    static char long_password[2000];
    memset(long_password, 'x', sizeof long_password);
    assert_int_equal(people_login(p, "ada@example.com", STR("wrong horse"), &result),
                     ERR_BAD_CREDENTIALS);
    assert_int_equal(people_login(p, "ada@example.com", STR(""), &result), ERR_BAD_CREDENTIALS);
    assert_int_equal(
        people_login(p, "ada@example.com", str_of(long_password, sizeof long_password), &result),
        ERR_BAD_CREDENTIALS);
    assert_int_equal(people_login(p, "eve@example.com", WORLD_PASSWORD, &result),
                     ERR_BAD_CREDENTIALS);
    assert_int_equal(people_login(p, "not an address", WORLD_PASSWORD, &result),
                     ERR_BAD_CREDENTIALS);
    assert_int_equal(people_login(p, "", WORLD_PASSWORD, &result), ERR_BAD_CREDENTIALS);
}

static void an_address_is_one_account(void **state)
{
    struct people *p = *state;
    (void)people_register(p, "ada@example.com");
    struct data_context ctx = people_request(p);
    struct auth_result result;
    struct auth_register_input in = {.email = STR("ADA@EXAMPLE.COM"), .password = WORLD_PASSWORD};
    assert_int_equal(auth_register(p->auth, &ctx, &in, &result), ERR_EXISTS);
    assert_str(ctx.fault.field, "email");
}

static void a_repeated_registration_is_one(void **state)
{
    struct people *p = *state;
    static const uint8_t key[16] = "a client's key!";
    struct auth_register_input in = {.email = STR("ada@example.com"), .password = WORLD_PASSWORD};
    struct auth_result first;
    struct auth_result second;
    struct data_context ctx = people_request(p);
    ctx.op = store_op_derived(key);
    assert_int_equal(auth_register(p->auth, &ctx, &in, &first), 0);
    ctx.op = store_op_derived(key);
    assert_int_equal(auth_register(p->auth, &ctx, &in, &second), 0);
    assert_true(str_eq(first.user.id, second.user.id));
    assert_true(str_eq(first.scope.login_id, second.scope.login_id));
    assert_int_equal(people_use(p, second.token), 0);
    /* The key alone opens nothing. */
    in.password = STR("wrong horse battery");
    assert_int_equal(auth_register(p->auth, &ctx, &in, &second), ERR_CONFLICT);
    in = (struct auth_register_input){.email = STR("eve@example.com"), .password = WORLD_PASSWORD};
    assert_int_equal(auth_register(p->auth, &ctx, &in, &second), ERR_CONFLICT);
}

static int digest_fn(struct txn *txn, void *ctx)
{
    struct data_context *c = ctx;
    struct str result;
    return store_replayed(txn, &result) && memcmp(result.p, c->digest, DATA_DIGEST_SIZE) != 0
               ? 0
               : ERR_INTERNAL;
}

static void a_registration_keeps_no_fast_hash(void **state)
{
    struct people *p = *state;
    static const uint8_t key[16] = "a client's key!";
    struct auth_register_input in = {.email = STR("ada@example.com"), .password = WORLD_PASSWORD};
    struct auth_result result;
    struct data_context ctx = people_request(p);
    ctx.op = store_op_derived(key);
    ctx.digested = true;
    memset(ctx.digest, 7, sizeof ctx.digest);
    assert_int_equal(auth_register(p->auth, &ctx, &in, &result), 0);
    assert_int_equal(auth_register(p->auth, &ctx, &in, &result), 0);
    assert_int_equal(store_write(p->w.store, &ctx.op, digest_fn, &ctx), 0);
}

struct rule {
    const char *email;
    struct str password;
    struct str name;
    const char *field;
};

static void refuses_with_the_field(void **state)
{
    struct people *p = *state;
    static char long_password[257];
    memset(long_password, 'x', sizeof long_password);
    static char long_email[300];
    memset(long_email, 'a', sizeof long_email - 1);
    memcpy(long_email + 40, "@", 1);
    const struct rule rules[] = {
        {"", WORLD_PASSWORD, STR_EMPTY, "email"},
        {"ada", WORLD_PASSWORD, STR_EMPTY, "email"},
        {"ada@", WORLD_PASSWORD, STR_EMPTY, "email"},
        {"@example.com", WORLD_PASSWORD, STR_EMPTY, "email"},
        {"a b@example.com", WORLD_PASSWORD, STR_EMPTY, "email"},
        {"ada@exa mple.com", WORLD_PASSWORD, STR_EMPTY, "email"},
        {"ada@@example.com", WORLD_PASSWORD, STR_EMPTY, "email"},
        {"ada@-example.com", WORLD_PASSWORD, STR_EMPTY, "email"},
        {"ada@example..com", WORLD_PASSWORD, STR_EMPTY, "email"},
        {"\xd0\xb0"
         "da@example.com",
         WORLD_PASSWORD, STR_EMPTY, "email"}, /* a Cyrillic а */
        {long_email, WORLD_PASSWORD, STR_EMPTY, "email"},
        {"ada@example.com", STR("seven77"), STR_EMPTY, "password"},
        {"ada@example.com", STR("語語語語語語語"), STR_EMPTY, "password"},
        {"ada@example.com", str_of(long_password, 257), STR_EMPTY, "password"},
        {"ada@example.com", STR("passw\xffrd1"), STR_EMPTY, "password"},
        {"ada@example.com", STR("Ada@Example.com"), STR_EMPTY, "password"},
        {"ada@example.com", WORLD_PASSWORD, STR("a\nb"), "name"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct data_context ctx = people_request(p);
        struct auth_result result;
        struct auth_register_input in = {str_from(rules[i].email), rules[i].password,
                                         rules[i].name};
        assert_int_equal(auth_register(p->auth, &ctx, &in, &result), ERR_INVALID);
        assert_str(ctx.fault.field, rules[i].field);
        assert_true(ctx.fault.message.n > 0);
    }
}

static void takes_what_is_allowed(void **state)
{
    struct people *p = *state;
    static char password[256];
    memset(password, 'x', sizeof password);
    const struct rule rules[] = {
        {"o'neil+tag/x@sub.example.co", STR("語語語語語語語語"), STR("名前")},
        {"b@localhost", str_of(password, sizeof password), STR_EMPTY},
        {"c@xn--bcher-kva.example", STR("        "), STR("<b>")},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct data_context ctx = people_request(p);
        struct auth_result result;
        struct auth_register_input in = {str_from(rules[i].email), rules[i].password,
                                         rules[i].name};
        assert_int_equal(auth_register(p->auth, &ctx, &in, &result), 0);
        assert_int_equal(people_login(p, rules[i].email, rules[i].password, &result), 0);
    }
}

static void closed_means_closed(void **state)
{
    (void)state;
    struct people p;
    people_init(&p, "memory", &(struct auth_options){.registration = AUTH_REGISTRATION_CLOSED});
    struct data_context ctx = people_request(&p);
    struct auth_result result;
    struct auth_register_input in = {.email = STR("a@example.com"), .password = WORLD_PASSWORD};
    assert_int_equal(auth_register(p.auth, &ctx, &in, &result), ERR_FORBIDDEN);
    people_fini(&p);
}

static void limits_by_address_and_account(void **state)
{
    (void)state;
    struct people p;
    people_init(&p, "memory", &(struct auth_options){0}); /* the standard limits */
    struct auth_result result;
    char email[32];
    for (int i = 0; i < 5; i++) {
        (void)snprintf(email, sizeof email, "user%d@example.com", i);
        (void)people_register(&p, email);
    }
    struct data_context ctx = people_request(&p);
    struct auth_register_input in = {.email = STR("x@example.com"), .password = WORLD_PASSWORD};
    assert_int_equal(auth_register(p.auth, &ctx, &in, &result), ERR_RATE_LIMITED);
    assert_true(ctx.fault.retry_after_ms > 0 && ctx.fault.retry_after_ms <= 12000);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(people_login(&p, "user0@example.com", STR("wrong horse"), &result),
                         ERR_BAD_CREDENTIALS);
    }
    assert_int_equal(people_login(&p, "user0@example.com", WORLD_PASSWORD, &result),
                     ERR_RATE_LIMITED);
    assert_int_equal(people_login(&p, "user1@example.com", WORLD_PASSWORD, &result), 0);
    /* The owner at another address is not locked out by what happens here. */
    ctx = people_request(&p);
    ctx.client.address = STR("198.51.100.1");
    struct auth_login_input login = {STR("user0@example.com"), WORLD_PASSWORD};
    assert_int_equal(auth_login(p.auth, &ctx, &login, &result), 0);
    time_test_advance(7 * USEC_PER_SEC);
    assert_int_equal(people_login(&p, "user0@example.com", WORLD_PASSWORD, &result), 0);
    people_fini(&p);
}

static void keeps_a_bounded_number_of_devices(void **state)
{
    struct people *p = *state;
    struct auth_result first = people_register(p, "ada@example.com");
    struct auth_result result;
    for (int i = 0; i < AUTH_MAX_DEVICES; i++) {
        time_test_advance(USEC_PER_SEC);
        assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &result), 0);
    }
    assert_int_equal(people_use(p, first.token), ERR_UNAUTHENTICATED);
    assert_int_equal(people_use(p, result.token), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registers_and_logs_in),
        TEST_SQLITE(registers_and_logs_in),
        TEST(unknown_and_wrong_are_one_answer),
        TEST(an_address_is_one_account),
        TEST_SQLITE(an_address_is_one_account),
        TEST(a_repeated_registration_is_one),
        TEST_SQLITE(a_repeated_registration_is_one),
        TEST(a_registration_keeps_no_fast_hash),
        TEST(refuses_with_the_field),
        TEST(takes_what_is_allowed),
        cmocka_unit_test(closed_means_closed),
        cmocka_unit_test(limits_by_address_and_account),
        TEST(keeps_a_bounded_number_of_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
