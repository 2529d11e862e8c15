/* files cat, get, put, home cat: the bytes of one file; home archive: those of all. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli_int.h"
#include "cli/home.h"

/* ---- out of a session ---- */

typedef int fetch_call(struct cli_run *run, const struct cli_place *place,
                       struct cli_content *content);

static int fetch(struct cli_run *run, const struct cli_place *place, struct cli_content *content)
{
    struct cli_client *client;
    int64_t version;
    int r = cli_number(run, "version", &version);
    r = r < 0 ? r : cli_client(run, &client);
    return r < 0 ? r : cli_tree_get(run, place, version, content);
}

static int print_content(struct cli_run *run, const struct cli_place *place, fetch_call *call)
{
    struct cli_content content = CLI_CONTENT;
    content.sink_fd = STDOUT_FILENO;
    return call(run, place, &content);
}

static int print_some(struct cli_run *run)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < run->operand_count; i++) {
        struct cli_place place;
        r = cli_place_file(run, run->operands[i], &place);
        r = r < 0 ? r : print_content(run, &place, fetch);
    }
    return r;
}

/* Folder and name of a local file that is to be written. */
static int open_target(struct cli_run *run, const char *target, int *ret_fd, const char **ret_name)
{
    struct str whole = str_from(target), name = cli_last_name(whole);
    struct str folder = str_slice(whole, 0, whole.n - name.n);
    FD_AUTO int fd = open(folder.n > 0 ? arena_str(&run->arena, folder).p : ".",
                          O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return cli_fail(run, err_from_errno(errno), "%s: %s", target, strerror(errno));
    }
    *ret_name = arena_str(&run->arena, name).p;
    *ret_fd = FD_TAKE(fd);
    return 0;
}

static int fetch_to(struct cli_run *run, const struct cli_place *place, const char *target,
                    fetch_call *call)
{
    FD_AUTO int folder = -1;
    const char *name = NULL;
    struct cli_draft draft;
    struct cli_meter meter;
    struct cli_content content = CLI_CONTENT;
    int r = open_target(run, target, &folder, &name);
    r = r < 0 ? r : cli_draft_begin(run, folder, name, &draft);
    if (r < 0) {
        return r;
    }
    cli_meter_init(&meter);
    meter.name = place->path;
    content.meter = &meter;
    content.sink_fd = draft.fd;
    r = call(run, place, &content);
    r = r < 0 ? r : cli_draft_commit(run, &draft, &content.facts);
    cli_draft_drop(&draft);
    cli_meter_clear(&meter);
    return r;
}

/* To standard output, under the last name of the place in a folder that is there, or to the file that target names. */
static int bring(struct cli_run *run, const struct cli_place *place, const char *target,
                 fetch_call *call)
{
    if (strcmp(target, "-") == 0) {
        return print_content(run, place, call);
    }
    bool inside = str_ends(str_from(target), STR("/")) || cli_is_folder(target);
    struct str name = cli_last_name(place->path);
    if (inside && (str_eq(name, STR(".")) || str_eq(name, STR("..")))) {
        return cli_fail(run, ERR_INVALID, "this is no name of a file");
    }
    if (inside) {
        target = arena_printf(&run->arena, "%s/" STR_FMT, target, STR_ARG(name)).p;
    }
    return fetch_to(run, place, target, call);
}

static int get(struct cli_run *run)
{
    struct cli_place place;
    int r = cli_place_file(run, run->operands[0], &place);
    return r < 0 ? r : bring(run, &place, run->operand_count > 1 ? run->operands[1] : ".", fetch);
}

static int fetch_home(struct cli_run *run, const struct cli_place *place,
                      struct cli_content *content)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct str target = run->operand_count > 0 ? str_from(run->operands[0]) : STR_EMPTY;
    const struct cli_users_me_home_archive_in in = {.format = STR("zip"),
                                                    .has_format = str_ends(target, STR(".zip"))};
    (void)place;
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_users_me_home_archive(client, &in, content, &reply);
}

/* The form goes by the name: under another one it would be none that its reader expects. */
static bool names_archive(struct str target)
{
    return str_ends(target, STR(".tar.gz")) || str_ends(target, STR(".tgz")) ||
           str_ends(target, STR(".zip"));
}

static int get_home(struct cli_run *run)
{
    const struct cli_place whole = {.home = true, .path = STR("home.tar.gz")};
    const char *target = run->operand_count > 0 ? run->operands[0] : ".";
    struct str name = str_from(target);
    bool is_file = !str_eq(name, STR("-")) && !str_ends(name, STR("/")) && !cli_is_folder(target);
    if (is_file && !names_archive(name)) {
        return cli_fail(run, ERR_INVALID, "%s ends in none of .tar.gz, .tgz and .zip", target);
    }
    return bring(run, &whole, target, fetch_home);
}

/* ---- into a session ---- */

int cli_source_open(struct cli_run *run, const char *source, int *ret_fd, int64_t *ret_length)
{
    struct stat st;
    if (strcmp(source, "-") == 0) {
        int copy = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        if (copy < 0) {
            return cli_fail(run, ERR_IO, "standard input: %s", strerror(errno));
        }
        *ret_length = -1;
        *ret_fd = copy;
        return 0;
    }
    FD_AUTO int fd = open(source, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        return cli_fail(run, err_from_errno(errno), "%s: %s", source, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return cli_fail(run, ERR_IS_DIRECTORY, "%s is a folder; coditect cp -r copies folders",
                        source);
    }
    *ret_length = S_ISREG(st.st_mode) ? st.st_size : -1;
    *ret_fd = FD_TAKE(fd);
    return 0;
}

static int send(struct cli_run *run, const struct cli_files_put_in *in, struct cli_content content)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_meter meter;
    cli_meter_init(&meter);
    meter.name = in->path;
    content.meter = &meter;
    int r = cli_client(run, &client);
    r = r < 0 ? r : cli_files_put(client, in, &content, &reply);
    cli_meter_clear(&meter);
    if (r == 0 && run->json) {
        cli_print_value(run, reply.data);
    }
    return r;
}

/* Of what is no file, such as a pipe, nothing is said. */
static int send_source(struct cli_run *run, const char *source, struct cli_files_put_in *in)
{
    struct stat st;
    struct cli_told told;
    struct cli_content content = CLI_CONTENT;
    int r = cli_source_open(run, source, &content.body_fd, &content.length);
    if (r == 0 && strcmp(source, "-") != 0 && fstat(content.body_fd, &st) == 0 &&
        S_ISREG(st.st_mode)) {
        told = cli_tell(&st);
        in->mode = str_from(told.mode);
        in->mtime = str_from(told.mtime);
        in->has_mode = in->has_mtime = true;
    }
    r = r < 0 ? r : send(run, in, content);
    fd_close(&content.body_fd);
    return r;
}

static int put(struct cli_run *run)
{
    struct cli_place place;
    const char *source = run->operands[0];
    int64_t version;
    int r = cli_number(run, "if-version", &version);
    r = r < 0 ? r : cli_place_find(run, run->operands[1], &place);
    if (r < 0) {
        return r;
    }
    struct str name = cli_last_name(str_from(source));
    if (place.folder && (name.n == 0 || strcmp(source, "-") == 0)) {
        return cli_fail(run, ERR_INVALID, "the file's name in the session is missing");
    }
    struct str path = place.path;
    if (place.folder) {
        path = arena_printf(&run->arena, STR_FMT "%s" STR_FMT, STR_ARG(path), path.n > 0 ? "/" : "",
                            STR_ARG(name));
    }
    struct cli_files_put_in in = {
        .session_id = place.id,
        .path = path,
        .if_match =
            version > 0 ? arena_printf(&run->arena, "\"%lld\"", (long long)version) : STR_EMPTY,
        .has_if_match = version > 0,
        .if_none_match = STR("*"),
        .has_if_none_match = cli_given(run, "new"),
    };
    return send_source(run, source, &in);
}

/* ---- the table's rows ---- */

static const struct cli_option version_options[] = {
    {.name = "version", .value = "N", .text = "an older version (files history lists them)"},
    {.name = NULL},
};

static const struct cli_operand cat_operands[] = {
    {.name = "SESSION:PATH", .many = true, .complete = CLI_REMOTE},
    {.name = NULL},
};
static const struct cli_example cat_examples[] = {
    {"coditect files cat 'Project A:src/main.c'", "The current version."},
    {"coditect files cat --version 7 'Project A:src/main.c' | less", "An older one."},
    {.line = NULL},
};
const struct cli_command cli_command_files_cat = {
    .name = "files cat",
    .summary = "Write files of a session to standard output.",
    .operands = cat_operands,
    .options = version_options,
    .examples = cat_examples,
    .plain = true,
    .run = print_some,
};

static const struct cli_operand home_cat_operands[] = {
    {.name = "PATH", .many = true},
    {.name = NULL},
};
static const struct cli_option home_version_options[] = {
    {.name = "version", .value = "N", .text = "an older version (home history lists them)"},
    {.name = NULL},
};
static const struct cli_example home_cat_examples[] = {
    {"coditect home cat .bashrc", "The current version."},
    {"coditect home cat --version 7 .bashrc | diff - ~/.bashrc", "An older one."},
    {.line = NULL},
};
const struct cli_command cli_command_home_cat = {
    .name = "home cat",
    .summary = "Write files of your home to standard output.",
    .operands = home_cat_operands,
    .options = home_version_options,
    .examples = home_cat_examples,
    .plain = true,
    .run = print_some,
};

static const struct cli_operand home_archive_operands[] = {
    {.name = "FILE", .optional = true, .complete = CLI_LOCAL},
    {.name = NULL},
};
static const struct cli_example home_archive_examples[] = {
    {"coditect home archive", "Into this folder, as home.tar.gz."},
    {"coditect home archive - | tar tz", "What is in it."},
    {.line = NULL},
};
const struct cli_command cli_command_home_archive = {
    .name = "home archive",
    .summary = "Fetch all files of your home as one archive, as they are stored now.",
    .text = "FILE says the form by its end: .tar.gz, .tgz or .zip. It may be a folder, for "
            "home.tar.gz in it, or - for a tar.gz on standard output.",
    .operands = home_archive_operands,
    .examples = home_archive_examples,
    .plain = true,
    .run = get_home,
};

static const struct cli_operand get_operands[] = {
    {.name = "SESSION:PATH", .complete = CLI_REMOTE},
    {.name = "FILE", .optional = true, .complete = CLI_LOCAL},
    {.name = NULL},
};
static const struct cli_example get_examples[] = {
    {"coditect files get 'Project A:src/main.c'", "Into this folder, as main.c."},
    {"coditect files get --version 7 'Project A:src/main.c' old.c", "An older version, as old.c."},
    {.line = NULL},
};
const struct cli_command cli_command_files_get = {
    .name = "files get",
    .summary = "Fetch one file of a session.",
    .text =
        "The file appears when it is complete and replaces what has its name. Permissions (less "
        "the umask, never setuid, setgid or sticky) and time are kept, and a symbolic link is "
        "made as one. FILE may be a folder, or - for standard output.",
    .operands = get_operands,
    .options = version_options,
    .examples = get_examples,
    .plain = true,
    .run = get,
};

static const struct cli_operand put_operands[] = {
    {.name = "FILE", .complete = CLI_LOCAL},
    {.name = "SESSION:PATH", .complete = CLI_REMOTE},
    {.name = NULL},
};
static const struct cli_option put_options[] = {
    {.name = "if-version", .value = "N", .text = "only when this is still the current version"},
    {.name = "new", .text = "only when there is no such file yet"},
    {.name = NULL},
};
static const struct cli_example put_examples[] = {
    {"coditect files put main.c 'Project A:src/'", "Into the folder src, as main.c."},
    {"date | coditect files put - 'Project A:now.txt'", "Standard input becomes a file."},
    {.line = NULL},
};
const struct cli_command cli_command_files_put = {
    .name = "files put",
    .summary = "Write one file of a session.",
    .text =
        "Every put is a new version; folders above it are made. Permissions and time go with it; "
        "of a symbolic link what it leads to is sent. FILE may be - for standard input. A put "
        "that is interrupted changes nothing.",
    .operands = put_operands,
    .options = put_options,
    .examples = put_examples,
    .run = put,
};
