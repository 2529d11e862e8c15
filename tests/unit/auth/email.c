/* Addresses: one address, one account. */
#include "auth/auth_int.h"
#include "auth/world.h"

#define LABEL \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" /* as long as one may be */

/* What is written, and the one form; NULL: refused. */
static const struct {
    const char *text, *clean;
} table[] = {
    {"ada@example.com", "ada@example.com"},
    {"  Ada@Example.COM\t", "ada@example.com"},
    {"a.b+tag@sub.example.com", "a.b+tag@sub.example.com"},
    {"o'neil@example.com", "o'neil@example.com"},
    {"ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"},
    /* Compatibility forms are the letters that they are. */
    {"\uff41\uff44\uff41\uff20\uff45xample.com", "ada@example.com"}, /* full-width */
    {"ada@example\uff0ecom", "ada@example.com"},                     /* full-width stop */
    {"\ufb01ona@example.com", "fiona@example.com"},                  /* ligature fi */
    {"\u017fara@example.com", "sara@example.com"},                   /* long s */
    {"bar\u212a@example.com", "bark@example.com"},                   /* Kelvin sign */
    {"\u2460@example.com", "1@example.com"},                         /* circled one */
    {"\u2122@example.com", "tm@example.com"},                        /* trade mark */
    /* What only looks alike is nobody's. */
    {"\u0430da@example.com", NULL},  /* Cyrillic a */
    {"ada@ex\u0430mple.com", NULL},  /* in the domain */
    {"\u0131da@example.com", NULL},  /* dotless i */
    {"ad\u00e1@example.com", NULL},  /* a with acute */
    {"ada\u0301@example.com", NULL}, /* the same in two */
    {"ada\u200b@example.com", NULL}, /* zero width space */
    {"ada\u00ad@example.com", NULL}, /* soft hyphen */
    {"\u202eada@example.com", NULL}, /* right to left */
    {"ada@example\u3002com", NULL},  /* ideographic stop */
    {"ada@b\u00fccher.example", NULL},
    {"\U0001f642@example.com", NULL},
    {"ada@" LABEL ".com", "ada@" LABEL ".com"},
    {"ada@b" LABEL ".com", NULL},
    {"\u2100@example.com", "a/c@example.com"}, /* account of */
    {"ada\xff@example.com", NULL},
    /* No addresses. */
    {"", NULL},
    {" ", NULL},
    {"\u3000", NULL}, /* becomes a space */
    {"ada", NULL},
    {"ada@", NULL},
    {"@example.com", NULL},
    {"a@b@c", NULL},
    {"a..b@example.com", NULL},
    {".a@example.com", NULL},
    {"ada@-example.com", NULL},
    {"ada@example..com", NULL},
    {"a da@example.com", NULL},
    {"\"ada\"@example.com", NULL},
    {"ada@[192.0.2.1]", NULL},
};

static void has_one_form(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct data_context ctx = {.arena = &arena};
        struct str clean;
        struct str again;
        int r = auth_email_clean(&ctx, str_from(table[i].text), &clean);
        if (r != (table[i].clean ? 0 : ERR_INVALID)) {
            print_error("row %zu: %s: %d\n", i, table[i].text, r);
            fail();
        }
        if (r == 0) {
            assert_str(clean, table[i].clean);
            assert_int_equal(auth_email_clean(&ctx, clean, &again), 0);
            assert_true(str_eq(clean, again));
        } else {
            assert_true(ctx.fault.message.n > 0);
        }
    }
}

/* The longest growth that there is: one of 3 bytes becomes 33. */
static void grows_within_its_bounds(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    BUF_AUTO(text, AUTH_EMAIL_MAX + 8);
    while (text.n + 3 <= AUTH_EMAIL_MAX) {
        buf_add(&text, STR("\ufdfa"));
    }
    struct data_context ctx = {.arena = &arena};
    struct str clean;
    assert_int_equal(auth_email_clean(&ctx, buf_str(&text), &clean), ERR_INVALID);
}

static void is_one_account(void **state)
{
    (void)state;
    static struct people p;
    people_init(&p, "memory", NULL);
    struct auth_result ada = people_register(&p, "ada@example.com");
    struct data_context ctx = people_request(&p);
    struct auth_result second;
    struct auth_register_input in = {.email = STR("\uff21\uff44a@Example.com"),
                                     .password = WORLD_PASSWORD};
    assert_int_equal(auth_register(p.auth, &ctx, &in, &second), ERR_EXISTS);
    assert_int_equal(people_login(&p, "\uff41da@EXAMPLE.com", WORLD_PASSWORD, &second), 0);
    assert_true(str_eq(second.user.id, ada.user.id));
    assert_int_equal(people_login(&p, "\u0430da@example.com", WORLD_PASSWORD, &second),
                     ERR_BAD_CREDENTIALS);
    people_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_one_form),
        cmocka_unit_test(grows_within_its_bounds),
        cmocka_unit_test(is_one_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
