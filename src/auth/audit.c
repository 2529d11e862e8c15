/*
 * The audit log of a tenant, read and shortened; data_audit writes it, in the transaction of what it tells.
 *
 * 1. A page looks at so many records only, whatever the filter lets through: it may come back short, and its cursor goes on.
 */
#include "auth/auth_int.h"

enum { LOOKS = 50, PURGE = 100, TENANTS = 50 };

struct reading {
    struct data_context *ctx;
    const struct auth_audit_input *in;
    struct auth_audit_page page; /* result */
};

/* "session" is every action of sessions, "session.create" that one. */
static bool is_action(struct str action, struct str wanted)
{
    return str_starts(action, wanted) && (action.n == wanted.n || action.p[wanted.n] == '.');
}

static bool fits(const struct auth_audit_input *in, const struct data_audit *record)
{
    return (in->actor.n == 0 || str_eq(record->actor_id, in->actor)) &&
           (in->until == 0 || record->at <= in->until) &&
           (in->target.n == 0 || str_eq(record->target, in->target)) &&
           (in->action.n == 0 || is_action(record->action, in->action));
}

/* Adds what fits. True: the rest is older than what is wanted. */
static bool take(struct reading *g, const struct data_audit_list *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->at[i].at < g->in->since) {
            return true;
        }
        if (fits(g->in, &rows->at[i])) {
            struct data_audit *record = &g->page.at[g->page.n++];
            *record = rows->at[i];
            data_audit_copy(g->ctx->arena, record);
        }
    }
    return false;
}

static int read_fn(struct txn *txn, void *ctx)
{
    struct reading *g = ctx;
    const struct auth_audit_input *in = g->in;
    struct data_audit_list rows = {.next = in->cursor};
    if (in->until > 0 && in->cursor.n == 0) {
        rows.next = data_cursor_until(store_arena(txn), "aud", in->until);
    }
    bool older = false;
    g->page =
        (struct auth_audit_page){.at = ARENA_ARRAY(g->ctx->arena, struct data_audit, in->limit)};
    for (unsigned looks = 0; looks < LOOKS && !older && g->page.n < in->limit; looks++) {
        struct data_query query = {.index = DATA_BY_ID,
                                   .limit = in->limit - g->page.n,
                                   .cursor = rows.next,
                                   .reverse = true};
        int r = data_audit_list(txn, &g->ctx->scope, &query, &rows);
        if (r < 0) {
            return r;
        }
        older = take(g, &rows) || rows.next.n == 0;
    }
    g->page.next = older ? STR_EMPTY : arena_str(g->ctx->arena, rows.next);
    return 0;
}

int auth_audit_list(struct data_context *ctx, const struct auth_audit_input *in,
                    struct auth_audit_page *ret_page)
{
    ASSERT(in->limit >= 1 && in->limit <= DATA_MAX_LIST);
    struct reading g = {.ctx = ctx, .in = in};
    int r = store_read(ctx->store, read_fn, &g);
    if (r == ERR_INVALID) {
        return data_fault(ctx, r, "cursor", "This is not a cursor that was given out.");
    }
    if (r == 0) {
        *ret_page = g.page;
    }
    return r;
}

/* ---- Too old ---- */

struct purge {
    const struct auth_audit_purge *state;
    char tenant[DATA_ID_ROOM]; /* results: who is next; empty: all were looked at */
    size_t deleted;
};

/* What strangers were refused goes earlier than what the operator did, which lies between. */
static usec_t end_of(const struct purge *p, const struct scope *scope,
                     const struct data_audit *record)
{
    bool refusal = data_is_house(scope->tenant_id) && record->outcome == DATA_OUTCOME_DENIED;
    return refusal ? p->state->house_before : p->state->before;
}

/* The oldest of one tenant. */
static int purge_tenant(struct txn *txn, const struct scope *scope, struct purge *p)
{
    struct data_query query = {.index = DATA_BY_ID, .limit = PURGE, .pass_over = true};
    usec_t looked = 0;
    int r = 0;
    do {
        struct data_audit_list rows = {.n = 0};
        r = data_audit_list(txn, scope, &query, &rows);
        for (size_t i = 0; r == 0 && i < rows.n; i++) {
            looked = rows.at[i].at;
            if (looked < end_of(p, scope, &rows.at[i])) {
                r = data_audit_delete(txn, scope, rows.at[i].id);
                p->deleted++;
            }
        }
        query.cursor = rows.next;
    } while (r == 0 && p->deleted == 0 && query.cursor.n > 0 && looked < p->state->house_before);
    return r;
}

/* Goes through tenants until there was something to delete; a tenant with more than one step's worth has the next step too. */
static int purge_fn(struct txn *txn, void *ctx)
{
    struct purge *p = ctx;
    *p = (struct purge){.state = p->state};
    struct str after = str_from(p->state->tenant);
    int r = 0;
    for (unsigned i = 0; r == 0 && i < TENANTS && p->deleted == 0; i++) {
        struct scope scope = {0};
        r = data_tenant_next(txn, after, &scope.tenant_id);
        if (r < 0) {
            return r == ERR_NOT_FOUND ? 0 : r;
        }
        r = purge_tenant(txn, &scope, p);
        after = p->deleted < PURGE ? scope.tenant_id : after;
    }
    memcpy(p->tenant, after.p, after.n);
    return r;
}

int auth_audit_purge(struct store *store, struct auth_audit_purge *state, bool *ret_more)
{
    struct purge p = {.state = state};
    struct store_op op = store_op_new();
    op.reserve = true;
    int r = store_write(store, &op, purge_fn, &p);
    if (r == 0) {
        memcpy(state->tenant, p.tenant, sizeof state->tenant);
        *ret_more = p.tenant[0] != '\0' || p.deleted > 0;
    }
    return r;
}
