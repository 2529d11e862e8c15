/* Pages of lists that are sorted in memory: small ones, in an order that no index has. */
#include <stdlib.h>

#include "base/encode.h"
#include "data/data_int.h"

struct str data_pick_by_time(struct arena *arena, usec_t at, struct str id)
{
    return arena_printf(arena, "%016llx" STR_FMT, (unsigned long long)at, STR_ARG(id));
}

struct str data_pick_by_text(struct arena *arena, struct str folded, struct str id)
{
    BUF_AUTO(key, DATA_PICK_KEY);
    buf_add(&key, folded);
    buf_byte(&key, '\0');
    buf_add(&key, id);
    ASSERT(key.error == 0);
    return arena_str(arena, buf_str(&key));
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct data_pick_row *)a)->key, ((const struct data_pick_row *)b)->key);
}

static int by_key_reverse(const void *a, const void *b)
{
    return by_key(b, a);
}

/* The first row behind the cursor's place. */
static size_t first_behind(const struct data_pick_input *in, struct str place)
{
    size_t i = 0;
    while (i < in->n) {
        int order = str_cmp(in->rows[i].key, place);
        if (in->reverse ? order < 0 : order > 0) {
            break;
        }
        i++;
    }
    return i;
}

static struct str cursor_of(struct arena *arena, struct str key)
{
    ASSERT(key.n > 0 && key.n <= DATA_PICK_KEY);
    BUF_AUTO(text, DATA_PICK_KEY * 2);
    encode_base64url(&text, key);
    ASSERT(text.error == 0);
    return arena_str(arena, buf_str(&text));
}

int data_pick(struct arena *arena, const struct data_pick_input *in, struct data_pick *ret_pick)
{
    ASSERT(in->limit >= 1);
    BUF_AUTO(place, DATA_PICK_KEY);
    bool begun = in->cursor.n > 0;
    if (begun && (encode_unbase64url(&place, in->cursor) < 0 || place.error < 0 || place.n == 0)) {
        return ERR_INVALID;
    }
    if (in->n > 0) {
        qsort(in->rows, in->n, sizeof in->rows[0], in->reverse ? by_key_reverse : by_key);
    }
    size_t first = begun ? first_behind(in, buf_str(&place)) : 0;
    size_t left = in->n - first;
    struct data_pick pick = {.rows = in->rows + first, .n = left < in->limit ? left : in->limit};
    if (pick.n < left) {
        pick.next = cursor_of(arena, pick.rows[pick.n - 1].key);
    }
    *ret_pick = pick;
    return 0;
}

/* ---- Gathered ---- */

struct gathering {
    const struct data_gather *in;
    struct data_pick_row *rows;
    const void **at;
    size_t n;
    bool more; /* that were not looked at */
};

static int add(struct txn *txn, struct gathering *g, const void *record)
{
    struct str key = STR_EMPTY;
    int r = g->in->key(txn, g->in->ctx, record, &key);
    if (r == 0 && key.n > 0) {
        g->rows[g->n] = (struct data_pick_row){key, g->n};
        g->at[g->n++] = record;
    }
    return r;
}

static int look(struct txn *txn, struct gathering *g)
{
    const struct data_gather *in = g->in;
    const struct data_at t = {txn, in->scope, in->type};
    struct data_rows rows = {.next = STR_EMPTY};
    struct data_query query = in->query;
    size_t looked = 0;
    query.limit = DATA_MAX_LIST;
    do {
        query.cursor = rows.next;
        int r = data_table_list(&t, &query, &rows);
        for (size_t i = 0; r == 0 && i < rows.n; i++) {
            r = add(txn, g, (const char *)rows.at + i * in->type->size);
        }
        if (r < 0) {
            return r;
        }
        looked += rows.n;
    } while (rows.next.n > 0 && looked + DATA_MAX_LIST <= in->most);
    g->more = rows.next.n > 0;
    return 0;
}

int data_gather(struct txn *txn, const struct data_gather *in, struct data_gathered *ret_gathered)
{
    ASSERT(in->most >= DATA_MAX_LIST && in->query.cursor.n == 0);
    struct arena *arena = store_arena(txn);
    struct gathering g = {.in = in,
                          .rows = ARENA_ARRAY(arena, struct data_pick_row, in->most),
                          .at = ARENA_ARRAY(arena, const void *, in->most)};
    int r = look(txn, &g);
    if (r < 0) {
        return r;
    }
    struct data_pick_input sorted = {
        .rows = g.rows, .n = g.n, .limit = in->limit, .cursor = in->cursor, .reverse = in->reverse};
    struct data_pick pick;
    r = data_pick(in->arena, &sorted, &pick);
    if (r < 0) {
        return r;
    }
    struct data_gathered found = {.at = ARENA_ARRAY(arena, const void *, pick.n + 1),
                                  .n = pick.n,
                                  .next = pick.next,
                                  .total = g.more ? -1 : (int64_t)g.n};
    for (size_t i = 0; i < pick.n; i++) {
        found.at[i] = g.at[pick.rows[i].at];
    }
    *ret_gathered = found;
    return 0;
}
