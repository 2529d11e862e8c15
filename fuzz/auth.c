/* What strangers send to auth/: the first byte chooses access token, refresh token, ticket, pass or address. Nobody knows the
 * key, so that no token may be taken; what is signed all the same must be well-formed to be taken; an address that is taken is
 * already in its one form. */
#include "fuzz.h"

#include "auth/auth_int.h"
#include "base/assert.h"
#include "base/encode.h"

static void try_address(struct arena *arena, struct str text)
{
    struct data_context ctx = {.arena = arena};
    struct str email;
    struct str again;
    if (auth_email_clean(&ctx, text, &email) == 0) {
        int r = auth_email_clean(&ctx, email, &again);
        ASSERT(r == 0 && str_eq(email, again) && email.n <= AUTH_EMAIL_MAX);
    } else {
        ASSERT(ctx.fault.message.n > 0);
    }
}

/* As it came, and as if somebody had signed it. */
static void try_pass(const struct auth *a, struct arena *arena, struct str text)
{
    struct auth_visit visit;
    ASSERT(auth_pass_read(a, text, &visit) == ERR_UNAUTHENTICATED);
    uint8_t mac[AUTH_MAC_SIZE];
    auth_key_mac(&a->ring->now.pass, text, mac);
    BUF_AUTO(signed_text, 1 << 20);
    buf_add(&signed_text, text);
    buf_byte(&signed_text, '.');
    encode_base64url(&signed_text, str_of(mac, sizeof mac));
    if (auth_pass_read(a, buf_str(&signed_text), &visit) == 0) {
        struct str again = auth_pass_make(a, arena, &visit);
        struct auth_visit same;
        ASSERT(auth_pass_read(a, again, &same) == 0 && same.generation == visit.generation);
        ASSERT(str_eq(same.session_id, visit.session_id));
    }
}

/* Refused before the store, which is not there, is asked. */
static void try_ticket(struct auth *a, struct arena *arena, struct str text)
{
    struct data_context ctx = {.arena = arena};
    struct auth_visit visit;
    const struct auth_ticket_use use = {text, STR("ses-01jd5k7c9r3m8xq2w4e6y8t0za")};
    ASSERT(auth_ticket_take(a, &ctx, &use, &visit) == ERR_UNAUTHENTICATED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "coditect";
    static struct auth_ring ring;
    static struct auth a = {
        .magic = AUTH_MAGIC, .ring = &ring, .issuer = name, .audience = name, .secret_given = true};
    if (ring.now.access.n == 0) {
        auth_keys_init(&ring.now, STR("0123456789abcdef0123456789abcdef"));
        auth_keys_init(&ring.before, STR("abcdefghijklmnopqrstuvwxyz012345"));
    }
    if (size == 0) {
        return 0;
    }
    ARENA_AUTO(arena);
    struct str text = str_of(data + 1, size - 1);
    struct auth_claims claims;
    struct str login_id;
    int64_t counter;
    if (data[0] == 'a') {
        ASSERT(auth_access_read(&a, &arena, text, &claims) == ERR_UNAUTHENTICATED);
    } else if (data[0] == 'r') {
        ASSERT(auth_refresh_read(&a, text, &login_id, &counter) == ERR_UNAUTHENTICATED);
    } else if (data[0] == 'p') {
        try_pass(&a, &arena, text);
    } else if (data[0] == 't') {
        try_ticket(&a, &arena, text);
    } else {
        try_address(&arena, text);
    }
    return 0;
}
