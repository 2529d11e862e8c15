/*
 * What happened and is to be told, each once: kept until a minute after somebody fetched it, or for a day. For one thread.
 */
#ifndef CODI2_NOTICES_H
#define CODI2_NOTICES_H

#include "base/json.h"
#include "base/str.h"
#include "base/time.h"

enum { CODI2_MAX_NOTICES = 32, CODI2_NOTICE_TEXT = 300, CODI2_NOTICE_PATH = 1024 };

struct codi2_notices {
    struct codi2_kept_notice {
        uint64_t number;
        usec_t until; /* monotonic */
        bool fetched;
        char text[CODI2_NOTICE_TEXT + 1];
        char path[CODI2_NOTICE_PATH + 1]; /* absolute; empty: it is about no file */
    } at[CODI2_MAX_NOTICES];              /* the oldest first */
    size_t count;
    uint64_t more;  /* that nobody fetched, and for which there is no room */
    uint64_t added; /* in all: the number of the newest */
};

/* Zero to begin with. text is cut, path is no longer than there is room for it. */
void codi2_notices_add(struct codi2_notices *n, struct str text, const char *path);

/* Of the newest; NULL when it is kept no more, which it is for a minute. */
const struct codi2_kept_notice *codi2_notices_newest(const struct codi2_notices *n);

/* {"number","text","path"?} */
void codi2_notice_write(const struct codi2_kept_notice *one, struct json_writer *w);

/* "notices":[{"number","text","path"?}…],"more_notices":N; nothing when there are none. They are fetched now. */
void codi2_notices_write(struct codi2_notices *n, struct json_writer *w);

#endif
