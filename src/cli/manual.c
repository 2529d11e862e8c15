/* The man page, from the table of commands. Format: man(7) macros of groff. */
#include "cli/cli_int.h"

/* A text without what roff would take for itself. */
static void plain(struct buf *out, struct str text)
{
    if (text.n > 0 && (text.p[0] == '.' || text.p[0] == '\'')) {
        buf_add(out, STR("\\&"));
    }
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\\') {
            buf_add(out, STR("\\e"));
        } else if (c == '-') {
            buf_add(out, STR("\\-"));
        } else if (c == '\'') {
            buf_add(out, STR("\\(aq"));
        } else if (c == '~') {
            buf_add(out, STR("\\(ti"));
        } else if ((unsigned char)c == 0xe2 && str_starts(str_slice(text, i, text.n), STR("…"))) {
            buf_add(out, STR("\\&..."));
            i += 2;
        } else {
            buf_byte(out, c);
        }
    }
}

static void line(struct buf *out, const char *text)
{
    plain(out, str_from(text));
    buf_byte(out, '\n');
}

static void tagged(struct buf *out, const char *name, const char *text)
{
    buf_add(out, STR(".TP\n.B "));
    line(out, name);
    line(out, text);
}

static void options(struct buf *out, const struct cli_option *list)
{
    for (; list && list->name; list++) {
        char name[80], letter[8] = "";
        if (list->letter) {
            (void)snprintf(letter, sizeof letter, "-%c, ", list->letter);
        }
        (void)snprintf(name, sizeof name, "%s--%s%s%s", letter, list->name, list->value ? " " : "",
                       list->value ? list->value : "");
        tagged(out, name, list->text);
    }
}

static void command(struct buf *out, const struct cli_command *c)
{
    BUF_AUTO(usage, 4096);
    cli_usage_line(&usage, c);
    buf_add(out, STR(".SS \""));
    plain(out, buf_str(&usage));
    buf_add(out, STR("\"\n"));
    line(out, c->summary);
    if (c->text) {
        buf_add(out, STR(".PP\n"));
        line(out, c->text);
    }
    options(out, c->options);
    for (const struct cli_example *e = c->examples; e && e->line; e++) {
        buf_add(out, STR(".PP\n"));
        line(out, e->text);
        buf_add(out, STR(".PP\n.RS 4\n.EX\n"));
        line(out, e->line);
        buf_add(out, STR(".EE\n.RE\n"));
    }
}

static void topics(struct buf *out, const char *head, const struct cli_topic *list)
{
    buf_printf(out, ".SH \"%s\"\n", head);
    for (; list->name; list++) {
        tagged(out, list->name, list->text);
    }
}

void cli_manual(struct buf *out)
{
    buf_printf(out, ".TH CODITECT 1 \"\" \"coditect %s\" \"User Commands\"\n", CODITECT_VERSION);
    buf_add(out, STR(".SH NAME\ncoditect \\- sessions and files of a Coditect server, from the "
                     "shell\n.SH SYNOPSIS\n.B coditect\n.I COMMAND\n\\&...\n.SH DESCRIPTION\n"
                     "A session is named by its id or its name; a file in it is\n"
                     ".IR SESSION:PATH .\nNames with control characters are shown escaped.\n"));
    buf_add(out, STR(".SH OPTIONS\n"));
    options(out, cli_common);
    tagged(out, "--version", "show the version");
    buf_add(out, STR(".SH COMMANDS\n"));
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        command(out, *c);
    }
    topics(out, "EXIT STATUS", cli_exits);
    topics(out, "ENVIRONMENT", cli_environment);
    topics(out, "FILES", cli_files);
}
