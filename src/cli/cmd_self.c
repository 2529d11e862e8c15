/* completion, manual: what the table of commands says, in other forms. */
#include "cli/cli_int.h"

enum { PAGE_MOST = 1024 * 1024 };

static int complete(struct cli_run *run)
{
    static const struct {
        const char *shell;
        void (*write)(struct buf *out);
    } shells[] = {
        {"bash", cli_completion_bash}, {"zsh", cli_completion_zsh}, {"fish", cli_completion_fish}};
    BUF_AUTO(out, PAGE_MOST);
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(run->operands[0], shells[i].shell) == 0) {
            shells[i].write(&out);
            cli_print(run, buf_str(&out));
            return 0;
        }
    }
    return cli_fail(run, ERR_INVALID, "%.40s is none of bash, zsh and fish", run->operands[0]);
}

static int show_manual(struct cli_run *run)
{
    BUF_AUTO(out, PAGE_MOST);
    cli_manual(&out);
    cli_print(run, buf_str(&out));
    return 0;
}

static const struct cli_operand shells[] = {
    {.name = "bash|zsh|fish", .complete = CLI_WORDS},
    {.name = NULL},
};
static const struct cli_example completion_examples[] = {
    {"source <(coditect completion bash)", "For this shell; in ~/.bashrc, for all."},
    {"coditect completion zsh > ~/.zfunc/_coditect", "For zsh, with ~/.zfunc in fpath."},
    {"coditect completion fish > ~/.config/fish/completions/coditect.fish", "For fish."},
    {.line = NULL},
};
const struct cli_command cli_command_completion = {
    .name = "completion",
    .summary = "Print the completion of a shell.",
    .operands = shells,
    .examples = completion_examples,
    .plain = true,
    .run = complete,
};

static const struct cli_example manual_examples[] = {
    {"coditect manual | man -l -", "Reads it."},
    {.line = NULL},
};
const struct cli_command cli_command_manual = {
    .name = "manual",
    .summary = "Print the man page.",
    .examples = manual_examples,
    .plain = true,
    .run = show_manual,
};
