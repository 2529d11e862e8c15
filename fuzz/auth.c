/* What strangers send to auth/: the first byte chooses access token, refresh token or address. Nobody knows the key, so that
 * no token may be taken; an address that is taken is already in its one form. */
#include "fuzz.h"

#include "auth/auth_int.h"
#include "base/assert.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "coditect";
    static struct auth a = {.issuer = name, .audience = name};
    if (a.access_key.n == 0) {
        auth_key_init(&a.access_key, STR("0123456789abcdef0123456789abcdef"));
        auth_key_derive(&a.access_key, STR("refresh"), &a.refresh_key);
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
    } else {
        try_address(&arena, text);
    }
    return 0;
}
