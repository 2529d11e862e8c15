/*
 * Which changes are one stretch: those from some number on that are old enough and of one hour, or day.
 *
 * A change that says it is of a later time than now was made while the clock was ahead. Taken at its word, it would hold up all that
 * came after it until then. It is no newer than the next one that can be true, so it counts as of that time.
 */
#include "files/thin_int.h"

static const usec_t lengths[FILES_THIN_LEVELS] = {3600 * USEC_PER_SEC, 86400 * USEC_PER_SEC,
                                                  86400 * USEC_PER_SEC};

static bool is_due(const struct files_thin_run *run, usec_t at)
{
    const usec_t ages[FILES_THIN_LEVELS] = {run->keep->all, run->keep->hourly, run->keep->daily};
    usec_t length = lengths[run->level];
    return (at / length + 1) * length <= run->now - ages[run->level];
}

static int read_from(struct files_thin_run *run, uint64_t from, size_t limit)
{
    struct store_range range = {files_key_change(run->tx, from),
                                files_key_change(run->tx, UINT64_MAX), .limit = limit};
    return store_scan(run->tx->txn, &range, &run->at, &run->read);
}

static int time_of(const struct store_pair *pair, usec_t *ret_at)
{
    struct files_change_record change;
    int r = files_change_decode(pair->value, &change);
    if (r == 0) {
        *ret_at = change.at;
    }
    return r;
}

/*
 * The time of some change behind number `from` that can be true; that of a later one than the next makes a stretch wait longer,
 * no more. Looks at few, however many the clock spoilt. Else it stays as it is.
 */
static int true_behind(const struct files_thin_run *run, uint64_t from, usec_t *ret_at)
{
    struct files_tx *tx = run->tx;
    for (uint64_t step = 1; *ret_at > run->now && from < tx->usage.seq; step *= 2) {
        struct store_pair *pairs;
        size_t count;
        from = step < tx->usage.seq - from ? from + step : tx->usage.seq;
        struct store_range range = {files_key_change(tx, from), files_key_change(tx, UINT64_MAX),
                                    .limit = 1};
        int r = store_scan(tx->txn, &range, &pairs, &count);
        r = r < 0 || count == 0 ? r : time_of(&pairs[0], ret_at);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Times as they count, for changes looked at in order. */
struct times {
    size_t known; /* those before this index have `at` */
    usec_t at;
};

static int time_at(const struct files_thin_run *run, size_t i, struct times *times)
{
    int r = 0;
    if (i < times->known) {
        return 0;
    }
    for (times->known = i; r == 0 && times->known < run->read;) {
        r = time_of(&run->at[times->known++], &times->at);
        if (times->at <= run->now) {
            return r;
        }
    }
    uint64_t last = 0;
    r = r < 0 ? r : data_key_number_last(run->at[run->read - 1].key, &last);
    return r < 0 ? r : true_behind(run, last, &times->at);
}

/* Whether it is worth reading more than the first. */
static int may_be_due(struct files_thin_run *run, bool *ret_may)
{
    usec_t at = 0;
    int r = read_from(run, run->from, 1);
    r = r < 0 || run->read == 0 ? r : time_of(&run->at[0], &at);
    *ret_may = r == 0 && run->read > 0 && (at > run->now || is_due(run, at));
    return r;
}

int files_thin_run(struct files_thin_run *run)
{
    struct times times = {.known = 0};
    usec_t bucket = 0;
    bool may = false;
    run->n = 0;
    int r = may_be_due(run, &may);
    r = r < 0 || !may ? r : read_from(run, run->from, FILES_THIN_RUN + 1);
    for (size_t i = 0; r == 0 && may && i < run->read && i < FILES_THIN_RUN; i++) {
        r = time_at(run, i, &times);
        usec_t own = run->level == FILES_THIN_EVERYTHING ? 0 : times.at / lengths[run->level];
        bucket = i == 0 ? own : bucket;
        if (r < 0 || own != bucket || !is_due(run, times.at)) {
            break;
        }
        run->n++;
    }
    return r;
}
