/*
 * The mirror's thread. A round: note which barrier is wanted, read all events that are there, bring everything that is dirty
 * to the store, apply what others changed, sweep when it is time. Events are queued by the kernel before the call that caused
 * them returns, so what was done before a barrier was asked for is read by the round that notes the barrier.
 *
 * Invariants
 * 1. The index never says that the store has what it has not: it is written after the server's answer.
 * 2. A path leaves `dirty` only into a round, and a round that fails puts back all that it took.
 * 3. A barrier is fulfilled by a round that began after it was asked for and ended with nothing dirty (dirty.h says what that
 *    is) and, unless it leaves these, no quiet file waiting; where not every folder is watched, by one that looked at the whole
 *    tree. Each is tried once at once, whatever the back-off, behind no more than a page of others' changes; one that the server
 *    refused for good is said to be refused, so that nobody waits for it.
 * 4. Nothing is deleted in the store before the first comparison with it is complete, and with a folder nothing that others wrote and
 *    that has not come here: `seen` says how far that is known, and the store looks.
 * 5. What the store took and the index has not heard of (codi2 was killed in between, the answer was lost on its way) is found
 *    among the store's changes before anything else is sent, or compared, if the store can still tell them: they are signed with the
 *    name of this disk.
 * 6. All calls to the index, the watch and `dirty` are this thread's, and those that change the tree; the listener only raises
 *    `remote`. The door's threads look at the tree (codi2_tree_look, which keeps nothing), and reach `wanted` and `saves`, which
 *    have locks of their own, the atomic fields and `wake`. Whether events are unread is seen by a thread of its own.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "codi2/mirror_int.h"
#include "codi2/pause.h"

enum {
    LONG_POLL_MS = 25000,
    LISTENER_MS = 100, /* how soon it notices what it waits for */
    PUSHES_IN_ONE_GO = 8,
    STACK = 1 << 20
};

void codi2_mirror_show(struct codi2_mirror *m, enum codi2_health health)
{
    m->facts.health = health;
    codi2_status_set(m->options.status, m->options.number, &m->facts);
}

static void on_seen(void *ctx, enum codi2_seen what, struct str path)
{
    struct codi2_mirror *m = ctx;
    if (what == CODI2_SEEN_OVERFLOW) {
        codi2_mirror_overflowed(m);
        return;
    }
    struct str folder;
    struct str name;
    content_path_split(path, &folder, &name);
    if (codi2_tree_is_own_name(folder, name)) {
        return; /* a draft: there may be as many as files come */
    }
    if (what == CODI2_SEEN_WRITTEN || what == CODI2_SEEN_CLOSED) {
        codi2_dirty_add_written(m->dirty, path, what == CODI2_SEEN_CLOSED);
    } else {
        codi2_dirty_add(m->dirty, path, what == CODI2_SEEN_FOLDER);
    }
}

/* ---- failure and patience ---- */

#define WAITING "What you change stays on this workspace's disk, and is stored once there is room."

/* For errors that a person can do something about; NULL: of the others the state says enough. */
static const char *words_for(const struct codi2_mirror *m, int error)
{
    switch (error) {
    case ERR_QUOTA:
        return m->options.home ? "The storage for your home is full. " WAITING
                               : "Your storage is full. " WAITING;
    case ERR_DISK_LOW:
        return "The server's disk is full. " WAITING;
    case ERR_IO:
        return "This workspace's disk cannot be read or written. What was persisted is safe; the "
               "rest is stored once the disk works.";
    case ERR_CORRUPT:
        return "The store's list of your files is damaged. Whoever runs the server can check and "
               "restore it. What you change stays on this workspace's disk until then.";
    case ERR_FORBIDDEN: /* by the disk, or by the server, which a person can do nothing about */
        return m->root_watched ? NULL
                               : "The folder that everything is in cannot be read: its mode shuts "
                                 "it. What is in it is stored once it is open (chmod u+rwx).";
    case ERR_NO_SPACE:
        return "This workspace's disk is full. Delete what you do not need; what is on the disk is "
               "stored once there is room.";
    default:
        return NULL;
    }
}

/* The server has answered, and will answer the same the next time. */
static bool is_refusal(int error)
{
    return error == ERR_UNAUTHENTICATED || error == ERR_FORBIDDEN || error == ERR_NOT_FOUND ||
           error == ERR_QUOTA || error == ERR_CORRUPT;
}

void codi2_mirror_give_pause(struct codi2_mirror *m, int error)
{
    m->retry_at = time_monotonic() + codi2_pause_next(&m->pause);
    codi2_mirror_count(m);
    atomic_store(&m->greeted, false); /* it may be another server that comes back */
    m->trouble = words_for(m, error);
    codi2_mirror_say(m);
    codi2_mirror_show(m, CODI2_OFFLINE);
}

static void all_well(struct codi2_mirror *m)
{
    if (m->trouble) {
        m->trouble = NULL;
        codi2_mirror_say(m);
    }
    m->retry_at = 0;
    m->pause = 0;
}

/* ---- rounds ---- */

bool codi2_mirror_awaited(const struct codi2_mirror *m)
{
    return codi2_status_barrier_wanted(m->options.status) > m->facts.barrier;
}

/*
 * What a push leaves behind (it was torn, somebody else was faster, its mode is to be sent as well) is brought at once when a
 * barrier waits: whoever changes much elsewhere would leave something behind in each round.
 */
static int push(struct codi2_mirror *m)
{
    bool awaited = codi2_mirror_awaited(m);
    int error = codi2_mirror_push(m);
    for (int i = 1; awaited && i < PUSHES_IN_ONE_GO && !error && codi2_dirty_count(m->dirty) > 0;
         i++) {
        error = codi2_mirror_push(m);
    }
    return error;
}

/* What we sent and were not told of would be compared as what others made: it is found among the store's changes first. */
static int hear(struct codi2_mirror *m)
{
    bool heard = codi2_mirror_is_index_lost(m) || atomic_load(&m->applied) >= m->unheard;
    int error = heard ? 0 : codi2_mirror_pull(m);
    bool untold = error == ERR_RESYNC || error == ERR_CORRUPT; /* the comparison needs no changes */
    return untold ? 0 : error;
}

static int compare(struct codi2_mirror *m)
{
    int error = hear(m);
    error = error ? error : codi2_mirror_reconcile(m);
    mem_trim();
    error = error ? error : codi2_mirror_compared(m);
    if (!error) {
        m->fresh = false;
        codi2_wanted_restoring(m->wanted, false);
        codi2_dirty_add_all(m->dirty); /* what is on the disk and unknown to the store */
    }
    return error;
}

static int bring_together(struct codi2_mirror *m)
{
    int error = codi2_mirror_greet(m);
    error = error ? error : codi2_mirror_damage_due(m);
    if (error) {
        return error;
    }
    codi2_mirror_rules_ask(m);
    if (m->fresh) {
        error = compare(m);
    }
    if (!error && (atomic_exchange(&m->remote, false) || m->facts.health == CODI2_OFFLINE)) {
        error = codi2_mirror_pull(m);
        if (error == ERR_RESYNC ||
            error == ERR_CORRUPT) { /* what changed cannot be read, all may */
            return codi2_mirror_start_anew(m);
        }
        if (error) {
            atomic_store(&m->remote, true);
        } else if (m->fresh) {
            return 0; /* first of all */
        }
    }
    error = error ? error : push(m);
    return error ? error : codi2_mirror_offer(m);
}

static void round_of(struct codi2_mirror *m)
{
    uint64_t barrier = codi2_status_barrier_wanted(m->options.status);
    codi2_watch_read(m->watch);
    codi2_mirror_due(m, barrier);
    if (atomic_load(&m->choice) != CODI2_NO_CHOICE) {
        codi2_dirty_add_all(m->dirty);
    }
    codi2_mirror_count(m);
    codi2_mirror_show(m, m->facts.health);
    codi2_mirror_all_seen(m);
    if (m->retry_at && time_monotonic() < m->retry_at && barrier == m->tried_for) {
        return;
    }
    m->tried_for = barrier;
    int error = bring_together(m);
    if (error ==
        ERR_PRECONDITION) { /* nothing was taken; what was said before that is to be heard first */
        atomic_store(&m->greeted, false);
        atomic_store(&m->remote, true);
        error = bring_together(m);
    }
    if (error == ERR_STALE || error == ERR_VERSION_UNSUPPORTED) {
        m->facts.refused = UINT64_MAX;
        codi2_mirror_show(m, CODI2_OFFLINE);
        m->options.over(m->options.ctx, error);
        atomic_store(&m->stop, true);
    } else if (error) {
        log_warn("codi2", "%s: %s", m->options.link.root, err_name(error));
        atomic_store(&m->remote,
                     true); /* among the changes may be our own, whose answer was lost */
        m->facts.refused = is_refusal(error) ? barrier : m->facts.refused;
        codi2_mirror_give_pause(m, error);
    } else {
        all_well(m);
        codi2_mirror_count(m);
        bool owed = m->facts.quiet > 0 && codi2_mirror_is_quiet_owed(m);
        if (m->facts.pending == 0 && !m->fresh && !owed) {
            ASSERT(codi2_dirty_uploading(m->dirty) == 0);
            m->facts.barrier = barrier;
            m->settled = true;
        }
        codi2_mirror_show(m, CODI2_ONLINE);
    }
}

static void *run(void *ctx)
{
    struct codi2_mirror *m = ctx;
    (void)!codi2_mirror_add_watch(m, STR(""));
    while (!atomic_load(&m->stop)) {
        if (codi2_mirror_index_good(m)) {
            round_of(m);
        }
        struct pollfd p[] = {{.fd = codi2_watch_fd(m->watch), .events = POLLIN},
                             {.fd = m->wake, .events = POLLIN}};
        if (poll(p, 2, codi2_mirror_patience_ms(m)) > 0 && p[1].revents) {
            uint64_t count;
            (void)!read(m->wake, &count, sizeof count);
        }
    }
    return NULL;
}

/* Until then, or it is asked to end, or the mirror has failed too: then it is the one that looks for the server. */
static void listener_rests(const struct codi2_mirror *m, usec_t end)
{
    while (time_monotonic() < end && !atomic_load(&m->stop) && atomic_load(&m->greeted)) {
        (void)poll(NULL, 0, LISTENER_MS / 5);
    }
}

/* What was heard at the server; back: it was away, and may be another store. */
static void tell(struct codi2_mirror *m, bool news, bool rules, bool back)
{
    if (news || back) {
        atomic_store(&m->remote, true);
    }
    if (back) {
        atomic_store(&m->came_back, true);
    }
    if (news || rules || back) {
        codi2_mirror_wake(m);
    }
}

/* Waits at the server for changes that others make, and wakes the mirror. */
static void *listen_for_changes(void *ctx)
{
    struct codi2_mirror *m = ctx;
    usec_t pause = 0;
    bool away = false;
    while (!atomic_load(&m->stop)) {
        if (!atomic_load(&m->greeted)) { /* the root's first call is the mirror's */
            (void)poll(NULL, 0, LISTENER_MS);
            continue;
        }
        ARENA_AUTO(arena);
        struct codi2_remotes changes = {0};
        uint64_t since = atomic_load(&m->applied);
        int error = codi2_link_changes(m->listener_link, &arena,
                                       &(struct codi2_changes_query){since, away ? 0 : LONG_POLL_MS,
                                                                     codi2_mirror_rules_last(m)},
                                       &changes);
        bool news = error == ERR_RESYNC || (!error && changes.count > 0);
        tell(m, news, !error && codi2_mirror_rules_told(m, changes.rules), away && !error);
        away = error && error != ERR_RESYNC;
        if (away) { /* until the server is back */
            listener_rests(m, time_monotonic() + codi2_pause_next(&pause));
            continue;
        }
        pause = 0;
        if (news) { /* until the mirror has applied it */
            (void)poll(NULL, 0, LISTENER_MS / 5);
        }
    }
    return NULL;
}

/* ---- birth and end ---- */

static void release(struct codi2_mirror *m)
{
    codi2_link_destroy(m->link);
    codi2_link_destroy(m->listener_link);
    codi2_watch_destroy(m->watch);
    codi2_dirty_destroy(m->dirty);
    codi2_index_close(m->index);
    for (enum codi2_list i = 0; i < CODI2_LISTS; i++) {
        content_ignore_destroy(m->patterns[i]);
    }
    content_ignore_destroy(m->makeable);
    codi2_mirror_rules_end(m);
    codi2_tracked_destroy(m->tracked);
    codi2_wanted_destroy(m->wanted);
    codi2_saves_destroy(m->saves);
    map_destroy(m->empty);
    buf_fini(&m->offered);
    map_destroy(m->damaged);
    map_destroy(m->late);
    map_destroy(m->mapped);
    codi2_quiet_destroy(m->quiet);
    codi2_tree_close(&m->tree);
    fd_close(&m->wake);
    mem_free(m->root);
    mem_free(m->index_directory);
    m->magic = 0;
    mem_free(m);
}

int codi2_mirror_start_anew(struct codi2_mirror *m)
{
    m->fresh = true;
    codi2_wanted_restoring(m->wanted, true);
    return codi2_index_set_fact(m->index, "compared", 0);
}

static int prepare(struct codi2_mirror *m)
{
    struct codi2_watch_options watch = {
        .root = m->root, .seen = on_seen, .seen_file = codi2_mirror_seen_file, .ctx = m};
    m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = m->wake < 0 ? ERR_INTERNAL : codi2_tree_open(m->root, &m->tree);
    if (!error) {
        error = codi2_mirror_index_open(m);
    }
    if (!error) {
        error = codi2_watch_create(&watch, &m->watch);
    }
    if (!error) {
        codi2_mirror_keep_start(m);
    }
    return error;
}

static int start_threads(struct codi2_mirror *m)
{
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK);
    int error = pthread_create(&m->thread, &attributes, run, m) == 0 ? 0 : ERR_BUSY;
    if (!error && pthread_create(&m->listener, &attributes, listen_for_changes, m) != 0) {
        atomic_store(&m->stop, true);
        codi2_mirror_wake(m);
        (void)pthread_join(m->thread, NULL);
        error = ERR_BUSY;
    }
    (void)pthread_attr_destroy(&attributes);
    return error;
}

int codi2_mirror_start(const struct codi2_mirror_options *options, struct codi2_mirror **ret_mirror)
{
    struct codi2_mirror *m = MEM_NEW(struct codi2_mirror);
    m->magic = MIRROR_MAGIC;
    m->options = *options;
    m->root = mem_dup(options->root, strlen(options->root));
    m->index_directory = mem_dup(options->index, strlen(options->index));
    m->tree.fd = -1;
    m->wake = m->unseen_over = -1;
    m->dirty = codi2_dirty_create();
    for (enum codi2_list i = 0; i < CODI2_LISTS; i++) {
        m->patterns[i] = content_ignore_create();
    }
    m->makeable = content_ignore_create();
    m->wanted = codi2_wanted_create();
    m->saves = codi2_saves_create();
    m->empty = map_create();
    buf_init(&m->offered, CONTENT_MAX_PATH);
    m->damaged = map_create();
    m->mapped = map_create();
    m->quiet = codi2_quiet_create();
    m->facts.health = CODI2_STARTING;
    atomic_store(&m->remote, true);
    int error = prepare(m);
    if (!error) {
        m->link = codi2_link_create(&m->options.link);
        m->listener_link = codi2_link_create(&m->options.link);
        codi2_mirror_show(m, m->fresh ? CODI2_RESTORING : CODI2_STARTING);
        error = codi2_mirror_unseen_start(m);
        error = error ? error : start_threads(m);
    }
    if (error) {
        codi2_mirror_unseen_stop(m);
        release(m);
        return error;
    }
    *ret_mirror = m;
    return 0;
}

void codi2_mirror_stop(struct codi2_mirror *m)
{
    if (!m) {
        return;
    }
    ASSERT_MAGIC(m, MIRROR_MAGIC);
    atomic_store(&m->stop, true);
    codi2_mirror_wake(m);
    codi2_link_cancel(m->link);
    codi2_link_cancel(m->listener_link);
    (void)pthread_join(m->thread, NULL);
    (void)pthread_join(m->listener, NULL);
    codi2_mirror_unseen_stop(m);
    release(m);
}
