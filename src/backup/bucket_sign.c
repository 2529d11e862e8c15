/*
 * Requests to a bucket signed with its key: AWS Signature Version 4, in the Authorization header, with the hash of the body
 * (Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header"). By ourselves: libcurl does it since 7.75,
 * but Debian 12's 7.88 neither sorts a query nor encodes it as S3 does, and says no x-amz-content-sha256.
 *
 * 1. The secret is used here and nowhere else.
 */
#include <sodium.h>
#include <stdio.h>

#include "backup/backup_int.h"
#include "base/assert.h"
#include "base/encode.h"

enum { CANONICAL_MOST = 8192, SCOPE_MOST = 128, SECRET_MOST = 512, DAY = 8 };

void backup_sign_time(char ret_text[static BACKUP_SIGN_TIME], usec_t at)
{
    char text[25];
    struct str t = time_str(text, at); /* 2026-11-21T04:05:06.789Z */
    (void)snprintf(ret_text, BACKUP_SIGN_TIME, "%.4s%.2s%.5s%.2s%.2sZ", t.p, t.p + 5, t.p + 8,
                   t.p + 14, t.p + 17);
}

static void add_hash(struct buf *b, struct str bytes)
{
    struct content_hash hash;
    content_hash(bytes, &hash);
    encode_hex(b, content_hash_str(&hash));
}

static void add_signed_names(struct buf *b, const struct backup_signing *s)
{
    for (size_t i = 0; i < s->header_count; i++) {
        buf_printf(b, "%s%s", i > 0 ? ";" : "", s->headers[i].name);
    }
}

static void canonical(const struct backup_signing *s, struct buf *b)
{
    buf_printf(b, "%s\n%s\n" STR_FMT "\n", s->method, s->path, STR_ARG(s->query));
    for (size_t i = 0; i < s->header_count; i++) {
        buf_printf(b, "%s:%s\n", s->headers[i].name, s->headers[i].value);
    }
    buf_byte(b, '\n');
    add_signed_names(b, s);
    buf_printf(b, "\n%s", s->body_hash);
}

/* key and ret_key may be the same. */
static void hmac(struct str key, struct str bytes,
                 unsigned char ret_key[static crypto_auth_hmacsha256_BYTES])
{
    crypto_auth_hmacsha256_state state;
    int r = crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.p, key.n);
    r = r ? r : crypto_auth_hmacsha256_update(&state, (const unsigned char *)bytes.p, bytes.n);
    r = r ? r : crypto_auth_hmacsha256_final(&state, ret_key);
    ASSERT(r == 0);
}

static void sign(const struct backup_signing *s, struct str text, struct buf *b)
{
    unsigned char key[crypto_auth_hmacsha256_BYTES];
    BUF_AUTO(secret, SECRET_MOST + 4);
    buf_printf(&secret, "AWS4%s", s->access->secret);
    ASSERT(secret.error == 0); /* its length is a setting's */
    hmac(buf_str(&secret), str_of(s->time, DAY), key);
    sodium_memzero(secret.p, secret.n);
    const struct str words[] = {str_from(s->access->region), STR("s3"), STR("aws4_request"), text};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        hmac(str_of(key, sizeof key), words[i], key);
    }
    encode_hex(b, str_of(key, sizeof key));
    sodium_memzero(key, sizeof key);
}

void backup_sign(const struct backup_signing *s, struct buf *b)
{
    BUF_AUTO(request, CANONICAL_MOST);
    canonical(s, &request);
    BUF_AUTO(scope, SCOPE_MOST);
    buf_printf(&scope, "%.8s/%s/s3/aws4_request", s->time, s->access->region);
    BUF_AUTO(text, SCOPE_MOST + 256);
    buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n", s->time, buf_z(&scope));
    add_hash(&text, buf_str(&request));
    ASSERT(request.error == 0 && scope.error == 0 && text.error == 0);
    buf_printf(b, "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=", s->access->key,
               buf_z(&scope));
    add_signed_names(b, s);
    buf_printf(b, ",Signature=");
    sign(s, buf_str(&text), b);
}
