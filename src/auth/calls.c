/*
 * Calls that changed nothing, for the audit log: those that were denied, and, where the operator wants it, those that read.
 * No request waits for the disk because of them, and nobody can fill the log by asking again and again.
 *
 * 1. Equal calls are one entry with a count. A denial is written by the next flush; what follows of it in the minute is written
 *    as one record when that is over; so are reads by a link. Other reads are written by each flush.
 * 2. The table is bounded. What does not fit is counted, and the count is logged.
 * 3. What is being written stays until it is stored: a store that does not answer for a while loses nothing that fits. Only the
 *    one who flushes takes entries away.
 */
#include "auth/auth_int.h"
#include "base/log.h"

enum { BATCH = 50, KEY_MOST = 512 };

static const usec_t minute = 60 * USEC_PER_SEC;

struct call {
    char tenant[DATA_ID_ROOM];
    char user[DATA_ID_ROOM];
    char login[DATA_ID_ROOM];
    char key[DATA_ID_ROOM];
    char target[DATA_ID_ROOM];
    char link[DATA_ID_ROOM]; /* empty: it came by none */
    char address[65];
    char request[65];
    const char *route; /* static */
    bool denied;
    bool sparse;       /* written again after a minute at the earliest */
    int64_t count;     /* that are not written yet */
    usec_t written_at; /* monotonic; 0: never */
    uint64_t flush;    /* by which it was */
};

void auth_calls_init(struct auth_calls *c)
{
    lock_init(&c->lock, LOCK_CACHE);
    c->all = map_create();
}

void auth_calls_fini(struct auth_calls *c)
{
    size_t position = 0;
    struct str key;
    void *value;
    while (map_next(c->all, &position, &key, &value)) {
        mem_free(value);
    }
    map_destroy(c->all);
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

static struct call *make(const struct data_context *ctx, const struct auth_call *noted)
{
    struct call *call = MEM_NEW(struct call);
    call->route = noted->route;
    call->denied = noted->denied;
    call->sparse = noted->denied || noted->by_link;
    keep(call->tenant, sizeof call->tenant, ctx->scope.tenant_id);
    keep(call->user, sizeof call->user, ctx->scope.user_id);
    keep(call->login, sizeof call->login, ctx->scope.login_id);
    keep(call->key, sizeof call->key, ctx->client.key_id);
    keep(call->link, sizeof call->link, noted->by_link ? ctx->client.link_id : STR_EMPTY);
    keep(call->address, sizeof call->address, ctx->client.address);
    keep(call->request, sizeof call->request, ctx->client.request_id);
    if (!noted->denied) {
        keep(call->target, sizeof call->target, noted->target);
    }
    return call;
}

/* Who and what; of a read also by which login, from where, on which object. By a link, which one and from where. */
static void name(struct buf *to, const struct data_context *ctx, const struct auth_call *noted)
{
    if (noted->by_link) {
        buf_printf(to, "l " STR_FMT " " STR_FMT, STR_ARG(ctx->client.link_id),
                   STR_ARG(str_slice(ctx->client.address, 0, 64)));
        return;
    }
    buf_printf(to, "%c %s " STR_FMT " " STR_FMT, noted->denied ? 'd' : 'r', noted->route,
               STR_ARG(ctx->scope.user_id), STR_ARG(ctx->client.key_id));
    if (!noted->denied) {
        buf_printf(to, " " STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(ctx->scope.login_id),
                   STR_ARG(noted->target), STR_ARG(str_slice(ctx->client.address, 0, 64)));
    }
}

void auth_call_note(struct auth *a, const struct data_context *ctx, const struct auth_call *noted)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    ASSERT(noted->by_link ? ctx->client.link_id.n > 0 : ctx->scope.user_id.n > 0);
    BUF_AUTO(key, KEY_MOST);
    name(&key, ctx, noted);
    ASSERT(key.error == 0);
    LOCK_SCOPE(&a->calls.lock);
    struct call *call = map_get(a->calls.all, buf_str(&key));
    if (!call && map_count(a->calls.all) >= AUTH_MAX_CALLS) {
        a->calls.dropped++;
        return;
    }
    if (!call) {
        call = make(ctx, noted);
        (void)map_put(a->calls.all, buf_str(&key), call);
    }
    if (call->count++ == 0) { /* of those that will be one record, the first one's */
        keep(call->request, sizeof call->request, ctx->client.request_id);
    }
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
    const char *read = call->link[0] != '\0' ? "link.use" : "request.read";
    const struct data_calls calls = {
        .action = call->denied ? "request.deny" : read,
        .route = str_from(call->route),
        .target = str_from(call->target),
        .outcome = call->denied ? DATA_OUTCOME_DENIED : DATA_OUTCOME_OK,
        .count = call->count,
    };
    struct data_tenant tenant;
    int r = data_tenant_get(txn, &about.scope, about.scope.tenant_id, &tenant);
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
    bool just_now = call->sparse && call->written_at > 0 && now - call->written_at < minute;
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
            (void)map_remove(c->all, key);
            mem_free(call);
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
    }
    while (r == 0 && take(&a->calls, f)) {
        struct store_op op = store_op_new();
        r = store_write(a->store, &op, flush_fn, f);
        give_back(&a->calls, f, r == 0);
    }
    return r;
}
