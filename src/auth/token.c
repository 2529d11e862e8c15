/*
 * Access tokens: JWT (RFC 7519) with iss, aud, sub (user), tid (tenant), sid (login), cnt (the login's counter), iat, exp,
 * jti. Refresh tokens: {login}.{counter}.{MAC of what stands before}; nothing secret is stored for them.
 */
#include "auth/auth_int.h"
#include "base/encode.h"
#include "base/rand.h"

struct str auth_access_make(const struct auth *a, struct arena *arena,
                            const struct auth_claims *claims)
{
    uint8_t random[16];
    rand_bytes(random, sizeof random);
    BUF_AUTO(jti, 32);
    encode_base64url(&jti, str_of(random, sizeof random));
    int64_t now = time_now() / USEC_PER_SEC;
    BUF_AUTO(text, AUTH_TOKEN_MAX);
    struct json_writer w;
    json_writer_init(&w, &text);
    json_object(&w);
    json_member_string(&w, "iss", str_from(a->issuer));
    json_member_string(&w, "aud", str_from(a->audience));
    json_member_string(&w, "sub", claims->user_id);
    json_member_string(&w, "tid", claims->tenant_id);
    json_member_string(&w, "sid", claims->login_id);
    json_member_integer(&w, "cnt", claims->counter);
    json_member_integer(&w, "iat", now);
    json_member_integer(&w, "exp", now + a->access_life / USEC_PER_SEC);
    json_member_string(&w, "jti", buf_str(&jti));
    json_object_end(&w);
    ASSERT(text.error == 0);
    return auth_jws_sign(arena, &a->ring->now.access, buf_str(&text));
}

static struct str text_claim(const struct json *claims, const char *name)
{
    const struct json *value = json_get(claims, name);
    return value && value->kind == JSON_STRING ? value->string : STR_EMPTY;
}

/* -1 when absent: no claim of ours is negative. */
static int64_t number_claim(const struct json *claims, const char *name)
{
    const struct json *value = json_get(claims, name);
    return value && value->kind == JSON_INTEGER && value->integer >= 0 ? value->integer : -1;
}

/* ERR_EXPIRED: they did hold. */
static int claims_hold(const struct auth *a, const struct json *claims)
{
    int64_t now = time_now() / USEC_PER_SEC;
    int64_t iat = number_claim(claims, "iat");
    int64_t exp = number_claim(claims, "exp");
    if (!str_eq(text_claim(claims, "iss"), str_from(a->issuer)) ||
        !str_eq(text_claim(claims, "aud"), str_from(a->audience)) || iat < 0 || exp <= iat ||
        iat > now + AUTH_SKEW_SECONDS || text_claim(claims, "jti").n == 0) {
        return ERR_UNAUTHENTICATED;
    }
    return now < exp + AUTH_SKEW_SECONDS ? 0 : ERR_EXPIRED;
}

/* By the current key, or the one before. */
static int verify_by(const struct auth_ring *ring, struct arena *arena, struct str token,
                     struct str *ret_payload)
{
    int r = auth_jws_verify(arena, &ring->now.access, token, ret_payload);
    return r < 0 && ring->before.access.n > 0
               ? auth_jws_verify(arena, &ring->before.access, token, ret_payload)
               : r;
}

static int verify(struct auth *a, struct arena *arena, struct str token, struct str *ret_payload)
{
    const struct auth_ring *ring = a->ring;
    int r = verify_by(ring, arena, token, ret_payload);
    return r < 0 && auth_keys_newer(a, ring) ? verify_by(a->ring, arena, token, ret_payload) : r;
}

int auth_access_read(struct auth *a, struct arena *arena, struct str token,
                     struct auth_claims *ret_claims)
{
    struct str payload;
    struct json *claims;
    if (verify(a, arena, token, &payload) < 0 || json_parse(arena, payload, &claims, NULL) < 0) {
        return ERR_UNAUTHENTICATED;
    }
    int r = claims_hold(a, claims);
    if (r < 0) {
        return r;
    }
    struct auth_claims c = {
        .tenant_id = text_claim(claims, "tid"),
        .user_id = text_claim(claims, "sub"),
        .login_id = text_claim(claims, "sid"),
        .counter = number_claim(claims, "cnt"),
    };
    if (!data_id_is(c.tenant_id, "ten") || !data_id_is(c.user_id, "usr") ||
        !data_id_is(c.login_id, "log") || c.counter < 1) {
        return ERR_UNAUTHENTICATED;
    }
    *ret_claims = c;
    return 0;
}

static struct str refresh_signed(const struct auth_key *key, struct arena *arena,
                                 struct str login_id, int64_t counter)
{
    BUF_AUTO(text, 256);
    buf_add(&text, login_id);
    buf_byte(&text, '.');
    buf_i64(&text, counter);
    uint8_t mac[AUTH_MAC_SIZE];
    auth_key_mac(key, buf_str(&text), mac);
    buf_byte(&text, '.');
    encode_base64url(&text, str_of(mac, sizeof mac));
    ASSERT(text.error == 0);
    return arena_str(arena, buf_str(&text));
}

struct str auth_refresh_make(const struct auth *a, struct arena *arena, struct str login_id,
                             int64_t counter)
{
    return refresh_signed(&a->ring->now.refresh, arena, login_id, counter);
}

/* Made again and compared as a whole: leading zeros and other spellings fall out by themselves. */
static bool refresh_is(const struct auth_keys *keys, struct str token, struct str login_id,
                       int64_t counter)
{
    ARENA_AUTO(arena);
    return keys->access.n > 0 &&
           str_eq_constant(token, refresh_signed(&keys->refresh, &arena, login_id, counter));
}

static bool refresh_is_of(const struct auth_ring *ring, struct str token, struct str login_id,
                          int64_t counter)
{
    return refresh_is(&ring->now, token, login_id, counter) ||
           refresh_is(&ring->before, token, login_id, counter);
}

int auth_refresh_read(struct auth *a, struct str token, struct str *ret_login_id,
                      int64_t *ret_counter)
{
    size_t first = str_find(token, '.', 0);
    size_t second = str_find(token, '.', first + 1);
    struct str login_id = str_slice(token, 0, first);
    uint64_t counter;
    if (token.n > AUTH_TOKEN_MAX || second >= token.n || !data_id_is(login_id, "log") ||
        str_u64(str_slice(token, first + 1, second), INT64_MAX, &counter) < 0) {
        return ERR_UNAUTHENTICATED;
    }
    const struct auth_ring *ring = a->ring;
    if (!refresh_is_of(ring, token, login_id, (int64_t)counter) &&
        !(auth_keys_newer(a, ring) && refresh_is_of(a->ring, token, login_id, (int64_t)counter))) {
        return ERR_UNAUTHENTICATED;
    }
    *ret_login_id = login_id;
    *ret_counter = (int64_t)counter;
    return 0;
}
