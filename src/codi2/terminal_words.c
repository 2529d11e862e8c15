#include "codi2/terminal_words.h"

#include "base/json.h"

enum { MOST_SIDE = 1000 };

bool codi2_terminal_is_id(struct str id)
{
    return str_is_word(id, CODI2_TERMINAL_ID);
}

int codi2_terminal_side(struct str text, unsigned *ret_side)
{
    uint64_t value;
    if (str_u64(text, MOST_SIDE, &value) != 0 || value == 0) {
        return ERR_INVALID;
    }
    *ret_side = (unsigned)value;
    return 0;
}

static bool read_side(const struct json *word, const char *name, unsigned *ret_side)
{
    const struct json *value = json_get(word, name);
    if (!value || value->kind != JSON_INTEGER || value->integer < 1 || value->integer > MOST_SIDE) {
        return false;
    }
    *ret_side = (unsigned)value->integer;
    return true;
}

int codi2_terminal_word(struct str text, struct codi2_size *ret_size)
{
    ARENA_AUTO(arena);
    struct json *word;
    struct codi2_size size;
    if (text.n > CODI2_TERMINAL_WORD || json_parse(&arena, text, &word, NULL) != 0) {
        return ERR_INVALID;
    }
    const struct json *type = json_get(word, "type");
    if (!type || type->kind != JSON_STRING || !str_eq(type->string, STR("resize")) ||
        !read_side(word, "cols", &size.cols) || !read_side(word, "rows", &size.rows)) {
        return ERR_INVALID;
    }
    *ret_size = size;
    return 0;
}

static void begin(struct json_writer *w, struct buf *out, const char *type)
{
    json_writer_init(w, out);
    json_object(w);
    json_member_string(w, "type", str_from(type));
}

void codi2_terminal_say_opened(struct buf *out, const struct codi2_opened *opened)
{
    struct json_writer w;
    begin(&w, out, "opened");
    json_member_string(&w, "terminal", opened->id);
    json_member_string(&w, "run", opened->run);
    json_member_integer(&w, "offset", (int64_t)opened->offset);
    json_member_integer(&w, "cols", opened->size.cols);
    json_member_integer(&w, "rows", opened->size.rows);
    json_member_bool(&w, "new", opened->fresh);
    json_object_end(&w);
}

void codi2_terminal_say_missed(struct buf *out, uint64_t bytes, uint64_t offset)
{
    struct json_writer w;
    begin(&w, out, "missed");
    json_member_integer(&w, "bytes", (int64_t)bytes);
    json_member_integer(&w, "offset", (int64_t)offset);
    json_object_end(&w);
}

void codi2_terminal_say_ended(struct buf *out, const struct codi2_exit *how)
{
    struct json_writer w;
    begin(&w, out, "ended");
    if (!how->hung_up) {
        json_member_integer(&w, how->by_signal ? "signal" : "exit_code", how->number);
    }
    json_object_end(&w);
}

void codi2_terminal_say_gone(struct buf *out)
{
    struct json_writer w;
    begin(&w, out, "gone");
    json_object_end(&w);
}
