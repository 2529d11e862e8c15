/*
 * The changes of a session as people look at them: newest or oldest first, of one place or of one kind. A page looks at a
 * bounded number of changes, so that one that finds little ends early and says where it goes on.
 */
#include "files/rewind_int.h"

enum { BATCH = 250, MOST_LOOKED = 4000 };

struct looked {
    struct data_context *ctx;
    const struct files_log_input *in;
    struct files_log log;
    uint64_t thinned;                  /* the moments before this one, or some of them, are gone */
    size_t bytes;                      /* of paths in it */
    bool rewound;                      /* there is one */
    struct files_rewind_record rewind; /* the last that began in [from, to) or before */
    uint64_t from, to;                 /* for which changes that is so; to 0: not known yet */
};

static bool is_full(const struct looked *l)
{
    return l->log.count == l->in->limit || l->bytes >= FILES_PAGE_BYTES;
}

/* Of the event that was just written: which moment it is, too. One in a return that is in hand is none yet. */
static int count(struct looked *l, struct files_tx *tx)
{
    struct files_event *event = &l->log.events[l->log.count++];
    uint64_t at = event->seq;
    l->bytes += event->path.n + event->from.n;
    bool amid =
        l->rewound && at < l->rewind.last; /* somebody else's change between those of a return */
    int r = amid || at < l->thinned ? files_moment_settle(tx, &at) : 0;
    event->settled = at == event->seq ? 0 : at;
    return r == ERR_CONFLICT ? 0 : r;
}

static bool fits(const struct files_log_input *in, const struct files_change_record *change)
{
    if (in->op != 0 && change->op != in->op) {
        return false;
    }
    return in->path.n == 0 || content_path_within(change->path, in->path) ||
           (change->from.n > 0 && content_path_within(change->from, in->path));
}

static int rewind_know(struct looked *l, struct files_tx *tx, uint64_t seq)
{
    if (seq >= l->from && seq < l->to) {
        return 0;
    }
    int r = files_rewind_before(tx, seq, &l->rewind);
    l->rewound = r == 0;
    l->from = l->rewound ? l->rewind.first : 0;
    return r < 0 && r != ERR_NOT_FOUND ? r : files_rewind_next(tx, seq, &l->to);
}

/* A change of a rewind: only its last is told, for all. */
static int rewind_tell(struct looked *l, struct files_tx *tx, uint64_t seq)
{
    const struct files_log_input *in = l->in;
    const struct files_rewind_record *rewind = &l->rewind;
    struct arena *arena = l->ctx->arena;
    bool of_kind = in->op == 0 || in->op == FILES_RESTORE;
    bool near =
        content_path_within(rewind->path, in->path) || content_path_within(in->path, rewind->path);
    if (seq != rewind->last || !of_kind || !near) {
        return 0;
    }
    l->log.events[l->log.count] = (struct files_event){
        .seq = seq,
        .op = FILES_RESTORE,
        .path = arena_str(arena, rewind->path),
        .entry = {.kind = FILES_FOLDER},
        .author = {rewind->author.kind, arena_str(arena, rewind->author.id)},
        .at = rewind->at,
        .moment = rewind->moment,
        .changed = rewind->changed,
    };
    return count(l, tx);
}

/* Takes what fits from a batch; last: the seq of the last change that was looked at. */
static int take(struct looked *l, struct files_tx *tx, const struct store_pair *pair,
                uint64_t *ret_last)
{
    struct files_change_record change;
    if (data_key_number_read(str_slice(pair->key, pair->key.n - 16, pair->key.n), ret_last) < 0) {
        return ERR_CORRUPT;
    }
    int r = files_change_decode(pair->value, &change);
    r = r < 0 ? r : rewind_know(l, tx, *ret_last);
    if (r == 0 && l->rewound && change.at == l->rewind.at &&
        (l->rewind.last == 0 || *ret_last <= l->rewind.last)) {
        return rewind_tell(l, tx, *ret_last);
    }
    if (r < 0 || !fits(l->in, &change)) {
        return r;
    }
    struct files_event *event = &l->log.events[l->log.count];
    r = files_event_read(l->ctx, tx, pair, event);
    if (r == 0) {
        event->author = files_author_shown(&event->author);
        r = count(l, tx);
    }
    return r == ERR_NOT_FOUND ? 0 : r; /* its version was thinned */
}

static int look_begin(struct looked *l, struct txn *txn, struct files_tx *tx)
{
    int r = files_tx_begin(tx, txn, &l->ctx->scope, l->in->session);
    return r < 0 ? r : files_thin_end(tx, &l->thinned);
}

static int log_read(struct txn *txn, void *arg)
{
    struct looked *l = arg;
    const struct files_log_input *in = l->in;
    struct files_tx tx = {0};
    l->from = l->to = 0;
    l->bytes = 0;
    l->log =
        (struct files_log){.events = ARENA_ARRAY(l->ctx->arena, struct files_event, in->limit)};
    int r = look_begin(l, txn, &tx);
    if (r < 0) {
        return r;
    }
    uint64_t first = in->since + 1;
    uint64_t end = in->before > 0 && in->before <= tx.usage.seq ? in->before : tx.usage.seq + 1;
    for (size_t looked = 0; first < end; looked += BATCH) {
        struct store_range range = {files_key_change(&tx, first), files_key_change(&tx, end),
                                    .limit = BATCH, .reverse = !in->oldest};
        struct store_pair *pairs;
        size_t n;
        r = store_scan(txn, &range, &pairs, &n);
        uint64_t last = 0;
        for (size_t i = 0; r == 0 && i < n && !is_full(l); i++) {
            r = take(l, &tx, &pairs[i], &last);
        }
        if (r < 0 || last == 0) {
            return r; /* nothing was left */
        }
        first = in->oldest ? last + 1 : first;
        end = in->oldest ? end : last;
        if (is_full(l) || looked + BATCH >= MOST_LOOKED) {
            l->log.next = first < end ? last : 0;
            return 0;
        }
    }
    return 0;
}

int files_log(struct data_context *ctx, const struct files_log_input *in, struct files_log *ret_log)
{
    if (in->limit < 1 || in->limit > FILES_MAX_BATCH || content_path_check(in->path) < 0 ||
        in->since >= UINT64_MAX >> FILES_ID_BITS || in->before >= UINT64_MAX >> FILES_ID_BITS) {
        return ERR_INVALID;
    }
    struct looked l = {.ctx = ctx, .in = in};
    int r = store_read(ctx->store, log_read, &l);
    if (r == 0) {
        *ret_log = l.log;
    }
    return r;
}
