/* What other threads ask of a mirror: to look, to follow a person's word, to fetch a file first, to whom a change belongs. */
#include <unistd.h>

#include "base/assert.h"
#include "codi2/mirror_int.h"

enum { LEFT_HERE_S = 2 }; /* how long is waited for what stands there already */

void codi2_mirror_wake(struct codi2_mirror *m)
{
    ASSERT_MAGIC(m, MIRROR_MAGIC);
    uint64_t one = 1;
    (void)!write(m->wake, &one, sizeof one);
}

bool codi2_mirror_choose(struct codi2_mirror *m, enum codi2_choice choice)
{
    ASSERT_MAGIC(m, MIRROR_MAGIC);
    struct codi2_facts facts;
    codi2_status_get(m->options.status, m->options.number, &facts);
    if (facts.held_back == 0) {
        return false;
    }
    atomic_store(&m->choice, choice);
    codi2_mirror_wake(m);
    return true;
}

int codi2_mirror_await_file(struct codi2_mirror *m, struct str path, usec_t deadline)
{
    ASSERT_MAGIC(m, MIRROR_MAGIC);
    struct codi2_look look;
    if (codi2_tree_look(&m->tree, path, &look) != 0) {
        return codi2_wanted_await(m->wanted, path, deadline);
    }
    usec_t soon = time_monotonic() + LEFT_HERE_S * USEC_PER_SEC; /* it may be an old one */
    (void)!codi2_wanted_await(m->wanted, path, soon < deadline ? soon : deadline);
    return 0;
}

void codi2_mirror_end_waits(struct codi2_mirror *m)
{
    ASSERT_MAGIC(m, MIRROR_MAGIC);
    codi2_wanted_close(m->wanted);
}

void codi2_mirror_saving(struct codi2_mirror *m, struct str path, const struct content_hash *hash)
{
    ASSERT_MAGIC(m, MIRROR_MAGIC);
    codi2_saves_add(m->saves, path, hash);
}
