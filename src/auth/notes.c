/*
 * Notes: what an authenticated request learns and nobody waits for. That a counter was used (which ends the life of the
 * refresh token before it) and when a login was last seen are kept in memory and written by auth_flush, a second later.
 * A crash forgets at most that second: the refresh token before stays good a little longer, as if the use had not been.
 *
 * 1. A login has one note; the newest counter and moment win.
 * 2. A note being written is still found by auth_note_counter, until it is in the store.
 * 3. The table is bounded; beyond it notes are dropped, and the next request makes them again.
 */
#include "auth/auth_int.h"

enum { BATCH = 50 };

struct note {
    char tenant[DATA_ID_ROOM];
    char login[DATA_ID_ROOM];
    int64_t counter;
    usec_t access;
};

static void notes_free(struct map *m)
{
    if (!m) {
        return;
    }
    size_t position = 0;
    struct str key;
    void *value;
    while (map_next(m, &position, &key, &value)) {
        mem_free(value);
    }
    map_destroy(m);
}

void auth_notes_init(struct auth_notes *n)
{
    lock_init(&n->lock, LOCK_CACHE);
    n->waiting = map_create();
    n->flushing = NULL;
}

void auth_notes_fini(struct auth_notes *n)
{
    notes_free(n->waiting);
    notes_free(n->flushing);
    lock_fini(&n->lock);
}

void auth_note_add(struct auth *a, const struct auth_note *note)
{
    LOCK_SCOPE(&a->notes.lock);
    struct note *n = map_get(a->notes.waiting, note->scope.login_id);
    if (!n) {
        if (map_count(a->notes.waiting) >= AUTH_MAX_NOTES) {
            return;
        }
        n = MEM_NEW(struct note);
        memcpy(n->tenant, note->scope.tenant_id.p, DATA_ID_SIZE);
        memcpy(n->login, note->scope.login_id.p, DATA_ID_SIZE);
        (void)map_put(a->notes.waiting, note->scope.login_id, n);
    }
    n->counter = note->counter > n->counter ? note->counter : n->counter;
    n->access = note->access > n->access ? note->access : n->access;
}

int64_t auth_note_counter(struct auth *a, struct str login_id)
{
    LOCK_SCOPE(&a->notes.lock);
    const struct note *waiting = map_get(a->notes.waiting, login_id);
    const struct note *flushing = a->notes.flushing ? map_get(a->notes.flushing, login_id) : NULL;
    int64_t counter = waiting ? waiting->counter : 0;
    return flushing && flushing->counter > counter ? flushing->counter : counter;
}

struct flush {
    struct note *notes[BATCH];
    size_t n;
};

static int flush_one(struct txn *txn, const struct note *note)
{
    struct scope scope = {.tenant_id = str_from(note->tenant)};
    if (data_id_is(str_from(note->login), "key")) {
        return auth_apikey_touch(txn, &scope, str_from(note->login), note->access);
    }
    struct data_login login;
    int r = data_login_get(txn, &scope, str_from(note->login), &login);
    if (r < 0) {
        return r == ERR_NOT_FOUND || data_unreadable(r) ? 0 : r; /* it keeps no other's note */
    }
    login.confirmed = login.confirmed || note->counter == login.counter;
    login.last_access_at =
        note->access > login.last_access_at ? note->access : login.last_access_at;
    return data_login_put(txn, &scope, &login);
}

static int flush_fn(struct txn *txn, void *ctx)
{
    struct flush *f = ctx;
    for (size_t i = 0; i < f->n; i++) {
        int r = flush_one(txn, f->notes[i]);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int flush_map(struct auth *a, struct map *m)
{
    size_t position = 0;
    bool more = true;
    while (more) {
        struct flush f = {.n = 0};
        struct str key;
        void *value;
        while (f.n < BATCH && (more = map_next(m, &position, &key, &value))) {
            f.notes[f.n++] = value;
        }
        int r = f.n > 0 ? store_write(a->store, NULL, flush_fn, &f) : 0;
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int flush_notes(struct auth *a)
{
    struct map *mine = NULL;
    {
        LOCK_SCOPE(&a->notes.lock);
        if (!a->notes.flushing && map_count(a->notes.waiting) > 0) {
            mine = a->notes.flushing = a->notes.waiting;
            a->notes.waiting = map_create();
        }
    }
    if (!mine) {
        return 0;
    }
    int r = flush_map(a, mine);
    {
        LOCK_SCOPE(&a->notes.lock);
        a->notes.flushing = NULL;
    }
    notes_free(mine);
    return r;
}

int auth_flush(struct auth *a)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    int notes = flush_notes(a);
    int calls = auth_calls_flush(a);
    return notes < 0 ? notes : calls;
}
