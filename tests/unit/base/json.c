#include "base/json.h"

#include "base/mem.h"
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

static const struct json *parse(struct str text)
{
    struct json *value = NULL;
    struct json_error error = {0};
    if (json_parse(&arena, text, &value, &error) < 0) {
        print_error(STR_FMT ": %s at %zu\n", STR_ARG(text), error.what, error.offset);
        fail();
    }
    return value;
}

static void assert_refused(struct str text, size_t offset, const char *what)
{
    struct json *value = NULL;
    struct json_error error = {.offset = 999, .what = "none"};
    assert_int_equal(json_parse(&arena, text, &value, &error), ERR_INVALID);
    assert_null(value);
    assert_string_equal(error.what, what);
    assert_int_equal(error.offset, offset);
    assert_int_equal(json_parse(&arena, text, &value, NULL), ERR_INVALID);
}

static void kinds(void **state)
{
    (void)state;
    assert_int_equal(parse(STR(" null "))->kind, JSON_NULL);
    assert_true(parse(STR("true"))->boolean);
    assert_false(parse(STR("false"))->boolean);
    assert_int_equal(parse(STR("\t-12\r\n"))->integer, -12);
    assert_true(parse(STR("1.5"))->number == 1.5);
    assert_str(parse(STR("\"x\""))->string, "x");
    assert_int_equal(parse(STR("[]"))->count, 0);
    const struct json *array = parse(STR("[1, [2], \"3\"]"));
    assert_int_equal(array->count, 3);
    assert_int_equal(array->first->next->first->integer, 2);
    assert_null(array->first->next->next->next);
}

static void members(void **state)
{
    (void)state;
    const struct json *object = parse(STR("{\"a\":1,\"\":2,\"b\\n\":{\"a\":3}}"));
    assert_int_equal(object->count, 3);
    assert_int_equal(json_get(object, "a")->integer, 1);
    assert_int_equal(json_get(object, "")->integer, 2);
    assert_int_equal(json_get(json_get(object, "b\n"), "a")->integer, 3);
    assert_null(json_get(object, "c"));
    assert_null(json_get(NULL, "a"));
    assert_null(json_get(json_get(object, "a"), "a"));
}

static void strings(void **state)
{
    (void)state;
    struct str text = STR("\"plain \xC3\xA9\"");
    const struct json *value = parse(text);
    assert_str(value->string, "plain \xC3\xA9");
    assert_ptr_equal(value->string.p, text.p + 1); /* borrowed */
    assert_str(parse(STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""))->string, "\"\\/\b\f\n\r\t");
    assert_str(parse(STR("\"\\u0041\\u00e9\\u20AC\\uD83D\\ude00\""))->string,
               "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    value = parse(STR("\"a\\u0000b\""));
    assert_int_equal(value->string.n, 3);
    assert_memory_equal(value->string.p, "a\0b", 3);
}

static void integers(void **state)
{
    (void)state;
    assert_true(parse(STR("9223372036854775807"))->integer == INT64_MAX);
    assert_true(parse(STR("-9223372036854775808"))->integer == INT64_MIN);
    assert_int_equal(parse(STR("9223372036854775808"))->kind, JSON_NUMBER);
    assert_int_equal(parse(STR("-9223372036854775809"))->kind, JSON_NUMBER);
    assert_int_equal(parse(STR("-0"))->kind, JSON_INTEGER);
    assert_int_equal(parse(STR("0"))->integer, 0);
    static const struct {
        const char *text;
        int64_t value;
    } whole[] = {
        {"1e2", 100}, {"1.0", 1},      {"20e1", 200},  {"0e+1", 0},
        {"-0.0", 0},  {"-1.5e1", -15}, {"1000e-3", 1}, {"9007199254740992.0", (int64_t)1 << 53}};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        const struct json *value = parse(str_from(whole[i].text));
        assert_int_equal(value->kind, JSON_INTEGER);
        assert_true(value->integer == whole[i].value);
    }
    static const char *const real[] = {"1.5", "1e-2", "-0.1", "1e22", "9007199254740994.0"};
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        assert_int_equal(parse(str_from(real[i]))->kind, JSON_NUMBER);
    }
}

/* The reader's own normalisation in front of strtod against strtod alone. */
static void doubles(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "0.1",
        "-0.0",
        "1e0",
        "1E+2",
        "1e-2",
        "123.456e-7",
        "0.000123",
        "100000000000000000000",
        "1.7976931348623157e308",
        "2.2250738585072014e-308",
        "4.9e-324",
        "2e-400",
        "0e99999999999999999999",
        "9007199254740993",
        "9007199254740993.0000000000000000000000000000000000000000000000001",
        "0.00000000000000000000000000000000000000000000000000000000000000000000000000123",
        "123456789012345678901234567890123456789012345678901234567890e-40",
        "179769313486231570000000000000000000000000000000000000000000000000000000000e233",
        "0.5000000000000000000000000000000000000000000000000000000000000000000000000001",
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct json *value = parse(str_from(numbers[i]));
        double wanted = strtod(numbers[i], NULL);
        if (value->kind == JSON_INTEGER) {
            assert_true((double)value->integer == wanted);
        } else {
            assert_memory_equal(&value->number, &wanted, sizeof wanted);
        }
    }
    assert_refused(STR("[1e309]"), 1, "a number is too large");
    assert_refused(STR("-1e99999999999999999999"), 0, "a number is too large");
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t offset;
        const char *what;
    } rows[] = {
        {"", 0, "a value is missing"},
        {"  ", 2, "a value is missing"},
        {"nul", 0, "a value is missing"},
        {"[1 2]", 3, "a comma or a closing bracket is missing"},
        {"[1,]", 3, "a value is missing"},
        {"[", 1, "a value is missing"},
        {"{\"a\":1,}", 7, "a name in quotes is missing"},
        {"{a:1}", 1, "a name in quotes is missing"},
        {"{\"a\"}", 4, "a colon is missing behind a name"},
        {"{\"a\":1]", 6, "a comma or a closing bracket is missing"},
        {"1 2", 2, "something follows the value"},
        {"01", 1, "a number starts with 0"},
        {"-", 1, "a digit is missing"},
        {"1.", 2, "a digit is missing"},
        {"1e+", 3, "a digit is missing"},
        {".5", 0, "a value is missing"},
        {"+1", 0, "a value is missing"},
        {"\"a", 2, "a string does not end"},
        {"\"a\\", 3, "a string does not end"},
        {"\"a\nb\"", 2, "a control character stands unescaped in a string"},
        {"\"\\x\"", 2, "an unknown escape follows a backslash"},
        {"\"\\u12g4\"", 5, "four hexadecimal digits are missing behind \\u"},
        {"\"\\ud800x\"", 1, "half of a surrogate pair stands alone"},
        {"\"\\ud800\\u0041\"", 1, "half of a surrogate pair stands alone"},
        {"\"\\udc00\"", 1, "half of a surrogate pair stands alone"},
        {"\"\xC0\x80\"", 1, "the text is not UTF-8"},
        {"\xEF\xBB\xBF{}", 0, "a value is missing"},
        {"{\"a\":1,\"b\":2,\"\\u0061\":3}", 13, "a name stands twice in an object"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_refused(str_from(rows[i].text), rows[i].offset, rows[i].what);
    }
    assert_refused(STR_EMPTY, 0, "a value is missing");
    assert_refused(STR("\0"), 0, "a value is missing");
}

static void repeat(struct buf *b, const char *text, int times)
{
    for (int i = 0; i < times; i++) {
        buf_add(b, str_from(text));
    }
}

static void depth_limit(void **state)
{
    (void)state;
    BUF_AUTO(b, 1000);
    repeat(&b, "[", JSON_MAX_DEPTH);
    repeat(&b, "]", JSON_MAX_DEPTH);
    (void)parse(buf_str(&b));
    buf_clear(&b);
    repeat(&b, "{\"a\":", JSON_MAX_DEPTH + 1);
    assert_refused(buf_str(&b), 5 * JSON_MAX_DEPTH, "arrays and objects are nested too deeply");
}

static void value_limit(void **state)
{
    (void)state;
    BUF_AUTO(b, 1 << 20);
    buf_byte(&b, '[');
    repeat(&b, "0,", JSON_MAX_VALUES - 2);
    buf_add(&b, STR("0]"));
    assert_int_equal(parse(buf_str(&b))->count, JSON_MAX_VALUES - 1);
    b.n -= 2;
    buf_add(&b, STR("0,0]"));
    assert_refused(buf_str(&b), b.n - 2, "there are too many values");
}

/* As many members as there may be: finding duplicates must not take a time of n * n. */
static void many_names(void **state)
{
    (void)state;
    enum { NAMES = JSON_MAX_VALUES - 1 };
    BUF_AUTO(b, 4 << 20);
    mem_test_begin();
    for (int i = 0; i < NAMES; i++) {
        buf_printf(&b, "%s\"name%d\":0", i ? "," : "{", i);
    }
    buf_byte(&b, '}');
    assert_int_equal(parse(buf_str(&b))->count, NAMES);
    b.n -= sizeof ",\"name99998\":0}" - 1;
    size_t offset = b.n + 1;
    buf_add(&b, STR(",\"name3\":0}"));
    assert_refused(buf_str(&b), offset, "a name stands twice in an object");
    buf_fini(&b);
    arena_fini(&arena);
    assert_int_equal(mem_test_end(), 0);
}

static void duplicates_of_every_size(void **state)
{
    (void)state;
    for (int names = 1; names < 200; names++) {
        BUF_AUTO(b, 10000);
        for (int i = 0; i < names; i++) {
            buf_printf(&b, "%s\"%d\":0", i ? "," : "{", i);
        }
        buf_printf(&b, ",\"%d\":0}", names / 2);
        struct json *value;
        assert_int_equal(json_parse(&arena, buf_str(&b), &value, NULL), ERR_INVALID);
        arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kinds, begin, end),
        cmocka_unit_test_setup_teardown(members, begin, end),
        cmocka_unit_test_setup_teardown(strings, begin, end),
        cmocka_unit_test_setup_teardown(integers, begin, end),
        cmocka_unit_test_setup_teardown(doubles, begin, end),
        cmocka_unit_test_setup_teardown(mistakes, begin, end),
        cmocka_unit_test_setup_teardown(depth_limit, begin, end),
        cmocka_unit_test_setup_teardown(value_limit, begin, end),
        cmocka_unit_test_setup_teardown(many_names, begin, end),
        cmocka_unit_test_setup_teardown(duplicates_of_every_size, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
