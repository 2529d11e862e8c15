/* The changes of a session in order, for who follows it. */
#include "files/files_int.h"

struct follow {
    struct data_context *ctx;
    struct str session;
    uint64_t since;
    size_t limit;
    struct files_events events;
};

int files_event_read(struct data_context *ctx, struct files_tx *tx, const struct store_pair *pair,
                     struct files_event *ret_event)
{
    struct arena *arena = ctx->arena;
    struct files_change_record change;
    struct files_past_version version;
    struct str value;
    uint64_t seq;
    int r = data_key_number_last(pair->key, &seq);
    r = r < 0 ? r : files_change_decode(pair->value, &change);
    if (r == 0) {
        r = store_get(tx->txn, files_key_version(tx, change.id, seq), &value);
    }
    if (r == 0) {
        r = files_version_decode(value, &version);
    }
    if (r < 0) {
        return r;
    }
    *ret_event = (struct files_event){
        .seq = seq,
        .op = change.op,
        .path = arena_str(arena, change.path),
        .from = arena_str(arena, change.from),
        .author = {change.author.kind, arena_str(arena, change.author.id)},
        .at = change.at,
    };
    files_entry_from(arena, &version.record, change.path, &ret_event->entry);
    ret_event->entry.bytes = arena_str(arena, version.bytes);
    return 0;
}

static int follow_one(struct data_context *ctx, struct files_tx *tx, const struct store_pair *pair,
                      struct files_events *events)
{
    uint64_t seq = 0;
    int r = data_key_number_last(pair->key, &seq);
    r = r < 0 ? r : files_event_read(ctx, tx, pair, &events->events[events->count]);
    events->count += r == 0;
    events->seq = seq;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int follow_read(struct txn *txn, void *arg)
{
    struct follow *follow = arg;
    struct files_tx tx = {0};
    uint64_t thinned = 0;
    int r = files_tx_begin(&tx, txn, &follow->ctx->scope, follow->session);
    r = r < 0 ? r : files_thin_end(&tx, &thinned);
    if (r == 0 && (follow->since < thinned || follow->since > tx.usage.seq)) {
        r = ERR_RESYNC; /* the latter: an older store was put back, and its past is another */
    }
    if (r < 0) {
        return r;
    }
    struct files_events events = {.seq = follow->since};
    if (follow->since < tx.usage.seq) {
        struct store_range range = {files_key_change(&tx, follow->since + 1),
                                    files_key_change(&tx, tx.usage.seq + 1),
                                    .limit = follow->limit};
        struct store_pair *pairs;
        size_t count;
        r = store_scan(txn, &range, &pairs, &count);
        if (r < 0) {
            return r;
        }
        events.events = ARENA_ARRAY(follow->ctx->arena, struct files_event, count);
        size_t i = 0;
        for (size_t bytes = 0; r == 0 && i < count && bytes < FILES_PAGE_BYTES; i++) {
            const struct files_event *event = &events.events[events.count];
            r = follow_one(follow->ctx, &tx, &pairs[i], &events);
            bytes += event->path.n + event->from.n + files_bytes_told(&event->entry);
        }
        if (i == count && count < follow->limit) {
            events.seq = tx.usage.seq; /* a rewind takes numbers that no change has */
        }
    }
    events.more = events.seq < tx.usage.seq;
    follow->events = events;
    return r;
}

int files_changes_since(struct data_context *ctx, const struct files_since_input *in,
                        struct files_events *ret_events)
{
    struct follow follow = {
        .ctx = ctx, .session = in->session, .since = in->since, .limit = in->limit};
    if (in->limit < 1 || in->limit > FILES_MAX_BATCH) {
        return ERR_INVALID;
    }
    int r = store_read(ctx->store, follow_read, &follow);
    for (size_t i = 0; r == 0 && i < follow.events.count; i++) {
        r = files_bytes_load(ctx, &follow.events.events[i].entry);
    }
    if (r == 0) {
        *ret_events = follow.events;
    }
    return r;
}
