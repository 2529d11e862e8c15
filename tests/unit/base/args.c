#include "base/args.h"

#include "unit.h"

static const char *config;
static const char *port;
static bool verbose;
static const char *quiet;

static const struct args_option options[] = {
    {.name = "config", .value = "FILE", .text = "settings to read", .given = &config},
    {.name = "port", .value = "NUMBER", .text = "where to listen", .given = &port},
    {.name = "verbose", .text = "say more", .flag = &verbose},
    {.name = "quiet", .text = "say less", .given = &quiet},
    {.name = NULL},
};
static const struct args_spec spec = {
    .program = "prog", .summary = "Does things.", .operands = "FILE…", .options = options};
static const struct args_spec no_operands = {
    .program = "prog", .summary = "Does things.", .options = options};

static struct buf out;

static int reset(void **state)
{
    (void)state;
    config = port = quiet = NULL;
    verbose = false;
    buf_init(&out, 4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_fini(&out);
    return 0;
}

static enum args_result parse(const struct args_spec *s, int *first, char **words)
{
    return args_parse(s, words, &out, first);
}

#define WORDS(...) ((char **)(const char *[]){"prog", __VA_ARGS__, NULL})

static void both_forms(void **state)
{
    (void)state;
    int first = 0;
    assert_int_equal(parse(&spec, &first, WORDS("--config=a=b", "--port", "80", "--verbose", "x")),
                     ARGS_RUN);
    assert_string_equal(config, "a=b");
    assert_string_equal(port, "80");
    assert_true(verbose);
    assert_int_equal(first, 5);
    assert_int_equal(out.n, 0);
}

static void absent_options_are_left_alone(void **state)
{
    (void)state;
    int first = 0;
    config = "default";
    assert_int_equal(parse(&spec, &first, (char **)(const char *[]){"prog", NULL}), ARGS_RUN);
    assert_string_equal(config, "default");
    assert_int_equal(first, 1);
    assert_int_equal(parse(&spec, &first, WORDS("--config=")), ARGS_RUN);
    assert_string_equal(config, "");
}

/* A switch never takes the next word. */
static void switches(void **state)
{
    (void)state;
    int first = 0;
    assert_int_equal(parse(&spec, &first, WORDS("--quiet", "false")), ARGS_RUN);
    assert_string_equal(quiet, "true");
    assert_int_equal(first, 2);
    assert_int_equal(parse(&spec, &first, WORDS("--quiet=false")), ARGS_RUN);
    assert_string_equal(quiet, "false");
}

static void operands(void **state)
{
    (void)state;
    int first = 0;
    assert_int_equal(parse(&spec, &first, WORDS("--", "--port")), ARGS_RUN);
    assert_int_equal(first, 2);
    assert_int_equal(parse(&spec, &first, WORDS("x", "--port")), ARGS_RUN);
    assert_int_equal(first, 1);
    assert_null(port);
    assert_int_equal(parse(&spec, &first, WORDS("-")), ARGS_RUN);
    assert_int_equal(parse(&no_operands, &first, WORDS("x")), ARGS_WRONG);
    assert_string_equal(buf_z(&out), "prog: x is no option (--help lists them)\n");
}

static void assert_wrong(char **words, const char *line)
{
    int first = 77;
    buf_clear(&out);
    assert_int_equal(parse(&spec, &first, words), ARGS_WRONG);
    assert_int_equal(first, 77);
    assert_string_equal(buf_z(&out), line);
}

static void mistakes(void **state)
{
    (void)state;
    assert_wrong(WORDS("--confg", "x"), "prog: unknown option --confg (did you mean --config?)\n");
    assert_wrong(WORDS("--hlep"), "prog: unknown option --hlep (did you mean --help?)\n");
    assert_wrong(WORDS("--Port=1"), "prog: unknown option --Port (did you mean --port?)\n");
    assert_wrong(WORDS("--zzzzzz"), "prog: unknown option --zzzzzz (--help lists the options)\n");
    assert_wrong(
        WORDS("--abcdefghijklmnopqrstuvwxyzabcdefgh"),
        "prog: unknown option --abcdefghijklmnopqrstuvwxyzabcde (--help lists the options)\n");
    assert_wrong(WORDS("--port"), "prog: --port needs a value\n");
    assert_wrong(WORDS("--verbose=yes"), "prog: --verbose takes no value\n");
    assert_wrong(WORDS("--help=me"), "prog: --help takes no value\n");
}

static void help_and_version(void **state)
{
    (void)state;
    int first = 0;
    assert_int_equal(parse(&spec, &first, WORDS("--port", "1", "--help")), ARGS_SHOW);
    assert_string_equal(buf_z(&out), "usage: prog [OPTION…] FILE…\n\nDoes things.\n\n"
                                     "  --config FILE             settings to read\n"
                                     "  --port NUMBER             where to listen\n"
                                     "  --verbose                 say more\n"
                                     "  --quiet                   say less\n"
                                     "  --help                    show this text\n"
                                     "  --version                 show the version\n");
    buf_clear(&out);
    assert_int_equal(parse(&spec, &first, WORDS("--version")), ARGS_SHOW);
    assert_string_equal(buf_z(&out), "prog " CODITECT_VERSION "\n");
}

static void wrong_then_exit(void)
{
    char **words = WORDS("--prt");
    (void)args_parse_or_exit(&spec, words);
}

static void exit_status(void **state)
{
    (void)state;
    char text[200];
    int status = unit_capture(wrong_then_exit, text, sizeof text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
    assert_string_equal(text, "prog: unknown option --prt (did you mean --port?)\n");
    char **words = WORDS("--verbose", "x");
    assert_int_equal(args_parse_or_exit(&spec, words), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_forms, reset, end),
        cmocka_unit_test_setup_teardown(absent_options_are_left_alone, reset, end),
        cmocka_unit_test_setup_teardown(switches, reset, end),
        cmocka_unit_test_setup_teardown(operands, reset, end),
        cmocka_unit_test_setup_teardown(mistakes, reset, end),
        cmocka_unit_test_setup_teardown(help_and_version, reset, end),
        cmocka_unit_test_setup_teardown(exit_status, reset, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
