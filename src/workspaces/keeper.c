/*
 * The keeper: one thread that makes what is wanted of workspaces so, on this machine.
 *
 * Each turn looks at every record that is to be looked after (index `attended`), at what the machine knows of its process, and
 * at what codi2 said last; decides (decide.c), does one step, and writes what people are shown. A turn follows at once when the
 * bell is rung, a report comes, or a second has passed.
 *
 * 1. What it remembers may be forgotten: after a restart it adopts what runs, by the generation in the supervisor's state.
 * 2. A process that nobody wants (its record is gone, or the store was put back to an older day) is ended.
 */
#include <pthread.h>
#include <unistd.h>

#include "auth/auth.h"
#include "base/assert.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/space.h"
#include "sessions/sessions.h"
#include "workspaces/keeper_int.h"

enum { KEEPER_MAGIC = 0x6b656570, STACK = 1 << 20 };

static const usec_t turn_every = USEC_PER_SEC;
static const usec_t strangers_every = 30 * USEC_PER_SEC;
static const usec_t press_every = 5 * USEC_PER_SEC;
static const usec_t fresh = 60 * USEC_PER_SEC; /* how long a report counts */

struct workspaces_keeper {
    unsigned magic;
    struct workspaces_keeper_options options;
    pthread_t thread;
    struct store_watch *watch;
    struct lock lock; /* of what follows up to behind */
    struct lock_cond changed;
    bool stop;
    bool rung;
    struct map *reports; /* session → struct report */
    struct behind behind;
    /* the thread's own */
    struct map *kept; /* session → struct kept */
    uint64_t turn;
    unsigned starting; /* in the turn before */
    unsigned at_once;  /* starts; an IDE keeps a core busy for seconds */
    usec_t strangers_at;
    usec_t press_at; /* not before, the next one is paused for the disk's sake */
};

/* ---- memory ---- */

static struct kept *recall(struct workspaces_keeper *k, const struct attended *a)
{
    struct kept *m = map_get(k->kept, a->record.session_id);
    if (!m) {
        m = MEM_NEW(struct kept);
        m->generation = a->record.generation;
        (void)map_put(k->kept, a->record.session_id, m);
    }
    if (m->generation != a->record.generation) { /* somebody opened it: a new beginning */
        workspaces_lag_restart(&m->lag);
        *m = (struct kept){.generation = a->record.generation, .lag = m->lag};
    }
    m->turn = k->turn;
    return m;
}

static void forget(struct map *map, struct str session)
{
    mem_free(map_remove(map, session));
}

/* What nobody looks after any more. */
static void forget_old(struct workspaces_keeper *k)
{
    size_t position = 0;
    struct str session;
    void *value;
    while (map_next(k->kept, &position, &session, &value)) {
        struct kept *m = value;
        if (m->turn != k->turn) {
            lock_take(&k->lock);
            forget(k->reports, session);
            lock_release(&k->lock);
            forget(k->kept, session);
        }
    }
}

static bool report_of(struct workspaces_keeper *k, const struct attended *a, struct report *ret)
{
    LOCK_SCOPE(&k->lock);
    const struct report *r = map_get(k->reports, a->record.session_id);
    if (!r || r->generation != a->record.generation || time_monotonic() - r->at > fresh) {
        return false;
    }
    *ret = *r;
    return true;
}

/* ---- who is not wanted ---- */

static void end_strangers(struct workspaces_keeper *k, struct arena *arena)
{
    struct workspaces_sessions list;
    if (workspaces_local_list(k->options.local, arena, &list) < 0) {
        return;
    }
    for (size_t i = 0; i < list.n; i++) {
        struct workspaces_process p;
        workspaces_local_look(k->options.local, arena, list.at[i], &p);
        bool alive = p.phase == WORKSPACES_STARTING || p.phase == WORKSPACES_RUNNING;
        if (alive && !map_get(k->kept, list.at[i])) {
            log_warn("workspaces", STR_FMT " runs and nobody wants it: it is ended",
                     STR_ARG(list.at[i]));
            (void)!workspaces_local_stop(k->options.local, list.at[i], &p, /* force= */ false);
        }
    }
}

/* ---- a disk that is almost full ---- */

/* One at a time: what it frees or no longer takes is seen before the next one goes. */
static void relieve(struct workspaces_keeper *k, const struct attended_list *list)
{
    if (time_monotonic() < k->press_at) {
        return;
    }
    const struct attended *a = workspaces_largest(k->options.store, list);
    if (a && workspaces_pause(&k->options, a, "the disk is almost full") == 0) {
        recall(k, a)->pressed = true;
        k->press_at = time_monotonic() + press_every;
    }
}

/* ---- what is not in the store ---- */

static void add_lag(struct behind *b, const struct turn *t)
{
    usec_t now = time_monotonic();
    struct lag *lag = &t->m->lag;
    if (lag->heard_at == 0 && t->a->record.state == DATA_WORKSPACE_STATE_RUNNING) {
        lag->heard_at = now; /* it spoke to the server before this one */
    }
    usec_t since = workspaces_lag(lag, t->reported ? &t->report : NULL, now);
    workspaces_behind_add(b, since, t->a->record.state == DATA_WORKSPACE_STATE_FAILED, now);
}

static void keep_lags(struct workspaces_keeper *k, const struct behind *b)
{
    LOCK_SCOPE(&k->lock);
    k->behind = *b;
}

void workspaces_keeper_lags(struct workspaces_keeper *k, struct workspaces_lags *ret_lags)
{
    ASSERT_MAGIC(k, KEEPER_MAGIC);
    LOCK_SCOPE(&k->lock);
    *ret_lags = (struct workspaces_lags){
        .most = k->behind.since == 0 ? 0 : time_monotonic() - k->behind.since,
        .late = k->behind.late};
}

/* ---- the thread ---- */

static void turn(struct workspaces_keeper *k)
{
    ARENA_AUTO(arena);
    struct attended_list list;
    k->turn++;
    int r = workspaces_attended(k->options.store, &arena, &list);
    if (r < 0) {
        log_warn("workspaces", "what is wanted cannot be read: %s", err_name(r));
        return;
    }
    unsigned starting = 0;
    struct behind behind = {0};
    enum space_level space = space_level(k->options.space);
    for (size_t i = 0; i < list.n; i++) {
        struct turn t = {.options = &k->options, .arena = &arena, .a = &list.at[i]};
        t.m = recall(k, t.a);
        t.disk_low = space >= SPACE_LOW;
        t.crowded = k->starting >= k->at_once || starting >= k->at_once;
        t.reported = report_of(k, t.a, &t.report);
        const struct log_field whose[] = {{"session", t.a->record.session_id},
                                          {"tenant", t.a->scope.tenant_id},
                                          {"user", t.a->scope.user_id},
                                          {NULL, STR_EMPTY}};
        log_bind(whose);
        workspaces_look_after(&t);
        log_bind(NULL);
        starting += t.starting;
        add_lag(&behind, &t);
    }
    k->starting = starting;
    keep_lags(k, &behind);
    if (space >= SPACE_SCARCE) {
        relieve(k, &list);
    }
    forget_old(k);
    /* Whoever cannot be read may be wanted. */
    if (!list.passed && time_monotonic() >= k->strangers_at) {
        end_strangers(k, &arena);
        k->strangers_at = time_monotonic() + strangers_every;
    }
}

static bool wait_for_turn(struct workspaces_keeper *k)
{
    usec_t deadline = time_monotonic() + turn_every;
    LOCK_SCOPE(&k->lock);
    while (!k->stop && !k->rung && lock_cond_wait_until(&k->changed, &k->lock, deadline)) {
    }
    k->rung = false;
    return !k->stop;
}

static void *run(void *ctx)
{
    struct workspaces_keeper *k = ctx;
    do {
        turn(k);
    } while (wait_for_turn(k));
    return NULL;
}

/* Also from a thread of the store, under its lock. */
static void ring(void *ctx)
{
    struct workspaces_keeper *k = ctx;
    LOCK_SCOPE(&k->lock);
    k->rung = true;
    lock_cond_signal(&k->changed);
}

int workspaces_keeper_report(struct workspaces_keeper *k, struct arena *arena,
                             const struct auth_workspace *who, struct str text)
{
    ASSERT_MAGIC(k, KEEPER_MAGIC);
    struct report read;
    int r = workspaces_report_read(arena, text, &read);
    if (r < 0) {
        return r;
    }
    read.generation = who->generation;
    read.at = time_monotonic();
    LOCK_SCOPE(&k->lock);
    struct report *r_kept = map_get(k->reports, who->session_id);
    if (!r_kept) {
        r_kept = MEM_NEW(struct report);
        (void)map_put(k->reports, who->session_id, r_kept);
    }
    *r_kept = read;
    k->rung = true;
    lock_cond_signal(&k->changed);
    return 0;
}

static void free_all(struct map *map)
{
    size_t position = 0;
    struct str key;
    void *value;
    while (map_next(map, &position, &key, &value)) {
        mem_free(value);
    }
    map_destroy(map);
}

static void destroy(struct workspaces_keeper *k)
{
    free_all(k->kept);
    free_all(k->reports);
    lock_cond_fini(&k->changed);
    lock_fini(&k->lock);
    k->magic = 0;
    mem_free(k);
}

int workspaces_keeper_start(const struct workspaces_keeper_options *options,
                            struct workspaces_keeper **ret_keeper)
{
    struct workspaces_keeper *k = MEM_NEW(struct workspaces_keeper);
    k->magic = KEEPER_MAGIC;
    k->options = *options;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    k->at_once = 2 * (cores > 0 ? (unsigned)cores : 1);
    k->kept = map_create();
    k->reports = map_create();
    lock_init(&k->lock, LOCK_KEEPER);
    lock_cond_init(&k->changed);
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK);
    int failed = pthread_create(&k->thread, &attributes, run, k);
    (void)pthread_attr_destroy(&attributes);
    if (failed) {
        destroy(k);
        return ERR_BUSY;
    }
    ARENA_AUTO(arena);
    k->watch = store_watch(options->store, data_key_bell(&arena, SESSIONS_BELL), ring, k);
    *ret_keeper = k;
    return 0;
}

void workspaces_keeper_halt(struct workspaces_keeper *k)
{
    ASSERT_MAGIC(k, KEEPER_MAGIC);
    if (k->stop) {
        return;
    }
    store_unwatch(k->watch);
    lock_take(&k->lock);
    k->stop = true;
    lock_cond_signal(&k->changed);
    lock_release(&k->lock);
    (void)pthread_join(k->thread, NULL);
}

void workspaces_keeper_stop(struct workspaces_keeper *k)
{
    if (!k) {
        return;
    }
    workspaces_keeper_halt(k);
    destroy(k);
}
