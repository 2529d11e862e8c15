/*
 * The checker. It goes through all keys in order and judges each by what stands in the same snapshot: a record by decoding
 * it and looking for the index entries that it must have, an index entry by making the key again from the record that it
 * names. Together these prove both directions without keeping anything in memory.
 */
#include "data/check_int.h"

enum { PAGE = 500, PAGE_MEMORY = 32 << 20 };

/* DATA_SPACE_COUNT: there is none of this name. */
static unsigned space_named(struct str name)
{
    unsigned i = 0;
    while (i < DATA_SPACE_COUNT && !str_eq(name, str_from(data_spaces[i]))) {
        i++;
    }
    return i;
}

/* What the key's owner says. */
static int check_owner(struct check *c, const struct data_found *found, struct str key)
{
    const char *what = NULL;
    struct data_found asked = *found;
    asked.slice = &c->slice;
    int r = c->judge ? c->judge(&asked, &what) : 0;
    if (r == 0 && what) {
        data_check_fault(c, key, "%s", what);
    }
    return r;
}

int data_judge_person(const struct data_found *found, struct str user_id, const char **ret_fault)
{
    struct data_user user;
    int r = data_user_get(found->txn, found->scope, user_id, &user);
    if (r == ERR_NOT_FOUND) {
        *ret_fault = "its person does not exist";
        return 0;
    }
    return r;
}

static int check_tenant(struct check *c, const struct scope *scope, struct str key)
{
    if (str_eq(str_from(c->tenant), scope->tenant_id)) {
        return 0;
    }
    struct data_tenant tenant;
    int r = data_tenant_get(c->txn, scope, scope->tenant_id, &tenant);
    if (r == ERR_NOT_FOUND) {
        data_check_fault(c, key, "its tenant does not exist");
        return 0;
    }
    if (r == 0) {
        memcpy(c->tenant, scope->tenant_id.p, DATA_ID_SIZE);
        c->tree[0] = '\0';
    }
    return data_unreadable(r) ? 0 : r; /* the tenant's own key is judged for itself */
}

/* Whether keys of the space lie under the session or the person whose tree they are of. */
static bool is_of_tree(enum data_space space)
{
    enum { OF_TREE = 1, OF_OTHERS };
    static const uint8_t all[DATA_SPACE_COUNT] = {
        /* all are named: whoever adds one says what it is */
        [DATA_SPACE_ENTRY] = OF_TREE,      [DATA_SPACE_PAST] = OF_TREE,
        [DATA_SPACE_VERSION] = OF_TREE,    [DATA_SPACE_CHANGE] = OF_TREE,
        [DATA_SPACE_NODE] = OF_TREE,       [DATA_SPACE_REWIND] = OF_TREE,
        [DATA_SPACE_DESK] = OF_TREE,       [DATA_SPACE_THIN] = OF_TREE,
        [DATA_SPACE_CHUNK] = OF_OTHERS,    [DATA_SPACE_STORED] = OF_OTHERS,
        [DATA_SPACE_CHUNKREF] = OF_OTHERS, [DATA_SPACE_HELD] = OF_OTHERS,
        [DATA_SPACE_SETTING] = OF_OTHERS,  [DATA_SPACE_USAGE] = OF_OTHERS,
    };
    ASSERT(space < DATA_SPACE_COUNT && all[space] != 0);
    return all[space] == OF_TREE;
}

/*
 * What a key lies under is there: a session, a person or a conversation, whose records go behind all that is theirs. The tenant's total
 * and settings are under no record of their own.
 */
static int check_under(struct check *c, const struct data_found *found, struct str key)
{
    static const struct data_type *const types[] = {&data_session_type, &data_user_type,
                                                    &data_conversation_type};
    struct str owner = str_slice(found->rest, 0, str_find(found->rest, '/', 0));
    bool usage = found->space == DATA_SPACE_USAGE && !str_eq(owner, STR("total"));
    bool setting = found->space == DATA_SPACE_SETTING && !str_eq(owner, found->scope->tenant_id);
    bool known = str_eq(str_from(c->tree), owner);
    if (known || (!is_of_tree(found->space) && !usage && !setting)) {
        return 0;
    }
    struct arena *arena = store_arena(c->txn);
    struct str value;
    int r = ERR_NOT_FOUND;
    for (size_t i = 0; r == ERR_NOT_FOUND && i < sizeof types / sizeof types[0]; i++) {
        if (data_id_is(owner, types[i]->prefix)) {
            r = store_get(c->txn, data_key_record(arena, found->scope, types[i], owner), &value);
        }
    }
    if (r == ERR_NOT_FOUND) {
        data_check_fault(c, key, "it is of nobody's that there is");
        return 0;
    }
    if (r == 0) {
        memcpy(c->tree, owner.p, DATA_ID_SIZE);
    }
    return data_unreadable(r) ? 0 : r;
}

/* The record's entry in one index is there and names it. */
static int check_entry(struct check *c, const struct data_at *t, unsigned index, const void *record)
{
    const struct data_index *row = &t->type->indexes[index - 1];
    struct data_query query = {.index = index, .match = record, .fixed = row->n};
    struct arena *arena = store_arena(c->txn);
    struct str key = data_key_index(arena, t->scope, t->type, &query);
    if (key.n == 0) {
        return 0;
    }
    struct str value;
    int r = store_get(c->txn, key, &value);
    if (r == ERR_NOT_FOUND) {
        data_check_fault(c, key, "the index entry of a record is missing");
        return 0;
    }
    struct str id = *(const struct str *)data_member(record, t->type->fields[0].offset);
    if (r == 0 && row->global && !str_eq(value, data_place_text(arena, t->scope, id))) {
        data_check_fault(c, key, "the index entry names another record");
    }
    return r;
}

/* What the record names is there, where the table says that it must be. */
static int check_named(struct check *c, const struct data_at *t, const void *record, struct str key)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < t->type->field_count; i++) {
        const struct data_field *f = &t->type->fields[i];
        const struct str *id = data_member(record, f->offset);
        if (!f->exists || id->n == 0) {
            continue;
        }
        struct arena *arena = store_arena(c->txn);
        struct str value;
        r = store_get(c->txn, data_key_record(arena, t->scope, f->exists, *id), &value);
        if (r == ERR_NOT_FOUND) {
            data_check_fault(c, key, "its %s does not exist", f->name);
            r = 0;
        }
    }
    return r;
}

static int check_record(struct check *c, const struct data_at *t, const struct store_pair *pair)
{
    c->report->records++;
    void *record = arena_alloc(store_arena(c->txn), t->type->size);
    int decoded = data_record_decode(store_arena(c->txn), t->type, pair->value, record);
    if (decoded < 0) {
        data_check_fault(c, pair->key, "%s",
                         decoded == ERR_NEWER ? "a newer program wrote it"
                                              : "the record is not well-formed");
        return 0;
    }
    struct str id = *(const struct str *)data_member(record, t->type->fields[0].offset);
    if (!str_ends(pair->key, id)) {
        data_check_fault(c, pair->key, "the record has another id");
        return 0;
    }
    if (t->type->tenant != DATA_NO_TENANT) {
        const struct str *tenant = data_member(record, (size_t)t->type->tenant);
        if (!str_eq(*tenant, t->scope->tenant_id)) {
            data_check_fault(c, pair->key, "the record is another tenant's");
        }
    }
    for (unsigned i = 1; i <= t->type->index_count; i++) {
        int r = check_entry(c, t, i, record);
        if (r < 0) {
            return r;
        }
    }
    int r = check_named(c, t, record, pair->key);
    const struct data_found found = {.txn = c->txn,
                                     .scope = t->scope,
                                     .space = DATA_SPACE_COUNT,
                                     .type = t->type,
                                     .record = record,
                                     .version = data_record_version(pair->value)};
    return r < 0 ? r : check_owner(c, &found, pair->key);
}

/* name: "{record}.{index}". */
static const struct data_type *index_named(struct str name, unsigned *ret_index)
{
    size_t dot = str_find(name, '.', 0);
    const struct data_type *type = data_type_named(str_slice(name, 0, dot));
    for (unsigned i = 1; type && i <= type->index_count; i++) {
        if (str_eq(str_slice(name, dot + 1, name.n), str_from(type->indexes[i - 1].name))) {
            *ret_index = i;
            return type;
        }
    }
    return NULL;
}

struct entry {
    struct str name; /* "{record}.{index}" */
    struct str id;
    struct scope scope;
    bool global;
};

static int check_index(struct check *c, const struct entry *e, struct str key)
{
    c->report->indexes++;
    unsigned index;
    const struct data_type *type = index_named(e->name, &index);
    if (!type || type->indexes[index - 1].global != e->global) {
        data_check_fault(c, key, "there is no such index");
        return 0;
    }
    struct data_at t = {c->txn, &e->scope, type};
    void *record = arena_alloc(store_arena(c->txn), type->size);
    int r = data_table_get(&t, e->id, record);
    if (r == ERR_NOT_FOUND) {
        data_check_fault(c, key, "the index entry has no record");
    } else if (r == 0) {
        struct data_query query = {
            .index = index, .match = record, .fixed = type->indexes[index - 1].n};
        if (!str_eq(key, data_key_index(store_arena(c->txn), &e->scope, type, &query))) {
            data_check_fault(c, key, "the index entry does not fit its record");
        }
    }
    return r == ERR_NOT_FOUND || data_unreadable(r) ? 0 : r;
}

/* Whether it names values of so many fields, each ended by a slash. */
static bool is_counted_by(struct str rest, unsigned fields)
{
    unsigned slashes = 0;
    for (size_t i = 0; i < rest.n; i++) {
        slashes += rest.p[i] == '/';
    }
    return slashes == fields && (rest.n == 0 || rest.p[rest.n - 1] == '/');
}

/* t/{tenant}/n/{record}.{index}/{values} */
static int check_count(struct check *c, struct str rest, const struct store_pair *pair)
{
    unsigned index;
    struct str name = STR_EMPTY;
    (void)str_split(&rest, '/', &name);
    const struct data_type *type = index_named(name, &index);
    uint64_t kept;
    uint64_t real = 0;
    if (!type || !type->indexes[index - 1].counted ||
        !is_counted_by(rest, type->indexes[index - 1].count_by) ||
        data_key_number_read(pair->value, &kept) < 0) {
        data_check_fault(c, pair->key, "it counts nothing");
        return 0;
    }
    int r = data_count_scan(c->txn, data_key_counted(store_arena(c->txn), pair->key), &real);
    if (r == 0 && real != kept) {
        data_check_fault(c, pair->key, "it says %llu, and there are %llu", (unsigned long long)kept,
                         (unsigned long long)real);
    }
    return r;
}

/* t/{tenant}/{space}/… */
static int check_tenant_key(struct check *c, const struct store_pair *pair)
{
    struct str rest = str_slice(pair->key, 2, pair->key.n);
    struct str tenant = STR_EMPTY;
    struct str space = STR_EMPTY;
    if (!str_split(&rest, '/', &tenant) || !data_id_is(tenant, "ten") ||
        !str_split(&rest, '/', &space) || rest.n == 0) {
        data_check_fault(c, pair->key, "the key is not well-formed");
        return 0;
    }
    struct scope scope = {.tenant_id = tenant};
    int r = check_tenant(c, &scope, pair->key);
    if (r < 0) {
        return r;
    }
    const struct data_type *type = data_type_named(space);
    if (type) {
        return check_record(c, &(struct data_at){c->txn, &scope, type}, pair);
    }
    if (str_eq(space, STR("i"))) {
        struct entry e = {.scope = scope};
        (void)str_split(&rest, '/', &e.name);
        e.id = str_slice(pair->key, pair->key.n > DATA_ID_SIZE ? pair->key.n - DATA_ID_SIZE : 0,
                         pair->key.n);
        if (pair->value.n > 0) {
            data_check_fault(c, pair->key, "the index entry says what an entry does not");
        }
        return check_index(c, &e, pair->key);
    }
    if (str_eq(space, STR("n"))) {
        return check_count(c, rest, pair);
    }
    struct data_found found = {.txn = c->txn,
                               .scope = &scope,
                               .space = space_named(space),
                               .rest = rest,
                               .value = pair->value};
    if (found.space == DATA_SPACE_COUNT) {
        data_check_fault(c, pair->key, "the key is of no known space");
        return 0;
    }
    r = check_under(c, &found, pair->key);
    return r < 0 ? r : check_owner(c, &found, pair->key);
}

/* g/{record}.{index}/…, g/key/…, g/bell/…, g/clock, g/schema/… or g/loose/… */
static int check_global_key(struct check *c, const struct store_pair *pair)
{
    if (str_starts(pair->key, STR("g/schema/"))) {
        data_check_schema(c, pair);
        return 0;
    }
    if (str_starts(pair->key, STR("g/key/")) || str_starts(pair->key, STR("g/bell/"))) {
        data_check_name(c, pair->key);
        const struct data_found found = {.txn = c->txn,
                                         .space = DATA_SPACE_COUNT,
                                         .rest = str_slice(pair->key, 2, pair->key.n),
                                         .value = pair->value};
        return check_owner(c, &found, pair->key);
    }
    uint64_t time;
    if (str_eq(pair->key, DATA_CLOCK_KEY)) {
        if (data_key_number_read(pair->value, &time) < 0) {
            data_check_fault(c, pair->key, "it is no time");
        }
        return 0;
    }
    struct data_loose loose;
    if (str_starts(pair->key, STR("g/loose/"))) {
        if (data_loose_read(pair->key, &loose) < 0 || pair->value.n > 0) {
            data_check_fault(c, pair->key, "the key is not well-formed");
            return 0;
        }
        const struct data_found found = {.txn = c->txn,
                                         .scope = &loose.scope,
                                         .space = DATA_SPACE_COUNT,
                                         .rest = str_slice(pair->key, 2, pair->key.n)};
        int r = check_tenant(c, &loose.scope, pair->key);
        return r < 0 ? r : check_owner(c, &found, pair->key);
    }
    struct str rest = str_slice(pair->key, 2, pair->key.n);
    struct entry e = {.global = true};
    (void)str_split(&rest, '/', &e.name);
    if (data_place_read(pair->value, &e.scope.tenant_id, &e.id) < 0) {
        data_check_fault(c, pair->key, "the index entry names no record");
        return 0;
    }
    return check_index(c, &e, pair->key);
}

static int check_key(struct check *c, const struct store_pair *pair)
{
    c->report->keys++;
    if (str_starts(pair->key, STR("t/"))) {
        return check_tenant_key(c, pair);
    }
    if (str_starts(pair->key, STR("g/"))) {
        return check_global_key(c, pair);
    }
    data_check_feed(c, pair);
    return 0;
}

/* Back to what it was: a page may be judged more than once, a key in more than one page. */
static void report_back(struct data_report *r, const struct data_report *before)
{
    r->keys = before->keys;
    r->records = before->records;
    r->indexes = before->indexes;
    r->faults = before->faults;
    while (r->lines.n > before->lines.n) {
        mem_free(r->lines.at[--r->lines.n]);
    }
}

/* A key, or what one snapshot does of it: it is looked at once it is judged to its end. */
static int check_slice(struct check *c, const struct store_pair *pair)
{
    const struct data_report before = *c->report;
    c->slice.more = false;
    int r = check_key(c, pair);
    if (c->slice.more) {
        report_back(c->report, &before);
    } else {
        c->slice = (struct data_slice){.more = false};
    }
    return r;
}

static int check_page(struct txn *txn, void *ctx)
{
    struct check *c = ctx;
    c->txn = txn;
    c->slice = c->slice_before;
    report_back(c->report, &c->before);
    struct store_range range = {.begin = c->from, .end = c->end, .limit = PAGE};
    struct store_pair *pairs;
    size_t n;
    int r = store_scan(txn, &range, &pairs, &n);
    if (r == 0 && (n == 0 || !str_eq(pairs[0].key, c->from))) {
        c->slice = (struct data_slice){.more = false}; /* what it was of has gone */
    }
    size_t judged = 0;
    size_t scanned = store_arena(txn)->total; /* large values may be as much by themselves */
    while (r == 0 && judged < n &&
           (judged == 0 || (!c->slice.more && store_arena(txn)->total - scanned < PAGE_MEMORY))) {
        r = check_slice(c, &pairs[judged++]);
    }
    if (r < 0) {
        return r;
    }
    c->done = judged == n && n < PAGE && !c->slice.more;
    if (!c->done) {
        struct str last = pairs[judged - 1].key;
        char *next = arena_alloc(c->arena, last.n + 1);
        memcpy(next, last.p, last.n);
        c->next = str_of(next, c->slice.more ? last.n : last.n + 1);
    }
    return 0;
}

static int go_on(void *ctx, const struct data_report *so_far)
{
    (void)ctx;
    (void)so_far;
    return 0;
}

int data_check(struct store *store, data_judge *judge, struct data_report *ret_report)
{
    return data_check_watched(store, judge, &(struct data_watch){.page = go_on}, ret_report);
}

int data_check_watched(struct store *store, data_judge *judge, const struct data_watch *watch,
                       struct data_report *ret_report)
{
    /* All keys but the store's own ("meta/", "op/" and what begins with byte 255). */
    static const struct {
        struct str from, end;
    } parts[] = {
        {{"\0", 1}, {"meta/", 5}},
        {{"meta0", 5}, {"op/", 3}},
        {{"op0", 3}, {"\xff", 1}},
    };
    ARENA_AUTO(arena);
    *ret_report = (struct data_report){0};
    struct check c = {.arena = &arena, .judge = judge, .report = ret_report};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        c.from = parts[i].from;
        c.end = parts[i].end;
        for (c.done = false; !c.done;) {
            c.before = *ret_report;
            c.slice_before = c.slice;
            int r = store_read(store, check_page, &c);
            r = r < 0 ? r : watch->page(watch->ctx, ret_report);
            if (r < 0) {
                return r;
            }
            c.from = c.next;
        }
    }
    return 0;
}

void data_report_fini(struct data_report *report)
{
    for (size_t i = 0; i < report->lines.n; i++) {
        mem_free(report->lines.at[i]);
    }
    VEC_FREE(&report->lines);
}
