/*
 * One file, link or deleted folder out of the past, as a new version.
 *
 * 1. What stands in the way (a folder at the place of a file, a file where a folder was, also further up) is deleted in the
 *    same transaction, under a seq of its own before the restore's: so it lies in the history, and comes back the same way.
 * 2. A folder comes back whole only when it is dead itself: otherwise what is in it would be at two places.
 */
#include "files/rewind_int.h"

int files_id_is_dead(struct files_tx *tx, uint64_t id, bool *ret_dead)
{
    struct files_past_version latest;
    int r = files_version_at(tx, id, tx->seq, &latest);
    if (r == 0) {
        *ret_dead = latest.op == FILES_DELETE;
    }
    return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
}

int files_restore_file(struct files_tx *tx, struct files_place *place,
                       const struct files_past_version *version, bool dead)
{
    const struct files_record *record = &version->record;
    struct files_content content = {record->kind, record->hash, record->manifest, version->bytes};
    struct files_write write = {
        .content = &content,
        .op = FILES_RESTORE,
        .mode = record->mode,
        .mtime = record->mtime,
        .revive = dead ? record->id : 0,
    };
    return files_change_write(tx, place, &write);
}

int files_way_clear(struct files_tx *tx, struct str path)
{
    struct files_place *place;
    for (size_t n = str_find(path, '/', 0); n < path.n; n = str_find(path, '/', n + 1)) {
        int r = files_place_find(tx, str_slice(path, 0, n), &place);
        if (r < 0) {
            return r;
        }
        if (place->there && place->record.kind != FILES_FOLDER) {
            return files_change_delete(tx, place);
        }
    }
    return ERR_NOT_FOUND;
}

/* ---- the calls ---- */

struct wanted {
    struct str path;
    uint64_t version; /* 0: what was there at the moment */
    uint64_t at;
};

static int wanted_find(struct files_tx *tx, const struct wanted *wanted,
                       struct files_past_version *ret_version)
{
    struct files_record record;
    if (wanted->version > 0) {
        return files_version_find(tx, wanted->path, wanted->version, ret_version);
    }
    uint64_t at = wanted->at;
    int r = files_moment_settle(tx, &at);
    r = r < 0 ? r : files_record_at(tx, wanted->path, at, &record);
    return r < 0 ? r : files_version_of(tx, &record, ret_version);
}

/* The place, with nothing in the way to it and nothing of another kind at it. */
static int place_free(struct files_tx *tx, const struct wanted *wanted, bool folder,
                      struct files_place **ret_place)
{
    struct files_place *place;
    int r = files_place_find(tx, wanted->path, &place);
    if (r == ERR_NOT_DIRECTORY) {
        r = files_way_clear(tx, wanted->path);
        files_tx_next(tx);
    } else if (r == 0 && place->there && (place->record.kind == FILES_FOLDER) != folder) {
        r = files_change_delete(tx, place);
        files_tx_next(tx);
    }
    r = r == ERR_NOT_FOUND ? 0 : r;
    return r < 0 ? r : files_place_make(tx, wanted->path, ret_place);
}

static int restore_step(struct files_tx *tx, struct files_edit *edit)
{
    const struct wanted *wanted = edit->in;
    struct files_past_version version;
    struct files_place *place;
    bool dead = false;
    int r = wanted_find(tx, wanted, &version);
    r = r < 0 ? r : files_id_is_dead(tx, version.record.id, &dead);
    if (r < 0) {
        return r;
    }
    bool folder = version.record.kind == FILES_FOLDER;
    if (folder && !dead) {
        return data_fault(edit->ctx, ERR_EXISTS, NULL,
                          "This folder is there, lives on elsewhere, or went with the folder above "
                          "it. Restore it to a moment.");
    }
    r = place_free(tx, wanted, folder, &place);
    if (r < 0) {
        return r;
    }
    if (folder && place->there) {
        return data_fault(edit->ctx, ERR_EXISTS, NULL,
                          "Another folder has this name now. Restore it to a moment.");
    }
    r = folder ? files_change_relink(tx, place, &version.record)
               : files_restore_file(tx, place, &version, dead);
    edit->record = place->record;
    return r;
}

int files_restore(struct data_context *ctx, const struct files_restore_input *in,
                  struct files_entry *ret_entry)
{
    int r = files_input_check(&in->author, in->path);
    if (r < 0 || in->version == 0) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    struct wanted wanted = {.path = in->path, .version = in->version};
    struct files_edit edit = {.ctx = ctx,
                              .session = in->session,
                              .author = &in->author,
                              .step = restore_step,
                              .in = &wanted};
    r = files_edit(&edit);
    if (r == 0) {
        files_entry_from(ctx->arena, &edit.record, in->path, ret_entry);
    }
    return r;
}

struct restored {
    struct data_context *ctx;
    const struct files_rewind_input *in;
    struct files_rewind told; /* with its version */
};

/*
 * What its answer says besides, also when it is asked again: the moment, and whether the change before its own was the deletion of
 * what stood in the way, which no other transaction made at that time.
 */
static int restored_read(struct txn *txn, void *arg)
{
    struct restored *restored = arg;
    struct files_rewind *told = &restored->told;
    struct files_change_record changes[2];
    struct files_tx tx = {0};
    int r = files_tx_begin(&tx, txn, &restored->ctx->scope, restored->in->session);
    told->moment = restored->in->at;
    r = r < 0 ? r : files_moment_settle(&tx, &told->moment);
    for (uint64_t i = 0; r == 0 && i < 2; i++) {
        struct str value;
        r = store_get(txn, files_key_change(&tx, told->version - i), &value);
        r = r < 0 ? r : files_change_decode(value, &changes[i]);
    }
    bool cleared = r == 0 && changes[1].op == FILES_DELETE && changes[1].at == changes[0].at;
    told->first = told->version - (cleared ? 1 : 0);
    return r == ERR_NOT_FOUND ? 0 : r;
}

int files_restore_at(struct data_context *ctx, const struct files_rewind_input *in,
                     struct files_rewind *ret_rewind)
{
    struct wanted wanted = {.path = in->path, .at = in->at};
    struct files_edit edit = {.ctx = ctx,
                              .session = in->session,
                              .author = &in->author,
                              .step = restore_step,
                              .in = &wanted};
    int r = files_edit(&edit);
    struct restored restored = {.ctx = ctx, .in = in, .told = {.version = edit.seq, .changed = 1}};
    r = r < 0 ? r : store_read(ctx->store, restored_read, &restored);
    if (r == 0) {
        *ret_rewind = restored.told;
    }
    return r;
}
