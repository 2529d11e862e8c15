#include "auth/auth_int.h"
#include "auth/world.h"

PEOPLE_SETUP

#define ADA "ada@example.com"

static const usec_t step = 30 * USEC_PER_SEC;

struct ada {
    struct data_context ctx;
    char key[20];
    struct auth_recovery recovery;
};

/* RFC 4648 section 6, back again. */
static void unbase32(struct str text, char to[static 20])
{
    assert_int_equal(text.n, 32);
    uint64_t bits = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bits = bits << 5 | (uint64_t)(c >= 'A' ? c - 'A' : c - '2' + 26);
        for (size_t j = 0; i % 8 == 7 && j < 5; j++) {
            to[i / 8 * 5 + j] = (char)(bits >> (32 - 8 * j));
        }
    }
}

/* What the app shows. */
static struct str shown(struct people *p, const struct ada *ada)
{
    char code[AUTH_CODE_DIGITS + 1];
    auth_totp_code(str_of(ada->key, sizeof ada->key), time_now() / step, code);
    return arena_str(&p->w.arena, str_from(code));
}

static void begin(struct people *p, struct ada *ada)
{
    struct auth_totp_new made;
    assert_int_equal(auth_totp_begin(p->auth, &ada->ctx, WORLD_PASSWORD, &made), 0);
    assert_true(str_starts(made.uri, STR("otpauth://totp/Coditect:ada%40example.com?secret=")));
    unbase32(made.secret, ada->key);
}

static struct ada turn_on(struct people *p)
{
    struct ada ada = {.ctx = people_request_of(p, ADA)};
    begin(p, &ada);
    assert_int_equal(auth_totp_confirm(p->auth, &ada.ctx, shown(p, &ada), &ada.recovery), 0);
    return ada;
}

static int enter_from(struct people *p, const char *address, struct str password, struct str code)
{
    struct data_context ctx = people_request(p);
    ctx.client.address = str_from(address);
    struct auth_login_input in = {.email = STR(ADA), .password = password, .code = code};
    struct auth_result result;
    int r = auth_login(p->auth, &ctx, &in, &result);
    if (r == ERR_BAD_CODE && ctx.fault.field.n > 0) {
        assert_str(ctx.fault.field, "code");
    }
    return r;
}

static int enter(struct people *p, struct str password, struct str code)
{
    return enter_from(p, "192.0.2.7", password, code);
}

static unsigned left(struct ada *ada)
{
    struct auth_totp_state state;
    assert_int_equal(auth_totp_get(&ada->ctx, &state), 0);
    return state.recovery_left;
}

static void asks_for_nothing_before_a_code_was_shown(void **state)
{
    struct people *p = *state;
    struct ada ada = {.ctx = people_request_of(p, ADA)};
    struct auth_totp_new made;
    assert_int_equal(auth_totp_begin(p->auth, &ada.ctx, STR("wrong"), &made), ERR_BAD_CREDENTIALS);
    assert_str(ada.ctx.fault.field, "password");
    assert_int_equal(auth_totp_confirm(p->auth, &ada.ctx, STR("000000"), &ada.recovery),
                     ERR_NOT_FOUND);
    begin(p, &ada);
    struct str old = shown(p, &ada);
    begin(p, &ada); /* once more: the first secret is worth nothing */
    assert_int_equal(auth_totp_confirm(p->auth, &ada.ctx, old, &ada.recovery), ERR_BAD_CODE);
    assert_str(ada.ctx.fault.field, "code");
    assert_int_equal(enter(p, WORLD_PASSWORD, STR_EMPTY), 0);

    time_test_advance((AUTH_ENROL_MINUTES * 60 + 1) * USEC_PER_SEC);
    assert_int_equal(auth_totp_confirm(p->auth, &ada.ctx, shown(p, &ada), &ada.recovery),
                     ERR_NOT_FOUND);
    begin(p, &ada);
    assert_int_equal(auth_totp_confirm(p->auth, &ada.ctx, shown(p, &ada), &ada.recovery), 0);
    assert_int_equal(auth_totp_confirm(p->auth, &ada.ctx, shown(p, &ada), &ada.recovery),
                     ERR_EXISTS);
    assert_int_equal(auth_totp_begin(p->auth, &ada.ctx, WORLD_PASSWORD, &made), ERR_EXISTS);
    struct data_user user;
    assert_int_equal(auth_user_get(&ada.ctx, &user), 0);
    assert_int_equal(user.two_factor_at, time_now());
    assert_int_equal(auth_still(p->auth, &ada.ctx), 0); /* logins that stand go on */
}

static void a_login_wants_password_and_code(void **state)
{
    struct people *p = *state;
    struct ada ada = turn_on(p);
    time_test_advance(step);
    assert_int_equal(enter(p, WORLD_PASSWORD, STR_EMPTY), ERR_CODE_NEEDED);
    assert_int_equal(enter(p, STR("wrong"), STR_EMPTY), ERR_BAD_CREDENTIALS);
    assert_int_equal(enter(p, STR("wrong"), shown(p, &ada)), ERR_BAD_CREDENTIALS);
    assert_int_equal(enter(p, WORLD_PASSWORD, STR("x")), ERR_BAD_CODE);
    struct str code = shown(p, &ada);
    struct str spaced = arena_printf(&p->w.arena, " %.3s %.3s", code.p, code.p + 3);
    assert_int_equal(enter(p, WORLD_PASSWORD, spaced), 0);
}

static void a_code_is_good_once_and_older_ones_no_more(void **state)
{
    struct people *p = *state;
    struct ada ada = turn_on(p);
    assert_int_equal(enter(p, WORLD_PASSWORD, shown(p, &ada)), ERR_BAD_CODE); /* it confirmed */
    time_test_advance(step);
    struct str before = shown(p, &ada);
    time_test_advance(step);
    assert_int_equal(enter(p, WORLD_PASSWORD, shown(p, &ada)), 0);
    assert_int_equal(enter(p, WORLD_PASSWORD, shown(p, &ada)), ERR_BAD_CODE);
    assert_int_equal(enter(p, WORLD_PASSWORD, before), ERR_BAD_CODE);
    time_test_advance(step);
    assert_int_equal(enter(p, WORLD_PASSWORD, shown(p, &ada)), 0);
}

static void a_recovery_code_is_good_once(void **state)
{
    struct people *p = *state;
    struct ada ada = turn_on(p);
    assert_int_equal(left(&ada), AUTH_RECOVERY_CODES);
    for (unsigned i = 0; i < AUTH_RECOVERY_CODES; i++) {
        struct str code = ada.recovery.codes[i];
        assert_int_equal(code.n, 19);
        assert_int_equal(enter(p, WORLD_PASSWORD, code), 0);
        assert_int_equal(enter(p, WORLD_PASSWORD, code), ERR_BAD_CODE);
        assert_int_equal(left(&ada), AUTH_RECOVERY_CODES - i - 1);
    }
    assert_int_equal(enter(p, WORLD_PASSWORD, STR("")), ERR_CODE_NEEDED);
    assert_int_equal(enter(p, WORLD_PASSWORD, STR("aaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaa-a")),
                     ERR_BAD_CODE);
}

/* Between the look at a code and its use somebody else used it, or turned it off and on again. */
struct using
{
    struct data_context *ctx;
    const struct auth_second *second;
};

static int use_fn(struct txn *txn, void *ctx)
{
    const struct using *u = ctx;
    return auth_second_use_in(txn, u->ctx, &u->ctx->scope, u->second);
}

static int use(struct data_context *ctx, const struct auth_second *second)
{
    struct using u = {ctx, second};
    struct store_op op = store_op_new();
    return store_write(ctx->store, &op, use_fn, &u);
}

static void of_two_uses_of_one_code_one_fails(void **state)
{
    struct people *p = *state;
    struct ada ada = turn_on(p);
    struct data_user user;
    assert_int_equal(auth_user_get(&ada.ctx, &user), 0);
    time_test_advance(step);
    struct str codes[] = {shown(p, &ada), ada.recovery.codes[0]};
    for (size_t i = 0; i < 2; i++) {
        struct auth_second_try try = {&user, codes[i]};
        struct auth_second one, two;
        assert_int_equal(auth_second_check(p->auth, &ada.ctx, &try, &one), 0);
        assert_int_equal(auth_second_check(p->auth, &ada.ctx, &try, &two), 0);
        assert_int_equal(use(&ada.ctx, &one), 0);
        assert_int_equal(use(&ada.ctx, &two), ERR_BAD_CODE);
    }
    struct auth_second stale;
    struct auth_second_try try = {&user, ada.recovery.codes[1]};
    assert_int_equal(auth_second_check(p->auth, &ada.ctx, &try, &stale), 0);
    assert_int_equal(auth_totp_end(p->auth, &ada.ctx, WORLD_PASSWORD), 0);
    assert_int_equal(use(&ada.ctx, &stale), ERR_BAD_CODE);
    begin(p, &ada);
    assert_int_equal(auth_totp_confirm(p->auth, &ada.ctx, shown(p, &ada), &ada.recovery), 0);
    assert_int_equal(use(&ada.ctx, &stale), ERR_BAD_CODE);
}

static void ends_with_the_password(void **state)
{
    struct people *p = *state;
    struct ada ada = turn_on(p);
    assert_int_equal(auth_totp_end(p->auth, &ada.ctx, STR("wrong")), ERR_BAD_CREDENTIALS);
    assert_int_equal(enter(p, WORLD_PASSWORD, STR_EMPTY), ERR_CODE_NEEDED);
    assert_int_equal(auth_totp_end(p->auth, &ada.ctx, WORLD_PASSWORD), 0);
    assert_int_equal(enter(p, WORLD_PASSWORD, STR_EMPTY), 0);
    assert_int_equal(enter(p, WORLD_PASSWORD, STR("123456")), 0); /* of no account that asks */
    assert_int_equal(auth_totp_end(p->auth, &ada.ctx, WORLD_PASSWORD), ERR_NOT_FOUND);
    struct auth_totp_state now;
    assert_int_equal(auth_totp_get(&ada.ctx, &now), 0);
    assert_int_equal(now.since, 0);
}

static void is_taken_from_who_lost_the_app(void **state)
{
    struct people *p = *state;
    struct ada ada = turn_on(p);
    struct data_context admin = people_join(p, &ada.ctx, "admin@example.com", DATA_ROLE_ADMIN);
    struct str id = ada.ctx.scope.user_id;
    assert_int_equal(auth_member_totp_end(&admin, id), ERR_FORBIDDEN);
    assert_int_equal(auth_member_totp_end(&ada.ctx, id), ERR_CONFLICT);
    struct data_context owner = people_join(p, &ada.ctx, "owner@example.com", DATA_ROLE_OWNER);
    assert_int_equal(auth_member_totp_end(&owner, id), 0);
    assert_int_equal(auth_member_totp_end(&owner, id), ERR_NOT_FOUND);
    assert_int_equal(enter(p, WORLD_PASSWORD, STR_EMPTY), 0);

    struct data_context eve = people_request_of(p, "eve@example.com");
    assert_int_equal(auth_member_totp_end(&eve, id), ERR_NOT_FOUND);
}

static int setup_limited(void **state)
{
    static struct people p;
    struct auth_options options = {.limits_given = true};
    options.limits[AUTH_LIMIT_CODE] = (struct auth_rate){10, 3600 * USEC_PER_SEC};
    options.limits[AUTH_LIMIT_APP_CODE] = (struct auth_rate){30, 3600 * USEC_PER_SEC};
    people_init(&p, "memory", &options);
    *state = &p;
    return 0;
}

static void wrong_codes_are_bounded(void **state)
{
    struct people *p = *state;
    struct ada ada = turn_on(p);
    time_test_advance(step);
    for (unsigned i = 0; i < 20; i++) { /* right ones cost nothing */
        assert_int_equal(enter(p, WORLD_PASSWORD, shown(p, &ada)), 0);
        time_test_advance(step);
    }
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(enter(p, WORLD_PASSWORD, STR("000000x")), ERR_BAD_CODE);
    }
    assert_int_equal(enter(p, WORLD_PASSWORD, shown(p, &ada)), ERR_RATE_LIMITED);
    assert_int_equal(enter(p, WORLD_PASSWORD, ada.recovery.codes[0]), ERR_RATE_LIMITED);
    time_test_advance(721 * USEC_PER_SEC); /* the second refusal doubled the wait */
    assert_int_equal(enter(p, WORLD_PASSWORD, shown(p, &ada)), 0);
}

/* A login that the end of the second step overtook: asked for again, and nothing is spent of what comes after. */
static void what_could_not_be_read_costs_no_try(void **state)
{
    struct people *p = *state;
    struct ada ada = turn_on(p);
    struct data_user before;
    assert_int_equal(auth_user_get(&ada.ctx, &before), 0);
    assert_int_equal(auth_totp_end(p->auth, &ada.ctx, WORLD_PASSWORD), 0);
    const struct auth_second_try late = {&before, STR("000000")};
    struct auth_second second;
    for (unsigned i = 0; i < 11; i++) {
        assert_int_equal(auth_second_check(p->auth, &ada.ctx, &late, &second), ERR_CODE_NEEDED);
    }
}

/* Who knows the password and tries codes, from one network or from many: the owner comes in all the same. */
static void a_stranger_keeps_nobody_out(void **state)
{
    struct people *p = *state;
    struct ada ada = turn_on(p);
    time_test_advance(step);
    for (unsigned i = 0; i < 15; i++) {
        assert_int_equal(enter_from(p, "198.51.100.1", WORLD_PASSWORD, STR("000000")),
                         i < 10 ? ERR_BAD_CODE : ERR_RATE_LIMITED);
    }
    assert_int_equal(enter_from(p, "203.0.113.5", WORLD_PASSWORD, shown(p, &ada)), 0);
    assert_int_equal(auth_logout(p->auth, &ada.ctx, /* everywhere= */ true), 0);
    unsigned guessed = 0;
    for (unsigned i = 0; i < 100; i++) {
        const char *address = arena_printf(&p->w.arena, "2001:db8:0:%x::1", i).p;
        guessed += enter_from(p, address, WORLD_PASSWORD, STR("000000")) == ERR_BAD_CODE;
    }
    assert_int_equal(guessed, 20); /* and the ten of before */
    time_test_advance(step);
    for (unsigned i = 0; i < 11; i++) { /* from elsewhere; not looked at: no try is spent */
        assert_int_equal(enter(p, WORLD_PASSWORD, shown(p, &ada)), ERR_RATE_LIMITED);
    }
    assert_int_equal(enter(p, WORLD_PASSWORD, ada.recovery.codes[0]), 0);
    assert_int_equal(enter(p, WORLD_PASSWORD, shown(p, &ada)), 0); /* logged in there now */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_for_nothing_before_a_code_was_shown),
        TEST(a_login_wants_password_and_code),
        TEST(a_code_is_good_once_and_older_ones_no_more),
        TEST(a_recovery_code_is_good_once),
        TEST_SQLITE(a_recovery_code_is_good_once),
        TEST(of_two_uses_of_one_code_one_fails),
        TEST(ends_with_the_password),
        TEST(is_taken_from_who_lost_the_app),
        cmocka_unit_test_setup_teardown(wrong_codes_are_bounded, setup_limited, teardown),
        cmocka_unit_test_setup_teardown(what_could_not_be_read_costs_no_try, setup_limited,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_stranger_keeps_nobody_out, setup_limited, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
