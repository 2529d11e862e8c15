/* What a disk has turned in an older pack is found by a proof, written anew by the next backup, and passed over by a restore that may. */
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_int.h"
#include "base/fd.h"
#include "base/rand.h"

enum { ROUNDS = 60 };

static int count_pages(void *ctx, uint64_t bytes)
{
    unsigned *pages = ctx;
    (void)bytes;
    ++*pages;
    return 0;
}

/* How much of the newest moment is harmed. */
static size_t prove(struct place *p, struct backup_harms *ret_harms)
{
    unsigned pages = 0;
    *ret_harms = (struct backup_harms){0};
    const struct backup_where where = {.path = p->backup};
    const struct backup_proof proof = {
        .where = &where, .page = count_pages, .ctx = &pages, .harms = ret_harms};
    struct backup_cursor cursor = {.all = false};
    struct backup_proven proven;
    assert_int_equal(backup_prove(&proof, &cursor, &proven), 0);
    assert_true(pages > 0 && proven.contents >= CHUNKS && proven.newest);
    assert_true(proven.harmed == (ret_harms->n > 0));
    return ret_harms->n;
}

static bool is_whole(struct place *p)
{
    struct backup_harms harms;
    bool whole = prove(p, &harms) == 0;
    VEC_FREE(&harms);
    return whole;
}

static int restore_past(struct place *p, struct backup_report *ret_report)
{
    const struct backup_from from = {.path = p->backup, .past_damage = true};
    return backup_restore(&from, p->again, ret_report);
}

static void drop_again(struct place *p)
{
    backup_remove(p->again);
    assert_false(backup_has_store(p->again));
}

/* Every pair is as it was, an empty value in place of content, or, in a gap, not there. */
static void is_part(const char *all, const char *part, const struct backup_report *report)
{
    struct store_snapshot *a, *b;
    struct store_snapshot_pair x, y;
    struct str v, w;
    uint64_t empty = 0, missing = 0;
    assert_int_equal(store_snapshot_open(all, &a), 0);
    assert_int_equal(store_snapshot_open(part, &b), 0);
    int more = store_snapshot_next(b, &y);
    while (store_snapshot_next(a, &x) == 0) {
        if (more || !str_eq(x.key, y.key)) {
            assert_true(more || str_cmp(x.key, y.key) < 0);
            missing += !str_starts(x.key, STR("meta/"));
            continue;
        }
        assert_int_equal(store_snapshot_value(a, &v), 0);
        assert_int_equal(store_snapshot_value(b, &w), 0);
        struct content_hash hash;
        bool lost = w.n == 0 && content(y.key, &hash);
        empty += lost;
        assert_true(lost || str_eq(v, w) || str_starts(x.key, STR("meta/")));
        more = store_snapshot_next(b, &y);
    }
    assert_int_equal(more, ERR_NOT_FOUND);
    assert_int_equal(empty, report->lost);
    assert_true((missing > 0) == (report->gaps > 0));
    store_snapshot_close(a);
    store_snapshot_close(b);
}

static void test_content_that_a_disk_turned(void **state)
{
    struct place *p = *state;
    char path[PATH_ROOM];
    struct backup_harms harms;
    struct backup_report report;
    const struct backup_report first = back_up(p, 0);
    assert_true(is_whole(p));
    any_pack(p, path);
    turn_bit(path, frame_in(path, BACKUP_VALUE, 7));
    put_record(p, 1, "new");
    assert_int_equal(back_up(p, 0).healed, 0); /* reads no content of older ones */
    assert_int_equal(prove(p, &harms), 1);

    const struct backup_from from = {.path = p->backup};
    assert_int_equal(backup_restore(&from, p->again, &report), ERR_CORRUPT);
    assert_false(backup_has_store(p->again));
    assert_int_equal(restore_past(p, &report), 0);
    assert_int_equal(report.lost, 1);
    assert_int_equal(report.gaps, 0);
    is_part(p->store, p->again, &report);
    drop_again(p);

    report = heal(p, &harms);
    assert_int_equal(report.healed, 1);
    assert_true(report.written < first.written / 4); /* and not all that the pack has */
    VEC_FREE(&harms);
    assert_true(is_whole(p));
    assert_int_equal(back_up(p, 0).healed, 0);
    restore(p, NULL);
    same(p->store, p->again);
}

static void test_a_block_that_a_disk_turned(void **state)
{
    struct place *p = *state;
    char path[PATH_ROOM];
    struct backup_report report;
    const struct backup_report first = back_up(p, 0);
    any_pack(p, path);
    turn_bit(path, frame_in(path, BACKUP_BLOCK, 1));
    assert_int_equal(restore_past(p, &report), 0);
    assert_int_equal(report.lost, 0);
    assert_int_equal(report.gaps, 1);
    is_part(p->store, p->again, &report);
    drop_again(p);
    report = back_up(p, 0); /* which reads the blocks of the one before in any case */
    assert_int_equal(report.healed, 1);
    assert_true(report.written < first.written / 4);
    assert_true(is_whole(p));
    restore(p, NULL);
    same(p->store, p->again);
}

static void test_a_pack_that_is_gone_or_cut_off(void **state)
{
    struct place *p = *state;
    char path[PATH_ROOM];
    struct backup_report report;
    struct stat info;
    (void)back_up(p, 0);
    any_pack(p, path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size / 2), 0);
    assert_int_equal(restore_past(p, &report), 0);
    assert_true(report.gaps > 0);
    is_part(p->store, p->again, &report);
    drop_again(p);
    assert_true(back_up(p, 0).healed > 0);
    assert_true(is_whole(p));
    while (files(p, ".pack") > 0) {
        any_pack(p, path);
        assert_int_equal(unlink(path), 0);
    }
    assert_true(back_up(p, 0).healed > 0);
    assert_true(is_whole(p));
    restore(p, NULL);
    same(p->store, p->again);
}

/* Whatever it is that is turned: all else is had back, nothing else is, and after a proof the next one is whole. */
static void test_any_byte(void **state)
{
    struct place *p = *state;
    (void)back_up(p, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        char path[PATH_ROOM];
        struct stat info;
        struct backup_harms harms;
        struct backup_report report;
        any_pack(p, path);
        assert_int_equal(stat(path, &info), 0);
        unsigned turned = 1 + (unsigned)rand_below(3);
        for (unsigned n = 0; n < turned; n++) {
            turn_bit(path, rand_below((uint64_t)info.st_size));
        }
        bool harmed = prove(p, &harms) > 0;
        assert_int_equal(restore_past(p, &report), 0);
        assert_true((report.lost + report.gaps > 0) == harmed);
        is_part(p->store, p->again, &report);
        drop_again(p);
        assert_true((heal(p, &harms).healed > 0) == harmed);
        VEC_FREE(&harms);
        assert_true(is_whole(p));
    }
    restore(p, NULL);
    same(p->store, p->again);
}

static int refuse(void *ctx, uint64_t bytes)
{
    unsigned *left = ctx;
    (void)bytes;
    return *left == 0 ? ERR_IO : (--*left, 0);
}

/* Who ends it found no damage, whatever they end it with. */
static void test_ended_is_not_damaged(void **state)
{
    struct place *p = *state;
    unsigned left = 5;
    struct backup_harms harms = {0};
    const struct backup_where where = {.path = p->backup};
    const struct backup_proof proof = {
        .where = &where, .page = refuse, .ctx = &left, .harms = &harms};
    struct backup_cursor cursor = {.all = false};
    struct backup_proven proven;
    assert_int_equal(backup_prove(&proof, &cursor, &proven), ERR_NOT_FOUND);
    (void)back_up(p, 0);
    assert_int_equal(backup_prove(&proof, &cursor, &proven), ERR_IO);
    assert_int_equal(harms.n, 0);
    assert_false(proven.harmed);
}

static void test_a_stream_is_whole_or_nothing(void **state)
{
    struct place *p = *state;
    struct backup_report report;
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/stream", p->root);
    FD_AUTO int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const struct backup_source source = {.store = p->store, .content = content};
    assert_int_equal(backup_stream(&source, &(struct backup_output){backup_write_fd, &fd}, &report),
                     0);
    const struct backup_from from = {.path = path, .past_damage = true};
    assert_int_equal(backup_restore(&from, p->again, &report), ERR_INVALID);
    assert_false(backup_has_store(p->again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_content_that_a_disk_turned, begin, end),
        cmocka_unit_test_setup_teardown(test_a_block_that_a_disk_turned, begin, end),
        cmocka_unit_test_setup_teardown(test_a_pack_that_is_gone_or_cut_off, begin, end),
        cmocka_unit_test_setup_teardown(test_any_byte, begin, end),
        cmocka_unit_test_setup_teardown(test_ended_is_not_damaged, begin, end),
        cmocka_unit_test_setup_teardown(test_a_stream_is_whole_or_nothing, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
