/*
 * Calls that changed nothing, for the audit log: those that were denied, wrong passwords and codes, and, where the operator wants
 * it, those that read. No request waits for the disk because of them (it would also tell, by its time, that an account exists),
 * and nobody can fill the log by asking again and again.
 *
 * 1. Equal calls are one entry with a count. A denial is written by the next flush; what follows of it in the minute is written
 *    as one record when that is over; so are reads by a link. Other reads are written by each flush.
 * 2. The table is bounded, for each kind apart, so that none takes the others' room. What does not fit is counted, and the count
 *    is logged.
 * 3. What is being written stays until it is stored: a store that does not answer for a while loses nothing that fits. Only the
 *    one who flushes takes entries away.
 * 4. What anybody can cause, from as many addresses as they have, is given so many records of each log (budgets); the rest is
 *    counted from "others", in entries of the log of the house or of the account. So that one address does not spend what all
 *    strangers have, so many operations of a network are told apart, of "others", too; its other ones are one entry without a route.
 */
#include "auth/auth_int.h"
#include "base/log.h"

enum { BATCH = 50, KEY_MOST = 512 };

static const usec_t minute = 60 * USEC_PER_SEC;

/* What is written of the rest is bounded by who is logged in. */
static const bool anybody_can[AUTH_CALL_KINDS] = {
    [AUTH_CALL_STRANGER] = true,
    [AUTH_CALL_GUESS] = true,
};

struct call {
    enum auth_call_kind kind;
    char tenant[DATA_ID_ROOM];
    char user[DATA_ID_ROOM];
    char login[DATA_ID_ROOM];
    char key[DATA_ID_ROOM];
    char target[DATA_ID_ROOM];
    char link[DATA_ID_ROOM];
    char address[65];
    char request[65];
    const char *action;
    const char *route; /* NULL: none */
    int64_t count;     /* that are not written yet */
    usec_t written_at; /* monotonic; 0: never */
    uint64_t flush;    /* by which it was */
};

void auth_calls_init(struct auth_calls *c)
{
    lock_init(&c->lock, LOCK_CACHE);
    c->all = map_create();
    c->budgets = map_create();
    c->networks = map_create();
}

static void destroy_with_values(struct map *m)
{
    size_t position = 0;
    struct str key;
    void *value;
    while (map_next(m, &position, &key, &value)) {
        mem_free(value);
    }
    map_destroy(m);
}

void auth_calls_fini(struct auth_calls *c)
{
    destroy_with_values(c->all);
    destroy_with_values(c->budgets);
    destroy_with_values(c->networks);
    lock_fini(&c->lock);
}

void auth_calls_close(struct auth *a)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    LOCK_SCOPE(&a->calls.lock);
    a->calls.closing = true;
}

/* ---- Noted ---- */

static void keep(char *to, size_t room, struct str text)
{
    text = data_text_cut(text, room - 1);
    if (text.n > 0) {
        memcpy(to, text.p, text.n);
    }
    to[text.n] = '\0';
}

static void keep_client(struct call *call, const struct data_context *ctx)
{
    keep(call->login, sizeof call->login, ctx->scope.login_id);
    keep(call->key, sizeof call->key, ctx->client.key_id);
    keep(call->address, sizeof call->address, ctx->client.address);
    keep(call->request, sizeof call->request, ctx->client.request_id);
}

/* Who and what; of a read also by which login, from where, on which object. By a link, which one and from where. */
static void name(struct buf *to, const struct call *call)
{
    const char *route = call->route ? call->route : "";
    switch (call->kind) {
    case AUTH_CALL_LINK:
        buf_printf(to, "l %s %s", call->link, call->address);
        return;
    case AUTH_CALL_DENIAL:
        buf_printf(to, "d %s %s %s", route, call->user, call->key);
        return;
    case AUTH_CALL_STRANGER:
        buf_printf(to, "s %s %s", route, call->address);
        return;
    case AUTH_CALL_GUESS:
        buf_printf(to, "g %s %s %s %s", call->action, call->user, call->login, call->address);
        return;
    case AUTH_CALL_READ:
    case AUTH_CALL_KINDS:
        break;
    }
    buf_printf(to, "r %s %s %s %s %s %s", route, call->user, call->key, call->login, call->target,
               call->address);
}

static struct call *find_locked(struct auth_calls *c, const struct call *like)
{
    lock_assert_held(&c->lock);
    BUF_AUTO(key, KEY_MOST);
    name(&key, like);
    ASSERT(key.error == 0);
    return map_get(c->all, buf_str(&key));
}

/* Whether the log may have one more record of what anybody can cause. */
static bool granted_locked(struct auth_calls *c, const struct call *noted)
{
    lock_assert_held(&c->lock);
    if (!anybody_can[noted->kind]) {
        return true;
    }
    usec_t now = time_monotonic();
    usec_t step = minute / AUTH_OPEN_A_MINUTE;
    struct str tenant = str_from(noted->tenant);
    usec_t *full_at = map_get(c->budgets, tenant);
    if (!full_at) {
        full_at = MEM_NEW(usec_t);
        (void)map_put(c->budgets, tenant, full_at);
    }
    usec_t then = (*full_at > now ? *full_at : now) + step;
    bool granted = then - now <= step * AUTH_OPEN_BURST;
    *full_at = granted ? then : *full_at;
    return granted;
}

/* Those that are full are as if there were none. */
static void drop_budgets_locked(struct auth_calls *c)
{
    lock_assert_held(&c->lock);
    size_t position = 0;
    struct str key;
    void *value;
    usec_t now = time_monotonic();
    while (map_next(c->budgets, &position, &key, &value)) {
        if (*(usec_t *)value <= now) {
            (void)map_remove(c->budgets, key);
            mem_free(value);
        }
    }
}

static void add_locked(struct auth_calls *c, const struct call *noted)
{
    struct call *call = MEM_NEW(struct call);
    BUF_AUTO(key, KEY_MOST);
    name(&key, noted);
    *call = *noted;
    (void)map_put(c->all, buf_str(&key), call);
    c->held[call->kind]++;
    if (call->kind == AUTH_CALL_STRANGER && call->route) {
        struct str network = str_from(call->address);
        size_t *n = map_get(c->networks, network);
        if (!n) {
            n = MEM_NEW(size_t);
            (void)map_put(c->networks, network, n);
        }
        ++*n;
    }
}

static void remove_locked(struct auth_calls *c, struct str key)
{
    MEM_AUTO struct call *call = map_remove(c->all, key);
    c->held[call->kind]--;
    if (call->kind == AUTH_CALL_STRANGER && call->route) {
        struct str network = str_from(call->address);
        size_t *n = map_get(c->networks, network);
        if (--*n == 0) {
            mem_free(map_remove(c->networks, network));
        }
    }
}

/* The entry that it counts in, if there is one already. Takes the route away from one more operation of a network than is told apart. */
static struct call *find_of_network_locked(struct auth_calls *c, struct call *noted)
{
    struct call *call = find_locked(c, noted);
    if (!call && noted->kind == AUTH_CALL_STRANGER) {
        const size_t *n = map_get(c->networks, str_from(noted->address));
        if (n && *n >= AUTH_OPEN_OPERATIONS) {
            noted->route = NULL;
            call = find_locked(c, noted);
        }
    }
    return call;
}

/* The same, where what is more than the log is given is from "others". */
static struct call *find_place_locked(struct auth_calls *c, struct call *noted)
{
    const char *route = noted->route;
    struct call *call = find_of_network_locked(c, noted);
    if ((call && call->count > 0) || granted_locked(c, noted)) {
        return call;
    }
    noted->route = route;
    noted->login[0] = noted->key[0] = noted->request[0] = '\0';
    keep(noted->address, sizeof noted->address, STR("others"));
    return find_of_network_locked(c, noted);
}

static void note(struct auth_calls *c, struct call *noted)
{
    LOCK_SCOPE(&c->lock);
    struct call *call = find_place_locked(c, noted);
    if (call) {
        if (call->count == 0) { /* of those that will be one record, the first one's */
            keep(call->request, sizeof call->request, str_from(noted->request));
        }
        call->count++;
    } else if (c->held[noted->kind] < AUTH_MAX_CALLS) {
        noted->count = 1;
        add_locked(c, noted);
    } else {
        c->dropped++;
    }
}

void auth_call_note(struct auth *a, const struct data_context *ctx, const struct auth_call *noted)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    bool known = ctx->scope.user_id.n > 0;
    ASSERT(noted->by_link ? ctx->client.link_id.n > 0 : known || noted->denied);
    struct call call = {.kind = AUTH_CALL_READ, .route = noted->route, .action = "request.read"};
    keep(call.tenant, sizeof call.tenant, ctx->scope.tenant_id);
    keep(call.user, sizeof call.user, ctx->scope.user_id);
    keep_client(&call, ctx);
    if (noted->by_link) {
        call.kind = AUTH_CALL_LINK;
        call.action = "link.use";
        keep(call.link, sizeof call.link, ctx->client.link_id);
    } else if (noted->denied) {
        call.kind = known ? AUTH_CALL_DENIAL : AUTH_CALL_STRANGER;
        call.action = "request.deny";
    }
    if (!noted->denied) {
        keep(call.target, sizeof call.target, noted->target);
    }
    if (call.kind == AUTH_CALL_STRANGER) {
        keep(call.tenant, sizeof call.tenant, data_house.tenant_id);
        keep(call.address, sizeof call.address,
             auth_limit_network(ctx->arena, ctx->client.address));
    }
    note(&a->calls, &call);
}

struct owning {
    const struct data_context *ctx;
    struct str id;
    bool by_another;
};

static int owning_fn(struct txn *txn, void *ctx)
{
    struct owning *o = ctx;
    struct str owner;
    int r = data_owner(txn, &o->ctx->scope, o->id, &owner);
    o->by_another = r == 0 && !str_eq(owner, o->ctx->scope.user_id);
    return r == ERR_NOT_FOUND ? 0 : r;
}

int auth_is_anothers(const struct data_context *ctx, struct str id, bool *ret_is)
{
    struct owning o = {.ctx = ctx, .id = id};
    int r = id.n > 0 ? store_read(ctx->store, owning_fn, &o) : 0;
    *ret_is = r == 0 && o.by_another;
    return r;
}

void auth_denial_add(struct auth *a, const struct data_context *ctx, const char *action,
                     const struct data_user *user)
{
    struct call call = {.kind = AUTH_CALL_GUESS, .action = action};
    keep_client(&call, ctx);
    keep(call.tenant, sizeof call.tenant, user->tenant_id);
    keep(call.user, sizeof call.user, user->id);
    keep(call.target, sizeof call.target, user->id);
    keep(call.address, sizeof call.address, auth_limit_network(ctx->arena, ctx->client.address));
    note(&a->calls, &call);
}

/* ---- Written ---- */

struct flush {
    uint64_t number;
    struct call *calls[BATCH]; /* in the map */
    struct call copies[BATCH]; /* as they are written */
    size_t n;
};

/* A link that has ended meanwhile was used all the same. */
static int touch_link(struct txn *txn, const struct scope *scope, struct str link_id)
{
    struct data_link link;
    int r = link_id.n > 0 ? data_link_get(txn, scope, link_id, &link) : ERR_NOT_FOUND;
    if (r < 0) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    link.last_used_at = time_now();
    return data_link_put(txn, scope, &link);
}

static int write_one(struct txn *txn, const struct call *call)
{
    struct data_context about = {
        .scope = {.tenant_id = str_from(call->tenant),
                  .user_id = str_from(call->user),
                  .login_id = str_from(call->login)},
        .client = {.address = str_from(call->address),
                   .request_id = str_from(call->request),
                   .key_id = str_from(call->key),
                   .link_id = str_from(call->link)},
    };
    bool allowed = call->kind == AUTH_CALL_READ || call->kind == AUTH_CALL_LINK;
    const struct data_calls calls = {
        .action = call->action,
        .route = str_from(call->route),
        .target = str_from(call->target),
        .outcome = allowed ? DATA_OUTCOME_OK : DATA_OUTCOME_DENIED,
        .count = call->count,
    };
    struct data_tenant tenant;
    int r = call->kind == AUTH_CALL_STRANGER
                ? data_house_in(txn)
                : data_tenant_get(txn, &about.scope, about.scope.tenant_id, &tenant);
    if (r < 0) { /* gone meanwhile, and its log with it */
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    r = touch_link(txn, &about.scope, about.client.link_id);
    return r < 0 ? r : data_audit_calls(txn, &about, &calls);
}

static int flush_fn(struct txn *txn, void *ctx)
{
    const struct flush *f = ctx;
    int r = 0;
    for (size_t i = 0; r == 0 && i < f->n; i++) {
        r = write_one(txn, &f->copies[i]);
    }
    return r;
}

/* Once a flush at most, however fast more of it comes. */
static bool is_over(const struct auth_calls *c, const struct call *call, usec_t now)
{
    bool sparse = call->kind != AUTH_CALL_READ;
    bool just_now = sparse && call->written_at > 0 && now - call->written_at < minute;
    return call->flush != c->flushes && (!just_now || c->closing);
}

/* What is due, at most a batch; what is done with goes. False: nothing is due, or somebody else is at it. */
static bool take(struct auth_calls *c, struct flush *f)
{
    LOCK_SCOPE(&c->lock);
    size_t position = 0;
    struct str key;
    void *value;
    usec_t now = time_monotonic();
    f->n = 0;
    if (c->flushing || f->number != c->flushes) {
        return false;
    }
    while (f->n < BATCH && map_next(c->all, &position, &key, &value)) {
        struct call *call = value;
        if (!is_over(c, call, now)) {
            continue;
        }
        if (call->count == 0) {
            remove_locked(c, key);
            continue;
        }
        f->calls[f->n] = call;
        f->copies[f->n++] = *call;
    }
    return c->flushing = f->n > 0;
}

static void give_back(struct auth_calls *c, const struct flush *f, bool kept)
{
    LOCK_SCOPE(&c->lock);
    c->flushing = false;
    for (size_t i = 0; kept && i < f->n; i++) {
        f->calls[i]->count -= f->copies[i].count;
        f->calls[i]->written_at = time_monotonic();
        f->calls[i]->flush = f->number;
    }
    if (kept && c->dropped > 0) {
        log_warn("auth", "%zu calls did not fit and are missing in the audit log", c->dropped);
        c->dropped = 0;
    }
}

int auth_calls_flush(struct auth *a)
{
    MEM_AUTO struct flush *f = MEM_NEW(struct flush);
    int r = 0;
    {
        LOCK_SCOPE(&a->calls.lock);
        f->number = ++a->calls.flushes;
        drop_budgets_locked(&a->calls);
    }
    while (r == 0 && take(&a->calls, f)) {
        struct store_op op = store_op_new();
        r = store_write(a->store, &op, flush_fn, f);
        give_back(&a->calls, f, r == 0);
    }
    return r;
}
