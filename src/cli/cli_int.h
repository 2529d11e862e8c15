/*
 * coditect, the command line: what its files share. Single-threaded. Every function that fails has said why before it
 * returns (cli_fail), so that a caller only hands the code on; main turns the code into the exit status.
 */
#ifndef CLI_CLI_INT_H
#define CLI_CLI_INT_H

#include <stdio.h>
#include <sys/stat.h>
#include <termios.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/time.h"
#include "base/vec.h"

#include "rest.gen.h"

/* ---- the table of commands: parser, help, completion and man page come from it ---- */

/* What the shell offers for an operand or a value. */
enum cli_complete {
    CLI_NOTHING,
    CLI_LOCAL,   /* files of this machine */
    CLI_SESSION, /* names of sessions */
    CLI_REMOTE,  /* SESSION: */
    CLI_EITHER,  /* both of the former */
    CLI_SETTING, /* names of settings */
    CLI_WORDS,   /* the operand's own words, separated by '|' in its name */
};

struct cli_option {
    const char *name;  /* "recursive"; NULL ends a list */
    char letter;       /* 'r'; 0: none */
    const char *value; /* "N"; NULL: a flag */
    const char *text;
};

struct cli_operand {
    const char *name; /* "SESSION:PATH"; NULL ends a list */
    bool optional;
    bool many; /* only the last, or the last but one: one or more */
    enum cli_complete complete;
};

struct cli_example {
    const char *line; /* NULL ends a list */
    const char *text;
};

enum { CLI_MOST_OPTIONS = 16 };

struct cli_run;

struct cli_command {
    const char *name; /* "sessions ls" */
    const char *summary;
    const char *text; /* more, or NULL */
    const struct cli_operand *operands;
    const struct cli_option *options;
    const struct cli_example *examples;
    bool plain; /* knows no --json */
    int (*run)(struct cli_run *run);
};

extern const struct cli_command *const cli_commands[]; /* in the order of the help; NULL ends it */
extern const struct cli_option cli_common[];           /* known to every command */

struct cli_topic {
    const char *name;
    const char *text;
};

extern const struct cli_topic cli_exits[]; /* exit status and meaning */
extern const struct cli_topic cli_environment[];
extern const struct cli_topic cli_files[];

/* ---- one run ---- */

struct cli_run {
    struct arena arena; /* of the whole run: not for what comes a thousand times */
    const struct cli_command *command;
    const char *values[CLI_MOST_OPTIONS]; /* as command->options; "" of a flag; NULL: not given */
    const char *const *operands;          /* ended by NULL */
    size_t operand_count;
    bool json;
    const char *subject;            /* what cli_complain names before the problem; NULL: nothing */
    int code;                       /* of the last cli_fail; 0: there was none */
    struct buf problem, request_id; /* of it; the latter empty: no request was refused */
    struct buf out;                 /* standard output, see out.c */
    bool closed;                    /* nobody reads standard output any more */
    int status;                     /* exit status when nothing failed: of a shell that has ended */
    bool colour;                    /* standard output is a terminal that may be coloured */
    struct cli_client *client;      /* made by the first command that needs it */
    struct str session;             /* of cli_each_of_session */
};

/* Value of one of the command's options, NULL when not given (asserts that it has it); "" of a flag. */
const char *cli_value(const struct cli_run *run, const char *option);
bool cli_given(const struct cli_run *run, const char *option);
/* A value that is a number from 1 on; 0 when not given. ERR_INVALID, said. */
int cli_number(struct cli_run *run, const char *option, int64_t *ret_number) BASE_MUST_USE;
int cli_positive(struct cli_run *run, struct cli_topic word, int64_t *ret_number) BASE_MUST_USE;

/* Says what went wrong (one line, no full stop needed; control characters are escaped when it is shown); returns code. */
int cli_fail(struct cli_run *run, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Prints what cli_fail said last to standard error, with run->json as an object: for what does not end the run. */
void cli_complain(struct cli_run *run);
/* A line on standard error that is no failure. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

int cli_exit_status(int code); /* of what a command returned */

/* ---- the command line's words ---- */

enum cli_parsed {
    CLI_RUN,
    CLI_SHOW, /* help or version is in out, for standard output */
    CLI_WRONG /* out has one or more lines for standard error */
};

/* argv as main gets it; operands point into memory of run->arena, values into argv. */
enum cli_parsed cli_parse(struct cli_run *run, char **argv, struct buf *out);

void cli_help_all(struct buf *out);
void cli_help_group(struct buf *out, struct str group); /* "sessions" */
void cli_help_command(struct buf *out, const struct cli_command *command);
void cli_usage_line(struct buf *out, const struct cli_command *command);
const struct cli_command *cli_command_named(struct str name); /* NULL: none */
bool cli_is_group(struct str name);
void cli_manual(struct buf *out); /* roff, see man(7) */
void cli_completion_bash(struct buf *out);
void cli_completion_zsh(struct buf *out);
void cli_completion_fish(struct buf *out);

/* ---- text for people ---- */

/*
 * s so that a terminal cannot be moved by it: control characters, what is not UTF-8, line and paragraph separators and
 * characters that turn the direction of writing become \n, \x1b or \u202e; a backslash becomes two.
 */
void cli_escape(struct buf *out, struct str s);
struct str cli_escaped(struct arena *arena, struct str s);

/* The same for what may be entered again as it is shown: a backslash stays one, so that it may also be one of the above. */
void cli_escape_but_backslashes(struct buf *out, struct str s);
size_t cli_width(struct str escaped);                              /* columns of a terminal */
struct str cli_size_text(struct arena *arena, int64_t bytes);      /* "1.5 MiB" */
struct str cli_time_text(struct arena *arena, struct str rfc3339); /* "2026-11-21 04:05:06", UTC */
struct str cli_mode_text(struct arena *arena, const struct cli_entry *entry);

/* ---- standard output ---- */

void cli_print(struct cli_run *run, struct str s); /* as it is */
/* JSON text, with \u escapes for what could move a terminal. */
void cli_print_json(struct cli_run *run, struct str json);
void cli_print_value(struct cli_run *run, const struct json *value); /* and a newline */
int cli_flush(struct cli_run *run) BASE_MUST_USE;

enum { CLI_MOST_COLUMNS = 12 };

/* Lines of columns, held back until cli_table_flush so that the columns fit; with run->json nothing must be added. */
struct cli_table {
    struct cli_run *run;
    const char *const *heads; /* NULL ends them; a '>' in front aligns the column to the right */
    size_t columns;
    size_t widths[CLI_MOST_COLUMNS]; /* never shrink */
    struct arena arena;
    VEC(struct str) cells;
    bool headed;
};

void cli_table_init(struct cli_table *table, struct cli_run *run, const char *const *heads);
void cli_table_fini(struct cli_table *table);
void cli_table_add(struct cli_table *table, struct str cell); /* escapes it */
void cli_table_flush(struct cli_table *table);

/* ---- the terminal ---- */

enum { CLI_MOST_SECRET = 4096 };

/* A line from the terminal, asked for on it; without echo when hidden. ERR_INVALID: there is no terminal, or no line; said. */
int cli_ask(struct cli_run *run, const char *question, bool hidden,
            struct str *ret_line) BASE_MUST_USE;

/*
 * Standard input, a terminal, gives each byte as it is typed, until cli_terminal_back, which every signal that ends the process
 * does too. interrupts: Ctrl-C and its like are signals still. ERR_IO.
 */
int cli_terminal_raw(bool interrupts) BASE_MUST_USE;
void cli_terminal_back(void);

/* While set, and the terminal is raw, such a signal says this to standard output, too. words live; NULL: nothing. */
void cli_guard_screen(const char *words);

/* While set, a signal that ends the process removes this file first. One at a time; NULL: none. */
void cli_guard_file(int directory, const char *name);

/* What is copied, shown on standard error while that is a terminal. */
struct cli_meter {
    bool shown;
    usec_t last; /* monotonic, when it was drawn */
    uint64_t bytes;
    uint64_t files;
    struct str name;
};

void cli_meter_init(struct cli_meter *meter);
void cli_meter_moved(struct cli_meter *meter, uint64_t bytes); /* meter: NULL allowed */
void cli_meter_clear(struct cli_meter *meter);                 /* before another line is written */

/* Waits; a signal that ends the process ends it. */
void cli_wait(usec_t time);

/* ---- the account: where one is logged in, kept in a file only its owner can read ---- */

struct cli_account {
    struct str url; /* "https://c.example.com", without a slash behind */
    struct str email;
    struct str token;
    struct str refresh_token;
    int64_t expires_at; /* seconds since 1970 by this machine's clock */
    bool is_key;        /* token is an API key: nothing to renew, and no login */
};

/* The key that CODITECT_TOKEN gives, for the server of CODITECT_URL. ret_given false: none. ERR_INVALID, said. */
int cli_account_given(struct cli_run *run, struct cli_account *ret_account,
                      bool *ret_given) BASE_MUST_USE;

/* ERR_UNAUTHENTICATED: nobody is logged in; ERR_FORBIDDEN: others could read it; said. */
int cli_account_load(struct cli_run *run, struct arena *arena,
                     struct cli_account *ret_account) BASE_MUST_USE;
int cli_account_save(struct cli_run *run,
                     const struct cli_account *account) BASE_MUST_USE; /* durable when it returns */
int cli_account_forget(struct cli_run *run) BASE_MUST_USE;
/* Excludes other runs of this program; closing ret_fd ends it. */
int cli_account_lock(struct cli_run *run, int *ret_fd) BASE_MUST_USE;

/* ---- HTTP ---- */

struct cli_transport;

/* What an entry of a session is besides its bytes. */
struct cli_facts {
    bool link;
    int mode; /* permission bits; -1: not said */
    bool timed;
    usec_t mtime;
};

/* One request and its reply. */
struct cli_exchange {
    const char *method;
    struct str url;
    VEC(const char *) headers; /* "Name: value" */
    struct str body;           /* when body_fd is -1 */
    int body_fd;               /* read from its present place */
    int64_t body_length;       /* of body_fd; -1: until its end */
    int sink_fd;               /* takes the body of a 2xx; -1: it goes into reply too */
    struct cli_meter *meter;   /* NULL allowed */
    /* results */
    int64_t body_start; /* where body_fd stood; -1: it cannot be read again */
    uint64_t taken;     /* bytes read from body_fd */
    uint64_t written;   /* bytes written to sink_fd */
    int body_errno;     /* reading body_fd failed; -1: it had fewer bytes than body_length */
    int sink_errno;     /* writing sink_fd failed */
    int status;
    struct buf reply;
    char etag[64], moment[24]; /* "" when there is none */
    struct cli_facts facts;
    int64_t retry_after; /* seconds; -1: not said */
};

int cli_transport_create(struct cli_run *run, struct cli_transport **ret_transport) BASE_MUST_USE;
void cli_transport_destroy(struct cli_transport *transport); /* NULL allowed */
/* ERR_UNAVAILABLE: nobody there, no TLS, or the connection broke; ERR_IO: body_fd or sink_fd failed; said. */
int cli_transport_do(struct cli_transport *transport, struct cli_exchange *exchange) BASE_MUST_USE;

/* ---- calls ---- */

/* CLI_SCALAR: of a body, the value as JSON. */
enum cli_kind { CLI_STRING, CLI_INTEGER, CLI_BOOLEAN, CLI_OBJECT, CLI_SCALAR };
enum cli_source { CLI_IN_PATH, CLI_IN_QUERY, CLI_IN_HEADER, CLI_IN_BODY };

struct cli_field {
    const char *name;
    enum cli_source source;
    enum cli_kind kind;
    size_t at;
    size_t has_at;      /* when not required */
    const char *prefix; /* of an id; "" else */
    bool required;
    bool rest;       /* a path: slashes stay */
    const char *b64; /* name of the field for bytes that are not UTF-8; NULL: none */
};

struct cli_operation {
    const char *method;
    struct str path;
    bool public; /* without a token */
    bool idempotent;
    bool json; /* has a body of JSON */
    const struct cli_field *fields;
    size_t field_count;
};

/* File content that goes with a call; start from CLI_CONTENT. */
struct cli_content {
    int body_fd; /* -1: none */
    int64_t length;
    int sink_fd; /* -1: none */
    struct cli_meter *meter;
    const char *accept;     /* media type that is asked for; NULL: the usual one */
    bool handshake;         /* with what a browser sends that opens a WebSocket */
    struct cli_facts facts; /* result: as the reply tells them */
};
#define CLI_CONTENT ((struct cli_content){.body_fd = -1, .sink_fd = -1})

struct cli_call {
    const struct cli_operation *operation;
    const void *in;
    struct cli_content *content; /* NULL: none */
};

/* In the client's memory until its next call. */
struct cli_reply {
    int status;
    const struct json *data; /* NULL: the reply was content */
    struct str next;         /* cursor of the next page; empty: none */
    struct str etag, moment; /* the headers; empty: none */
};

/* For the server at url, without an account. ERR_INVALID: the address is wrong or would send passwords in the clear; said. */
int cli_client_create(struct cli_run *run, struct str url,
                      struct cli_client **ret_client) BASE_MUST_USE;
void cli_client_destroy(struct cli_client *client); /* NULL allowed */
/* The client of this run, with its account; run owns it. What cli_account_load returns. */
int cli_client(struct cli_run *run, struct cli_client **ret_client) BASE_MUST_USE;
const struct cli_account *cli_client_account(const struct cli_client *client);

/*
 * Makes a call: fresh tokens, one new attempt after 401, patience with 429 and 503 that say how long. Any code of
 * spec/errors.yaml that the server answered; ERR_UNAVAILABLE; ERR_IO (here: files); said.
 */
int cli_client_call(struct cli_client *client, const struct cli_call *call,
                    struct cli_reply *ret_reply) BASE_MUST_USE;

/* What a request is made of. ERR_INVALID: an id, path or text that cannot be one, said; of a body ERR_TOO_LARGE, too. */
int cli_request_target(struct cli_run *run, const struct cli_call *call,
                       struct buf *out) BASE_MUST_USE;
int cli_request_body(struct cli_run *run, const struct cli_call *call,
                     struct buf *out) BASE_MUST_USE;
bool cli_is_id(struct str s, const char *prefix);

/* What a server says that refuses: refusal.c. The code of this name; without one, or one that only a later server knows: of its status. */
int cli_code_named(struct str name, int status);
/* Says why in the reply's words, and returns its code. reply: whatever came with the status; NULL allowed. */
int cli_refused(struct cli_run *run, int status, const struct json *reply);

struct cli_shape_field {
    const char *name;
    enum cli_kind kind;
    bool required;
    size_t at;
    size_t has_at;
    const struct cli_shape *shape;
};

struct cli_shape {
    const struct cli_shape_field *fields;
    size_t count;
};

/* Strings borrow from value. Members that the shape does not name are passed over. ERR_CORRUPT: something is missing, said. */
int cli_shape_read(struct cli_run *run, const struct cli_shape *shape, const struct json *value,
                   void *ret_struct) BASE_MUST_USE;

/* ---- what commands share ---- */

enum { CLI_PATH_MOST = 4096 }; /* bytes of a path in a session */

/* SESSION:PATH; or PATH, of a command of the home. In the run's arena. */
struct cli_place {
    bool home;          /* in the person's home, which has no session */
    struct str session; /* as given */
    struct str id;      /* once found */
    struct str path;    /* bytes without slashes at the ends; empty: the root */
    bool folder;        /* had a slash at its end, or names the root */
};

bool cli_is_remote(const char *word); /* has a ':' before any '/' */
/* word: NULL is the root of the home. ERR_INVALID (no ':', said); and what cli_session_find returns. */
int cli_place_find(struct cli_run *run, const char *word,
                   struct cli_place *ret_place) BASE_MUST_USE;
/* The same, and the path must not be empty. */
int cli_place_file(struct cli_run *run, const char *word,
                   struct cli_place *ret_place) BASE_MUST_USE;
/* Id of the session with this id or name. ERR_NOT_FOUND; ERR_INVALID: several have the name, which lists them; said. */
int cli_session_find(struct cli_run *run, struct str word, bool deleted,
                     struct str *ret_id) BASE_MUST_USE;
/* Until its workspace runs, with its repository. ERR_BAD_GATEWAY: one of the two failed; ERR_CONFLICT: it was paused; said. */
int cli_session_wait(struct cli_run *run, struct str id, struct cli_reply *ret_reply) BASE_MUST_USE;
/* Id of the project with this id or name. ERR_NOT_FOUND; ERR_INVALID: several have it; said. */
int cli_project_find(struct cli_run *run, struct str word, struct str *ret_id) BASE_MUST_USE;
/* Id of the member with this id or e-mail address. ERR_NOT_FOUND; said. */
int cli_member_find(struct cli_run *run, struct str word, struct str *ret_id) BASE_MUST_USE;
struct str cli_entry_path(struct arena *arena, const struct cli_entry *entry); /* its bytes */
struct cli_facts cli_entry_facts(const struct cli_entry *entry);
struct str cli_last_name(struct str path); /* behind the last slash */
/* ERR_NOT_FOUND, ERR_NOT_DIRECTORY: it is no folder; said. */
int cli_folder_probe(struct cli_run *run, const struct cli_place *place) BASE_MUST_USE;

/* A list, page by page; print is called for each element unless --json was given. */
struct cli_pages {
    int (*fetch)(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply);
    int (*show)(struct cli_run *run, void *ctx, const struct json *element);
    void *ctx;
    struct cli_table *table; /* flushed after each page; NULL: none */
    int64_t most;            /* elements; 0: all */
};
int cli_pages_show(struct cli_run *run, const struct cli_pages *pages) BASE_MUST_USE;
/* The same with a table of its own, which show gets as ctx. */
int cli_list_show(struct cli_run *run, const char *const *heads,
                  const struct cli_pages *pages) BASE_MUST_USE;

/* The call for one operand (run->client is there), and what is shown of its reply. */
typedef int cli_one_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply);
typedef int cli_one_print(struct cli_run *run, const struct cli_reply *reply);
int cli_reply_print(struct cli_run *run, const struct cli_reply *reply); /* with --json */
/* For each operand in turn, until one fails, whose name is then the subject. */
int cli_each(struct cli_run *run, cli_one_call *call, cli_one_print *print) BASE_MUST_USE;
/* The same behind the first operand, which names the session of all; run->session is its id. */
int cli_each_of_session(struct cli_run *run, cli_one_call *call) BASE_MUST_USE;

/* ---- local files ---- */

/*
 * A file that appears under its name only when it is complete: written beside it, then renamed over it.
 */
struct cli_draft {
    int directory; /* borrowed */
    const char *name;
    char draft[32];
    int fd; /* -1: none */
};
int cli_draft_begin(struct cli_run *run, int directory, const char *name,
                    struct cli_draft *ret_draft) BASE_MUST_USE;
/* The mode as cli_mode_here; of a link the target is what was written. */
int cli_draft_commit(struct cli_run *run, struct cli_draft *draft,
                     const struct cli_facts *facts) BASE_MUST_USE;
void cli_draft_drop(struct cli_draft *draft); /* after commit: nothing */
bool cli_is_folder(const char *path);         /* of this machine */
mode_t cli_mode_here(int mode);               /* less umask, setuid, setgid, sticky; -1: 666 */
int cli_set_time(int fd, usec_t mtime) BASE_MUST_USE; /* one that is not taken is passed over */

/* Mode and time of a local file, as a request says them. */
struct cli_told {
    char mode[8];
    char mtime[25];
};
struct cli_told cli_tell(const struct stat *st);

/* A file of this machine to be read; "-": standard input, whose length is -1. ERR_IS_DIRECTORY and what open says; said. */
int cli_source_open(struct cli_run *run, const char *source, int *ret_fd,
                    int64_t *ret_length) BASE_MUST_USE;

/* Into a session: an archive that is open. */
struct cli_unpack {
    struct str session; /* its id */
    struct str path;    /* the folder; empty: the root */
    const char *file;   /* what progress is shown of */
    int fd;             /* borrowed */
    int64_t length;     /* -1: until its end */
};
int cli_unpack(struct cli_run *run, const struct cli_unpack *what,
               struct cli_reply *ret_reply) BASE_MUST_USE;

/* Both directions of cp. */
struct cli_copy {
    struct cli_run *run;
    struct cli_client *client;
    struct cli_meter meter;
    bool recursive;
    bool follow;
    uint64_t files, folders, links, bytes;
    uint64_t skipped;
    uint64_t failed;
    int first; /* code of the first failure */
};
/* source: a local path; to: where it goes; into: to is a folder, which takes it under its own name. */
int cli_copy_up(struct cli_copy *copy, const char *source,
                const struct cli_place *to) BASE_MUST_USE;
int cli_copy_down(struct cli_copy *copy, const struct cli_place *from,
                  const char *to) BASE_MUST_USE;
/* Notes that one thing failed, as cli_fail said. 0: the rest can go on; else code: nothing more can work. */
int cli_copy_failed(struct cli_copy *copy, int code) BASE_MUST_USE;

#endif
