/*
 * Power cuts: acknowledged writes survive, unacknowledged ones are there wholly or not at all, and a write that failed is
 * not there. 500 cuts over a disk in memory (power_vfs.h), also in the middle of opening, of checkpoints, after failed
 * flushes and while what large values took is given back. The control runs must lose acknowledged writes, else this test proves
 * nothing: one without flushes, one without those of large values alone, one without those of their files' names, and one that
 * gives the space of what is deleted back before that is committed.
 *
 * A run is named by its seed. Runs of one thread repeat exactly.
 */
#include <poll.h>
#include <pthread.h>
#include <sqlite3.h>

#include "base/assert.h"
#include "power_disk.h"
#include "power_vfs.h"
#include "store_test.h"

enum { CUTS = 500, CUTS_A_DISK = 10, CONTROL_DISKS = 20, THREADS = 3, MOST_WRITES = 2000 };

enum fate { NOT_TRIED, KEPT, FAILED, IN_DOUBT };

/* One thread's writes: number i writes a/{thread}/{i} and b/{thread}/{i} in one transaction, and c/{thread} anew: what that one
 * was before is garbage. */
struct client {
    struct store *store;
    uint64_t random;
    unsigned thread;
    unsigned large; /* one in so many writes is */
    bool fleeting;  /* only c/{thread} is: then whole files die */
    unsigned tried;
    unsigned upto; /* stops there */
    enum fate fates[MOST_WRITES];
};

struct disk_run {
    struct store_test t;
    bool no_sync, early;
    enum power_lie lie;
    bool short_log; /* copied every few commits, so that garbage goes */
    unsigned threads;
    uint64_t random;
    struct client clients[THREADS];
    unsigned kept, lost, torn, ghosts, wrong;
};

static int open_store(struct disk_run *d)
{
    const struct store_options options = {
        .driver = "sqlite",
        .directory = d->t.directory,
        .balloon = 4096,
        .checkpoint = d->short_log ? 64 << 10 : 1 << 20,
        .segment = 300 << 10,
        .sqlite_vfs = POWER_VFS,
        .disk = &power_disk,
        .unsafe_no_sync = d->no_sync,
        .unsafe_early = d->early,
    };
    return store_open(&options, &d->t.store);
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

struct one_write {
    unsigned thread, number;
    size_t size, last_size;
};

static struct str write_key(struct txn *txn, char side, const struct one_write *w)
{
    return arena_printf(store_arena(txn), "%c/%u/%08u", side, w->thread, w->number);
}

static struct str last_key(struct txn *txn, unsigned thread)
{
    return arena_printf(store_arena(txn), "c/%u", thread);
}

static int write_both(struct txn *txn, void *ctx)
{
    const struct one_write *w = ctx;
    char *value = arena_alloc(store_arena(txn), w->last_size);
    memset(value, (int)(w->number % 251), w->last_size);
    store_put(txn, write_key(txn, 'a', w), str_of(value, w->size));
    store_put(txn, write_key(txn, 'b', w), str_of(value, w->size / 2));
    store_put(txn, last_key(txn, w->thread), str_of(value, w->last_size));
    return 0;
}

static size_t random_size(struct client *c)
{
    uint64_t n = store_test_random(&c->random);
    return n % c->large ? 10 + (n >> 8) % 500 : 1000 + (n >> 8) % 60000;
}

/* Writes until the power is gone. */
static void *client_main(void *ctx)
{
    struct client *c = ctx;
    while (c->tried < c->upto && !power_is_cut()) {
        struct one_write w = {c->thread, c->tried, .last_size = random_size(c)};
        w.size = c->fleeting && w.last_size > 500 ? 500 : w.last_size;
        struct store_op op = store_op_new();
        if (time_is_test()) {
            time_test_advance(200 * USEC_PER_MS); /* garbage is looked for once a second */
        }
        int r = store_write(c->store, &op, write_both, &w);
        ASSERT(r == 0 || r == ERR_UNAVAILABLE || r == ERR_NO_SPACE);
        enum fate failed = power_is_cut() ? IN_DOUBT : FAILED;
        c->fates[c->tried++] = r == 0 ? KEPT : failed;
    }
    return NULL;
}

static void write_until_cut(struct disk_run *d)
{
    pthread_t ids[THREADS];
    for (unsigned i = 0; i < d->threads; i++) {
        struct client *c = &d->clients[i];
        c->store = d->t.store;
        c->upto = c->tried + 50 < MOST_WRITES ? c->tried + 50 : MOST_WRITES;
        if (d->threads == 1) {
            (void)client_main(c);
        } else {
            assert_int_equal(pthread_create(&ids[i], NULL, client_main, c), 0);
        }
    }
    for (unsigned i = 0; i < d->threads && d->threads > 1; i++) {
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    }
    if (!power_is_cut()) {
        power_cut();
    }
}

/* ---- checking ------------------------------------------------------------------------------------------------------ */

struct look {
    struct one_write w;
    bool a, b;
    int last; /* what c/{thread} is made of; -1: it is not there */
};

static bool is_made_of(struct str value, unsigned number)
{
    for (size_t i = 0; i < value.n; i++) {
        if ((uint8_t)value.p[i] != number % 251) {
            return false;
        }
    }
    return true;
}

static int look(struct txn *txn, void *ctx)
{
    struct look *l = ctx;
    struct str value;
    int a = store_get(txn, write_key(txn, 'a', &l->w), &value);
    bool right = a != 0 || is_made_of(value, l->w.number);
    int b = store_get(txn, write_key(txn, 'b', &l->w), &value);
    right = right && (b != 0 || is_made_of(value, l->w.number));
    int c = store_get(txn, last_key(txn, l->w.thread), &value);
    l->a = a == 0;
    l->b = b == 0;
    l->last = c == 0 ? (uint8_t)value.p[0] : -1;
    right = right && (c != 0 || is_made_of(value, (unsigned)l->last));
    if ((a && a != ERR_NOT_FOUND) || (b && b != ERR_NOT_FOUND) || (c && c != ERR_NOT_FOUND)) {
        return ERR_CORRUPT;
    }
    return right ? 0 : ERR_CORRUPT;
}

static int check(struct disk_run *d)
{
    for (unsigned i = 0; i < d->threads; i++) {
        struct client *c = &d->clients[i];
        int last = -1;
        int made_of = -1;
        for (unsigned n = 0; n < c->tried; n++) {
            struct look l = {.w = {i, n}};
            int r = store_read(d->t.store, look, &l);
            if (r) {
                return r;
            }
            d->torn += l.a != l.b;
            d->kept += c->fates[n] == KEPT && l.a;
            d->lost += c->fates[n] == KEPT && !l.a;
            d->ghosts += c->fates[n] == FAILED && l.a;
            if (c->fates[n] == IN_DOUBT) {
                c->fates[n] = l.a ? KEPT : FAILED;
            }
            last = l.a ? (int)(n % 251) : last;
            made_of = l.last;
        }
        d->torn += made_of != last;
    }
    return 0;
}

/* ---- one disk ------------------------------------------------------------------------------------------------------ */

/* A cut at some call, sometimes already while the store is opened; sometimes a flush fails before. */
static int one_cut(struct disk_run *d, unsigned n)
{
    uint64_t random = store_test_random(&d->random);
    bool early = random % 4 == 0;
    uint64_t calls = 1 + (random >> 8) % (n % 3 == 0 ? 400 : 60);
    if (early) {
        power_cut_after(calls % 30 + 1);
        (void)open_store(d);
    }
    if (!d->t.store && early && power_is_cut()) {
        power_on();
    }
    int r = d->t.store ? 0 : open_store(d);
    if (r) {
        return r;
    }
    power_cut_after(calls);
    if (random % 5 == 1 && !d->no_sync) {
        power_fail(1, /* full= */ false);
    }
    write_until_cut(d);
    store_test_close(&d->t);
    power_fail(0, /* full= */ false);
    power_on();
    return 0;
}

static int run_disk(struct disk_run *d, uint64_t seed, unsigned cuts)
{
    power_vfs_reset(seed);
    power_disk_lie(d->lie);
    time_test_set(time_now(), time_monotonic());
    d->random = seed;
    d->short_log = seed / 2 % 2;
    d->threads = seed % 2 ? THREADS : 1;
    store_test_make_quick_directory(d->t.directory);
    for (unsigned i = 0; i < THREADS; i++) {
        d->clients[i] = (struct client){.random = seed + i + 1,
                                        .thread = i,
                                        .large = d->early || seed / 4 % 2 ? 2 : 8,
                                        .fleeting = seed / 4 % 2};
    }
    int r = 0;
    for (unsigned n = 0; n < cuts && r == 0; n++) {
        r = one_cut(d, n);
        r = r ? r : open_store(d);
        if (r == 0) {
            r = check(d);
            d->wrong += r == 0 ? power_disk_accounts(d->t.directory) : 0;
            store_test_close(&d->t);
        }
    }
    store_test_remove_directory(d->t.directory);
    time_test_real();
    power_disk_lie(POWER_IS_TRUE);
    return r;
}

static void nothing_acknowledged_is_lost(void **state)
{
    (void)state;
    (void)power_disk_take();
    uint64_t first = store_test_seed("powercut");
    unsigned disks = CUTS / CUTS_A_DISK * (store_test_all() ? 10 : 1);
    unsigned kept = 0;
    for (unsigned i = 0; i < disks; i++) {
        static struct disk_run d;
        d = (struct disk_run){.no_sync = false};
        int r = run_disk(&d, first + i, CUTS_A_DISK);
        if (r || d.lost || d.torn || d.ghosts || d.wrong) {
            print_error("seed 0x%llx: error %d, %u lost, %u torn, %u failed ones there, %u wrong "
                        "accounts of segments\n",
                        (unsigned long long)(first + i), r, d.lost, d.torn, d.ghosts, d.wrong);
            fail();
        }
        kept += d.kept;
    }
    print_message("%u cuts, %u times an acknowledged write was there\n", disks * CUTS_A_DISK, kept);
    assert_true(kept > disks * CUTS_A_DISK); /* there was something to lose */
    struct power_disk_counts counts = power_disk_take();
    print_message("large values: flushed %u times, %u times space went back, %u files removed\n",
                  counts.flushes, counts.punches, counts.removals);
    assert_true(counts.flushes > 0 && counts.punches > 0 && counts.removals > disks);
}

/* The same runs with something left out must show losses, or a database that cannot be read any more. */
static void must_lose(struct disk_run how, unsigned cuts, unsigned least)
{
    uint64_t first = store_test_seed("powercut control");
    unsigned bad = 0;
    for (unsigned i = 0; i < CONTROL_DISKS; i++) {
        static struct disk_run d;
        d = how;
        int r = run_disk(&d, first + i, cuts);
        bad += r != 0 || d.lost > 0 || d.torn > 0;
    }
    print_message("%u of %d control runs lost something\n", bad, CONTROL_DISKS);
    assert_true(bad >= least);
}

static void without_flushes_it_loses(void **state)
{
    (void)state;
    must_lose((struct disk_run){.no_sync = true}, 1, CONTROL_DISKS / 2);
}

static void large_values_that_are_not_flushed_are_lost(void **state)
{
    (void)state;
    must_lose((struct disk_run){.lie = POWER_LIES_OF_BYTES}, 4, CONTROL_DISKS / 3);
}

static void files_whose_names_are_not_flushed_are_lost(void **state)
{
    (void)state;
    must_lose((struct disk_run){.lie = POWER_LIES_OF_NAMES}, 6, CONTROL_DISKS / 3);
}

static void space_that_goes_too_early_is_lost(void **state)
{
    (void)state;
    must_lose((struct disk_run){.early = true}, 10,
              CONTROL_DISKS / 4); /* a cut has to fall in between */
}

/* ---- what a disk may do besides ------------------------------------------------------------------------------------ */

static struct client *begin_one(struct disk_run *d)
{
    *d = (struct disk_run){.threads = 1, .random = 1};
    power_vfs_reset(1);
    store_test_make_quick_directory(d->t.directory);
    d->clients[0] = (struct client){.random = 1, .large = 8};
    assert_int_equal(open_store(d), 0);
    return &d->clients[0];
}

static void write_some(struct disk_run *d, unsigned n)
{
    struct client *c = &d->clients[0];
    c->store = d->t.store;
    c->upto = c->tried + n;
    (void)client_main(c);
}

/* Now, after the next start, and after the one behind it: what was kept is there. */
static void end_one(struct disk_run *d, unsigned kept)
{
    for (unsigned i = 0; i < 3; i++) {
        d->kept = d->lost = d->torn = 0;
        assert_int_equal(check(d), 0);
        assert_int_equal(d->lost + d->torn, 0);
        assert_int_equal(d->kept, kept);
        if (i < 2) {
            store_test_close(&d->t);
            assert_int_equal(open_store(d), 0);
        }
    }
    store_test_close(&d->t);
    store_test_remove_directory(d->t.directory);
}

/* A start with no room to copy the log of the run before, and then a flush that fails: what was in it then stays, and no more. */
static void a_log_that_could_not_be_copied_is_kept(void **state)
{
    (void)state;
    static struct disk_run d;
    struct client *c = begin_one(&d);
    write_until_cut(&d);
    store_test_close(&d.t);
    power_on();
    power_fail(0, /* full= */ true);
    assert_int_equal(open_store(&d), 0);
    power_fail(1, /* full= */ true);
    write_some(&d, 1);
    assert_int_equal(c->fates[c->tried - 1], FAILED);
    power_fail(0, /* full= */ false);
    end_one(&d, c->tried - 1);
    assert_int_equal(d.ghosts, 0);
}

/* A flush that fails, and no room to copy what had been flushed when the store is opened again; then another flush that fails. */
static void a_log_that_was_cut_is_cut_there_again(void **state)
{
    (void)state;
    static struct disk_run d;
    struct client *c = begin_one(&d);
    write_some(&d, 20);
    for (unsigned i = 0; i < 2; i++) {
        power_fail(1, /* full= */ true);
        write_some(&d, 1);
        assert_int_equal(c->fates[c->tried - 1], FAILED);
    }
    power_fail(0, /* full= */ true);
    write_some(&d, 1);
    assert_int_equal(c->fates[c->tried - 1], KEPT);
    power_fail(0, /* full= */ false);
    end_one(&d, 21);
    assert_int_equal(d.ghosts, 0);
}

/* Whether there is anything in it: only who opens the store cuts it to nothing. */
static bool has_log(const struct disk_run *d)
{
    char path[128];
    int yes = 0;
    sqlite3_vfs *vfs = sqlite3_vfs_find(POWER_VFS);
    (void)snprintf(path, sizeof path, "%s/store.db-wal", d->t.directory);
    assert_int_equal(vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &yes), SQLITE_OK);
    return yes;
}

/* The flush of a checkpoint: the same connection would try again, and be told that all is well. */
static void a_checkpoint_whose_flush_failed_opens_the_store_again(void **state)
{
    (void)state;
    enum { PATIENCE_MS = 20 * 1000, LOOK_MS = 20 };
    static struct disk_run d;
    struct client *c = begin_one(&d);
    c->large = UINT32_MAX; /* none: who gives space back writes into the log */
    write_some(&d, 60);
    assert_true(has_log(&d));
    power_fail(1, /* full= */ false);
    for (int waited = 0; has_log(&d); waited += LOOK_MS) {
        assert_true(waited < PATIENCE_MS);
        (void)poll(NULL, 0, LOOK_MS);
    }
    write_some(&d, 20);
    power_cut();
    store_test_close(&d.t);
    power_on();
    assert_int_equal(open_store(&d), 0);
    end_one(&d, c->tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_could_not_be_copied_is_kept),
        cmocka_unit_test(a_log_that_was_cut_is_cut_there_again),
        cmocka_unit_test(a_checkpoint_whose_flush_failed_opens_the_store_again),
        cmocka_unit_test(nothing_acknowledged_is_lost),
        cmocka_unit_test(without_flushes_it_loses),
        cmocka_unit_test(large_values_that_are_not_flushed_are_lost),
        cmocka_unit_test(files_whose_names_are_not_flushed_are_lost),
        cmocka_unit_test(space_that_goes_too_early_is_lost),
    };
    return cmocka_run_group_tests_name("powercut", tests, NULL, NULL);
}
