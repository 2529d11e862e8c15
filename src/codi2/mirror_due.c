/* What is looked at by the clock, since no event tells of it: the whole tree, files that are mapped, files that were to be still. */
#include "codi2/mirror_int.h"

/* The first look comes soon, each next one that found nothing later than the one before. */
void codi2_mirror_seek(struct codi2_mirror *m)
{
    usec_t pause = MIRROR_UNEXPLAINED_S * USEC_PER_SEC;
    if (m->vain < MIRROR_IN_VAIN) {
        pause = USEC_PER_SEC << m->vain;
    }
    usec_t soon = time_monotonic() + pause;
    m->next_sweep = m->next_sweep < soon ? m->next_sweep : soon;
    m->unexplained = true;
}

/* Also for each barrier when not everything is watched: what was done there made no event. */
static void sweep_when_due(struct codi2_mirror *m, uint64_t barrier)
{
    usec_t now = time_monotonic();
    bool blind = m->blind || m->unwatched_links;
    usec_t soon = now + MIRROR_BLIND_SWEEP_S * USEC_PER_SEC;
    if (blind && m->next_sweep > soon) {
        m->next_sweep = soon;
    }
    if (now >= m->next_sweep || ((blind || m->unexplained) && barrier > m->swept_for)) {
        m->swept_for = barrier;
        m->seeking = m->unexplained;
        m->vain = m->unexplained ? m->vain + 1 : 0; /* unless it finds something */
        m->unexplained = false;
        codi2_dirty_add_all(m->dirty);
        usec_t next = now + m->options.sweep;
        m->next_sweep = blind && soon < next ? soon : next;
    }
}

void codi2_mirror_due(struct codi2_mirror *m, uint64_t barrier)
{
    sweep_when_due(m, barrier);
    codi2_mirror_look_at_mapped(m, barrier);
    codi2_quiet_send_due(m->quiet, m->dirty, /* all= */ codi2_mirror_is_quiet_owed(m));
}

int codi2_mirror_patience_ms(const struct codi2_mirror *m)
{
    usec_t now = time_monotonic();
    usec_t next = m->next_sweep < m->next_mapped ? m->next_sweep : m->next_mapped;
    usec_t quiet = codi2_quiet_next(m->quiet);
    next = quiet < next ? quiet : next;
    if (m->retry_at) {
        next = m->retry_at < next ? m->retry_at : next;
    } else if (codi2_dirty_count(m->dirty) > 0 || m->fresh || atomic_load(&m->remote)) {
        return MIRROR_SETTLE_MS;
    } else if (m->damaged_next) {
        next = m->damaged_next < next ? m->damaged_next : next;
    }
    return next <= now ? 0 : (int)((next - now) / USEC_PER_MS) + 1;
}
