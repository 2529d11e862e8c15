/* sessions: make, open, pause, rename, remove, restore. */
#include "base/fd.h"
#include "cli/cli_int.h"

/* ---- one session ---- */

/* What a command that changed a session prints: "ses-…  running  Project A". */
static int print_session(struct cli_run *run, const struct cli_reply *reply)
{
    struct cli_session s = {0};
    int r = cli_shape_read(run, &cli_shape_session, reply->data, &s);
    if (r < 0) {
        return r;
    }
    if (run->json) {
        cli_print_value(run, reply->data);
        return 0;
    }
    bool deleted = str_eq(s.status, STR("deleted"));
    struct str state = cli_escaped(&run->arena, deleted ? s.status : s.workspace.state);
    buf_printf(&run->out, STR_FMT "  " STR_FMT "  ", STR_ARG(s.id), STR_ARG(state));
    cli_escape(&run->out, s.name);
    buf_byte(&run->out, '\n');
    return 0;
}

static int find(struct cli_run *run, const char *word, struct cli_client **ret_client,
                struct str *ret_id)
{
    run->subject = word;
    int r = cli_client(run, ret_client);
    return r < 0 ? r : cli_session_find(run, str_from(word), /* deleted= */ false, ret_id);
}

static int create_call(struct cli_run *run, struct cli_reply *ret_reply)
{
    struct cli_client *client;
    struct cli_sessions_create_in in = {.name = str_from(run->operands[0])};
    const char *url = cli_value(run, "git");
    const char *branch = cli_value(run, "branch");
    in.has_git_url = url != NULL;
    in.git_url = str_from(url ? url : "");
    in.has_git_branch = branch != NULL;
    in.git_branch = str_from(branch ? branch : "");
    run->subject = run->operands[0];
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_sessions_create(client, &in, NULL, ret_reply);
}

/* What the reply is about, in the run's arena: it outlives the next call. */
static int reply_id(struct cli_run *run, const struct cli_reply *reply, struct str *ret_id)
{
    struct cli_session s = {0};
    int r = cli_shape_read(run, &cli_shape_session, reply->data, &s);
    if (r == 0) {
        *ret_id = arena_str(&run->arena, s.id);
    }
    return r;
}

/* The session stays when its archive fails: what came of it may be wanted, and the rest can follow. */
static int fill(struct cli_run *run, struct cli_unpack *what, struct cli_reply *ret_reply)
{
    int r = cli_unpack(run, what, ret_reply);
    if (r < 0) {
        struct str why = arena_str(&run->arena, buf_str(&run->problem));
        return cli_fail(run, r,
                        STR_FMT " (the session is made, without all of the archive: " STR_FMT
                                "; coditect files unpack tries again)",
                        STR_ARG(why), STR_ARG(what->session));
    }
    struct cli_sessions_get_in in = {.session_id = what->session};
    return cli_sessions_get(run->client, &in, NULL, ret_reply);
}

static int create(struct cli_run *run)
{
    struct cli_reply reply;
    FD_AUTO int fd = -1;
    struct cli_unpack what = {.file = cli_value(run, "archive")};
    int r = 0;
    if (what.file && (cli_value(run, "git") || cli_value(run, "branch"))) {
        return cli_fail(run, ERR_INVALID, "a session begins with --git or with --archive");
    }
    if (what.file) { /* before there is a session that waits for it */
        r = cli_source_open(run, what.file, &fd, &what.length);
    }
    r = r < 0 ? r : create_call(run, &reply);
    if (r == 0 && what.file) {
        what.fd = fd;
        r = reply_id(run, &reply, &what.session);
        r = r < 0 ? r : fill(run, &what, &reply);
    }
    return r < 0 ? r : print_session(run, &reply);
}

/* Whether the repository that it begins with is there, if it has one. ERR_BAD_GATEWAY: it is not cloned, said. */
static int look_at_source(struct cli_run *run, const struct cli_session *s, bool *ret_there)
{
    if (s->has_source && str_eq(s->source.state, STR("failed"))) {
        return cli_fail(run, ERR_BAD_GATEWAY, "its repository was not cloned: " STR_FMT,
                        STR_ARG(s->source.message));
    }
    *ret_there = !s->has_source || str_eq(s->source.state, STR("done"));
    return 0;
}

int cli_session_wait(struct cli_run *run, struct str id, struct cli_reply *ret_reply)
{
    for (;;) {
        struct cli_session s = {0};
        struct cli_sessions_get_in in = {.session_id = id};
        int r = cli_sessions_get(run->client, &in, NULL, ret_reply);
        r = r < 0 ? r : cli_shape_read(run, &cli_shape_session, ret_reply->data, &s);
        bool there = false;
        bool runs = r == 0 && str_eq(s.workspace.state, STR("running"));
        r = runs ? look_at_source(run, &s, &there) : r;
        if (r < 0 || there) {
            return r;
        }
        if (str_eq(s.workspace.state, STR("failed"))) {
            return cli_fail(run, ERR_BAD_GATEWAY, "its workspace did not start: " STR_FMT,
                            STR_ARG(s.workspace.error));
        }
        if (!str_eq(s.status, STR("active"))) {
            return cli_fail(run, ERR_CONFLICT, "it was paused or deleted meanwhile");
        }
        cli_wait(USEC_PER_SEC);
    }
}

/* What else there is to say of the repository that it begins with: the reply's JSON has it already. */
static int note_source(struct cli_run *run, const struct cli_reply *reply)
{
    struct cli_session s = {0};
    int r = cli_shape_read(run, &cli_shape_session, reply->data, &s);
    if (r == 0 && !run->json && s.has_source && str_eq(s.source.state, STR("done")) &&
        s.source.has_message) {
        cli_note("coditect: " STR_FMT, STR_ARG(s.source.message));
    }
    return r;
}

static int open_one(struct cli_run *run)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct str id;
    int r = find(run, run->operands[0], &client, &id);
    if (r < 0) {
        return r;
    }
    struct cli_sessions_open_in in = {.session_id = id};
    r = cli_sessions_open(client, &in, NULL, &reply);
    if (r == 0 && cli_given(run, "wait")) {
        r = cli_session_wait(run, id, &reply);
    }
    r = r < 0 ? r : print_session(run, &reply);
    return r < 0 ? r : note_source(run, &reply);
}

static int change_name(struct cli_run *run)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct str id;
    int r = find(run, run->operands[0], &client, &id);
    if (r < 0) {
        return r;
    }
    struct cli_sessions_update_in in = {
        .session_id = id, .name = str_from(run->operands[1]), .has_name = true};
    r = cli_sessions_update(client, &in, NULL, &reply);
    return r < 0 ? r : print_session(run, &reply);
}

static int fork_one(struct cli_run *run)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_sessions_fork_in in = {.has_name = run->operand_count > 1};
    int r = cli_number(run, "at", &in.at);
    r = r < 0 ? r : find(run, run->operands[0], &client, &in.session_id);
    if (r < 0) {
        return r;
    }
    in.has_at = in.at > 0;
    in.name = in.has_name ? str_from(run->operands[1]) : STR_EMPTY;
    r = cli_sessions_fork(client, &in, NULL, &reply);
    uint64_t moment;
    if (r == 0 && in.has_at && str_u64(reply.moment, INT64_MAX, &moment) == 0 &&
        moment != (uint64_t)in.at) {
        cli_note("Moment %lld is not kept any more: it begins as at %llu, the next that is",
                 (long long)in.at, (unsigned long long)moment);
    }
    return r < 0 ? r : print_session(run, &reply);
}

/* Without PROJECT: into none. */
static int assign(struct cli_run *run)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_sessions_update_in in = {.has_project_id = true};
    int r = find(run, run->operands[0], &client, &in.session_id);
    if (r == 0 && run->operand_count > 1) {
        run->subject = run->operands[1];
        r = cli_project_find(run, str_from(run->operands[1]), &in.project_id);
    }
    r = r < 0 ? r : cli_sessions_update(client, &in, NULL, &reply);
    return r < 0 ? r : print_session(run, &reply);
}

/* ---- clone, pause, rm and restore: the same for each session that is named ---- */

static int clone_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_sessions_clone_in in = {0};
    int r = cli_session_find(run, str_from(word), /* deleted= */ false, &in.session_id);
    return r < 0 ? r : cli_sessions_clone(run->client, &in, NULL, ret_reply);
}

static int pause_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_sessions_pause_in in = {0};
    int r = cli_session_find(run, str_from(word), /* deleted= */ false, &in.session_id);
    return r < 0 ? r : cli_sessions_pause(run->client, &in, NULL, ret_reply);
}

static int delete_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_sessions_delete_in in = {0};
    int r = cli_session_find(run, str_from(word), /* deleted= */ false, &in.session_id);
    return r < 0 ? r : cli_sessions_delete(run->client, &in, NULL, ret_reply);
}

static int restore_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_sessions_restore_in in = {0};
    int r = cli_session_find(run, str_from(word), /* deleted= */ true, &in.session_id);
    return r < 0 ? r : cli_sessions_restore(run->client, &in, NULL, ret_reply);
}

static int clone_some(struct cli_run *run)
{
    return cli_each(run, clone_call, print_session);
}

static int pause_some(struct cli_run *run)
{
    return cli_each(run, pause_call, print_session);
}

static int delete_some(struct cli_run *run)
{
    return cli_each(run, delete_call, print_session);
}

static int restore_some(struct cli_run *run)
{
    return cli_each(run, restore_call, print_session);
}

/* ---- the table's rows ---- */

static const struct cli_operand new_operands[] = {{.name = "NAME"}, {.name = NULL}};
static const struct cli_option new_options[] = {
    {.name = "git", .value = "URL", .text = "begin with this repository, cloned when it is opened"},
    {.name = "branch", .value = "NAME", .text = "a branch or tag of it"},
    {.name = "archive",
     .value = "FILE",
     .text = "begin with the files of this tar, tar.gz or zip archive; - is standard input"},
    {.name = NULL},
};
static const struct cli_example new_examples[] = {
    {"coditect sessions new 'Project A'", "Creates a session."},
    {"coditect sessions new --git https://git.example.com/engine.git Engine",
     "Its workspace clones the repository when it runs for the first time."},
    {"coditect sessions new --archive engine.tar.gz Engine", "With these files in it."},
    {.line = NULL},
};
const struct cli_command cli_command_sessions_new = {
    .name = "sessions new",
    .summary = "Create a session.",
    .operands = new_operands,
    .options = new_options,
    .examples = new_examples,
    .run = create,
};

static const struct cli_operand one_session[] = {
    {.name = "SESSION", .complete = CLI_SESSION},
    {.name = NULL},
};
static const struct cli_operand some_sessions[] = {
    {.name = "SESSION", .many = true, .complete = CLI_SESSION},
    {.name = NULL},
};

static const struct cli_option open_options[] = {
    {.name = "wait",
     .letter = 'w',
     .text = "until its workspace runs, with the repository it begins with"},
    {.name = NULL},
};
static const struct cli_example open_examples[] = {
    {"coditect sessions open --wait 'Project A'", "Starts its workspace and waits for it."},
    {.line = NULL},
};
const struct cli_command cli_command_sessions_open = {
    .name = "sessions open",
    .summary = "Open a session: its workspace starts.",
    .operands = one_session,
    .options = open_options,
    .examples = open_examples,
    .run = open_one,
};

static const struct cli_example clone_examples[] = {
    {"coditect sessions clone Engine", "At once when its workspace runs, else as soon as it does."},
    {.line = NULL},
};
const struct cli_command cli_command_sessions_clone = {
    .name = "sessions clone",
    .summary = "Try again to clone the repositories that sessions begin with.",
    .operands = some_sessions,
    .examples = clone_examples,
    .run = clone_some,
};

static const struct cli_example pause_examples[] = {
    {"coditect sessions pause 'Project A'", "Stops its workspace; files are kept."},
    {.line = NULL},
};
const struct cli_command cli_command_sessions_pause = {
    .name = "sessions pause",
    .summary = "Pause sessions: their workspaces stop.",
    .operands = some_sessions,
    .examples = pause_examples,
    .run = pause_some,
};

static const struct cli_operand fork_operands[] = {
    {.name = "SESSION", .complete = CLI_SESSION},
    {.name = "NAME", .optional = true},
    {.name = NULL},
};
static const struct cli_option fork_options[] = {
    {.name = "at", .value = "VERSION", .text = "as of this moment (files changes lists them)"},
    {.name = NULL},
};
static const struct cli_example fork_examples[] = {
    {"coditect sessions fork 'Project A' 'Trial'", "A session that begins as a copy of it."},
    {"coditect sessions fork --at 7 'Project A'", "As it was after change 7."},
    {.line = NULL},
};
const struct cli_command cli_command_sessions_fork = {
    .name = "sessions fork",
    .summary = "Make a session that begins as a copy of another.",
    .operands = fork_operands,
    .options = fork_options,
    .examples = fork_examples,
    .run = fork_one,
};

static const struct cli_operand rename_operands[] = {
    {.name = "SESSION", .complete = CLI_SESSION},
    {.name = "NAME"},
    {.name = NULL},
};
static const struct cli_example rename_examples[] = {
    {"coditect sessions rename 'Project A' 'Project B'", "Gives it another name."},
    {.line = NULL},
};
const struct cli_command cli_command_sessions_rename = {
    .name = "sessions rename",
    .summary = "Rename a session.",
    .operands = rename_operands,
    .examples = rename_examples,
    .run = change_name,
};

static const struct cli_operand assign_operands[] = {
    {.name = "SESSION", .complete = CLI_SESSION},
    {.name = "PROJECT", .optional = true},
    {.name = NULL},
};
static const struct cli_example assign_examples[] = {
    {"coditect sessions assign 'Project A' 'Compiler'", "Puts it into the project Compiler."},
    {"coditect sessions assign 'Project A'", "Takes it out of its project."},
    {.line = NULL},
};
const struct cli_command cli_command_sessions_assign = {
    .name = "sessions assign",
    .summary = "Put a session into a project, or into none.",
    .operands = assign_operands,
    .examples = assign_examples,
    .run = assign,
};

static const struct cli_example rm_examples[] = {
    {"coditect sessions rm 'Project A'", "Deletes it; for 30 days it can be restored."},
    {.line = NULL},
};
const struct cli_command cli_command_sessions_rm = {
    .name = "sessions rm",
    .summary = "Delete sessions; they can be restored for 30 days.",
    .operands = some_sessions,
    .examples = rm_examples,
    .run = delete_some,
};

static const struct cli_example restore_examples[] = {
    {"coditect sessions restore 'Project A'", "Takes its deletion back."},
    {.line = NULL},
};
const struct cli_command cli_command_sessions_restore = {
    .name = "sessions restore",
    .summary = "Take back the deletion of sessions.",
    .operands = some_sessions,
    .examples = restore_examples,
    .run = restore_some,
};
