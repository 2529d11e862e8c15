/*
 * Which changes wait (quiet.h): those of files that a quiet pattern names, of their content, mode or time, which are told apart only
 * when they are sent. Everything else of them is stored at once: that they go, and the new name of one that the store has, since the
 * old one is deleted then.
 *
 * 1. Nothing waits for whom a barrier speaks: the barrier is fulfilled only when none is left.
 * 2. Nothing waits that a person saved in the IDE's editor, however long ago, until it is stored.
 * 3. The files of rules do not wait, whatever they say.
 * 4. Nothing waits before everything was stored once since codi2 began: nobody knows how long what differs has waited then.
 */
#include "codi2/mirror_int.h"

bool codi2_mirror_is_quiet_owed(const struct codi2_mirror *m)
{
    return codi2_status_barrier_of_all(m->options.status) > m->facts.barrier;
}

/* What is not to wait, by the index: the store has it under another name, which is about to go; or it may be what the store has. */
static int is_due_by_index(struct mirror_round *r, const struct codi2_step *step, bool *ret_due)
{
    struct codi2_index *index = r->m->index;
    struct codi2_entry known = {0};
    int error = step->base ? codi2_index_get(index, r->scratch, step->path, &known) : 0;
    *ret_due = !error && codi2_look_alike(&known.look, &step->look);
    if (!error && known.look.inode != step->look.inode) { /* new here, or over what was here */
        struct codi2_entries names = {0};
        error = codi2_index_by_inode(index, r->scratch,
                                     &(struct codi2_links){.inode = step->look.inode}, &names);
        *ret_due = names.count > 0; /* others: the one of this path has another inode */
    }
    return error;
}

int codi2_mirror_rests(struct mirror_round *r, const struct codi2_step *step, bool *ret_rests)
{
    struct codi2_mirror *m = r->m;
    bool news = false;
    bool due = true;
    int error = 0;
    *ret_rests = false;
    if (step->op == CODI2_WRITE && m->settled && !codi2_mirror_is_quiet_owed(m) &&
        content_ignore_path(m->patterns[CODI2_QUIET], step->path, /* is_folder= */ false) &&
        !codi2_mirror_is_rule_file(step->path) && !codi2_saves_is_owed(m->saves, step->path)) {
        error = is_due_by_index(r, step, &due);
    }
    if (!error && !due) {
        *ret_rests = codi2_quiet_waits(m->quiet, step->path, &step->look, &news);
    }
    if (!*ret_rests) {
        codi2_quiet_send(m->quiet, step->path);
    } else if (news) { /* another name of it may not be quiet */
        error = codi2_mirror_tell_links(r, step);
    }
    return error;
}

void codi2_mirror_count(struct codi2_mirror *m)
{
    bool whole = codi2_dirty_is_all(m->dirty);
    size_t resting = whole ? 0 : codi2_quiet_count_dirty(m->quiet, m->dirty);
    bool sought = m->unexplained && m->vain < MIRROR_IN_VAIN;
    m->facts.pending = codi2_dirty_count(m->dirty) - resting + (sought || m->crowded);
    m->facts.quiet = codi2_quiet_count(m->quiet);
}
