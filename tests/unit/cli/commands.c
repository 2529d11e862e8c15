/* What parser, help, completion and man page take for granted of the table. */
#include "cli/cli_int.h"

#include "unit.h"

static bool is_sentence(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && text[0] >= 'A' && text[0] <= 'Z' && text[n - 1] == '.';
}

static void each_row_is_whole(void **state)
{
    (void)state;
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        const struct cli_command *command = *c;
        assert_non_null(command->run);
        if (!is_sentence(command->summary) || (command->text && !is_sentence(command->text))) {
            fail_msg("%s: summary and text are sentences", command->name);
        }
        assert_non_null(command->examples);
        size_t options = 0;
        for (const struct cli_option *o = command->options; o && o->name; o++) {
            assert_true(strlen(o->name) > 1 && strlen(o->name) < 30);
            assert_true(o->text[0]);
            options++;
        }
        assert_true(options <= CLI_MOST_OPTIONS);
    }
}

static void examples_are_valid_words(void **state)
{
    (void)state;
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        const struct cli_example *e = (*c)->examples;
        assert_non_null(e->line);
        for (; e->line; e++) {
            char whole[80];
            (void)snprintf(whole, sizeof whole, "coditect %s", (*c)->name);
            assert_non_null(strstr(e->line, whole));
            assert_true(is_sentence(e->text));
        }
    }
}

static void names_are_single_and_groups_together(void **state)
{
    (void)state;
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        assert_ptr_equal(cli_command_named(str_from((*c)->name)), *c);
        assert_false(cli_is_group(str_from((*c)->name)));
        struct str name = str_from((*c)->name);
        struct str first = str_slice(name, 0, str_find(name, ' ', 0));
        bool apart = false;
        for (const struct cli_command *const *d = c + 1; *d; d++) {
            bool same = str_starts(str_from((*d)->name), first) && (*d)->name[first.n] == ' ';
            assert_false(apart && same);
            apart |= !same;
        }
    }
}

static void everything_is_in_help_and_manual(void **state)
{
    (void)state;
    BUF_AUTO(help, 256 * 1024);
    BUF_AUTO(manual, 1024 * 1024);
    BUF_AUTO(bash, 1024 * 1024);
    cli_help_all(&help);
    cli_manual(&manual);
    cli_completion_bash(&bash);
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        assert_non_null(strstr(buf_z(&help), (*c)->name));
        BUF_AUTO(name, 256); /* as roff wants it */
        for (const char *at = (*c)->name; *at; at++) {
            buf_add(&name, *at == '-' ? STR("\\-") : str_of(at, 1));
        }
        assert_non_null(strstr(buf_z(&manual), buf_z(&name)));
        assert_non_null(strstr(buf_z(&bash), (*c)->name));
    }
    for (const struct cli_topic *t = cli_exits; t->name; t++) {
        assert_non_null(strstr(buf_z(&help), t->name));
    }
}

static void every_error_has_an_exit_status(void **state)
{
    (void)state;
    for (int code = -1; code >= -ERR_COUNT; code--) {
        int status = cli_exit_status(code);
        assert_in_range(status, 1, 6);
    }
    assert_int_equal(cli_exit_status(0), 0);
    assert_int_equal(cli_exit_status(ERR_INVALID), 2);
    assert_int_equal(cli_exit_status(ERR_BAD_CREDENTIALS), 3);
    assert_int_equal(cli_exit_status(ERR_NOT_FOUND), 4);
    assert_int_equal(cli_exit_status(ERR_TOO_LARGE), 5);
    assert_int_equal(cli_exit_status(ERR_QUOTA), 5);
    assert_int_equal(cli_exit_status(ERR_RATE_LIMITED), 6);
    assert_int_equal(cli_exit_status(ERR_UNAVAILABLE), 6);
    assert_int_equal(cli_exit_status(ERR_IO), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_whole),
        cmocka_unit_test(examples_are_valid_words),
        cmocka_unit_test(names_are_single_and_groups_together),
        cmocka_unit_test(everything_is_in_help_and_manual),
        cmocka_unit_test(every_error_has_an_exit_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
