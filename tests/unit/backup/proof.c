/* All that is kept is read again, in pieces, each byte once: what is damaged is found in whatever moment it lies. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool away; /* what backups lie on was pulled out */

/* Instead of the C library's. */
ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    if (away) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, to, n, at);
}

int fsync(int fd)
{
    if (away) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

enum { GONE = 5, PAGES_MOST = 100000 };

struct proof {
    struct place *p;
    struct backup_cursor cursor;
    struct backup_harms harms;
    struct backup_proven proven;
    uint64_t bytes, pages; /* of this call */
    unsigned left;         /* pages until it is broken off */
};

static int look(void *ctx, uint64_t bytes)
{
    struct proof *f = ctx;
    f->bytes = bytes;
    f->pages++;
    return f->left == 0 ? ERR_BUSY : (f->left--, 0);
}

/* After at most so many pages. */
static int go_on(struct proof *f, unsigned pages)
{
    const struct backup_where where = {.path = f->p->backup};
    const struct backup_proof proof = {
        .where = &where, .content = content, .page = look, .ctx = f, .harms = &f->harms};
    f->left = pages;
    f->pages = f->bytes = 0;
    return backup_prove(&proof, &f->cursor, &f->proven);
}

/* Each call reads one moment. Whether it is harmed. */
static bool is_harmed(struct proof *f, const char *name)
{
    assert_int_equal(go_on(f, PAGES_MOST), 0);
    assert_string_equal(f->proven.name, name);
    return f->proven.harmed;
}

/* A pack that was there before the newest backup was made has its content's n-th piece turned. */
static void turn_content(const char *pack, unsigned n)
{
    turn_bit(pack, frame_in(pack, BACKUP_VALUE, n));
}

/* The n-th piece of content in the order of its pack goes from the store. */
static void drop_nth(struct place *p, unsigned n)
{
    struct store_snapshot *s;
    struct store_snapshot_pair pair;
    struct content_hash hash;
    char key[PATH_ROOM];
    assert_int_equal(store_snapshot_open(p->store, &s), 0);
    for (unsigned i = 0; i <= n;) {
        assert_int_equal(store_snapshot_next(s, &pair), 0);
        i += content(pair.key, &hash);
    }
    (void)snprintf(key, sizeof key, STR_FMT, STR_ARG(pair.key));
    store_snapshot_close(s);
    put(p, str_from(key), STR_EMPTY);
}

static void test_what_only_an_older_one_needs(void **state)
{
    struct place *p = *state;
    struct proof f = {.p = p};
    char pack[PATH_ROOM];
    const struct backup_report first = back_up(p, 0);
    any_pack(p, pack);
    drop_nth(p, GONE);
    const struct backup_report second = back_up(p, 0);
    turn_content(pack, GONE);
    assert_false(is_harmed(&f, second.name));
    assert_true(f.proven.newest && !f.proven.ended);
    uint64_t all = f.bytes;
    assert_true(is_harmed(&f, first.name));
    assert_true(!f.proven.newest && f.proven.ended && f.proven.pieces == 1);
    assert_int_equal(f.harms.n, 1);
    assert_true(f.bytes < all / 2); /* what both have was read once */
    assert_false(is_harmed(&f, second.name));
    VEC_FREE(&f.harms);
}

/* What both lack is known of both, and not of the one that is made then. */
static void test_what_two_lack(void **state)
{
    struct place *p = *state;
    struct proof f = {.p = p};
    char pack[PATH_ROOM];
    const struct backup_report first = back_up(p, 0);
    any_pack(p, pack);
    put_record(p, 1, "new");
    const struct backup_report second = back_up(p, 0);
    turn_content(pack, GONE);
    assert_true(is_harmed(&f, second.name));
    const struct backup_report third = heal(p, &f.harms);
    assert_int_equal(third.healed, 1);
    assert_true(is_harmed(&f, first.name) && f.proven.ended);
    assert_int_equal(f.harms.n, 1);
    assert_false(is_harmed(&f, third.name));
    assert_true(is_harmed(&f, second.name));
    assert_true(is_harmed(&f, first.name) && f.proven.ended);
    VEC_FREE(&f.harms);
}

/* Broken off again and again, with a new moment and none of the one that it read in between: it comes to its end. */
static void test_in_pieces(void **state)
{
    struct place *p = *state;
    struct proof f = {.p = p};
    char pack[PATH_ROOM];
    (void)back_up(p, 1);
    assert_int_equal(go_on(&f, PAGES_MOST), 0);
    assert_true(f.proven.ended);
    uint64_t pages = 0, all = f.pages;
    any_pack(p, pack);
    turn_content(pack, CHUNKS - 1);
    unsigned calls = 0;
    for (int r = ERR_BUSY; r; calls++) {
        put_record(p, calls, "new");
        (void)back_up(p, 1);
        r = go_on(&f, 12);
        assert_true(r == 0 || r == ERR_BUSY);
        pages += f.pages;
        assert_true(calls < 100);
    }
    assert_true(calls > 4);
    assert_true(f.proven.ended && f.proven.harmed);
    assert_int_equal(f.harms.n, 1);
    assert_true(pages < 3 * all);
    VEC_FREE(&f.harms);
}

/* Until it has found so many pieces damaged, and then until it is broken off. */
static void find(struct proof *f, size_t harms)
{
    for (unsigned calls = 0; calls == 0 || f->harms.n < harms; calls++) {
        assert_int_equal(go_on(f, 12), ERR_BUSY);
        assert_true(calls < 100);
    }
}

/* Broken off behind it, and the next backup has it anew: that one is not called damaged for it. */
static void test_what_the_next_one_has_anew(void **state)
{
    struct place *p = *state;
    struct proof f = {.p = p};
    char pack[PATH_ROOM];
    const struct backup_report first = back_up(p, 0);
    any_pack(p, pack);
    turn_content(pack, GONE);
    find(&f, 1);
    assert_true(f.proven.harmed);
    assert_string_equal(f.proven.name, first.name);
    const struct backup_report second = heal(p, &f.harms);
    assert_int_equal(second.healed, 1);
    assert_false(is_harmed(&f, second.name));
    assert_true(f.proven.newest && f.proven.part && f.proven.doubt);
    assert_true(is_harmed(&f, first.name) && f.proven.ended);
    assert_false(is_harmed(&f, second.name));
    assert_false(f.proven.part || f.proven.doubt);
    VEC_FREE(&f.harms);
}

/* Broken off where nothing was found: the next one is as whole as what was read as another's. */
static void test_what_goes_on_as_the_next_one(void **state)
{
    struct place *p = *state;
    struct proof f = {.p = p};
    (void)back_up(p, 0);
    find(&f, 0);
    const struct backup_report second = back_up(p, 0);
    assert_false(is_harmed(&f, second.name));
    assert_true(f.proven.part && !f.proven.doubt);
}

/* A place whose bytes come back, a disk that was put in again: it is whole when it was read. */
static void test_what_is_whole_again(void **state)
{
    struct place *p = *state;
    struct proof f = {.p = p};
    char pack[PATH_ROOM];
    const struct backup_report first = back_up(p, 0);
    any_pack(p, pack);
    turn_content(pack, GONE);
    assert_true(is_harmed(&f, first.name));
    turn_content(pack, GONE);
    assert_false(is_harmed(&f, first.name));
    VEC_FREE(&f.harms);
}

static int pull_out(void *ctx, uint64_t bytes)
{
    int r = look(ctx, bytes);
    away = away || r != 0;
    return 0;
}

/* Nobody knows what is on a disk that does not answer: it goes on where it was when it does. */
static void test_a_disk_that_is_pulled_out(void **state)
{
    struct place *p = *state;
    struct proof f = {.p = p};
    const struct backup_report first = back_up(p, 0);
    const struct backup_where where = {.path = p->backup};
    const struct backup_proof proof = {
        .where = &where, .page = pull_out, .ctx = &f, .harms = &f.harms};
    for (unsigned i = 0; i < 20; i += 5) {
        f.left = i;
        int r = backup_prove(&proof, &f.cursor, &f.proven);
        away = false;
        assert_int_equal(r, ERR_IO);
        assert_false(f.proven.harmed);
        assert_int_equal(f.harms.n, 0);
    }
    assert_false(is_harmed(&f, first.name));
    VEC_FREE(&f.harms);
}

/* Lost in the store and nowhere else whole: each of them says so, and none is called whole. */
static void test_what_the_store_has_lost(void **state)
{
    struct place *p = *state;
    struct proof f = {.p = p};
    struct backup_report read;
    put_chunk(p, CHUNKS, true);
    spoil_chunk(p, CHUNKS);
    const struct backup_report first = back_up(p, 0);
    put_record(p, 1, "new");
    const struct backup_report second = back_up(p, 0);
    assert_int_equal(second.damaged, 1);
    assert_false(is_harmed(&f, second.name));
    assert_true(f.proven.lost);
    assert_false(is_harmed(&f, first.name));
    assert_true(f.proven.lost && f.proven.ended);
    const struct backup_from from = {.path = p->backup, .content = content};
    assert_int_equal(backup_verify(&from, &read), 0);
    assert_int_equal(read.damaged, 1);
    put_chunk(p, CHUNKS, true);
    const struct backup_report third = back_up(p, 0);
    assert_false(is_harmed(&f, third.name));
    assert_false(f.proven.lost);
}

/* Nothing is left of a moment: the others are read. A moment of a wrong clock is read too, as one that is not the newest. */
static void test_odd_moments(void **state)
{
    struct place *p = *state;
    struct proof f = {.p = p};
    char path[PATH_ROOM];
    const struct backup_report first = back_up(p, 0);
    (void)snprintf(path, sizeof path, "%s/%s.moment", p->backup, first.name);
    turn_bit(path, 60);
    time_test_set(time_now() + (usec_t)3000 * 86400 * USEC_PER_SEC, time_monotonic());
    const struct backup_report ahead = back_up(p, 0);
    time_test_real();
    const struct backup_report now = back_up(p, 0);
    assert_false(is_harmed(&f, now.name));
    assert_true(f.proven.newest);
    assert_false(is_harmed(&f, ahead.name));
    assert_true(is_harmed(&f, first.name) && f.proven.ended);
    assert_int_equal(f.harms.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_only_an_older_one_needs, begin, end),
        cmocka_unit_test_setup_teardown(test_what_two_lack, begin, end),
        cmocka_unit_test_setup_teardown(test_in_pieces, begin, end),
        cmocka_unit_test_setup_teardown(test_what_the_next_one_has_anew, begin, end),
        cmocka_unit_test_setup_teardown(test_what_goes_on_as_the_next_one, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_whole_again, begin, end),
        cmocka_unit_test_setup_teardown(test_a_disk_that_is_pulled_out, begin, end),
        cmocka_unit_test_setup_teardown(test_what_the_store_has_lost, begin, end),
        cmocka_unit_test_setup_teardown(test_odd_moments, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
