/*
 * SIGKILL in the middle of writing: what the child has acknowledged over a pipe is there when the store is opened again.
 * Five rounds, a hundred with CODITECT_TEST_ALL=1.
 *
 * A kill loses nothing that the kernel has, so this cannot show a missing flush (powercut.c does); it shows that the real
 * files, locks and log of a dead process are taken over, quickly, and that acknowledgement comes after the commit. The
 * control proves that the check would notice: a child that acknowledges before it writes must be caught.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

#include "base/assert.h"
#include "base/mem.h"
#include "store_test.h"

enum { THREADS = 4, ROUNDS = 5, ALL_ROUNDS = 100, CONTROL_ROUNDS = 20, MOST_ACKS = 1 << 20 };

struct acknowledged {
    uint32_t thread, number;
};

struct child {
    struct store *store;
    int pipe;
    bool lies; /* acknowledges first */
    uint32_t thread, number;
};

static struct str key_of(struct txn *txn, const struct acknowledged *a)
{
    return arena_printf(store_arena(txn), "kill/%u/%08u", a->thread, a->number);
}

static int put_number(struct txn *txn, void *ctx)
{
    const struct acknowledged *a = ctx;
    size_t size = a->number % 50 ? 200 : 50000;
    store_put(txn, key_of(txn, a), str_of(arena_alloc(store_arena(txn), size), size));
    return 0;
}

static void *write_for_ever(void *ctx)
{
    struct child *c = ctx;
    for (;;) {
        struct acknowledged a = {c->thread, c->number++};
        struct store_op op = store_op_new();
        if (c->lies) {
            ASSERT(write(c->pipe, &a, sizeof a) == sizeof a);
        }
        ASSERT(store_write(c->store, &op, put_number, &a) == 0);
        if (!c->lies) {
            ASSERT(write(c->pipe, &a, sizeof a) == sizeof a); /* less than PIPE_BUF: whole */
        }
    }
    return NULL;
}

static _Noreturn void child_main(struct store_test *t, int out, bool lies, uint32_t first)
{
    store_test_open(t);
    struct child children[THREADS];
    pthread_t id;
    for (uint32_t i = 0; i < THREADS; i++) {
        children[i] = (struct child){
            .store = t->store, .pipe = out, .lies = lies, .thread = i, .number = first};
        ASSERT(pthread_create(&id, NULL, write_for_ever, &children[i]) == 0);
    }
    (void)pthread_join(id, NULL);
    _exit(1);
}

struct check {
    const struct acknowledged *acks;
    size_t count, at;
    unsigned missing;
};

static int look(struct txn *txn, void *ctx)
{
    struct check *c = ctx;
    c->missing = 0;
    size_t end = c->at + 1000 < c->count ? c->at + 1000 : c->count;
    for (size_t i = c->at; i < end; i++) {
        struct str value;
        int r = store_get(txn, key_of(txn, &c->acks[i]), &value);
        if (r && r != ERR_NOT_FOUND) {
            return r;
        }
        c->missing += r != 0;
    }
    return 0;
}

static unsigned count_missing(struct store_test *t, const struct acknowledged *acks, size_t count)
{
    unsigned missing = 0;
    struct check c = {.acks = acks, .count = count};
    for (; c.at < count; c.at += 1000) {
        assert_int_equal(store_test_read(t, look, &c), 0);
        missing += c.missing;
    }
    return missing;
}

/* Reads until the child has acknowledged many and then kills it; what it still managed to say is read, too. */
static size_t run_child(struct store_test *t, bool lies, uint32_t first, struct acknowledged *acks)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        child_main(t, ends[1], lies, first);
    }
    (void)close(ends[1]);
    size_t count = 0, enough = 100 + first % 200;
    ssize_t n;
    while (count < MOST_ACKS &&
           (n = fd_read_full(ends[0], &acks[count], sizeof *acks)) == sizeof *acks) {
        count++;
        if (count == enough) {
            (void)kill(child, SIGKILL);
        }
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    (void)close(ends[0]);
    return count;
}

static unsigned rounds_missing(unsigned rounds, bool lies)
{
    struct store_test t = {.name = "sqlite", .driver = "sqlite"};
    MEM_AUTO struct acknowledged *acks = mem_grow(NULL, MOST_ACKS * sizeof *acks);
    store_test_make_directory(t.directory);
    unsigned missing = 0;
    size_t count = 0;
    for (unsigned i = 0; i < rounds; i++) {
        count += run_child(&t, lies, i * 100000, acks + count);
        store_test_open(&t);
        missing += count_missing(&t, acks, count); /* those of earlier rounds as well */
        store_test_close(&t);
    }
    store_test_remove_directory(t.directory);
    return missing;
}

static void nothing_acknowledged_is_lost_by_a_kill(void **state)
{
    (void)state;
    assert_int_equal(rounds_missing(store_test_all() ? ALL_ROUNDS : ROUNDS, false), 0);
}

static void the_control_is_caught(void **state)
{
    (void)state;
    assert_true(rounds_missing(CONTROL_ROUNDS, true) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_acknowledged_is_lost_by_a_kill),
        cmocka_unit_test(the_control_is_caught),
    };
    return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
