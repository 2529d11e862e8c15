/*
 * The token of a workspace: {tenant}.{user}.{session}.{generation}.{MAC of what stands before}. It proves to the wire whose
 * workspace calls; it opens nothing else, since its key is derived for this purpose. It has no age: it ends with its
 * generation, which whoever serves the wire asks the store about.
 */
#include "auth/auth_int.h"
#include "base/encode.h"

struct str auth_workspace_token(const struct auth *a, struct arena *arena,
                                const struct auth_workspace *w)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    BUF_AUTO(text, AUTH_WORKSPACE_TOKEN_MAX);
    buf_printf(&text, STR_FMT "." STR_FMT "." STR_FMT ".", STR_ARG(w->tenant_id),
               STR_ARG(w->user_id), STR_ARG(w->session_id));
    buf_i64(&text, w->generation);
    uint8_t mac[AUTH_MAC_SIZE];
    auth_key_mac(&a->ring->workspace, buf_str(&text), mac);
    buf_byte(&text, '.');
    encode_base64url(&text, str_of(mac, sizeof mac));
    ASSERT(text.error == 0);
    return arena_str(arena, buf_str(&text));
}

int auth_workspace_read(const struct auth *a, struct arena *arena, struct str token,
                        struct auth_workspace *ret_workspace)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct str parts[4] = {0};
    struct str rest = token;
    uint64_t generation;
    if (token.n > AUTH_WORKSPACE_TOKEN_MAX) {
        return ERR_UNAUTHENTICATED;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (!str_split(&rest, '.', &parts[i])) {
            return ERR_UNAUTHENTICATED;
        }
    }
    if (!data_id_is(parts[0], "ten") || !data_id_is(parts[1], "usr") ||
        !data_id_is(parts[2], "ses") || str_u64(parts[3], INT64_MAX, &generation) < 0) {
        return ERR_UNAUTHENTICATED;
    }
    struct auth_workspace w = {parts[0], parts[1], parts[2], (int64_t)generation};
    /* Made again and compared as a whole: other spellings fall out by themselves. */
    if (!str_eq_constant(token, auth_workspace_token(a, arena, &w))) {
        return ERR_UNAUTHENTICATED;
    }
    *ret_workspace = w;
    return 0;
}
