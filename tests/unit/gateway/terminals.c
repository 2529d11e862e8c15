/* What a door says of its terminals, which anybody in the workspace may have written. */
#include "gateway/gateway_int.h"

#include "unit.h"

#define AT "\"started_at\":\"2026-11-21T04:05:06.789Z\""
#define GOOD \
    "{\"id\":\"main\",\"run\":\"5f0c3e9a7d45218f\",\"state\":\"running\"," AT ",\"sockets\":2}"
#define LIST(what) "{\"terminals\":[" what "]}"

static int parse(struct arena *arena, const char *text, struct gateway_terminals *all)
{
    *all = (struct gateway_terminals){.n = 99};
    int r = gateway_terminals_parse(arena, str_from(text), all);
    assert_true(r == 0 || (r == ERR_BAD_GATEWAY && all->n == 99));
    return r;
}

static void what_is_taken(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct gateway_terminals all;
    assert_int_equal(parse(&arena, LIST(""), &all), 0);
    assert_int_equal(all.n, 0);
    assert_int_equal(
        parse(&arena,
              LIST(GOOD ",{\"id\":\"b\",\"run\":\"1\",\"state\":\"ended\"," AT
                        ",\"sockets\":0,\"exit_code\":7},{\"id\":\"c\",\"run\":\"2\",\"state\":"
                        "\"ended\"," AT ",\"sockets\":0,\"signal\":9,\"more\":1}"),
              &all),
        0);
    assert_int_equal(all.n, 3);
    assert_str(all.at[0].id, "main");
    assert_str(all.at[0].run, "5f0c3e9a7d45218f");
    assert_false(all.at[0].ended);
    assert_int_equal(all.at[0].sockets, 2);
    assert_true(all.at[1].ended && !all.at[1].by_signal && all.at[1].number == 7);
    assert_true(all.at[2].ended && all.at[2].by_signal && all.at[2].number == 9);
}

static void what_is_not(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct gateway_terminals all;
    static const char *const texts[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"terminals\":{}}",
        LIST("1"),
        LIST("{}"),
        LIST(GOOD ",{}"),
        LIST("{\"id\":\"\",\"run\":\"1\",\"state\":\"running\"," AT ",\"sockets\":0}"),
        LIST("{\"id\":\"a/b\",\"run\":\"1\",\"state\":\"running\"," AT ",\"sockets\":0}"),
        LIST("{\"id\":\"<b>\",\"run\":\"1\",\"state\":\"running\"," AT ",\"sockets\":0}"),
        LIST("{\"id\":1,\"run\":\"1\",\"state\":\"running\"," AT ",\"sockets\":0}"),
        LIST("{\"id\":\"a\",\"run\":\"12345678901234567\",\"state\":\"running\"," AT
             ",\"sockets\":0}"),
        LIST("{\"id\":\"a\",\"run\":\"1\",\"state\":\"mine\"," AT ",\"sockets\":0}"),
        LIST("{\"id\":\"a\",\"run\":\"1\",\"state\":\"ended\"," AT ",\"sockets\":0}"),
        LIST("{\"id\":\"a\",\"run\":\"1\",\"state\":\"ended\"," AT
             ",\"sockets\":0,\"exit_code\":256}"),
        LIST("{\"id\":\"a\",\"run\":\"1\",\"state\":\"running\"," AT ",\"sockets\":-1}"),
        LIST("{\"id\":\"a\",\"run\":\"1\",\"state\":\"running\"," AT ",\"sockets\":1001}"),
        LIST("{\"id\":\"a\",\"run\":\"1\",\"state\":\"running\",\"started_at\":\"soon\","
             "\"sockets\":1}"),
        LIST(GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD
                  "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(parse(&arena, texts[i], &all), ERR_BAD_GATEWAY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken),
        cmocka_unit_test(what_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
