/*
 * A disk that is almost full: who goes first. Workspaces write to the disk that the store is on, and what they write cannot be
 * refused piece by piece; so they are paused, the one whose files take most first, until the rest has room. Pausing persists,
 * and a paused workspace can be opened again as soon as there is space.
 *
 * The measure is what the store knows of the session's files; what is not kept (installed packages, caches) is not counted.
 */
#include "base/log.h"
#include "workspaces/keeper_int.h"

struct measure {
    const struct attended *a;
    struct data_usage usage;
};

static int usage_fn(struct txn *txn, void *ctx)
{
    struct measure *m = ctx;
    return data_usage_get(txn, &m->a->scope, m->a->record.session_id, &m->usage);
}

static bool runs(const struct attended *a)
{
    return a->record.desired == DATA_WORKSPACE_DESIRED_RUNNING &&
           a->record.state == DATA_WORKSPACE_STATE_RUNNING;
}

const struct attended *workspaces_largest(struct store *store, const struct attended_list *list)
{
    const struct attended *largest = NULL;
    uint64_t most = 0;
    for (size_t i = 0; i < list->n; i++) {
        struct measure m = {.a = &list->at[i]};
        bool known = runs(m.a) && store_read(store, usage_fn, &m) == 0;
        if (known && (!largest || m.usage.bytes > most)) {
            largest = m.a;
            most = m.usage.bytes;
        }
    }
    return largest;
}
