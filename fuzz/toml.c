/* Any text: a tree that JSON can express, or an error that points into the text. */
#include "base/toml.h"

#include "base/assert.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO(arena);
    BUF_AUTO(out, 16 << 20);
    struct json *value = NULL;
    struct toml_error error = {0};
    if (toml_parse(&arena, str_of(data, size), &value, &error) < 0) {
        ASSERT(value == NULL && error.what != NULL);
        ASSERT(error.line >= 1 && error.column >= 1 && error.line + error.column <= size + 2);
        return 0;
    }
    struct json_writer w;
    json_writer_init(&w, &out);
    json_value(&w, value);
    struct json *again = NULL;
    ASSERT(!out.error && json_parse(&arena, buf_str(&out), &again, NULL) == 0);
    ASSERT(again->kind == JSON_OBJECT && again->count == value->count);
    return 0;
}
