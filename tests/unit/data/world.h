/* A store and two tenants for tests of data/: memory by default, sqlite when the test says so. */
#ifndef UNIT_DATA_WORLD_H
#define UNIT_DATA_WORLD_H

#include "base/encode.h"
#include "base/mem.h"
#include "base/rand.h"
#include "data/check.h"
#include "unit.h"

#define WORLD_NOW (1800000000 * USEC_PER_SEC)

struct world {
    struct store *store;
    struct arena arena;
    char directory[32]; /* of sqlite; empty for memory */
    struct data_context ctx;
};

static inline struct store *world_store(const char *driver, char directory[static 32])
{
    struct store_options options = {.driver = driver, .balloon = 4096};
    directory[0] = '\0';
    if (strcmp(driver, "sqlite") == 0) {
        (void)snprintf(directory, 32, "/tmp/unit-data-XXXXXX");
        assert_non_null(mkdtemp(directory));
        options.directory = directory;
    }
    struct store *store;
    assert_int_equal(store_open(&options, &store), 0);
    return store;
}

static inline void world_remove(const char *directory)
{
    if (directory[0]) {
        char command[64];
        (void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
        assert_int_equal(system(command), 0);
    }
}

static inline void world_init(struct world *w, const char *driver)
{
    *w = (struct world){0};
    time_test_set(WORLD_NOW, 1000 * USEC_PER_SEC);
    arena_init(&w->arena);
    w->store = world_store(driver, w->directory);
    w->ctx = (struct data_context){.store = w->store, .arena = &w->arena};
}

static inline void world_assert_consistent(struct store *store)
{
    struct data_report report;
    assert_int_equal(data_check(store, NULL, &report), 0);
    for (size_t i = 0; i < report.lines.n; i++) {
        print_error("%s\n", report.lines.at[i]);
    }
    assert_int_equal(report.faults, 0);
    data_report_fini(&report);
}

static inline void world_fini(struct world *w)
{
    store_close(w->store);
    arena_fini(&w->arena);
    world_remove(w->directory);
    time_test_real();
}

static inline struct scope world_tenant_scope(struct world *w)
{
    return (struct scope){.tenant_id = data_id_make(&w->arena, "ten")};
}

/* Runs fn in a transaction of its own. */
static inline int world_write(struct world *w, store_fn *fn, void *ctx)
{
    struct store_op op = store_op_new();
    return store_write(w->store, &op, fn, ctx);
}

/* ---- a world of its own for each test of cmocka, which leaves it consistent ---- */

static inline int world_setup_memory(void **state)
{
    *state = MEM_NEW(struct world);
    world_init(*state, "memory");
    return 0;
}

static inline int world_setup_sqlite(void **state)
{
    *state = MEM_NEW(struct world);
    world_init(*state, "sqlite");
    return 0;
}

static inline int world_teardown(void **state)
{
    struct world *w = *state;
    world_assert_consistent(w->store);
    world_fini(w);
    mem_free(w);
    return 0;
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup_memory, world_teardown)
#define WORLD_TEST_SQLITE(name) \
    cmocka_unit_test_setup_teardown(name, world_setup_sqlite, world_teardown)

/* ---- tenants ---- */

struct world_tenant {
    struct scope scope;
    struct data_tenant tenant;
};

static inline int world_tenant_fn(struct txn *txn, void *ctx)
{
    struct world_tenant *t = ctx;
    t->tenant = (struct data_tenant){.id = t->scope.tenant_id,
                                     .name = STR("A"),
                                     .created_at = 1000,
                                     .updated_at = 1000,
                                     .revision = 1};
    return data_tenant_put(txn, &t->scope, &t->tenant);
}

static inline struct scope world_tenant(struct world *w)
{
    struct world_tenant t = {.scope = world_tenant_scope(w)};
    assert_int_equal(world_write(w, world_tenant_fn, &t), 0);
    return t.scope;
}

#endif
