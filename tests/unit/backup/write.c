/* Backups of a store whose pairs the test knows: what a second one costs, what goes, what is had back. */
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rand.h"

static void test_what_is_had_back(void **state)
{
    struct place *p = *state;
    struct backup_report first = back_up(p, 0);
    assert_int_equal(first.contents, CHUNKS);
    assert_int_equal(first.damaged, 0);
    restore(p, NULL);
    same(p->store, p->again);
}

static void test_cost_is_what_changed(void **state)
{
    struct place *p = *state;
    struct backup_report first = back_up(p, 0);
    struct backup_report same_again = back_up(p, 0);
    assert_true(same_again.written < 3000);
    assert_int_equal(files(p, ".pack"), 1);
    put_record(p, 1500, "another value");
    put_chunk(p, CHUNKS, true);
    struct backup_report little = back_up(p, 0);
    assert_true(little.written < first.written / 4);
    assert_int_equal(little.keys, first.keys + 1);
    restore(p, NULL);
    same(p->store, p->again);
}

static void test_only_so_many_are_kept(void **state)
{
    struct place *p = *state;
    struct backup_moments moments;
    for (unsigned i = 0; i < 5; i++) {
        put_record(p, i, "new");
        put_chunk(p, CHUNKS + i, true);
        put_chunk(p, CHUNKS + i - 1, i == 0);
        (void)back_up(p, 2);
    }
    assert_int_equal(backup_list(&(struct backup_where){.path = p->backup}, &moments), 0);
    assert_int_equal(moments.n, 2);
    restore(p, NULL);
    same(p->store, p->again);
    struct backup_report report;
    struct backup_from from = {.path = p->backup, .moment = moments.at[0].name};
    assert_int_equal(backup_verify(&from, &report), 0);
    assert_string_equal(report.name, moments.at[0].name);
    from.moment = "19990101";
    assert_int_equal(backup_verify(&from, &report), ERR_NOT_FOUND);
    VEC_FREE(&moments);
}

/* Years of backups that a wrong clock made: they count for nothing, and hide nothing of what is made since. */
static void test_a_clock_that_was_wrong(void **state)
{
    struct place *p = *state;
    const struct backup_where where = {.path = p->backup};
    struct backup_moments moments;
    struct backup_report made, read;
    time_test_set(time_now() + (usec_t)3000 * 86400 * USEC_PER_SEC, time_monotonic());
    (void)back_up(p, 2);
    (void)back_up(p, 2);
    assert_int_equal(backup_list(&where, &moments), 0);
    assert_true(backup_newest(&moments) == moments.at[1].at);
    time_test_real();
    assert_true(backup_newest(&moments) == 0);
    VEC_FREE(&moments);
    for (unsigned i = 0; i < 3; i++) {
        put_record(p, i, "new");
        made = back_up(p, 2);
    }
    assert_int_equal(backup_list(&where, &moments), 0);
    assert_int_equal(moments.n, 4);
    assert_string_equal(moments.at[1].name, made.name);
    assert_true(backup_newest(&moments) == moments.at[1].at);
    VEC_FREE(&moments);
    struct backup_from from = {.path = p->backup};
    assert_int_equal(backup_verify(&from, &read), ERR_INVALID);
    restore(p, made.name);
    same(p->store, p->again);
}

/* What was made there before is not: its disk is not mounted, and the next one would lie on another. */
static void test_a_place_that_is_gone(void **state)
{
    struct place *p = *state;
    const struct backup_source source = {.store = p->store, .content = content};
    const struct backup_where where = {.path = p->backup};
    const struct backup_how how = {.expected = true};
    struct backup_report report;
    assert_int_equal(backup_write(&source, &where, &how, &report), ERR_NOT_FOUND);
    assert_int_equal(access(p->backup, F_OK), -1);
    assert_int_equal(mkdir(p->backup, 0700), 0); /* where it is mounted */
    assert_int_equal(backup_write(&source, &where, &how, &report), ERR_NOT_FOUND);
    assert_int_equal(files(p, ".pack") + files(p, ".part"), 0);
    (void)back_up(p, 0);
    assert_int_equal(backup_write(&source, &where, &how, &report), 0);
}

/* A moment under another one's name: what it says is whole, and not what was asked for. */
static void test_a_moment_is_what_its_name_says(void **state)
{
    struct place *p = *state;
    struct backup_report report;
    char names[2][256];
    for (unsigned i = 0; i < 2; i++) {
        put_record(p, 0, i ? "second" : "first");
        report = back_up(p, 0);
        (void)snprintf(names[i], sizeof names[i], "%s/%s.moment", p->backup, report.name);
    }
    assert_int_equal(rename(names[0], names[1]), 0);
    const struct backup_from from = {.path = p->backup};
    assert_int_equal(backup_verify(&from, &report), ERR_CORRUPT);
}

/* Most content goes: what is left is written anew, and the old pack goes with the moments that need it. */
static void test_waste_goes(void **state)
{
    struct place *p = *state;
    (void)back_up(p, 0);
    for (unsigned i = 3; i < CHUNKS; i++) {
        put_chunk(p, i, false);
    }
    (void)back_up(p, 0);
    assert_int_equal(files(p, ".pack"), 2); /* of the first only blocks are written anew as yet */
    (void)back_up(p, 1);
    assert_int_equal(files(p, ".pack"), 1);
    restore(p, NULL);
    same(p->store, p->again);
}

static void flip(const char *directory, const char *end, off_t at)
{
    DIR *dir = opendir(directory);
    const struct dirent *e;
    assert_non_null(dir);
    while ((e = readdir(dir)) && !str_ends(str_from(e->d_name), str_from(end))) {
    }
    assert_non_null(e);
    FD_AUTO int fd = openat(dirfd(dir), e->d_name, O_RDWR | O_CLOEXEC);
    char c;
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c = (char)(c ^ 1);
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    (void)closedir(dir);
}

/* What cannot be read is neither built upon nor removed, and nothing that it may need is. */
static void test_the_last_good_one_stays(void **state)
{
    struct place *p = *state;
    (void)back_up(p, 1);
    flip(p->backup, ".moment", 60);
    struct backup_report report;
    assert_int_equal(backup_verify(&(struct backup_from){.path = p->backup}, &report), ERR_CORRUPT);
    (void)back_up(p, 1);
    assert_int_equal(files(p, ".moment"), 2);
    assert_int_equal(files(p, ".pack"), 2);
    restore(p, NULL);
    same(p->store, p->again);
}

static void test_damaged_content_is_told_and_kept(void **state)
{
    struct place *p = *state;
    put(p, STR("c/0000000000000000000000000000000000000000000000000000000000000000"), STR("bad"));
    assert_int_equal(back_up(p, 0).damaged, 1);
    restore(p, NULL);
    same(p->store, p->again);
}

/* ctx: how often it is still asked before it says no. */
static int count_down(void *ctx, uint64_t keys)
{
    unsigned *left = ctx;
    (void)keys;
    if (*left == 0) {
        return ERR_CLOSED;
    }
    --*left;
    return 0;
}

static void test_cancelled_and_held(void **state)
{
    struct place *p = *state;
    (void)back_up(p, 0);
    unsigned left;
    struct backup_source source = {
        .store = p->store, .content = content, .page = count_down, .ctx = &left};
    struct backup_report report;
    put_chunk(p, CHUNKS, true);
    unsigned asked = 0;
    for (int r = ERR_CLOSED; r; asked++) { /* wherever it is broken off */
        assert_int_equal(files(p, ".moment"), 1);
        assert_int_equal(files(p, ".part"), 0);
        assert_int_equal(files(p, ".pack"), 1);
        left = asked;
        r = backup_write(&source, &(struct backup_where){.path = p->backup},
                         &(struct backup_how){.keep = 0}, &report);
        assert_true(r == 0 || r == ERR_CLOSED);
    }
    assert_true(asked > 5);
    assert_int_equal(files(p, ".moment"), 2);
    source.store = p->root;
    source.page = NULL;
    assert_int_equal(backup_write(&source, &(struct backup_where){.path = p->backup},
                                  &(struct backup_how){.keep = 0}, &report),
                     ERR_NOT_FOUND);
    restore(p, NULL);
}

static void test_streams(void **state)
{
    struct place *p = *state;
    char file[128];
    (void)snprintf(file, sizeof file, "%s/stream", p->root);
    FD_AUTO int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const struct backup_source source = {.store = p->store, .content = content};
    const struct backup_output to = {backup_write_fd, &fd};
    struct backup_report made, read;
    assert_int_equal(backup_stream(&source, &to, &made), 0);
    const struct backup_from from = {.path = file};
    assert_int_equal(backup_restore(&from, p->again, &read), 0);
    assert_string_equal(made.name, read.name);
    assert_int_equal(made.keys, read.keys);
    same(p->store, p->again);
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_size, made.written);
    char id; /* the last byte of its first line, which has no hash of its own */
    assert_int_equal(pread(fd, &id, 1, 31), 1);
    id = (char)(id ^ 1);
    assert_int_equal(pwrite(fd, &id, 1, 31), 1);
    assert_int_equal(backup_verify(&from, &read), ERR_CORRUPT);
    for (unsigned i = 0; i < 6; i++) { /* cut anywhere, it is refused */
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(backup_stream(&source, &to, &made), 0);
        assert_int_equal(ftruncate(fd, (off_t)rand_below(made.written)), 0);
        int r = backup_verify(&from, &read);
        assert_true(r == ERR_CORRUPT || r == ERR_INVALID);
    }
}

struct losing { /* one write is answered as a bucket without its prefix answers */
    unsigned writes, lost;
};

static int lose(void *ctx, struct str bytes)
{
    struct losing *l = ctx;
    (void)bytes;
    return l->writes++ == l->lost ? ERR_NOT_FOUND : 0;
}

/* What a place does not find is not the end of the store. */
static void test_lost_writes(void **state)
{
    struct place *p = *state;
    const struct backup_source source = {.store = p->store, .content = content};
    char value[60000];
    for (unsigned i = 0; i < 60; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "random/%02u", i);
        rand_bytes(value, sizeof value);
        put(p, str_from(key), str_of(value, sizeof value));
    }
    struct losing l = {.lost = UINT32_MAX};
    const struct backup_output to = {lose, &l};
    struct backup_report made;
    assert_int_equal(backup_stream(&source, &to, &made), 0);
    unsigned all = l.writes;
    assert_true(all > 2); /* one of them within the walk */
    for (unsigned i = 0; i < all; i++) {
        l = (struct losing){.lost = i};
        assert_true(backup_stream(&source, &to, &made) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_had_back, begin, end),
        cmocka_unit_test_setup_teardown(test_cost_is_what_changed, begin, end),
        cmocka_unit_test_setup_teardown(test_only_so_many_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(test_a_clock_that_was_wrong, begin, end),
        cmocka_unit_test_setup_teardown(test_a_place_that_is_gone, begin, end),
        cmocka_unit_test_setup_teardown(test_a_moment_is_what_its_name_says, begin, end),
        cmocka_unit_test_setup_teardown(test_waste_goes, begin, end),
        cmocka_unit_test_setup_teardown(test_the_last_good_one_stays, begin, end),
        cmocka_unit_test_setup_teardown(test_damaged_content_is_told_and_kept, begin, end),
        cmocka_unit_test_setup_teardown(test_cancelled_and_held, begin, end),
        cmocka_unit_test_setup_teardown(test_streams, begin, end),
        cmocka_unit_test_setup_teardown(test_lost_writes, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
