#ifndef CODI2_LINK_INT_H
#define CODI2_LINK_INT_H

#include "codi2/link.h"
#include "http/http.h"
#include "wire/wire.h"

enum { LINK_WAITING = 128, LINK_SENDERS = 8 };

/* Content that was cut and is not yet known to be at the server. */
struct link_piece {
    struct content_hash hash;
    char *bytes; /* plain */
    size_t n;
};

struct codi2_link {
    unsigned magic;
    struct codi2_link_options options;
    char *bearer;
    struct http_client *client;
    struct content_codec *codec;
    struct content_cutter *cutter;
    struct content_hasher *hasher;
    struct link_piece waiting[LINK_WAITING];
    size_t waiting_count;
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

/* link_content.c: brings what waits to the server. */
int codi2_link_flush(struct codi2_link *l) BASE_MUST_USE;
void codi2_link_forget(struct codi2_link *l);

#endif
