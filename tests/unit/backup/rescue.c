/* Content that the store has lost: the only good copy, in whatever older backup it lies, goes into the next one. */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

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

/* Behind the first backup another one, which has lost where content lies, and the store has lost some: the first's pack. */
static void lose_where(struct place *p, char ret_first[static PATH_ROOM])
{
    char path[PATH_ROOM], away[PATH_ROOM + 8];
    any_pack(p, ret_first);
    (void)snprintf(away, sizeof away, "%s.away", ret_first);
    put_chunk(p, CHUNKS, true);
    (void)back_up(p, 0);
    assert_int_equal(rename(ret_first, away), 0);
    any_pack(p, path);
    assert_int_equal(rename(away, ret_first), 0);
    turn_bit(path, frame_in(path, BACKUP_BLOCK, 0));
    spoil_chunk(p, LOST);
}

/* The newest has lost where it lies; an older moment still says it. */
static void test_from_an_older_moment(void **state)
{
    struct place *p = *state;
    char first[PATH_ROOM];
    (void)back_up(p, 0);
    lose_where(p, first);
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
    const struct backup_report report = heal(p, &harms);
    assert_int_equal(report.damaged, CHUNKS);
    assert_int_equal(report.rescued, 0);
    assert_int_equal(back_up(p, 0).damaged, CHUNKS);
    put_chunk(p, LOST, true);
    assert_int_equal(back_up(p, 0).damaged, CHUNKS - 1);
    VEC_FREE(&harms);
}

enum { FRONT = 70, LARGE = 90000 };

/* Keys before all content, in more blocks than there are behind it. */
static void put_front(struct place *p)
{
    MEM_AUTO char *large = mem_alloc(LARGE);
    for (unsigned i = 0; i < FRONT; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "a/%06u", i);
        memset(large, (int)i, LARGE);
        put(p, str_from(key), str_of(large, LARGE));
    }
}

static int count(void *ctx, uint64_t keys)
{
    unsigned *pages = ctx;
    (void)keys;
    ++*pages;
    return 0;
}

/* How often a backup, that has lost all content, is asked whether it goes on: at each frame that it reads too. */
static unsigned pages_of_next(struct place *p, unsigned i)
{
    unsigned pages = 0;
    const struct backup_source source = {
        .store = p->store, .content = content, .page = count, .ctx = &pages};
    const struct backup_where where = {.path = p->backup};
    struct backup_report report;
    put_record(p, 100 * i, "new");
    assert_int_equal(backup_write(&source, &where, &(struct backup_how){.keep = 0}, &report), 0);
    assert_int_equal(report.damaged, CHUNKS);
    return pages;
}

/* However many backups there are, it is not looked for in each of them piece by piece. */
static void test_what_much_costs(void **state)
{
    struct place *p = *state;
    put_front(p);
    for (unsigned i = 0; i < CHUNKS; i++) {
        spoil_chunk(p, i);
    }
    (void)back_up(p, 0);
    unsigned first = pages_of_next(p, 0), last = first;
    for (unsigned i = 1; i < 12; i++) {
        last = pages_of_next(p, i);
    }
    assert_true(last < first + 3 * CHUNKS);
}

/* The first half of a moment's blocks cannot be read. */
static void spoil_front(struct place *p, const char *moment, const char *pack)
{
    const struct backup_where where = {.path = p->backup};
    struct backup_directory *d;
    struct backup_table table = {0};
    assert_int_equal(backup_directory_open(&where, NULL, BACKUP_TO_READ, &d), 0);
    assert_int_equal(backup_directory_table(d, moment, &table), 0);
    for (size_t i = 0; i <= table.blocks.n / 2; i++) {
        turn_bit(pack, table.blocks.at[i].place.offset + BACKUP_FRAME_HEAD + 1);
    }
    backup_table_fini(&table);
    backup_directory_close(d);
}

/* Blocks that cannot be read lie before it. */
static void test_behind_damage(void **state)
{
    struct place *p = *state;
    char first[PATH_ROOM];
    put_front(p);
    const struct backup_report older = back_up(p, 0);
    lose_where(p, first);
    spoil_front(p, older.name, first);
    const struct backup_report report = back_up(p, 1);
    assert_int_equal(report.damaged, 0);
    assert_int_equal(report.rescued, 1);
    is_had_back(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_from_a_spent_pack, begin, end),
        cmocka_unit_test_setup_teardown(test_from_an_older_moment, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_nowhere_whole, begin, end),
        cmocka_unit_test_setup_teardown(test_what_much_costs, begin, end),
        cmocka_unit_test_setup_teardown(test_behind_damage, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
