/* Copies within a session: of a file, of a folder, cut off and gone on with, beside somebody who changes it. */
#include "files/fixture.h"

#include "files/files_int.h"

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

/* ---- damage ---- */

enum harm { FLIP, SHORTEN, REMOVE };

struct damage {
    struct fixture *f;
    enum data_space space;
    const struct files_entry *entry;
    enum harm harm;
};

static int damage_write(struct txn *txn, void *arg)
{
    const struct damage *d = arg;
    struct files_tx tx = {
        .txn = txn, .arena = store_arena(txn), .scope = &d->f->ctx.scope, .session = d->f->session};
    const struct content_hash *hash = &d->entry->manifest.hash;
    struct str key = d->space == DATA_SPACE_VERSION
                         ? files_key_version(&tx, d->entry->id, d->entry->version)
                     : d->space == DATA_SPACE_CHUNK ? files_key_chunk(&tx, hash)
                                                    : files_key_stored(&tx, hash);
    struct str value;
    assert_ok(store_get(txn, key, &value));
    if (d->harm == REMOVE) {
        store_delete(txn, key);
        return 0;
    }
    char *changed = arena_alloc(tx.arena, value.n);
    memcpy(changed, value.p, value.n);
    changed[value.n - 1] ^= d->harm == FLIP;
    store_put(txn, key, str_of(changed, value.n - (d->harm == SHORTEN)));
    return 0;
}

static struct files_entry stat_of(struct fixture *f, const char *path)
{
    struct files_entry entry;
    assert_ok(files_stat(&f->ctx, f->session, str_from(path), &entry));
    return entry;
}

static void damage(struct fixture *f, const char *path, enum data_space space, enum harm harm)
{
    struct files_entry entry = stat_of(f, path);
    struct damage d = {f, space, &entry, harm};
    assert_ok(store_write(f->store, NULL, damage_write, &d));
}

static void link_to(struct fixture *f, const char *path, struct str target)
{
    struct files_put_input in = fixture_put(f, str_from(path));
    struct files_entry entry;
    assert_ok(files_symlink(fixture_ctx(f), &in, target, &entry));
}

/* To the end, or until it is said that the rest is damaged. */
static int read_all(struct fixture *f, const char *path)
{
    struct files_open_input in = {f->session, str_from(path), 0, 0};
    struct files_reader *reader;
    struct files_entry entry;
    struct str bytes;
    int r = files_reader_open(&f->ctx, &in, &reader, &entry);
    if (r == 0) {
        do {
            r = files_reader_next(reader, &bytes);
        } while (r == 0 && bytes.n > 0);
        files_reader_destroy(reader);
    }
    return r;
}

static const struct {
    const char *name;
    size_t size; /* 0: a link */
    enum data_space space;
    enum harm harm;
    bool whole; /* all the same: what is damaged says nothing that its reader needs */
} hurt[] = {
    {"flipped", 500, DATA_SPACE_VERSION, FLIP, false},
    {"torn", 500, DATA_SPACE_VERSION, SHORTEN, false},
    {"version gone", 500, DATA_SPACE_VERSION, REMOVE, false},
    {"near", 0, DATA_SPACE_VERSION, FLIP, false},
    {"near torn", 0, DATA_SPACE_VERSION, SHORTEN, false},
    {"far", 0, DATA_SPACE_CHUNK, FLIP, false},
    {"far gone", 0, DATA_SPACE_CHUNK, REMOVE, false},
    {"far unknown", 0, DATA_SPACE_STORED, REMOVE, true},
    {"chunk", 3000, DATA_SPACE_CHUNK, FLIP, false},
    {"chunk gone", 3001, DATA_SPACE_CHUNK, REMOVE, false},
    {"chunk unknown", 3002, DATA_SPACE_STORED, REMOVE, true},
    {"chunk unclear", 3003, DATA_SPACE_STORED, SHORTEN, true},
    {"page", 200000, DATA_SPACE_CHUNK, FLIP, false},
    {"page unknown", 200001, DATA_SPACE_STORED, REMOVE, true},
    {"version torn", 3004, DATA_SPACE_VERSION, SHORTEN, true},
};

enum { HURT = sizeof hurt / sizeof hurt[0] };

static const char *in_folder(struct fixture *f, const char *folder, size_t i)
{
    return arena_printf(&f->arena, "%s/%s", folder, hurt[i].name).p;
}

static void make_hurt(struct fixture *f)
{
    for (size_t i = 0; i < HURT; i++) {
        const char *path = in_folder(f, "from", i);
        if (hurt[i].size > 0) {
            put(f, path, fixture_noise(f, hurt[i].size, i + 1));
        } else {
            bool is_long = hurt[i].space != DATA_SPACE_VERSION;
            link_to(f, path, is_long ? str_from(fixture_long(f, (unsigned)i)) : STR("to"));
        }
    }
    for (size_t i = 0; i < HURT; i++) {
        damage(f, in_folder(f, "from", i), hurt[i].space, hurt[i].harm);
    }
}

static void assert_hurt(struct fixture *f, const char *folder)
{
    for (size_t i = 0; i < HURT; i++) {
        const char *path = in_folder(f, folder, i);
        assert_int_equal(read_all(f, path), hurt[i].whole ? 0 : ERR_CORRUPT);
    }
}

/* What cannot be read comes along as it is, with all that is beside it; as often as it is copied, and marked as damaged or not. */
static void test_damage_comes_along(void **state)
{
    struct fixture *f = *state;
    struct files_entry entry;
    fill(f, 20);
    make_hurt(f);
    struct files_totals before = totals(f);
    assert_ok(copy(f, "from", "to", &entry));
    assert_alike(f, "from", "to", 20 + 7 + 1 + 2 + HURT);
    assert_int_equal(totals(f).files, 2 * before.files);
    assert_int_equal(totals(f).bytes, 2 * before.bytes);
    assert_hurt(f, "to"); /* who reads marks */
    assert_ok(copy(f, "from", "from marked", &entry));
    assert_ok(copy(f, "to", "again", &entry));
    assert_hurt(f, "from marked");
    assert_hurt(f, "again");
    assert_str(slurp(f, "again/3/file 3", 0), "from/3/file 3");
    assert_true(str_eq(slurp(f, "again/large", 0), fixture_noise(f, 200 * 1000, 9)));
    for (size_t i = 0; i < HURT; i++) {
        assert_ok(copy(f, in_folder(f, "from", i), in_folder(f, "one", i), &entry));
        drop(f, in_folder(f, "again", i));
    }
    assert_hurt(f, "one");
}

/* Who has the bytes mends the copy as well, and it keeps them. */
static void test_a_copy_is_mended(void **state)
{
    struct fixture *f = *state;
    struct files_entry entry;
    struct str bytes[] = {fixture_noise(f, 3000, 1), fixture_noise(f, 3000, 2)};
    put(f, "from/changed", bytes[0]);
    put(f, "from/gone", bytes[1]);
    damage(f, "from/changed", DATA_SPACE_CHUNK, FLIP);
    damage(f, "from/gone", DATA_SPACE_CHUNK, REMOVE);
    damage(f, "from/gone", DATA_SPACE_STORED, REMOVE);
    assert_int_equal(read_all(f, "from/changed"), ERR_CORRUPT);
    assert_ok(copy(f, "from", "to", &entry));
    drop(f, "from");
    put(f, "other/changed", bytes[0]);
    put(f, "other/gone", bytes[1]);
    drop(f, "other");
    fixture_thin(f, &(struct files_keep){0});
    assert_int_equal(fixture_collect(f, 0), 0);
    assert_true(str_eq(slurp(f, "to/changed", 0), bytes[0]));
    assert_true(str_eq(slurp(f, "to/gone", 0), bytes[1]));
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
        cmocka_unit_test(test_damage_comes_along),
        cmocka_unit_test(test_a_copy_is_mended),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
