/*
 * What was at a path: what is there now, and what was there before. A folder on the way may have been deleted, moved away or made
 * anew, so the name is looked for in each folder that ever was there: what lay in a folder that went away stayed in it. And what
 * came there by a move, itself or a folder above it, was elsewhere before: there the past goes on until the move, with what was
 * there before it, too.
 *
 * 1. What is looked for under a former name came there before the move, so names that lead to each other end.
 * 2. A path is looked at once, with the latest move: that takes in what an earlier one would find.
 * 3. The latest name comes first, so that what there is no room for is the oldest.
 */
#include "files/trail_int.h"

#include <stdlib.h>

struct periods {
    struct files_period *at;
    uint32_t *slots; /* 2 * held, open addressing by id: 0, or one more than where it is in at */
    size_t n, held;
    size_t room;     /* may come */
    bool of_folders; /* alone: the path goes on */
};

struct walk {
    struct files_tx *tx;
    const struct files_trail_rooms *rooms;
    struct files_trail *trail;
    const struct files_trail_name *name; /* that is looked for */
    struct str rest; /* of it, behind the part in hand; p NULL: it is the last */
    size_t looks;    /* left */
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
    struct files_period *at = periods->at;
    periods->held = periods->held > 0 ? 2 * periods->held : 8;
    periods->at = ARENA_ARRAY(tx->arena, struct files_period, periods->held);
    periods->slots = ARENA_ARRAY(tx->arena, uint32_t, 2 * periods->held);
    for (size_t i = 0; i < periods->n; i++) {
        periods->at[i] = at[i];
        *period_slot(periods, at[i].id) = (uint32_t)i + 1;
    }
}

uint64_t files_period_end(const struct files_period *period)
{
    return period->went > 0 && period->went < period->last ? period->went : period->last;
}

/* Of each id the one that ends last. */
static void period_add(struct files_tx *tx, struct periods *periods, struct files_period period)
{
    if (periods->n == periods->held) {
        periods_grow(tx, periods);
    }
    uint32_t *slot = period_slot(periods, period.id);
    if (*slot > 0) {
        struct files_period *known = &periods->at[*slot - 1];
        if (files_period_end(&period) > files_period_end(known)) {
            *known = period;
        }
    } else if (periods->n < periods->room) {
        periods->at[periods->n++] = period;
        *slot = (uint32_t)periods->n;
    }
}

static int by_end(const void *a, const void *b)
{
    uint64_t x = files_period_end(a);
    uint64_t y = files_period_end(b);
    return (x < y) - (x > y);
}

/* ---- names ---- */

static void name_add(struct walk *w, struct str path, uint64_t until)
{
    struct files_trail *trail = w->trail;
    for (size_t i = 0; i < trail->name_count; i++) {
        struct files_trail_name *known = &trail->names[i];
        if (str_eq(known->path, path)) {
            known->until = known->until > until ? known->until : until;
            return;
        }
    }
    if (trail->name_count < w->rooms->names) {
        trail->names[trail->name_count++] = (struct files_trail_name){.path = path, .until = until};
    }
}

int files_change_read(struct files_tx *tx, uint64_t seq, struct files_change_record *ret_change)
{
    struct str text;
    int r = store_get(tx->txn, files_key_change(tx, seq), &text);
    return r < 0 ? r : files_change_decode(text, ret_change);
}

/* Notes where it was before it came under the part of the name in hand. What was made there has an id of that change. */
static int came_from(struct walk *w, const struct files_record *record)
{
    struct files_change_record change;
    bool made = record->id >> FILES_ID_BITS == record->since;
    if (made || w->looks == 0 || w->trail->name_count == w->rooms->names) {
        return 0;
    }
    w->looks--;
    int r = files_change_read(w->tx, record->since, &change);
    if (r == 0 && change.op == FILES_MOVE && change.id == record->id) {
        name_add(w, w->rest.p ? files_path_join(w->tx->arena, change.from, w->rest) : change.from,
                 record->since);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

static struct files_trail_name *name_next(struct walk *w)
{
    struct files_trail_name *next = NULL;
    for (size_t i = 0; i < w->trail->name_count; i++) {
        struct files_trail_name *name = &w->trail->names[i];
        if (!name->walked && (!next || name->until > next->until)) {
            next = name;
        }
    }
    return next;
}

/* ---- walks ---- */

/* What came under its name when the folder had gone was never at the path. */
static int found(struct walk *w, struct periods *periods, const struct files_record *record,
                 struct files_period period)
{
    bool in_time = period.went == 0 || record->since < period.went;
    if (!in_time || (periods->of_folders && record->kind != FILES_FOLDER)) {
        return 0;
    }
    period.id = record->id;
    period.path = w->name->path;
    period_add(w->tx, periods, period);
    return came_from(w, record);
}

static int found_past(struct walk *w, struct periods *periods, const struct store_pair *pair,
                      uint64_t went)
{
    struct files_record record;
    struct files_period period = {.gone = true, .went = went};
    int r = files_record_decode(pair->value, &record);
    r = r < 0 ? r : data_key_number_last(pair->key, &period.last);
    return r < 0 ? r : found(w, periods, &record, period);
}

/* Adds what went from there in the range, latest first. Names behind the first pay for each. */
static int pasts_add(struct walk *w, struct periods *periods, const struct store_range *range,
                     uint64_t went)
{
    struct store_pair *pairs;
    size_t count = 0;
    int r = store_scan(w->tx->txn, range, &pairs, &count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = found_past(w, periods, &pairs[i], went);
    }
    if (w->name != w->trail->names) {
        w->looks -= count < w->looks ? count : w->looks;
    }
    return r;
}

/* Adds what is or was under the part of the name in the folder. */
static int look_in(struct walk *w, const struct files_period *folder, struct str part,
                   struct periods *periods)
{
    struct files_tx *tx = w->tx;
    uint64_t went = folder->gone ? files_period_end(folder) : folder->went;
    struct files_record record;
    int r = files_child(tx, folder->id, part, &record);
    if (r == 0) {
        r = found(w, periods, &record, (struct files_period){.last = tx->usage.seq, .went = went});
    }
    r = r == ERR_NOT_FOUND ? 0 : r;
    if (r < 0 || periods->n == periods->room) {
        return r;
    }
    struct str prefix = files_key_past_name(tx, folder->id, part);
    struct store_range range = {prefix, store_after(tx->arena, prefix), .limit = 1};
    if (went > 0) { /* of what went later, the first alone may have been there before */
        range.begin = files_key_past(tx, folder->id, part, went);
        r = pasts_add(w, periods, &range, went);
        range = (struct store_range){prefix, range.begin};
    }
    if (r < 0 || periods->n == periods->room) {
        return r;
    }
    range.reverse = true;
    range.limit = periods->room - periods->n;
    return pasts_add(w, periods, &range, went);
}

/* From one to the next part of the name; nothing where there are no looks left. */
static int step(struct walk *w, const struct periods *folders, struct str part,
                struct periods *periods)
{
    bool first = w->name == w->trail->names;
    int r = 0;
    for (size_t i = 0; r == 0 && i < folders->n && (first || w->looks > 0); i++) {
        w->looks -= first ? 0 : 1;
        r = look_in(w, &folders->at[i], part, periods);
    }
    return r;
}

/* Adds what is and was at the name until it ends. */
static int name_walk(struct walk *w, struct files_trail_name *name, struct periods *periods)
{
    struct files_period root = {.id = FILES_ROOT, .last = w->tx->usage.seq};
    struct periods folders = {.at = &root, .n = 1};
    int r = 0;
    root.went = name->until == UINT64_MAX ? 0 : name->until;
    name->walked = true;
    w->name = name;
    w->rest = name->path;
    while (r == 0 && w->rest.p && folders.n > 0) {
        struct str part;
        (void)str_split(&w->rest, '/', &part);
        if (!w->rest.p) {
            return step(w, &folders, part, periods);
        }
        struct periods next = {.room = w->rooms->folders, .of_folders = true};
        r = step(w, &folders, part, &next);
        if (next.n > 0) {
            qsort(next.at, next.n, sizeof *next.at, by_end);
        }
        folders = next;
    }
    return r;
}

int files_trail_read(struct files_tx *tx, struct str path, const struct files_trail_rooms *rooms,
                     struct files_trail *ret_trail)
{
    struct files_trail trail = {.names =
                                    ARENA_ARRAY(tx->arena, struct files_trail_name, rooms->names)};
    struct walk w = {.tx = tx, .rooms = rooms, .trail = &trail, .looks = rooms->looks};
    struct periods periods = {.room = rooms->periods};
    struct files_trail_name *name;
    int r = 0;
    name_add(&w, path, UINT64_MAX);
    while (r == 0 && (name = name_next(&w)) != NULL) {
        r = name_walk(&w, name, &periods);
    }
    if (r < 0) {
        return r;
    }
    if (periods.n > 0) {
        qsort(periods.at, periods.n, sizeof *periods.at, by_end);
    }
    trail.periods = periods.at;
    trail.period_count = periods.n;
    *ret_trail = trail;
    return 0;
}
