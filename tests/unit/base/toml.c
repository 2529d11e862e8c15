#include "base/toml.h"

#include "unit.h"

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* The tree as JSON. */
static void assert_reads(struct str text, const char *wanted)
{
    BUF_AUTO(out, 1 << 20);
    struct json *value = NULL;
    struct toml_error error = {0};
    struct json_writer w;
    if (toml_parse(&arena, text, &value, &error) < 0) {
        fail_msg("%s at %zu:%zu", error.what, error.line, error.column);
    }
    json_writer_init(&w, &out);
    json_value(&w, value);
    assert_string_equal(buf_z(&out), wanted);
}

static void documents(void **state)
{
    (void)state;
    assert_reads(STR_EMPTY, "{}");
    assert_reads(STR(" # only a comment"), "{}");
    assert_reads(STR("a=1"), "{\"a\":1}");
    assert_reads(STR("a = 1 # one\r\n\r\n\tb-_9 = true\n"), "{\"a\":1,\"b-_9\":true}");
    assert_reads(STR("[a]\nx = 1\n[b . c]\ny = 2\n[a.d]\nz = 3\n[b]\n"),
                 "{\"a\":{\"x\":1,\"d\":{\"z\":3}},\"b\":{\"c\":{\"y\":2}}}");
    assert_reads(STR("1 = 2\n[3]\n[true]"), "{\"1\":2,\"3\":{},\"true\":{}}");
}

static void strings(void **state)
{
    (void)state;
    assert_reads(STR("a = \"\"\nb = ''\nc = '\\n\"'"),
                 "{\"a\":\"\",\"b\":\"\",\"c\":\"\\\\n\\\"\"}");
    assert_reads(STR("a = \"\\b\\t\\n\\f\\r\\\"\\\\\\u00e9\\U0001F600 # no comment\""),
                 "{\"a\":\"\\b\\t\\n\\f\\r\\\"\\\\\xC3\xA9\xF0\x9F\x98\x80 # no comment\"}");
    assert_reads(STR("a = \"\xC3\xA9\ttab\""), "{\"a\":\"\xC3\xA9\\ttab\"}");
}

static void integers(void **state)
{
    (void)state;
    assert_reads(STR("a = 0\nb = +7\nc = -1_000\nd = 9223372036854775807\n"
                     "e = -9223372036854775808\nf = -0"),
                 "{\"a\":0,\"b\":7,\"c\":-1000,\"d\":9223372036854775807,"
                 "\"e\":-9223372036854775808,\"f\":0}");
}

static void lists(void **state)
{
    (void)state;
    assert_reads(
        STR("a = []\nb = [ 1, 'x', true ]\nc = [ # first\n  1, # one\n\n  2,\n]\nd = [1,]"),
        "{\"a\":[],\"b\":[1,\"x\",true],\"c\":[1,2],\"d\":[1]}");
}

static const struct {
    const char *text;
    size_t line, column;
    const char *what;
} mistaken[] = {
    {"a = 1\nb = = 2", 2, 5, "a value is missing"},
    {"a = 1 b = 2", 1, 7, "something follows on the same line"},
    {"a", 1, 2, "a = is missing behind the key"},
    {"= 1", 1, 1, "a key is missing"},
    {"a = \n", 1, 5, "a value is missing"},
    {"a = 1\r\na = 2", 2, 1, "the key stands twice"},
    {"[a]\n[a]", 2, 1, "the table stands twice"},
    {"[a.b]\n[a]\n[a]", 3, 1, "the table stands twice"},
    {"a = 1\n[a]", 2, 2, "the name of the table is already a key"},
    {"a = 1\n[a.b]", 2, 2, "the name of the table is already a key"},
    {"[a]\nb = 1\n[a.b]", 3, 4, "the name of the table is already a key"},
    {"[a]\n[b]\n[a.c]\n[b]", 4, 1, "the table stands twice"},
    {"[a", 1, 3, "a closing bracket is missing"},
    {"[]", 1, 2, "a key is missing"},
    {"[a.]", 1, 4, "a key is missing"},
    {"[a] x", 1, 5, "something follows on the same line"},
    {"\xC3\xA9 = 1", 1, 1, "a key is missing"},
    {"a = '\xC3\xA9' x", 1, 9, "something follows on the same line"},
    {"a = \"x\ny\"", 1, 7, "a quote is missing at the end of a string"},
    {"a = 'x", 1, 7, "a quote is missing at the end of a string"},
    {"a = \"x\\", 1, 8, "a quote is missing at the end of a string"},
    {"a = \"\\x41\"", 1, 7, "an unknown escape follows a backslash"},
    {"a = \"\\u00g0\"", 1, 10, "hexadecimal digits are missing behind \\u (4) or \\U (8)"},
    {"a = \"\\ud800\"", 1, 12, "the escape before this stands for no character"},
    {"a = \"\x01\"", 1, 6, "a control character stands in a string"},
    {"# \x7F", 1, 3, "a control character stands in a comment"},
    {"# x\ry", 1, 4, "a control character stands in a comment"},
    {"a = [1 2]", 1, 8, "a comma or a closing bracket is missing"},
    {"a = [1,,2]", 1, 8, "a value is missing"},
    {"a = [", 1, 6, "a value is missing"},
    {"a = [[1]]", 1, 6, "lists of lists are not supported"},
    {"a = {b = 1}", 1, 5, "inline tables are not supported: write a [table]"},
    {"a.b = 1", 1, 2, "dotted keys are not supported: write a [table]"},
    {"\"a\" = 1", 1, 1, "quoted keys are not supported"},
    {"[[a]]", 1, 2, "lists of tables are not supported"},
    {"a = \"\"\"x\"\"\"", 1, 5, "strings of several lines are not supported"},
    {"a = '''x'''", 1, 5, "strings of several lines are not supported"},
    {"a = 1.5", 1, 5, "only whole decimal numbers are supported"},
    {"a = 1e5", 1, 5, "only whole decimal numbers are supported"},
    {"a = 0x10", 1, 5, "only whole decimal numbers are supported"},
    {"a = 010", 1, 5, "only whole decimal numbers are supported"},
    {"a = 1__0", 1, 5, "only whole decimal numbers are supported"},
    {"a = 1_", 1, 5, "only whole decimal numbers are supported"},
    {"a = _1", 1, 5, "a value is a text in quotes, a whole number, true, false or a list"},
    {"a = -", 1, 5, "only whole decimal numbers are supported"},
    {"a = +-1", 1, 5, "only whole decimal numbers are supported"},
    {"a = 2026-11-21", 1, 5, "only whole decimal numbers are supported"},
    {"a = 07:32:00", 1, 5, "only whole decimal numbers are supported"},
    {"a = 9223372036854775808", 1, 5, "a number is too large"},
    {"a = -9223372036854775809", 1, 6, "a number is too large"},
    {"a = True", 1, 5, "a value is a text in quotes, a whole number, true, false or a list"},
    {"a = x y", 1, 5, "a value is a text in quotes, a whole number, true, false or a list"},
    {"a = '\xFF'", 1, 6, "the text is not UTF-8"},
};

static void mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistaken / sizeof *mistaken; i++) {
        struct json *value = NULL;
        struct toml_error error = {.what = "accepted"};
        int r = toml_parse(&arena, str_from(mistaken[i].text), &value, &error);
        if (r != ERR_INVALID || error.line != mistaken[i].line ||
            error.column != mistaken[i].column || strcmp(error.what, mistaken[i].what) != 0) {
            fail_msg("%s: %s at %zu:%zu", mistaken[i].text, error.what, error.line, error.column);
        }
        assert_null(value);
    }
    struct json *value;
    assert_int_equal(toml_parse(&arena, STR("x"), &value, NULL), ERR_INVALID);
}

/* A name says where it stands. */
static void places(void **state)
{
    (void)state;
    struct str text = STR("a = 1\n# \xC3\xA9\n[b . c]\n  key = 2\n");
    struct json *value;
    assert_int_equal(toml_parse(&arena, text, &value, NULL), 0);
    const struct json *b = json_get(value, "b");
    const struct json *key = json_get(json_get(b, "c"), "key");
    struct toml_error at = toml_where(text, b->name.p);
    assert_int_equal(at.line, 3);
    assert_int_equal(at.column, 2);
    at = toml_where(text, key->name.p);
    assert_int_equal(at.line, 4);
    assert_int_equal(at.column, 3);
    at = toml_where(text, text.p + text.n);
    assert_int_equal(at.line, 5);
    assert_int_equal(at.column, 1);
}

static void assert_limit(struct buf *b, const char *what)
{
    struct json *value = NULL;
    struct toml_error error = {0};
    assert_int_equal(b->error, 0);
    assert_int_equal(toml_parse(&arena, buf_str(b), &value, &error), ERR_INVALID);
    assert_string_equal(error.what, what);
}

static void limits(void **state)
{
    (void)state;
    BUF_AUTO(b, TOML_MAX_TEXT + 1);
    struct json *value;
    /* The file itself is a table and the first value. */
    for (int i = 0; i < TOML_MAX_VALUES - 1; i++) {
        buf_printf(&b, "key%d = 1\n", i);
    }
    assert_int_equal(toml_parse(&arena, buf_str(&b), &value, NULL), 0);
    buf_add(&b, STR("last = 1\n"));
    assert_limit(&b, "there are too many values");
    buf_clear(&b);
    buf_add(&b, STR("[a.b.c.d.e.f.g.h]\n"));
    assert_int_equal(toml_parse(&arena, buf_str(&b), &value, NULL), 0);
    buf_add(&b, STR("[a.b.c.d.e.f.g.h.i]\n"));
    assert_limit(&b, "the name of the table has too many parts");
    buf_clear(&b);
    while (b.n < TOML_MAX_TEXT) {
        buf_byte(&b, '\n');
    }
    assert_int_equal(toml_parse(&arena, buf_str(&b), &value, NULL), 0);
    buf_byte(&b, '\n');
    assert_limit(&b, "the text is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(documents, begin, end),
        cmocka_unit_test_setup_teardown(strings, begin, end),
        cmocka_unit_test_setup_teardown(integers, begin, end),
        cmocka_unit_test_setup_teardown(lists, begin, end),
        cmocka_unit_test_setup_teardown(mistakes, begin, end),
        cmocka_unit_test_setup_teardown(places, begin, end),
        cmocka_unit_test_setup_teardown(limits, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
