/*
 * Pages of an index. A cursor is base64url of what stands behind the part of the key that is fixed by the query: whatever a
 * client makes of it, the scan stays between the prefix and the end of the prefix, so it can name nothing of anybody else.
 * It marks a place between entries, not an entry: records that come or go meanwhile neither repeat nor hide others.
 *
 * An entry without its record is the checker's business. Here it is told once and passed over: a person's other sessions, and a duty's
 * work for all other tenants, go on. For duties the same goes for a record that cannot be read.
 */
#include <stdatomic.h>

#include "base/encode.h"
#include "base/log.h"
#include "data/data_int.h"

struct row {
    struct str key;          /* its entry's; by id, its own */
    struct data_place place; /* its record: of a query that passes over what cannot be read */
    struct str value;        /* as it is stored */
};

struct scan {
    struct str prefix;
    struct row *rows;
    size_t n;
    bool more;
};

static int cursor_read(struct arena *arena, struct str cursor, struct str *ret_place)
{
    BUF_AUTO(place, DATA_MAX_KEY);
    if (cursor.n > DATA_MAX_CURSOR || encode_unbase64url(&place, cursor) < 0 || place.error < 0 ||
        place.n == 0) {
        return ERR_INVALID;
    }
    *ret_place = arena_str(arena, buf_str(&place));
    return 0;
}

static struct str cursor_text(struct arena *arena, struct str prefix, struct str key)
{
    BUF_AUTO(text, DATA_MAX_CURSOR * 2);
    encode_base64url(&text, str_slice(key, prefix.n, key.n));
    ASSERT(text.error == 0);
    return arena_str(arena, buf_str(&text));
}

struct str data_cursor_until(struct arena *arena, const char *prefix, usec_t until)
{
    BUF_AUTO(id, DATA_ID_ROOM);
    buf_printf(&id, "%s-", prefix);
    encode_base32(&id, (uint64_t)(until / USEC_PER_MS) + 1, 50);
    encode_base32(&id, 0, 40);
    encode_base32(&id, 0, 40);
    ASSERT(id.error == 0 && id.n == DATA_ID_SIZE);
    return cursor_text(arena, STR_EMPTY, buf_str(&id));
}

static struct str joined(struct arena *arena, struct str a, struct str b, bool behind)
{
    size_t n = a.n + b.n + (behind ? 1 : 0);
    char *p = arena_alloc(arena, n);
    memcpy(p, a.p, a.n);
    if (b.n > 0) {
        memcpy(p + a.n, b.p, b.n);
    }
    return str_of(p, n);
}

static struct str query_prefix(const struct data_at *t, const struct data_query *query)
{
    struct arena *arena = store_arena(t->txn);
    if (query->index == DATA_BY_ID) {
        ASSERT(data_id_is(t->scope->tenant_id, "ten"));
        return arena_printf(arena, "t/" STR_FMT "/%s/", STR_ARG(t->scope->tenant_id),
                            t->type->name);
    }
    return data_key_index_prefix(arena, t->scope, t->type, query);
}

/* Once for each index: who reads it knows what to look for, and a duty reads it each second. index 0: the records themselves. */
static void tell_passed_over(const struct data_at *t, unsigned index, bool dangling)
{
    static _Atomic uint64_t told[2];
    unsigned bit = index;
    for (const struct data_type *const *one = data_types; *one != t->type; one++) {
        bit += (*one)->index_count + 1;
    }
    uint64_t mask = 1ULL << (bit % 64);
    if ((atomic_fetch_or(&told[dangling], mask) & mask) == 0) {
        log_error("data", "%s.%s has %s, which is passed over: run --check", t->type->name,
                  index == DATA_BY_ID ? "id" : t->type->indexes[index - 1].name,
                  dangling ? "an entry without its record" : "a record that cannot be read");
    }
}

/* The record, where it is to be passed over when it cannot be read. */
static int row_read(const struct data_at *t, const struct data_query *query, struct row *row)
{
    bool global = query->index != DATA_BY_ID && t->type->indexes[query->index - 1].global;
    if (!global && !query->pass_over) {
        return 0;
    }
    struct arena *arena = store_arena(t->txn);
    void *record = arena_alloc(arena, t->type->size);
    int r = data_record_decode(arena, t->type, row->value, record);
    row->place.record = r == 0 ? record : NULL;
    return r;
}

/* ERR_NOT_FOUND: the entry names no record. */
static int row_find(const struct data_at *t, const struct data_query *query,
                    const struct store_pair *pair, struct row *ret_row)
{
    struct row row = {.key = pair->key, .value = pair->value};
    if (query->index == DATA_BY_ID) {
        int r = row_read(t, query, &row);
        *ret_row = row;
        return r;
    }
    if (t->type->indexes[query->index - 1].global) {
        if (data_place_read(pair->value, &row.place.scope.tenant_id, &row.place.id) < 0) {
            return ERR_NOT_FOUND;
        }
    } else {
        row.place.scope.tenant_id = t->scope->tenant_id;
        row.place.id = str_slice(pair->key, pair->key.n - DATA_ID_SIZE, pair->key.n);
    }
    if (!data_id_is(row.place.id, t->type->prefix)) {
        return ERR_NOT_FOUND;
    }
    struct arena *arena = store_arena(t->txn);
    int r = store_get(t->txn, data_key_record(arena, &row.place.scope, t->type, row.place.id),
                      &row.value);
    r = r < 0 ? r : row_read(t, query, &row);
    if (r == 0) {
        *ret_row = row;
    }
    return r;
}

/* Where the scan begins: all of the query, or what is behind its cursor. */
static int query_range(const struct data_at *t, const struct data_query *query, struct str prefix,
                       struct store_range *ret_range)
{
    struct arena *arena = store_arena(t->txn);
    struct store_range range = {
        .begin = prefix, .end = store_after(arena, prefix), .reverse = query->reverse};
    if (query->cursor.n > 0) {
        struct str place;
        int r = cursor_read(arena, query->cursor, &place);
        if (r < 0) {
            return r;
        }
        struct str key = joined(arena, prefix, place, /* behind= */ !query->reverse);
        *(query->reverse ? &range.end : &range.begin) = key;
    }
    *ret_range = range;
    return 0;
}

/* Adds the rows of what is next in the range, at most range->limit, and moves the range behind it. */
static int scan_add(const struct data_at *t, const struct data_query *query,
                    struct store_range *range, struct scan *s)
{
    struct arena *arena = store_arena(t->txn);
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(t->txn, range, &pairs, &count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = row_find(t, query, &pairs[i], &s->rows[s->n]);
        s->n += r == 0;
        if (r == ERR_NOT_FOUND || data_unreadable(r)) {
            tell_passed_over(t, query->index, r == ERR_NOT_FOUND);
            if (query->ret_passed) {
                *query->ret_passed = true;
            }
            r = 0;
        }
    }
    if (r == 0 && count > 0) {
        struct str last = pairs[count - 1].key;
        *(range->reverse ? &range->end : &range->begin) =
            joined(arena, last, STR_EMPTY, /* behind= */ !range->reverse);
    }
    return r < 0 ? r : count == range->limit ? 0 : ERR_NOT_FOUND;
}

static int query_scan(const struct data_at *t, const struct data_query *query,
                      struct scan *ret_scan)
{
    ASSERT(query->limit >= 1 && query->limit <= DATA_MAX_LIST);
    if (data_in_link(t->scope)) {
        return ERR_FORBIDDEN;
    }
    struct scan s = {.prefix = query_prefix(t, query),
                     .rows = ARENA_ARRAY(store_arena(t->txn), struct row, query->limit + 1)};
    ASSERT(s.prefix.n > 0);
    struct store_range range;
    int r = query_range(t, query, s.prefix, &range);
    while (r == 0 && s.n <= query->limit) {
        range.limit = query->limit + 1 - s.n;
        r = scan_add(t, query, &range, &s);
    }
    if (r < 0 && r != ERR_NOT_FOUND) { /* that: the end */
        return r;
    }
    s.more = s.n > query->limit;
    s.n = s.more ? query->limit : s.n;
    *ret_scan = s;
    return 0;
}

int data_table_list(const struct data_at *t, const struct data_query *query,
                    struct data_rows *ret_rows)
{
    ASSERT(query->index == DATA_BY_ID || !t->type->indexes[query->index - 1].global);
    struct arena *arena = store_arena(t->txn);
    struct scan s;
    int r = query_scan(t, query, &s);
    if (r < 0) {
        return r;
    }
    struct data_rows rows = {.at = arena_array(arena, t->type->size, s.n ? s.n : 1), .n = s.n};
    for (size_t i = 0; i < s.n; i++) {
        void *to = (char *)rows.at + i * t->type->size;
        if (s.rows[i].place.record) {
            memcpy(to, s.rows[i].place.record, t->type->size);
            continue;
        }
        r = data_record_decode(arena, t->type, s.rows[i].value, to);
        if (r < 0) {
            return r;
        }
    }
    if (s.more) {
        rows.next = cursor_text(arena, s.prefix, s.rows[s.n - 1].key);
    }
    *ret_rows = rows;
    return 0;
}

int data_count(struct txn *txn, const struct data_count_of *of, const struct data_query *query,
               size_t *ret_count)
{
    ASSERT(query->cursor.n == 0);
    if (data_in_link(of->scope)) {
        return ERR_FORBIDDEN;
    }
    struct arena *arena = store_arena(txn);
    struct str prefix = query_prefix(&(struct data_at){txn, of->scope, of->type}, query);
    ASSERT(prefix.n > 0);
    struct store_range range = {
        .begin = prefix, .end = store_after(arena, prefix), .limit = query->limit};
    struct store_pair *pairs;
    return store_scan(txn, &range, &pairs, ret_count);
}

int data_places(struct txn *txn, const struct data_type *type, const struct data_query *query,
                struct data_place **ret_places, size_t *ret_count)
{
    ASSERT(query->index >= 1 && type->indexes[query->index - 1].global);
    struct data_at t = {txn, NULL, type};
    struct arena *arena = store_arena(txn);
    struct scan s;
    int r = query_scan(&t, query, &s);
    if (r < 0) {
        return r;
    }
    struct data_place *places = ARENA_ARRAY(arena, struct data_place, s.n ? s.n : 1);
    for (size_t i = 0; i < s.n; i++) {
        places[i] = s.rows[i].place;
        places[i].cursor = cursor_text(arena, s.prefix, s.rows[i].key);
    }
    *ret_places = places;
    *ret_count = s.n;
    return 0;
}

static int place_by(struct txn *txn, const struct data_type *type, const struct data_query *query,
                    struct data_place *ret_place)
{
    struct str value;
    int r = store_get(txn, data_key_index(store_arena(txn), NULL, type, query), &value);
    if (r < 0) {
        return r;
    }
    struct data_place place = {.id = STR_EMPTY};
    r = data_place_read(value, &place.scope.tenant_id, &place.id);
    if (r == 0) {
        *ret_place = place;
    }
    return r;
}

int data_user_by_email(struct txn *txn, struct str email, struct scope *ret_scope)
{
    ASSERT(email.n > 0);
    struct data_user match = {.email = email};
    struct data_place place;
    int r = place_by(txn, &data_user_type,
                     &(struct data_query){.index = DATA_USER_BY_EMAIL, .match = &match, .fixed = 1},
                     &place);
    if (r == 0) {
        *ret_scope = (struct scope){.tenant_id = place.scope.tenant_id, .user_id = place.id};
    }
    return r;
}

int data_identity_by_subject(struct txn *txn, const struct data_identity *match,
                             struct data_place *ret_place)
{
    ASSERT(match->subject.n > 0);
    struct data_query query = {.index = DATA_IDENTITY_BY_SUBJECT, .match = match, .fixed = 2};
    return place_by(txn, &data_identity_type, &query, ret_place);
}

int data_login_by_id(struct txn *txn, struct str login_id, struct scope *ret_scope)
{
    if (!data_id_is(login_id, "log")) {
        return ERR_NOT_FOUND;
    }
    struct data_login match = {.id = login_id};
    struct data_place place;
    int r = place_by(txn, &data_login_type,
                     &(struct data_query){.index = DATA_LOGIN_BY_ID, .match = &match, .fixed = 1},
                     &place);
    if (r == 0) {
        *ret_scope = (struct scope){.tenant_id = place.scope.tenant_id, .login_id = place.id};
    }
    return r;
}

int data_apikey_by_id(struct txn *txn, struct str key_id, struct scope *ret_scope)
{
    if (!data_id_is(key_id, "key")) {
        return ERR_NOT_FOUND;
    }
    struct data_apikey match = {.id = key_id};
    struct data_place place;
    int r = place_by(txn, &data_apikey_type,
                     &(struct data_query){.index = DATA_APIKEY_BY_ID, .match = &match, .fixed = 1},
                     &place);
    if (r == 0) {
        *ret_scope = (struct scope){.tenant_id = place.scope.tenant_id};
    }
    return r;
}

int data_link_by_id(struct txn *txn, struct str link_id, struct scope *ret_scope)
{
    if (!data_id_is(link_id, "lnk")) {
        return ERR_NOT_FOUND;
    }
    struct data_link match = {.id = link_id};
    struct data_place place;
    int r = place_by(txn, &data_link_type,
                     &(struct data_query){.index = DATA_LINK_BY_ID, .match = &match, .fixed = 1},
                     &place);
    if (r == 0) {
        *ret_scope = (struct scope){.tenant_id = place.scope.tenant_id};
    }
    return r;
}
