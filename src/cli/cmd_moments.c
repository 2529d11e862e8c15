/* files copy, changes and rewind: what the server does with a session's files by itself; home changes. */
#include "base/encode.h"
#include "base/rand.h"
#include "cli/cli_int.h"
#include "cli/home.h"

/* ---- copy ---- */

static int copy(struct cli_run *run)
{
    struct cli_place from, to;
    struct cli_client *client;
    struct cli_reply reply;
    int r = cli_place_file(run, run->operands[0], &from);
    r = r < 0 ? r : cli_place_find(run, run->operands[1], &to);
    if (r == 0 && !str_eq(from.id, to.id)) {
        r = cli_fail(run, ERR_INVALID,
                     "a copy stays in one session; coditect cp goes by way of this machine");
    }
    r = r < 0 ? r : cli_client(run, &client);
    if (r < 0) {
        return r;
    }
    struct str target = to.path;
    if (to.folder || cli_folder_probe(run, &to) == 0) {
        target = arena_printf(&run->arena, STR_FMT "%s" STR_FMT, STR_ARG(to.path),
                              to.path.n > 0 ? "/" : "", STR_ARG(cli_last_name(from.path)));
    }
    run->subject = run->operands[0];
    struct cli_files_copy_in in = {.session_id = from.id, .from = from.path, .to = target};
    r = cli_files_copy(client, &in, NULL, &reply);
    if (r == 0 && run->json) {
        cli_print_value(run, reply.data);
    }
    return r;
}

/* ---- changes ---- */

struct listing {
    struct cli_table table;
    struct cli_place place;
    struct cli_files_changes_in in;
};

static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    struct listing *l = ctx;
    l->in.cursor = cursor;
    l->in.has_cursor = cursor.n > 0;
    return cli_tree_changes(run, &l->place, &l->in, ret_reply);
}

static struct str bytes_of(struct arena *arena, struct str path, struct str b64)
{
    BUF_AUTO(bytes, CLI_PATH_MOST + 1);
    bool other = b64.n > 0 && encode_unbase64url(&bytes, b64) == 0;
    return other ? arena_str(arena, buf_str(&bytes)) : path;
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct listing *l = ctx;
    struct cli_table *table = &l->table;
    struct arena *arena = &table->arena;
    struct cli_change change = {0};
    int r = cli_shape_read(run, &cli_shape_change, element, &change);
    if (r < 0) {
        return r;
    }
    struct str path =
        bytes_of(arena, change.path, change.has_path_b64 ? change.path_b64 : STR_EMPTY);
    if (change.has_from) {
        struct str from =
            bytes_of(arena, change.from, change.has_from_b64 ? change.from_b64 : STR_EMPTY);
        path = arena_printf(arena, STR_FMT " <- " STR_FMT, STR_ARG(path), STR_ARG(from));
    }
    cli_table_add(table, arena_printf(arena, "%lld", (long long)change.version));
    if (!l->place.home) { /* which has no moments */
        cli_table_add(table, change.has_moment
                                 ? arena_printf(arena, "%lld", (long long)change.moment)
                                 : STR("-"));
    }
    cli_table_add(table, change.op);
    cli_table_add(table, change.has_size ? cli_size_text(arena, change.size) : STR("-"));
    cli_table_add(table, cli_time_text(arena, change.at));
    cli_table_add(table, change.author.kind);
    cli_table_add(table, path);
    return 0;
}

static int read_range(struct cli_run *run, struct cli_files_changes_in *in)
{
    const char *op = cli_value(run, "op");
    bool oldest = cli_given(run, "oldest");
    in->op = str_from(op);
    in->has_op = op != NULL;
    in->order = STR("oldest");
    in->has_order = oldest;
    int r = cli_number(run, "since", &in->since);
    r = r < 0 ? r : cli_number(run, "before", &in->before);
    in->has_since = in->since > 0;
    in->has_before = in->before > 0;
    return r;
}

static int changes(struct cli_run *run)
{
    static const char *const heads[] = {">VERSION",   ">TAKEN FOR", "CHANGE", ">SIZE",
                                        "WHEN (UTC)", "BY",         "PATH",   NULL};
    static const char *const home_heads[] = {">VERSION", "CHANGE", ">SIZE", "WHEN (UTC)",
                                             "BY",       "PATH",   NULL};
    struct listing l = {.in = {.has_op = false}};
    struct cli_pages pages = {.fetch = fetch, .show = show, .ctx = &l, .table = &l.table};
    struct cli_client *client;
    int r = read_range(run, &l.in);
    r = r < 0 ? r : cli_number(run, "limit", &pages.most);
    r = r < 0 ? r : cli_place_find(run, run->operands[0], &l.place);
    r = r < 0 ? r : cli_client(run, &client);
    if (r < 0) {
        return r;
    }
    l.in.path = l.place.path;
    l.in.has_path = l.place.path.n > 0;
    cli_table_init(&l.table, run, l.place.home ? home_heads : heads);
    r = cli_pages_show(run, &pages);
    cli_table_fini(&l.table);
    return r;
}

/* ---- rewind ---- */

static int print_rewound(struct cli_run *run, const struct cli_reply *reply, int64_t at,
                         const struct cli_rewound *rewound)
{
    if (rewound->moment != at) {
        cli_note("Moment %lld is not kept any more: taken for %lld, the next that is",
                 (long long)at, (long long)rewound->moment);
    }
    if (rewound->has_damaged) {
        cli_note(
            "Damaged in the store, and left as they are: %lld (coditect admin check names them)",
            (long long)rewound->damaged);
    }
    if (run->json) {
        cli_print_value(run, reply->data);
    } else if (rewound->changed == 0 && rewound->has_damaged) {
        cli_print(run, STR("Nothing else differs from that moment\n"));
    } else if (rewound->changed == 0) {
        cli_print(run, STR("Nothing differs from that moment\n"));
    } else {
        buf_printf(&run->out, "%lld changed; version %lld was before it\n",
                   (long long)rewound->changed, (long long)rewound->before);
    }
    return 0;
}

/* The same request again, under the same key, until the server has done it. */
static int go_back(struct cli_run *run)
{
    struct cli_place place;
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_rewound rewound = {0};
    struct cli_files_rewind_in in = {.has_idempotency_key = true};
    BUF_AUTO(key, 33);
    unsigned char random[16];
    rand_bytes(random, sizeof random);
    encode_hex(&key, str_of(random, sizeof random));
    in.idempotency_key = buf_str(&key);
    int r = cli_positive(run, (struct cli_topic){"VERSION", run->operands[1]}, &in.at);
    r = r < 0 ? r : cli_place_find(run, run->operands[0], &place);
    r = r < 0 ? r : cli_client(run, &client);
    if (r < 0) {
        return r;
    }
    in.session_id = place.id;
    in.path = place.path;
    in.has_path = place.path.n > 0;
    for (;;) {
        r = cli_files_rewind(client, &in, NULL, &reply);
        r = r < 0 ? r : cli_shape_read(run, &cli_shape_rewound, reply.data, &rewound);
        if (r < 0 || rewound.done) {
            return r < 0 ? r : print_rewound(run, &reply, in.at, &rewound);
        }
    }
}

/* ---- the table's rows ---- */

static const struct cli_operand copy_operands[] = {
    {.name = "SESSION:PATH", .complete = CLI_REMOTE},
    {.name = "SESSION:TARGET", .complete = CLI_REMOTE},
    {.name = NULL},
};
static const struct cli_example copy_examples[] = {
    {"coditect files cp 'Project A:src' 'Project A:src.old'", "A folder, with all that is in it."},
    {.line = NULL},
};
const struct cli_command cli_command_files_cp = {
    .name = "files cp",
    .summary = "Copy a file or folder within its session, on the server.",
    .text = "Content is shared, not copied: it takes neither time nor space. Nothing may be at the "
            "new place.",
    .operands = copy_operands,
    .examples = copy_examples,
    .run = copy,
};

static const struct cli_operand changes_operands[] = {
    {.name = "SESSION:[PATH]", .complete = CLI_REMOTE},
    {.name = NULL},
};
static const struct cli_option changes_options[] = {
    {.name = "since", .value = "VERSION", .text = "only changes behind this version"},
    {.name = "before", .value = "VERSION", .text = "only changes before this version"},
    {.name = "op", .value = "write|delete|move|restore", .text = "only these changes"},
    {.name = "oldest", .text = "the oldest first"},
    {.name = "limit", .value = "N", .text = "so many (default: all)"},
    {.name = NULL},
};
static const struct cli_example changes_examples[] = {
    {"coditect files changes --limit 20 'Project A:'", "The last twenty."},
    {"coditect files changes --op delete 'Project A:src'", "What was deleted in src."},
    {.line = NULL},
};
const struct cli_command cli_command_files_changes = {
    .name = "files changes",
    .summary = "List what changed in a session or a folder, when, and who did it.",
    .text =
        "Every VERSION is a moment. Of an old past fewer are kept: one that is not is taken for "
        "the next that is, which stands beside it.",
    .operands = changes_operands,
    .options = changes_options,
    .examples = changes_examples,
    .run = changes,
};

static const struct cli_operand home_operands[] = {
    {.name = "PATH", .optional = true},
    {.name = NULL},
};
static const struct cli_example home_examples[] = {
    {"coditect home changes --limit 20", "The last twenty."},
    {"coditect home changes --op delete", "What was deleted, and can be had back."},
    {.line = NULL},
};
const struct cli_command cli_command_home_changes = {
    .name = "home changes",
    .summary = "List what changed in your home, when, and by what.",
    .operands = home_operands,
    .options = changes_options,
    .examples = home_examples,
    .run = changes,
};

static const struct cli_operand rewind_operands[] = {
    {.name = "SESSION:[PATH]", .complete = CLI_REMOTE},
    {.name = "VERSION"},
    {.name = NULL},
};
static const struct cli_example rewind_examples[] = {
    {"coditect files rewind 'Project A:src' 7", "The folder src as it was after change 7."},
    {.line = NULL},
};
const struct cli_command cli_command_files_rewind = {
    .name = "files rewind",
    .summary = "Make a folder, or the whole session, what it was at a moment.",
    .text =
        "VERSION is one that files changes lists; of a moment that is not kept any more, the next "
        "that is, which it says. What was changed since stays in the history: going back to the "
        "version that it prints undoes it, unless nothing was there then.",
    .operands = rewind_operands,
    .examples = rewind_examples,
    .run = go_back,
};
