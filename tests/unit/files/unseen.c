/* Deletions of folders in which others wrote what the workspace has not seen. */
#include "files/changes.h"

static struct files_apply_result delete_of(struct fixture *f, const char *path, uint64_t base,
                                           uint64_t unseen)
{
    struct files_change change = other_change(FILES_CHANGE_DELETE, path, base);
    change.author.id = STR("ses-1.00ff");
    struct files_apply_input in = {
        .session = f->session, .changes = &change, .count = 1, .unseen = unseen};
    struct files_apply_result result;
    assert_ok(files_apply(fixture_ctx(f), &in, &result));
    return result;
}

static void kept(struct fixture *f, const char *path, uint64_t base, uint64_t unseen)
{
    struct files_apply_result result = delete_of(f, path, base, unseen);
    assert_int_equal(result.outcome, FILES_CONFLICT);
    assert_int_equal(result.version, base); /* it stands */
}

static void test_folder_with_what_is_unseen(void **state)
{
    struct fixture *f = *state;
    make(f, "d");                /* 1 */
    put(f, "d/a", STR("x"));     /* 2 */
    put(f, "d/sub/b", STR("x")); /* 3, and d/sub */
    put(f, "dd", STR("x"));      /* 4: not in it */
    kept(f, "d", 1, 1);
    kept(f, "d", 1, 3);
    kept(f, "d/sub", 3, 3);
    assert_int_equal(delete_of(f, "d/a", 2, 1).seq, 5); /* a file is known by its version */
    struct files_change ours = put_change("d/c", STR("x"), 0);
    ours.author = (struct files_author){FILES_USER, STR("usr-1.00ff")}; /* saved on the same disk */
    assert_int_equal(apply(f, &ours, 1).first, 6);
    move(f, "dd", "ee"); /* 7 */
    drop(f, "d/sub/b");  /* 8: what others deleted is nothing to lose */
    kept(f, "d", 1, 3);
    assert_int_equal(delete_of(f, "d", 1, 4).seq, 9);
}

static void test_what_went_along_with_a_move_of_ours(void **state)
{
    struct fixture *f = *state;
    make(f, "a");            /* 1 */
    put(f, "a/x", STR("x")); /* 2: unseen */
    struct files_change ours = other_change(FILES_CHANGE_MOVE, "a", 1);
    ours.to = STR("c");
    ours.author.id = STR("ses-1.00ff");
    assert_int_equal(apply(f, &ours, 1).seq, 3);
    kept(f, "c", 3, 2);
    assert_int_equal(delete_of(f, "c", 3, 3).seq, 4);
}

static void test_folder_that_came_with_another(void **state)
{
    struct fixture *f = *state;
    make(f, "p");              /* 1 */
    make(f, "p/d");            /* 2 */
    move(f, "p", "q");         /* 3 */
    put(f, "q/d/a", STR("x")); /* 4 */
    move(f, "q", "p");         /* 5: what is in it is told of by no change below p/d */
    kept(f, "p/d", 2, 5);
    assert_int_equal(delete_of(f, "p/d", 2, 6).outcome, FILES_APPLIED);
    move(f, "p", "r");
    assert_int_equal(delete_of(f, "r", 7, 8).outcome, FILES_APPLIED);
}

static void test_more_unseen_than_is_looked_through(void **state)
{
    enum { MOST = 4000, LOTS = MOST / FILES_MAX_BATCH };
    struct fixture *f = *state;
    struct files_change changes[FILES_MAX_BATCH];
    make(f, "d"); /* 1 */
    for (size_t lot = 0; lot < LOTS; lot++) {
        for (size_t i = 0; i < FILES_MAX_BATCH; i++) {
            changes[i] = put_change(arena_printf(&f->arena, "e/%zu-%zu", lot, i).p, STR("x"), 0);
        }
        apply(f, changes, FILES_MAX_BATCH);
    }
    put(f, "last", STR("x"));
    kept(f, "d", 1, 2);
    assert_int_equal(delete_of(f, "d", 1, 3).outcome, FILES_APPLIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder_with_what_is_unseen),
        cmocka_unit_test(test_what_went_along_with_a_move_of_ours),
        cmocka_unit_test(test_folder_that_came_with_another),
        cmocka_unit_test(test_more_unseen_than_is_looked_through),
    };
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
