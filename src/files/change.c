/*
 * What a change does to keys. Every function here writes the entry, what it takes the place of (past), the version, the
 * change record and the totals of all folders above, all under tx->seq.
 */
#include "files/node_int.h"

static void entry_put(struct files_tx *tx, const struct files_place *place,
                      const struct files_record *record)
{
    files_tx_put(tx, files_key_entry(tx, files_place_folder(place), place->name),
                 files_record_encode(tx->arena, record));
}

/* Takes the child away from under its name. */
static void entry_end(struct files_tx *tx, const struct files_place *place)
{
    store_delete(tx->txn, files_key_entry(tx, files_place_folder(place), place->name));
    files_tx_put(tx, files_key_past(tx, files_place_folder(place), place->name, tx->seq),
                 files_record_encode(tx->arena, &place->record));
}

static void version_put(struct files_tx *tx, const struct files_past_version *version)
{
    files_tx_put(tx, files_key_version(tx, version->record.id, tx->seq),
                 files_version_encode(tx->arena, version));
}

struct told {
    enum files_op op;
    uint64_t id;
    struct str path;
    struct str from;
};

static void change_put(struct files_tx *tx, const struct told *told)
{
    ASSERT(tx->author);
    struct files_change_record change = {.op = told->op,
                                         .id = told->id,
                                         .author = *tx->author,
                                         .at = tx->now,
                                         .path = told->path,
                                         .from = told->from};
    files_tx_put(tx, files_key_change(tx, tx->seq), files_change_encode(tx->arena, &change));
}

int files_match_check(const struct files_match *match, const struct files_place *place)
{
    if (match->none && place->there) {
        return ERR_PRECONDITION;
    }
    if (match->version && (!place->there || place->record.version != match->version)) {
        return ERR_PRECONDITION;
    }
    return 0;
}

void files_folder_new(struct files_tx *tx, const struct files_place *place,
                      struct files_record *record)
{
    record->id = files_tx_id(tx);
    record->version = record->since = tx->seq;
    entry_put(tx, place, record);
    version_put(tx, &(struct files_past_version){.record = *record, .op = FILES_WRITE});
}

int files_version_at(struct files_tx *tx, uint64_t id, uint64_t seq,
                     struct files_past_version *ret_version)
{
    ASSERT(seq < UINT64_MAX);
    struct store_range range = {files_key_version(tx, id, 0), files_key_version(tx, id, seq + 1),
                                .limit = 1, .reverse = true};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    if (r < 0) {
        return r;
    }
    return count == 0 ? ERR_NOT_FOUND : files_version_decode(pairs[0].value, ret_version);
}

int files_version_of(struct files_tx *tx, const struct files_record *record,
                     struct files_past_version *ret_version)
{
    int r = files_version_at(tx, record->id, record->version, ret_version);
    bool lost = r == ERR_NOT_FOUND || (r == 0 && ret_version->record.version != record->version);
    return lost ? ERR_CORRUPT : r;
}

static struct files_record record_next(struct files_tx *tx, const struct files_place *place,
                                       const struct files_write *write)
{
    struct files_record record = {.since = tx->seq};
    if (place->there) {
        record = place->record;
    } else {
        record.id = write->revive ? write->revive : files_tx_id(tx);
    }
    if (record.kind != write->content->kind) { /* new, or a link was there: its mode says nothing */
        record.mode = write->content->kind == FILES_SYMLINK ? 0777 : 0644;
    }
    record.kind = write->content->kind;
    record.version = tx->seq;
    record.hash = write->content->hash;
    record.manifest = write->content->manifest;
    record.mtime = write->mtime;
    if (write->mode >= 0) {
        record.mode = (uint32_t)write->mode & 07777;
    }
    return record;
}

int files_change_write(struct files_tx *tx, struct files_place *place,
                       const struct files_write *write)
{
    if (place->there && place->record.kind == FILES_FOLDER) {
        return ERR_IS_DIRECTORY;
    }
    struct files_record record = record_next(tx, place, write);
    int r = files_content_ref(tx, record.id, write->content);
    if (r < 0) {
        return r;
    }
    struct files_node by = {.files = 1, .bytes = record.manifest.length};
    if (place->there) {
        by.files = 0;
        by.bytes -= place->record.manifest.length;
    }
    r = files_node_add(tx, place, by);
    if (r < 0) {
        return r;
    }
    entry_put(tx, place, &record);
    version_put(tx, &(struct files_past_version){
                        .record = record, .op = write->op, .bytes = write->content->bytes});
    change_put(tx, &(struct told){.op = write->op, .id = record.id, .path = place->path});
    place->there = true;
    place->record = record;
    return 0;
}

int files_change_mkdir(struct files_tx *tx, struct files_place *place, uint32_t mode, usec_t mtime)
{
    if (place->there) {
        return ERR_EXISTS;
    }
    struct files_record record = {.kind = FILES_FOLDER, .mode = mode & 07777, .mtime = mtime};
    int r = files_node_add(tx, place, (struct files_node){0});
    if (r < 0) {
        return r;
    }
    files_folder_new(tx, place, &record);
    change_put(tx, &(struct told){.op = FILES_WRITE, .id = record.id, .path = place->path});
    place->there = true;
    place->record = record;
    return 0;
}

/* Of a folder. */
void files_change_mode(struct files_tx *tx, struct files_place *place, uint32_t mode, usec_t mtime)
{
    ASSERT(place->there && place->depth > 0 && place->record.kind == FILES_FOLDER);
    struct files_record record = place->record;
    record.mode = mode & 07777;
    record.mtime = mtime;
    record.version = tx->seq;
    entry_put(tx, place, &record);
    version_put(tx, &(struct files_past_version){.record = record, .op = FILES_WRITE});
    change_put(tx, &(struct told){.op = FILES_WRITE, .id = record.id, .path = place->path});
    place->record = record;
}

/* The last version of something that goes: as it was, under the seq that took it. */
static int version_ends(struct files_tx *tx, const struct files_record *record)
{
    struct files_past_version last;
    int r = files_version_at(tx, record->id, tx->seq, &last);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    }
    last.record = *record;
    last.record.version = tx->seq;
    last.op = FILES_DELETE;
    version_put(tx, &last);
    return 0;
}

int files_change_delete(struct files_tx *tx, struct files_place *place)
{
    ASSERT(place->there && place->depth > 0);
    struct files_node node;
    int r = files_node_of(tx, &place->record, &node);
    if (r == 0) {
        r = files_node_take(tx, place, node);
    }
    if (r == 0) {
        r = version_ends(tx, &place->record);
    }
    if (r < 0) {
        return r;
    }
    entry_end(tx, place);
    change_put(tx, &(struct told){.op = FILES_DELETE, .id = place->record.id, .path = place->path});
    place->there = false;
    return 0;
}

/* The version that carries what `from` was into record, which has tx->seq and maybe another id. */
static int version_moves(struct files_tx *tx, const struct files_record *from,
                         const struct files_record *record)
{
    struct files_past_version version;
    int r = files_version_of(tx, from, &version);
    if (r < 0) {
        return r;
    }
    version.record = *record;
    version.op = FILES_MOVE;
    version_put(tx, &version);
    return 0;
}

/* A file onto a file: what was at `to` goes on with new content, what was at `from` ends. */
static int move_over(struct files_tx *tx, struct files_place *from, struct files_place *to)
{
    struct files_record record = from->record;
    record.id = to->record.id;
    record.since = to->record.since;
    record.version = tx->seq;
    struct files_content content = {
        .kind = record.kind, .hash = record.hash, .manifest = record.manifest};
    int r = files_content_ref(tx, record.id, &content);
    if (r == 0) {
        r = version_moves(tx, &from->record, &record);
    }
    if (r == 0) {
        r = version_ends(tx, &from->record);
    }
    if (r == 0) {
        r = files_node_take(tx, to,
                            (struct files_node){.files = 1, .bytes = to->record.manifest.length});
    }
    to->record = record;
    return r;
}

static int move_plain(struct files_tx *tx, struct files_place *from, struct files_place *to)
{
    to->record = from->record;
    to->record.version = to->record.since = tx->seq;
    return version_moves(tx, &from->record, &to->record);
}

int files_change_move(struct files_tx *tx, struct files_place *from, struct files_place *to)
{
    ASSERT(from->there && from->depth > 0 && to->depth > 0);
    struct files_node node;
    int r = files_node_to(tx, to, &from->record, &node);
    if (r == 0) {
        r = files_node_take(tx, from, node);
    }
    if (r == 0) {
        r = files_node_add(tx, to, node);
    }
    if (r == 0) {
        r = to->there ? move_over(tx, from, to) : move_plain(tx, from, to);
    }
    if (r < 0) {
        return r;
    }
    entry_end(tx, from);
    entry_put(tx, to, &to->record);
    change_put(tx, &(struct told){FILES_MOVE, to->record.id, to->path, from->path});
    from->there = false;
    to->there = true;
    return 0;
}

int files_change_relink(struct files_tx *tx, struct files_place *place,
                        const struct files_record *folder)
{
    ASSERT(!place->there && folder->kind == FILES_FOLDER);
    struct files_record record = *folder;
    record.version = record.since = tx->seq;
    struct files_node node;
    int r = files_node_to(tx, place, &record, &node);
    if (r == 0) {
        r = files_node_add(tx, place, node);
    }
    if (r < 0) {
        return r;
    }
    entry_put(tx, place, &record);
    version_put(tx, &(struct files_past_version){.record = record, .op = FILES_RESTORE});
    change_put(tx, &(struct told){.op = FILES_RESTORE, .id = record.id, .path = place->path});
    place->there = true;
    place->record = record;
    return 0;
}
