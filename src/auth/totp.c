/*
 * One-time codes as authenticator apps make them: TOTP (RFC 6238) over HOTP (RFC 4226) with HMAC-SHA-1, steps of 30 seconds and
 * 6 digits, which is what all of them know. SHA-1 is sound here: as a MAC nobody needs it to be free of collisions.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "auth/auth_int.h"

enum { STEP_SECONDS = 30, DIGITS = 6, MODULUS = 1000000, MAC = 20 };

_Static_assert((int)AUTH_CODE_DIGITS == (int)DIGITS, "one length");

void auth_totp_code(struct str key, int64_t step, char ret_code[static AUTH_CODE_DIGITS + 1])
{
    uint8_t counter[8];
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    for (unsigned i = 0; i < 8; i++) {
        counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
    }
    const uint8_t *done = HMAC(EVP_sha1(), key.p, (int)key.n, counter, sizeof counter, mac, &n);
    ASSERT(done != NULL && n == MAC);
    unsigned at = mac[MAC - 1] & 15u; /* RFC 4226 section 5.3: dynamic truncation */
    uint32_t bits = (uint32_t)(mac[at] & 127u) << 24 | (uint32_t)mac[at + 1] << 16 |
                    (uint32_t)mac[at + 2] << 8 | mac[at + 3];
    (void)snprintf(ret_code, DIGITS + 1, "%06u", (unsigned)(bits % MODULUS));
}

bool auth_totp_find(struct str key, struct str code, usec_t now, int64_t *ret_step)
{
    static const int near[] = {0, -1, 1}; /* clocks differ, and typing takes time */
    int64_t present = now / (STEP_SECONDS * USEC_PER_SEC);
    bool found = false;
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        char right[DIGITS + 1];
        auth_totp_code(key, present + near[i], right);
        if (str_eq_constant(code, str_from(right)) && !found) {
            found = true;
            *ret_step = present + near[i];
        }
    }
    return found;
}

struct str auth_base32(struct arena *arena, struct str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    ASSERT(bytes.n % 5 == 0);
    char *text = arena_alloc(arena, bytes.n / 5 * 8 + 1);
    size_t n = 0;
    for (size_t i = 0; i < bytes.n; i += 5) {
        uint64_t group = 0;
        for (size_t j = 0; j < 5; j++) {
            group = group << 8 | (uint8_t)bytes.p[i + j];
        }
        for (int shift = 35; shift >= 0; shift -= 5) {
            text[n++] = digits[group >> shift & 31];
        }
    }
    text[n] = '\0';
    return str_of(text, n);
}

void auth_percent(struct buf *to, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c != 0 && strchr("-._~", c));
        if (plain) {
            buf_byte(to, (char)c);
        } else {
            buf_printf(to, "%%%02X", c);
        }
    }
}

struct str auth_totp_uri(struct arena *arena, struct str account, struct str secret)
{
    BUF_AUTO(text, 128 + 3 * AUTH_EMAIL_MAX + 64);
    buf_add(&text, STR("otpauth://totp/Coditect:"));
    auth_percent(&text, account);
    buf_printf(&text, "?secret=" STR_FMT "&issuer=Coditect&algorithm=SHA1&digits=%d&period=%d",
               STR_ARG(secret), DIGITS, STEP_SECONDS);
    ASSERT(text.error == 0);
    return arena_str(arena, buf_str(&text));
}
