/*
 * Passwords: Argon2id (RFC 9106) with 19 MiB, 2 passes, 1 lane, as a PHC string made by libsodium. An unknown account is
 * verified against a hash of its own kind, made at start, so that both answers take the same time.
 */
#include <sodium.h>
#include <string.h>

#include "auth/hash_int.h"

enum { PASSES = 2, MEMORY = 19 << 20 };

size_t auth_common_passwords(void)
{
    return auth_common_count;
}

static struct str common(size_t i)
{
    return str_of(auth_common_text + auth_common_at[i], auth_common_at[i + 1] - auth_common_at[i]);
}

/* Whatever the case of its letters. */
static bool is_common(struct str word)
{
    enum { LONGEST = 64 };
    char lower[LONGEST];
    if (word.n > LONGEST) {
        return false;
    }
    for (size_t i = 0; i < word.n; i++) {
        char c = word.p[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    size_t from = 0;
    size_t to = auth_common_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = str_cmp(str_of(lower, word.n), common(middle));
        if (order == 0) {
            return true;
        }
        from = order > 0 ? middle + 1 : from;
        to = order > 0 ? to : middle;
    }
    return false;
}

int auth_password_check(struct data_context *ctx, const char *field, struct str password,
                        struct str email)
{
    if (password.n > AUTH_PASSWORD_BYTES || !str_is_utf8(password)) {
        return data_fault(ctx, ERR_INVALID, field,
                          "The password is longer than 256 characters or not UTF-8 text.");
    }
    size_t length = data_text_length(password);
    if (length < AUTH_PASSWORD_MIN) {
        return data_fault(ctx, ERR_INVALID, field, "The password is shorter than 8 characters.");
    }
    if (length > AUTH_PASSWORD_MAX) {
        return data_fault(ctx, ERR_INVALID, field, "The password is longer than 256 characters.");
    }
    struct str word = str_trim(password);
    if (str_eq_nocase(word, email) ||
        str_eq_nocase(word, str_slice(email, 0, str_find(email, '@', 0)))) {
        return data_fault(ctx, ERR_INVALID, field,
                          "The password is the e-mail address, or a part of it.");
    }
    if (is_common(word)) {
        return data_fault(
            ctx, ERR_INVALID, field,
            "Many people use this password, so that it is tried first. Choose another.");
    }
    return 0;
}

/* The request is asked, and the password in it forgotten. */
static int ask(const struct auth *a, struct auth_hash_request *request, struct str password,
               struct auth_hash_reply *ret_reply)
{
    struct str tried = str_slice(password, 0, AUTH_PASSWORD_BYTES);
    request->length = (uint32_t)tried.n;
    if (tried.n > 0) {
        memcpy(request->password, tried.p, tried.n);
    }
    int r = auth_hashers_ask(a->hashers, request, ret_reply);
    explicit_bzero(request, sizeof *request);
    return r;
}

int auth_password_hash(const struct auth *a, struct str password,
                       char ret_phc[static AUTH_HASH_ROOM])
{
    ASSERT(password.n <= AUTH_PASSWORD_BYTES);
    struct auth_hash_request request = {
        .kind = AUTH_HASH_MAKE,
        .passes = a->cheap_hash ? crypto_pwhash_OPSLIMIT_MIN : PASSES,
        .memory = a->cheap_hash ? crypto_pwhash_MEMLIMIT_MIN : MEMORY,
    };
    struct auth_hash_reply reply;
    int r = ask(a, &request, password, &reply);
    if (r == 0) {
        memcpy(ret_phc, reply.phc, AUTH_HASH_ROOM);
    }
    return r;
}

int auth_password_verify(const struct auth *a, struct str phc, struct str password)
{
    bool known = phc.n > 0 && phc.n < AUTH_HASH_ROOM && password.n <= AUTH_PASSWORD_BYTES;
    struct str hash = known ? phc : str_from(a->dummy_hash);
    struct auth_hash_request request = {.kind = AUTH_HASH_CHECK};
    struct auth_hash_reply reply;
    memcpy(request.phc, hash.p, hash.n);
    int r = ask(a, &request, password, &reply);
    return r == 0 && !known ? ERR_BAD_CREDENTIALS : r;
}
