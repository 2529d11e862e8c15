/* Pages of the tree and of changes. */
#include "wire_test.h"

#define DIR_ENTRY "\"path\":\"a\",\"kind\":\"dir\",\"version\":4,\"mode\":420,\"mtime\":1"
#define EVENT(op, more) \
    "{\"seq\":4,\"op\":\"" op "\"," more \
    "\"at\":77,\"author\":{\"kind\":\"user\",\"id\":\"\"}," DIR_ENTRY "}"

static void test_same(void **state)
{
    assert_same(tree, "{\"entries\":[],\"seq\":0,\"next\":null}");
    assert_same(tree,
                "{\"entries\":[{" DIR_ENTRY "},{" DIR_ENTRY "}],\"seq\":9,\"next\":\"YS9i_w\"}");
    assert_same(events, "{\"events\":[],\"seq\":0,\"more\":false}");
    assert_same(events,
                "{\"events\":[" EVENT("write", "") "," EVENT("move", "\"from\":\"b\",") "," EVENT(
                    "delete", "") "," EVENT("restore", "") "],\"seq\":4,\"more\":true}");
}

static void test_refused(void **state)
{
    assert_refused(tree, STR("{\"entries\":[],\"seq\":0}"));
    assert_refused(tree, STR("{\"entries\":[],\"seq\":0,\"next\":\"\"}"));
    assert_refused(tree, STR("{\"entries\":[],\"seq\":0,\"next\":\"?\"}"));
    assert_refused(tree, STR("{\"entries\":[7],\"seq\":0,\"next\":null}"));
    assert_refused(events, STR("{\"events\":[],\"seq\":0}"));
    assert_refused(events, STR("{\"events\":[" EVENT("chmod", "") "],\"seq\":0,\"more\":false}"));
    assert_refused(events, STR("{\"events\":[" EVENT("move", "") "],\"seq\":0,\"more\":false}"));
}

static void test_limits(void **state)
{
    MEM_AUTO char *most = wire_repeat("{\"entries\":[", "{" DIR_ENTRY "}", WIRE_MAX_ENTRIES,
                                      "],\"seq\":0,\"next\":null}");
    assert_same(tree, most);
    MEM_AUTO char *more = wire_repeat("{\"entries\":[", "{" DIR_ENTRY "}", WIRE_MAX_ENTRIES + 1,
                                      "],\"seq\":0,\"next\":null}");
    assert_refused(tree, str_from(more));
    MEM_AUTO char *events = wire_repeat("{\"events\":[", EVENT("write", ""), WIRE_MAX_CHANGES + 1,
                                        "],\"seq\":0,\"more\":false}");
    assert_refused(events, str_from(events));
    BUF_AUTO(large, WIRE_MAX_MESSAGE + 64);
    buf_add(&large, STR("{\"entries\":[],\"seq\":0,\"next\":null"));
    while (large.n < WIRE_MAX_MESSAGE) {
        buf_byte(&large, ' ');
    }
    buf_byte(&large, '}');
    assert_refused(tree, buf_str(&large));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
