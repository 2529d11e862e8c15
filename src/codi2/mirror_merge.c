/*
 * A file whose content others changed, while here its mode or its time alone was: there is no choice to be made. Theirs comes, with the
 * mode that was given here; its time is that of the content. What was in the file here is their base, and in the history as that.
 * Not of an empty file with another time: it may have been emptied by who is about to write to it, and would write to what is gone.
 */
#include "codi2/mirror_int.h"

bool codi2_mirror_merges(struct codi2_mirror *m, const struct codi2_remote *r,
                         const struct codi2_entry *known, const struct codi2_look *now)
{
    ARENA_AUTO(arena);
    bool files = r->kind == CODI2_FILE && known->look.kind == CODI2_FILE && now->kind == CODI2_FILE;
    bool emptied = now->size == 0 && now->mtime != known->look.mtime;
    return files && !emptied && !r->damaged && known->look.size == now->size &&
           !content_hash_eq(&known->hash, &r->hash) &&
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
           content_hash_eq(&known.hash, &change->content.hash);
}
