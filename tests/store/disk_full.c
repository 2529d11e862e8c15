/*
 * A full disk: a small tmpfs in a mount namespace of this process (as root; else skipped). Writes end with ERR_NO_SPACE, reads
 * and deletions go on, nothing acknowledged is lost, and writes resume when there is space.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store_test.h"

enum { DISK = 24 << 20, BALLOON = 4 << 20, VALUE = 60000 };

struct numbered {
    unsigned number;
    bool found;
};

static struct str key_of(struct txn *txn, const struct numbered *n)
{
    return arena_printf(store_arena(txn), "full/%06u", n->number);
}

static int put_numbered(struct txn *txn, void *ctx)
{
    store_put(txn, key_of(txn, ctx), str_of(arena_alloc(store_arena(txn), VALUE), VALUE));
    return 0;
}

static int delete_numbered(struct txn *txn, void *ctx)
{
    store_delete(txn, key_of(txn, ctx));
    return 0;
}

static int get_numbered(struct txn *txn, void *ctx)
{
    struct numbered *n = ctx;
    struct str value;
    int r = store_get(txn, key_of(txn, n), &value);
    n->found = r == 0 && value.n == VALUE;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int put_state(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_put(txn, STR("state"), STR("must be kept"));
    return 0;
}

static int write_numbered(struct store *s, store_fn *fn, unsigned number)
{
    struct numbered n = {number, false};
    struct store_op op = store_op_new();
    return store_write(s, &op, fn, &n);
}

static bool is_there(struct store *s, unsigned number)
{
    struct numbered n = {number, false};
    assert_int_equal(store_read(s, get_numbered, &n), 0);
    return n.found;
}

static bool mount_small_disk(const char *directory)
{
    char options[32];
    (void)snprintf(options, sizeof options, "size=%d", DISK);
    return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", directory, "tmpfs", 0, options) == 0;
}

static unsigned fill_up(struct store *s)
{
    unsigned kept = 0;
    int r;
    while ((r = write_numbered(s, put_numbered, kept)) == 0) {
        kept++;
        assert_true(kept < DISK / VALUE);
    }
    assert_int_equal(r, ERR_NO_SPACE);
    return kept;
}

static void expect_full(struct store *s, bool full)
{
    struct store_stats stats;
    store_stats(s, &stats);
    assert_int_equal(stats.disk_full, full);
}

/* While full: reads, state and deletions work, ordinary writes do not. */
static void live_on(struct store *s, unsigned kept)
{
    expect_full(s, true);
    for (unsigned i = 0; i < kept; i++) {
        assert_true(is_there(s, i));
    }
    assert_false(is_there(s, kept));
    struct store_op op = store_op_new();
    assert_int_equal(store_write(s, &op, put_state, NULL), ERR_NO_SPACE);
    op = store_op_new();
    op.reserve = true;
    assert_int_equal(store_write(s, &op, put_state, NULL), 0);
    for (unsigned i = 0; i < kept / 2; i++) {
        assert_int_equal(write_numbered(s, delete_numbered, i), 0);
    }
}

/* Space is looked for at most once a second: the store's clock is what the test drives. */
static void resume(struct store *s, unsigned kept)
{
    time_test_set(time_now(), time_monotonic() + 2 * USEC_PER_SEC);
    assert_int_equal(write_numbered(s, put_numbered, kept), 0);
    time_test_real();
    expect_full(s, false);
    for (unsigned i = 0; i <= kept; i++) {
        assert_int_equal(is_there(s, i), i >= kept / 2);
    }
}

static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    char directory[64], data[96];
    store_test_make_directory(directory);
    if (!mount_small_disk(directory)) {
        (void)rmdir(directory);
        print_message("a_full_disk_loses_nothing: skipped, needs root and mount namespaces\n");
        skip();
    }
    (void)snprintf(data, sizeof data, "%s/data", directory);
    const struct store_options options = {
        .driver = "sqlite",
        .directory = data,
        .balloon = BALLOON,
        .checkpoint = 2 << 20,
    };
    struct store *s;
    assert_int_equal(store_open(&options, &s), 0);
    time_test_set(time_now(), time_monotonic()); /* else a second may pass between two deletions */
    unsigned kept = fill_up(s);
    assert_true(kept > (DISK - BALLOON) / VALUE / 3);
    char beside[128];
    struct stat facts;
    (void)snprintf(beside, sizeof beside, "%s/store.db-1", data);
    assert_int_equal(stat(beside, &facts), 0);
    assert_true(facts.st_size >= (off_t)kept * VALUE); /* all of them lie there */
    live_on(s, kept);
    resume(s, kept);
    off_t taken = facts.st_blocks;
    assert_int_equal(stat(beside, &facts), 0);
    assert_true(facts.st_blocks < taken * 2 / 3); /* half went back to the disk */
    store_close(s);
    assert_int_equal(store_open(&options, &s), 0);
    assert_true(is_there(s, kept));
    store_close(s);
    assert_int_equal(umount(directory), 0);
    (void)rmdir(directory);
}

/* What others have put there: all that is free but so many bytes. */
static void take_room(const char *path, off_t left)
{
    struct statvfs fs;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && fstatvfs(fd, &fs) == 0);
    assert_int_equal(posix_fallocate(fd, 0, (off_t)(fs.f_bavail * fs.f_frsize) - left), 0);
    assert_int_equal(close(fd), 0);
}

static bool is_held_back(const char *balloon)
{
    struct stat facts;
    return stat(balloon, &facts) == 0 && facts.st_size == BALLOON;
}

/* A small disk with a store of which the test knows the files, and others' there. */
struct shared_disk {
    char directory[64], data[96], index[128], balloon[128], others[128];
    struct store_options options;
};

static struct store *open_shared(struct shared_disk *d)
{
    store_test_make_directory(d->directory);
    if (!mount_small_disk(d->directory)) {
        (void)rmdir(d->directory);
        skip();
    }
    (void)snprintf(d->data, sizeof d->data, "%s/data", d->directory);
    (void)snprintf(d->index, sizeof d->index, "%s/store.db-shm", d->data);
    (void)snprintf(d->balloon, sizeof d->balloon, "%s/balloon", d->data);
    (void)snprintf(d->others, sizeof d->others, "%s/others", d->directory);
    d->options =
        (struct store_options){.driver = "sqlite", .directory = d->data, .balloon = BALLOON};
    struct store *s;
    assert_int_equal(store_open(&d->options, &s), 0);
    return s;
}

static void close_shared(const struct shared_disk *d, struct store *s)
{
    store_close(s);
    assert_int_equal(umount(d->directory), 0);
    (void)rmdir(d->directory);
}

/* Full to its last byte, by others, and nothing left of the log's index: the reserve is given up for a start. */
static void a_start_on_a_full_disk(void **state)
{
    (void)state;
    struct shared_disk d;
    struct store *s = open_shared(&d);
    assert_int_equal(write_numbered(s, put_numbered, 0), 0);
    store_close(s);
    assert_true(is_held_back(d.balloon));
    assert_int_equal(unlink(d.index), 0);
    take_room(d.others, 0);
    assert_int_equal(store_open(&d.options, &s), 0);
    expect_full(s, true);
    assert_true(is_there(s, 0));
    assert_int_equal(write_numbered(s, delete_numbered, 0), 0);
    store_close(s);

    /* Enough to begin with, but not to hold any back: once there is, it is. */
    assert_int_equal(store_open(&d.options, &s), 0);
    expect_full(s, false);
    assert_false(is_held_back(d.balloon));
    assert_int_equal(unlink(d.others), 0);
    time_test_set(time_now(), time_monotonic() + 2 * USEC_PER_SEC);
    assert_int_equal(write_numbered(s, put_numbered, 0), 0);
    time_test_real();
    assert_true(is_held_back(d.balloon));
    close_shared(&d, s);
}

/* A write that fails, and a disk that others then fill to its last byte: what was kept is opened again by the reserve, too. */
static void a_reopening_on_a_full_disk(void **state)
{
    (void)state;
    struct shared_disk d;
    struct store *s = open_shared(&d);
    assert_int_equal(write_numbered(s, put_numbered, 0), 0);

    /* No file takes a byte: neither what is written, nor what the store would make to open again. */
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, limit.rlim_max}), 0);
    assert_int_equal(write_numbered(s, put_numbered, 1), ERR_UNAVAILABLE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_true(is_held_back(d.balloon));
    (void)unlink(d.index);
    take_room(d.others, 0);

    time_test_set(time_now(), time_monotonic() + 2 * USEC_PER_SEC);
    assert_int_equal(write_numbered(s, delete_numbered, 1), 0);
    time_test_real();
    assert_false(is_held_back(d.balloon));
    assert_true(is_there(s, 0));
    close_shared(&d, s);
}

static void write_later(struct store *s, usec_t monotonic)
{
    time_test_set(time_now(), monotonic);
    assert_int_equal(write_numbered(s, put_numbered, 0), 0);
}

/* There is room, and still the disk gives none (here: something else has the name): it is asked for again, but seldom. */
static void a_reserve_that_is_refused(void **state)
{
    (void)state;
    char directory[64], balloon[128];
    store_test_make_directory(directory);
    (void)snprintf(balloon, sizeof balloon, "%s/balloon", directory);
    assert_int_equal(mkdir(balloon, 0700), 0);
    const struct store_options options = {
        .driver = "sqlite", .directory = directory, .balloon = BALLOON};
    const usec_t begin = time_monotonic();
    struct store *s;
    time_test_set(time_now(), begin);
    assert_int_equal(store_open(&options, &s), 0);
    expect_full(s, false);
    assert_int_equal(rmdir(balloon), 0);
    write_later(s, begin + 2 * USEC_PER_SEC);
    write_later(s, begin + 599 * USEC_PER_SEC);
    assert_false(is_held_back(balloon));
    write_later(s, begin + 601 * USEC_PER_SEC);
    assert_true(is_held_back(balloon));
    time_test_real();
    store_close(s);
    store_test_remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_loses_nothing), cmocka_unit_test(a_start_on_a_full_disk),
        cmocka_unit_test(a_reopening_on_a_full_disk), cmocka_unit_test(a_reserve_that_is_refused)};
    return cmocka_run_group_tests_name("disk full", tests, NULL, NULL);
}
