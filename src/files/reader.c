/*
 * Reading a version: from the manifest down to one chunk at a time. Pages on the way are kept until another is needed, so
 * a whole file reads each page once. All content is immutable: later changes do not show.
 */
#include "files/files_int.h"

enum { READER_MAGIC = 0x72656164 };

struct frame {                 /* a page on the way, by its level */
    struct content_page *page; /* NULL: none yet */
    struct content_hash hash;
};

struct files_reader {
    uint32_t magic;
    struct data_context *ctx;
    struct content_manifest manifest;
    char *small; /* the bytes of a small file */
    uint64_t offset;
    struct content_codec *codec;
    struct buf encoded;
    struct frame frames[CONTENT_MAX_LEVELS]; /* [n]: of level n + 1 */
};

struct open {
    struct data_context *ctx;
    const struct files_open_input *in;
    struct files_past_version version;
};

int files_version_open(struct files_tx *tx, const struct files_open_input *in,
                       struct files_past_version *ret_version)
{
    if (in->version) {
        return files_version_find(tx, in->path, in->version, ret_version);
    }
    uint64_t at = in->at ? in->at : FILES_NOW;
    int r = at == FILES_NOW ? 0 : files_moment_settle(tx, &at);
    if (r == 0 && at != FILES_NOW && at > tx->usage.seq) {
        r = ERR_NOT_FOUND;
    }
    struct files_record record;
    r = r < 0 ? r : files_record_at(tx, in->path, at, &record);
    if (r < 0) {
        return r == ERR_NOT_DIRECTORY ? ERR_NOT_FOUND : r;
    }
    *ret_version = (struct files_past_version){.record = record};
    if (!record.manifest.small) {
        return 0;
    }
    return files_version_of(tx, &record, ret_version);
}

static int open_read(struct txn *txn, void *arg)
{
    struct open *open = arg;
    struct files_tx tx = {0};
    int r = files_tx_begin(&tx, txn, &open->ctx->scope, open->in->session);
    if (r == 0) {
        r = files_version_open(&tx, open->in, &open->version);
    }
    if (r == 0 && open->version.record.kind == FILES_FOLDER) {
        r = ERR_IS_DIRECTORY;
    }
    if (r == 0) {
        open->version.bytes = arena_str(open->ctx->arena, open->version.bytes);
    }
    return r;
}

static bool small_is_right(struct str bytes, const struct content_hash *expected)
{
    struct content_hash hash;
    content_hash(bytes, &hash);
    return content_hash_eq(&hash, expected);
}

int files_reader_create(struct data_context *ctx, const struct files_entry *entry,
                        struct files_reader **ret_reader)
{
    const struct content_manifest *manifest = &entry->manifest;
    if (manifest->small && !small_is_right(entry->bytes, &entry->hash)) {
        return ERR_CORRUPT;
    }
    struct files_reader *reader = MEM_NEW(struct files_reader);
    reader->magic = READER_MAGIC;
    reader->ctx = ctx;
    reader->manifest = *manifest;
    buf_init(&reader->encoded, CONTENT_ENCODED_MAX);
    if (manifest->small) {
        reader->small = mem_dup(entry->bytes.p, entry->bytes.n);
    } else {
        reader->codec = content_codec_create();
    }
    *ret_reader = reader;
    return 0;
}

int files_reader_open(struct data_context *ctx, const struct files_open_input *in,
                      struct files_reader **ret_reader, struct files_entry *ret_entry)
{
    if (content_path_check(in->path) < 0) {
        return ERR_INVALID;
    }
    struct open open = {.ctx = ctx, .in = in};
    int r = store_read(ctx->store, open_read, &open);
    if (r < 0) {
        return r;
    }
    struct files_entry entry;
    files_entry_from(ctx->arena, &open.version.record, in->path, &entry);
    entry.bytes = open.version.bytes;
    r = files_reader_create(ctx, &entry, ret_reader);
    if (r == 0) {
        *ret_entry = entry;
    }
    return r;
}

void files_reader_destroy(struct files_reader *reader)
{
    if (!reader) {
        return;
    }
    ASSERT_MAGIC(reader, READER_MAGIC);
    content_codec_destroy(reader->codec);
    buf_fini(&reader->encoded);
    mem_free(reader->small);
    for (size_t i = 0; i < CONTENT_MAX_LEVELS; i++) {
        mem_free(reader->frames[i].page);
    }
    reader->magic = 0;
    mem_free(reader);
}

int files_reader_seek(struct files_reader *reader, uint64_t offset)
{
    ASSERT_MAGIC(reader, READER_MAGIC);
    if (offset > reader->manifest.length) {
        return ERR_RANGE;
    }
    reader->offset = offset;
    return 0;
}

static int fetch(struct files_reader *reader, const struct content_hash *hash,
                 struct str *ret_plain)
{
    struct files_fetch fetch = {reader->ctx, reader->codec, &reader->encoded};
    return files_fetch(&fetch, hash, ret_plain);
}

/* The page of this hash and level into its frame; it covers length bytes. */
static int page_load(struct files_reader *reader, const struct content_ref *ref, unsigned level)
{
    struct frame *frame = &reader->frames[level - 1];
    if (frame->page && content_hash_eq(&frame->hash, &ref->hash)) {
        return 0;
    }
    struct str bytes;
    int r = fetch(reader, &ref->hash, &bytes);
    if (r < 0) {
        return r;
    }
    if (!frame->page) {
        frame->page = MEM_NEW(struct content_page);
    }
    frame->hash = (struct content_hash){0};
    r = content_page_decode(bytes, frame->page);
    if (r < 0 || frame->page->level != level || frame->page->length != ref->length) {
        return ERR_CORRUPT;
    }
    frame->hash = ref->hash;
    return 0;
}

/* The chunk that holds the offset, and where it starts in the file. */
static int chunk_find(struct files_reader *reader, struct content_ref *ret_ref, uint64_t *ret_start)
{
    struct content_ref ref = {reader->manifest.hash, reader->manifest.length};
    uint64_t start = 0;
    for (unsigned level = reader->manifest.levels; level > 0; level--) {
        int r = page_load(reader, &ref, level);
        if (r < 0) {
            return r;
        }
        const struct content_page *page = reader->frames[level - 1].page;
        size_t i = 0;
        while (reader->offset - start >= page->refs[i].length) {
            start += page->refs[i++].length;
            ASSERT(i < page->count);
        }
        ref = page->refs[i];
    }
    *ret_ref = ref;
    *ret_start = start;
    return 0;
}

int files_reader_next(struct files_reader *reader, struct str *ret_bytes)
{
    ASSERT_MAGIC(reader, READER_MAGIC);
    uint64_t length = reader->manifest.length;
    if (reader->offset == length) {
        *ret_bytes = STR_EMPTY;
        return 0;
    }
    if (reader->small) {
        *ret_bytes = str_of(reader->small + reader->offset, length - reader->offset);
        reader->offset = length;
        return 0;
    }
    struct content_ref ref;
    uint64_t start;
    struct str plain;
    int r = chunk_find(reader, &ref, &start);
    if (r == 0) {
        r = fetch(reader, &ref.hash, &plain);
    }
    if (r < 0) {
        return r;
    }
    if (plain.n != ref.length) {
        return ERR_CORRUPT;
    }
    *ret_bytes = str_slice(plain, reader->offset - start, plain.n);
    reader->offset = start + plain.n;
    return 0;
}
