/*
 * The JSON reader: recursive descent, whose depth JSON_MAX_DEPTH bounds. Values are counted before they are allocated, so the
 * memory of a tree is bounded by JSON_MAX_VALUES and the length of the text.
 */
#include "base/json.h"

#include "base/assert.h"
#include "base/json_int.h"
#include "base/map.h"
#include "base/mem.h"

enum { FEW_MEMBERS = 16 }; /* up to here duplicate names are looked for one by one */

struct reader {
    struct arena *arena;
    const char *start, *at, *end;
    size_t values;
    unsigned depth;
    const char *error; /* NULL until something is wrong */
    size_t error_offset;
};

static bool parse_value(struct reader *r, struct json *value);

/* Always false, so that a check can end in: return fail(r, "…"). */
static bool fail_at(struct reader *r, const char *at, const char *what)
{
    if (!r->error) {
        r->error = what;
        r->error_offset = (size_t)(at - r->start);
    }
    return false;
}

static bool fail(struct reader *r, const char *what)
{
    return fail_at(r, r->at, what);
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) {
        r->at++;
    }
}

static bool is_next(const struct reader *r, char c)
{
    return r->at < r->end && *r->at == c;
}

static bool is_next_digit(const struct reader *r)
{
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static bool take(struct reader *r, char c)
{
    if (!is_next(r, c)) {
        return false;
    }
    r->at++;
    return true;
}

/* ---- strings ---- */

static bool parse_hex4(struct reader *r, uint32_t *ret_code)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        int digit = r->at < r->end ? str_hex_digit(*r->at) : -1;
        if (digit < 0) {
            return fail(r, "four hexadecimal digits are missing behind \\u");
        }
        code = code << 4 | (uint32_t)digit;
    }
    *ret_code = code;
    return true;
}

/* Behind "\u": one code point, which takes two escapes beyond U+FFFF. */
static bool parse_unicode(struct reader *r, uint32_t *ret_code)
{
    const char *escape = r->at - 2;
    uint32_t code, low;
    if (!parse_hex4(r, &code)) {
        return false;
    }
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (!take(r, '\\') || !take(r, 'u')) {
            return fail_at(r, escape, "half of a surrogate pair stands alone");
        }
        if (!parse_hex4(r, &low)) {
            return false;
        }
        if (low < 0xDC00 || low > 0xDFFF) {
            return fail_at(r, escape, "half of a surrogate pair stands alone");
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
        return fail_at(r, escape, "half of a surrogate pair stands alone");
    }
    *ret_code = code;
    return true;
}

/* Behind a backslash: appends what the escape stands for to *to. */
static bool parse_escape(struct reader *r, char **to)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    char c = r->at < r->end ? *r->at : '\0';
    const char *letter = c ? strchr(letters, c) : NULL;
    if (letter) {
        r->at++;
        *(*to)++ = meanings[letter - letters];
        return true;
    }
    if (!take(r, 'u')) {
        return fail(r, "an unknown escape follows a backslash");
    }
    uint32_t code;
    if (!parse_unicode(r, &code)) {
        return false;
    }
    *to += str_put_utf8(*to, code);
    return true;
}

/* ASCII that stands for itself in a string: nearly all there is, so it is passed over first. */
static const bool plain[256] = {
    [0x20 ... '"' - 1] = true, ['"' + 1 ... '\\' - 1] = true, ['\\' + 1 ... 0x7F] = true};

/* From r->at to the closing quote, which is not taken: finds it and checks every byte. */
static bool scan_string(struct reader *r, const char **ret_close, bool *ret_escapes)
{
    const char *at = r->at;
    bool escapes = false;
    for (;;) {
        while (at < r->end && plain[(unsigned char)*at]) {
            at++;
        }
        if (at >= r->end || *at == '"') {
            break;
        }
        unsigned char c = (unsigned char)*at;
        if (c < 0x20) {
            return fail_at(r, at, "a control character stands unescaped in a string");
        }
        if (c == '\\') {
            escapes = true;
            at++;
            at += at < r->end; /* what follows is looked at by parse_escape */
            continue;
        }
        size_t length = str_utf8_length(str_of(at, (size_t)(r->end - at)));
        if (length == 0) {
            return fail_at(r, at, "the text is not UTF-8");
        }
        at += length;
    }
    if (at >= r->end) {
        return fail_at(r, r->end, "a string does not end");
    }
    *ret_close = at;
    *ret_escapes = escapes;
    return true;
}

/* A whole string with its quotes. */
static bool parse_string(struct reader *r, struct str *ret_string)
{
    const char *close;
    bool escapes;
    r->at++;
    if (!scan_string(r, &close, &escapes)) {
        return false;
    }
    size_t length = (size_t)(close - r->at);
    if (!escapes) {
        *ret_string = str_of(r->at, length);
        r->at = close + 1;
        return true;
    }
    char *copy =
        arena_alloc(r->arena, length + 1); /* an escape is never shorter than what it stands for */
    char *to = copy;
    while (r->at < close) {
        if (*r->at != '\\') {
            *to++ = *r->at++;
            continue;
        }
        r->at++;
        if (!parse_escape(r, &to)) {
            return false;
        }
    }
    *ret_string = str_of(copy, (size_t)(to - copy));
    r->at = close + 1;
    return true;
}

/* ---- numbers ---- */

static bool parse_number(struct reader *r, struct json *value)
{
    const char *error = NULL;
    const char *at = json_int_number(r->at, r->end, value, &error);
    if (error) {
        return fail_at(r, at, error);
    }
    r->at = at;
    return true;
}

/* ---- containers ---- */

/* Names already seen in one object, in a table once they are more than a few. */
struct names {
    const struct json *object;
    const struct json **slots;
    size_t mask;
};

static void names_fini(struct names *names)
{
    mem_free(names->slots);
}

/* False when the name stands there already. */
static bool put_name(struct names *names, const struct json *member)
{
    size_t slot = (size_t)map_hash(member->name) & names->mask;
    while (names->slots[slot]) {
        if (str_eq(names->slots[slot]->name, member->name)) {
            return false;
        }
        slot = (slot + 1) & names->mask;
    }
    names->slots[slot] = member;
    return true;
}

/* The members so far, which differ in name, in a table of at least four times their number. */
static void rebuild_names(struct names *names)
{
    mem_free(names->slots);
    size_t slots = names->mask ? (names->mask + 1) * 4 : FEW_MEMBERS * 8;
    names->slots = mem_alloc(slots * sizeof *names->slots);
    names->mask = slots - 1;
    for (const struct json *m = names->object->first; m; m = m->next) {
        ASSERT(put_name(names, m));
    }
}

/* Called before the member is linked into its object. */
static bool is_new_name(struct names *names, const struct json *member)
{
    if (names->object->count < FEW_MEMBERS) {
        for (const struct json *m = names->object->first; m; m = m->next) {
            if (str_eq(m->name, member->name)) {
                return false;
            }
        }
        return true;
    }
    if (!names->slots || names->object->count * 2 > names->mask) {
        rebuild_names(names);
    }
    return put_name(names, member);
}

static bool parse_name(struct reader *r, struct names *names, struct json *member)
{
    const char *start = r->at;
    if (!is_next(r, '"')) {
        return fail(r, "a name in quotes is missing");
    }
    if (!parse_string(r, &member->name)) {
        return false;
    }
    if (!is_new_name(names, member)) {
        return fail_at(r, start, "a name stands twice in an object");
    }
    skip_space(r);
    if (!take(r, ':')) {
        return fail(r, "a colon is missing behind a name");
    }
    skip_space(r);
    return true;
}

static struct json *new_value(struct reader *r)
{
    if (r->values >= JSON_MAX_VALUES) {
        (void)fail(r, "there are too many values");
        return NULL;
    }
    r->values++;
    return ARENA_NEW(r->arena, struct json);
}

/* Elements and the closing bracket; names is NULL for an array. */
static bool parse_elements(struct reader *r, struct json *container, struct names *names)
{
    char close = names ? '}' : ']';
    struct json **link = &container->first;
    skip_space(r);
    if (take(r, close)) {
        return true;
    }
    do {
        skip_space(r);
        struct json *element = new_value(r);
        if (!element || (names && !parse_name(r, names, element)) || !parse_value(r, element)) {
            return false;
        }
        *link = element;
        link = &element->next;
        container->count++;
        skip_space(r);
    } while (take(r, ','));
    return take(r, close) || fail(r, "a comma or a closing bracket is missing");
}

static bool parse_container(struct reader *r, struct json *value)
{
    if (r->depth == JSON_MAX_DEPTH) {
        return fail(r, "arrays and objects are nested too deeply");
    }
    value->kind = *r->at++ == '{' ? JSON_OBJECT : JSON_ARRAY;
    struct names names __attribute__((cleanup(names_fini))) = {.object = value};
    r->depth++;
    bool ok = parse_elements(r, value, value->kind == JSON_OBJECT ? &names : NULL);
    r->depth--;
    return ok;
}

static bool parse_word(struct reader *r, struct str word)
{
    if (!str_starts(str_of(r->at, (size_t)(r->end - r->at)), word)) {
        return fail(r, "a value is missing");
    }
    r->at += word.n;
    return true;
}

static bool parse_value(struct reader *r, struct json *value)
{
    switch (r->at < r->end ? *r->at : '\0') {
    case '{':
    case '[':
        return parse_container(r, value);
    case '"':
        value->kind = JSON_STRING;
        return parse_string(r, &value->string);
    case 't':
        value->kind = JSON_BOOL;
        value->boolean = true;
        return parse_word(r, STR("true"));
    case 'f':
        value->kind = JSON_BOOL;
        return parse_word(r, STR("false"));
    case 'n':
        return parse_word(r, STR("null"));
    case '-':
        return parse_number(r, value);
    default:
        return is_next_digit(r) ? parse_number(r, value) : fail(r, "a value is missing");
    }
}

int json_parse(struct arena *arena, struct str text, struct json **ret_value,
               struct json_error *ret_error)
{
    const char *start = text.p ? text.p : "";
    struct reader r = {.arena = arena, .start = start, .at = start, .end = start + text.n};
    struct json *value = new_value(&r);
    skip_space(&r);
    if (parse_value(&r, value)) {
        skip_space(&r);
        if (r.at == r.end) {
            *ret_value = value;
            return 0;
        }
        (void)fail(&r, "something follows the value");
    }
    if (ret_error) {
        *ret_error = (struct json_error){.offset = r.error_offset, .what = r.error};
    }
    return ERR_INVALID;
}

const struct json *json_get(const struct json *value, const char *name)
{
    if (!value || value->kind != JSON_OBJECT) {
        return NULL;
    }
    struct str wanted = str_from(name);
    for (const struct json *m = value->first; m; m = m->next) {
        if (str_eq(m->name, wanted)) {
            return m;
        }
    }
    return NULL;
}
