/*
 * A folder as of a moment: children that are there now and came before it, and those that went after it. What is there but
 * was changed since is read from its versions. Which folder a name is, is known without them: a folder of which a version is
 * lost is not lost with all that was in it.
 */
#include "files/files_int.h"

/*
 * record as it was at the moment; its name did not change since. Where its newest version before is lost the one before that is taken
 * for it: nothing beside a version says which was the last, but the log of changes, which the checker holds against it.
 */
static int record_at(struct files_tx *tx, uint64_t at, struct files_record *record)
{
    if (record->version <= at) {
        return 0;
    }
    struct files_past_version version;
    int r = files_version_at(tx, record->id, at, &version);
    if (r == ERR_NOT_FOUND) {
        uint64_t kept = at;
        r = files_thin_settle(tx, &kept);
        return r < 0       ? r
               : kept > at ? ERR_NOT_FOUND
                           : ERR_CORRUPT; /* the moment is none any more */
    }
    if (r < 0) {
        return r;
    }
    uint64_t since = record->since;
    *record = version.record;
    record->since = since;
    return 0;
}

static int scan_one(struct files_tx *tx, struct str begin, struct str end,
                    struct store_pair **ret_pair)
{
    struct store_range range = {begin, end, .limit = 1};
    size_t count;
    int r = store_scan(tx->txn, &range, ret_pair, &count);
    return r < 0 ? r : count == 0 ? ERR_NOT_FOUND : 0;
}

/* Who was under the name at the moment and went later. ERR_NOT_FOUND. */
static int gone_child(struct files_tx *tx, const struct files_children_query *query,
                      struct str name, struct files_record *ret_record)
{
    struct str prefix = files_key_past_name(tx, query->folder, name);
    struct store_pair *pair;
    struct files_record record;
    int r = scan_one(tx, files_key_past(tx, query->folder, name, query->at + 1),
                     store_after(tx->arena, prefix), &pair);
    if (r == 0) {
        r = files_record_decode(pair->value, &record);
    }
    if (r < 0) {
        return r;
    }
    if (record.since > query->at) {
        return ERR_NOT_FOUND;
    }
    *ret_record = record;
    return 0;
}

/* Who was under the name at the moment, as it was later. ERR_NOT_FOUND. */
static int child_then(struct files_tx *tx, const struct files_children_query *query,
                      struct files_record *ret_record)
{
    int r = files_child(tx, query->folder, query->after, ret_record);
    bool later = r == 0 && ret_record->since > query->at;
    return query->at != FILES_NOW && (r == ERR_NOT_FOUND || later)
               ? gone_child(tx, query, query->after, ret_record)
               : r;
}

int files_child_at(struct files_tx *tx, const struct files_children_query *query,
                   struct files_record *ret_record)
{
    struct files_record record;
    int r = child_then(tx, query, &record);
    if (r == 0) {
        r = record_at(tx, query->at, &record);
        r = r == ERR_CORRUPT && query->past_damage ? 0 : r; /* and it stays as it was later */
    }
    if (r == 0) {
        *ret_record = record;
    }
    return r;
}

int files_record_at(struct files_tx *tx, struct str path, uint64_t at,
                    struct files_record *ret_record)
{
    struct files_record record = {.kind = FILES_FOLDER, .id = FILES_ROOT, .mode = 0755};
    struct str rest = path.n > 0 ? path : STR_EMPTY; /* "" would be one empty name */
    struct str name;
    while (str_split(&rest, '/', &name)) {
        if (record.kind != FILES_FOLDER) {
            return ERR_NOT_DIRECTORY;
        }
        struct files_children_query query = {.folder = record.id, .at = at, .after = name};
        int r = rest.n > 0 ? child_then(tx, &query, &record) : files_child_at(tx, &query, &record);
        if (r < 0) {
            return r;
        }
    }
    *ret_record = record;
    return 0;
}

int files_name_at(struct files_tx *tx, struct str path, uint64_t at,
                  struct files_record *ret_record)
{
    struct files_record record = {.kind = FILES_FOLDER, .id = FILES_ROOT};
    struct str rest = path.n > 0 ? path : STR_EMPTY;
    struct str name;
    int r = 0;
    while (r == 0 && str_split(&rest, '/', &name)) {
        struct files_children_query query = {.folder = record.id, .at = at, .after = name};
        r = record.kind == FILES_FOLDER ? child_then(tx, &query, &record) : ERR_NOT_FOUND;
    }
    if (r == 0) {
        *ret_record = record;
    }
    return r;
}

int files_was_at(struct files_tx *tx, struct str path, uint64_t at, bool *ret_there)
{
    struct files_record record;
    int r = files_name_at(tx, path, at, &record);
    *ret_there = r == 0;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* What cannot be read is a child all the same, for who wants to know of it. */
static int passed(const struct files_children_query *query, struct files_named *child, int r)
{
    child->damaged = r == ERR_CORRUPT && query->past_damage;
    return child->damaged ? 0 : r;
}

static int named_at(struct files_tx *tx, const struct files_children_query *query,
                    struct files_named *child)
{
    int r = child->damaged ? 0 : passed(query, child, record_at(tx, query->at, &child->record));
    return r == ERR_NOT_FOUND ? ERR_CORRUPT : r; /* the former would be the end of a walk */
}

static int present_children(struct files_tx *tx, const struct files_children_query *query,
                            struct files_children *ret_children)
{
    struct str prefix = files_key_entries(tx, query->folder);
    struct store_range range = {prefix, store_after(tx->arena, prefix), .limit = query->limit};
    if (query->after.n > 0) {
        /* An arena's copy has a zero byte behind it: the first key behind this one. */
        range.begin = files_key_entry(tx, query->folder, query->after);
        range.begin.n++;
    }
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    if (r < 0) {
        return r;
    }
    struct files_children found = {.at = ARENA_ARRAY(tx->arena, struct files_named, count + 1),
                                   .n = count};
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct files_named *child = &found.at[i];
        child->name = str_slice(pairs[i].key, prefix.n, pairs[i].key.n);
        r = passed(query, child, files_record_decode(pairs[i].value, &child->record));
    }
    found.more = count == query->limit;
    found.last = count > 0 ? found.at[count - 1].name : query->after;
    *ret_children = found;
    return r;
}

/* Goes from name to name of what was ever taken away; at most limit names. */
static int gone_children(struct files_tx *tx, const struct files_children_query *query,
                         struct files_children *ret_children)
{
    struct str prefix = files_key_pasts(tx, query->folder);
    struct str end = store_after(tx->arena, prefix);
    struct str begin = prefix;
    if (query->after.n > 0) {
        begin = store_after(tx->arena, files_key_past_name(tx, query->folder, query->after));
    }
    struct files_children found = {.at = ARENA_ARRAY(tx->arena, struct files_named, query->limit)};
    struct store_pair *pair;
    int r = 0;
    for (size_t names = 0; names < query->limit && (r = scan_one(tx, begin, end, &pair)) == 0;
         names++) {
        struct str rest = str_slice(pair->key, prefix.n, pair->key.n);
        struct str escaped = str_slice(rest, 0, str_find(rest, '/', 0));
        struct files_named *child = &found.at[found.n];
        r = files_unescape(tx->arena, escaped, &child->name);
        if (r < 0) {
            return r;
        }
        found.last = child->name;
        begin = store_after(tx->arena, files_key_past_name(tx, query->folder, child->name));
        r = passed(query, child, gone_child(tx, query, child->name, &child->record));
        found.n += r == 0;
        if (r < 0 && r != ERR_NOT_FOUND) {
            return r;
        }
        r = 0;
    }
    found.more = r == 0;
    *ret_children = found;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* How far both lists reach: behind the shorter one's last name nothing is known of it. */
static struct str known_to(const struct files_children *a, const struct files_children *b,
                           bool *ret_more)
{
    *ret_more = a->more || b->more;
    if (a->more && b->more) {
        return str_cmp(a->last, b->last) < 0 ? a->last : b->last;
    }
    return a->more ? a->last : b->last;
}

/* The next by name; of one name who is there before who went. */
static struct files_named next_named(const struct files_children *here, size_t *h,
                                     const struct files_children *gone, size_t *g)
{
    int order = *h == here->n   ? 1
                : *g == gone->n ? -1
                                : str_cmp(here->at[*h].name, gone->at[*g].name);
    if (order > 0) {
        return gone->at[(*g)++];
    }
    *g += order == 0 && here->at[*h].damaged; /* nobody knows which of them it was: told once */
    return here->at[(*h)++];
}

int files_children(struct files_tx *tx, const struct files_children_query *query,
                   struct files_children *ret_children)
{
    struct files_children here;
    struct files_children gone;
    int r = present_children(tx, query, &here);
    if (r < 0 || query->at == FILES_NOW) {
        if (r == 0) {
            *ret_children = here;
        }
        return r;
    }
    r = gone_children(tx, query, &gone);
    if (r < 0) {
        return r;
    }
    struct files_children all = {
        .at = ARENA_ARRAY(tx->arena, struct files_named, here.n + gone.n + 1)};
    all.last = known_to(&here, &gone, &all.more);
    for (size_t h = 0, g = 0; h < here.n || g < gone.n;) {
        struct files_named child = next_named(&here, &h, &gone, &g);
        if (all.more && str_cmp(child.name, all.last) > 0) {
            break;
        }
        if (child.record.since > query->at) {
            continue;
        }
        r = named_at(tx, query, &child);
        if (r < 0) {
            return r;
        }
        all.at[all.n++] = child;
    }
    *ret_children = all;
    return 0;
}
