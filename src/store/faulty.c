/*
 * The faulty driver: another driver with faults in front of it, for tests. Every get, scan, read and write is a call that may
 * suffer one. What a fault means is what the real one means: a conflict or an unknown result is answered by the common
 * layer's repetition, a timeout reaches the caller.
 *
 * An unknown result that is kept runs the write and hides its success; on a call that keeps nothing it is a conflict.
 */
#include "base/assert.h"
#include "store/store_int.h"

struct faulty {
    const struct store_driver *inner;
    void *self;
    _Atomic uint64_t seed, at; /* at and rate 0: no faults */
    _Atomic uint32_t rate;
    _Atomic enum store_fault kind;
    _Atomic uint64_t calls, suffered;
    _Atomic bool armed; /* not while the store is opened */
};

/* splitmix64: the n-th number of a seed, so that a run can be repeated whatever the threads do. */
static uint64_t random_at(uint64_t seed, uint64_t n)
{
    uint64_t z = seed + n * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static enum store_fault fault_of(const struct faulty *f, uint64_t call)
{
    uint32_t rate = f->rate;
    if (rate == 0) {
        return call == f->at ? f->kind : STORE_FAULT_COUNT;
    }
    uint64_t random = random_at(f->seed, call);
    return random % rate == 0 ? (enum store_fault)((random >> 32) % STORE_FAULT_COUNT)
                              : STORE_FAULT_COUNT;
}

/* The fault that this call suffers, or STORE_FAULT_COUNT. */
static enum store_fault next_fault(struct faulty *f)
{
    if (!f->armed) {
        return STORE_FAULT_COUNT;
    }
    enum store_fault fault = fault_of(f, ++f->calls);
    f->suffered += fault != STORE_FAULT_COUNT;
    return fault;
}

/* Of a call that only reads. */
static int read_fault(struct faulty *f)
{
    switch (next_fault(f)) {
    case STORE_FAULT_COUNT:
        return 0;
    case STORE_FAULT_TIMEOUT:
        return ERR_TIMEOUT;
    default:
        return STORE_CONFLICT;
    }
}

static void set_faults(struct faulty *f, const struct store_faults *faults)
{
    f->rate = 0;
    f->at = 0; /* no call suffers half of the old and half of the new */
    f->seed = faults->seed;
    f->kind = faults->kind;
    f->calls = 0;
    f->at = faults->at;
    f->rate = faults->rate;
}

void store_set_faults(struct store *s, const struct store_faults *faults)
{
    ASSERT_MAGIC(s, STORE_MAGIC);
    ASSERT(s->driver == &store_faulty);
    set_faults(s->self, faults);
}

static int faulty_open(const struct store_options *options, void **ret_self)
{
    struct faulty *f = MEM_NEW(struct faulty);
    f->inner = store_driver_named(options->driver);
    set_faults(f, options->faults);
    int r = f->inner->open(options, &f->self);
    if (r) {
        mem_free(f);
        return r;
    }
    *ret_self = f;
    return 0;
}

static void faulty_close(void *self)
{
    struct faulty *f = self;
    f->inner->close(f->self);
    mem_free(f);
}

static int faulty_read(void *self, struct txn *txn)
{
    struct faulty *f = self;
    int r = read_fault(f);
    return r ? r : f->inner->read(f->self, txn);
}

static int faulty_write(void *self, struct txn *txn)
{
    struct faulty *f = self;
    switch (next_fault(f)) {
    case STORE_FAULT_CONFLICT:
        return STORE_CONFLICT;
    case STORE_FAULT_TIMEOUT:
        return ERR_TIMEOUT;
    case STORE_FAULT_UNKNOWN_LOST:
        return STORE_UNKNOWN;
    case STORE_FAULT_UNKNOWN_KEPT: {
        int r = f->inner->write(f->self, txn);
        return r == 0 && txn->status == 0 && txn->broken == 0 ? STORE_UNKNOWN : r;
    }
    case STORE_FAULT_COUNT:
        break;
    }
    int r = f->inner->write(f->self, txn);
    f->armed = true; /* the first write is store_open's own */
    return r;
}

static int faulty_get(struct txn *txn, struct str key, struct str *ret_value)
{
    struct faulty *f = txn->store->self;
    int r = read_fault(f);
    return r ? r : f->inner->get(txn, key, ret_value);
}

static int faulty_scan(struct txn *txn, const struct store_range *range,
                       struct store_pair **ret_pairs, size_t *ret_count)
{
    struct faulty *f = txn->store->self;
    int r = read_fault(f);
    return r ? r : f->inner->scan(txn, range, ret_pairs, ret_count);
}

static void faulty_stats(void *self, struct store_stats *stats)
{
    struct faulty *f = self;
    f->inner->stats(f->self, stats);
    stats->faults += f->suffered;
}

static uint64_t faulty_place(void *self)
{
    struct faulty *f = self;
    return f->inner->place(f->self);
}

const struct store_driver store_faulty = {
    .name = "faulty",
    .unknown_results = true,
    .open = faulty_open,
    .close = faulty_close,
    .read = faulty_read,
    .write = faulty_write,
    .get = faulty_get,
    .scan = faulty_scan,
    .stats = faulty_stats,
    .place = faulty_place,
};
