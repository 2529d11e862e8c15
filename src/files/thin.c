/*
 * Retention: of a past that grows old fewer moments are kept, and with them fewer versions. All versions for a while, then what
 * an hour ended with, then what a day ended with, then what is there now.
 *
 * 1. A stretch is a run of changes within one hour or day (or all that are too old): at most FILES_THIN_RUN of them, so a busy hour is
 *    several. Of its moments only the last is kept. That is written down (thin/{session}/{first} says the last) in a transaction
 *    before anything goes; from then on every moment in it is taken for its last (files_moment_settle), as those of a rewind.
 * 2. A version goes when the next one of its file lies in the same stretch: then no kept moment shows it. So the current one
 *    never goes, nor what any kept moment shows. Of a file that came and went within a stretch nothing stays.
 * 3. Deletions and moves carry the content of the version before them without naming it; so what goes hands its name on.
 * 4. Who follows the changes from within a stretch is told to compare all (files_changes_since): of what came and went no change
 *    is left that would say so.
 * 5. No stretch is made of a session that goes back to a moment or is being copied: those read moments of their own.
 * 6. Each transaction takes a few changes, in order, fewer when much is read for each, and says how far it came; cut off, it goes on
 *    there.
 * 7. Folders keep their versions and names. One that was deleted, and that no kept moment shows, goes with them and with all in it
 *    (thin_folder.c).
 * 8. Names that a file had within a stretch go, and the changes that tell of them: what is left of a thousand moves is one
 *    (thin_names.c).
 */
#include "files/thin_int.h"

enum { LEVELS = FILES_THIN_LEVELS, PAGE = 30, PAGE_BYTES = 64 * 1024 };

/* ---- what is kept of it ---- */

struct progress {
    uint64_t
        next[LEVELS]; /* changes before it lie in stretches of this level, or of a coarser one */
    struct files_stretch hand;
};

static struct str key_thin(struct files_tx *tx, uint64_t number)
{
    return DATA_KEY(tx->arena, tx->scope, DATA_SPACE_THIN, tx->session,
                    data_key_number(tx->arena, number));
}

/* Under the number 0: six numbers. */
static int progress_get(struct files_tx *tx, struct progress *ret_progress)
{
    struct str value;
    struct progress p = {.next = {1, 1, 1}};
    uint64_t *const numbers[] = {&p.next[0],    &p.next[1],   &p.next[2],
                                 &p.hand.first, &p.hand.last, &p.hand.from};
    enum { N = sizeof numbers / sizeof numbers[0] };
    int r = store_get(tx->txn, key_thin(tx, 0), &value);
    for (size_t i = 0; r == 0 && i < N; i++) {
        if (value.n != (size_t)16 * N ||
            data_key_number_read(str_slice(value, 16 * i, 16 * (i + 1)), numbers[i]) < 0) {
            r = ERR_CORRUPT;
        }
    }
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    *ret_progress = p;
    return 0;
}

static void progress_put(struct files_tx *tx, const struct progress *p)
{
    store_put(tx->txn, key_thin(tx, 0),
              arena_printf(tx->arena, "%016llx%016llx%016llx%016llx%016llx%016llx",
                           (unsigned long long)p->next[0], (unsigned long long)p->next[1],
                           (unsigned long long)p->next[2], (unsigned long long)p->hand.first,
                           (unsigned long long)p->hand.last, (unsigned long long)p->hand.from));
}

/* The stretch that a moment lies in, but for its last; else that moment alone. */
static int stretch_at(struct files_tx *tx, uint64_t at, struct files_stretch *ret_stretch)
{
    struct store_range range = {key_thin(tx, 1), key_thin(tx, at + 1), .limit = 1, .reverse = true};
    struct store_pair *pairs;
    size_t count;
    struct files_stretch s = {0};
    int r = store_scan(tx->txn, &range, &pairs, &count);
    if (r < 0) {
        return r;
    }
    if (count > 0) {
        if (data_key_number_last(pairs[0].key, &s.first) < 0 ||
            data_key_number_read(pairs[0].value, &s.last) < 0) {
            return ERR_CORRUPT;
        }
    }
    *ret_stretch = s.last > at ? s : (struct files_stretch){.first = at, .last = at};
    return 0;
}

int files_thin_settle(struct files_tx *tx, uint64_t *at)
{
    struct files_stretch s;
    int r = stretch_at(tx, *at, &s);
    if (r == 0) {
        *at = s.last;
    }
    return r;
}

void files_thin_begin_at(struct files_tx *tx, uint64_t at)
{
    struct progress p = {.next = {at + 1, at + 1, at + 1}};
    progress_put(tx, &p);
    store_put(tx->txn, key_thin(tx, 1), data_key_number(tx->arena, at));
}

int files_thin_end(struct files_tx *tx, uint64_t *ret_end)
{
    struct store_range range = {key_thin(tx, 1), store_after(tx->arena, key_thin(tx, UINT64_MAX)),
                                .limit = 1, .reverse = true};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    if (r < 0 || count == 0) {
        *ret_end = 0;
        return r;
    }
    return data_key_number_read(pairs[0].value, ret_end) < 0 ? ERR_CORRUPT : 0;
}

int files_thin_read(struct files_tx *tx, uint64_t number, struct str value)
{
    struct progress p;
    uint64_t last;
    if (number == 0) {
        return progress_get(tx, &p);
    }
    return data_key_number_read(value, &last) < 0 ? ERR_CORRUPT : 0;
}

/* ---- which stretch is next ---- */

struct thinning {
    struct store *store;
    const struct files_keep *keep;
    const struct scope *scope;
    struct str tree;
    usec_t now;
    /* results of a look */
    bool found;
    unsigned level;
    struct progress before;
    struct files_stretch stretch;
    /* result of a page */
    bool more;
};

static void thin_begin(const struct thinning *t, struct txn *txn, struct files_tx *tx)
{
    *tx = (struct files_tx){
        .txn = txn, .arena = store_arena(txn), .scope = t->scope, .session = t->tree};
}

/*
 * A stretch ends where the next begins, so that no moment lies between them: behind its last change comes `next` (NULL: nothing
 * yet), or the finer stretch that it lies in, of which the first changes may be gone, or the number of a return to a moment.
 */
static int run_end(struct files_tx *tx, const struct store_pair *last,
                   const struct store_pair *next, uint64_t *ret_end)
{
    uint64_t least = 0;
    uint64_t end = tx->usage.seq;
    struct files_stretch finer;
    struct files_rewind_record rewind;
    int r = data_key_number_last(last->key, &least);
    if (r == 0 && next) {
        r = data_key_number_last(next->key, &end);
        end--;
    }
    r = r < 0 ? r : stretch_at(tx, end, &finer);
    if (r == 0 && next && finer.last > end) {
        end = finer.first - 1;
    }
    r = r < 0 ? r : files_rewind_before(tx, end, &rewind);
    if (r == 0 && rewind.first > least && (rewind.last == 0 || rewind.last > end)) {
        end = rewind.first - 1;
    }
    if (r == 0 || r == ERR_NOT_FOUND) {
        *ret_end = end;
        r = 0;
    }
    return r;
}

/*
 * A stretch begins with its first change, or the finer stretch that this lies in. Not with finer ones that lie between `from` and that:
 * all of theirs came and went, so what they show is what was there before them, perhaps days before this.
 */
static int run_begin(struct files_tx *tx, uint64_t from, const struct store_pair *first,
                     uint64_t *ret_begin)
{
    struct files_stretch before = {0};
    uint64_t seq = 0;
    int r = data_key_number_last(first->key, &seq);
    if (r == 0 && seq > from) {
        r = stretch_at(tx, seq - 1, &before);
    }
    bool within = before.last >= seq;
    *ret_begin = !within ? seq : before.first > from ? before.first : from;
    return r;
}

static int look_level(struct thinning *t, struct files_tx *tx, unsigned level)
{
    uint64_t from = 0;
    for (unsigned i = level; i < LEVELS; i++) {
        from = t->before.next[i] > from ? t->before.next[i] : from;
    }
    struct files_thin_run run = {t->keep, t->now, tx, level, .from = from};
    uint64_t begin = 1;
    uint64_t end = 0;
    int r = files_thin_run(&run);
    if (r < 0 || run.n == 0) {
        return r;
    }
    if (level != FILES_THIN_EVERYTHING) {
        r = run_begin(tx, from, &run.at[0], &begin);
    }
    r = r < 0 ? r : run_end(tx, &run.at[run.n - 1], run.n < run.read ? &run.at[run.n] : NULL, &end);
    if (r == 0) {
        t->found = true;
        t->level = level;
        t->stretch = (struct files_stretch){begin, end, from};
    }
    return r;
}

static int look_read(struct txn *txn, void *arg)
{
    struct thinning *t = arg;
    struct files_tx tx;
    t->found = false;
    thin_begin(t, txn, &tx);
    int r = data_clock_get(txn, &t->now);
    r = r < 0 ? r : data_usage_get(txn, t->scope, t->tree, &tx.usage);
    r = r < 0 ? r : progress_get(&tx, &t->before);
    for (unsigned level = 0; r == 0 && !t->found && t->before.hand.last == 0 && level < LEVELS;
         level++) {
        r = look_level(t, &tx, level);
    }
    return r;
}

/* Whether somebody is reading moments of the tree on their own. */
static int is_busy(struct files_tx *tx, bool *ret_busy)
{
    struct files_rewind_record rewind;
    struct sessions_fork_page page = {0};
    int r = files_rewind_before(tx, UINT64_MAX - 1, &rewind);
    bool busy = r == 0 && rewind.last == 0;
    bool passed = false;
    r = r == ERR_NOT_FOUND ? 0 : r;
    do {
        r = r < 0 ? r : sessions_forks(tx->txn, page.next, &page);
        passed = passed || (r == 0 && page.passed);
        for (size_t i = 0; r == 0 && i < page.n; i++) {
            busy = busy || str_eq(page.at[i].from, tx->session);
        }
    } while (r == 0 && page.next.n > 0);
    if (r == 0 && passed && !busy) {
        r = sessions_fork_doubt(tx->txn, tx->scope, &busy);
    }
    *ret_busy = busy;
    return r;
}

static int open_write(struct txn *txn, void *arg)
{
    struct thinning *t = arg;
    struct files_tx tx;
    struct progress now;
    bool busy = false;
    t->more = false;
    thin_begin(t, txn, &tx);
    int r = progress_get(&tx, &now);
    r = r < 0 ? r : is_busy(&tx, &busy);
    r = r < 0 ? r : data_usage_get(txn, t->scope, t->tree, &tx.usage);
    bool purged = r == 0 && tx.usage.seq == 0;
    if (r < 0 || busy || purged || memcmp(&now, &t->before, sizeof now) != 0) {
        return r;
    }
    store_delete_range(txn, key_thin(&tx, t->stretch.first), key_thin(&tx, t->stretch.last + 1));
    store_put(txn, key_thin(&tx, t->stretch.first), data_key_number(tx.arena, t->stretch.last));
    now.next[t->level] = t->stretch.last + 1;
    now.hand = t->stretch;
    progress_put(&tx, &now);
    t->more = true;
    return 0;
}

/* ---- its changes, page by page ---- */

/* As many as a page takes: one that took a folder away is its last. *ret_all: there is no more in the stretch. */
static int changes_thin(struct files_tx *tx, struct files_stretch *hand, bool *ret_all)
{
    struct store_range range = {files_key_change(tx, hand->from),
                                files_key_change(tx, hand->last + 1), .limit = PAGE};
    struct store_pair *pairs;
    size_t count;
    size_t done = 0;
    bool folder = false;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    while (r == 0 && done < count && !folder && (done == 0 || !files_thin_is_full(tx))) {
        struct files_change_record change;
        r = data_key_number_last(pairs[done].key, &hand->from);
        r = r < 0 ? r : files_change_decode(pairs[done++].value, &change);
        r = r < 0 ? r : files_thin_change(tx, hand, &change, &folder);
    }
    hand->from++;
    *ret_all = r == 0 && done == count && count < PAGE && !folder;
    return r;
}

static int page_write(struct txn *txn, void *arg)
{
    struct thinning *t = arg;
    struct files_tx tx;
    struct progress now;
    t->more = true;
    thin_begin(t, txn, &tx);
    int r = progress_get(&tx, &now);
    if (r < 0 || now.hand.last == 0) {
        return r;
    }
    bool some = false;
    r = files_thin_folder_page(&tx, &some);
    if (r < 0 || some) {
        return r;
    }
    bool all = false;
    r = changes_thin(&tx, &now.hand, &all);
    if (r < 0) {
        return r;
    }
    if (all) {
        now.hand = (struct files_stretch){0};
    }
    progress_put(&tx, &now);
    return 0;
}

int files_thin_step(struct store *store, const struct files_keep *keep,
                    const struct files_tree *tree, bool *ret_more)
{
    struct scope scope = {.tenant_id = tree->tenant};
    struct thinning thinning = {.store = store, .keep = keep, .scope = &scope, .tree = tree->id};
    struct thinning *t = &thinning;
    struct store_op op = store_op_new();
    op.reserve = true; /* it makes room */
    op.bytes = PAGE_BYTES;
    int r = store_read(t->store, look_read, t);
    if (r < 0 || (!t->found && t->before.hand.last == 0)) {
        *ret_more = false;
        return r;
    }
    r = store_write(t->store, &op, t->found ? open_write : page_write, t);
    *ret_more = r == 0 && t->more;
    return r;
}
