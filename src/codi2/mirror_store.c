/*
 * Which store it is. What the index says of versions is true of the store that said it. Of one that was put back as it was at an
 * older moment, or of another, the same numbers name changes that nobody here has seen: a version that is known may be somebody
 * else's, what is said to be stored may be nowhere, and what comes next may begin before what was applied. Then nothing of the
 * index is believed (ADR 8), and disk and store are compared as if it had been lost: both sides are kept.
 *
 * 1. A store is known by its name, which the greeting tells, and by having all that was heard of it: one that has less was rolled
 *    back beneath its name.
 * 2. What is asked of the tree and what is sent names the greeting: no answer of a store that was not greeted is believed.
 */
#include "base/log.h"
#include "codi2/mirror_int.h"

static int forget(struct codi2_mirror *m, uint64_t store)
{
    int error = codi2_index_forget(m->index, store);
    if (error) {
        return error;
    }
    atomic_store(&m->applied, 0);
    m->heard = m->seen = m->facts.seq = m->facts.held_back = 0;
    map_destroy(m->late);
    m->late = NULL;
    m->late_more = false;
    atomic_store(&m->choice, CODI2_NO_CHOICE); /* it was about what the index knew */
    codi2_mirror_say(m);
    return codi2_mirror_start_anew(m);
}

/* Whoever works here sees files come back that were deleted since, and versions that are said to differ. */
static void tell(struct codi2_mirror *m)
{
    log_warn("codi2", "%s: the store is another one, or an older one: all is compared with it",
             m->options.link.root);
    if (!m->options.home) {
        codi2_status_notice(
            m->options.status,
            &(struct codi2_notice){
                .root = m->options.number,
                .text = STR("The server's store was put back to an older state, or is another "
                            "one. What is on this disk is kept, and stored again; what was "
                            "deleted since then may come back.")});
    }
}

int codi2_mirror_rolled_back(struct codi2_mirror *m)
{
    uint64_t store;
    int error = codi2_index_fact(m->index, "store", &store);
    if (!error) {
        tell(m);
        error = forget(m, store);
    }
    return error;
}

int codi2_mirror_greet(struct codi2_mirror *m)
{
    struct codi2_welcome welcome;
    uint64_t known = 0;
    if (atomic_load(&m->came_back)) {
        atomic_store(&m->greeted, false); /* it may be another one by now */
    }
    if (atomic_load(&m->greeted)) {
        return 0;
    }
    int error = codi2_link_greet(m->link, &welcome);
    error = error ? error : codi2_index_fact(m->index, "store", &known);
    if (error) {
        return error;
    }
    m->unheard = welcome.seq;
    if (welcome.store > 0 && welcome.store != known) {
        if (known > 0) {
            tell(m);
        }
        error = forget(m, welcome.store);
    }
    if (!error) {
        atomic_store(&m->rules_due, true);
        m->takes = false;
        atomic_store(&m->greeted, true);
    }
    return error;
}
