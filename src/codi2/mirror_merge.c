/*
 * A file whose content others changed, while here its mode alone was: there is no choice to be made. Theirs comes, with the mode that
 * was given here. What was in the file here is their base, and in the history as that. Not of a file with another time: somebody may be
 * writing to it, and would go on in what is gone. Not where both changed the mode: one of the two is lost, so it is told.
 */
#include "codi2/mirror_int.h"

bool codi2_mirror_merges(struct codi2_mirror *m, const struct codi2_remote *r,
                         const struct codi2_entry *known, const struct codi2_look *now)
{
    ARENA_AUTO(arena);
    bool files = r->kind == CODI2_FILE && known->look.kind == CODI2_FILE && now->kind == CODI2_FILE;
    bool written = known->look.size != now->size || known->look.mtime != now->mtime;
    bool both =
        now->mode != known->look.mode && r->mode != known->look.mode && r->mode != now->mode;
    return files && !written && !both && !r->damaged && !content_hash_eq(&known->hash, &r->hash) &&
           codi2_plan_has_content(&m->tree, &arena, r->path, &known->hash);
}

uint32_t codi2_mirror_merged_mode(const struct codi2_remote *r, const struct codi2_look *known,
                                  const struct codi2_look *now)
{
    bool files = known->kind == CODI2_FILE && now->kind == CODI2_FILE;
    return files && now->mode != known->mode ? now->mode : r->mode;
}

bool codi2_mirror_leaves_to_pull(struct codi2_mirror *m, const struct codi2_change *change,
                                 uint64_t version)
{
    ARENA_AUTO(arena);
    struct codi2_entry known;
    const struct codi2_step *s = &change->step;
    return s->op == CODI2_WRITE && version > m->seen &&
           codi2_index_get(m->index, &arena, s->path, &known) == 0 &&
           known.look.kind == CODI2_FILE && known.version == s->base &&
           known.look.mtime == s->look.mtime && content_hash_eq(&known.hash, &change->content.hash);
}
