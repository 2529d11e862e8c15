#include "data/world.h"

/* Every kind of damage is made by hand in a store that is in order, and found. */

struct pair {
    struct str key;
    struct str value;
    bool remove;
    char first[512]; /* result of find */
};

static int damage_fn(struct txn *txn, void *ctx)
{
    struct pair *p = ctx;
    if (p->remove) {
        store_delete(txn, p->key);
    } else {
        store_put(txn, p->key, p->value);
    }
    return 0;
}

/* The first pair at or behind p->key. */
static int find_fn(struct txn *txn, void *ctx)
{
    struct pair *p = ctx;
    struct store_range range = {.begin = p->key, .end = STR("z"), .limit = 1};
    struct store_pair *pairs;
    size_t n;
    int r = store_scan(txn, &range, &pairs, &n);
    if (r == 0 && n == 1) {
        (void)snprintf(p->first, sizeof p->first, STR_FMT, STR_ARG(pairs[0].key));
    }
    return r;
}

static struct str first_at(struct world *w, struct str key)
{
    struct pair p = {.key = key};
    assert_int_equal(store_read(w->store, find_fn, &p), 0);
    return arena_str(&w->arena, str_from(p.first));
}

static void assert_found(struct world *w, struct pair damage, const char *what)
{
    assert_int_equal(world_write(w, damage_fn, &damage), 0);
    struct data_report report;
    assert_int_equal(data_check(w->store, NULL, &report), 0);
    assert_true(report.faults >= 1);
    bool found = false;
    for (size_t i = 0; i < report.lines.n; i++) {
        found = found || strstr(report.lines.at[i], what);
    }
    if (!found) {
        print_error("not found: %s\n", what);
    }
    assert_true(found);
    data_report_fini(&report);
}

static int user_fn(struct txn *txn, void *ctx)
{
    return data_user_put(txn, &((struct world *)ctx)->ctx.scope,
                         &(struct data_user){
                             .id = ((struct world *)ctx)->ctx.scope.user_id,
                             .tenant_id = ((struct world *)ctx)->ctx.scope.tenant_id,
                             .email = STR("ada@example.com"),
                             .role = DATA_ROLE_OWNER,
                             .created_at = 1000,
                             .updated_at = 1000,
                             .revision = 1,
                             .password = STR("x"),
                             .password_changed_at = 1000,
                         });
}

static int setup(void **state)
{
    static struct world w;
    world_init(&w, "memory");
    w.ctx.scope = world_tenant(&w);
    w.ctx.scope.user_id = data_id_make(&w.arena, "usr");
    assert_int_equal(world_write(&w, user_fn, &w), 0);
    world_assert_consistent(w.store);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    world_fini(*state);
    return 0;
}

static void finds_a_missing_entry(void **state)
{
    struct world *w = *state;
    assert_found(w, (struct pair){.key = STR("g/user.email/ada@example.com"), .remove = true},
                 "entry of a record is missing");
}

static void finds_an_entry_of_another(void **state)
{
    struct world *w = *state;
    struct str place = STR("ten-00000000000000000000000001/usr-00000000000000000000000001");
    assert_found(w, (struct pair){.key = STR("g/user.email/ada@example.com"), .value = place},
                 "names another record");
}

static void finds_an_entry_without_record(void **state)
{
    struct world *w = *state;
    struct str user = arena_printf(&w->arena, "t/" STR_FMT "/user/" STR_FMT,
                                   STR_ARG(w->ctx.scope.tenant_id), STR_ARG(w->ctx.scope.user_id));
    assert_found(w, (struct pair){.key = user, .remove = true}, "entry has no record");
}

static void finds_a_wrong_value_in_an_entry(void **state)
{
    struct world *w = *state;
    struct str place = arena_printf(&w->arena, STR_FMT "/" STR_FMT, STR_ARG(w->ctx.scope.tenant_id),
                                    STR_ARG(w->ctx.scope.user_id));
    assert_found(w, (struct pair){.key = STR("g/user.email/eve@example.com"), .value = place},
                 "does not fit its record");
}

static void finds_what_is_not_ours(void **state)
{
    struct world *w = *state;
    struct str tenant =
        arena_printf(&w->arena, "t/" STR_FMT "/nonsense/1", STR_ARG(w->ctx.scope.tenant_id));
    assert_found(w, (struct pair){.key = tenant, .value = STR("")}, "no known space");
    assert_found(w, (struct pair){.key = STR("x/y"), .value = STR("")}, "no known kind");
    assert_found(w, (struct pair){.key = STR("t/other/user/1"), .value = STR("")},
                 "not well-formed");
    assert_found(w, (struct pair){.key = STR("g/user.nonsense/1"), .value = STR("")},
                 "names no record");
    assert_found(
        w, (struct pair){.key = STR("t/ten-00000000000000000000000009/entry/1"), .value = STR("")},
        "tenant does not exist");
}

static void finds_what_is_nobodys(void **state)
{
    struct world *w = *state;
    static const char *const keys[] = {
        "entry/ses-00000000000000000000000009/x", "desk/ses-00000000000000000000000009/x",
        "thin/ses-00000000000000000000000009/x", "usage/cnv-00000000000000000000000009",
        "setting/usr-00000000000000000000000009/editor.x"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct str key =
            arena_printf(&w->arena, "t/" STR_FMT "/%s", STR_ARG(w->ctx.scope.tenant_id), keys[i]);
        assert_found(w, (struct pair){.key = key, .value = STR("")}, "nobody's");
        assert_int_equal(world_write(w, damage_fn, &(struct pair){.key = key, .remove = true}), 0);
    }
}

static void finds_names_that_nothing_makes(void **state)
{
    struct world *w = *state;
    static const struct {
        struct str key;
        const char *what;
    } rows[] = {
        {{"\0x", 2}, "no known kind"},
        {{"session/x\0", 10}, "no known kind"},
        {{"tenant/ten-00000000000000000000000009", 37}, "no known kind"},
        {{"g/key/x", 7}, "has this name"},
        {{"g/bell/x", 8}, "has this name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pair = {.key = rows[i].key, .value = STR("")};
        assert_found(w, pair, rows[i].what);
        pair.remove = true;
        assert_int_equal(world_write(w, damage_fn, &pair), 0);
    }
}

static void finds_a_damaged_record(void **state)
{
    struct world *w = *state;
    struct str at = arena_printf(&w->arena, "t/" STR_FMT "/user/", STR_ARG(w->ctx.scope.tenant_id));
    assert_found(w, (struct pair){.key = first_at(w, at), .value = STR("1 {}")},
                 "record is not well-formed");
}

static void a_report_is_bounded(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 150; i++) {
        struct pair p = {.key = arena_printf(&w->arena, "x/%d", i), .value = STR("")};
        assert_int_equal(world_write(w, damage_fn, &p), 0);
    }
    struct data_report report;
    assert_int_equal(data_check(w->store, NULL, &report), 0);
    assert_int_equal(report.faults, 150);
    assert_int_equal(report.lines.n, 100);
    data_report_fini(&report);
}

/* ctx: how many pages are wanted. */
static int few_pages(void *ctx, const struct data_report *so_far)
{
    size_t *left = ctx;
    assert_true(so_far->keys > 0);
    return --*left > 0 ? 0 : ERR_CLOSED;
}

static void it_ends_when_nobody_listens(void **state)
{
    struct world *w = *state;
    size_t left = 1;
    const struct data_watch watch = {.page = few_pages, .ctx = &left};
    struct data_report report;
    assert_int_equal(data_check_watched(w->store, NULL, &watch, &report), ERR_CLOSED);
    assert_int_equal(left, 0);
    data_report_fini(&report);
}

static int large_fn(struct txn *txn, void *ctx)
{
    const int *from = ctx;
    struct str value = str_of(arena_alloc(store_arena(txn), 64 << 10), 64 << 10);
    memset((char *)value.p, 'x', value.n);
    for (int i = *from; i < *from + 50; i++) {
        store_put(txn, arena_printf(store_arena(txn), "large/%04d", i), value);
    }
    return 0;
}

static int count_page(void *ctx, const struct data_report *so_far)
{
    (void)so_far;
    ++*(int *)ctx;
    return 0;
}

/* A page of such values is as much as one page's judging may take by itself. */
static void large_values_are_judged_together(void **state)
{
    struct world *w = *state;
    for (int from = 0; from < 600; from += 50) {
        assert_int_equal(world_write(w, large_fn, &from), 0);
    }
    int pages = 0;
    struct data_report report;
    const struct data_watch watch = {.page = count_page, .ctx = &pages};
    assert_int_equal(data_check_watched(w->store, NULL, &watch, &report), 0);
    assert_true(report.keys >= 600 && pages < 10);
    data_report_fini(&report);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(large_values_are_judged_together), TEST(finds_a_missing_entry),
        TEST(finds_an_entry_of_another),        TEST(finds_an_entry_without_record),
        TEST(finds_a_wrong_value_in_an_entry),  TEST(finds_what_is_not_ours),
        TEST(finds_a_damaged_record),           TEST(finds_what_is_nobodys),
        TEST(finds_names_that_nothing_makes),   TEST(a_report_is_bounded),
        TEST(it_ends_when_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
