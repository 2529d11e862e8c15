/*
 * The writer thread: runs queued functions one after another in one SQLite transaction and commits them with one flush.
 *
 * A group takes what waits until nothing waits or it has 1 MiB of content; functions that announce much content come after
 * the others, but at least one a group. What a save waits for is the group before its own, its own, and a checkpoint: where
 * uploads would fill these, groups with a save in them and the log are kept to a quarter. Where nobody has saved for a second
 * uploads have the writer for themselves: groups of 4 MiB, and a log of four times its length: their values do not go through
 * it, and what names them lies all over the database, so that a page is copied once for several groups. A function that fails
 * has written nothing, since its writes lie in its own set until it has succeeded. Everybody is answered after the flush,
 * also who only read or failed: the answer may rest on what the group has written.
 *
 * Invariants
 *  1. A job is in the queue, or taken by the writer, or done; only a queued one may be given up by its waiter.
 *  2. d->writer is NULL or has no transaction open between two groups.
 *  3. A flush that failed is not tried again (see sqlite_checkpoint.c).
 */
#include "base/assert.h"
#include "base/log.h"
#include "store/sqlite_int.h"

static const usec_t idle_after = USEC_PER_SEC;
static const usec_t alone_after = USEC_PER_SEC;
static const usec_t reopen_every = USEC_PER_SEC;
static const usec_t sweep_every = USEC_PER_SEC;

enum { MOST_SWEEPS = 64 }; /* for one look at a full disk */

struct group {
    struct store_jobs jobs;
    size_t count;
    size_t bytes; /* written so far, or announced by the job just taken */
    bool small;   /* has one that announced little */
    bool large;   /* has one that announced much */
    bool alone;   /* when it began nobody had announced little for a while */
};

static void jobs_init(struct store_jobs *jobs)
{
    jobs->first = NULL;
    jobs->end = &jobs->first;
}

static void jobs_add(struct store_jobs *jobs, struct store_job *job)
{
    job->next = NULL;
    *jobs->end = job;
    jobs->end = &job->next;
}

static struct store_job *jobs_take(struct store_jobs *jobs)
{
    struct store_job *job = jobs->first;
    if (job) {
        jobs->first = job->next;
        if (!jobs->first) {
            jobs->end = &jobs->first;
        }
    }
    return job;
}

static bool jobs_remove(struct store_jobs *jobs, struct store_job *job)
{
    for (struct store_job **at = &jobs->first; *at; at = &(*at)->next) {
        if (*at == job) {
            *at = job->next;
            if (jobs->end == &job->next) {
                jobs->end = at;
            }
            return true;
        }
    }
    return false;
}

void store_queue_init(struct store_queue *q)
{
    lock_init(&q->lock, LOCK_STORE_QUEUE);
    lock_cond_init(&q->changed);
    jobs_init(&q->small);
    jobs_init(&q->large);
}

void store_queue_fini(struct store_queue *q)
{
    ASSERT(!q->small.first && !q->large.first && q->waiting == 0);
    lock_cond_fini(&q->changed);
    lock_fini(&q->lock);
}

/* ---- the waiters' side --------------------------------------------------------------------------------------------- */

static size_t announced(const struct store_job *job)
{
    const struct store_op *op = job->txn->call->op;
    return op ? op->bytes : 0;
}

static struct store_jobs *queue_of(struct store_queue *q, const struct store_job *job)
{
    return announced(job) > SQLITE_LARGE_JOB ? &q->large : &q->small;
}

static int wait_for(struct store_queue *q, struct store_job *job)
{
    usec_t deadline = time_monotonic() + STORE_MAX_SECONDS * USEC_PER_SEC;
    while (!job->done) {
        if (job->taken) {
            lock_cond_wait(&job->done_cond, &q->lock);
        } else if (!lock_cond_wait_until(&job->done_cond, &q->lock, deadline) && !job->taken) {
            bool removed = jobs_remove(queue_of(q, job), job);
            ASSERT(removed);
            q->waiting--;
            return ERR_TIMEOUT;
        }
    }
    return job->result;
}

int store_writer_submit(struct store_sqlite *d, struct txn *txn)
{
    struct store_queue *q = &d->queue;
    struct store_job job = {.txn = txn};
    lock_cond_init(&job.done_cond);
    lock_take(&q->lock);
    bool first = !q->small.first && !q->large.first;
    jobs_add(queue_of(q, &job), &job);
    q->waiting++;
    q->small_at = q->small.first ? time_monotonic() : q->small_at;
    if (first) {
        lock_cond_signal(&q->changed);
    }
    int r = wait_for(q, &job);
    lock_release(&q->lock);
    lock_cond_fini(&job.done_cond);
    return r;
}

/* ---- the writer's side --------------------------------------------------------------------------------------------- */

static size_t room_of(const struct group *g)
{
    return g->alone ? SQLITE_ALONE_BYTES : SQLITE_GROUP_BYTES;
}

static bool fits(const struct store_job *job, const struct group *g)
{
    size_t room = g->small ? SQLITE_BESIDE_BYTES : room_of(g);
    return !g->large || g->bytes + announced(job) <= room;
}

/* Small ones first; a full group still takes its one large job, so that these do not starve. */
static struct store_job *take_locked(struct store_queue *q, struct group *g)
{
    lock_assert_held(&q->lock);
    bool full = g->count >= SQLITE_GROUP_JOBS || g->bytes >= room_of(g);
    struct store_job *job = NULL;
    if (!full && q->small.first) {
        job = jobs_take(&q->small);
        g->small = true;
    } else if (q->large.first && (full ? !g->large : fits(q->large.first, g))) {
        job = jobs_take(&q->large);
        g->large = true;
    }
    if (job) {
        job->taken = true;
        q->waiting--;
        jobs_add(&g->jobs, job);
        g->count++;
    }
    return job;
}

static struct store_job *take(struct store_queue *q, struct group *g)
{
    LOCK_SCOPE(&q->lock);
    return take_locked(q, g);
}

static void finish_group(struct store_queue *q, struct group *g)
{
    LOCK_SCOPE(&q->lock);
    struct store_job *job;
    while ((job = jobs_take(&g->jobs))) {
        job->done = true;
        lock_cond_signal(&job->done_cond); /* the job is gone as soon as its waiter has the lock */
    }
}

static bool may_write(const struct store_sqlite *d, const struct txn *txn)
{
    if (!d->space.full || txn->writes.puts == 0) {
        return true;
    }
    const struct store_op *op = txn->call->op;
    return op && op->reserve;
}

/* A failure of SQLite; that of the function itself goes to the job alone. */
static int run_job(struct store_sqlite *d, struct store_job *job, struct group *g)
{
    struct txn *txn = job->txn;
    txn->view = d->writer;
    job->result = 0;
    if (!store_txn_run(txn)) {
        return 0;
    }
    if (!may_write(d, txn)) {
        job->result = ERR_NO_SPACE;
        return 0;
    }
    if (store_writes_empty(&txn->writes)) {
        return 0;
    }
    bool numbered = txn->writes.append_count > 0;
    if (!store_txn_settle(txn, d->commit_number + numbered)) {
        return 0;
    }
    d->commit_number += numbered;
    g->bytes += txn->writes.bytes;
    return store_connection_apply(d->writer, &txn->writes);
}

static int put_commit_number(struct store_sqlite *d)
{
    if (d->commit_number == d->stored_commit_number) {
        return 0;
    }
    char bytes[8];
    store_big(bytes, sizeof bytes, d->commit_number);
    return store_connection_put(d->writer, STR("meta/commit"), str_of(bytes, sizeof bytes));
}

static int run_jobs(struct store_sqlite *d, struct group *g)
{
    int r = store_connection_run(d->writer, STORE_STATEMENT_BEGIN_WRITE);
    for (struct store_job *job = g->jobs.first; job && r == 0;
         job = job->next ? job->next : take(&d->queue, g)) {
        r = run_job(d, job, g);
    }
    if (r == 0) {
        r = put_commit_number(d);
    }
    r = r ? r : store_segment_flush(&d->segment, d->writer);
    if (r == 0 && d->early) {
        store_garbage_early(d);
    }
    if (r == 0) {
        r = store_connection_run(d->writer, STORE_STATEMENT_COMMIT);
    }
    if (r == 0) {
        d->segment.dirty = false;
        d->stored_commit_number = d->commit_number;
        d->commits++;
        d->untidy = true;
        d->version++;
    }
    return r;
}

static void fail_all(struct group *g, int code)
{
    for (struct store_job *job = g->jobs.first; job; job = job->next) {
        job->result = code;
    }
}

/* The disk is full: whoever may use the reserve stays in the group, to be run once more. */
static bool keep_entitled(struct store_sqlite *d, struct group *g)
{
    struct group refused = {.count = 0};
    jobs_init(&refused.jobs);
    struct store_job *job = g->jobs.first;
    jobs_init(&g->jobs);
    g->count = 0;
    while (job) {
        struct store_job *next = job->next;
        job->result = ERR_NO_SPACE;
        bool entitled = may_write(d, job->txn);
        jobs_add(entitled ? &g->jobs : &refused.jobs, job);
        g->count += entitled;
        job = next;
    }
    finish_group(&d->queue, &refused);
    return g->count > 0;
}

static void roll_back(struct store_sqlite *d)
{
    if (!sqlite3_get_autocommit(d->writer->db) &&
        store_connection_run(d->writer, STORE_STATEMENT_ROLLBACK) != 0) {
        d->writer->failed = true; /* closing it rolls back */
    }
    if (d->segment.dirty && !d->writer->failed &&
        store_segment_settle(&d->segment, d->writer) != 0) {
        d->writer->failed = true;
    }
}

/* Closes the database after a failed flush; what had been flushed is opened again. */
static void reconnect(struct store_sqlite *d)
{
    store_sqlite_disconnect(d);
    d->reopened = time_monotonic();
    if (store_sqlite_cut_log(d) == 0 && store_sqlite_connect(d) == 0) {
        log_info("store", "reopened with what had been flushed");
    }
}

/* What dead large values took goes back, step by step; only once a checkpoint has copied all of the log. False: there is no more,
 * or it cannot be done now. */
static bool give_back(struct store_sqlite *d)
{
    if (!d->writer || d->writer->failed || !d->wal_checkpointed || d->keeps_garbage) {
        return false;
    }
    d->swept = time_monotonic();
    if (!store_garbage_waits(d)) {
        return false;
    }
    int r = store_garbage_step(d);
    d->version++;
    if (r == 0) {
        return true;
    }
    roll_back(d);
    if (r == ERR_NO_SPACE) {
        store_space_hit(&d->space);
    } else if (!d->writer->failed) {
        d->keeps_garbage = true;
        (void)log_err(r, "store",
                      "the space of large values that were deleted cannot be given back");
    } else {
        reconnect(d);
    }
    return false;
}

/* A full disk: what is dead makes room at once. */
static void give_all_back(struct store_sqlite *d)
{
    for (int i = 0; i < MOST_SWEEPS && d->writer; i++) {
        d->shrinks = true; /* no log is too short to be copied */
        store_sqlite_checkpoint(d, /* idle= */ true);
        if (!give_back(d)) {
            break;
        }
    }
}

/* Also for a reserve that there was no room for when the store was opened. */
static void look_for_space(struct store_sqlite *d)
{
    if (d->space.full && store_space_due(&d->space)) {
        give_all_back(d);
    }
    if (d->writer && d->writer->failed) {
        reconnect(d);
    }
    if (d->writer && (d->space.full || !d->space.inflated)) {
        store_space_look(&d->space, store_connection_unused(d->writer));
    }
}

/* No room: the group is run once more with those that may use what the balloon gave up. */
static int run_entitled(struct store_sqlite *d, struct group *g)
{
    roll_back(d);
    store_space_hit(&d->space);
    d->commit_number = d->stored_commit_number;
    g->bytes = room_of(g); /* nobody joins any more */
    g->large = true;
    if (!keep_entitled(d, g)) {
        return 0;
    }
    return d->writer->failed ? ERR_IO : run_jobs(d, g);
}

static void run_group(struct store_sqlite *d, struct group *g)
{
    if (!d->writer && time_monotonic() - d->reopened >= reopen_every) {
        reconnect(d);
    }
    if (!d->writer) {
        fail_all(g, ERR_UNAVAILABLE);
        return;
    }
    look_for_space(d);
    if (!d->writer) {
        fail_all(g, ERR_UNAVAILABLE);
        return;
    }
    int r = run_jobs(d, g);
    r = r == ERR_NO_SPACE ? run_entitled(d, g) : r;
    if (r == ERR_NO_SPACE) {
        roll_back(d);
        fail_all(g, ERR_NO_SPACE);
    } else if (r) {
        fail_all(g, ERR_UNAVAILABLE);
    }
    if (d->writer->failed || (r && r != ERR_NO_SPACE)) {
        reconnect(d);
    }
}

/* Waits for work. False: stop. *ret_idle: nothing came for a while; only told when there is a log to copy. */
static bool wait_for_work(struct store_sqlite *d, struct group *g, bool *ret_idle)
{
    struct store_queue *q = &d->queue;
    bool log = store_sqlite_log_waits(d) || d->untidy;
    LOCK_SCOPE(&q->lock);
    usec_t deadline = time_monotonic() + idle_after;
    *ret_idle = false;
    while (!q->small.first && !q->large.first && !q->stop && !*ret_idle) {
        if (log) {
            *ret_idle = !lock_cond_wait_until(&q->changed, &q->lock, deadline);
        } else {
            lock_cond_wait(&q->changed, &q->lock);
        }
    }
    g->alone = time_monotonic() - q->small_at > alone_after;
    (void)take_locked(q, g);
    return g->count > 0 || !q->stop;
}

/* What deletions left unused goes back to the disk piece by piece while nobody waits; a little is kept for what comes. */
static void shrink(struct store_sqlite *d)
{
    size_t keep = (size_t)d->wal_limit * SQLITE_PAGE;
    bool shrinks = d->writer && store_connection_unused(d->writer) > keep;
    d->shrinks = shrinks || (d->writer && !d->keeps_garbage && store_garbage_waits(d));
    d->untidy = d->shrinks;
    if (!shrinks) {
        return;
    }
    int r = store_connection_shrink(d->writer);
    d->version++;
    if (r == ERR_NO_SPACE) {
        roll_back(d);
        store_space_hit(&d->space);
    } else if (r) {
        reconnect(d);
    }
}

void *store_writer_main(void *self)
{
    struct store_sqlite *d = self;
    for (;;) {
        struct group g = {.count = 0};
        jobs_init(&g.jobs);
        bool idle;
        if (!wait_for_work(d, &g, &idle)) {
            return NULL;
        }
        if (g.count > 0) {
            run_group(d, &g);
            d->wal_large = d->wal_large || (g.large && !g.alone);
            d->wal_alone = g.large && g.alone && !g.small;
            finish_group(&d->queue, &g);
        }
        if (idle && g.count == 0) {
            shrink(d);
        }
        store_sqlite_checkpoint(d, idle);
        if (d->writer && d->writer->failed) {
            reconnect(d); /* a flush that failed is not tried again */
        }
        if (time_monotonic() - d->swept >= sweep_every) {
            (void)give_back(d);
        }
    }
}
