/* Looking at the tree: one entry, a folder, everything below, now or as of a moment. */
#include "files/files_int.h"

/* ---- the calls ---- */

struct look {
    struct data_context *ctx;
    struct str session;
    struct str path;
    struct str after;
    size_t limit;
    uint64_t at;
    bool recursive;
    bool with_bytes;
    bool whole; /* now is no moment in the midst of a rewind */
    /* results */
    struct files_page page;
    struct files_record record;
    struct data_usage usage;
};

static int small_bytes(struct look *look, struct files_tx *tx, const struct files_record *record,
                       struct str *ret_bytes)
{
    struct str value;
    struct files_past_version version;
    if (!record->manifest.small || !look->with_bytes) {
        *ret_bytes = STR_EMPTY;
        return 0;
    }
    int r = store_get(tx->txn, files_key_version(tx, record->id, record->version), &value);
    if (r == 0) {
        r = files_version_decode(value, &version);
    }
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    }
    *ret_bytes = arena_str(look->ctx->arena, version.bytes);
    return 0;
}

static int page_fill(struct look *look, struct files_walk *w)
{
    struct files_page page = {.entries =
                                  ARENA_ARRAY(look->ctx->arena, struct files_entry, look->limit)};
    struct str path;
    struct str last = STR_EMPTY;
    struct files_record record;
    size_t bytes = 0;
    int r = 0;
    while ((r = files_walk_next(w, &path, &record)) == 0 && page.count < look->limit &&
           bytes < FILES_PAGE_BYTES) {
        struct files_entry *entry = &page.entries[page.count++];
        files_entry_from(look->ctx->arena, &record, files_path_join(w->tx->arena, look->path, path),
                         entry);
        r = small_bytes(look, w->tx, &record, &entry->bytes);
        entry->damaged = r == ERR_CORRUPT;
        if (r < 0 && !entry->damaged) {
            return r;
        }
        bytes += entry->path.n + (look->with_bytes ? files_bytes_told(entry) : 0);
        last = path;
    }
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    page.more = r == 0;
    page.next = page.more ? arena_str(look->ctx->arena, last) : STR_EMPTY;
    page.seq = look->at == FILES_NOW ? w->tx->usage.seq : look->at;
    look->page = page;
    return 0;
}

/* The session, and what is at the path at the moment; ERR_NOT_FOUND when nothing is. */
static int look_open(struct look *look, struct txn *txn, struct files_tx *tx,
                     struct files_record *ret_record)
{
    int r = files_tx_begin(tx, txn, &look->ctx->scope, look->session);
    if (r == 0 && (look->at != FILES_NOW || look->whole)) {
        r = files_moment_settle(tx, &look->at);
    }
    if (r == 0 && look->at != FILES_NOW && look->at > tx->usage.seq) {
        r = ERR_NOT_FOUND;
    }
    return r < 0 ? r : files_record_at(tx, look->path, look->at, ret_record);
}

static int list_read(struct txn *txn, void *arg)
{
    struct look *look = arg;
    struct files_tx tx = {0};
    struct files_record record;
    int r = look_open(look, txn, &tx, &record);
    if (r < 0) {
        return r;
    }
    if (record.kind != FILES_FOLDER) {
        return ERR_NOT_DIRECTORY;
    }
    /* The latest moment is the present: nothing that is gone need be looked at. */
    struct files_walk w = {.tx = &tx, .at = look->at, .recursive = look->recursive};
    if (w.at == tx.usage.seq) {
        w.at = FILES_NOW;
    }
    r = files_walk_begin(&w, record.id, look->after);
    return r < 0 ? r : page_fill(look, &w);
}

static int list(struct look *look, struct files_page *ret_page)
{
    if (look->limit < 1 || look->limit > FILES_MAX_LIST || content_path_check(look->path) < 0 ||
        content_path_check(look->after) < 0) {
        return ERR_INVALID;
    }
    int r = store_read(look->ctx->store, list_read, look);
    if (r == 0) {
        *ret_page = look->page;
    }
    return r;
}

int files_list(struct data_context *ctx, const struct files_list_input *in,
               struct files_page *ret_page)
{
    struct look look = {.ctx = ctx,
                        .session = in->session,
                        .path = in->path,
                        .after = in->after,
                        .limit = in->limit,
                        .at = in->at == 0 ? FILES_NOW : in->at,
                        .recursive = in->recursive};
    return list(&look, ret_page);
}

int files_tree(struct data_context *ctx, const struct files_tree_input *in,
               struct files_page *ret_page)
{
    struct look look = {.ctx = ctx,
                        .session = in->session,
                        .after = in->after,
                        .limit = in->limit,
                        .at = in->at == 0 ? FILES_NOW : in->at,
                        .recursive = true,
                        .with_bytes = true,
                        .whole = true};
    int r = list(&look, ret_page);
    for (size_t i = 0; r == 0 && i < ret_page->count; i++) {
        r = files_bytes_load(ctx, &ret_page->entries[i]);
    }
    return r;
}

static int totals_read(struct txn *txn, void *arg)
{
    struct look *look = arg;
    struct files_tx tx = {0};
    int r = files_tx_begin(&tx, txn, &look->ctx->scope, look->session);
    look->usage = tx.usage;
    return r;
}

int files_totals(struct data_context *ctx, struct str session, struct files_totals *ret_totals)
{
    struct look look = {.ctx = ctx, .session = session};
    int r = store_read(ctx->store, totals_read, &look);
    if (r == 0) {
        *ret_totals = (struct files_totals){look.usage.files, look.usage.bytes, look.usage.seq};
    }
    return r;
}

static int stat_read(struct txn *txn, void *arg)
{
    struct look *look = arg;
    struct files_tx tx = {0};
    int r = look_open(look, txn, &tx, &look->record);
    return r == ERR_NOT_DIRECTORY ? ERR_NOT_FOUND : r;
}

int files_stat(struct data_context *ctx, struct str session, struct str path,
               struct files_entry *ret_entry)
{
    struct look look = {.ctx = ctx, .session = session, .path = path, .at = FILES_NOW};
    if (content_path_check(path) < 0) {
        return ERR_INVALID;
    }
    int r = store_read(ctx->store, stat_read, &look);
    if (r == 0) {
        files_entry_from(ctx->arena, &look.record, path, ret_entry);
    }
    return r;
}
