#include "data/data_int.h"
#include "data/world.h"

struct set {
    const char *version; /* of tenants; NULL: forget it */
    char found[8];       /* result */
};

static int set_fn(struct txn *txn, void *ctx)
{
    const struct set *set = ctx;
    struct str key = data_key_schema(store_arena(txn), &data_tenant_type);
    if (set->version) {
        store_put(txn, key, str_from(set->version));
    } else {
        store_delete(txn, key);
    }
    return 0;
}

static int get_fn(struct txn *txn, void *ctx)
{
    struct set *set = ctx;
    struct str value;
    int r = store_get(txn, data_key_schema(store_arena(txn), &data_tenant_type), &value);
    if (r == 0) {
        (void)snprintf(set->found, sizeof set->found, STR_FMT, STR_ARG(value));
    }
    return r;
}

static int take_after(struct world *w, const char *version, struct data_newer *ret_newer)
{
    assert_int_equal(world_write(w, set_fn, &(struct set){.version = version}), 0);
    return data_schema_take(w->store, ret_newer);
}

static void notes_what_will_be_written(void **state)
{
    struct world *w = *state;
    struct data_newer newer;
    assert_int_equal(data_schema_take(w->store, &newer), 0);
    struct set set = {.version = NULL};
    assert_int_equal(store_read(w->store, get_fn, &set), 0);
    assert_string_equal(set.found, "1");
    assert_int_equal(data_schema_take(w->store, &newer), 0);
    assert_int_equal(take_after(w, NULL, &newer), 0);
    assert_int_equal(store_read(w->store, get_fn, &set), 0);
}

static void refuses_what_is_newer(void **state)
{
    struct world *w = *state;
    struct data_newer newer;
    assert_int_equal(take_after(w, "2", &newer), ERR_NEWER);
    assert_string_equal(newer.record, "tenant");
    assert_int_equal(newer.stored, 2);
    assert_int_equal(newer.known, 1);
    struct data_report report;
    assert_int_equal(data_check(w->store, NULL, &report), 0);
    assert_int_equal(report.faults, 1);
    assert_non_null(strstr(report.lines.at[0], "a newer program wrote here"));
    data_report_fini(&report);
    assert_int_equal(take_after(w, "x", &newer), ERR_CORRUPT);
    assert_int_equal(take_after(w, NULL, &newer), 0);
}

static int other_fn(struct txn *txn, void *ctx)
{
    const char *version = ctx;
    if (version) {
        store_put(txn, STR("g/schema/zeppelin"), str_from(version));
    } else {
        store_delete(txn, STR("g/schema/zeppelin"));
    }
    return 0;
}

static void refuses_what_it_has_no_name_for(void **state)
{
    struct world *w = *state;
    struct data_newer newer;
    char version[] = "1";
    assert_int_equal(world_write(w, other_fn, version), 0);
    assert_int_equal(data_schema_take(w->store, &newer), ERR_NEWER);
    assert_string_equal(newer.record, "zeppelin");
    assert_int_equal(newer.stored, 1);
    assert_int_equal(newer.known, 0);
    struct set set = {.version = NULL};
    assert_int_equal(store_read(w->store, get_fn, &set), ERR_NOT_FOUND); /* nothing was written */
    version[0] = 'x';
    assert_int_equal(world_write(w, other_fn, version), 0);
    assert_int_equal(data_schema_take(w->store, &newer), ERR_CORRUPT);
    assert_int_equal(world_write(w, other_fn, NULL), 0);
    assert_int_equal(data_schema_take(w->store, &newer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(notes_what_will_be_written),
        WORLD_TEST(refuses_what_is_newer),
        WORLD_TEST(refuses_what_it_has_no_name_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
