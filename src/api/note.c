/*
 * What the log says of requests: the route as it stands in the document, never the path, the query, headers or the body, so
 * that neither names of files nor anything secret can get there.
 */
#include "api/api_int.h"

enum { REQUEST, TENANT, USER, SESSION };

static struct str session_of(const struct api_call *call)
{
    for (size_t i = 0; i < call->match.count; i++) {
        struct str value = call->match.values[i];
        if (str_eq(call->match.names[i], STR("session_id")) && data_id_is(value, "ses")) {
            return value;
        }
    }
    return STR_EMPTY;
}

static void fill(const struct api_call *call, struct log_field *to)
{
    to[REQUEST] = (struct log_field){"request", call->req->id};
    to[TENANT] = (struct log_field){"tenant", call->data.scope.tenant_id};
    to[USER] = (struct log_field){"user", call->data.scope.user_id};
    to[SESSION] = (struct log_field){"session", session_of(call)};
}

void api_note_begin(struct api_call *call)
{
    fill(call, call->noted);
    log_bind(call->noted);
}

void api_note_known(struct api_call *call)
{
    fill(call, call->noted);
}

void api_note_end(void)
{
    log_bind(NULL);
}

static bool is_wanted(const struct api *api, const struct api_call *call, int status)
{
    bool changes = call && call->route && call->route->audit[0] != '\0';
    switch (api->log) {
    case API_LOG_FAULTS:
        return false;
    case API_LOG_CHANGES:
        return call && call->route && (changes || status >= 400);
    case API_LOG_ALL:
        return true;
    }
    UNREACHABLE();
}

static struct str number(struct arena *arena, uint64_t value)
{
    return arena_printf(arena, "%llu", (unsigned long long)value);
}

static struct str message_of(const struct api_call *call, const struct http_request *req)
{
    if (call && call->route) {
        return arena_printf(req->arena, STR_FMT " %s", STR_ARG(req->method_text),
                            call->route->path);
    }
    return call ? STR("no route of the API") : STR("a file of the web app");
}

void api_note_finish(const struct api *api, const struct api_call *call,
                     const struct http_request *req, const struct http_outcome *outcome)
{
    bool fault = outcome->status >= 500 && !(call && call->gone);
    bool wanted = is_wanted(api, call, outcome->status);
    enum log_level level = fault ? LOG_WARN : wanted ? LOG_INFO : LOG_DEBUG;
    if (!log_enabled(level)) {
        return;
    }
    int code = call ? call->failed : 0;
    const struct log_field fields[] = {
        {"status", number(req->arena, (uint64_t)outcome->status), .number = true},
        {"microseconds", number(req->arena, (uint64_t)outcome->took), .number = true},
        {"bytes", number(req->arena, outcome->sent), .number = true},
        {"address", req->peer},
        {"request", req->id},
        {code < 0 ? "error" : NULL, code < 0 ? str_from(err_name(code)) : STR_EMPTY},
        {NULL, STR_EMPTY},
    };
    struct log_field whose[API_NOTED + 1] = {{NULL, STR_EMPTY}};
    if (call) {
        fill(call, whose);
    }
    log_bind(whose);
    log_event(level, "api", message_of(call, req), fields);
    log_bind(NULL);
}
