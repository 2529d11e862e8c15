/* The end of an account: at once nobody comes in, in pages what they made goes, and within 30 days nothing is left but the log. */
#include "auth/world.h"
#include "conversations/conversations.h"
#include "files/files.h"
#include "files/upkeep.h"
#include "lifecycle/lifecycle.h"
#include "sessions/sessions.h"
#include "settings/settings.h"

PEOPLE_SETUP

enum { SESSIONS = 45 }; /* more than two pages */

static const usec_t day = 24 * 3600 * USEC_PER_SEC;

static struct str session_of(struct data_context *ctx, struct str project)
{
    struct sessions_view view;
    struct sessions_create_input in = {.name = STR("A"), .project_id = project};
    ctx->op = store_op_new();
    assert_int_equal(sessions_create(ctx, &in, &view), 0);
    return view.session.id;
}

static void put(struct data_context *ctx, struct str tree)
{
    struct files_put_input in = {.session = tree,
                                 .path = STR("folder/secret"),
                                 .author = {FILES_USER, ctx->scope.user_id},
                                 .parents = true,
                                 .mode = -1,
                                 .expected = -1};
    struct files_entry entry;
    ctx->op = store_op_new();
    assert_int_equal(files_put(ctx, &in, STR("what nobody else is to read"), &entry), 0);
}

static void set(struct data_context *ctx, enum settings_scope scope)
{
    struct settings_place at = {STR("editor"), STR("font_size"), scope};
    struct settings_view view;
    struct json *value;
    assert_int_equal(json_parse(ctx->arena, STR("16"), &value, NULL), 0);
    ctx->op = store_op_new();
    assert_int_equal(settings_put(ctx, &at, value, &view), 0);
}

struct desk {
    struct scope scope;
    struct str session;
};

static int arrange(struct txn *txn, void *ctx)
{
    const struct desk *desk = ctx;
    return sessions_desk_put(txn, &desk->scope, desk->session, STR("{}"));
}

/* What is said in it, who may read it, how it is arranged. */
static void use(struct data_context *ctx, struct str session)
{
    struct conversations_view talk;
    struct conversations_create_input about = {.session_id = session, .name = STR("Why")};
    ctx->op = store_op_new();
    assert_int_equal(conversations_create(ctx, &about, &talk), 0);
    struct data_message message;
    struct conversations_append_input said = {.role = DATA_MESSAGE_ROLE_USER,
                                              .content = STR("what nobody else is to hear")};
    ctx->op = store_op_new();
    assert_int_equal(conversations_append(ctx, talk.conversation.id, &said, &message), 0);
    struct data_link link;
    struct str token;
    struct sessions_link_input to = {.session_id = session, .name = STR("Grace"), .days = 90};
    ctx->op = store_op_new();
    assert_int_equal(sessions_link_create(ctx, &to, &link, &token), 0);
    struct desk desk = {.scope = ctx->scope, .session = session};
    ctx->op = store_op_new();
    assert_int_equal(store_write(ctx->store, &ctx->op, arrange, &desk), 0);
}

/* A key, a second step that is begun, somebody invited. */
static void let_in(struct people *p, struct data_context *ctx)
{
    struct data_apikey key;
    struct str token;
    struct auth_apikey_input in = {STR("ci"), DATA_APIKEY_ACCESS_WRITE, .days = 366};
    ctx->op = store_op_new();
    assert_int_equal(auth_apikey_create(ctx, &in, &key, &token), 0);
    struct auth_totp_new second;
    ctx->op = store_op_new();
    assert_int_equal(auth_totp_begin(p->auth, ctx, WORLD_PASSWORD, &second), 0);
    struct data_invitation invitation;
    struct auth_invitation_input whom = {.email = STR("x@example.com"), .role = DATA_ROLE_MEMBER};
    ctx->op = store_op_new();
    assert_int_equal(auth_invitation_create(ctx, &whom, &invitation, &token), 0);
}

/* Somebody with one of each: sessions, a project, files in a session and in the home, settings, and what use and let_in make. */
static struct data_context settle(struct people *p)
{
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_project project;
    ada.op = store_op_new();
    assert_int_equal(sessions_project_create(&ada, STR("Work"), &project), 0);
    for (int i = 0; i < SESSIONS; i++) {
        struct str id = session_of(&ada, i % 2 ? project.project.id : STR_EMPTY);
        if (i == 0) {
            put(&ada, id);
            use(&ada, id);
        }
    }
    put(&ada, ada.scope.user_id);
    set(&ada, SETTINGS_OF_USER);
    set(&ada, SETTINGS_OF_TENANT);
    let_in(p, &ada);
    return ada;
}

struct look {
    const struct scope *scope;
    struct str but; /* spaces that may be there, between spaces */
    size_t keys;    /* of others */
};

static int look_fn(struct txn *txn, void *ctx)
{
    struct look *l = ctx;
    struct arena *arena = store_arena(txn);
    struct str begin = arena_printf(arena, "t/" STR_FMT "/", STR_ARG(l->scope->tenant_id));
    struct store_range range = {begin, store_after(arena, begin), .limit = STORE_MAX_SCAN};
    struct store_pair *pairs;
    size_t n;
    l->keys = 0;
    int r = store_scan(txn, &range, &pairs, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct str rest = str_slice(pairs[i].key, begin.n, pairs[i].key.n);
        struct str space = str_slice(rest, 0, str_find(rest, '/', 0));
        struct str may = l->but;
        struct str one;
        bool known = false;
        while (str_split(&may, ' ', &one)) {
            known = known || str_eq(one, space);
        }
        l->keys += !known;
        if (!known) {
            print_error("left: " STR_FMT "\n", STR_ARG(rest));
        }
    }
    return r;
}

static size_t left_of(struct people *p, const struct scope *scope, const char *but)
{
    struct look l = {.scope = scope, .but = str_from(but)};
    assert_int_equal(store_read(p->w.store, look_fn, &l), 0);
    return l.keys;
}

static void run_duties(struct people *p)
{
    bool more = true;
    usec_t soon = time_monotonic() + 60 * USEC_PER_SEC;
    assert_int_equal(lifecycle_leavers(p->w.store, soon, &more), 0);
    assert_false(more);
    assert_int_equal(lifecycle_purge(p->w.store, NULL, soon, &more), 0);
    assert_false(more);
}

static void collect(struct people *p)
{
    struct files_collected page = {.looked = 1};
    while (page.looked > 0) {
        assert_int_equal(files_collect(p->w.store, &(struct files_collect_input){0}, &page), 0);
    }
}

static void nothing_is_left_but_the_log(void **state)
{
    struct people *p = *state;
    struct data_context ada = settle(p);
    struct auth_result result;
    assert_int_equal(lifecycle_account_delete(p->auth, &ada, STR("wrong"), 0), ERR_BAD_CREDENTIALS);
    assert_int_equal(lifecycle_account_delete(p->auth, &ada, WORLD_PASSWORD, 0), 0);
    assert_int_equal(auth_still(p->auth, &ada), ERR_UNAUTHENTICATED);
    assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &result),
                     ERR_BAD_CREDENTIALS);
    run_duties(p);
    struct sessions_list_input all = {.limit = 100};
    struct sessions_page page;
    assert_int_equal(sessions_list(&ada, &all, &page), 0);
    assert_int_equal(page.n, 0);
    all.deleted = true;
    assert_int_equal(sessions_list(&ada, &all, &page), 0);
    assert_int_equal(page.n, SESSIONS);
    world_assert_consistent(p->w.store);

    time_test_advance(30 * day);
    run_duties(p);
    run_duties(p);
    time_test_advance(2 * day); /* content that an upload had a day ago is not collected */
    collect(p);
    assert_int_equal(left_of(p, &ada.scope, "tenant audit n"), 0); /* n: numbers of ids */
    (void)people_register(p, "ada@example.com");                   /* the address is free */
}

/* The latest that it can be: each duty comes once a day, and to a session that was deleted a moment before the account. */
static void all_is_gone_within_thirty_days(void **state)
{
    struct people *p = *state;
    struct data_context ada = settle(p);
    struct sessions_list_input in = {.limit = 100};
    struct sessions_page page;
    assert_int_equal(sessions_list(&ada, &in, &page), 0);
    for (size_t i = 0; i < page.n; i += 2) {
        struct sessions_view view;
        ada.op = store_op_new();
        assert_int_equal(sessions_delete(&ada, page.at[i].session.id, 0, &view), 0);
    }
    assert_int_equal(lifecycle_account_delete(p->auth, &ada, WORLD_PASSWORD, 0), 0);
    for (int i = 1; i <= 29; i++) {
        time_test_advance(day);
        run_duties(p);
        collect(p);
    }
    assert_int_equal(left_of(p, &ada.scope, "tenant audit n"), 0);
}

/* A session whose record cannot be read, of who left first: it is told, and keeps nobody else's from going. */
static void keeps_no_other_from_going(struct people *p, struct str how, int told)
{
    struct data_context ada = settle(p);
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct str session = session_of(&eve, STR_EMPTY);
    put(&eve, session);
    put(&eve, eve.scope.user_id);
    struct sessions_list_input in = {.limit = 1};
    struct sessions_page page;
    assert_int_equal(sessions_list(&ada, &in, &page), 0);
    assert_int_equal(lifecycle_account_delete(p->auth, &ada, WORLD_PASSWORD, 0), 0);
    run_duties(p);
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(lifecycle_account_delete(p->auth, &eve, WORLD_PASSWORD, 0), 0);
    struct str key = people_key(p, &ada, "session", page.at[0].session.id);
    struct str was = people_damage(p, key, how);
    assert_true(was.n > 0);
    bool more;
    for (int i = 0; i < 32; i++) {
        usec_t soon = time_monotonic() + 60 * USEC_PER_SEC;
        assert_int_equal(lifecycle_leavers(p->w.store, soon, &more), told);
        assert_int_equal(lifecycle_purge(p->w.store, NULL, soon, &more), 0);
        time_test_advance(day);
    }
    collect(p);
    assert_int_equal(left_of(p, &eve.scope, "tenant audit n"), 0);
    (void)people_damage(p, key, was);
    run_duties(p);
    run_duties(p);
    time_test_advance(2 * day);
    collect(p);
    assert_int_equal(left_of(p, &ada.scope, "tenant audit n"), 0);
    assert_int_equal(left_of(p, &eve.scope, "tenant audit n"), 0);
}

static void what_is_damaged_keeps_no_other_from_going(void **state)
{
    keeps_no_other_from_going(*state, STR("1 {"), ERR_CORRUPT);
}

static void what_is_newer_keeps_no_other_from_going(void **state)
{
    keeps_no_other_from_going(*state, STR("99 {}"), ERR_NEWER);
}

static void others_keep_what_is_theirs(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    set(&ada, SETTINGS_OF_TENANT);
    struct data_context mel = people_join(p, &ada, "mel@example.com", DATA_ROLE_ADMIN);
    struct str theirs = session_of(&mel, STR_EMPTY);
    assert_int_equal(lifecycle_account_delete(p->auth, &ada, WORLD_PASSWORD, 0), ERR_CONFLICT);
    struct data_user owner;
    assert_int_equal(auth_tenant_transfer(&ada, mel.scope.user_id, &owner), 0);
    assert_int_equal(lifecycle_account_delete(p->auth, &ada, WORLD_PASSWORD, 0), 0);
    run_duties(p);
    assert_int_equal(auth_still(p->auth, &mel), 0);
    struct sessions_view view;
    assert_int_equal(sessions_get(&mel, theirs, &view), 0);
    int64_t size = 0;
    assert_int_equal(settings_number(&mel, SETTING_EDITOR_FONT_SIZE, &size), 0);
    assert_int_equal(size, 16);
    struct data_tenant tenant;
    assert_int_equal(auth_tenant_get(&mel, &tenant), 0);
    assert_str(tenant.name, "Ada");
    struct auth_members members;
    struct auth_members_input former = {.limit = 10, .former = true};
    assert_int_equal(auth_members_list(&mel, &former, &members), 0);
    assert_int_equal(members.n, 0); /* it is nobody's to be given to */
    struct data_invitation invitation;
    struct str token;
    const struct auth_invitation_input in = {STR("x@example.com"), DATA_ROLE_MEMBER,
                                             ada.scope.user_id};
    mel.op = store_op_new();
    assert_int_equal(auth_invitation_create(&mel, &in, &invitation, &token), ERR_INVALID);
}

/* What a removed member left waits for somebody to be given to: with the last one there is nobody any more. */
static void the_last_one_takes_former_members_along(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context mel = people_join(p, &ada, "mel@example.com", DATA_ROLE_ADMIN);
    struct str session = session_of(&mel, STR_EMPTY);
    put(&mel, session);
    put(&mel, mel.scope.user_id);
    set(&mel, SETTINGS_OF_USER);
    assert_int_equal(lifecycle_member_remove(&ada, mel.scope.user_id, 0), 0);
    struct data_link link;
    struct str token;
    const struct sessions_link_input to = {.session_id = session, .name = STR("Late"), .days = 1};
    assert_int_equal(sessions_link_create(&mel, &to, &link, &token), ERR_UNAUTHENTICATED);
    for (int i = 0; i < 31; i++) {
        time_test_advance(day);
        run_duties(p);
    }
    struct auth_audit_page page; /* nothing of that was hers */
    const struct auth_audit_input expired = {.limit = 1, .action = STR("login.expire")};
    assert_int_equal(auth_purge(p->auth, &(size_t){0}), 0);
    assert_int_equal(auth_audit_list(&ada, &expired, &page), 0);
    assert_int_equal(page.n, 1);
    assert_int_equal(page.at[0].actor_id.n, 0);
    struct data_context again = people_request(p);
    struct auth_result result;
    assert_int_equal(people_login(p, "ada@example.com", WORLD_PASSWORD, &result), 0);
    assert_int_equal(auth_authenticate(p->auth, &again, result.token), 0);
    assert_int_equal(lifecycle_account_delete(p->auth, &again, WORLD_PASSWORD, 0), 0);
    for (int i = 1; i <= 29; i++) {
        time_test_advance(day);
        run_duties(p);
        collect(p);
    }
    size_t ended;
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    assert_int_equal(left_of(p, &ada.scope, "tenant audit n"), 0);
    static const char *const by_server[] = {"user.purge", "session.purge", "session.delete"};
    for (size_t i = 0; i < sizeof by_server / sizeof *by_server; i++) {
        const struct auth_audit_input in = {.limit = 1, .action = str_from(by_server[i])};
        assert_int_equal(auth_audit_list(&ada, &in, &page), 0);
        assert_int_equal(page.n, 1);
        assert_int_equal(page.at[0].actor_id.n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_left_but_the_log),
        TEST_SQLITE(nothing_is_left_but_the_log),
        TEST(all_is_gone_within_thirty_days),
        TEST(what_is_damaged_keeps_no_other_from_going),
        TEST(what_is_newer_keeps_no_other_from_going),
        TEST(others_keep_what_is_theirs),
        TEST(the_last_one_takes_former_members_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
