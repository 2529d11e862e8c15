/*
 * The end of an account. The request takes away what lets somebody in (auth_leave_in) and what was set, and marks the record; the
 * duty finds the mark and goes on: the sessions are deleted in pages, the home goes once nothing runs that could write it, the purge takes
 * the sessions away when their days for restoring are over, and then the record goes, and with it the mark. Each step is a
 * transaction that looks anew, so that what was cut off is found again.
 */
#include "base/log.h"
#include "files/files.h"
#include "files/upkeep.h"
#include "lifecycle/lifecycle_int.h"
#include "sessions/sessions.h"
#include "settings/settings.h"

struct leaving {
    struct data_context *ctx;
    struct str proof;
    int64_t revision;
};

static int check_revision(struct txn *txn, const struct leaving *l)
{
    struct data_user user;
    int r = data_user_get(txn, &l->ctx->scope, l->ctx->scope.user_id, &user);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : r;
    }
    return data_matches(l->ctx, l->revision, user.revision) ? 0 : ERR_PRECONDITION;
}

static int leave_fn(struct txn *txn, void *ctx)
{
    struct leaving *l = ctx;
    const struct scope *scope = &l->ctx->scope;
    bool last = false;
    int r = check_revision(txn, l);
    r = r < 0 ? r : auth_leave_in(txn, l->ctx, l->proof, &last);
    r = r < 0 ? r : settings_forget_in(txn, scope, scope->user_id);
    r = r < 0 || !last ? r : settings_forget_in(txn, scope, scope->tenant_id);
    r = r < 0 ? r : sessions_links_end_all_in(txn, l->ctx, l->ctx->scope.user_id);
    return r < 0 ? r : sessions_pause_all_in(txn, l->ctx, l->ctx->scope.user_id);
}

int lifecycle_account_delete(struct auth *a, struct data_context *ctx, struct str password,
                             int64_t revision)
{
    struct leaving l = {.ctx = ctx, .revision = revision};
    int r = auth_leave_prove(a, ctx, password, &l.proof);
    if (r < 0) {
        return r;
    }
    struct store_op op = store_op_new();
    op.reserve = true; /* it makes room */
    return store_write(ctx->store, &op, leave_fn, &l);
}

/* ---- The duty ---- */

struct finding {
    struct arena *arena;
    struct str cursor;
    struct auth_leaver leaver; /* result, in arena */
};

static int find_fn(struct txn *txn, void *ctx)
{
    struct finding *f = ctx;
    struct auth_leaver leaver;
    int r = auth_leaver_next(txn, f->cursor, &leaver);
    if (r == 0) {
        f->leaver.scope.tenant_id = arena_str(f->arena, leaver.scope.tenant_id);
        f->leaver.scope.user_id = arena_str(f->arena, leaver.scope.user_id);
        f->leaver.cursor = arena_str(f->arena, leaver.cursor);
    }
    return r;
}

struct step {
    struct data_context ctx; /* the leaver's */
    bool more;               /* results */
    bool gone;
};

static int step_fn(struct txn *txn, void *ctx)
{
    struct step *s = ctx;
    const struct scope *scope = &s->ctx.scope;
    enum sessions_left left = SESSIONS_LEFT_WAITING;
    s->more = s->gone = false;
    int r = sessions_leave_in(txn, &s->ctx, &left);
    s->more = r == 0 && left == SESSIONS_LEFT_SOME;
    if (r == 0 && (left == SESSIONS_LEFT_NONE || left == SESSIONS_LEFT_DELETED)) {
        r = files_purge(txn, scope, scope->user_id, &s->more);
    }
    if (r == 0 && left == SESSIONS_LEFT_NONE && !s->more) {
        r = settings_forget_in(txn, scope, scope->user_id); /* of a former member */
        r = r < 0 ? r : auth_leaver_forget_in(txn, scope);
        s->gone = r == 0;
    }
    return r;
}

/* All that can be done now of one: sessions that are held by something else are left for the next round. */
static int take_one(struct store *store, const struct scope *scope, usec_t deadline, bool *ret_more)
{
    ARENA_AUTO(arena);
    struct step s = {
        .ctx = {.store = store, .arena = &arena, .scope = *scope, .client.nobody = true},
        .more = true};
    int r = 0;
    while (r == 0 && s.more) {
        if (time_monotonic() >= deadline) {
            *ret_more = true;
            return 0;
        }
        struct store_op op = store_op_new();
        op.reserve = true;
        op.bytes = (size_t)FILES_PURGE * 500;
        r = store_write(store, &op, step_fn, &s);
    }
    if (r == 0 && s.gone) {
        log_info("lifecycle", "nothing is left of the account " STR_FMT, STR_ARG(scope->user_id));
    }
    return r;
}

int lifecycle_leavers(struct store *store, usec_t deadline, bool *ret_more)
{
    ARENA_AUTO(arena);
    struct finding f = {.arena = &arena};
    bool more = false;
    int damage = 0;
    int r = store_read(store, find_fn, &f);
    while (r == 0 && !more) {
        r = take_one(store, &f.leaver.scope, deadline, &more);
        if (data_unreadable(r)) { /* what is damaged keeps nobody else's from going */
            damage = log_err(r, "lifecycle",
                             "the deleted account " STR_FMT " stays: its data cannot be read",
                             STR_ARG(f.leaver.scope.user_id));
            r = 0;
        }
        f.cursor = f.leaver.cursor;
        r = r < 0 || more ? r : store_read(store, find_fn, &f);
    }
    if (r == 0 || r == ERR_NOT_FOUND) {
        *ret_more = more;
        return damage;
    }
    return r;
}
