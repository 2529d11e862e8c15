/*
 * What a folder knows of all that is below it: how many files and bytes, so that deleting or moving it costs no walk; and how
 * far it reaches, so that a move cannot make paths that are too long. Kept in all folders above a change, except the root,
 * whose totals are the session's.
 *
 * files and bytes are exact. reach and levels bound from above: what goes leaves them as they are, until a move that they
 * refuse has them measured (measure.c).
 */
#include "files/node_int.h"

enum { NODE_SIZE = 4 * 16 };

static struct str key_node(struct files_tx *tx, uint64_t folder)
{
    return DATA_KEY(tx->arena, tx->scope, DATA_SPACE_NODE, tx->session,
                    data_key_number(tx->arena, folder));
}

static int node_get(struct files_tx *tx, uint64_t folder, struct files_node *ret_node)
{
    struct str value;
    *ret_node = (struct files_node){0};
    int r = store_get(tx->txn, key_node(tx, folder), &value);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    uint64_t *const numbers[] = {&ret_node->files, &ret_node->bytes, &ret_node->reach,
                                 &ret_node->levels};
    for (size_t i = 0; i < 4; i++) {
        if (value.n != NODE_SIZE ||
            data_key_number_read(str_slice(value, 16 * i, 16 * (i + 1)), numbers[i]) < 0) {
            return ERR_CORRUPT;
        }
    }
    return 0;
}

void files_node_put(struct files_tx *tx, uint64_t folder, const struct files_node *node)
{
    struct str text =
        arena_printf(tx->arena, "%016llx%016llx%016llx%016llx", (unsigned long long)node->files,
                     (unsigned long long)node->bytes, (unsigned long long)node->reach,
                     (unsigned long long)node->levels);
    files_tx_put(tx, key_node(tx, folder), text);
}

void files_node_drop(struct files_tx *tx, uint64_t folder)
{
    store_delete(tx->txn, key_node(tx, folder));
}

int files_node_of(struct files_tx *tx, const struct files_record *record,
                  struct files_node *ret_node)
{
    if (record->kind == FILES_FOLDER) {
        return node_get(tx, record->id, ret_node);
    }
    *ret_node = (struct files_node){.files = 1, .bytes = record->manifest.length};
    return 0;
}

void files_node_raise(struct files_node *node, uint64_t reach, uint64_t levels)
{
    node->reach = reach > node->reach ? reach : node->reach;
    node->levels = levels > node->levels ? levels : node->levels;
}

void files_node_hold(struct files_node *node, uint64_t name, const struct files_node *below)
{
    files_node_raise(node, name + (below->reach ? 1 + below->reach : 0), 1 + below->levels);
}

int files_node_add(struct files_tx *tx, const struct files_place *place, struct files_node by)
{
    size_t name = 0; /* where the part of the path behind the folder begins */
    for (size_t i = 1; i < place->depth; i++) {
        struct files_node node;
        int r = node_get(tx, place->chain[i], &node);
        if (r < 0) {
            return r;
        }
        name = str_find(place->path, '/', name) + 1;
        uint64_t reach = place->path.n - name + (by.reach ? 1 + by.reach : 0);
        uint64_t levels = place->depth - i + by.levels;
        if (by.files == 0 && by.bytes == 0 && reach <= node.reach && levels <= node.levels) {
            continue;
        }
        node.files += by.files;
        node.bytes += by.bytes;
        files_node_raise(&node, reach, levels);
        files_node_put(tx, place->chain[i], &node);
    }
    tx->usage.files += by.files;
    tx->usage.bytes += by.bytes;
    return 0;
}

int files_node_take(struct files_tx *tx, const struct files_place *place, struct files_node by)
{
    struct files_node minus = {.files = -by.files, .bytes = -by.bytes};
    return files_node_add(tx, place, minus);
}

int files_node_to(struct files_tx *tx, const struct files_place *place,
                  const struct files_record *record, struct files_node *ret_node)
{
    struct files_node node;
    struct files_tight tight = {.folder = record->id, .levels = CONTENT_MAX_DEPTH - place->depth};
    if (place->path.n < CONTENT_MAX_PATH) {
        tight.reach = CONTENT_MAX_PATH - place->path.n - 1; /* a slash is between */
    }
    int r = files_node_of(tx, record, &node);
    if (r == 0 && (node.reach > tight.reach || node.levels > tight.levels)) {
        tx->tight = tight;
        tx->refusal = "Some of what is in the folder would lie too deep there, or its path be too "
                      "long.";
        r = ERR_LIMIT;
    }
    if (r == 0) {
        *ret_node = node;
    }
    return r;
}
