/*
 * admin backup, backups, restore. The server writes what lies in a directory, with its own rights; a pipe gets its bytes from
 * here. A store is restored by coditectd alone: what would be overwritten is in use while a server runs.
 */
#include <errno.h>
#include <unistd.h>

#include "cli/admin.h"
#include "http/http.h"

enum { PATH_MOST = 1024, TARGET_MOST = 4096 };

/* The server's working directory is another. */
static int add_directory(struct cli_run *run, const char *word, struct buf *target)
{
    char here[PATH_MOST];
    BUF_AUTO(path, 2 * PATH_MOST);
    if (str_starts(str_from(word), STR("https://")) || str_starts(str_from(word), STR("http://"))) {
        return cli_fail(
            run, ERR_INVALID,
            "the server's settings name its bucket (backup.bucket): leave the place out");
    }
    if (word[0] != '/') {
        if (!getcwd(here, sizeof here)) {
            return cli_fail(run, err_from_errno(errno), "the working directory: %s",
                            strerror(errno));
        }
        buf_printf(&path, "%s/", here);
    }
    buf_add(&path, str_from(word));
    if (path.error || path.n > PATH_MOST || word[0] == '\0') {
        return cli_fail(run, ERR_INVALID, "a directory's whole name has 1 to %d bytes", PATH_MOST);
    }
    buf_printf(target, "?directory=");
    http_percent_encode(target, buf_str(&path));
    return 0;
}

/* ---- backup ---- */

struct making {
    bool shown; /* progress, on a terminal */
    int64_t damaged;
};

static void show_progress(struct making *m, const struct json *line)
{
    char text[64];
    bool done = json_get(line, "done") != NULL;
    int n = done ? snprintf(text, sizeof text, "\r\x1b[K")
                 : snprintf(text, sizeof text, "\r%lld keys\x1b[K",
                            (long long)cli_admin_number(line, "keys"));
    m->shown = m->shown || (!done && isatty(STDERR_FILENO));
    if (m->shown) {
        (void)!write(STDERR_FILENO, text, (size_t)n);
    }
}

static int show_made(struct cli_run *run, void *ctx, const struct json *line)
{
    struct making *m = ctx;
    show_progress(m, line);
    if (!json_get(line, "done")) {
        return 0;
    }
    m->damaged = cli_admin_number(line, "damaged");
    if (run->json) {
        cli_print_value(run, line);
        return 0;
    }
    struct str written = cli_size_text(&run->arena, cli_admin_number(line, "written"));
    buf_printf(&run->out, "Backup ");
    cli_escape(&run->out, cli_admin_text(line, "name"));
    buf_printf(&run->out, ": %lld keys, %lld of them content; " STR_FMT " written",
               (long long)cli_admin_number(line, "keys"),
               (long long)cli_admin_number(line, "contents"), STR_ARG(written));
    int64_t removed = cli_admin_number(line, "removed");
    if (removed > 0) {
        buf_printf(&run->out, "; %lld older ones removed", (long long)removed);
    }
    int64_t healed = cli_admin_number(line, "healed");
    if (healed > 0) {
        buf_printf(&run->out, "; %lld pieces that were damaged in older ones written anew",
                   (long long)healed);
    }
    int64_t rescued = cli_admin_number(line, "rescued");
    if (rescued > 0) {
        buf_printf(&run->out, "; %lld pieces that the store has lost had from older ones",
                   (long long)rescued);
    }
    buf_byte(&run->out, '\n');
    return 0;
}

static int back_up_to(struct cli_run *run, struct buf *target)
{
    struct making m = {.shown = false};
    int r = cli_admin_ask(run, &(struct cli_admin_request){.method = "POST",
                                                           .target = buf_z(target),
                                                           .stopped = "--backup DIR",
                                                           .reply = CLI_ADMIN_LINES,
                                                           .line = show_made,
                                                           .ctx = &m});
    if (r == 0 && m.damaged > 0) {
        r = cli_fail(run, ERR_CORRUPT,
                     "%lld pieces of content are damaged in the store: admin scrub names them, and "
                     "an older backup may have them whole",
                     (long long)m.damaged);
    }
    return r;
}

static int stream(struct cli_run *run)
{
    if (run->json || isatty(STDOUT_FILENO)) {
        return cli_fail(run, ERR_INVALID,
                        "a backup is neither for a terminal nor JSON: send it into a file or a "
                        "program");
    }
    return cli_admin_ask(run, &(struct cli_admin_request){.method = "POST",
                                                          .target = "/backup/stream",
                                                          .stopped = "--backup -",
                                                          .reply = CLI_ADMIN_BYTES});
}

static int back_up(struct cli_run *run)
{
    const char *word = run->operand_count > 0 ? run->operands[0] : NULL;
    bool pipe = word && strcmp(word, "-") == 0;
    int64_t keep;
    BUF_AUTO(target, TARGET_MOST);
    int r = cli_number(run, "keep", &keep);
    if (r == 0 && keep > 0 && (!word || pipe)) {
        r = cli_fail(run, ERR_INVALID, "--keep is for a directory that is named");
    }
    if (r < 0 || pipe) {
        return r < 0 ? r : stream(run);
    }
    buf_printf(&target, "/backup");
    r = word ? add_directory(run, word, &target) : 0;
    if (keep > 0) {
        buf_printf(&target, "&keep=%lld", (long long)keep);
    }
    return r < 0 ? r : back_up_to(run, &target);
}

/* ---- backups ---- */

struct listing {
    struct cli_table table;
    size_t count;
};

/* Seconds, as the settings are written. */
static struct str span_text(struct arena *arena, int64_t seconds)
{
    enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
    const struct {
        int64_t of;
        char unit;
    } units[] = {{DAY, 'd'}, {HOUR, 'h'}, {MINUTE, 'm'}, {1, 's'}};
    size_t i = 0;
    while (seconds % units[i].of != 0) {
        i++;
    }
    return arena_printf(arena, "%lld%c", (long long)(seconds / units[i].of), units[i].unit);
}

static bool is_true(const struct json *line, const char *name)
{
    const struct json *value = json_get(line, name);
    return value && value->kind == JSON_BOOL && value->boolean;
}

static void print_verified(struct cli_run *run, const struct json *line)
{
    int64_t lacking = cli_admin_number(line, "lacking");
    if (lacking > 0) {
        buf_printf(&run->out, "Known to lack something: %lld\n", (long long)lacking);
    }
    if (is_true(line, "damaged")) {
        cli_print(run, STR("The newest is damaged: admin backup writes anew what was lost\n"));
    } else if (json_get(line, "verified")) {
        buf_printf(&run->out, "Read wholly, and whole: the one of " STR_FMT "\n",
                   STR_ARG(cli_time_text(&run->arena, cli_admin_text(line, "verified"))));
    }
    if (json_get(line, "read")) {
        buf_printf(&run->out, "All that are kept were read until " STR_FMT "\n",
                   STR_ARG(cli_time_text(&run->arena, cli_admin_text(line, "read"))));
    }
}

static void print_schedule(struct cli_run *run, const struct json *line)
{
    const char *place = json_get(line, "bucket") ? "bucket" : "directory";
    if (!json_get(line, place)) {
        cli_print(run,
                  STR("There is no schedule: neither backup.directory nor backup.bucket is set\n"));
        return;
    }
    struct str every = span_text(&run->arena, cli_admin_number(line, "every"));
    buf_printf(&run->out, "%s: every " STR_FMT " into ", is_true(line, "late") ? "Late" : "In time",
               STR_ARG(every));
    cli_escape(&run->out, cli_admin_text(line, place));
    buf_printf(&run->out, ", %lld are kept\n", (long long)cli_admin_number(line, "keep"));
    print_verified(run, line);
}

static struct str made_text(struct arena *arena, const struct json *line)
{
    struct str at = cli_time_text(arena, cli_admin_text(line, "at"));
    return json_get(line, "lacks") ? arena_printf(arena, STR_FMT " (" STR_FMT ")", STR_ARG(at),
                                                  STR_ARG(cli_admin_text(line, "lacks")))
                                   : at;
}

static int show_moment(struct cli_run *run, void *ctx, const struct json *line)
{
    struct listing *l = ctx;
    bool done = json_get(line, "done") != NULL;
    if (run->json) {
        struct str before = l->count++ == 0 ? STR("{\"moments\":[") : done ? STR("") : STR(",");
        cli_print(run, before);
        cli_print(run, done ? STR("],\"schedule\":") : STR(""));
        cli_print_value(run, line);
        cli_print(run, done ? STR("}\n") : STR(""));
        return 0;
    }
    if (!done) {
        cli_table_add(&l->table, cli_admin_text(line, "name"));
        cli_table_add(&l->table, made_text(&l->table.arena, line));
        return 0;
    }
    cli_table_flush(&l->table);
    print_schedule(run, line);
    return 0;
}

static int list(struct cli_run *run)
{
    static const char *const heads[] = {"MOMENT", "MADE (UTC)", NULL};
    struct listing l = {.count = 0};
    BUF_AUTO(target, TARGET_MOST);
    buf_printf(&target, "/backups");
    int r = run->operand_count > 0 ? add_directory(run, run->operands[0], &target) : 0;
    if (r < 0) {
        return r;
    }
    cli_table_init(&l.table, run, heads);
    r = cli_admin_ask(run, &(struct cli_admin_request){.method = "GET",
                                                       .target = buf_z(&target),
                                                       .stopped = "--backups DIR",
                                                       .reply = CLI_ADMIN_LINES,
                                                       .line = show_moment,
                                                       .ctx = &l});
    cli_table_fini(&l.table);
    return r;
}

/* ---- restore ---- */

static int restore(struct cli_run *run)
{
    return cli_fail(run, ERR_CONFLICT,
                    "a store is restored into an empty directory, by the server's own program: "
                    "coditectd --data NEW --restore %s",
                    run->operands[0]);
}

/* ---- the table's rows ---- */

static const struct cli_operand backup_operands[] = {
    {.name = "DIR|-", .optional = true, .complete = CLI_LOCAL},
    {.name = NULL},
};
static const struct cli_option backup_options[] = {
    {.name = "keep", .value = "N", .text = "remove all but the newest N of the directory"},
    {.name = "data", .value = "DIR", .text = "the server's data directory"},
    {.name = NULL},
};
static const struct cli_example backup_examples[] = {
    {"coditect admin backup", "One more of the schedule's, now."},
    {"coditect admin backup /mnt/other/coditect --keep 7", "Costs what changed since the last."},
    {"coditect admin backup - | age -r ... > coditect.age", "All in one piece, encrypted."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_backup = {
    .name = "admin backup",
    .summary = "Have the running server back up all that it stores.",
    .text = "For the server's user and root, on its machine. Writers do not wait for it; one at a "
            "time; Ctrl-C ends it, and what was there stays. The server writes DIR, so its user "
            "must be able to; without DIR it is where the schedule's are. While the server is "
            "stopped: coditectd --data DATA --backup DIR.",
    .operands = backup_operands,
    .options = backup_options,
    .examples = backup_examples,
    .run = back_up,
};

static const struct cli_operand list_operands[] = {
    {.name = "DIR", .optional = true, .complete = CLI_LOCAL},
    {.name = NULL},
};
static const struct cli_example list_examples[] = {
    {"coditect admin backups", "Oldest first, and whether the schedule keeps its time."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_backups = {
    .name = "admin backups",
    .summary = "List the backups of a directory, and how the schedule does.",
    .text =
        "For the server's user and root, on its machine. Without DIR those of the schedule. While "
        "the server is stopped: coditectd --backups DIR.",
    .operands = list_operands,
    .options = cli_admin_options,
    .examples = list_examples,
    .run = list,
};

static const struct cli_operand restore_operands[] = {
    {.name = "FROM", .complete = CLI_LOCAL},
    {.name = NULL},
};
static const struct cli_example restore_examples[] = {
    {"coditect admin restore /mnt/other/coditect", "Says how."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_restore = {
    .name = "admin restore",
    .summary = "Say how a backup becomes a store again.",
    .text = "Nothing restores into the store of a running server: coditectd --data NEW --restore "
            "FROM makes the store of an empty data directory, on which the server is started then.",
    .operands = restore_operands,
    .examples = restore_examples,
    .run = restore,
};
