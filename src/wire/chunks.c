/* Chunks in their stored form, many in a message: of each its hash, the length of the form in 4 bytes (big endian), the form. */
#include "wire/wire_int.h"

enum { HEAD = CONTENT_HASH_SIZE + 4 };

bool wire_chunks_add(struct buf *out, const struct wire_chunk *chunk)
{
    ASSERT(chunk->encoded.n > 0 && chunk->encoded.n <= CONTENT_ENCODED_MAX);
    if (out->n + HEAD + chunk->encoded.n > WIRE_MAX_CHUNK_BYTES) {
        return false;
    }
    uint32_t n = (uint32_t)chunk->encoded.n;
    const uint8_t length[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                               (uint8_t)n};
    buf_add(out, content_hash_str(&chunk->hash));
    buf_add(out, str_of(length, sizeof length));
    buf_add(out, chunk->encoded);
    return true;
}

static int read_one(struct str bytes, struct wire_chunk *ret_chunk)
{
    if (bytes.n < HEAD) {
        return ERR_INVALID;
    }
    const uint8_t *at = (const uint8_t *)bytes.p + CONTENT_HASH_SIZE;
    uint32_t n = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    if (n == 0 || n > CONTENT_ENCODED_MAX || n > bytes.n - HEAD) {
        return ERR_INVALID;
    }
    memcpy(ret_chunk->hash.bytes, bytes.p, CONTENT_HASH_SIZE);
    ret_chunk->encoded = str_slice(bytes, HEAD, HEAD + n);
    return 0;
}

int wire_chunks_read(struct arena *arena, struct str bytes, struct wire_chunks *ret_chunks)
{
    struct wire_chunks chunks = {.at = ARENA_ARRAY(arena, struct wire_chunk, WIRE_MAX_CHUNKS)};
    while (bytes.n > 0) {
        struct wire_chunk *chunk = &chunks.at[chunks.n];
        if (chunks.n == WIRE_MAX_CHUNKS || read_one(bytes, chunk) < 0) {
            return ERR_INVALID;
        }
        chunks.n++;
        bytes = str_slice(bytes, HEAD + chunk->encoded.n, bytes.n);
    }
    *ret_chunks = chunks;
    return 0;
}
