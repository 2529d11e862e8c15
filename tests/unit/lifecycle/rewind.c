/* Returns to a moment that nobody waits for any more: one whose session cannot be read keeps no other from going on. */
#include "files/fixture.h"

#include "lifecycle/lifecycle_int.h"

static void begin(struct fixture *f, struct str session)
{
    f->session = session;
    put(f, "doc", STR("first"));
    put(f, "doc", STR("second"));
    struct files_rewind_input in = {.session = session, .at = 1, .author = {FILES_USER, STR("x")}};
    struct files_rewind rewind;
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
}

struct damage {
    struct fixture *f;
    struct str id;
    struct str value; /* empty: the record is lost, its index entries stay */
};

static int damage_fn(struct txn *txn, void *ctx)
{
    const struct damage *d = ctx;
    struct str key = arena_printf(store_arena(txn), "t/" STR_FMT "/session/" STR_FMT,
                                  STR_ARG(d->f->ctx.scope.tenant_id), STR_ARG(d->id));
    if (d->value.n > 0) {
        store_put(txn, key, d->value);
    } else {
        store_delete(txn, key);
    }
    return 0;
}

static void go_on_beside(struct fixture *f, struct str damage_is)
{
    struct str whole = f->second;
    struct damage damage = {f, f->session, damage_is};
    begin(f, f->session);
    begin(f, whole);
    assert_ok(store_write(f->store, NULL, damage_fn, &damage));
    bool more = true;
    while (more) {
        assert_ok(lifecycle_rewind_step(f->store, &more));
    }
    assert_true(str_eq(slurp(f, "doc", 0), STR("first")));
}

static void test_damaged(void **state)
{
    go_on_beside(*state, STR("1 {"));
}

static void test_lost(void **state)
{
    go_on_beside(*state, STR_EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_damaged), cmocka_unit_test(test_lost)};
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
