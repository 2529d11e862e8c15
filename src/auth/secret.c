/* Secrets that somebody is told once and brings back: random text of which the store has a hash alone. */
#include <sodium.h>

#include "auth/auth_int.h"
#include "base/encode.h"
#include "base/rand.h"

enum {
    SECRET = 32,
    SECRET_TEXT = 43,
    PREFIX = 4,
    DIGITS = DATA_ID_SIZE - PREFIX, /* of an id, without "key-" */
    TOKEN = PREFIX + DIGITS + 1 + SECRET_TEXT,
};

struct str auth_secret_make(struct arena *arena)
{
    uint8_t bytes[SECRET];
    BUF_AUTO(text, SECRET * 2);
    rand_bytes(bytes, sizeof bytes);
    encode_base64url(&text, str_of(bytes, sizeof bytes));
    sodium_memzero(bytes, sizeof bytes);
    ASSERT(text.error == 0);
    return arena_str(arena, buf_str(&text));
}

struct str auth_secret_hash(struct arena *arena, struct str secret)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    BUF_AUTO(text, sizeof hash * 2);
    (void)crypto_hash_sha256(hash, (const uint8_t *)secret.p, secret.n);
    encode_hex(&text, str_of(hash, sizeof hash));
    ASSERT(text.error == 0);
    return arena_str(arena, buf_str(&text));
}

struct str auth_token_make(struct arena *arena, const char *prefix, struct str id)
{
    struct str token =
        arena_printf(arena, "%s" STR_FMT "_" STR_FMT, prefix, STR_ARG(str_slice(id, PREFIX, id.n)),
                     STR_ARG(auth_secret_make(arena)));
    ASSERT(token.n == TOKEN);
    return token;
}

struct str auth_token_id(struct arena *arena, const char *prefix, const char *kind,
                         struct str token)
{
    if (token.n != TOKEN || !str_starts(token, str_from(prefix))) {
        return STR_EMPTY;
    }
    return arena_printf(arena, "%s-" STR_FMT, kind,
                        STR_ARG(str_slice(token, PREFIX, PREFIX + DIGITS)));
}
