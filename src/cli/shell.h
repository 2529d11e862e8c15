/*
 * A shell of a session's workspace: the socket that it is reached by, and what goes between it and standard input and output
 * (cmd_shell.c runs it). The shell outlives the socket: struct cli_shell knows where it stands, and comes back there.
 */
#ifndef CLI_SHELL_H
#define CLI_SHELL_H

#include "cli/cli_int.h"
#include "http/http.h"

/* ---- a connection to the server, TLS and all, without a request: transport.c ---- */

struct cli_connection;

/* To the scheme, name and port of url. What cli_transport_do returns; said. */
int cli_connection_open(struct cli_transport *transport, const char *url,
                        struct cli_connection **ret_connection) BASE_MUST_USE;
void cli_connection_close(struct cli_connection *connection);   /* NULL allowed */
int cli_connection_fd(const struct cli_connection *connection); /* to be waited for; borrowed */
/* How many bytes went, or came; 0: none can now, and a send is tried again with the same bytes; ERR_IO: it has ended. */
ssize_t cli_connection_send(struct cli_connection *connection, struct str bytes) BASE_MUST_USE;
ssize_t cli_connection_receive(struct cli_connection *connection, void *to,
                               size_t room) BASE_MUST_USE;

/* ---- escapes, shell_keys.c ---- */

/* As ssh has them: behind the start of a line ~. leaves, ~? asks for help, ~~ is one ~. Zero-initialised. */
struct cli_keys {
    bool inside; /* not at the start of a line */
    bool tilde;  /* one was typed there, and is held back */
};

enum cli_wish { CLI_WISH_NONE, CLI_WISH_LEAVE, CLI_WISH_HELP };

/* Takes bytes from the front of *in, appends those for the shell to out (at most one more); stops behind a wish. */
enum cli_wish cli_keys_take(struct cli_keys *keys, struct str *in, struct buf *out);

/* ---- one shell ---- */

enum {
    CLI_SHELL_NAME = 64,
    CLI_SHELL_RUN = 16,
    CLI_SHELL_COMMAND = 1024,
    CLI_SHELL_MESSAGE = 256 * 1024, /* bytes of a message of the server's */
    CLI_SHELL_TYPED = 64 * 1024,    /* bytes that wait to be sent */
    CLI_SHELL_SHOWN = 64 * 1024,    /* bytes that wait to be shown, before nothing more is read */
    CLI_SHELL_PONG = 125,
};

enum cli_shell_end {
    CLI_SHELL_GOES_ON,
    CLI_SHELL_EXITED,  /* number is its exit code */
    CLI_SHELL_KILLED,  /* by the signal that number is */
    CLI_SHELL_HUNG_UP, /* by shells end, or with its workspace */
    CLI_SHELL_GONE,    /* meanwhile: nobody knows how */
    CLI_SHELL_LEFT,    /* by ~., or standard input or output is gone */
    CLI_SHELL_LOST,    /* the connection is */
    CLI_SHELL_REFUSED, /* number is the code to fail with; said */
};

struct cli_shell {
    struct cli_run *run;
    struct str session;  /* its id */
    struct str name;     /* of the shell */
    const char *command; /* what a new one runs; NULL: a login shell */
    bool by_hand;        /* standard input is a terminal */
    struct cli_transport *transport;

    /* where it stands */
    char which[CLI_SHELL_RUN + 1]; /* its run; "": not known yet */
    uint64_t offset;               /* of the byte that comes next */
    bool fresh;                    /* it began with us */
    enum cli_shell_end end;
    int number;
    struct buf typed; /* for the shell */
    struct buf show;  /* for standard output */
    struct cli_keys keys;
    unsigned cols, rows; /* of our terminal; 0: there is none */
    bool over;           /* nothing more comes from standard input */
    bool mid_line;       /* what came last was no newline */
    usec_t over_at;      /* when the shell was told so last; 0: not yet */
    usec_t left_at;      /* when ~. was typed: what came before it goes first; 0: not yet */

    /* how it comes back: kept from one lost connection to the next, unless that one lived */
    usec_t until;     /* when it gives up; 0: it was not lost yet */
    usec_t pause;     /* before it tries next */
    usec_t dialed_at; /* when it was there last */

    /* the connection that there is now; cli_shell_dial begins it */
    struct cli_connection *connection; /* NULL: none */
    struct http_dial *dial;
    bool opened; /* the shell has said which it is */
    bool dry;    /* all that has come was read */
    bool sized;  /* the size is to be said */
    usec_t heard;
    usec_t stirred_at; /* when it said last that it is alive, or began */
    struct buf out;    /* on its way; appended to only when all of it went */
    size_t sent;       /* of out */
    bool pongs;        /* the server waits for pong */
    size_t pong_n;
    char pong[CLI_SHELL_PONG];
    bool pinged; /* ours has not come back; it is answered behind all that went before it */
    usec_t pinged_at;
    uint64_t given; /* bytes that went this way */
    uint64_t had;   /* of those, what has arrived for sure */
    uint64_t
        mattered; /* of those, up to the last that was more than the word that nothing follows */
};

/* From the server's bytes to what the fields say: shell_word.c. Sets end when there is one. */
void cli_shell_hear(struct cli_shell *shell, struct str bytes);

/*
 * Connects, and is told which shell it is or that there is none: shell_dial.c. What the server's refusal stands for;
 * ERR_UNAVAILABLE, ERR_BAD_GATEWAY: it may be reached later; said.
 */
int cli_shell_dial(struct cli_shell *shell) BASE_MUST_USE;
void cli_shell_hang_up(struct cli_shell *shell); /* its connection alone; none: nothing */

/* How large our terminal is now; sized is set when that is news. */
void cli_shell_measure(struct cli_shell *shell);

/* Until shell->end is one, all that came is written. ERR_IO: standard output fails, said. */
int cli_shell_attend(struct cli_shell *shell) BASE_MUST_USE;

/* Whether something may be lost of what was typed. */
static inline bool cli_shell_is_unsure(const struct cli_shell *shell)
{
    return shell->had < shell->mattered;
}

/* A line on standard error beside the shell's, also while the terminal is raw; escaped. */
void cli_shell_say(const struct cli_shell *shell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
