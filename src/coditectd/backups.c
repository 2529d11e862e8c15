/*
 * The schedule of backups, on a thread of its own: one takes longer than other duties may wait.
 *
 * 1. What counts is the newest moment in the directory or bucket, not when this server started: a restart makes none too early.
 * 2. After a failure it is tried again after a tenth of the time between two, at the latest after ten minutes.
 * 3. Now and then all that the newest needs is read again, between two backups and slowly. What is damaged is told, and written
 *    anew by the next one, which is made at once. A bucket is read seldom: reading costs there, and it looks after its bytes.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "coditectd/backup.h"

enum {
    BACKUPS_MAGIC = 0x62616b73,
    STACK = 512 * 1024,
    RETRY_PART = 10,
    VERIFY_EACH = 4, /* backups: a day */
    VERIFY_EACH_OF_BUCKET = 120,
    VERIFY_RATE = 64, /* bytes in a microsecond */
};
static const usec_t retry_most = 600 * USEC_PER_SEC;
static const usec_t ahead_most = 50 * USEC_PER_MS;

struct coditectd_backups {
    unsigned magic;
    struct coditectd_backups_options options;
    pthread_t thread;
    struct lock lock;
    struct lock_cond changed;
    bool stop;
    bool busy; /* somebody makes one */
    usec_t started;
    struct coditectd_backups_facts facts;
    struct backup_harms harms; /* for the next one; empty while it is made */
    atomic_bool cancelled;
};

static void keep_harms(struct coditectd_backups *b, struct backup_harms *harms)
{
    lock_assert_held(&b->lock);
    if (b->harms.n == 0) {
        VEC_FREE(&b->harms);
        b->harms = *harms;
        *harms = (struct backup_harms){0};
    }
}

/* harms: that it was to heal; taken. */
static void note(struct coditectd_backups *b, int r, const struct backup_report *report,
                 struct backup_harms *harms)
{
    LOCK_SCOPE(&b->lock);
    b->busy = false;
    if (r == 0) {
        b->facts.done++;
        b->facts.bytes += report->written;
        b->facts.last = report->at;
        b->facts.harmed = b->harms.n > 0;
    } else {
        b->facts.failed += r != ERR_CLOSED;
        keep_harms(b, harms);
    }
    VEC_FREE(harms);
    lock_cond_broadcast(&b->changed);
}

static int begin(struct coditectd_backups *b, struct backup_harms *ret_harms)
{
    LOCK_SCOPE(&b->lock);
    if (b->stop || b->busy) {
        return b->stop ? ERR_CLOSED : ERR_BUSY;
    }
    b->busy = true;
    *ret_harms = b->harms;
    b->harms = (struct backup_harms){0};
    return 0;
}

struct making {
    struct coditectd_backups *b;
    const struct coditectd_backups_watch *watch;
};

static int page(void *ctx, uint64_t keys)
{
    const struct making *m = ctx;
    if (atomic_load(&m->b->cancelled)) {
        return ERR_CLOSED;
    }
    return m->watch ? m->watch->page(m->watch->ctx, keys) : 0;
}

static void tell(const struct coditectd_backups *b, int r, const struct backup_report *report)
{
    if (r == 0) {
        log_info("coditectd", "backup %s: %llu keys, %llu bytes written", report->name,
                 (unsigned long long)report->keys, (unsigned long long)report->written);
    } else if (r != ERR_CLOSED) {
        log_warn("coditectd", "there is no new backup in %s: %s", b->options.where.path,
                 err_row(r)->text);
    }
    if (report->healed > 0) {
        log_warn("coditectd",
                 "what was damaged in older backups is whole in the backup %s (pieces: %llu)",
                 report->name, (unsigned long long)report->healed);
    }
    if (report->rescued > 0) {
        log_error("coditectd",
                  "%llu pieces of content are damaged in the store; the backup %s has them whole, "
                  "from older ones",
                  (unsigned long long)report->rescued, report->name);
    }
    if (report->damaged > 0) {
        log_error("coditectd", "%llu pieces of content are damaged in the store",
                  (unsigned long long)report->damaged);
    }
}

int coditectd_backups_now(struct coditectd_backups *b, const struct coditectd_backups_watch *watch,
                          struct backup_report *ret_report)
{
    if (!b) {
        return ERR_NOT_FOUND;
    }
    ASSERT_MAGIC(b, BACKUPS_MAGIC);
    struct backup_harms harms;
    int r = begin(b, &harms);
    if (r < 0) {
        return r;
    }
    struct making making = {b, watch};
    const struct backup_source source = {
        .store = "store", .content = coditectd_backup_content, .page = page, .ctx = &making};
    struct backup_report report = {0};
    const struct backup_how how = {.keep = b->options.keep, .harms = &harms};
    r = backup_write(&source, &b->options.where, &how, &report);
    note(b, r, &report, &harms);
    tell(b, r, &report);
    if (r == 0) {
        *ret_report = report;
    }
    return r;
}

static void look_for_last(struct coditectd_backups *b)
{
    const struct backup_where *where = &b->options.where;
    struct backup_moments moments;
    bool nowhere = !backup_is_bucket(where->path) && access(where->path, F_OK) < 0;
    if (nowhere || backup_list(where, &moments) < 0) {
        return; /* there is none yet, or the next backup says why not */
    }
    usec_t verified = coditectd_backup_verified(where->path);
    LOCK_SCOPE(&b->lock);
    b->facts.last = backup_newest(&moments);
    b->facts.verified = verified;
    VEC_FREE(&moments);
}

/* A moment in the future is one of a clock that was wrong: it does not count. */
static usec_t wait_for(struct coditectd_backups *b, int last_result)
{
    LOCK_SCOPE(&b->lock);
    if (last_result < 0) {
        usec_t retry = b->options.every / RETRY_PART;
        return retry < retry_most ? retry : retry_most;
    }
    usec_t age = time_now() - b->facts.last;
    return b->facts.harmed || age < 0 || age >= b->options.every ? 0 : b->options.every - age;
}

static bool sleep_for(struct coditectd_backups *b, usec_t time)
{
    usec_t deadline = time_monotonic() + time;
    LOCK_SCOPE(&b->lock);
    while (!b->stop && lock_cond_wait_until(&b->changed, &b->lock, deadline)) {
    }
    return !b->stop;
}

/* ---- Reading it all again ---- */

/* Also while no new one can be made, unless that is because the place does not answer. */
static bool should_verify(struct coditectd_backups *b, int last_result)
{
    LOCK_SCOPE(&b->lock);
    bool bucket = backup_is_bucket(b->options.where.path);
    usec_t each = (bucket ? VERIFY_EACH_OF_BUCKET : VERIFY_EACH) * b->options.every;
    usec_t age = time_now() - b->facts.verified;
    bool due = age < 0 || age > each - b->options.every / 2; /* none is made to the second */
    bool answers = last_result == 0 || last_result == ERR_BUSY || last_result == ERR_NO_SPACE;
    return due && answers && !b->facts.harmed;
}

struct pacing {
    struct coditectd_backups *b;
    usec_t begun;
};

static int pace(void *ctx, uint64_t bytes)
{
    const struct pacing *p = ctx;
    struct coditectd_backups *b = p->b;
    usec_t due = p->begun + (usec_t)(bytes / VERIFY_RATE);
    LOCK_SCOPE(&b->lock);
    usec_t now = time_monotonic();
    bool ahead = due > now + ahead_most && now - p->begun < b->options.every / 2; /* in time */
    while (ahead && !b->stop && lock_cond_wait_until(&b->changed, &b->lock, due)) {
    }
    return b->stop ? ERR_CLOSED : 0;
}

static void note_verified(struct coditectd_backups *b, const struct backup_report *report)
{
    coditectd_backup_note_verified(b->options.where.path, report->at);
    log_info("coditectd", "backup %s: all that it needs was read, and is whole", report->name);
    LOCK_SCOPE(&b->lock);
    b->facts.verified = report->at;
}

static void note_harmed(struct coditectd_backups *b, struct backup_harms *harms)
{
    log_error("coditectd",
              "the newest backup in %s is damaged (pieces: %zu): the next one, which is made now, "
              "has anew what the store still has; older ones may have lost them, so look at what "
              "they lie on",
              b->options.where.path, harms->n);
    LOCK_SCOPE(&b->lock);
    b->facts.harmed = true;
    b->facts.harms += harms->n > 0 ? harms->n : 1; /* or all of it */
    keep_harms(b, harms);
}

static void verify(struct coditectd_backups *b)
{
    struct pacing pacing = {b, time_monotonic()};
    const struct backup_proof proof = {&b->options.where, pace, &pacing};
    struct backup_harms harms = {0};
    struct backup_report report;
    int r = backup_prove(&proof, &harms, &report);
    if (harms.n > 0 || r == ERR_CORRUPT) {
        note_harmed(b, &harms);
    } else if (r == 0) {
        note_verified(b, &report);
    } else if (r != ERR_CLOSED && r != ERR_NOT_FOUND) {
        log_warn("coditectd", "the newest backup in %s was not read to its end: %s",
                 b->options.where.path, err_row(r)->text);
    }
    VEC_FREE(&harms);
}

/* Whether the next one is made for what was found damaged: what it cannot heal is not looked for again before the one after it. */
static bool is_healing(struct coditectd_backups *b)
{
    LOCK_SCOPE(&b->lock);
    return b->facts.harmed;
}

static void *run(void *ctx)
{
    struct coditectd_backups *b = ctx;
    int r = 0;
    look_for_last(b);
    while (sleep_for(b, wait_for(b, r))) {
        struct backup_report report = {0};
        bool healing = is_healing(b);
        r = coditectd_backups_now(b, /* watch= */ NULL, &report);
        if (!healing && report.healed == 0 && should_verify(b, r)) {
            verify(b);
        }
    }
    return NULL;
}

int coditectd_backups_start(const struct coditectd_backups_options *options,
                            struct coditectd_backups **ret_b)
{
    struct coditectd_backups *b = MEM_NEW(struct coditectd_backups);
    b->magic = BACKUPS_MAGIC;
    b->options = *options;
    b->options.where.access.stop = &b->cancelled;
    b->started = time_monotonic();
    lock_init(&b->lock, LOCK_BACKUPS);
    lock_cond_init(&b->changed);
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK);
    int error = pthread_create(&b->thread, &attributes, run, b);
    (void)pthread_attr_destroy(&attributes);
    if (error) {
        lock_cond_fini(&b->changed);
        lock_fini(&b->lock);
        mem_free(b);
        return ERR_BUSY;
    }
    *ret_b = b;
    return 0;
}

void coditectd_backups_cancel(struct coditectd_backups *b)
{
    if (!b) {
        return;
    }
    ASSERT_MAGIC(b, BACKUPS_MAGIC);
    LOCK_SCOPE(&b->lock);
    atomic_store(&b->cancelled, true);
    b->stop = true;
    lock_cond_broadcast(&b->changed);
}

void coditectd_backups_stop(struct coditectd_backups *b)
{
    coditectd_backups_cancel(b);
    if (!b) {
        return;
    }
    (void)pthread_join(b->thread, NULL);
    VEC_FREE(&b->harms);
    lock_cond_fini(&b->changed);
    lock_fini(&b->lock);
    b->magic = 0;
    mem_free(b);
}

void coditectd_backups_facts(struct coditectd_backups *b, struct coditectd_backups_facts *ret_facts)
{
    *ret_facts = (struct coditectd_backups_facts){0};
    if (!b) {
        return;
    }
    ASSERT_MAGIC(b, BACKUPS_MAGIC);
    LOCK_SCOPE(&b->lock);
    *ret_facts = b->facts;
    usec_t patience = 2 * b->options.every;
    usec_t age = time_now() - b->facts.last;
    ret_facts->late =
        b->facts.harmed || ((age < 0 || age > patience) &&
                            (b->facts.failed > 0 || time_monotonic() - b->started > patience));
}

const struct coditectd_backups_options *coditectd_backups_options(const struct coditectd_backups *b)
{
    return b ? &b->options : NULL;
}
