/* The set of dirty paths: each once and in order, the whole tree besides, and what happens at its limit. */
#include "codi2/dirty.h"

#include "unit.h"

struct taken {
    struct arena arena;
    struct codi2_dirty_path *at;
    size_t count;
};

static void take(struct codi2_dirty *d, struct taken *ret)
{
    arena_init(&ret->arena);
    codi2_dirty_take(d, &ret->arena, &ret->at, &ret->count);
    assert_int_equal(codi2_dirty_count(d), 0);
}

static void each_path_once_and_in_order(void **state)
{
    (void)state;
    struct codi2_dirty *d = codi2_dirty_create();
    struct taken t;
    codi2_dirty_add(d, STR("b/c"), /* deep= */ false);
    codi2_dirty_add(d, STR("a"), /* deep= */ true);
    codi2_dirty_add(d, STR("b"), /* deep= */ false);
    codi2_dirty_add(d, STR("a"), /* deep= */ false); /* it stays deep */
    codi2_dirty_add(d, STR("b"), /* deep= */ true);
    assert_int_equal(codi2_dirty_count(d), 3);
    take(d, &t);
    assert_int_equal(t.count, 3);
    assert_str(t.at[0].path, "a");
    assert_str(t.at[1].path, "b");
    assert_str(t.at[2].path, "b/c");
    assert_true(t.at[0].deep && t.at[1].deep && !t.at[2].deep);
    arena_fini(&t.arena);
    codi2_dirty_destroy(d);
}

static void what_was_looked_at_is_not_dirty_but_all_below_it_stays_so(void **state)
{
    (void)state;
    struct codi2_dirty *d = codi2_dirty_create();
    codi2_dirty_add_written(d, STR("a"), /* closed= */ true);
    codi2_dirty_add(d, STR("b"), /* deep= */ false);
    codi2_dirty_add(d, STR("c"), /* deep= */ true);
    codi2_dirty_seen(d, STR("a"));
    codi2_dirty_seen(d, STR("c"));
    codi2_dirty_seen(d, STR("none"));
    assert_false(codi2_dirty_has(d, STR("a")));
    assert_true(codi2_dirty_has(d, STR("b")) && codi2_dirty_has(d, STR("c")));
    codi2_dirty_destroy(d);
}

static void what_came_last_says_whether_it_is_closed(void **state)
{
    (void)state;
    struct codi2_dirty *d = codi2_dirty_create();
    struct taken t;
    codi2_dirty_add(d, STR("closed"), /* deep= */ false);
    codi2_dirty_add_written(d, STR("closed"), /* closed= */ true);
    codi2_dirty_add_written(d, STR("open"), /* closed= */ true);
    codi2_dirty_add(d, STR("open"), /* deep= */ false);
    codi2_dirty_add(d, STR("folder"), /* deep= */ true);
    codi2_dirty_add_written(d, STR("folder"), /* closed= */ true);
    codi2_dirty_add_written(d, STR("written"), /* closed= */ true);
    codi2_dirty_add_written(d, STR("written"), /* closed= */ false);
    take(d, &t);
    assert_int_equal(t.count, 4);
    assert_true(t.at[0].closed && !t.at[1].closed && t.at[1].deep && !t.at[2].closed);
    assert_true(t.at[0].written && !t.at[2].written && t.at[3].written && !t.at[3].closed);
    arena_fini(&t.arena);
    codi2_dirty_destroy(d);
}

static void the_whole_tree_comes_first_and_forgets_nothing(void **state)
{
    (void)state;
    struct codi2_dirty *d = codi2_dirty_create();
    struct taken t;
    codi2_dirty_add(d, STR("a"), /* deep= */ false);
    codi2_dirty_add_all(d);
    codi2_dirty_add(d, STR("b"), /* deep= */ false);
    codi2_dirty_add(d, STR(""), /* deep= */ true);
    assert_int_equal(codi2_dirty_count(d), 3);
    take(d, &t);
    assert_int_equal(t.count, 3);
    assert_int_equal(t.at[0].path.n, 0);
    assert_true(t.at[0].deep && !t.at[0].told && t.at[1].told);
    assert_str(t.at[2].path, "b");
    arena_fini(&t.arena);
    take(d, &t);
    assert_int_equal(t.count, 0);
    arena_fini(&t.arena);
    codi2_dirty_destroy(d);
}

static void at_its_limit_it_says_everything(void **state)
{
    (void)state;
    struct codi2_dirty *d = codi2_dirty_create();
    struct taken t;
    for (uint32_t i = 0; i < CODI2_MAX_DIRTY; i++) {
        codi2_dirty_add(d, str_of(&i, sizeof i), /* deep= */ false);
    }
    assert_int_equal(codi2_dirty_count(d), CODI2_MAX_DIRTY);
    codi2_dirty_add(d, STR("one more"), /* deep= */ false);
    assert_int_equal(codi2_dirty_count(d), 1);
    take(d, &t);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.at[0].path.n, 0);
    assert_true(t.at[0].deep);
    arena_fini(&t.arena);
    codi2_dirty_destroy(d);
}

static void a_path_is_uploading_until_the_store_has_it(void **state)
{
    (void)state;
    struct codi2_dirty *d = codi2_dirty_create();
    codi2_dirty_upload(d, STR("a"));
    codi2_dirty_upload(d, STR("b"));
    codi2_dirty_add(d, STR("a"), /* deep= */ false); /* it changes again */
    assert_int_equal(codi2_dirty_uploading(d), 2);
    assert_false(codi2_dirty_persisted(d, STR("a")));
    assert_int_equal(codi2_dirty_count(d), 1); /* which the answer does not end */
    codi2_dirty_refused(d, STR("b"));
    assert_int_equal(codi2_dirty_uploading(d), 0);
    assert_int_equal(codi2_dirty_count(d), 2);
    codi2_dirty_destroy(d);
}

static void a_conflict_is_told_once_and_not_when_both_agree(void **state)
{
    (void)state;
    struct codi2_dirty *d = codi2_dirty_create();
    codi2_dirty_conflict(d, STR("a"), CODI2_BOTH_CHANGED);
    codi2_dirty_conflict(d, STR("b"), CODI2_DIFFERS);
    codi2_dirty_agreed(d, STR("b"));
    for (int i = 0; i < 2; i++) {
        codi2_dirty_upload(d, STR("a"));
        codi2_dirty_upload(d, STR("b"));
        assert_int_equal(codi2_dirty_persisted(d, STR("a")),
                         i == 0 ? CODI2_BOTH_CHANGED : CODI2_NO_CONFLICT);
        assert_false(codi2_dirty_persisted(d, STR("b")));
    }
    codi2_dirty_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_once_and_in_order),
        cmocka_unit_test(what_was_looked_at_is_not_dirty_but_all_below_it_stays_so),
        cmocka_unit_test(what_came_last_says_whether_it_is_closed),
        cmocka_unit_test(the_whole_tree_comes_first_and_forgets_nothing),
        cmocka_unit_test(at_its_limit_it_says_everything),
        cmocka_unit_test(a_path_is_uploading_until_the_store_has_it),
        cmocka_unit_test(a_conflict_is_told_once_and_not_when_both_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
