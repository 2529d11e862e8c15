/*
 * What the gateway itself says: failures, as JSON in the API's envelope, and as a small page where a person looks at it. The
 * page has no script, loads nothing, and leads back to the platform.
 */
#include "base/failure.h"
#include "base/json.h"
#include "gateway/gateway_int.h"

struct str gateway_answer_framing(const struct gateway_place *place, struct arena *arena)
{
    /* The IDE frames itself too: its webviews and previews. */
    return arena_printf(arena, "frame-ancestors 'self' " STR_FMT,
                        STR_ARG(gateway_site_platform(place, arena)));
}

void gateway_answer_headers(const struct gateway_place *place, struct http_request *req,
                            struct http_response *res)
{
    http_set(res, "X-Request-Id", req->id);
    http_set(res, "X-Content-Type-Options", STR("nosniff"));
    http_set(res, "Referrer-Policy", STR("same-origin"));
    http_set(res, "Origin-Agent-Cluster", STR("?1"));
    http_set(res, "Content-Security-Policy", gateway_answer_framing(place, req->arena));
}

struct words {
    int code;
    const char *title;
    const char *text;
};

static const struct words words[] = {
    {ERR_UNAUTHENTICATED, "This IDE is closed to you",
     "Open the session in Coditect. An IDE's address alone opens nothing, and it closes when you "
     "sign out, or when the "
     "session is paused or started again."},
    {ERR_NOT_FOUND, "There is no session here", "Choose one in Coditect."},
    {ERR_FORBIDDEN, "Another page asked for this", "Open the session in Coditect."},
    {ERR_LIMIT, "Too much is open",
     "256 sockets of yours are open already. Close an IDE or a terminal."},
    {ERR_BAD_GATEWAY, "The workspace does not answer",
     "It may be starting, or it has just ended. Load this page again in a moment, or look at the "
     "session in Coditect."},
    {ERR_TIMEOUT, "The workspace takes too long to answer",
     "It may be busy. Load this page again in a moment, or look at the session in Coditect."},
};

static struct words words_for(int code)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].code == code) {
            return words[i];
        }
    }
    return (struct words){code, "This did not work", err_row(code)->text};
}

/* Nothing here comes from the request but the session's id, which was checked, and the platform's origin, which is ours
 * but for the port of a host that was parsed. */
static void write_page(const struct gateway_place *place, struct http_request *req,
                       struct http_response *res, int code)
{
    struct words w = words_for(code);
    struct buf *out = http_body_buf(res);
    http_set(res, "Content-Type", STR("text/html; charset=utf-8"));
    buf_printf(out,
               "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s</title>\n"
               "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto 0;"
               "padding:0 1.5rem}h1{font-size:1.375rem;margin:0 0 .5rem}</style>\n</head>\n<body>\n"
               "<main>\n<h1>%s</h1>\n<p>%s</p>\n<p><a href=\"" STR_FMT "/",
               w.title, w.title, w.text, STR_ARG(gateway_site_platform(place, req->arena)));
    if (place->session_id.n > 0) {
        buf_printf(out, "sessions/" STR_FMT, STR_ARG(place->session_id));
    }
    buf_add(out, STR("\" target=\"_top\">Go to Coditect</a></p>\n</main>\n</body>\n</html>\n"));
}

static void write_json(struct http_request *req, struct http_response *res, int code)
{
    struct json_writer w;
    http_set(res, "Content-Type", STR("application/json"));
    json_writer_init(&w, http_body_buf(res));
    failure_begin(&w, code, str_from(words_for(code).text));
    failure_end(&w, req->id);
}

static void set_number(struct http_request *req, struct http_response *res, const char *name,
                       int64_t number)
{
    http_set(res, name, arena_printf(req->arena, "%lld", (long long)number));
}

static void say_when(struct http_request *req, struct http_response *res, int code)
{
    const struct gateway_visit *visit = req->user;
    if (code != ERR_RATE_LIMITED || !visit || visit->limit.limit == 0) {
        set_number(req, res, "Retry-After", 1);
        return;
    }
    set_number(req, res, "Retry-After", (visit->limit.retry_after_ms + 999) / 1000);
    set_number(req, res, "RateLimit-Limit", visit->limit.limit);
    set_number(req, res, "RateLimit-Remaining", visit->limit.remaining);
    set_number(req, res, "RateLimit-Reset", (visit->limit.reset_ms + 999) / 1000);
}

void gateway_answer_failure(const struct gateway_place *place, struct http_request *req,
                            struct http_response *res, int code)
{
    const struct err_row *row = err_row(code);
    bool page = gateway_site_is_page(req);
    http_reset(res);
    http_status(res, row->status);
    gateway_answer_headers(place, req, res);
    http_set(res, "Content-Security-Policy",
             page ? STR("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                        "form-action 'none'")
                  : STR("default-src 'none'; sandbox"));
    http_set(res, "Cache-Control", STR("no-store"));
    if (row->status == 401) {
        http_set(res, "WWW-Authenticate", STR("Cookie realm=\"coditect-ide\""));
    }
    if (row->status == 405) {
        http_set(res, "Allow", STR("GET"));
    }
    if (row->retry) {
        say_when(req, res, code);
    }
    if (page) {
        write_page(place, req, res, code);
    } else {
        write_json(req, res, code);
    }
}
