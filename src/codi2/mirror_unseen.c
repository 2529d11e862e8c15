/*
 * While the mirror's thread waits for the server (it fetches what others changed, and the answer does not come) it reads no events:
 * what changes here meanwhile would be called persisted. So another thread sees to it that unread events count as something
 * that is pending. It reads none of them itself.
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "codi2/mirror_int.h"

enum {
    UNSEEN_MS = 100, /* after which the mirror is not at its events */
    UNSEEN_STACK = 128 * 1024
};

static void *see(void *ctx)
{
    struct codi2_mirror *m = ctx;
    struct pollfd p[] = {{.fd = m->unseen_over, .events = POLLIN},
                         {.fd = codi2_watch_fd(m->watch), .events = POLLIN}};
    while (!p[0].revents) {
        (void)poll(p, 2, -1);
        unsigned before = atomic_load(&m->looked);
        (void)poll(p, 1, UNSEEN_MS);
        if (atomic_load(&m->looked) == before) {
            codi2_status_unseen(m->options.status, m->options.number, p[1].fd);
        }
    }
    return NULL;
}

void codi2_mirror_all_seen(struct codi2_mirror *m)
{
    atomic_fetch_add(&m->looked, 1);
    codi2_status_unseen(m->options.status, m->options.number, -1);
}

int codi2_mirror_unseen_start(struct codi2_mirror *m)
{
    pthread_attr_t attributes;
    m->unseen_over = eventfd(0, EFD_CLOEXEC);
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, UNSEEN_STACK);
    bool good = m->unseen_over >= 0 && pthread_create(&m->unseen, &attributes, see, m) == 0;
    (void)pthread_attr_destroy(&attributes);
    if (!good) {
        fd_close(&m->unseen_over);
    }
    return good ? 0 : ERR_BUSY;
}

void codi2_mirror_unseen_stop(struct codi2_mirror *m)
{
    if (m->unseen_over >= 0) {
        (void)!write(m->unseen_over, &(uint64_t){1}, sizeof(uint64_t));
        (void)pthread_join(m->unseen, NULL);
        fd_close(&m->unseen_over);
    }
}
