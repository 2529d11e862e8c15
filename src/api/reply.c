/*
 * The envelope of every reply, and the headers that belong to it.
 *
 * 1. What a client did is never answered 5xx: codes come from the domain, their status from spec/errors.yaml.
 * 2. A failure's headers do not depend on what a handler had begun: http_reset comes first.
 */
#include "api/api_int.h"
#include "base/failure.h"
#include "files/upkeep.h"

static void set_number(struct http_response *res, struct arena *arena, const char *name, uint64_t n)
{
    http_set(res, name, arena_printf(arena, "%llu", (unsigned long long)n));
}

void api_headers(struct http_request *req, struct http_response *res)
{
    if (req->id.n > 0) {
        http_set(res, "X-Request-Id", req->id);
    }
    http_set(res, "X-Content-Type-Options", STR("nosniff"));
    http_set(res, "Content-Security-Policy",
             STR("default-src 'none'; frame-ancestors 'none'; sandbox"));
    http_set(res, "Cross-Origin-Resource-Policy", STR("same-origin"));
    http_set(res, "Referrer-Policy", STR("no-referrer"));
}

void api_limit_headers(struct api_call *call)
{
    if (call->limit.limit == 0) {
        return;
    }
    struct arena *arena = call->req->arena;
    set_number(call->res, arena, "RateLimit-Limit", call->limit.limit);
    set_number(call->res, arena, "RateLimit-Remaining", call->limit.remaining);
    set_number(call->res, arena, "RateLimit-Reset", call->limit.reset_s);
}

struct json_writer *api_begin(struct api_call *call, int status)
{
    http_status(call->res, status);
    http_set(call->res, "Content-Type", STR("application/json"));
    http_set(call->res, "Cache-Control", STR("no-store"));
    call->body = http_body_buf(call->res);
    json_writer_init(&call->json, call->body);
    call->envelope = reply_envelope_begin(&call->json);
    reply_envelope_success(&call->envelope);
    struct json_writer *w = reply_envelope_data(&call->envelope);
    if (call->route->list) {
        json_array(w);
    }
    return w;
}

static void end_data(struct api_call *call)
{
    if (call->route->list) {
        json_array_end(&call->json);
    }
}

int api_end(struct api_call *call)
{
    ASSERT(!call->route->page);
    end_data(call);
    reply_envelope_end(&call->envelope);
    return 0;
}

int api_end_page(struct api_call *call, struct str next)
{
    return api_end_list(call, next, /* total= */ -1);
}

static void write_kept(struct api_call *call)
{
    const struct files_keep *keep = call->api->kept;
    struct reply_kept kept = reply_envelope_kept(&call->envelope);
    reply_kept_all(&kept, keep->all / USEC_PER_SEC);
    reply_kept_hourly(&kept, keep->hourly / USEC_PER_SEC);
    reply_kept_daily(&kept, keep->daily / USEC_PER_SEC);
    reply_kept_end(&kept);
}

int api_end_list(struct api_call *call, struct str next, int64_t total)
{
    ASSERT(call->route->page);
    end_data(call);
    if (call->route->kept) {
        write_kept(call);
    }
    struct reply_page page = reply_envelope_page(&call->envelope);
    if (total >= 0) {
        reply_page_total(&page, total);
    }
    if (next.n > 0) {
        reply_page_next(&page, api_cursor_make(call, next));
    } else {
        reply_page_next_null(&page);
    }
    reply_page_end(&page);
    reply_envelope_end(&call->envelope);
    return 0;
}

static int answer_done(struct api_call *call, int status)
{
    struct reply_done done = reply_done_begin(api_begin(call, status));
    reply_done_done(&done);
    reply_done_end(&done);
    return api_end(call);
}

int api_done(struct api_call *call)
{
    return answer_done(call, 200);
}

int api_asked(struct api_call *call)
{
    return answer_done(call, 202);
}

void api_etag(struct api_call *call, uint64_t revision)
{
    http_set(call->res, "ETag",
             arena_printf(call->req->arena, "\"%llu\"", (unsigned long long)revision));
}

bool api_not_modified(struct api_call *call, uint64_t revision, struct str if_none_match)
{
    api_etag(call, revision);
    struct str etag = arena_printf(call->req->arena, "\"%llu\"", (unsigned long long)revision);
    if (if_none_match.n == 0 || !http_etag_listed(if_none_match, etag, /* strong= */ false)) {
        return false;
    }
    http_status(call->res, 304);
    return true;
}

static bool is_ours(struct str etag, uint64_t *ret_revision)
{
    bool quoted = etag.n > 2 && etag.p[0] == '"' && etag.p[etag.n - 1] == '"';
    return quoted && str_u64(str_slice(etag, 1, etag.n - 1), INT64_MAX, ret_revision) == 0 &&
           *ret_revision > 0;
}

int api_tags(struct api_call *call, struct str text, struct api_tags *ret_tags)
{
    struct api_tags tags = {.any = str_eq(text, STR("*"))};
    tags.at = ARENA_ARRAY(call->req->arena, int64_t, API_MAX_TAGS);
    struct str one;
    for (size_t named = 0; !tags.any && http_etag_next(&text, &one); named++) {
        uint64_t revision;
        if (named == API_MAX_TAGS) {
            api_field_error(call, "If-Match", "names more than %d", API_MAX_TAGS);
            return ERR_INVALID;
        }
        if (is_ours(one, &revision)) {
            tags.at[tags.n++] = (int64_t)revision;
        }
    }
    if (!tags.any && tags.n == 0) {
        return ERR_PRECONDITION;
    }
    *ret_tags = tags;
    return 0;
}

int api_if_match(struct api_call *call, struct str text, int64_t *ret_revision)
{
    struct api_tags tags = {.any = true};
    int r = text.n > 0 ? api_tags(call, text, &tags) : 0;
    if (r < 0) {
        return r;
    }
    *ret_revision = tags.any ? 0 : tags.at[0];
    if (tags.n > 1) {
        call->data.others = tags.at + 1;
        call->data.other_count = tags.n - 1;
    }
    return 0;
}

/* ---- Failures ---- */

static void write_failure(struct buf *out, struct str id, int code,
                          const struct api_problem *problem)
{
    struct json_writer w;
    json_writer_init(&w, out);
    failure_begin(&w, code, problem->message);
    if (problem->field_count > 0) {
        json_name(&w, "fields");
        json_object(&w);
        for (size_t i = 0; i < problem->field_count; i++) {
            json_member_string(&w, problem->fields[i].name.p, problem->fields[i].what);
        }
        json_object_end(&w);
    }
    failure_end(&w, id.n > 0 ? id : STR("none"));
}

void api_fail_plain(struct http_request *req, struct http_response *res, int code,
                    const struct api_problem *problem)
{
    const struct err_row *row = err_row(code);
    api_headers(req, res);
    http_status(res, row->status);
    http_set(res, "Content-Type", STR("application/json"));
    http_set(res, "Cache-Control", STR("no-store"));
    if (row->status == 401) {
        http_set(res, "WWW-Authenticate", STR("Bearer realm=\"coditect\""));
    }
    uint32_t retry = problem->retry_s;
    if (retry == 0 && row->retry && (row->status == 503 || row->status == 429)) {
        retry = 1;
    }
    if (retry > 0) {
        set_number(res, req->arena, "Retry-After", retry);
    }
    write_failure(http_body_buf(res), req->id, code, problem);
}

/* What the domain said about the input belongs to the field that it named. */
static void take_fault(struct api_call *call)
{
    const struct data_fault *fault = &call->data.fault;
    struct api_problem *problem = &call->problem;
    if (fault->field.n > 0 && fault->message.n > 0) {
        struct str name = arena_str(call->req->arena, fault->field);
        struct str message = arena_str(call->req->arena, fault->message);
        api_field_error(call, name.p, "%s", message.p);
    } else if (fault->message.n > 0 && problem->message.n == 0) {
        problem->message = fault->message;
    }
    if (fault->retry_after_ms > 0 && problem->retry_s == 0) {
        problem->retry_s = (uint32_t)((fault->retry_after_ms + 999) / 1000);
    }
}

void api_fail(struct api_call *call, int code)
{
    take_fault(call);
    if (code == ERR_CONFLICT && call->data.digested && call->problem.message.n == 0) {
        call->problem.message = STR("The Idempotency-Key was used for another request.");
    }
    http_reset(call->res);
    api_cors_headers(call->api, call->req, call->res);
    api_limit_headers(call);
    if (call->content_range.n > 0) {
        http_set(call->res, "Content-Range", call->content_range);
    }
    if (call->clear_cookie) {
        api_cookie_clear(call);
    }
    if (call->route && call->route->socket) {
        http_set(call->res, "Sec-WebSocket-Version", STR("13")); /* RFC 6455 section 4.4 */
    }
    api_fail_plain(call->req, call->res, code, &call->problem);
}
