/*
 * Collection of what nothing names: what goes and what stays, one by one; then beside threads that write, copy from each
 * other as workspaces do, fork, and end whole trees. A control run that does not ask for names must lose something.
 */
#include "files/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/rand.h"

struct census {
    const struct scope *scope;
    size_t chunks, stored, refs, loose;
};

static int census_read(struct txn *txn, void *arg)
{
    static const enum data_space spaces[] = {DATA_SPACE_CHUNK, DATA_SPACE_STORED,
                                             DATA_SPACE_CHUNKREF};
    struct census *c = arg;
    struct arena *arena = store_arena(txn);
    size_t *const counts[] = {&c->chunks, &c->stored, &c->refs};
    struct store_pair *pairs;
    int r = 0;
    for (size_t i = 0; r == 0 && i < 3; i++) {
        struct str any = DATA_KEY(arena, c->scope, spaces[i], STR("x"));
        struct str prefix = str_slice(any, 0, any.n - 1);
        struct store_range range = {prefix, store_after(arena, prefix), .limit = 400};
        r = store_scan(txn, &range, &pairs, counts[i]);
    }
    struct data_loose *loose;
    return r < 0 ? r : data_loose_list(txn, UINT64_MAX, &loose, &c->loose);
}

static struct census census(struct fixture *f)
{
    struct census c = {.scope = &f->ctx.scope};
    assert_ok(store_read(f->store, census_read, &c));
    return c;
}

struct purging {
    const struct scope *scope;
    struct str session;
    bool more;
};

static int purge_write(struct txn *txn, void *arg)
{
    struct purging *p = arg;
    return files_purge(txn, p->scope, p->session, &p->more);
}

static int purge(struct store *store, const struct scope *scope, struct str session)
{
    struct purging p = {scope, session, true};
    int r = 0;
    while (r == 0 && p.more) {
        struct store_op op = store_op_new();
        r = store_write(store, &op, purge_write, &p);
    }
    return r;
}

static void test_named_content_is_in_no_queue(void **state)
{
    struct fixture *f = *state;
    put(f, "a", fixture_noise(f, 3000, 1));
    put(f, "b", fixture_noise(f, 300 * 1000, 2));
    put(f, "b", fixture_noise(f, 300 * 1000, 3));
    drop(f, "a");
    struct census before = census(f);
    assert_true(before.chunks > 10);
    assert_int_equal(before.loose, 0); /* so collecting costs nothing */
    assert_int_equal(fixture_collect(f, 0), 0);
    assert_int_equal(census(f).chunks, before.chunks);
    assert_int_equal(fixture_faults(f), 0);
}

static void test_an_upload_that_never_came(void **state)
{
    struct fixture *f = *state;
    assert_ok(fixture_chunk(&f->ctx, fixture_noise(f, 9000, 1)));
    assert_int_equal(census(f).loose, 1);
    assert_int_equal(fixture_collect(f, 1), 0); /* young */
    assert_int_equal(census(f).chunks, 1);
    assert_int_equal(fixture_collect(f, 0), 1);
    struct census after = census(f);
    assert_int_equal(after.chunks + after.stored + after.loose, 0);
}

/* What was cut off is sent again before its time is over: that counts from the last of the two, however short it is. */
static void test_an_upload_that_came_again(void **state)
{
    struct fixture *f = *state;
    usec_t hour = 3600 * USEC_PER_SEC;
    static const unsigned spares[] = {1, 2, 6, 24};
    usec_t start = time_now() / hour * hour + 24 * hour; /* ahead of what the store has seen */
    for (size_t i = 0; i < sizeof spares / sizeof spares[0]; i++) {
        struct str bytes = fixture_noise(f, 9000, i);
        usec_t spare = spares[i] * hour;
        time_test_set(start, time_monotonic());
        assert_ok(fixture_chunk(&f->ctx, bytes));
        time_test_advance(spare); /* it would go within the hour */
        assert_int_equal(fixture_collect(f, spares[i]), 0);
        assert_ok(fixture_chunk(&f->ctx, bytes));
        time_test_advance(spare);
        assert_int_equal(fixture_collect(f, spares[i]), 0);
        time_test_advance(hour);
        assert_int_equal(fixture_collect(f, spares[i]), 1);
        start = time_now();
    }
    time_test_real();
}

static int plant_write(struct txn *txn, void *arg)
{
    const struct data_loose *queued = arg;
    struct str plain = data_key_loose(store_arena(txn), queued);
    struct str shorter = str_slice(plain, 0, plain.n - queued->hash.n - DATA_ID_SIZE - 1);
    store_put(txn, plain, STR_EMPTY);
    store_put(txn, arena_printf(store_arena(txn), STR_FMT "x", STR_ARG(shorter)), STR_EMPTY);
    return 0;
}

/* Keys in the queue that nothing makes: they keep no content in it, and the checker tells of them. */
static void test_what_is_no_content_keeps_no_other(void **state)
{
    struct fixture *f = *state;
    assert_ok(fixture_chunk(&f->ctx, fixture_noise(f, 9000, 1)));
    struct data_loose queued = {.scope = f->ctx.scope, .hour = 1, .hash = STR("nonsense")};
    struct store_op op = store_op_new();
    assert_ok(store_write(f->store, &op, plant_write, &queued));
    assert_int_equal(fixture_faults(f), 2);
    assert_int_equal(fixture_collect(f, 0), 1);
    assert_int_equal(census(f).chunks, 0);
}

/* Two sessions with the same file: it stays until both are gone, then pages, chunks and references all go. */
static void test_purge_and_what_it_leaves(void **state)
{
    struct fixture *f = *state;
    struct str bytes = fixture_noise(f, 3 * 1000 * 1000, 1);
    put(f, "folder/big", bytes);
    put(f, "folder/small", STR("small"));
    struct str first = f->session;
    f->session = f->second;
    put(f, "copy", bytes);
    struct census before = census(f);
    assert_ok(purge(f->store, &f->ctx.scope, first));
    assert_int_equal(fixture_collect(f, 0), 0);
    assert_int_equal(census(f).chunks, before.chunks);
    assert_true(str_eq(slurp(f, "copy", 0), bytes));
    assert_int_equal(fixture_faults(f), 0);
    assert_ok(purge(f->store, &f->ctx.scope, f->second));
    assert_int_equal(fixture_collect(f, 0), before.chunks);
    struct census after = census(f);
    assert_int_equal(after.chunks + after.stored + after.refs + after.loose, 0);
    assert_int_equal(fixture_faults(f), 0);
}

static void test_a_damaged_page_stays(void **state)
{
    struct fixture *f = *state;
    put(f, "big", fixture_noise(f, 300 * 1000, 1));
    size_t before = census(f).chunks;
    assert_int_equal(fixture_damage(f), before);
    assert_ok(purge(f->store, &f->ctx.scope, f->session));
    assert_int_equal(fixture_collect(f, 0), 0);
    assert_int_equal(census(f).chunks, before);
    assert_int_equal(census(f).loose, 0); /* and is not looked at again and again */
}

/* ---- all at once ---- */

enum { WRITERS = 3, PATHS = 6, CONTENTS = 10, TURNS = 100 };

struct world {
    struct fixture *f;
    struct str sessions[WRITERS];
    struct str forks[WRITERS]; /* each writer's own, for as long as it looks at it */
    struct str contents[CONTENTS];
    struct content_hash hashes[CONTENTS];
    struct content_hash last[WRITERS][PATHS]; /* acknowledged; all zero: nothing */
    atomic_int running;
    atomic_int errors;
    atomic_size_t lost_of_forks;
    atomic_size_t collected, copied, forked, again;
    bool careless;
};

struct writer {
    struct world *w;
    size_t number;
    uint64_t random;
    struct arena arena;
    struct data_context ctx;
};

static size_t below(struct writer *t, size_t n)
{
    t->random = t->random * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(t->random >> 33) % n;
}

static bool expected(struct writer *t, int r)
{
    if (r == ERR_MISSING_CHUNKS) {
        atomic_fetch_add(&t->w->again, 1);
    } else if (r < 0 && r != ERR_NOT_FOUND && !(r == ERR_CORRUPT && t->w->careless)) {
        print_error("%s\n", err_name(r));
        atomic_fetch_add(&t->w->errors, 1);
    }
    return r == 0;
}

static struct str path_of(struct writer *t, size_t path)
{
    return arena_printf(&t->arena, "folder/%zu", path);
}

static void write_one(struct writer *t)
{
    size_t path = below(t, PATHS);
    size_t content = below(t, CONTENTS);
    struct files_put_input in = {.session = t->w->sessions[t->number],
                                 .path = path_of(t, path),
                                 .author = {FILES_USER, t->ctx.scope.user_id},
                                 .parents = true,
                                 .mode = -1,
                                 .expected = -1};
    struct files_entry entry;
    t->ctx.op = store_op_new();
    if (expected(t, files_put(&t->ctx, &in, t->w->contents[content], &entry))) {
        t->w->last[t->number][path] = entry.hash;
    }
}

/* What somebody else has there, by its manifest alone: as a fork or a workspace names what the store has. */
static void copy_one(struct writer *t)
{
    size_t path = below(t, PATHS);
    size_t from = (t->number + 1 + below(t, WRITERS - 1)) % WRITERS;
    struct files_entry theirs;
    struct files_entry mine;
    if (!expected(t, files_stat(&t->ctx, t->w->sessions[from], path_of(t, path), &theirs))) {
        return;
    }
    int r = files_stat(&t->ctx, t->w->sessions[t->number], path_of(t, path), &mine);
    struct files_change change = {.kind = FILES_CHANGE_PUT,
                                  .path = path_of(t, path),
                                  .base = r == 0 ? mine.version : 0,
                                  .mode = 0644,
                                  .mtime = time_now(),
                                  .hash = theirs.hash,
                                  .manifest = theirs.manifest,
                                  .author = {FILES_USER, t->ctx.scope.user_id}};
    struct files_apply_input in = {
        .session = t->w->sessions[t->number], .changes = &change, .count = 1};
    struct files_apply_result result;
    t->ctx.op = store_op_new();
    if (!expected(t, files_apply(&t->ctx, &in, &result))) {
        return;
    }
    if (result.outcome == FILES_APPLIED) {
        t->w->last[t->number][path] = theirs.hash;
        atomic_fetch_add(&t->w->copied, 1);
    } else if (result.outcome == FILES_MISSING) {
        atomic_fetch_add(&t->w->again, 1); /* collected meanwhile, and it was said */
    } else {
        atomic_fetch_add(&t->w->errors, 1);
    }
}

/* Whether the file is there as it was. */
static bool holds(struct data_context *ctx, const struct files_open_input *in,
                  const struct content_hash *expected)
{
    struct files_reader *reader = NULL;
    struct files_entry entry;
    struct content_hash hash;
    struct content_hasher *hasher = content_hasher_create();
    struct str bytes = STR("x");
    int r = files_reader_open(ctx, in, &reader, &entry);
    while (r == 0 && bytes.n > 0 && (r = files_reader_next(reader, &bytes)) == 0) {
        content_hasher_add(hasher, bytes);
    }
    content_hasher_end(hasher, &hash);
    content_hasher_destroy(hasher);
    files_reader_destroy(reader);
    return r == 0 && content_hash_eq(&hash, expected);
}

static const struct content_hash none;

/* Of the files that should be in a session those that are not, or not as they should be. */
static size_t missing(struct data_context *ctx, struct str session,
                      const struct content_hash expected[PATHS])
{
    size_t count = 0;
    for (size_t path = 0; path < PATHS; path++) {
        struct files_open_input in = {session, arena_printf(ctx->arena, "folder/%zu", path), 0};
        count += !content_hash_eq(&expected[path], &none) && !holds(ctx, &in, &expected[path]);
    }
    return count;
}

/* In small steps, between which the origin is written to; what came is read, and ends. */
static void fork_one(struct writer *t)
{
    struct world *w = t->w;
    struct content_hash then[PATHS];
    struct files_totals totals;
    struct files_forked forked = {.more = true};
    struct files_fork_input in = {
        .from = w->sessions[t->number], .to = w->forks[t->number], .limit = 2};
    bool good = expected(t, files_totals(&t->ctx, in.from, &totals)) && totals.seq > 0;
    in.at = good ? totals.seq : 0;
    memcpy(then, w->last[t->number], sizeof then);
    while (good && forked.more) {
        t->ctx.op = store_op_new();
        good = expected(t, files_fork_step(&t->ctx, &in, &forked));
        in.after = good ? forked.next : STR_EMPTY;
        write_one(t);
    }
    size_t lost = good ? missing(&t->ctx, in.to, then) : 0;
    atomic_fetch_add(&w->lost_of_forks, lost);
    atomic_fetch_add(&w->forked, good);
    (void)expected(t, purge(t->ctx.store, &t->ctx.scope, in.to));
}

static void *writer_run(void *arg)
{
    struct writer *t = arg;
    for (int i = 0; i < TURNS; i++) {
        size_t what = below(t, 10);
        if (what == 0) {
            (void)expected(t, purge(t->ctx.store, &t->ctx.scope, t->w->sessions[t->number]));
            memset(t->w->last[t->number], 0, sizeof t->w->last[t->number]);
        } else if (what == 1) {
            fork_one(t);
        } else if (what < 5) {
            copy_one(t);
        } else {
            write_one(t);
        }
        arena_reset(&t->arena);
    }
    atomic_fetch_sub(&t->w->running, 1);
    return NULL;
}

static void *collector_run(void *arg)
{
    struct world *w = arg;
    struct files_collect_input in = {.careless = w->careless};
    while (atomic_load(&w->running) > 0) {
        struct files_collected collected = {0};
        int r = files_collect(w->f->store, &in, &collected);
        atomic_fetch_add(&w->collected, collected.chunks);
        if (r < 0) {
            print_error("collect: %s\n", err_name(r));
            atomic_fetch_add(&w->errors, 1);
        }
    }
    return NULL;
}

static int session_write(struct txn *txn, void *arg)
{
    struct fixture *f = arg;
    struct data_session session;
    int r = data_session_get(txn, &f->ctx.scope, f->second, &session);
    if (r == 0) {
        session.id = f->theirs; /* made anew, in this tenant */
        r = data_session_put(txn, &f->ctx.scope, &session);
    }
    return r;
}

static void world_run(struct world *w, struct fixture *f, uint64_t seed)
{
    static const size_t sizes[] = {600, 40000, 90000, 200000};
    *w = (struct world){.f = f, .careless = w->careless, .running = WRITERS};
    struct str const sessions[] = {f->session, f->second, data_id_make(&f->arena, "ses")};
    f->theirs = sessions[2];
    assert_ok(store_write(f->store, NULL, session_write, f));
    memcpy(w->sessions, sessions, sizeof sessions);
    for (size_t i = 0; i < WRITERS; i++) {
        w->forks[i] = arena_str(&f->arena, fixture_session(f));
    }
    struct str base = fixture_noise(f, 300000, seed);
    for (size_t i = 0; i < CONTENTS; i++) { /* overlapping, so that chunks are shared */
        w->contents[i] = str_slice(base, i / 4 * 20000, i / 4 * 20000 + sizes[i % 4]);
        content_hash(w->contents[i], &w->hashes[i]);
    }
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS + 1];
    for (size_t i = 0; i < WRITERS; i++) {
        writers[i] =
            (struct writer){.w = w, .number = i, .random = seed * WRITERS + i, .ctx = f->ctx};
        arena_init(&writers[i].arena);
        writers[i].ctx.arena = &writers[i].arena;
        assert_int_equal(pthread_create(&threads[i], NULL, writer_run, &writers[i]), 0);
    }
    assert_int_equal(pthread_create(&threads[WRITERS], NULL, collector_run, w), 0);
    for (size_t i = 0; i <= WRITERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        arena_fini(&writers[i].arena);
    }
}

/* How many of the files that were acknowledged, or forked, are not there as they were. */
static size_t lost(struct world *w)
{
    size_t count = atomic_load(&w->lost_of_forks);
    for (size_t i = 0; i < WRITERS; i++) {
        count += missing(&w->f->ctx, w->sessions[i], w->last[i]);
    }
    return count;
}

static void test_beside_writers_and_copies(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = rand_u64() >> 8;
    struct world *w = MEM_NEW(struct world);
    world_run(w, f, seed);
    print_message("seed %llu: %zu copies, %zu forks, %zu collected, %zu sent again\n",
                  (unsigned long long)seed, atomic_load(&w->copied), atomic_load(&w->forked),
                  atomic_load(&w->collected), atomic_load(&w->again));
    assert_int_equal(atomic_load(&w->errors), 0);
    assert_true(atomic_load(&w->forked) > 0);
    assert_int_equal(lost(w), 0);
    assert_int_equal(fixture_faults(f), 0);
    for (size_t i = 0; i < WRITERS; i++) {
        assert_ok(purge(f->store, &f->ctx.scope, w->sessions[i]));
    }
    size_t rest = census(f).chunks;
    assert_int_equal(fixture_collect(f, 0), rest);
    struct census after = census(f);
    assert_int_equal(after.chunks + after.stored + after.refs + after.loose, 0);
    mem_free(w);
}

static void test_careless_collection_loses(void **state)
{
    struct world *w = MEM_NEW(struct world);
    size_t count = 0;
    for (uint64_t seed = 1; count == 0 && seed < 200; seed++) {
        struct fixture *f = fixture_create(NULL);
        w->careless = true;
        world_run(w, f, seed);
        count = lost(w) + fixture_faults(f);
        fixture_destroy(f);
    }
    assert_true(count > 0);
    mem_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_named_content_is_in_no_queue),
        cmocka_unit_test(test_an_upload_that_never_came),
        cmocka_unit_test(test_an_upload_that_came_again),
        cmocka_unit_test(test_purge_and_what_it_leaves),
        cmocka_unit_test(test_a_damaged_page_stays),
        cmocka_unit_test(test_what_is_no_content_keeps_no_other),
        cmocka_unit_test(test_beside_writers_and_copies),
        cmocka_unit_test(test_careless_collection_loses),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
