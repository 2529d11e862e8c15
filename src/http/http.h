/*
 * HTTP/1.1 (RFC 9110, 9112): a strict server on event loops, its requests and responses as handlers see them, static files,
 * relays, WebSockets (RFC 6455) and a blocking client. Knows no product words: the application is one struct http_app.
 *
 * The life of a request: the head is parsed on a loop -> app.route says where it runs and how large its body may be -> the
 * body is collected (or left to the handler) -> app.handle runs straight-line code on a thread of its lane -> the loop sends
 * the response. One request of a connection runs at a time; pipelined ones wait in order.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/time.h"

/* ---- requests ---- */

/* HTTP_OTHER: any other valid token; the application answers 405 or 501. CONNECT is refused before it gets there. */
enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_PATCH,
    HTTP_OPTIONS,
    HTTP_OTHER,
};

struct http_header {
    struct str name;  /* as sent: compare without case */
    struct str value; /* without surrounding white space; no control characters but tabs */
};

/*
 * One request. Its strings live in the connection's memory or in arena, both until the response is finished; copy what
 * stays longer. Used by one thread at a time: the loop's in route, the lane's in handle.
 * The head is well-formed: path begins with '/', has only complete percent escapes and no %00; host is a valid host[:port],
 * never empty in HTTP/1.1.
 */
struct http_request {
    enum http_method method;
    struct str method_text;
    struct str target; /* as sent */
    struct str path;   /* raw: still percent-encoded; "*" for OPTIONS * */
    struct str query;  /* raw, without '?' */
    const struct http_header *headers;
    size_t header_count;
    struct str body;        /* complete, when the route does not stream it */
    int64_t content_length; /* of the body; 0: no body; -1: chunked */
    struct str host;        /* of an absolute target, else of Host; host[:port] as sent */
    struct str peer;        /* the client's address as text; "unix" */
    bool secure;            /* a trusted proxy says that the client speaks to it by https */
    struct str id;          /* "req-" and 13 characters, new for each request */
    bool http10;            /* spoken by the client */
    struct arena *arena;    /* the request's */
    void *user;             /* the application's, from route to finish; NULL at first */
    usec_t received;        /* monotonic, when the head was complete */
};

/* First value of a header, or empty. */
struct str http_header(const struct http_request *request, const char *name);

/* How often a header stands there. */
size_t http_header_count(const struct http_request *request, const char *name);

/* Whether a comma-separated header, over all its lines, has this token (without case). */
bool http_header_has_token(const struct http_request *request, const char *name, const char *token);

/* First value of a query parameter, percent-decoded ('+' is a space) into the arena. ERR_NOT_FOUND, ERR_INVALID. */
int http_query(const struct http_request *request, const char *name, struct str *ret) BASE_MUST_USE;

/* Goes through the query: *rest starts as request->query. False at the end. Name and value are still encoded. */
bool http_query_next(struct str *rest, struct str *ret_name, struct str *ret_value);

/* %XX to bytes, '+' stays. Any byte may come out, also NUL. ERR_INVALID: an incomplete or malformed escape. */
int http_percent_decode(struct arena *arena, struct str in, struct str *ret) BASE_MUST_USE;

/* Everything but unreserved characters (RFC 3986) and '/' as %XX. */
void http_percent_encode(struct buf *out, struct str in);

/* Value of a cookie (RFC 6265 section 4.2). ERR_NOT_FOUND; ERR_CONFLICT: the name stands twice. */
int http_cookie(const struct http_request *request, const char *name,
                struct str *ret) BASE_MUST_USE;

/* RFC 9110 section 14: one range of bytes. */
struct http_range {
    uint64_t offset;
    uint64_t length;
};

/*
 * The Range header for a representation of size bytes with this ETag. ERR_NOT_FOUND: answer the whole with 200 (no Range,
 * several ranges, malformed, or If-Range names another version); ERR_RANGE: answer 416 with Content-Range: bytes * / size.
 */
int http_range(const struct http_request *request, uint64_t size, struct str etag,
               struct http_range *ret) BASE_MUST_USE;

/* The next entity tag of a list, in which commas may stand inside quotes; *rest becomes what follows. false: there is none. */
bool http_etag_next(struct str *rest, struct str *ret_etag);

/* Whether a list of entity tags (If-Match: strong, If-None-Match: weak comparison) names etag or is "*". */
bool http_etag_listed(struct str list, struct str etag, bool strong);

/*
 * The body of a route that streams it (stream_body): waits for bytes; the number read, 0 at the end, or negative: ERR_CLOSED
 * (the client went away), ERR_REQUEST_TIMEOUT (slower than the least rate), ERR_TOO_LARGE (chunked, over the route's
 * max_body), ERR_INVALID (malformed chunks). An error repeats. For other routes it reads request->body.
 */
ssize_t http_body_read(struct http_request *request, void *to, size_t n) BASE_MUST_USE;

/* ---- responses ---- */

struct http_response;

enum { HTTP_MAX_REPLY = 8 * 1024 * 1024 };

void http_status(struct http_response *response, int status); /* 200 to 599; 200 until set */

/* Adds a header. Asserts a valid name and that value has no CR, LF, NUL. Not for Content-Length, Transfer-Encoding, Date,
 * Connection: those are the connection's. */
void http_set(struct http_response *response, const char *name, struct str value);

/* The body, borrowed: static or in the request's arena. */
void http_body(struct http_response *response, struct str body);

/* The body, written into a buffer of the response of at most HTTP_MAX_REPLY; over that the client gets app.error(INTERNAL). */
struct buf *http_body_buf(struct http_response *response);

/* Forgets status, headers and body set so far. */
void http_reset(struct http_response *response);

int http_response_status(const struct http_response *response);

/*
 * Sends the head now; http_write then sends the body. length in bytes, or -1: unknown (chunked; HTTP/1.0: until close).
 * Not in HTTP_INLINE. ERR_CLOSED. After that no other call on the response but http_write is allowed. A handler that
 * returns before length bytes were written, or that calls http_abort, cuts the connection, so that nobody takes the part
 * for the whole.
 */
int http_stream(struct http_response *response, int64_t length) BASE_MUST_USE;

/* Waits while the client is slow. ERR_CLOSED: it went away or took less than the least rate. Nothing is sent for HEAD. */
int http_write(struct http_response *response, struct str bytes) BASE_MUST_USE;

/* As http_write from a file, n bytes at offset. ERR_CLOSED; ERR_IO: the file is shorter or cannot be read. */
int http_write_file(struct http_response *response, int fd, struct http_range range) BASE_MUST_USE;
void http_abort(struct http_response *response);

/* ---- the application ---- */

/* Where a handler runs. Each lane has its own threads, queue and counters; a full queue is 503 with Retry-After. */
enum http_lane {
    HTTP_INLINE,  /* on the loop: microseconds, never blocks */
    HTTP_READ,    /* reads a few records: waits for a core, hardly ever for the disk */
    HTTP_SCAN,    /* reads many records: waits for a core for longer */
    HTTP_WORK,    /* waits for the store's commits */
    HTTP_HASH,    /* passwords */
    HTTP_STREAM,  /* bodies over 1 MiB and file content */
    HTTP_OUTSIDE, /* calls to other systems */
    HTTP_LANES,
};

enum { HTTP_MAX_BUFFERED_BODY = 1024 * 1024 };

/* What app.route answers. Zeroed before: inline, no body allowed. */
struct http_route {
    enum http_lane lane;
    uint64_t
        max_body; /* bytes; over that 413 before the body is read. At most HTTP_MAX_BUFFERED_BODY unless streamed */
    bool stream_body; /* the handler reads it with http_body_read (not HTTP_INLINE) */
    bool upgrade; /* the handler may call http_relay or http_websocket; the body is left unread */
    uint64_t key; /* whose request it is, for the lane's limit per user; 0: nobody's */
};

struct http_outcome {
    int status;
    uint64_t sent; /* body bytes */
    usec_t took;   /* from the complete head to the last byte handed to the kernel */
};

struct http_app {
    void *ctx;
    /* On a loop, head complete, body not: decides. 0, or a negative ERR_* that is answered through error. */
    int (*route)(void *ctx, struct http_request *request, struct http_route *ret);
    /* On a thread of the lane. Always produces a response. */
    void (*handle)(void *ctx, struct http_request *request, struct http_response *response);
    /* On a loop, microseconds: sets status, headers and body for an error of the protocol (the request may be half filled:
     * any string may be empty) or of route. Retry-After, Allow and the like are this function's. */
    void (*error)(void *ctx, struct http_request *request, int code,
                  struct http_response *response);
    /* On a loop, after the response; every request that was routed, once. Releases request->user. NULL: nothing. */
    void (*finish)(void *ctx, struct http_request *request, const struct http_outcome *outcome);
};

/* ---- server ---- */

struct http_server;

/* Zero means the default that is named. */
struct http_limits {
    unsigned connections; /* all; default: the descriptor limit less 1/8 */
    unsigned
        per_address; /* of one address (IPv6: /64), loopback excepted unless per_loopback; default 512 */
    bool per_loopback;            /* count loopback addresses too */
    size_t buffered_bodies;       /* bytes of collected bodies in memory at once; default 256 MiB */
    usec_t header_time;           /* from the first byte of a head to its end; default 10 s */
    usec_t idle_time;             /* between requests; default 75 s */
    usec_t grace;                 /* before the least rate counts; default 10 s */
    unsigned least_rate;          /* bytes a second, of bodies in and out; default 1024 */
    unsigned threads[HTTP_LANES]; /* defaults: the table in server.c */
    unsigned queue[HTTP_LANES];
    unsigned stream_per_key; /* requests of one key in the stream lane at once; default 4 */
};

/* Addresses that have the first bits in common. */
struct http_network {
    uint8_t address[16];
    unsigned bits;
    bool local; /* instead: whoever comes by a unix socket */
};

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32", "unix". ERR_INVALID. */
int http_network_parse(struct str text, struct http_network *ret_network) BASE_MUST_USE;

struct http_networks {
    const struct http_network *at;
    size_t n;
};

struct http_server_options {
    const char *const *listen;  /* addresses as net_address_parse takes them; NULL ends the list */
    const struct http_app *app; /* outlives the server */
    unsigned loops;             /* threads with a loop; 0: as many as cores */
    struct http_limits limits;
    /* Proxies whose X-Forwarded-For (request.peer) and X-Forwarded-Proto (request.secure) are believed, and whose connections
     * are not counted by address. Outlives the server. */
    struct http_networks trusted;
    bool
        own_users; /* takes connections of this process's user and of root alone: unix sockets only */
};

/* Listens and starts the loops. ERR_EXISTS: an address is taken; ERR_FORBIDDEN; ERR_INVALID: an address is malformed. */
int http_server_start(const struct http_server_options *options,
                      struct http_server **ret_server) BASE_MUST_USE;

/* The port of the n-th address, after port 0 the one the kernel chose. */
uint16_t http_server_port(const struct http_server *server, size_t n);

/* Takes no connection any more, closes idle ones, lets requests finish, ends WebSockets with 1001; does not wait for it. */
void http_server_leave(struct http_server *server);

/* The same when that was not begun; returns when all are gone or after patience. Then only http_server_destroy may follow. */
void http_server_drain(struct http_server *server, usec_t patience);
void http_server_destroy(
    struct http_server *server); /* NULL allowed; cuts everything, waits for running handlers */

struct http_server_stats {
    uint64_t requests;
    uint64_t connections; /* ever accepted */
    uint64_t refused;     /* connections, by a limit */
    unsigned open;        /* connections now */
    struct {
        uint64_t started, refused;
        unsigned running, waiting, threads;
    } lanes[HTTP_LANES];
};

void http_server_read_stats(struct http_server *server, struct http_server_stats *ret);

/* The standard reason of a status ("Not Found"), "" when unknown. */
const char *http_reason(int status);

/* ---- static files ---- */

/*
 * A directory whose files are served. Its names are read once, at the start: a path from the network is only ever looked up in
 * that table. Hidden names (".x") and symbolic links are left out. x.js.gz beside x.js is sent to whoever takes gzip. Thread
 * safe.
 */
struct http_static;

struct http_static_options {
    const char *directory;
    bool lasting; /* every name means the same bytes for ever (a directory named by its content) */
    const char *lasting_below; /* "/assets/": only names below it do; NULL: as lasting says */
    /* "/index.html": answers a path without a file when a page is asked for, but not below lasting_below; NULL: none. */
    const char *fallback;
};

/* ERR_NOT_FOUND: no such directory; ERR_LIMIT: more than 50,000 files or deeper than 32 levels; ERR_IO. */
int http_static_open(const struct http_static_options *options,
                     struct http_static **ret_static) BASE_MUST_USE;
void http_static_close(struct http_static *files); /* NULL allowed */

/*
 * Answers GET and HEAD of path ("/a/b.js", percent-encoded; "/" is "/index.html") with ETag, conditions, ranges and caching;
 * further headers are the caller's, set before. In the lane HTTP_STREAM. ERR_NOT_FOUND, ERR_METHOD_NOT_ALLOWED, ERR_RANGE:
 * nothing was set. ERR_IO: the file has gone since.
 */
int http_static_serve(struct http_static *files, struct http_request *request,
                      struct http_response *response, struct str path) BASE_MUST_USE;

/* The media type by a file's name; "application/octet-stream" when unknown. */
const char *http_media_type(struct str name);

/* ---- relay ---- */

/*
 * Hands the request to another HTTP server and its answer to the client, on the loop, with back-pressure both ways; after a
 * 101 a pipe of bytes until one side ends. Hop-by-hop headers are the relay's own. Everything named here lives until
 * app.finish (the request's arena is fine); pass_in and pass_out run on the loop.
 */
struct http_relay_options {
    struct str upstream; /* as net_address_parse takes it: "unix:/…" */
    struct str target;   /* path and query for the upstream; empty: the request's own */
    /* Whether a header goes in (out); *value may be replaced by a string in the request's arena. NULL: all. */
    bool (*pass_in)(void *ctx, struct str name, struct str *value);
    bool (*pass_out)(void *ctx, struct str name, struct str *value);
    void *ctx;
    const struct http_header *add_in; /* further headers */
    size_t add_in_count;
    const struct http_header *add_out;
    size_t add_out_count;
    usec_t
        patience; /* of silence before the head of the answer; 0: 60 s. Then app.error(TIMEOUT) */
    uint64_t tag; /* for http_server_cut; 0: none */
    bool socket;  /* what answers with anything but a WebSocket answers nothing: BAD_GATEWAY */
};

/*
 * In handle of a route with upgrade; nothing else may be done with the response. ERR_INVALID: upstream is malformed. Nobody
 * there or a malformed answer: app.error(BAD_GATEWAY).
 */
int http_relay(struct http_request *request, struct http_response *response,
               const struct http_relay_options *options) BASE_MUST_USE;

/* Ends every relay and WebSocket with this tag (not 0) within a turn of its loop. From any thread. */
void http_server_cut(struct http_server *server, uint64_t tag);

/* ---- WebSockets (RFC 6455) ---- */

struct http_socket;
struct net_loop;

/* All on the socket's loop, microseconds each. */
struct http_socket_handler {
    void (*opened)(void *ctx, struct http_socket *socket);
    void (*message)(void *ctx, struct http_socket *socket, bool text,
                    struct str data); /* text is valid UTF-8 */
    void (*writable)(void *ctx,
                     struct http_socket *socket); /* after ERR_BUSY: there is room again */
    void (*closed)(void *ctx, struct http_socket *socket,
                   int code); /* the last; socket is gone after it. 1006: no close frame */
};

struct http_socket_options {
    const struct http_socket_handler *handler; /* static, complete */
    void *ctx;           /* lives until closed (or until http_websocket fails) */
    struct str protocol; /* Sec-WebSocket-Protocol of the answer; empty: none */
    /* Which pages may open it ("https://c.example.com"), ended by NULL; NULL: any. No Origin is no browser, and may. */
    const char *const *origins;
    size_t max_message; /* 0: 16 MiB */
    size_t
        max_incoming; /* 0: max_message. Also inflated; over that the socket is closed with 1009 */
    size_t
        max_queue; /* bytes that may wait to be sent; 0: 1 MiB. Nothing is read while more waits */
    uint64_t tag;
};

/*
 * In handle of a route with upgrade: answers 101 and opens the socket, compressed (RFC 7692) when the client offers that.
 * ERR_INVALID: not a WebSocket handshake of version 13 (answer 400, or 426 with Sec-WebSocket-Version); ERR_FORBIDDEN: an
 * Origin that is not listed. The handler is not called then. Tokens are checked before by the caller.
 */
int http_websocket(struct http_request *request, struct http_response *response,
                   const struct http_socket_options *options) BASE_MUST_USE;

/* On the loop only. Copies data. ERR_BUSY: the queue is full, nothing was taken; ERR_TOO_LARGE: over max_message;
 * ERR_CLOSED. */
int http_socket_send(struct http_socket *socket, bool text, struct str data) BASE_MUST_USE;

/* On the loop only: sends a close frame, after what is queued. closed follows, later. */
void http_socket_close(struct http_socket *socket, int code, struct str reason);

/* On the loop only: reads nothing while paused, so that the client's sending waits. */
void http_socket_pause(struct http_socket *socket, bool paused);

/* Where net_loop_post brings work for this socket. */
struct net_loop *http_socket_loop(const struct http_socket *socket);

/* ---- the client's side of a WebSocket ---- */

/* As bytes, for who has a connection: what is to be sent is appended to a buffer, what came is given in any pieces. */
struct http_dial;

struct http_dial_options {
    struct str host;                   /* the Host header */
    struct str target;                 /* encoded path and query */
    const struct http_header *headers; /* more of them */
    size_t header_count;
    size_t max_message; /* bytes; also of a refusal's body */
};

enum http_dial_kind {
    HTTP_DIAL_MORE,   /* all that came is used up */
    HTTP_DIAL_OPENED, /* before any message */
    HTTP_DIAL_REFUSED, /* instead, and the last: code is the status, data the body, if its length was said */
    HTTP_DIAL_TEXT, /* is UTF-8 */
    HTTP_DIAL_BINARY,
    HTTP_DIAL_PING, /* to be answered by HTTP_DIAL_PONG with the same data */
    HTTP_DIAL_PONG,
    HTTP_DIAL_CLOSED /* the last: code of the close frame, 1005 without one, data its reason */
};

struct http_dial_event {
    enum http_dial_kind kind;
    int code;
    struct str data; /* until the next call */
};

/* Appends the request. ERR_INVALID: something in it can be in no request. */
int http_dial_create(const struct http_dial_options *options, struct buf *out,
                     struct http_dial **ret_dial) BASE_MUST_USE;
void http_dial_destroy(struct http_dial *dial); /* NULL allowed */

/* Takes bytes from the front of *in. ERR_INVALID: no HTTP, no handshake, no frames, or more than max_message. */
int http_dial_next(struct http_dial *dial, struct str *in,
                   struct http_dial_event *ret_event) BASE_MUST_USE;

/* Appends a message, or a control frame (data: at most 125 bytes; of HTTP_DIAL_CLOSED, code 1000, none is sent). */
void http_dial_send(struct buf *out, enum http_dial_kind kind, struct str data);

/* ---- client ---- */

/* One connection to one server, kept between calls. Blocks; used by one thread at a time. */
struct http_client;

struct http_client_options {
    struct str address; /* as net_address_parse takes it */
    struct str host;    /* the Host header; empty: "localhost" */
    usec_t patience;    /* for each wait for the server; 0: 30 s */
};

struct http_call {
    const char *method;                /* "GET" */
    struct str target;                 /* encoded path and query */
    const struct http_header *headers; /* besides Host, Content-Length, Transfer-Encoding */
    size_t header_count;
    struct str body;
    /* A body in pieces instead: bytes read, 0 at the end, or negative, which ends the call. length: -1 chunked. */
    ssize_t (*read_body)(void *ctx, void *to, size_t n);
    void *ctx;
    int64_t length;
    usec_t
        until; /* of time_monotonic: no wait of the call or of reading its reply is longer; 0: patience alone */
};

struct http_reply {
    int status;
    const struct http_header *headers; /* borrowed from the client until its next call */
    size_t header_count;
    int64_t length; /* of the body; -1: not known */
};

/* ERR_INVALID: the address is malformed. Connects with the first call. */
int http_client_create(const struct http_client_options *options,
                       struct http_client **ret_client) BASE_MUST_USE;
void http_client_destroy(struct http_client *client); /* NULL allowed */

/*
 * Sends and waits for the head of the reply. ERR_IO: nobody there or the connection broke; ERR_TIMEOUT; ERR_INVALID: the reply
 * is malformed. A kept connection that the server closed meanwhile is opened again, once, when the body can be sent again.
 */
int http_client_call(struct http_client *client, const struct http_call *call,
                     struct http_reply *ret_reply) BASE_MUST_USE;

/* The body of the last reply: bytes read, 0 at the end, ERR_IO, ERR_TIMEOUT, ERR_INVALID. */
ssize_t http_client_read(struct http_client *client, void *to, size_t n) BASE_MUST_USE;

/* All of it into out. ERR_TOO_LARGE: more than out may hold; and what http_client_read returns. */
int http_client_body(struct http_client *client, struct buf *out) BASE_MUST_USE;

/* Wakes a call or read that waits in another thread: it and all later ones fail with ERR_IO. */
void http_client_cancel(struct http_client *client);

struct str http_reply_header(const struct http_reply *reply, const char *name);

#endif
