/* What is typed, cut anywhere: what reaches the shell, and what was wished. */
#include "cli/shell.h"

#include "unit.h"

static void take(struct cli_keys *keys, struct str piece, struct buf *out)
{
    while (piece.n > 0) {
        enum cli_wish wish = cli_keys_take(keys, &piece, out);
        if (wish != CLI_WISH_NONE) {
            buf_byte(out, wish == CLI_WISH_HELP ? '!' : '.');
        }
    }
}

/* The bytes for the shell, "!" where help is asked for, "." where it is left. */
static void typed(struct str in, const char *expected)
{
    for (size_t step = 1; step <= in.n; step++) {
        struct cli_keys keys = {0};
        BUF_AUTO(out, 256);
        for (size_t at = 0; at < in.n; at += step) {
            take(&keys, str_slice(in, at, at + step), &out);
        }
        assert_str(buf_str(&out), expected);
    }
}

static void escapes(void **state)
{
    (void)state;
    typed(STR("ls ~/x\r"), "ls ~/x\r");
    typed(STR("~."), ".");
    typed(STR("a~.\r"), "a~.\r");
    typed(STR("ls\r~."), "ls\r.");
    typed(STR("ls\n~?~."), "ls\n!.");
    typed(STR("~~.\r"), "~.\r");
    typed(STR("~~~.\r"), "~~.\r");
    typed(STR("~x~.\r"), "~x~.\r");
    typed(STR("~\r~."), "~\r.");
    typed(STR("\x1b[A~."), "\x1b[A~.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
