/*
 * A request as text: method, path, query and an If-Match header on a line each, the body behind them. What is decoded keeps
 * every bound of its field; what is refused says why.
 */
#include "api/api_int.h"

#include "files/files.h"
#include "fuzz.h"

static struct str line(struct str *rest)
{
    struct str part;
    return str_split(rest, '\n', &part) ? part : STR_EMPTY;
}

static void check_field(const struct api_field *field, const void *in)
{
    bool has = *(const bool *)((const char *)in + field->has_at);
    const void *value = (const char *)in + field->at;
    ASSERT(has || !field->required);
    if (field->kind == API_INTEGER && has) {
        int64_t number = *(const int64_t *)value;
        ASSERT(number >= field->least && number <= field->most);
    }
    if (field->text == API_TEXT_PATH && has) {
        struct str path = *(const struct str *)value;
        ASSERT(content_path_check(path) == 0);
        ASSERT(path.n > 0 || field->source == API_FROM_QUERY);
    }
    if (field->text == API_TEXT_ID && has) {
        ASSERT(data_id_is(*(const struct str *)value, field->prefix));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO(arena);
    struct str rest = str_of(data, size);
    struct http_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("If-Match"), STR_EMPTY},
    };
    struct http_request request = {.arena = &arena, .headers = headers, .header_count = 2};
    request.method_text = line(&rest);
    request.path = line(&rest);
    request.query = line(&rest);
    headers[1].value = line(&rest);
    request.body = rest;
    struct api_call call = {.magic = API_CALL_MAGIC, .req = &request};
    if (api_match(request.method_text, request.path, &call.match) < 0) {
        return 0;
    }
    call.route = call.match.route;
    void *in = arena_alloc(&arena, call.route->in_size + 1);
    int r = api_decode(&call, in);
    ASSERT(r == 0 || r == ERR_INVALID || r == ERR_NOT_FOUND || r == ERR_UNSUPPORTED_TYPE);
    ASSERT(r != ERR_INVALID || call.problem.field_count > 0);
    for (size_t i = 0; r == 0 && i < call.route->field_count; i++) {
        check_field(&call.route->fields[i], in);
    }
    return 0;
}
