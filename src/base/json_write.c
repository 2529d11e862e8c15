/*
 * The JSON writer. Bit n of objects and filled speaks of the container at depth n + 1. A full buf ends nothing here: calls go
 * on being checked and what they append is ignored by the buf.
 */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/json_int.h"

void json_writer_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static uint64_t innermost(const struct json_writer *w)
{
    return (uint64_t)1 << (w->depth - 1);
}

static bool in_object(const struct json_writer *w)
{
    return w->depth > 0 && (w->objects & innermost(w));
}

static void comma(struct json_writer *w)
{
    if (w->filled & innermost(w)) {
        buf_byte(w->out, ',');
    }
    w->filled |= innermost(w);
}

/* Every value starts here. */
static void begin_value(struct json_writer *w)
{
    if (w->depth == 0) {
        ASSERT(!w->done); /* a text is one value */
        w->done = true;
    } else if (in_object(w)) {
        ASSERT(w->named);
        w->named = false;
    } else {
        comma(w);
    }
}

static void open_container(struct json_writer *w, char c)
{
    begin_value(w);
    ASSERT(w->depth < JSON_WRITER_DEPTH);
    w->depth++;
    w->filled &= ~innermost(w);
    w->objects = c == '{' ? w->objects | innermost(w) : w->objects & ~innermost(w);
    buf_byte(w->out, c);
}

void json_object(struct json_writer *w)
{
    open_container(w, '{');
}

void json_object_end(struct json_writer *w)
{
    ASSERT(in_object(w) && !w->named);
    w->depth--;
    buf_byte(w->out, '}');
}

void json_array(struct json_writer *w)
{
    open_container(w, '[');
}

void json_array_end(struct json_writer *w)
{
    ASSERT(w->depth > 0 && !in_object(w));
    w->depth--;
    buf_byte(w->out, ']');
}

static void put_escape(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "btnvfr"; /* 8 to 13; JSON has no \v */
    if (c == '"' || c == '\\') {
        char escape[] = {'\\', (char)c};
        buf_add(b, str_of(escape, sizeof escape));
    } else if (c >= '\b' && c <= '\r' && c != '\v') {
        char escape[] = {'\\', letters[c - '\b']};
        buf_add(b, str_of(escape, sizeof escape));
    } else {
        char escape[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        buf_add(b, str_of(escape, sizeof escape));
    }
}

/* Length of the front of s that can be copied as it is. */
static size_t plain_length(struct str s)
{
    size_t at = 0;
    while (at < s.n) {
        unsigned char c = (unsigned char)s.p[at];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F) {
            break;
        }
        size_t length = c < 0x80 ? 1 : str_utf8_length(str_slice(s, at, s.n));
        if (length == 0) {
            break;
        }
        at += length;
    }
    return at;
}

static void put_string(struct buf *b, struct str s)
{
    buf_byte(b, '"');
    while (s.n > 0) {
        size_t plain = plain_length(s);
        buf_add(b, str_slice(s, 0, plain));
        s = str_slice(s, plain, s.n);
        if (s.n == 0) {
            break;
        }
        unsigned char c = (unsigned char)s.p[0];
        if (c < 0x80) {
            put_escape(b, c);
        } else {
            buf_add(b, STR("\xEF\xBF\xBD"));
        }
        s = str_slice(s, 1, s.n);
    }
    buf_byte(b, '"');
}

void json_name(struct json_writer *w, const char *name)
{
    json_name_str(w, str_from(name));
}

void json_name_str(struct json_writer *w, struct str name)
{
    ASSERT(in_object(w) && !w->named);
    comma(w);
    put_string(w->out, name);
    buf_byte(w->out, ':');
    w->named = true;
}

void json_name_ready(struct json_writer *w, struct str name)
{
    ASSERT(in_object(w) && !w->named);
    size_t skip = w->filled & innermost(w) ? 0 : 1;
    w->filled |= innermost(w);
    buf_add(w->out, str_of(name.p + skip, name.n - skip));
    w->named = true;
}

void json_string(struct json_writer *w, struct str s)
{
    begin_value(w);
    put_string(w->out, s);
}

void json_integer(struct json_writer *w, int64_t value)
{
    begin_value(w);
    buf_i64(w->out, value);
}

void json_unsigned(struct json_writer *w, uint64_t value)
{
    begin_value(w);
    buf_u64(w->out, value);
}

/* The shortest form that reads back as the same double. */
void json_double(struct json_writer *w, double value)
{
    ASSERT(isfinite(value));
    begin_value(w);
    char text[32];
    int length = 0;
    locale_t before = uselocale(json_int_locale());
    for (int digits = 15; digits <= 17; digits++) {
        length = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    (void)uselocale(before);
    ASSERT(length > 0 && (size_t)length < sizeof text);
    buf_add(w->out, str_of(text, (size_t)length));
    if (!strpbrk(text, ".e")) {
        buf_add(w->out, STR(".0")); /* else it would be read as an integer */
    }
}

void json_bool(struct json_writer *w, bool value)
{
    begin_value(w);
    buf_add(w->out, value ? STR("true") : STR("false"));
}

void json_null(struct json_writer *w)
{
    begin_value(w);
    buf_add(w->out, STR("null"));
}

void json_raw(struct json_writer *w, struct str text)
{
    ASSERT(text.n > 0);
    begin_value(w);
    buf_add(w->out, text);
}

void json_members(struct json_writer *w, struct str object)
{
    ASSERT(object.n >= 2 && object.p[0] == '{' && object.p[object.n - 1] == '}');
    ASSERT(in_object(w) && !w->named);
    if (object.n > 2) {
        comma(w);
        buf_add(w->out, str_slice(object, 1, object.n - 1));
    }
}

static void write_container(struct json_writer *w, const struct json *value)
{
    bool object = value->kind == JSON_OBJECT;
    open_container(w, object ? '{' : '[');
    for (const struct json *element = value->first; element; element = element->next) {
        if (object) {
            json_name_str(w, element->name);
        }
        json_value(w, element);
    }
    if (object) {
        json_object_end(w);
    } else {
        json_array_end(w);
    }
}

void json_value(struct json_writer *w, const struct json *value)
{
    switch (value->kind) {
    case JSON_NULL:
        json_null(w);
        break;
    case JSON_BOOL:
        json_bool(w, value->boolean);
        break;
    case JSON_INTEGER:
        json_integer(w, value->integer);
        break;
    case JSON_NUMBER:
        json_double(w, value->number);
        break;
    case JSON_STRING:
        json_string(w, value->string);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        write_container(w, value);
        break;
    }
}

void json_member_string(struct json_writer *w, const char *name, struct str s)
{
    json_name(w, name);
    json_string(w, s);
}

void json_member_integer(struct json_writer *w, const char *name, int64_t value)
{
    json_name(w, name);
    json_integer(w, value);
}

void json_member_bool(struct json_writer *w, const char *name, bool value)
{
    json_name(w, name);
    json_bool(w, value);
}

void json_member_raw(struct json_writer *w, const char *name, struct str text)
{
    json_name(w, name);
    json_raw(w, text);
}
