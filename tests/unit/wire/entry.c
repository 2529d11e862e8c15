/* Entries: the forms of content, and what must fit together. */
#include "wire_test.h"

#define TREE(entry) "{\"entries\":[{" entry "}],\"seq\":5,\"next\":null}"
#define HEAD(kind) "\"path\":\"a\",\"kind\":\"" kind "\",\"version\":4,\"mode\":420,\"mtime\":1"
#define FILE_HEAD(size) HEAD("file") ",\"size\":" size ",\"hash\":\"" HASH_A "\""

static void test_same(void **state)
{
    assert_same(tree, TREE(HEAD("dir")));
    assert_same(tree, TREE(FILE_HEAD("1") ",\"bytes\":\"YQ==\""));
    assert_same(tree, TREE(FILE_HEAD("65536") ",\"levels\":0"));
    assert_same(tree, TREE(FILE_HEAD("68719476736") ",\"levels\":3,\"root\":\"" HASH_0 "\""));
    assert_same(tree, TREE(HEAD("symlink") ",\"target\":\"../x\""));
    assert_same(tree, TREE(HEAD("symlink") ",\"target_b64\":\"/w==\""));
    assert_same(tree, TREE(FILE_HEAD("1") ",\"damaged\":true"));
    assert_same(tree,
                TREE(HEAD("symlink") ",\"size\":700,\"hash\":\"" HASH_A "\",\"damaged\":true"));
}

static void test_refused(void **state)
{
    static const char *const trees[] = {
        TREE(HEAD("socket")),
        TREE(HEAD("file")),
        TREE("\"path\":\"a\",\"kind\":\"dir\",\"version\":4,\"mode\":4096,\"mtime\":1"),
        TREE("\"path\":\"a\",\"kind\":\"dir\",\"version\":4,\"mode\":420"),
        TREE("\"path\":\"a\",\"kind\":\"dir\",\"version\":4,\"mode\":420,\"mtime\":\"1\""),
        TREE(FILE_HEAD("1") ",\"bytes\":\"Yg==\""), /* not what the hash says */
        TREE(FILE_HEAD("1") ",\"bytes\":\"Y\""),
        TREE(FILE_HEAD("0") ",\"levels\":0"),
        TREE(FILE_HEAD("65537") ",\"levels\":0"),
        TREE(FILE_HEAD("68719476737") ",\"levels\":3,\"root\":\"" HASH_0 "\""),
        TREE(FILE_HEAD("70000") ",\"levels\":4,\"root\":\"" HASH_0 "\""),
        TREE(FILE_HEAD("70000") ",\"levels\":1"),
        TREE(HEAD("symlink")),
        TREE(HEAD("symlink") ",\"target\":\"\""),
        TREE(HEAD("symlink") ",\"target\":\"a\\u0000b\""),
        TREE(FILE_HEAD("1") ",\"bytes\":\"YQ==\",\"damaged\":false"),
        TREE(FILE_HEAD("1") ",\"damaged\":1"),
        TREE(HEAD("dir") ",\"size\":1,\"hash\":\"" HASH_A "\",\"damaged\":true"),
        TREE(HEAD("symlink") ",\"size\":1,\"damaged\":true"),
    };
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        assert_refused(tree, str_from(trees[i]));
    }
}

static void test_limits(void **state)
{
    MEM_AUTO char *bytes = wire_repeat("{\"entries\":[{" FILE_HEAD("600") ",\"bytes\":\"", "", 0,
                                       "\"}],\"seq\":5,\"next\":null}");
    assert_refused(tree, str_from(bytes)); /* empty, but the hash is of "a" */
    BUF_AUTO(target, 8192);
    buf_add(&target, STR("{\"entries\":[{" HEAD("symlink") ",\"target\":\""));
    for (size_t i = 0; i < WIRE_MAX_TARGET; i++) {
        buf_byte(&target, 't');
    }
    size_t end = target.n;
    buf_add(&target, STR("\"}],\"seq\":5,\"next\":null}"));
    assert_same(tree, buf_z(&target));
    target.n = end;
    buf_add(&target, STR("t\"}],\"seq\":5,\"next\":null}"));
    assert_refused(tree, buf_str(&target));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
