/*
 * Passwords: Argon2id (RFC 9106) with 19 MiB, 2 passes, 1 lane, as a PHC string made by libsodium. An unknown account is
 * verified against a hash of its own kind, made at start, so that both answers take the same time. As many are computed at once
 * as there are cores: memory stays bounded, and the lane can have more threads, of which some wait for their commits.
 */
#include <errno.h>
#include <sodium.h>
#include <unistd.h>

#include "auth/auth_int.h"

enum { OPS = 2, MEMORY = 19 << 20 };

_Static_assert(AUTH_HASH_ROOM >= crypto_pwhash_STRBYTES, "a PHC string does not fit");

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

sem_t *auth_cores_create(void)
{
    sem_t *cores = MEM_NEW(sem_t);
    ASSERT(sem_init(cores, 0, (unsigned)sysconf(_SC_NPROCESSORS_ONLN)) == 0);
    return cores;
}

void auth_cores_destroy(sem_t *cores)
{
    ASSERT(sem_destroy(cores) == 0);
    mem_free(cores);
}

static void take_core(sem_t *cores)
{
    while (sem_wait(cores) < 0) {
        ASSERT(errno == EINTR);
    }
}

static void give_core(sem_t *cores)
{
    ASSERT(sem_post(cores) == 0);
}

int auth_password_hash(const struct auth *a, struct str password,
                       char ret_phc[static AUTH_HASH_ROOM])
{
    size_t memory = a->cheap_hash ? crypto_pwhash_MEMLIMIT_MIN : (size_t)MEMORY;
    unsigned long long ops = a->cheap_hash ? crypto_pwhash_OPSLIMIT_MIN : OPS;
    memset(ret_phc, 0, AUTH_HASH_ROOM);
    take_core(a->cores);
    int r = crypto_pwhash_str_alg(ret_phc, password.p, password.n, ops, memory,
                                  crypto_pwhash_ALG_ARGON2ID13);
    give_core(a->cores);
    return r == 0 ? 0 : ERR_BUSY;
}

bool auth_password_verify(const struct auth *a, struct str phc, struct str password)
{
    char text[crypto_pwhash_STRBYTES] = {0};
    bool known = phc.n > 0 && phc.n < sizeof text && password.n <= AUTH_PASSWORD_BYTES;
    struct str hash = known ? phc : str_from(a->dummy_hash);
    struct str tried = str_slice(password, 0, AUTH_PASSWORD_BYTES);
    memcpy(text, hash.p, hash.n);
    take_core(a->cores);
    bool right = crypto_pwhash_str_verify(text, tried.n > 0 ? tried.p : "", tried.n) == 0;
    give_core(a->cores);
    return known && right;
}
