/* One relayed request: shared by relay.c (bytes) and relay_head.c (heads). */
#ifndef HTTP_RELAY_INT_H
#define HTTP_RELAY_INT_H

#include "http/socket_int.h"

enum { RELAY_MAGIC = 0x72656c79, RELAY_ROOM = 128 * 1024 };

struct http_relay {
    struct http_owner owner;
    unsigned magic;
    struct http_connection *c;
    struct http_relay_options options;
    struct net_address address;
    struct net_watch up;
    struct net_timer timer;
    struct net_timer turn; /* when it goes on after it gave way */
    bool connecting, up_readable, up_writable, up_hangup;
    bool upgrading;    /* the client asked for a WebSocket */
    bool request_done; /* all of the request has been taken from the client */
    bool head_sent;    /* of the answer: it is in to_client or further */
    bool reply_done;   /* nothing more comes from upstream */
    bool until_close;  /* the answer's body ends with the connection */
    bool broken;       /* it ended early */
    bool piping;       /* after 101 */
    bool draining;     /* the server stops: the pipe ends between two messages */
    int64_t left;      /* of the answer's body; -1: chunked */
    uint64_t sent;     /* bytes of the answer's content */
    uint64_t moved;    /* bytes received and sent, on both sides */
    uint64_t seen;     /* of the request's body, at the last look at its rate */
    usec_t progress;   /* when a byte came last, from either side */
    struct http_chunks chunks;
    struct http_frame_walk in, out; /* of a pipe: from the client, from upstream */
    struct buf to_up, to_client;
    struct buf up_head;
    unsigned interims;     /* heads before the answer's */
    struct str early;      /* what came behind the answer's head */
    struct http_head head; /* of the answer */
};

/* The request's head into to_up. */
int http_relay_request(struct http_relay *relay);

/* The answer's head, complete in up_head, and what came with it, into to_client. ERR_BAD_GATEWAY. */
int http_relay_answer(struct http_relay *relay) BASE_MUST_USE;

#endif
