/* Help, from the table of commands. */
#include "cli/cli_int.h"

enum { NAME_COLUMN = 24, TEXT_WIDTH = 96, FEW_OPTIONS = 4 };

/* Words of text in lines of at most TEXT_WIDTH, each behind indent spaces; the first line stands where out stands. */
static void wrap(struct buf *out, const char *text, int indent)
{
    size_t column = (size_t)indent;
    struct str rest = str_from(text), word;
    bool first = true;
    while (str_split(&rest, ' ', &word)) {
        if (!first && column + 1 + cli_width(word) > TEXT_WIDTH) {
            buf_printf(out, "\n%*s", indent, "");
            column = (size_t)indent;
        } else if (!first) {
            buf_byte(out, ' ');
            column++;
        }
        buf_add(out, word);
        column += cli_width(word);
        first = false;
    }
    buf_byte(out, '\n');
}

static void row(struct buf *out, const char *name, const char *text)
{
    size_t width = cli_width(str_from(name));
    if (width + 4 > NAME_COLUMN) {
        buf_printf(out, "  %s\n%*s", name, NAME_COLUMN, "");
    } else {
        buf_printf(out, "  %s%*s", name, (int)(NAME_COLUMN - 2 - width), "");
    }
    wrap(out, text, NAME_COLUMN);
}

static void topics(struct buf *out, const char *head, const struct cli_topic *list)
{
    buf_printf(out, "\n%s:\n", head);
    for (; list->name; list++) {
        row(out, list->name, list->text);
    }
}

static void option_rows(struct buf *out, const struct cli_option *options)
{
    for (; options && options->name; options++) {
        char name[80];
        char letter[8] = "";
        if (options->letter) {
            (void)snprintf(letter, sizeof letter, "-%c, ", options->letter);
        }
        (void)snprintf(name, sizeof name, "%s--%s%s%s", letter, options->name,
                       options->value ? " " : "", options->value ? options->value : "");
        row(out, name, options->text);
    }
}

static void usage_options(struct buf *out, const struct cli_option *options)
{
    size_t count = 0;
    while (options && options[count].name) {
        count++;
    }
    if (count > FEW_OPTIONS) {
        buf_printf(out, " [OPTION…]");
        return;
    }
    for (const struct cli_option *o = options; o && o->name; o++) {
        if (o->letter) {
            buf_printf(out, " [-%c%s%s]", o->letter, o->value ? " " : "", o->value ? o->value : "");
        } else {
            buf_printf(out, " [--%s%s%s]", o->name, o->value ? " " : "", o->value ? o->value : "");
        }
    }
}

void cli_usage_line(struct buf *out, const struct cli_command *command)
{
    buf_printf(out, "coditect %s", command->name);
    usage_options(out, command->options);
    for (const struct cli_operand *o = command->operands; o && o->name; o++) {
        buf_printf(out, o->optional ? " [%s]" : " %s", o->name);
        buf_printf(out, o->many ? "…" : "");
    }
}

void cli_help_command(struct buf *out, const struct cli_command *command)
{
    buf_printf(out, "%s\n\nUsage: ", command->summary);
    cli_usage_line(out, command);
    buf_byte(out, '\n');
    if (command->text) {
        buf_byte(out, '\n');
        wrap(out, command->text, 0);
    }
    buf_printf(out, "\nOptions:\n");
    option_rows(out, command->options);
    option_rows(out, command->plain ? cli_common + 1 : cli_common);
    if (command->examples) {
        buf_printf(out, "\nExamples:\n");
    }
    for (const struct cli_example *e = command->examples; e && e->line; e++) {
        buf_printf(out, "  %s\n      ", e->line);
        wrap(out, e->text, 6);
    }
}

static void command_rows(struct buf *out, struct str group)
{
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        struct str name = str_from((*c)->name);
        bool inside =
            group.n == 0 || (str_starts(name, group) && name.n > group.n && name.p[group.n] == ' ');
        if (inside) {
            row(out, (*c)->name, (*c)->summary);
        }
    }
}

void cli_help_group(struct buf *out, struct str group)
{
    buf_printf(out, "Usage: coditect " STR_FMT " COMMAND …\n\nCommands:\n", STR_ARG(group));
    command_rows(out, group);
    buf_printf(out, "\ncoditect " STR_FMT " COMMAND --help says more about one.\n", STR_ARG(group));
}

void cli_help_all(struct buf *out)
{
    buf_printf(out, "Sessions and files of a Coditect server, from the shell.\n\n"
                    "Usage: coditect COMMAND …\n\nCommands:\n");
    command_rows(out, STR_EMPTY);
    buf_printf(out, "\nOptions of every command:\n");
    option_rows(out, cli_common);
    row(out, "--version", "show the version");
    topics(out, "Exit status", cli_exits);
    topics(out, "Environment", cli_environment);
    topics(out, "Files", cli_files);
    buf_printf(out, "\nA session is named by its id or its name; a file in it is SESSION:PATH.\n"
                    "coditect COMMAND --help says more about one, with examples.\n");
}
