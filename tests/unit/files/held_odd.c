/* What counts a tenant's content is damaged: it keeps nobody from writing or collecting, and is counted again. */
#include "files/fixture.h"

struct forging {
    struct scope scope;
    struct str name;
    struct str value;
};

static int forge_write(struct txn *txn, void *arg)
{
    const struct forging *g = arg;
    store_put(txn, DATA_KEY(store_arena(txn), &g->scope, DATA_SPACE_HELD, g->name), g->value);
    return 0;
}

static void forge(struct fixture *f, const char *name, struct str value)
{
    struct forging g = {f->ctx.scope, str_from(name), value};
    assert_ok(store_write(f->store, NULL, forge_write, &g));
}

static void count_all(struct fixture *f)
{
    struct files_held_place place = {{0}};
    bool more = true;
    while (more) {
        assert_ok(files_held_count(f->store, &place, /* deadline= */ 0, &more));
    }
}

/* A chunk that nothing names. */
static int upload(struct fixture *f, struct data_context *ctx, uint64_t seed)
{
    ctx->op = store_op_new();
    return fixture_chunk(ctx, fixture_noise(f, 3000, seed));
}

static void counter_of(struct fixture *f, uint64_t seed, char name[static 3])
{
    struct content_hash hash;
    char text[CONTENT_HASH_TEXT + 1];
    content_hash(fixture_noise(f, 3000, seed), &hash);
    content_hash_text(&hash, text);
    memcpy(name, text, 2);
    name[2] = '\0';
}

static void test_how_far_it_is_counted(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.stored = 4000};
    put(f, "a", fixture_noise(f, 3000, 1));
    assert_ok(upload(f, &f->ctx, 2));
    fixture_check(f);
    forge(f, "to", STR("whatever"));
    assert_false(fixture_held(f).whole);
    f->ctx.quota = &quota; /* of what is not counted nobody knows */
    put(f, "b", fixture_noise(f, 3000, 3));
    assert_ok(upload(f, &f->ctx, 4));
    assert_int_equal(fixture_collect(f, 0), 2);
    assert_int_equal(fixture_faults(f), 1);
    count_all(f);
    assert_true(fixture_held(f).whole);
    assert_int_equal(fixture_held(f).bytes, 6000);
    assert_int_equal(upload(f, &f->ctx, 4), ERR_QUOTA);
    fixture_check(f);
}

static void test_a_counter(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.stored = 100 * 1000};
    char name[3];
    assert_ok(upload(f, &f->ctx, 1));
    assert_ok(upload(f, &f->ctx, 2));
    assert_ok(upload(f, &f->other, 3));
    fixture_check(f);
    counter_of(f, 1, name);
    forge(f, name, STR("short"));
    assert_false(fixture_held(f).whole);
    f->ctx.quota = &quota;
    assert_ok(upload(f, &f->ctx, 4));
    assert_int_equal(fixture_collect(f, 0), 3); /* all but the one, also the other tenant's */
    count_all(f);
    assert_true(fixture_held(f).whole);
    assert_int_equal(fixture_held(f).bytes, 3000);
    assert_int_equal(fixture_collect(f, 0), 1);
    assert_int_equal(fixture_held(f).bytes, 0);
    fixture_check(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_far_it_is_counted),
        cmocka_unit_test(test_a_counter),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
