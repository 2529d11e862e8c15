/*
 * What a request is made of, by the generated row of its operation (tools/gen/openapi_cli.py): address, headers, JSON.
 *
 * 1. An id has the shape of one before it becomes part of an address: nothing that a person types can lead to another route.
 * 2. A path is sent as its bytes, percent-encoded; in JSON, which has no bytes, as base64url when it is not UTF-8.
 */
#include "base/assert.h"
#include "base/encode.h"
#include "cli/cli_int.h"
#include "http/http.h"

enum { ID_LENGTH = 30, PATH_MOST = 4096 };

bool cli_is_id(struct str s, const char *prefix)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    if (s.n != ID_LENGTH || memcmp(s.p, prefix, 3) != 0 || s.p[3] != '-') {
        return false;
    }
    for (size_t i = 4; i < s.n; i++) {
        if (!s.p[i] || !strchr(digits, s.p[i])) {
            return false;
        }
    }
    return true;
}

static const void *value_at(const struct cli_call *call, const struct cli_field *field)
{
    return (const char *)call->in + field->at;
}

static bool is_given(const struct cli_call *call, const struct cli_field *field)
{
    return call->in && (field->required || *(const bool *)((const char *)call->in + field->has_at));
}

static int check_part(struct cli_run *run, const struct cli_field *field, struct str value)
{
    if (field->prefix[0] && !cli_is_id(value, field->prefix)) {
        return cli_fail(run, ERR_INVALID, "%.80s is no id (%s-…)", value.p, field->prefix);
    }
    if (value.n == 0 || value.n > PATH_MOST || memchr(value.p, '\0', value.n)) {
        return cli_fail(run, ERR_INVALID, "%s must have 1 to %d bytes", field->name, PATH_MOST);
    }
    if (!field->rest && memchr(value.p, '/', value.n)) {
        return cli_fail(run, ERR_INVALID, "%s has no / in it", field->name);
    }
    return 0;
}

static const struct cli_field *path_field(const struct cli_operation *operation, struct str name)
{
    for (size_t i = 0; i < operation->field_count; i++) {
        const struct cli_field *field = &operation->fields[i];
        if (field->source == CLI_IN_PATH && str_eq(str_from(field->name), name)) {
            return field;
        }
    }
    ASSERT(!"the generator names every parameter");
    return NULL;
}

static int add_path(struct cli_run *run, const struct cli_call *call, struct buf *out)
{
    struct str rest = call->operation->path;
    for (;;) {
        size_t open = str_find(rest, '{', 0);
        buf_add(out, str_slice(rest, 0, open));
        if (open == rest.n) {
            return 0;
        }
        size_t close = str_find(rest, '}', open);
        const struct cli_field *field =
            path_field(call->operation, str_slice(rest, open + 1, close));
        struct str value = *(const struct str *)value_at(call, field);
        int r = check_part(run, field, value);
        if (r < 0) {
            return r;
        }
        http_percent_encode(out, value);
        rest = str_slice(rest, close + 1, rest.n);
    }
}

static void add_query(const struct cli_call *call, const struct cli_field *field, struct buf *out)
{
    const void *value = value_at(call, field);
    buf_printf(out, "%s=", field->name);
    if (field->kind == CLI_BOOLEAN) {
        buf_printf(out, *(const bool *)value ? "true" : "false");
    } else if (field->kind == CLI_INTEGER) {
        buf_i64(out, *(const int64_t *)value);
    } else {
        http_percent_encode(out, *(const struct str *)value);
    }
}

int cli_request_target(struct cli_run *run, const struct cli_call *call, struct buf *out)
{
    int r = add_path(run, call, out);
    char before = '?';
    for (size_t i = 0; r == 0 && i < call->operation->field_count; i++) {
        const struct cli_field *field = &call->operation->fields[i];
        if (field->source == CLI_IN_QUERY && is_given(call, field)) {
            buf_byte(out, before);
            add_query(call, field, out);
            before = '&';
        }
    }
    ASSERT(r < 0 || !out->error);
    return r;
}

static void add_member(struct json_writer *w, const struct cli_field *field, const void *value)
{
    if (field->kind == CLI_BOOLEAN) {
        json_name(w, field->name);
        json_bool(w, *(const bool *)value);
        return;
    }
    if (field->kind == CLI_INTEGER) {
        json_member_integer(w, field->name, *(const int64_t *)value);
        return;
    }
    struct str text = *(const struct str *)value;
    if (!text.p) {
        json_name(w, field->name);
        json_null(w);
        return;
    }
    if (field->kind == CLI_SCALAR) {
        json_member_raw(w, field->name, text);
        return;
    }
    if (!field->b64 || str_is_utf8(text)) {
        json_member_string(w, field->name, text);
        return;
    }
    BUF_AUTO(b64, 2 * PATH_MOST);
    encode_base64url(&b64, str_slice(text, 0, PATH_MOST));
    json_member_string(w, field->b64, buf_str(&b64));
}

/* The writer would put something else in the place of bytes that are no text: another name, another password. */
static int check_text(struct cli_run *run, const struct cli_field *field, const void *value)
{
    if (field->kind == CLI_STRING && !field->b64 && !str_is_utf8(*(const struct str *)value)) {
        return cli_fail(run, ERR_INVALID, "%s must be UTF-8", field->name);
    }
    return 0;
}

int cli_request_body(struct cli_run *run, const struct cli_call *call, struct buf *out)
{
    struct json_writer w;
    int r = 0;
    json_writer_init(&w, out);
    json_object(&w);
    for (size_t i = 0; r == 0 && i < call->operation->field_count; i++) {
        const struct cli_field *field = &call->operation->fields[i];
        if (field->source == CLI_IN_BODY && is_given(call, field)) {
            r = check_text(run, field, value_at(call, field));
            add_member(&w, field, value_at(call, field));
        }
    }
    json_object_end(&w);
    return r == 0 && out->error ? cli_fail(run, ERR_TOO_LARGE, "the request is too long") : r;
}
