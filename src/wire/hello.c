/* The small messages: hello, hashes. */
#include "wire/wire_int.h"

void wire_hello_write(struct buf *out, const struct wire_hello *hello)
{
    struct json_writer w;
    ASSERT(hello->program.n <= WIRE_MAX_PROGRAM);
    json_writer_init(&w, out);
    json_object(&w);
    wire_number_write(&w, "version", hello->version);
    wire_number_write(&w, "generation", hello->generation);
    json_member_string(&w, "program", hello->program);
    json_object_end(&w);
}

int wire_hello_read(struct arena *arena, struct str text, struct wire_hello *ret_hello)
{
    const struct json *object;
    struct wire_hello hello;
    if (wire_object(arena, text, &object) < 0 ||
        wire_number(object, "version", INT64_MAX, &hello.version) < 0 ||
        wire_number(object, "generation", INT64_MAX, &hello.generation) < 0 ||
        wire_text(object, "program", WIRE_MAX_PROGRAM, &hello.program) < 0) {
        return ERR_INVALID;
    }
    *ret_hello = hello;
    return 0;
}

void wire_welcome_write(struct buf *out, const struct wire_welcome *welcome)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    wire_number_write(&w, "version", welcome->version);
    wire_number_write(&w, "seq", welcome->seq);
    if (welcome->connection > 0) {
        wire_number_write(&w, "connection", welcome->connection);
    }
    if (welcome->store > 0) {
        wire_number_write(&w, "store", welcome->store);
    }
    json_object_end(&w);
}

int wire_welcome_read(struct arena *arena, struct str text, struct wire_welcome *ret_welcome)
{
    const struct json *object;
    struct wire_welcome welcome;
    if (wire_object(arena, text, &object) < 0 ||
        wire_number(object, "version", INT64_MAX, &welcome.version) < 0 ||
        wire_number(object, "seq", INT64_MAX, &welcome.seq) < 0 ||
        wire_number_or_0(object, "connection", INT64_MAX, &welcome.connection) < 0 ||
        wire_number_or_0(object, "store", INT64_MAX, &welcome.store) < 0) {
        return ERR_INVALID;
    }
    *ret_welcome = welcome;
    return 0;
}

void wire_hashes_member(struct json_writer *w, const struct wire_hashes *hashes)
{
    ASSERT(hashes->n <= WIRE_MAX_HASHES);
    json_name(w, "hashes");
    json_array(w);
    for (size_t i = 0; i < hashes->n; i++) {
        wire_hash_write(w, NULL, &hashes->at[i]);
    }
    json_array_end(w);
}

int wire_hashes_of(struct arena *arena, const struct json *object, struct wire_hashes *ret_hashes)
{
    const struct json *array;
    int r = wire_array(object, "hashes", WIRE_MAX_HASHES, &array);
    if (r < 0) {
        return r;
    }
    struct wire_hashes hashes = {.at = ARENA_ARRAY(arena, struct content_hash, array->count)};
    for (const struct json *item = array->first; item; item = item->next) {
        if (item->kind != JSON_STRING ||
            content_hash_parse(item->string, &hashes.at[hashes.n++]) < 0) {
            return ERR_INVALID;
        }
    }
    *ret_hashes = hashes;
    return 0;
}

void wire_hashes_write(struct buf *out, const struct wire_hashes *hashes)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    wire_hashes_member(&w, hashes);
    json_object_end(&w);
}

int wire_hashes_read(struct arena *arena, struct str text, struct wire_hashes *ret_hashes)
{
    const struct json *object;
    int r = wire_object(arena, text, &object);
    return r < 0 ? r : wire_hashes_of(arena, object, ret_hashes);
}
