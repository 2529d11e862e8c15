/*
 * Inside api/: the rows that the generator writes, the state of one call, and what handlers use to answer.
 *
 * A handler (api_<operationId>, declared in the generated routes.gen.h) gets a complete and checked input, calls one domain
 * function, and answers with api_begin … api_end. It returns 0, or an ERR_* that the router turns into the failure envelope.
 */
#ifndef API_API_INT_H
#define API_API_INT_H

#include <stddef.h>

#include "api/api.h"
#include "auth/auth.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/log.h"
#include "data/data.h"
#include "replies.gen.h"
#include "routes.gen.h"

/* ---- Rows of the generated tables ---- */

enum api_source { API_FROM_PATH, API_FROM_QUERY, API_FROM_HEADER, API_FROM_BODY };
/* API_SCALAR: of a body, a text, a whole number or a boolean; the handler knows its bounds. */
enum api_kind { API_STRING, API_INTEGER, API_BOOLEAN, API_ENUM, API_SCALAR };
enum api_body { API_BODY_NONE, API_BODY_JSON, API_BODY_BYTES };

/* What a text may consist of; the regular expressions stand in tools/gen/openapi_model.py. */
enum api_text {
    API_TEXT_ANY,
    API_TEXT_LINE,
    API_TEXT_TOKEN,
    API_TEXT_DOTTED,
    API_TEXT_ID,
    API_TEXT_EMAIL,
    API_TEXT_PATH,
    API_TEXT_PATH_B64,
    API_TEXT_CURSOR,
};

struct api_field {
    const char *name;
    enum api_source source;
    enum api_kind kind;
    enum api_text text;
    const char *prefix; /* API_TEXT_ID */
    bool required;
    bool nullable; /* null in a body is the empty text, and has_… is set */
    size_t at;     /* offset of the value in the input structure */
    size_t has_at; /* offset of its bool has_… */
    int64_t least; /* of the value, or of the length in code points */
    int64_t most;
    int64_t standard;           /* value when absent */
    const char *const *choices; /* API_ENUM, ends with NULL */
};

enum api_segment_kind { API_SEGMENT_LITERAL, API_SEGMENT_PARAM, API_SEGMENT_REST };

struct api_segment {
    enum api_segment_kind kind;
    struct str text;    /* the literal; the parameter's name; the verb behind a rest, ":restore" */
    const char *prefix; /* of a parameter that is an id; "" else */
};

struct api_route {
    const char *id; /* operationId */
    struct str method;
    const char *path; /* as in the document */
    struct api_segment segments[API_MAX_SEGMENTS];
    size_t segment_count;
    enum http_lane lane;
    bool may_stream; /* lane STREAM when the body is large or of unknown length */
    bool root;       /* served without the base path too */
    bool socket;     /* its request becomes a WebSocket: see socket.c */
    bool list;       /* of its success: the data is an array … */
    bool page;       /* … and beside it stand page, and kept */
    bool kept;
    bool public;
    bool by_link;  /* by a link to a session alone: call->shared is set */
    bool by_login; /* never by an API key */
    enum data_permission permission;
    enum api_rate_class rate;
    const char *audit; /* "" for what changes nothing */
    bool idempotent;   /* takes an Idempotency-Key */
    enum api_body body;
    bool body_required;
    size_t min_properties;
    const struct api_field *fields;
    size_t field_count;
    size_t in_size;
    int (*call)(struct api_call *call, const void *in);
};

struct api_rate {
    const char *name;
    uint32_t requests; /* 0: not limited */
    uint32_t seconds;
    bool by_user;
};

extern const struct api_route api_routes[API_ROUTE_COUNT];
extern const struct api_rate api_rates[API_RATE_COUNT];

/* ---- Matching (match.c) ---- */

struct api_match {
    const struct api_route *route;
    struct str names[API_MAX_SEGMENTS];  /* of parameters */
    struct str values[API_MAX_SEGMENTS]; /* raw, borrowed from the request's path */
    size_t count;
};

/*
 * The route of method ("HEAD" matches GET) at path. ERR_NOT_FOUND; ERR_METHOD_NOT_ALLOWED: the address exists for others.
 * Without a regular expression: segment by segment.
 */
int api_match(struct str method, struct str path, struct api_match *ret_match) BASE_MUST_USE;

/* "GET, HEAD, PUT, OPTIONS": what the address knows; empty when there is no such address. */
void api_match_allowed(struct str path, struct buf *to);

/* The raw value of a path parameter; asserts that the route has it. A rest has the name of its field. */
struct str api_match_value(const struct api_match *match, const char *name);

/* Whether path lies below what the API answers (the rest is the web app's). */
bool api_match_is_ours(struct str path);

/* ---- Rate limits (limit.c) ---- */

struct api_limiter;

struct api_limit_result {
    bool allowed;
    uint32_t limit; /* requests a window */
    uint32_t remaining;
    uint32_t reset_s; /* until the bucket is full again */
    uint32_t retry_s; /* until the next request is allowed */
};

/* factor multiplies all limits, at least 1. */
struct api_limiter *api_limiter_create(uint32_t factor);
void api_limiter_destroy(struct api_limiter *l); /* NULL allowed */

struct api_limit_ask {
    enum api_rate_class rate;
    struct str who;
    uint64_t requests; /* a window, by their plan; 0: those of the class, times the factor */
};

/* Takes one token of who in this class. Thread safe; constant memory. Another number of requests holds at once. */
struct api_limit_result api_limiter_take(struct api_limiter *l, const struct api_limit_ask *ask,
                                         usec_t now);

/* What a tenant's plan says of a class, for api_limit_ask.requests: nothing of those that count addresses. */
uint64_t api_limit_planned(const struct data_quota *quota, enum api_rate_class rate);

/* The requests of a window that who is asked for has; 0: as many as they like. */
uint32_t api_limiter_most(const struct api_limiter *l, const struct api_limit_ask *ask);

/* ---- Shares (share.c) ---- */

struct api_share *api_share_create(void);
void api_share_destroy(struct api_share *s); /* NULL allowed */

/* One more of who waits, until api_share_give. ERR_BUSY: so many do already. Thread safe. */
int api_share_take(struct api_share *s, struct str who) BASE_MUST_USE;
void api_share_give(struct api_share *s, struct str who);

/* The part of a textual address that counts as one client: IPv4 whole, IPv6 its /64. */
struct str api_limit_address(struct arena *arena, struct str peer);

/* ---- Hosts and origins (origin.c) ---- */

struct api_origin {
    struct str public_url;  /* "" when none is configured; no slash at its end */
    struct str public_host; /* host with its port as a browser sends it */
    bool secure_cookie;
};

/* ERR_INVALID: not http(s)://host[:port]. text must outlive o. */
int api_origin_init(struct api_origin *o, struct str public_url) BASE_MUST_USE;

/* Whether host (with or without port) is one that is served here. */
bool api_origin_serves(const struct api_origin *o, struct str host);

/* Whether the request comes from a page of the platform itself: the condition for taking a cookie. */
bool api_origin_is_own(const struct api_origin *o, const struct http_request *req);

/* ---- Cursors (cursor.c) ---- */

/* What the client is given for a list's place, which consists of A-Z a-z 0-9 _ -. */
struct str api_cursor_make(struct api_call *call, struct str place);

/* The input's cursor, if it has one, becomes its place; a field error: not given by this route, at this path, for this query, to this person. */
void api_cursor_open(struct api_call *call, void *in);

/* ---- Pages of other origins (cors.c) ---- */

/* Whether the request's Origin is one whose pages may call. */
bool api_cors_allows(const struct api *api, const struct http_request *req);

void api_cors_headers(const struct api *api, const struct http_request *req,
                      struct http_response *res);

/* The answer to OPTIONS; methods as api_match_allowed wrote them. */
void api_cors_preflight(const struct api *api, const struct http_request *req,
                        struct http_response *res, struct str methods);

/* ---- The cookies of the refresh token, and of browsers that somebody came in from (cookie.c) ---- */

/* ERR_NOT_FOUND: none; ERR_FORBIDDEN: from a foreign page; ERR_CONFLICT: two of the name. */
int api_cookie_read(struct api_call *call, struct str *ret_token) BASE_MUST_USE;
void api_cookie_set(struct api_call *call, struct str token);
void api_cookie_clear(struct api_call *call);
struct str api_known_read(struct api_call *call); /* empty: none that is taken */
void api_known_set(struct api_call *call, struct str known);

/* ---- One call ---- */

enum { API_MAX_TAGS = 16 }; /* that If-Match names */
enum { API_MAX_FIELD_ERRORS = 20, API_MAGIC = 0x61706930, API_CALL_MAGIC = 0x61706963 };

struct api_field_problem {
    struct str name;
    struct str what;
};

/* What api_fail adds to an error code; empty by default. */
struct api_problem {
    struct str message; /* empty: the code's own text */
    struct api_field_problem fields[API_MAX_FIELD_ERRORS];
    size_t field_count;
    uint32_t retry_s; /* Retry-After, 0: none */
};

enum { API_NOTED = 4 }; /* request, tenant, user, session */

struct api_call {
    unsigned magic;
    int failed; /* the code that the router answered; 0: none */
    struct log_field noted[API_NOTED + 1];
    struct api *api;
    struct http_request *req;
    struct http_response *res;
    const struct api_route *route;
    struct api_match match;
    const void *in;    /* what was decoded, of the route's kind */
    bool clear_cookie; /* a failure takes the cookie away too */
    bool gone;         /* the client went away in the middle of its body: no failure of ours */
    bool streamed;     /* the reply's head is sent: nothing can be said any more */
    bool streams;      /* its body comes while it is handled */
    struct data_context data;
    enum data_apikey_access
        key;                  /* of the API key that it came with; 0: with a login, or nobody's */
    struct str content_range; /* of a failure with ERR_RANGE */
    const struct sessions_shared
        *shared;                   /* what the link opens that it came by; NULL: it came by none */
    usec_t asked_at;               /* monotonic: when its right was last found to stand */
    struct api_limit_result limit; /* limit 0: none was counted */
    struct api_problem problem;
    struct json_writer json;
    struct reply_envelope envelope; /* of a success: between api_begin and api_end */
    struct buf *body;
    usec_t handled;           /* monotonic, when the handler returned */
    void (*ended)(void *ctx); /* on the loop, after the reply or the socket's end; NULL: nothing */
    void *ended_ctx;
};

struct api {
    unsigned magic;
    struct store *store;
    struct auth *auth;
    struct gateway *gateway;        /* NULL: no IDE */
    struct workspaces_local *local; /* NULL: there is none */
    struct api_workspace_limits workspace;
    const struct space *space; /* NULL: nothing is refused */
    const struct files_keep *kept;
    char *spool;
    struct api_limiter *limiter;
    struct api_share *share;
    struct api_metrics *metrics;
    struct api_origin origin;
    const char *const *cors_origins;
    size_t cors_count;
    usec_t login_life;
    enum api_log log;
    bool git_plain_http;
    bool audit_reads;
    struct realtime *realtime;
    struct http_static *web; /* NULL: no web app */
    char *public_url;
    char *web_policy; /* Content-Security-Policy of pages */
};

/* The token of "Authorization: Bearer". ERR_NOT_FOUND: none, or not one. */
int api_bearer(const struct http_request *req, struct str *ret_token) BASE_MUST_USE;

/* Path, query, headers and body into in. ERR_NOT_FOUND, ERR_INVALID, ERR_UNSUPPORTED_TYPE; call->problem says more. */
int api_decode(struct api_call *call, void *in) BASE_MUST_USE;

/* Notes one thing that is wrong with the input; more than API_MAX_FIELD_ERRORS are dropped. */
void api_field_error(struct api_call *call, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- Sockets: rows with x-socket (socket.c) ---- */

/*
 * The token that the request for a socket came with: "Authorization: Bearer", or one of its subprotocols,
 * "coditect.bearer.TOKEN", since a page can set no header there. ERR_NOT_FOUND: none, or two.
 */
int api_socket_token(const struct http_request *req, struct str *ret_token) BASE_MUST_USE;

/*
 * In a socket's handler, before http_websocket or http_relay: the subprotocol to answer with, empty when the client did not ask for
 * it (what else stands in Sec-WebSocket-Protocol is secret, and goes nowhere). ERR_INVALID: no handshake of version 13;
 * ERR_FORBIDDEN: a page asks whose origin may not; with what to tell the client.
 */
int api_socket_check(struct api_call *call, struct str *ret_protocol) BASE_MUST_USE;

/* ---- Streams of events (events.c) ---- */

struct realtime *api_events_create(const struct api_options *options);

/* ---- Links to sessions (links.c) ---- */

/*
 * Gives the call the scope of the link whose token it came with, and call->shared. ERR_UNAUTHENTICATED: it does not hold, or the
 * tenant forbids links.
 */
int api_link_enter(struct api_call *call, struct str token) BASE_MUST_USE;

/* Whether that link still holds. ERR_UNAUTHENTICATED. */
int api_link_still(struct api_call *call) BASE_MUST_USE;

/* ---- Calls that take their time (still.c) ---- */

/* Whether somebody of this role may call this, with what they came by. ERR_FORBIDDEN. In router.c. */
int api_permit(const struct api_call *call, enum data_role role) BASE_MUST_USE;

/* From now on what the call writes asks again, in its transaction, whether whoever called is still in and may do this. */
void api_lasts(struct api_call *call);

/*
 * Whether they are: asked each time that bytes come or go (it looks every other second), and at once behind what was waited for.
 * ERR_UNAUTHENTICATED, ERR_FORBIDDEN. A call of nobody goes on.
 */
int api_goes_on(struct api_call *call) BASE_MUST_USE;
int api_still(struct api_call *call) BASE_MUST_USE;

/* ---- The log (note.c) ---- */

/* From now on the lines of this thread say whose call it is, as far as that is known; more is known; and no more. */
void api_note_begin(struct api_call *call);
void api_note_known(struct api_call *call);
void api_note_end(void);

/* After the reply: the request's own line. call NULL: it was the web app's. */
void api_note_finish(const struct api *api, const struct api_call *call,
                     const struct http_request *req, const struct http_outcome *outcome);

/* ---- The audit log (audit.c) ---- */

/* Before the handler: what an update is about to set, by name. in: what was decoded. */
void api_audit_fields(struct api_call *call, const void *in);

/*
 * After it: a denial, or with audit.calls = all a read; r is what it came to. Returns what is answered: r, or the store's error where
 * that was asked whether it was a denial.
 */
int api_audit_called(const struct api_call *call, int r) BASE_MUST_USE;

/* ---- Counting (metrics.c) ---- */

struct api_metrics;

struct api_metrics *api_metrics_create(void);
void api_metrics_destroy(struct api_metrics *m); /* NULL allowed */

/* After the reply, on a loop. call NULL: it was the web app's. */
void api_metrics_count(struct api_metrics *m, const struct api_call *call,
                       const struct http_outcome *outcome);

/* ---- Answers (reply.c) ---- */

/*
 * {"success":true,"data":  and then the handler writes one object with the returned writer (replies.gen.h), or where the document
 * says that the data is a list, its elements …
 */
struct json_writer *api_begin(struct api_call *call, int status);

/* … and closes: always 0, for return. A reply over HTTP_MAX_REPLY becomes ERR_TOO_LARGE by http. */
int api_end(struct api_call *call) BASE_MUST_USE;

/* The same for what comes in pages: "page":{"next":…} behind the data; next is the list's place, which goes out sealed; empty at
 * the end. With what is kept of the past where the document says so. */
int api_end_page(struct api_call *call, struct str next) BASE_MUST_USE;

/* And says how many there are in all pages; negative: nobody counted. */
int api_end_list(struct api_call *call, struct str next, int64_t total) BASE_MUST_USE;

int api_done(struct api_call *call) BASE_MUST_USE; /* {"done":true} */

/* The same as 202: a letter is on its way, and what was asked for is done by its link. */
int api_asked(struct api_call *call) BASE_MUST_USE;

/*
 * ETag of a record's revision or a file's version, and whether If-None-Match has it (then 304 was set: return 0). Only where the ETag
 * is of all that the reply shows: counts and states that change without a revision (a project's sessions, a workspace's state) would
 * be missed.
 */
bool api_not_modified(struct api_call *call, uint64_t revision, struct str if_none_match);
void api_etag(struct api_call *call, uint64_t revision);

/* Of If-Match the strong ETags that we may have made: of versions, or revisions. */
struct api_tags {
    bool any; /* "*" */
    size_t n;
    int64_t *at;
};

/* ERR_PRECONDITION: none of them did we ever make, so none can match. ERR_INVALID (field): more than API_MAX_TAGS are named. */
int api_tags(struct api_call *call, struct str text, struct api_tags *ret_tags) BASE_MUST_USE;

/* If-Match of the record that this call changes: *ret_revision is the first, 0 when absent or "*"; data_matches knows the others. */
int api_if_match(struct api_call *call, struct str text, int64_t *ret_revision) BASE_MUST_USE;

/* The headers of every reply of the API. */
void api_headers(struct http_request *req, struct http_response *res);
void api_limit_headers(struct api_call *call);

/* The failure envelope of code with what call->problem says. */
void api_fail(struct api_call *call, int code);

/* The same where there is no call yet. request_id may be empty. */
void api_fail_plain(struct http_request *req, struct http_response *res, int code,
                    const struct api_problem *problem);

/* ---- The web app's files (web.c): everything that is not the API's ---- */

/* options->web_directory and gateway. ERR_NOT_FOUND: there is no such directory; ERR_LIMIT, ERR_IO: logged. */
int api_web_init(struct api *api, const struct api_options *options) BASE_MUST_USE;
void api_web_fini(struct api *api);

int api_web_route(struct api *api, struct http_request *req, struct http_route *ret) BASE_MUST_USE;
void api_web_handle(struct api *api, struct http_request *req, struct http_response *res);

/* ---- Where a session's IDE is (sessions.c) ---- */

struct sessions_view;

/* For whoever sent this request. Empty: it is not wanted running, or there is none here. */
struct str api_ide_url(const struct api_call *call, const struct sessions_view *view);

/* Around what waits for a workspace's answer: of a person four requests do at once. With the fault, ERR_BUSY: so many do. In share.c. */
int api_wait_begin(struct api_call *call) BASE_MUST_USE;
void api_wait_end(struct api_call *call);

/*
 * Before something is made of the session as it is now: waits until what its workspace has written is in the store. With the fault:
 * ERR_BUSY: nobody says that it is, or four of the person's requests wait so; ERR_CONFLICT: it is not, and will not be by itself. In
 * sessions.c.
 */
int api_barrier(struct api_call *call, const struct sessions_view *view) BASE_MUST_USE;

/* {public address}/{page}={token}: for who is sent a token; page ends in '#' and a name, so that no server sees it. In tenant.c. */
struct str api_link(const struct api_call *call, const char *page, struct str token);

#endif
