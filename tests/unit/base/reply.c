#include "base/reply.h"

#include "writer.h"

enum { NAME, SIZE, ITEMS, PATH, PATH_B64 };

static void put_name(struct reply *r)
{
    reply_name(r, NAME, STR(",\"name\":"));
    json_string(r->w, STR("x"));
}

static void put_path(struct reply *r, struct str path)
{
    static const unsigned bits[] = {PATH, PATH_B64};
    const struct str names[] = {STR(",\"path\":"), STR(",\"path_b64\":")};
    reply_path(r, bits, names, path);
}

static void members(void **state)
{
    (void)state;
    static const char *const words[] = {"one", "two", NULL};
    struct reply r = reply_begin(&w);
    put_name(&r);
    reply_members(&r, 1u << SIZE, STR("{\"size\":1,\"gone\":true}"));
    reply_name(&r, ITEMS, STR(",\"items\":"));
    json_array(r.w);
    reply_element(&r);
    reply_word(&r, "two", words);
    reply_element(&r);
    struct reply inner = reply_begin(r.w);
    reply_name(&inner, NAME, STR(",\"at\":"));
    reply_time(&inner, 0);
    reply_name(&inner, SIZE, STR(",\"n\":"));
    reply_integer(&inner, -3, -3, 7);
    reply_end(&inner, 1u << NAME | 1u << SIZE);
    reply_array_end(&r);
    reply_end(&r, 1u << NAME | 1u << SIZE | 1u << ITEMS);
    assert_string_equal(buf_z(&out), "{\"name\":\"x\",\"size\":1,\"gone\":true,\"items\":[\"two\","
                                     "{\"at\":\"1970-01-01T00:00:00.000Z\",\"n\":-3}]}");
}

static void an_object_without_members_brings_no_comma(void **state)
{
    (void)state;
    struct reply r = reply_begin(&w);
    reply_members(&r, 0, STR("{}"));
    put_name(&r);
    reply_end(&r, 0);
    assert_string_equal(buf_z(&out), "{\"name\":\"x\"}");
}

static void paths(void **state)
{
    (void)state;
    json_array(&w);
    struct reply r = reply_begin(&w);
    put_path(&r, STR("a/b"));
    reply_end(&r, 1u << PATH);
    r = reply_begin(&w);
    put_path(&r, STR("a/\xFF"));
    reply_end(&r, 1u << PATH);
    json_array_end(&w);
    assert_string_equal(buf_z(&out), "[{\"path\":\"a/b\"},"
                                     "{\"path\":\"a/\xEF\xBF\xBD\",\"path_b64\":\"YS__\"}]");
}

/* ---- Our bugs ---- */

static void missing(struct reply *r)
{
    reply_end(r, 1u << NAME);
}

static void twice(struct reply *r)
{
    put_name(r);
    put_name(r);
}

static void twice_by_a_copy(struct reply *r)
{
    put_name(r);
    reply_members(r, 1u << NAME | 1u << SIZE, STR("{\"name\":1,\"size\":1}"));
}

static void inner_not_closed(struct reply *r)
{
    reply_name(r, ITEMS, STR(",\"items\":"));
    (void)reply_begin(r->w);
    put_name(r);
}

static void end_of_the_outer_one(struct reply *r)
{
    reply_name(r, ITEMS, STR(",\"items\":"));
    (void)reply_begin(r->w);
    reply_end(r, 0);
}

static void element_of_no_array(struct reply *r)
{
    reply_element(r);
}

static void element_in_an_object(struct reply *r)
{
    reply_name(r, ITEMS, STR(",\"items\":"));
    (void)reply_begin(r->w);
    reply_element(r);
}

static void other_word(struct reply *r)
{
    static const char *const words[] = {"one", NULL};
    reply_name(r, NAME, STR(",\"name\":"));
    reply_word(r, "on", words);
}

static void out_of_bounds(struct reply *r)
{
    reply_name(r, SIZE, STR(",\"size\":"));
    reply_integer(r, 8, 0, 7);
}

static void dies(void (*body)(struct reply *r))
{
    pid_t child = unit_fork_quiet();
    if (child == 0) {
        struct reply r = reply_begin(&w);
        body(&r);
        _exit(0);
    }
    assert_int_equal(unit_signal_of(child), SIGABRT);
}

static void bugs_end_the_process(void **state)
{
    (void)state;
    dies(missing);
    dies(twice);
    dies(twice_by_a_copy);
    dies(inner_not_closed);
    dies(end_of_the_outer_one);
    dies(element_of_no_array);
    dies(element_in_an_object);
    dies(other_word);
}

/* A stored number that is out of them is no reason for the server to end. */
static void bounds_hold_in_tests_alone(void **state)
{
    (void)state;
    if (CODITECT_PARANOID) {
        dies(out_of_bounds);
        return;
    }
    struct reply r = reply_begin(&w);
    out_of_bounds(&r);
    reply_end(&r, 0);
    assert_string_equal(buf_z(&out), "{\"size\":8}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WRITER_TEST(members),
        WRITER_TEST(an_object_without_members_brings_no_comma),
        WRITER_TEST(paths),
        WRITER_TEST(bugs_end_the_process),
        WRITER_TEST(bounds_hold_in_tests_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
