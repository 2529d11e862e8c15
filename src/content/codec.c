/*
 * The stored form of a chunk: one byte of kind, then the bytes, plain or as one zstd frame (RFC 8878).
 *
 * What only one direction needs is made when that direction is first used: a save compresses one small chunk, and memory
 * that is cleared for nothing would cost it more than all the rest.
 *
 * Invariants:
 * 1. Decoding never writes more than CONTENT_CHUNK_MAX bytes, whatever the frame claims: it goes into a buffer of that size.
 * 2. The hash is of the plain bytes; the same chunk may be stored in either form.
 */
#include "content/content.h"

#include <zstd.h>

#include "base/assert.h"
#include "base/mem.h"

enum {
    CODEC_MAGIC = 0x636f6465,
    KIND_PLAIN = 0,
    KIND_ZSTD = 1,
    LEVEL =
        1, /* of zstd: faster than the disk; higher levels win a few percent on chunks this small */
};

struct content_codec {
    uint32_t magic;
    ZSTD_CCtx *compress; /* with encoded: NULL until something is encoded */
    ZSTD_DCtx *decompress;
    char *encoded; /* CONTENT_ENCODED_MAX */
    char *plain;   /* CONTENT_CHUNK_MAX; NULL until something is decoded */
};

struct content_codec *content_codec_create(void)
{
    struct content_codec *c = MEM_NEW(struct content_codec);
    c->magic = CODEC_MAGIC;
    return c;
}

void content_codec_destroy(struct content_codec *c)
{
    if (!c) {
        return;
    }
    ASSERT_MAGIC(c, CODEC_MAGIC);
    ZSTD_freeCCtx(c->compress);
    ZSTD_freeDCtx(c->decompress);
    mem_free(c->encoded);
    mem_free(c->plain);
    c->magic = 0;
    mem_free(c);
}

static void need_encoder(struct content_codec *c)
{
    if (!c->compress) {
        c->compress = ZSTD_createCCtx();
        ASSERT(c->compress);
        c->encoded = mem_grow(NULL, CONTENT_ENCODED_MAX);
    }
}

static void need_decoder(struct content_codec *c)
{
    if (!c->decompress) {
        c->decompress = ZSTD_createDCtx();
        ASSERT(c->decompress);
        c->plain = mem_grow(NULL, CONTENT_CHUNK_MAX);
    }
}

struct str content_encode(struct content_codec *c, struct str plain)
{
    ASSERT_MAGIC(c, CODEC_MAGIC);
    ASSERT(plain.n > 0 && plain.n <= CONTENT_CHUNK_MAX);
    need_encoder(c);
    /* One byte less room than plain: a frame that does not fit does not help. */
    size_t n = ZSTD_compressCCtx(c->compress, c->encoded + 1, plain.n - 1, plain.p, plain.n, LEVEL);
    if (!ZSTD_isError(n)) {
        c->encoded[0] = KIND_ZSTD;
        return str_of(c->encoded, n + 1);
    }
    c->encoded[0] = KIND_PLAIN;
    memcpy(c->encoded + 1, plain.p, plain.n);
    return str_of(c->encoded, plain.n + 1);
}

int content_decode(struct content_codec *c, struct str encoded, struct str *ret_plain)
{
    ASSERT_MAGIC(c, CODEC_MAGIC);
    if (encoded.n < 2 || encoded.n > CONTENT_ENCODED_MAX) {
        return ERR_CORRUPT;
    }
    need_decoder(c);
    struct str body = str_slice(encoded, 1, encoded.n);
    if (encoded.p[0] == KIND_PLAIN) {
        memcpy(c->plain, body.p, body.n);
        *ret_plain = str_of(c->plain, body.n);
        return 0;
    }
    if (encoded.p[0] != KIND_ZSTD) {
        return ERR_CORRUPT;
    }
    size_t n = ZSTD_decompressDCtx(c->decompress, c->plain, CONTENT_CHUNK_MAX, body.p, body.n);
    if (ZSTD_isError(n) || n == 0) {
        return ERR_CORRUPT;
    }
    *ret_plain = str_of(c->plain, n);
    return 0;
}

int content_decode_checked(struct content_codec *c, struct str encoded,
                           const struct content_hash *hash, struct str *ret_plain)
{
    struct str plain;
    int r = content_decode(c, encoded, &plain);
    if (r < 0) {
        return r;
    }
    struct content_hash found;
    content_hash(plain, &found);
    if (!content_hash_eq(&found, hash)) {
        return ERR_CORRUPT;
    }
    *ret_plain = plain;
    return 0;
}
