/*
 * coditect: the command line of Coditect.
 *
 * 1. Descriptors 0 to 2 are open before anything else is opened: no file may become somebody's standard output.
 * 2. SIGPIPE is ignored while we work, since libcurl's TLS may raise it; a run whose reader went away ends by it, quietly.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli_int.h"

enum { OUT_MOST = 96 * 1024 * 1024, PROBLEM_MOST = 16 * 1024, HELP_MOST = 256 * 1024 };

/* A closed one gets what fails when it is used: nothing can be read from 0, nothing written to 1 and 2. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) { /* the lowest that is free is this one */
            (void)!open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
        }
    }
}

static void begin(struct cli_run *run)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    *run = (struct cli_run){
        .colour = isatty(STDOUT_FILENO) == 1 && !(no_colour && no_colour[0]) && term &&
                  strcmp(term, "dumb") != 0,
    };
    arena_init(&run->arena);
    buf_init(&run->out, OUT_MOST);
    buf_init(&run->problem, PROBLEM_MOST);
    buf_init(&run->request_id, PROBLEM_MOST);
}

static void end(struct cli_run *run)
{
    cli_client_destroy(run->client);
    buf_fini(&run->request_id);
    buf_fini(&run->problem);
    buf_fini(&run->out);
    arena_fini(&run->arena);
}

static int end_output(struct cli_run *run)
{
    run->subject = NULL;
    int r = run->out.n > 0 ? cli_flush(run) : 0;
    if (r < 0 && !run->closed) {
        cli_complain(run);
    }
    return r;
}

static int carry_out(struct cli_run *run, char **argv)
{
    BUF_AUTO(text, HELP_MOST);
    switch (cli_parse(run, argv, &text)) {
    case CLI_SHOW:
        cli_print(run, buf_str(&text));
        break;
    case CLI_WRONG:
        if (run->json && run->code < 0) {
            cli_complain(run);
        } else {
            (void)!write(STDERR_FILENO, text.p, text.n);
        }
        return cli_exit_status(ERR_INVALID);
    case CLI_RUN:;
        int r = run->command->run(run);
        if (r < 0 && !run->closed) {
            cli_complain(run);
        }
        int flushed = end_output(run);
        r = r < 0 ? r : flushed;
        return r < 0 ? cli_exit_status(r) : run->status;
    }
    return cli_exit_status(end_output(run));
}

int main(int argc, char **argv)
{
    (void)argc;
    fill_standard_descriptors();
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* widths of characters */
    (void)signal(SIGPIPE, SIG_IGN);
    struct cli_run run;
    begin(&run);
    int status = carry_out(&run, argv);
    bool closed = run.closed;
    end(&run);
    if (closed) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)raise(SIGPIPE);
    }
    return status;
}
