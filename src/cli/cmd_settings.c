/*
 * settings: what a person has chosen, and what a tenant has for everybody who chose nothing. Which settings there are, their
 * types and bounds are the server's to say: no name of one is written here.
 */
#include "cli/cli_int.h"

enum { VALUE_MOST = 16 * 1024 };

/* "editor.font_size" → category and key. */
struct name {
    struct str category, key;
};

static int split(struct cli_run *run, const char *word, struct name *ret_name)
{
    struct str s = str_from(word);
    size_t dot = str_find(s, '.', 0);
    if (dot == 0 || dot + 1 >= s.n) {
        return cli_fail(run, ERR_INVALID, "a setting is CATEGORY.KEY, as settings ls shows them");
    }
    *ret_name = (struct name){arena_str(&run->arena, str_slice(s, 0, dot)),
                              arena_str(&run->arena, str_slice(s, dot + 1, s.n))};
    return 0;
}

static struct str value_text(struct arena *arena, const struct json *setting)
{
    const struct json *value = json_get(setting, "value");
    BUF_AUTO(text, VALUE_MOST);
    if (value && value->kind == JSON_STRING) {
        return value->string;
    }
    if (value) {
        struct json_writer w;
        json_writer_init(&w, &text);
        json_value(&w, value);
    }
    return arena_str(arena, buf_str(&text));
}

static bool is_named(const struct json *setting, const char *member, struct str name)
{
    const struct json *value = json_get(setting, member);
    return value && value->kind == JSON_STRING && str_eq(value->string, name);
}

static bool is_lines(const struct json *setting)
{
    return is_named(setting, "type", STR("patterns"));
}

/* As it fits into a table. */
static struct str value_cell(struct arena *arena, const struct json *setting)
{
    struct str text = value_text(arena, setting);
    struct str line;
    size_t n = 0;
    if (!is_lines(setting)) {
        return text;
    }
    while (str_split(&text, '\n', &line)) {
        n += line.n > 0;
    }
    return n == 0 ? STR("none") : arena_printf(arena, n == 1 ? "%zu line" : "%zu lines", n);
}

/* ---- list ---- */

static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    (void)ctx;
    (void)cursor; /* they come in one piece */
    struct cli_client *client;
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_settings_list(client, NULL, NULL, ret_reply);
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct cli_table *table = ctx;
    struct cli_setting s = {0};
    int r = cli_shape_read(run, &cli_shape_setting, element, &s);
    if (r < 0) {
        return r;
    }
    struct str source = str_eq(s.source, STR("user")) ? STR("you") : s.source;
    cli_table_add(table, arena_printf(&table->arena, STR_FMT "." STR_FMT, STR_ARG(s.category),
                                      STR_ARG(s.key)));
    cli_table_add(table, value_cell(&table->arena, element));
    cli_table_add(table, source);
    cli_table_add(table, s.help);
    return 0;
}

/* For completion. */
static int show_name(struct cli_run *run, void *ctx, const struct json *element)
{
    (void)ctx;
    struct cli_setting s = {0};
    int r = cli_shape_read(run, &cli_shape_setting, element, &s);
    if (r == 0) {
        cli_escape(&run->out, s.category);
        buf_byte(&run->out, '.');
        cli_escape(&run->out, s.key);
        buf_byte(&run->out, '\n');
    }
    return r;
}

static int list(struct cli_run *run)
{
    if (cli_given(run, "quiet")) {
        return cli_pages_show(run, &(struct cli_pages){.fetch = fetch, .show = show_name});
    }
    static const char *const heads[] = {"SETTING", "VALUE", "SET BY", "WHAT IT IS", NULL};
    return cli_list_show(run, heads, &(struct cli_pages){.fetch = fetch, .show = show});
}

/* ---- one of them ---- */

/* In the client's memory until its next call. */
static int find(struct cli_run *run, const struct name *name, const struct json **ret_setting)
{
    struct cli_reply reply;
    int r = fetch(run, NULL, STR_EMPTY, &reply);
    for (const struct json *e = r == 0 ? reply.data->first : NULL; e; e = e->next) {
        if (is_named(e, "category", name->category) && is_named(e, "key", name->key)) {
            *ret_setting = e;
            return 0;
        }
    }
    return r < 0 ? r : cli_fail(run, ERR_NOT_FOUND, "there is no such setting");
}

static void print_lines(struct cli_run *run, struct str text)
{
    struct str line;
    while (str_split(&text, '\n', &line)) {
        if (text.p || line.n > 0) { /* else it is what follows the last line's end */
            cli_escape_but_backslashes(&run->out, line);
            buf_byte(&run->out, '\n');
        }
    }
}

static int print(struct cli_run *run, const struct json *setting)
{
    if (run->json) {
        cli_print_value(run, setting);
        return 0;
    }
    struct str text = value_text(&run->arena, setting);
    if (is_lines(setting)) {
        print_lines(run, text);
        return 0;
    }
    cli_escape_but_backslashes(&run->out, text);
    buf_byte(&run->out, '\n');
    return 0;
}

static int get(struct cli_run *run)
{
    struct name name;
    const struct json *setting;
    run->subject = run->operands[0];
    int r = split(run, run->operands[0], &name);
    r = r < 0 ? r : find(run, &name, &setting);
    return r < 0 ? r : print(run, setting);
}

/* A word as the setting's type wants it; what does not fit goes as text, and the server says what it wants instead. */
static struct str value_json(struct cli_run *run, const struct json *setting, struct str word)
{
    struct json *value;
    enum json_kind kind = is_named(setting, "type", STR("number"))    ? JSON_INTEGER
                          : is_named(setting, "type", STR("boolean")) ? JSON_BOOL
                                                                      : JSON_STRING;
    if (kind != JSON_STRING && json_parse(&run->arena, word, &value, NULL) == 0 &&
        value->kind == kind) {
        return word;
    }
    BUF_AUTO(text, 8 * VALUE_MOST);
    struct json_writer w;
    json_writer_init(&w, &text);
    json_string(&w, str_slice(word, 0, VALUE_MOST));
    return arena_str(&run->arena, buf_str(&text));
}

static int set(struct cli_run *run)
{
    struct name name;
    const struct json *setting;
    struct cli_reply reply;
    run->subject = run->operands[0];
    int r = split(run, run->operands[0], &name);
    r = r < 0 ? r : find(run, &name, &setting);
    if (r < 0) {
        return r;
    }
    struct str word = str_from(run->operands[1]);
    if (!str_is_utf8(word)) {
        return cli_fail(run, ERR_INVALID, "VALUE must be UTF-8");
    }
    struct str value = value_json(run, setting, word);
    if (cli_given(run, "tenant")) {
        struct cli_tenant_setting_put_in in = {
            .category = name.category, .key = name.key, .value = value};
        r = cli_tenant_setting_put(run->client, &in, NULL, &reply);
    } else {
        struct cli_settings_put_in in = {
            .category = name.category, .key = name.key, .value = value};
        r = cli_settings_put(run->client, &in, NULL, &reply);
    }
    return r < 0 ? r : print(run, reply.data);
}

static int reset_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct name name;
    int r = split(run, word, &name);
    if (r < 0) {
        return r;
    }
    if (cli_given(run, "tenant")) {
        struct cli_tenant_setting_delete_in in = {.category = name.category, .key = name.key};
        return cli_tenant_setting_delete(run->client, &in, NULL, ret_reply);
    }
    struct cli_settings_delete_in in = {.category = name.category, .key = name.key};
    return cli_settings_delete(run->client, &in, NULL, ret_reply);
}

static int print_reply(struct cli_run *run, const struct cli_reply *reply)
{
    return print(run, reply->data);
}

static int reset(struct cli_run *run)
{
    return cli_each(run, reset_call, print_reply);
}

/* ---- the table's rows ---- */

static const struct cli_example list_examples[] = {
    {"coditect settings ls", "What counts for you, and whose choice it was."},
    {"coditect settings ls --json", "With types, bounds and defaults."},
    {.line = NULL},
};
static const struct cli_option list_options[] = {
    {.name = "quiet", .letter = 'q', .text = "print names only"},
    {.name = NULL},
};
const struct cli_command cli_command_settings_ls = {
    .name = "settings ls",
    .summary = "List all settings, with what counts for you.",
    .options = list_options,
    .examples = list_examples,
    .run = list,
};

static const struct cli_operand get_operands[] = {{.name = "SETTING", .complete = CLI_SETTING},
                                                  {.name = NULL}};
static const struct cli_example get_examples[] = {
    {"coditect settings get editor.font_size", "Prints the value alone."},
    {.line = NULL},
};
const struct cli_command cli_command_settings_get = {
    .name = "settings get",
    .summary = "Print what counts for you.",
    .operands = get_operands,
    .examples = get_examples,
    .run = get,
};

static const struct cli_option options[] = {
    {.name = "tenant", .text = "for everybody who chose nothing; owners and admins may"},
    {.name = NULL},
};
static const struct cli_operand set_operands[] = {
    {.name = "SETTING", .complete = CLI_SETTING},
    {.name = "VALUE"},
    {.name = NULL},
};
static const struct cli_example set_examples[] = {
    {"coditect settings set editor.font_size 16", "From the next look at it on."},
    {"coditect settings set --tenant workspaces.running 2", "Nobody has more than two at once."},
    {"coditect settings set --tenant files.ignore \"$(cat patterns)\"",
     "New files of these names are not stored."},
    {.line = NULL},
};
const struct cli_command cli_command_settings_set = {
    .name = "settings set",
    .summary = "Choose something; prints what counts then.",
    .operands = set_operands,
    .options = options,
    .examples = set_examples,
    .run = set,
};

static const struct cli_operand reset_operands[] = {
    {.name = "SETTING", .many = true, .complete = CLI_SETTING},
    {.name = NULL},
};
static const struct cli_example reset_examples[] = {
    {"coditect settings reset editor.font_size", "What the tenant set counts, or the default."},
    {.line = NULL},
};
const struct cli_command cli_command_settings_reset = {
    .name = "settings reset",
    .summary = "Choose nothing any more; prints what counts then.",
    .operands = reset_operands,
    .options = options,
    .examples = reset_examples,
    .run = reset,
};
