/*
 * Records of one type: get, put, delete, with their index entries.
 *
 * 1. put and delete read what is stored and derive the old index entries from it, never from what the caller believes:
 *    an entry without its record, or the other way round, cannot be made.
 * 2. An index entry's value is empty within a tenant, "{tenant}/{id}" in a global index.
 * 3. A unique value belongs to the record that its entry names; another record's put is ERR_EXISTS.
 * 4. The numbers of a counted index move in the transaction that moves its entries (count.c).
 */
#include "data/data_int.h"

const struct data_type *data_type_named(struct str name)
{
    for (const struct data_type *const *t = data_types; *t; t++) {
        if (str_eq(name, str_from((*t)->name))) {
            return *t;
        }
    }
    return NULL;
}

static struct str record_id(const struct data_at *t, const void *record)
{
    return *(const struct str *)data_member(record, t->type->fields[0].offset);
}

int data_table_get(const struct data_at *t, struct str id, void *ret_record)
{
    bool seen = !data_in_link(t->scope) || str_eq(id, t->scope->link_session);
    if (!data_id_is(id, t->type->prefix) || !seen) {
        return ERR_NOT_FOUND;
    }
    struct arena *arena = store_arena(t->txn);
    struct str value;
    int r = store_get(t->txn, data_key_record(arena, t->scope, t->type, id), &value);
    if (r < 0) {
        return r;
    }
    return data_record_decode(arena, t->type, value, ret_record);
}

static const struct data_field *owner_field(const struct data_type *type)
{
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct data_field *f = &type->fields[i];
        if (strcmp(f->name, "user_id") == 0 && !f->optional) {
            return f;
        }
    }
    return NULL;
}

int data_owner(struct txn *txn, const struct scope *scope, struct str id, struct str *ret_user_id)
{
    for (const struct data_type *const *t = data_types; *t; t++) {
        const struct data_field *owner = owner_field(*t);
        if (owner && data_id_is(id, (*t)->prefix)) {
            void *record = arena_alloc(store_arena(txn), (*t)->size);
            int r = data_table_get(&(struct data_at){txn, scope, *t}, id, record);
            if (r == 0) {
                *ret_user_id = *(const struct str *)data_member(record, owner->offset);
            }
            return r;
        }
    }
    return ERR_NOT_FOUND;
}

static struct str entry_key(const struct data_at *t, unsigned index, const void *record)
{
    if (!record) {
        return STR_EMPTY;
    }
    struct data_query query = {
        .index = index, .match = record, .fixed = t->type->indexes[index - 1].n};
    return data_key_index(store_arena(t->txn), t->scope, t->type, &query);
}

static int entry_put(const struct data_at *t, const struct data_index *index, struct str key,
                     struct str id)
{
    struct arena *arena = store_arena(t->txn);
    if (!index->global) {
        store_put(t->txn, key, STR(""));
        return 0;
    }
    struct str place = data_place_text(arena, t->scope, id);
    struct str stored;
    int r = index->unique ? store_get(t->txn, key, &stored) : ERR_NOT_FOUND;
    if (r == 0) {
        return str_eq(stored, place) ? 0 : ERR_EXISTS;
    }
    if (r != ERR_NOT_FOUND) {
        return r;
    }
    store_put(t->txn, key, place);
    return 0;
}

/* What the number that counts this entry is kept for; empty: the entry is not, or is not counted. */
static struct str counted_prefix(const struct data_at *t, unsigned index, const void *record,
                                 struct str entry)
{
    const struct data_index *row = &t->type->indexes[index - 1];
    if (!row->counted || entry.n == 0) {
        return STR_EMPTY;
    }
    struct data_query query = {.index = index, .match = record, .fixed = row->count_by};
    return data_key_index_prefix(store_arena(t->txn), t->scope, t->type, &query);
}

/* Behind the entries' own change. */
static int counts_change(const struct data_at *t, struct str before, struct str after)
{
    if (str_eq(before, after)) {
        return 0;
    }
    int r = before.n > 0 ? data_count_change(t->txn, before, -1) : 0;
    return r == 0 && after.n > 0 ? data_count_change(t->txn, after, 1) : r;
}

/* old or new NULL: there is none. */
static int entries_change(const struct data_at *t, const void *old, const void *new, struct str id)
{
    for (unsigned i = 1; i <= t->type->index_count; i++) {
        struct str before = entry_key(t, i, old);
        struct str after = entry_key(t, i, new);
        if (str_eq(before, after)) {
            continue;
        }
        if (before.n > 0) {
            store_delete(t->txn, before);
        }
        int r = after.n > 0 ? entry_put(t, &t->type->indexes[i - 1], after, id) : 0;
        if (r == 0) {
            r = counts_change(t, counted_prefix(t, i, old, before),
                              counted_prefix(t, i, new, after));
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void assert_tenant(const struct data_at *t, const void *record)
{
    if (t->type->tenant != DATA_NO_TENANT) {
        const struct str *tenant = data_member(record, (size_t)t->type->tenant);
        ASSERT(str_eq(*tenant, t->scope->tenant_id));
    }
}

int data_table_put(const struct data_at *t, void *record)
{
    if (data_in_link(t->scope)) {
        return ERR_FORBIDDEN;
    }
    struct arena *arena = store_arena(t->txn);
    struct str id = record_id(t, record);
    assert_tenant(t, record);
    /* Encoded first: it cuts times to what is stored, which index entries are made of. */
    struct str value = data_record_encode(arena, t->type, record);
    void *old = arena_alloc(arena, t->type->size);
    int r = data_table_get(t, id, old);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    r = entries_change(t, r == 0 ? old : NULL, record, id);
    if (r < 0) {
        return r;
    }
    store_put(t->txn, data_key_record(arena, t->scope, t->type, id), value);
    return 0;
}

int data_table_delete(const struct data_at *t, struct str id)
{
    if (data_in_link(t->scope)) {
        return ERR_FORBIDDEN;
    }
    struct arena *arena = store_arena(t->txn);
    void *old = arena_alloc(arena, t->type->size);
    int r = data_table_get(t, id, old);
    if (r < 0) {
        return r;
    }
    r = entries_change(t, old, NULL, id);
    if (r < 0) {
        return r;
    }
    store_delete(t->txn, data_key_record(arena, t->scope, t->type, id));
    return 0;
}
