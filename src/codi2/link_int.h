#ifndef CODI2_LINK_INT_H
#define CODI2_LINK_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "codi2/link.h"
#include "http/http.h"
#include "wire/wire.h"

enum {
    LINK_WAITING = 512,           /* pieces */
    LINK_WAITING_BYTES = 8 << 20, /* of a lot */
    LINK_LOT = WIRE_MAX_CHUNKS,   /* files */
    LINK_SENDERS = 7,             /* beside the one who waits for them */
    LINK_GROUP_BYTES =
        640 * 1024, /* plain; with what stands before each less than WIRE_MAX_CHUNK_BYTES */
};

/* Content that was cut and is not yet known to be at the server. */
struct link_piece {
    struct content_hash hash;
    char *bytes; /* plain */
    size_t n;
};

struct link_lot {
    struct link_piece pieces[LINK_WAITING];
    size_t count, bytes;
};

/* One lot on its way while the next is filled. */
struct link_aside {
    struct codi2_link *link; /* of its own; NULL: not used yet */
    struct link_lot *lot;
    pthread_t thread;
    bool running;
    int error;
};

/* Chunks that came together; find_in says which. */
struct link_came {
    struct buf bytes;
    struct arena arena;
    struct wire_chunks chunks;
};

/* What is fetched before it is asked for: one lot is used while the next is on its way. */
struct link_ahead {
    struct codi2_link *link; /* of its own; NULL: not used yet */
    pthread_t thread;
    bool running;
    struct content_hash wanted[WIRE_MAX_CHUNKS];
    size_t count;
    struct link_came came[2];
    unsigned coming; /* index of the one that is on its way; the other is used */
};

struct codi2_link {
    unsigned magic;
    struct codi2_link_options options;
    char *bearer;
    struct http_client *client;
    uint64_t connection; /* of the last greeting; 0: none, or an older server's */
    struct content_codec *codec;
    struct content_cutter *cutter;
    struct content_hasher *hasher;
    struct link_lot lots[2];
    unsigned filling; /* index of the one that takes pieces */
    struct link_aside aside;
    atomic_bool cancelled;
    const atomic_bool *stop;  /* cancelled; of a link that sends aside: of the one it sends for */
    struct link_ahead *files; /* content of the files to come; NULL: not used yet */
    struct link_ahead *parts; /* parts of a large file */
};

/* One call: its reply's body in out. Errors of the server become codes; no server is ERR_UNAVAILABLE. */
struct link_request {
    const char *method;
    const char *call;  /* behind /wire/ */
    const char *query; /* besides root, begins with '&'; "" for none */
    const char *type;  /* of the body */
    struct str body;
};
int codi2_link_call(struct codi2_link *l, const struct link_request *request,
                    struct buf *out) BASE_MUST_USE;

/* link_content.c */
void codi2_link_forget(struct codi2_link *l);

/* link_fetch.c */
void codi2_link_ahead_destroy(struct link_ahead *a); /* NULL allowed */

#endif
