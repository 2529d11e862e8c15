#include "codi2/options.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/args.h"
#include "base/fd.h"
#include "base/toml.h"

enum { EXIT_WRONG = 2 };

static _Noreturn void refuse(const char *file, const char *what)
{
    (void)fprintf(stderr, "codi2: %s: %s\n", file, what);
    exit(EXIT_WRONG);
}

static const char *text_at(struct arena *arena, const struct json *table, const char *name,
                           const char *otherwise)
{
    const struct json *value = table ? json_get(table, name) : NULL;
    return value && value->kind == JSON_STRING ? arena_str(arena, value->string).p : otherwise;
}

static void read_logging(struct arena *arena, const struct json *table, const char *file,
                         struct codi2_options *o)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    const char *level = text_at(arena, table, "level", "info");
    const char *form = text_at(arena, table, "format", "json");
    size_t i = 0;
    while (i < 4 && strcmp(level, levels[i]) != 0) {
        i++;
    }
    if (i == 4) {
        refuse(file, "logging.level is one of debug, info, warn, error");
    }
    if (strcmp(form, "json") != 0 && strcmp(form, "text") != 0) {
        refuse(file, "logging.format is json or text");
    }
    o->level = (enum log_level)i;
    o->form = strcmp(form, "json") == 0 ? LOG_JSON : LOG_TEXT;
}

/* [server] bind_addr becomes the door, [monitoring] watch_paths the first root. */
static void read_table(struct arena *arena, const struct json *root, const char *file,
                       struct codi2_options *o)
{
    for (const struct json *table = root->first; table; table = table->next) {
        if (str_eq(table->name, STR("server"))) {
            o->door = text_at(arena, table, "bind_addr", o->door);
        } else if (str_eq(table->name, STR("monitoring"))) {
            const struct json *paths = json_get(table, "watch_paths");
            if (paths && (paths->kind != JSON_ARRAY || paths->count != 1 ||
                          paths->first->kind != JSON_STRING)) {
                refuse(file, "monitoring.watch_paths holds one path, the session's tree");
            }
            o->workspace = paths ? arena_str(arena, paths->first->string).p : o->workspace;
        } else if (str_eq(table->name, STR("logging"))) {
            read_logging(arena, table, file, o);
        } else if (str_eq(table->name, STR("foundationdb"))) {
            (void)fprintf(stderr,
                          "codi2: %s: [foundationdb] is not used: a workspace never holds "
                          "credentials of the store; "
                          "it speaks to coditectd\n",
                          file);
        } else {
            refuse(file, "knows the tables server, monitoring, logging and foundationdb");
        }
    }
}

static void read_file(struct arena *arena, const char *file, struct codi2_options *o)
{
    char *text = arena_alloc(arena, TOML_MAX_TEXT + 1);
    FD_AUTO int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, TOML_MAX_TEXT + 1);
    if (n < 0 || n > TOML_MAX_TEXT) {
        refuse(file, n < 0 ? "cannot be read" : "is larger than 256 KiB");
    }
    struct json *root;
    struct toml_error error;
    if (toml_parse(arena, str_of(text, (size_t)n), &root, &error) != 0) {
        (void)fprintf(stderr, "codi2: %s:%zu:%zu: %s\n", file, error.line, error.column,
                      error.what);
        exit(EXIT_WRONG);
    }
    read_table(arena, root, file, o);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

static const struct codi2_options defaults = {
    .wire = "/run/coditect/wire/wire.sock",
    .door = "/run/coditect/door/door.sock",
    .ide = "",
    .node = "/usr/bin/node",
    .workspace = "/workspace",
    .workspace_index = "/var/lib/codi2/workspace",
    .home = "/home/dev",
    .home_index = "/var/lib/codi2/home",
    .sweep = "600",
    .token_fd = -1,
    .level = LOG_INFO,
    .form = LOG_JSON,
};

/* What the command line may say of struct codi2_options; --config and --token-fd are read besides. */
static const struct {
    const char *name;
    const char *value;
    const char *text;
    size_t at;
} rows[] = {
    {"user-id", "ID", "whose workspace (USER_ID)", offsetof(struct codi2_options, user)},
    {"tenant-id", "ID", "its tenant (TENANT_ID)", offsetof(struct codi2_options, tenant)},
    {"session-id", "ID", "which session (SESSION_ID)", offsetof(struct codi2_options, session)},
    {"session-name", "TEXT", "shown in the IDE (SESSION_NAME)",
     offsetof(struct codi2_options, session_name)},
    {"platform-origin", "ORIGIN", "whose pages may frame the IDE (PLATFORM_ORIGIN)",
     offsetof(struct codi2_options, platform_origin)},
    {"base-path", "PATH", "below which the browser sees the IDE (BASE_PATH)",
     offsetof(struct codi2_options, base_path)},
    {"generation", "N", "of the workspace (GENERATION)",
     offsetof(struct codi2_options, generation)},
    {"memory", "BYTES", "end the largest process over this sum (MEMORY_LIMIT)",
     offsetof(struct codi2_options, memory)},
    {"wire", "SOCKET", "the server's internal socket", offsetof(struct codi2_options, wire)},
    {"door", "SOCKET", "where to answer", offsetof(struct codi2_options, door)},
    {"ide", "DIR", "bundle of the IDE to run", offsetof(struct codi2_options, ide)},
    {"node", "FILE", "Node.js for the IDE", offsetof(struct codi2_options, node)},
    {"sweep", "S", "seconds between looks at all, 600", offsetof(struct codi2_options, sweep)},
    {"workspace", "DIR", "the session's tree", offsetof(struct codi2_options, workspace)},
    {"workspace-index", "DIR", "its index", offsetof(struct codi2_options, workspace_index)},
    {"home", "DIR", "the person's tree; empty: none", offsetof(struct codi2_options, home)},
    {"home-index", "DIR", "its index", offsetof(struct codi2_options, home_index)},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static int parse_line(char **argv, struct codi2_options *o, const char **file,
                      const char **token_fd)
{
    struct args_option options[ROWS + 3] = {
        {.name = "config", .value = "FILE", .text = "configuration (TOML)", .given = file},
        {.name = "token-fd", .value = "N", .text = "where the token is read", .given = token_fd},
    };
    for (size_t i = 0; i < ROWS; i++) {
        options[2 + i] = (struct args_option){.name = rows[i].name,
                                              .value = rows[i].value,
                                              .text = rows[i].text,
                                              .given = (const char **)((char *)o + rows[i].at)};
    }
    const struct args_spec spec = {.program = "codi2",
                                   .summary =
                                       "mirrors a workspace into the store and answers at its door",
                                   .operands = "[test]",
                                   .options = options};
    return args_parse_or_exit(&spec, argv);
}

void codi2_options_read(int argc, char **argv, struct arena *arena,
                        struct codi2_options *ret_options)
{
    struct codi2_options o = defaults;
    o.user = environment("USER_ID");
    o.tenant = environment("TENANT_ID");
    o.session = environment("SESSION_ID");
    o.session_name = environment("SESSION_NAME");
    o.platform_origin = environment("PLATFORM_ORIGIN");
    o.base_path = environment("BASE_PATH");
    o.generation = environment("GENERATION");
    o.memory = environment("MEMORY_LIMIT");
    const char *file = NULL;
    const char *token_fd = NULL;
    int first = parse_line(argv, &o, &file, &token_fd);
    if (file) { /* the line was read to learn of the file; read again it wins over the file */
        read_file(arena, file, &o);
        (void)parse_line(argv, &o, &file, &token_fd);
    }
    o.self_test = first < argc && strcmp(argv[first], "test") == 0;
    if (first < argc && (!o.self_test || first + 1 < argc)) {
        refuse(argv[first], "the only command is test");
    }
    uint64_t fd = 0;
    if (token_fd && str_u64(str_from(token_fd), 1023, &fd) != 0) {
        refuse("--token-fd", "wants a descriptor's number");
    }
    if (token_fd) {
        o.token_fd = (int)fd;
    }
    *ret_options = o;
}
