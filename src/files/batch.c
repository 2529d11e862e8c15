/*
 * Small changes that wait until there are enough of them for one transaction. Each keeps a seq of its own.
 *
 * When one of them is refused, none of its transaction is kept; then each is done in one of its own up to that one. So what
 * comes of it is what single calls would have come to.
 */
#include "files/quota_int.h"

enum {
    BATCH_MAGIC = 0x62617463,
    MOST = 250,              /* changes in a transaction */
    MOST_BYTES = 300 * 1024, /* that it writes, about */
    COST = 800,              /* of a change, its path and content not counted */
};

struct waiting {
    struct files_put_input put;
    struct files_content content; /* not of a folder */
    struct files_item item;       /* length 0: none */
    bool folder;
    uint64_t tag;
};

struct files_batch {
    uint32_t magic;
    struct data_context *ctx;
    struct str session;
    struct files_author author;
    struct content_codec *codec;
    struct arena arena; /* of what waits */
    VEC(struct waiting) waiting;
    size_t bytes;
    usec_t now;
    size_t from, to; /* of what waits: in the transaction in hand */
};

struct files_batch *files_batch_create(struct data_context *ctx, struct str session,
                                       const struct files_author *author)
{
    struct files_batch *b = MEM_NEW(struct files_batch);
    b->magic = BATCH_MAGIC;
    b->ctx = ctx;
    b->session = session;
    b->author = *author;
    b->codec = content_codec_create();
    arena_init(&b->arena);
    return b;
}

void files_batch_destroy(struct files_batch *b)
{
    if (!b) {
        return;
    }
    ASSERT_MAGIC(b, BATCH_MAGIC);
    content_codec_destroy(b->codec);
    VEC_FREE(&b->waiting);
    arena_fini(&b->arena);
    b->magic = 0;
    mem_free(b);
}

/* ---- the transaction ---- */

static int folder_make(struct files_tx *tx, const struct files_put_input *put)
{
    struct files_place *place;
    usec_t time = files_put_time(put, tx->now);
    int r = files_place_make(tx, put->path, &place);
    if (r < 0) {
        return r;
    }
    if (!place->there || place->record.kind != FILES_FOLDER) {
        return files_change_mkdir(tx, place, put->mode < 0 ? 0755 : (uint32_t)put->mode, time);
    }
    if (put->mode < 0 || place->record.mode == (uint32_t)put->mode) {
        tx->seq = --tx->usage.seq; /* nothing was written under it */
    } else {
        files_change_mode(tx, place, (uint32_t)put->mode, time); /* a file in it came before it */
    }
    return 0;
}

static int one_write(struct files_tx *tx, const struct waiting *one)
{
    size_t written = tx->written;
    int r = one->item.length > 0 ? files_item_put(tx, &one->item) : 0;
    tx->written = written; /* content has a bound of its own */
    if (r < 0) {
        return r;
    }
    struct files_write_input write = {.put = &one->put, .content = one->content};
    struct files_edit edit = {.in = &write};
    files_tx_next(tx);
    return one->folder ? folder_make(tx, &one->put) : files_edit_write(tx, &edit);
}

static int batch_write(struct txn *txn, void *arg)
{
    struct files_batch *b = arg;
    struct files_tx tx = {.author = &b->author, .now = b->now, .quota = b->ctx->quota};
    int r = data_still(txn, b->ctx);
    r = r < 0 ? r : files_tx_begin(&tx, txn, &b->ctx->scope, b->session);
    if (r == 0 && tx.forking) {
        r = data_fault(b->ctx, ERR_CONFLICT, NULL, SESSIONS_FORKING_TEXT);
    }
    uint64_t first = tx.usage.seq;
    for (size_t i = b->from; r == 0 && i < b->to; i++) {
        r = one_write(&tx, &b->waiting.at[i]);
    }
    r = r < 0 ? r : files_tx_end(&tx, first);
    return files_quota_refused(b->ctx, &tx, r);
}

static int some_write(struct files_batch *b, size_t from, size_t to)
{
    struct store_op op = store_op_new();
    op.bytes = to - from > 1 ? b->bytes : b->waiting.at[from].item.encoded.n;
    b->from = from;
    b->to = to;
    b->now = time_now();
    return store_write(b->ctx->store, &op, batch_write, b);
}

int files_batch_flush(struct files_batch *b, uint64_t *ret_tag)
{
    ASSERT_MAGIC(b, BATCH_MAGIC);
    size_t n = b->waiting.n;
    int r = n > 0 ? some_write(b, 0, n) : 0;
    bool refused = r < 0 && r != ERR_UNAVAILABLE && r != ERR_TIMEOUT && r != ERR_UNKNOWN_RESULT;
    if (refused && n > 1) {
        b->ctx->fault = (struct data_fault){0};
        r = 0;
        for (size_t i = 0; r == 0 && i < n; i++) {
            r = some_write(b, i, i + 1);
        }
    }
    if (r < 0) {
        *ret_tag = b->waiting.at[b->from].tag;
    }
    b->waiting.n = 0;
    b->bytes = 0;
    arena_reset(&b->arena);
    return r;
}

/* ---- what waits ---- */

static struct waiting *waiting_new(struct files_batch *b, const struct files_put_input *in,
                                   uint64_t tag)
{
    struct waiting one = {.put = *in, .tag = tag};
    one.put.session = b->session;
    one.put.author = b->author;
    one.put.parents = true;
    one.put.path = arena_str(&b->arena, in->path);
    VEC_ADD(&b->waiting, one);
    b->bytes += COST + 2 * in->path.n;
    return &b->waiting.at[b->waiting.n - 1];
}

static void content_take(struct files_batch *b, struct waiting *one, enum files_kind kind,
                         struct str bytes)
{
    struct files_content *content = &one->content;
    content->kind = kind;
    content_hash(bytes, &content->hash);
    content->manifest = (struct content_manifest){.hash = content->hash, .length = bytes.n};
    if (bytes.n <= CONTENT_INLINE_MAX) {
        content->manifest.small = true;
        content->bytes = arena_str(&b->arena, bytes);
        b->bytes += bytes.n;
        return;
    }
    one->item =
        (struct files_item){.hash = content->hash,
                            .encoded = arena_str(&b->arena, content_encode(b->codec, bytes)),
                            .length = (uint32_t)bytes.n};
    b->bytes += one->item.encoded.n;
}

bool files_batch_is_full(const struct files_batch *b)
{
    return b->waiting.n >= MOST || b->bytes >= MOST_BYTES;
}

int files_batch_add(struct files_batch *b, const struct files_batch_input *in)
{
    ASSERT_MAGIC(b, BATCH_MAGIC);
    ASSERT(!files_batch_is_full(b));
    struct str bytes = in->bytes;
    int r = files_input_check(&b->author, in->put->path);
    bool link = in->kind == FILES_SYMLINK;
    if (r < 0 || bytes.n > CONTENT_CHUNK_MAX ||
        (link && (bytes.n == 0 || bytes.n > FILES_MAX_TARGET || memchr(bytes.p, 0, bytes.n)))) {
        return ERR_INVALID;
    }
    struct waiting *one = waiting_new(b, in->put, in->tag);
    one->folder = in->kind == FILES_FOLDER;
    if (!one->folder) {
        content_take(b, one, in->kind, bytes);
    }
    return 0;
}
