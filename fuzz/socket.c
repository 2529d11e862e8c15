/*
 * What strangers send before a socket opens: a list of subprotocols with a token among them, and a cursor. A token is a part of
 * what came, of bounded length; nobody knows the key, so that no cursor may be taken; one that was made is read as it was made.
 */
#include "fuzz.h"

#include "api/api_int.h"
#include "auth/auth_int.h"
#include "realtime/realtime_int.h"

#define SESSION STR("ses-01jd5k7c9r3m8xq2w4e6y8t0za")

static void try_protocols(struct str text)
{
    const struct http_header headers[] = {{STR("Sec-WebSocket-Protocol"), text},
                                          {STR("Sec-WebSocket-Protocol"), STR("coditect.v5")}};
    const struct http_request req = {.headers = headers, .header_count = 2};
    struct str token;
    if (api_socket_token(&req, &token) == 0) {
        ASSERT(token.p >= text.p && token.p + token.n <= text.p + text.n);
        ASSERT(token.n > 0 && token.n <= AUTH_TOKEN_MAX && str_find(token, ',', 0) == token.n);
    }
}

static void try_cursor(const struct realtime *rt, struct str text)
{
    struct realtime_place place;
    ASSERT(realtime_cursor_read(rt, SESSION, text, &place) == ERR_INVALID);
}

static void try_place(const struct realtime *rt, struct arena *arena, struct str text)
{
    struct realtime_place place = {.told = text.n};
    struct realtime_place back;
    memcpy(place.position, text.p, text.n < STORE_POSITION_SIZE ? text.n : STORE_POSITION_SIZE);
    struct str cursor = realtime_cursor_make(rt, arena, SESSION, &place);
    ASSERT(realtime_cursor_read(rt, SESSION, cursor, &back) == 0 && back.told == place.told);
    ASSERT(memcmp(back.position, place.position, STORE_POSITION_SIZE) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct auth_ring ring;
    static struct auth a = {.magic = AUTH_MAGIC, .ring = &ring};
    if (ring.now.access.n == 0) {
        auth_keys_init(&ring.now, STR("0123456789abcdef0123456789abcdef"));
    }
    const struct realtime rt = {.magic = REALTIME_MAGIC, .auth = &a};
    ARENA_AUTO(arena);
    struct str text = arena_str(&arena, str_of(data, size));
    try_protocols(text);
    try_cursor(&rt, text);
    try_place(&rt, &arena, text);
    return 0;
}
