/* Inside http/, its tests and fuzz targets: the syntax of messages, and how connections are made of
 * loops, exchanges and owners. */
#ifndef HTTP_HTTP_INT_H
#define HTTP_HTTP_INT_H

#include <stdatomic.h>

#include "base/lock.h"
#include "http/http.h"
#include "net/net.h"

/* ---- characters (RFC 9110 section 5.6.2, RFC 3986) ---- */

enum { CHAR_TOKEN = 1, CHAR_VALUE = 2, CHAR_TARGET = 4, CHAR_HOST = 8, CHAR_COOKIE = 16 };

/* Whether every byte of s is of the class; the empty string is. */
bool http_chars_all(struct str s, unsigned class);
bool http_chars_is(char c, unsigned class);
int http_chars_hex(char c); /* value of a hexadecimal digit or -1 */

/* ---- heads ---- */

enum {
    HTTP_MAX_REQUEST_LINE = 16 * 1024,
    HTTP_MAX_FIELDS = 32 * 1024, /* bytes of all header lines */
    HTTP_MAX_HEADERS = 100,
    HTTP_MAX_HEAD = HTTP_MAX_REQUEST_LINE + HTTP_MAX_FIELDS + 4,
    HTTP_MAX_HOST = 255 + 6,
};

/* Besides 0 (complete) and errors: more bytes are wanted. */
enum { HTTP_MORE = 1, HTTP_DATA = 2 };

struct http_span {
    uint32_t at, n;
};

enum http_head_state { HEAD_FIRST_LINE, HEAD_FIELDS, HEAD_DONE };

/*
 * The head of a message while it arrives. Offsets, because the buffer may move until the head is complete. Zero-initialised;
 * response says which first line is expected.
 */
struct http_head {
    bool response;
    enum http_head_state state;
    bool skipped; /* the one empty line that may come before a request */
    bool http10;
    int status;     /* of a response */
    size_t line;    /* where the line in hand begins */
    size_t scanned; /* no LF before here, from line on */
    size_t fields;  /* where the first header line begins */
    size_t end;     /* of the head, when complete */
    struct http_span method, target;
    uint32_t count;
    struct {
        struct http_span name, value;
    } field[HTTP_MAX_HEADERS];
};

/*
 * Goes on with all bytes since the head's start. 0: complete, head->end says where the body begins; HTTP_MORE; or ERR_INVALID,
 * ERR_URI_TOO_LONG, ERR_HEADERS_TOO_LARGE, ERR_VERSION_UNSUPPORTED. The verdict does not depend on how the bytes were cut.
 */
int http_head_parse(struct http_head *head, struct str in) BASE_MUST_USE;

/* Header lines as strings into in, which must stay where it is; headers has room for head->count. */
void http_head_headers(const struct http_head *head, struct str in, struct http_header *headers);

/* How the body of a message is delimited (RFC 9112 section 6). length: bytes; -1: chunked; has_length: a length was given. */
struct http_framing {
    int64_t length;
    bool has_length;
};

/* ERR_INVALID, ERR_TOO_LARGE (a length over 2^63-1), ERR_NOT_IMPLEMENTED (a transfer coding other than chunked). */
int http_framing_of(const struct http_header *headers, size_t count, bool http10,
                    struct http_framing *ret) BASE_MUST_USE;

/*
 * Fills method, target, path, query, host, headers, content_length of a request from a complete head. ERR_INVALID and what
 * http_framing_of returns; ERR_NOT_IMPLEMENTED for CONNECT.
 */
int http_head_request(const struct http_head *head, struct str in, struct http_header *headers,
                      struct http_request *ret_request) BASE_MUST_USE;

/* host, host:port, [v6] or [v6]:port with a port from 1 to 65535. */
bool http_host_is_valid(struct str host);

/* ---- chunks ---- */

/* A chunked body while it arrives (RFC 9112 section 7.1). Zero-initialised. */
struct http_chunks {
    unsigned state;
    unsigned digits;
    unsigned extension; /* bytes of chunk extensions so far, all chunks */
    unsigned trailer;   /* bytes of trailer lines so far */
    bool named;         /* the trailer line in hand has its colon */
    uint64_t left;      /* of the chunk in hand */
};

enum { HTTP_MAX_EXTENSIONS = 1024, HTTP_MAX_TRAILERS = 8 * 1024 };

/*
 * Takes bytes from the front of *in. HTTP_DATA: *ret_data is the next piece of content (inside in, not empty); HTTP_MORE: in
 * is used up; 0: the body is complete, *in is what follows; ERR_INVALID.
 */
int http_chunks_next(struct http_chunks *chunks, struct str *in,
                     struct str *ret_data) BASE_MUST_USE;

/* ---- responses ---- */

struct http_connection;
struct http_exchange;

/*
 * What takes a connection over after handle (a relay, a WebSocket): all on the loop, which still owns connection and
 * descriptor. take begins; the rest is called until http_connection_resume or http_connection_close.
 */
struct http_owner {
    uint64_t tag;
    void (*take)(struct http_owner *, struct http_connection *);
    void (*ready)(struct http_owner *);
    void (*drain)(struct http_owner *); /* the server stops: end soon, in order */
    void (*cut)(struct http_owner *);   /* its right is gone: end now (http_server_cut) */
    void (*gone)(struct http_owner *);  /* the connection is being destroyed: release everything */
};

struct http_response {
    unsigned magic;
    int status;
    struct buf fields; /* header lines as sent */
    struct str body;
    struct buf own; /* behind http_body_buf */
    bool own_used;
    bool streaming;
    bool aborted;
    int64_t left; /* of a streamed body; -1: chunked or until close */
    uint64_t sent;
    struct http_owner *owner; /* NULL: an ordinary response */
    struct http_exchange *exchange;
};

void http_response_init(struct http_response *response);
void http_response_fini(struct http_response *response);

/* The complete head into out. length: of the body; -1: none is known. */
void http_response_head(struct http_exchange *exchange, struct buf *out, int64_t length);
bool http_response_may_have_body(const struct http_exchange *exchange);

/* ---- connections ---- */

struct http_exchange {
    struct http_request request;
    struct http_response response;
    struct http_connection *connection;
    struct http_exchange *next_free;
    struct http_route route;
    int failure; /* of route, answered when the body has been read; 0 */
    bool routed;
    bool expects;   /* 100 Continue is still to be sent */
    bool body_done; /* all of the body has been taken from the connection */
    uint64_t body_seen;
    usec_t waited; /* by the lane's thread for the client */
    int body_error;
    size_t taken; /* bytes of in that belong to this request */
    struct http_chunks chunks;
    struct buf in;    /* head, and what came with it; does not move once the head is complete */
    struct buf body;  /* collected */
    struct buf out;   /* head of the response */
    bool blocked;     /* the client did not take all of it at once */
    size_t sent;      /* of out and the body together */
    size_t accounted; /* of the server's buffered_bodies */
    struct arena arena;
    struct net_job job;
    struct net_message done;
    char id[24];
    struct http_head head;
    struct http_header headers[HTTP_MAX_HEADERS];
};

enum http_state { CONN_IDLE, CONN_HEAD, CONN_BODY, CONN_LANE, CONN_SEND, CONN_OWNED, CONN_LINGER };

struct http_connection {
    unsigned magic;
    enum http_state state;
    struct net_watch watch;
    struct net_timer timer;
    struct http_worker *worker;
    struct http_exchange *exchange; /* NULL while idle */
    struct http_owner *owner;       /* in CONN_OWNED */
    struct http_connection *next, **place;
    struct net_message again; /* goes on with pipelined requests in the next turn */
    usec_t since;             /* the state in hand began */
    uint32_t group;           /* slot in the server's table of addresses; UINT32_MAX: not counted */
    uint32_t discarded;       /* in CONN_LINGER */
    bool readable, writable, hangup;
    bool closing; /* after this response */
    bool again_posted;
    bool dead;    /* ended while `again` was posted */
    bool trusted; /* the peer is a proxy that may say for whom it asks */
    char peer[NET_ADDRESS_TEXT];
};

enum { HTTP_ADDRESS_SLOTS = 16384, HTTP_MAX_LISTEN = 8 };

/* One loop and its thread. */
struct http_worker {
    struct http_server *server;
    struct net_loop *loop;
    pthread_t thread;
    unsigned listening;
    struct http_listener {
        struct net_watch watch;
        struct http_worker *worker;
    } listeners[HTTP_MAX_LISTEN];
    struct http_connection *connections;
    struct http_exchange *free;
    unsigned free_count;
    uint64_t ids; /* state of the generator of request ids */
    struct net_message drain, cut;
    bool cut_done; /* under the server's lock */
};

struct http_server {
    unsigned magic;
    struct http_limits limits;
    struct http_networks trusted;
    bool own_users;
    const struct http_app *app;
    struct net_lane *lanes[HTTP_LANES]; /* NULL for HTTP_INLINE */
    struct http_worker *workers;
    unsigned worker_count;
    size_t listen_count;
    bool started;
    uint16_t ports[HTTP_MAX_LISTEN];
    struct lock lock; /* for `empty` */
    struct lock_cond empty;
    atomic_bool draining;
    atomic_uint open;
    atomic_size_t bodies;
    atomic_uint_fast64_t requests, accepted, refused;
    atomic_ushort addresses[HTTP_ADDRESS_SLOTS];
};

/* What a step of a connection came to: go on, wait for an event, or the connection is gone (do not touch it). */
enum http_step { STEP_ON, STEP_WAIT, STEP_GONE };

/* forwarded.c */
bool http_forwarded_trusts(const struct http_networks *trusted, const struct net_address *peer);

/* The request came from a trusted proxy: who asks, and how. */
void http_forwarded_apply(struct http_request *request, const struct http_networks *trusted);

/* connection.c */
int http_connection_start(struct http_worker *worker, int fd, const struct net_address *peer,
                          uint32_t group) BASE_MUST_USE;
void http_connection_run(struct http_connection *c);
void http_connection_close(struct http_connection *c);
void http_connection_enter(struct http_connection *c, enum http_state state);
void http_connection_drain(struct http_connection *c);
struct http_server *http_connection_server(const struct http_connection *c);

/* An owner gives the connection back, its answer sent. */
void http_connection_resume(struct http_connection *c, bool keep);

/* An owner gives the connection back without having sent anything: app.error answers. */
void http_connection_refuse(struct http_connection *c, int code);

/* Takes steps again in the loop's next turn. */
void http_connection_run_later(struct http_connection *c);

/* Receives without waiting. > 0; 0: nothing now; ERR_CLOSED: the end or an error. */
ssize_t http_connection_recv(struct http_connection *c, void *to, size_t n);

/* exchange.c */
struct http_exchange *http_exchange_take(struct http_connection *c);
void http_exchange_release(struct http_connection *c);
void http_exchange_reset(
    struct http_exchange
        *x); /* for the next request of the connection; keeps bytes behind this one */

void http_worker_free_exchanges(struct http_worker *worker);

/* read.c */
enum http_step http_read_head(struct http_connection *c);
enum http_step http_read_body(struct http_connection *c);
bool http_account_body(struct http_exchange *x, size_t bytes);
void http_unaccount_body(struct http_exchange *x, size_t bytes);

/* respond.c */
enum http_step http_fail(struct http_connection *c, int code, bool closing);
enum http_step http_start_handler(struct http_connection *c);
enum http_step http_send(struct http_connection *c);
enum http_step http_linger(struct http_connection *c);
enum http_step http_finish(struct http_connection *c);

/* stream.c: on a lane's thread */
void http_stream_end(struct http_exchange *x);

/* server.c */
void http_server_connection_ended(struct http_server *server, uint32_t group);

#endif
