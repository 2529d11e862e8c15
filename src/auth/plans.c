/*
 * What single tenants may have, where the operator wants it otherwise than the settings say for all: a record of each, and all of
 * them in memory, since every request asks.
 *
 * 1. Those in memory are replaced as a whole by what a read of the store found. A read begins after the change that asked for it,
 *    and of two reads the one begun later stays: the table never goes back to what was before a change of this server.
 * 2. A change of another server of the same store is found within AUTH_LOOK_SECONDS.
 * 3. The limits of a request are those of its beginning. What a tenant has already is never taken away.
 */
#include <stddef.h>

#include "auth/auth_int.h"

enum { PAGE = 100, ID_DIGITS_AT = 4 };

struct plan {
    int64_t limits[AUTH_PLAN_LIMITS];
};

static const struct row {
    const char *name;
    size_t in_record; /* int64_t of struct data_plan */
    size_t in_quota;  /* uint64_t of struct data_quota */
    int64_t least;
} rows[AUTH_PLAN_LIMITS] = {
#define ROW(record, quota, the_least) \
    { \
        .name = #record, .in_record = offsetof(struct data_plan, record), \
        .in_quota = offsetof(struct data_quota, quota), .least = (the_least) \
    }
    [AUTH_PLAN_MEMBERS] = ROW(members, members, AUTH_PLAN_NONE),
    [AUTH_PLAN_SESSIONS] = ROW(sessions, sessions, AUTH_PLAN_NONE),
    [AUTH_PLAN_RUNNING] = ROW(running, running, AUTH_PLAN_NONE),
    [AUTH_PLAN_STORAGE] = ROW(storage, tenant, AUTH_PLAN_NONE),
    [AUTH_PLAN_STORED] = ROW(stored, stored, AUTH_PLAN_NONE),
    [AUTH_PLAN_SESSION_STORAGE] = ROW(session_storage, session, AUTH_PLAN_NONE),
    [AUTH_PLAN_HOME_STORAGE] = ROW(home_storage, home, AUTH_PLAN_NONE),
    [AUTH_PLAN_REQUESTS] = ROW(requests, requests, AUTH_PLAN_AS_SET),
    [AUTH_PLAN_FILE_REQUESTS] = ROW(file_requests, file_requests, AUTH_PLAN_AS_SET),
    [AUTH_PLAN_SOCKET_REQUESTS] = ROW(socket_requests, socket_requests, AUTH_PLAN_AS_SET),
#undef ROW
};

const char *auth_plan_limit_name(enum auth_plan_limit limit)
{
    return rows[limit].name;
}

static int64_t *in_record(struct data_plan *record, size_t limit)
{
    return (int64_t *)((char *)record + rows[limit].in_record);
}

/* ---- In memory ---- */

static void plans_free(struct map *all)
{
    size_t position = 0;
    struct str key;
    void *value;
    while (all && map_next(all, &position, &key, &value)) {
        mem_free(value);
    }
    map_destroy(all);
}

void auth_plans_init(struct auth_plans *p, const struct data_quota *standard)
{
    lock_init(&p->lock, LOCK_CACHE);
    p->all = map_create();
    p->standard = *standard;
}

void auth_plans_fini(struct auth_plans *p)
{
    plans_free(p->all);
    lock_fini(&p->lock);
}

void auth_plan_own(struct auth *a, struct str tenant_id, int64_t ret_limits[AUTH_PLAN_LIMITS])
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    LOCK_SCOPE(&a->plans.lock);
    const struct plan *plan = map_get(a->plans.all, tenant_id);
    for (size_t i = 0; i < AUTH_PLAN_LIMITS; i++) {
        ret_limits[i] = plan ? plan->limits[i] : AUTH_PLAN_AS_SET;
    }
}

void auth_plan_quota(struct auth *a, struct str tenant_id, struct data_quota *ret_quota)
{
    int64_t limits[AUTH_PLAN_LIMITS];
    auth_plan_own(a, tenant_id, limits);
    *ret_quota = a->plans.standard;
    for (size_t i = 0; i < AUTH_PLAN_LIMITS; i++) {
        uint64_t *most = (uint64_t *)((char *)ret_quota + rows[i].in_quota);
        if (limits[i] != AUTH_PLAN_AS_SET) {
            *most = limits[i] == AUTH_PLAN_NONE ? 0 : (uint64_t)limits[i];
        }
    }
}

/* ---- From the store ---- */

struct page {
    struct arena *arena;
    struct str cursor;
    struct map *all;
    struct str tenants[PAGE]; /* results */
    struct plan plans[PAGE];
    size_t n;
    struct str next; /* empty: that was the last */
};

static int page_fn(struct txn *txn, void *ctx)
{
    struct page *page = ctx;
    struct data_place *places;
    size_t n;
    struct data_query query = {
        .index = DATA_PLAN_BY_UPDATED, .limit = PAGE, .cursor = page->cursor};
    int r = data_places(txn, &data_plan_type, &query, &places, &n);
    page->n = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct data_plan record = *(const struct data_plan *)places[i].record;
        page->tenants[page->n] = arena_str(page->arena, places[i].scope.tenant_id);
        for (size_t limit = 0; limit < AUTH_PLAN_LIMITS; limit++) {
            page->plans[page->n].limits[limit] = *in_record(&record, limit);
        }
        page->n++;
    }
    if (r == 0) {
        page->next = n == PAGE ? arena_str(page->arena, places[n - 1].cursor) : STR_EMPTY;
    }
    return r;
}

/* A plan that changes meanwhile moves to the end of the index: the later one stays. */
static int read_all(struct store *store, struct map *all)
{
    ARENA_AUTO(arena);
    struct page page = {.arena = &arena, .next = STR_EMPTY};
    do {
        page.cursor = page.next;
        int r = store_read(store, page_fn, &page);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < page.n; i++) {
            struct plan *plan = MEM_NEW(struct plan);
            *plan = page.plans[i];
            mem_free(map_put(all, page.tenants[i], plan));
        }
    } while (page.next.n > 0);
    return 0;
}

int auth_plans_look(struct auth *a)
{
    struct auth_plans *p = &a->plans;
    lock_take(&p->lock);
    uint64_t look = ++p->begun;
    lock_release(&p->lock);
    struct map *all = map_create();
    int r = read_all(a->store, all);
    lock_take(&p->lock);
    if (r == 0 && look > p->taken_up) {
        struct map *before = p->all;
        p->all = all;
        p->taken_up = look;
        all = before;
    }
    lock_release(&p->lock);
    plans_free(all);
    return r;
}

/* ---- Changed ---- */

struct set {
    struct data_context ctx;
    const struct auth_plan_change *change;
};

static int put(struct txn *txn, const struct scope *scope, struct data_plan *record)
{
    bool any = false;
    for (size_t i = 0; i < AUTH_PLAN_LIMITS; i++) {
        any = any || *in_record(record, i) != AUTH_PLAN_AS_SET;
    }
    if (any) {
        record->updated_at = time_now();
        return data_plan_put(txn, scope, record);
    }
    return auth_plan_forget_in(txn, scope);
}

static struct str plan_id(struct txn *txn, const struct scope *scope)
{
    struct str digits = str_slice(scope->tenant_id, ID_DIGITS_AT, scope->tenant_id.n);
    return arena_printf(store_arena(txn), "pln-" STR_FMT, STR_ARG(digits));
}

int auth_plan_forget_in(struct txn *txn, const struct scope *scope)
{
    int r = data_plan_delete(txn, scope, plan_id(txn, scope));
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int set_fn(struct txn *txn, void *ctx)
{
    const struct set *set = ctx;
    const struct scope *scope = &set->ctx.scope;
    struct data_tenant tenant;
    struct data_plan record;
    struct str id = plan_id(txn, scope);
    int r = data_tenant_get(txn, scope, scope->tenant_id, &tenant);
    if (r < 0) {
        return r;
    }
    r = data_plan_get(txn, scope, id, &record);
    if (r == ERR_NOT_FOUND) {
        record = (struct data_plan){.id = id};
        r = 0;
    }
    for (size_t i = 0; i < AUTH_PLAN_LIMITS; i++) {
        if (set->change->given & 1U << i) {
            *in_record(&record, i) = set->change->limits[i];
        }
    }
    r = r < 0 ? r : put(txn, scope, &record);
    return r < 0 ? r : data_audit(txn, &set->ctx, "tenant.limits", tenant.id, DATA_OUTCOME_OK);
}

static bool fits(const struct auth_plan_change *change)
{
    bool all = data_id_is(change->tenant_id, "ten");
    for (size_t i = 0; i < AUTH_PLAN_LIMITS; i++) {
        int64_t limit = change->limits[i];
        all = all &&
              (!(change->given & 1U << i) || (limit >= rows[i].least && limit <= AUTH_PLAN_MOST));
    }
    return all;
}

int auth_plan_set(struct auth *a, struct data_context *ctx, const struct auth_plan_change *change)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    if (!fits(change)) {
        return ERR_INVALID;
    }
    BUF_AUTO(names, 400);
    for (size_t i = 0; i < AUTH_PLAN_LIMITS; i++) {
        if (change->given & 1U << i) {
            buf_printf(&names, "%s%s", names.n > 0 ? "," : "", rows[i].name);
        }
    }
    struct set set = {.ctx = *ctx, .change = change};
    set.ctx.scope = (struct scope){.tenant_id = change->tenant_id};
    set.ctx.client.update = STR("tenant");
    set.ctx.client.fields = buf_str(&names);
    struct store_op op = store_op_new();
    op.reserve = true;
    int r = store_write(a->store, &op, set_fn, &set);
    return r < 0 ? r : auth_plans_look(a);
}

/* ---- All tenants ---- */

struct next {
    struct arena *arena;
    struct str after;
    struct str id;             /* the one that is asked for; empty: the next */
    struct data_tenant tenant; /* result */
};

static int next_fn(struct txn *txn, void *ctx)
{
    struct next *next = ctx;
    struct scope scope = {.tenant_id = next->id};
    int r = next->id.n > 0 ? 0 : data_tenant_next(txn, next->after, &scope.tenant_id);
    if (r < 0) {
        return r;
    }
    r = data_tenant_get(txn, &scope, scope.tenant_id, &next->tenant);
    if (r == 0) {
        data_tenant_copy(next->arena, &next->tenant);
    }
    /* What belongs to nobody is not the end. */
    return r == ERR_NOT_FOUND && next->id.n == 0 ? ERR_CORRUPT : r;
}

static int next_read(struct data_context *ctx, struct next *next, struct data_tenant *ret_tenant)
{
    next->arena = ctx->arena;
    int r = store_read(ctx->store, next_fn, next);
    if (r == 0) {
        *ret_tenant = next->tenant;
    }
    return r;
}

int auth_tenant_next(struct data_context *ctx, struct str after, struct data_tenant *ret_tenant)
{
    return next_read(ctx, &(struct next){.after = after}, ret_tenant);
}

int auth_tenant_named(struct data_context *ctx, struct str id, struct data_tenant *ret_tenant)
{
    ASSERT(data_id_is(id, "ten"));
    return next_read(ctx, &(struct next){.id = id}, ret_tenant);
}
