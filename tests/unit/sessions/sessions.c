#include "sessions/sessions.h"

#include "auth/world.h"
#include "replies.gen.h"

PEOPLE_SETUP

static const usec_t day = 24 * 3600 * USEC_PER_SEC;

static struct sessions_view make(struct data_context *ctx, const char *name)
{
    struct sessions_view view;
    ctx->op = store_op_new();
    assert_int_equal(
        sessions_create(ctx, &(struct sessions_create_input){.name = str_from(name)}, &view), 0);
    time_test_advance(USEC_PER_SEC);
    return view;
}

static struct sessions_page list(struct data_context *ctx, bool deleted)
{
    struct sessions_page page;
    struct sessions_list_input in = {.limit = 100, .deleted = deleted};
    assert_int_equal(sessions_list(ctx, &in, &page), 0);
    return page;
}

static void makes_reads_and_shows(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view made = make(&ada, " Projekt 語 ");
    struct sessions_view view;
    assert_int_equal(sessions_get(&ada, made.session.id, &view), 0);
    assert_str(view.session.name, "Projekt 語");
    assert_true(str_eq(view.session.reply, made.session.reply));
    BUF_AUTO(text, 8192);
    struct json_writer w;
    json_writer_init(&w, &text);
    sessions_write(reply_session_begin(&w), &view, STR("http://x.ide.example.com/"));
    struct json *shown;
    assert_int_equal(json_parse(&p->w.arena, buf_str(&text), &shown, NULL), 0);
    static const char *const members[] = {"id",      "name",       "status",     "tenant_id",
                                          "user_id", "workspace",  "agents",     "files",
                                          "bytes",   "created_at", "updated_at", "last_access_at"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        assert_non_null(json_get(shown, members[i]));
    }
    assert_null(json_get(shown, "open_files")); /* which nobody but a person's IDE knows */
    assert_str(json_get(shown, "status")->string, "active");
    const struct json *workspace = json_get(shown, "workspace");
    assert_str(json_get(workspace, "state")->string, "stopped");
    assert_str(json_get(workspace, "ide_url")->string, "http://x.ide.example.com/");
    assert_false(json_get(workspace, "connected")->boolean);
    static const char *const hidden[] = {"desired", "generation", "place"};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        assert_null(json_get(workspace, hidden[i]));
    }
    assert_null(json_get(shown, "workspace_id"));
}

static void others_find_nothing(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct data_context mate = ada; /* of the same tenant */
    mate.scope.user_id = data_id_make(&p->w.arena, "usr");
    struct str ids[] = {make(&ada, "Secret").session.id, STR("ses-00000000000000000000000000"),
                        STR("../x"), STR("")};
    struct data_context *strangers[] = {&eve, &mate};
    struct sessions_view v;
    struct sessions_update_input rename = {.rename = true, .name = STR("Mine")};
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
            assert_int_equal(sessions_get(strangers[s], ids[i], &v), ERR_NOT_FOUND);
            assert_int_equal(sessions_update(strangers[s], ids[i], &rename, &v), ERR_NOT_FOUND);
            assert_int_equal(sessions_delete(strangers[s], ids[i], 0, &v), ERR_NOT_FOUND);
            assert_int_equal(sessions_restore(strangers[s], ids[i], &v), ERR_NOT_FOUND);
            assert_int_equal(sessions_open(strangers[s], ids[i], &v), ERR_NOT_FOUND);
            assert_int_equal(sessions_pause(strangers[s], ids[i], &v), ERR_NOT_FOUND);
        }
        assert_int_equal(list(strangers[s], false).n, 0);
    }
    assert_int_equal(sessions_get(&ada, ids[0], &v), 0);
    assert_str(v.session.name, "Secret");
    assert_int_equal(v.session.revision, 1);
}

static void a_repeated_create_is_one(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    static const uint8_t key[16] = "0123456789abcde";
    struct sessions_create_input in = {.name = STR("Once")};
    struct sessions_view first;
    struct sessions_view second;
    ada.op = store_op_derived(key);
    ada.digested = true;
    assert_int_equal(sessions_create(&ada, &in, &first), 0);
    ada.op = store_op_derived(key);
    assert_int_equal(sessions_create(&ada, &in, &second), 0);
    assert_true(str_eq(first.session.id, second.session.id));
    assert_int_equal(list(&ada, false).n, 1);
    ada.digest[0] = 1;
    assert_int_equal(sessions_create(&ada, &in, &second), ERR_CONFLICT);
}

static void lists_the_latest_first(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str ids[5];
    char name[8];
    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof name, "S%d", i);
        ids[i] = make(&ada, name).session.id;
    }
    struct sessions_view v;
    assert_int_equal(sessions_open(&ada, ids[1], &v), 0);
    static const int order[] = {1, 4, 3, 2, 0};
    struct sessions_page page = {.next = STR_EMPTY};
    size_t seen = 0;
    do {
        struct sessions_list_input in = {.limit = 2, .cursor = page.next};
        assert_int_equal(sessions_list(&ada, &in, &page), 0);
        for (size_t i = 0; i < page.n; i++) {
            assert_true(str_eq(page.at[i].session.id, ids[order[seen++]]));
        }
        (void)make(&ada, "meanwhile"); /* does not move those behind the cursor */
    } while (page.next.n > 0);
    assert_int_equal(seen, 5);
    struct sessions_list_input bad = {.limit = 2, .cursor = STR("?")};
    assert_int_equal(sessions_list(&ada, &bad, &page), ERR_INVALID);
    assert_str(ada.fault.field, "cursor");
}

static void renames_with_the_revision(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str id = make(&ada, "A").session.id;
    struct sessions_view v;
    struct sessions_update_input in = {
        .rename = true, .name = STR("👩‍💻 ../../B"), .revision = 1};
    assert_int_equal(sessions_update(&ada, id, &in, &v), 0);
    assert_str(v.session.name, "👩‍💻 ../../B");
    assert_int_equal(v.session.revision, 2);
    assert_int_equal(sessions_update(&ada, id, &in, &v), ERR_PRECONDITION);
    assert_int_equal(sessions_delete(&ada, id, 1, &v), ERR_PRECONDITION);
    in.name = STR("a\x01");
    assert_int_equal(sessions_update(&ada, id, &in, &v), ERR_INVALID);
    assert_str(ada.fault.field, "name");
    struct sessions_create_input odd = {.name = STR("A"), .project_id = STR("../")};
    assert_int_equal(sessions_create(&ada, &odd, &v), ERR_INVALID);
    assert_str(ada.fault.field, "project_id");
}

static int find_fn(struct txn *txn, void *ctx)
{
    struct data_context *c = ctx;
    struct data_session session;
    return sessions_find(txn, &c->scope, c->fault.field, &session);
}

static void deletes_and_restores_for_thirty_days(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str id = make(&ada, "A").session.id;
    struct sessions_view v;
    assert_int_equal(sessions_open(&ada, id, &v), 0);
    assert_int_equal(sessions_delete(&ada, id, 0, &v), 0);
    assert_int_equal(sessions_delete(&ada, id, 0, &v), 0);
    assert_int_equal(v.session.status, DATA_SESSION_STATUS_DELETED);
    assert_int_equal(v.workspace.desired, DATA_WORKSPACE_DESIRED_STOPPED);
    assert_int_equal(list(&ada, false).n, 0);
    assert_int_equal(list(&ada, true).n, 1);
    struct sessions_update_input rename = {.rename = true, .name = STR("B")};
    assert_int_equal(sessions_update(&ada, id, &rename, &v), ERR_NOT_FOUND);
    assert_int_equal(sessions_open(&ada, id, &v), ERR_NOT_FOUND);
    assert_int_equal(sessions_pause(&ada, id, &v), ERR_NOT_FOUND);
    struct data_context find = ada;
    find.fault.field = id;
    assert_int_equal(store_read(p->w.store, find_fn, &find), ERR_NOT_FOUND);
    time_test_advance(30 * day - USEC_PER_SEC);
    assert_int_equal(sessions_restore(&ada, id, &v), 0);
    assert_int_equal(v.session.status, DATA_SESSION_STATUS_PAUSED);
    assert_int_equal(sessions_restore(&ada, id, &v), 0);
    assert_int_equal(store_read(p->w.store, find_fn, &find), 0);
    assert_int_equal(list(&ada, false).n, 1);
    assert_int_equal(sessions_delete(&ada, id, 0, &v), 0);
    time_test_advance(30 * day);
    assert_int_equal(sessions_restore(&ada, id, &v), ERR_NOT_FOUND);
    assert_int_equal(sessions_get(&ada, id, &v), ERR_NOT_FOUND);
}

static void a_person_has_a_thousand(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view v = {0};
    for (int i = 0; i < SESSIONS_MAX_PER_USER; i++) {
        v = make(&ada, "x");
    }
    ada.op = store_op_new();
    struct sessions_view more;
    struct sessions_create_input in = {.name = STR("one more")};
    assert_int_equal(sessions_create(&ada, &in, &more), ERR_LIMIT);
    assert_true(ada.fault.message.n > 0);
    struct str id = v.session.id;
    assert_int_equal(sessions_delete(&ada, id, 0, &v), 0);
    assert_int_equal(sessions_create(&ada, &in, &more), 0);
    assert_int_equal(sessions_restore(&ada, id, &v), ERR_LIMIT);
}

static int usage_fn(struct txn *txn, void *ctx)
{
    struct data_context *c = ctx;
    data_usage_put(txn, &c->scope, c->fault.field,
                   &(struct data_usage){.seq = 7, .files = 3, .bytes = 4096});
    return 0;
}

static void shows_the_counters_of_files(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context use = ada;
    use.fault.field = make(&ada, "A").session.id;
    assert_int_equal(world_write(&p->w, usage_fn, &use), 0);
    struct sessions_page page = list(&ada, false);
    assert_int_equal(page.at[0].usage.files, 3);
    BUF_AUTO(text, 8192);
    struct json_writer w;
    json_writer_init(&w, &text);
    sessions_write(reply_session_begin(&w), &page.at[0], STR_EMPTY);
    assert_non_null(strstr(buf_z(&text), "\"files\":3,\"bytes\":4096}"));
    assert_null(strstr(buf_z(&text), "ide_url"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(makes_reads_and_shows),
        TEST_SQLITE(makes_reads_and_shows),
        TEST(others_find_nothing),
        TEST_SQLITE(others_find_nothing),
        TEST(a_repeated_create_is_one),
        TEST_SQLITE(a_repeated_create_is_one),
        TEST(lists_the_latest_first),
        TEST_SQLITE(lists_the_latest_first),
        TEST(renames_with_the_revision),
        TEST(deletes_and_restores_for_thirty_days),
        TEST_SQLITE(deletes_and_restores_for_thirty_days),
        TEST(a_person_has_a_thousand),
        TEST(shows_the_counters_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
