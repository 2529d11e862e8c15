/*
 * JSON Web Signature in compact form (RFC 7515), written for one algorithm. Nothing in a token chooses how it is checked:
 * the header must say HS256 (RFC 7518 section 3.2) and may say nothing that we would have to obey.
 *
 * 1. The signature is compared before anything but the header is decoded.
 * 2. Base64url is strict (no padding, unused bits zero): one token has one text.
 */
#include "auth/auth_int.h"
#include "base/encode.h"

void auth_jws_head(const struct auth_key *key, char ret_head[static AUTH_HEAD_ROOM])
{
    BUF_AUTO(header, 256);
    buf_printf(&header, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", key->kid);
    BUF_AUTO(text, AUTH_HEAD_ROOM - 1);
    encode_base64url(&text, buf_str(&header));
    ASSERT(header.error == 0 && text.error == 0);
    memcpy(ret_head, buf_z(&text), text.n + 1);
}

struct str auth_jws_sign(struct arena *arena, const struct auth_key *key, struct str payload)
{
    BUF_AUTO(token, AUTH_TOKEN_MAX);
    buf_add(&token, str_from(key->head));
    buf_byte(&token, '.');
    encode_base64url(&token, payload);
    uint8_t mac[AUTH_MAC_SIZE];
    auth_key_mac(key, buf_str(&token), mac);
    buf_byte(&token, '.');
    encode_base64url(&token, str_of(mac, sizeof mac));
    ASSERT(token.error == 0);
    return arena_str(arena, buf_str(&token));
}

static int decode(struct arena *arena, struct str text, struct str *ret_bytes)
{
    BUF_AUTO(bytes, AUTH_TOKEN_MAX);
    if (encode_unbase64url(&bytes, text) < 0 || bytes.error < 0) {
        return ERR_UNAUTHENTICATED;
    }
    *ret_bytes = arena_str(arena, buf_str(&bytes));
    return 0;
}

static bool member_is(const struct json *header, const char *name, struct str value)
{
    const struct json *member = json_get(header, name);
    return member && member->kind == JSON_STRING && str_eq(member->string, value);
}

/* part: as it stands in the token. One that we made ourselves has not to be read; others say the same in other words. */
static bool header_good(struct arena *arena, const struct auth_key *key, struct str part)
{
    struct str text;
    struct json *header;
    if (str_eq(part, str_from(key->head))) {
        return true;
    }
    if (decode(arena, part, &text) < 0 || json_parse(arena, text, &header, NULL) < 0 ||
        header->kind != JSON_OBJECT) {
        return false;
    }
    bool kid = json_get(header, "kid") != NULL;
    bool typ = json_get(header, "typ") != NULL;
    return member_is(header, "alg", STR("HS256")) &&
           (!kid || member_is(header, "kid", str_from(key->kid))) &&
           (!typ || member_is(header, "typ", STR("JWT"))) && header->count == 1U + kid + typ;
}

int auth_jws_verify(struct arena *arena, const struct auth_key *key, struct str token,
                    struct str *ret_payload)
{
    struct str parts[3];
    struct str rest = token;
    unsigned n = 0;
    while (n < 3 && str_split(&rest, '.', &parts[n])) {
        n++;
    }
    struct str mac;
    struct str payload;
    if (token.n > AUTH_TOKEN_MAX || n != 3 || rest.p != NULL ||
        !header_good(arena, key, parts[0]) || decode(arena, parts[2], &mac) < 0) {
        return ERR_UNAUTHENTICATED;
    }
    uint8_t right[AUTH_MAC_SIZE];
    auth_key_mac(key, str_of(token.p, parts[0].n + 1 + parts[1].n), right);
    if (!str_eq_constant(mac, str_of(right, sizeof right)) ||
        decode(arena, parts[1], &payload) < 0) {
        return ERR_UNAUTHENTICATED;
    }
    *ret_payload = payload;
    return 0;
}
