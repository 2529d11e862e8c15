/* SHA-256 by OpenSSL's EVP, which takes the processor's own instructions where there are any. */
#include "content/content.h"

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/mem.h"

enum { HASHER_MAGIC = 0x68617368 };

struct content_hasher {
    uint32_t magic;
    EVP_MD_CTX *ctx;
};

void content_hash(struct str bytes, struct content_hash *ret_hash)
{
    unsigned size = 0;
    int ok = EVP_Digest(bytes.p, bytes.n, ret_hash->bytes, &size, EVP_sha256(), NULL);
    ASSERT(ok == 1 && size == CONTENT_HASH_SIZE);
}

void content_hash_text(const struct content_hash *h, char ret_text[static CONTENT_HASH_TEXT + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < CONTENT_HASH_SIZE; i++) {
        ret_text[2 * i] = digits[h->bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[h->bytes[i] & 15];
    }
    ret_text[CONTENT_HASH_TEXT] = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int content_hash_parse(struct str text, struct content_hash *ret_hash)
{
    struct content_hash hash;
    if (text.n != CONTENT_HASH_TEXT) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < CONTENT_HASH_SIZE; i++) {
        int high = digit_value(text.p[2 * i]);
        int low = digit_value(text.p[2 * i + 1]);
        if (high < 0 || low < 0) {
            return ERR_INVALID;
        }
        hash.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *ret_hash = hash;
    return 0;
}

static void hasher_start(struct content_hasher *h)
{
    int ok = EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL);
    ASSERT(ok == 1);
}

struct content_hasher *content_hasher_create(void)
{
    struct content_hasher *h = MEM_NEW(struct content_hasher);
    h->magic = HASHER_MAGIC;
    h->ctx = EVP_MD_CTX_new();
    ASSERT(h->ctx != NULL);
    hasher_start(h);
    return h;
}

void content_hasher_destroy(struct content_hasher *h)
{
    if (!h) {
        return;
    }
    ASSERT_MAGIC(h, HASHER_MAGIC);
    EVP_MD_CTX_free(h->ctx);
    h->magic = 0;
    mem_free(h);
}

void content_hasher_add(struct content_hasher *h, struct str bytes)
{
    ASSERT_MAGIC(h, HASHER_MAGIC);
    int ok = EVP_DigestUpdate(h->ctx, bytes.p, bytes.n);
    ASSERT(ok == 1);
}

void content_hasher_end(struct content_hasher *h, struct content_hash *ret_hash)
{
    ASSERT_MAGIC(h, HASHER_MAGIC);
    unsigned size = 0;
    int ok = EVP_DigestFinal_ex(h->ctx, ret_hash->bytes, &size);
    ASSERT(ok == 1 && size == CONTENT_HASH_SIZE);
    hasher_start(h);
}
