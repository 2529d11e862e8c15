/* Members that several messages share. */
#include "wire/wire_int.h"

#include <stdio.h>

static const char *const author_words[] = {"user", "terminal", "agent", "api", NULL};

int wire_object(struct arena *arena, struct str text, const struct json **ret_object)
{
    struct json *value;
    if (text.n > WIRE_MAX_MESSAGE || json_parse(arena, text, &value, NULL) < 0 ||
        value->kind != JSON_OBJECT) {
        return ERR_INVALID;
    }
    *ret_object = value;
    return 0;
}

int wire_number(const struct json *object, const char *name, uint64_t most, uint64_t *ret_value)
{
    const struct json *member = json_get(object, name);
    if (!member || member->kind != JSON_INTEGER || member->integer < 0 ||
        (uint64_t)member->integer > most) {
        return ERR_INVALID;
    }
    *ret_value = (uint64_t)member->integer;
    return 0;
}

int wire_number_or_0(const struct json *object, const char *name, uint64_t most,
                     uint64_t *ret_value)
{
    if (!json_get(object, name)) {
        *ret_value = 0;
        return 0;
    }
    return wire_number(object, name, most, ret_value);
}

int wire_text(const struct json *object, const char *name, size_t most, struct str *ret_text)
{
    const struct json *member = json_get(object, name);
    if (!member || member->kind != JSON_STRING || member->string.n > most) {
        return ERR_INVALID;
    }
    *ret_text = member->string;
    return 0;
}

int wire_text_or_empty(const struct json *object, const char *name, size_t most,
                       struct str *ret_text)
{
    if (!json_get(object, name)) {
        *ret_text = STR_EMPTY;
        return 0;
    }
    return wire_text(object, name, most, ret_text);
}

static int unbase64(struct arena *arena, struct str text, struct str *ret_bytes)
{
    BUF_AUTO(b, WIRE_MAX_MESSAGE);
    if (encode_unbase64(&b, text) < 0 || b.error) {
        return ERR_INVALID;
    }
    *ret_bytes = arena_str(arena, buf_str(&b));
    return 0;
}

int wire_bytes(struct arena *arena, const struct json *object, const char *name,
               struct str *ret_bytes)
{
    struct str encoded_name = arena_printf(arena, "%s_b64", name);
    struct str text;
    struct str encoded;
    bool plain = wire_text(object, name, WIRE_MAX_MESSAGE, &text) == 0;
    bool coded = wire_text(object, encoded_name.p, WIRE_MAX_MESSAGE, &encoded) == 0;
    if (plain == coded) {
        return ERR_INVALID;
    }
    if (coded) {
        return unbase64(arena, encoded, ret_bytes);
    }
    *ret_bytes = text;
    return 0;
}

int wire_path(struct arena *arena, const struct json *object, const char *name,
              struct str *ret_path)
{
    struct str path;
    if (wire_bytes(arena, object, name, &path) < 0 || path.n == 0 || content_path_check(path) < 0) {
        return ERR_INVALID;
    }
    *ret_path = path;
    return 0;
}

int wire_hash(const struct json *object, const char *name, struct content_hash *ret_hash)
{
    struct str text;
    int r = wire_text(object, name, CONTENT_HASH_TEXT, &text);
    return r < 0 ? r : content_hash_parse(text, ret_hash);
}

int wire_word(const struct json *object, const char *name, const char *const *words,
              unsigned *ret_value)
{
    struct str text;
    int r = wire_text(object, name, 64, &text);
    for (unsigned i = 0; r == 0 && words[i]; i++) {
        if (str_eq(text, str_from(words[i]))) {
            *ret_value = i + 1;
            return 0;
        }
    }
    return ERR_INVALID;
}

int wire_array(const struct json *object, const char *name, size_t most,
               const struct json **ret_array)
{
    const struct json *member = json_get(object, name);
    if (!member || member->kind != JSON_ARRAY || member->count > most) {
        return ERR_INVALID;
    }
    *ret_array = member;
    return 0;
}

int wire_author_read(const struct json *object, struct wire_author *ret_author)
{
    const struct json *member = json_get(object, "author");
    unsigned kind;
    struct str id;
    if (!member || wire_word(member, "kind", author_words, &kind) < 0 ||
        wire_text(member, "id", WIRE_MAX_AUTHOR, &id) < 0) {
        return ERR_INVALID;
    }
    *ret_author = (struct wire_author){(enum wire_author_kind)kind, id};
    return 0;
}

struct str wire_author_disk(struct str id)
{
    size_t dot = id.n;
    while (dot > 0 && id.p[dot - 1] != '.') {
        dot--;
    }
    return dot > 0 ? str_slice(id, dot, id.n) : STR_EMPTY;
}

void wire_author_write(struct json_writer *w, const struct wire_author *author)
{
    ASSERT(author->kind >= WIRE_USER && author->kind <= WIRE_API &&
           author->id.n <= WIRE_MAX_AUTHOR);
    json_name(w, "author");
    json_object(w);
    json_member_string(w, "kind", str_from(author_words[author->kind - 1]));
    json_member_string(w, "id", author->id);
    json_object_end(w);
}

static void base64_write(struct json_writer *w, struct str bytes)
{
    BUF_AUTO(b, WIRE_MAX_MESSAGE);
    encode_base64(&b, bytes);
    ASSERT(b.error == 0);
    json_string(w, buf_str(&b));
}

void wire_bytes_write(struct json_writer *w, const char *name, struct str bytes)
{
    char coded[32];
    if (str_is_utf8(bytes)) {
        json_member_string(w, name, bytes);
        return;
    }
    int n = snprintf(coded, sizeof coded, "%s_b64", name);
    ASSERT(n > 0 && (size_t)n < sizeof coded);
    json_name(w, coded);
    base64_write(w, bytes);
}

void wire_number_write(struct json_writer *w, const char *name, uint64_t value)
{
    json_name(w, name);
    json_unsigned(w, value);
}

void wire_hash_write(struct json_writer *w, const char *name, const struct content_hash *hash)
{
    char text[CONTENT_HASH_TEXT + 1];
    content_hash_text(hash, text);
    if (name) {
        json_name(w, name);
    }
    json_string(w, str_of(text, CONTENT_HASH_TEXT));
}
