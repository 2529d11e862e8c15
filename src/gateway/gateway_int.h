/* Inside gateway/: origins, visits, what is open, and the answers. */
#ifndef GATEWAY_GATEWAY_INT_H
#define GATEWAY_GATEWAY_INT_H

#include "auth/auth.h"
#include "base/lock.h"
#include "base/map.h"
#include "gateway/gateway.h"

enum { GATEWAY_MAGIC = 0x67617465, GATEWAY_MAX_SITES = 2 };

#define GATEWAY_TICKET_PATH "/coditect/ticket"
#define GATEWAY_MAX_UPLOAD ((uint64_t)16 << 30) /* bytes of a request's body */

/* ---- Origins (site.c) ---- */

/* A family of origins, one for each session: scheme://{session}{suffix}{port}. */
struct gateway_site {
    char *scheme; /* "http", "https" */
    char *suffix; /* ".ide.coditect.localhost", in lower case */
    char *port;   /* ":8443" or ""; NULL: the one that the request names */
    bool secure;  /* browsers honour the __Host- prefix here */
};

/* What a request's host, or its path, says. Its strings live as long as the request. */
struct gateway_place {
    const struct gateway *gateway;
    const struct gateway_site *site; /* NULL: told by the path, on a shared origin */
    struct str scheme;
    struct str host;       /* as sent */
    struct str session_id; /* empty: nobody's */
    struct str base;       /* of the IDE's addresses, without its last slash: "", "/ide/ses-…" */
    struct str path;       /* below base, from its slash on, as sent */
    bool secure;           /* browsers take cookies with Secure here */
};

/* The sites of these addresses (NULL allowed). ERR_INVALID: one is malformed. */
int gateway_sites_init(struct gateway *g, const char *public_url,
                       const char *ide_url) BASE_MUST_USE;
void gateway_sites_fini(struct gateway *g);

/* False: the host is no IDE's. path is left to the caller. */
bool gateway_site_of(const struct gateway *g, struct str host, struct gateway_place *ret_place);

/* The origin of pages that may frame this place. */
struct str gateway_site_platform(const struct gateway_place *place, struct arena *arena);

/* host:port → host, :port; the host may be an address in brackets. */
struct str gateway_site_name(struct str host);
struct str gateway_site_port(struct str host);

/* Whether this is the configured platform's. */
bool gateway_site_is_public(const struct gateway *g, struct str host);

/* localhost, what lies below it, 127.…, [::1]; with or without a port. */
bool gateway_site_is_local(struct str host);

/* ERR_FORBIDDEN: a page of another origin asks for more than to be taken there. */
int gateway_site_permits(const struct gateway_place *place,
                         const struct http_request *req) BASE_MUST_USE;

/* Whether the answer is for a person's eyes: the browser goes there. */
bool gateway_site_is_page(const struct http_request *req);

/* ---- Where names are not to be had (paths.c) ---- */

/* Of a request to the server of its own. ERR_NOT_FOUND, ERR_MISDIRECTED: the place is nobody's, and can say so. */
int gateway_paths_of(const struct gateway *g, const struct http_request *req,
                     struct gateway_place *ret_place) BASE_MUST_USE;

/* As gateway_site_platform and gateway_ide_url. Empty: not for this host. */
struct str gateway_paths_platform(const struct gateway_place *place, struct arena *arena);
struct str gateway_paths_url(const struct gateway *g, struct arena *arena, struct str host,
                             struct str session_id);

/* What pages may frame of it, in the words of a Content-Security-Policy. */
void gateway_paths_sources(const struct gateway *g, struct buf *out);

/* ---- Visits (visit.c) ---- */

/* The request's own (req->user). */
struct gateway_visit {
    struct gateway_open *open;     /* NULL: not known whose, yet */
    bool socket;                   /* it wants to be one */
    struct auth_limit_state limit; /* of a socket that is one too many */
};

bool gateway_visit_is_socket(const struct http_request *req);

/* A socket counts for its login, which is all that makes many of them somebody's. ERR_RATE_LIMITED, told in ret_limit. */
int gateway_visit_count(const struct gateway *g, const struct http_request *req,
                        const struct auth_visit *visit,
                        struct auth_limit_state *ret_limit) BASE_MUST_USE;

/* Who shows which cookie at place; signature and session alone. ERR_UNAUTHENTICATED: none, two, or not one for here. */
int gateway_visit_read(const struct gateway *g, const struct http_request *req,
                       const struct gateway_place *place,
                       struct auth_visit *ret_visit) BASE_MUST_USE;

/* Who shows a cookie that was signed here, for whatever session. ERR_UNAUTHENTICATED. */
int gateway_visit_pass(const struct gateway *g, const struct http_request *req,
                       const struct gateway_place *place,
                       struct auth_visit *ret_visit) BASE_MUST_USE;

/* Whether they may be in that session's IDE, whatever its workspace does. ERR_UNAUTHENTICATED. */
int gateway_visit_may(const struct gateway *g, struct txn *txn, const struct auth_visit *visit,
                      struct data_session *ret_session) BASE_MUST_USE;

/* Whether a visit may go on: asked of the store. ERR_UNAUTHENTICATED. */
int gateway_visit_stands(const struct gateway *g, const struct auth_visit *visit) BASE_MUST_USE;

/* Answers /coditect/ticket. ERR_UNAUTHENTICATED, ERR_FORBIDDEN, ERR_METHOD_NOT_ALLOWED: nothing was set. */
int gateway_visit_begin(struct gateway *g, struct http_request *req, struct http_response *res,
                        const struct gateway_place *place) BASE_MUST_USE;

/* ---- Refusals (denied.c) ---- */

/* Tells the audit log, when code is a refusal. */
void gateway_denied(const struct gateway *g, const struct http_request *req,
                    const struct gateway_place *place, int code);

/* ---- What is open (open.c) ---- */

/* Requests of one visit that are being relayed. */
struct gateway_open {
    struct auth_visit visit; /* its strings lie in text */
    char *text;              /* the pass */
    uint64_t tag;            /* of its relays */
    unsigned count;
    unsigned sockets; /* of count */
};

struct gateway_opens {
    struct lock lock;
    struct lock_cond changed;
    struct map *by_pass; /* struct gateway_open */
    uint64_t last_tag;
    bool started, stop;
    pthread_t thread;
    struct http_server *servers[2]; /* NULL: there is none */
};

void gateway_opens_init(struct gateway_opens *o);
void gateway_opens_fini(struct gateway_opens *o); /* asserts that nothing is open */

/* One more, a socket or not; ended by gateway_open_end. ERR_LIMIT: the person has GATEWAY_SOCKETS. */
int gateway_open_begin(struct gateway *g, const struct auth_visit *visit, bool socket,
                       struct gateway_open **ret_open) BASE_MUST_USE;
void gateway_open_end(struct gateway *g, struct gateway_open *open, bool socket);

/* One round: cuts what has no right any more. How many visits were cut. */
size_t gateway_open_round(struct gateway *g);

/* ---- The workspace's door (relay.c) and files (files.c) ---- */

struct gateway_relay {
    const struct gateway_place *place;
    uint64_t tag;
};

/* ERR_BAD_GATEWAY: the session can have no door here. */
int gateway_relay(struct http_request *req, struct http_response *res,
                  const struct gateway_relay *relay) BASE_MUST_USE;

/* What Theia's cookie is called in browsers that visit place. */
struct str gateway_relay_cookie_name(const struct gateway_place *place);

/* Cookies of a Cookie header that go in, in arena, for those called name; empty: none. */
struct str gateway_relay_cookies(struct arena *arena, struct str header, struct str name);

/* Whether a Set-Cookie may go out. */
bool gateway_relay_may_set(struct str line);

/* How it goes out, in arena: for the addresses of this place alone. */
struct str gateway_relay_set(struct arena *arena, struct str line,
                             const struct gateway_place *place);

/* ERR_NOT_FOUND: no directory, or no frontend in it. */
int gateway_files_open(struct gateway *g, const char *ide_directory) BASE_MUST_USE;

/* Whether the address names a file of the bundle that lies here. */
bool gateway_files_has(const struct gateway *g, const struct http_request *req);

/* What a door says of its terminals; in arena. ERR_BAD_GATEWAY. (terminals.c) */
int gateway_terminals_parse(struct arena *arena, struct str text,
                            struct gateway_terminals *ret_terminals) BASE_MUST_USE;

/*
 * Asks the session's door for GATEWAY_BARRIER_S at most: the status of its answer, and what it says in body (NULL: nobody looks).
 * call->until is set here. ERR_BAD_GATEWAY: no answer came, or a larger one. (door.c)
 */
int gateway_door_ask(const struct gateway *g, struct str session_id, const struct http_call *call,
                     struct buf *body) BASE_MUST_USE;

/* What http_static_serve returns. */
int gateway_files_serve(const struct gateway *g, struct http_request *req,
                        struct http_response *res, struct str path) BASE_MUST_USE;

/* ---- Answers (answer.c) ---- */

/* The headers that every answer of an IDE's origin carries. */
void gateway_answer_headers(const struct gateway_place *place, struct http_request *req,
                            struct http_response *res);

/* Who may frame, as a Content-Security-Policy's directive. */
struct str gateway_answer_framing(const struct gateway_place *place, struct arena *arena);
void gateway_answer_failure(const struct gateway_place *place, struct http_request *req,
                            struct http_response *res, int code);

/* ---- The whole ---- */

/* One of the two applications. */
struct gateway_front {
    struct gateway *gateway;
    const struct http_app *next; /* of what is no IDE's; NULL: nothing is, here */
};

struct gateway {
    unsigned magic;
    struct store *store;
    struct auth *auth;
    struct workspaces_local *local;
    struct gateway_front by_host, by_path;
    struct gateway_site sites[GATEWAY_MAX_SITES];
    size_t site_count;
    char *public_origin; /* "https://coditect.example.com"; NULL: none is configured */
    char *public_host;   /* the same as browsers send it in Host */
    char *
        paths_origin; /* of IDEs told by the path, for the public; NULL: public_origin's host and ide_port */
    char *paths_host; /* the same with its port; NULL: public_host, whatever the port */
    uint16_t ide_port, platform_port;
    char *frame_sources;
    struct http_static *files; /* NULL: no IDE */
    char *bundle;              /* its name, a hash */
    struct gateway_opens opens;
};

#endif
