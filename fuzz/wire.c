/* Messages of the wire: the first byte says which. What is read can be written, and that reads and writes alike. */
#include "fuzz.h"

#include "base/assert.h"
#include "wire/wire.h"

#define TRY(what, text) \
    do { \
        struct wire_##what first; \
        struct wire_##what second; \
        if (wire_##what##_read(&arena, (text), &first) == 0) { \
            wire_##what##_write(&out, &first); \
            ASSERT(out.error == 0); \
            int r = wire_##what##_read(&arena, buf_str(&out), &second); \
            ASSERT(r == 0); \
            wire_##what##_write(&again, &second); \
            ASSERT(str_eq(buf_str(&out), buf_str(&again))); \
        } \
    } while (0)

static void try_chunks(struct arena *arena, struct str bytes, struct buf *out)
{
    struct wire_chunks chunks;
    if (wire_chunks_read(arena, bytes, &chunks) == 0 && bytes.n <= WIRE_MAX_CHUNK_BYTES) {
        for (size_t i = 0; i < chunks.n; i++) {
            bool added = wire_chunks_add(out, &chunks.at[i]);
            ASSERT(added);
        }
        ASSERT(str_eq(buf_str(out), bytes));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO(arena);
    BUF_AUTO(out, 8 << 20);
    BUF_AUTO(again, 8 << 20);
    struct str text = str_slice(str_of(data, size), 1, size);
    switch (size > 0 ? data[0] : 0) {
    case 'h':
        TRY(hello, text);
        break;
    case 'w':
        TRY(welcome, text);
        break;
    case 'c':
        TRY(hashes, text);
        break;
    case 'b':
        TRY(batch, text);
        break;
    case 'o':
        TRY(outcome, text);
        break;
    case 't':
        TRY(tree, text);
        break;
    case 'e':
        TRY(events, text);
        break;
    case 'g':
        TRY(source, text);
        break;
    case 'n':
        TRY(source_note, text);
        break;
    case 'r':
        TRY(rules, text);
        break;
    case 'k':
        try_chunks(&arena, text, &out);
        break;
    default: {
        struct wire_status status;
        int r = wire_status_read(&arena, text, &status);
        ASSERT(r == 0 || r == ERR_INVALID);
    }
    }
    return 0;
}
