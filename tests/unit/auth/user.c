#include "auth/world.h"

PEOPLE_SETUP

static void changes_the_name_with_its_revision(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_user user;
    assert_int_equal(auth_user_get(&ada, &user), 0);
    assert_str(user.name, "Ada");
    struct auth_user_update update = {.name = STR(" Ada 語 "), .revision = user.revision};
    assert_int_equal(auth_user_put(&ada, &update, &user), 0);
    assert_str(user.name, "Ada 語");
    assert_int_equal(auth_user_put(&ada, &update, &user), ERR_PRECONDITION);
    update.revision = 0;
    update.name = STR("a\nb");
    assert_int_equal(auth_user_put(&ada, &update, &user), ERR_INVALID);
    assert_str(ada.fault.field, "name");
    update.name = STR("");
    assert_int_equal(auth_user_put(&ada, &update, &user), 0);
    assert_int_equal(user.name.n, 0);
}

static void changes_the_password(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct auth_result other;
    assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &other), 0);
    struct auth_password_input in = {STR("wrong horse"), STR("a new password"), false};
    assert_int_equal(auth_password_change(p->auth, &ada, &in), ERR_BAD_CREDENTIALS);
    in.old_password = WORLD_PASSWORD;
    in.new_password = STR("short");
    assert_int_equal(auth_password_change(p->auth, &ada, &in), ERR_INVALID);
    assert_str(ada.fault.field, "new_password");
    in.new_password = STR("a new password");
    assert_int_equal(auth_password_change(p->auth, &ada, &in), 0);
    assert_int_equal(people_use(p, other.token), 0);
    struct auth_result result;
    assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &result),
                     ERR_BAD_CREDENTIALS);
    assert_int_equal(people_login(p, "ada@example.com", STR("a new password"), &result), 0);
    in = (struct auth_password_input){STR("a new password"), WORLD_PASSWORD, true};
    assert_int_equal(auth_password_change(p->auth, &ada, &in), 0);
    assert_int_equal(people_use(p, other.token), ERR_UNAUTHENTICATED);
    assert_int_equal(people_use(p, result.token), ERR_UNAUTHENTICATED);
    assert_int_equal(auth_still(p->auth, &ada), 0);
}

static void changes_the_address(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    (void)people_register(p, "grace@example.com");
    struct auth_email_result moved;
    struct auth_email_input in = {.email = STR("countess@example.com"),
                                  .password = STR("wrong horse")};
    assert_int_equal(auth_email_change(p->auth, &ada, &in, &moved), ERR_BAD_CREDENTIALS);
    assert_str(ada.fault.field, "password");
    in.password = WORLD_PASSWORD;
    in.email = STR("countess");
    assert_int_equal(auth_email_change(p->auth, &ada, &in, &moved), ERR_INVALID);
    in.email = STR(" Grace@Example.com ");
    assert_int_equal(auth_email_change(p->auth, &ada, &in, &moved), ERR_EXISTS);
    assert_str(ada.fault.field, "email");
    in.email = STR("Countess@Example.com");
    assert_int_equal(auth_email_change(p->auth, &ada, &in, &moved), 0);
    assert_str(moved.user.email, "countess@example.com");
    assert_int_equal(moved.user.revision, 2);
    assert_int_equal(auth_email_change(p->auth, &ada, &in, &moved), 0); /* once more: nothing */
    assert_int_equal(moved.user.revision, 2);
    assert_int_equal(auth_still(p->auth, &ada), 0);
    struct auth_result result;
    assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &result),
                     ERR_BAD_CREDENTIALS);
    assert_int_equal(people_login(p, "countess@example.com", WORLD_PASSWORD, &result), 0);
    (void)people_register(p, "ada@example.com"); /* the old one is free */
}

static void a_change_is_bound_to_the_domains_of_who_registers(void **state)
{
    (void)state;
    static const char *const domains[] = {"example.com"};
    struct people p;
    people_init(
        &p, "memory",
        &(struct auth_options){.limits_given = true, .domains = domains, .domain_count = 1});
    struct data_context ada = people_request_of(&p, "ada@example.com");
    struct auth_email_result moved;
    struct auth_email_input in = {.email = STR("ada@example.org"), .password = WORLD_PASSWORD};
    assert_int_equal(auth_email_change(p.auth, &ada, &in, &moved), ERR_FORBIDDEN);
    in.email = STR("countess@example.com");
    assert_int_equal(auth_email_change(p.auth, &ada, &in, &moved), 0);
    people_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changes_the_name_with_its_revision),
        TEST(changes_the_password),
        TEST_SQLITE(changes_the_password),
        TEST(changes_the_address),
        cmocka_unit_test(a_change_is_bound_to_the_domains_of_who_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
