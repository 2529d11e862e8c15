#include "coditectd/duties.h"

#include <pthread.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "coditectd/trim.h"
#include "conversations/conversations.h"
#include "files/upkeep.h"
#include "lifecycle/lifecycle.h"
#include "sessions/sessions.h"
#include "workspaces/workspaces.h"

enum { DUTIES_MAGIC = 0x64757479, STACK = 512 * 1024 };

/* Anybody can cause records there, without an end. */
static const usec_t house_audit_keep = 30 * 24 * 3600 * USEC_PER_SEC;

static const usec_t leap = 24 * 3600 * USEC_PER_SEC; /* of the clock, that is told of */
static const usec_t longest_step = USEC_PER_SEC * 3600 * 24 * 366 * 1000; /* no product overflows */

struct coditectd_duties {
    unsigned magic;
    struct auth *auth;
    struct store *store;
    struct coditectd_duties_options options;
    struct coditectd_trim trim;
    struct auth_audit_purge audit;
    struct files_thin_place thinned;
    struct files_held_place counted;
    usec_t followed; /* when the time that deletions go by last followed the clock; 0: never */
    bool leapt;      /* and was left behind */
    bool more;       /* the duty that just ran has more to do */
    pthread_t thread;
    struct lock lock;
    struct lock_cond changed;
    bool stop;
};

static int flush(struct coditectd_duties *d)
{
    return auth_flush(d->auth);
}

static int look_again(struct coditectd_duties *d)
{
    return auth_look_again(d->auth);
}

static int purge_logins(struct coditectd_duties *d)
{
    size_t ended = 0;
    int r = auth_purge(d->auth, &ended);
    if (ended > 0) {
        log_info("coditectd", "%zu logins reached their age and ended", ended);
    }
    return r;
}

static int purge_invitations(struct coditectd_duties *d)
{
    size_t ended = 0;
    return auth_invitations_purge(d->store, &ended);
}

static int purge_links(struct coditectd_duties *d)
{
    size_t ended = 0;
    return sessions_links_purge(d->store, &ended);
}

static int drop_markers(struct coditectd_duties *d)
{
    return store_drop_markers(d->store);
}

static int trim_feeds(struct coditectd_duties *d)
{
    return coditectd_trim_step(&d->trim, d->store);
}

/* So that the other duties need not wait long. */
static usec_t step_end(void)
{
    return time_monotonic() + 100 * USEC_PER_MS;
}

/* What passed while no server ran is not known to have passed: the clock alone says so. */
static int follow_clock(struct coditectd_duties *d)
{
    usec_t now = time_monotonic();
    usec_t passed = d->followed > 0 ? now - d->followed : 0;
    usec_t most = passed < longest_step / d->options.pace ? passed * d->options.pace : longest_step;
    usec_t behind = 0;
    int r = data_clock_follow(d->store, most, &behind);
    if (r < 0) {
        return r;
    }
    d->followed = now;
    bool leapt = behind > leap || behind < -leap;
    if (leapt && !d->leapt) {
        log_warn(
            "coditectd",
            "the clock has leapt by %lld hours: until the time that deletions by age go by has "
            "followed it (store.pace), less is deleted",
            (long long)(behind / (3600 * USEC_PER_SEC)));
    } else if (!leapt && d->leapt) {
        log_info("coditectd", "deletions by age go by the clock again");
    }
    d->leapt = leapt;
    return 0;
}

static int disk_remove(void *ctx, struct str session, int64_t host_uid)
{
    const struct coditectd_duties *d = ctx;
    if (d->options.users && host_uid == 0) {
        return 0; /* none of its workspaces ever ran */
    }
    return workspaces_local_remove(d->options.local, session,
                                   host_uid > 0 ? (uid_t)host_uid : geteuid());
}

static int purge_sessions(struct coditectd_duties *d)
{
    const struct lifecycle_disks disks = {disk_remove, d};
    return lifecycle_purge(d->store, d->options.local ? &disks : NULL, step_end(), &d->more);
}

static int purge_conversations(struct coditectd_duties *d)
{
    return conversations_purge(d->store, step_end(), &d->more);
}

static int end_accounts(struct coditectd_duties *d)
{
    return lifecycle_leavers(d->store, step_end(), &d->more);
}

static int collect(struct coditectd_duties *d)
{
    struct files_collect_input in = {.spare_hours = d->options.spare_hours};
    struct files_collected page = {.looked = 1};
    size_t chunks = 0;
    int r = 0;
    for (usec_t end = step_end(); r == 0 && page.looked > 0 && time_monotonic() < end;) {
        r = files_collect(d->store, &in, &page);
        chunks += r == 0 ? page.chunks : 0;
    }
    d->more = r == 0 && page.looked > 0;
    if (chunks > 0) {
        log_info("coditectd", "%zu chunks that nothing named are gone", chunks);
    }
    return r;
}

static int clock_read(struct txn *txn, void *ret_now)
{
    return data_clock_get(txn, ret_now);
}

static int purge_audit(struct coditectd_duties *d)
{
    usec_t now = 0;
    int r = store_read(d->store, clock_read, &now);
    usec_t keep = d->options.audit_keep;
    d->audit.before = now - keep;
    d->audit.house_before = now - (keep < house_audit_keep ? keep : house_audit_keep);
    d->more = true;
    for (usec_t end = step_end(); r == 0 && d->more && time_monotonic() < end;) {
        r = auth_audit_purge(d->store, &d->audit, &d->more);
    }
    d->more = d->more && r == 0;
    return r;
}

static int thin_histories(struct coditectd_duties *d)
{
    return files_thin(d->store, &d->options.history, &d->thinned, &d->more);
}

/* Of a store from before this was counted as it came, and where the count is damaged. */
static int count_content(struct coditectd_duties *d)
{
    return files_held_count(d->store, &d->counted, step_end(), &d->more);
}

/* period 0: the setting store.collect. */
static const struct {
    const char *name;
    usec_t period;
    int (*run)(struct coditectd_duties *d);
} duties[] = {
    {"noting of last access", USEC_PER_SEC, flush},
    {"reading of keys and plans", AUTH_LOOK_SECONDS *USEC_PER_SEC, look_again},
    {"trimming of feeds", 10 * USEC_PER_SEC, trim_feeds},
    {"purge of logins", 60 * USEC_PER_SEC, purge_logins},
    {"purge of invitations", 60 * USEC_PER_SEC, purge_invitations},
    {"purge of links to sessions", 60 * USEC_PER_SEC, purge_links},
    {"dropping of operation markers", 3600 * USEC_PER_SEC, drop_markers},
    {"following of the clock", 0, follow_clock},
    {"end of deleted accounts", 0, end_accounts},
    {"purge of deleted sessions", 0, purge_sessions},
    {"purge of deleted conversations", 0, purge_conversations},
    {"shortening of audit logs", 0, purge_audit},
    {"thinning of histories", 0, thin_histories},
    {"collection of content that nothing names", 0, collect},
    {"counting of what tenants have in the store", 0, count_content},
};
enum { DUTIES = sizeof duties / sizeof duties[0] };

/* Sleeps until the deadline. False: it is time to stop. */
static bool pause_until(struct coditectd_duties *d, usec_t deadline)
{
    LOCK_SCOPE(&d->lock);
    while (!d->stop && lock_cond_wait_until(&d->changed, &d->lock, deadline)) {
    }
    return !d->stop;
}

/* Half of the time is left to others when there is much to do. */
static usec_t next_due(const struct coditectd_duties *d, size_t i)
{
    usec_t period = duties[i].period > 0 ? duties[i].period : d->options.collect_every;
    return time_monotonic() + (d->more ? 100 * USEC_PER_MS : period);
}

static void *run(void *ctx)
{
    struct coditectd_duties *d = ctx;
    usec_t due[DUTIES];
    for (size_t i = 0; i < DUTIES; i++) {
        due[i] = next_due(d, i);
    }
    for (;;) {
        size_t next = 0;
        for (size_t i = 1; i < DUTIES; i++) {
            next = due[i] < due[next] ? i : next;
        }
        if (!pause_until(d, due[next])) {
            return NULL;
        }
        d->more = false;
        int r = duties[next].run(d);
        if (r) {
            log_warn("coditectd", "%s: %s", duties[next].name, err_name(r));
        }
        due[next] = next_due(d, next);
    }
}

int coditectd_duties_start(struct auth *auth, struct store *store,
                           const struct coditectd_duties_options *options,
                           struct coditectd_duties **ret_duties)
{
    struct coditectd_duties *d = MEM_NEW(struct coditectd_duties);
    d->magic = DUTIES_MAGIC;
    d->auth = auth;
    d->store = store;
    d->options = *options;
    d->options.history.step = 100 * USEC_PER_MS;
    lock_init(&d->lock, LOCK_DUTIES);
    lock_cond_init(&d->changed);
    int r = follow_clock(d); /* before anything is deleted */
    if (r) {
        log_warn("coditectd", "following of the clock: %s", err_name(r));
    }
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK);
    int failed = pthread_create(&d->thread, &attributes, run, d);
    (void)pthread_attr_destroy(&attributes);
    if (failed) {
        lock_cond_fini(&d->changed);
        lock_fini(&d->lock);
        mem_free(d);
        return ERR_BUSY;
    }
    *ret_duties = d;
    return 0;
}

void coditectd_duties_stop(struct coditectd_duties *d)
{
    if (!d) {
        return;
    }
    ASSERT_MAGIC(d, DUTIES_MAGIC);
    lock_take(&d->lock);
    d->stop = true;
    lock_cond_signal(&d->changed);
    lock_release(&d->lock);
    (void)pthread_join(d->thread, NULL);
    auth_calls_close(d->auth);
    int r = auth_flush(d->auth);
    if (r) {
        log_warn("coditectd", "noting of last access: %s", err_name(r));
    }
    lock_cond_fini(&d->changed);
    lock_fini(&d->lock);
    d->magic = 0;
    mem_free(d);
}
