#include "data/world.h"

/* Projects: counted by their person. */
struct put {
    struct scope scope;
    struct data_project project;
    uint64_t count; /* result */
};

static struct put project_of(struct world *w, const struct scope *scope, struct str user)
{
    return (struct put){.scope = *scope,
                        .project = {.id = data_id_make(&w->arena, "prj"),
                                    .name = STR("A"),
                                    .tenant_id = scope->tenant_id,
                                    .user_id = user,
                                    .created_at = time_now(),
                                    .updated_at = time_now(),
                                    .revision = 1}};
}

static int put_fn(struct txn *txn, void *ctx)
{
    struct put *p = ctx;
    return data_project_put(txn, &p->scope, &p->project);
}

static int delete_fn(struct txn *txn, void *ctx)
{
    struct put *p = ctx;
    return data_project_delete(txn, &p->scope, p->project.id);
}

static int count_fn(struct txn *txn, void *ctx)
{
    struct put *p = ctx;
    struct data_query query = {.index = DATA_PROJECT_BY_USER, .match = &p->project, .fixed = 1};
    return data_counted(txn, &(struct data_count_of){&p->scope, &data_project_type}, &query,
                        &p->count);
}

static uint64_t count(struct world *w, struct put *p)
{
    assert_int_equal(store_read(w->store, count_fn, p), 0);
    return p->count;
}

static struct str count_key(struct world *w, const struct put *p)
{
    return arena_printf(&w->arena, "t/" STR_FMT "/n/project.user/" STR_FMT "/",
                        STR_ARG(p->scope.tenant_id), STR_ARG(p->project.user_id));
}

struct raw {
    struct str key, value; /* value empty: delete */
};

static int raw_fn(struct txn *txn, void *ctx)
{
    const struct raw *raw = ctx;
    if (raw->value.n > 0) {
        store_put(txn, raw->key, raw->value);
    } else {
        store_delete(txn, raw->key);
    }
    return 0;
}

static void numbers_follow_their_entries(void **state)
{
    struct world *w = *state;
    struct scope scope = world_tenant(w);
    struct str ada = data_id_make(&w->arena, "usr");
    struct str eve = data_id_make(&w->arena, "usr");
    struct put one = project_of(w, &scope, ada);
    struct put two = project_of(w, &scope, ada);
    struct put three = project_of(w, &scope, eve);
    assert_int_equal(count(w, &one), 0);
    assert_int_equal(world_write(w, put_fn, &one), 0);
    assert_int_equal(world_write(w, put_fn, &two), 0);
    assert_int_equal(world_write(w, put_fn, &two), 0); /* the same again */
    assert_int_equal(world_write(w, put_fn, &three), 0);
    assert_int_equal(count(w, &one), 2);
    assert_int_equal(count(w, &three), 1);
    two.project.user_id = eve;
    assert_int_equal(world_write(w, put_fn, &two), 0);
    assert_int_equal(count(w, &one), 1);
    assert_int_equal(count(w, &three), 2);
    assert_int_equal(world_write(w, delete_fn, &one), 0);
    assert_int_equal(count(w, &one), 0);
}

static void what_was_never_counted_is_counted_once(void **state)
{
    struct world *w = *state;
    struct scope scope = world_tenant(w);
    struct str ada = data_id_make(&w->arena, "usr");
    struct put one = project_of(w, &scope, ada);
    struct put two = project_of(w, &scope, ada);
    assert_int_equal(world_write(w, put_fn, &one), 0);
    struct raw old = {.key = count_key(w, &one)}; /* as a store from before has it */
    assert_int_equal(world_write(w, raw_fn, &old), 0);
    assert_int_equal(count(w, &one), 1);
    assert_int_equal(world_write(w, put_fn, &two), 0);
    assert_int_equal(count(w, &one), 2);
    assert_int_equal(world_write(w, raw_fn, &old), 0);
    assert_int_equal(world_write(w, delete_fn, &two), 0);
    assert_int_equal(count(w, &one), 1);
}

static uint64_t faults(struct world *w, const char *what)
{
    struct data_report report;
    assert_int_equal(data_check(w->store, NULL, &report), 0);
    uint64_t found = 0;
    for (size_t i = 0; i < report.lines.n; i++) {
        found += strstr(report.lines.at[i], what) != NULL;
    }
    assert_int_equal(found, report.faults);
    data_report_fini(&report);
    return found;
}

static void the_checker_counts_again(void **state)
{
    struct world *w = *state;
    struct scope scope = world_tenant(w);
    struct put one = project_of(w, &scope, data_id_make(&w->arena, "usr"));
    assert_int_equal(world_write(w, put_fn, &one), 0);
    struct raw wrong = {count_key(w, &one), STR("0000000000000002")};
    assert_int_equal(world_write(w, raw_fn, &wrong), 0);
    assert_int_equal(faults(w, "it says 2, and there are 1"), 1);
    wrong.value = STR("2");
    assert_int_equal(world_write(w, raw_fn, &wrong), 0);
    assert_int_equal(faults(w, "it counts nothing"), 1);
    assert_int_equal(world_write(w, put_fn, &one), 0); /* moves nothing: not read */
    assert_int_equal(world_write(w, delete_fn, &one), ERR_CORRUPT);
    wrong.value = STR("0000000000000000");
    assert_int_equal(world_write(w, raw_fn, &wrong), 0);
    assert_int_equal(world_write(w, delete_fn, &one), ERR_CORRUPT);
    wrong.value = STR("0000000000000001");
    assert_int_equal(world_write(w, raw_fn, &wrong), 0);
    struct raw strange = {
        arena_printf(&w->arena, "t/" STR_FMT "/n/project.nothing/x/", STR_ARG(scope.tenant_id)),
        STR("0000000000000000")};
    assert_int_equal(world_write(w, raw_fn, &strange), 0);
    assert_int_equal(faults(w, "it counts nothing"), 1);
    strange.value = STR_EMPTY;
    assert_int_equal(world_write(w, raw_fn, &strange), 0);
}

static int session_fn(struct txn *txn, void *ctx)
{
    struct put *p = ctx;
    struct data_session session = {.id = data_id_make(store_arena(txn), "ses"),
                                   .name = STR("A"),
                                   .status = DATA_SESSION_STATUS_ACTIVE,
                                   .tenant_id = p->scope.tenant_id,
                                   .user_id = p->project.user_id,
                                   .project_id = p->project.id,
                                   .created_at = 1000,
                                   .updated_at = 1000,
                                   .last_access_at = 1000,
                                   .revision = 1,
                                   .workspace_id = data_id_make(store_arena(txn), "wsp")};
    return data_session_put(txn, &p->scope, &session);
}

static int session_gone_fn(struct txn *txn, void *ctx)
{
    struct put *p = ctx;
    struct data_session_list rows;
    struct data_query query = {.index = DATA_BY_ID, .limit = 10};
    int r = data_session_list(txn, &p->scope, &query, &rows);
    return r < 0 ? r : data_session_delete(txn, &p->scope, rows.at[0].id);
}

static void the_checker_looks_for_what_is_named(void **state)
{
    struct world *w = *state;
    struct scope scope = world_tenant(w);
    struct put one = project_of(w, &scope, data_id_make(&w->arena, "usr"));
    assert_int_equal(world_write(w, session_fn, &one), 0);
    assert_int_equal(faults(w, "its project_id does not exist"), 1);
    assert_int_equal(world_write(w, put_fn, &one), 0);
    assert_int_equal(faults(w, ""), 0);
    assert_int_equal(world_write(w, session_gone_fn, &one), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(numbers_follow_their_entries),
        WORLD_TEST_SQLITE(numbers_follow_their_entries),
        WORLD_TEST(what_was_never_counted_is_counted_once),
        WORLD_TEST_SQLITE(what_was_never_counted_is_counted_once),
        WORLD_TEST(the_checker_counts_again),
        WORLD_TEST(the_checker_looks_for_what_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
