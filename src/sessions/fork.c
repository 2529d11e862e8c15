/*
 * Fork: a session that begins as a copy of another one, as of a moment. Here its record is made and said to be whole;
 * lifecycle/ copies the files in between.
 *
 * 1. A fork in hand has status "forking" and forking_at, by which a server that starts later finds it. Nobody else changes its
 *    files, and it is not opened.
 * 2. A session is not deleted while a fork of it is in hand: what is to be copied must be there.
 * 3. A fork that is deleted while in hand keeps forking_at: restored, it goes on. Its origin may go meanwhile; then that is
 *    restored first.
 */
#include "sessions/sessions_int.h"

enum { MAX_IN_HAND = 4 }; /* forks of a person */

int sessions_forks(struct txn *txn, struct str cursor, struct sessions_fork_page *ret_page)
{
    bool passed = false;
    struct data_query query = {.index = DATA_SESSION_BY_FORKING,
                               .limit = DATA_MAX_LIST,
                               .cursor = cursor,
                               .ret_passed = &passed};
    struct data_place *places;
    size_t n;
    int r = data_places(txn, &data_session_type, &query, &places, &n);
    if (r < 0) {
        return r;
    }
    struct arena *arena = store_arena(txn);
    struct sessions_fork_page page = {.at = ARENA_ARRAY(arena, struct sessions_forking, n + 1),
                                      .passed = passed};
    for (size_t i = 0; i < n; i++) {
        const struct data_session *session = places[i].record;
        page.at[page.n++] = (struct sessions_forking){
            .scope = {.tenant_id = session->tenant_id,
                      .user_id = session->user_id,
                      .role = DATA_ROLE_MEMBER},
            .id = session->id,
            .from = session->forked_from,
            .seq = (uint64_t)session->fork_seq,
            .bytes = (uint64_t)session->fork_bytes,
            .deleted = session->deleted,
        };
    }
    page.next = n < DATA_MAX_LIST ? STR_EMPTY : places[n - 1].cursor;
    *ret_page = page;
    return 0;
}

/* What the index says of one is not whose it is a copy of, but a fork is of the tenant of its origin. */
int sessions_fork_doubt(struct txn *txn, const struct scope *scope, bool *ret_doubt)
{
    bool passed = false;
    struct data_session_list rows = {.n = 0};
    struct data_query query = {
        .index = DATA_BY_ID, .limit = DATA_MAX_LIST, .pass_over = true, .ret_passed = &passed};
    int r;
    do {
        r = data_session_list(txn, scope, &query, &rows);
        query.cursor = r == 0 ? rows.next : STR_EMPTY;
    } while (query.cursor.n > 0 && !passed);
    *ret_doubt = passed;
    return r;
}

/* Forks in hand. */
struct in_hand {
    size_t person;  /* of the person */
    size_t session; /* of one session */
    uint64_t bytes; /* what those of the tenant will hold more than now */
    bool passed;    /* some that cannot be read are not counted */
};

static int add_bytes(struct txn *txn, const struct sessions_forking *fork, struct in_hand *hand)
{
    struct data_usage copied;
    int r = data_usage_get(txn, &fork->scope, fork->id, &copied);
    if (r == 0 && fork->bytes > copied.bytes) {
        hand->bytes += fork->bytes - copied.bytes;
    }
    return r;
}

static int count(struct txn *txn, const struct data_session *from, struct in_hand *ret_hand)
{
    struct sessions_fork_page page = {0};
    struct in_hand hand = {0};
    do {
        int r = sessions_forks(txn, page.next, &page);
        if (r < 0) {
            return r;
        }
        hand.passed |= page.passed;
        for (size_t i = 0; i < page.n; i++) {
            if (page.at[i].deleted) {
                continue;
            }
            hand.person += str_eq(page.at[i].scope.user_id, from->user_id);
            hand.session += str_eq(page.at[i].from, from->id);
            bool ours = str_eq(page.at[i].scope.tenant_id, from->tenant_id);
            r = ours ? add_bytes(txn, &page.at[i], &hand) : 0;
            if (r < 0) {
                return r;
            }
        }
    } while (page.next.n > 0);
    *ret_hand = hand;
    return 0;
}

int sessions_may_go(struct txn *txn, struct data_context *ctx, const struct data_session *session)
{
    struct in_hand hand = {0};
    bool doubt = false;
    int r = count(txn, session, &hand);
    r = r == 0 && hand.passed ? sessions_fork_doubt(txn, &ctx->scope, &doubt) : r;
    return r < 0 || (hand.session == 0 && !doubt)
               ? r
               : data_fault(ctx, ERR_CONFLICT, NULL,
                            "It is being copied. Delete it when the copy is whole.");
}

struct fork {
    struct data_context *ctx;
    struct str from;
    struct str name;
    uint64_t at;
    uint64_t bytes; /* that the moment held, unless it is the latest */
    struct str id;
    struct str workspace_id;
    struct sessions_view view; /* result */
    bool made;                 /* the operation already has */
    bool may;                  /* it has not, and nothing speaks against it */
};

static int check_quota(struct txn *txn, const struct fork *f, uint64_t bytes)
{
    uint64_t most = f->ctx->quota ? f->ctx->quota->tenant : 0;
    uint64_t total = 0;
    int r = most > 0 ? data_usage_total(txn, &f->ctx->scope, &total) : 0;
    if (r < 0 || most == 0 || (total <= most && bytes <= most - total)) {
        return r;
    }
    return data_fault(f->ctx, ERR_QUOTA, NULL,
                      "The storage limit of your organization would be passed. Delete something "
                      "first.");
}

struct moment {
    uint64_t seq;
    uint64_t bytes;
};

static int check_source(struct txn *txn, const struct fork *f, const struct data_session *from,
                        struct moment *ret_moment)
{
    struct data_usage usage;
    struct in_hand hand = {0};
    int r = data_usage_get(txn, &f->ctx->scope, from->id, &usage);
    if (r == 0) {
        r = count(txn, from, &hand);
    }
    if (r < 0) {
        return r;
    }
    if (from->status == DATA_SESSION_STATUS_FORKING) {
        return data_fault(f->ctx, ERR_CONFLICT, NULL, "It is itself still being copied.");
    }
    if (f->at > usage.seq) {
        return data_fault(f->ctx, ERR_INVALID, "at", "The session has not come that far yet.");
    }
    if (hand.person >= MAX_IN_HAND) {
        return data_fault(f->ctx, ERR_LIMIT, NULL,
                          "Four of your sessions are being copied. Wait until one is whole.");
    }
    bool past = f->at > 0 && f->at < usage.seq;
    *ret_moment = past ? (struct moment){f->at, f->bytes} : (struct moment){usage.seq, usage.bytes};
    return check_quota(txn, f, ret_moment->bytes + hand.bytes);
}

/* Content is shared, so a tree may hold more than any disk, and more than can be noted. */
static int64_t noted(uint64_t bytes)
{
    return bytes < JSON_MAX_EXACT ? (int64_t)bytes : JSON_MAX_EXACT;
}

static void fill(struct fork *f, const struct data_session *from, const struct moment *moment)
{
    usec_t now = time_now();
    f->view = (struct sessions_view){
        .session = {.id = f->id,
                    .name = f->name.n > 0 ? f->name : from->name,
                    .status = DATA_SESSION_STATUS_FORKING,
                    .tenant_id = from->tenant_id,
                    .user_id = from->user_id,
                    .project_id = from->project_id,
                    .forked_from = from->id,
                    .created_at = now,
                    .updated_at = now,
                    .last_access_at = now,
                    .revision = 1,
                    .workspace_id = f->workspace_id,
                    .fork_seq = (int64_t)moment->seq,
                    .fork_bytes = noted(moment->bytes),
                    .forking_at = now},
        .workspace = {.id = f->workspace_id,
                      .state = DATA_WORKSPACE_STATE_STOPPED,
                      .runtime = STR("local"),
                      .tenant_id = from->tenant_id,
                      .user_id = from->user_id,
                      .session_id = f->id,
                      .desired = DATA_WORKSPACE_DESIRED_STOPPED,
                      .changed_at = now},
    };
}

static int fork_new(struct txn *txn, struct fork *f)
{
    const struct scope *scope = &f->ctx->scope;
    struct data_session from;
    struct moment moment = {0};
    int r = sessions_find(txn, scope, f->from, &from);
    if (r == 0) {
        r = check_source(txn, f, &from, &moment);
    }
    if (r == 0) {
        r = sessions_room(txn, f->ctx);
    }
    if (r < 0) {
        return r;
    }
    fill(f, &from, &moment);
    r = data_workspace_put(txn, scope, &f->view.workspace);
    if (r == 0) {
        r = data_session_put(txn, scope, &f->view.session);
    }
    if (r == 0) {
        r = data_audit(txn, f->ctx, "session.fork", f->id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        store_put(txn, data_key_bell(store_arena(txn), SESSIONS_FORK_BELL), f->id);
        data_remember(txn, f->ctx, f->id);
    }
    return r;
}

static int fork_fn(struct txn *txn, void *ctx)
{
    struct fork *f = ctx;
    bool found;
    struct str id;
    int r = data_still(txn, f->ctx);
    r = r < 0 ? r : data_replay(txn, f->ctx, &found, &id);
    if (r < 0) {
        return r;
    }
    if (!found) {
        r = fork_new(txn, f);
    } else {
        r = sessions_own(txn, &f->ctx->scope, id, &f->view.session);
        r = r < 0 ? r : sessions_join(txn, &f->ctx->scope, &f->view);
    }
    if (r == 0) {
        sessions_view_copy(f->ctx->arena, &f->view);
    }
    return r;
}

/* Keeps nothing, for it never succeeds: the operation is still to be done. */
static int may_fn(struct txn *txn, void *ctx)
{
    struct fork *f = ctx;
    struct data_session from;
    struct str id;
    struct moment moment;
    int r = data_replay(txn, f->ctx, &f->made, &id);
    if (r < 0 || f->made) {
        return r < 0 ? r : ERR_EXISTS;
    }
    r = sessions_find(txn, &f->ctx->scope, f->from, &from);
    r = r < 0 ? r : check_source(txn, f, &from, &moment);
    r = r < 0 ? r : sessions_room(txn, f->ctx);
    f->may = r == 0;
    return r < 0 ? r : ERR_STALE;
}

int sessions_fork_may(struct data_context *ctx, const struct sessions_fork_input *in,
                      bool *ret_made)
{
    struct fork f = {.ctx = ctx, .from = in->id, .at = in->at, .bytes = in->bytes};
    int r = store_write(ctx->store, &ctx->op, may_fn, &f);
    *ret_made = f.made;
    return f.made || f.may ? 0 : r;
}

int sessions_fork(struct data_context *ctx, const struct sessions_fork_input *in,
                  struct sessions_view *ret_view)
{
    struct fork f = {.ctx = ctx, .from = in->id, .at = in->at, .bytes = in->bytes};
    int r = data_text_name(ctx, &(struct data_name_rule){.field = "name", .optional = true},
                           in->name, &f.name);
    if (r < 0) {
        return r;
    }
    f.id = data_id_make(ctx->arena, "ses");
    f.workspace_id = data_id_make(ctx->arena, "wsp");
    r = store_write(ctx->store, &ctx->op, fork_fn, &f);
    if (r == 0) {
        *ret_view = f.view;
    }
    return r;
}

/* ---- The copy itself ---- */

static int forking(struct txn *txn, const struct sessions_forking *fork,
                   struct data_session *ret_session)
{
    struct data_session session;
    int r = sessions_find(txn, &fork->scope, fork->id, &session);
    if (r < 0 || session.status != DATA_SESSION_STATUS_FORKING) {
        return r < 0 && r != ERR_NOT_FOUND ? r : ERR_STALE;
    }
    *ret_session = session;
    return 0;
}

int sessions_fork_guard(struct txn *txn, void *fork)
{
    struct data_session session;
    return forking(txn, fork, &session);
}

static int whole_fn(struct txn *txn, void *ctx)
{
    const struct sessions_forking *fork = ctx;
    struct data_session session;
    int r = forking(txn, fork, &session);
    if (r < 0) {
        return r;
    }
    session.status = DATA_SESSION_STATUS_ACTIVE;
    session.forking_at = 0;
    session.updated_at = time_now();
    session.revision++;
    r = data_session_put(txn, &fork->scope, &session);
    if (r == 0) {
        data_event(txn, &fork->scope,
                   &(struct data_event){.kind = "session.forked",
                                        .id = session.id,
                                        .session_id = session.id,
                                        .state = data_session_status_name(session.status)});
    }
    return r;
}

int sessions_fork_whole(struct store *store, const struct sessions_forking *fork)
{
    struct sessions_forking copy = *fork;
    struct store_op op = store_op_new();
    return store_write(store, &op, whole_fn, &copy);
}
