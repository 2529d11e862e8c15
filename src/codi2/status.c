#include "codi2/status.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"

enum {
    STATUS_MAGIC = 0x73746174,
    MESSAGE_ROOM = 300,
    NOTICE_S = 60,
    LIST_ROOM = 8 * 1024, /* JSON before which a path of "not kept" must end */
};

struct codi2_status {
    unsigned magic;
    struct lock lock;
    struct lock_cond changed;
    uint64_t revision;
    uint64_t barriers; /* given out */
    struct codi2_facts facts[CODI2_ROOTS];
    char messages[CODI2_ROOTS + 1][MESSAGE_ROOM + 1]; /* the last: the notice */
    usec_t notice_until;                              /* monotonic */
    struct map *not_kept[CODI2_ROOTS];
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
        s->not_kept[i] = map_create();
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
        map_destroy(s->not_kept[i]);
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

void codi2_status_set(struct codi2_status *s, unsigned root, const struct codi2_facts *facts)
{
    ASSERT_MAGIC(s, STATUS_MAGIC);
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    const struct codi2_facts *old = &s->facts[root];
    bool same = old->health == facts->health && old->pending == facts->pending &&
                old->seq == facts->seq && old->done == facts->done && old->total == facts->total &&
                old->barrier == facts->barrier && old->held_back == facts->held_back;
    if (!same) {
        s->facts[root] = *facts;
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

static void put_message_locked(struct codi2_status *s, unsigned at, struct str message)
{
    struct str cut = str_slice(message, 0, MESSAGE_ROOM);
    cut.n = str_utf8_prefix(cut);
    if (str_eq(cut, str_from(s->messages[at]))) {
        return;
    }
    if (cut.n > 0) {
        memcpy(s->messages[at], cut.p, cut.n);
    }
    s->messages[at][cut.n] = '\0';
    changed_locked(s);
}

void codi2_status_message(struct codi2_status *s, unsigned root, struct str message)
{
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    put_message_locked(s, root, message);
}

void codi2_status_notice(struct codi2_status *s, struct str notice)
{
    LOCK_SCOPE(&s->lock);
    s->notice_until = time_monotonic() + NOTICE_S * USEC_PER_SEC;
    put_message_locked(s, CODI2_ROOTS, notice);
}

void codi2_status_not_kept(struct codi2_status *s, unsigned root, struct str path)
{
    static char mark;
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    if (map_count(s->not_kept[root]) < CODI2_MAX_NOT_KEPT &&
        !map_put(s->not_kept[root], path, &mark)) {
        changed_locked(s);
    }
}

void codi2_status_forget(struct codi2_status *s, unsigned root, struct str path)
{
    ASSERT(root < CODI2_ROOTS);
    LOCK_SCOPE(&s->lock);
    size_t position = 0;
    struct str known;
    void *mark;
    bool any = false;
    while (map_next(s->not_kept[root], &position, &known, &mark)) {
        if (content_path_within(known, path)) {
            (void)map_remove(s->not_kept[root], known);
            any = true;
        }
    }
    if (any) {
        changed_locked(s);
    }
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

static int by_text(const void *a, const void *b)
{
    const struct str *x = a;
    const struct str *y = b;
    return str_cmp(*x, *y);
}

/* Sorted; what may not fit any more is left out (a byte takes at most 6 as JSON). */
static void write_not_kept_locked(struct codi2_status *s, struct json_writer *w)
{
    static const char *const prefixes[CODI2_ROOTS] = {"/workspace/", "/home/dev/"};
    json_name(w, "not_kept");
    json_array(w);
    for (unsigned i = 0; i < CODI2_ROOTS; i++) {
        struct str paths[CODI2_MAX_NOT_KEPT];
        size_t count = 0;
        size_t position = 0;
        void *mark;
        while (count < CODI2_MAX_NOT_KEPT &&
               map_next(s->not_kept[i], &position, &paths[count], &mark)) {
            count++;
        }
        qsort(paths, count, sizeof paths[0], by_text);
        for (size_t n = 0; n < count; n++) {
            BUF_AUTO(full, 8192);
            buf_add(&full, str_from(prefixes[i]));
            buf_add(&full, paths[n]);
            if (w->out->n + 6 * full.n + 16 < LIST_ROOM) {
                json_string(w, buf_str(&full));
            }
        }
    }
    json_array_end(w);
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

static void write_progress_locked(struct codi2_status *s, struct json_writer *w)
{
    struct codi2_facts sum = {0};
    for (unsigned i = 0; i < CODI2_ROOTS; i++) {
        sum.pending += s->facts[i].pending;
        sum.done += s->facts[i].done;
        sum.total += s->facts[i].total;
        sum.held_back += s->facts[i].held_back;
    }
    json_member_string(w, "state", str_from(state_locked(s, sum.pending)));
    json_member_integer(w, "pending", (int64_t)sum.pending);
    json_member_integer(w, "seq", (int64_t)s->facts[0].seq);
    if (sum.done < sum.total) {
        json_name(w, "restoring");
        json_object(w);
        json_member_integer(w, "done", (int64_t)sum.done);
        json_member_integer(w, "total", (int64_t)sum.total);
        json_object_end(w);
    }
    if (sum.held_back > 0) {
        json_member_integer(w, "held_back", (int64_t)sum.held_back);
    }
}

void codi2_status_write(struct codi2_status *s, struct buf *out)
{
    ASSERT_MAGIC(s, STATUS_MAGIC);
    LOCK_SCOPE(&s->lock);
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_integer(&w, "revision", (int64_t)s->revision);
    write_progress_locked(s, &w);
    unsigned all = CODI2_ROOTS + (time_monotonic() < s->notice_until ? 1 : 0);
    for (unsigned i = 0; i < all; i++) {
        if (s->messages[i][0]) {
            json_member_string(&w, "message", str_from(s->messages[i]));
            break;
        }
    }
    write_activity_locked(s, &w);
    write_not_kept_locked(s, &w);
    json_object_end(&w);
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

uint64_t codi2_status_barrier(struct codi2_status *s)
{
    LOCK_SCOPE(&s->lock);
    return ++s->barriers;
}

uint64_t codi2_status_barrier_wanted(struct codi2_status *s)
{
    LOCK_SCOPE(&s->lock);
    return s->barriers;
}

int codi2_status_await(struct codi2_status *s, uint64_t barrier, usec_t deadline, uint64_t *ret_seq)
{
    LOCK_SCOPE(&s->lock);
    for (;;) {
        bool fulfilled = true;
        for (unsigned i = 0; i < CODI2_ROOTS; i++) {
            fulfilled = fulfilled && s->facts[i].barrier >= barrier;
        }
        if (fulfilled) {
            *ret_seq = s->facts[0].seq;
            return 0;
        }
        if (!lock_cond_wait_until(&s->changed, &s->lock, deadline)) {
            return ERR_TIMEOUT;
        }
    }
}
