/*
 * What is kept of a return to a moment, and which moments it leaves to be seen.
 *
 * Stored (big endian): format, phase, again, author kind, author length, first 8, last 8, own 8, moment 8, at 8, changed 8, path
 * length 2, author, path, after. Format 2, of one that could not read all, has damaged 8 before author.
 */
#include "files/rewind_int.h"

enum { FORMAT = 1, FORMAT_DAMAGED, HEAD = 55 };

static uint8_t *put(uint8_t *p, uint64_t value, size_t n)
{
    for (size_t i = n; i > 0; i--) {
        p[i - 1] = (uint8_t)value;
        value >>= 8;
    }
    return p + n;
}

static uint64_t get(const char **p, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value = value << 8 | (uint8_t)(*p)[i];
    }
    *p += n;
    return value;
}

static struct str record_encode(struct arena *arena, const struct files_rewind_record *record)
{
    const struct str texts[] = {record->author.id, record->path, record->after};
    bool damaged = record->damaged > 0;
    size_t n = HEAD + (damaged ? 8 : 0) + texts[0].n + texts[1].n + texts[2].n;
    uint8_t *start = arena_alloc(arena, n);
    uint8_t *p = put(start, damaged ? FORMAT_DAMAGED : FORMAT, 1);
    p = put(p, record->phase, 1);
    p = put(p, record->again, 1);
    p = put(p, record->author.kind, 1);
    p = put(p, record->author.id.n, 1);
    p = put(p, record->first, 8);
    p = put(p, record->last, 8);
    p = put(p, record->own, 8);
    p = put(p, record->moment, 8);
    p = put(p, (uint64_t)record->at, 8);
    p = put(p, record->changed, 8);
    p = put(p, record->path.n, 2);
    ASSERT(p == start + HEAD);
    if (damaged) {
        p = put(p, record->damaged, 8);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].n > 0) {
            memcpy(p, texts[i].p, texts[i].n);
            p += texts[i].n;
        }
    }
    return str_of(start, n);
}

static int record_decode(struct str bytes, struct files_rewind_record *ret_record)
{
    bool damaged = bytes.n > 0 && bytes.p[0] == FORMAT_DAMAGED;
    size_t head = HEAD + (damaged ? 8 : 0);
    if (bytes.n < head || (!damaged && bytes.p[0] != FORMAT)) {
        return ERR_CORRUPT;
    }
    const char *p = bytes.p + 1;
    struct files_rewind_record record = {.phase = (unsigned)get(&p, 1)};
    record.again = get(&p, 1) != 0;
    record.author.kind = (enum files_author_kind)get(&p, 1);
    size_t author_n = (size_t)get(&p, 1);
    record.first = get(&p, 8);
    record.last = get(&p, 8);
    record.own = get(&p, 8);
    record.moment = get(&p, 8);
    record.at = (usec_t)get(&p, 8);
    record.changed = get(&p, 8);
    size_t path_n = (size_t)get(&p, 2);
    record.damaged = damaged ? get(&p, 8) : 0;
    if (bytes.n < head + author_n + path_n || record.phase > FILES_REWIND_END ||
        record.author.kind < FILES_USER || record.author.kind > FILES_API) {
        return ERR_CORRUPT;
    }
    struct str rest = str_slice(bytes, head, bytes.n);
    record.author.id = str_slice(rest, 0, author_n);
    record.path = str_slice(rest, author_n, author_n + path_n);
    record.after = str_slice(rest, author_n + path_n, rest.n);
    *ret_record = record;
    return 0;
}

static struct str key_rewind(struct files_tx *tx, uint64_t first)
{
    return DATA_KEY(tx->arena, tx->scope, DATA_SPACE_REWIND, tx->session,
                    data_key_number(tx->arena, first));
}

void files_rewind_put(struct files_tx *tx, const struct files_rewind_record *record)
{
    store_put(tx->txn, key_rewind(tx, record->first), record_encode(tx->arena, record));
}

int files_rewind_get(struct files_tx *tx, uint64_t first, struct files_rewind_record *ret_rewind)
{
    struct str value;
    int r = store_get(tx->txn, key_rewind(tx, first), &value);
    return r < 0 ? r : record_decode(value, ret_rewind);
}

int files_rewind_before(struct files_tx *tx, uint64_t seq, struct files_rewind_record *ret_rewind)
{
    struct store_range range = {key_rewind(tx, 0), key_rewind(tx, seq + 1), .limit = 1,
                                .reverse = true};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    if (r < 0) {
        return r;
    }
    return count == 0 ? ERR_NOT_FOUND : record_decode(pairs[0].value, ret_rewind);
}

int files_rewind_none(struct files_tx *tx)
{
    struct files_rewind_record record;
    int r = files_rewind_before(tx, tx->usage.seq, &record);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    return record.last == 0 ? ERR_CONFLICT : 0;
}

int files_rewind_next(struct files_tx *tx, uint64_t seq, uint64_t *ret_first)
{
    struct files_rewind_record record = {.first = UINT64_MAX};
    struct store_range range = {key_rewind(tx, seq + 1),
                                store_after(tx->arena, key_rewind(tx, UINT64_MAX)), .limit = 1};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    if (r == 0 && count > 0) {
        r = record_decode(pairs[0].value, &record);
    }
    if (r == 0) {
        *ret_first = record.first;
    }
    return r;
}

static int rewind_settle(struct files_tx *tx, uint64_t *at)
{
    struct files_rewind_record record;
    uint64_t seq = *at < tx->usage.seq ? *at : tx->usage.seq;
    int r = files_rewind_before(tx, seq, &record);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    if (record.last == 0 && *at != FILES_NOW) {
        return ERR_CONFLICT;
    }
    if (record.last == 0) {
        *at = record.first - 1;
    } else if (*at != FILES_NOW && *at < record.last) {
        *at = record.last;
    }
    return 0;
}

int files_moment_settle(struct files_tx *tx, uint64_t *at)
{
    uint64_t before;
    int r;
    do { /* each may lead into the other; they only go forward */
        before = *at;
        r = rewind_settle(tx, at);
        if (r == 0 && *at < tx->usage.seq) {
            r = files_thin_settle(tx, at);
        }
    } while (r == 0 && *at > before);
    return r;
}

struct asked {
    const struct data_context *ctx;
    struct str session;
    uint64_t at;
    uint64_t found; /* result */
};

static int moment_read(struct txn *txn, void *arg)
{
    struct asked *asked = arg;
    struct files_tx tx = {0};
    uint64_t at = asked->at ? asked->at : FILES_NOW;
    int r = files_tx_begin(&tx, txn, &asked->ctx->scope, asked->session);
    r = r < 0 ? r : files_moment_settle(&tx, &at);
    if (r == 0) {
        asked->found = at == FILES_NOW ? tx.usage.seq : at;
    }
    return r;
}

int files_moment(struct data_context *ctx, struct str session, uint64_t at, uint64_t *ret_at)
{
    struct asked asked = {.ctx = ctx, .session = session, .at = at};
    int r = store_read(ctx->store, moment_read, &asked);
    if (r == 0) {
        *ret_at = asked.found;
    }
    return r;
}

static int find_read(struct txn *txn, void *arg)
{
    struct asked *asked = arg;
    struct files_tx tx = {0};
    struct files_rewind_record record;
    int r = files_tx_begin(&tx, txn, &asked->ctx->scope, asked->session);
    r = r < 0 ? r : files_rewind_before(&tx, tx.usage.seq, &record);
    if (r == 0) {
        asked->found = record.first;
        r = record.last == 0 ? 0 : ERR_NOT_FOUND;
    }
    return r;
}

int files_rewind_find(struct data_context *ctx, struct str session, uint64_t *ret_first)
{
    struct asked asked = {.ctx = ctx, .session = session};
    int r = store_read(ctx->store, find_read, &asked);
    if (r == 0) {
        *ret_first = asked.found;
    }
    return r;
}
