/*
 * The schedule of backups, on a thread of its own: one takes longer than other duties may wait.
 *
 * 1. What counts is the newest moment in the directory or bucket, not when this server started: a restart makes none too early.
 * 2. After a failure it is tried again after a tenth of the time between two, at the latest after ten minutes.
 * 3. Between two backups what is there is read again (backups_proof.c); none waits for that.
 */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "coditectd/backups_int.h"

enum {
    BACKUPS_MAGIC = 0x62616b73,
    STACK = 512 * 1024,
    RETRY_PART = 10,
};
static const usec_t retry_most = 600 * USEC_PER_SEC;

/* finds: as it was when it began. */
static void note(struct coditectd_backups *b, int r, const struct backup_report *report,
                 unsigned finds)
{
    LOCK_SCOPE(&b->lock);
    b->busy = false;
    if (r == 0) {
        b->facts.done++;
        b->facts.bytes += report->written;
        b->facts.last = report->at;
        b->facts.harmed = b->facts.harmed && b->finds != finds;
        b->unwritten = true;
        if (report->damaged > 0) {
            coditectd_backup_blemished(&b->note, report->name, /* lost= */ true);
        }
    } else {
        b->facts.failed += r != ERR_CLOSED;
    }
    lock_cond_broadcast(&b->changed);
}

/* A copy of the harms that are known. */
static int begin(struct coditectd_backups *b, struct backup_harms *ret_harms, unsigned *ret_finds)
{
    LOCK_SCOPE(&b->lock);
    if (b->stop || b->busy) {
        return b->stop ? ERR_CLOSED : ERR_BUSY;
    }
    b->busy = true;
    *ret_finds = b->finds;
    for (size_t i = 0; i < b->note.harms.n; i++) {
        VEC_ADD(ret_harms, b->note.harms.at[i]);
    }
    return 0;
}

/* One that was made there before. An operator who asks may begin anew. */
static bool is_expected(struct coditectd_backups *b, const struct coditectd_backups_watch *watch)
{
    LOCK_SCOPE(&b->lock);
    return !watch &&
           (b->facts.last > 0 || b->note.verified > 0 || b->note.ended > 0 || b->note.begun > 0);
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
    } else if (r == ERR_NOT_FOUND) {
        log_error("coditectd",
                  "the backups that were made in %s are not there: mount what they lie on; where "
                  "they are gone for good coditect admin backup begins anew",
                  b->options.where.path);
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
    struct backup_harms harms = {0};
    unsigned finds;
    int r = begin(b, &harms, &finds);
    if (r < 0) {
        return r;
    }
    struct making making = {b, watch};
    const struct backup_source source = {
        .store = "store", .content = coditectd_backup_content, .page = page, .ctx = &making};
    struct backup_report report = {0};
    const struct backup_how how = {
        .keep = b->options.keep, .harms = &harms, .expected = is_expected(b, watch)};
    r = backup_write(&source, &b->options.where, &how, &report);
    VEC_FREE(&harms);
    note(b, r, &report, finds);
    tell(b, r, &report);
    if (r == 0) {
        *ret_report = report;
    }
    return r;
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

/* Whether there is something to be written down, and not yet that time. */
static bool wait_until(struct coditectd_backups *b, usec_t deadline)
{
    LOCK_SCOPE(&b->lock);
    bool early = true;
    while (!b->stop && !b->unwritten && early) {
        early = lock_cond_wait_until(&b->changed, &b->lock, deadline);
    }
    return !b->stop && early;
}

static bool sleep_for(struct coditectd_backups *b, usec_t time)
{
    usec_t deadline = time_monotonic() + time;
    while (wait_until(b, deadline)) {
        coditectd_backups_keep_note(b);
    }
    LOCK_SCOPE(&b->lock);
    return !b->stop;
}

/* Also while no new one can be made, unless that is because the place does not answer. */
static bool answers(int last_result)
{
    return last_result == 0 || last_result == ERR_BUSY || last_result == ERR_NO_SPACE;
}

/* Also where one backup takes as long as there is between two: none is late by that. */
static usec_t time_to_prove(const struct coditectd_backups *b, usec_t wait)
{
    usec_t least = b->options.every / RETRY_PART;
    return wait > least ? wait : least;
}

static void *run(void *ctx)
{
    struct coditectd_backups *b = ctx;
    int r = 0;
    coditectd_backups_remember(b);
    usec_t wait = wait_for(b, r);
    while (sleep_for(b, wait)) {
        struct backup_report report;
        r = coditectd_backups_now(b, /* watch= */ NULL, &report);
        wait = wait_for(b, r);
        usec_t due = time_monotonic() + wait;
        coditectd_backups_keep_note(b);
        if (answers(r)) {
            coditectd_backups_prove(b, time_to_prove(b, wait));
        }
        wait = r == 0 ? wait_for(b, r) : due - time_monotonic();
    }
    coditectd_backups_keep_note(b);
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
    coditectd_backup_note_fini(&b->note);
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
    ret_facts->verified = b->note.verified;
    ret_facts->ended = b->note.ended;
    ret_facts->blemished = b->note.blemishes.n;
    usec_t patience = 2 * b->options.every;
    usec_t age = time_now() - b->facts.last;
    ret_facts->late =
        b->facts.harmed || ((age < 0 || age > patience) &&
                            (b->facts.failed > 0 || time_monotonic() - b->started > patience));
}

enum coditectd_backups_known coditectd_backups_known(struct coditectd_backups *b,
                                                     const char *moment)
{
    LOCK_SCOPE(&b->lock);
    const struct coditectd_blemish *known = coditectd_backup_blemish(&b->note, moment);
    return !known ? CODITECTD_NO_HARM : known->lost ? CODITECTD_LOST : CODITECTD_DAMAGED;
}

const struct coditectd_backups_options *coditectd_backups_options(const struct coditectd_backups *b)
{
    return b ? &b->options : NULL;
}
