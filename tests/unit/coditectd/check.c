/* The checker as an operator sees it: its exit status, over a store on the disk. */
#include "coditectd/check.h"

#include <unistd.h>

#include "data/world.h"

struct place {
    char data[32];
    char store[64];
};

static int setup(void **state)
{
    static struct place place;
    (void)snprintf(place.data, sizeof place.data, "/tmp/unit-check-XXXXXX");
    assert_non_null(mkdtemp(place.data));
    assert_int_equal(chdir(place.data), 0); /* as the server has it */
    (void)snprintf(place.store, sizeof place.store, "%s/store", place.data);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    const struct place *place = *state;
    assert_int_equal(chdir("/"), 0);
    world_remove(place->data);
    return 0;
}

static struct store *open_there(const struct place *place)
{
    struct store *store;
    const struct store_options options = {
        .driver = "sqlite", .directory = place->store, .balloon = 4096};
    assert_int_equal(store_open(&options, &store), 0);
    return store;
}

static int put_fn(struct txn *txn, void *ctx)
{
    store_put(txn, *(const struct str *)ctx, STR("value"));
    return 0;
}

static void a_whole_store(void **state)
{
    const struct place *place = *state;
    store_close(open_there(place));
    assert_int_equal(coditectd_check_place(place->data), 0);
    assert_int_equal(coditectd_check(place->data, "sqlite"), 0);
}

static void a_fault_is_found(void **state)
{
    const struct place *place = *state;
    struct store *store = open_there(place);
    struct str key = STR("t/nobody/session/none");
    assert_int_equal(store_write(store, NULL, put_fn, &key), 0);
    store_close(store);
    assert_int_equal(coditectd_check(place->data, "sqlite"), 1);
}

static void a_store_in_use_is_left_alone(void **state)
{
    const struct place *place = *state;
    struct store *store = open_there(place);
    assert_int_equal(coditectd_check(place->data, "sqlite"), 1);
    store_close(store);
}

/* Nothing is made where there was nothing. */
static void no_store(void **state)
{
    const struct place *place = *state;
    assert_int_equal(coditectd_check_place(place->data), ERR_NOT_FOUND);
    assert_int_equal(access(place->store, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_whole_store, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fault_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_in_use_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(no_store, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
