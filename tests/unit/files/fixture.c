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
