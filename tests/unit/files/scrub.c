/* Reading all content again: whole when it is, and each thing that is changed is found, whoever's it is. */
#include "files/fixture.h"

struct flip {
    const struct scope *scope;
    enum data_space space;
    size_t number;
    size_t count; /* result: keys of the space */
};

/* One bit of one value; the same again puts it right. */
static int flip_write(struct txn *txn, void *arg)
{
    struct flip *flip = arg;
    struct arena *arena = store_arena(txn);
    struct str any = DATA_KEY(arena, flip->scope, flip->space, STR("x"));
    struct str prefix = str_slice(any, 0, any.n - 1);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = 400};
    struct store_pair *pairs;
    int r = store_scan(txn, &range, &pairs, &flip->count);
    if (r < 0 || flip->number >= flip->count) {
        return r;
    }
    struct store_pair *pair = &pairs[flip->number];
    char *changed = arena_alloc(arena, pair->value.n);
    memcpy(changed, pair->value.p, pair->value.n);
    changed[pair->value.n - 1] ^= 1;
    store_put(txn, pair->key, str_of(changed, pair->value.n));
    return 0;
}

static void count_damaged(void *ctx, struct str key)
{
    assert_true(str_starts(key, STR("t/ten-")));
    (*(size_t *)ctx)++;
}

static struct files_scrubbed scrub(struct fixture *f)
{
    size_t told = 0;
    struct files_scrubbed scrubbed;
    struct files_scrub in = {.damaged = count_damaged, .ctx = &told};
    assert_ok(files_scrub(f->store, &in, &scrubbed));
    assert_int_equal(scrubbed.damaged, told);
    return scrubbed;
}

static void theirs(struct fixture *f)
{
    struct files_put_input in = fixture_put(f, STR("theirs"));
    struct files_entry entry;
    in.session = f->theirs;
    in.author.id = f->other.scope.user_id;
    (void)fixture_ctx(f);
    assert_ok(files_put(&f->other, &in, fixture_noise(f, 2000, 3), &entry));
}

static void test_each_damage_is_found(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(scrub(f).chunks, 0);
    put(f, "large", fixture_noise(f, 5000 * 1000, 1)); /* more than a page of chunks */
    put(f, "small", fixture_noise(f, 300, 2));
    put(f, "empty", STR_EMPTY);
    make(f, "folder");
    theirs(f);
    struct files_scrubbed whole = scrub(f);
    assert_int_equal(whole.damaged, 0);
    assert_int_equal(whole.versions, 5);
    struct flip flip = {&f->ctx.scope, DATA_SPACE_CHUNK, .number = 1000};
    assert_ok(store_write(f->store, NULL, flip_write, &flip));
    assert_true(flip.count > 64);
    assert_int_equal(whole.chunks, flip.count + 1);
    static const size_t some[] = {0, 63, 64, 65};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        flip.number = some[i];
        assert_ok(store_write(f->store, NULL, flip_write, &flip));
        assert_int_equal(scrub(f).damaged, 1);
        assert_ok(store_write(f->store, NULL, flip_write, &flip));
    }
    flip = (struct flip){&f->other.scope, DATA_SPACE_CHUNK};
    assert_ok(store_write(f->store, NULL, flip_write, &flip));
    assert_int_equal(scrub(f).damaged, 1);
    assert_ok(store_write(f->store, NULL, flip_write, &flip));
    /* Ids ascend: large, small. The last byte of a small file's version is the file's. */
    flip = (struct flip){&f->ctx.scope, DATA_SPACE_VERSION, .number = 1};
    assert_ok(store_write(f->store, NULL, flip_write, &flip));
    assert_int_equal(scrub(f).damaged, 1);
    assert_ok(store_write(f->store, NULL, flip_write, &flip));
    assert_int_equal(scrub(f).damaged, 0);
}

struct going {
    struct flip which; /* from its number on, so many go */
    size_t many;
};

static int bytes_go(struct txn *txn, void *arg)
{
    struct going *going = arg;
    struct arena *arena = store_arena(txn);
    struct str any = DATA_KEY(arena, going->which.scope, DATA_SPACE_CHUNK, STR("x"));
    struct str prefix = str_slice(any, 0, any.n - 1);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = 400};
    struct store_pair *pairs;
    int r = store_scan(txn, &range, &pairs, &going->which.count);
    for (size_t i = 0; r == 0 && i < going->many; i++) {
        store_delete(txn, pairs[going->which.number + i].key);
    }
    return r;
}

static void count_named(void *ctx, struct str what)
{
    bool named = strstr(what.p, "\"large\"") != NULL;
    assert_true(named && str_starts(what, STR("t/ten-")));
    (*(size_t *)ctx)++;
}

/* Their keys are not there to be read: one, several on the border of a page, more than a page, all. */
static void test_bytes_that_are_gone_are_found(void **state)
{
    static const struct {
        size_t from, many;
    } rows[] = {{0, 1}, {62, 5}, {10, 100}, {0, 0}};
    struct fixture *f = *state;
    struct str bytes = fixture_noise(f, 10 * 1000 * 1000, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put(f, "large", bytes);
        size_t all = scrub(f).chunks;
        struct going going = {{&f->ctx.scope, DATA_SPACE_CHUNK, .number = rows[i].from},
                              rows[i].many > 0 ? rows[i].many : all};
        assert_true(all > 260 && all < 400);
        assert_ok(store_write(f->store, NULL, bytes_go, &going));
        size_t told = 0;
        struct files_scrubbed scrubbed;
        struct files_scrub in = {.damaged = count_named, .ctx = &told};
        assert_ok(files_scrub(f->store, &in, &scrubbed));
        assert_int_equal(scrubbed.damaged, going.many);
        assert_int_equal(told, going.many);
        assert_int_equal(scrubbed.chunks, all - going.many);
        put(f, "large", bytes); /* what is sent once more is there */
        assert_int_equal(scrub(f).damaged, 0);
        assert_true(str_eq(slurp(f, "large", 0), bytes));
    }
}

static void test_what_is_found_is_written_again(void **state)
{
    struct fixture *f = *state;
    struct str bytes = fixture_noise(f, 500 * 1000, 1);
    put(f, "file", bytes);
    struct flip flip = {&f->ctx.scope, DATA_SPACE_CHUNK, .number = 3};
    assert_ok(store_write(f->store, NULL, flip_write, &flip));
    put(f, "other", bytes);
    assert_int_equal(scrub(f).damaged, 1); /* nobody knew */
    put(f, "other", bytes);
    assert_int_equal(scrub(f).damaged, 0);
    assert_true(str_eq(slurp(f, "file", 0), bytes));
}

/* What the three ways to see an entry with its bytes say of one: the tree, the changes, the past. */
static bool is_damaged(struct fixture *f, struct str path)
{
    struct files_tree_input tree = {.session = f->session, .limit = 10};
    struct files_since_input since = {f->session, 0, 10};
    struct files_page page;
    struct files_events events;
    struct files_entry seen[3] = {0};
    assert_ok(files_tree(&f->ctx, &tree, &page));
    assert_ok(files_changes_since(&f->ctx, &since, &events));
    assert_int_equal(page.count, 3);
    assert_int_equal(events.count, 3);
    for (size_t i = 0; i < 3; i++) {
        seen[0] = str_eq(page.entries[i].path, path) ? page.entries[i] : seen[0];
        seen[1] = str_eq(events.events[i].path, path) ? events.events[i].entry : seen[1];
    }
    struct files_like like = {.is.entry = seen[0]};
    assert_ok(files_version_like(&f->ctx, f->session, &like, &seen[2]));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(seen[i].damaged, seen[0].damaged);
        assert_int_equal(seen[i].bytes.n, seen[0].damaged ? 0 : seen[0].size);
    }
    return seen[0].damaged;
}

static void test_what_lies_in_an_entry_and_is_damaged_is_said(void **state)
{
    struct fixture *f = *state;
    struct files_put_input in = fixture_put(f, STR("b-link"));
    struct files_entry entry;
    put(f, "a-small", fixture_noise(f, 300, 2));
    assert_ok(files_symlink(fixture_ctx(f), &in, STR("somewhere"), &entry));
    in = fixture_put(f, STR("c-long"));
    char *target = arena_alloc(&f->arena, 2000);
    memset(target, 't', 2000);
    assert_ok(files_symlink(fixture_ctx(f), &in, str_of(target, 2000), &entry));
    const struct {
        struct str path;
        struct flip flip;
    } all[] = {
        {STR("a-small"), {&f->ctx.scope, DATA_SPACE_VERSION, .number = 0}},
        {STR("b-link"), {&f->ctx.scope, DATA_SPACE_VERSION, .number = 1}},
        {STR("c-long"), {&f->ctx.scope, DATA_SPACE_CHUNK, .number = 0}},
    };
    for (size_t i = 0; i < 3; i++) {
        struct flip flip = all[i].flip;
        assert_ok(store_write(f->store, NULL, flip_write, &flip));
        for (size_t other = 0; other < 3; other++) {
            assert_int_equal(is_damaged(f, all[other].path), other == i);
        }
        assert_ok(store_write(f->store, NULL, flip_write, &flip));
    }
}

/* ctx: how many pages are wanted. */
static int few_pages(void *ctx, const struct files_scrubbed *so_far)
{
    size_t *left = ctx;
    (void)so_far;
    return --*left > 0 ? 0 : ERR_CLOSED;
}

static void test_it_ends_when_nobody_listens(void **state)
{
    struct fixture *f = *state;
    size_t left = 2;
    struct files_scrubbed scrubbed = {.chunks = 7};
    struct files_scrub in = {.damaged = count_damaged, .ctx = &left, .page = few_pages};
    assert_int_equal(files_scrub(f->store, &in, &scrubbed), ERR_CLOSED);
    assert_int_equal(left, 0);
    assert_int_equal(scrubbed.chunks, 7); /* untouched */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_damage_is_found),
        cmocka_unit_test(test_bytes_that_are_gone_are_found),
        cmocka_unit_test(test_what_is_found_is_written_again),
        cmocka_unit_test(test_what_lies_in_an_entry_and_is_damaged_is_said),
        cmocka_unit_test(test_it_ends_when_nobody_listens),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
