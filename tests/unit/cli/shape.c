#include "cli/cli_int.h"

#include "unit.h"

static int read_device(const char *text, struct cli_device *ret_device, struct buf *problem)
{
    static struct arena arena;
    arena_fini(&arena);
    arena_init(&arena);
    struct json *value;
    struct cli_run run = {0};
    buf_init(&run.problem, 4096);
    assert_int_equal(json_parse(&arena, str_from(text), &value, NULL), 0);
    int r = cli_shape_read(&run, &cli_shape_device, value, ret_device);
    buf_clear(problem);
    buf_add(problem, buf_str(&run.problem));
    buf_fini(&run.problem);
    if (r < 0) {
        arena_fini(&arena);
        arena = (struct arena){0};
    }
    return r;
}

#define REST "\"current\":true,\"created_at\":\"a\",\"last_access_at\":\"b\""

static void members_find_their_places(void **state)
{
    (void)state;
    BUF_AUTO(problem, 4096);
    struct cli_device device = {0};
    assert_int_equal(read_device("{\"id\":\"x\",\"new\":[1]," REST "}", &device, &problem), 0);
    assert_true(device.current);
    assert_false(device.has_address);
    assert_int_equal(read_device("{\"id\":\"x\",\"address\":\"y\"," REST "}", &device, &problem),
                     0);
    assert_true(device.has_address);
}

static void what_does_not_fit_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{" REST "}", "has no id"},
        {"{\"id\":7," REST "}", "id is not understood"},
        {"{\"id\":\"x\",\"address\":null," REST "}", "address is not understood"},
        {"[]", "has no id"},
        {"null", "has no id"},
    };
    BUF_AUTO(problem, 4096);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cli_device device = {0};
        assert_int_equal(read_device(cases[i].text, &device, &problem), ERR_CORRUPT);
        assert_non_null(strstr(buf_z(&problem), cases[i].says));
    }
}

static void objects_within_objects(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct json *value;
    struct cli_run run = {0};
    buf_init(&run.problem, 4096);
    struct cli_history_entry entry = {0};
    static const char text[] =
        "{\"version\":7,\"op\":\"write\",\"at\":\"t\",\"author\":{\"kind\":\"user\",\"id\":\"i\"}}";
    assert_int_equal(json_parse(&arena, str_from(text), &value, NULL), 0);
    assert_int_equal(cli_shape_read(&run, &cli_shape_history_entry, value, &entry), 0);
    assert_int_equal(entry.version, 7);
    assert_str(entry.author.kind, "user");
    static const char flat[] = "{\"version\":7,\"op\":\"write\",\"at\":\"t\",\"author\":\"user\"}";
    assert_int_equal(json_parse(&arena, str_from(flat), &value, NULL), 0);
    assert_int_equal(cli_shape_read(&run, &cli_shape_history_entry, value, &entry), ERR_CORRUPT);
    buf_fini(&run.problem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_find_their_places),
        cmocka_unit_test(what_does_not_fit_is_said),
        cmocka_unit_test(objects_within_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
