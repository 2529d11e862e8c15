#include "sessions/sessions.h"

#include "auth/world.h"

PEOPLE_SETUP

static struct sessions_project make(struct data_context *ctx, const char *name)
{
    struct sessions_project view;
    ctx->op = store_op_new();
    assert_int_equal(sessions_project_create(ctx, str_from(name), &view), 0);
    time_test_advance(USEC_PER_SEC);
    return view;
}

static struct sessions_view session_in(struct data_context *ctx, struct str project)
{
    struct sessions_view view;
    struct sessions_create_input in = {.name = STR("A"), .project_id = project};
    ctx->op = store_op_new();
    assert_int_equal(sessions_create(ctx, &in, &view), 0);
    time_test_advance(USEC_PER_SEC);
    return view;
}

static size_t in_project(struct data_context *ctx, struct str project)
{
    struct sessions_list_input in = {.limit = 100, .project_id = project};
    struct sessions_page page;
    assert_int_equal(sessions_list(ctx, &in, &page), 0);
    struct sessions_project view;
    assert_int_equal(sessions_project_get(ctx, project, &view), 0);
    assert_int_equal(view.sessions, page.total);
    in.sort = SESSIONS_BY_NAME;
    assert_int_equal(sessions_list(ctx, &in, &page), 0);
    assert_int_equal(view.sessions, page.total);
    return page.n;
}

static void sessions_stand_in_them(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str one = make(&ada, " One ").project.id;
    struct str two = make(&ada, "Two").project.id;
    struct sessions_view s = session_in(&ada, one);
    (void)session_in(&ada, STR_EMPTY);
    assert_int_equal(in_project(&ada, one), 1);
    struct sessions_update_input move = {.move = true, .project_id = two};
    struct sessions_view v;
    assert_int_equal(sessions_update(&ada, s.session.id, &move, &v), 0);
    assert_true(str_eq(v.session.project_id, two));
    assert_str(v.session.name, "A");
    assert_int_equal(in_project(&ada, one), 0);
    assert_int_equal(in_project(&ada, two), 1);
    struct sessions_update_input rename = {.rename = true, .name = STR("B")};
    assert_int_equal(sessions_update(&ada, s.session.id, &rename, &v), 0);
    assert_true(str_eq(v.session.project_id, two));
    move.project_id = STR_EMPTY;
    assert_int_equal(sessions_update(&ada, s.session.id, &move, &v), 0);
    assert_int_equal(v.session.project_id.n, 0);
    assert_int_equal(in_project(&ada, two), 0);
}

/* As everybody else's, inside and outside of the tenant. */
static void others_have_no_such_project(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct data_context mate = ada;
    mate.scope.user_id = data_id_make(&p->w.arena, "usr");
    struct str ids[] = {make(&ada, "Secret").project.id, STR("prj-00000000000000000000000000"),
                        STR("../x"), STR("")};
    struct data_context *strangers[] = {&eve, &mate};
    for (size_t s = 0; s < 2; s++) {
        struct data_context *who = strangers[s];
        struct str own = session_in(who, STR_EMPTY).session.id;
        for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
            struct sessions_project view;
            struct sessions_update_input in = {.name = STR("Mine")};
            assert_int_equal(sessions_project_get(who, ids[i], &view), ERR_NOT_FOUND);
            assert_int_equal(sessions_project_rename(who, ids[i], &in, &view), ERR_NOT_FOUND);
            assert_int_equal(sessions_project_delete(who, ids[i], 0), ERR_NOT_FOUND);
            if (ids[i].n == 0) {
                continue;
            }
            struct sessions_view v;
            struct sessions_create_input odd = {.name = STR("A"), .project_id = ids[i]};
            struct sessions_update_input move = {.move = true, .project_id = ids[i]};
            struct sessions_list_input list = {.limit = 1, .project_id = ids[i]};
            struct sessions_page page;
            who->op = store_op_new();
            assert_int_equal(sessions_create(who, &odd, &v), ERR_INVALID);
            assert_str(who->fault.field, "project_id");
            assert_int_equal(sessions_update(who, own, &move, &v), ERR_INVALID);
            assert_int_equal(sessions_list(who, &list, &page), ERR_NOT_FOUND);
        }
        struct sessions_projects page;
        struct sessions_projects_input in = {.limit = 10};
        assert_int_equal(sessions_projects_list(who, &in, &page), 0);
        assert_int_equal(page.total, 0);
    }
}

static void deleting_one_leaves_its_sessions(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_project project = make(&ada, "Gone");
    struct str deleted = session_in(&ada, project.project.id).session.id;
    struct sessions_view v;
    assert_int_equal(sessions_delete(&ada, deleted, 0, &v), 0);
    for (int i = 0; i < 120; i++) { /* more than a step takes */
        v = session_in(&ada, project.project.id);
    }
    assert_int_equal(sessions_project_delete(&ada, project.project.id, 2), ERR_PRECONDITION);
    assert_int_equal(in_project(&ada, project.project.id), 100);
    assert_int_equal(sessions_project_delete(&ada, project.project.id, 1), 0);
    assert_int_equal(sessions_project_delete(&ada, project.project.id, 1), ERR_NOT_FOUND);
    struct str kept = v.session.id;
    assert_int_equal(sessions_get(&ada, kept, &v), 0);
    assert_int_equal(v.session.project_id.n, 0);
    assert_int_equal(sessions_restore(&ada, deleted, &v), 0);
    assert_int_equal(v.session.project_id.n, 0);
    struct sessions_list_input in = {.limit = 1};
    struct sessions_page page;
    assert_int_equal(sessions_list(&ada, &in, &page), 0);
    assert_int_equal(page.total, 121);
}

static void renames_with_the_revision(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str id = make(&ada, "A").project.id;
    struct sessions_project view;
    struct sessions_update_input in = {.name = STR("B"), .revision = 1};
    assert_int_equal(sessions_project_rename(&ada, id, &in, &view), 0);
    assert_str(view.project.name, "B");
    assert_int_equal(sessions_project_rename(&ada, id, &in, &view), ERR_PRECONDITION);
    in.name = STR("a\x01");
    assert_int_equal(sessions_project_rename(&ada, id, &in, &view), ERR_INVALID);
    assert_str(ada.fault.field, "name");
}

static void a_person_has_two_hundred(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_project view = {.sessions = 0};
    for (int i = 0; i < SESSIONS_MAX_PROJECTS; i++) {
        view = make(&ada, i % 2 == 0 ? "Even" : "odd");
    }
    struct sessions_project more;
    ada.op = store_op_new();
    assert_int_equal(sessions_project_create(&ada, STR("x"), &more), ERR_LIMIT);
    assert_true(ada.fault.message.n > 0);
    struct sessions_projects page;
    struct sessions_projects_input in = {.limit = 100, .words = STR("EVEN")};
    assert_int_equal(sessions_projects_list(&ada, &in, &page), 0);
    assert_int_equal(page.total, 100);
    assert_int_equal(page.n, 100);
    assert_int_equal(page.next.n, 0);
    in = (struct sessions_projects_input){.limit = 1};
    assert_int_equal(sessions_projects_list(&ada, &in, &page), 0);
    assert_true(str_eq(page.at[0].project.id, view.project.id));
    in.cursor = page.next;
    in.sort = SESSIONS_BY_NAME; /* a place of another order is a place */
    assert_int_equal(sessions_projects_list(&ada, &in, &page), 0);
    assert_int_equal(sessions_project_delete(&ada, view.project.id, 0), 0);
    assert_int_equal(sessions_project_create(&ada, STR("x"), &more), 0);
}

static void a_repeated_create_is_one(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    static const uint8_t key[16] = "0123456789abcde";
    struct sessions_project first;
    struct sessions_project second;
    ada.op = store_op_derived(key);
    ada.digested = true;
    assert_int_equal(sessions_project_create(&ada, STR("Once"), &first), 0);
    ada.op = store_op_derived(key);
    assert_int_equal(sessions_project_create(&ada, STR("Once"), &second), 0);
    assert_true(str_eq(first.project.id, second.project.id));
    ada.digest[0] = 1;
    assert_int_equal(sessions_project_create(&ada, STR("Once"), &second), ERR_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sessions_stand_in_them),
        TEST_SQLITE(sessions_stand_in_them),
        TEST(others_have_no_such_project),
        TEST(deleting_one_leaves_its_sessions),
        TEST_SQLITE(deleting_one_leaves_its_sessions),
        TEST(renames_with_the_revision),
        TEST(a_person_has_two_hundred),
        TEST(a_repeated_create_is_one),
        TEST_SQLITE(a_repeated_create_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
