/* Stored chunks and manifest pages: the first byte says which. What is accepted is written again and read alike. */
#include "fuzz.h"

#include "base/assert.h"
#include "base/mem.h"
#include "content/content.h"

static void chunk(struct str bytes)
{
    struct content_codec *codec = content_codec_create();
    struct str plain;
    if (content_decode(codec, bytes, &plain) == 0) {
        ASSERT(plain.n > 0 && plain.n <= CONTENT_CHUNK_MAX);
        MEM_AUTO char *kept = mem_dup(plain.p, plain.n);
        size_t n = plain.n;
        struct str encoded = content_encode(codec, str_of(kept, n));
        MEM_AUTO char *again = mem_dup(encoded.p, encoded.n);
        int r = content_decode(codec, str_of(again, encoded.n), &plain);
        ASSERT(r == 0 && str_eq(plain, str_of(kept, n)));
    }
    content_codec_destroy(codec);
}

static void page(struct str bytes)
{
    MEM_AUTO struct content_page *decoded = MEM_NEW(struct content_page);
    if (content_page_decode(bytes, decoded) == 0) {
        MEM_AUTO char *again = mem_alloc(CONTENT_PAGE_SIZE);
        ASSERT(str_eq(content_page_encode(decoded, again), bytes));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = str_of(data, size);
    if (size > 0 && data[0] == 'p') {
        page(str_slice(all, 1, size));
    } else if (size > 0) {
        chunk(str_slice(all, 1, size));
    }
    return 0;
}
