/*
 * Operation markers: op/{bucket}/{id} → what store_result left, written in the operation's own transaction.
 *
 * A bucket holds the operations made within STORE_MARKER_HOURS, so that old ones are dropped by range and a search for an
 * id that may be a day old looks into few places. The bucket is 8 bytes, big endian, of the operation's own time: runs of
 * one operation agree on it.
 */
#include "base/assert.h"
#include "store/store_int.h"

static const usec_t bucket_width = (usec_t)STORE_MARKER_HOURS * 3600 * USEC_PER_SEC;
enum { PREFIX = 3, BUCKET = 8, ID = 16, KEY = PREFIX + BUCKET + 1 + ID };

static uint64_t bucket_of(usec_t t)
{
    return t < 0 ? 0 : (uint64_t)(t / bucket_width);
}

static void make_key(char to[static KEY], uint64_t bucket, const uint8_t *id)
{
    memcpy(to, "op/", PREFIX);
    store_big(to + PREFIX, BUCKET, bucket);
    to[PREFIX + BUCKET] = '/';
    if (id) {
        memcpy(to + PREFIX + BUCKET + 1, id, ID);
    }
}

int store_marker_find(struct txn *txn, bool *ret_found, struct str *ret_result)
{
    const struct store_op *op = txn->call->op;
    uint64_t newest = bucket_of(op->made);
    uint64_t count = 1;
    if (op->from_client) {
        count += (STORE_MARKER_KEEP_HOURS + STORE_MARKER_HOURS - 1) / STORE_MARKER_HOURS;
    }
    for (uint64_t i = 0; i < count && i <= newest; i++) {
        char key[KEY];
        make_key(key, newest - i, op->id);
        int r = store_get(txn, str_of(key, KEY), ret_result);
        if (r != ERR_NOT_FOUND) {
            *ret_found = r == 0;
            return r;
        }
    }
    *ret_found = false;
    return 0;
}

void store_marker_put(struct txn *txn)
{
    char key[KEY];
    make_key(key, bucket_of(txn->call->op->made), txn->call->op->id);
    store_writes_put(&txn->writes, str_of(key, KEY), txn->result);
}

static int drop_old(struct txn *txn, void *ctx)
{
    const uint64_t *oldest_kept = ctx;
    char end[KEY];
    make_key(end, *oldest_kept, NULL);
    struct store_range old = {STR("op/"), str_of(end, PREFIX + BUCKET), .limit = 1000};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(txn, &old, &pairs, &count);
    if (r || count == 0) {
        return r ? r : ERR_NOT_FOUND;
    }
    store_writes_range(&txn->writes, STR("op/"),
                       store_after(store_arena(txn), pairs[count - 1].key));
    return 0;
}

int store_drop_markers(struct store *s)
{
    ASSERT_MAGIC(s, STORE_MAGIC);
    uint64_t oldest_kept =
        bucket_of(time_now() - (usec_t)STORE_MARKER_KEEP_HOURS * 3600 * USEC_PER_SEC);
    int r;
    do {
        r = store_write(s, NULL, drop_old, &oldest_kept);
    } while (r == 0);
    return r == ERR_NOT_FOUND ? 0 : r;
}
