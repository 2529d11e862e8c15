/*
 * Denials of the password of an account that exists, for the audit log. They are written a second later (auth_flush), not by
 * the request: a durable write would tell, by its time, that the account exists.
 *
 * 1. The list is bounded. What does not fit is counted, and the count is logged.
 * 2. A batch leaves the list when it is stored: a store that does not answer for a while loses nothing that fits.
 */
#include "auth/auth_int.h"
#include "base/log.h"

enum { BATCH = 50 };

struct denial {
    char tenant[DATA_ID_ROOM];
    char user[DATA_ID_ROOM];
    char address[65];
    char request[65];
    const char *action; /* static */
};

void auth_denials_init(struct auth_denials *d)
{
    lock_init(&d->lock, LOCK_CACHE);
    d->at = mem_alloc(AUTH_MAX_DENIALS * sizeof *d->at);
    d->n = d->dropped = 0;
    d->flushing = false;
}

void auth_denials_fini(struct auth_denials *d)
{
    MEM_FREE(d->at);
    lock_fini(&d->lock);
}

static void keep(char *to, size_t room, struct str text)
{
    text = data_text_cut(text, room - 1);
    memcpy(to, text.p, text.n);
    to[text.n] = '\0';
}

void auth_denial_add(struct auth *a, const struct data_context *ctx, const char *action,
                     const struct data_user *user)
{
    LOCK_SCOPE(&a->denials.lock);
    struct auth_denials *d = &a->denials;
    if (d->n == AUTH_MAX_DENIALS) {
        d->dropped++;
        return;
    }
    struct denial *denial = &d->at[d->n++];
    denial->action = action;
    keep(denial->tenant, sizeof denial->tenant, user->tenant_id);
    keep(denial->user, sizeof denial->user, user->id);
    keep(denial->address, sizeof denial->address, ctx->client.address);
    keep(denial->request, sizeof denial->request, ctx->client.request_id);
}

struct flush {
    struct denial *batch; /* room for BATCH */
    size_t n;
};

static int flush_fn(struct txn *txn, void *ctx)
{
    const struct flush *f = ctx;
    int r = 0;
    for (size_t i = 0; r == 0 && i < f->n; i++) {
        const struct denial *denial = &f->batch[i];
        struct data_context about = {
            .scope = {.tenant_id = str_from(denial->tenant), .user_id = str_from(denial->user)},
            .client = {.address = str_from(denial->address),
                       .request_id = str_from(denial->request)},
        };
        r = data_audit(txn, &about, denial->action, about.scope.user_id, DATA_OUTCOME_DENIED);
    }
    return r;
}

/* The first batch, copied; false when there is none or somebody else is at it. */
static bool take(struct auth_denials *d, struct flush *f)
{
    LOCK_SCOPE(&d->lock);
    f->n = d->n < BATCH ? d->n : BATCH;
    if (f->n == 0 || d->flushing) {
        return false;
    }
    memcpy(f->batch, d->at, f->n * sizeof *d->at);
    return d->flushing = true;
}

/* kept: the batch is stored and leaves the list. */
static void give_back(struct auth_denials *d, const struct flush *f, bool kept)
{
    LOCK_SCOPE(&d->lock);
    d->flushing = false;
    if (!kept) {
        return;
    }
    d->n -= f->n;
    memmove(d->at, d->at + f->n, d->n * sizeof *d->at);
    if (d->dropped > 0) {
        log_warn("auth", "%zu denials did not fit and are missing in the audit log", d->dropped);
        d->dropped = 0;
    }
}

int auth_denials_flush(struct auth *a)
{
    MEM_AUTO struct denial *batch = mem_alloc(BATCH * sizeof *batch);
    struct flush f = {.batch = batch};
    int r = 0;
    while (r == 0 && take(&a->denials, &f)) {
        struct store_op op = store_op_new();
        r = store_write(a->store, &op, flush_fn, &f);
        give_back(&a->denials, &f, r == 0);
    }
    return r;
}
