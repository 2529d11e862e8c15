/*
 * All keys. Readable text:
 *     t/{tenant}/{record}/{id}                          a record
 *     t/{tenant}/{space}/{part}/…                       what another folder keeps (spaces of spec/records.yaml)
 *     t/{tenant}/i/{record}.{index}/{value}/…/{id}      an index within a tenant
 *     t/{tenant}/n/{record}.{index}/{value}/…           how many entries of a counted index have these values
 *     g/{record}.{index}/{value}[/…/{id}]               an index over all tenants, naming {tenant}/{id}
 *     g/key/{name}                                      the server's secrets
 *     g/clock                                           the time that deletions by age go by
 *     g/bell/{name}                                     rung when a duty has work
 *     g/schema/{record}                                 the newest version of the record that was written
 *     g/loose/{hour}/{tenant}/{hash}                    content that nothing names, for the collector
 *
 * 1. What stands behind t/ is the scope's tenant, a checked id: no key of another tenant can be made.
 * 2. No part but the last contains '/': two different lists of parts never give one key.
 * 3. Numbers and times have a fixed width, so that byte order is their order.
 * 4. A link's scope (link_session) makes keys of its session, of content and of the tenant's settings; indexes are not for it.
 */
#include "data/data_int.h"

static void tenant_prefix(struct buf *b, const struct scope *scope)
{
    ASSERT(data_id_is(scope->tenant_id, "ten"));
    buf_add(b, STR("t/"));
    buf_add(b, scope->tenant_id);
    buf_byte(b, '/');
}

static struct str key_done(struct arena *arena, const struct buf *b)
{
    ASSERT(b->error == 0);
    return arena_str(arena, buf_str(b));
}

static void check_part(const struct data_key_parts *parts, size_t i)
{
    bool last = i + 1 == parts->n;
    struct str part = parts->at[i];
    ASSERT(part.n >= 1 && part.n <= DATA_MAX_NAME);
    ASSERT((last && !parts->prefix) || str_find(part, '/', 0) == part.n);
}

/* Of a link's scope. What is content is named by a hash that only the session's own records tell. */
static bool link_may(const struct scope *scope, enum data_space space, struct str first)
{
    switch (space) {
    case DATA_SPACE_CHUNK:
    case DATA_SPACE_STORED:
        return true;
    case DATA_SPACE_SETTING:
        return str_eq(first, scope->tenant_id);
    case DATA_SPACE_DESK: /* a person's */
        return false;
    default:
        return str_eq(first, scope->link_session);
    }
}

struct str data_key(struct arena *arena, const struct scope *scope, enum data_space space,
                    const struct data_key_parts *parts)
{
    enum { MOST = sizeof parts->at / sizeof parts->at[0] };
    ASSERT(space < DATA_SPACE_COUNT && data_id_is(scope->tenant_id, "ten"));
    ASSERT(parts->n >= 1 && parts->n <= MOST);
    ASSERT(scope->link_session.n == 0 || link_may(scope, space, parts->at[0]));
    struct str texts[4 + 2 * MOST + 1] = {STR("t/"), scope->tenant_id, STR("/"),
                                          str_from(data_spaces[space])};
    size_t n = 4;
    for (size_t i = 0; i < parts->n; i++) {
        check_part(parts, i);
        texts[n++] = STR("/");
        texts[n++] = parts->at[i];
    }
    if (parts->prefix) {
        texts[n++] = STR("/");
    }
    return arena_join(arena, texts, n);
}

struct str data_key_number(struct arena *arena, uint64_t number)
{
    return arena_printf(arena, "%016llx", (unsigned long long)number);
}

int data_key_number_read(struct str text, uint64_t *ret_number)
{
    if (text.n != 16) {
        return ERR_INVALID;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'f')) {
            return ERR_INVALID;
        }
        number = number << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    *ret_number = number;
    return 0;
}

int data_key_number_last(struct str key, uint64_t *ret_number)
{
    enum { SIZE = 16 };
    bool bad =
        key.n < SIZE || data_key_number_read(str_slice(key, key.n - SIZE, key.n), ret_number) < 0;
    return bad ? ERR_CORRUPT : 0;
}

struct str data_key_secret(struct arena *arena, const char *name)
{
    for (const char *c = name; *c; c++) {
        ASSERT((*c >= 'a' && *c <= 'z') || *c == '-');
    }
    return arena_printf(arena, "g/key/%s", name);
}

struct str data_key_bell(struct arena *arena, const char *name)
{
    return arena_printf(arena, "g/bell/%s", name);
}

struct str data_key_schema(struct arena *arena, const struct data_type *type)
{
    return arena_printf(arena, "g/schema/%s", type->name);
}

struct str data_key_loose(struct arena *arena, const struct data_loose *loose)
{
    ASSERT(data_id_is(loose->scope.tenant_id, "ten") && loose->hash.n > 0);
    return arena_printf(arena, "g/loose/%016llx/" STR_FMT "/" STR_FMT,
                        (unsigned long long)loose->hour, STR_ARG(loose->scope.tenant_id),
                        STR_ARG(loose->hash));
}

int data_loose_read(struct str key, struct data_loose *ret_loose)
{
    struct data_loose loose = {.hour = 0};
    struct str rest = str_slice(key, strlen("g/loose/"), key.n);
    struct str hour;
    if (!str_starts(key, STR("g/loose/")) || !str_split(&rest, '/', &hour) ||
        data_key_number_read(hour, &loose.hour) < 0 ||
        !str_split(&rest, '/', &loose.scope.tenant_id) ||
        !data_id_is(loose.scope.tenant_id, "ten") || rest.n == 0) {
        return ERR_CORRUPT;
    }
    loose.hash = rest;
    *ret_loose = loose;
    return 0;
}

int data_loose_list(struct txn *txn, uint64_t before, struct data_loose **ret_loose,
                    size_t *ret_count)
{
    struct arena *arena = store_arena(txn);
    struct store_range range = {
        .begin = STR("g/loose/"),
        .end = arena_printf(arena, "g/loose/%016llx", (unsigned long long)before),
        .limit = DATA_MAX_LIST};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(txn, &range, &pairs, &count);
    if (r < 0) {
        return r;
    }
    struct data_loose *loose = ARENA_ARRAY(arena, struct data_loose, count + 1);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        n += data_loose_read(pairs[i].key, &loose[n]) == 0;
    }
    *ret_loose = loose;
    *ret_count = n;
    return 0;
}

int data_tenant_next(struct txn *txn, struct str after, struct str *ret_tenant)
{
    struct arena *arena = store_arena(txn);
    struct store_range range = {STR("t/"), STR("t0"), .limit = 1};
    if (after.n > 0) {
        range.begin = store_after(arena, arena_printf(arena, "t/" STR_FMT "/", STR_ARG(after)));
    }
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(txn, &range, &pairs, &count);
    if (r < 0 || count == 0) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    struct str rest = str_slice(pairs[0].key, 2, pairs[0].key.n);
    struct str id = STR_EMPTY;
    if (!str_split(&rest, '/', &id) || !data_id_is(id, "ten")) {
        return ERR_CORRUPT;
    }
    *ret_tenant = id;
    return 0;
}

bool data_key_tenant(struct str key, struct str *ret_tenant)
{
    struct str rest = str_slice(key, 2, key.n);
    struct str tenant = STR_EMPTY;
    if (!str_starts(key, STR("t/")) || !str_split(&rest, '/', &tenant) ||
        !data_id_is(tenant, "ten") || rest.n == 0) {
        return false;
    }
    *ret_tenant = tenant;
    return true;
}

static enum data_belonging belongs_within(struct str tenant, struct str rest)
{
    bool login = str_starts(rest, STR("login/")) || str_starts(rest, STR("i/login.")) ||
                 str_starts(rest, STR("n/login."));
    bool own = str_starts(rest, STR("tenant/")) &&
               str_eq(str_slice(rest, strlen("tenant/"), rest.n), tenant);
    return login ? DATA_ALIEN : own ? DATA_OWN_RECORD : DATA_OWN;
}

enum data_belonging data_key_belongs(struct str tenant, struct str key, struct str value)
{
    struct str owner = STR_EMPTY;
    struct str id = STR_EMPTY;
    struct data_loose loose = {.hour = 0};
    if (data_key_tenant(key, &owner)) {
        return str_eq(owner, tenant)
                   ? belongs_within(tenant, str_slice(key, 2 + DATA_ID_SIZE + 1, key.n))
                   : DATA_ALIEN;
    }
    if (!str_starts(key, STR("g/")) || str_starts(key, STR("g/key/")) ||
        str_starts(key, STR("g/bell/")) || str_starts(key, STR("g/login."))) {
        return DATA_ALIEN;
    }
    bool own = str_starts(key, STR("g/loose/"))
                   ? data_loose_read(key, &loose) == 0 && str_eq(loose.scope.tenant_id, tenant)
                   : data_place_read(value, &owner, &id) == 0 && str_eq(owner, tenant);
    return own ? DATA_OWN_ABROAD : DATA_ALIEN;
}

void data_tenant_clear(struct txn *txn, const struct scope *scope)
{
    BUF_AUTO(begin, 64);
    BUF_AUTO(end, 64);
    tenant_prefix(&begin, scope);
    buf_add(&end, str_slice(buf_str(&begin), 0, begin.n - 1));
    buf_byte(&end, '/' + 1);
    struct arena *arena = store_arena(txn);
    store_delete_range(txn, key_done(arena, &begin), key_done(arena, &end));
}

struct str data_feed_tenant(struct arena *arena, const struct scope *scope)
{
    ASSERT(data_id_is(scope->tenant_id, "ten"));
    return arena_printf(arena, "tenant/" STR_FMT, STR_ARG(scope->tenant_id));
}

struct str data_feed_session(struct arena *arena, struct str tree_id)
{
    ASSERT(data_is_tree(tree_id));
    return arena_printf(arena, "session/" STR_FMT, STR_ARG(tree_id));
}

struct str data_key_record(struct arena *arena, const struct scope *scope,
                           const struct data_type *type, struct str id)
{
    ASSERT(data_id_is(id, type->prefix) && data_id_is(scope->tenant_id, "ten"));
    ASSERT(scope->link_session.n == 0 || str_eq(id, scope->link_session));
    struct str parts[] = {STR("t/"), scope->tenant_id, STR("/"), str_from(type->name), STR("/"),
                          id};
    return arena_join(arena, parts, sizeof parts / sizeof parts[0]);
}

/* False: the field is absent, so there is no entry. */
static bool add_value(struct buf *b, const struct data_field *f, const void *member)
{
    const struct str *text = member;
    switch (f->kind) {
    case DATA_ID:
    case DATA_TEXT:
        buf_add(b, *text);
        return text->n > 0;
    case DATA_ENUM:
        ASSERT(*(const int *)member >= 1 && *(const int *)member <= f->max);
        buf_add(b, str_from(f->words[*(const int *)member]));
        return true;
    case DATA_INT:
        buf_printf(b, "%016llx", (unsigned long long)*(const int64_t *)member);
        return !f->optional || *(const int64_t *)member != 0;
    case DATA_BOOL:
        buf_byte(b, *(const bool *)member ? '1' : '0');
        return true;
    case DATA_TIME:
        buf_printf(b, "%012llx", (unsigned long long)(*(const usec_t *)member / USEC_PER_MS));
        return *(const usec_t *)member != 0;
    }
    UNREACHABLE();
}

static bool add_index(struct buf *b, const struct scope *scope, const struct data_type *type,
                      const struct data_query *query)
{
    ASSERT(query->index >= 1 && query->index <= type->index_count);
    ASSERT(!scope || scope->link_session.n == 0);
    const struct data_index *index = &type->indexes[query->index - 1];
    ASSERT(query->fixed <= index->n && (query->fixed == 0 || query->match));
    if (index->global) {
        buf_add(b, STR("g/"));
    } else {
        tenant_prefix(b, scope);
        buf_add(b, STR("i/"));
    }
    buf_printf(b, "%s.%s/", type->name, index->name);
    for (unsigned i = 0; i < query->fixed; i++) {
        const struct data_field *f = &type->fields[index->fields[i]];
        if (!add_value(b, f, data_member(query->match, f->offset))) {
            return false;
        }
        if (!(index->unique && i + 1 == index->n)) {
            buf_byte(b, '/');
        }
    }
    return true;
}

struct str data_key_index_prefix(struct arena *arena, const struct scope *scope,
                                 const struct data_type *type, const struct data_query *query)
{
    BUF_AUTO(b, DATA_MAX_KEY);
    return add_index(&b, scope, type, query) ? key_done(arena, &b) : STR_EMPTY;
}

struct str data_key_index(struct arena *arena, const struct scope *scope,
                          const struct data_type *type, const struct data_query *query)
{
    const struct data_index *index = &type->indexes[query->index - 1];
    ASSERT(query->fixed == index->n);
    BUF_AUTO(b, DATA_MAX_KEY);
    if (!add_index(&b, scope, type, query)) {
        return STR_EMPTY;
    }
    if (!index->unique) {
        buf_add(&b, *(const struct str *)data_member(query->match, type->fields[0].offset));
    }
    return key_done(arena, &b);
}

/* Both kinds of key differ in the letter behind the tenant. */
static struct str with_letter(struct arena *arena, struct str key, char letter)
{
    enum { AT = 2 + DATA_ID_SIZE + 1 };
    ASSERT(key.n > AT && key.p[AT + 1] == '/');
    char *p = arena_alloc(arena, key.n);
    memcpy(p, key.p, key.n);
    p[AT] = letter;
    return str_of(p, key.n);
}

struct str data_key_count(struct arena *arena, struct str index_prefix)
{
    return with_letter(arena, index_prefix, 'n');
}

struct str data_key_counted(struct arena *arena, struct str count_key)
{
    return with_letter(arena, count_key, 'i');
}

struct str data_place_text(struct arena *arena, const struct scope *scope, struct str id)
{
    return arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(scope->tenant_id), STR_ARG(id));
}

int data_place_read(struct str text, struct str *ret_tenant, struct str *ret_id)
{
    size_t slash = str_find(text, '/', 0);
    struct str tenant = str_slice(text, 0, slash);
    struct str id = str_slice(text, slash + 1, text.n);
    if (!data_id_is(tenant, "ten") || id.n != DATA_ID_SIZE) {
        return ERR_CORRUPT;
    }
    *ret_tenant = tenant;
    *ret_id = id;
    return 0;
}
