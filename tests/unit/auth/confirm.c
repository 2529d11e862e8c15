#include "auth/auth_int.h"
#include "auth/world.h"

#define BASE "https://coditect.example.com"

/* An auth that confirms addresses beside one that does not, on the same store. */
struct strict {
    struct people p;
    struct auth *auth;
};

static void begin(struct strict *s)
{
    people_init(&s->p, "memory", NULL);
    const struct auth_options options = {
        .store = s->p.w.store, .mail_base = STR(BASE "/"), .confirm = true, .cheap_hash = true};
    assert_int_equal(auth_create(&options, &s->auth), 0);
}

static void end(struct strict *s)
{
    auth_destroy(s->auth);
    people_fini(&s->p);
}

static int enter(struct strict *s, const char *email, struct str confirmation,
                 struct auth_result *ret_result)
{
    struct data_context ctx = people_request(&s->p);
    const struct auth_register_input in = {
        .email = str_from(email), .password = WORLD_PASSWORD, .confirmation = confirmation};
    return auth_register(s->auth, &ctx, &in, ret_result);
}

static uint64_t waiting(struct strict *s)
{
    uint64_t n;
    assert_int_equal(mail_waiting(s->p.w.store, &n), 0);
    return n;
}

struct writing {
    struct strict *s;
    struct data_mail mail;
    struct mail_letter letter;
};

static int letter_fn(struct txn *txn, void *ctx)
{
    struct writing *w = ctx;
    const struct mail_draft draft = {.txn = txn, .arena = &w->s->p.w.arena, .mail = &w->mail};
    return auth_letter(w->s->auth, &draft, &w->letter);
}

static struct mail_letter letter(struct strict *s, const struct data_mail *mail)
{
    struct writing w = {.s = s, .mail = *mail};
    assert_int_equal(world_write(&s->p.w, letter_fn, &w), 0);
    assert_true(w.letter.text.n <= MAIL_MAX_TEXT);
    return w.letter;
}

/* The link's; empty: there is none. */
static struct str token_in(struct mail_letter letter)
{
    struct str text = letter.text;
    static const struct str mark = STR("#confirmation=");
    for (size_t i = 0; i < text.n; i++) {
        struct str rest = str_slice(text, i, text.n);
        if (str_starts(rest, mark)) {
            rest = str_slice(rest, mark.n, rest.n);
            return str_slice(rest, 0, str_find(rest, '&', 0));
        }
    }
    return STR_EMPTY;
}

static struct str register_token(struct strict *s, const char *email)
{
    const struct data_mail mail = {.kind = DATA_MAIL_KIND_REGISTER, .email = str_from(email)};
    return token_in(letter(s, &mail));
}

static void asks_for_a_letter_whoever_has_the_address(void **state)
{
    (void)state;
    struct strict s;
    begin(&s);
    (void)people_register(&s.p, "ada@example.com");
    struct auth_result result;
    assert_int_equal(enter(&s, "ada@example.com", STR_EMPTY, &result), 0);
    assert_true(result.asked && result.token.n == 0);
    assert_int_equal(enter(&s, "bob@example.com", STR_EMPTY, &result), 0);
    assert_true(result.asked);
    assert_int_equal(waiting(&s), 2);
    assert_int_equal(register_token(&s, "ada@example.com").n, 0);
    struct str token = register_token(&s, "bob@example.com");
    assert_true(token.n > 0 && token.n <= AUTH_CONFIRMATION_MAX);
    assert_int_equal(enter(&s, "eve@example.com", token, &result), ERR_FORBIDDEN);
    assert_int_equal(enter(&s, "bob@example.com", token, &result), 0);
    assert_true(!result.asked && result.token.n > 0);
    end(&s);
}

/* Five registrations a minute from a network, three letters to an address. */
static void letters_are_bounded(void **state)
{
    (void)state;
    struct strict s;
    begin(&s);
    struct auth_result result;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(enter(&s, "bob@example.com", STR_EMPTY, &result), 0);
    }
    assert_int_equal(waiting(&s), 3);
    assert_int_equal(enter(&s, "eve@example.com", STR_EMPTY, &result), ERR_RATE_LIMITED);
    end(&s);
}

/* How many letters more wait after three asks from networks that nothing counts together. */
static uint64_t asked_for(struct strict *s,
                          int (*ask)(struct strict *, struct data_context *, const char *),
                          const char *email)
{
    uint64_t before = waiting(s);
    for (unsigned i = 0; i < 3; i++) {
        struct data_context ctx = people_request(&s->p);
        ctx.client.address =
            arena_printf(&s->p.w.arena, "198.51.100.%u", (unsigned)waiting(s) * 3 + i);
        assert_int_equal(ask(s, &ctx, email), 0);
    }
    return waiting(s) - before;
}

static int ask_reset(struct strict *s, struct data_context *ctx, const char *email)
{
    return auth_reset_ask(s->auth, ctx, str_from(email));
}

static int ask_register(struct strict *s, struct data_context *ctx, const char *email)
{
    const struct auth_register_input in = {.email = str_from(email)};
    struct auth_result result;
    return auth_register(s->auth, ctx, &in, &result);
}

static int move_to(struct strict *s, struct data_context *ctx, const char *email)
{
    const struct auth_email_input in = {.email = str_from(email), .password = WORLD_PASSWORD};
    struct auth_email_result result;
    return auth_email_change(s->auth, ctx, &in, &result);
}

static void who_asks_for_one_letter_keeps_nobody_from_another(void **state)
{
    (void)state;
    struct strict s;
    begin(&s);
    struct data_context ada = people_request_of(&s.p, "ada@example.com");
    struct data_context eve = people_request_of(&s.p, "eve@example.com");
    assert_int_equal(asked_for(&s, ask_reset, "bob@example.com"), 3); /* who has no account */
    assert_int_equal(asked_for(&s, ask_register, "bob@example.com"), 3);
    assert_int_equal(asked_for(&s, ask_register, "ada@example.com"), 3);
    assert_int_equal(asked_for(&s, ask_reset, "ada@example.com"), 3);
    assert_int_equal(asked_for(&s, ask_reset, "ada@example.com"), 0);
    uint64_t before = waiting(&s);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(move_to(&s, &eve, "new@example.com"), 0);
    }
    assert_int_equal(waiting(&s) - before, 3);
    time_test_advance(60 * USEC_PER_SEC); /* of the same network */
    assert_int_equal(move_to(&s, &ada, "new@example.com"), 0);
    assert_int_equal(waiting(&s) - before, 4);
    end(&s);
}

static void a_link_ends(void **state)
{
    (void)state;
    struct strict s;
    begin(&s);
    struct auth_result result;
    struct str token = register_token(&s, "bob@example.com");
    time_test_advance(AUTH_CONFIRM_HOURS * 3600 * USEC_PER_SEC);
    assert_int_equal(enter(&s, "bob@example.com", token, &result), ERR_FORBIDDEN);
    token = register_token(&s, "bob@example.com");
    char kid[AUTH_KID_ROOM];
    assert_int_equal(auth_turn_keys(s.auth, kid), 0); /* good for one rotation longer */
    assert_int_equal(enter(&s, "bob@example.com", token, &result), 0);
    token = register_token(&s, "eve@example.com");
    assert_int_equal(auth_turn_keys(s.auth, kid), 0);
    assert_int_equal(auth_turn_keys(s.auth, kid), 0);
    assert_int_equal(enter(&s, "eve@example.com", token, &result), ERR_FORBIDDEN);
    end(&s);
}

static void an_address_is_its_persons_alone(void **state)
{
    (void)state;
    struct strict s;
    begin(&s);
    struct data_context ada = people_request_of(&s.p, "ada@example.com");
    struct data_context eve = people_request_of(&s.p, "eve@example.com");
    struct auth_email_input in = {.email = STR("new@example.com"), .password = WORLD_PASSWORD};
    struct auth_email_result result;
    assert_int_equal(auth_email_change(s.auth, &ada, &in, &result), 0);
    assert_true(result.asked);
    struct data_mail mail = {.kind = DATA_MAIL_KIND_ADDRESS,
                             .email = in.email,
                             .their_tenant_id = ada.scope.tenant_id,
                             .user_id = ada.scope.user_id};
    struct writing late = {.s = &s, .mail = mail}; /* asked for before the password they have now */
    assert_int_equal(world_write(&s.p.w, letter_fn, &late), ERR_NOT_FOUND);
    mail.created_at = time_now() + 1;
    in.confirmation = token_in(letter(&s, &mail));
    assert_int_equal(auth_email_change(s.auth, &eve, &in, &result), ERR_FORBIDDEN);
    in.email = STR("other@example.com");
    assert_int_equal(auth_email_change(s.auth, &ada, &in, &result), ERR_FORBIDDEN);
    in.email = STR("new@example.com");
    assert_int_equal(auth_email_change(s.auth, &ada, &in, &result), 0);
    assert_true(!result.asked);
    assert_str(result.user.email, "new@example.com");
    assert_int_equal(waiting(&s), 2); /* the old address is told */
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_a_letter_whoever_has_the_address),
        cmocka_unit_test(letters_are_bounded),
        cmocka_unit_test(who_asks_for_one_letter_keeps_nobody_from_another),
        cmocka_unit_test(a_link_ends),
        cmocka_unit_test(an_address_is_its_persons_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
