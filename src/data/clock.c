/*
 * The time that deletions by age go by. A clock can be ahead for a while (a slip of the hand, a wrong server of time), and what was
 * deleted meanwhile does not come back with the right time. So the store keeps a time of its own, and what deletes by age believes the
 * clock up to an hour ahead of that.
 *
 * It follows the clock in both directions, but at most so many times as fast as time really passes while a server runs
 * (time_monotonic; who calls counts that). So a clock that is ahead for a moment ages nothing, and what was off for a week catches up
 * within a day. There is nothing to decide, and nobody has to say which of two times was right.
 *
 * What is deleted while the clock is behind has too old a date, and goes as soon as that is past.
 *
 * Written when they are an hour apart, so that it is not written all the time.
 */
#include "data/data_int.h"

static const usec_t apart = 3600 * USEC_PER_SEC;

/* ERR_NOT_FOUND: never written. */
static int kept_get(struct txn *txn, usec_t *ret_kept)
{
    struct str value;
    uint64_t kept;
    int r = store_get(txn, DATA_CLOCK_KEY, &value);
    if (r == 0 && (data_key_number_read(value, &kept) < 0 || kept > INT64_MAX)) {
        r = ERR_CORRUPT;
    }
    if (r == 0) {
        *ret_kept = (usec_t)kept;
    }
    return r;
}

int data_clock_get(struct txn *txn, usec_t *ret_now)
{
    usec_t now = time_now();
    usec_t kept = now;
    int r = kept_get(txn, &kept);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    *ret_now = now - kept > apart ? kept + apart : now;
    return 0;
}

struct following {
    usec_t most;
    /* results */
    usec_t behind;
    usec_t next; /* what is to be kept */
    bool due;    /* and is not yet */
};

static int look_fn(struct txn *txn, void *ctx)
{
    struct following *f = ctx;
    usec_t now = time_now() > 0 ? time_now() : 0;
    usec_t kept = 0;
    int r = kept_get(txn, &kept);
    bool anew = r == ERR_NOT_FOUND || r == ERR_CORRUPT; /* what cannot be read says nothing */
    if (r < 0 && !anew) {
        return r;
    }
    usec_t way = anew ? 0 : now - kept;
    usec_t step = way > f->most ? f->most : way < -f->most ? -f->most : way;
    f->behind = way - step;
    f->next = anew ? now : kept + step;
    f->due = anew || ((way >= apart || way <= -apart) && step != 0);
    return 0;
}

static int follow_fn(struct txn *txn, void *ctx)
{
    struct following *f = ctx;
    int r = look_fn(txn, f);
    if (r == 0 && f->due) {
        store_put(txn, DATA_CLOCK_KEY, data_key_number(store_arena(txn), (uint64_t)f->next));
    }
    return r;
}

int data_clock_follow(struct store *store, usec_t most, usec_t *ret_behind)
{
    struct following f = {.most = most};
    struct store_op op = store_op_new();
    op.reserve = true;
    int r = store_read(store, look_fn, &f);
    r = r < 0 || !f.due ? r : store_write(store, &op, follow_fn, &f);
    if (r == 0) {
        *ret_behind = f.behind;
    }
    return r;
}
