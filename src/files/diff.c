/* Two versions of what is or was at a path, compared. Content is read outside of transactions, as by any reader. */
#include "files/files_int.h"

struct side {
    bool there;
    struct files_past_version version; /* bytes in ctx->arena */
};

struct compare {
    struct data_context *ctx;
    const struct files_diff_input *in;
    struct side from, to;
};

/* A version of the path's history; else what was there at that moment. A deletion leaves nothing. */
static int side_find(struct files_tx *tx, struct str path, uint64_t number, struct side *ret_side)
{
    struct side side = {.there = false};
    struct files_open_input open = {.path = path, .version = number};
    int r = number == FILES_NOW ? ERR_NOT_FOUND : files_version_open(tx, &open, &side.version);
    bool deleted = r == 0 && side.version.op == FILES_DELETE;
    if (r == ERR_NOT_FOUND && (number <= tx->usage.seq || number == FILES_NOW)) {
        open = (struct files_open_input){.path = path, .at = number == FILES_NOW ? 0 : number};
        r = files_version_open(tx, &open, &side.version);
        if (r == ERR_NOT_FOUND) {
            *ret_side = side;
            return 0;
        }
    }
    if (r < 0) {
        return r;
    }
    side.there = !deleted;
    *ret_side = side;
    return side.there && side.version.record.kind == FILES_FOLDER ? ERR_IS_DIRECTORY : 0;
}

/* The version of side's file before it, as far as it is kept: no moment between the two need be. */
static int side_before(struct files_tx *tx, const struct side *side, struct side *ret_before)
{
    const struct files_record *record = &side->version.record;
    struct side before = {.there = false};
    int r = record->version == 0
                ? ERR_NOT_FOUND
                : files_version_at(tx, record->id, record->version - 1, &before.version);
    before.there = r == 0 && before.version.op != FILES_DELETE;
    if (r == 0 || r == ERR_NOT_FOUND) {
        *ret_before = before;
        r = 0;
    }
    return r;
}

static int sides_read(struct txn *txn, void *arg)
{
    struct compare *c = arg;
    struct files_tx tx = {0};
    struct side *const sides[] = {&c->from, &c->to};
    const uint64_t numbers[] = {c->in->from, c->in->to > 0 ? c->in->to : FILES_NOW};
    int r = files_tx_begin(&tx, txn, &c->ctx->scope, c->in->session);
    for (size_t i = 0; r == 0 && i < 2; i++) {
        *sides[i] = (struct side){.there = false};
        if (numbers[i] > 0) {
            r = side_find(&tx, c->in->path, numbers[i], sides[i]);
        }
    }
    if (r == 0 && c->in->before) {
        r = side_before(&tx, &c->to, &c->from);
    }
    for (size_t i = 0; r == 0 && i < 2; i++) {
        sides[i]->version.bytes = arena_str(c->ctx->arena, sides[i]->version.bytes);
    }
    return r;
}

static bool same_content(const struct files_entry *a, const struct files_entry *b)
{
    return a->manifest.length == b->manifest.length &&
           content_hash_eq(&a->manifest.hash, &b->manifest.hash);
}

/* All of it; at most CONTENT_DIFF_MAX_BYTES. */
static int read_all(struct data_context *ctx, const struct files_entry *entry, struct buf *to)
{
    struct files_reader *reader;
    struct str bytes = {.n = 1};
    int r = files_reader_create(ctx, entry, &reader);
    if (r < 0) {
        return r;
    }
    while (r == 0 && bytes.n > 0) {
        r = files_reader_next(reader, &bytes);
        if (r == 0) {
            buf_add(to, bytes);
        }
    }
    files_reader_destroy(reader);
    return r < 0 ? r : to->error;
}

static int compare_content(struct data_context *ctx, struct files_diff *diff)
{
    BUF_AUTO(from, CONTENT_DIFF_MAX_BYTES);
    BUF_AUTO(to, CONTENT_DIFF_MAX_BYTES);
    int r = diff->from_there ? read_all(ctx, &diff->from, &from) : 0;
    if (r == 0 && diff->to_there) {
        r = read_all(ctx, &diff->to, &to);
    }
    if (r < 0) {
        return r;
    }
    r = content_diff(ctx->arena, arena_str(ctx->arena, buf_str(&from)),
                     arena_str(ctx->arena, buf_str(&to)), &diff->lines);
    diff->compared = r == 0                      ? FILES_TEXT
                     : r == ERR_UNSUPPORTED_TYPE ? FILES_BINARY
                                                 : FILES_TOO_LARGE;
    return r == ERR_TOO_LARGE || r == ERR_UNSUPPORTED_TYPE ? 0 : r;
}

static void entry_of(struct data_context *ctx, const struct compare *c, const struct side *side,
                     struct files_entry *ret_entry)
{
    if (side->there) {
        files_entry_from(ctx->arena, &side->version.record, c->in->path, ret_entry);
        ret_entry->bytes = side->version.bytes;
    }
}

int files_diff(struct data_context *ctx, const struct files_diff_input *in,
               struct files_diff *ret_diff)
{
    struct compare c = {.ctx = ctx, .in = in};
    if (in->path.n == 0 || content_path_check(in->path) < 0) {
        return ERR_INVALID;
    }
    int r = store_read(ctx->store, sides_read, &c);
    if (r < 0) {
        return r;
    }
    if (!c.from.there && !c.to.there) {
        return ERR_NOT_FOUND;
    }
    struct files_diff diff = {
        .from_there = c.from.there, .to_there = c.to.there, .compared = FILES_EQUAL};
    entry_of(ctx, &c, &c.from, &diff.from);
    entry_of(ctx, &c, &c.to, &diff.to);
    if (diff.from.size > CONTENT_DIFF_MAX_BYTES || diff.to.size > CONTENT_DIFF_MAX_BYTES) {
        diff.compared = FILES_TOO_LARGE;
    }
    if (diff.from_there && diff.to_there && same_content(&diff.from, &diff.to)) {
        diff.compared = FILES_EQUAL;
    } else if (diff.compared != FILES_TOO_LARGE) {
        r = compare_content(ctx, &diff);
    }
    if (r == 0) {
        *ret_diff = diff;
    }
    return r;
}
