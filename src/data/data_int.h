/*
 * Inside data/: the tables that tools/gen/records.py makes from spec/records.yaml, and the code that walks them.
 */
#ifndef DATA_DATA_INT_H
#define DATA_DATA_INT_H

#include "base/json.h"
#include "data/data.h"

enum data_kind { DATA_ID, DATA_TEXT, DATA_ENUM, DATA_INT, DATA_BOOL, DATA_TIME };

enum {
    DATA_NO_TENANT = -1,
    DATA_MAX_FIELDS = 4,     /* of an index */
    DATA_MAX_RECORD = 81920, /* bytes of a stored record */
    DATA_MAX_KEY = 1024,     /* bytes of a key made here */
};

struct data_field {
    const char *name;
    enum data_kind kind;
    size_t offset;
    bool optional;
    bool private;
    int64_t min, max;   /* of an int; bytes of a text; last value of an enum (the first is 1) */
    const char *prefix; /* of an id */
    const char *const *words; /* of an enum, from 1 */
    const struct data_type
        *exists; /* of an id: the record that it names is there; NULL: it may be gone */
};

struct data_index {
    const char *name;
    unsigned fields[DATA_MAX_FIELDS];
    unsigned n;
    bool global;
    bool unique;
    bool
        counted; /* how many entries there are for each value of the first count_by fields is kept */
    unsigned count_by;
};

/*
 * A stored record of an older version, while it becomes one of the next: two objects, whose members may stand in any order. An
 * upgrade changes what differs between the two versions; false: this is none of that version. Bounds are checked behind the last.
 */
struct data_shape {
    struct json *public;
    struct json *private;
};
typedef bool data_upgrade(struct data_shape *shape);

struct data_type {
    const char *name; /* also the space of its keys */
    const char *prefix;
    unsigned version;
    data_upgrade *const *older; /* from version 1 on: each makes the next; NULL when version is 1 */
    size_t size;
    size_t reply; /* offset of the member */
    int tenant;   /* offset of tenant_id or DATA_NO_TENANT */
    const struct data_field *fields;
    unsigned field_count;
    const struct data_index *indexes;
    unsigned index_count;
};

extern const struct data_type *const data_types[]; /* ended by NULL */

/* NULL: there is none of this name. */
const struct data_type *data_type_named(struct str name);
extern const char *const data_spaces[DATA_SPACE_COUNT];

/* ---- record.c: a struct and its stored form, "{version} {public JSON}\0{private JSON}" ---- */

struct str data_record_encode(struct arena *arena, const struct data_type *type, void *record);

/*
 * A record of an older version is read as one of type's. ERR_CORRUPT: also for a field out of its bounds; ERR_NEWER: a later
 * program wrote it. Strings borrow from value or the arena.
 */
int data_record_decode(struct arena *arena, const struct data_type *type, struct str value,
                       void *ret_record) BASE_MUST_USE;
void data_record_copy(struct arena *arena, const struct data_type *type, void *record);

/* The version that a value which can be decoded is stored as. */
uint64_t data_record_version(struct str value);

static inline const void *data_member(const void *record, size_t offset)
{
    return (const char *)record + offset;
}

/* ---- upgrade.c: what data_{record}_from_{version} are made of ---- */

/* Takes the member out of object. NULL: there is none. */
struct json *data_shape_take(struct json *object, const char *name);
void data_shape_put(struct json *object, struct json *member);

/* ---- keys.c ---- */

/* clock.c: 16 digits, microseconds since 1970 */
#define DATA_CLOCK_KEY STR("g/clock")

/* g/schema/{record}: the newest version that was ever written */
struct str data_key_schema(struct arena *arena, const struct data_type *type);

struct str data_key_record(struct arena *arena, const struct scope *scope,
                           const struct data_type *type, struct str id);

/* What all entries of the index whose first `fixed` fields are record's begin with; empty when a field is absent. */
struct str data_key_index_prefix(struct arena *arena, const struct scope *scope,
                                 const struct data_type *type, const struct data_query *query);

/* The entry of record in the index, or empty when an optional field is absent. */
struct str data_key_index(struct arena *arena, const struct scope *scope,
                          const struct data_type *type, const struct data_query *query);

/* Where the number of all entries behind an index prefix within a tenant is kept, and the way back: t/{tenant}/n/… ↔ …/i/… */
struct str data_key_count(struct arena *arena, struct str index_prefix);
struct str data_key_counted(struct arena *arena, struct str count_key);

/* "{tenant}/{id}", the value of a global index's entry. data_place_read: ERR_CORRUPT. */
struct str data_place_text(struct arena *arena, const struct scope *scope, struct str id);
int data_place_read(struct str text, struct str *ret_tenant, struct str *ret_id) BASE_MUST_USE;

/* What stands in a key of the queue; strings borrow from it. ERR_CORRUPT. */
int data_loose_read(struct str key, struct data_loose *ret_loose) BASE_MUST_USE;

/* ---- table.c: records of one type in one transaction ---- */

struct data_at {
    struct txn *txn;
    const struct scope *scope;
    const struct data_type *type;
};

struct data_rows {
    void *at;
    size_t n;
    struct str next;
};

/* A link's scope reads one record, its session's: what else is asked for is refused before a key is made of it. */
static inline bool data_in_link(const struct scope *scope)
{
    return scope && scope->link_session.n > 0;
}

int data_table_get(const struct data_at *t, struct str id, void *ret_record) BASE_MUST_USE;
int data_table_put(const struct data_at *t, void *record) BASE_MUST_USE;
int data_table_delete(const struct data_at *t, struct str id) BASE_MUST_USE;

/* ---- count.c: how many entries an index has ---- */

/* Entries that begin with prefix, by looking at each. */
int data_count_scan(struct txn *txn, struct str prefix, uint64_t *ret_count) BASE_MUST_USE;

/* An entry behind prefix was added (by = 1) or taken away (-1), in this transaction. */
int data_count_change(struct txn *txn, struct str prefix, int by) BASE_MUST_USE;

/* The kept number. ERR_NOT_FOUND: none is; ERR_CORRUPT. */
int data_count_kept(struct txn *txn, struct str prefix, uint64_t *ret_count) BASE_MUST_USE;

/* ---- pick.c: sorted in memory ---- */

struct data_pick_row {
    struct str key; /* at most DATA_PICK_KEY bytes */
    size_t at;      /* the caller's */
};
struct data_pick_input {
    struct data_pick_row *rows; /* sorted in place */
    size_t n;
    size_t limit;
    struct str cursor;
    bool reverse;
};
struct data_pick {
    const struct data_pick_row *rows; /* of the input */
    size_t n;
    struct str next; /* cursor, in the arena; empty at the end */
};

/* Those behind the cursor. ERR_INVALID: a bad one. */
int data_pick(struct arena *arena, const struct data_pick_input *in,
              struct data_pick *ret_pick) BASE_MUST_USE;

/* ---- list.c ---- */

int data_table_list(const struct data_at *t, const struct data_query *query,
                    struct data_rows *ret_rows) BASE_MUST_USE;

#endif
