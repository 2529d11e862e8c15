/*
 * What happened: audit records, events on feeds, results of operations that a client repeats, and the files' counters.
 * All are written in the transaction of the change itself, so that they are there if and only if the change is.
 */
#include "data/data_int.h"

enum { REPLAY_MAX = 1024, USAGE_SIZE = 24 };

int data_fault(struct data_context *ctx, int code, const char *field, const char *message)
{
    ASSERT(code < 0);
    ctx->fault = (struct data_fault){.field = str_from(field), .message = str_from(message)};
    return code;
}

bool data_matches(const struct data_context *ctx, int64_t wanted, int64_t is)
{
    bool good = wanted == 0 || wanted == is;
    for (size_t i = 0; !good && i < ctx->other_count; i++) {
        good = ctx->others[i] == is;
    }
    return good;
}

void data_event(struct txn *txn, const struct scope *scope, const struct data_event *event)
{
    BUF_AUTO(text, DATA_MAX_EVENT);
    struct json_writer w;
    json_writer_init(&w, &text);
    json_object(&w);
    json_member_string(&w, "kind", str_from(event->kind));
    if (event->id.n > 0) {
        json_member_string(&w, "id", event->id);
    }
    if (event->state) {
        json_member_string(&w, "state", str_from(event->state));
    }
    json_object_end(&w);
    ASSERT(text.error == 0);
    struct arena *arena = store_arena(txn);
    store_append(txn, data_feed_tenant(arena, scope), buf_str(&text));
    if (event->session_id.n > 0) {
        store_append(txn, data_feed_session(arena, event->session_id), buf_str(&text));
    }
}

/* What happened meanwhile to something else, a login that ended, is none of the update's fields. */
static struct str fields_of(const struct data_context *ctx, struct str action)
{
    struct str noun = ctx->client.update;
    bool same =
        noun.n > 0 && str_starts(action, noun) && action.n > noun.n && action.p[noun.n] == '.';
    return same ? ctx->client.fields : STR_EMPTY;
}

static struct data_audit record_of(struct txn *txn, const struct data_context *ctx,
                                   const char *action, struct str target)
{
    return (struct data_audit){
        .id = data_id_make(store_arena(txn), "aud"),
        .at = time_now(),
        .actor_id = ctx->client.nobody ? STR_EMPTY : ctx->scope.user_id,
        .login_id = ctx->scope.login_id,
        .action = str_from(action),
        .target = target,
        .address = data_text_cut(ctx->client.address, 64),
        .request_id = data_text_cut(ctx->client.request_id, 64),
        .key_id = ctx->client.key_id,
        .link_id = ctx->client.link_id,
        .changed = fields_of(ctx, str_from(action)),
    };
}

int data_audit_calls(struct txn *txn, const struct data_context *ctx,
                     const struct data_calls *calls)
{
    struct data_audit record = record_of(txn, ctx, calls->action, calls->target);
    record.outcome = calls->outcome;
    record.route = calls->route;
    record.count = calls->count;
    return data_audit_put(txn, &ctx->scope, &record);
}

int data_audit(struct txn *txn, const struct data_context *ctx, const char *action,
               struct str target, enum data_outcome outcome)
{
    struct data_audit record = record_of(txn, ctx, action, target);
    record.outcome = outcome;
    int r = data_audit_put(txn, &ctx->scope, &record);
    if (r < 0) {
        return r;
    }
    struct data_event event = {.kind = action, .id = target};
    if (data_id_is(target, "ses")) {
        event.session_id = target;
    }
    data_event(txn, &ctx->scope, &event);
    return 0;
}

int data_still(struct txn *txn, const struct data_context *ctx)
{
    return ctx->guard.still ? ctx->guard.still(txn, ctx->guard.ctx) : 0;
}

int data_replay(struct txn *txn, const struct data_context *ctx, bool *ret_found,
                struct str *ret_text)
{
    struct str result;
    if (!store_replayed(txn, &result)) {
        *ret_found = false;
        *ret_text = STR_EMPTY;
        return 0;
    }
    if (result.n < DATA_DIGEST_SIZE ||
        (ctx->digested && memcmp(result.p, ctx->digest, DATA_DIGEST_SIZE) != 0)) {
        return ERR_CONFLICT;
    }
    *ret_found = true;
    *ret_text = str_slice(result, DATA_DIGEST_SIZE, result.n);
    return 0;
}

void data_remember(struct txn *txn, const struct data_context *ctx, struct str text)
{
    ASSERT(text.n <= REPLAY_MAX);
    char *p = arena_alloc(store_arena(txn), DATA_DIGEST_SIZE + text.n);
    memcpy(p, ctx->digest, DATA_DIGEST_SIZE);
    memcpy(p + DATA_DIGEST_SIZE, text.p, text.n);
    store_result(txn, str_of(p, DATA_DIGEST_SIZE + text.n));
}

/* Names do not contain the zero byte that stands behind them, so that what follows all entries of a feed is name + 1. */
static int feed_between(struct txn *txn, struct str begin, struct str end, struct str *ret_feed)
{
    struct store_range range = {.begin = begin, .end = end, .limit = 1};
    struct store_pair *pairs;
    size_t n;
    int r = store_scan(txn, &range, &pairs, &n);
    if (r < 0 || n == 0) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    struct str name = str_slice(pairs[0].key, 0, str_find(pairs[0].key, '\0', 0));
    if (name.n > DATA_FEED_MAX) {
        return ERR_CORRUPT;
    }
    *ret_feed = name;
    return 0;
}

int data_feed_next(struct txn *txn, struct str after, struct str *ret_feed)
{
    static const struct {
        struct str begin, end;
    } kinds[] = {{{"session/", 8}, {"session0", 8}}, {{"tenant/", 7}, {"tenant0", 7}}};
    struct str behind = arena_printf(store_arena(txn), STR_FMT "\x01", STR_ARG(after));
    int r = ERR_NOT_FOUND;
    for (size_t i = 0; r == ERR_NOT_FOUND && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (str_cmp(behind, kinds[i].end) < 0) {
            bool later = str_cmp(behind, kinds[i].begin) > 0;
            r = feed_between(txn, later ? behind : kinds[i].begin, kinds[i].end, ret_feed);
        }
    }
    return r;
}

static uint64_t read_u64(const char *p)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value = value << 8 | (uint8_t)p[i];
    }
    return value;
}

static void write_u64(char *p, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        p[i] = (char)(value >> (56 - 8 * i));
    }
}

/* What usage is kept of. */
static bool is_counted(struct str id)
{
    return data_is_tree(id) || data_id_is(id, "cnv");
}

int data_usage_get(struct txn *txn, const struct scope *scope, struct str session_id,
                   struct data_usage *ret_usage)
{
    ASSERT(is_counted(session_id));
    struct str value;
    int r = store_get(txn, DATA_KEY(store_arena(txn), scope, DATA_SPACE_USAGE, session_id), &value);
    if (r == ERR_NOT_FOUND) {
        *ret_usage = (struct data_usage){0};
        return 0;
    }
    if (r < 0) {
        return r;
    }
    if (value.n != USAGE_SIZE) {
        return ERR_CORRUPT;
    }
    *ret_usage =
        (struct data_usage){read_u64(value.p), read_u64(value.p + 8), read_u64(value.p + 16)};
    return 0;
}

void data_usage_put(struct txn *txn, const struct scope *scope, struct str session_id,
                    const struct data_usage *usage)
{
    ASSERT(is_counted(session_id));
    char value[USAGE_SIZE];
    write_u64(value, usage->seq);
    write_u64(value + 8, usage->files);
    write_u64(value + 16, usage->bytes);
    store_put(txn, DATA_KEY(store_arena(txn), scope, DATA_SPACE_USAGE, session_id),
              str_of(value, sizeof value));
}

void data_usage_delete(struct txn *txn, const struct scope *scope, struct str session_id)
{
    ASSERT(is_counted(session_id));
    store_delete(txn, DATA_KEY(store_arena(txn), scope, DATA_SPACE_USAGE, session_id));
}

static struct str total_key(struct txn *txn, const struct scope *scope)
{
    return DATA_KEY(store_arena(txn), scope, DATA_SPACE_USAGE, STR("total"));
}

void data_usage_keep(struct txn *txn, const struct scope *scope, uint64_t bytes)
{
    store_put(txn, total_key(txn, scope), data_key_number(store_arena(txn), bytes));
}

int data_usage_kept(struct txn *txn, const struct scope *scope, uint64_t *ret_bytes)
{
    struct str value;
    int r = store_get(txn, total_key(txn, scope), &value);
    if (r < 0) {
        return r;
    }
    return data_key_number_read(value, ret_bytes) < 0 ? ERR_CORRUPT : 0;
}

int data_usage_sum(struct txn *txn, const struct scope *scope, uint64_t *ret_bytes)
{
    struct arena *arena = store_arena(txn);
    struct str any = DATA_KEY(arena, scope, DATA_SPACE_USAGE, STR("x"));
    struct str prefix = str_slice(any, 0, any.n - 1);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = STORE_MAX_SCAN};
    struct str kept = total_key(txn, scope);
    uint64_t total = 0;
    size_t count = STORE_MAX_SCAN;
    while (count == STORE_MAX_SCAN) {
        struct store_pair *pairs;
        int r = store_scan(txn, &range, &pairs, &count);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < count; i++) {
            bool tree = !str_eq(pairs[i].key, kept);
            if (tree && pairs[i].value.n != USAGE_SIZE) {
                return ERR_CORRUPT;
            }
            total += tree ? read_u64(pairs[i].value.p + 16) : 0;
        }
        if (count > 0) { /* an arena's copy has a zero byte behind it: the first key behind */
            range.begin = arena_str(arena, pairs[count - 1].key);
            range.begin.n++;
        }
    }
    *ret_bytes = total;
    return 0;
}

int data_usage_total(struct txn *txn, const struct scope *scope, uint64_t *ret_bytes)
{
    int r = data_usage_kept(txn, scope, ret_bytes);
    return r == ERR_NOT_FOUND ? data_usage_sum(txn, scope, ret_bytes) : r;
}
