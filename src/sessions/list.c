/*
 * Lists of sessions: a person's, and a tenant's for its admins.
 *
 * 1. In the order of activity, unsearched, a list is an index: its length costs nothing.
 * 2. Searched or sorted otherwise, a person's sessions are gathered and picked from in memory: they are at most
 *    SESSIONS_MAX_PER_USER, and of deleted ones the latest SESSIONS_MAX_GATHERED count.
 * 3. A tenant's are too many for that: words filter the index as it is walked, a bounded stretch of it in each call. Ids are in the
 *    order in which sessions were made. By name alone there is no index: then the latest SESSIONS_MAX_GATHERED count.
 * 4. Every cursor is a place between entries: what comes or goes meanwhile neither repeats nor hides others. But where only the
 *    latest SESSIONS_MAX_GATHERED count, one that comes in takes the place of the one that was the last of them.
 */
#include "sessions/sessions_int.h"

enum { WALK = 1000 }; /* records that a search in a tenant looks at in a call */

/* By an index that begins with so many fields of match: those that it is counted by. */
struct list_by {
    unsigned index, fixed;
    struct data_session match;
};

struct list {
    struct data_context *ctx;
    const struct sessions_list_input *in;
    struct list_by by;
    bool by_id;                /* walked in the order of ids, of which by is a part */
    struct str words;          /* folded */
    struct sessions_page page; /* result */
};

static struct data_query query_of(const struct list *l, struct str cursor, size_t limit)
{
    return (struct data_query){
        .index = l->by.index,
        .match = &l->by.match,
        .fixed = l->by.fixed,
        .limit = limit,
        .cursor = cursor,
        .reverse = !l->in->reverse,
    };
}

/* Onto the page: joined, and in the request's arena. */
static int add(struct txn *txn, struct list *l, const struct data_session *session)
{
    struct sessions_view *view = &l->page.at[l->page.n];
    view->session = *session;
    int r = sessions_join(txn, &l->ctx->scope, view);
    if (r == 0) {
        sessions_view_copy(l->ctx->arena, view);
        l->page.n++;
    }
    return r;
}

static int count_all(struct txn *txn, struct list *l)
{
    struct data_query query = query_of(l, STR_EMPTY, 1);
    uint64_t total;
    int r = data_counted(txn, &(struct data_count_of){&l->ctx->scope, &data_session_type}, &query,
                         &total);
    if (r == 0) {
        l->page.total = (int64_t)total;
    }
    return r;
}

static bool wanted(struct txn *txn, const struct list *l, const struct data_session *session)
{
    return session->deleted == l->in->deleted &&
           (l->words.n == 0 ||
            data_text_has(data_text_fold(store_arena(txn), session->name), l->words));
}

/* The index in its own order. Where all of it is wanted the first round fills the page, or there are no more. */
static int walk(struct txn *txn, struct list *l)
{
    struct data_session_list rows = {.next = l->in->cursor};
    size_t looked = 0;
    do {
        struct data_query query = query_of(l, rows.next, l->in->limit - l->page.n);
        query.index = l->by_id ? DATA_BY_ID : query.index;
        int r = data_session_list(txn, &l->ctx->scope, &query, &rows);
        for (size_t i = 0; r == 0 && i < rows.n; i++) {
            r = wanted(txn, l, &rows.at[i]) ? add(txn, l, &rows.at[i]) : 0;
        }
        if (r < 0) {
            return r;
        }
        looked += rows.n;
    } while (rows.next.n > 0 && l->page.n < l->in->limit && looked < WALK);
    l->page.next = rows.next.n > 0 ? arena_str(l->ctx->arena, rows.next) : STR_EMPTY;
    return l->words.n == 0 ? count_all(txn, l) : 0;
}

static int gather_key(struct txn *txn, void *ctx, const void *record, struct str *ret_key)
{
    const struct list *l = ctx;
    const struct data_session *session = record;
    struct arena *arena = store_arena(txn);
    struct str folded = data_text_fold(arena, session->name);
    usec_t at = l->in->sort == SESSIONS_BY_CREATED ? session->created_at : session->last_access_at;
    if (data_text_has(folded, l->words)) {
        *ret_key = l->in->sort == SESSIONS_BY_NAME ? data_pick_by_text(arena, folded, session->id)
                                                   : data_pick_by_time(arena, at, session->id);
    }
    return 0;
}

static int sorted(struct txn *txn, struct list *l)
{
    struct data_gather in = {
        .scope = &l->ctx->scope,
        .type = &data_session_type,
        .query = query_of(l, STR_EMPTY, DATA_MAX_LIST),
        .most = SESSIONS_MAX_GATHERED,
        .key = gather_key,
        .ctx = l,
        .arena = l->ctx->arena,
        .limit = l->in->limit,
        .cursor = l->in->cursor,
        .reverse = (l->in->sort == SESSIONS_BY_NAME) == l->in->reverse,
    };
    struct data_gathered all;
    in.query.reverse = true; /* should there be more than are looked at: the latest */
    int r = data_gather(txn, &in, &all);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; r == 0 && i < all.n; i++) {
        r = add(txn, l, all.at[i]);
    }
    l->page.next = all.next;
    l->page.total = all.total;
    return r;
}

static void begin(struct list *l)
{
    l->page = (struct sessions_page){
        .at = ARENA_ARRAY(l->ctx->arena, struct sessions_view, l->in->limit), .total = -1};
}

static int person_fn(struct txn *txn, void *ctx)
{
    struct list *l = ctx;
    begin(l);
    if (l->in->project_id.n > 0) {
        struct data_project project;
        int r = sessions_project_own(txn, &l->ctx->scope, l->in->project_id, &project);
        if (r < 0) {
            return r;
        }
    }
    bool indexed = l->in->sort == SESSIONS_BY_ACTIVITY && l->words.n == 0;
    return indexed ? walk(txn, l) : sorted(txn, l);
}

static int tenant_fn(struct txn *txn, void *ctx)
{
    struct list *l = ctx;
    begin(l);
    return l->in->sort == SESSIONS_BY_NAME ? sorted(txn, l) : walk(txn, l);
}

static int run(struct list *l, store_fn *fn, struct sessions_page *ret_page)
{
    ASSERT(l->in->limit >= 1 && l->in->limit <= DATA_MAX_LIST);
    l->words = data_text_fold(l->ctx->arena, l->in->words);
    int r = store_read(l->ctx->store, fn, l);
    if (r == ERR_INVALID) {
        return data_fault(l->ctx, r, "cursor", "This is not a cursor that was given out.");
    }
    if (r == 0) {
        *ret_page = l->page;
    }
    return r;
}

int sessions_list(struct data_context *ctx, const struct sessions_list_input *in,
                  struct sessions_page *ret_page)
{
    struct list l = {.ctx = ctx, .in = in};
    l.by = (struct list_by){.index = DATA_SESSION_BY_USER,
                            .fixed = 2,
                            .match = {.user_id = ctx->scope.user_id, .deleted = in->deleted}};
    if (in->project_id.n > 0) {
        l.by.index = DATA_SESSION_BY_PROJECT;
        l.by.match = (struct data_session){.project_id = in->project_id, .deleted = in->deleted};
    }
    return run(&l, person_fn, ret_page);
}

int sessions_tenant_list(struct data_context *ctx, const struct sessions_list_input *in,
                         struct sessions_page *ret_page)
{
    struct list l = {.ctx = ctx, .in = in, .by_id = in->sort == SESSIONS_BY_CREATED};
    l.by = (struct list_by){
        .index = DATA_SESSION_BY_TENANT, .fixed = 1, .match = {.deleted = in->deleted}};
    return run(&l, tenant_fn, ret_page);
}
