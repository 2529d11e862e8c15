/*
 * A tree that begins as another one was at a moment: what was there then, each entry with the one version that it was and the
 * change that made it, under the same ids and numbers. Keys are written, content is shared. It goes on with the number behind
 * the moment, and its past up to there is one stretch (thin.c): every moment in it is taken for its last.
 *
 * 1. Who asks sees to it that neither tree is changed at that moment by others: the origin's past is not thinned nor deleted
 *    meanwhile, the new tree is written by this alone. So a page is read first, beside the writer, and what it names stays
 *    named by the origin until it is named here as well.
 * 2. What is there already is passed over, with all that it counts for: so any page may be repeated, and a copy that was cut
 *    off is begun again and comes to the same.
 * 3. Entries come folders first and depth first. The folders on the way to where a page is are held, and what is below them
 *    is counted once for each page.
 */
#include "files/node_int.h"

enum { PAGE_ENTRIES = 1000, PAGE_BYTES = 400 * 1024 }; /* with its keys below FILES_MAX_TXN */

struct copied { /* an entry of the origin */
    struct str path;
    struct files_record record;
    struct str version; /* as they are stored */
    struct str change;
};

struct fork {
    struct data_context *ctx;
    const struct files_fork_input *in;
    uint64_t at; /* what the moment stands for */
    struct copied *entries;
    size_t count;
    struct str next;
    bool more;
};

/* ---- a page of the origin ---- */

static int copied_read(struct fork *f, struct files_tx *tx, struct copied *one, size_t *bytes)
{
    struct str version;
    struct str change;
    uint64_t seq = one->record.version;
    int r = store_get(tx->txn, files_key_version(tx, one->record.id, seq), &version);
    r = r < 0 ? r : store_get(tx->txn, files_key_change(tx, seq), &change);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    }
    one->version = arena_str(f->ctx->arena, version);
    one->change = arena_str(f->ctx->arena, change);
    *bytes += one->path.n + version.n + change.n + sizeof one->record;
    return 0;
}

static int page_read(struct txn *txn, void *arg)
{
    struct fork *f = arg;
    struct files_tx tx = {0};
    struct files_walk w = {.tx = &tx, .recursive = true};
    struct str path;
    size_t bytes = 0;
    f->at = f->in->at;
    f->count = 0;
    f->more = false;
    int r = files_tx_begin(&tx, txn, &f->ctx->scope, f->in->from);
    r = r < 0 ? r : files_moment_settle(&tx, &f->at);
    if (r == 0 && f->at > tx.usage.seq) {
        r = ERR_NOT_FOUND;
    }
    w.at = f->at == tx.usage.seq ? FILES_NOW : f->at;
    r = r < 0 ? r : files_walk_begin(&w, FILES_ROOT, f->in->after);
    while (r == 0 && !f->more) {
        struct copied *one = &f->entries[f->count];
        r = files_walk_next(&w, &path, &one->record);
        if (r == ERR_NOT_FOUND) {
            return 0; /* that was all */
        }
        if (r == 0) {
            one->path = arena_str(f->ctx->arena, path);
            r = copied_read(f, &tx, one, &bytes);
            f->next = one->path;
            f->count++;
        }
        f->more = f->count == f->in->limit || bytes >= PAGE_BYTES;
    }
    return r;
}

/* ---- the same in the new tree ---- */

struct level { /* a folder on the way to the entry in hand */
    struct str path;
    uint64_t id;
    struct files_node node;
};

struct writing {
    struct files_tx *tx;
    struct level *levels;
    size_t depth;
};

static void level_leave(struct writing *w)
{
    const struct level *level = &w->levels[--w->depth];
    files_node_put(w->tx, level->id, &level->node);
}

static uint64_t folder_in_hand(const struct writing *w)
{
    return w->depth > 0 ? w->levels[w->depth - 1].id : FILES_ROOT;
}

/* To the folder with this path, which is there. */
static int level_enter(struct writing *w, struct str folder)
{
    while (w->depth > 0 && !content_path_within(folder, w->levels[w->depth - 1].path)) {
        level_leave(w);
    }
    size_t known = w->depth > 0 ? w->levels[w->depth - 1].path.n : 0;
    while (known < folder.n) {
        size_t begin = known > 0 ? known + 1 : 0;
        size_t end = str_find(folder, '/', begin);
        struct files_record record;
        int r = files_child(w->tx, folder_in_hand(w), str_slice(folder, begin, end), &record);
        if (r < 0) {
            return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
        }
        struct level *level = &w->levels[w->depth];
        *level = (struct level){.path = str_slice(folder, 0, end), .id = record.id};
        r = files_node_of(w->tx, &record, &level->node);
        if (r < 0) {
            return r;
        }
        w->depth++;
        known = end;
    }
    return 0;
}

/* What comes counts in all folders above it. */
static void count_in(struct writing *w, const struct copied *one)
{
    struct files_node by = {.files = 1, .bytes = one->record.manifest.length};
    if (one->record.kind == FILES_FOLDER) {
        by = (struct files_node){0};
    }
    for (size_t i = 0; i < w->depth; i++) {
        struct files_node *node = &w->levels[i].node;
        uint64_t reach = one->path.n - w->levels[i].path.n - 1;
        uint64_t levels = w->depth - i;
        node->files += by.files;
        node->bytes += by.bytes;
        files_node_raise(node, reach, levels);
    }
    w->tx->usage.files += by.files;
    w->tx->usage.bytes += by.bytes;
}

static int copied_write(struct writing *w, const struct copied *one)
{
    struct files_tx *tx = w->tx;
    const struct files_record *record = &one->record;
    const struct content_manifest *manifest = &record->manifest;
    struct files_record there;
    struct str folder;
    struct str name;
    content_path_split(one->path, &folder, &name);
    int r = level_enter(w, folder);
    r = r < 0 ? r : files_child(tx, folder_in_hand(w), name, &there);
    if (r != ERR_NOT_FOUND) {
        return r;
    }
    files_tx_put(tx, files_key_entry(tx, folder_in_hand(w), name),
                 files_record_encode(tx->arena, record));
    files_tx_put(tx, files_key_version(tx, record->id, record->version), one->version);
    files_tx_put(tx, files_key_change(tx, record->version), one->change);
    if (record->kind != FILES_FOLDER && !manifest->small) {
        files_tx_put(tx, files_key_version_ref(tx, &manifest->hash, record->id, record->version),
                     STR_EMPTY);
    }
    count_in(w, one);
    return 0;
}

static int page_write(struct txn *txn, void *arg)
{
    struct fork *f = arg;
    struct files_tx tx = {0};
    int r = files_tx_begin(&tx, txn, &f->ctx->scope, f->in->to);
    if (r == 0 && f->in->guard) {
        r = f->in->guard(txn, f->in->guard_ctx);
    }
    if (r == 0 && tx.usage.seq != 0 && tx.usage.seq != f->at) {
        r = ERR_CORRUPT;
    }
    if (r < 0) {
        return r;
    }
    struct writing w = {.tx = &tx,
                        .levels = ARENA_ARRAY(tx.arena, struct level, CONTENT_MAX_DEPTH)};
    for (size_t i = 0; r == 0 && i < f->count; i++) {
        r = copied_write(&w, &f->entries[i]);
    }
    while (w.depth > 0) {
        level_leave(&w);
    }
    if (r == 0 && tx.usage.seq == 0) {
        files_thin_begin_at(&tx, f->at);
        tx.usage.seq = f->at;
    }
    return r < 0 ? r : files_tx_end(&tx, /* first= */ 0);
}

int files_fork_step(struct data_context *ctx, const struct files_fork_input *in,
                    struct files_forked *ret_forked)
{
    ASSERT(in->at > 0 && in->at < FILES_NOW);
    struct files_fork_input bounded = *in;
    bounded.limit = in->limit == 0 || in->limit > PAGE_ENTRIES ? PAGE_ENTRIES : in->limit;
    struct fork f = {.ctx = ctx,
                     .in = &bounded,
                     .entries = ARENA_ARRAY(ctx->arena, struct copied, bounded.limit)};
    struct store_op op = store_op_new();
    op.bytes = PAGE_BYTES;
    int r = store_read(ctx->store, page_read, &f);
    r = r < 0 ? r : store_write(ctx->store, &op, page_write, &f);
    if (r == 0) {
        *ret_forked = (struct files_forked){.more = f.more, .next = f.next};
    }
    return r;
}
