/* From a path to the folders on its way and what lies under its name. */
#include "files/files_int.h"

int files_child(struct files_tx *tx, uint64_t folder, struct str name,
                struct files_record *ret_record)
{
    struct str value;
    int r = store_get(tx->txn, files_key_entry(tx, folder, name), &value);
    return r < 0 ? r : files_record_decode(value, ret_record);
}

static int enter(struct files_tx *tx, struct files_place *place, bool make)
{
    struct files_record record;
    int r = files_child(tx, files_place_folder(place), place->name, &record);
    if (r == ERR_NOT_FOUND && make) {
        record = (struct files_record){.kind = FILES_FOLDER, .mode = 0755, .mtime = tx->now};
        files_folder_new(tx, place, &record);
        r = 0;
    }
    if (r < 0) {
        return r;
    }
    if (record.kind != FILES_FOLDER) {
        return ERR_NOT_DIRECTORY;
    }
    place->chain[place->depth++] = record.id;
    return 0;
}

static int walk(struct files_tx *tx, struct str path, bool make, struct files_place **ret_place)
{
    struct files_place *place = ARENA_NEW(tx->arena, struct files_place);
    place->path = path;
    if (path.n == 0) {
        place->there = true;
        place->record = (struct files_record){.kind = FILES_FOLDER, .id = FILES_ROOT, .mode = 0755};
        *ret_place = place;
        return 0;
    }
    struct str rest = path;
    place->chain[place->depth++] = FILES_ROOT;
    (void)str_split(&rest, '/', &place->name);
    while (rest.p) {
        int r = enter(tx, place, make);
        if (r < 0) {
            return r;
        }
        (void)str_split(&rest, '/', &place->name);
    }
    int r = files_child(tx, files_place_folder(place), place->name, &place->record);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    place->there = r == 0;
    *ret_place = place;
    return 0;
}

int files_place_find(struct files_tx *tx, struct str path, struct files_place **ret_place)
{
    return walk(tx, path, false, ret_place);
}

int files_place_make(struct files_tx *tx, struct str path, struct files_place **ret_place)
{
    return walk(tx, path, true, ret_place);
}
