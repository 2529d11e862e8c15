/*
 * Cursors: base64url of position, told and a seal over both with the session, so that nobody can make one up, and none is good for
 * another session. What it names may be gone all the same: that is for whoever reads there to find out.
 */
#include "base/encode.h"
#include "realtime/realtime_int.h"

enum { PLACE = STORE_POSITION_SIZE + 8, SEALED = PLACE + AUTH_SEAL_SIZE, TEXT = 128 };

static void sealed_text(struct str session_id, struct str place, struct buf *to)
{
    buf_add(to, STR("events:"));
    buf_add(to, session_id);
    buf_byte(to, ':');
    buf_add(to, place);
    ASSERT(to->error == 0);
}

struct str realtime_cursor_make(const struct realtime *rt, struct arena *arena,
                                struct str session_id, const struct realtime_place *place)
{
    uint8_t bytes[SEALED];
    BUF_AUTO(text, TEXT);
    memcpy(bytes, place->position, STORE_POSITION_SIZE);
    for (unsigned i = 0; i < 8; i++) {
        bytes[STORE_POSITION_SIZE + i] = (uint8_t)(place->told >> (56 - 8 * i));
    }
    sealed_text(session_id, str_of(bytes, PLACE), &text);
    auth_seal(rt->auth, buf_str(&text), bytes + PLACE);
    buf_clear(&text);
    encode_base64url(&text, str_of(bytes, sizeof bytes));
    ASSERT(text.error == 0 && text.n == REALTIME_CURSOR);
    return arena_str(arena, buf_str(&text));
}

int realtime_cursor_read(const struct realtime *rt, struct str session_id, struct str cursor,
                         struct realtime_place *ret_place)
{
    BUF_AUTO(bytes, SEALED);
    BUF_AUTO(text, TEXT);
    if (cursor.n != REALTIME_CURSOR || encode_unbase64url(&bytes, cursor) < 0 ||
        bytes.n != SEALED) {
        return ERR_INVALID;
    }
    struct str place = str_slice(buf_str(&bytes), 0, PLACE);
    sealed_text(session_id, place, &text);
    if (!auth_seal_is(rt->auth, buf_str(&text), str_slice(buf_str(&bytes), PLACE, SEALED))) {
        return ERR_INVALID;
    }
    memcpy(ret_place->position, place.p, STORE_POSITION_SIZE);
    ret_place->told = 0;
    for (unsigned i = 0; i < 8; i++) {
        ret_place->told = ret_place->told << 8 | (uint8_t)place.p[STORE_POSITION_SIZE + i];
    }
    return 0;
}

int realtime_cursor_check(const struct realtime *rt, struct str session_id, struct str cursor)
{
    struct realtime_place place;
    return realtime_cursor_read(rt, session_id, cursor, &place);
}
