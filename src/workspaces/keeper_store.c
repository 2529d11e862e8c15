/*
 * The keeper's transactions. It writes what is, never what is wanted; and only about the start that it has looked at, so that
 * an open or a pause in between wins.
 */
#include "sessions/sessions.h"
#include "workspaces/keeper_int.h"

/* ---- what is to be looked after ---- */

struct page {
    struct arena *arena;
    struct str cursor;
    struct attended at[DATA_MAX_LIST]; /* results */
    size_t n;
    bool passed;     /* one was left out, which cannot be read */
    struct str next; /* empty at the end */
};

static int page_fn(struct txn *txn, void *ctx)
{
    struct page *p = ctx;
    struct data_workspace match = {.attended = true};
    struct data_query query = {.index = DATA_WORKSPACE_BY_ATTENDED,
                               .match = &match,
                               .fixed = 1,
                               .limit = DATA_MAX_LIST,
                               .cursor = p->cursor,
                               .ret_passed = &p->passed};
    struct data_place *places;
    size_t n;
    p->n = 0;
    p->passed = false;
    int r = data_places(txn, &data_workspace_type, &query, &places, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct attended *a = &p->at[p->n++];
        a->record = *(const struct data_workspace *)places[i].record;
        data_workspace_copy(p->arena, &a->record);
        a->scope = (struct scope){.tenant_id = a->record.tenant_id,
                                  .user_id = a->record.user_id,
                                  .role = DATA_ROLE_MEMBER};
    }
    if (r == 0) {
        p->next = n < DATA_MAX_LIST ? STR_EMPTY : arena_str(p->arena, places[n - 1].cursor);
    }
    return r;
}

int workspaces_attended(struct store *store, struct arena *arena, struct attended_list *ret_list)
{
    VEC(struct attended) all = {0};
    struct page *page = ARENA_NEW(arena, struct page);
    page->arena = arena;
    bool passed = false;
    int r = 0;
    do {
        page->cursor = page->next;
        r = store_read(store, page_fn, page);
        passed = passed || page->passed;
        for (size_t i = 0; r == 0 && i < page->n; i++) {
            VEC_ADD(&all, page->at[i]);
        }
    } while (r == 0 && page->next.n > 0);
    if (r == 0) {
        ret_list->n = all.n;
        ret_list->passed = passed;
        ret_list->at = ARENA_ARRAY(arena, struct attended, all.n);
        for (size_t i = 0; i < all.n; i++) {
            ret_list->at[i] = all.at[i];
        }
    }
    VEC_FREE(&all);
    return r;
}

/* ---- what is shown ---- */

static bool counts_differ(const struct data_workspace *w, const struct shown *s)
{
    return w->done != s->done || w->total != s->total || w->pending != s->pending ||
           w->quiet != s->quiet || w->held_back != s->held_back || w->failed != s->failed ||
           w->damaged != s->damaged;
}

bool workspaces_differs(const struct data_workspace *w, const struct shown *s)
{
    return w->state != s->state || !str_eq(w->step, s->step) || !str_eq(w->error, s->error) ||
           !str_eq(w->message, s->message) || !str_eq(w->trouble, s->trouble) ||
           !str_eq(w->awake, s->awake) || counts_differ(w, s) || w->pauses_at != s->pauses_at ||
           w->connected != s->connected ||
           (s->state == DATA_WORKSPACE_STATE_STOPPED && w->attended);
}

/* The record, unless something else is wanted than when the keeper looked. ERR_STALE. */
static int read_same(struct txn *txn, const struct attended *a, struct data_workspace *ret_record)
{
    struct data_workspace w;
    int r = data_workspace_get(txn, &a->scope, a->record.id, &w);
    if (r < 0) {
        return r;
    }
    if (w.generation != a->record.generation || w.desired != a->record.desired) {
        return ERR_STALE;
    }
    if (w.desired == DATA_WORKSPACE_DESIRED_RUNNING && w.running_at == 0) {
        w.running_at = w.changed_at; /* it was begun before this was written down */
    }
    *ret_record = w;
    return 0;
}

struct show {
    const struct attended *a;
    const struct shown *shown;
};

static int show_fn(struct txn *txn, void *ctx)
{
    const struct show *show = ctx;
    const struct shown *s = show->shown;
    struct data_workspace w;
    int r = read_same(txn, show->a, &w);
    if (r < 0) {
        return r;
    }
    bool changed = w.state != s->state;
    w.state = s->state;
    w.step = s->step;
    w.error = s->error;
    w.message = s->message;
    w.trouble = s->trouble;
    w.awake = s->awake;
    w.done = s->done;
    w.total = s->total;
    w.pending = s->pending;
    w.quiet = s->quiet;
    w.held_back = s->held_back;
    w.failed = s->failed;
    w.damaged = s->damaged;
    w.pauses_at = s->pauses_at;
    w.connected = s->connected;
    w.attended =
        w.desired == DATA_WORKSPACE_DESIRED_RUNNING || s->state != DATA_WORKSPACE_STATE_STOPPED;
    r = data_workspace_put(txn, &show->a->scope, &w);
    if (r == 0 && changed) {
        data_event(txn, &show->a->scope,
                   &(struct data_event){.kind = "workspace.state",
                                        .id = w.session_id,
                                        .session_id = w.session_id,
                                        .state = data_workspace_state_name(w.state)});
    }
    return r;
}

int workspaces_show(struct store *store, const struct attended *a, const struct shown *shown)
{
    struct show show = {a, shown};
    struct store_op op = store_op_new();
    op.reserve = true; /* the state is kept on a full disk too */
    int r = store_write(store, &op, show_fn, &show);
    return r == ERR_STALE ? 0 : r;
}

/* ---- a start ---- */

struct claiming {
    const struct attended *a;
    struct claim *claim;
    struct arena *arena;
};

static int claim_fn(struct txn *txn, void *ctx)
{
    struct claiming *c = ctx;
    struct data_workspace w;
    struct data_session session;
    int r = read_same(txn, c->a, &w);
    if (r == 0) {
        r = sessions_find(txn, &c->a->scope, w.session_id, &session);
    }
    if (r < 0) {
        return r;
    }
    w.generation++;
    w.state = DATA_WORKSPACE_STATE_STARTING;
    if (c->claim->want_uid && w.host_uid == 0) {
        w.host_uid = c->claim->uid;
    }
    r = data_workspace_put(txn, &c->a->scope, &w);
    if (r == 0) {
        c->claim->generation = w.generation;
        c->claim->result = (uid_t)w.host_uid;
        c->claim->name = arena_str(c->arena, session.name);
    }
    return r;
}

int workspaces_claim(struct store *store, struct arena *arena, const struct attended *a,
                     struct claim *claim)
{
    struct claiming c = {a, claim, arena};
    struct store_op op = store_op_new();
    op.reserve = true;
    return store_write(store, &op, claim_fn, &c);
}
