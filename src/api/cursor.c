/*
 * Cursors as clients have them: {seal}{place}. The place is the list's own (where the next page begins); the seal binds it to the
 * person, the route, the path and the query that it was given for: a place in one order or selection is nowhere in another.
 *
 * 1. What a list is asked to go on from is a place that this list gave to this person: nothing else reaches the domain.
 * 2. A place lies between entries, so entries that come or go meanwhile neither repeat nor hide others.
 */
#include "api/api_int.h"
#include "base/encode.h"

enum { SEAL_TEXT = 22, MAX_SEALED = 32 * 1024 }; /* 16 bytes in base64url */

static void put(struct buf *to, struct str part)
{
    buf_u64(to, part.n);
    buf_byte(to, ':');
    buf_add(to, part);
}

static void put_value(struct buf *to, const struct api_field *field, const void *in)
{
    const void *slot = (const char *)in + field->at;
    switch (field->kind) {
    case API_STRING:
        put(to, *(const struct str *)slot);
        return;
    case API_INTEGER:
        buf_printf(to, "%lld:", (long long)*(const int64_t *)slot);
        return;
    case API_BOOLEAN:
        buf_printf(to, "%d:", *(const bool *)slot);
        return;
    case API_ENUM:
        buf_printf(to, "%d:", *(const int *)slot);
        return;
    case API_SCALAR:
        break; /* the generator puts it into bodies alone */
    }
    UNREACHABLE();
}

/* As it was understood: what is not said is the same as its default said. A page may have another length than the one before. */
static void put_query(struct buf *to, const struct api_route *route, const void *in)
{
    for (size_t i = 0; i < route->field_count; i++) {
        const struct api_field *field = &route->fields[i];
        if (field->source == API_FROM_QUERY && field->text != API_TEXT_CURSOR &&
            !str_eq(str_from(field->name), STR("limit"))) {
            put_value(to, field, in);
        }
    }
}

static void sealed_text(const struct api_call *call, struct str place, struct buf *to)
{
    put(to, call->data.scope.tenant_id);
    put(to, call->data.scope.user_id);
    put(to, str_from(call->route->id));
    put(to, call->req->path);
    put_query(to, call->route, call->in);
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

static int place_of(const struct api_call *call, struct str cursor, struct str *ret_place)
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

void api_cursor_open(struct api_call *call, void *in)
{
    for (size_t i = 0; i < call->route->field_count; i++) {
        const struct api_field *field = &call->route->fields[i];
        struct str *cursor = (struct str *)((char *)in + field->at);
        if (field->text == API_TEXT_CURSOR && *(const bool *)((char *)in + field->has_at) &&
            place_of(call, *cursor, cursor) < 0) {
            api_field_error(call, field->name, "is none that this list gave for this query");
        }
    }
}
