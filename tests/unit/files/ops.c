/*
 * What files/ tells the store about its operations: how much they write, so that a save does not wait behind an upload, and
 * which of them take things away, so that they go on when the disk is full. The linker lets every store_write pass here.
 */
#include "files/fixture.h"

int __real_store_write_call(struct store *s, const struct store_call *call);
int __wrap_store_write_call(struct store *s, const struct store_call *call);

static struct store_op last;
static unsigned calls;

int __wrap_store_write_call(struct store *s, const struct store_call *call)
{
    last = call->op ? *call->op : (struct store_op){0};
    calls++;
    return __real_store_write_call(s, call);
}

static void test_a_chunk_tells_its_size(void **state)
{
    struct fixture *f = *state;
    struct str noise = fixture_noise(f, 60000, 1);
    char *encoded = arena_alloc(&f->arena, noise.n + 1);
    encoded[0] = 0; /* as it is */
    memcpy(encoded + 1, noise.p, noise.n);
    struct content_hash hash;
    content_hash(noise, &hash);
    assert_ok(files_chunk_put(&f->ctx, &hash, str_of(encoded, noise.n + 1)));
    assert_int_equal(last.bytes, noise.n + 1);
    assert_false(last.reserve);
}

static void test_an_upload_tells_its_size(void **state)
{
    struct fixture *f = *state;
    calls = 0;
    put(f, "large", fixture_noise(f, 300 * 1000, 2));
    assert_int_equal(calls, 1);
    assert_in_range(last.bytes, 300 * 1000, 310 * 1000);
    put(f, "larger", fixture_noise(f, 700 * 1000, 3));
    assert_int_equal(calls, 3);
    assert_in_range(last.bytes, 100 * 1000, 300 * 1000);
    put(f, "small", STR("saved"));
    assert_int_equal(last.bytes, 0);
    assert_false(last.reserve);
}

static void test_deletions_may_use_the_reserve(void **state)
{
    struct fixture *f = *state;
    put(f, "a", STR("1"));
    move(f, "a", "b");
    assert_false(last.reserve);
    drop(f, "b");
    assert_true(last.reserve);
}

static struct store_op apply(struct fixture *f, const struct files_change *changes, size_t count)
{
    struct files_apply_input in = {.session = f->session, .changes = changes, .count = count};
    struct files_apply_result result;
    assert_ok(files_apply(fixture_ctx(f), &in, &result));
    assert_int_equal(result.outcome, FILES_APPLIED);
    return last;
}

static void test_batches(void **state)
{
    struct fixture *f = *state;
    uint64_t a = put(f, "a", STR("1")).version;
    uint64_t b = put(f, "b", STR("2")).version;
    const struct files_author author = {.kind = FILES_TERMINAL};
    const struct files_change folder = {
        .kind = FILES_CHANGE_MKDIR, .path = STR("folder"), .mode = 0755, .author = author};
    struct files_change drops[] = {
        {.kind = FILES_CHANGE_DELETE, .path = STR("a"), .base = a, .author = author},
        {.kind = FILES_CHANGE_DELETE, .path = STR("b"), .base = b, .author = author},
    };
    const struct files_change both[] = {drops[0], folder};
    struct store_op op = apply(f, both, 2);
    assert_false(op.reserve);
    assert_in_range(op.bytes, 1000, 4000);
    op = apply(f, &drops[1], 1);
    assert_true(op.reserve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chunk_tells_its_size),
        cmocka_unit_test(test_an_upload_tells_its_size),
        cmocka_unit_test(test_deletions_may_use_the_reserve),
        cmocka_unit_test(test_batches),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
