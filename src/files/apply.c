/*
 * Changes that a workspace reports, in order, all or none. Each names the version that the workspace last saw; where
 * something else stands by now, nothing is applied and the sender is told, unless both sides came to the same content.
 *
 * A folder's version says nothing of what is in it. So its deletion is asked whether it takes along what the sender never saw
 * (unseen.c). A move is not asked: what is unseen goes along, and stays to be seen.
 */
#include "files/node_int.h"
#include "files/quota_int.h"

struct ready { /* a change, checked */
    const struct files_change *change;
    struct files_content content;
    struct files_item item; /* a long link's target; length 0: none */
};

struct apply {
    struct data_context *ctx;
    const struct files_apply_input *in;
    struct ready *ready;
    usec_t now;
    struct files_unseen unseen;
    struct files_tight tight; /* of a move that may fit all the same */
    struct files_apply_result result;
};

/* ---- before the transaction ---- */

static int content_check(struct data_context *ctx, struct ready *ready)
{
    const struct files_change *change = ready->change;
    const struct content_manifest *m = &change->manifest;
    struct content_hash hash;
    ready->content = (struct files_content){FILES_FILE, change->hash, *m, STR_EMPTY};
    if (!m->small) {
        bool fits = m->levels > 0 ? m->length <= CONTENT_MAX_FILE : m->length <= CONTENT_CHUNK_MAX;
        bool named = m->levels > 0 || content_hash_eq(&m->hash, &change->hash);
        return fits && named && m->length > 0 && m->levels <= CONTENT_MAX_LEVELS ? 0 : ERR_INVALID;
    }
    content_hash(change->bytes, &hash);
    if (m->levels > 0 || m->length != change->bytes.n || m->length > CONTENT_INLINE_MAX ||
        !content_hash_eq(&hash, &change->hash)) {
        return ERR_INVALID;
    }
    ready->content.bytes = change->bytes;
    ready->content.manifest.hash = hash;
    return 0;
}

static int link_check(struct data_context *ctx, struct ready *ready)
{
    struct str target = ready->change->bytes;
    if (target.n == 0 || target.n > FILES_MAX_TARGET || memchr(target.p, '\0', target.n)) {
        return ERR_INVALID;
    }
    struct files_content *content = &ready->content;
    content->kind = FILES_SYMLINK;
    content_hash(target, &content->hash);
    content->manifest = (struct content_manifest){.hash = content->hash, .length = target.n};
    if (target.n <= CONTENT_INLINE_MAX) {
        content->manifest.small = true;
        content->bytes = target;
        return 0;
    }
    struct content_codec *codec = content_codec_create();
    ready->item = (struct files_item){.hash = content->hash, .length = (uint32_t)target.n};
    ready->item.encoded = arena_str(ctx->arena, content_encode(codec, target));
    content_codec_destroy(codec);
    return 0;
}

static int change_check(struct data_context *ctx, struct ready *ready)
{
    const struct files_change *change = ready->change;
    int r = files_input_check(&change->author, change->path);
    if (r < 0) {
        return r;
    }
    switch (change->kind) {
    case FILES_CHANGE_PUT:
        return content_check(ctx, ready);
    case FILES_CHANGE_SYMLINK:
        return link_check(ctx, ready);
    case FILES_CHANGE_MOVE:
        return change->to.n == 0 || content_path_within(change->to, change->path)
                   ? ERR_INVALID
                   : content_path_check(change->to);
    case FILES_CHANGE_MKDIR:
    case FILES_CHANGE_DELETE:
        return 0;
    }
    return ERR_INVALID;
}

/* What the batch names and the store has not. */
static int missing_find(struct apply *apply, struct files_missing *missing)
{
    struct files_hashes chunks = {
        .at = ARENA_ARRAY(apply->ctx->arena, struct content_hash, apply->in->count)};
    struct files_hashes lacking = {0};
    for (size_t i = 0; i < apply->in->count; i++) {
        const struct files_change *change = apply->ready[i].change;
        if (change->kind != FILES_CHANGE_PUT || change->manifest.small) {
            continue;
        }
        if (change->manifest.levels == 0) {
            chunks.at[chunks.n++] = change->manifest.hash;
            continue;
        }
        int r = files_adopt(apply->ctx, &change->manifest, missing);
        if (r < 0) {
            return r;
        }
    }
    int r = chunks.n > 0 ? files_chunks_missing(apply->ctx, &chunks, &lacking) : 0;
    for (size_t i = 0; r == 0 && i < lacking.n; i++) {
        files_missing_add(missing, &lacking.at[i]);
    }
    return r;
}

/* ---- in the transaction ---- */

static int conflict(struct apply *apply, const struct files_place *place)
{
    apply->result.version = place && place->there ? place->record.version : 0;
    return ERR_CONFLICT;
}

static bool stands(const struct files_place *place, uint64_t base)
{
    return place->there ? place->record.version == base : base == 0;
}

/* A seq that nothing was written under is given back. */
static int unchanged(struct files_tx *tx, const struct files_place *place, uint64_t *ret_version)
{
    tx->seq = --tx->usage.seq;
    *ret_version = place && place->there ? place->record.version : 0;
    return 0;
}

static bool same(const struct files_record *record, const struct ready *ready)
{
    const struct files_change *change = ready->change;
    return record->kind == ready->content.kind &&
           content_hash_eq(&record->hash, &ready->content.hash) &&
           record->manifest.length == ready->content.manifest.length &&
           record->mode == (change->mode & 07777) && record->mtime == change->mtime;
}

/* A folder on the way that is none is a conflict as well. */
static int place_make(struct apply *apply, struct files_tx *tx, struct str path,
                      struct files_place **ret_place)
{
    int r = files_place_make(tx, path, ret_place);
    return r == ERR_NOT_DIRECTORY ? conflict(apply, NULL) : r;
}

static int apply_put(struct apply *apply, struct files_tx *tx, const struct ready *ready,
                     uint64_t *ret_version)
{
    const struct files_change *change = ready->change;
    struct files_place *place;
    int r = place_make(apply, tx, change->path, &place);
    if (r < 0) {
        return r;
    }
    if (place->there && same(&place->record, ready)) {
        return unchanged(tx, place, ret_version);
    }
    if (!stands(place, change->base) || (place->there && place->record.kind == FILES_FOLDER)) {
        return conflict(apply, place);
    }
    r = ready->item.length > 0 ? files_item_put(tx, &ready->item) : 0;
    if (r < 0) {
        return r;
    }
    struct files_write write = {.content = &ready->content,
                                .op = FILES_WRITE,
                                .mode = change->mode,
                                .mtime = change->mtime};
    r = files_change_write(tx, place, &write);
    *ret_version = tx->seq;
    return r;
}

static int apply_mkdir(struct apply *apply, struct files_tx *tx, const struct ready *ready,
                       uint64_t *ret_version)
{
    const struct files_change *change = ready->change;
    struct files_place *place;
    int r = place_make(apply, tx, change->path, &place);
    if (r < 0) {
        return r;
    }
    *ret_version = tx->seq;
    if (!place->there) {
        return change->base == 0 ? files_change_mkdir(tx, place, change->mode, change->mtime)
                                 : conflict(apply, place);
    }
    if (place->record.kind != FILES_FOLDER) {
        return conflict(apply, place);
    }
    /*
     * Times of folders change with every child: only another mode is a change. It goes on top, whatever it was based on: a folder
     * that a file in it brought along has a mode that nobody chose.
     */
    if (place->record.mode == (change->mode & 07777)) {
        return unchanged(tx, place, ret_version);
    }
    files_change_mode(tx, place, change->mode, change->mtime);
    return 0;
}

/* ERR_CONFLICT: some of what is in it was not seen. */
static int all_seen(struct apply *apply, struct files_tx *tx, const struct files_place *place)
{
    bool some = false;
    bool asked = apply->in->unseen > 0 && place->record.kind == FILES_FOLDER;
    int r = asked ? files_unseen_below(&apply->unseen, tx, place, &some) : 0;
    return r == 0 && some ? conflict(apply, place) : r;
}

static int apply_delete(struct apply *apply, struct files_tx *tx, const struct ready *ready,
                        uint64_t *ret_version)
{
    struct files_place *place;
    int r = files_place_find(tx, ready->change->path, &place);
    if (r == ERR_NOT_FOUND || r == ERR_NOT_DIRECTORY) {
        return unchanged(tx, NULL, ret_version);
    }
    if (r < 0) {
        return r;
    }
    if (!place->there) {
        return unchanged(tx, place, ret_version);
    }
    if (!stands(place, ready->change->base)) {
        return conflict(apply, place);
    }
    *ret_version = tx->seq;
    r = all_seen(apply, tx, place);
    return r < 0 ? r : files_change_delete(tx, place);
}

static int apply_move(struct apply *apply, struct files_tx *tx, const struct ready *ready,
                      uint64_t *ret_version)
{
    const struct files_change *change = ready->change;
    struct files_place *from;
    struct files_place *to;
    int r = files_place_find(tx, change->path, &from);
    if (r == ERR_NOT_FOUND || r == ERR_NOT_DIRECTORY) {
        return conflict(apply, NULL);
    }
    if (r < 0) {
        return r;
    }
    if (!from->there || !stands(from, change->base)) {
        return conflict(apply, from);
    }
    r = place_make(apply, tx, change->to, &to);
    if (r < 0) {
        return r;
    }
    bool folders =
        from->record.kind == FILES_FOLDER || (to->there && to->record.kind == FILES_FOLDER);
    if (!stands(to, change->to_base) || (to->there && folders)) {
        return conflict(apply, to);
    }
    *ret_version = tx->seq;
    return files_change_move(tx, from, to);
}

static int apply_one(struct apply *apply, struct files_tx *tx, const struct ready *ready,
                     uint64_t *ret_version)
{
    tx->author = &ready->change->author;
    files_tx_next(tx);
    switch (ready->change->kind) {
    case FILES_CHANGE_PUT:
    case FILES_CHANGE_SYMLINK:
        return apply_put(apply, tx, ready, ret_version);
    case FILES_CHANGE_MKDIR:
        return apply_mkdir(apply, tx, ready, ret_version);
    case FILES_CHANGE_DELETE:
        return apply_delete(apply, tx, ready, ret_version);
    case FILES_CHANGE_MOVE:
        return apply_move(apply, tx, ready, ret_version);
    }
    UNREACHABLE();
}

/* The first run's answer: seq, then the versions, each 8 bytes of this machine. */
static int apply_again(struct apply *apply, struct str text)
{
    size_t size = apply->in->count * sizeof(uint64_t);
    if (text.n != sizeof(uint64_t) + size) {
        return ERR_INVALID; /* the same batch id with other changes */
    }
    apply->result.first = 0;
    memcpy(&apply->result.seq, text.p, sizeof(uint64_t));
    memcpy(apply->result.versions, text.p + sizeof(uint64_t), size);
    return 0;
}

static void apply_remember(struct apply *apply, struct txn *txn)
{
    size_t size = apply->in->count * sizeof(uint64_t);
    char *text = arena_alloc(store_arena(txn), sizeof(uint64_t) + size);
    memcpy(text, &apply->result.seq, sizeof(uint64_t));
    memcpy(text + sizeof(uint64_t), apply->result.versions, size);
    store_result(txn, str_of(text, sizeof(uint64_t) + size));
}

static int apply_write(struct txn *txn, void *arg)
{
    struct apply *apply = arg;
    const struct files_apply_input *in = apply->in;
    struct files_tx tx = {.now = apply->now, .quota = apply->ctx->quota};
    struct str text;
    int r = files_tx_begin(&tx, txn, &apply->ctx->scope, in->session);
    if (r < 0) {
        return r;
    }
    if (store_replayed(txn, &text)) {
        return apply_again(apply, text);
    }
    r = in->guard ? in->guard(txn, in->guard_ctx) : 0;
    uint64_t first = tx.usage.seq;
    apply->unseen = (struct files_unseen){
        .from = in->unseen, .end = first + 1, .sender = in->changes[0].author.id};
    for (size_t i = 0; r == 0 && i < in->count; i++) {
        apply->result.index = i;
        r = apply_one(apply, &tx, &apply->ready[i], &apply->result.versions[i]);
        if (r == 0 && tx.written > FILES_MAX_TXN) {
            r = ERR_TOO_LARGE;
        }
    }
    apply->tight = tx.tight;
    if (r < 0) {
        return files_quota_refused(apply->ctx, &tx, r);
    }
    apply->result.seq = tx.usage.seq;
    apply->result.first = first + 1;
    apply_remember(apply, txn);
    r = files_tx_end(&tx, first);
    return files_quota_refused(apply->ctx, &tx, r);
}

static int ready_make(struct apply *apply)
{
    struct data_context *ctx = apply->ctx;
    const struct files_apply_input *in = apply->in;
    if (in->count < 1 || in->count > FILES_MAX_BATCH) {
        return ERR_INVALID;
    }
    apply->ready = ARENA_ARRAY(ctx->arena, struct ready, in->count);
    apply->result.versions = ARENA_ARRAY(ctx->arena, uint64_t, in->count);
    for (size_t i = 0; i < in->count; i++) {
        apply->ready[i].change = &in->changes[i];
        int r = change_check(ctx, &apply->ready[i]);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Small files' bytes and records, about; a batch that only takes things away goes on when the disk is full. */
static struct store_op op_of(const struct data_context *ctx, const struct files_apply_input *in)
{
    enum { CHANGE_COST = 800 };
    struct store_op op = ctx->op;
    op.reserve = true;
    for (size_t i = 0; i < in->count; i++) {
        const struct files_change *change = &in->changes[i];
        op.bytes += CHANGE_COST + change->path.n + change->bytes.n;
        op.reserve = op.reserve && change->kind == FILES_CHANGE_DELETE;
    }
    return op;
}

/* What was there when it was looked for may be collected before it is named: then it is looked for again. */
static int apply_run(struct apply *apply, struct files_missing *missing)
{
    enum { TRIES = 3 };
    int r = ERR_MISSING_CHUNKS;
    for (int i = 0; r == ERR_MISSING_CHUNKS && i < TRIES; i++) {
        missing->n = 0;
        r = missing_find(apply, missing);
        if (r == 0 && missing->n == 0) {
            struct store_op op = op_of(apply->ctx, apply->in);
            r = store_write(apply->ctx->store, &op, apply_write, apply);
        }
    }
    return r;
}

int files_apply(struct data_context *ctx, const struct files_apply_input *in,
                struct files_apply_result *ret_result)
{
    struct apply apply = {.ctx = ctx, .in = in, .now = time_now(), .result.outcome = FILES_APPLIED};
    struct files_missing missing = {.arena = ctx->arena};
    int r = ready_make(&apply);
    if (r == 0) {
        r = apply_run(&apply, &missing);
    }
    if (r == ERR_LIMIT && apply.tight.folder > 0) {
        r = files_measure(ctx, in->session, &apply.tight);
        r = r < 0 ? r : apply_run(&apply, &missing);
    }
    if (r == ERR_CONFLICT) {
        apply.result.outcome = FILES_CONFLICT;
        r = 0;
    }
    if (missing.n > 0 && r == 0) {
        apply.result.outcome = FILES_MISSING;
        apply.result.missing = missing.at;
        apply.result.missing_count = missing.n;
    }
    if (r == 0) {
        *ret_result = apply.result;
    }
    return r;
}
