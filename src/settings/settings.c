/*
 * Settings of people and tenants. Stored under setting/{tenant or person}/{category}.{key} as JSON.
 *
 * 1. Only what its row allows is stored; what is read is held against the row again, which may have changed since.
 * 2. There are at most as many stored values of one tenant or person as the table has rows.
 * 3. A value's revision is made from what is stored, and not kept: who set a value and sets it back has changed nothing.
 * 4. A change to what is stored already changes nothing; a guarded one, whatever revision it was made of: it may be one whose answer was
 *    lost, made again (RFC 9110, 13.1.1).
 */
#include "settings/settings.h"

#include "base/assert.h"
#include "content/content.h"
#include "data/check.h"

/* Bytes of a value as JSON: each character of a text escaped, each byte of patterns at most doubled (they have no others that are
 * escaped than quotes, backslashes and ends of lines), and room. */
enum { VALUE_MAX = 2 * CONTENT_MAX_PATTERN_BYTES + 64 };
enum { REVISION_BYTES = 6 };
_Static_assert((int)VALUE_MAX > 6 * SETTINGS_MAX_TEXT && (int)VALUE_MAX <= (int)STORE_MAX_VALUE,
               "");

/* ---- Values ---- */

static bool is_line(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((uint8_t)s.p[i] < 0x20 || (uint8_t)s.p[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool fits_patterns(const struct settings_row *row, const struct json *value)
{
    size_t line;
    const char *why;
    return value->kind == JSON_STRING && value->string.n <= (size_t)row->most &&
           content_ignore_check(value->string, &line, &why) == 0;
}

static bool fits(const struct settings_row *row, const struct json *value)
{
    switch (row->type) {
    case SETTINGS_CHOICE:
        for (size_t i = 0; value->kind == JSON_STRING && row->choices[i]; i++) {
            if (str_eq(value->string, str_from(row->choices[i]))) {
                return true;
            }
        }
        return false;
    case SETTINGS_NUMBER:
        return value->kind == JSON_INTEGER && value->integer >= row->least &&
               value->integer <= row->most;
    case SETTINGS_BOOLEAN:
        return value->kind == JSON_BOOL;
    case SETTINGS_TEXT: {
        int64_t length = value->kind == JSON_STRING && is_line(value->string)
                             ? (int64_t)data_text_length(value->string)
                             : 0;
        return length >= row->least && length <= row->most;
    }
    case SETTINGS_PATTERNS:
        return fits_patterns(row, value);
    }
    UNREACHABLE();
}

static void refuse_patterns(struct buf *text, const struct json *value)
{
    size_t line = 0;
    const char *why = "";
    if (value->kind != JSON_STRING) {
        buf_printf(text, "must be a text of lines");
    } else if (content_ignore_check(value->string, &line, &why) != 0 && line > 0) {
        buf_printf(text, "must be patterns as in .gitignore; line %zu: %s", line, why);
    } else {
        buf_printf(text, "must be patterns as in .gitignore: %s", why);
    }
}

/* In words, what would have been right. */
static int refuse(struct data_context *ctx, const struct settings_row *row,
                  const struct json *value)
{
    BUF_AUTO(text, 1024);
    switch (row->type) {
    case SETTINGS_CHOICE:
        buf_printf(&text, "must be one of ");
        for (size_t i = 0; row->choices[i]; i++) {
            buf_printf(&text, "%s%s", i > 0 ? ", " : "", row->choices[i]);
        }
        break;
    case SETTINGS_NUMBER:
        buf_printf(&text, "must be a whole number between %lld and %lld", (long long)row->least,
                   (long long)row->most);
        break;
    case SETTINGS_BOOLEAN:
        buf_printf(&text, "must be true or false");
        break;
    case SETTINGS_TEXT:
        buf_printf(&text, "must be a line of %lld to %lld characters", (long long)row->least,
                   (long long)row->most);
        break;
    case SETTINGS_PATTERNS:
        refuse_patterns(&text, value);
        break;
    }
    ctx->fault = (struct data_fault){.field = STR("value"),
                                     .message = arena_str(ctx->arena, buf_str(&text))};
    return ERR_INVALID;
}

static struct str written(struct arena *arena, const struct json *value)
{
    BUF_AUTO(text, VALUE_MAX);
    struct json_writer w;
    struct json plain = *value; /* without the name that it had in a body */
    plain.name = STR_EMPTY;
    json_writer_init(&w, &text);
    json_value(&w, &plain);
    ASSERT(text.error == 0);
    return arena_str(arena, buf_str(&text));
}

/* What is stored, or empty when the row does not allow it. */
static struct str kept(struct arena *arena, const struct settings_row *row, struct str stored)
{
    struct json *value;
    bool good = stored.n > 0 && json_parse(arena, stored, &value, NULL) == 0 && fits(row, value);
    return good ? stored : STR_EMPTY;
}

/* ---- Reading ---- */

static struct str key_of(struct arena *arena, const struct scope *scope,
                         const struct settings_row *row, enum settings_scope of)
{
    struct str owner = of == SETTINGS_OF_USER ? scope->user_id : scope->tenant_id;
    ASSERT(owner.n > 0);
    return DATA_KEY(arena, scope, DATA_SPACE_SETTING, owner,
                    arena_printf(arena, "%s.%s", row->category, row->key));
}

/* As it is stored, in the request's arena; empty: it is not. */
static int value_get(struct txn *txn, struct data_context *ctx, struct str key,
                     struct str *ret_value)
{
    struct str value = STR_EMPTY;
    int r = store_get(txn, key, &value);
    if (r == 0 || r == ERR_NOT_FOUND) {
        *ret_value = r == 0 ? arena_str(ctx->arena, value) : STR_EMPTY;
        return 0;
    }
    return r;
}

static int view_get(struct txn *txn, struct data_context *ctx, struct settings_view *view)
{
    const struct scope *scope = &ctx->scope;
    view->user = STR_EMPTY;
    int r = value_get(txn, ctx, key_of(store_arena(txn), scope, view->row, SETTINGS_OF_TENANT),
                      &view->tenant);
    if (r == 0 && view->row->scope == SETTINGS_OF_USER) {
        r = value_get(txn, ctx, key_of(store_arena(txn), scope, view->row, SETTINGS_OF_USER),
                      &view->user);
    }
    return r;
}

/* Of a value as it is stored, or of none; exact also where numbers are doubles. */
static int64_t revision_of(struct str stored)
{
    struct content_hash hash;
    content_hash(stored, &hash);
    int64_t revision = 0;
    for (size_t i = 0; i < REVISION_BYTES; i++) {
        revision = revision << 8 | hash.bytes[i];
    }
    return revision + 1;
}

/* Behind the transaction: stored values are parsed. */
static void view_done(struct data_context *ctx, struct settings_view *view)
{
    view->user_revision = revision_of(view->user);
    view->tenant_revision = revision_of(view->tenant);
    view->user = kept(ctx->arena, view->row, view->user);
    view->tenant = kept(ctx->arena, view->row, view->tenant);
    view->value = view->user.n > 0     ? view->user
                  : view->tenant.n > 0 ? view->tenant
                                       : str_from(view->row->standard);
}

struct all {
    struct data_context *ctx;
    struct settings_view *views; /* result */
};

static int all_fn(struct txn *txn, void *ctx)
{
    struct all *all = ctx;
    int r = 0;
    for (size_t i = 0; r == 0 && i < SETTINGS_COUNT; i++) {
        all->views[i].row = &settings_rows[i];
        r = view_get(txn, all->ctx, &all->views[i]);
    }
    return r;
}

int settings_list(struct data_context *ctx, struct settings_view ret_views[static SETTINGS_COUNT])
{
    struct all all = {ctx, ret_views};
    int r = store_read(ctx->store, all_fn, &all);
    for (size_t i = 0; r == 0 && i < SETTINGS_COUNT; i++) {
        view_done(ctx, &ret_views[i]);
    }
    return r;
}

/* ---- One ---- */

struct one {
    struct data_context *ctx;
    enum settings_scope scope;
    struct str text; /* to be stored; empty: to be taken away */
    bool guarded;    /* only while what is stored is: */
    struct str seen;
    struct settings_view view; /* result; its row is set before */
};

static int one_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    return view_get(txn, o->ctx, &o->view);
}

/* The value that counts, parsed; it is of its row's type. */
static int value_of(struct data_context *ctx, enum settings_name name, struct json **ret_value)
{
    struct one o = {.ctx = ctx, .view = {.row = &settings_rows[name]}};
    int r = store_read(ctx->store, one_fn, &o);
    if (r < 0) {
        return r;
    }
    view_done(ctx, &o.view);
    bool good = json_parse(ctx->arena, o.view.value, ret_value, NULL) == 0;
    ASSERT(good && fits(o.view.row, *ret_value));
    return 0;
}

int settings_number(struct data_context *ctx, enum settings_name name, int64_t *ret_number)
{
    ASSERT(name < SETTINGS_COUNT && settings_rows[name].type == SETTINGS_NUMBER);
    struct json *value;
    int r = value_of(ctx, name, &value);
    if (r == 0) {
        *ret_number = value->integer;
    }
    return r;
}

int settings_boolean(struct data_context *ctx, enum settings_name name, bool *ret_value)
{
    ASSERT(name < SETTINGS_COUNT && settings_rows[name].type == SETTINGS_BOOLEAN);
    struct json *value;
    int r = value_of(ctx, name, &value);
    if (r == 0) {
        *ret_value = value->boolean;
    }
    return r;
}

int settings_patterns(struct data_context *ctx, enum settings_name name, struct str *ret_text)
{
    ASSERT(name < SETTINGS_COUNT && settings_rows[name].type == SETTINGS_PATTERNS);
    struct json *value;
    int r = value_of(ctx, name, &value);
    if (r == 0) {
        *ret_text = value->string;
    }
    return r;
}

struct str settings_watched(struct arena *arena, const struct scope *scope, enum settings_name name)
{
    ASSERT(name < SETTINGS_COUNT);
    return key_of(arena, scope, &settings_rows[name], SETTINGS_OF_TENANT);
}

/* *ret_made: it is what is asked for already. */
static int still(struct txn *txn, const struct one *o, struct str key, bool *ret_made)
{
    struct str stored;
    int r = value_get(txn, o->ctx, key, &stored);
    if (r < 0) {
        return r;
    }
    *ret_made = str_eq(stored, o->text);
    return *ret_made || !o->guarded || str_eq(stored, o->seen) ? 0 : ERR_PRECONDITION;
}

static int change_fn(struct txn *txn, void *ctx)
{
    static const char *const actions[2][2] = {
        [SETTINGS_OF_USER] = {"setting.delete", "setting.update"},
        [SETTINGS_OF_TENANT] = {"tenant.setting_delete", "tenant.setting_update"},
    };
    struct one *o = ctx;
    const struct settings_row *row = o->view.row;
    struct str key = key_of(store_arena(txn), &o->ctx->scope, row, o->scope);
    bool set = o->text.n > 0;
    bool made = false;
    int r = still(txn, o, key, &made);
    if (r < 0 || made) {
        return r < 0 ? r : view_get(txn, o->ctx, &o->view);
    }
    if (set) {
        store_put(txn, key, o->text);
    } else {
        store_delete(txn, key);
    }
    struct str name = arena_printf(store_arena(txn), "%s.%s", row->category, row->key);
    r = data_audit(txn, o->ctx, actions[o->scope][set], name, DATA_OUTCOME_OK);
    return r < 0 ? r : view_get(txn, o->ctx, &o->view);
}

/* What is stored now, if it is of this revision or what is asked for: the change waits for no other. */
static int guard(struct one *o, int64_t revision)
{
    int r = store_read(o->ctx->store, one_fn, o);
    o->guarded = true;
    o->seen = o->scope == SETTINGS_OF_USER ? o->view.user : o->view.tenant;
    bool good = data_matches(o->ctx, revision, revision_of(o->seen)) || str_eq(o->seen, o->text);
    return r < 0 || good ? r : ERR_PRECONDITION;
}

static int change(struct one *o, int64_t revision, struct settings_view *ret_view)
{
    struct data_context *ctx = o->ctx;
    int r = revision != 0 ? guard(o, revision) : 0;
    if (r < 0) {
        return r;
    }
    struct store_op op = store_op_new();
    op.reserve = o->text.n == 0;
    r = store_write(ctx->store, &op, change_fn, o);
    if (r == 0) {
        view_done(ctx, &o->view);
        *ret_view = o->view;
    }
    return r;
}

static int find(struct data_context *ctx, const struct settings_place *at,
                const struct settings_row **ret_row)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct settings_row *row = &settings_rows[i];
        if (!str_eq(at->category, str_from(row->category)) ||
            !str_eq(at->key, str_from(row->key))) {
            continue;
        }
        if (row->scope == SETTINGS_OF_TENANT && at->scope == SETTINGS_OF_USER) {
            return data_fault(ctx, ERR_FORBIDDEN, NULL,
                              "An owner or admin sets this for everybody.");
        }
        *ret_row = row;
        return 0;
    }
    return data_fault(ctx, ERR_NOT_FOUND, NULL, "There is no such setting.");
}

int settings_put(struct data_context *ctx, const struct settings_place *at,
                 const struct json *value, struct settings_view *ret_view)
{
    struct one o = {.ctx = ctx, .scope = at->scope};
    int r = find(ctx, at, &o.view.row);
    if (r == 0 && !fits(o.view.row, value)) {
        return refuse(ctx, o.view.row, value);
    }
    if (r < 0) {
        return r;
    }
    o.text = written(ctx->arena, value);
    return change(&o, at->revision, ret_view);
}

int settings_delete(struct data_context *ctx, const struct settings_place *at,
                    struct settings_view *ret_view)
{
    struct one o = {.ctx = ctx, .scope = at->scope};
    int r = find(ctx, at, &o.view.row);
    return r < 0 ? r : change(&o, at->revision, ret_view);
}

int settings_forget_in(struct txn *txn, const struct scope *scope, struct str owner)
{
    ASSERT(str_eq(owner, scope->user_id) || str_eq(owner, scope->tenant_id));
    struct str prefix = DATA_PREFIX(store_arena(txn), scope, DATA_SPACE_SETTING, owner);
    struct store_range range = {prefix, store_after(store_arena(txn), prefix),
                                .limit = STORE_MAX_SCAN};
    struct store_pair *pairs;
    size_t n;
    int r = store_scan(txn, &range, &pairs, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        store_delete(txn, pairs[i].key);
    }
    return r;
}

/* ---- The checker ---- */

int settings_judge(const struct data_found *found, const char **ret_fault)
{
    struct str rest = found->rest;
    struct str owner = STR_EMPTY;
    if (found->space != DATA_SPACE_SETTING) {
        return 0;
    }
    bool whose = str_split(&rest, '/', &owner) &&
                 (data_id_is(owner, "usr") || str_eq(owner, found->scope->tenant_id));
    struct json *value;
    if (!whose || str_find(rest, '.', 0) == rest.n) {
        *ret_fault = "the setting is nobody's, or has no name";
    } else if (found->value.n > VALUE_MAX ||
               json_parse(store_arena(found->txn), found->value, &value, NULL) < 0) {
        *ret_fault = "the setting's value is not well-formed";
    }
    return 0;
}
