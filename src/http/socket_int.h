/* WebSocket messages as bytes: frames (RFC 6455 section 5) and their compression (RFC 7692). Nothing here knows a connection:
 * websocket.c moves the bytes, relay.c walks along frames that it does not read. */
#ifndef HTTP_SOCKET_INT_H
#define HTTP_SOCKET_INT_H

#include <zlib.h>

#include "http/http_int.h"

/* ---- frames ---- */

enum http_opcode {
    FRAME_CONTINUATION = 0,
    FRAME_TEXT = 1,
    FRAME_BINARY = 2,
    FRAME_CLOSE = 8, /* from here on: control frames */
    FRAME_PING = 9,
    FRAME_PONG = 10,
};

/* RFC 6455 section 7.4.1, as far as this side says them. */
enum http_close_code {
    CLOSE_NORMAL = 1000,
    CLOSE_GOING_AWAY = 1001,
    CLOSE_PROTOCOL = 1002,
    CLOSE_NONE = 1005,     /* never sent: a close frame without a code */
    CLOSE_ABNORMAL = 1006, /* never sent: no close frame */
    CLOSE_NOT_UTF8 = 1007, /* or what cannot be inflated */
    CLOSE_TOO_BIG = 1009,
    CLOSE_TRY_LATER = 1013,
};

enum { FRAME_HEAD_MOST = 14, FRAME_CONTROL_MOST = 125, FRAME_RSV1 = 4 };

struct http_frame {
    bool fin, masked;
    unsigned reserved; /* RSV1 is FRAME_RSV1, RSV2 2, RSV3 1 */
    unsigned opcode;   /* also those that mean nothing */
    uint64_t length;   /* of the payload, at most 2^63 - 1 */
    unsigned char mask[4];
};

/* The head of a frame while it arrives. Zero-initialised. */
struct http_frame_head {
    unsigned char bytes[FRAME_HEAD_MOST];
    unsigned char n;
};

/*
 * Takes bytes from the front of *in. HTTP_MORE: in is used up; 0: *ret_frame is complete and the next head may begin;
 * ERR_INVALID: a length that is not written as short as can be, or over 2^63 - 1.
 */
int http_frame_take(struct http_frame_head *head, struct str *in,
                    struct http_frame *ret_frame) BASE_MUST_USE;

/* Appends a frame of the server's: never masked, always FIN. reserved: as in struct http_frame. */
void http_frame_add(struct buf *out, enum http_opcode opcode, unsigned reserved,
                    struct str payload);

/* The same of a client's: masked, by a key of its own. */
void http_frame_add_masked(struct buf *out, enum http_opcode opcode, struct str payload);

/* As http_frame_add for a close frame; reason is cut to what fits. mask: as a client has to send it. */
void http_frame_add_close(struct buf *out, int code, struct str reason, bool mask);

/* to[i] = from[i] ^ mask, where from[0] is byte `at` of the payload. */
void http_frame_unmask(char *to, struct str from, const unsigned char mask[static 4], uint64_t at);

/* Where one direction of a relayed WebSocket stands. Zero-initialised. */
struct http_frame_walk {
    struct http_frame_head head;
    uint64_t left;   /* of the payload in hand */
    bool in_message; /* between two fragments */
    bool lost;       /* these were no frames */
};

void http_frame_walk(struct http_frame_walk *walk, struct str bytes);

/* Whether a message ended with the last byte, so that one of ours may follow. */
bool http_frame_between(const struct http_frame_walk *walk);

/* ---- permessage-deflate ---- */

/*
 * Both sides begin every message with an empty window (no context takeover), so that a quiet socket holds no window: see
 * docs/adr/0018-own-websocket-frames.md.
 */
struct http_deflate_terms {
    bool agreed;
    unsigned char bits; /* of our window, 9 to 15 */
};

/*
 * The first offer of Sec-WebSocket-Extensions that can be met (RFC 7692 section 7.1); agreed is false when there is none.
 * ERR_INVALID: the header is malformed (RFC 6455 section 9.1).
 */
int http_deflate_agree(const struct http_request *request,
                       struct http_deflate_terms *ret_terms) BASE_MUST_USE;

/* The answer's header line, with its CRLF; nothing unless agreed. */
void http_deflate_answer(const struct http_deflate_terms *terms, struct buf *out);

/* Appends message (1 byte to 1 MiB) compressed, without the empty block's last four bytes (section 7.2.1). out has room for
 * half as much again. */
void http_deflate_message(const struct http_deflate_terms *terms, struct str message,
                          struct buf *out);

/*
 * What bounds a bomb: INFLATE_FREE bytes (and one INFLATE_STEP) may come out of anything, more only if a message's bytes came
 * in at least at one INFLATE_RATIO-th, and never more than out may hold.
 */
enum { INFLATE_FREE = 1 << 20, INFLATE_RATIO = 128, INFLATE_STEP = 64 * 1024 };

/* One message while it is inflated. Zero-initialised; ended by http_inflate_end. */
struct http_inflate {
    z_stream z;
    bool begun;
    bool pending; /* stopped for lack of room: more comes out without more input */
    uint64_t in, out;
};

/*
 * Takes from the front of *in, appends at most INFLATE_STEP bytes to out. 0: *in is used up and all that was in it is out;
 * HTTP_DATA: there is more, call again; ERR_INVALID: no deflate stream; ERR_TOO_LARGE: a bomb, or more than out may hold.
 */
int http_inflate_some(struct http_inflate *inflate, struct str *in, struct buf *out) BASE_MUST_USE;

/* After the end of a message was given: whether it ended between two blocks. */
bool http_inflate_is_whole(const struct http_inflate *inflate);
void http_inflate_end(struct http_inflate *inflate);

/* ---- the handshake ---- */

enum { ACCEPT_ROOM = 32 };

/* What the server answers to this Sec-WebSocket-Key (section 4.2.2), NUL-terminated. */
void http_accept_make(struct str key, char to[static ACCEPT_ROOM]);

/* ---- messages ---- */

/*
 * A peer's messages while they arrive. Memory grows with the bytes that came, never with a length that was announced, and
 * fragments cost nothing.
 */
struct http_messages {
    bool deflate;       /* agreed */
    bool of_server;     /* set behind init: they must not be masked, as a client's must */
    struct buf message; /* data of the message in hand */
    int code;           /* to close with, after an error */
    struct http_frame_head head;
    struct http_frame frame; /* in hand */
    bool in_frame, in_message, compressed;
    bool
        ending; /* all frames of a compressed message are in; tail says what is still to be inflated */
    bool given;      /* message was returned: forgotten with the next call */
    uint64_t seen;   /* of the frame's payload */
    unsigned opcode; /* of the message in hand */
    size_t checked;  /* bytes of message that are UTF-8 */
    struct str tail;
    struct http_inflate inflate;
    unsigned control_n;
    char control[FRAME_CONTROL_MOST];
};

struct http_message {
    enum http_opcode opcode; /* not FRAME_CONTINUATION */
    struct str payload;      /* until the next call; of a close frame its reason */
    int code;                /* of a close frame; CLOSE_NONE */
};

void http_messages_init(struct http_messages *messages, size_t max_message, bool deflate);
void http_messages_fini(struct http_messages *messages);

/*
 * Takes bytes from the front of *in. HTTP_MORE: in is used up; HTTP_DATA: *ret_message came; 0: a piece of work was done,
 * call again (after others had their turn); ERR_INVALID: messages->code says what to close with.
 */
int http_messages_next(struct http_messages *messages, struct str *in,
                       struct http_message *ret_message) BASE_MUST_USE;

#endif
