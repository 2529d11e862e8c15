/*
 * The codec of all records, driven by the field tables. A record is stored as
 *     {version} {public JSON}\0{private JSON}
 * so that a reply copies the first object byte for byte and a private field cannot be in it: JSON text holds no NUL, and
 * what lies behind it is never given out as text.
 *
 * 1. Fields are written in the order of spec/records.yaml; an absent optional one is not written.
 * 2. Times are kept to the millisecond (and lie behind the first): what put leaves in the struct is what get will return.
 * 3. Encoding asserts the bounds (a wrong value is our bug); decoding answers ERR_CORRUPT (a wrong value is damage).
 * 4. A record of an older version is brought forward before its fields are read (upgrade.c), a step for each version between; its
 *    public text is then written anew, since replies copy it.
 */
#include "data/data_int.h"

static bool field_absent(const struct data_field *f, const void *member)
{
    switch (f->kind) {
    case DATA_ID:
    case DATA_TEXT:
        return ((const struct str *)member)->n == 0;
    case DATA_INT:
        return *(const int64_t *)member == 0;
    case DATA_TIME:
        return *(const usec_t *)member == 0;
    case DATA_ENUM:
        return *(const int *)member == 0;
    case DATA_BOOL:
        return false;
    }
    UNREACHABLE();
}

static bool field_fits(const struct data_field *f, const void *member)
{
    if (f->optional && field_absent(f, member)) {
        return true;
    }
    const struct str *text = member;
    switch (f->kind) {
    case DATA_ID:
        return data_id_is(*text, f->prefix);
    case DATA_TEXT:
        return text->n >= (f->min > 0 ? (size_t)f->min : 1) && text->n <= (size_t)f->max &&
               str_is_utf8(*text);
    case DATA_ENUM:
        return *(const int *)member >= 1 && *(const int *)member <= f->max;
    case DATA_INT:
        return *(const int64_t *)member >= f->min && *(const int64_t *)member <= f->max;
    case DATA_TIME:
        return *(const usec_t *)member >= USEC_PER_MS;
    case DATA_BOOL:
        return true;
    }
    UNREACHABLE();
}

static void field_write(struct json_writer *w, const struct data_field *f, const void *member)
{
    char text[25];
    switch (f->kind) {
    case DATA_ID:
    case DATA_TEXT:
        json_member_string(w, f->name, *(const struct str *)member);
        break;
    case DATA_ENUM:
        json_member_string(w, f->name, str_from(f->words[*(const int *)member]));
        break;
    case DATA_INT:
        json_member_integer(w, f->name, *(const int64_t *)member);
        break;
    case DATA_BOOL:
        json_member_bool(w, f->name, *(const bool *)member);
        break;
    case DATA_TIME:
        json_member_string(w, f->name, time_str(text, *(const usec_t *)member));
        break;
    }
}

static void part_write(struct buf *out, const struct data_type *type, void *record, bool private)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct data_field *f = &type->fields[i];
        void *member = (char *)record + f->offset;
        if (f->private != private) {
            continue;
        }
        ASSERT(field_fits(f, member));
        if (f->kind == DATA_TIME) {
            *(usec_t *)member -= *(usec_t *)member % USEC_PER_MS;
        }
        if (!(f->optional && field_absent(f, member))) {
            field_write(&w, f, member);
        }
    }
    json_object_end(&w);
}

struct str data_record_encode(struct arena *arena, const struct data_type *type, void *record)
{
    BUF_AUTO(out, DATA_MAX_RECORD);
    buf_printf(&out, "%u ", type->version);
    size_t begin = out.n;
    part_write(&out, type, record, /* private= */ false);
    size_t end = out.n;
    buf_byte(&out, '\0');
    part_write(&out, type, record, /* private= */ true);
    ASSERT(out.error == 0);
    struct str value = arena_str(arena, buf_str(&out));
    struct str *reply = (struct str *)((char *)record + type->reply);
    *reply = str_slice(value, begin, end);
    return value;
}

static bool enum_read(const struct data_field *f, struct str word, void *member)
{
    for (int value = 1; value <= f->max; value++) {
        if (str_eq(word, str_from(f->words[value]))) {
            *(int *)member = value;
            return true;
        }
    }
    return false;
}

static bool field_read(const struct data_field *f, const struct json *value, void *member)
{
    switch (f->kind) {
    case DATA_ID:
    case DATA_TEXT:
        *(struct str *)member = value->kind == JSON_STRING ? value->string : STR_EMPTY;
        return value->kind == JSON_STRING;
    case DATA_ENUM:
        return value->kind == JSON_STRING && enum_read(f, value->string, member);
    case DATA_INT:
        *(int64_t *)member = value->kind == JSON_INTEGER ? value->integer : 0;
        return value->kind == JSON_INTEGER;
    case DATA_BOOL:
        *(bool *)member = value->kind == JSON_BOOL && value->boolean;
        return value->kind == JSON_BOOL;
    case DATA_TIME:
        return value->kind == JSON_STRING && time_parse(value->string, member) == 0 &&
               *(usec_t *)member >= 0;
    }
    UNREACHABLE();
}

/* Members stand in the order of the fields: one pass over both. What is left over is not ours. */
static bool part_read(const struct data_type *type, const struct json *object, bool private,
                      void *record)
{
    const struct json *value = object->first;
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct data_field *f = &type->fields[i];
        if (f->private != private) {
            continue;
        }
        void *member = (char *)record + f->offset;
        bool here = value && str_eq(value->name, str_from(f->name));
        if (here && !field_read(f, value, member)) {
            return false;
        }
        if ((!here && !f->optional) || !field_fits(f, member)) {
            return false;
        }
        value = here ? value->next : value;
    }
    return value == NULL;
}

static int part_decode(struct arena *arena, struct str text, struct json **ret_object)
{
    if (json_parse(arena, text, ret_object, NULL) < 0 || (*ret_object)->kind != JSON_OBJECT) {
        return ERR_CORRUPT;
    }
    return 0;
}

/* The members in the order of the fields, what is no field's behind them. */
static void arrange(const struct data_type *type, struct json *object)
{
    struct json sorted = {.kind = JSON_OBJECT};
    for (unsigned i = 0; i < type->field_count; i++) {
        struct json *member = data_shape_take(object, type->fields[i].name);
        if (member) {
            data_shape_put(&sorted, member);
        }
    }
    for (struct json *rest = object->first; rest; rest = object->first) {
        object->first = rest->next;
        data_shape_put(&sorted, rest);
    }
    object->first = sorted.first;
}

static bool bring_forward(const struct data_type *type, uint64_t version, struct data_shape *shape)
{
    bool done = true;
    for (uint64_t v = version; done && v < type->version; v++) {
        done = type->older[v - 1](shape);
    }
    arrange(type, shape->public);
    arrange(type, shape->private);
    return done;
}

/* ret_begin: of what lies behind it. */
static int version_read(const struct data_type *type, struct str value, uint64_t *ret_version,
                        size_t *ret_begin)
{
    size_t space = str_find(value, ' ', 0);
    if (str_u64(str_slice(value, 0, space), 1000, ret_version) < 0 || *ret_version == 0) {
        return ERR_CORRUPT;
    }
    *ret_begin = space + 1;
    return *ret_version > type->version ? ERR_NEWER : 0;
}

uint64_t data_record_version(struct str value)
{
    uint64_t version;
    int r = str_u64(str_slice(value, 0, str_find(value, ' ', 0)), 1000, &version);
    ASSERT(r == 0);
    return version;
}

int data_record_decode(struct arena *arena, const struct data_type *type, struct str value,
                       void *ret_record)
{
    uint64_t version;
    size_t begin;
    int r = version_read(type, value, &version, &begin);
    if (r < 0) {
        return r;
    }
    size_t end = str_find(value, '\0', begin);
    struct str reply = str_slice(value, begin, end);
    struct data_shape shape;
    if (part_decode(arena, reply, &shape.public) < 0 ||
        part_decode(arena, str_slice(value, end + 1, value.n), &shape.private) < 0) {
        return ERR_CORRUPT;
    }
    void *record = arena_alloc(arena, type->size);
    bool older = version < type->version;
    if ((older && !bring_forward(type, version, &shape)) ||
        !part_read(type, shape.public, false, record) ||
        !part_read(type, shape.private, true, record)) {
        return ERR_CORRUPT;
    }
    *(struct str *)((char *)record + type->reply) = reply;
    if (older) {
        (void)data_record_encode(arena, type, record);
    }
    memcpy(ret_record, record, type->size);
    return 0;
}

void data_record_copy(struct arena *arena, const struct data_type *type, void *record)
{
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct data_field *f = &type->fields[i];
        struct str *text = (struct str *)((char *)record + f->offset);
        if (f->kind == DATA_ID || f->kind == DATA_TEXT) {
            *text = text->n > 0 ? arena_str(arena, *text) : STR_EMPTY;
        }
    }
    struct str *reply = (struct str *)((char *)record + type->reply);
    *reply = arena_str(arena, *reply);
}
