/*
 * Frames: the one form in which a backup's bytes lie anywhere. The hash is of what is said (type and plain bytes), so that a
 * block has the same hash wherever it lies and however well it was compressed.
 *
 * 1. Nothing of a frame is used before its hash was found right.
 * 2. No length that a file claims is believed beyond BACKUP_FRAME_MOST.
 */
#include <zstd.h>

#include "backup/backup_int.h"
#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

enum { WRITER_BUFFER = 1 << 20, LEVEL = 1 };

static const char magic[16] = "coditect backup\n";

void backup_put(struct buf *b, unsigned bytes, uint64_t value)
{
    for (unsigned i = bytes; i > 0; i--) {
        buf_byte(b, (char)(value >> (8 * (i - 1))));
    }
}

bool backup_take_str(struct str *rest, uint64_t n, struct str *ret_s)
{
    if (n > rest->n) {
        return false;
    }
    *ret_s = str_of(rest->p, n);
    *rest = str_of(rest->p + n, rest->n - n);
    return true;
}

bool backup_take(struct str *rest, unsigned bytes, uint64_t *ret_value)
{
    struct str s;
    if (!backup_take_str(rest, bytes, &s)) {
        return false;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | (uint8_t)s.p[i];
    }
    *ret_value = value;
    return true;
}

void backup_frame_hash(struct backup_frame *frame)
{
    struct content_hasher *h = content_hasher_create();
    char type = (char)frame->type;
    content_hasher_add(h, str_of(&type, 1));
    content_hasher_add(h, frame->plain);
    content_hasher_end(h, &frame->hash);
    content_hasher_destroy(h);
}

/* ---- Writing ---- */

struct backup_writer {
    struct backup_output to;
    uint64_t bytes; /* with what is buffered */
    struct buf buffer;
    ZSTD_CCtx *zstd;
};

int backup_write_fd(void *fd, struct str bytes)
{
    return fd_write_all(*(const int *)fd, bytes);
}

struct backup_writer *backup_writer_create(const struct backup_output *to)
{
    struct backup_writer *w = MEM_NEW(struct backup_writer);
    w->to = *to;
    w->zstd = ZSTD_createCCtx();
    ASSERT(w->zstd);
    buf_init(&w->buffer, 2 * WRITER_BUFFER + BACKUP_FRAME_MOST);
    return w;
}

void backup_writer_destroy(struct backup_writer *w)
{
    if (w) {
        ZSTD_freeCCtx(w->zstd);
        buf_fini(&w->buffer);
        mem_free(w);
    }
}

int backup_writer_flush(struct backup_writer *w)
{
    int r = w->to.write(w->to.ctx, buf_str(&w->buffer));
    buf_clear(&w->buffer);
    return r;
}

static int written(struct backup_writer *w, size_t before)
{
    ASSERT(w->buffer.error == 0);
    w->bytes += w->buffer.n - before;
    return w->buffer.n >= WRITER_BUFFER ? backup_writer_flush(w) : 0;
}

int backup_writer_header(struct backup_writer *w, enum backup_kind kind, uint64_t pack)
{
    size_t before = w->buffer.n;
    buf_add(&w->buffer, str_of(magic, sizeof magic));
    backup_put(&w->buffer, 4, BACKUP_VERSION);
    backup_put(&w->buffer, 4, kind);
    backup_put(&w->buffer, 8, pack);
    return written(w, before);
}

int backup_writer_frame(struct backup_writer *w, const struct backup_frame *frame,
                        struct backup_place *ret_place)
{
    ASSERT(frame->plain.n > 0 && frame->plain.n <= BACKUP_FRAME_MOST);
    size_t before = w->buffer.n;
    size_t n = frame->plain.n;
    char *room = buf_reserve(&w->buffer, BACKUP_FRAME_HEAD + n);
    ASSERT(room != NULL);
    size_t packed =
        ZSTD_compressCCtx(w->zstd, room + BACKUP_FRAME_HEAD, n - 1, frame->plain.p, n, LEVEL);
    bool plain = ZSTD_isError(packed); /* does not fit: it does not help */
    backup_put(&w->buffer, 4, frame->type);
    backup_put(&w->buffer, 4, plain ? n : packed);
    backup_put(&w->buffer, 4, n);
    buf_add(&w->buffer, content_hash_str(&frame->hash));
    if (plain) {
        buf_add(&w->buffer, frame->plain);
    } else {
        buf_commit(&w->buffer, packed);
    }
    *ret_place =
        (struct backup_place){.offset = w->bytes, .size = (uint32_t)(w->buffer.n - before)};
    return written(w, before);
}

uint64_t backup_writer_bytes(const struct backup_writer *w)
{
    return w->bytes;
}

/* ---- Reading ---- */

ssize_t backup_read_fd(void *fd, uint64_t offset, char *to, size_t n)
{
    (void)offset; /* it is read from where it stands */
    return fd_read_full(*(const int *)fd, to, n);
}

void backup_reader_init(struct backup_reader *r, const struct backup_input *from, const char *name)
{
    *r = (struct backup_reader){.from = *from, .name = name};
    buf_init(&r->stored, BACKUP_FRAME_MOST);
    buf_init(&r->plain, BACKUP_FRAME_MOST);
}

void backup_reader_fini(struct backup_reader *r)
{
    buf_fini(&r->stored);
    buf_fini(&r->plain);
}

static ssize_t read_at(struct backup_reader *r, char *to, size_t n)
{
    return r->from.read(r->from.ctx, r->offset, to, n);
}

static int take(struct backup_reader *r, char *to, size_t n)
{
    ssize_t got = read_at(r, to, n);
    if (got < 0) {
        return log_err((int)got, "backup", "%s cannot be read at byte %llu", r->name,
                       (unsigned long long)r->offset);
    }
    if ((size_t)got < n) {
        return log_err(ERR_CORRUPT, "backup",
                       "%s ends at byte %llu, before its end: it was cut off", r->name,
                       (unsigned long long)r->offset + (size_t)got);
    }
    r->offset += n;
    return 0;
}

int backup_reader_header(struct backup_reader *r, enum backup_kind *ret_kind, uint64_t *ret_pack)
{
    char bytes[BACKUP_HEADER] = {0};
    ssize_t got = read_at(r, bytes, sizeof bytes);
    if (got < 0) {
        return log_err((int)got, "backup", "%s cannot be read", r->name);
    }
    size_t n = (size_t)got < sizeof magic ? (size_t)got : sizeof magic;
    if (n == 0 || memcmp(bytes, magic, n) != 0) {
        return log_err(ERR_INVALID, "backup", "%s is no backup of Coditect", r->name);
    }
    if ((size_t)got < sizeof bytes) {
        return log_err(ERR_CORRUPT, "backup", "%s ends in its first line: it was cut off", r->name);
    }
    struct str rest = str_of(bytes + sizeof magic, sizeof bytes - sizeof magic);
    uint64_t version = 0, kind = 0;
    bool whole = backup_take(&rest, 4, &version) && backup_take(&rest, 4, &kind) &&
                 backup_take(&rest, 8, ret_pack);
    if (version > BACKUP_VERSION) {
        return log_err(ERR_INVALID, "backup",
                       "%s has version %llu, this program knows %d: use a newer program", r->name,
                       (unsigned long long)version, BACKUP_VERSION);
    }
    if (!whole || version == 0 || kind < BACKUP_PACK || kind > BACKUP_STREAM) {
        return log_err(ERR_CORRUPT, "backup", "%s is damaged in its first line", r->name);
    }
    r->offset += sizeof bytes;
    *ret_kind = (enum backup_kind)kind;
    return 0;
}

/* plain: n bytes that stored gives. */
static bool unpack(struct str stored, char *plain, size_t n)
{
    if (stored.n == n) {
        memcpy(plain, stored.p, n);
        return true;
    }
    size_t got = ZSTD_decompress(plain, n, stored.p, stored.n);
    return !ZSTD_isError(got) && got == n;
}

static int damaged(const struct backup_reader *r, uint64_t offset)
{
    return log_err(ERR_CORRUPT, "backup", "%s is damaged behind byte %llu", r->name,
                   (unsigned long long)offset);
}

int backup_reader_next(struct backup_reader *r, struct backup_frame *ret_frame)
{
    char head[BACKUP_FRAME_HEAD];
    uint64_t offset = r->offset;
    int e = take(r, head, sizeof head);
    if (e) {
        return e;
    }
    struct str rest = str_of(head, sizeof head);
    uint64_t type = 0, stored = 0, plain = 0;
    bool got = backup_take(&rest, 4, &type) && backup_take(&rest, 4, &stored) &&
               backup_take(&rest, 4, &plain);
    if (!got || plain == 0 || plain > BACKUP_FRAME_MOST || stored == 0 || stored > plain) {
        return damaged(r, offset);
    }
    buf_clear(&r->stored);
    buf_clear(&r->plain);
    char *from = buf_reserve(&r->stored, stored);
    char *to = buf_reserve(&r->plain, plain);
    ASSERT(from != NULL && to != NULL);
    e = take(r, from, stored);
    if (e) {
        return e;
    }
    struct backup_frame frame = {.type = (enum backup_type)type, .plain = str_of(to, plain)};
    if (!unpack(str_of(from, stored), to, plain)) {
        return damaged(r, offset);
    }
    backup_frame_hash(&frame);
    if (!str_eq(content_hash_str(&frame.hash), rest)) {
        return damaged(r, offset);
    }
    *ret_frame = frame;
    return 0;
}
