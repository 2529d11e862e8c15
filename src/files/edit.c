/*
 * Changes by request: the frame that all share, and mkdir, symlink, delete, move.
 *
 * A repeated operation (same ctx->op from a client) answers what the first run answered: its result is the changed id and
 * seq, from which the version is read again.
 */
#include "files/node_int.h"

int files_input_check(const struct files_author *author, struct str path)
{
    if (author->kind < FILES_USER || author->kind > FILES_API || author->id.n > FILES_MAX_AUTHOR) {
        return ERR_INVALID;
    }
    return path.n == 0 ? ERR_INVALID : content_path_check(path);
}

/* The answer of the first run: "{id}{seq}". */
static int edit_again(struct files_tx *tx, struct files_edit *edit, struct str text)
{
    uint64_t id;
    uint64_t seq;
    struct files_past_version version;
    struct str value;
    if (text.n != FILES_EDIT_ANSWER || data_key_number_read(str_slice(text, 0, 16), &id) < 0 ||
        data_key_number_read(str_slice(text, 16, FILES_EDIT_ANSWER), &seq) < 0) {
        return ERR_CORRUPT;
    }
    int r = store_get(tx->txn, files_key_version(tx, id, seq), &value);
    if (r == 0) {
        r = files_version_decode(value, &version);
    }
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    }
    edit->record = version.record;
    edit->seq = seq;
    return 0;
}

static int items_put(struct files_tx *tx, const struct files_edit *edit)
{
    for (size_t i = 0; i < edit->item_count; i++) {
        int r = files_item_put(tx, &edit->items[i]);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int edit_refused(struct files_edit *edit, const struct files_tx *tx, int r)
{
    bool why = tx->refusal && (r == ERR_QUOTA || r == ERR_LIMIT);
    return why ? data_fault(edit->ctx, r, NULL, tx->refusal) : r;
}

static int edit_write(struct txn *txn, void *arg)
{
    struct files_edit *edit = arg;
    struct files_tx tx = {.author = edit->author, .now = edit->now, .quota = edit->ctx->quota};
    edit->tight = (struct files_tight){0};
    int r = data_still(txn, edit->ctx);
    r = r < 0 ? r : files_tx_begin(&tx, txn, &edit->ctx->scope, edit->session);
    if (r < 0) {
        return r;
    }
    if (tx.forking) {
        return data_fault(edit->ctx, ERR_CONFLICT, NULL, SESSIONS_FORKING_TEXT);
    }
    bool found = false;
    struct str text;
    r = data_replay(txn, edit->ctx, &found, &text);
    if (r < 0 || found) {
        return r < 0 ? r : edit_again(&tx, edit, text);
    }
    uint64_t first = tx.usage.seq;
    r = items_put(&tx, edit);
    if (r < 0) {
        return edit_refused(edit, &tx, r);
    }
    tx.written = 0; /* content has its own bound: FILES_FLUSH_BYTES */
    files_tx_next(&tx);
    r = edit->step(&tx, edit);
    edit->tight = tx.tight;
    if (r < 0) {
        return edit_refused(edit, &tx, r);
    }
    edit->seq = tx.seq;
    data_remember(txn, edit->ctx,
                  arena_printf(tx.arena, "%016llx%016llx", (unsigned long long)edit->record.id,
                               (unsigned long long)tx.seq));
    return edit_refused(edit, &tx, files_tx_end(&tx, first));
}

int files_edit(struct files_edit *edit)
{
    struct store_op op = edit->ctx->op;
    op.bytes = edit->bytes;
    op.reserve = edit->reserve;
    edit->now = time_now();
    int r = store_write(edit->ctx->store, &op, edit_write, edit);
    if (r == ERR_LIMIT && edit->tight.folder > 0) {
        r = files_measure(edit->ctx, edit->session, &edit->tight);
        if (r == 0) {
            edit->ctx->fault = (struct data_fault){0};
            r = store_write(edit->ctx->store, &op, edit_write, edit);
        }
    }
    return r;
}

static int place_for(struct files_tx *tx, struct str path, bool parents,
                     struct files_place **ret_place)
{
    return parents ? files_place_make(tx, path, ret_place) : files_place_find(tx, path, ret_place);
}

usec_t files_put_time(const struct files_put_input *put, usec_t now)
{
    return put->timed ? put->mtime : now;
}

int files_edit_write(struct files_tx *tx, struct files_edit *edit)
{
    const struct files_write_input *in = edit->in;
    struct files_place *place;
    int r = place_for(tx, in->put->path, in->put->parents, &place);
    if (r == 0) {
        r = files_match_check(&in->put->match, place);
    }
    if (r < 0) {
        return r;
    }
    struct files_write write = {
        .content = &in->content,
        .op = FILES_WRITE,
        .mode = in->put->mode,
        .mtime = files_put_time(in->put, tx->now),
    };
    r = files_change_write(tx, place, &write);
    edit->record = place->record;
    return r;
}

static int mkdir_step(struct files_tx *tx, struct files_edit *edit)
{
    const struct files_put_input *in = edit->in;
    struct files_place *place;
    int r = place_for(tx, in->path, in->parents, &place);
    if (r < 0) {
        return r;
    }
    uint32_t mode = in->mode < 0 ? 0755 : (uint32_t)in->mode;
    r = files_change_mkdir(tx, place, mode, files_put_time(in, tx->now));
    edit->record = place->record;
    return r;
}

static int edit_entry(struct files_edit *edit, struct str path, struct files_entry *ret_entry)
{
    int r = files_edit(edit);
    if (r == 0) {
        files_entry_from(edit->ctx->arena, &edit->record, path, ret_entry);
    }
    return r;
}

int files_mkdir(struct data_context *ctx, const struct files_put_input *in,
                struct files_entry *ret_entry)
{
    int r = files_input_check(&in->author, in->path);
    if (r < 0) {
        return r;
    }
    struct files_edit edit = {
        .ctx = ctx, .session = in->session, .author = &in->author, .step = mkdir_step, .in = in};
    return edit_entry(&edit, in->path, ret_entry);
}

/* A target of more than CONTENT_INLINE_MAX bytes is a chunk, as a file's bytes would be. */
int files_symlink(struct data_context *ctx, const struct files_put_input *in, struct str target,
                  struct files_entry *ret_entry)
{
    int r = files_input_check(&in->author, in->path);
    if (r < 0 || target.n == 0 || target.n > FILES_MAX_TARGET || memchr(target.p, '\0', target.n)) {
        return ERR_INVALID;
    }
    struct files_write_input write = {.put = in};
    struct files_content *content = &write.content;
    struct files_item item;
    struct files_edit edit = {.ctx = ctx,
                              .session = in->session,
                              .author = &in->author,
                              .items = &item,
                              .step = files_edit_write,
                              .in = &write};
    content->kind = FILES_SYMLINK;
    content_hash(target, &content->hash);
    content->manifest = (struct content_manifest){.hash = content->hash, .length = target.n};
    if (target.n <= CONTENT_INLINE_MAX) {
        content->manifest.small = true;
        content->bytes = target;
        return edit_entry(&edit, in->path, ret_entry);
    }
    struct content_codec *codec = content_codec_create();
    item = (struct files_item){.hash = content->hash,
                               .length = (uint32_t)target.n,
                               .encoded = content_encode(codec, target)};
    edit.item_count = 1;
    r = edit_entry(&edit, in->path, ret_entry);
    content_codec_destroy(codec);
    return r;
}

static int folder_is_empty(struct files_tx *tx, uint64_t folder)
{
    bool some = false;
    int r = files_any(tx, files_key_entries(tx, folder), &some);
    return r < 0 ? r : some ? ERR_NOT_EMPTY : 0;
}

static int delete_step(struct files_tx *tx, struct files_edit *edit)
{
    const struct files_delete_input *in = edit->in;
    struct files_place *place;
    int r = files_place_find(tx, in->path, &place);
    if (r < 0) {
        return r == ERR_NOT_DIRECTORY ? ERR_NOT_FOUND : r;
    }
    r = files_match_check(&in->match, place);
    if (r < 0) {
        return r;
    }
    if (!place->there) {
        return ERR_NOT_FOUND;
    }
    if (place->record.kind == FILES_FOLDER && !in->recursive) {
        r = folder_is_empty(tx, place->record.id);
    }
    if (r < 0) {
        return r;
    }
    edit->record = place->record;
    return files_change_delete(tx, place);
}

int files_delete(struct data_context *ctx, const struct files_delete_input *in, uint64_t *ret_seq)
{
    int r = files_input_check(&in->author, in->path);
    if (r < 0) {
        return r;
    }
    struct files_edit edit = {.ctx = ctx,
                              .session = in->session,
                              .author = &in->author,
                              .reserve = true,
                              .step = delete_step,
                              .in = in};
    r = files_edit(&edit);
    if (r == 0) {
        *ret_seq = edit.seq;
    }
    return r;
}

static int move_step(struct files_tx *tx, struct files_edit *edit)
{
    const struct files_move_input *in = edit->in;
    struct files_place *from;
    struct files_place *to;
    int r = files_place_find(tx, in->from, &from);
    if (r < 0) {
        return r;
    }
    r = files_match_check(&in->match, from);
    if (r < 0) {
        return r;
    }
    if (!from->there) {
        return ERR_NOT_FOUND;
    }
    r = place_for(tx, in->to, in->parents, &to);
    if (r < 0) {
        return r;
    }
    bool folder = from->record.kind == FILES_FOLDER;
    if (to->there && (!in->overwrite || folder || to->record.kind == FILES_FOLDER)) {
        return ERR_EXISTS;
    }
    r = files_change_move(tx, from, to);
    edit->record = to->record;
    return r;
}

int files_move(struct data_context *ctx, const struct files_move_input *in,
               struct files_entry *ret_entry)
{
    int r = files_input_check(&in->author, in->from);
    if (r < 0 || files_input_check(&in->author, in->to) < 0) {
        return ERR_INVALID;
    }
    if (content_path_within(in->to, in->from)) {
        return data_fault(ctx, ERR_INVALID, NULL, "Nothing can be moved into itself.");
    }
    struct files_edit edit = {
        .ctx = ctx, .session = in->session, .author = &in->author, .step = move_step, .in = in};
    return edit_entry(&edit, in->to, ret_entry);
}
