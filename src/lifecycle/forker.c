/*
 * The thread that copies forks, and finishes returns to a moment that were left. The store says what is in hand; memory knows only how far each has come, and that may be
 * forgotten at any time.
 */
#include <pthread.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "lifecycle/lifecycle_int.h"

enum { FORKER_MAGIC = 0x666f726b, STACK = 1 << 20 };

struct lifecycle_forker {
    unsigned magic;
    struct store *store;
    struct store_watch *watch;
    pthread_t thread;
    struct lock lock;
    struct lock_cond changed;
    bool stop;
    bool rung;
    /* Of the thread alone: */
    struct map *reached; /* session id → char *, the last path that is copied */
    struct lifecycle_delays delays;
};

struct round {
    struct arena *arena;
    struct str cursor;
    struct sessions_fork_page page; /* result, in arena */
};

static int page_fn(struct txn *txn, void *ctx)
{
    struct round *round = ctx;
    int r = sessions_forks(txn, round->cursor, &round->page);
    if (r < 0) {
        return r;
    }
    struct sessions_forking *at =
        ARENA_ARRAY(round->arena, struct sessions_forking, round->page.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < round->page.n; i++) {
        const struct sessions_forking *from = &round->page.at[i];
        if (from->deleted) {
            continue;
        }
        at[n++] = (struct sessions_forking){
            .scope = {.tenant_id = arena_str(round->arena, from->scope.tenant_id),
                      .user_id = arena_str(round->arena, from->scope.user_id),
                      .role = from->scope.role},
            .id = arena_str(round->arena, from->id),
            .from = arena_str(round->arena, from->from),
            .seq = from->seq,
        };
    }
    round->page.at = at;
    round->page.n = n;
    round->page.next = arena_str(round->arena, round->page.next);
    return 0;
}

static void forget(struct lifecycle_forker *f, struct str id)
{
    mem_free(map_remove(f->reached, id));
}

/* True: there is more of it. */
static bool step(struct lifecycle_forker *f, const struct sessions_forking *fork)
{
    if (!lifecycle_delays_due(&f->delays, fork->id)) {
        return false;
    }
    ARENA_AUTO(arena);
    const char *reached = map_get(f->reached, fork->id);
    struct lifecycle_copy copy = {.fork = fork, .after = str_from(reached)};
    struct lifecycle_copied copied;
    int r = lifecycle_copy_step(f->store, &arena, &copy, &copied);
    bool failed = r < 0 && r != ERR_STALE;
    lifecycle_delays_tried(&f->delays, fork->id, failed);
    forget(f, fork->id);
    if (r == 0 && !copied.whole) {
        (void)map_put(f->reached, fork->id, mem_dup(copied.after.p, copied.after.n));
        return true;
    }
    if (failed) {
        log_warn("lifecycle", "the copy " STR_FMT " is begun again later: %s", STR_ARG(fork->id),
                 err_name(r));
    }
    return false;
}

static bool stopping(struct lifecycle_forker *f)
{
    LOCK_SCOPE(&f->lock);
    return f->stop;
}

/* The same of sessions whose files go back to a moment. */
static bool rewinds(struct lifecycle_forker *f)
{
    bool more = false;
    int r = stopping(f) ? 0 : lifecycle_rewind_step(f->store, &f->delays, &more);
    if (r < 0) {
        log_warn("lifecycle", "a return to a moment goes on later: %s", err_name(r));
    }
    return more;
}

/* One step of each that is in hand; true: at least one goes on. */
static bool turn(struct lifecycle_forker *f)
{
    ARENA_AUTO(arena);
    struct round round = {.arena = &arena};
    bool more = false;
    do {
        round.cursor = round.page.next;
        int r = store_read(f->store, page_fn, &round);
        lifecycle_delays_tried(&f->delays, STR("forks"), r < 0);
        if (r < 0) {
            log_warn("lifecycle", "what is to be copied cannot be read: %s", err_name(r));
            return false;
        }
        for (size_t i = 0; i < round.page.n && !stopping(f); i++) {
            more = step(f, &round.page.at[i]) || more;
        }
    } while (round.page.next.n > 0 && !stopping(f));
    return rewinds(f) || more;
}

/* A bell may be lost: at the latest the delays' longest. What is rung for is new, so nothing delays it. */
static bool wait_for_turn(struct lifecycle_forker *f, bool more)
{
    usec_t deadline = lifecycle_delays_end(&f->delays);
    LOCK_SCOPE(&f->lock);
    while (!more && !f->stop && !f->rung && lock_cond_wait_until(&f->changed, &f->lock, deadline)) {
    }
    f->rung = false;
    return !f->stop;
}

static void *run(void *ctx)
{
    struct lifecycle_forker *f = ctx;
    bool more;
    do {
        lifecycle_delays_begin(&f->delays);
        more = turn(f);
    } while (wait_for_turn(f, more));
    return NULL;
}

/* From a thread of the store, under its lock. */
static void ring(void *ctx)
{
    struct lifecycle_forker *f = ctx;
    LOCK_SCOPE(&f->lock);
    f->rung = true;
    lock_cond_signal(&f->changed);
}

static void destroy(struct lifecycle_forker *f)
{
    size_t position = 0;
    struct str key;
    void *value;
    while (map_next(f->reached, &position, &key, &value)) {
        mem_free(value);
    }
    map_destroy(f->reached);
    lifecycle_delays_fini(&f->delays);
    lock_cond_fini(&f->changed);
    lock_fini(&f->lock);
    f->magic = 0;
    mem_free(f);
}

int lifecycle_forker_start(struct store *store, struct lifecycle_forker **ret_forker)
{
    struct lifecycle_forker *f = MEM_NEW(struct lifecycle_forker);
    f->magic = FORKER_MAGIC;
    f->store = store;
    f->reached = map_create();
    lifecycle_delays_init(&f->delays);
    lock_init(&f->lock, LOCK_FORKER);
    lock_cond_init(&f->changed);
    ARENA_AUTO(arena);
    f->watch = store_watch(store, data_key_bell(&arena, SESSIONS_FORK_BELL), ring, f);
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK);
    int failed = pthread_create(&f->thread, &attributes, run, f);
    (void)pthread_attr_destroy(&attributes);
    if (failed) {
        store_unwatch(f->watch);
        destroy(f);
        return ERR_BUSY;
    }
    *ret_forker = f;
    return 0;
}

void lifecycle_forker_stop(struct lifecycle_forker *f)
{
    if (!f) {
        return;
    }
    ASSERT_MAGIC(f, FORKER_MAGIC);
    store_unwatch(f->watch);
    lock_take(&f->lock);
    f->stop = true;
    lock_cond_signal(&f->changed);
    lock_release(&f->lock);
    (void)pthread_join(f->thread, NULL);
    destroy(f);
}
