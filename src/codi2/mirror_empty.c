/*
 * A program that empties a file, or makes it, and then writes to it, leaves it empty for a moment: that is no state that anybody
 * meant. Such a file waits until it is written to or closed, but not for long, and for no time when a barrier waits: that takes
 * what is there.
 */
#include <stdint.h>

#include "codi2/mirror_int.h"

bool codi2_mirror_waits(struct codi2_mirror *m, const struct codi2_dirty_path *p,
                        const struct codi2_step *step)
{
    uintptr_t now = (uintptr_t)(time_monotonic() / USEC_PER_MS) + 1;
    uintptr_t seen = map_count(m->empty) > 0 ? (uintptr_t)map_remove(m->empty, p->path) : 0;
    bool emptied = step->op == CODI2_WRITE && step->look.size == 0 && p->told && !p->closed;
    if (!emptied || codi2_mirror_awaited(m) || map_count(m->empty) >= CODI2_MAX_DIRTY ||
        (seen != 0 && now - seen >= MIRROR_EMPTY_MS)) {
        return false;
    }
    (void)map_put(m->empty, p->path, (void *)(seen ? seen : now));
    codi2_dirty_add(m->dirty, p->path, /* deep= */ false);
    return true;
}
