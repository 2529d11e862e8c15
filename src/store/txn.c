/*
 * One transaction: the function's run, and its reads and writes.
 *
 * Invariants
 *  1. Nothing that the function writes reaches the driver before it has returned 0: rolling back costs nothing, and a
 *     second run starts from nothing (arena and writes are reset).
 *  2. After a failed read (broken) or a passed limit (error) the transaction cannot be committed, whatever fn returns.
 *  3. inside is true on a thread exactly while a function runs there.
 */
#include "base/assert.h"
#include "base/log.h"
#include "store/store_int.h"

static const usec_t slow_run = 5 * USEC_PER_MS;

static __thread bool inside;

void store_txn_init(struct txn *txn, struct store *s, const struct store_call *call, bool writable)
{
    ASSERT(!inside);
    memset(txn, 0, sizeof *txn);
    txn->magic = STORE_TXN_MAGIC;
    txn->store = s;
    txn->call = call;
    txn->writable = writable;
    arena_init(&txn->arena);
    store_writes_init(&txn->writes, &txn->arena);
}

void store_txn_fini(struct txn *txn)
{
    txn->magic = 0;
    arena_fini(&txn->arena);
}

static void check(const struct txn *txn)
{
    ASSERT_MAGIC(txn, STORE_TXN_MAGIC);
    ASSERT(inside);
}

struct arena *store_arena(struct txn *txn)
{
    check(txn);
    return &txn->arena;
}

void store_result(struct txn *txn, struct str result)
{
    check(txn);
    ASSERT(txn->call->op && result.n <= STORE_MAX_RESULT);
    txn->result = arena_str(&txn->arena, result);
}

bool store_replayed(struct txn *txn, struct str *ret_result)
{
    check(txn);
    txn->asked_replayed = true;
    if (txn->found_marker) {
        *ret_result = txn->result;
    }
    return txn->found_marker;
}

/* ---- running ------------------------------------------------------------------------------------------------------- */

/* At most one line a second: on a loaded machine many runs are slow because they had to wait. */
static void log_slow(const struct txn *txn, usec_t now, usec_t took)
{
    static _Atomic usec_t logged;
    usec_t before = atomic_load(&logged);
    if (!CODITECT_PARANOID && now - before > USEC_PER_SEC &&
        atomic_compare_exchange_strong(&logged, &before, now)) {
        log_warn("store", "%s took %lld us", txn->call->name, (long long)took);
    }
}

static int call_function(struct txn *txn)
{
    usec_t started = time_monotonic();
    inside = true;
    int status = txn->call->fn(txn, txn->call->ctx);
    inside = false;
    usec_t ended = time_monotonic();
    usec_t took = ended - started;
    if (took > slow_run) {
        log_slow(txn, ended, took);
    }
    if (status == 0 && took > STORE_MAX_SECONDS * USEC_PER_SEC) {
        return ERR_TIMEOUT;
    }
    return status;
}

static int look_for_marker(struct txn *txn)
{
    txn->found_marker = false;
    if (!txn->look_for_marker) {
        return 0;
    }
    inside = true;
    int r = store_marker_find(txn, &txn->found_marker, &txn->result);
    inside = false;
    return r;
}

static int replay(struct txn *txn)
{
    if (!txn->call->op->from_client) {
        return 0; /* ctx holds what the kept run left */
    }
    int status = call_function(txn);
    /* A refusal may come first: what the kept run wrote to may be gone since. */
    if (status == 0 && !txn->asked_replayed) {
        ASSERT(!CODITECT_PARANOID);
        return log_err(ERR_CONFLICT, "store", "%s does not know repetitions", txn->call->name);
    }
    return status;
}

static bool run_once(struct txn *txn)
{
    arena_reset(&txn->arena);
    store_writes_init(&txn->writes, &txn->arena);
    txn->result = STR_EMPTY;
    txn->asked_replayed = false;
    txn->broken = txn->error = 0;
    txn->status = look_for_marker(txn);
    if (txn->status) {
        return false;
    }
    if (txn->found_marker) {
        txn->status = replay(txn);
        return false;
    }
    txn->status = call_function(txn);
    if (txn->status == 0) {
        txn->status = txn->error;
    }
    if (txn->status == 0 && txn->keep_marker) {
        store_marker_put(txn);
    }
    return txn->status == 0 && txn->broken == 0;
}

bool store_txn_run(struct txn *txn)
{
    ASSERT_MAGIC(txn, STORE_TXN_MAGIC);
    if (CODITECT_PARANOID) {
        (void)run_once(txn);
    }
    return run_once(txn);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

/* Remembers a failure of the driver; what the function then returns does not matter any more. */
static int note_failure(struct txn *txn, int r)
{
    if (r != 0 && r != ERR_NOT_FOUND && r != ERR_TOO_LARGE && !txn->broken) {
        txn->broken = r;
    }
    return r > 0 ? ERR_UNAVAILABLE : r;
}

static int driver_get(struct txn *txn, struct str key, struct str *ret_value)
{
    return note_failure(txn, txn->store->driver->get(txn, key, ret_value));
}

/* What stands at an ADD entry. */
static int added(struct txn *txn, const struct store_entry *e, int64_t *ret_value)
{
    struct str before;
    int64_t value = 0;
    int r = driver_get(txn, e->key, &before);
    if (r == 0) {
        r = store_counter(before, &value);
    }
    if (r && r != ERR_NOT_FOUND) {
        return note_failure(txn, r);
    }
    *ret_value = (int64_t)((uint64_t)value + (uint64_t)e->by);
    return 0;
}

/* An ADD that is read becomes a PUT: the transaction now depends on what stood there. */
static int entry_value(struct txn *txn, struct store_entry *e, struct str *ret_value)
{
    if (e->kind == STORE_WRITE_DELETE) {
        return ERR_NOT_FOUND;
    }
    if (e->kind == STORE_WRITE_ADD) {
        int64_t value = 0;
        int r = added(txn, e, &value);
        if (r) {
            return r;
        }
        store_writes_settle(&txn->writes, e, value);
    }
    *ret_value = e->value;
    return 0;
}

int store_get(struct txn *txn, struct str key, struct str *ret_value)
{
    check(txn);
    if (key.n > STORE_MAX_KEY) {
        return ERR_TOO_LARGE;
    }
    if (!store_writes_empty(&txn->writes)) {
        struct store_entry *own = store_writes_find(&txn->writes, key);
        if (own) {
            return entry_value(txn, own, ret_value);
        }
        if (store_writes_cleared(&txn->writes, key)) {
            return ERR_NOT_FOUND;
        }
    }
    return driver_get(txn, key, ret_value);
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static bool may_write(struct txn *txn, struct str key, size_t value_size)
{
    check(txn);
    ASSERT(txn->writable);
    ASSERT(!str_starts(key, STR("op/")) && !str_starts(key, STR("meta/")));
    ASSERT(key.n == 0 || (uint8_t)key.p[0] != 0xff);
    if (key.n > STORE_MAX_KEY || value_size > STORE_MAX_VALUE ||
        txn->writes.bytes + key.n + value_size > STORE_MAX_TXN_BYTES) {
        txn->error = ERR_TOO_LARGE;
    }
    return txn->error == 0;
}

void store_put(struct txn *txn, struct str key, struct str value)
{
    if (may_write(txn, key, value.n)) {
        store_writes_put(&txn->writes, key, value);
    }
}

void store_delete(struct txn *txn, struct str key)
{
    if (may_write(txn, key, 0)) {
        store_writes_delete(&txn->writes, key);
    }
}

void store_delete_range(struct txn *txn, struct str begin, struct str end)
{
    if (str_cmp(begin, end) >= 0) {
        return;
    }
    if (txn->writes.range_count == STORE_MAX_RANGES || end.n > STORE_MAX_KEY) {
        txn->error = ERR_TOO_LARGE;
    }
    if (may_write(txn, begin, end.n)) {
        store_writes_range(&txn->writes, begin, end);
    }
}

void store_add(struct txn *txn, struct str key, int64_t by)
{
    ASSERT(txn->call->op);
    if (may_write(txn, key, 8)) {
        int r = store_writes_add(&txn->writes, key, by);
        txn->error = r ? r : txn->error;
    }
}

void store_append(struct txn *txn, struct str feed, struct str value)
{
    ASSERT(txn->call->op && feed.n > 0 && str_find(feed, '\0', 0) == feed.n);
    if (value.n > STORE_MAX_EVENT || txn->writes.append_count == STORE_MAX_APPENDS ||
        feed.n + 1 + STORE_POSITION_SIZE > STORE_MAX_KEY) {
        txn->error = ERR_TOO_LARGE;
    }
    if (may_write(txn, feed, value.n)) {
        store_writes_append(&txn->writes, feed, value);
    }
}

static int settle_additions(struct txn *txn, struct store_entry *tree)
{
    if (!tree) {
        return 0;
    }
    int r = settle_additions(txn, tree->left);
    int64_t value = 0;
    if (r == 0 && tree->kind == STORE_WRITE_ADD) {
        r = added(txn, tree, &value);
        if (r == 0) {
            store_writes_settle(&txn->writes, tree, value);
        }
    }
    return r ? r : settle_additions(txn, tree->right);
}

bool store_txn_settle(struct txn *txn, uint64_t commit_number)
{
    txn->status = settle_additions(txn, txn->writes.root);
    if (txn->status == 0) {
        store_feed_settle(&txn->writes, atomic_load(&txn->store->epoch), commit_number);
    }
    return txn->status == 0;
}
