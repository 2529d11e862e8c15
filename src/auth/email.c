/*
 * E-mail addresses, normalised so that one address is one account: without spaces around it, in Unicode's compatibility form
 * (NFKC, UAX 15: full-width letters, ligatures and the like become the letters that they are), in lower case. What is left
 * must be ASCII: the local part a dot-atom (RFC 5322 section 3.2.3), the domain letters, digits and hyphens, names of other
 * scripts as xn--. A letter that only looks like another (a Cyrillic a, a dotless i) is refused with a word, so that nobody
 * gets an account, a mail or a password reset by such an address.
 */
#include <uninorm.h>

#include "auth/auth_int.h"

/* No character of UTF-8 becomes more than 11 times as long in NFKC (UAX 15, section 9.3); the library wants some more. */
enum { NORMAL_ROOM = AUTH_EMAIL_MAX * 32 };

/* RFC 5321 section 4.5.3.1.1; RFC 1035 section 2.3.4. */
enum { LOCAL_MOST = 64, DNS_LABEL_MOST = 63 };

static bool letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* parts between dots: none empty, all of characters that fit. */
static bool dotted(struct str text, bool domain)
{
    if (text.n == 0) {
        return false;
    }
    struct str part;
    while (str_split(&text, '.', &part)) {
        if (part.n == 0 || part.n > (domain ? DNS_LABEL_MOST : LOCAL_MOST) ||
            (domain && (part.p[0] == '-' || part.p[part.n - 1] == '-'))) {
            return false;
        }
        for (size_t i = 0; i < part.n; i++) {
            bool special =
                domain ? part.p[i] == '-' : part.p[i] && strchr("!#$%&'*+-/=?^_`{|}~", part.p[i]);
            if (!letter_or_digit(part.p[i]) && !special) {
                return false;
            }
        }
    }
    return true;
}

static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((uint8_t)text.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* ERR_INVALID: no UTF-8. */
static int normal_form(struct arena *arena, struct str text, struct str *ret_normal)
{
    if (is_ascii(text)) {
        *ret_normal = text;
        return 0;
    }
    size_t n = NORMAL_ROOM;
    uint8_t *room = arena_alloc(arena, n);
    if (!str_is_utf8(text)) {
        return ERR_INVALID;
    }
    const uint8_t *normal = u8_normalize(UNINORM_NFKC, (const uint8_t *)text.p, text.n, room, &n);
    ASSERT(normal == room);
    *ret_normal = str_trim(str_of(normal, n));
    return 0;
}

int auth_email_clean(struct data_context *ctx, struct str text, struct str *ret_email)
{
    struct str trimmed = str_trim(text);
    bool fits = trimmed.n <= AUTH_EMAIL_MAX;
    int r = fits ? normal_form(ctx->arena, trimmed, &trimmed) : ERR_INVALID;
    if (r < 0 || trimmed.n == 0 || trimmed.n > AUTH_EMAIL_MAX) {
        return data_fault(ctx, ERR_INVALID, "email",
                          "The e-mail address is empty, longer than 254 bytes or not UTF-8 text.");
    }
    char lower[AUTH_EMAIL_MAX];
    size_t at = trimmed.n;
    for (size_t i = 0; i < trimmed.n; i++) {
        char c = trimmed.p[i];
        if ((uint8_t)c >= 0x80) {
            return data_fault(
                ctx, ERR_INVALID, "email",
                "An address here has plain letters, digits and signs; a domain of another script "
                "is written as xn--.");
        }
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        at = c == '@' ? i : at;
    }
    struct str email = str_of(lower, trimmed.n);
    struct str local = str_slice(email, 0, at);
    if (local.n > LOCAL_MOST || !dotted(local, false) ||
        !dotted(str_slice(email, at + 1, email.n), true)) {
        return data_fault(ctx, ERR_INVALID, "email", "This is not an e-mail address.");
    }
    *ret_email = arena_str(ctx->arena, email);
    return 0;
}
