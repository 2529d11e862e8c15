/* Copies within a session: of a file, of a folder, cut off and gone on with, beside somebody who changes it. */
#include "files/fixture.h"

static int copy(struct fixture *f, const char *from, const char *to, struct files_entry *ret_entry)
{
    struct files_copy_input in = {.session = f->session,
                                  .from = str_from(from),
                                  .to = str_from(to),
                                  .author = {FILES_USER, f->ctx.scope.user_id},
                                  .limit = FILES_MAX_COPY};
    return files_copy(fixture_ctx(f), &in, ret_entry);
}

static struct files_totals totals(struct fixture *f)
{
    struct files_totals t;
    assert_ok(files_totals(&f->ctx, f->session, &t));
    return t;
}

static void test_a_file(void **state)
{
    struct fixture *f = *state;
    struct files_entry entry;
    struct str large = fixture_noise(f, 300 * 1000, 1);
    put(f, "large", large);
    put(f, "small", STR("small"));
    put(f, "empty", STR_EMPTY);
    uint64_t seq = totals(f).seq;
    assert_ok(copy(f, "large", "new/folder/large", &entry));
    assert_int_equal(entry.version, seq + 1); /* one change */
    assert_ok(copy(f, "small", "small 2", &entry));
    assert_ok(copy(f, "empty", "empty 2", &entry));
    put(f, "large", STR("other"));
    assert_true(str_eq(slurp(f, "new/folder/large", 0), large));
    assert_str(slurp(f, "small 2", 0), "small");
    assert_int_equal(slurp(f, "empty 2", 0).n, 0);
    assert_int_equal(copy(f, "small", "small 2", &entry), ERR_EXISTS);
    assert_int_equal(copy(f, "none", "some", &entry), ERR_NOT_FOUND);
    assert_int_equal(copy(f, "small", "small/in", &entry), ERR_INVALID);
    assert_int_equal(copy(f, "small", "empty/in", &entry), ERR_NOT_DIRECTORY);
}

/* More than one batch, with all kinds of things. */
static void fill(struct fixture *f, int files)
{
    char path[64];
    make(f, "from/empty");
    for (int i = 0; i < files; i++) {
        (void)snprintf(path, sizeof path, "from/%d/file %d", i % 7, i);
        put(f, path, i % 50 == 0 ? fixture_noise(f, 1000, (uint64_t)i) : str_from(path));
    }
    struct files_put_input in = fixture_put(f, STR("from/link"));
    struct files_entry entry;
    assert_ok(files_symlink(fixture_ctx(f), &in, STR("0/file 0"), &entry));
    put(f, "from/large", fixture_noise(f, 200 * 1000, 9));
}

/* The same names, kinds, modes, times and bytes below both. */
static void assert_alike(struct fixture *f, const char *a, const char *b, size_t count)
{
    struct files_list_input in = {.session = f->session, .limit = 1000, .recursive = true};
    struct files_page pages[2];
    in.path = str_from(a);
    assert_ok(files_list(&f->ctx, &in, &pages[0]));
    in.path = str_from(b);
    assert_ok(files_list(&f->ctx, &in, &pages[1]));
    assert_int_equal(pages[0].count, count);
    assert_int_equal(pages[1].count, count);
    for (size_t i = 0; i < count; i++) {
        const struct files_entry *one = &pages[0].entries[i];
        const struct files_entry *two = &pages[1].entries[i];
        assert_true(str_eq(str_slice(one->path, strlen(a), one->path.n),
                           str_slice(two->path, strlen(b), two->path.n)));
        assert_int_equal(one->kind, two->kind);
        assert_int_equal(one->mode, two->mode);
        assert_true(one->kind == FILES_FOLDER || one->mtime == two->mtime);
        assert_true(content_hash_eq(&one->hash, &two->hash));
    }
}

static void test_a_folder(void **state)
{
    struct fixture *f = *state;
    struct files_entry entry;
    fill(f, 300);
    struct files_totals before = totals(f);
    assert_ok(copy(f, "from", "deep/to", &entry));
    assert_int_equal(entry.kind, FILES_FOLDER);
    assert_alike(f, "from", "deep/to", 300 + 7 + 1 + 2);
    struct files_totals after = totals(f);
    assert_int_equal(after.files, 2 * before.files);
    assert_int_equal(after.bytes, 2 * before.bytes);
    drop(f, "from");
    assert_true(str_eq(slurp(f, "deep/to/large", 0), fixture_noise(f, 200 * 1000, 9)));
    assert_int_equal(copy(f, "deep", "deep/in", &entry), ERR_INVALID);
}

/* The same operation again: what was missing comes, of the moment of the first time; nothing comes twice. */
static void test_goes_on(void **state)
{
    struct fixture *f = *state;
    struct files_entry entry;
    struct files_copy_input in = {.session = f->session,
                                  .from = STR("from"),
                                  .to = STR("to"),
                                  .author = {FILES_USER, f->ctx.scope.user_id},
                                  .limit = FILES_MAX_COPY};
    fill(f, 20);
    static const uint8_t id[16] = {7};
    f->ctx.op = store_op_derived(id);
    assert_ok(files_copy(&f->ctx, &in, &entry));
    uint64_t seq = totals(f).seq;
    f->ctx.op = store_op_derived(id);
    assert_ok(files_copy(&f->ctx, &in, &entry));
    assert_int_equal(totals(f).seq, seq);
    drop(f, "to/large"); /* as if it had never come */
    drop(f, "to/3");
    put(f, "to/link", STR("mine"));
    put(f, "from/later", STR("later"));
    drop(f, "from/1");
    f->ctx.op = store_op_derived(id);
    assert_ok(files_copy(&f->ctx, &in, &entry));
    assert_true(str_eq(slurp(f, "to/large", 0), fixture_noise(f, 200 * 1000, 9)));
    assert_str(slurp(f, "to/3/file 3", 0), "from/3/file 3");
    assert_str(slurp(f, "to/1/file 1", 0), "from/1/file 1");
    assert_str(slurp(f, "to/link", 0), "mine");
    assert_int_equal(files_stat(&f->ctx, f->session, STR("to/later"), &entry), ERR_NOT_FOUND);
    drop(f, "to");
    f->ctx.op = store_op_derived(id);
    assert_int_equal(files_copy(&f->ctx, &in, &entry), ERR_NOT_FOUND);
    assert_int_equal(files_stat(&f->ctx, f->session, STR("to"), &entry), ERR_NOT_FOUND);
}

static int copy_to(struct fixture *f, const struct files_copy_input *in, const char *to)
{
    struct files_copy_input other = *in;
    struct files_entry entry;
    other.to = str_from(to);
    return files_copy(fixture_ctx(f), &other, &entry);
}

static void test_bounds(void **state)
{
    struct fixture *f = *state;
    struct files_entry entry;
    fill(f, 10);
    struct files_copy_input in = {.session = f->session,
                                  .from = STR("from"),
                                  .to = STR("to"),
                                  .author = {FILES_USER, f->ctx.scope.user_id},
                                  .limit = 19}; /* of 12 files and links, 8 folders */
    uint64_t seq = totals(f).seq;
    assert_int_equal(files_copy(fixture_ctx(f), &in, &entry), ERR_LIMIT);
    assert_int_equal(totals(f).seq, seq);
    in.limit = 20;
    static const uint8_t id[16] = {9};
    f->ctx.op = store_op_derived(id);
    assert_ok(files_copy(&f->ctx, &in, &entry));
    make(f, "from/one more");
    seq = totals(f).seq;
    assert_int_equal(copy_to(f, &in, "again"), ERR_LIMIT);
    assert_int_equal(totals(f).seq, seq);
    f->ctx.op = store_op_derived(id); /* which was not too much when it began */
    assert_ok(files_copy(&f->ctx, &in, &entry));
    /* "from/0/file 0" would be longer than a path may be */
    char *deep = arena_alloc(&f->arena, CONTENT_MAX_PATH + 1);
    memset(deep, 'x', CONTENT_MAX_PATH);
    for (size_t i = 200; i < CONTENT_MAX_PATH; i += 200) {
        deep[i] = '/';
    }
    in.to = str_of(deep, CONTENT_MAX_PATH - 5);
    in.limit = FILES_MAX_COPY;
    assert_int_equal(files_copy(fixture_ctx(f), &in, &entry), ERR_LIMIT);
    in.session = f->theirs;
    assert_int_equal(files_copy(fixture_ctx(f), &in, &entry), ERR_NOT_FOUND);
}

/* Where all paths are of the longest, a batch is more than a transaction may write. */
static void test_to_long_paths(void **state)
{
    enum { FILES = 250 };
    struct fixture *f = *state;
    struct files_entry entry;
    for (unsigned i = 0; i < FILES; i++) {
        const char *name = strrchr(fixture_long(f, i), '/') + 1;
        put(f, arena_printf(&f->arena, "from/%s", name).p, STR("1"));
    }
    const char *deep = fixture_long(f, 0);
    struct str to = str_of(deep, (size_t)(strrchr(deep, '/') - deep));
    assert_ok(copy(f, "from", arena_str(&f->arena, to).p, &entry));
    assert_int_equal(totals(f).files, 2 * FILES);
}

static struct files_rewind rewind_begin(struct fixture *f, const char *path, uint64_t at)
{
    struct files_rewind_input in = {.session = f->session,
                                    .path = str_from(path),
                                    .at = at,
                                    .author = {FILES_USER, f->ctx.scope.user_id}};
    struct files_rewind rewind;
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    assert_int_equal(rewind.version, 0);
    return rewind;
}

static void rewind_finish(struct fixture *f, struct files_rewind *rewind)
{
    while (rewind->version == 0) {
        assert_ok(files_rewind_step(&f->ctx, f->session, rewind->first, rewind));
    }
}

/* Nothing is begun while files go back to a moment: there is none that could be copied. */
static void test_none_while_going_back(void **state)
{
    struct fixture *f = *state;
    struct files_entry entry;
    fill(f, 20);
    uint64_t moment = totals(f).seq;
    drop(f, "from/3");
    struct files_rewind rewind = rewind_begin(f, "from", moment);
    uint64_t seq = totals(f).seq;
    assert_int_equal(copy(f, "from", "to", &entry), ERR_CONFLICT);
    assert_str(f->ctx.fault.message,
               "Its files are going back to a moment. Copy the folder when that is done.");
    assert_int_equal(totals(f).seq, seq);
    assert_int_equal(files_stat(&f->ctx, f->session, STR("to"), &entry), ERR_NOT_FOUND);
    assert_ok(copy(f, "from/large", "large", &entry)); /* a file is whole at any time */
    rewind_finish(f, &rewind);
    assert_ok(copy(f, "from", "to", &entry));
    assert_alike(f, "from", "to", 20 + 7 + 1 + 2);
}

/* One in hand goes on beside a return to a moment, unless that goes over the copy itself. */
static void test_goes_on_beside_going_back(void **state)
{
    struct fixture *f = *state;
    struct files_entry entry;
    struct files_copy_input in = {.session = f->session,
                                  .from = STR("from"),
                                  .to = STR("to"),
                                  .author = {FILES_USER, f->ctx.scope.user_id},
                                  .limit = FILES_MAX_COPY};
    static const uint8_t id[16] = {8};
    fill(f, 20);
    put(f, "to/before", STR("before"));
    uint64_t moment = totals(f).seq;
    drop(f, "to");
    f->ctx.op = store_op_derived(id);
    assert_ok(files_copy(&f->ctx, &in, &entry));
    drop(f, "to/large"); /* as if it had never come */
    struct files_rewind rewind = rewind_begin(f, "from", moment);
    f->ctx.op = store_op_derived(id);
    assert_ok(files_copy(&f->ctx, &in, &entry));
    assert_true(str_eq(slurp(f, "to/large", 0), fixture_noise(f, 200 * 1000, 9)));
    rewind_finish(f, &rewind);
    rewind = rewind_begin(f, "", moment);
    for (int i = 0; i < 2; i++) { /* in hand, and whole */
        uint64_t seq = totals(f).seq;
        f->ctx.op = store_op_derived(id);
        assert_int_equal(files_copy(&f->ctx, &in, &entry), ERR_CONFLICT);
        assert_str(f->ctx.fault.message,
                   "The copy went back to a moment while it was made: it is not whole.");
        assert_int_equal(totals(f).seq, seq);
        rewind_finish(f, &rewind);
    }
    assert_str(slurp(f, "to/before", 0), "before");
    assert_int_equal(files_stat(&f->ctx, f->session, STR("to/large"), &entry), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file),
        cmocka_unit_test(test_to_long_paths),
        cmocka_unit_test(test_a_folder),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_none_while_going_back),
        cmocka_unit_test(test_goes_on_beside_going_back),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
