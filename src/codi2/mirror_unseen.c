/*
 * While the mirror's thread waits for the server (it fetches what others changed, and the answer does not come) it reads no events:
 * what changes here meanwhile would be called persisted. So another thread sees to it that unread events count as something
 * that is pending. It reads none of them itself. Here, too: what nobody can read, as there were more than the kernel keeps.
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "codi2/mirror_int.h"

enum {
    UNSEEN_MS = 100, /* after which the mirror is not at its events */
    UNSEEN_STACK = 128 * 1024,
    OVERFLOW_S = 600 /* it is told once in these */
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

/* It is made good by itself, but takes a while in which the status says "persisting"; a storm is one news. */
void codi2_mirror_overflowed(struct codi2_mirror *m)
{
    codi2_dirty_add_all(m->dirty);
    usec_t now = time_monotonic();
    if (now < m->overflow_next) {
        return;
    }
    m->overflow_next = now + OVERFLOW_S * USEC_PER_SEC;
    BUF_AUTO(text, 300);
    buf_printf(&text,
               "More changed at once than the system reports, so all files of %s are looked at "
               "again. Nothing is lost; it may take a moment until all is persisted.",
               m->options.home ? "your home" : "this workspace");
    codi2_status_notice(m->options.status,
                        &(struct codi2_notice){.text = buf_str(&text), .root = m->options.number});
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
