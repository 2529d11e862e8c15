#include "codi2/report.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "codi2/pause.h"

enum {
    REPORTER_MAGIC = 0x7265706f,
    GAP_MS = 1000,
    FIRST_GAP_MS = 100,
    LATEST_S = 20,
    PATIENCE_S = 3,
    STACK = 1 << 20
};

struct codi2_reporter {
    unsigned magic;
    struct codi2_status *status;
    struct codi2_link *link;
    int ends[2]; /* a pipe, written to at the end */
    pthread_t thread;
    atomic_bool stop;
    atomic_bool last_word;
};

/* While the workspace begins: somebody looks at a page that says how far it is. */
static const usec_t beginning = 10 * USEC_PER_SEC;

static int report(struct codi2_reporter *r)
{
    BUF_AUTO(text, WIRE_MAX_STATUS);
    codi2_status_write(r->status, &text);
    ASSERT(text.error == 0); /* it is written to fit */
    return codi2_link_report(r->link, buf_str(&text));
}

static void *run(void *ctx)
{
    struct codi2_reporter *r = ctx;
    uint64_t seen = 0; /* revisions begin with 1 */
    usec_t latest = 0;
    usec_t pause = 0;
    usec_t begun = time_monotonic();
    while (!atomic_load(&r->stop)) {
        seen = codi2_status_wait(r->status, seen, latest);
        if (atomic_load(&r->stop)) {
            break;
        }
        int error = report(r); /* may say more than seen: then it is said twice */
        usec_t now = time_monotonic();
        usec_t gap = (now - begun < beginning ? FIRST_GAP_MS : GAP_MS) * USEC_PER_MS;
        if (error) { /* what changes meanwhile brings no server back */
            gap = codi2_pause_next(&pause);
            latest = now + gap;
        } else {
            pause = 0;
            latest = now + LATEST_S * USEC_PER_SEC;
        }
        (void)poll(&(struct pollfd){.fd = r->ends[0], .events = POLLIN}, 1,
                   (int)(gap / USEC_PER_MS));
    }
    if (atomic_load(&r->last_word)) {
        (void)!report(r); /* who is not there does not hear it */
    }
    return NULL;
}

static void release(struct codi2_reporter *r)
{
    codi2_link_destroy(r->link);
    fd_close(&r->ends[0]);
    fd_close(&r->ends[1]);
    r->magic = 0;
    mem_free(r);
}

int codi2_reporter_start(struct codi2_status *status, const struct codi2_link_options *link,
                         struct codi2_reporter **ret_reporter)
{
    struct codi2_reporter *r = MEM_NEW(struct codi2_reporter);
    r->magic = REPORTER_MAGIC;
    r->status = status;
    struct codi2_link_options options = *link;
    options.patience = PATIENCE_S * USEC_PER_SEC;
    r->link = codi2_link_create(&options);
    r->ends[0] = r->ends[1] = -1;
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK);
    bool good =
        pipe2(r->ends, O_CLOEXEC) == 0 && pthread_create(&r->thread, &attributes, run, r) == 0;
    (void)pthread_attr_destroy(&attributes);
    if (!good) {
        release(r);
        return ERR_BUSY;
    }
    *ret_reporter = r;
    return 0;
}

void codi2_reporter_stop(struct codi2_reporter *r, bool last_word)
{
    if (!r) {
        return;
    }
    ASSERT_MAGIC(r, REPORTER_MAGIC);
    atomic_store(&r->last_word, last_word);
    atomic_store(&r->stop, true);
    (void)!write(r->ends[1], "", 1);
    codi2_status_wake(r->status);
    if (!last_word) {
        codi2_link_cancel(r->link);
    }
    (void)pthread_join(r->thread, NULL);
    release(r);
}
