#include "codi2/status.h"

#include <poll.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/mem.h"
#include "codi2/notices.h"

enum {
    STATUS_MAGIC = 0x73746174,
    MESSAGE_ROOM = CODI2_NOTICE_TEXT,
    PATH_ROOM =
        CODI2_NOTICE_PATH, /* what is longer is not told; in JSON it may be six times that */
    NOTICE_S = 60,
    MOST_FAILED = 10,
    FAILED_ROOM = 6 * 1024, /* JSON before which a path of "failed" must end */
    MOST_SHOWN = 100,
    SHOWN_ROOM = 8 * 1024, /* the same for "not kept" */
    MOST_ROOM = 1024 * 1024,
};

static const char *const prefixes[CODI2_ROOTS] = {"/workspace/", "/home/dev/"};

struct codi2_status {
    unsigned magic;
    struct lock lock;
    struct lock_cond changed;
    uint64_t revision;
    uint64_t barriers; /* given out */
    uint64_t of_all;   /* the last of them that is for quiet files, too */
    struct codi2_facts facts[CODI2_ROOTS];
    usec_t unseen_since[CODI2_ROOTS];  /* monotonic; 0: all was read */
    usec_t pending_since[CODI2_ROOTS]; /* monotonic; 0: nothing is */
    char messages[CODI2_ROOTS][MESSAGE_ROOM + 1];
    struct codi2_notices notices;
    usec_t notice_until; /* monotonic: the newest is shown to everybody */
    struct codi2_unkept not_kept[CODI2_ROOTS];
    uint64_t not_kept_at; /* the revision at which any of them last changed */
    enum codi2_ide_state ide;
    struct codi2_busy busy;
    usec_t browser_until; /* monotonic: somebody counts as present */
    usec_t awake_until;   /* monotonic: when something was last at work */
};

struct codi2_status *codi2_status_create(void)
{
    struct codi2_status *s = MEM_NEW(struct codi2_status);
    s->magic = STATUS_MAGIC;
    s->revision = 1;
    lock_init(&s->lock, LOCK_STATUS);
    lock_cond_init(&s->changed);
    s->browser_until = time_monotonic() + CODI2_WINDOW_S * USEC_PER_SEC;
    for (unsigned i = 0; i < CODI2_ROOTS; i++) {
        codi2_unkept_init(&s->not_kept[i]);
    }
    return s;
}

void codi2_status_destroy(struct codi2_status *s)
{
    if (!s) {
        return;
    }
    ASSERT_MAGIC(s, STATUS_MAGIC);
    for (unsigned i = 0; i < CODI2_ROOTS; i++) {
        codi2_unkept_fini(&s->not_kept[i]);
    }
    lock_cond_fini(&s->changed);
    lock_fini(&s->lock);
    s->magic = 0;
    mem_free(s);
}

static void changed_locked(struct codi2_status *s)
{
    lock_assert_held(&s->lock);
    s->revision++;
    lock_cond_broadcast(&s->changed);
}

static uint64_t pending_locked(const struct codi2_status *s, unsigned root)
{
    uint64_t unseen = s->unseen_since[root] != 0;
    return s->facts[root].pending > 0 ? s->facts[root].pending : unseen;
}

void codi2_status_set(struct codi2_status *s, unsigned root, const struct codi2_facts *facts)
{
    ASSERT_MAGIC(s, STATUS_MAGIC);
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    const struct codi2_facts *old = &s->facts[root];
    bool same = old->health == facts->health && old->pending == facts->pending &&
                old->seq == facts->seq && old->done == facts->done && old->total == facts->total &&
                old->barrier == facts->barrier && old->refused == facts->refused &&
                old->held_back == facts->held_back && old->quiet == facts->quiet;
    if (facts->pending == 0) { /* what was pending is stored; what nobody has read is not */
        s->pending_since[root] = s->unseen_since[root];
    } else if (pending_locked(s, root) == 0) {
        s->pending_since[root] = time_monotonic();
    }
    if (!same) {
        s->facts[root] = *facts;
        changed_locked(s);
    }
}

void codi2_status_unseen(struct codi2_status *s, unsigned root, int fd)
{
    ASSERT_MAGIC(s, STATUS_MAGIC);
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool unseen = fd >= 0 && poll(&p, 1, 0) > 0;
    if (unseen != (s->unseen_since[root] != 0)) {
        s->unseen_since[root] = unseen ? time_monotonic() : 0;
        if (s->facts[root].pending == 0) {
            s->pending_since[root] = s->unseen_since[root];
        }
        changed_locked(s);
    }
}

void codi2_status_get(struct codi2_status *s, unsigned root, struct codi2_facts *ret_facts)
{
    ASSERT_MAGIC(s, STATUS_MAGIC);
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    *ret_facts = s->facts[root];
}

void codi2_status_message(struct codi2_status *s, unsigned root, struct str message)
{
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    struct str cut = str_slice(message, 0, MESSAGE_ROOM);
    cut.n = str_utf8_prefix(cut);
    if (!str_eq(cut, str_from(s->messages[root]))) {
        (void)snprintf(s->messages[root], sizeof s->messages[root], STR_FMT, STR_ARG(cut));
        changed_locked(s);
    }
}

void codi2_status_notice(struct codi2_status *s, const struct codi2_notice *notice)
{
    ASSERT(notice->root < CODI2_ROOTS);
    char path[PATH_ROOM + 1];
    bool told = notice->path.n > 0 && str_utf8_prefix(notice->path) == notice->path.n;
    int n = told ? snprintf(path, sizeof path, "%s" STR_FMT, prefixes[notice->root],
                            STR_ARG(notice->path))
                 : 0;
    LOCK_SCOPE(&s->lock);
    codi2_notices_add(&s->notices, notice->text, n > 0 && n <= PATH_ROOM ? path : "");
    s->notice_until = time_monotonic() + NOTICE_S * USEC_PER_SEC;
    changed_locked(s); /* the same words again are news, too */
}

static void not_kept_changed_locked(struct codi2_status *s, bool news)
{
    if (news) {
        changed_locked(s);
        s->not_kept_at = s->revision;
    }
}

void codi2_status_not_kept(struct codi2_status *s, unsigned root, struct str path,
                           enum codi2_why why)
{
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    not_kept_changed_locked(s, codi2_unkept_add(&s->not_kept[root], path, why));
}

void codi2_status_forget(struct codi2_status *s, unsigned root, struct str path)
{
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    not_kept_changed_locked(s, codi2_unkept_forget(&s->not_kept[root], path));
}

void codi2_status_kept(struct codi2_status *s, unsigned root, struct str path)
{
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    not_kept_changed_locked(s, codi2_unkept_kept(&s->not_kept[root], path));
}

void codi2_status_mended(struct codi2_status *s, unsigned root, struct str path)
{
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    not_kept_changed_locked(s, codi2_unkept_mended(&s->not_kept[root], path));
}

void codi2_status_ide(struct codi2_status *s, enum codi2_ide_state state)
{
    LOCK_SCOPE(&s->lock);
    if (s->ide != state) {
        s->ide = state;
        changed_locked(s);
    }
}

void codi2_status_browser(struct codi2_status *s)
{
    LOCK_SCOPE(&s->lock);
    usec_t now = time_monotonic();
    bool news = s->browser_until < now;
    s->browser_until = now + CODI2_WINDOW_S * USEC_PER_SEC;
    if (news) {
        changed_locked(s);
    }
}

void codi2_status_busy(struct codi2_status *s, const struct codi2_busy *busy)
{
    LOCK_SCOPE(&s->lock);
    bool same = memcmp(&s->busy, busy, sizeof *busy) == 0;
    s->busy = *busy;
    if (busy->count > 0) {
        s->awake_until = time_monotonic();
    }
    if (!same) {
        changed_locked(s);
    }
}

/* The worst that is true of any root. */
static const char *state_locked(const struct codi2_status *s, uint64_t pending)
{
    bool restoring = false;
    bool offline = false;
    bool held = false;
    for (unsigned i = 0; i < CODI2_ROOTS; i++) {
        enum codi2_health health = s->facts[i].health;
        restoring = restoring || health == CODI2_RESTORING || health == CODI2_STARTING;
        offline = offline || health == CODI2_OFFLINE;
        held = held || s->facts[i].held_back > 0;
    }
    if (held) {
        return "conflict";
    }
    if (offline) {
        return "offline";
    }
    return restoring ? "restoring" : pending ? "persisting" : "persisted";
}

/* False: some are missing. */
static bool write_list_locked(struct codi2_status *s, struct json_writer *w, const char *name,
                              struct codi2_unkept_list list)
{
    bool whole = true;
    json_name(w, name);
    json_array(w);
    for (unsigned i = 0; i < CODI2_ROOTS; i++) {
        list.prefix = str_from(prefixes[i]);
        whole = codi2_unkept_write(&s->not_kept[i], &list, w) && whole;
    }
    json_array_end(w);
    return whole;
}

void codi2_status_write_not_kept(struct codi2_status *s, struct buf *out)
{
    ASSERT_MAGIC(s, STATUS_MAGIC);
    LOCK_SCOPE(&s->lock);
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_integer(&w, "at", (int64_t)s->not_kept_at);
    bool whole =
        write_list_locked(s, &w, "not_kept",
                          (struct codi2_unkept_list){
                              .with_why = true, .most = CODI2_MAX_NOT_KEPT, .room = MOST_ROOM});
    for (unsigned i = 0; i < CODI2_ROOTS; i++) {
        whole = whole && !s->not_kept[i].more;
    }
    json_member_bool(&w, "more", !whole);
    json_object_end(&w);
}

static void write_activity_locked(struct codi2_status *s, struct json_writer *w)
{
    json_member_string(w, "ide", str_from(codi2_ide_state_name(s->ide)));
    usec_t now = time_monotonic();
    bool browser = now < s->browser_until;
    usec_t last = s->browser_until > s->awake_until ? s->browser_until : s->awake_until;
    bool awake = browser || s->busy.count > 0;
    json_name(w, "activity");
    json_object(w);
    json_member_integer(w, "idle_ms", awake || now < last ? 0 : (now - last) / USEC_PER_MS);
    json_name(w, "awake");
    json_array(w);
    if (browser) {
        json_string(w, STR("browser"));
    }
    for (size_t i = 0; i < s->busy.count; i++) {
        BUF_AUTO(name, 64);
        buf_printf(&name, "process %s", s->busy.names[i]);
        json_string(w, buf_str(&name));
    }
    json_array_end(w);
    json_object_end(w);
}

static usec_t pending_since_locked(const struct codi2_status *s)
{
    usec_t oldest = 0;
    for (unsigned i = 0; i < CODI2_ROOTS; i++) {
        usec_t since = s->pending_since[i];
        oldest = since != 0 && (oldest == 0 || since < oldest) ? since : oldest;
    }
    return oldest;
}

static void write_progress_locked(struct codi2_status *s, struct json_writer *w)
{
    struct codi2_facts sum = {0};
    struct codi2_unkept_sum unkept = {0};
    for (unsigned i = 0; i < CODI2_ROOTS; i++) {
        sum.pending += pending_locked(s, i);
        sum.quiet += s->facts[i].quiet;
        sum.done += s->facts[i].done;
        sum.total += s->facts[i].total;
        sum.held_back += s->facts[i].held_back;
        struct codi2_unkept_sum here = codi2_unkept_sum(&s->not_kept[i]);
        unkept.failed += here.failed;
        unkept.damaged += here.damaged;
    }
    json_member_string(w, "state", str_from(state_locked(s, sum.pending)));
    json_member_integer(w, "pending", (int64_t)sum.pending);
    usec_t since = pending_since_locked(s);
    if (since != 0) {
        json_member_integer(w, "pending_ms", (time_monotonic() - since) / USEC_PER_MS + 1);
    }
    json_member_integer(w, "seq", (int64_t)s->facts[0].seq);
    if (sum.done < sum.total) {
        json_name(w, "restoring");
        json_object(w);
        json_member_integer(w, "done", (int64_t)sum.done);
        json_member_integer(w, "total", (int64_t)sum.total);
        json_object_end(w);
    }
    if (sum.quiet > 0) {
        json_member_integer(w, "quiet", (int64_t)sum.quiet);
    }
    if (sum.held_back > 0) {
        json_member_integer(w, "held_back", (int64_t)sum.held_back);
    }
    if (unkept.failed > 0) {
        json_member_integer(w, "failed_count", (int64_t)unkept.failed);
    }
    if (unkept.damaged > 0) {
        json_member_integer(w, "damaged_count", (int64_t)unkept.damaged);
    }
}

static void write_words_locked(struct codi2_status *s, struct json_writer *w)
{
    bool noticed = time_monotonic() < s->notice_until;
    const struct codi2_kept_notice *notice = noticed ? codi2_notices_newest(&s->notices) : NULL;
    const char *message = notice ? notice->text : "";
    for (unsigned i = CODI2_ROOTS; i > 0; i--) {
        message = s->messages[i - 1][0] ? s->messages[i - 1] : message;
    }
    if (message[0]) {
        json_member_string(w, "message", str_from(message));
    }
    if (notice) {
        json_name(w, "notice");
        codi2_notice_write(notice, w);
    }
}

static void write_status(struct codi2_status *s, struct buf *out, bool tell)
{
    ASSERT_MAGIC(s, STATUS_MAGIC);
    LOCK_SCOPE(&s->lock);
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_integer(&w, "revision", (int64_t)s->revision);
    write_progress_locked(s, &w);
    write_words_locked(s, &w);
    write_activity_locked(s, &w);
    json_member_integer(&w, "not_kept_at", (int64_t)s->not_kept_at);
    (void)write_list_locked(
        s, &w, "failed",
        (struct codi2_unkept_list){
            .failed = true, .with_why = true, .most = MOST_FAILED, .room = FAILED_ROOM});
    (void)write_list_locked(s, &w, "not_kept",
                            (struct codi2_unkept_list){.most = MOST_SHOWN, .room = SHOWN_ROOM});
    if (tell) {
        codi2_notices_write(&s->notices, &w);
    }
    json_object_end(&w);
}

void codi2_status_write(struct codi2_status *s, struct buf *out)
{
    write_status(s, out, /* tell= */ false);
}

void codi2_status_tell(struct codi2_status *s, struct buf *out)
{
    write_status(s, out, /* tell= */ true);
}

void codi2_status_wake(struct codi2_status *s)
{
    LOCK_SCOPE(&s->lock);
    changed_locked(s);
}

uint64_t codi2_status_wait(struct codi2_status *s, uint64_t known, usec_t deadline)
{
    LOCK_SCOPE(&s->lock);
    while (s->revision == known && lock_cond_wait_until(&s->changed, &s->lock, deadline)) {
    }
    return s->revision;
}

uint64_t codi2_status_barrier(struct codi2_status *s, bool all)
{
    LOCK_SCOPE(&s->lock);
    s->barriers++;
    s->of_all = all ? s->barriers : s->of_all;
    return s->barriers;
}

uint64_t codi2_status_barrier_of_all(struct codi2_status *s)
{
    LOCK_SCOPE(&s->lock);
    return s->of_all;
}

uint64_t codi2_status_barrier_wanted(struct codi2_status *s)
{
    LOCK_SCOPE(&s->lock);
    return s->barriers;
}

struct awaited {
    uint64_t barrier;
    usec_t deadline;
};

/* Of the first roots: 0, ERR_FORBIDDEN, or ERR_TIMEOUT while it is open. */
static int decided_locked(const struct codi2_status *s, unsigned roots, uint64_t barrier)
{
    bool fulfilled = true;
    bool decided = true;
    for (unsigned i = 0; i < roots; i++) {
        bool done = s->facts[i].barrier >= barrier;
        fulfilled = fulfilled && done;
        decided = decided && (done || s->facts[i].refused >= barrier);
    }
    return fulfilled ? 0 : decided ? ERR_FORBIDDEN : ERR_TIMEOUT;
}

static int await(struct codi2_status *s, unsigned roots, const struct awaited *what,
                 uint64_t *ret_seq)
{
    LOCK_SCOPE(&s->lock);
    int r;
    while ((r = decided_locked(s, roots, what->barrier)) == ERR_TIMEOUT &&
           lock_cond_wait_until(&s->changed, &s->lock, what->deadline)) {
    }
    if (r == 0) {
        *ret_seq = s->facts[0].seq;
    }
    return r;
}

int codi2_status_await(struct codi2_status *s, uint64_t barrier, usec_t deadline, uint64_t *ret_seq)
{
    return await(s, CODI2_ROOTS, &(struct awaited){barrier, deadline}, ret_seq);
}

int codi2_status_await_workspace(struct codi2_status *s, uint64_t barrier, usec_t deadline,
                                 uint64_t *ret_seq)
{
    return await(s, 1, &(struct awaited){barrier, deadline}, ret_seq);
}
