/*
 * What a request says → the structure of its operation's input, by the generated table of fields.
 *
 * Everything is checked against its bounds before a handler sees it, and everything that is not in the table is refused:
 * a misspelt name must not be taken for an absent one. All that is wrong is told at once, by name.
 *
 * 1. A structure is filled only from fields of its own route; the offsets come from the compiler.
 * 2. Texts lie in the request's arena or in the request itself; both live as long as the call.
 * 3. A path parameter that is malformed is ERR_NOT_FOUND and not ERR_INVALID: the reply must not tell the shape of ids that
 *    could exist from that of ids that do not. Only the rest of a path (a file's path) is ERR_INVALID.
 */
#include <stdarg.h>
#include <stdio.h>

#include "api/api_int.h"
#include "base/encode.h"
#include "files/files.h"

enum { MAX_PAIRS = 32 };

void api_field_error(struct api_call *call, const char *name, const char *format, ...)
{
    struct api_problem *problem = &call->problem;
    if (problem->field_count == API_MAX_FIELD_ERRORS) {
        return;
    }
    for (size_t i = 0; i < problem->field_count; i++) {
        if (str_eq(problem->fields[i].name, str_from(name))) {
            return;
        }
    }
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct api_field_problem *row = &problem->fields[problem->field_count++];
    row->name = arena_str(call->req->arena, str_from(name));
    row->what = arena_str(call->req->arena, str_from(text));
}

/* ---- Texts ---- */

static bool only(struct str s, const char *extra)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && (c == 0 || strchr(extra, c) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_line(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Only what cannot be an address at all; auth/ decides which addresses are the same. */
static bool is_email(struct str s)
{
    size_t at = str_find(s, '@', 0);
    if (at == 0 || at + 1 >= s.n || str_find(s, '@', at + 1) != s.n || at > 64) {
        return false;
    }
    return is_line(s) && str_find(s, ' ', 0) == s.n;
}

static int64_t code_points(struct str s)
{
    int64_t count = 0;
    for (size_t i = 0; i < s.n; i++) {
        count += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    }
    return count;
}

static const char *path_problem(struct str s)
{
    return content_path_check(s) == 0 ? NULL
                                      : "is no path: names of 1 to 255 bytes, not . or .., "
                                        "between single slashes, 4096 bytes in all";
}

/* NULL, or what is wrong. */
static const char *class_problem(const struct api_field *field, struct str s)
{
    switch (field->text) {
    case API_TEXT_ANY:
        return NULL;
    case API_TEXT_LINE:
        return is_line(s) ? NULL : "has control characters";
    case API_TEXT_TOKEN:
    case API_TEXT_PATH_B64:
    case API_TEXT_CURSOR:
        return only(s, "_-") ? NULL : "has characters other than A-Z a-z 0-9 _ -";
    case API_TEXT_DOTTED:
        return only(s, "._-") ? NULL : "has characters other than A-Z a-z 0-9 . _ -";
    case API_TEXT_ID:
        return data_id_is(s, field->prefix) ? NULL : "is no id of that kind";
    case API_TEXT_EMAIL:
        return is_email(s) ? NULL : "is no e-mail address";
    case API_TEXT_PATH:
        return path_problem(s);
    }
    UNREACHABLE();
}

static bool decode_b64(struct api_call *call, struct str s, struct str *ret)
{
    BUF_AUTO(bytes, CONTENT_MAX_PATH + 3);
    if (encode_unbase64url(&bytes, s) < 0 || bytes.error != 0 ||
        content_path_check(buf_str(&bytes)) < 0) {
        return false;
    }
    *ret = arena_str(call->req->arena, buf_str(&bytes));
    return true;
}

static bool check_text(struct api_call *call, const struct api_field *field, struct str s)
{
    bool is_path = field->text == API_TEXT_PATH;
    if (!is_path && !str_is_utf8(s)) {
        api_field_error(call, field->name, "is not UTF-8");
        return false;
    }
    int64_t n = field->text == API_TEXT_ID ? 0 : code_points(s);
    if (n < field->least) {
        api_field_error(call, field->name, "must have at least %lld character%s",
                        (long long)field->least, field->least == 1 ? "" : "s");
        return false;
    }
    if (n > field->most && !is_path) {
        api_field_error(call, field->name, "must have at most %lld characters",
                        (long long)field->most);
        return false;
    }
    const char *problem = class_problem(field, s);
    if (problem != NULL) {
        api_field_error(call, field->name, "%s", problem);
        return false;
    }
    return true;
}

/* ---- Storing ---- */

static void *slot(const struct api_field *field, void *in)
{
    return (char *)in + field->at;
}

static bool *has(const struct api_field *field, void *in)
{
    return (bool *)((char *)in + field->has_at);
}

/* False when the place is taken: path and path_b64 were both given. */
static bool claim(struct api_call *call, const struct api_field *field, void *in)
{
    if (*has(field, in)) {
        api_field_error(call, field->name, "is given twice, or in two forms");
        return false;
    }
    *has(field, in) = true;
    return true;
}

static void store_text(struct api_call *call, const struct api_field *field, struct str s, void *in)
{
    if (!claim(call, field, in) || !check_text(call, field, s)) {
        return;
    }
    if (field->text == API_TEXT_PATH_B64 && !decode_b64(call, s, &s)) {
        api_field_error(call, field->name, "is no path in base64url");
        return;
    }
    *(struct str *)slot(field, in) = s;
}

static void store_integer(struct api_call *call, const struct api_field *field, int64_t value,
                          void *in)
{
    if (!claim(call, field, in)) {
        return;
    }
    if (value < field->least || value > field->most) {
        api_field_error(call, field->name, "must be between %lld and %lld", (long long)field->least,
                        (long long)field->most);
        return;
    }
    *(int64_t *)slot(field, in) = value;
}

static void store_bool(struct api_call *call, const struct api_field *field, bool value, void *in)
{
    if (claim(call, field, in)) {
        *(bool *)slot(field, in) = value;
    }
}

static void store_choice(struct api_call *call, const struct api_field *field, struct str s,
                         void *in)
{
    if (!claim(call, field, in)) {
        return;
    }
    for (int i = 0; field->choices[i] != NULL; i++) {
        if (str_eq(s, str_from(field->choices[i]))) {
            *(int *)slot(field, in) = i;
            return;
        }
    }
    BUF_AUTO(list, 512);
    for (int i = 0; field->choices[i] != NULL; i++) {
        buf_printf(&list, "%s%s", i > 0 ? ", " : "", field->choices[i]);
    }
    api_field_error(call, field->name, "must be one of %s", buf_z(&list));
}

/* A value that came as text: in the path, the query or a header. */
static void store_plain(struct api_call *call, const struct api_field *field, struct str s,
                        void *in)
{
    uint64_t number;
    switch (field->kind) {
    case API_STRING:
        store_text(call, field, s, in);
        return;
    case API_ENUM:
        store_choice(call, field, s, in);
        return;
    case API_INTEGER:
        if (str_u64(s, INT64_MAX, &number) < 0) {
            api_field_error(call, field->name, "must be a whole number");
            *has(field, in) = true;
            return;
        }
        store_integer(call, field, (int64_t)number, in);
        return;
    case API_BOOLEAN:
        if (!str_eq(s, STR("true")) && !str_eq(s, STR("false"))) {
            api_field_error(call, field->name, "must be true or false");
            *has(field, in) = true;
            return;
        }
        store_bool(call, field, s.n == 4, in);
        return;
    case API_SCALAR:
        break; /* the generator puts it into bodies alone */
    }
    UNREACHABLE();
}

static void store_scalar(struct api_call *call, const struct api_field *field,
                         const struct json *value, void *in)
{
    if (claim(call, field, in)) {
        *(const struct json **)slot(field, in) = value;
    }
}

static void store_json(struct api_call *call, const struct api_field *field,
                       const struct json *value, void *in)
{
    static const char *const wanted[] = {
        [API_STRING] = "must be a text",
        [API_INTEGER] = "must be a whole number",
        [API_BOOLEAN] = "must be true or false",
        [API_ENUM] = "must be a text",
        [API_SCALAR] = "must be a text, a whole number, true or false",
    };
    bool scalar =
        value->kind == JSON_STRING || value->kind == JSON_INTEGER || value->kind == JSON_BOOL;
    if (field->kind == API_SCALAR && scalar) {
        store_scalar(call, field, value, in);
    } else if (field->nullable && value->kind == JSON_NULL) {
        (void)claim(call, field, in); /* the slot is zeroed */
    } else if (field->kind == API_STRING && value->kind == JSON_STRING) {
        store_text(call, field, value->string, in);
    } else if (field->kind == API_ENUM && value->kind == JSON_STRING) {
        store_choice(call, field, value->string, in);
    } else if (field->kind == API_INTEGER && value->kind == JSON_INTEGER) {
        store_integer(call, field, value->integer, in);
    } else if (field->kind == API_BOOLEAN && value->kind == JSON_BOOL) {
        store_bool(call, field, value->boolean, in);
    } else {
        api_field_error(call, field->name, "%s", wanted[field->kind]);
        *has(field, in) = true;
    }
}

/* ---- Sources ---- */

static const struct api_field *find_field(const struct api_route *route, enum api_source source,
                                          struct str name)
{
    for (size_t i = 0; i < route->field_count; i++) {
        const struct api_field *field = &route->fields[i];
        if (field->source == source && str_eq(name, str_from(field->name))) {
            return field;
        }
    }
    return NULL;
}

/* The rest of the path; an encoded slash or NUL would be another path than the one that is shown. */
static int decode_rest(struct api_call *call, struct str raw, struct str *ret_path)
{
    struct str rest = raw;
    struct str part;
    struct str bytes;
    while (str_split(&rest, '/', &part)) {
        if (http_percent_decode(call->req->arena, part, &bytes) < 0 ||
            content_name_check(bytes) < 0) {
            return ERR_INVALID;
        }
    }
    if (http_percent_decode(call->req->arena, raw, &bytes) < 0 || content_path_check(bytes) < 0) {
        return ERR_INVALID;
    }
    *ret_path = bytes;
    return 0;
}

static int decode_path(struct api_call *call, void *in)
{
    const struct api_route *route = call->route;
    for (size_t i = 0; i < route->field_count; i++) {
        const struct api_field *field = &route->fields[i];
        if (field->source != API_FROM_PATH) {
            continue;
        }
        struct str value = api_match_value(&call->match, field->name);
        if (field->text != API_TEXT_PATH) {
            store_plain(call, field, value, in);
            if (call->problem.field_count > 0) {
                call->problem.field_count = 0;
                return ERR_NOT_FOUND;
            }
            continue;
        }
        *has(field, in) = true;
        if (decode_rest(call, value, (struct str *)slot(field, in)) < 0) {
            api_field_error(call, field->name, "%s", class_problem(field, STR("..")));
        }
    }
    return 0;
}

static void decode_pair(struct api_call *call, struct str pair, void *in)
{
    size_t equals = str_find(pair, '=', 0);
    struct str name;
    struct str value;
    struct arena *arena = call->req->arena;
    if (http_percent_decode(arena, str_slice(pair, 0, equals), &name) < 0 ||
        http_percent_decode(arena, str_slice(pair, equals + 1, pair.n), &value) < 0) {
        api_field_error(call, "query", "has a percent sign without two hexadecimal digits");
        return;
    }
    const struct api_field *field = find_field(call->route, API_FROM_QUERY, name);
    if (field == NULL) {
        api_field_error(call, arena_str(arena, str_slice(name, 0, 64)).p, "is not known here");
        return;
    }
    store_plain(call, field, value, in);
}

static void decode_query(struct api_call *call, void *in)
{
    struct str rest = call->req->query;
    struct str pair;
    int count = 0;
    while (rest.n > 0 && str_split(&rest, '&', &pair)) {
        if (pair.n == 0) {
            continue;
        }
        if (++count > MAX_PAIRS) {
            api_field_error(call, "query", "has more than %d parameters", MAX_PAIRS);
            return;
        }
        decode_pair(call, pair, in);
    }
}

static void decode_headers(struct api_call *call, void *in)
{
    const struct api_route *route = call->route;
    for (size_t i = 0; i < route->field_count; i++) {
        const struct api_field *field = &route->fields[i];
        if (field->source != API_FROM_HEADER) {
            continue;
        }
        size_t count = http_header_count(call->req, field->name);
        if (count > 1) {
            api_field_error(call, field->name, "stands there twice");
        } else if (count == 1) {
            store_plain(call, field, http_header(call->req, field->name), in);
        }
    }
}

static bool is_json_type(struct str type)
{
    struct str media = str_trim(str_slice(type, 0, str_find(type, ';', 0)));
    return str_eq_nocase(media, STR("application/json"));
}

static int decode_body(struct api_call *call, void *in)
{
    const struct api_route *route = call->route;
    struct http_request *req = call->req;
    if (req->body.n == 0) {
        if (route->body_required) {
            api_field_error(call, "body", "is missing");
        }
        return 0;
    }
    if (!is_json_type(http_header(req, "Content-Type"))) {
        api_field_error(call, "Content-Type", "must be application/json");
        return ERR_UNSUPPORTED_TYPE;
    }
    struct json *value;
    struct json_error error;
    if (json_parse(req->arena, req->body, &value, &error) < 0) {
        api_field_error(call, "body", "%s, at byte %zu", error.what, error.offset);
        return 0;
    }
    if (value->kind != JSON_OBJECT) {
        api_field_error(call, "body", "must be an object");
        return 0;
    }
    if (value->count < route->min_properties) {
        api_field_error(call, "body", "names nothing to change");
    }
    for (const struct json *member = value->first; member != NULL; member = member->next) {
        const struct api_field *field = find_field(route, API_FROM_BODY, member->name);
        if (field == NULL) {
            struct str name = arena_str(req->arena, str_slice(member->name, 0, 64));
            api_field_error(call, name.p, "is not known here");
        } else {
            store_json(call, field, member, in);
        }
    }
    return 0;
}

/* What was not said: an error, or the standard value. */
static void complete(struct api_call *call, void *in)
{
    const struct api_route *route = call->route;
    for (size_t i = 0; i < route->field_count; i++) {
        const struct api_field *field = &route->fields[i];
        if (*has(field, in)) {
            continue;
        }
        if (field->required) {
            api_field_error(call, field->name, "is missing");
        } else if (field->kind == API_INTEGER) {
            *(int64_t *)slot(field, in) = field->standard;
        } else if (field->kind == API_BOOLEAN) {
            *(bool *)slot(field, in) = field->standard != 0;
        } else if (field->kind == API_ENUM) {
            *(int *)slot(field, in) = (int)field->standard;
        }
    }
}

int api_decode(struct api_call *call, void *in)
{
    call->in = in;
    int r = decode_path(call, in);
    if (r < 0) {
        return r;
    }
    decode_query(call, in);
    decode_headers(call, in);
    if (call->route->body != API_BODY_BYTES) {
        r = decode_body(call, in);
        if (r < 0) {
            return r;
        }
    }
    complete(call, in);
    if (call->problem.field_count == 0) { /* it is sealed with the rest */
        api_cursor_open(call, in);
    }
    return call->problem.field_count > 0 ? ERR_INVALID : 0;
}
