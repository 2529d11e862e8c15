#include "cli/cli_int.h"

#include "unit.h"

static struct cli_run run;
static struct buf out;

static int reset(void **state)
{
    (void)state;
    run = (struct cli_run){0};
    arena_init(&run.arena);
    buf_init(&run.problem, 4096);
    buf_init(&out, 64 * 1024);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_fini(&run.arena);
    buf_fini(&run.problem);
    buf_fini(&out);
    return 0;
}

#define PARSE(...) cli_parse(&run, (char **)(const char *[]){"coditect", __VA_ARGS__, NULL}, &out)

static void options_may_stand_anywhere(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--json", "files", "ls", "A:x", "-r"), CLI_RUN);
    assert_string_equal(run.command->name, "files ls");
    assert_true(run.json);
    assert_true(cli_given(&run, "recursive"));
    assert_false(cli_given(&run, "quiet"));
    assert_int_equal(run.operand_count, 1);
    assert_string_equal(run.operands[0], "A:x");
    assert_null(run.operands[1]);
}

static void letters_may_be_joined(void **state)
{
    (void)state;
    assert_int_equal(PARSE("cp", "-rL", "a", "A:"), CLI_RUN);
    assert_true(cli_given(&run, "recursive"));
    assert_true(cli_given(&run, "follow"));
}

static void values_behind_an_equals_sign_or_a_space(void **state)
{
    (void)state;
    assert_int_equal(PARSE("files", "cat", "--version=7", "A:x"), CLI_RUN);
    assert_string_equal(cli_value(&run, "version"), "7");
    (void)end(NULL);
    (void)reset(NULL);
    assert_int_equal(PARSE("files", "cat", "A:x", "--version", "-8"), CLI_RUN);
    assert_string_equal(cli_value(&run, "version"), "-8");
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    assert_int_equal(PARSE("sessions", "new", "--", "--json"), CLI_RUN);
    assert_false(run.json);
    assert_string_equal(run.operands[0], "--json");
}

static void a_lone_dash_is_an_operand(void **state)
{
    (void)state;
    assert_int_equal(PARSE("files", "put", "-", "A:x"), CLI_RUN);
    assert_string_equal(run.operands[0], "-");
}

static void help_wins_over_what_is_missing(void **state)
{
    (void)state;
    assert_int_equal(PARSE("files", "put", "-h"), CLI_SHOW);
    assert_non_null(
        strstr(buf_z(&out), "coditect files put [--if-version N] [--new] FILE SESSION:PATH"));
    assert_non_null(strstr(buf_z(&out), "Examples:"));
}

static void a_group_alone_shows_its_commands(void **state)
{
    (void)state;
    assert_int_equal(PARSE("sessions"), CLI_WRONG);
    assert_non_null(strstr(buf_z(&out), "sessions rename"));
    assert_null(strstr(buf_z(&out), "files ls"));
    buf_clear(&out);
    assert_int_equal(PARSE("sessions", "--help"), CLI_SHOW);
}

struct wrong {
    const char *words[6];
    const char *says;
};

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {{"sesions", "ls"}, "did you mean sessions?"},
        {{"sessions", "lss"}, "did you mean sessions ls?"},
        {{"login", "--emial", "x"}, "did you mean --email?"},
        {{"login", "--email"}, "--email wants ADDRESS"},
        {{"login", "a", "b"}, "one word too many: b"},
        {{"cp", "a"}, "TARGET is missing"},
        {{"cp"}, "SOURCE is missing"},
        {{"cp", "-x", "a", "b"}, "unknown option -x"},
        {{"cp", "--r", "a", "b"}, "unknown option --r"},
        {{"cp", "--recursive=yes", "a", "b"}, "takes no value"},
        {{"whoami", "--json=1"}, "takes no value"},
        {{"files", "cat", "--json", "A:x"}, "knows no --json"},
        {{"\x1b[31m"}, "unknown command \\x1b[31m"},
        {{"--nothing"}, "unknown option --nothing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *words[8] = {"coditect"};
        memcpy(words + 1, cases[i].words, sizeof cases[i].words);
        assert_int_equal(cli_parse(&run, (char **)words, &out), CLI_WRONG);
        if (!strstr(buf_z(&out), cases[i].says)) {
            fail_msg("\"%s\" does not say \"%s\"", buf_z(&out), cases[i].says);
        }
        (void)end(NULL);
        (void)reset(NULL);
    }
}

static void numbers_start_at_one(void **state)
{
    (void)state;
    int64_t number = 99;
    assert_int_equal(PARSE("files", "cat", "A:x"), CLI_RUN);
    assert_int_equal(cli_number(&run, "version", &number), 0);
    assert_int_equal(number, 0);
    static const char *const bad[] = {"0", "-1", "x", "", "9007199254740993", "1 "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(cli_positive(&run, (struct cli_topic){"version", bad[i]}, &number),
                         ERR_INVALID);
        assert_non_null(strstr(buf_z(&run.problem), "version must be a number"));
    }
    assert_int_equal(cli_positive(&run, (struct cli_topic){"version", "7"}, &number), 0);
    assert_int_equal(number, 7);
}

static void no_argv_at_all(void **state)
{
    (void)state;
    char *none[] = {NULL};
    assert_int_equal(cli_parse(&run, none, &out), CLI_WRONG);
    assert_non_null(strstr(buf_z(&out), "Usage: coditect COMMAND"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(options_may_stand_anywhere, reset, end),
        cmocka_unit_test_setup_teardown(letters_may_be_joined, reset, end),
        cmocka_unit_test_setup_teardown(values_behind_an_equals_sign_or_a_space, reset, end),
        cmocka_unit_test_setup_teardown(two_dashes_end_the_options, reset, end),
        cmocka_unit_test_setup_teardown(a_lone_dash_is_an_operand, reset, end),
        cmocka_unit_test_setup_teardown(help_wins_over_what_is_missing, reset, end),
        cmocka_unit_test_setup_teardown(a_group_alone_shows_its_commands, reset, end),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_said, reset, end),
        cmocka_unit_test_setup_teardown(numbers_start_at_one, reset, end),
        cmocka_unit_test_setup_teardown(no_argv_at_all, reset, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
