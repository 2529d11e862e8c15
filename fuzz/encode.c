/*
 * Any bytes: through every encoding and back they are the same. Any text: what a decoder accepts is exactly what its encoder
 * writes (but for the case of hexadecimal digits). And what else reads short texts: time, numbers, UTF-8.
 */
#include "base/encode.h"

#include "base/assert.h"
#include "base/time.h"
#include "fuzz.h"

typedef void encoder(struct buf *b, struct str bytes);
typedef int decoder(struct buf *b, struct str text);

enum { MOST = 4 << 20 };

static void round_trip(encoder *encode, decoder *decode, struct str bytes)
{
    BUF_AUTO(text, MOST);
    BUF_AUTO(back, MOST);
    encode(&text, bytes);
    ASSERT(!text.error);
    ASSERT(decode(&back, buf_str(&text)) == 0);
    ASSERT(str_eq(buf_str(&back), bytes));
}

static void from_text(encoder *encode, decoder *decode, struct str text)
{
    BUF_AUTO(bytes, MOST);
    BUF_AUTO(again, MOST);
    if (decode(&bytes, text) < 0) {
        ASSERT(bytes.n == 0);
        return;
    }
    encode(&again, buf_str(&bytes));
    ASSERT(str_eq_nocase(buf_str(&again), text));
    ASSERT(encode == encode_hex || str_eq(buf_str(&again), text));
}

static void short_texts(struct str text)
{
    usec_t t, back;
    if (time_parse(text, &t) == 0) {
        char written[25];
        ASSERT(time_parse(time_str(written, t), &back) == 0);
        ASSERT(back == t - t % USEC_PER_MS);
    }
    uint64_t number;
    if (str_u64(text, 1000, &number) == 0) {
        ASSERT(number <= 1000);
    }
    struct str part;
    size_t bytes = 0;
    size_t parts = 0;
    struct str rest = text;
    for (; str_split(&rest, ',', &part); parts++) {
        ASSERT(str_find(part, ',', 0) == part.n);
        bytes += part.n;
    }
    ASSERT(text.p == NULL || bytes + parts == text.n + 1);
    (void)str_is_utf8(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        encoder *encode;
        decoder *decode;
    } pairs[] = {
        {encode_hex, encode_unhex},
        {encode_base64, encode_unbase64},
        {encode_base64url, encode_unbase64url},
    };
    struct str input = str_of(data, size);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        round_trip(pairs[i].encode, pairs[i].decode, input);
        from_text(pairs[i].encode, pairs[i].decode, input);
    }
    short_texts(input);
    return 0;
}
