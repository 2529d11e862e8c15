/*
 * The gateway: each session's IDE on an origin of its own, http://{session}.ide.coditect.localhost:PORT on one machine,
 * {session}.ide.HOST elsewhere. Who asks is found out before anything of the workspace is contacted; then the request is
 * relayed to the workspace's door. As one http_app it stands before another: everything that is no IDE's goes there.
 *
 * Where browsers cannot be sent to such a name (some do not resolve names below localhost; an address in numbers has none),
 * IDEs are /ide/{session}/ on a port of their own: another http_app, on another server. There all sessions of a person
 * share one origin, so it has to be asked for.
 *
 * The way in: the platform's page asks the API for a ticket (auth_ticket_make), loads gateway_ticket_url in its frame, and the
 * gateway answers with the IDE's cookie, bound to the login, the session and the generation of its workspace. Each request
 * is held against the store; what is open for longer is asked about every two seconds, and cut when its login has
 * ended, its session was deleted or paused, or its workspace was started again.
 *
 * Life: gateway_create → gateway_app → http_server_start → gateway_start; gateway_stop before http_server_drain,
 * gateway_destroy when they are gone. All functions but these may be called from any thread.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "auth/auth.h"
#include "http/http.h"

struct gateway;
struct store;
struct workspaces_local;

enum {
    GATEWAY_MAX_URL = 512, /* bytes of public_url and ide_url */
    GATEWAY_SOCKETS = 256, /* open sockets of a person, in one server: IDEs' and terminals' */
};

struct gateway_options {
    struct store *store; /* this and what follows outlives the gateway */
    struct auth *auth;
    struct workspaces_local *local; /* knows the doors */
    const char
        *ide_directory;     /* of the bundle: has app/lib/frontend; NULL: this server has no IDE */
    const char *public_url; /* "https://coditect.example.com"; NULL: local names only */
    /* "https://{session}.ide.example.com"; without {session}: where a proxy makes gateway_paths_app's server public; NULL:
     * {session}.ide. before public_url's host */
    const char *ide_url;
    uint16_t ide_port;      /* of gateway_paths_app's server; 0: there is none */
    uint16_t platform_port; /* of the platform's server; needed with ide_port */
};

/* Whether gateway_create would take them; either may be NULL. ERR_INVALID. */
int gateway_check_urls(const char *public_url, const char *ide_url) BASE_MUST_USE;

/* ERR_INVALID: an URL is malformed. ERR_NOT_FOUND: no frontend in ide_directory; and what http_static_open returns. */
int gateway_create(const struct gateway_options *options,
                   struct gateway **ret_gateway) BASE_MUST_USE;
void gateway_destroy(struct gateway *g); /* NULL allowed */

/* next outlives the gateway, and answers what is no IDE's. Once. */
struct http_app gateway_app(struct gateway *g, const struct http_app *next);

/* For a server of its own: answers nothing but /ide/{session}/…. Once. */
struct http_app gateway_paths_app(struct gateway *g);

/* Begins to look after what is open in the servers; paths NULL: there is none. ERR_BUSY: no thread is to be had. */
int gateway_start(struct gateway *g, struct http_server *server,
                  struct http_server *paths) BASE_MUST_USE;
void gateway_stop(struct gateway *g); /* harmless when it was not started */

/*
 * Where a browser that reached the platform by this Host finds the session's IDE: "http://ses-….ide.coditect.localhost:8080/",
 * in arena. With an ide_port, and by a host that has no names below it: "http://localhost:8081/ide/ses-…/". Empty: this
 * server has no IDE, or none for this host. host: http_request.host of the platform's request.
 */
struct str gateway_ide_url(const struct gateway *g, struct arena *arena, struct str host,
                           struct str session_id);

/*
 * Returns when all that was written in the session's workspace before is in the store; blocks, GATEWAY_BARRIER_S at most. That it is so
 * is the workspace's claim, and of the session's files alone: the home is another tree. ERR_CONFLICT: the store refuses it (for want
 * of room), and would again; ERR_UNAVAILABLE: nothing runs, and what ran last has not stored everything; ERR_BAD_GATEWAY: what runs
 * does not say so.
 */
enum { GATEWAY_BARRIER_S = 10 };
int gateway_barrier(const struct gateway *g, struct arena *arena,
                    struct str session_id) BASE_MUST_USE;

/* ---- Terminals of a workspace (terminals.c): what its door says is a claim of whoever works there ---- */

enum { GATEWAY_TERMINALS = 16, GATEWAY_TERMINAL_ID = 64, GATEWAY_TERMINAL_RUN = 16 };

struct gateway_terminal {
    struct str id, run;
    bool ended;
    bool by_signal; /* else number is an exit code; both once it has ended */
    int64_t number;
    int64_t sockets;
    usec_t started;
};

struct gateway_terminals {
    struct gateway_terminal at[GATEWAY_TERMINALS];
    size_t n;
};

/* Both block, GATEWAY_BARRIER_S at most. ERR_BAD_GATEWAY: nobody answers, or not as a door would. */
int gateway_terminals_list(const struct gateway *g, struct arena *arena, struct str session_id,
                           struct gateway_terminals *ret_terminals) BASE_MUST_USE;
/* ERR_NOT_FOUND: there is none of this name. id: letters, digits, '-' and '_'. */
int gateway_terminals_end(const struct gateway *g, struct arena *arena, struct str session_id,
                          struct str id) BASE_MUST_USE;

/* What is open; given back by gateway_socket_end. */
struct gateway_socket_open;

/* A request for a terminal's socket; its strings live until app.finish. */
struct gateway_socket {
    struct auth_visit visit; /* whose it is; the socket ends within two seconds of its right */
    struct str target;       /* at the door, with its query */
    struct str protocol;     /* subprotocol of the answer; empty: none */
    struct gateway_socket_open *open; /* result; NULL at first */
};

/*
 * Hands the request to the workspace's door. socket->open may be set on failure, too: gateway_socket_end is for app.finish. ERR_UNAUTHENTICATED: the visit has no right any more; ERR_RATE_LIMITED: the login opens too many; ERR_LIMIT: the person has GATEWAY_SOCKETS; ERR_BAD_GATEWAY.
 */
int gateway_socket_relay(struct gateway *g, struct http_request *req, struct http_response *res,
                         struct gateway_socket *socket) BASE_MUST_USE;
void gateway_socket_end(void *open); /* NULL allowed */

/* The address that turns a ticket into the cookie: what the frame loads first. */
struct str gateway_ticket_url(struct arena *arena, struct str ide_url, struct str ticket);

/* The origins of all IDEs in the words of a Content-Security-Policy (frame-src). Lives as long as g. */
const char *gateway_frame_sources(const struct gateway *g);

#endif
