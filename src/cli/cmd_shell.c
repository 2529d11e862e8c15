/*
 * shell: a terminal in a session's workspace. The shell lives there by its name; what is here comes and goes, and comes back by
 * itself when the connection is lost.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/rand.h"
#include "cli/shell.h"

enum {
    SHOW_MOST = 1024 * 1024,
    TYPED_ROOM = 16 * 1024,
    PATIENCE_S = 300,
    MOST_PATIENCE_S = 30 * 24 * 60 * 60,
    RANDOM = 4,
    HANGUP = 1
};

static const usec_t first_pause = 250 * USEC_PER_MS;
static const usec_t last_pause = 10 * USEC_PER_SEC;
static const usec_t lived = 5 * USEC_PER_SEC; /* shorter, and the connection is as good as none */
static const usec_t door_patience = 15 * USEC_PER_SEC; /* with a workspace that has just started */

/* ---- whether there is a workspace ---- */

static int start(struct cli_shell *s)
{
    struct cli_reply reply;
    struct cli_sessions_open_in in = {.session_id = s->session};
    int r = cli_sessions_open(s->run->client, &in, NULL, &reply);
    return r < 0 ? r : cli_session_wait(s->run, s->session, &reply);
}

/*
 * ERR_NOT_RUNNING: it is not, nor on its way; ERR_BUSY: it is on its way, which only the first look waits for, as that has no
 * deadline; said. It is asked each time, so that tokens are fresh, too.
 */
static int look(struct cli_shell *s, bool first)
{
    struct cli_reply reply;
    struct cli_session session = {0};
    struct cli_sessions_get_in in = {.session_id = s->session};
    int r = cli_sessions_get(s->run->client, &in, NULL, &reply);
    r = r < 0 ? r : cli_shape_read(s->run, &cli_shape_session, reply.data, &session);
    if (r < 0 || str_eq(session.workspace.state, STR("running"))) {
        return r;
    }
    bool comes = str_eq(session.status, STR("active")) &&
                 (str_eq(session.workspace.state, STR("starting")) ||
                  str_eq(session.workspace.state, STR("restoring")));
    if (comes) {
        return first ? cli_session_wait(s->run, s->session, &reply)
                     : cli_fail(s->run, ERR_BUSY, "its workspace is starting");
    }
    return first && cli_given(s->run, "start")
               ? start(s)
               : cli_fail(s->run, ERR_NOT_RUNNING,
                          "its workspace is not running: --start starts it, as does "
                          "coditect sessions open --wait " STR_FMT,
                          STR_ARG(s->session));
}

/* ---- there, and back ---- */

static bool may_pass(int code)
{
    return code == ERR_UNAVAILABLE || code == ERR_BUSY || code == ERR_RATE_LIMITED ||
           code == ERR_TIMEOUT || code == ERR_CLOSED;
}

static void wait_a_little(usec_t *pause)
{
    cli_wait(*pause / 2 + (usec_t)rand_below((uint64_t)*pause / 2 + 1));
    *pause = 2 * *pause < last_pause ? 2 * *pause : last_pause;
}

static int reach_first(struct cli_shell *s)
{
    usec_t until = time_monotonic() + door_patience, pause = first_pause;
    int r = look(s, /* first= */ true);
    while (r == 0) {
        r = cli_shell_dial(s);
        if ((r != ERR_BUSY && r != ERR_BAD_GATEWAY) || time_monotonic() > until) {
            break;
        }
        wait_a_little(&pause);
        r = 0;
    }
    return r;
}

static int reach_again(struct cli_shell *s, int64_t seconds)
{
    usec_t now = time_monotonic();
    if (s->until == 0 || now - s->dialed_at >= lived) {
        s->until = now + seconds * USEC_PER_SEC;
        s->pause = first_pause;
    } else if (now > s->until) {
        return cli_fail(s->run, ERR_UNAVAILABLE, "the connection is lost again and again");
    }
    for (;;) {
        wait_a_little(&s->pause);
        int r = look(s, /* first= */ false);
        bool passes = may_pass(r);
        if (r == 0) {
            r = cli_shell_dial(s);
            passes = may_pass(r) || r == ERR_BAD_GATEWAY;
        }
        if (!passes || time_monotonic() > s->until) {
            return r;
        }
    }
}

static int come_back(struct cli_shell *s, int64_t seconds)
{
    bool unsure = cli_shell_is_unsure(s);
    cli_shell_hang_up(s);
    if (unsure && !s->by_hand) {
        return cli_fail(s->run, ERR_UNAVAILABLE,
                        "the connection is lost, perhaps with some of what was sent");
    }
    int r = s->by_hand ? cli_terminal_raw(/* interrupts= */ true) : 0; /* before it is said */
    cli_shell_say(s, s->by_hand ? "the connection is lost; trying again, Ctrl-C leaves"
                                : "the connection is lost; trying again");
    s->end = CLI_SHELL_GOES_ON;
    s->over_at = 0;
    r = r < 0 ? cli_fail(s->run, r, "the terminal does not answer") : reach_again(s, seconds);
    if (r == 0) {
        cli_shell_say(s, unsure ? "here again; what was typed last may not have arrived"
                                : "here again");
    }
    return r;
}

/* ---- one run ---- */

/* What a program that is left in the middle would have set back: screen, mouse, pasting, keys, cursor, colours. */
static const char calm[] = "\x1b[?1047l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l"
                           "\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>\x1b[?25h\x1b[m";

static int report(struct cli_shell *s)
{
    struct cli_run *run = s->run;
    switch (s->end) {
    case CLI_SHELL_EXITED:
        run->status = s->number;
        return 0;
    case CLI_SHELL_KILLED:
        run->status = 128 + s->number;
        return 0;
    case CLI_SHELL_HUNG_UP:
        cli_shell_say(s, "the shell was ended");
        run->status = 128 + HANGUP;
        return 0;
    case CLI_SHELL_GONE:
        return cli_fail(run, ERR_NOT_FOUND,
                        "the shell is not there any more: its workspace was started anew");
    case CLI_SHELL_REFUSED:
        return s->number;
    default:
        cli_shell_say(s, "left; %sthe shell goes on: coditect shell " STR_FMT " " STR_FMT,
                      s->typed.n > 0 || cli_shell_is_unsure(s)
                          ? "what was typed last may not have arrived; "
                          : "",
                      STR_ARG(s->session), STR_ARG(s->name));
        return 0;
    }
}

static int attend(struct cli_shell *s, int64_t seconds)
{
    int r = 0;
    bool shown = s->by_hand && isatty(STDOUT_FILENO) == 1;
    cli_guard_screen(shown ? calm : NULL);
    while (r == 0) {
        r = cli_shell_attend(s);
        if (r < 0 || s->end != CLI_SHELL_LOST) {
            break;
        }
        r = come_back(s, seconds);
    }
    cli_guard_screen(NULL);
    if (shown && s->end != CLI_SHELL_EXITED) {
        (void)!write(STDOUT_FILENO, calm, sizeof calm - 1);
    }
    if (r < 0 && r != ERR_IO) {
        struct str why = arena_str(&s->run->arena, buf_str(&s->run->problem));
        return cli_fail(s->run, r,
                        STR_FMT " (coditect shell " STR_FMT " " STR_FMT " goes back to it)",
                        STR_ARG(why), STR_ARG(s->session), STR_ARG(s->name));
    }
    return r < 0 ? r : report(s);
}

/* It must be one that began with us: any other runs something else, or did, and is heard of for the first time. */
static int check_command(struct cli_shell *s)
{
    if (s->command && s->opened && !s->fresh) {
        return cli_fail(s->run, ERR_EXISTS,
                        "there is a shell of this name already, which runs something else; "
                        "choose another NAME for --command");
    }
    return 0;
}

static int begin(struct cli_shell *s)
{
    struct cli_run *run = s->run;
    const char *name = run->operand_count > 1 ? run->operands[1] : NULL;
    unsigned char random[RANDOM];
    BUF_AUTO(made, 16);
    buf_printf(&made, "run-");
    rand_bytes(random, sizeof random);
    encode_hex(&made, str_of(random, sizeof random));
    s->name = name                        ? str_from(name)
              : s->by_hand && !s->command ? STR("main")
                                          : arena_str(&run->arena, buf_str(&made));
    if (!str_is_word(s->name, CLI_SHELL_NAME)) {
        return cli_fail(run, ERR_INVALID,
                        "a shell's name has 1 to %d letters, digits, _ and -, not %.80s",
                        CLI_SHELL_NAME, name);
    }
    if (s->command && (!s->command[0] || strlen(s->command) > CLI_SHELL_COMMAND)) {
        return cli_fail(run, ERR_INVALID, "--command must have 1 to %d bytes", CLI_SHELL_COMMAND);
    }
    run->subject = run->operands[0];
    struct cli_client *client;
    int r = cli_client(run, &client);
    r = r < 0
            ? r
            : cli_session_find(run, str_from(run->operands[0]), /* deleted= */ false, &s->session);
    return r < 0 ? r : cli_transport_create(run, &s->transport);
}

static int read_patience(struct cli_run *run, int64_t *ret_seconds)
{
    int64_t seconds = 0;
    int r = cli_number(run, "patience", &seconds);
    if (r == 0 && seconds > MOST_PATIENCE_S) {
        return cli_fail(run, ERR_INVALID, "--patience is at most %d seconds, which is 30 days",
                        MOST_PATIENCE_S);
    }
    *ret_seconds = seconds > 0 ? seconds : PATIENCE_S;
    return r;
}

static int shell(struct cli_run *run)
{
    struct cli_shell s = {
        .run = run, .command = cli_value(run, "command"), .by_hand = isatty(STDIN_FILENO) == 1};
    int64_t seconds = 0;
    buf_init(&s.typed, CLI_SHELL_TYPED + TYPED_ROOM);
    buf_init(&s.show, SHOW_MOST);
    int r = read_patience(run, &seconds);
    r = r < 0 ? r : begin(&s);
    r = r < 0 ? r : reach_first(&s);
    r = r < 0 ? r : check_command(&s);
    if (r == 0) {
        r = attend(&s, seconds);
    }
    cli_terminal_back();
    cli_shell_hang_up(&s);
    cli_transport_destroy(s.transport);
    buf_fini(&s.typed);
    buf_fini(&s.show);
    return r;
}

static const struct cli_operand operands[] = {
    {.name = "SESSION", .complete = CLI_SESSION},
    {.name = "NAME", .optional = true},
    {.name = NULL},
};
static const struct cli_option options[] = {
    {.name = "command",
     .letter = 'c',
     .value = "COMMAND",
     .text = "what a new one runs instead of a login shell"},
    {.name = "start", .text = "start the workspace when it is not running"},
    {.name = "patience",
     .value = "SECONDS",
     .text = "how long to try again after the connection is lost (default 300)"},
    {.name = NULL},
};
static const struct cli_example examples[] = {
    {"coditect shell --start 'Project A'", "The shell main; begun if there is none."},
    {"coditect shell 'Project A' build", "Another one, by its name."},
    {"coditect shell -c 'make test' 'Project A' < /dev/null", "Ends with the status of make."},
    {"printf 'cd src\\nls\\n' | coditect shell 'Project A'", "Types these lines."},
    {.line = NULL},
};
const struct cli_command cli_command_shell = {
    .name = "shell",
    .summary = "Open a shell in a session's workspace.",
    .text =
        "It lives on by its name when you go: at the start of a line ~. leaves, ~? says what else "
        "there is. Coming back shows its last 256 KiB. Without NAME it is main; with --command, "
        "or when standard input is no terminal, a new one. Then what is read is typed, with Ctrl-D "
        "at its end, and what the shell says is printed until it ends. A connection that is lost "
        "is "
        "made again. The exit status is the shell's, 128+N when signal N ended it and 129 when "
        "it was hung up on; 0 after ~.; 4: it is not there any more; 5: its workspace does not "
        "run; 6: the connection is lost for good, or output for a pipe is not kept any more.",
    .operands = operands,
    .options = options,
    .examples = examples,
    .plain = true,
    .run = shell,
};
