/* What the editor saves: a path with its content, until the store has it; the oldest of too many is forgotten. */
#include "codi2/saves.h"

#include <stdio.h>

#include "base/time.h"
#include "unit.h"

static struct content_hash hash_of(const char *text)
{
    struct content_hash hash;
    content_hash(str_from(text), &hash);
    return hash;
}

static void a_save_is_its_path_and_its_content(void **state)
{
    (void)state;
    struct codi2_saves *s = codi2_saves_create();
    struct content_hash one = hash_of("one");
    struct content_hash two = hash_of("two");
    codi2_saves_add(s, STR("a"), &one);
    codi2_saves_add(s, STR("a"), &two); /* while the first is on its way */
    assert_true(codi2_saves_has(s, STR("a"), &one));
    assert_true(codi2_saves_has(s, STR("a"), &two));
    assert_false(codi2_saves_has(s, STR("b"), &one));
    codi2_saves_done(s, STR("a"), &one);
    codi2_saves_done(s, STR("b"), &two);
    assert_false(codi2_saves_has(s, STR("a"), &one));
    assert_true(codi2_saves_has(s, STR("a"), &two));
    codi2_saves_destroy(s);
}

static void the_oldest_of_too_many_is_forgotten(void **state)
{
    (void)state;
    struct codi2_saves *s = codi2_saves_create();
    struct content_hash hash = hash_of("x");
    char name[16];
    for (int i = 0; i <= CODI2_MAX_SAVES; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        codi2_saves_add(s, str_from(name), &hash);
        codi2_saves_add(s, str_from(name), &hash); /* said twice it is one */
    }
    assert_false(codi2_saves_has(s, STR("0"), &hash));
    assert_true(codi2_saves_has(s, STR("1"), &hash));
    assert_true(codi2_saves_has(s, str_from(name), &hash));
    codi2_saves_destroy(s);
}

/* A person waits for it: however the file looks, and however long it takes; but a save that never came ends, too. */
static void a_save_is_owed_until_a_round_leaves_it_clean(void **state)
{
    (void)state;
    struct codi2_dirty *dirty = codi2_dirty_create();
    struct codi2_saves *s = codi2_saves_create();
    struct content_hash one = hash_of("one");
    struct content_hash two = hash_of("two");
    time_test_set(0, 1000 * USEC_PER_SEC);
    codi2_saves_add(s, STR("a"), &one);
    assert_true(codi2_saves_is_owed(s, STR("a")));
    assert_false(codi2_saves_is_owed(s, STR("b")));
    time_test_advance(CODI2_SAVE_S * USEC_PER_SEC - 1);
    codi2_saves_settle(s, dirty); /* it may not be written yet */
    assert_true(codi2_saves_is_owed(s, STR("a")));
    time_test_advance(1);
    codi2_dirty_add(dirty, STR("a"), /* deep= */ false);
    codi2_saves_settle(s, dirty);
    assert_true(codi2_saves_is_owed(s, STR("a")));
    codi2_dirty_add_all(dirty);
    codi2_saves_settle(s, dirty);
    assert_true(codi2_saves_is_owed(s, STR("a")));
    ARENA_AUTO(arena);
    struct codi2_dirty_path *taken;
    size_t count;
    codi2_dirty_take(dirty, &arena, &taken, &count);
    codi2_saves_settle(s, dirty);
    assert_false(codi2_saves_is_owed(s, STR("a")));
    assert_true(codi2_saves_has(s, STR("a"), &one)); /* it is the person's all the same */
    codi2_saves_add(s, STR("a"), &one);
    codi2_saves_add(s, STR("a"), &two);
    codi2_saves_done(s, STR("a"), &one);
    assert_true(codi2_saves_is_owed(s, STR("a")));
    codi2_saves_done(s, STR("a"), &two);
    assert_false(codi2_saves_is_owed(s, STR("a")));
    codi2_dirty_destroy(dirty);
    codi2_saves_destroy(s);
    time_test_real();
}

static void with_too_many_every_path_is_owed(void **state)
{
    (void)state;
    struct codi2_saves *s = codi2_saves_create();
    struct content_hash hash = hash_of("x");
    char name[16];
    for (int i = 0; i <= CODI2_MAX_SAVES; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        assert_false(codi2_saves_is_owed(s, STR("other")));
        codi2_saves_add(s, str_from(name), &hash);
    }
    assert_true(codi2_saves_is_owed(s, str_from(name)));
    assert_true(codi2_saves_is_owed(s, STR("other")));
    for (int i = 0; i <= CODI2_MAX_SAVES; i++) {
        assert_true(codi2_saves_is_owed(s, STR("other")) == (i < CODI2_MAX_SAVES));
        (void)snprintf(name, sizeof name, "%d", i);
        codi2_saves_done(s, str_from(name), &hash);
    }
    codi2_saves_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_save_is_its_path_and_its_content),
        cmocka_unit_test(the_oldest_of_too_many_is_forgotten),
        cmocka_unit_test(a_save_is_owed_until_a_round_leaves_it_clean),
        cmocka_unit_test(with_too_many_every_path_is_owed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
