#include "codi2/quiet.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"

enum { QUIET_MAGIC = 0x71756965 };

struct wait {
    struct codi2_look look;
    usec_t first; /* monotonic: when it was first seen to differ from what is stored */
    usec_t last;  /* when it was first seen to look as it does */
    bool sent;    /* it is on its way */
};

struct codi2_quiet {
    unsigned magic;
    struct map *waits; /* path → struct wait */
    size_t waiting;    /* those that are not on their way */
};

struct codi2_quiet *codi2_quiet_create(void)
{
    struct codi2_quiet *q = MEM_NEW(struct codi2_quiet);
    q->magic = QUIET_MAGIC;
    q->waits = map_create();
    return q;
}

void codi2_quiet_destroy(struct codi2_quiet *q)
{
    if (!q) {
        return;
    }
    ASSERT_MAGIC(q, QUIET_MAGIC);
    size_t position = 0;
    struct str path;
    void *wait;
    while (map_next(q->waits, &position, &path, &wait)) {
        mem_free(wait);
    }
    map_destroy(q->waits);
    q->magic = 0;
    mem_free(q);
}

static usec_t due(const struct wait *wait)
{
    usec_t still = wait->last + CODI2_QUIET_STILL_S * USEC_PER_SEC;
    usec_t longest = wait->first + CODI2_QUIET_LONGEST_S * USEC_PER_SEC;
    return still < longest ? still : longest;
}

static void set_sent(struct codi2_quiet *q, struct wait *wait, bool sent)
{
    q->waiting = q->waiting + (wait->sent ? 1 : 0) - (sent ? 1 : 0);
    wait->sent = sent;
}

/* Under another name it may have waited already. */
static usec_t first_of(const struct codi2_quiet *q, uint64_t inode, usec_t now)
{
    size_t position = 0;
    struct str path;
    void *value;
    while (map_next(q->waits, &position, &path, &value)) {
        const struct wait *wait = value;
        if (wait->look.inode == inode && wait->first < now) {
            now = wait->first;
        }
    }
    return now;
}

bool codi2_quiet_waits(struct codi2_quiet *q, struct str path, const struct codi2_look *look,
                       bool *ret_news)
{
    ASSERT_MAGIC(q, QUIET_MAGIC);
    usec_t now = time_monotonic();
    struct wait *wait = map_get(q->waits, path);
    *ret_news = !wait || !codi2_look_same(&wait->look, look);
    if (!wait) {
        if (map_count(q->waits) >= CODI2_MAX_QUIET) {
            return false;
        }
        wait = MEM_NEW(struct wait);
        wait->first = first_of(q, look->inode, now);
        (void)map_put(q->waits, path, wait);
        q->waiting++;
    }
    if (*ret_news) {
        wait->look = *look;
        wait->last = now;
    }
    bool waits = now < due(wait);
    set_sent(q, wait, !waits);
    return waits;
}

void codi2_quiet_send(struct codi2_quiet *q, struct str path)
{
    ASSERT_MAGIC(q, QUIET_MAGIC);
    struct wait *wait = map_get(q->waits, path);
    if (wait) {
        set_sent(q, wait, true);
    }
}

void codi2_quiet_send_due(struct codi2_quiet *q, struct codi2_dirty *dirty, bool all)
{
    ASSERT_MAGIC(q, QUIET_MAGIC);
    usec_t now = time_monotonic();
    size_t position = 0;
    struct str path;
    void *value;
    while (map_next(q->waits, &position, &path, &value)) {
        struct wait *wait = value;
        if (!wait->sent && (all || now >= due(wait))) {
            set_sent(q, wait, true);
            codi2_dirty_add(dirty, path, /* deep= */ false);
        }
    }
}

void codi2_quiet_settle(struct codi2_quiet *q, const struct codi2_dirty *dirty)
{
    ASSERT_MAGIC(q, QUIET_MAGIC);
    size_t position = 0;
    struct str path;
    void *value;
    while (map_next(q->waits, &position, &path, &value)) {
        const struct wait *wait = value;
        if (wait->sent && !codi2_dirty_is_all(dirty) && !codi2_dirty_has(dirty, path)) {
            (void)map_remove(q->waits, path);
            mem_free(value);
        }
    }
}

size_t codi2_quiet_count(const struct codi2_quiet *q)
{
    return q->waiting;
}

size_t codi2_quiet_count_dirty(const struct codi2_quiet *q, const struct codi2_dirty *dirty)
{
    size_t count = 0;
    size_t position = 0;
    struct str path;
    void *value;
    while (map_next(q->waits, &position, &path, &value)) {
        const struct wait *wait = value;
        count += !wait->sent && codi2_dirty_has(dirty, path) ? 1 : 0;
    }
    return count;
}

usec_t codi2_quiet_next(const struct codi2_quiet *q)
{
    usec_t next = INT64_MAX;
    size_t position = 0;
    struct str path;
    void *value;
    while (map_next(q->waits, &position, &path, &value)) {
        const struct wait *wait = value;
        next = !wait->sent && due(wait) < next ? due(wait) : next;
    }
    return next;
}
