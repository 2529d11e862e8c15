/*
 * Threads before which jobs queue. A thread that waits for a disk costs memory only, so a lane may have many; they start
 * when work waits for one.
 *
 * Invariants, under lock:
 * 1. waiting is the length of the list from first.
 * 2. idle threads wait on `work`; a job is never left waiting while a thread is idle and its key has room.
 * 3. keys[i] is the key of the job that thread i runs, 0 for none.
 */
#include <stdio.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"
#include "net/net.h"

enum { LANE_MAGIC = 0x6c616e65, MAX_THREADS = 1024, LEAST_STACK = 64 * 1024 };

struct lane_thread {
    struct net_lane *lane;
    pthread_t thread;
    unsigned number;
};

struct net_lane {
    unsigned magic;
    struct net_lane_options options;
    struct lock lock;
    struct lock_cond work;
    struct net_job *first, *last;
    struct net_lane_stats stats;
    unsigned idle;
    bool stopping;
    uint64_t *keys;
    struct lane_thread *threads;
};

struct net_lane *net_lane_create(const struct net_lane_options *options)
{
    ASSERT(options->threads > 0 && options->threads <= MAX_THREADS && options->queue > 0);
    struct net_lane *lane = MEM_NEW(struct net_lane);
    lane->magic = LANE_MAGIC;
    lane->options = *options;
    lane->keys = mem_alloc(options->threads * sizeof *lane->keys);
    lane->threads = mem_alloc(options->threads * sizeof *lane->threads);
    lock_init(&lane->lock, LOCK_LANE);
    lock_cond_init(&lane->work);
    return lane;
}

static unsigned running_with_key_locked(const struct net_lane *lane, uint64_t key)
{
    unsigned n = 0;
    for (unsigned i = 0; i < lane->stats.threads; i++) {
        n += lane->keys[i] == key;
    }
    return n;
}

static bool may_start_locked(const struct net_lane *lane, const struct net_job *job)
{
    return lane->options.per_key == 0 || job->key == 0 ||
           running_with_key_locked(lane, job->key) < lane->options.per_key;
}

/* Takes the first job whose key has room out of the queue, or NULL. */
static struct net_job *next_job_locked(struct net_lane *lane)
{
    lock_assert_held(&lane->lock);
    struct net_job *before = NULL;
    for (struct net_job *job = lane->first; job; before = job, job = job->next) {
        if (!may_start_locked(lane, job)) {
            continue;
        }
        *(before ? &before->next : &lane->first) = job->next;
        if (lane->last == job) {
            lane->last = before;
        }
        lane->stats.waiting--;
        return job;
    }
    return NULL;
}

/*
 * Ends the job that the thread has run, if any, and takes the next one; NULL when the lane stops and is empty. One hold of the
 * lock for both: a lane without running jobs has all its threads idle. If a job waited for this thread's key, it gets it.
 */
static struct net_job *next_job(struct net_lane *lane, unsigned number, bool has_run)
{
    LOCK_SCOPE(&lane->lock);
    lane->stats.running -= has_run;
    lane->keys[number] = 0;
    for (;;) {
        struct net_job *job = next_job_locked(lane);
        if (job) {
            lane->keys[number] = job->key;
            lane->stats.started++;
            lane->stats.running++;
            return job;
        }
        if (lane->stopping && !lane->first) {
            lock_cond_broadcast(&lane->work); /* who found only jobs without room waits still */
            return NULL;
        }
        lane->idle++;
        lock_cond_wait(&lane->work, &lane->lock);
        lane->idle--;
    }
}

static void *run_thread(void *context)
{
    struct lane_thread *self = context;
    struct net_lane *lane = self->lane;
    struct net_job *job = next_job(lane, self->number, /* has_run= */ false);
    while (job) {
        job->run(job);
        job = next_job(lane, self->number, /* has_run= */ true);
    }
    return NULL;
}

static int start_thread_locked(struct net_lane *lane)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0) {
        return ERR_BUSY;
    }
    struct lane_thread *t = &lane->threads[lane->stats.threads];
    *t = (struct lane_thread){.lane = lane, .number = lane->stats.threads};
    size_t stack = lane->options.stack * NET_STACK_SCALE;
    (void)pthread_attr_setstacksize(&attr, stack < LEAST_STACK ? LEAST_STACK : stack);
    int r = pthread_create(&t->thread, &attr, run_thread, t);
    (void)pthread_attr_destroy(&attr);
    if (r != 0) {
        return ERR_BUSY;
    }
    char name[16];
    (void)snprintf(name, sizeof name, "%s", lane->options.name);
    (void)pthread_setname_np(t->thread, name);
    lane->stats.threads++;
    return 0;
}

static unsigned waiting_with_key_locked(const struct net_lane *lane, uint64_t key)
{
    unsigned n = 0;
    for (const struct net_job *job = lane->first; job; job = job->next) {
        n += job->key == key;
    }
    return n;
}

static bool has_room_locked(const struct net_lane *lane, const struct net_job *job)
{
    if (lane->stopping || lane->stats.waiting >= lane->options.queue) {
        return false;
    }
    return lane->options.per_key_queue == 0 || job->key == 0 ||
           waiting_with_key_locked(lane, job->key) < lane->options.per_key_queue;
}

int net_lane_submit(struct net_lane *lane, struct net_job *job)
{
    ASSERT_MAGIC(lane, LANE_MAGIC);
    ASSERT(job->run != NULL);
    LOCK_SCOPE(&lane->lock);
    bool crowded = lane->stats.waiting >= lane->idle && lane->stats.threads < lane->options.threads;
    if (!has_room_locked(lane, job) ||
        (crowded && start_thread_locked(lane) < 0 && lane->stats.threads == 0)) {
        lane->stats.refused++;
        return ERR_BUSY;
    }
    job->next = NULL;
    *(lane->last ? &lane->last->next : &lane->first) = job;
    lane->last = job;
    lane->stats.waiting++;
    lock_cond_signal(&lane->work);
    return 0;
}

void net_lane_read_stats(struct net_lane *lane, struct net_lane_stats *ret_stats)
{
    ASSERT_MAGIC(lane, LANE_MAGIC);
    LOCK_SCOPE(&lane->lock);
    *ret_stats = lane->stats;
}

void net_lane_destroy(struct net_lane *lane)
{
    if (!lane) {
        return;
    }
    ASSERT_MAGIC(lane, LANE_MAGIC);
    unsigned threads;
    {
        LOCK_SCOPE(&lane->lock);
        lane->stopping = true;
        threads = lane->stats.threads;
        lock_cond_broadcast(&lane->work);
    }
    for (unsigned i = 0; i < threads; i++) {
        (void)pthread_join(lane->threads[i].thread, NULL);
    }
    ASSERT(lane->first == NULL);
    lock_cond_fini(&lane->work);
    lock_fini(&lane->lock);
    mem_free(lane->keys);
    mem_free(lane->threads);
    lane->magic = 0;
    mem_free(lane);
}
