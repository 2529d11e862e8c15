/* Batches of a workspace: order, conflicts, missing content, repetition, bounds; and the events that follow. */
#include "files/changes.h"

#include "base/mem.h"

static uint64_t seq_of(struct fixture *f)
{
    struct files_totals totals;
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    return totals.seq;
}

static void test_in_order(void **state)
{
    struct fixture *f = *state;
    struct files_change changes[] = {
        put_change("a/b", STR("one"), 0),
        other_change(FILES_CHANGE_MKDIR, "empty", 0),
        other_change(FILES_CHANGE_SYMLINK, "link", 0),
        put_change("c", STR("two"), 0),
        other_change(FILES_CHANGE_MOVE, "c", 4),
        other_change(FILES_CHANGE_DELETE, "empty", 2),
    };
    changes[2].bytes = STR("a/b");
    changes[4].to = STR("a/c");
    struct files_apply_result result = apply(f, changes, 6);
    assert_int_equal(result.outcome, FILES_APPLIED);
    assert_int_equal(result.seq, 6);
    assert_int_equal(result.first, 1);
    for (uint64_t i = 0; i < 6; i++) {
        assert_int_equal(result.versions[i], i + 1);
    }
    assert_str(slurp(f, "a/b", 0), "one");
    assert_str(slurp(f, "a/c", 0), "two");
    assert_str(slurp(f, "link", 0), "a/b");
    struct files_entry entry;
    assert_int_equal(files_stat(&f->ctx, f->session, STR("empty"), &entry), ERR_NOT_FOUND);
    assert_ok(files_stat(&f->ctx, f->session, STR("a/b"), &entry));
    assert_int_equal(entry.mode, 0600);
    assert_int_equal(entry.mtime, 1000);
}

static void test_conflict_applies_nothing(void **state)
{
    struct fixture *f = *state;
    struct files_entry theirs = put(f, "doc", STR("theirs"));
    const struct files_change changes[] = {put_change("new", STR("x"), 0),
                                           put_change("doc", STR("ours"), 0)};
    struct files_apply_result result = apply(f, changes, 2);
    assert_int_equal(result.outcome, FILES_CONFLICT);
    assert_int_equal(result.index, 1);
    assert_int_equal(result.version, theirs.version);
    struct files_entry entry;
    assert_int_equal(files_stat(&f->ctx, f->session, STR("new"), &entry), ERR_NOT_FOUND);
    assert_int_equal(seq_of(f), 1);
    const struct files_change again[] = {put_change("doc", STR("ours"), theirs.version)};
    assert_int_equal(apply(f, again, 1).outcome, FILES_APPLIED);
    assert_str(slurp(f, "doc", 0), "ours");
    assert_str(slurp(f, "doc", theirs.version), "theirs");
}

static void conflicts(struct fixture *f, struct files_change change, uint64_t version)
{
    struct files_apply_result result = apply(f, &change, 1);
    assert_int_equal(result.outcome, FILES_CONFLICT);
    assert_int_equal(result.version, version);
}

static void test_kinds_of_conflict(void **state)
{
    struct fixture *f = *state;
    put(f, "file", STR("x"));  /* 1 */
    make(f, "folder");         /* 2 */
    put(f, "other", STR("y")); /* 3 */
    conflicts(f, put_change("gone", STR("z"), 9), 0);
    conflicts(f, put_change("folder", STR("z"), 2), 2);
    conflicts(f, put_change("file/below", STR("z"), 0), 0);
    conflicts(f, other_change(FILES_CHANGE_MKDIR, "file", 0), 1);
    conflicts(f, other_change(FILES_CHANGE_DELETE, "file", 9), 1);
    struct files_change move = other_change(FILES_CHANGE_MOVE, "file", 1);
    move.to = STR("other");
    conflicts(f, move, 3); /* somebody wrote other */
    move.to_base = 3;
    assert_int_equal(apply(f, &move, 1).outcome, FILES_APPLIED);
    assert_str(slurp(f, "other", 0), "x");
    conflicts(f, move, 0);
    assert_int_equal(seq_of(f), 4);
}

static void test_what_changes_nothing(void **state)
{
    struct fixture *f = *state;
    const struct files_change first[] = {put_change("a", STR("x"), 0),
                                         other_change(FILES_CHANGE_MKDIR, "d", 0)};
    apply(f, first, 2);
    const struct files_change again[] = {
        put_change("a", STR("x"), 0), /* both sides came to the same */
        other_change(FILES_CHANGE_MKDIR, "d", 0),
        other_change(FILES_CHANGE_DELETE, "none", 7),
        put_change("a", STR("y"), 1),
    };
    struct files_apply_result result = apply(f, again, 4);
    assert_int_equal(result.outcome, FILES_APPLIED);
    assert_int_equal(result.versions[0], 1);
    assert_int_equal(result.versions[1], 2);
    assert_int_equal(result.versions[2], 0);
    assert_int_equal(result.versions[3], 3);
    assert_int_equal(result.seq, 3);
    struct files_change mode = other_change(FILES_CHANGE_MKDIR, "d", 2);
    mode.mode = 0700;
    assert_int_equal(apply(f, &mode, 1).versions[0], 4);
    struct files_entry entry;
    assert_ok(files_stat(&f->ctx, f->session, STR("d"), &entry));
    assert_int_equal(entry.mode, 0700);
}

/* A folder that a file brought along is there, with a mode that nobody chose, when it comes by itself. */
static void test_mode_of_a_folder_that_is_there(void **state)
{
    struct fixture *f = *state;
    const struct files_change file = put_change("d/file", STR("x"), 0);
    assert_int_equal(apply(f, &file, 1).seq, 1);
    struct files_change folder = other_change(FILES_CHANGE_MKDIR, "d", 0);
    for (uint32_t mode = 0700; mode <= 0701; mode++) { /* then on a base that is none any more */
        folder.mode = mode;
        folder.base = mode - 0700;
        assert_int_equal(apply(f, &folder, 1).versions[0], 2 + folder.base);
        struct files_entry entry;
        assert_ok(files_stat(&f->ctx, f->session, STR("d"), &entry));
        assert_int_equal(entry.mode, mode);
        assert_int_equal(apply(f, &folder, 1).seq, 2 + folder.base); /* once */
    }
}

static void test_repeated_batch(void **state)
{
    struct fixture *f = *state;
    const struct files_change changes[] = {put_change("a", STR("x"), 0),
                                           put_change("b", STR("y"), 0)};
    struct files_apply_input in = {.session = f->session, .changes = changes, .count = 2};
    struct files_apply_result result;
    const uint8_t id[16] = {7};
    f->ctx.op = store_op_derived(id);
    assert_ok(files_apply(&f->ctx, &in, &result));
    result = (struct files_apply_result){0};
    assert_ok(files_apply(&f->ctx, &in, &result));
    assert_int_equal(result.outcome, FILES_APPLIED);
    assert_int_equal(result.seq, 2);
    assert_int_equal(result.first, 0);
    assert_int_equal(result.versions[0], 1);
    assert_int_equal(result.versions[1], 2);
    assert_int_equal(seq_of(f), 2);
    in.count = 1;
    assert_int_equal(files_apply(&f->ctx, &in, &result), ERR_INVALID);
}

/* ---- content that is sent before ---- */

struct sent {
    struct fixture *f;
    struct content_codec *codec;
    struct content_hash *hashes;
    size_t n;
    bool pages; /* also send pages */
};

static int send_page(void *arg, const struct content_hash *hash, const struct content_page *page,
                     struct str bytes)
{
    struct sent *sent = arg;
    if (sent->pages) {
        assert_ok(files_chunk_put(&sent->f->ctx, hash, content_encode(sent->codec, bytes)));
    }
    return 0;
}

/* Cuts bytes and sends all chunks but the one numbered skip. */
static struct files_change send(struct sent *sent, const char *path, struct str bytes, size_t skip)
{
    struct content_cutter *cutter = content_cutter_create();
    struct content_builder *builder = content_builder_create(send_page, sent);
    sent->hashes =
        ARENA_ARRAY(&sent->f->arena, struct content_hash, bytes.n / CONTENT_CHUNK_MIN + 1);
    sent->n = 0;
    for (size_t at = 0; at <= bytes.n; at += CONTENT_CHUNK_MAX) {
        size_t room;
        char *to = content_cutter_room(cutter, &room);
        struct str part = str_slice(bytes, at, at + CONTENT_CHUNK_MAX);
        memcpy(to, part.p, part.n);
        content_cutter_filled(cutter, part.n);
        if (at + CONTENT_CHUNK_MAX > bytes.n) {
            content_cutter_end(cutter);
        }
        struct str piece;
        while (content_cutter_next(cutter, &piece)) {
            struct content_ref ref = {.length = piece.n};
            content_hash(piece, &ref.hash);
            assert_ok(content_builder_add(builder, &ref));
            if (sent->n != skip) {
                assert_ok(
                    files_chunk_put(&sent->f->ctx, &ref.hash, content_encode(sent->codec, piece)));
            }
            sent->hashes[sent->n++] = ref.hash;
        }
    }
    struct files_change change = put_change(path, bytes, 0);
    change.bytes = STR_EMPTY;
    assert_ok(content_builder_end(builder, &change.manifest));
    content_builder_destroy(builder);
    content_cutter_destroy(cutter);
    return change;
}

static void test_missing_content(void **state)
{
    struct fixture *f = *state;
    struct sent sent = {.f = f, .codec = content_codec_create()};
    struct str bytes = fixture_noise(f, 1 << 20, 8);
    (void)fixture_ctx(f);
    struct files_change change = send(&sent, "big", bytes, 5);
    struct files_apply_result result = apply(f, &change, 1);
    assert_int_equal(result.outcome, FILES_MISSING);
    assert_int_equal(result.missing_count, 1);
    assert_true(content_hash_eq(&result.missing[0], &change.manifest.hash));
    sent.pages = true;
    change = send(&sent, "big", bytes, 5);
    result = apply(f, &change, 1);
    assert_int_equal(result.outcome, FILES_MISSING);
    assert_int_equal(result.missing_count, 1);
    assert_true(content_hash_eq(&result.missing[0], &sent.hashes[5]));
    assert_int_equal(seq_of(f), 0);
    change = send(&sent, "big", bytes, SIZE_MAX);
    assert_int_equal(apply(f, &change, 1).outcome, FILES_APPLIED);
    assert_true(str_eq(slurp(f, "big", 0), bytes));
    struct str half = str_slice(bytes, 0, 50000);
    struct files_change one = send(&sent, "one", half, 0);
    result = apply(f, &one, 1);
    assert_int_equal(result.outcome, FILES_MISSING);
    assert_true(content_hash_eq(&result.missing[0], &one.hash));
    content_codec_destroy(sent.codec);
}

/* A root of two levels: 30 MiB of chunks that are all alike in length would be slow to send; pages are made by hand. */
static void test_lies_are_refused(void **state)
{
    struct fixture *f = *state;
    struct sent sent = {.f = f, .codec = content_codec_create(), .pages = true};
    struct files_change change = send(&sent, "big", fixture_noise(f, 300000, 8), SIZE_MAX);
    struct files_apply_input in = {.session = f->session, .changes = &change, .count = 1};
    struct files_apply_result result;
    change.manifest.length++;
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_INVALID);
    change.manifest.length--;
    change.manifest.levels = 2;
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_INVALID);
    change.manifest.levels = 1;
    change.manifest.hash = sent.hashes[0]; /* a chunk is no page */
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_INVALID);
    change = put_change("small", STR("abc"), 0);
    change.bytes = STR("abd");
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_INVALID);
    change = put_change("../small", STR("abc"), 0);
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_INVALID);
    change = other_change(FILES_CHANGE_MOVE, "a", 1);
    change.to = STR("a/b");
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_INVALID);
    content_codec_destroy(sent.codec);
}

static int refuse(struct txn *txn, void *ctx)
{
    return *(int *)ctx;
}

static void test_guard(void **state)
{
    struct fixture *f = *state;
    const struct files_change changes[] = {put_change("a", STR("x"), 0)};
    int answer = ERR_STALE;
    struct files_apply_input in = {.session = f->session,
                                   .changes = changes,
                                   .count = 1,
                                   .guard = refuse,
                                   .guard_ctx = &answer};
    struct files_apply_result result;
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_STALE);
    assert_int_equal(seq_of(f), 0);
    answer = 0;
    assert_ok(files_apply(fixture_ctx(f), &in, &result));
    in.session = f->theirs;
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_NOT_FOUND);
}

static void test_bounds(void **state)
{
    struct fixture *f = *state;
    struct files_change *changes = ARENA_ARRAY(&f->arena, struct files_change, FILES_MAX_BATCH + 1);
    for (size_t i = 0; i < FILES_MAX_BATCH + 1; i++) {
        char *path = arena_alloc(&f->arena, 16);
        (void)snprintf(path, 16, "f%zu", i);
        changes[i] = put_change(path, fixture_noise(f, CONTENT_INLINE_MAX, i), 0);
    }
    struct files_apply_input in = {
        .session = f->session, .changes = changes, .count = FILES_MAX_BATCH + 1};
    struct files_apply_result result;
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_INVALID);
    in.count = 0;
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_INVALID);
    assert_int_equal(apply(f, changes, FILES_MAX_BATCH).seq, FILES_MAX_BATCH);
    /* Long paths of their own folders write more than a transaction may. */
    char *deep = arena_alloc(&f->arena, 1000);
    for (size_t i = 0; i < 999; i++) {
        deep[i] = i % 5 == 4 ? '/' : 'd';
    }
    for (size_t i = 0; i < FILES_MAX_BATCH; i++) {
        changes[i].path = arena_printf(&f->arena, "%zu/%.989s", i, deep);
    }
    in.count = FILES_MAX_BATCH;
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_TOO_LARGE);
    assert_int_equal(seq_of(f), FILES_MAX_BATCH);
}

static int since(struct fixture *f, struct data_context *ctx, uint64_t seq,
                 struct files_events *ret_events)
{
    struct files_since_input in = {.session = f->session, .since = seq, .limit = 3};
    return files_changes_since(ctx, &in, ret_events);
}

static void test_events(void **state)
{
    struct fixture *f = *state;
    struct files_events events;
    assert_ok(since(f, &f->ctx, 0, &events));
    assert_int_equal(events.count, 0);
    put(f, "d/a", STR("x"));
    move(f, "d/a", "d/b");
    drop(f, "d");
    make(f, "e");
    assert_ok(since(f, &f->ctx, 0, &events));
    assert_int_equal(events.count, 3);
    assert_int_equal(events.seq, 3);
    assert_true(events.more);
    assert_int_equal(events.events[0].op, FILES_WRITE);
    assert_str(events.events[0].path, "d/a");
    assert_str(events.events[0].entry.bytes, "x");
    assert_int_equal(events.events[1].op, FILES_MOVE);
    assert_str(events.events[1].from, "d/a");
    assert_str(events.events[1].path, "d/b");
    assert_int_equal(events.events[2].op, FILES_DELETE);
    assert_int_equal(events.events[2].entry.kind, FILES_FOLDER);
    assert_ok(since(f, &f->ctx, 3, &events));
    assert_int_equal(events.count, 1);
    assert_false(events.more);
    assert_int_equal(since(f, &f->ctx, 99, &events), ERR_RESYNC);
    struct files_since_input in = {f->session, 0, FILES_MAX_BATCH + 1};
    assert_int_equal(files_changes_since(&f->ctx, &in, &events), ERR_INVALID);
    assert_int_equal(since(f, &f->other, 0, &events), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_conflict_applies_nothing),
        cmocka_unit_test(test_kinds_of_conflict),
        cmocka_unit_test(test_what_changes_nothing),
        cmocka_unit_test(test_mode_of_a_folder_that_is_there),
        cmocka_unit_test(test_repeated_batch),
        cmocka_unit_test(test_missing_content),
        cmocka_unit_test(test_lies_are_refused),
        cmocka_unit_test(test_guard),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_events),
    };
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
