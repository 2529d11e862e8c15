/*
 * Two texts, line by line: the shortest script by Myers ("An O(ND) Difference Algorithm and Its Variations", 1986, the variant
 * that needs linear space), as long as that is affordable.
 *
 * 1. Lines become numbers first (equal lines, equal numbers; a keyed hash, so that nobody can make them collide). From then on
 *    no text is compared.
 * 2. The work is a stack of boxes, parts of both texts that remain to be compared. A box is split where paths from both of
 *    its ends meet; the smaller half is done first, so the stack is at most as deep as the logarithm of the lines.
 * 3. Whatever the limits cut short, the result is a script that makes one text of the other, only not the shortest: a box in
 *    which no meeting is found soon is split where the path from its start came furthest, and when all work is spent, what
 *    remains counts as replaced.
 */
#include "base/assert.h"
#include "base/rand.h"
#include "base/siphash.h"
#include "content/content.h"

enum {
    CONTEXT = 3,
    MAX_ROUNDS = 1024,           /* in one box, until it is split without a meeting */
    MAX_WORK = 24 * 1024 * 1024, /* lines looked at in all: some tenths of a second */
    MAX_BOXES = 64,
};

struct text {
    struct content_diff_line *lines; /* op: CONTENT_DIFF_SAME unless it is not in the other */
    uint32_t *numbers;
    size_t n;
};

/* ---- From bytes to numbers ---- */

static size_t count_lines(struct str bytes)
{
    size_t n = 0;
    for (size_t at = 0; at < bytes.n; n++) {
        at = str_find(bytes, '\n', at) + 1;
    }
    return n;
}

static void split_lines(struct arena *arena, struct str bytes, struct text *text)
{
    text->n = 0;
    text->lines = ARENA_ARRAY(arena, struct content_diff_line, count_lines(bytes) + 1);
    for (size_t at = 0; at < bytes.n;) {
        size_t end = str_find(bytes, '\n', at);
        text->lines[text->n++] = (struct content_diff_line){
            .op = CONTENT_DIFF_SAME, .text = str_slice(bytes, at, end), .open = end == bytes.n};
        at = end + 1;
    }
}

static bool same_line(const struct content_diff_line *a, const struct content_diff_line *b)
{
    return a->open == b->open && str_eq(a->text, b->text);
}

/* Open addressing; a slot holds a line of any of both texts and its number. */
struct numbering {
    unsigned char key[SIPHASH_KEY];
    const struct content_diff_line **slots;
    uint32_t *numbers;
    size_t mask;
    uint32_t next;
};

static void number_lines(struct arena *arena, struct numbering *numbering, struct text *text)
{
    text->numbers = ARENA_ARRAY(arena, uint32_t, text->n + 1);
    for (size_t i = 0; i < text->n; i++) {
        const struct content_diff_line *line = &text->lines[i];
        size_t slot = siphash(numbering->key, line->text) & numbering->mask;
        while (numbering->slots[slot] && !same_line(numbering->slots[slot], line)) {
            slot = (slot + 1) & numbering->mask;
        }
        if (!numbering->slots[slot]) {
            numbering->slots[slot] = line;
            numbering->numbers[slot] = numbering->next++;
        }
        text->numbers[i] = numbering->numbers[slot];
    }
}

static void number_both(struct arena *arena, struct text *from, struct text *to)
{
    size_t slots = 16;
    while (slots < 2 * (from->n + to->n)) {
        slots *= 2;
    }
    struct numbering numbering = {.slots = (const struct content_diff_line **)arena_array(
                                      arena, sizeof(struct content_diff_line *), slots),
                                  .numbers = ARENA_ARRAY(arena, uint32_t, slots),
                                  .mask = slots - 1};
    rand_bytes(numbering.key, sizeof numbering.key);
    number_lines(arena, &numbering, from);
    number_lines(arena, &numbering, to);
}

/* ---- Which lines are not in the other text ---- */

struct box {
    size_t a, a_end; /* lines of from */
    size_t b, b_end; /* lines of to */
};

struct search {
    struct text *from;
    struct text *to;
    int32_t *
        ahead; /* by diagonal: how far the path from the start of the box came; -1: there is none */
    int32_t *back; /* the same from its end */
    size_t work;
};

/* Paths of `number` steps from one end of a box. */
struct round {
    const struct box *box;
    int32_t width, height, number;
    bool backwards;
    int32_t *own;
    const int32_t *other;
};

struct point {
    int32_t x, y; /* from the end where the round's paths begin */
};

static bool equal_at(const struct search *s, const struct round *r, int32_t x, int32_t y)
{
    size_t a = r->backwards ? r->box->a_end - 1 - (size_t)x : r->box->a + (size_t)x;
    size_t b = r->backwards ? r->box->b_end - 1 - (size_t)y : r->box->b + (size_t)y;
    return s->from->numbers[a] == s->to->numbers[b];
}

/* How far a path comes on this diagonal, which is x - y; -1: none stays in the box. */
static int32_t reach(struct search *s, const struct round *r, int32_t diagonal)
{
    int32_t x = r->number == 0 ? 0 : -1;
    if (r->number > 0) {
        int32_t down = r->own[diagonal + 1];
        int32_t right = r->own[diagonal - 1];
        x = down - diagonal <= r->height ? down : -1;
        x = right >= x && right >= 0 && right < r->width ? right + 1 : x;
    }
    s->work++;
    while (x >= 0 && x < r->width && x - diagonal < r->height && equal_at(s, r, x, x - diagonal)) {
        x++;
        s->work++;
    }
    return x;
}

/* The outermost diagonal of a round on a side of the box that is so long. */
static int32_t edge(int32_t round, int32_t side)
{
    return round <= side ? round : side - ((round - side) & 1);
}

/* True: a path of this round met one from the other end. */
static bool round_run(struct search *s, const struct round *r, struct point *ret_met)
{
    int32_t delta = r->width - r->height;
    int32_t others = r->backwards ? r->number : r->number - 1; /* the other end's latest round */
    bool may_meet = (delta & 1) == (r->backwards ? 0 : 1);
    r->own[-r->number - 1] = r->own[r->number + 1] = -1;
    for (int32_t d = -edge(r->number, r->height); d <= edge(r->number, r->width); d += 2) {
        int32_t x = r->own[d] = reach(s, r, d);
        int32_t facing = delta - d;
        if (may_meet && x >= 0 && facing >= -others && facing <= others && r->other[facing] >= 0 &&
            x + r->other[facing] >= r->width) {
            *ret_met = (struct point){x, x - d};
            return true;
        }
    }
    return false;
}

/* Where the paths from the start came furthest. */
static struct point furthest(const struct round *r)
{
    struct point best = {0, 0};
    for (int32_t d = -edge(r->number, r->height); d <= edge(r->number, r->width); d += 2) {
        int32_t x = r->own[d];
        if (x >= 0 && 2 * x - d > best.x + best.y) {
            best = (struct point){x, x - d};
        }
    }
    return best;
}

/*
 * Where a box is split, from its start: never at its start or end. Its first lines differ, and its last; so it takes two steps
 * at least, and a meeting lies at least one step from either.
 */
static struct point split_point(struct search *s, const struct box *box)
{
    struct round ahead = {.box = box,
                          .width = (int32_t)(box->a_end - box->a),
                          .height = (int32_t)(box->b_end - box->b),
                          .own = s->ahead,
                          .other = s->back};
    struct round back = ahead;
    back.backwards = true;
    back.own = s->back;
    back.other = s->ahead;
    struct point met;
    for (int32_t n = 0;; n++) {
        ahead.number = back.number = n;
        if (round_run(s, &ahead, &met)) {
            return met;
        }
        if (n == MAX_ROUNDS) {
            return furthest(&ahead);
        }
        if (round_run(s, &back, &met)) {
            return (struct point){ahead.width - met.x, ahead.height - met.y};
        }
    }
}

static void mark(struct text *text, size_t at, size_t end, enum content_diff_op op)
{
    for (; at < end; at++) {
        text->lines[at].op = op;
    }
}

/* Without what is equal at both ends. */
static struct box trimmed(const struct search *s, struct box box)
{
    const uint32_t *a = s->from->numbers;
    const uint32_t *b = s->to->numbers;
    while (box.a < box.a_end && box.b < box.b_end && a[box.a] == b[box.b]) {
        box.a++;
        box.b++;
    }
    while (box.a < box.a_end && box.b < box.b_end && a[box.a_end - 1] == b[box.b_end - 1]) {
        box.a_end--;
        box.b_end--;
    }
    return box;
}

static size_t box_size(const struct box *box)
{
    return box->a_end - box->a + box->b_end - box->b;
}

static void search_run(struct search *s)
{
    struct box boxes[MAX_BOXES] = {{0, s->from->n, 0, s->to->n}};
    for (size_t n = 1; n > 0;) {
        struct box box = trimmed(s, boxes[--n]);
        if (box.a == box.a_end || box.b == box.b_end || s->work >= MAX_WORK) {
            mark(s->from, box.a, box.a_end, CONTENT_DIFF_REMOVE);
            mark(s->to, box.b, box.b_end, CONTENT_DIFF_ADD);
            continue;
        }
        struct point at = split_point(s, &box);
        struct box first = {box.a, box.a + (size_t)at.x, box.b, box.b + (size_t)at.y};
        struct box rest = {first.a_end, box.a_end, first.b_end, box.b_end};
        ASSERT(box_size(&first) > 0 && box_size(&rest) > 0 && n + 2 <= MAX_BOXES);
        bool first_is_small = box_size(&first) < box_size(&rest);
        boxes[n++] = first_is_small ? rest : first;
        boxes[n++] = first_is_small ? first : rest;
    }
}

/* ---- From marks to hunks ---- */

struct walk {
    const struct text *from;
    const struct text *to;
    size_t a, b; /* the next lines */
    struct content_diff *diff;
    struct content_diff_line *room; /* for the lines of hunks */
};

static bool is_same(const struct text *text, size_t at)
{
    return at < text->n && text->lines[at].op == CONTENT_DIFF_SAME;
}

static bool at_end(const struct walk *w)
{
    return w->a == w->from->n && w->b == w->to->n;
}

static void add_line(struct walk *w, struct content_diff_hunk *hunk,
                     const struct content_diff_line *line)
{
    hunk->lines[hunk->count++] = *line;
    hunk->from_count += line->op != CONTENT_DIFF_ADD;
    hunk->to_count += line->op != CONTENT_DIFF_REMOVE;
    w->a += line->op != CONTENT_DIFF_ADD;
    w->b += line->op != CONTENT_DIFF_REMOVE;
    w->diff->removed += line->op == CONTENT_DIFF_REMOVE;
    w->diff->added += line->op == CONTENT_DIFF_ADD;
}

static void add_same(struct walk *w, struct content_diff_hunk *hunk, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add_line(w, hunk, &w->from->lines[w->a]);
    }
}

static void add_changed(struct walk *w, struct content_diff_hunk *hunk)
{
    while (w->a < w->from->n && !is_same(w->from, w->a)) {
        add_line(w, hunk, &w->from->lines[w->a]);
    }
    while (w->b < w->to->n && !is_same(w->to, w->b)) {
        add_line(w, hunk, &w->to->lines[w->b]);
    }
}

/* From a change on, with so many lines before it. Changes with at most twice the context between them are one hunk. */
static void add_hunk(struct walk *w, size_t before)
{
    struct content_diff_hunk *hunk = &w->diff->hunks[w->diff->count++];
    w->a -= before;
    w->b -= before;
    *hunk = (struct content_diff_hunk){.from_line = w->a, .to_line = w->b, .lines = w->room};
    add_same(w, hunk, before);
    for (;;) {
        add_changed(w, hunk);
        size_t same = 0;
        while (same <= 2 * CONTEXT && is_same(w->from, w->a + same) &&
               is_same(w->to, w->b + same)) {
            same++;
        }
        bool ends = w->a + same == w->from->n && w->b + same == w->to->n;
        if (ends || same > 2 * CONTEXT) {
            add_same(w, hunk, same < CONTEXT ? same : CONTEXT);
            break;
        }
        add_same(w, hunk, same);
    }
    w->room += hunk->count;
}

static void make_hunks(struct arena *arena, const struct text *from, const struct text *to,
                       struct content_diff *diff)
{
    size_t changed = 0;
    for (size_t i = 0; i < from->n; i++) {
        changed += !is_same(from, i);
    }
    for (size_t i = 0; i < to->n; i++) {
        changed += !is_same(to, i);
    }
    diff->hunks = ARENA_ARRAY(arena, struct content_diff_hunk, changed + 1);
    struct walk w = {
        .from = from,
        .to = to,
        .diff = diff,
        .room = ARENA_ARRAY(arena, struct content_diff_line, from->n + to->n + 1),
    };
    for (size_t same = 0; !at_end(&w); same++) {
        if (is_same(from, w.a) && is_same(to, w.b)) {
            w.a++;
            w.b++;
        } else {
            add_hunk(&w, same < CONTEXT ? same : CONTEXT);
            same = (size_t)-1; /* what follows counts from here */
        }
    }
}

/* ---- All of it ---- */

static bool is_text(struct str bytes)
{
    return str_find(bytes, '\0', 0) == bytes.n;
}

int content_diff(struct arena *arena, struct str from, struct str to, struct content_diff *ret_diff)
{
    if (from.n > CONTENT_DIFF_MAX_BYTES || to.n > CONTENT_DIFF_MAX_BYTES ||
        count_lines(from) > CONTENT_DIFF_MAX_LINES || count_lines(to) > CONTENT_DIFF_MAX_LINES) {
        return ERR_TOO_LARGE;
    }
    if (!is_text(from) || !is_text(to)) {
        return ERR_UNSUPPORTED_TYPE;
    }
    struct text a;
    struct text b;
    split_lines(arena, from, &a);
    split_lines(arena, to, &b);
    number_both(arena, &a, &b);
    struct search search = {
        .from = &a,
        .to = &b,
        .ahead = ARENA_ARRAY(arena, int32_t, 2 * MAX_ROUNDS + 3) + MAX_ROUNDS + 1,
        .back = ARENA_ARRAY(arena, int32_t, 2 * MAX_ROUNDS + 3) + MAX_ROUNDS + 1,
    };
    search_run(&search);
    struct content_diff diff = {.count = 0};
    make_hunks(arena, &a, &b, &diff);
    *ret_diff = diff;
    return 0;
}

/* Lines count from 1; of a side without lines, the line before is named. */
static void put_range(struct buf *to, size_t line, size_t count)
{
    buf_u64(to, count == 0 ? line : line + 1);
    if (count != 1) {
        buf_byte(to, ',');
        buf_u64(to, count);
    }
}

void content_diff_write(const struct content_diff *diff, struct buf *to)
{
    static const char marks[] = {
        [CONTENT_DIFF_SAME] = ' ', [CONTENT_DIFF_REMOVE] = '-', [CONTENT_DIFF_ADD] = '+'};
    for (size_t h = 0; h < diff->count; h++) {
        const struct content_diff_hunk *hunk = &diff->hunks[h];
        buf_add(to, STR("@@ -"));
        put_range(to, hunk->from_line, hunk->from_count);
        buf_add(to, STR(" +"));
        put_range(to, hunk->to_line, hunk->to_count);
        buf_add(to, STR(" @@\n"));
        for (size_t i = 0; i < hunk->count; i++) {
            buf_byte(to, marks[hunk->lines[i].op]);
            buf_add(to, hunk->lines[i].text);
            buf_add(to, hunk->lines[i].open ? STR("\n\\ No newline at end of file\n") : STR("\n"));
        }
    }
}
