/*
 * The changes of a session as people look at them: newest or oldest first, of one place or of one kind. A page looks at a
 * bounded number of changes, so that one that finds little ends early and says where it goes on.
 *
 * The changes of a place are those at it and below it; those of a folder above it which took it away or brought it; and, up to
 * a move that brought it, those of where it was before (trail.c).
 */
#include "files/rewind_int.h"
#include "files/trail_int.h"

enum { BATCH = 250, MOST_LOOKED = 4000, MOST_ABOVE = 1000 };

static const struct files_trail_rooms rooms = {
    .periods = 1000, .folders = 100, .names = 32, .looks = 1000};

struct looked {
    struct data_context *ctx;
    const struct files_log_input *in;
    struct files_tx *tx;
    struct files_log log;
    uint64_t thinned;                  /* the moments before this one, or some of them, are gone */
    size_t bytes;                      /* of paths in it */
    bool rewound;                      /* there is one */
    struct files_rewind_record rewind; /* the last that began in [from, to) or before */
    uint64_t from, to;                 /* for which changes that is so; to 0: not known yet */
    struct files_trail trail;          /* of in->path, when there is one */
    size_t above;                      /* looks for what a folder had in it */
};

static bool is_full(const struct looked *l)
{
    return l->log.count == l->in->limit || l->bytes >= FILES_PAGE_BYTES || l->above >= MOST_ABOVE;
}

/* Of the event that was just written: which moment it is, too. One in a return that is in hand is none yet. */
static int count(struct looked *l)
{
    struct files_event *event = &l->log.events[l->log.count++];
    uint64_t at = event->seq;
    l->bytes += event->path.n + event->from.n;
    bool amid =
        l->rewound && at < l->rewind.last; /* somebody else's change between those of a return */
    int r = amid || at < l->thinned ? files_moment_settle(l->tx, &at) : 0;
    event->settled = at == event->seq ? 0 : at;
    return r == ERR_CONFLICT ? 0 : r;
}

struct numbered {
    uint64_t seq;
    struct files_change_record change;
};

static bool is_above(struct str folder, struct str path)
{
    return folder.n > 0 && folder.n < path.n && content_path_within(path, folder);
}

/* Whether a folder above path went or came with the change, and path with it. */
static int took_along(struct looked *l, const struct numbered *one, struct str path, bool *ret_fits)
{
    const struct files_change_record *change = &one->change;
    bool fits = false;
    int r = 0;
    bool went = change->op == FILES_DELETE && is_above(change->path, path);
    bool came = change->op == FILES_RESTORE && is_above(change->path, path);
    if (change->op == FILES_MOVE) {
        went = is_above(change->from, path);
        came = is_above(change->path, path);
    }
    if (went) {
        l->above++;
        r = files_was_at(l->tx, path, one->seq - 1, &fits);
    }
    if (r == 0 && came && !fits) {
        l->above++;
        r = files_was_at(l->tx, path, one->seq, &fits);
    }
    *ret_fits = fits;
    return r;
}

static int fits(struct looked *l, const struct numbered *one, bool *ret_fits)
{
    const struct files_change_record *change = &one->change;
    *ret_fits = l->in->path.n == 0;
    if (l->in->op != 0 && change->op != l->in->op) {
        *ret_fits = false;
        return 0;
    }
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->trail.name_count && !*ret_fits; i++) {
        const struct files_trail_name *name = &l->trail.names[i];
        if (one->seq >= name->until) {
            continue;
        }
        *ret_fits = content_path_within(change->path, name->path) ||
                    (change->from.n > 0 && content_path_within(change->from, name->path));
        if (!*ret_fits) {
            r = took_along(l, one, name->path, ret_fits);
        }
    }
    return r;
}

static int rewind_know(struct looked *l, uint64_t seq)
{
    if (seq >= l->from && seq < l->to) {
        return 0;
    }
    int r = files_rewind_before(l->tx, seq, &l->rewind);
    l->rewound = r == 0;
    l->from = l->rewound ? l->rewind.first : 0;
    return r < 0 && r != ERR_NOT_FOUND ? r : files_rewind_next(l->tx, seq, &l->to);
}

/* A change of a rewind: only its last is told, for all. */
static int rewind_tell(struct looked *l, uint64_t seq)
{
    const struct files_log_input *in = l->in;
    const struct files_rewind_record *rewind = &l->rewind;
    struct arena *arena = l->ctx->arena;
    bool of_kind = in->op == 0 || in->op == FILES_RESTORE;
    bool near = in->path.n == 0;
    for (size_t i = 0; i < l->trail.name_count && !near; i++) {
        const struct files_trail_name *name = &l->trail.names[i];
        near = seq < name->until && (content_path_within(rewind->path, name->path) ||
                                     content_path_within(name->path, rewind->path));
    }
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
    return count(l);
}

/* Takes what fits from a batch; last: the seq of the last change that was looked at. */
static int take(struct looked *l, const struct store_pair *pair, uint64_t *ret_last)
{
    struct numbered one;
    bool wanted = false;
    int r = data_key_number_last(pair->key, ret_last);
    if (r < 0) {
        return r;
    }
    one.seq = *ret_last;
    r = files_change_decode(pair->value, &one.change);
    r = r < 0 ? r : rewind_know(l, *ret_last);
    if (r == 0 && l->rewound && one.change.at == l->rewind.at &&
        (l->rewind.last == 0 || *ret_last <= l->rewind.last)) {
        return rewind_tell(l, *ret_last);
    }
    r = r < 0 ? r : fits(l, &one, &wanted);
    if (r < 0 || !wanted) {
        return r;
    }
    struct files_event *event = &l->log.events[l->log.count];
    r = files_event_read(l->ctx, l->tx, pair, event);
    if (r == 0) {
        event->author = files_author_shown(&event->author);
        r = count(l);
    }
    return r == ERR_NOT_FOUND ? 0 : r; /* its version was thinned */
}

static int look_begin(struct looked *l, struct txn *txn, struct files_tx *tx)
{
    l->tx = tx;
    int r = files_tx_begin(tx, txn, &l->ctx->scope, l->in->session);
    r = r < 0 ? r : files_thin_end(tx, &l->thinned);
    return r < 0 || l->in->path.n == 0 ? r : files_trail_read(tx, l->in->path, &rooms, &l->trail);
}

static int log_read(struct txn *txn, void *arg)
{
    struct looked *l = arg;
    const struct files_log_input *in = l->in;
    struct files_tx tx = {0};
    l->from = l->to = 0;
    l->bytes = l->above = 0;
    l->trail = (struct files_trail){0};
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
            r = take(l, &pairs[i], &last);
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
