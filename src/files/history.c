/*
 * What was at a path: the versions of what is there now, through its renames, then of what was there before. A folder on the way
 * may have been deleted, moved away or made anew, so the name is looked for in each folder that ever was there: what lay in a
 * folder that went away stayed in it.
 */
#include <stdlib.h>

#include "files/files_int.h"

/* Of a path that came and went more often, the newest. */
struct rooms {
    size_t periods;
    size_t folders;
};
static const struct rooms rooms_told = {10000, 1000};
static const struct rooms rooms_searched = {1000, 100}; /* for each file on a disk */

enum { MAX_SEARCHED = 10000 };

struct period { /* an id that is or was at the path */
    uint64_t id;
    uint64_t last; /* seq that took it away, or the latest */
    bool gone;     /* the former */
    uint64_t went; /* the seq that took a folder above it, the first of them; 0: they are there */
};

struct periods {
    struct period *at;
    uint32_t *slots; /* 2 * held, open addressing by id: 0, or one more than where it is in at */
    size_t n, held;
    size_t room;     /* may come */
    bool of_folders; /* alone: the path goes on */
};

/* Ids are numbers of ours, so nobody chooses where they come to lie. */
static uint32_t *period_slot(const struct periods *periods, uint64_t id)
{
    size_t mask = 2 * periods->held - 1;
    size_t i = (size_t)(id * 0x9e3779b97f4a7c15u >> 32);
    for (;; i++) {
        uint32_t *slot = &periods->slots[i & mask];
        if (*slot == 0 || periods->at[*slot - 1].id == id) {
            return slot;
        }
    }
}

/* Mostly there is one. */
static void periods_grow(struct files_tx *tx, struct periods *periods)
{
    struct period *at = periods->at;
    periods->held = periods->held > 0 ? 2 * periods->held : 8;
    periods->at = ARENA_ARRAY(tx->arena, struct period, periods->held);
    periods->slots = ARENA_ARRAY(tx->arena, uint32_t, 2 * periods->held);
    for (size_t i = 0; i < periods->n; i++) {
        periods->at[i] = at[i];
        *period_slot(periods, at[i].id) = (uint32_t)i + 1;
    }
}

/* Of each id the one that comes first. */
static void period_add(struct files_tx *tx, struct periods *periods, struct period period)
{
    if (periods->n == periods->held) {
        periods_grow(tx, periods);
    }
    uint32_t *slot = period_slot(periods, period.id);
    if (*slot == 0 && periods->n < periods->room) {
        periods->at[periods->n++] = period;
        *slot = (uint32_t)periods->n;
    }
}

/* The seq from which it was not at the path any more. */
static uint64_t period_end(const struct period *period)
{
    return period->went > 0 && period->went < period->last ? period->went : period->last;
}

static int by_end(const void *a, const void *b)
{
    uint64_t x = period_end(a);
    uint64_t y = period_end(b);
    return (x < y) - (x > y);
}

/* What came under its name when the folder had gone was never at the path. */
static bool was_there(const struct periods *periods, const struct files_record *record,
                      uint64_t went)
{
    bool in_time = went == 0 || record->since < went;
    return in_time && (!periods->of_folders || record->kind == FILES_FOLDER);
}

/* Adds what is or was under the name in the folder. */
static int periods_under(struct files_tx *tx, const struct period *folder, struct str name,
                         struct periods *periods)
{
    uint64_t went = folder->gone ? period_end(folder) : folder->went;
    struct files_record record;
    int r = files_child(tx, folder->id, name, &record);
    if (r == 0 && was_there(periods, &record, went)) {
        period_add(tx, periods,
                   (struct period){.id = record.id, .last = tx->usage.seq, .went = went});
    }
    r = r == ERR_NOT_FOUND ? 0 : r;
    if (r < 0 || periods->n == periods->room) {
        return r;
    }
    struct str prefix = files_key_past_name(tx, folder->id, name);
    struct store_range range = {prefix, store_after(tx->arena, prefix), .reverse = true,
                                .limit = periods->room - periods->n};
    struct store_pair *pairs;
    size_t count = 0;
    r = store_scan(tx->txn, &range, &pairs, &count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct period period = {.gone = true, .went = went};
        r = files_record_decode(pairs[i].value, &record);
        if (r == 0 && data_key_number_read(str_slice(pairs[i].key, prefix.n, pairs[i].key.n),
                                           &period.last) < 0) {
            r = ERR_CORRUPT;
        }
        period.id = record.id;
        if (r == 0 && was_there(periods, &record, went)) {
            period_add(tx, periods, period);
        }
    }
    return r;
}

/* What is and was at path, the newest first. ERR_NOT_FOUND: nothing ever was. */
static int periods_read(struct files_tx *tx, struct str path, const struct rooms *rooms,
                        struct periods *ret_periods)
{
    struct period root = {.id = FILES_ROOT, .last = tx->usage.seq};
    struct periods folders = {.at = &root, .n = 1};
    struct str rest = path;
    int r = 0;
    while (r == 0 && rest.p) {
        struct str name;
        (void)str_split(&rest, '/', &name);
        bool goes_on = rest.p != NULL;
        struct periods next = {.room = goes_on ? rooms->folders : rooms->periods,
                               .of_folders = goes_on};
        for (size_t i = 0; r == 0 && i < folders.n; i++) {
            r = periods_under(tx, &folders.at[i], name, &next);
        }
        if (next.n > 0) {
            qsort(next.at, next.n, sizeof *next.at, by_end);
        }
        folders = next;
    }
    *ret_periods = folders;
    return r < 0 ? r : folders.n == 0 ? ERR_NOT_FOUND : 0;
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

int files_version_find(struct files_tx *tx, struct str path, uint64_t seq,
                       struct files_past_version *ret_version)
{
    if (path.n == 0) {
        return ERR_NOT_FOUND;
    }
    struct periods periods = {0};
    int r = periods_read(tx, path, &rooms_told, &periods);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    for (size_t i = 0; i < periods.n; i++) {
        struct str value;
        r = store_get(tx->txn, files_key_version(tx, periods.at[i].id, seq), &value);
        if (r != ERR_NOT_FOUND) {
            return r < 0 ? r : files_version_decode(value, ret_version);
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

static int version_tell(struct past *past, struct files_tx *tx, struct str value,
                        struct files_version *ret_version)
{
    struct files_past_version found;
    struct files_change_record change;
    struct str text;
    struct arena *arena = past->ctx->arena;
    int r = files_version_decode(value, &found);
    if (r == 0) {
        r = store_get(tx->txn, files_key_change(tx, found.record.version), &text);
    }
    if (r == 0) {
        r = files_change_decode(text, &change);
    }
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    }
    struct str path = past->in->path;
    if (change.id == found.record.id) {
        path = change.path;
    } else if (found.op == FILES_DELETE) {
        path = change.from; /* it was moved over something else */
    }
    files_entry_from(arena, &found.record, path, &ret_version->entry);
    ret_version->entry.bytes = arena_str(arena, found.bytes);
    ret_version->op = found.op;
    ret_version->author = files_author_shown(&change.author);
    ret_version->author.id = arena_str(arena, ret_version->author.id);
    ret_version->at = change.at;
    return 0;
}

/* The versions of one id, newest first; sets next when the page is full. */
static int period_tell(struct past *past, struct files_tx *tx, const struct period *period)
{
    struct files_history *h = &past->history;
    size_t room = past->in->limit - h->count;
    struct store_range range = {files_key_version(tx, period->id, 0),
                                files_key_version(tx, period->id, period->last + 1),
                                .limit = room + 1, .reverse = true};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (h->count == past->in->limit) {
            const struct files_version *last = &h->versions[h->count - 1];
            h->next =
                arena_printf(past->ctx->arena, "%016llx%016llx", (unsigned long long)last->entry.id,
                             (unsigned long long)last->entry.version);
            return 0;
        }
        r = version_tell(past, tx, pairs[i].value, &h->versions[h->count]);
        h->count += r == 0;
    }
    return r;
}

static int history_read(struct txn *txn, void *arg)
{
    struct past *past = arg;
    struct files_tx tx = {0};
    struct periods periods;
    int r = files_tx_begin(&tx, txn, &past->ctx->scope, past->in->session);
    if (r == 0) {
        r = periods_read(&tx, past->in->path, &rooms_told, &periods);
    }
    past->history = (struct files_history){
        .versions = ARENA_ARRAY(past->ctx->arena, struct files_version, past->in->limit)};
    bool reached = past->cursor_id == 0;
    for (size_t i = 0; r == 0 && i < periods.n && past->history.next.n == 0; i++) {
        struct period period = periods.at[i];
        period.last = period_end(&period);
        if (!reached && period.id == past->cursor_id) {
            reached = true;
            period.last = past->cursor_seq - 1;
        }
        if (reached) {
            r = period_tell(past, &tx, &period);
        }
    }
    return r;
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

static int change_read(struct files_tx *tx, uint64_t seq, struct files_change_record *ret_change)
{
    struct str text;
    int r = store_get(tx->txn, files_key_change(tx, seq), &text);
    return r < 0 ? r : files_change_decode(text, ret_change);
}

/* Whether what is on the disk may be what it was left with when the version was replaced. ERR_NOT_FOUND: the past is thinned. */
static int search_judge(const struct search *search, struct files_tx *tx,
                        const struct files_past_version *version, uint64_t replaced_by)
{
    struct files_change_record end;
    struct files_change_record begin;
    int r = change_read(tx, replaced_by, &end);
    if (r < 0) {
        return r;
    }
    bool own = is_own(search, &end.author);
    if (own && search->like->by_others) {
        return ERR_NOT_FOUND;
    }
    usec_t patience = 0;
    if (!own && end.at < search->like->is.at) {
        r = change_read(tx, version->record.version, &begin);
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

static int period_search(struct search *search, struct files_tx *tx, const struct period *period)
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
static int is_past(const struct search *search, struct files_tx *tx, const struct period *period,
                   bool *ret_past)
{
    struct files_change_record end;
    int r = period->gone ? change_read(tx, period->last, &end) : ERR_NOT_FOUND;
    *ret_past = r == 0 && end.at + grace < search->like->is.at;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int search_read(struct txn *txn, void *arg)
{
    struct search *search = arg;
    struct files_tx tx = {0};
    struct periods periods = {0};
    search->left = MAX_SEARCHED;
    int r = files_tx_begin(&tx, txn, &search->ctx->scope, search->session);
    r = r < 0 ? r : periods_read(&tx, search->like->is.entry.path, &rooms_searched, &periods);
    if (r < 0) {
        return r;
    }
    r = ERR_NOT_FOUND;
    bool past = false;
    for (size_t i = 0; r == ERR_NOT_FOUND && i < periods.n && search->left > 0; i++) {
        struct period period = periods.at[i];
        period.gone = period.gone || period.went > 0;
        period.last = period_end(&period);
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
