/* Uploads and reading back: sizes, ranges, conditions, cut-off uploads, limits, strangers. */
#include "files/fixture.h"

#include "base/mem.h"

static void test_sizes(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {0,     1,     511,   512,    513,     4096,
                                   65535, 65536, 65537, 600000, 1 << 20, (5 << 20) + 7};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "size/%zu", sizes[i]);
        struct str bytes = fixture_noise(f, sizes[i], i);
        struct files_entry entry = put(f, path, bytes);
        assert_int_equal(entry.size, sizes[i]);
        assert_int_equal(entry.version, i + 1);
        assert_int_equal(entry.mode, 0644);
        assert_true(str_eq(slurp(f, path, 0), bytes));
        sum += sizes[i];
    }
    struct files_totals totals;
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    assert_int_equal(totals.files, sizeof sizes / sizeof *sizes);
    assert_int_equal(totals.bytes, sum);
    assert_int_equal(totals.seq, sizeof sizes / sizeof *sizes);
}

static void test_ranges(void **state)
{
    struct fixture *f = *state;
    struct str bytes = fixture_noise(f, 3 << 20, 1);
    put(f, "big", bytes);
    static const size_t offsets[] = {0, 1, 65535, 65536, 1 << 20, (3 << 20) - 1, 12345, 3 << 20};
    struct files_open_input in = {f->session, STR("big"), 0, 0};
    struct files_reader *reader;
    struct files_entry entry;
    assert_ok(files_reader_open(&f->ctx, &in, &reader, &entry));
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        struct str piece;
        assert_ok(files_reader_seek(reader, offsets[i]));
        assert_ok(files_reader_next(reader, &piece));
        assert_true(piece.n > 0 || offsets[i] == bytes.n);
        assert_true(piece.n <= CONTENT_CHUNK_MAX);
        assert_true(str_eq(piece, str_slice(bytes, offsets[i], offsets[i] + piece.n)));
    }
    assert_int_equal(files_reader_seek(reader, bytes.n + 1), ERR_RANGE);
    files_reader_destroy(reader);
    files_reader_destroy(NULL);
}

static void test_conditions(void **state)
{
    struct fixture *f = *state;
    struct files_entry entry;
    struct files_put_input in = fixture_put(f, STR("a"));
    in.match.none = true;
    assert_ok(files_put(fixture_ctx(f), &in, STR("1"), &entry));
    assert_int_equal(files_put(fixture_ctx(f), &in, STR("2"), &entry), ERR_PRECONDITION);
    in.match = (struct files_match){.version = entry.version};
    uint64_t id = entry.id;
    assert_ok(files_put(fixture_ctx(f), &in, STR("2"), &entry));
    assert_int_equal(entry.id, id);
    assert_int_equal(files_put(fixture_ctx(f), &in, STR("3"), &entry), ERR_PRECONDITION);
    in.path = STR("absent");
    assert_int_equal(files_put(fixture_ctx(f), &in, STR("3"), &entry), ERR_PRECONDITION);
    assert_str(slurp(f, "a", 0), "2");
}

static void test_condition_is_asked_again_at_commit(void **state)
{
    struct fixture *f = *state;
    struct files_put_input in = fixture_put(f, STR("a"));
    in.match.none = true;
    struct files_upload *upload;
    struct files_entry entry;
    assert_ok(files_upload_create(fixture_ctx(f), &in, &upload));
    assert_ok(files_upload_write(upload, STR("late")));
    struct store_op kept = f->ctx.op;
    put(f, "a", STR("first"));
    f->ctx.op = kept;
    assert_int_equal(files_upload_commit(upload, &entry), ERR_PRECONDITION);
    files_upload_destroy(upload);
    assert_str(slurp(f, "a", 0), "first");
}

static void test_cut_off_upload_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    put(f, "kept", STR("kept"));
    struct files_put_input in = fixture_put(f, STR("new/file"));
    struct files_upload *upload;
    assert_ok(files_upload_create(fixture_ctx(f), &in, &upload));
    assert_ok(files_upload_write(upload, fixture_noise(f, 3 << 20, 9)));
    files_upload_destroy(upload);
    files_upload_destroy(NULL);
    struct files_totals totals;
    struct files_entry entry;
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    assert_int_equal(totals.seq, 1);
    assert_int_equal(totals.files, 1);
    assert_int_equal(files_stat(&f->ctx, f->session, STR("new"), &entry), ERR_NOT_FOUND);
    put(f, "new/file", fixture_noise(f, 3 << 20, 9)); /* its chunks are taken */
    assert_true(str_eq(slurp(f, "new/file", 0), fixture_noise(f, 3 << 20, 9)));
}

static void test_expected_length(void **state)
{
    struct fixture *f = *state;
    struct files_put_input in = fixture_put(f, STR("a"));
    struct files_entry entry;
    in.expected = 5;
    assert_int_equal(files_put(fixture_ctx(f), &in, STR("1234"), &entry), ERR_INVALID);
    assert_int_equal(files_put(fixture_ctx(f), &in, STR("123456"), &entry), ERR_INVALID);
    assert_ok(files_put(fixture_ctx(f), &in, STR("12345"), &entry));
    in.expected = (int64_t)CONTENT_MAX_FILE + 1;
    assert_int_equal(files_put(fixture_ctx(f), &in, STR("1"), &entry), ERR_TOO_LARGE);
}

/* 64 GiB are too many to send in a test; the bound is one comparison with what was sent before. */
static void test_largest_file(void **state)
{
    struct fixture *f = *state;
    struct files_put_input in = fixture_put(f, STR("a"));
    struct files_upload *upload;
    assert_ok(files_upload_create(fixture_ctx(f), &in, &upload));
    assert_int_equal(files_upload_write(upload, str_of("", CONTENT_MAX_FILE + 1)), ERR_TOO_LARGE);
    files_upload_destroy(upload);
}

static void test_names_and_depth(void **state)
{
    struct fixture *f = *state;
    put(f, "\xff\xfe/\x01 \xc3/'\"\\\n", STR("bytes"));
    assert_str(slurp(f, "\xff\xfe/\x01 \xc3/'\"\\\n", 0), "bytes");
    char *path = arena_alloc(&f->arena, CONTENT_MAX_PATH + 2);
    for (size_t i = 0; i < 2 * CONTENT_MAX_DEPTH + 1; i++) {
        path[i] = i % 2 ? '/' : 'd';
    }
    struct files_put_input in = fixture_put(f, str_of(path, 2 * CONTENT_MAX_DEPTH - 1));
    struct files_entry entry;
    assert_ok(files_put(fixture_ctx(f), &in, STR("deep"), &entry));
    in.path.n += 2;
    assert_int_equal(files_put(fixture_ctx(f), &in, STR("deeper"), &entry), ERR_INVALID);
    memset(path, 'n', 300);
    in.path.n = CONTENT_MAX_NAME;
    assert_ok(files_put(fixture_ctx(f), &in, STR("long"), &entry));
    in.path.n++;
    assert_int_equal(files_put(fixture_ctx(f), &in, STR("longer"), &entry), ERR_INVALID);
    in.path = STR("../up");
    assert_int_equal(files_put(fixture_ctx(f), &in, STR("up"), &entry), ERR_INVALID);
}

static void test_strangers(void **state)
{
    struct fixture *f = *state;
    put(f, "secret", STR("secret"));
    struct files_entry entry;
    struct files_totals totals;
    struct files_put_input in = fixture_put(f, STR("secret"));
    struct files_open_input open = {f->session, STR("secret"), 0, 0};
    struct files_reader *reader;
    (void)fixture_ctx(f);
    assert_int_equal(files_stat(&f->other, f->session, STR("secret"), &entry), ERR_NOT_FOUND);
    assert_int_equal(files_totals(&f->other, f->session, &totals), ERR_NOT_FOUND);
    assert_int_equal(files_put(&f->other, &in, STR("x"), &entry), ERR_NOT_FOUND);
    assert_int_equal(files_reader_open(&f->other, &open, &reader, &entry), ERR_NOT_FOUND);
    assert_int_equal(files_stat(&f->ctx, f->theirs, STR_EMPTY, &entry), ERR_NOT_FOUND);
    assert_int_equal(files_stat(&f->ctx, f->second, STR("secret"), &entry), ERR_NOT_FOUND);
    assert_int_equal(files_stat(&f->ctx, STR("ses-none"), STR("secret"), &entry), ERR_NOT_FOUND);
    in.session = f->theirs;
    assert_int_equal(files_put(fixture_ctx(f), &in, STR("x"), &entry), ERR_NOT_FOUND);
}

static void test_repeated_operation(void **state)
{
    struct fixture *f = *state;
    struct files_put_input in = fixture_put(f, STR("a/b"));
    struct files_entry first;
    struct files_entry again;
    (void)fixture_ctx(f);
    f->ctx.op.from_client = true;
    assert_ok(files_put(&f->ctx, &in, STR("once"), &first));
    assert_ok(files_put(&f->ctx, &in, STR("once"), &again));
    assert_int_equal(first.version, again.version);
    assert_int_equal(first.id, again.id);
    struct files_totals totals;
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    assert_int_equal(totals.seq, 1);
}

static void test_mode_and_time(void **state)
{
    struct fixture *f = *state;
    struct files_put_input in = fixture_put(f, STR("run"));
    struct files_entry entry;
    in.mode = 0755;
    in.timed = true;
    in.mtime = 1234567890123456;
    assert_ok(files_put(fixture_ctx(f), &in, STR("#!"), &entry));
    assert_int_equal(entry.mode, 0755);
    assert_int_equal(entry.mtime, 1234567890123456);
    put(f, "run", STR("#!2"));
    assert_ok(files_stat(&f->ctx, f->session, STR("run"), &entry));
    assert_int_equal(entry.mode, 0755);
    assert_true(entry.mtime > 1234567890123456);
    static const usec_t times[] = {0, -1, -86400 * USEC_PER_SEC, 4000000000 * USEC_PER_SEC};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        in.mtime = times[i];
        assert_ok(files_put(fixture_ctx(f), &in, STR("old"), &entry));
        assert_ok(files_stat(&f->ctx, f->session, STR("run"), &entry));
        assert_true(entry.mtime == times[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_condition_is_asked_again_at_commit),
        cmocka_unit_test(test_cut_off_upload_leaves_nothing),
        cmocka_unit_test(test_expected_length),
        cmocka_unit_test(test_largest_file),
        cmocka_unit_test(test_names_and_depth),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_repeated_operation),
        cmocka_unit_test(test_mode_and_time),
    };
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
