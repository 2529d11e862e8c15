/*
 * Going back: a folder, or all of a session, becomes what it was at a moment. Entries get changes of their own, in pages, so
 * that a workspace follows them as any others; what makes them one is a record.
 *
 * 1. rewind/{session}/{first}: first is a seq that no change has; last, once it is whole, that of its last change. No moment
 *    in [first, last) is ever shown: it is taken for last. While it is in hand there is no moment behind first - 1.
 * 2. One at a time in a session, and the session's record says so (rewinding_at): by that a server that starts later finds
 *    it. Others' changes may come between its own; theirs stand unless a page comes to the same place afterwards.
 * 3. A page judges each entry by what is there now, so any page may run twice.
 * 4. Phases: the folder itself is made, and what is no folder on the way to it goes; what was not there goes, so that files that were moved away are dead and come back
 *    under their ids; each entry of the moment is made so; when folders came back with what they held when they died, what
 *    was not there goes again.
 * 5. What cannot be read, as it was or as it is now, stays as it is and is counted: a folder of which a version is lost is the
 *    one that its name leads to, with its later mode. Where that shows only while an entry is being made, what its page wrote
 *    is given up, and the page ends behind the entry the next time.
 */
#include "files/quota_int.h"
#include "files/rewind_int.h"

enum { PAGE_LOOKED = 500, PAGE_CHANGED = 150, PAGE_BYTES = 512 * 1024 };

/* ---- one page ---- */

struct page {
    struct files_tx tx;
    struct files_rewind_record record;
    size_t looked;
    size_t changed;
    size_t damaged;
    bool taken; /* the next change has its seq already */
    bool broke; /* at the entry that the record's cursor names */
    const struct broken *past;
    bool past_it; /* it is behind us */
};

/* An entry of a phase that cannot be gone back with. */
struct broken {
    unsigned phase; /* FILES_REWIND_END: none */
    struct str path;
};

static bool page_is_full(const struct page *page)
{
    return page->looked >= PAGE_LOOKED || page->changed >= PAGE_CHANGED ||
           page->tx.written >= PAGE_BYTES || page->past_it;
}

static void change_next(struct page *page)
{
    if (!page->taken) {
        files_tx_next(&page->tx);
    }
    page->taken = false;
    page->changed++;
}

static int remove_at(struct page *page, struct files_place *place)
{
    change_next(page);
    return files_change_delete(&page->tx, place);
}

static struct str whole_path(struct page *page, struct str below)
{
    return files_path_join(page->tx.arena, page->record.path, below);
}

/*
 * A folder that was there: the same, one that died and comes back with what it held, or a new one, also where what the dead one came
 * to hold elsewhere would lie too deep.
 */
static int make_folder(struct page *page, struct files_place *place,
                       const struct files_record *then)
{
    struct files_tx *tx = &page->tx;
    if (place->there && place->record.kind == FILES_FOLDER) {
        if (place->depth > 0 && place->record.mode != then->mode) {
            change_next(page);
            files_change_mode(tx, place, then->mode, then->mtime);
        }
        return 0;
    }
    int r = place->there ? remove_at(page, place) : 0;
    bool dead = false;
    r = r < 0 ? r : files_id_is_dead(tx, then->id, &dead);
    if (r < 0 && r != ERR_CORRUPT) { /* a new one, then, for what was in it */
        return r;
    }
    change_next(page);
    r = dead ? files_change_relink(tx, place, then) : ERR_LIMIT;
    if (r != ERR_LIMIT) {
        page->record.again = true;
        return r;
    }
    return files_change_mkdir(tx, place, then->mode, then->mtime);
}

static bool same(const struct files_record *now, const struct files_record *then)
{
    return now->kind == then->kind && now->mode == then->mode && now->mtime == then->mtime &&
           now->manifest.length == then->manifest.length &&
           content_hash_eq(&now->hash, &then->hash);
}

static int make_file(struct page *page, struct files_place *place, const struct files_record *then)
{
    struct files_tx *tx = &page->tx;
    if (place->there && same(&place->record, then)) {
        return 0;
    }
    bool dead = false;
    struct files_past_version version;
    int r = place->there && place->record.kind == FILES_FOLDER ? remove_at(page, place) : 0;
    r = r < 0 ? r : files_version_of(tx, then, &version);
    r = r < 0 ? r : files_id_is_dead(tx, then->id, &dead);
    if (r < 0) {
        return r;
    }
    change_next(page);
    return files_restore_file(tx, place, &version, dead);
}

/* Folders above the first are made; those above others were there, unless somebody took them away since: let it be so. */
static int make_one(struct page *page, struct str path, const struct files_record *then)
{
    struct files_tx *tx = &page->tx;
    struct files_place *place;
    bool root = page->record.phase == FILES_REWIND_ROOT;
    int r = files_place_find(tx, path, &place);
    if (r == ERR_NOT_DIRECTORY && root) {
        change_next(page);
        r = files_way_clear(tx, path);
        r = r == 0 ? ERR_NOT_FOUND : r;
    }
    if (r == ERR_NOT_FOUND && root) {
        files_tx_next(tx);
        page->taken = true; /* nothing is at path: a change follows */
        r = files_place_make(tx, path, &place);
    }
    if (r < 0) {
        return r == ERR_NOT_FOUND || r == ERR_NOT_DIRECTORY ? 0 : r;
    }
    return then->kind == FILES_FOLDER ? make_folder(page, place, then)
                                      : make_file(page, place, then);
}

/*
 * What was not there goes, a folder with all in it; so does what was of another kind. Where nobody can say what was there, it stays;
 * so it does where it cannot be taken away, which is counted the second time that it is looked at.
 */
static int prune_one(struct page *page, struct files_walk *w, struct str below,
                     const struct files_record *now)
{
    struct files_record then;
    struct files_place *place;
    int r = files_name_at(&page->tx, whole_path(page, below), page->record.moment, &then);
    bool as_was = r == 0 && (then.kind == FILES_FOLDER) == (now->kind == FILES_FOLDER);
    if (as_was || w->damaged || r == ERR_CORRUPT) {
        return 0;
    }
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    files_walk_skip(w, below);
    r = files_place_find(&page->tx, whole_path(page, below), &place);
    return r < 0 || !place->there ? r : remove_at(page, place);
}

static int make_below(struct page *page, const struct files_walk *w, struct str below,
                      const struct files_record *then)
{
    page->damaged += w->damaged;
    return w->damaged && then->kind != FILES_FOLDER ? 0
                                                    : make_one(page, whole_path(page, below), then);
}

/* The try before this one broke at it. */
static bool leave(struct page *page)
{
    struct files_rewind_record *record = &page->record;
    page->past_it = record->phase == page->past->phase && str_eq(record->after, page->past->path);
    if (page->past_it && record->phase == FILES_REWIND_PRUNE) {
        record->again = true;
    } else {
        page->damaged += page->past_it;
    }
    return page->past_it;
}

/* Goes on with the phase's walk; *ret_done: there is no more of it. */
static int walk_on(struct page *page, uint64_t folder, bool prune, bool *ret_done)
{
    struct files_walk w = {.tx = &page->tx,
                           .at = prune ? FILES_NOW : page->record.moment,
                           .recursive = true,
                           .past_damage = true};
    int r = files_walk_begin(&w, folder, page->record.after);
    *ret_done = false;
    while (r == 0 && !page_is_full(page)) {
        struct str below;
        struct files_record record;
        r = files_walk_next(&w, &below, &record);
        if (r == ERR_NOT_FOUND) {
            *ret_done = true;
            return 0;
        }
        if (r < 0) {
            return r;
        }
        page->looked++;
        page->record.after = below;
        if (leave(page)) {
            return 0;
        }
        r = prune ? prune_one(page, &w, below, &record) : make_below(page, &w, below, &record);
        page->broke = r == ERR_CORRUPT;
    }
    return r;
}

static int prune_on(struct page *page, bool *ret_done)
{
    struct files_place *place;
    int r = files_place_find(&page->tx, page->record.path, &place);
    bool gone = r == ERR_NOT_FOUND || r == ERR_NOT_DIRECTORY || r == ERR_CORRUPT ||
                (r == 0 && (!place->there || place->record.kind != FILES_FOLDER));
    *ret_done = true;
    return gone ? 0 : r < 0 ? r : walk_on(page, place->record.id, /* prune= */ true, ret_done);
}

/* The next part of the phase in hand. */
static int phase_on(struct page *page, const struct files_record *folder, bool *ret_done)
{
    int r;
    *ret_done = true;
    switch ((enum files_rewind_phase)page->record.phase) {
    case FILES_REWIND_ROOT:
        if (leave(page)) { /* there is nowhere to make anything */
            page->record.phase = FILES_REWIND_PRUNE_AGAIN;
            page->record.again = false;
            return 0;
        }
        r = make_one(page, page->record.path, folder);
        page->broke = r == ERR_CORRUPT;
        return r;
    case FILES_REWIND_PRUNE:
        return prune_on(page, ret_done);
    case FILES_REWIND_MAKE:
        return walk_on(page, folder->id, /* prune= */ false, ret_done);
    case FILES_REWIND_PRUNE_AGAIN:
        return page->record.again ? prune_on(page, ret_done) : 0;
    case FILES_REWIND_END:
        break;
    }
    UNREACHABLE();
}

static int session_says(struct files_tx *tx, usec_t rewinding_at)
{
    struct data_session session;
    int r = sessions_find(tx->txn, tx->scope, tx->session, &session);
    if (r == 0) {
        session.rewinding_at = rewinding_at;
        r = data_session_put(tx->txn, tx->scope, &session);
    }
    return r;
}

/* What was at path, as it was later (1) where its version of then is lost. ERR_NOT_FOUND, ERR_NOT_DIRECTORY, ERR_CORRUPT. */
static int folder_then(struct files_tx *tx, struct str path, uint64_t moment,
                       struct files_record *ret_folder)
{
    int r = files_record_at(tx, path, moment, ret_folder);
    if (r == ERR_CORRUPT) {
        r = files_name_at(tx, path, moment, ret_folder);
        r = r == 0 ? 1 : r;
    }
    return r;
}

static int page_begin(struct page *page, struct files_record *ret_folder)
{
    struct files_rewind_record *record = &page->record;
    int r = folder_then(&page->tx, record->path, record->moment, ret_folder);
    if (r > 0 || r == ERR_CORRUPT) {
        page->damaged += record->phase == FILES_REWIND_ROOT;
        record->phase = r > 0 ? record->phase : FILES_REWIND_END; /* not even its name is known */
        r = 0;
    }
    return r;
}

static int page_run(struct page *page)
{
    struct files_tx *tx = &page->tx;
    struct files_rewind_record *record = &page->record;
    struct files_record folder;
    uint64_t first = tx->usage.seq;
    int r = page_begin(page, &folder);
    while (r == 0 && record->phase != FILES_REWIND_END && !page_is_full(page)) {
        bool done;
        r = phase_on(page, &folder, &done);
        if (r == 0 && done) {
            record->phase++;
            record->after = STR_EMPTY;
        }
    }
    if (r == 0 && record->phase == FILES_REWIND_END) {
        record->last = page->changed > 0 ? tx->usage.seq : record->own;
        r = session_says(tx, 0);
    }
    if (r < 0) {
        return r;
    }
    if (page->changed > 0) {
        record->own = tx->usage.seq;
    }
    record->changed += page->changed;
    record->damaged += page->damaged;
    files_rewind_put(tx, record);
    r = files_tx_end(tx, first);
    if (r == 0 && record->phase == FILES_REWIND_END) {
        files_tx_tell(tx, "rewound", record->last - 1, record->last);
    }
    return r;
}

/* ---- the calls ---- */

struct rewind {
    struct data_context *ctx;
    const struct files_rewind_input *in;
    struct str session;
    uint64_t first;
    usec_t now;
    struct broken broken; /* found by a step; the next one ends behind it */
    struct files_rewind result;
};

static struct files_rewind told(const struct files_rewind_record *record)
{
    return (struct files_rewind){record->first, record->last, record->changed, record->damaged,
                                 record->moment};
}

static int step_write(struct txn *txn, void *arg)
{
    struct rewind *rewind = arg;
    const struct broken past = rewind->broken;
    struct page page = {.past = &past};
    int r = files_tx_begin(&page.tx, txn, &rewind->ctx->scope, rewind->session);
    if (r == 0) {
        r = files_rewind_get(&page.tx, rewind->first, &page.record);
    }
    if (r == 0 && page.record.last == 0) {
        page.tx.author = &page.record.author;
        page.tx.now = page.record.at;
        r = page_run(&page);
    }
    if (r == ERR_CORRUPT && page.broke) {
        rewind->broken =
            (struct broken){page.record.phase, arena_str(rewind->ctx->arena, page.record.after)};
    }
    rewind->result = told(&page.record);
    return r;
}

int files_rewind_step(struct data_context *ctx, struct str session, uint64_t first,
                      struct files_rewind *ret_rewind)
{
    struct rewind rewind = {
        .ctx = ctx, .session = session, .first = first, .broken = {.phase = FILES_REWIND_END}};
    struct store_op op = store_op_new();
    op.bytes = PAGE_BYTES;
    int r = store_write(ctx->store, &op, step_write, &rewind);
    if (r == ERR_CORRUPT && rewind.broken.phase != FILES_REWIND_END) {
        op = store_op_new();
        op.bytes = PAGE_BYTES;
        r = store_write(ctx->store, &op, step_write, &rewind);
    }
    if (r == 0) {
        *ret_rewind = rewind.result;
    }
    return r;
}

/* Is the moment one, and was something there? Says which moment it is. */
static int begin_check(struct files_tx *tx, const struct rewind *rewind, uint64_t *ret_moment)
{
    struct files_record record;
    uint64_t moment = rewind->in->at;
    int r = files_rewind_none(tx);
    if (r == ERR_CONFLICT) {
        return data_fault(rewind->ctx, ERR_CONFLICT, NULL,
                          "Its files are going back to a moment already.");
    }
    if (r == 0) {
        r = moment == 0 || moment > tx->usage.seq ? ERR_NOT_FOUND
                                                  : files_moment_settle(tx, &moment);
    }
    if (r == 0) {
        r = folder_then(tx, rewind->in->path, moment, &record);
    }
    if (r < 0) {
        return r == ERR_NOT_DIRECTORY ? ERR_NOT_FOUND : r;
    }
    *ret_moment = moment;
    return record.kind == FILES_FOLDER ? 0 : ERR_NOT_DIRECTORY;
}

static int begin_new(struct files_tx *tx, struct rewind *rewind)
{
    const struct files_rewind_input *in = rewind->in;
    struct files_rewind_record record = {
        .at = rewind->now, .author = in->author, .path = in->path, .phase = FILES_REWIND_ROOT};
    uint64_t before = tx->usage.seq;
    int r = begin_check(tx, rewind, &record.moment);
    if (r < 0) {
        return r;
    }
    files_tx_next(tx);
    record.first = record.own = tx->seq;
    files_rewind_put(tx, &record);
    r = session_says(tx, rewind->now);
    store_put(tx->txn, data_key_bell(tx->arena, SESSIONS_FORK_BELL), tx->session);
    rewind->result = told(&record);
    data_remember(tx->txn, rewind->ctx, data_key_number(tx->arena, record.first));
    return r < 0 ? r : files_tx_end(tx, before);
}

static int begin_write(struct txn *txn, void *arg)
{
    struct rewind *rewind = arg;
    struct files_tx tx = {.author = &rewind->in->author, .now = rewind->now};
    bool found = false;
    struct str text;
    int r = files_tx_begin(&tx, txn, &rewind->ctx->scope, rewind->in->session);
    if (r == 0 && tx.forking) {
        return data_fault(rewind->ctx, ERR_CONFLICT, NULL, SESSIONS_FORKING_TEXT);
    }
    r = r < 0 ? r : data_replay(txn, rewind->ctx, &found, &text);
    if (r < 0 || !found) {
        return r < 0 ? r : begin_new(&tx, rewind);
    }
    if (text.n == FILES_EDIT_ANSWER) {
        return ERR_NOT_DIRECTORY; /* it was a file: its restore knows the rest */
    }
    rewind->result = (struct files_rewind){0};
    return data_key_number_read(text, &rewind->result.first) < 0 ? ERR_CORRUPT : 0;
}

int files_rewind_begin(struct data_context *ctx, const struct files_rewind_input *in,
                       struct files_rewind *ret_rewind)
{
    int r = files_input_check(&in->author, in->path.n > 0 ? in->path : STR("all"));
    if (r < 0) {
        return r;
    }
    struct rewind rewind = {.ctx = ctx, .in = in, .now = time_now()};
    int full = files_quota_look(ctx, in);
    r = full == ERR_QUOTA ? full : store_write(ctx->store, &ctx->op, begin_write, &rewind);
    if (r == 0) {
        *ret_rewind = rewind.result;
    }
    return r == ERR_NOT_DIRECTORY ? files_restore_at(ctx, in, ret_rewind) : r;
}
