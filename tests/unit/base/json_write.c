#include <locale.h>
#include <math.h>

#include "writer.h"

static void nesting(void **state)
{
    (void)state;
    json_object(&w);
    json_member_string(&w, "s", STR("x"));
    json_member_integer(&w, "i", INT64_MIN);
    json_member_bool(&w, "b", true);
    json_member_raw(&w, "r", STR("[1,2]"));
    json_name(&w, "a");
    json_array(&w);
    json_unsigned(&w, UINT64_MAX);
    json_null(&w);
    json_object(&w);
    json_object_end(&w);
    json_array(&w);
    json_array_end(&w);
    json_bool(&w, false);
    json_array_end(&w);
    json_name_str(&w, STR("q\"\n"));
    json_null(&w);
    json_object_end(&w);
    assert_string_equal(buf_z(&out),
                        "{\"s\":\"x\",\"i\":-9223372036854775808,\"b\":true,\"r\":[1,2],"
                        "\"a\":[18446744073709551615,null,{},[],false],\"q\\\"\\n\":null}");
}

static void string_is(struct str s, const char *wanted)
{
    buf_clear(&out);
    json_writer_init(&w, &out);
    json_string(&w, s);
    assert_string_equal(buf_z(&out), wanted);
}

static void strings(void **state)
{
    (void)state;
    string_is(STR_EMPTY, "\"\"");
    string_is(STR("\"\\/"), "\"\\\"\\\\/\"");
    string_is(STR("\b\t\n\v\f\r"), "\"\\b\\t\\n\\u000b\\f\\r\"");
    string_is(STR("\0\x1F\x7F"), "\"\\u0000\\u001f\\u007f\"");
    string_is(STR("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
    /* What is not UTF-8 becomes one U+FFFD a byte. */
    string_is(STR("a\xFF\xC3"), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
    string_is(STR("\xED\xA0\x80z"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\"");
}

static void double_is(double value, const char *wanted)
{
    buf_clear(&out);
    json_writer_init(&w, &out);
    json_double(&w, value);
    assert_string_equal(buf_z(&out), wanted);
    assert_true(strtod(wanted, NULL) == value);
}

static void doubles(void **state)
{
    (void)state;
    double_is(0.1, "0.1");
    double_is(3, "3.0");
    double_is(-0.0, "-0.0");
    double_is(1e300, "1e+300");
    double_is(0.1 + 0.2, "0.30000000000000004");
    double_is(5e-324, "4.94065645841247e-324");
    assert_dies((json_double(&w, INFINITY), 0));
    assert_dies((json_double(&w, NAN), 0));
}

/* The decimal point stays a point where people write a comma; needs such a locale to be installed. */
static void doubles_in_another_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) {
        print_message("no locale with a decimal comma is installed\n");
        skip();
    }
    ARENA_AUTO(arena);
    struct json *value;
    json_double(&w, 1.5);
    assert_string_equal(buf_z(&out), "1.5");
    assert_int_equal(json_parse(&arena, STR("2.5"), &value, NULL), 0);
    assert_true(value->number == 2.5);
    (void)setlocale(LC_NUMERIC, "C");
}

static void trees(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    const char *text = "{\"a\":[1,-2.5,true,false,null,\"x\\ny\",{}],\"b\":{\"c\":[]}}";
    struct json *value;
    assert_int_equal(json_parse(&arena, str_from(text), &value, NULL), 0);
    json_value(&w, value);
    assert_string_equal(buf_z(&out), text);
}

static void deepest_tree_fits_into_a_reply(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    char text[2 * JSON_MAX_DEPTH];
    memset(text, '[', JSON_MAX_DEPTH);
    memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    struct json *value;
    assert_int_equal(json_parse(&arena, str_of(text, sizeof text), &value, NULL), 0);
    for (int i = JSON_MAX_DEPTH; i < JSON_WRITER_DEPTH; i++) {
        json_array(&w);
    }
    json_value(&w, value);
    assert_dies(({
        json_writer_init(&w, &out);
        for (int i = 0; i <= JSON_WRITER_DEPTH; i++) {
            json_array(&w);
        }
        0;
    }));
}

static void unbalanced_calls_end_the_process(void **state)
{
    (void)state;
    assert_dies((json_object(&w), json_null(&w), 0));
    assert_dies((json_object(&w), json_name(&w, "a"), json_name(&w, "b"), 0));
    assert_dies((json_object(&w), json_name(&w, "a"), json_object_end(&w), 0));
    assert_dies((json_object(&w), json_array_end(&w), 0));
    assert_dies((json_array(&w), json_object_end(&w), 0));
    assert_dies((json_array(&w), json_name(&w, "a"), 0));
    assert_dies((json_array_end(&w), 0));
    assert_dies((json_name(&w, "a"), 0));
    assert_dies((json_null(&w), json_null(&w), 0));
    assert_dies((json_raw(&w, STR_EMPTY), 0));
}

static void full_buffer(void **state)
{
    (void)state;
    BUF_AUTO(small, 10);
    json_writer_init(&w, &small);
    json_array(&w);
    for (int i = 0; i < 100; i++) {
        json_string(&w, STR("\xFF\n"));
    }
    json_array_end(&w);
    assert_int_equal(small.error, ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WRITER_TEST(nesting),
        WRITER_TEST(strings),
        WRITER_TEST(doubles),
        WRITER_TEST(doubles_in_another_locale),
        WRITER_TEST(trees),
        WRITER_TEST(deepest_tree_fits_into_a_reply),
        WRITER_TEST(unbalanced_calls_end_the_process),
        WRITER_TEST(full_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
