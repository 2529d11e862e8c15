/* files: list, remove, make folders, move, history, restore; home: list, history, restore. */
#include "cli/cli_int.h"
#include "cli/home.h"

/* ---- list ---- */

struct listing {
    struct cli_table table;
    struct cli_place place;
    bool recursive;
    bool quiet;
};

static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    const struct listing *l = ctx;
    struct cli_files_list_in in = {
        .path = l->place.path,
        .has_path = l->place.path.n > 0,
        .recursive = l->recursive,
        .has_recursive = true,
        .limit = 1000,
        .has_limit = true,
        .cursor = cursor,
        .has_cursor = cursor.n > 0,
    };
    return cli_tree_list(run, &l->place, &in, ret_reply);
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct listing *l = ctx;
    struct cli_table *table = &l->table;
    struct cli_entry entry = {0};
    int r = cli_shape_read(run, &cli_shape_entry, element, &entry);
    if (r < 0) {
        return r;
    }
    struct str path = cli_entry_path(&table->arena, &entry);
    if (l->quiet) {
        cli_escape(&run->out, path);
        buf_byte(&run->out, '\n');
        return 0;
    }
    bool folder = str_eq(entry.type, STR("dir"));
    cli_table_add(table, cli_mode_text(&table->arena, &entry));
    cli_table_add(table, folder ? STR("-") : cli_size_text(&table->arena, entry.size));
    cli_table_add(table, cli_time_text(&table->arena, entry.mtime));
    cli_table_add(table, arena_printf(&table->arena, "%lld", (long long)entry.version));
    cli_table_add(table, path);
    return 0;
}

static int list(struct cli_run *run)
{
    static const char *const heads[] = {"MODE", ">SIZE", "CHANGED (UTC)", ">VERSION", "PATH", NULL};
    struct listing l = {.recursive = cli_given(run, "recursive"), .quiet = cli_given(run, "quiet")};
    int r = cli_place_find(run, run->operands[0], &l.place);
    struct cli_client *client;
    r = r < 0 ? r : cli_client(run, &client);
    if (r < 0) {
        return r;
    }
    cli_table_init(&l.table, run, heads);
    r = cli_pages_show(
        run, &(struct cli_pages){.fetch = fetch, .show = show, .ctx = &l, .table = &l.table});
    cli_table_fini(&l.table);
    return r;
}

/* ---- changes ---- */

static int delete_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_place place;
    int r = cli_place_file(run, word, &place);
    if (r < 0) {
        return r;
    }
    struct cli_files_delete_in in = {.session_id = place.id,
                                     .path = place.path,
                                     .recursive = cli_given(run, "recursive"),
                                     .has_recursive = true};
    return cli_files_delete(run->client, &in, NULL, ret_reply);
}

static int mkdir_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_place place;
    int r = cli_place_file(run, word, &place);
    if (r < 0) {
        return r;
    }
    struct cli_files_mkdir_in in = {.session_id = place.id, .path = place.path};
    return cli_files_mkdir(run->client, &in, NULL, ret_reply);
}

static int delete_some(struct cli_run *run)
{
    return cli_each(run, delete_call, cli_reply_print);
}

static int make_folders(struct cli_run *run)
{
    return cli_each(run, mkdir_call, cli_reply_print);
}

static int move(struct cli_run *run)
{
    struct cli_place from, to;
    struct cli_reply reply;
    int r = cli_place_file(run, run->operands[0], &from);
    r = r < 0 ? r : cli_place_find(run, run->operands[1], &to);
    if (r == 0 && !str_eq(from.id, to.id)) {
        r = cli_fail(run, ERR_INVALID,
                     "a move stays in one session; cp goes by way of this machine");
    }
    if (r < 0) {
        return r;
    }
    struct str target = to.path;
    if (to.folder || cli_folder_probe(run, &to) == 0) {
        target = arena_printf(&run->arena, STR_FMT "%s" STR_FMT, STR_ARG(to.path),
                              to.path.n > 0 ? "/" : "", STR_ARG(cli_last_name(from.path)));
    }
    run->subject = run->operands[0];
    struct cli_files_move_in in = {.session_id = from.id,
                                   .from = from.path,
                                   .to = target,
                                   .overwrite = cli_given(run, "force"),
                                   .has_overwrite = true};
    r = cli_files_move(run->client, &in, NULL, &reply);
    return r < 0 ? r : cli_reply_print(run, &reply);
}

/* ---- history ---- */

static int history_fetch(struct cli_run *run, void *ctx, struct str cursor,
                         struct cli_reply *ret_reply)
{
    const struct listing *l = ctx;
    return cli_tree_history(run, &l->place, cursor, ret_reply);
}

static int history_show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct cli_table *table = &((struct listing *)ctx)->table;
    struct cli_history_entry entry = {0};
    int r = cli_shape_read(run, &cli_shape_history_entry, element, &entry);
    if (r < 0) {
        return r;
    }
    cli_table_add(table, arena_printf(&table->arena, "%lld", (long long)entry.version));
    cli_table_add(table, entry.op);
    cli_table_add(table, entry.has_size ? cli_size_text(&table->arena, entry.size) : STR("-"));
    cli_table_add(table, cli_time_text(&table->arena, entry.at));
    cli_table_add(table, arena_printf(&table->arena, STR_FMT " " STR_FMT,
                                      STR_ARG(entry.author.kind), STR_ARG(entry.author.id)));
    return 0;
}

static int history(struct cli_run *run)
{
    static const char *const heads[] = {">VERSION", "CHANGE", ">SIZE", "WHEN (UTC)", "BY", NULL};
    struct listing l = {0};
    struct cli_client *client;
    int r = cli_place_file(run, run->operands[0], &l.place);
    r = r < 0 ? r : cli_client(run, &client);
    if (r < 0) {
        return r;
    }
    cli_table_init(&l.table, run, heads);
    r = cli_pages_show(
        run, &(struct cli_pages){
                 .fetch = history_fetch, .show = history_show, .ctx = &l, .table = &l.table});
    cli_table_fini(&l.table);
    return r;
}

static int restore(struct cli_run *run)
{
    struct cli_place place;
    struct cli_client *client;
    struct cli_reply reply;
    int64_t version;
    int r = cli_positive(run, (struct cli_topic){"VERSION", run->operands[1]}, &version);
    r = r < 0 ? r : cli_place_file(run, run->operands[0], &place);
    r = r < 0 ? r : cli_client(run, &client);
    if (r < 0) {
        return r;
    }
    r = cli_tree_restore(run, &place, version, &reply);
    return r < 0 ? r : cli_reply_print(run, &reply);
}

/* ---- the table's rows ---- */

static const struct cli_operand one_place[] = {
    {.name = "SESSION:[PATH]", .complete = CLI_REMOTE},
    {.name = NULL},
};
static const struct cli_operand one_file[] = {
    {.name = "SESSION:PATH", .complete = CLI_REMOTE},
    {.name = NULL},
};
static const struct cli_operand some_files[] = {
    {.name = "SESSION:PATH", .many = true, .complete = CLI_REMOTE},
    {.name = NULL},
};

static const struct cli_option list_options[] = {
    {.name = "recursive", .letter = 'r', .text = "everything below too"},
    {.name = "quiet", .letter = 'q', .text = "paths only"},
    {.name = NULL},
};
static const struct cli_example list_examples[] = {
    {"coditect files ls 'Project A:'", "What lies at the root."},
    {"coditect files ls -r 'Project A:src'", "Everything in src."},
    {.line = NULL},
};
const struct cli_command cli_command_files_ls = {
    .name = "files ls",
    .summary = "List a folder of a session.",
    .operands = one_place,
    .options = list_options,
    .examples = list_examples,
    .run = list,
};

static const struct cli_option rm_options[] = {
    {.name = "recursive", .letter = 'r', .text = "folders with all that is in them"},
    {.name = NULL},
};
static const struct cli_example rm_examples[] = {
    {"coditect files rm 'Project A:notes.txt'", "Its versions stay in the history."},
    {"coditect files rm -r 'Project A:build'", "A folder with all that is in it."},
    {.line = NULL},
};
const struct cli_command cli_command_files_rm = {
    .name = "files rm",
    .summary = "Delete files; their versions stay in the history.",
    .operands = some_files,
    .options = rm_options,
    .examples = rm_examples,
    .run = delete_some,
};

static const struct cli_example mkdir_examples[] = {
    {"coditect files mkdir 'Project A:src/lib'", "Makes src too when it is not there."},
    {.line = NULL},
};
const struct cli_command cli_command_files_mkdir = {
    .name = "files mkdir",
    .summary = "Make folders, and those above them.",
    .operands = some_files,
    .examples = mkdir_examples,
    .run = make_folders,
};

static const struct cli_operand mv_operands[] = {
    {.name = "SESSION:PATH", .complete = CLI_REMOTE},
    {.name = "SESSION:TARGET", .complete = CLI_REMOTE},
    {.name = NULL},
};
static const struct cli_option mv_options[] = {
    {.name = "force", .letter = 'f', .text = "replace what has the new name"},
    {.name = NULL},
};
static const struct cli_example mv_examples[] = {
    {"coditect files mv 'Project A:hello.c' 'Project A:src/'", "Into a folder."},
    {"coditect files mv 'Project A:src/hello.c' 'Project A:src/main.c'", "Another name."},
    {.line = NULL},
};
const struct cli_command cli_command_files_mv = {
    .name = "files mv",
    .summary = "Rename or move a file or folder; its history goes with it.",
    .operands = mv_operands,
    .options = mv_options,
    .examples = mv_examples,
    .run = move,
};

static const struct cli_example history_examples[] = {
    {"coditect files history 'Project A:src/main.c'", "Newest first, also of a deleted file."},
    {.line = NULL},
};
const struct cli_command cli_command_files_history = {
    .name = "files history",
    .summary = "List the versions of a file.",
    .operands = one_file,
    .examples = history_examples,
    .run = history,
};

static const struct cli_operand restore_operands[] = {
    {.name = "SESSION:PATH", .complete = CLI_REMOTE},
    {.name = "VERSION"},
    {.name = NULL},
};
static const struct cli_example restore_examples[] = {
    {"coditect files restore 'Project A:src/main.c' 7", "Version 7 becomes the newest version."},
    {.line = NULL},
};
const struct cli_command cli_command_files_restore = {
    .name = "files restore",
    .summary = "Make an old version the current one, as a new version.",
    .text = "Of a deleted folder everything in it comes back.",
    .operands = restore_operands,
    .examples = restore_examples,
    .run = restore,
};

/* ---- of the home ---- */

static const struct cli_operand home_place[] = {
    {.name = "PATH", .optional = true},
    {.name = NULL},
};
static const struct cli_operand home_file[] = {
    {.name = "PATH"},
    {.name = NULL},
};

static const struct cli_example home_list_examples[] = {
    {"coditect home ls", "What lies at its root."},
    {"coditect home ls -r .config", "Everything in .config."},
    {.line = NULL},
};
const struct cli_command cli_command_home_ls = {
    .name = "home ls",
    .summary = "List a folder of your home, which your sessions share.",
    .text = "What is stored of it: tool chains and caches stay on each session's disk. It needs no "
            "workspace, nor do the other commands of the home; an API key opens none of it.",
    .operands = home_place,
    .options = list_options,
    .examples = home_list_examples,
    .run = list,
};

static const struct cli_example home_history_examples[] = {
    {"coditect home history .bashrc", "Newest first, also of a deleted file."},
    {.line = NULL},
};
const struct cli_command cli_command_home_history = {
    .name = "home history",
    .summary = "List the versions of a file of your home.",
    .operands = home_file,
    .examples = home_history_examples,
    .run = history,
};

static const struct cli_operand home_restore_operands[] = {
    {.name = "PATH"},
    {.name = "VERSION"},
    {.name = NULL},
};
static const struct cli_example home_restore_examples[] = {
    {"coditect home restore .bashrc 7", "Version 7 becomes the newest version."},
    {.line = NULL},
};
const struct cli_command cli_command_home_restore = {
    .name = "home restore",
    .summary = "Make an old version of a file of your home the current one, as a new version.",
    .text = "Workspaces that run get it at once, the others when they start. Of a deleted folder "
            "everything in it comes back.",
    .operands = home_restore_operands,
    .examples = home_restore_examples,
    .run = restore,
};
