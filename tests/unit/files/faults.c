/*
 * The store fails at its Nth call, for every N and in every way: an operation that is repeated under its id until it is
 * known happens once, and nothing of one that failed is visible.
 */
#include "files/fixture.h"

enum { CALLS = 24, REPEATS = 4 };

static bool again(int r)
{
    return r == ERR_TIMEOUT || r == ERR_UNAVAILABLE || r == ERR_UNKNOWN_RESULT;
}

static void put_until_known(struct fixture *f, struct str bytes)
{
    struct files_put_input in = fixture_put(f, STR("d/file"));
    struct files_entry entry;
    (void)fixture_ctx(f);
    f->ctx.op.from_client = true;
    int r = ERR_TIMEOUT;
    for (size_t i = 0; again(r) && i < REPEATS; i++) {
        r = files_put(&f->ctx, &in, bytes, &entry);
    }
    assert_ok(r);
    assert_int_equal(entry.version, 1);
}

static void move_until_known(struct fixture *f)
{
    struct files_move_input in = {
        .session = f->session, .from = STR("d"), .to = STR("e"), .author = {FILES_USER, STR("u")}};
    struct files_entry entry;
    (void)fixture_ctx(f);
    f->ctx.op.from_client = true;
    int r = ERR_TIMEOUT;
    for (size_t i = 0; again(r) && i < REPEATS; i++) {
        r = files_move(&f->ctx, &in, &entry);
    }
    assert_ok(r);
    assert_int_equal(entry.version, 2);
}

static void apply_until_known(struct fixture *f)
{
    struct files_change changes[] = {{.kind = FILES_CHANGE_DELETE,
                                      .path = STR("e/file"),
                                      .base = 1,
                                      .author = {FILES_API, STR("")}},
                                     {.kind = FILES_CHANGE_MKDIR,
                                      .path = STR("g"),
                                      .mode = 0755,
                                      .author = {FILES_API, STR("")}}};
    struct files_apply_input in = {.session = f->session, .changes = changes, .count = 2};
    struct files_apply_result result;
    const uint8_t id[16] = {1};
    f->ctx.op = store_op_derived(id);
    int r = ERR_TIMEOUT;
    for (size_t i = 0; again(r) && i < REPEATS; i++) {
        r = files_apply(&f->ctx, &in, &result);
    }
    assert_ok(r);
    assert_int_equal(result.outcome, FILES_APPLIED);
    assert_int_equal(result.seq, 4);
}

static void body(struct fixture *f)
{
    struct str bytes = fixture_noise(f, 700000, 5);
    put_until_known(f, bytes);
    move_until_known(f);
    apply_until_known(f);
    struct files_totals totals;
    int r = ERR_TIMEOUT;
    for (size_t i = 0; again(r) && i < REPEATS; i++) {
        r = files_totals(&f->ctx, f->session, &totals);
    }
    assert_ok(r);
    assert_int_equal(totals.seq, 4);
    assert_int_equal(totals.files, 0);
    assert_int_equal(totals.bytes, 0);
}

static void test_each_call_fails(void **state)
{
    for (int kind = 0; kind < STORE_FAULT_COUNT; kind++) {
        for (uint64_t at = 1; at <= CALLS; at++) {
            struct store_faults faults = {.at = at, .kind = (enum store_fault)kind};
            struct fixture *f = fixture_create(&faults);
            body(f);
            fixture_destroy(f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_call_fails)};
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
