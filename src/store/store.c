/*
 * The common layer: opening, the format, and the loop that runs a transaction until its fate is known.
 *
 * Why markers: after STORE_UNKNOWN a run may have been kept. Every op of such a driver leaves its marker in the same
 * transaction, so the next run finds it exactly if that run was kept, and serialisability makes the answer final: a run
 * that is not visible then never will be.
 *
 * Invariants
 *  1. A function runs again only when its last run was not kept, or (op NULL) when running it twice does no harm.
 *  2. store_write returns 0 only when the writes are durable, or the operation's marker was found.
 */
#include "store/store.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/rand.h"
#include "store/store_int.h"

enum { MOST_ATTEMPTS = 50 };

static const struct store_driver *const drivers[] = {&store_memory, &store_sqlite};

const struct store_driver *store_driver_named(const char *name)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        if (strcmp(drivers[i]->name, name) == 0) {
            return drivers[i];
        }
    }
    return NULL;
}

void store_driver_no_stats(void *self, struct store_stats *stats)
{
    (void)self;
    (void)stats;
}

uint64_t store_driver_no_place(void *self)
{
    (void)self;
    return 0;
}

struct store_op store_op_new(void)
{
    struct store_op op = {.made = time_now()};
    rand_bytes(op.id, sizeof op.id);
    return op;
}

struct store_op store_op_derived(const uint8_t id[static 16])
{
    struct store_op op = {.made = time_now(), .from_client = true};
    memcpy(op.id, id, sizeof op.id);
    return op;
}

/* ---- transactions -------------------------------------------------------------------------------------------------- */

static int run_read(struct store *s, struct txn *txn)
{
    usec_t deadline = time_monotonic() + STORE_MAX_SECONDS * USEC_PER_SEC;
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        int r = s->driver->read(s->self, txn);
        if (r == 0) {
            r = txn->broken ? txn->broken : txn->status;
        }
        if (r <= 0) {
            return r;
        }
        s->retries++;
        if (time_monotonic() > deadline) {
            return ERR_TIMEOUT;
        }
    }
    return ERR_UNAVAILABLE;
}

int store_read_call(struct store *s, const struct store_call *call)
{
    ASSERT_MAGIC(s, STORE_MAGIC);
    struct txn txn;
    store_txn_init(&txn, s, call, /* writable= */ false);
    s->reads++;
    int r = run_read(s, &txn);
    store_txn_fini(&txn);
    return r;
}

static int verdict(const struct txn *txn, int r)
{
    if (r != 0) {
        return r;
    }
    return txn->broken ? txn->broken : txn->status;
}

/* What is said when no more attempts are made after r. */
static int give_up(int r, bool unknown)
{
    if (unknown) {
        return ERR_UNKNOWN_RESULT;
    }
    return r == STORE_CONFLICT ? ERR_UNAVAILABLE : r;
}

static int run_write(struct store *s, struct txn *txn)
{
    const struct store_op *op = txn->call->op;
    usec_t deadline = time_monotonic() + STORE_MAX_SECONDS * USEC_PER_SEC;
    bool unknown = false; /* an earlier run may have been kept, and nothing has told yet */
    int r = 0;
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        txn->look_for_marker = op && (op->from_client || unknown);
        r = verdict(txn, s->driver->write(s->self, txn));
        unknown = unknown || r == STORE_UNKNOWN;
        bool again = r > 0 || (unknown && (r == ERR_UNAVAILABLE || r == ERR_TIMEOUT));
        if (!again) {
            return r;
        }
        s->retries++;
        if (time_monotonic() > deadline) {
            return give_up(ERR_TIMEOUT, unknown);
        }
    }
    return give_up(r, unknown);
}

int store_write_call(struct store *s, const struct store_call *call)
{
    ASSERT_MAGIC(s, STORE_MAGIC);
    ASSERT(!call->op || call->op->made > 0);
    struct txn txn;
    store_txn_init(&txn, s, call, /* writable= */ true);
    txn.keep_marker = call->op && (call->op->from_client || s->driver->unknown_results);
    int r = run_write(s, &txn);
    if (r == 0 && txn.found_marker) {
        s->replays++;
    } else if (r == 0) {
        s->writes++;
        s->bytes_written += txn.writes.bytes;
    }
    if (r == ERR_UNKNOWN_RESULT || (r == 0 && txn.found_marker)) {
        store_watch_notify(s, NULL); /* what was written is no longer known here */
    } else if (r == 0) {
        store_watch_notify(s, &txn.writes);
    }
    store_txn_fini(&txn);
    return r;
}

/* ---- the store's own keys ------------------------------------------------------------------------------------------ */

struct meta {
    uint64_t format;
    uint64_t epoch;
    uint64_t id;
    uint64_t place; /* of the driver, now */
    bool raise;     /* the epoch */
};

static int get_number(struct txn *txn, struct str key, uint64_t *ret_value)
{
    struct str value;
    int r = store_get(txn, key, &value);
    if (r) {
        return r;
    }
    return str_u64(value, INT64_MAX, ret_value) ? ERR_CORRUPT : 0;
}

static void put_number(struct txn *txn, struct str key, uint64_t value)
{
    store_writes_put(&txn->writes, key,
                     arena_printf(&txn->arena, "%llu", (unsigned long long)value));
}

static int get_number_or_0(struct txn *txn, struct str key, uint64_t *ret_value)
{
    int r = get_number(txn, key, ret_value);
    *ret_value = r ? 0 : *ret_value;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* The id stays as long as the files that it was made for are the ones in use: what was put back or copied is another store. */
static int identify(struct txn *txn, struct meta *m)
{
    uint64_t id;
    uint64_t place;
    int r = get_number_or_0(txn, STR("meta/id"), &id);
    r = r ? r : get_number_or_0(txn, STR("meta/place"), &place);
    if (r) {
        return r;
    }
    if (id > 0 && place == m->place && !m->raise) {
        m->id = id;
        return 0;
    }
    m->id = rand_u64() >> 11 | 1;
    put_number(txn, STR("meta/id"), m->id);
    put_number(txn, STR("meta/place"), m->place);
    return 0;
}

/* Reads format, epoch and id; a store without a format must be empty and gets all. */
static int prepare(struct txn *txn, void *ctx)
{
    struct meta *m = ctx;
    m->epoch = 1;
    int r = get_number(txn, STR("meta/format"), &m->format);
    if (r == 0 && m->format == STORE_FORMAT) {
        r = get_number(txn, STR("meta/epoch"), &m->epoch);
        if (r == 0 && m->raise) {
            m->epoch++;
            put_number(txn, STR("meta/epoch"), m->epoch);
        }
        return r ? r : identify(txn, m);
    }
    if (r != ERR_NOT_FOUND) {
        return r ? r : ERR_CORRUPT;
    }
    struct store_range all = {STR_EMPTY, STR("\xff"), .limit = 1};
    struct store_pair *pairs;
    size_t count;
    r = store_scan(txn, &all, &pairs, &count);
    if (r || count > 0) {
        return r ? r : ERR_CORRUPT;
    }
    put_number(txn, STR("meta/format"), STORE_FORMAT);
    put_number(txn, STR("meta/epoch"), m->epoch);
    return identify(txn, m);
}

static int load_meta(struct store *s)
{
    struct meta m = {.place = s->driver->place(s->self)};
    struct store_op op = store_op_new();
    op.reserve = true;                       /* a copy on a full disk opens, too */
    bool marks = s->driver->unknown_results; /* and to run it twice is as good as once */
    int r = store_write(s, marks ? NULL : &op, prepare, &m);
    if (r == ERR_CORRUPT && m.format > STORE_FORMAT) {
        return log_err(r, "store",
                       "the data has format %llu, this program knows %d: use a newer program",
                       (unsigned long long)m.format, STORE_FORMAT);
    }
    if (r == ERR_CORRUPT) {
        return log_err(r, "store", "the data has no readable format (meta/format)");
    }
    if (r == 0 && m.epoch > UINT16_MAX) {
        return log_err(ERR_CORRUPT, "store", "the epoch is out of range (meta/epoch)");
    }
    if (r == 0) {
        atomic_store(&s->epoch, (uint16_t)m.epoch);
        atomic_store(&s->id, m.id);
    }
    return r;
}

uint64_t store_id(const struct store *s)
{
    ASSERT_MAGIC(s, STORE_MAGIC);
    return atomic_load(&s->id);
}

int store_raise_epoch(struct store *s)
{
    ASSERT_MAGIC(s, STORE_MAGIC);
    struct meta m = {.place = s->driver->place(s->self), .raise = true};
    int r = store_write(s, NULL, prepare, &m);
    if (r == 0) {
        ASSERT(m.epoch <= UINT16_MAX);
        atomic_store(&s->epoch, (uint16_t)m.epoch);
        atomic_store(&s->id, m.id);
    }
    return r;
}

/* ---- loading --------------------------------------------------------------------------------------------------------- */

struct load {
    const struct store_pair *pairs;
    size_t count;
};

static int load_pairs(struct txn *txn, void *ctx)
{
    const struct load *l = ctx;
    for (size_t i = 0; i < l->count; i++) {
        struct str key = l->pairs[i].key;
        struct str value = l->pairs[i].value;
        if (key.n == 0 || key.n > STORE_MAX_KEY || value.n > STORE_MAX_VALUE) {
            return ERR_CORRUPT;
        }
        if (!store_is_snapshot_key(key)) {
            return ERR_CORRUPT;
        }
        store_writes_put(&txn->writes, key, value);
    }
    return txn->writes.bytes > STORE_MAX_TXN_BYTES ? ERR_TOO_LARGE : 0;
}

bool store_is_snapshot_key(struct str key)
{
    return !str_starts(key, STR("meta/")) || str_eq(key, STR("meta/epoch"));
}

int store_load(struct store *s, const struct store_pair *pairs, size_t count)
{
    ASSERT_MAGIC(s, STORE_MAGIC);
    return store_write(s, NULL, load_pairs, (&(struct load){pairs, count}));
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

int store_open(const struct store_options *options, struct store **ret_store)
{
    const struct store_driver *driver =
        options->engine ? options->engine : store_driver_named(options->driver);
    if (!driver) {
        return log_err(ERR_INVALID, "store", "there is no store driver \"%s\"", options->driver);
    }
    struct store *s = MEM_NEW(struct store);
    s->magic = STORE_MAGIC;
    s->driver = options->faults ? &store_faulty : driver;
    s->epoch = 1;
    s->watches = map_create();
    lock_init(&s->watch_lock, LOCK_STORE_WATCH);
    int r = s->driver->open(options, &s->self);
    if (r == 0) {
        r = load_meta(s);
    }
    if (r) {
        store_close(s);
        return r;
    }
    *ret_store = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s) {
        return;
    }
    ASSERT_MAGIC(s, STORE_MAGIC);
    ASSERT(s->watch_count == 0);
    if (s->self) {
        s->driver->close(s->self);
    }
    lock_fini(&s->watch_lock);
    map_destroy(s->watches);
    s->magic = 0;
    mem_free(s);
}

void store_stats(struct store *s, struct store_stats *ret_stats)
{
    ASSERT_MAGIC(s, STORE_MAGIC);
    *ret_stats = (struct store_stats){
        .reads = s->reads,
        .writes = s->writes,
        .retries = s->retries,
        .replays = s->replays,
        .bytes_written = s->bytes_written,
    };
    s->driver->stats(s->self, ret_stats);
}
