#include "files/fixture.h"

#include <ftw.h>

#include "base/mem.h"

static const char *driver;

static int seed_session(struct txn *txn, const struct scope *scope, struct str id)
{
    struct data_session session = {
        .id = id,
        .name = STR("Project"),
        .status = DATA_SESSION_STATUS_ACTIVE,
        .tenant_id = scope->tenant_id,
        .user_id = scope->user_id,
        .created_at = time_now(),
        .updated_at = time_now(),
        .last_access_at = time_now(),
        .revision = 1,
        .workspace_id = data_id_make(store_arena(txn), "wsp"),
    };
    return data_session_put(txn, scope, &session);
}

static int seed(struct txn *txn, void *arg)
{
    struct fixture *f = arg;
    int r = seed_session(txn, &f->ctx.scope, f->session);
    if (r == 0) {
        r = seed_session(txn, &f->ctx.scope, f->second);
    }
    return r < 0 ? r : seed_session(txn, &f->other.scope, f->theirs);
}

static struct data_context context(struct fixture *f)
{
    return (struct data_context){
        .store = f->store,
        .arena = &f->arena,
        .scope = {.tenant_id = data_id_make(&f->arena, "ten"),
                  .user_id = data_id_make(&f->arena, "usr"),
                  .login_id = data_id_make(&f->arena, "log"),
                  .role = DATA_ROLE_OWNER},
    };
}

struct fixture *fixture_create(const struct store_faults *faults)
{
    struct fixture *f = MEM_NEW(struct fixture);
    struct store_options options = {
        .driver = driver, .faults = faults, .balloon = 1 << 20, .unsafe_no_sync = true};
    if (strcmp(driver, "sqlite") == 0) {
        (void)snprintf(f->directory, sizeof f->directory, "/tmp/files-XXXXXX");
        assert_non_null(mkdtemp(f->directory));
        options.directory = f->directory;
    }
    assert_ok(store_open(&options, &f->store));
    arena_init(&f->arena);
    f->ctx = context(f);
    f->other = context(f);
    f->session = data_id_make(&f->arena, "ses");
    f->second = data_id_make(&f->arena, "ses");
    f->theirs = data_id_make(&f->arena, "ses");
    struct store_op op = store_op_new();
    int r = -1;
    for (size_t i = 0; r < 0 && i < 3; i++) { /* a fault may hit this */
        r = store_write(f->store, &op, seed, f);
    }
    assert_ok(r);
    return f;
}

static int setup(void **state)
{
    *state = fixture_create(NULL);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    return remove(path);
}

void fixture_destroy(struct fixture *f)
{
    store_close(f->store);
    arena_fini(&f->arena);
    if (f->directory[0]) {
        (void)nftw(f->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    mem_free(f);
}

static int teardown(void **state)
{
    fixture_destroy(*state);
    return 0;
}

int fixture_run(const struct CMUnitTest *tests, size_t count)
{
    static const char *const drivers[] = {"memory", "sqlite"};
    struct CMUnitTest *copy = mem_alloc(count * sizeof *copy);
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        copy[i] = tests[i];
        copy[i].setup_func = setup;
        copy[i].teardown_func = teardown;
    }
    for (size_t i = 0; i < 2; i++) {
        driver = drivers[i];
        failed += _cmocka_run_group_tests(driver, copy, count, NULL, NULL);
    }
    mem_free(copy);
    return failed;
}

struct data_context *fixture_ctx(struct fixture *f)
{
    f->ctx.op = store_op_new();
    f->other.op = store_op_new();
    return &f->ctx;
}

struct files_put_input fixture_put(struct fixture *f, struct str path)
{
    return (struct files_put_input){.session = f->session,
                                    .path = path,
                                    .author = {FILES_USER, f->ctx.scope.user_id},
                                    .parents = true,
                                    .mode = -1,
                                    .expected = -1};
}

struct str fixture_noise(struct fixture *f, size_t n, uint64_t seed)
{
    char *p = arena_alloc(&f->arena, n + 8);
    uint64_t state = seed * 2 + 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        p[i] = (char)(state >> 56);
    }
    return str_of(p, n);
}

const char *fixture_long(struct fixture *f, unsigned i)
{
    enum { NAME = 255, ALL = 16 };
    char *path = arena_alloc(&f->arena, ALL * (NAME + 1));
    for (size_t at = 0; at < ALL; at++) {
        (void)snprintf(path + at * (NAME + 1), NAME + 1, "%0*u", NAME, at + 1 < ALL ? 0 : i);
        path[at * (NAME + 1) + NAME] = at + 1 < ALL ? '/' : 0;
    }
    return path;
}

struct str fixture_chain(struct fixture *f, char first, size_t length, size_t count)
{
    size_t n = (length + 1) * count - 1;
    char *path = arena_alloc(&f->arena, n + 1);
    memset(path, 'n', n);
    path[0] = first;
    for (size_t i = length; i < n; i += length + 1) {
        path[i] = '/';
    }
    return str_of(path, n);
}

struct files_entry put(struct fixture *f, const char *path, struct str bytes)
{
    struct files_put_input in = fixture_put(f, str_from(path));
    struct files_entry entry;
    assert_ok(files_put(fixture_ctx(f), &in, bytes, &entry));
    return entry;
}

uint64_t drop(struct fixture *f, const char *path)
{
    struct files_delete_input in = {.session = f->session,
                                    .path = str_from(path),
                                    .author = {FILES_USER, f->ctx.scope.user_id},
                                    .recursive = true};
    uint64_t seq;
    assert_ok(files_delete(fixture_ctx(f), &in, &seq));
    return seq;
}

struct files_entry move(struct fixture *f, const char *from, const char *to)
{
    struct files_move_input in = {.session = f->session,
                                  .from = str_from(from),
                                  .to = str_from(to),
                                  .author = {FILES_USER, f->ctx.scope.user_id},
                                  .overwrite = true};
    struct files_entry entry;
    assert_ok(files_move(fixture_ctx(f), &in, &entry));
    return entry;
}

struct files_entry make(struct fixture *f, const char *path)
{
    struct files_put_input in = fixture_put(f, str_from(path));
    struct files_entry entry;
    assert_ok(files_mkdir(fixture_ctx(f), &in, &entry));
    return entry;
}

struct str slurp(struct fixture *f, const char *path, uint64_t version)
{
    struct files_open_input in = {f->session, str_from(path), version, 0};
    struct files_reader *reader;
    struct files_entry entry;
    assert_ok(files_reader_open(&f->ctx, &in, &reader, &entry));
    char *all = arena_alloc(&f->arena, entry.size + 1);
    size_t n = 0;
    struct str bytes;
    for (;;) {
        assert_ok(files_reader_next(reader, &bytes));
        if (bytes.n == 0) {
            break;
        }
        assert_true(bytes.n <= entry.size - n);
        memcpy(all + n, bytes.p, bytes.n);
        n += bytes.n;
    }
    assert_int_equal(n, entry.size);
    files_reader_destroy(reader);
    struct content_hash hash;
    content_hash(str_of(all, n), &hash);
    assert_true(content_hash_eq(&hash, &entry.hash));
    return str_of(all, n);
}

char *fixture_tree(struct fixture *f, struct str session, uint64_t at)
{
    ARENA_AUTO(arena);
    struct data_context ctx = f->ctx;
    ctx.arena = &arena;
    BUF_AUTO(text, 1 << 20);
    struct files_tree_input in = {.session = session, .at = at, .limit = FILES_MAX_LIST};
    struct files_page page;
    assert_ok(files_tree(&ctx, &in, &page));
    assert_false(page.more);
    for (size_t i = 0; i < page.count; i++) {
        const struct files_entry *e = &page.entries[i];
        buf_printf(&text, STR_FMT " %d %llu %llu %02x%02x\n", STR_ARG(e->path), e->kind,
                   (unsigned long long)e->version, (unsigned long long)e->size, e->hash.bytes[0],
                   e->hash.bytes[1]);
        struct files_reader *reader;
        struct str bytes = {.n = 1};
        if (e->kind != FILES_FILE) {
            continue;
        }
        assert_ok(files_reader_create(&ctx, e, &reader));
        while (bytes.n > 0) {
            assert_ok(files_reader_next(reader, &bytes));
        }
        files_reader_destroy(reader);
    }
    buf_byte(&text, 0);
    return mem_dup(text.p, text.n);
}

static int session_write(struct txn *txn, void *arg)
{
    struct fixture *f = arg;
    return seed_session(txn, &f->ctx.scope, f->third);
}

struct str fixture_session(struct fixture *f)
{
    struct store_op op = store_op_new();
    f->third = data_id_make(&f->arena, "ses");
    assert_ok(store_write(f->store, &op, session_write, f));
    return f->third;
}

static int tenant_write(struct txn *txn, void *arg)
{
    struct fixture *f = arg;
    struct data_context *all[] = {&f->ctx, &f->other};
    int r = 0;
    for (size_t i = 0; r == 0 && i < 2; i++) {
        struct data_tenant tenant = {.id = all[i]->scope.tenant_id,
                                     .name = STR("Tenant"),
                                     .created_at = USEC_PER_SEC,
                                     .updated_at = USEC_PER_SEC,
                                     .revision = 1};
        r = data_tenant_put(txn, &all[i]->scope, &tenant);
    }
    return r;
}

uint64_t fixture_faults(struct fixture *f)
{
    struct data_report report;
    assert_ok(store_write(f->store, NULL, tenant_write, f));
    assert_ok(data_check(f->store, files_judge, &report));
    uint64_t faults = report.faults;
    for (size_t i = 0; i < report.lines.n; i++) {
        print_message("%s\n", report.lines.at[i]);
    }
    data_report_fini(&report);
    return faults;
}

void fixture_check(struct fixture *f)
{
    assert_int_equal(fixture_faults(f), 0);
}

size_t fixture_collect(struct fixture *f, unsigned spare_hours)
{
    struct files_collect_input in = {.spare_hours = spare_hours};
    struct files_collected collected;
    size_t chunks = 0;
    do {
        assert_ok(files_collect(f->store, &in, &collected));
        chunks += collected.chunks;
    } while (collected.looked > 0);
    return chunks;
}

struct stored {
    struct fixture *f;
    struct str after;
    struct str last; /* results */
    size_t bytes;
    size_t count;
};

static int stored_read(struct txn *txn, void *arg)
{
    struct stored *stored = arg;
    struct arena *arena = store_arena(txn);
    struct str prefix =
        arena_printf(arena, "t/" STR_FMT "/chunk/", STR_ARG(stored->f->ctx.scope.tenant_id));
    struct store_range range = {prefix, store_after(arena, prefix), .limit = 200};
    struct store_pair *pairs;
    stored->bytes = 0;
    if (stored->after.n > 0) {
        range.begin = stored->after;
        range.begin.n++; /* an arena's copy has a zero byte behind it */
    }
    int r = store_scan(txn, &range, &pairs, &stored->count);
    for (size_t i = 0; r == 0 && i < stored->count; i++) {
        stored->bytes += pairs[i].value.n;
        stored->last = pairs[i].key;
    }
    stored->last = arena_str(&stored->f->arena, stored->last);
    return r;
}

size_t fixture_stored(struct fixture *f)
{
    struct stored stored = {.f = f, .count = 1};
    size_t bytes = 0;
    while (stored.count > 0) {
        assert_ok(store_read(f->store, stored_read, &stored));
        stored.after = stored.last;
        bytes += stored.bytes;
    }
    return bytes;
}

static int damage_write(struct txn *txn, void *arg)
{
    struct fixture *f = arg;
    struct arena *arena = store_arena(txn);
    struct str any = DATA_KEY(arena, &f->ctx.scope, DATA_SPACE_CHUNK, STR("x"));
    struct str prefix = str_slice(any, 0, any.n - 1);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = 100};
    struct store_pair *pairs;
    int r = store_scan(txn, &range, &pairs, &f->damaged);
    for (size_t i = 0; r == 0 && i < f->damaged; i++) {
        store_put(txn, pairs[i].key, STR("\0damaged"));
    }
    return r;
}

size_t fixture_damage(struct fixture *f)
{
    assert_ok(store_write(f->store, NULL, damage_write, f));
    return f->damaged;
}

int fixture_chunk(struct data_context *ctx, struct str bytes)
{
    struct content_hash hash;
    content_hash(bytes, &hash);
    struct content_codec *codec = content_codec_create();
    int r = files_chunk_put(ctx, &hash, content_encode(codec, bytes));
    content_codec_destroy(codec);
    return r;
}

static int held_read(struct txn *txn, void *arg)
{
    struct fixture *f = arg;
    return files_held(txn, &f->ctx.scope, &f->held);
}

struct files_held fixture_held(struct fixture *f)
{
    assert_ok(store_read(f->store, held_read, f));
    return f->held;
}

int fixture_move_into(struct fixture *f, struct str from, struct str folder)
{
    struct files_move_input in = {.session = f->session,
                                  .from = from,
                                  .to = arena_printf(&f->arena, STR_FMT "/x", STR_ARG(folder)),
                                  .author = {FILES_USER, STR("u")}};
    struct files_entry entry;
    return files_move(fixture_ctx(f), &in, &entry);
}

void fixture_thin(struct fixture *f, const struct files_keep *what)
{
    struct files_thin_place place = {{0}, {0}};
    bool more = true;
    while (more) {
        assert_ok(files_thin(f->store, what, &place, &more));
    }
}

size_t fixture_versions(struct fixture *f, const char *path, uint64_t *ret_at)
{
    size_t n = 0;
    struct str after = STR_EMPTY;
    do {
        struct files_history_input in = {f->session, str_from(path), after, 100};
        struct files_history page;
        int r = files_history(&f->ctx, &in, &page);
        if (r == ERR_NOT_FOUND) {
            return 0;
        }
        assert_ok(r);
        for (size_t i = 0; i < page.count; i++) {
            ret_at[n++] = page.versions[i].entry.version;
        }
        after = page.next;
    } while (after.n > 0);
    return n;
}

uint64_t fixture_moment(struct fixture *f, uint64_t at)
{
    uint64_t kept = 0;
    assert_ok(files_moment(&f->ctx, f->session, at, &kept));
    return kept;
}

struct counted {
    struct fixture *f;
    enum data_space space;
    size_t keys, ids; /* results */
};

static int counted_read(struct txn *txn, void *arg)
{
    struct counted *c = arg;
    struct arena *arena = store_arena(txn);
    struct str prefix = DATA_PREFIX(arena, &c->f->ctx.scope, c->space, c->f->session);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = STORE_MAX_SCAN};
    struct store_pair *pairs;
    struct str id = STR_EMPTY;
    int r = store_scan(txn, &range, &pairs, &c->keys);
    c->ids = 0;
    for (size_t i = 0; r == 0 && i < c->keys; i++) {
        struct str rest = str_slice(pairs[i].key, prefix.n, pairs[i].key.n);
        struct str own = str_slice(rest, 0, str_find(rest, '/', 0));
        c->ids += !str_eq(own, id);
        id = own;
    }
    return r;
}

static struct counted count(struct fixture *f, enum data_space space)
{
    struct counted c = {.f = f, .space = space};
    assert_ok(store_read(f->store, counted_read, &c));
    assert_true(c.keys < STORE_MAX_SCAN);
    return c;
}

size_t fixture_keys(struct fixture *f, enum data_space space)
{
    return count(f, space).keys;
}

size_t fixture_ids(struct fixture *f, enum data_space space)
{
    return count(f, space).ids;
}
