#include "data/world.h"

struct act {
    struct data_context *ctx;
    struct str target;
    bool found;
    struct str answer;
    struct data_usage usage;
    size_t audits, tenant_events, session_events;
    char event[DATA_MAX_EVENT];
};

static int audit_fn(struct txn *txn, void *ctx)
{
    struct act *a = ctx;
    return data_audit(txn, a->ctx, "session.create", a->target, DATA_OUTCOME_OK);
}

static int feed(struct txn *txn, struct str name, struct act *a, size_t *ret_count)
{
    struct store_feed_range range = {.feed = name, .limit = 10};
    struct store_event *events;
    int r = store_feed(txn, &range, &events, ret_count);
    if (r == 0 && *ret_count > 0) {
        (void)snprintf(a->event, sizeof a->event, STR_FMT, STR_ARG(events[0].value));
    }
    return r;
}

static int look_fn(struct txn *txn, void *ctx)
{
    struct act *a = ctx;
    struct data_audit_list audits;
    struct data_query query = {.index = DATA_BY_ID, .limit = 10};
    int r = data_audit_list(txn, &a->ctx->scope, &query, &audits);
    a->audits = audits.n;
    struct arena *arena = store_arena(txn);
    if (r == 0) {
        r = feed(txn, data_feed_tenant(arena, &a->ctx->scope), a, &a->tenant_events);
    }
    return r < 0 ? r : feed(txn, data_feed_session(arena, a->target), a, &a->session_events);
}

static void audits_and_tells_both_feeds(void **state)
{
    struct world *w = *state;
    w->ctx.scope = world_tenant(w);
    w->ctx.client.address =
        STR("a very long address that somebody made up to see whether it is cut where it should");
    struct act a = {.ctx = &w->ctx, .target = data_id_make(&w->arena, "ses")};
    assert_int_equal(world_write(w, audit_fn, &a), 0);
    assert_int_equal(store_read(w->store, look_fn, &a), 0);
    assert_int_equal(a.audits, 1);
    assert_int_equal(a.tenant_events, 1);
    assert_int_equal(a.session_events, 1);
    char wanted[DATA_MAX_EVENT];
    (void)snprintf(wanted, sizeof wanted, "{\"kind\":\"session.create\",\"id\":\"" STR_FMT "\"}",
                   STR_ARG(a.target));
    assert_string_equal(a.event, wanted);
}

static int once_fn(struct txn *txn, void *ctx)
{
    struct act *a = ctx;
    struct str text;
    int r = data_replay(txn, a->ctx, &a->found, &text);
    if (r < 0) {
        return r;
    }
    a->answer = arena_str(a->ctx->arena, text);
    if (!a->found) {
        data_remember(txn, a->ctx, a->target);
    }
    return 0;
}

static void remembers_what_was_answered(void **state)
{
    struct world *w = *state;
    static const uint8_t key[16] = "a client's key";
    w->ctx.op = store_op_derived(key);
    w->ctx.digested = true;
    memset(w->ctx.digest, 1, sizeof w->ctx.digest);
    struct act a = {.ctx = &w->ctx, .target = STR("first")};
    assert_int_equal(store_write(w->store, &w->ctx.op, once_fn, &a), 0);
    assert_false(a.found);
    a.target = STR("second");
    assert_int_equal(store_write(w->store, &w->ctx.op, once_fn, &a), 0);
    assert_true(a.found);
    assert_str(a.answer, "first");
    w->ctx.digest[31] ^= 1;
    assert_int_equal(store_write(w->store, &w->ctx.op, once_fn, &a), ERR_CONFLICT);
    w->ctx.digested = false;
    assert_int_equal(store_write(w->store, &w->ctx.op, once_fn, &a), 0);
    assert_true(a.found);
}

static int usage_put_fn(struct txn *txn, void *ctx)
{
    struct act *a = ctx;
    data_usage_put(txn, &a->ctx->scope, a->target, &a->usage);
    return 0;
}

static int usage_get_fn(struct txn *txn, void *ctx)
{
    struct act *a = ctx;
    return data_usage_get(txn, &a->ctx->scope, a->target, &a->usage);
}

static int usage_delete_fn(struct txn *txn, void *ctx)
{
    struct act *a = ctx;
    data_usage_delete(txn, &a->ctx->scope, a->target);
    return 0;
}

static void keeps_counters(void **state)
{
    struct world *w = *state;
    w->ctx.scope = world_tenant(w);
    struct act a = {.ctx = &w->ctx, .target = data_id_make(&w->arena, "ses"), .usage = {9, 9, 9}};
    assert_int_equal(store_read(w->store, usage_get_fn, &a), 0);
    assert_int_equal(a.usage.seq + a.usage.files + a.usage.bytes, 0);
    a.usage = (struct data_usage){1, 258, UINT64_MAX};
    assert_int_equal(world_write(w, usage_put_fn, &a), 0);
    a.usage = (struct data_usage){0};
    assert_int_equal(store_read(w->store, usage_get_fn, &a), 0);
    assert_true(a.usage.seq == 1 && a.usage.files == 258 && a.usage.bytes == UINT64_MAX);
    assert_int_equal(world_write(w, usage_delete_fn, &a),
                     0); /* of a session that there never was */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(audits_and_tells_both_feeds),
        WORLD_TEST(remembers_what_was_answered),
        WORLD_TEST(keeps_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
