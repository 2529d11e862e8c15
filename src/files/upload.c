/*
 * A streamed upload: cut, hash and compress here, on the caller's thread; chunks and pages go to the store in transactions
 * of their own of at most about FILES_FLUSH_BYTES; what is left at the end goes with the one transaction that makes the file
 * visible. So a file of up to half a megabyte costs one commit.
 *
 * What is all here and one chunk at most (a save, as a rule) takes a short way: no cutter, no builder, one hash for file and
 * chunk, and no look before the transaction, which asks the same.
 *
 * What is more than the quota has room for is refused as soon as so much has come, whether or not its length was said: content is
 * in the store before anything names it, and until it is collected. How much of it the store would get anew, which the limit of all
 * that a tenant has there is about (held.c), nobody knows before it has come: that is asked of each transaction.
 *
 * Memory: the cutter 256 KiB, the builder 170 KiB, the codec about 1 MiB, waiting items FILES_FLUSH_BYTES and some pages.
 */
#include "files/quota_int.h"

enum { UPLOAD_MAGIC = 0x75706c6f };

struct files_upload {
    uint32_t magic;
    struct data_context *ctx;
    struct files_put_input in;
    struct content_cutter *cutter;
    struct content_hasher *hasher;
    struct content_codec *codec;
    struct content_builder *builder;
    struct arena arena; /* of the waiting items */
    VEC(struct files_item) items;
    size_t item_bytes;
    uint64_t length;
    struct files_room room;
};

/* ---- what can be known before the first byte ---- */

struct look {
    struct data_context *ctx;
    const struct files_put_input *in;
    struct files_room room; /* result */
};

static int look_read(struct txn *txn, void *arg)
{
    struct look *look = arg;
    const struct files_put_input *in = look->in;
    struct files_tx tx = {.quota = look->ctx->quota};
    struct files_place *place;
    int r = files_tx_begin(&tx, txn, &look->ctx->scope, in->session);
    r = r < 0 ? r : files_quota_room(&tx, /* there= */ 0, &look->room);
    if (r < 0) {
        return r;
    }
    r = files_place_find(&tx, in->path, &place);
    if (r == ERR_NOT_FOUND && in->parents) {
        return in->match.version ? ERR_PRECONDITION : 0;
    }
    if (r == 0 && place->there && place->record.kind == FILES_FOLDER) {
        return ERR_IS_DIRECTORY;
    }
    r = r < 0 ? r : files_match_check(&in->match, place);
    return r < 0 || !place->there
               ? r
               : files_quota_room(&tx, place->record.manifest.length, &look->room);
}

/* ERR_QUOTA: a file of this length would not be taken. The transaction that makes it visible decides of what is. */
static int room_check(struct data_context *ctx, const struct files_room *room, uint64_t length)
{
    return length > room->bytes ? data_fault(ctx, ERR_QUOTA, NULL, room->text) : 0;
}

/* ---- waiting items ---- */

struct flush {
    const struct files_upload *upload;
    usec_t now;
};

static int flush_write(struct txn *txn, void *arg)
{
    struct flush *flush = arg;
    const struct files_upload *u = flush->upload;
    struct files_tx tx = {.txn = txn,
                          .arena = store_arena(txn),
                          .scope = &u->ctx->scope,
                          .quota = u->ctx->quota,
                          .now = flush->now};
    int r = 0;
    for (size_t i = 0; r == 0 && i < u->items.n; i++) {
        r = files_item_put(&tx, &u->items.at[i]);
    }
    return files_quota_refused(u->ctx, &tx, r);
}

static void items_drop(struct files_upload *u)
{
    u->items.n = 0;
    u->item_bytes = 0;
    arena_reset(&u->arena);
}

static int flush(struct files_upload *u)
{
    struct flush flush = {u, time_now()};
    struct store_op op = store_op_new();
    op.bytes = u->item_bytes;
    int r = store_write(u->ctx->store, &op, flush_write, &flush);
    if (r == 0) {
        items_drop(u);
    }
    return r;
}

static int item_add(struct files_upload *u, struct files_item item)
{
    size_t cost = files_item_cost(&item);
    if (u->item_bytes > 0 && u->item_bytes + cost > FILES_FLUSH_BYTES) {
        int r = flush(u);
        if (r < 0) {
            return r;
        }
    }
    item.encoded = arena_str(&u->arena, item.encoded);
    if (item.page) {
        struct content_page *page = ARENA_NEW(&u->arena, struct content_page);
        *page = *item.page;
        item.page = page;
    }
    VEC_ADD(&u->items, item);
    u->item_bytes += cost;
    return 0;
}

static int page_made(void *ctx, const struct content_hash *hash, const struct content_page *page,
                     struct str bytes)
{
    struct files_upload *u = ctx;
    struct str encoded = content_encode(u->codec, bytes);
    return item_add(u, (struct files_item){*hash, encoded, (uint32_t)bytes.n, page});
}

static int piece_made(struct files_upload *u, struct str piece)
{
    struct content_ref ref = {.length = piece.n};
    content_hash(piece, &ref.hash);
    int r = item_add(
        u, (struct files_item){ref.hash, content_encode(u->codec, piece), (uint32_t)piece.n, NULL});
    return r < 0 ? r : content_builder_add(u->builder, &ref);
}

/* ---- the calls ---- */

int files_upload_create(struct data_context *ctx, const struct files_put_input *in,
                        struct files_upload **ret_upload)
{
    int r = files_input_check(&in->author, in->path);
    if (r < 0) {
        return r;
    }
    if (in->expected > 0 && (uint64_t)in->expected > CONTENT_MAX_FILE) {
        return ERR_TOO_LARGE;
    }
    struct look look = {.ctx = ctx, .in = in};
    r = store_read(ctx->store, look_read, &look);
    if (r == 0 && in->expected > 0) {
        r = room_check(ctx, &look.room, (uint64_t)in->expected);
    }
    if (r < 0) {
        return r;
    }
    struct files_upload *u = MEM_NEW(struct files_upload);
    u->magic = UPLOAD_MAGIC;
    u->ctx = ctx;
    u->in = *in;
    u->room = look.room;
    u->cutter = content_cutter_create();
    u->hasher = content_hasher_create();
    u->codec = content_codec_create();
    u->builder = content_builder_create(page_made, u);
    arena_init(&u->arena);
    *ret_upload = u;
    return 0;
}

void files_upload_destroy(struct files_upload *u)
{
    if (!u) {
        return;
    }
    ASSERT_MAGIC(u, UPLOAD_MAGIC);
    content_cutter_destroy(u->cutter);
    content_hasher_destroy(u->hasher);
    content_codec_destroy(u->codec);
    content_builder_destroy(u->builder);
    VEC_FREE(&u->items);
    arena_fini(&u->arena);
    u->magic = 0;
    mem_free(u);
}

int files_upload_write(struct files_upload *u, struct str bytes)
{
    ASSERT_MAGIC(u, UPLOAD_MAGIC);
    if (bytes.n > CONTENT_MAX_FILE - u->length) {
        return ERR_TOO_LARGE;
    }
    int fits = room_check(u->ctx, &u->room, u->length + bytes.n);
    if (fits < 0) {
        return fits;
    }
    content_hasher_add(u->hasher, bytes);
    u->length += bytes.n;
    while (bytes.n > 0) {
        size_t room;
        char *to = content_cutter_room(u->cutter, &room);
        size_t n = bytes.n < room ? bytes.n : room;
        memcpy(to, bytes.p, n);
        content_cutter_filled(u->cutter, n);
        bytes = str_slice(bytes, n, bytes.n);
        struct str piece;
        while (content_cutter_next(u->cutter, &piece)) {
            int r = piece_made(u, piece);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

/* What is left in the cutter, and the manifest of all. */
static int content_end(struct files_upload *u, struct files_content *ret_content)
{
    struct files_content content = {.kind = FILES_FILE};
    struct str piece = STR_EMPTY;
    content_hasher_end(u->hasher, &content.hash);
    content_cutter_end(u->cutter);
    bool some = content_cutter_next(u->cutter, &piece);
    if (u->length <= CONTENT_INLINE_MAX) {
        content.manifest =
            (struct content_manifest){.hash = content.hash, .length = u->length, .small = true};
        content.bytes = piece;
        *ret_content = content;
        return 0;
    }
    for (; some; some = content_cutter_next(u->cutter, &piece)) {
        int r = piece_made(u, piece);
        if (r < 0) {
            return r;
        }
    }
    int r = content_builder_end(u->builder, &content.manifest);
    if (r == 0) {
        *ret_content = content;
    }
    return r;
}

/* What is left of the content goes with the transaction that makes the file visible. */
static int commit(struct files_edit *edit, const struct files_put_input *in,
                  struct files_write_input *write, struct files_entry *ret_entry)
{
    write->put = in;
    edit->session = in->session;
    edit->author = &in->author;
    edit->step = files_edit_write;
    edit->in = write;
    int r = files_edit(edit);
    if (r == 0) {
        files_entry_from(edit->ctx->arena, &edit->record, in->path, ret_entry);
    }
    return r;
}

int files_upload_commit(struct files_upload *u, struct files_entry *ret_entry)
{
    ASSERT_MAGIC(u, UPLOAD_MAGIC);
    if (u->in.expected >= 0 && (uint64_t)u->in.expected != u->length) {
        return ERR_INVALID;
    }
    struct files_write_input write = {0};
    int r = content_end(u, &write.content);
    if (r < 0) {
        return r;
    }
    struct files_edit edit = {
        .ctx = u->ctx,
        .items = u->items.at,
        .item_count = u->items.n,
        .bytes = u->item_bytes,
    };
    return commit(&edit, &u->in, &write, ret_entry);
}

static int put_upload(struct data_context *ctx, const struct files_put_input *in, struct str bytes,
                      struct files_entry *ret_entry)
{
    struct files_upload *u = NULL;
    int r = files_upload_create(ctx, in, &u);
    if (r == 0) {
        r = files_upload_write(u, bytes);
    }
    if (r == 0) {
        r = files_upload_commit(u, ret_entry);
    }
    files_upload_destroy(u);
    return r;
}

static int put_chunk(struct data_context *ctx, const struct files_put_input *in, struct str bytes,
                     struct files_entry *ret_entry)
{
    struct files_write_input write = {.content.kind = FILES_FILE};
    struct files_content *content = &write.content;
    content_hash(bytes, &content->hash);
    content->manifest = (struct content_manifest){.hash = content->hash, .length = bytes.n};
    struct files_edit edit = {.ctx = ctx};
    if (bytes.n <= CONTENT_INLINE_MAX) {
        content->manifest.small = true;
        content->bytes = bytes;
        return commit(&edit, in, &write, ret_entry);
    }
    struct content_codec *codec = content_codec_create();
    struct files_item item = {.hash = content->hash,
                              .encoded = content_encode(codec, bytes),
                              .length = (uint32_t)bytes.n};
    edit.items = &item;
    edit.item_count = 1;
    edit.bytes = files_item_cost(&item);
    int r = commit(&edit, in, &write, ret_entry);
    content_codec_destroy(codec);
    return r;
}

int files_put(struct data_context *ctx, const struct files_put_input *in, struct str bytes,
              struct files_entry *ret_entry)
{
    bool expected = in->expected < 0 || (uint64_t)in->expected == bytes.n;
    if (bytes.n > CONTENT_CHUNK_MAX || !expected) {
        return put_upload(ctx, in, bytes, ret_entry);
    }
    int r = files_input_check(&in->author, in->path);
    return r < 0 ? r : put_chunk(ctx, in, bytes, ret_entry);
}
