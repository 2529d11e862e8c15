/*
 * Storage limits: how much the files of a tree, and of all trees of a tenant, may hold now, by their sizes as people see them. What
 * their history takes is limited by what a tenant may have in the store with all its history (held.c), a limit of its own: it
 * counts what is shared once, and is asked where content is written, not where files change.
 *
 * 1. A change is refused as a whole when it makes a tree grow beyond a limit. What takes something away goes on, also above.
 * 2. The tenant's total is kept from the first change on that a limit for tenants was set for: it is summed once, and then moves
 *    with every change, so that setting the limit anew needs no counting. While no total is kept nothing is paid for it.
 * 3. A return to a moment is refused before it begins, by what the moment held; begun, it is finished.
 * 4. Deleted sessions count until they are purged: they can be restored.
 */
#include "files/node_int.h"
#include "files/quota_int.h"

/* How many bytes the tree's files may have, by what it is; 0: no limit. The sentence when they are more. */
struct limit {
    uint64_t bytes;
    const char *text;
};

static struct limit limit_of(const struct data_quota *quota, struct str tree)
{
    bool home = data_id_is(tree, "usr");
    uint64_t bytes = !quota ? 0 : home ? quota->home : quota->session;
    return (struct limit){bytes, home ? FILES_QUOTA_HOME_TEXT : FILES_QUOTA_SESSION_TEXT};
}

/* Of a limit: what is left beside all others; what takes nothing more than was there is taken in any case. */
static void room_within(struct files_room *room, uint64_t used, uint64_t there,
                        const struct limit *limit)
{
    uint64_t others = used - there;
    uint64_t left = limit->bytes > others ? limit->bytes - others : 0;
    left = left > there ? left : there;
    if (limit->bytes > 0 && left < room->bytes) {
        *room = (struct files_room){left, limit->text};
    }
}

int files_quota_room(struct files_tx *tx, uint64_t there, struct files_room *ret_room)
{
    struct files_room room = {.bytes = UINT64_MAX};
    struct limit limit = limit_of(tx->quota, tx->session);
    uint64_t total = 0;
    room_within(&room, tx->usage.bytes, there, &limit);
    limit = (struct limit){tx->quota ? tx->quota->tenant : 0, FILES_QUOTA_TENANT_TEXT};
    int r = limit.bytes > 0 ? data_usage_kept(tx->txn, tx->scope, &total) : ERR_NOT_FOUND;
    if (r == 0) {
        room_within(&room, total, there, &limit);
    }
    *ret_room = room;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* The tenant's, with this tree's bytes of before. ERR_NOT_FOUND: none is kept, and no limit asks for one. */
static int total_of(struct files_tx *tx, uint64_t *ret_total)
{
    int r = data_usage_kept(tx->txn, tx->scope, ret_total);
    bool limited = tx->quota && tx->quota->tenant > 0;
    return r == ERR_NOT_FOUND && limited ? data_usage_total(tx->txn, tx->scope, ret_total) : r;
}

static int fits_beside(struct files_tx *tx, uint64_t more, uint64_t total)
{
    struct limit limit = limit_of(tx->quota, tx->session);
    uint64_t tenant = tx->quota ? tx->quota->tenant : 0;
    if (limit.bytes > 0 && tx->bytes_before + more > limit.bytes) {
        tx->refusal = limit.text;
        return ERR_QUOTA;
    }
    if (tenant > 0 && total + more > tenant) {
        tx->refusal = FILES_QUOTA_TENANT_TEXT;
        return ERR_QUOTA;
    }
    return 0;
}

int files_quota_fits(struct files_tx *tx, uint64_t more)
{
    uint64_t total = 0; /* none is kept: nothing limits it */
    int r = total_of(tx, &total);
    return r == 0 || r == ERR_NOT_FOUND ? fits_beside(tx, more, total) : r;
}

int files_quota_settle(struct files_tx *tx)
{
    uint64_t before = tx->bytes_before;
    uint64_t after = tx->usage.bytes;
    uint64_t total = 0;
    if (after == before) {
        return 0;
    }
    int kept = total_of(tx, &total);
    if (kept < 0 && kept != ERR_NOT_FOUND) {
        return kept;
    }
    int r = after > before ? fits_beside(tx, after - before, total) : 0;
    if (r == 0 && kept == 0) {
        data_usage_keep(tx->txn, tx->scope, total + after - before);
    }
    return r;
}

int files_quota_refused(struct data_context *ctx, const struct files_tx *tx, int r)
{
    return r == ERR_QUOTA && tx->refusal ? data_fault(ctx, r, NULL, tx->refusal) : r;
}

int files_quota_forget(struct txn *txn, const struct scope *scope, struct str session)
{
    struct data_usage usage;
    uint64_t total;
    int r = data_usage_kept(txn, scope, &total);
    if (r == 0) {
        r = data_usage_get(txn, scope, session, &usage);
    }
    if (r == 0) {
        data_usage_keep(txn, scope, total - usage.bytes);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* ---- before a return to a moment, and before a fork of one ---- */

struct look {
    const struct data_context *ctx;
    const struct files_rewind_input *in;
    uint64_t bytes; /* results: of the tree, of the folder, of all trees of the tenant */
    uint64_t here;
    uint64_t total;
};

static int look_read(struct txn *txn, void *arg)
{
    struct look *look = arg;
    struct files_tx tx = {0};
    struct files_record record;
    struct files_node node = {0};
    int r = files_tx_begin(&tx, txn, &look->ctx->scope, look->in->session);
    r = r < 0 ? r : data_usage_total(txn, &look->ctx->scope, &look->total);
    if (r < 0) {
        return r;
    }
    look->bytes = look->here = tx.usage.bytes;
    if (look->in->path.n == 0) {
        return 0;
    }
    r = files_record_at(&tx, look->in->path, FILES_NOW, &record);
    r = r < 0 ? r : files_node_of(&tx, &record, &node);
    look->here = node.bytes;
    return r == ERR_NOT_FOUND || r == ERR_NOT_DIRECTORY ? 0 : r;
}

/* What the folder held at the moment. */
static int then_sum(const struct data_context *of, const struct files_rewind_input *folder,
                    uint64_t *ret_bytes)
{
    ARENA_AUTO(arena);
    BUF_AUTO(after, CONTENT_MAX_PATH);
    struct data_context ctx = *of;
    struct files_page page = {.more = true};
    uint64_t bytes = 0;
    ctx.arena = &arena;
    while (page.more) {
        struct files_list_input in = {.session = folder->session,
                                      .path = folder->path,
                                      .after = buf_str(&after),
                                      .limit = FILES_MAX_LIST,
                                      .recursive = true,
                                      .at = folder->at};
        int r = files_list(&ctx, &in, &page);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < page.count; i++) {
            bytes += page.entries[i].size;
        }
        buf_clear(&after);
        buf_add(&after, page.next);
        arena_reset(&arena);
    }
    *ret_bytes = bytes;
    return 0;
}

int files_bytes_at(struct data_context *ctx, struct str session, uint64_t at, uint64_t *ret_bytes)
{
    struct files_totals totals;
    int r = files_totals(ctx, session, &totals);
    if (r == 0 && at != 0 && at != totals.seq) {
        const struct files_rewind_input all = {.session = session, .path = STR_EMPTY, .at = at};
        return then_sum(ctx, &all, ret_bytes);
    }
    if (r == 0) {
        *ret_bytes = totals.bytes;
    }
    return r;
}

int files_quota_look(struct data_context *ctx, const struct files_rewind_input *in)
{
    const struct data_quota *quota = ctx->quota;
    struct limit limit = limit_of(quota, in->session);
    struct look look = {.ctx = ctx, .in = in};
    uint64_t then = 0;
    if (!quota || (limit.bytes == 0 && quota->tenant == 0)) {
        return 0;
    }
    int r = store_read(ctx->store, look_read, &look);
    r = r < 0 ? r : then_sum(ctx, in, &then);
    if (r < 0 || then <= look.here) {
        return r;
    }
    uint64_t more = then - look.here;
    if (limit.bytes > 0 && look.bytes + more > limit.bytes) {
        return data_fault(ctx, ERR_QUOTA, NULL, limit.text);
    }
    if (quota->tenant > 0 && look.total + more > quota->tenant) {
        return data_fault(ctx, ERR_QUOTA, NULL, FILES_QUOTA_TENANT_TEXT);
    }
    return 0;
}
