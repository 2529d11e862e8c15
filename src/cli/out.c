/*
 * Standard output, buffered here, and what is said on standard error.
 *
 * 1. A reader of standard output that goes away ends the run without a word, as SIGPIPE would; any other failure of it is said.
 * 2. Everything on standard error that others may have written goes through cli_escape.
 */
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "cli/cli_int.h"

enum { LINE_MOST = 64 * 1024, SUBJECT_MOST = 8 * 1024 };

/* ---- standard error ---- */

static void say(struct str line)
{
    BUF_AUTO(out, 4 * LINE_MOST);
    cli_escape(&out, line);
    buf_byte(&out, '\n');
    (void)!write(STDERR_FILENO, out.p, out.n);
}

int cli_fail(struct cli_run *run, int code, const char *format, ...)
{
    char text[8192];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buf_clear(&run->problem);
    buf_clear(&run->request_id);
    buf_add(&run->problem, str_from(text));
    run->code = code;
    return code;
}

/* Whether the problem says already what it is about: "../x is no id", "no session has this name: x". */
static bool is_said(struct str problem, struct str subject)
{
    size_t n = subject.n;
    return problem.n >= n + 2 &&
           ((str_starts(problem, subject) && problem.p[n] == ' ') ||
            (str_ends(problem, subject) && problem.p[problem.n - n - 1] == ' ' &&
             problem.p[problem.n - n - 2] == ':'));
}

/* The words are those that people read. */
static void say_json(const struct cli_run *run, struct str words)
{
    BUF_AUTO(message, 4 * LINE_MOST);
    BUF_AUTO(line, 8 * LINE_MOST);
    struct json_writer w;
    cli_escape(&message, words);
    json_writer_init(&w, &line);
    json_object(&w);
    json_member_string(&w, "code", str_from(err_row(run->code)->name));
    json_member_string(&w, "message", buf_str(&message));
    if (run->request_id.n > 0) {
        json_member_string(&w, "request_id", buf_str(&run->request_id));
    }
    json_object_end(&w);
    buf_byte(&line, '\n');
    (void)!write(STDERR_FILENO, line.p, line.n);
}

void cli_complain(struct cli_run *run)
{
    BUF_AUTO(line, LINE_MOST);
    struct str problem = buf_str(&run->problem);
    struct str subject = str_slice(str_from(run->subject ? run->subject : ""), 0, SUBJECT_MOST);
    buf_printf(&line, run->json ? "" : "coditect: ");
    if (run->subject && !is_said(problem, subject)) {
        buf_printf(&line, STR_FMT ": ", STR_ARG(subject));
    }
    buf_add(&line, problem);
    if (run->json) {
        say_json(run, buf_str(&line));
    } else {
        say(buf_str(&line));
    }
}

void cli_note(const char *format, ...)
{
    char text[8192];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say(str_from(text));
}

int cli_exit_status(int code)
{
    if (code == 0) {
        return 0;
    }
    if (code == ERR_INVALID) {
        return 2;
    }
    switch (err_row(code)->status) {
    case 401:
        return 3;
    case 404:
        return 4;
    case 408:
    case 429:
    case 502:
    case 503:
    case 504:
        return 6;
    case 500:
    case 501:
    case 505:
        return 1;
    default:
        return 5;
    }
}

/* ---- standard output ---- */

int cli_flush(struct cli_run *run)
{
    if (run->closed) {
        return ERR_IO;
    }
    ASSERT(!run->out.error);
    int r = fd_write_all(STDOUT_FILENO, buf_str(&run->out));
    int number = errno;
    buf_clear(&run->out);
    if (r < 0) {
        run->closed = number == EPIPE;
        return cli_fail(run, ERR_IO, "standard output: %s", strerror(number));
    }
    return 0;
}

/* What cannot be written is found by the next cli_flush. */
void cli_print(struct cli_run *run, struct str s)
{
    buf_add(&run->out, s);
}

/* ---- tables ---- */

void cli_table_init(struct cli_table *table, struct cli_run *run, const char *const *heads)
{
    *table = (struct cli_table){.run = run, .heads = heads};
    while (heads[table->columns]) {
        table->columns++;
    }
    ASSERT(table->columns <= CLI_MOST_COLUMNS);
    arena_init(&table->arena);
}

void cli_table_fini(struct cli_table *table)
{
    VEC_FREE(&table->cells);
    arena_fini(&table->arena);
}

void cli_table_add(struct cli_table *table, struct str cell)
{
    VEC_ADD(&table->cells, cli_escaped(&table->arena, cell));
}

static void print_cell(struct cli_table *table, size_t column, struct str cell)
{
    struct buf *out = &table->run->out;
    size_t width = cli_width(cell);
    size_t gap = table->widths[column] > width ? table->widths[column] - width : 0;
    bool right = table->heads[column][0] == '>';
    bool last = column + 1 == table->columns;
    buf_printf(out, "%*s", right ? (int)gap : 0, "");
    buf_add(out, cell);
    buf_printf(out, "%*s", last ? 0 : (int)(right ? 0 : gap) + 2, "");
}

static struct str head_of(const struct cli_table *table, size_t column)
{
    const char *head = table->heads[column];
    return str_from(head[0] == '>' ? head + 1 : head);
}

static void print_heads(struct cli_table *table)
{
    struct buf *out = &table->run->out;
    buf_printf(out, table->run->colour ? "\x1b[1m" : "");
    for (size_t i = 0; i < table->columns; i++) {
        print_cell(table, i, head_of(table, i));
    }
    buf_printf(out, table->run->colour ? "\x1b[0m\n" : "\n");
    table->headed = true;
}

void cli_table_flush(struct cli_table *table)
{
    ASSERT(table->cells.n % table->columns == 0);
    for (size_t i = 0; i < table->cells.n + table->columns; i++) {
        struct str cell =
            i < table->cells.n ? table->cells.at[i] : head_of(table, i - table->cells.n);
        size_t *width = &table->widths[i % table->columns];
        size_t wide = cli_width(cell);
        *width = wide > *width ? wide : *width;
    }
    if (!table->headed && table->cells.n > 0) {
        print_heads(table);
    }
    for (size_t i = 0; i < table->cells.n; i++) {
        print_cell(table, i % table->columns, table->cells.at[i]);
        if ((i + 1) % table->columns == 0) {
            buf_byte(&table->run->out, '\n');
        }
    }
    table->cells.n = 0;
    arena_reset(&table->arena);
}
