#include "sessions/sessions.h"

#include "auth/world.h"

PEOPLE_SETUP

static struct str make(struct data_context *ctx, const char *name)
{
    struct sessions_view view;
    ctx->op = store_op_new();
    assert_int_equal(
        sessions_create(ctx, &(struct sessions_create_input){.name = str_from(name)}, &view), 0);
    time_test_advance(USEC_PER_SEC);
    return view.session.id;
}

/* Names of all pages, one after another, each behind a space; a session comes in each time in front of the place. */
static struct str all(struct data_context *ctx, struct sessions_list_input in, int64_t total)
{
    struct sessions_page page = {.next = STR_EMPTY};
    BUF_AUTO(names, 65536);
    do {
        in.cursor = page.next;
        assert_int_equal(sessions_list(ctx, &in, &page), 0);
        assert_int_equal(page.total, total);
        for (size_t i = 0; i < page.n; i++) {
            buf_byte(&names, ' ');
            buf_add(&names, page.at[i].session.name);
        }
    } while (page.next.n > 0);
    return arena_str(ctx->arena, buf_str(&names));
}

static void sorts_and_searches(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str ids[4];
    static const char *const names[] = {"delta", "Alpha", "gamma", "BETA"};
    for (size_t i = 0; i < 4; i++) {
        ids[i] = make(&ada, names[i]);
    }
    struct sessions_view v;
    assert_int_equal(sessions_pause(&ada, ids[0], &v), 0); /* the latest activity is delta's */
    static const struct {
        enum sessions_sort sort;
        bool reverse;
        const char *order;
    } rows[] = {
        {SESSIONS_BY_ACTIVITY, false, " delta BETA gamma Alpha"},
        {SESSIONS_BY_ACTIVITY, true, " Alpha gamma BETA delta"},
        {SESSIONS_BY_CREATED, false, " BETA gamma Alpha delta"},
        {SESSIONS_BY_CREATED, true, " delta Alpha gamma BETA"},
        {SESSIONS_BY_NAME, false, " Alpha BETA delta gamma"},
        {SESSIONS_BY_NAME, true, " gamma delta BETA Alpha"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t limit = 1; limit <= 5; limit++) {
            struct sessions_list_input in = {
                .limit = limit, .sort = rows[i].sort, .reverse = rows[i].reverse};
            assert_str(all(&ada, in, 4), rows[i].order);
        }
    }
    struct sessions_list_input in = {.limit = 1, .words = STR("TA")};
    assert_str(all(&ada, in, 2), " delta BETA");
    in.words = STR("A\xc3\xa9");
    assert_str(all(&ada, in, 0), "");
    in = (struct sessions_list_input){.limit = 1, .sort = SESSIONS_BY_NAME, .cursor = STR("?")};
    struct sessions_page page;
    assert_int_equal(sessions_list(&ada, &in, &page), ERR_INVALID);
    assert_str(ada.fault.field, "cursor");
}

/* Of the same name, and one that another name begins with. */
static void equal_names_are_each_there_once(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    static const char *const names[] = {"a", "A", "a b", "a", "a-b", "a"};
    for (size_t i = 0; i < 6; i++) {
        (void)make(&ada, names[i]);
    }
    struct sessions_list_input in = {.limit = 1, .sort = SESSIONS_BY_NAME};
    struct str order = all(&ada, in, 6);
    assert_int_equal(order.n, strlen(" a A a b a a-b a"));
    assert_true(str_ends(order, STR(" a b a-b")));
}

static void deleted_ones_are_counted_apart(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct str id = make(&ada, "one");
    (void)make(&ada, "two");
    (void)make(&eve, "hers");
    struct sessions_view v;
    assert_int_equal(sessions_delete(&ada, id, 0, &v), 0);
    struct sessions_list_input in = {.limit = 10};
    assert_str(all(&ada, in, 1), " two");
    in.deleted = true;
    assert_str(all(&ada, in, 1), " one");
    in.sort = SESSIONS_BY_NAME;
    assert_str(all(&ada, in, 1), " one");
    assert_int_equal(sessions_restore(&ada, id, &v), 0);
    assert_str(all(&ada, in, 0), "");
}

/* 1200 sessions of somebody else, made at once. */
static int hay_fn(struct txn *txn, void *ctx)
{
    struct data_context *c = ctx;
    struct arena *arena = store_arena(txn);
    struct str user = data_id_make(arena, "usr");
    int r = 0;
    for (int i = 0; r == 0 && i < 1200; i++) {
        struct data_session session = {.id = data_id_make(arena, "ses"),
                                       .name = STR("hay"),
                                       .status = DATA_SESSION_STATUS_ACTIVE,
                                       .tenant_id = c->scope.tenant_id,
                                       .user_id = user,
                                       .created_at = time_now(),
                                       .updated_at = time_now(),
                                       .last_access_at = time_now(),
                                       .revision = 1,
                                       .workspace_id = data_id_make(arena, "wsp")};
        r = data_session_put(txn, &c->scope, &session);
    }
    return r;
}

/* More than a call looks at, and what is looked for at both ends. */
static void a_tenant_is_searched_in_stretches(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    (void)make(&ada, "needle old");
    assert_int_equal(world_write(&p->w, hay_fn, &ada), 0);
    time_test_advance(USEC_PER_SEC);
    (void)make(&ada, "new Needle");
    struct sessions_page page;
    struct sessions_list_input in = {.limit = 100, .words = STR("needle")};
    assert_int_equal(sessions_tenant_list(&ada, &in, &page), 0);
    assert_int_equal(page.n, 1);
    assert_int_equal(page.total, -1);
    assert_str(page.at[0].session.name, "new Needle");
    assert_true(page.next.n > 0);
    in.cursor = page.next;
    assert_int_equal(sessions_tenant_list(&ada, &in, &page), 0);
    assert_int_equal(page.n, 1);
    assert_str(page.at[0].session.name, "needle old");
    assert_int_equal(page.next.n, 0);
    in = (struct sessions_list_input){.limit = 1, .reverse = true};
    assert_int_equal(sessions_tenant_list(&ada, &in, &page), 0);
    assert_int_equal(page.total, 1202);
    assert_str(page.at[0].session.name, "needle old");
}

/* By name more than can be gathered: the latest count, and no total is told. */
static void of_too_many_the_latest_are_sorted(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    (void)make(&ada, "a old");
    assert_int_equal(world_write(&p->w, hay_fn, &ada), 0);
    struct sessions_page page;
    struct sessions_list_input in = {.limit = 1, .sort = SESSIONS_BY_NAME};
    assert_int_equal(sessions_tenant_list(&ada, &in, &page), 0);
    assert_int_equal(page.total, 1201);
    assert_str(page.at[0].session.name, "a old");
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(world_write(&p->w, hay_fn, &ada), 0);
    time_test_advance(USEC_PER_SEC);
    (void)make(&ada, "b new");
    assert_int_equal(sessions_tenant_list(&ada, &in, &page), 0);
    assert_int_equal(page.total, -1);
    assert_str(page.at[0].session.name, "b new");
    assert_true(page.next.n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sorts_and_searches),
        TEST_SQLITE(sorts_and_searches),
        TEST(equal_names_are_each_there_once),
        TEST(deleted_ones_are_counted_apart),
        TEST(a_tenant_is_searched_in_stretches),
        TEST(of_too_many_the_latest_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
