/* projects: groups of sessions. */
#include "cli/cli_int.h"
#include "cli/order.h"

/* ctx NULL: all of them, whatever the command. */
static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    const struct cli_order order = ctx ? cli_order(run) : (struct cli_order){.reverse = false};
    struct cli_client *client;
    struct cli_projects_list_in in = {CLI_ORDERED(order), .cursor = cursor,
                                      .has_cursor = cursor.n > 0};
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_projects_list(client, &in, NULL, ret_reply);
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct cli_table *table = ctx;
    struct cli_project project = {0};
    int r = cli_shape_read(run, &cli_shape_project, element, &project);
    if (r < 0) {
        return r;
    }
    cli_table_add(table, project.id);
    cli_table_add(table, arena_printf(&table->arena, "%lld", (long long)project.sessions));
    cli_table_add(table, cli_time_text(&table->arena, project.created_at));
    cli_table_add(table, project.name);
    return 0;
}

static int list(struct cli_run *run)
{
    static const char *const heads[] = {"ID", ">SESSIONS", "MADE (UTC)", "NAME", NULL};
    return cli_list_show(run, heads, &(struct cli_pages){.fetch = fetch, .show = show});
}

/* ---- by name ---- */

struct named {
    struct str word, id;
    size_t count;
};

static int look(struct cli_run *run, const struct cli_reply *reply, struct named *named)
{
    int r = 0;
    for (const struct json *e = reply->data->first; r == 0 && e; e = e->next) {
        struct cli_project project = {0};
        r = cli_shape_read(run, &cli_shape_project, e, &project);
        if (r == 0 && str_eq(project.name, named->word)) {
            named->id = arena_str(&run->arena, project.id);
            named->count++;
        }
    }
    return r;
}

int cli_project_find(struct cli_run *run, struct str word, struct str *ret_id)
{
    struct named named = {.word = word};
    struct cli_reply reply = {.status = 0};
    struct str cursor = STR_EMPTY;
    int r = 0;
    if (cli_is_id(word, "prj")) {
        *ret_id = word;
        return 0;
    }
    do {
        r = fetch(run, NULL, cursor, &reply);
        r = r < 0 ? r : look(run, &reply, &named);
        cursor = r == 0 ? arena_str(&run->arena, reply.next) : STR_EMPTY;
    } while (cursor.n > 0);
    if (r == 0 && named.count == 0) {
        return cli_fail(run, ERR_NOT_FOUND, "no project has this name: " STR_FMT, STR_ARG(word));
    }
    if (r == 0 && named.count > 1) {
        return cli_fail(run, ERR_INVALID, "%zu projects have this name; say which by its id",
                        named.count);
    }
    if (r == 0) {
        *ret_id = named.id;
    }
    return r;
}

/* ---- one project ---- */

static int print_project(struct cli_run *run, const struct cli_reply *reply)
{
    struct cli_project project = {0};
    int r = cli_shape_read(run, &cli_shape_project, reply->data, &project);
    if (r < 0 || run->json) {
        if (r == 0) {
            cli_print_value(run, reply->data);
        }
        return r;
    }
    buf_printf(&run->out, STR_FMT "  ", STR_ARG(cli_escaped(&run->arena, project.id)));
    cli_escape(&run->out, project.name);
    buf_byte(&run->out, '\n');
    return 0;
}

static int create(struct cli_run *run)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_projects_create_in in = {.name = str_from(run->operands[0])};
    run->subject = run->operands[0];
    int r = cli_client(run, &client);
    r = r < 0 ? r : cli_projects_create(client, &in, NULL, &reply);
    return r < 0 ? r : print_project(run, &reply);
}

static int change_name(struct cli_run *run)
{
    struct cli_reply reply;
    struct cli_projects_update_in in = {.name = str_from(run->operands[1])};
    run->subject = run->operands[0];
    int r = cli_project_find(run, str_from(run->operands[0]), &in.project_id);
    struct cli_client *client;
    r = r < 0 ? r : cli_client(run, &client);
    r = r < 0 ? r : cli_projects_update(client, &in, NULL, &reply);
    return r < 0 ? r : print_project(run, &reply);
}

static int delete_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_projects_delete_in in = {.has_if_match = false};
    int r = cli_project_find(run, str_from(word), &in.project_id);
    return r < 0 ? r : cli_projects_delete(run->client, &in, NULL, ret_reply);
}

static int delete_some(struct cli_run *run)
{
    return cli_each(run, delete_call, cli_reply_print);
}

/* ---- the table's rows ---- */

static const struct cli_example list_examples[] = {
    {"coditect projects ls", "With how many sessions each has."},
    {"coditect projects ls --sort name", "By name; else the newest first."},
    {.line = NULL},
};
static const struct cli_option list_options[] = {
    CLI_ORDER_OPTIONS("name", "created|name"),
    {.name = NULL},
};
const struct cli_command cli_command_projects_ls = {
    .name = "projects ls",
    .summary = "List your projects.",
    .options = list_options,
    .examples = list_examples,
    .run = list,
};

static const struct cli_operand new_operands[] = {{.name = "NAME"}, {.name = NULL}};
static const struct cli_example new_examples[] = {
    {"coditect projects new 'Compiler'", "A project without sessions yet."},
    {.line = NULL},
};
const struct cli_command cli_command_projects_new = {
    .name = "projects new",
    .summary = "Create a project: a named group of sessions.",
    .operands = new_operands,
    .examples = new_examples,
    .run = create,
};

static const struct cli_operand rename_operands[] = {
    {.name = "PROJECT"},
    {.name = "NAME"},
    {.name = NULL},
};
static const struct cli_example rename_examples[] = {
    {"coditect projects rename 'Compiler' 'Linker'", "Gives it another name."},
    {.line = NULL},
};
const struct cli_command cli_command_projects_rename = {
    .name = "projects rename",
    .summary = "Rename a project.",
    .operands = rename_operands,
    .examples = rename_examples,
    .run = change_name,
};

static const struct cli_operand rm_operands[] = {
    {.name = "PROJECT", .many = true},
    {.name = NULL},
};
static const struct cli_example rm_examples[] = {
    {"coditect projects rm 'Compiler'", "Its sessions stay, in none."},
    {.line = NULL},
};
const struct cli_command cli_command_projects_rm = {
    .name = "projects rm",
    .summary = "Delete projects; their sessions stay.",
    .operands = rm_operands,
    .examples = rm_examples,
    .run = delete_some,
};
