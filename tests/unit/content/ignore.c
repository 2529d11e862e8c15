/* Ignore rules: the examples of gitignore(5), nesting, limits. */
#include "unit.h"

#include "base/mem.h"
#include "content/content.h"

static struct content_ignore *rules(const char *text)
{
    struct content_ignore *g = content_ignore_create();
    assert_int_equal(content_ignore_add(g, STR_EMPTY, str_from(text)), 0);
    return g;
}

static void check(const char *text, const char *path, bool folder, bool ignored)
{
    struct content_ignore *g = rules(text);
    if (content_ignore_path(g, str_from(path), folder) != ignored) {
        fail_msg("rules '%s', path '%s'", text, path);
    }
    content_ignore_destroy(g);
}

static void test_manual(void **state)
{
    check("hello.*", "hello.c", false, true);
    check("hello.*", "a/hello.java", false, true);
    check("/hello.*", "a/hello.java", false, false);
    check("/hello.*", "hello.txt", false, true);
    check("foo/", "foo", true, true);
    check("foo/", "foo", false, false);
    check("foo/", "a/foo/b", false, true);
    check("doc/frotz", "doc/frotz", false, true);
    check("doc/frotz", "a/doc/frotz", false, false);
    check("foo/*", "foo/test.json", false, true);
    check("foo/*", "foo/bar/hello.c", false, true); /* foo/bar is ignored */
    check("/*\n!/foo\n/foo/*\n!/foo/bar", "foo/bar/x", false, false);
    check("/*\n!/foo\n/foo/*\n!/foo/bar", "foo/baz", false, true);
    check("*.o\n!keep.o", "keep.o", false, false);
    check("!keep.o\n*.o", "keep.o", false, true);
    check("dir/\n!dir/keep", "dir/keep", false, true);
    check("# comment\n\\#file\n\\!bang", "#file", false, true);
    check("# comment\n\\#file\n\\!bang", "!bang", false, true);
    check("trail  \r\n", "trail", false, true);
    check("trail\\ ", "trail ", false, true);
    check("\n/\n!\n", "x", false, false);
    check("\xef\xbb\xbf*.log\n", "a.log", false, true);
    check("*.dat\n![[:digit:]].dat\n", "1.dat", false, false);
}

static void test_defaults(void **state)
{
    check(content_ignore_defaults, "a/node_modules/x/y", false, true);
    check(content_ignore_defaults, "web/dist", true, true);
    check(content_ignore_defaults, "dist", false, false); /* a file */
    check(content_ignore_defaults, "src/main.c", false, false);
    check(content_ignore_defaults, "a/.git/refs/heads/dist", true, false); /* a branch's folder */
    check(content_ignore_defaults, ".git/refs/heads/target/x", false, false);
    check(content_ignore_defaults, "a/x.git/refs/heads/target/x", false, false); /* a bare one */
    check(content_ignore_defaults, "x.git/logs/refs/heads/dist", true, false);
    check(content_ignore_defaults, "x.git/target/x", false, true); /* a work tree of that name */
    check(content_ignore_defaults, "x.git/src/refs/target", true, true);
    check(content_ignore_defaults, "x/refs/heads/target", true, true);
    check(content_ignore_defaults, "node_modules/a/.git/HEAD", false, true);
    check(".git/\n", "a/.git/refs/heads/x", false, true);
    check("a/.git/**\n", "a/.git/refs/heads/x", false, true);
    check("git/\n", ".git/git/x", false, false);
    check("git/\n", ".github/git/x", false, true);
    check("**/target/\n", ".git/refs/heads/target/x", false, false);
    check("**/target/\n", "a/target/x", false, true);
    check("/.git/*\n!config\n", ".git/config", false, false);
    check("/.git/*\n!config\n", ".git/index", false, true);
}

static void test_home(void **state)
{
    static const char *const out[] = {".rustup/toolchains/x",
                                      ".cargo/registry/index",
                                      ".cargo/bin/rg",
                                      ".cargo/.crates2.json",
                                      ".nvm/nvm.sh",
                                      ".npm/_cacache/x",
                                      ".pyenv/bin/pyenv",
                                      ".local/lib/python3/x",
                                      "go/pkg/mod/x",
                                      ".local/share/pnpm/x",
                                      ".m2/repository/a",
                                      ".gradle/caches/x",
                                      ".vscode-server/x",
                                      ".deno/x",
                                      ".bun/x",
                                      ".julia/packages/x"};
    static const char *const in[] = {".cargo/config.toml",
                                     ".cargo/credentials.toml",
                                     ".cargo/env",
                                     ".local/bin/mine",
                                     ".local/share/nvim/x",
                                     "go/src/mine/x.go",
                                     ".m2/settings.xml",
                                     ".gradle/gradle.properties",
                                     ".gradle/init.d/x.gradle",
                                     ".julia/config/startup.jl",
                                     ".bash_history",
                                     ".npmrc",
                                     ".theia/settings.json",
                                     ".ssh/id_ed25519",
                                     "work/.npm/x"};
    BUF_AUTO(both, 16 * 1024);
    buf_printf(&both, "%s%s", content_ignore_defaults, content_ignore_home);
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        check(buf_z(&both), out[i], false, true);
    }
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        check(buf_z(&both), in[i], false, false);
    }
    check(buf_z(&both), "project/.gradle", true, true);
}

static void test_folders(void **state)
{
    struct content_ignore *g = rules("*.log");
    assert_int_equal(content_ignore_add(g, STR("a/b"), STR("!important.log\n/only")), 0);
    assert_int_equal(content_ignore_match(g, STR("a/b/important.log"), false), CONTENT_KEPT);
    assert_int_equal(content_ignore_match(g, STR("a/important.log"), false), CONTENT_IGNORED);
    assert_int_equal(content_ignore_match(g, STR("a/b/only"), false), CONTENT_IGNORED);
    assert_int_equal(content_ignore_match(g, STR("a/b/c/only"), false), CONTENT_UNDECIDED);
    assert_int_equal(content_ignore_match(g, STR("a/bb/only"), false), CONTENT_UNDECIDED);
    content_ignore_drop(g, STR("a"));
    assert_int_equal(content_ignore_match(g, STR("a/b/important.log"), false), CONTENT_IGNORED);
    content_ignore_destroy(g);
    content_ignore_destroy(NULL);
}

static void check_list(const char *text, size_t line, const char *word)
{
    size_t found = 0;
    const char *why = "";
    int r = content_ignore_check(str_from(text), &found, &why);
    if ((r == ERR_INVALID) != (word != NULL) || found != line || (word && !strstr(why, word))) {
        fail_msg("'%s': %d, line %zu, %s", text, r, found, why);
    }
}

static void test_lists(void **state)
{
    check_list("", 0, NULL);
    check_list("*.log\n\n# a comment\t", 3, "control");
    check_list("*.log\r\n!keep.log\r\n/a/**/b/\n  \n# *\n[a-z]?\\*x\\ ", 0, NULL);
    check_list("**/x\nx/**\n!*\n", 0, NULL);
    check_list("a\n*", 2, "everything");
    check_list("/**", 1, "everything");
    check_list("?*", 1, "everything");
    check_list("**/*/", 1, "everything");
    check_list("a\n/", 2, "nothing");
    check_list("!", 1, "nothing");
    check_list("a//b", 1, "slashes");
    check_list("x\n./a", 2, "root");
    check_list("a/../b", 1, "root");
    check_list("a\\", 1, "backslash");
    check_list("a\\\\", 0, NULL);
    check_list("a\tb", 1, "control");
    check_list("\x7f", 1, "control");
    check_list("ok\xff", 0, "UTF-8");
}

static void test_list_limits(void **state)
{
    BUF_AUTO(text, 2 * CONTENT_MAX_PATTERN_BYTES);
    size_t line;
    const char *why;
    for (int i = 0; i < CONTENT_MAX_PATTERN_LINES; i++) {
        buf_add(&text, STR("x\n"));
    }
    assert_int_equal(content_ignore_check(buf_str(&text), &line, &why), 0);
    buf_add(&text, STR("\n"));
    assert_int_equal(content_ignore_check(buf_str(&text), &line, &why), ERR_INVALID);
    assert_int_equal(line, CONTENT_MAX_PATTERN_LINES + 1);
    buf_clear(&text);
    for (int i = 0; i < CONTENT_MAX_PATTERN_BYTES; i++) {
        buf_byte(&text, i % 512 == 511 ? '\n' : 'x');
    }
    assert_int_equal(content_ignore_check(buf_str(&text), &line, &why), 0);
    buf_byte(&text, 'x');
    assert_int_equal(content_ignore_check(buf_str(&text), &line, &why), ERR_INVALID);
    buf_clear(&text);
    for (int i = 0; i < CONTENT_MAX_RULE + 1; i++) {
        buf_byte(&text, 'x');
    }
    assert_int_equal(content_ignore_check(buf_str(&text), &line, &why), ERR_INVALID);
    assert_int_equal(line, 1);
}

/* Sent between versions: never another. */
static void test_mark(void **state)
{
    assert_true(content_ignore_mark(STR_EMPTY) == 0x63b0c44298fc1c14);
    assert_true(content_ignore_mark(STR("")) == content_ignore_mark(STR_EMPTY));
    assert_true(content_ignore_mark(STR("*.log\n")) != content_ignore_mark(STR("*.log")));
}

static void test_limits(void **state)
{
    struct content_ignore *g = content_ignore_create();
    MEM_AUTO char *text = mem_alloc(2 * (CONTENT_MAX_RULES + 1));
    memset(text, 'x', 2 * (CONTENT_MAX_RULES + 1));
    for (size_t i = 0; i < CONTENT_MAX_RULES + 1; i++) {
        text[2 * i + 1] = '\n';
    }
    assert_int_equal(content_ignore_add(g, STR_EMPTY, str_of(text, 2 * CONTENT_MAX_RULES)), 0);
    assert_int_equal(content_ignore_add(g, STR_EMPTY, str_of(text, 2)), ERR_LIMIT);
    content_ignore_destroy(g);
    g = content_ignore_create();
    memset(text, '*', CONTENT_MAX_RULE + 1);
    assert_int_equal(content_ignore_add(g, STR_EMPTY, str_of(text, CONTENT_MAX_RULE + 1)), 0);
    assert_int_equal(content_ignore_match(g, STR("a"), false), CONTENT_UNDECIDED);
    assert_int_equal(content_ignore_add(g, STR_EMPTY, str_of(text, CONTENT_MAX_RULE)), 0);
    assert_int_equal(content_ignore_match(g, STR("a"), false), CONTENT_IGNORED);
    content_ignore_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manual),      cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_home),        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_lists),
        cmocka_unit_test(test_list_limits), cmocka_unit_test(test_mark)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
