/* Any text: what is accepted can be written, and reads back as the same tree, whose text is the same again. */
#include "base/json.h"

#include "base/assert.h"
#include "fuzz.h"

enum { WRITTEN_MOST = 16 << 20 };

static void write_tree(struct buf *out, const struct json *value)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_value(&w, value);
    ASSERT(!out->error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO(arena);
    BUF_AUTO(once, WRITTEN_MOST);
    BUF_AUTO(twice, WRITTEN_MOST);
    struct json *value = NULL;
    struct json_error error = {0};
    if (json_parse(&arena, str_of(data, size), &value, &error) < 0) {
        ASSERT(value == NULL && error.what != NULL && error.offset <= size);
        return 0;
    }
    write_tree(&once, value);
    struct json *again = NULL;
    ASSERT(json_parse(&arena, buf_str(&once), &again, &error) == 0);
    ASSERT(again->kind == value->kind && again->count == value->count);
    write_tree(&twice, again);
    ASSERT(str_eq(buf_str(&once), buf_str(&twice)));
    return 0;
}
