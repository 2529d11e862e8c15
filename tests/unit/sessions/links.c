#include "auth/world.h"
#include "sessions/sessions.h"

PEOPLE_SETUP

static const usec_t day = 24 * 60 * 60 * USEC_PER_SEC;

static struct str make(struct data_context *ctx)
{
    struct sessions_view view;
    ctx->op = store_op_new();
    assert_int_equal(sessions_create(ctx, &(struct sessions_create_input){.name = STR("A")}, &view),
                     0);
    return view.session.id;
}

struct made {
    struct data_link link;
    struct str token;
};

static struct made link_to(struct data_context *ctx, struct str session, int64_t days)
{
    struct sessions_link_input in = {
        .session_id = session, .name = STR(" for Grace "), .days = days};
    struct made m;
    assert_int_equal(sessions_link_create(ctx, &in, &m.link, &m.token), 0);
    return m;
}

/* A request of nobody comes by the link; what it may is left in *ret. */
static int enter(struct people *p, struct str token, struct data_context *ret)
{
    struct sessions_shared shared;
    *ret = people_request(p);
    return sessions_link_enter(ret, token, &shared);
}

static void assert_shut(struct people *p, struct str token)
{
    struct data_context guest;
    assert_int_equal(enter(p, token, &guest), ERR_UNAUTHENTICATED);
    assert_int_equal(guest.scope.tenant_id.n, 0);
    assert_int_equal(guest.scope.link_session.n, 0);
}

static size_t count(struct data_context *ctx, struct str session)
{
    struct sessions_links links;
    assert_int_equal(sessions_links_list(ctx, session, &links), 0);
    return links.n;
}

static void it_opens_its_session_for_nobody_by_name(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str session = make(&ada);
    struct made m = link_to(&ada, session, 7);
    assert_str(m.link.name, "for Grace");
    assert_int_equal(m.link.expires_at - m.link.created_at, 7 * day);
    struct data_context guest;
    struct sessions_shared shared;
    assert_int_equal(enter(p, m.token, &guest), 0);
    assert_true(str_eq(guest.scope.link_session, session));
    assert_true(str_eq(guest.scope.tenant_id, ada.scope.tenant_id));
    assert_int_equal(guest.scope.user_id.n, 0);
    assert_true(str_eq(guest.client.link_id, m.link.id));
    guest = people_request(p);
    assert_int_equal(sessions_link_enter(&guest, m.token, &shared), 0);
    assert_str(shared.session.name, "A");
    assert_int_equal(shared.link.at, 0);
}

/* Each character counts, and the secret of one link does not open another. */
static void another_token_opens_nothing(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str session = make(&ada);
    struct made a = link_to(&ada, session, 7);
    struct made b = link_to(&ada, session, 7);
    enum { ID = 4 + 26 }; /* "cdl_" and the digits */
    for (size_t i = 0; i < a.token.n; i++) {
        char *other = arena_alloc(&p->w.arena, a.token.n);
        memcpy(other, a.token.p, a.token.n);
        other[i] = other[i] == '2' ? '3' : '2';
        assert_shut(p, str_of(other, a.token.n));
    }
    assert_shut(p, STR_EMPTY);
    assert_shut(p, str_slice(a.token, 0, a.token.n - 1));
    assert_shut(p, arena_printf(&p->w.arena, STR_FMT STR_FMT, STR_ARG(str_slice(a.token, 0, ID)),
                                STR_ARG(str_slice(b.token, ID, b.token.n))));
    struct data_context guest;
    assert_int_equal(enter(p, a.token, &guest), 0);
}

/* How many links of the session the audit log says ended by their age; ret_last: the newest of them. */
static size_t expired(struct data_context *ctx, struct str session, struct data_audit *ret_last)
{
    struct auth_audit_page page;
    const struct auth_audit_input in = {
        .limit = DATA_MAX_LIST, .action = STR("link.expire"), .target = session};
    assert_int_equal(auth_audit_list(ctx, &in, &page), 0);
    if (page.n > 0) {
        *ret_last = page.at[0];
    }
    return page.n;
}

static void it_ends_by_age(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str session = make(&ada);
    struct made shorter = link_to(&ada, session, 1);
    struct made longer = link_to(&ada, session, SESSIONS_LINK_DAYS);
    struct data_context guest;
    struct data_audit last;
    size_t ended;
    time_test_advance(day - USEC_PER_MS);
    assert_int_equal(enter(p, shorter.token, &guest), 0);
    assert_int_equal(sessions_links_purge(p->w.store, &ended), 0);
    assert_int_equal(ended, 0);
    assert_int_equal(expired(&ada, session, &last), 0);
    time_test_advance(USEC_PER_MS);
    assert_shut(p, shorter.token); /* before anything takes it away */
    assert_int_equal(count(&ada, session), 2);
    assert_int_equal(sessions_links_purge(p->w.store, &ended), 0);
    assert_int_equal(ended, 1);
    assert_int_equal(expired(&ada, session, &last), 1);
    assert_true(str_eq(last.link_id, shorter.link.id));
    assert_int_equal(count(&ada, session), 1);
    assert_int_equal(enter(p, longer.token, &guest), 0);
    time_test_advance((SESSIONS_LINK_DAYS - 1) * day);
    assert_shut(p, longer.token);
}

/* how: its value instead; empty: it is gone. */
static void keeps_no_other_from_going(struct people *p, struct str how)
{
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str session = make(&ada);
    struct made gone = link_to(&ada, session, 1);
    time_test_advance(USEC_PER_SEC);
    (void)link_to(&ada, session, 1);
    struct str key = people_key(p, &ada, "link", gone.link.id);
    struct str lost = people_damage(p, key, how);
    assert_true(lost.n > 0);
    time_test_advance(day);
    size_t ended;
    assert_int_equal(sessions_links_purge(p->w.store, &ended), 0);
    assert_int_equal(ended, 1);
    (void)people_damage(p, key, lost);
    assert_int_equal(sessions_links_purge(p->w.store, &ended), 0);
    assert_int_equal(ended, 1);
}
PEOPLE_UNREADABLE(keeps_no_other_from_going)

static void it_ends_by_hand_with_its_session_and_its_maker(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct str session = make(&ada);
    struct str other = make(&ada);
    struct made m = link_to(&ada, session, 7);
    struct made kept = link_to(&ada, other, 7);
    assert_int_equal(sessions_link_end(&eve, session, m.link.id), ERR_NOT_FOUND);
    assert_int_equal(sessions_link_end(&eve, make(&eve), m.link.id), ERR_NOT_FOUND);
    assert_int_equal(sessions_link_end(&ada, other, m.link.id), ERR_NOT_FOUND);
    struct data_context guest;
    assert_int_equal(enter(p, m.token, &guest), 0);
    assert_int_equal(sessions_link_end(&ada, session, m.link.id), 0);
    assert_shut(p, m.token);
    assert_int_equal(sessions_link_end(&ada, session, m.link.id), ERR_NOT_FOUND);

    struct made gone = link_to(&ada, session, 7);
    struct sessions_view view;
    ada.op = store_op_new();
    assert_int_equal(sessions_delete(&ada, session, 0, &view), 0);
    assert_shut(p, gone.token);
    ada.op = store_op_new();
    assert_int_equal(sessions_restore(&ada, session, &view), 0);
    assert_shut(p, gone.token);
    assert_int_equal(count(&ada, session), 0);
    assert_int_equal(enter(p, kept.token, &guest), 0);
}

static int lower_fn(struct txn *txn, void *ctx)
{
    const struct data_context *c = ctx;
    struct data_user user;
    int r = data_user_get(txn, &c->scope, c->scope.user_id, &user);
    user.role = DATA_ROLE_VIEWER;
    return r < 0 ? r : data_user_put(txn, &c->scope, &user);
}

/* A store of before has links of viewers. */
static void it_is_worth_what_its_maker_may_make(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str session = make(&ada);
    struct made m = link_to(&ada, session, 7);
    assert_int_equal(world_write(&p->w, lower_fn, &ada), 0);
    assert_shut(p, m.token);
    struct sessions_link_input in = {.session_id = session, .name = STR("more"), .days = 1};
    struct made more;
    assert_int_equal(sessions_link_create(&ada, &in, &more.link, &more.token), ERR_FORBIDDEN);
    assert_int_equal(count(&ada, session), 1);
    assert_int_equal(sessions_link_end(&ada, session, m.link.id), 0);
    assert_int_equal(count(&ada, session), 0);
}

static int usage_fn(struct txn *txn, void *ctx)
{
    struct data_context *c = ctx;
    data_usage_put(txn, &c->scope, c->fault.field, &(struct data_usage){.seq = 7});
    return 0;
}

static void a_moment_is_one_that_was(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_link_input in = {
        .session_id = make(&ada), .name = STR("then"), .days = 1, .at = 1, .moment = time_now()};
    struct made m;
    assert_int_equal(sessions_link_create(&ada, &in, &m.link, &m.token), ERR_NOT_FOUND);
    struct data_context use = ada;
    use.fault.field = in.session_id;
    assert_int_equal(world_write(&p->w, usage_fn, &use), 0);
    in.at = 8;
    assert_int_equal(sessions_link_create(&ada, &in, &m.link, &m.token), ERR_NOT_FOUND);
    in.at = 7;
    assert_int_equal(sessions_link_create(&ada, &in, &m.link, &m.token), 0);
    struct data_context guest = people_request(p);
    struct sessions_shared shared;
    assert_int_equal(sessions_link_enter(&guest, m.token, &shared), 0);
    assert_int_equal(shared.link.at, 7);
    assert_int_equal(shared.link.moment_at / USEC_PER_MS, in.moment / USEC_PER_MS);
}

static void a_person_has_so_many(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str session = make(&ada);
    struct made m = link_to(&ada, make(&ada), 7);
    for (size_t i = 1; i < SESSIONS_MAX_LINKS; i++) {
        (void)link_to(&ada, session, 7);
    }
    struct sessions_link_input in = {.session_id = session, .name = STR("more"), .days = 1};
    struct made more;
    assert_int_equal(sessions_link_create(&ada, &in, &more.link, &more.token), ERR_LIMIT);
    assert_true(ada.fault.message.n > 0);
    assert_int_equal(count(&ada, session), SESSIONS_MAX_LINKS - 1);
    assert_int_equal(sessions_link_end(&ada, m.link.session_id, m.link.id), 0);
    assert_int_equal(sessions_link_create(&ada, &in, &more.link, &more.token), 0);
}

/* Whatever a link's request asks of this folder: an error, and the server goes on. */
static void its_scope_reaches_nothing_else(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str session = make(&ada);
    struct str other = make(&ada);
    struct made m = link_to(&ada, session, 7);
    struct data_context guest;
    struct sessions_view view;
    struct sessions_links links;
    struct sessions_link_input in = {.session_id = session, .name = STR("x"), .days = 1};
    assert_int_equal(enter(p, m.token, &guest), 0);
    assert_int_equal(sessions_get(&guest, other, &view), ERR_NOT_FOUND);
    assert_int_equal(sessions_get(&guest, session, &view), ERR_FORBIDDEN);
    assert_int_equal(sessions_links_list(&guest, other, &links), ERR_NOT_FOUND);
    assert_int_equal(sessions_links_list(&guest, session, &links), ERR_FORBIDDEN);
    assert_int_equal(sessions_link_end(&guest, session, m.link.id), ERR_NOT_FOUND);
    assert_int_equal(sessions_link_create(&guest, &in, &m.link, &m.token), ERR_FORBIDDEN);
    guest.op = store_op_new();
    assert_int_equal(sessions_delete(&guest, other, 0, &view), ERR_NOT_FOUND);
    assert_int_equal(sessions_delete(&guest, session, 0, &view), ERR_FORBIDDEN);
    assert_int_equal(sessions_get(&ada, session, &view), 0);
    assert_int_equal(count(&ada, session), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_opens_its_session_for_nobody_by_name),
        TEST(another_token_opens_nothing),
        TEST(it_ends_by_age),
        TEST(a_lost_record_keeps_no_other_from_going),
        TEST(a_damaged_record_keeps_no_other_from_going),
        TEST(a_newer_record_keeps_no_other_from_going),
        TEST_SQLITE(it_ends_by_age),
        TEST(it_ends_by_hand_with_its_session_and_its_maker),
        TEST_SQLITE(it_ends_by_hand_with_its_session_and_its_maker),
        TEST(it_is_worth_what_its_maker_may_make),
        TEST(a_moment_is_one_that_was),
        TEST(a_person_has_so_many),
        TEST(its_scope_reaches_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
