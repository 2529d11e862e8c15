/* Content that the store has lost: the only good copy, in whatever older backup it lies, goes into the next one. */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

enum { LOST = 5 };

/* What is kept is all that there was, though the store is damaged. */
static void is_had_back(struct place *p)
{
    restore(p, NULL);
    put_chunk(p, LOST, true);
    same(p->store, p->again);
}

/* Its pack is mostly waste, so that what is needed of it would be written anew from the store. */
static void test_from_a_spent_pack(void **state)
{
    struct place *p = *state;
    (void)back_up(p, 0);
    for (unsigned i = LOST + 1; i < CHUNKS; i++) {
        put_chunk(p, i, false);
    }
    (void)back_up(p, 0); /* of the old pack only blocks are written anew as yet */
    spoil_chunk(p, LOST);
    const struct backup_report report = back_up(p, 1);
    assert_int_equal(report.damaged, 0);
    assert_int_equal(report.rescued, 1);
    assert_int_equal(files(p, ".moment"), 1);
    assert_int_equal(files(p, ".pack"), 1);
    is_had_back(p);
}

/* The newest has lost where it lies; an older moment still says it. */
static void test_from_an_older_moment(void **state)
{
    struct place *p = *state;
    char first[PATH_ROOM], path[PATH_ROOM], away[PATH_ROOM + 8];
    (void)back_up(p, 0);
    any_pack(p, first);
    (void)snprintf(away, sizeof away, "%s.away", first);
    put_chunk(p, CHUNKS, true);
    (void)back_up(p, 0);
    assert_int_equal(rename(first, away), 0);
    any_pack(p, path);
    assert_int_equal(rename(away, first), 0);
    turn_bit(path, frame_in(path, BACKUP_BLOCK, 0));
    spoil_chunk(p, LOST);
    const struct backup_report report = back_up(p, 1);
    assert_true(report.healed > 0);
    assert_int_equal(report.damaged, 0);
    assert_int_equal(report.rescued, 1);
    assert_int_equal(back_up(p, 1).rescued, 0);
    is_had_back(p);
}

/* In both: nothing is made up, and it is told each time. */
static void test_what_is_nowhere_whole(void **state)
{
    struct place *p = *state;
    char path[PATH_ROOM];
    (void)back_up(p, 0);
    any_pack(p, path);
    for (unsigned i = 0; i < CHUNKS; i++) {
        turn_bit(path, frame_in(path, BACKUP_VALUE, i));
    }
    const struct backup_harm harm = {.to = UINT64_MAX};
    struct backup_harms harms = {0};
    VEC_ADD(&harms, harm);
    assert_int_equal(sscanf(strrchr(path, '/'), "/%lx", &harms.at[0].pack), 1);
    for (unsigned i = 0; i < CHUNKS; i++) {
        spoil_chunk(p, i);
    }
    const struct backup_source source = {.store = p->store, .content = content};
    const struct backup_how how = {.harms = &harms};
    struct backup_report report;
    assert_int_equal(
        backup_write(&source, &(struct backup_where){.path = p->backup}, &how, &report), 0);
    assert_int_equal(report.damaged, CHUNKS);
    assert_int_equal(report.rescued, 0);
    assert_int_equal(back_up(p, 0).damaged, CHUNKS);
    put_chunk(p, LOST, true);
    assert_int_equal(back_up(p, 0).damaged, CHUNKS - 1);
    VEC_FREE(&harms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_from_a_spent_pack, begin, end),
        cmocka_unit_test_setup_teardown(test_from_an_older_moment, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_nowhere_whole, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
