/*
 * The files of a fork: entries are written anew, content is not copied, since chunks belong to the tenant.
 *
 * 1. A step is a batch as a workspace would send it, each entry as "there was nothing": what is there already and the same
 *    changes nothing, so a copy that was cut off is begun again and comes to the same.
 * 2. Each batch asks in its transaction whether the fork is still in hand.
 */
#include "files/files.h"
#include "lifecycle/lifecycle_int.h"

enum { STEP = 250 }; /* entries; with the bytes of small files less than FILES_MAX_TXN */

static struct files_change change_of(const struct files_entry *entry, struct str user_id)
{
    static const enum files_change_kind kinds[] = {[FILES_FILE] = FILES_CHANGE_PUT,
                                                   [FILES_FOLDER] = FILES_CHANGE_MKDIR,
                                                   [FILES_SYMLINK] = FILES_CHANGE_SYMLINK};
    return (struct files_change){.kind = kinds[entry->kind],
                                 .path = entry->path,
                                 .mode = entry->mode,
                                 .mtime = entry->mtime,
                                 .hash = entry->hash,
                                 .manifest = entry->manifest,
                                 .bytes = entry->bytes,
                                 .author = {FILES_USER, user_id}};
}

static int apply(struct data_context *ctx, const struct sessions_forking *fork,
                 const struct files_page *page)
{
    struct sessions_forking guarded = *fork;
    struct files_change *changes = ARENA_ARRAY(ctx->arena, struct files_change, page->count);
    for (size_t i = 0; i < page->count; i++) {
        changes[i] = change_of(&page->entries[i], fork->scope.user_id);
    }
    struct files_apply_input in = {.session = fork->id,
                                   .changes = changes,
                                   .count = page->count,
                                   .guard = sessions_fork_guard,
                                   .guard_ctx = &guarded};
    struct files_apply_result result;
    int r = files_apply(ctx, &in, &result);
    return r < 0 || result.outcome == FILES_APPLIED ? r : ERR_CORRUPT;
}

int lifecycle_copy_step(struct store *store, struct arena *arena, const struct lifecycle_copy *copy,
                        struct lifecycle_copied *ret_copied)
{
    const struct sessions_forking *fork = copy->fork;
    struct data_context ctx = {
        .store = store, .arena = arena, .scope = fork->scope, .op = store_op_new()};
    struct files_tree_input in = {
        .session = fork->from, .at = fork->seq, .after = copy->after, .limit = STEP};
    struct files_page page = {0};
    int r = fork->seq > 0 ? files_tree(&ctx, &in, &page) : 0; /* 0: nothing was ever in it */
    if (r == 0 && page.count > 0) {
        r = apply(&ctx, fork, &page);
    }
    if (r == 0 && !page.more) {
        r = sessions_fork_whole(store, fork);
    }
    if (r == 0) {
        *ret_copied = (struct lifecycle_copied){.whole = !page.more, .after = page.next};
    }
    return r;
}
