/*
 * E-mail addresses, normalised so that one address is one account: without spaces around it, in lower case. The local part
 * is a dot-atom of ASCII (RFC 5322 section 3.2.3), the domain letters, digits and hyphens: what Unicode could make look
 * alike is refused with a word instead of being folded wrongly.
 */
#include "auth/auth_int.h"

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
        if (part.n == 0 || part.n > 64 ||
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

int auth_email_clean(struct data_context *ctx, struct str text, struct str *ret_email)
{
    struct str trimmed = str_trim(text);
    if (trimmed.n == 0 || trimmed.n > AUTH_EMAIL_MAX) {
        return data_fault(ctx, ERR_INVALID, "email",
                          "The e-mail address is empty or longer than 254 bytes.");
    }
    char lower[AUTH_EMAIL_MAX];
    size_t at = trimmed.n;
    for (size_t i = 0; i < trimmed.n; i++) {
        char c = trimmed.p[i];
        if ((uint8_t)c >= 0x80) {
            return data_fault(ctx, ERR_INVALID, "email",
                              "Addresses with characters beyond ASCII are not accepted yet.");
        }
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        at = c == '@' ? i : at;
    }
    struct str email = str_of(lower, trimmed.n);
    struct str local = str_slice(email, 0, at);
    if (local.n > 64 || !dotted(local, false) || !dotted(str_slice(email, at + 1, email.n), true)) {
        return data_fault(ctx, ERR_INVALID, "email", "This is not an e-mail address.");
    }
    *ret_email = arena_str(ctx->arena, email);
    return 0;
}
