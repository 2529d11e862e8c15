/*
 * What a change of a member means for their sessions, in one transaction with the change: who may not write any more has no
 * workspace running and no link. The workspace persists what it has and stops. Open sockets of the IDE end with the visit
 * (gateway_open_round).
 */
#include "lifecycle/lifecycle.h"

#include "sessions/sessions.h"

struct member {
    struct data_context *ctx;
    const struct auth_member_change *change; /* NULL: they go */
    struct str user_id;
    int64_t revision;
    struct data_user user; /* result */
};

static int put_fn(struct txn *txn, void *ctx)
{
    struct member *m = ctx;
    int r = auth_member_put_in(txn, m->ctx, m->change, &m->user);
    if (r == 0 && !data_may(m->user.role, DATA_PERMISSION_IDE)) {
        r = sessions_pause_all_in(txn, m->ctx, m->user.id);
    }
    if (r == 0 && !data_may(m->user.role, DATA_PERMISSION_SESSIONS_WRITE)) {
        r = sessions_links_end_all_in(txn, m->ctx, m->user.id);
    }
    if (r == 0) {
        data_user_copy(m->ctx->arena, &m->user);
    }
    return r;
}

static int write(struct member *m, store_fn *fn)
{
    struct store_op op = store_op_new();
    op.reserve = true; /* who must go goes also when the disk is full */
    return store_write(m->ctx->store, &op, fn, m);
}

int lifecycle_member_put(struct data_context *ctx, const struct auth_member_change *in,
                         struct data_user *ret_user)
{
    struct member m = {.ctx = ctx, .change = in};
    int r = write(&m, put_fn);
    if (r == 0) {
        *ret_user = m.user;
    }
    return r;
}

static int remove_fn(struct txn *txn, void *ctx)
{
    struct member *m = ctx;
    int r = auth_member_remove_in(txn, m->ctx, m->user_id, m->revision);
    r = r < 0 ? r : sessions_links_end_all_in(txn, m->ctx, m->user_id);
    return r < 0 ? r : sessions_pause_all_in(txn, m->ctx, m->user_id);
}

int lifecycle_member_remove(struct data_context *ctx, struct str user_id, int64_t revision)
{
    struct member m = {.ctx = ctx, .user_id = user_id, .revision = revision};
    return write(&m, remove_fn);
}
