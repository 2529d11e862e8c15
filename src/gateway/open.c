/*
 * What is open: a visit is listed from before its right is asked for until its last request has ended, so that nothing that
 * is relayed is missed. A thread asks about all of them every two seconds and cuts those without a right. That finds
 * whatever any replica did, and needs no message; what could not be asked stays open until it can.
 *
 * Under lock:
 * 1. A visit is in by_pass as long as its count is not 0. Its tag is never used again.
 */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/gateway_int.h"

enum { STACK = 512 * 1024 };

static const usec_t period = 2 * USEC_PER_SEC;

void gateway_opens_init(struct gateway_opens *o)
{
    lock_init(&o->lock, LOCK_GATEWAY);
    lock_cond_init(&o->changed);
    o->by_pass = map_create();
}

void gateway_opens_fini(struct gateway_opens *o)
{
    ASSERT(!o->started && map_count(o->by_pass) == 0);
    map_destroy(o->by_pass);
    lock_cond_fini(&o->changed);
    lock_fini(&o->lock);
}

static unsigned sockets_of_locked(struct gateway_opens *o, struct str user_id)
{
    lock_assert_held(&o->lock);
    unsigned sockets = 0;
    size_t position = 0;
    struct str pass;
    void *value;
    while (map_next(o->by_pass, &position, &pass, &value)) {
        const struct gateway_open *open = value;
        sockets += str_eq(open->visit.scope.user_id, user_id) ? open->sockets : 0;
    }
    return sockets;
}

int gateway_open_begin(struct gateway *g, const struct auth_visit *visit, bool socket,
                       struct gateway_open **ret_open)
{
    ARENA_AUTO(arena);
    struct str pass = auth_pass_make(g->auth, &arena, visit);
    struct gateway_opens *o = &g->opens;
    LOCK_SCOPE(&o->lock);
    if (socket && sockets_of_locked(o, visit->scope.user_id) >= GATEWAY_SOCKETS) {
        return ERR_LIMIT;
    }
    struct gateway_open *open = map_get(o->by_pass, pass);
    if (!open) {
        open = MEM_NEW(struct gateway_open);
        open->text = mem_dup(pass.p, pass.n);
        int r = auth_pass_read(g->auth, str_from(open->text), &open->visit);
        ASSERT(r == 0);
        open->tag = ++o->last_tag;
        (void)map_put(o->by_pass, pass, open);
    }
    open->count++;
    open->sockets += socket;
    *ret_open = open;
    return 0;
}

static void destroy(struct gateway_open *open)
{
    mem_free(open->text);
    mem_free(open);
}

void gateway_open_end(struct gateway *g, struct gateway_open *open, bool socket)
{
    struct gateway_opens *o = &g->opens;
    LOCK_SCOPE(&o->lock);
    ASSERT(open->count > 0 && (!socket || open->sockets > 0));
    open->sockets -= socket;
    if (--open->count == 0) {
        (void)map_remove(o->by_pass, str_from(open->text));
        destroy(open);
    }
}

/* ---- Rounds ---- */

struct look {
    struct auth_visit visit;
    uint64_t tag;
};

static struct look *list(struct gateway *g, struct arena *arena, size_t *ret_count)
{
    struct gateway_opens *o = &g->opens;
    LOCK_SCOPE(&o->lock);
    struct look *looks = ARENA_ARRAY(arena, struct look, map_count(o->by_pass) + 1);
    size_t position = 0, n = 0;
    struct str pass;
    void *value;
    while (map_next(o->by_pass, &position, &pass, &value)) {
        const struct gateway_open *open = value;
        int r = auth_pass_read(g->auth, arena_str(arena, pass), &looks[n].visit);
        ASSERT(r == 0);
        looks[n++].tag = open->tag;
    }
    *ret_count = n;
    return looks;
}

static void cut_visit(const struct gateway_opens *o, uint64_t tag)
{
    for (size_t i = 0; i < sizeof o->servers / sizeof *o->servers; i++) {
        if (o->servers[i]) {
            http_server_cut(o->servers[i], tag);
        }
    }
}

size_t gateway_open_round(struct gateway *g)
{
    ARENA_AUTO(arena);
    size_t count, cut = 0;
    const struct look *looks = list(g, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        int r = gateway_visit_stands(g, &looks[i].visit);
        if (r == ERR_UNAUTHENTICATED) {
            cut_visit(&g->opens, looks[i].tag);
            cut++;
        } else if (r < 0) {
            log_warn("gateway", "whether an IDE may stay open: %s", err_name(r));
        }
    }
    return cut;
}

/* Sleeps for a period. False: it is time to stop. */
static bool wait_for_round(struct gateway_opens *o)
{
    usec_t deadline = time_monotonic() + period;
    LOCK_SCOPE(&o->lock);
    while (!o->stop && lock_cond_wait_until(&o->changed, &o->lock, deadline)) {
    }
    return !o->stop;
}

static void *run(void *ctx)
{
    struct gateway *g = ctx;
    while (wait_for_round(&g->opens)) {
        (void)gateway_open_round(g);
    }
    return NULL;
}

int gateway_start(struct gateway *g, struct http_server *server, struct http_server *paths)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    struct gateway_opens *o = &g->opens;
    ASSERT(!o->started);
    o->servers[0] = server;
    o->servers[1] = paths;
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK);
    o->started = pthread_create(&o->thread, &attributes, run, g) == 0;
    (void)pthread_attr_destroy(&attributes);
    return o->started ? 0 : ERR_BUSY;
}

void gateway_stop(struct gateway *g)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    struct gateway_opens *o = &g->opens;
    if (!o->started) {
        return;
    }
    lock_take(&o->lock);
    o->stop = true;
    lock_cond_signal(&o->changed);
    lock_release(&o->lock);
    (void)pthread_join(o->thread, NULL);
    o->started = false;
}
