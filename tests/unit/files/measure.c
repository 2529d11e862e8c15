/* What a folder once held does not stand in the way: how far it reaches is looked up before a move is refused, and written down. */
#include "files/changes.h"

#include <pthread.h>

/* How many folders say that something lies so deep below them. */
struct deep {
    struct fixture *f;
    size_t levels;
    size_t count;
};

static int deep_read(struct txn *txn, void *arg)
{
    struct deep *deep = arg;
    struct fixture *f = deep->f;
    struct arena *arena = store_arena(txn);
    struct str prefix = arena_printf(arena, "t/" STR_FMT "/node/" STR_FMT "/",
                                     STR_ARG(f->ctx.scope.tenant_id), STR_ARG(f->session));
    struct store_range range = {prefix, store_after(arena, prefix), .limit = STORE_MAX_SCAN};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(txn, &range, &pairs, &count);
    deep->count = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        deep->count += strtoull(pairs[i].value.p + 48, NULL, 16) >= deep->levels;
    }
    return r;
}

static size_t deep_folders(struct fixture *f, size_t levels)
{
    struct deep deep = {.f = f, .levels = levels};
    assert_ok(store_read(f->store, deep_read, &deep));
    return deep.count;
}

static void test_move_once_deep(void **state)
{
    struct fixture *f = *state;
    char path[64];
    make(f, fixture_chain(f, 'b', 1, 107).p);
    make(f, fixture_chain(f, 'a', 1, 150).p);
    for (int i = 0; i < 200; i++) { /* more than is looked at at once, around what was deep */
        (void)snprintf(path, sizeof path, "a/%s%03d", i % 2 ? "z" : "b", i);
        put(f, path, STR("1"));
        (void)snprintf(path, sizeof path, "a/m%03d/n", i);
        make(f, path);
    }
    assert_int_equal(fixture_move_into(f, STR("a"), fixture_chain(f, 'b', 1, 107)), ERR_LIMIT);
    drop(f, fixture_chain(f, 'a', 1, 149).p); /* 148 are left */
    assert_int_equal(deep_folders(f, 149), 1);
    assert_ok(fixture_move_into(f, STR("a"), fixture_chain(f, 'b', 1, 107))); /* 108 + 148 */
    assert_int_equal(deep_folders(f, 149), 106); /* those that it is in now */
    move(f, arena_printf(&f->arena, STR_FMT "/x", STR_ARG(fixture_chain(f, 'b', 1, 107))).p, "a");
    drop(f, "a/n");
    struct files_copy_input copy = {.session = f->session,
                                    .from = STR("a"),
                                    .to = fixture_chain(f, 'c', 1, 253),
                                    .author = {FILES_USER, STR("u")},
                                    .limit = 1000};
    struct files_entry entry;
    assert_ok(files_copy(fixture_ctx(f), &copy, &entry));
    struct files_totals totals;
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    assert_int_equal(totals.files, 400);
    fixture_check(f);
}

static void test_batch_once_deep(void **state)
{
    struct fixture *f = *state;
    struct str folder = fixture_chain(f, 'b', 1, 107);
    make(f, folder.p);
    make(f, fixture_chain(f, 'a', 1, 150).p);
    struct files_entry entry;
    assert_ok(files_stat(&f->ctx, f->session, STR("a"), &entry));
    struct files_change change = other_change(FILES_CHANGE_MOVE, "a", entry.version);
    change.to = arena_printf(&f->arena, STR_FMT "/x", STR_ARG(folder));
    struct files_apply_input in = {.session = f->session, .changes = &change, .count = 1};
    struct files_apply_result result;
    assert_int_equal(files_apply(fixture_ctx(f), &in, &result), ERR_LIMIT);
    drop(f, fixture_chain(f, 'a', 1, 149).p);
    assert_int_equal(apply(f, &change, 1).outcome, FILES_APPLIED);
    fixture_check(f);
}

/* By bytes, where each of many folders was too long once; one of them is still. */
static void test_move_once_long(void **state)
{
    struct fixture *f = *state;
    const char *name = fixture_long(f, 0) + 256 * 14; /* two of 255 bytes */
    char path[600];
    for (int i = 0; i < 70; i++) {
        (void)snprintf(path, sizeof path, "a/%02d/%s", i, name);
        put(f, path, STR("1"));
        if (i != 50) {
            (void)snprintf(path, sizeof path, "a/%02d", i);
            drop(f, arena_printf(&f->arena, "%s/%.255s", path, name).p);
        }
    }
    struct str deep = str_of(fixture_long(f, 1), 256 * 14 - 1);
    make(f, arena_str(&f->arena, deep).p);
    assert_int_equal(fixture_move_into(f, STR("a"), deep), ERR_LIMIT);
    drop(f, arena_printf(&f->arena, "a/50/%.255s", name).p);
    assert_ok(fixture_move_into(f, STR("a"), deep));
    fixture_check(f);
}

/* A deleted folder comes back by what is in it, not by what once was. */
static void test_restore_once_deep(void **state)
{
    struct fixture *f = *state;
    struct files_entry entry;
    struct str home = fixture_chain(f, 'h', 1, 200);
    const char *folder = arena_printf(&f->arena, STR_FMT "/f", STR_ARG(home)).p;
    make(f, folder);
    uint64_t then = move(f, folder, "f").version - 1;
    make(f, arena_printf(&f->arena, "f/" STR_FMT, STR_ARG(fixture_chain(f, 'g', 1, 100))).p);
    drop(f, "f/g");
    drop(f, "f");
    struct files_restore_input in = {.session = f->session,
                                     .path = str_from(folder),
                                     .version = then,
                                     .author = {FILES_USER, STR("u")}};
    assert_ok(files_restore(fixture_ctx(f), &in, &entry));
    fixture_check(f);
}

/* ---- others write meanwhile ---- */

struct writer {
    struct fixture *f;
    struct data_context ctx;
    struct str path;
    int result;
};

static void *writer_run(void *arg)
{
    struct writer *w = arg;
    struct files_put_input in = fixture_put(w->f, w->path);
    struct files_entry entry;
    w->result = files_mkdir(&w->ctx, &in, &entry);
    return NULL;
}

static void drop_if_there(struct fixture *f, const char *path)
{
    struct files_entry entry;
    if (files_stat(&f->ctx, f->session, str_from(path), &entry) == 0) {
        drop(f, path);
    }
}

/* What comes while it is looked up is known of afterwards: the checker finds a folder that reaches further than it says. */
static void test_beside_a_writer(void **state)
{
    struct fixture *f = *state;
    char path[64];
    struct str deep = fixture_chain(f, 'b', 1, 200);
    make(f, arena_str(&f->arena, deep).p);
    for (int i = 0; i < 300; i++) { /* several looks */
        (void)snprintf(path, sizeof path, "a/n%03d", i);
        make(f, path);
    }
    for (int round = 0; round < 8; round++) {
        ARENA_AUTO(arena);
        struct writer w = {.f = f, .ctx = f->ctx};
        pthread_t thread;
        make(f,
             arena_printf(&f->arena, "a/n005/" STR_FMT, STR_ARG(fixture_chain(f, 'c', 1, 100))).p);
        drop(f, "a/n005/c");
        w.ctx.arena = &arena;
        w.ctx.op = store_op_new();
        w.path = arena_printf(&arena, "a/n005/" STR_FMT, STR_ARG(fixture_chain(f, 'd', 1, 90)));
        assert_int_equal(pthread_create(&thread, NULL, writer_run, &w), 0);
        int r = fixture_move_into(f, STR("a"), deep);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(r == 0 || r == ERR_LIMIT);
        assert_ok(w.result);
        fixture_check(f);
        if (r == 0) {
            drop_if_there(f, "a"); /* it came after the move */
            move(f, arena_printf(&f->arena, STR_FMT "/x", STR_ARG(deep)).p, "a");
        }
        drop_if_there(f, "a/n005/d");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_move_once_deep),  cmocka_unit_test(test_batch_once_deep),
        cmocka_unit_test(test_move_once_long),  cmocka_unit_test(test_restore_once_deep),
        cmocka_unit_test(test_beside_a_writer),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
