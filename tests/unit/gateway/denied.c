/* What an IDE's door refuses in the audit log: whose it is, once for many, and what is no denial. */
#include "world.h"

struct count {
    struct scope scope;
    const char *route;
    size_t records; /* results */
    int64_t calls;
    bool named; /* all of them by who was asked for */
};

static int count_fn(struct txn *txn, void *ctx)
{
    struct count *c = ctx;
    struct data_query query = {.index = DATA_BY_ID, .limit = DATA_MAX_LIST};
    struct data_audit_list list;
    int r = data_audit_list(txn, &c->scope, &query, &list);
    c->records = 0;
    c->calls = 0;
    c->named = true;
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        const struct data_audit *one = &list.at[i];
        if (str_eq(one->action, STR("request.deny")) && str_eq(one->route, str_from(c->route))) {
            c->records++;
            c->calls += one->count;
            c->named = c->named && str_eq(one->actor_id, c->scope.user_id) &&
                       one->outcome == DATA_OUTCOME_DENIED && one->request_id.n > 0;
        }
    }
    return r;
}

/* Records of these denials, after those of now were written. */
static struct count denials(struct stand *s, const struct scope *scope, const char *route)
{
    struct count c = {.scope = *scope, .route = route};
    assert_int_equal(auth_flush(s->p.auth), 0);
    assert_int_equal(store_read(s->p.w.store, count_fn, &c), 0);
    assert_true(c.named);
    return c;
}

static void anothers_session_is_in_ones_own_log(void **state)
{
    struct stand *s = *state;
    struct asked a = {.host = host_of(s, &s->ada), .path = "/", .pass = pass_of(s, &s->eve)};
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ask(s, &a), 401);
    }
    struct count c = denials(s, &s->eve.ctx.scope, "ide");
    assert_int_equal(c.records, 1);
    assert_int_equal(c.calls, 20);
    assert_int_equal(denials(s, &s->ada.ctx.scope, "ide").records, 0);
    assert_int_equal(denials(s, &data_house, "ide").records, 0);
}

static void a_foreign_page_too(void **state)
{
    struct stand *s = *state;
    struct asked a = {.host = host_of(s, &s->ada),
                      .path = "/file-upload",
                      .method = "POST",
                      .headers = "Origin: http://example.com\r\n",
                      .pass = pass_of(s, &s->ada)};
    assert_int_equal(ask(s, &a), 403);
    assert_int_equal(denials(s, &s->ada.ctx.scope, "ide").calls, 1);
}

static void strangers_are_in_the_log_of_the_house(void **state)
{
    struct stand *s = *state;
    struct asked a = {.host = host_of(s, &s->ada), .path = "/"};
    assert_int_equal(ask(s, &a), 401);
    a.pass = STR("x");
    assert_int_equal(ask(s, &a), 401);
    a.path = "/coditect/ticket?ticket=x";
    assert_int_equal(ask(s, &a), 401);
    assert_int_equal(denials(s, &data_house, "ide").calls, 2);
    assert_int_equal(denials(s, &data_house, "ide_ticket").calls, 1);
}

static void who_was_logged_out_is_a_stranger(void **state)
{
    struct stand *s = *state;
    struct asked a = {.host = host_of(s, &s->ada), .path = "/", .pass = pass_of(s, &s->ada)};
    assert_int_equal(auth_logout(s->p.auth, &s->ada.ctx, /* everywhere= */ true), 0);
    assert_int_equal(ask(s, &a), 401);
    assert_int_equal(denials(s, &s->ada.ctx.scope, "ide").records, 0);
    assert_int_equal(denials(s, &data_house, "ide").calls, 1);
}

static void a_paused_session_is_no_denial(void **state)
{
    struct stand *s = *state;
    struct sessions_view view;
    struct asked a = {.host = host_of(s, &s->ada), .path = "/", .pass = pass_of(s, &s->ada)};
    s->ada.ctx.op = store_op_new();
    assert_int_equal(sessions_pause(&s->ada.ctx, s->ada.session, &view), 0);
    assert_int_equal(ask(s, &a), 401);
    resident_open(&s->ada);
    assert_int_equal(ask(s, &a), 401); /* of the run before */
    assert_int_equal(denials(s, &s->ada.ctx.scope, "ide").records, 0);
    assert_int_equal(denials(s, &data_house, "ide").records, 0);
    s->ada.ctx.op = store_op_new();
    assert_int_equal(sessions_delete(&s->ada.ctx, s->ada.session, 0, &view), 0);
    assert_int_equal(ask(s, &a), 401);
    assert_int_equal(denials(s, &s->ada.ctx.scope, "ide").calls, 1);
}

#define DENIED(name) cmocka_unit_test_setup_teardown(name, stand_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DENIED(anothers_session_is_in_ones_own_log),   DENIED(a_foreign_page_too),
        DENIED(strangers_are_in_the_log_of_the_house), DENIED(who_was_logged_out_is_a_stranger),
        DENIED(a_paused_session_is_no_denial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
