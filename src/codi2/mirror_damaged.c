/*
 * What the store has and cannot give: a chunk of it, or what lies in its entry, is not what its hash says. It does not come here,
 * stands among what failed in the status, and holds up nothing else.
 *
 * 1. It is no deletion: the index does not know what never came, and an older version that is on the disk stays known as that.
 *    Whoever writes there does so on top of the damaged version, and is told, as of any version that others made.
 * 2. It is tried again: by comparing the whole tree, as that alone knows what stands there by now. When the server was away (it may
 *    be a store that was restored from a backup), at each start, by the clock, and when we changed something at its path.
 * 3. What a comparison did not meet any more is not damaged any more.
 */
#include "base/log.h"
#include "codi2/mirror_int.h"
#include "codi2/unkept.h"

enum {
    FIRST_S = 60,
    LAST_S = 3600,
    LEAST_S = 5 /* after the last one, when the server was away */
};

static bool is_any(const struct codi2_mirror *m)
{
    return map_count(m->damaged) > 0 || m->damaged_more;
}

/* Until all is whole the next start begins with a comparison, too. */
static int remember(struct codi2_mirror *m)
{
    m->damaged_next = is_any(m) ? m->damaged_next : 0;
    return codi2_index_set_fact(m->index, "compared", is_any(m) ? 0 : 1);
}

static void forget(struct codi2_mirror *m, struct str path)
{
    codi2_status_mended(m->options.status, m->options.number, path);
    (void)map_remove(m->damaged, path);
}

int codi2_mirror_damaged(struct codi2_mirror *m, struct str path)
{
    void *met = (void *)(uintptr_t)(m->comparisons + 1);
    bool first = !is_any(m);
    if (map_get(m->damaged, path) || map_count(m->damaged) < CODI2_MAX_NOT_KEPT) {
        (void)map_put(m->damaged, path, met);
        codi2_mirror_unkept(m, path, CODI2_DAMAGED);
    } else {
        m->damaged_more = m->comparisons + 1;
    }
    if (!first) {
        return 0;
    }
    log_error("codi2", "%s: what the store has of a file is damaged", m->options.link.root);
    m->damaged_pause = FIRST_S * USEC_PER_SEC;
    m->damaged_next = time_monotonic() + m->damaged_pause;
    return remember(m);
}

int codi2_mirror_mended(struct codi2_mirror *m, struct str path)
{
    if (!map_get(m->damaged, path)) {
        return 0;
    }
    forget(m, path);
    return m->fresh || is_any(m) ? 0 : remember(m);
}

bool codi2_mirror_is_damaged_below(const struct codi2_mirror *m, struct str path)
{
    size_t position = 0;
    struct str known;
    void *met;
    while (map_next(m->damaged, &position, &known, &met)) {
        if (content_path_within(known, path)) {
            return true;
        }
    }
    return false;
}

/* Those below path that this comparison has not met. */
static void forget_below(struct codi2_mirror *m, struct str path, uint64_t met_now)
{
    size_t position = 0;
    struct str known;
    void *met;
    while (map_next(m->damaged, &position, &known, &met)) {
        if (content_path_within(known, path) && (uint64_t)(uintptr_t)met != met_now) {
            forget(m, known);
        }
    }
}

int codi2_mirror_mended_below(struct codi2_mirror *m, struct str path)
{
    if (!codi2_mirror_is_damaged_below(m, path)) {
        return 0;
    }
    forget_below(m, path, /* met_now= */ 0);
    return m->fresh || is_any(m) ? 0 : remember(m);
}

void codi2_mirror_damage_touched(struct codi2_mirror *m, struct str path)
{
    if (path.n > 0 && codi2_mirror_is_damaged_below(m, path)) {
        m->damaged_next = time_monotonic();
    }
}

int codi2_mirror_damage_due(struct codi2_mirror *m)
{
    usec_t soon = m->damaged_seen + LEAST_S * USEC_PER_SEC;
    if (atomic_exchange(&m->came_back, false)) {
        m->damaged_pause = FIRST_S * USEC_PER_SEC;
        m->damaged_next = m->damaged_next > soon ? soon : m->damaged_next;
    }
    bool due = m->damaged_next && time_monotonic() >= m->damaged_next && !m->fresh;
    return due ? codi2_mirror_start_anew(m) : 0;
}

int codi2_mirror_compared(struct codi2_mirror *m)
{
    uint64_t now = m->comparisons + 1;
    forget_below(m, STR(""), now);
    m->damaged_more = m->damaged_more == now ? now : 0;
    m->damaged_seen = time_monotonic();
    m->damaged_next = m->damaged_seen + m->damaged_pause;
    m->damaged_pause =
        m->damaged_pause < LAST_S / 2 * USEC_PER_SEC ? 2 * m->damaged_pause : LAST_S * USEC_PER_SEC;
    return remember(m);
}
