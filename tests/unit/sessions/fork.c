#include "auth/world.h"
#include "sessions/sessions.h"

PEOPLE_SETUP

static struct sessions_view make(struct data_context *ctx)
{
    struct sessions_view view;
    ctx->op = store_op_new();
    assert_int_equal(
        sessions_create(ctx, &(struct sessions_create_input){.name = STR("Origin")}, &view), 0);
    return view;
}

static int fork_it(struct data_context *ctx, struct str id, struct sessions_view *ret_view)
{
    ctx->op = store_op_new();
    return sessions_fork(ctx, &(struct sessions_fork_input){.id = id}, ret_view);
}

struct found {
    struct arena *arena;
    struct sessions_forking at[8];
    size_t n;
};

static int forks_fn(struct txn *txn, void *ctx)
{
    struct found *f = ctx;
    struct sessions_fork_page page;
    int r = sessions_forks(txn, STR_EMPTY, &page);
    f->n = 0;
    for (size_t i = 0; r == 0 && i < page.n; i++) {
        if (page.at[i].deleted) {
            continue;
        }
        struct sessions_forking *one = &f->at[f->n++];
        *one = page.at[i];
        one->id = arena_str(f->arena, one->id);
        one->from = arena_str(f->arena, one->from);
        one->scope.tenant_id = arena_str(f->arena, one->scope.tenant_id);
        one->scope.user_id = arena_str(f->arena, one->scope.user_id);
    }
    return r;
}

static struct found forks(struct people *p)
{
    struct found found = {.arena = &p->w.arena};
    assert_int_equal(store_read(p->w.store, forks_fn, &found), 0);
    return found;
}

/* A session, and a copy of it in hand. */
static void begin_fork(struct data_context *ada, struct sessions_view *ret_origin,
                       struct sessions_view *ret_copy)
{
    *ret_origin = make(ada);
    assert_int_equal(fork_it(ada, ret_origin->session.id, ret_copy), 0);
}

static void a_fork_in_hand_is_left_alone_until_it_is_whole(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view origin, copy, view;
    begin_fork(&ada, &origin, &copy);
    assert_int_equal(copy.session.status, DATA_SESSION_STATUS_FORKING);
    assert_str(copy.session.name, "Origin");
    assert_true(str_eq(copy.session.forked_from, origin.session.id));
    assert_int_equal(sessions_open(&ada, copy.session.id, &view), ERR_CONFLICT);
    assert_int_equal(sessions_delete(&ada, origin.session.id, 0, &view), ERR_CONFLICT);
    assert_int_equal(fork_it(&ada, copy.session.id, &view), ERR_CONFLICT);
    struct found found = forks(p);
    assert_int_equal(found.n, 1);
    assert_true(str_eq(found.at[0].id, copy.session.id));
    assert_int_equal(sessions_fork_whole(p->w.store, &found.at[0]), 0);
    assert_int_equal(sessions_fork_whole(p->w.store, &found.at[0]), ERR_STALE);
    assert_int_equal(forks(p).n, 0);
    assert_int_equal(sessions_get(&ada, copy.session.id, &view), 0);
    assert_int_equal(view.session.status, DATA_SESSION_STATUS_ACTIVE);
    assert_int_equal(sessions_open(&ada, copy.session.id, &view), 0);
    assert_int_equal(sessions_delete(&ada, origin.session.id, 0, &view), 0);
}

static int is_out(struct txn *txn, void *ctx)
{
    (void)txn;
    (void)ctx;
    return ERR_UNAUTHENTICATED;
}

static void who_is_out_in_the_transaction_forks_nothing(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view origin = make(&ada);
    struct sessions_view copy;
    ada.guard = (struct data_guard){.still = is_out};
    assert_int_equal(fork_it(&ada, origin.session.id, &copy), ERR_UNAUTHENTICATED);
    assert_int_equal(forks(p).n, 0);
}

static void deleted_it_rests_and_restored_it_goes_on(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view copy;
    struct sessions_view view;
    assert_int_equal(fork_it(&ada, make(&ada).session.id, &copy), 0);
    struct found before = forks(p);
    assert_int_equal(sessions_pause(&ada, copy.session.id, &view), 0);
    assert_int_equal(view.session.status, DATA_SESSION_STATUS_FORKING);
    assert_int_equal(sessions_delete(&ada, copy.session.id, 0, &view), 0);
    assert_int_equal(forks(p).n, 0);
    assert_int_equal(sessions_fork_whole(p->w.store, &before.at[0]), ERR_STALE);
    assert_int_equal(sessions_restore(&ada, copy.session.id, &view), 0);
    assert_int_equal(view.session.status, DATA_SESSION_STATUS_FORKING);
    assert_int_equal(forks(p).n, 1);
}

static void a_person_has_four_in_hand(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct sessions_view origin = make(&ada);
    struct sessions_view view;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fork_it(&ada, origin.session.id, &view), 0);
    }
    assert_int_equal(fork_it(&ada, origin.session.id, &view), ERR_LIMIT);
    assert_int_equal(fork_it(&eve, origin.session.id, &view), ERR_NOT_FOUND);
    assert_int_equal(fork_it(&eve, make(&eve).session.id, &view), 0);
    struct sessions_fork_input ahead = {.id = origin.session.id, .at = 1};
    assert_int_equal(sessions_fork(&ada, &ahead, &view), ERR_INVALID);
}

struct holding {
    struct data_context *ctx;
    struct str id;
    uint64_t bytes;
};

static int hold_fn(struct txn *txn, void *ctx)
{
    const struct holding *h = ctx;
    data_usage_put(txn, &h->ctx->scope, h->id,
                   &(struct data_usage){.seq = 7, .files = 3, .bytes = h->bytes});
    return 0;
}

/* A session that holds so many bytes after seven changes; its id. */
static struct str make_holding(struct people *p, struct data_context *ctx, uint64_t bytes)
{
    struct holding holding = {ctx, make(ctx).session.id, bytes};
    assert_int_equal(world_write(&p->w, hold_fn, &holding), 0);
    return holding.id;
}

static void restored_it_wants_what_it_is_a_copy_of(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str origin = make_holding(p, &ada, 400);
    struct sessions_view copy, view;
    assert_int_equal(fork_it(&ada, origin, &copy), 0);
    assert_int_equal(sessions_delete(&ada, copy.session.id, 0, &view), 0);
    assert_int_equal(sessions_delete(&ada, origin, 0, &view), 0);
    assert_int_equal(sessions_restore(&ada, copy.session.id, &view), ERR_CONFLICT);
    assert_str(ada.fault.message, "What it is a copy of is deleted. Restore that first.");
    assert_int_equal(forks(p).n, 0);
    assert_int_equal(sessions_restore(&ada, origin, &view), 0);
    assert_int_equal(sessions_restore(&ada, copy.session.id, &view), 0);
    assert_int_equal(view.session.status, DATA_SESSION_STATUS_FORKING);
    assert_int_equal(forks(p).n, 1);
}

/* Whether or not a total is kept; what other forks still copy counts too. */
static void a_fork_keeps_to_the_quota(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str origin = make_holding(p, &ada, 400);
    struct sessions_view copy;
    struct data_quota quota = {.tenant = 799};
    ada.quota = &quota;
    assert_int_equal(fork_it(&ada, origin, &copy), ERR_QUOTA);
    assert_true(ada.fault.message.n > 0);
    quota.tenant = 800;
    assert_int_equal(fork_it(&ada, origin, &copy), 0);
    quota.tenant = 1199;
    assert_int_equal(fork_it(&ada, origin, &copy), ERR_QUOTA);
    quota.tenant = 300; /* lowered meanwhile */
    assert_int_equal(fork_it(&ada, origin, &copy), ERR_QUOTA);
    quota = (struct data_quota){.tenant = 1200, .sessions = 2};
    assert_int_equal(fork_it(&ada, origin, &copy), ERR_LIMIT);
    quota.sessions = 3;
    assert_int_equal(fork_it(&ada, origin, &copy), 0);
}

/* Not what the session holds now: it may have been larger then, or smaller. */
static void a_fork_of_a_moment_counts_what_it_held(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str origin = make_holding(p, &ada, 400);
    struct sessions_view view;
    struct data_quota quota = {.tenant = 1299};
    ada.quota = &quota;
    struct sessions_fork_input in = {.id = origin, .at = 3, .bytes = 900};
    assert_int_equal(sessions_fork(&ada, &in, &view), ERR_QUOTA);
    quota.tenant = 1300;
    assert_int_equal(sessions_fork(&ada, &in, &view), 0);
    in = (struct sessions_fork_input){.id = origin, .at = 4, .bytes = 1};
    ada.op = store_op_new();
    assert_int_equal(sessions_fork(&ada, &in, &view), ERR_QUOTA); /* beside what the first copies */
    quota.tenant = 1301;
    assert_int_equal(sessions_fork(&ada, &in, &view), 0);
    in.at = 7; /* the latest: what it holds is known here */
    ada.op = store_op_new();
    quota.tenant = 1700;
    assert_int_equal(sessions_fork(&ada, &in, &view), ERR_QUOTA);
    quota.tenant = 1701;
    assert_int_equal(sessions_fork(&ada, &in, &view), 0);
}

/* A file of 64 GiB under many names is one content: the sum of the names has no bound. */
static void a_tree_may_hold_more_than_can_be_noted(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view view;
    assert_int_equal(fork_it(&ada, make_holding(p, &ada, UINT64_MAX / 2), &view), 0);
    assert_int_equal(forks(p).at[0].bytes, JSON_MAX_EXACT);
}

/* Its record cannot be read, then is lost. */
static void what_is_damaged_keeps_no_other_from_being_copied(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view damaged;
    struct sessions_view whole;
    assert_int_equal(fork_it(&ada, make(&ada).session.id, &damaged), 0);
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(fork_it(&ada, make(&ada).session.id, &whole), 0);
    struct str key = people_key(p, &ada, "session", damaged.session.id);
    struct str was = people_damage(p, key, STR("1 {"));
    for (int i = 0; i < 2; i++) {
        struct found found = forks(p);
        assert_int_equal(found.n, 1);
        assert_true(str_eq(found.at[0].id, whole.session.id));
        (void)people_damage(p, key, STR_EMPTY);
    }
    (void)people_damage(p, key, was);
    assert_int_equal(forks(p).n, 2);
}

/* What is copied from stays while the copy's record cannot be read. */
static void a_damaged_fork_keeps_its_origin(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view origin, copy, view;
    begin_fork(&ada, &origin, &copy);
    struct str key = people_key(p, &ada, "session", copy.session.id);
    struct str was = people_damage(p, key, STR("1 {"));
    assert_int_equal(sessions_delete(&ada, origin.session.id, 0, &view), ERR_CONFLICT);
    (void)people_damage(p, key, was);
    assert_int_equal(sessions_fork_whole(p->w.store, &forks(p).at[0]), 0);
    assert_int_equal(sessions_delete(&ada, origin.session.id, 0, &view), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_fork_in_hand_is_left_alone_until_it_is_whole),
        TEST_SQLITE(a_fork_in_hand_is_left_alone_until_it_is_whole),
        TEST(who_is_out_in_the_transaction_forks_nothing),
        TEST(deleted_it_rests_and_restored_it_goes_on),
        TEST_SQLITE(deleted_it_rests_and_restored_it_goes_on),
        TEST(restored_it_wants_what_it_is_a_copy_of),
        TEST_SQLITE(restored_it_wants_what_it_is_a_copy_of),
        TEST(a_person_has_four_in_hand),
        TEST(a_fork_keeps_to_the_quota),
        TEST(a_fork_of_a_moment_counts_what_it_held),
        TEST(a_tree_may_hold_more_than_can_be_noted),
        TEST(what_is_damaged_keeps_no_other_from_being_copied),
        TEST(a_damaged_fork_keeps_its_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
