/* What a tenant has of what its quota limits, in one snapshot. */
#include "lifecycle/lifecycle_int.h"

struct reading {
    const struct data_context *ctx;
    struct lifecycle_usage usage; /* result */
};

static int usage_fn(struct txn *txn, void *ctx)
{
    struct reading *reading = ctx;
    const struct scope *scope = &reading->ctx->scope;
    struct lifecycle_usage *usage = &reading->usage;
    int r = auth_members_count(txn, scope, &usage->members);
    if (r == 0) {
        r = sessions_count(txn, scope, &usage->sessions);
    }
    if (r == 0) {
        r = sessions_running(txn, scope, &usage->running);
    }
    r = r < 0 ? r : data_usage_total(txn, scope, &usage->bytes);
    return r < 0 ? r : files_held(txn, scope, &usage->held);
}

int lifecycle_usage(struct data_context *ctx, struct lifecycle_usage *ret_usage)
{
    struct reading reading = {.ctx = ctx};
    int r = store_read(ctx->store, usage_fn, &reading);
    if (r == 0) {
        *ret_usage = reading.usage;
    }
    return r;
}
