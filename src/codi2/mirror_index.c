/*
 * The mirror's index: opened at the start, and made anew when it is found to be damaged in a run. That is as if it had been lost (ADR
 * 8), but that this disk keeps its name: what it has sent and not heard of is its own still.
 */
#include <poll.h>
#include <stdio.h>

#include "codi2/mirror_int.h"

enum { AGAIN_MS = 1000 };

/* By the author of a change we know those that we sent ourselves, also after a new start. */
static int sign(struct codi2_mirror *m)
{
    int error = codi2_index_fact(m->index, "disk", &m->disk);
    if (!error) {
        (void)snprintf(m->author, sizeof m->author, "%.40s.%016llx", m->options.session,
                       (unsigned long long)m->disk);
        m->options.link.author = m->author;
    }
    return error;
}

static int read_facts(struct codi2_mirror *m)
{
    uint64_t applied = 0;
    uint64_t compared = 0;
    int error = codi2_index_fact(m->index, "seq", &applied);
    if (!error) {
        error = codi2_index_fact(m->index, "held_back", &m->facts.held_back);
    }
    if (!error) {
        error = codi2_index_fact(m->index, "heard", &m->heard);
    }
    if (!error) {
        error = codi2_index_fact(m->index, "compared", &compared);
    }
    m->late_more = m->heard > applied; /* of which it came before us is not known */
    m->facts.seq = m->seen = applied;
    atomic_store(&m->applied, applied);
    m->fresh = m->fresh || !compared;
    codi2_wanted_restoring(m->wanted, m->fresh);
    return error;
}

int codi2_mirror_index_open(struct codi2_mirror *m)
{
    int error = codi2_index_open(m->index_directory, m->root, &m->index, &m->fresh);
    if (!error) {
        error = read_facts(m);
    }
    if (!error && m->facts.held_back > 0) {
        codi2_mirror_say(m);
    }
    return error ? error : sign(m);
}

static int make_anew(struct codi2_mirror *m)
{
    int error = codi2_index_open(m->index_directory, m->root, &m->index, &m->fresh);
    if (!error) {
        error = codi2_index_set_fact(m->index, "disk", m->disk);
    }
    if (!error) {
        error = read_facts(m);
    }
    if (!error) {
        map_destroy(m->late);
        m->late = NULL;
        atomic_store(&m->greeted, false);
        atomic_store(&m->remote, true);
        codi2_dirty_add_all(m->dirty);
        atomic_store(&m->choice, CODI2_NO_CHOICE); /* it was about what the index knew */
        codi2_mirror_say(m);
    }
    return error;
}

bool codi2_mirror_index_good(struct codi2_mirror *m)
{
    if (m->index && !codi2_index_is_damaged(m->index)) {
        return true;
    }
    codi2_index_close(m->index);
    m->index = NULL;
    codi2_index_remove(m->index_directory);
    int error = make_anew(m);
    if (error) {
        codi2_index_close(m->index);
        m->index = NULL;
        codi2_mirror_give_pause(m, error);
        (void)poll(NULL, 0, AGAIN_MS); /* events stay unread, and would wake us */
    }
    return !error;
}
