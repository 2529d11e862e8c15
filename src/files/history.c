/*
 * The versions of a path: of what is there now, through its renames, then of what was there before, under this name or a former
 * one (trail.c). Something that went with a folder above it has no version that says so: one is told for it, with the number of the
 * folder's deletion or move, and found by that.
 */
#include "files/trail_int.h"

static const struct files_trail_rooms rooms_told = {
    .periods = 10000, .folders = 1000, .names = 100, .looks = 10000};
/* For each file on a disk; a program of the workspace brings nothing back from another name. */
static const struct files_trail_rooms rooms_searched = {
    .periods = 1000, .folders = 100, .names = 1};

enum { MAX_SEARCHED = 10000 };

/* Whether it was there until a folder above it went. */
static bool is_taken(const struct files_period *period)
{
    return period->went > 0 && period->went == files_period_end(period);
}

/* Where something is after a folder above it was moved; p NULL: it was not in that folder. */
static struct str path_after(struct arena *arena, const struct files_change_record *move,
                             struct str path)
{
    if (path.n <= move->from.n || !content_path_within(path, move->from)) {
        return STR_EMPTY;
    }
    return files_path_join(arena, move->path, str_slice(path, move->from.n + 1, path.n));
}

/* The version with which a folder above took it: as it was. ERR_NOT_FOUND: what is known of that was thinned. */
static int taken_version(struct files_tx *tx, const struct files_period *period,
                         struct files_past_version *ret_version,
                         struct files_change_record *ret_change)
{
    struct files_past_version version;
    int r = files_change_read(tx, period->went, ret_change);
    r = r < 0 ? r : files_version_at(tx, period->id, period->went - 1, &version);
    if (r == 0) {
        version.op = ret_change->op == FILES_MOVE ? FILES_MOVE : FILES_DELETE;
        version.record.version = period->went;
        *ret_version = version;
    }
    return r;
}

/* What was at path when seq was, or just before, when its folder is another by now. ERR_NOT_FOUND. */
static int version_then(struct files_tx *tx, struct str path, uint64_t seq,
                        struct files_past_version *ret_version)
{
    for (uint64_t at = seq; at > 0 && at + 1 >= seq && seq <= tx->usage.seq; at--) {
        struct files_record record;
        struct str value;
        int r = files_record_at(tx, path, at, &record);
        r = r < 0 ? r : store_get(tx->txn, files_key_version(tx, record.id, seq), &value);
        if (r != ERR_NOT_FOUND && r != ERR_NOT_DIRECTORY) {
            return r < 0 ? r : files_version_decode(value, ret_version);
        }
    }
    return ERR_NOT_FOUND;
}

static int period_version(struct files_tx *tx, const struct files_period *period, uint64_t seq,
                          struct files_past_version *ret_version)
{
    struct files_change_record change;
    struct str value;
    int r = store_get(tx->txn, files_key_version(tx, period->id, seq), &value);
    if (r == ERR_NOT_FOUND && seq == period->went && is_taken(period)) {
        return taken_version(tx, period, ret_version, &change);
    }
    return r < 0 ? r : files_version_decode(value, ret_version);
}

int files_version_find(struct files_tx *tx, struct str path, uint64_t seq,
                       struct files_past_version *ret_version)
{
    if (path.n == 0) {
        return ERR_NOT_FOUND;
    }
    struct files_trail trail = {0};
    int r = files_trail_read(tx, path, &rooms_told, &trail);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < trail.period_count; i++) {
        r = period_version(tx, &trail.periods[i], seq, ret_version);
        if (r != ERR_NOT_FOUND) {
            return r;
        }
    }
    return version_then(tx, path, seq, ret_version);
}

/* ---- history ---- */

struct past {
    struct data_context *ctx;
    const struct files_history_input *in;
    uint64_t cursor_id; /* 0: from the newest */
    uint64_t cursor_seq;
    struct files_history history;
};

static void version_tell(struct past *past, const struct files_past_version *found,
                         const struct files_change_record *change, struct str path)
{
    struct arena *arena = past->ctx->arena;
    struct files_version version = {
        .op = found->op, .author = files_author_shown(&change->author), .at = change->at};
    files_entry_from(arena, &found->record, path, &version.entry);
    version.entry.bytes = arena_str(arena, found->bytes);
    version.author.id = arena_str(arena, version.author.id);
    past->history.versions[past->history.count++] = version;
}

/* Sets next when the page is full. */
static bool page_is_full(struct past *past)
{
    struct files_history *h = &past->history;
    if (h->count < past->in->limit) {
        return false;
    }
    const struct files_entry *last = &h->versions[h->count - 1].entry;
    h->next = arena_printf(past->ctx->arena, "%016llx%016llx", (unsigned long long)last->id,
                           (unsigned long long)last->version);
    return true;
}

static int version_tell_stored(struct past *past, struct files_tx *tx,
                               const struct files_period *period, struct str value)
{
    struct files_past_version version;
    struct files_change_record change;
    int r = files_version_decode(value, &version);
    if (r == 0) {
        r = files_change_read(tx, version.record.version, &change);
    }
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    }
    struct str path = period->path;
    if (change.id == version.record.id) {
        path = change.path;
    } else if (version.op == FILES_DELETE) {
        path = change.from; /* it was moved over something else */
    }
    version_tell(past, &version, &change, path);
    return 0;
}

static int taken_tell(struct past *past, struct files_tx *tx, const struct files_period *period)
{
    struct files_past_version version;
    struct files_change_record change;
    int r = taken_version(tx, period, &version, &change);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    struct str path =
        change.op == FILES_MOVE ? path_after(tx->arena, &change, period->path) : STR_EMPTY;
    version_tell(past, &version, &change, path.n > 0 ? path : period->path);
    return 0;
}

/* The versions of one id up to a seq, newest first; sets next when the page is full. */
static int period_tell(struct past *past, struct files_tx *tx, const struct files_period *period,
                       uint64_t last)
{
    int r = 0;
    if (is_taken(period) && last >= period->went) {
        if (page_is_full(past)) {
            return 0;
        }
        r = taken_tell(past, tx, period);
    }
    size_t room = past->in->limit - past->history.count;
    struct store_range range = {files_key_version(tx, period->id, 0),
                                files_key_version(tx, period->id, last + 1), .limit = room + 1,
                                .reverse = true};
    struct store_pair *pairs;
    size_t count = 0;
    r = r < 0 ? r : store_scan(tx->txn, &range, &pairs, &count);
    for (size_t i = 0; r == 0 && i < count && !page_is_full(past); i++) {
        r = version_tell_stored(past, tx, period, pairs[i].value);
    }
    return r;
}

static int history_read(struct txn *txn, void *arg)
{
    struct past *past = arg;
    struct files_tx tx = {0};
    struct files_trail trail = {0};
    int r = files_tx_begin(&tx, txn, &past->ctx->scope, past->in->session);
    r = r < 0 ? r : files_trail_read(&tx, past->in->path, &rooms_told, &trail);
    past->history = (struct files_history){
        .versions = ARENA_ARRAY(past->ctx->arena, struct files_version, past->in->limit)};
    bool reached = past->cursor_id == 0;
    for (size_t i = 0; r == 0 && i < trail.period_count && past->history.next.n == 0; i++) {
        const struct files_period *period = &trail.periods[i];
        uint64_t last = files_period_end(period);
        if (!reached && period->id == past->cursor_id) {
            reached = true;
            last = past->cursor_seq - 1;
        }
        if (reached) {
            r = period_tell(past, &tx, period, last);
        }
    }
    return r == 0 && trail.period_count == 0 ? ERR_NOT_FOUND : r;
}

int files_history(struct data_context *ctx, const struct files_history_input *in,
                  struct files_history *ret_history)
{
    struct past past = {.ctx = ctx, .in = in};
    if (in->path.n == 0 || content_path_check(in->path) < 0 || in->limit < 1 ||
        in->limit > FILES_MAX_HISTORY) {
        return ERR_INVALID;
    }
    if (in->after.n > 0 &&
        (in->after.n != 32 ||
         data_key_number_read(str_slice(in->after, 0, 16), &past.cursor_id) < 0 ||
         data_key_number_read(str_slice(in->after, 16, 32), &past.cursor_seq) < 0 ||
         past.cursor_seq == 0 || past.cursor_seq == UINT64_MAX)) {
        return ERR_INVALID;
    }
    int r = store_read(ctx->store, history_read, &past);
    if (r == 0) {
        *ret_history = past.history;
    }
    return r;
}

/* ---- one that lies on a disk ---- */

/*
 * What others wrote, and others replaced, no program of the workspace can have brought back before it had come: it lies there
 * since the mirror put it there, which may be a while after the store had gone on. So long a while is believed.
 */
static const usec_t grace = 10 * USEC_PER_SEC;

struct search {
    struct data_context *ctx;
    struct str session;
    const struct files_like *like;
    struct files_entry *found;
    size_t left; /* versions that may still be looked at */
};

static bool is_alike(const struct files_past_version *version, const struct files_entry *like)
{
    const struct files_record *record = &version->record;
    return version->op != FILES_DELETE && record->kind == like->kind &&
           (record->kind == FILES_FOLDER ||
            (record->manifest.length == like->size && record->mtime == like->mtime));
}

/* Whether the author is a workspace of the session, or somebody in the editor of one. */
static bool is_own(const struct search *search, const struct files_author *author)
{
    const struct files_author *own = &search->like->is.author;
    bool workspace = own->id.n > 0 && author->kind == own->kind && str_starts(author->id, own->id);
    return workspace || (author->kind == FILES_USER && str_find(author->id, '.', 0) < author->id.n);
}

/* Whether what is on the disk may be what it was left with when the version was replaced. ERR_NOT_FOUND: the past is thinned. */
static int search_judge(const struct search *search, struct files_tx *tx,
                        const struct files_past_version *version, uint64_t replaced_by)
{
    struct files_change_record end;
    struct files_change_record begin;
    int r = files_change_read(tx, replaced_by, &end);
    if (r < 0) {
        return r;
    }
    bool own = is_own(search, &end.author);
    if (own && search->like->by_others) {
        return ERR_NOT_FOUND;
    }
    usec_t patience = 0;
    if (!own && end.at < search->like->is.at) {
        r = files_change_read(tx, version->record.version, &begin);
        patience = r == 0 && !is_own(search, &begin.author) ? grace : 0;
    }
    return r < 0 ? r : end.at + patience < search->like->is.at ? ERR_NOT_FOUND : 0;
}

/* replaced_by: the id's next version, or what took it away; 0: it stands. */
static int search_tell(struct search *search, struct files_tx *tx,
                       const struct files_past_version *version, uint64_t replaced_by)
{
    int r = replaced_by != 0 ? search_judge(search, tx, version, replaced_by) : 0;
    if (r < 0) {
        return r;
    }
    const struct files_entry *like = &search->like->is.entry;
    files_entry_from(search->ctx->arena, &version->record, like->path, search->found);
    search->found->bytes = arena_str(search->ctx->arena, version->bytes);
    return 0;
}

static int period_search(struct search *search, struct files_tx *tx,
                         const struct files_period *period)
{
    enum { PAGE = 200 };
    uint64_t replaced_by = period->gone ? period->last : 0;
    uint64_t end =
        period->gone ? period->last : period->last + 1; /* where it went it is no more here */
    size_t count = PAGE;
    int r = ERR_NOT_FOUND;
    while (r == ERR_NOT_FOUND && count == PAGE && search->left > 0) {
        struct store_range range = {files_key_version(tx, period->id, 0),
                                    files_key_version(tx, period->id, end), .limit = PAGE,
                                    .reverse = true};
        struct store_pair *pairs;
        int scanned = store_scan(tx->txn, &range, &pairs, &count);
        r = scanned < 0 ? scanned : r;
        search->left -= count < search->left ? count : search->left;
        for (size_t i = 0; r == ERR_NOT_FOUND && i < count; i++) {
            struct files_past_version version;
            int error = files_version_decode(pairs[i].value, &version);
            if (error < 0) {
                r = error;
                break;
            }
            if (is_alike(&version, &search->like->is.entry)) {
                r = search_tell(search, tx, &version, replaced_by);
            }
            end = replaced_by = version.record.version;
        }
    }
    return r;
}

/* Whether what is on the disk came there when the period had long ended: then it is of no older one either. */
static int is_past(const struct search *search, struct files_tx *tx,
                   const struct files_period *period, bool *ret_past)
{
    struct files_change_record end;
    int r = period->gone ? files_change_read(tx, period->last, &end) : ERR_NOT_FOUND;
    *ret_past = r == 0 && end.at + grace < search->like->is.at;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int search_read(struct txn *txn, void *arg)
{
    struct search *search = arg;
    struct files_tx tx = {0};
    struct files_trail trail = {0};
    search->left = MAX_SEARCHED;
    int r = files_tx_begin(&tx, txn, &search->ctx->scope, search->session);
    r = r < 0 ? r : files_trail_read(&tx, search->like->is.entry.path, &rooms_searched, &trail);
    if (r < 0) {
        return r;
    }
    r = ERR_NOT_FOUND;
    bool past = false;
    for (size_t i = 0; r == ERR_NOT_FOUND && i < trail.period_count && search->left > 0; i++) {
        struct files_period period = trail.periods[i];
        period.gone = period.gone || period.went > 0;
        period.last = files_period_end(&period);
        int error = is_past(search, &tx, &period, &past);
        if (error < 0 || past) {
            return error < 0 ? error : ERR_NOT_FOUND;
        }
        r = period_search(search, &tx, &period);
    }
    return r;
}

int files_version_like(struct data_context *ctx, struct str session, const struct files_like *like,
                       struct files_entry *ret_entry)
{
    struct files_entry found = {0};
    struct search search = {.ctx = ctx, .session = session, .like = like, .found = &found};
    struct str path = like->is.entry.path;
    if (path.n == 0 || content_path_check(path) < 0) {
        return ERR_INVALID;
    }
    int r = store_read(ctx->store, search_read, &search);
    r = r < 0 ? r : files_bytes_load(ctx, &found);
    if (r == 0) {
        *ret_entry = found;
    }
    return r;
}
