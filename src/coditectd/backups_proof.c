/*
 * All that the kept backups need is read again, once in so many, between two of them and slowly.
 *
 * 1. No backup waits for it: it is broken off when one is due, and goes on behind it, over a restart too.
 * 2. What is found is told at once, and stays known until the moment that lacks it is gone or was read whole. When it is the newest
 *    the next one, which is made at once, has anew what the store still has.
 */
#include <unistd.h>

#include "base/log.h"
#include "coditectd/backups_int.h"

enum {
    VERIFY_EACH = 4, /* backups: a day */
    VERIFY_EACH_OF_BUCKET = 120,
    VERIFY_RATE = 64, /* bytes in a microsecond */
};
static const usec_t ahead_most = 50 * USEC_PER_MS;
static const usec_t note_every = 60 * USEC_PER_SEC;

/* ---- What is known ---- */

static bool is_listed(const struct backup_moments *moments, const char *name)
{
    for (size_t i = 0; i < moments->n; i++) {
        if (strcmp(moments->at[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void drop_gone(struct coditectd_backups *b, const struct backup_moments *moments)
{
    LOCK_SCOPE(&b->lock);
    for (size_t i = b->note.blemishes.n; i > 0; i--) {
        if (!is_listed(moments, b->note.blemishes.at[i - 1].name)) {
            VEC_REMOVE_UNORDERED(&b->note.blemishes, i - 1);
        }
    }
}

static void copy_harms(const struct backup_harms *from, struct backup_harms *to)
{
    to->n = 0;
    for (size_t i = 0; i < from->n; i++) {
        VEC_ADD(to, from->at[i]);
    }
}

static const struct backup_moment *newest_of(const struct backup_moments *moments)
{
    usec_t at = backup_newest(moments);
    for (size_t i = 0; at > 0 && i < moments->n; i++) {
        if (moments->at[i].at == at) {
            return &moments->at[i];
        }
    }
    return NULL;
}

void coditectd_backups_remember(struct coditectd_backups *b)
{
    const struct backup_where *where = &b->options.where;
    struct coditectd_backup_note note;
    struct backup_moments moments;
    coditectd_backup_note_read(".", where->path, &note);
    b->cursor = note.cursor;
    b->under_way = note.begun > note.ended;
    copy_harms(&note.harms, &b->harms);
    bool nowhere = !backup_is_bucket(where->path) && access(where->path, F_OK) < 0;
    bool listed = !nowhere && backup_list(where, &moments) == 0;
    const struct backup_moment *newest = listed ? newest_of(&moments) : NULL;
    const struct coditectd_blemish *blemish =
        newest ? coditectd_backup_blemish(&note, newest->name) : NULL;
    {
        LOCK_SCOPE(&b->lock);
        b->note = note;
        b->facts.last = newest ? newest->at : 0;
        b->facts.harmed = blemish && !blemish->lost;
    }
    if (listed) { /* else there is none yet, or the next backup says why not */
        drop_gone(b, &moments);
        VEC_FREE(&moments);
    }
}

static bool has_blemishes(struct coditectd_backups *b)
{
    LOCK_SCOPE(&b->lock);
    return b->unwritten && b->note.blemishes.n > 0;
}

void coditectd_backups_keep_note(struct coditectd_backups *b)
{
    struct backup_moments moments;
    if (has_blemishes(b) && backup_list(&b->options.where, &moments) == 0) {
        drop_gone(b, &moments);
        VEC_FREE(&moments);
    }
    BUF_AUTO(text, CODITECTD_NOTE_MOST);
    bool write;
    {
        LOCK_SCOPE(&b->lock);
        write = b->unwritten;
        b->unwritten = false;
        coditectd_backup_note_put(&b->note, b->options.where.path, &text);
    }
    if (write) {
        coditectd_backup_note_write(&text);
    }
}

/* The thread's, for all. */
static void tell_note(struct coditectd_backups *b)
{
    LOCK_SCOPE(&b->lock);
    copy_harms(&b->harms, &b->note.harms);
    b->note.cursor = b->cursor;
    b->unwritten = true;
}

/* ---- Reading ---- */

static bool begin(struct coditectd_backups *b)
{
    LOCK_SCOPE(&b->lock);
    bool bucket = backup_is_bucket(b->options.where.path);
    usec_t each = (bucket ? VERIFY_EACH_OF_BUCKET : VERIFY_EACH) * b->options.every;
    usec_t now = time_now();
    usec_t age = now - b->note.begun;
    bool due = age < 0 || age > each - b->options.every / 2; /* none is made to the second */
    if (due && !b->under_way) {
        b->under_way = true;
        b->note.begun = now;
    }
    return b->under_way;
}

struct pacing {
    struct coditectd_backups *b;
    usec_t begun, until, noted;
    size_t harms; /* that were told */
};

static int wait_for_time(struct pacing *p, uint64_t bytes)
{
    struct coditectd_backups *b = p->b;
    usec_t due = p->begun + (usec_t)(bytes / VERIFY_RATE);
    LOCK_SCOPE(&b->lock);
    bool ahead = due > time_monotonic() + ahead_most;
    due = due < p->until ? due : p->until;
    while (ahead && !b->stop && lock_cond_wait_until(&b->changed, &b->lock, due)) {
    }
    return b->stop ? ERR_CLOSED : time_monotonic() >= p->until ? ERR_BUSY : 0;
}

/* newest: they were found in it. */
static void tell_harms(struct pacing *p, bool newest)
{
    struct coditectd_backups *b = p->b;
    if (b->harms.n > p->harms) {
        tell_note(b);
        LOCK_SCOPE(&b->lock);
        b->facts.harms += b->harms.n - p->harms;
        b->facts.harmed = b->facts.harmed || newest;
        b->finds += newest;
    }
    p->harms = b->harms.n;
}

static int page(void *ctx, uint64_t bytes)
{
    struct pacing *p = ctx;
    tell_harms(p, /* newest= */ p->b->cursor.older[0] == '\0');
    usec_t now = time_monotonic();
    if (now - p->noted > note_every) {
        p->noted = now;
        tell_note(p->b);
        coditectd_backups_keep_note(p->b);
    }
    return wait_for_time(p, bytes);
}

static void say(const struct coditectd_backups *b, const struct backup_proven *p)
{
    const char *where = b->options.where.path;
    if (p->harmed && p->newest) {
        log_error("coditectd",
                  "the newest backup in %s is damaged (pieces: %llu): the next one, which is made "
                  "now, has anew what the store still has; older ones may have lost them, so look "
                  "at what they lie on",
                  where, (unsigned long long)p->pieces);
    } else if (p->harmed) {
        log_error("coditectd",
                  "the backup %s in %s is damaged (pieces: %llu), which a restore of it would "
                  "lack: look at what it lies on",
                  p->name, where, (unsigned long long)p->pieces);
    } else {
        log_error("coditectd",
                  "the backup %s in %s lacks content that was damaged in the store when it was "
                  "made: coditectd --scrub names it",
                  p->name, where);
    }
}

static void note_read(struct coditectd_backups *b, const struct backup_proven *p)
{
    lock_assert_held(&b->lock);
    bool whole = !p->harmed && !p->lost && p->name[0] != '\0';
    if (whole && !p->part) { /* or it may be in what was not read of it that it lacks something */
        coditectd_backup_whole(&b->note, p->name);
    }
    bool known = coditectd_backup_blemish(&b->note, p->name) != NULL;
    if (whole && p->newest && !known && !p->doubt) {
        b->note.verified = p->at;
        log_info("coditectd", "backup %s: all that it needs was read, and is whole", p->name);
    }
    if (p->ended) {
        b->under_way = false;
        b->note.ended = time_now();
        b->harms.n = b->note.blemishes.n > 0 ? b->harms.n : 0;
    }
}

/* Whether it is the newest, so that a newer one is wanted now. */
static bool note_blemish(struct coditectd_backups *b, const struct backup_proven *p)
{
    lock_assert_held(&b->lock);
    const struct coditectd_blemish *known = coditectd_backup_blemish(&b->note, p->name);
    bool new_harm = p->harmed && (!known || known->lost || p->pieces > 0);
    if (new_harm || !known) {
        say(b, p);
    }
    coditectd_backup_blemished(&b->note, p->name, !p->harmed);
    bool wanted = new_harm && p->newest;
    b->facts.harmed = b->facts.harmed || wanted;
    b->finds += wanted;
    return wanted;
}

static bool take(struct coditectd_backups *b, int r, const struct backup_proven *p)
{
    LOCK_SCOPE(&b->lock);
    bool wanted = (p->harmed || p->lost) && note_blemish(b, p);
    if (r == 0) {
        note_read(b, p);
    }
    return wanted;
}

void coditectd_backups_prove(struct coditectd_backups *b, usec_t time)
{
    usec_t now = time_monotonic();
    struct pacing pacing = {b, now, now + time, now, b->harms.n};
    const struct backup_proof proof = {&b->options.where, coditectd_backup_content, page, &pacing,
                                       &b->harms};
    struct backup_proven proven = {.at = 0};
    bool wanted = false;
    int r = begin(b) ? 0 : ERR_NOT_FOUND;
    while (r == 0 && !wanted && !proven.ended) {
        pacing.begun = time_monotonic(); /* the bytes of each are counted from 0 */
        r = backup_prove(&proof, &b->cursor, &proven);
        tell_harms(&pacing, proven.newest);
        wanted = take(b, r, &proven);
        tell_note(b);
    }
    if (r != 0 && r != ERR_CLOSED && r != ERR_NOT_FOUND && r != ERR_BUSY) {
        log_warn("coditectd", "the backups in %s were not read to their end: %s",
                 b->options.where.path, err_row(r)->text);
    }
    coditectd_backups_keep_note(b);
}
