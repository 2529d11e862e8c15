/*
 * Cursors as clients have them: {seal}{place}. The place is the list's own (where the next page begins); the seal binds it to the
 * person, the route and the path that it was given for.
 *
 * 1. What a list is asked to go on from is a place that this list gave to this person: nothing else reaches the domain.
 * 2. A place lies between entries, so entries that come or go meanwhile neither repeat nor hide others.
 */
#include "api/api_int.h"
#include "base/encode.h"

enum { SEAL_TEXT = 22, MAX_SEALED = 16 * 1024 }; /* 16 bytes in base64url */

static void put(struct buf *to, struct str part)
{
    buf_u64(to, part.n);
    buf_byte(to, ':');
    buf_add(to, part);
}

static void sealed_text(const struct api_call *call, struct str place, struct buf *to)
{
    put(to, call->data.scope.tenant_id);
    put(to, call->data.scope.user_id);
    put(to, str_from(call->route->id));
    put(to, call->req->path);
    put(to, place);
}

struct str api_cursor_make(struct api_call *call, struct str place)
{
    uint8_t seal[AUTH_SEAL_SIZE];
    BUF_AUTO(text, MAX_SEALED);
    sealed_text(call, place, &text);
    ASSERT(text.error == 0);
    auth_seal(call->api->auth, buf_str(&text), seal);
    buf_clear(&text);
    encode_base64url(&text, str_of(seal, sizeof seal));
    ASSERT(text.n == SEAL_TEXT);
    buf_add(&text, place);
    return arena_str(call->req->arena, buf_str(&text));
}

int api_cursor_read(struct api_call *call, struct str cursor, struct str *ret_place)
{
    BUF_AUTO(seal, AUTH_SEAL_SIZE);
    BUF_AUTO(text, MAX_SEALED);
    struct str place = str_slice(cursor, SEAL_TEXT, cursor.n);
    if (cursor.n <= SEAL_TEXT || encode_unbase64url(&seal, str_slice(cursor, 0, SEAL_TEXT)) < 0) {
        return ERR_INVALID;
    }
    sealed_text(call, place, &text);
    if (text.error < 0 || !auth_seal_is(call->api->auth, buf_str(&text), buf_str(&seal))) {
        return ERR_INVALID;
    }
    *ret_place = place;
    return 0;
}
