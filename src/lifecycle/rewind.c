/*
 * Returns to a past moment that whoever began them did not finish: their server was killed, or they would not wait any more.
 * The sessions' records say which; each gets a page in turn, whatever becomes of the others.
 */
#include "files/files.h"
#include "lifecycle/lifecycle_int.h"

struct found {
    struct arena *arena;
    struct data_place *at;
    size_t n;
};

static int found_read(struct txn *txn, void *ctx)
{
    struct found *found = ctx;
    struct data_query query = {.index = DATA_SESSION_BY_REWINDING, .limit = DATA_MAX_LIST};
    struct data_place *places;
    size_t n = 0;
    found->n = 0;
    int r = data_places(txn, &data_session_type, &query, &places, &n);
    if (r < 0) {
        return r;
    }
    found->at = ARENA_ARRAY(found->arena, struct data_place, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct data_session *session = places[i].record;
        struct data_place *place = &found->at[found->n++];
        place->id = arena_str(found->arena, session->id);
        place->scope = (struct scope){.tenant_id = arena_str(found->arena, session->tenant_id),
                                      .user_id = arena_str(found->arena, session->user_id),
                                      .role = DATA_ROLE_MEMBER};
    }
    return 0;
}

/* Of a session that was deleted meanwhile nothing is done, until it is restored. */
static int one_step(struct store *store, struct arena *arena, const struct data_place *place,
                    bool *ret_more)
{
    struct data_context ctx = {
        .store = store, .arena = arena, .scope = place->scope, .op = store_op_new()};
    struct files_rewind rewind = {0};
    uint64_t first = 0;
    int r = files_rewind_find(&ctx, place->id, &first);
    if (r == 0) {
        r = files_rewind_step(&ctx, place->id, first, &rewind);
    }
    *ret_more = r == 0 && rewind.version == 0;
    return r == ERR_NOT_FOUND ? 0 : r;
}

int lifecycle_rewind_step(struct store *store, struct lifecycle_delays *delays, bool *ret_more)
{
    ARENA_AUTO(arena);
    struct found found = {.arena = &arena};
    bool any = false;
    int r = store_read(store, found_read, &found);
    size_t n = r == 0 ? found.n : 0;
    lifecycle_delays_tried(delays, STR("rewinds"), r < 0);
    for (size_t i = 0; i < n; i++) {
        struct str id = found.at[i].id;
        bool more = false;
        if (!lifecycle_delays_due(delays, id)) {
            continue;
        }
        int step = one_step(store, &arena, &found.at[i], &more);
        lifecycle_delays_tried(delays, id, step < 0);
        r = r < 0 ? r : step;
        any = any || more;
    }
    *ret_more = any;
    return r;
}
