/*
 * The configuration: one JSON object on standard input, written by the server, so that nothing of it (the token above all)
 * stands in an argument list that other processes can read.
 *
 *   {"session":"ses-…","generation":7,"run":"/…","codi2":"/…/codi2","token":"…","arguments":["--ide","/app"],
 *    "environment":{"TENANT_ID":"…"},"binds":[{"source":"/…","target":"/workspace","writable":true}],
 *    "uid":200001,"gid":200001,"network":true,"memory":2147483648,"processes":512,"cpu":200,"files":65536,"grace_ms":20000}
 *
 * Every member is required but "arguments" and "environment"; unknown ones are refused.
 */
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "workspace/workspace_int.h"

enum {
    LARGEST_GRACE_MS = 600000,
    MOST_PROCESSES = 1 << 20,
    MOST_FILES = 1 << 20,
    MOST_CPU = 1 << 20
};

struct reader {
    struct arena *arena;
    const struct json *root;
    const char *problem; /* name of the first member that is wrong */
};

static const struct json *member(struct reader *r, const char *name, enum json_kind kind)
{
    const struct json *value = json_get(r->root, name);
    if (value && value->kind == kind) {
        return value;
    }
    if (!r->problem) {
        r->problem = name;
    }
    return NULL;
}

static int64_t integer(struct reader *r, const char *name, int64_t most)
{
    const struct json *value = member(r, name, JSON_INTEGER);
    if (value && (value->integer < 0 || value->integer > most)) {
        r->problem = name;
        return 0;
    }
    return value ? value->integer : 0;
}

static const char *text_of(struct reader *r, const struct json *value, const char *name)
{
    if (!value || value->kind != JSON_STRING || memchr(value->string.p, '\0', value->string.n)) {
        r->problem = name;
        return "";
    }
    return arena_str(r->arena, value->string).p;
}

static const char *path(struct reader *r, const char *name)
{
    const char *text = text_of(r, json_get(r->root, name), name);
    if (text[0] != '/') {
        r->problem = name;
    }
    return text;
}

bool workspace_is_label(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i > 0))) {
            return false;
        }
    }
    return s.n > 0 && s.n <= 63;
}

static void read_binds(struct reader *r, struct workspace_config *c)
{
    const struct json *list = member(r, "binds", JSON_ARRAY);
    for (const struct json *row = list ? list->first : NULL; row; row = row->next) {
        if (c->bind_count == WORKSPACE_MAX_BINDS) {
            r->problem = "binds";
            return;
        }
        struct workspace_bind *bind = &c->binds[c->bind_count++];
        bind->source = text_of(r, json_get(row, "source"), "binds");
        bind->target = text_of(r, json_get(row, "target"), "binds");
        const struct json *writable = json_get(row, "writable");
        bind->writable = writable && writable->kind == JSON_BOOL && writable->boolean;
        if (bind->source[0] != '/' || bind->target[0] != '/') {
            r->problem = "binds";
        }
    }
}

static bool is_variable(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9' && i > 0) || c == '_')) {
            return false;
        }
    }
    return name.n > 0;
}

static void read_lists(struct reader *r, struct workspace_config *c)
{
    const struct json *arguments = json_get(r->root, "arguments");
    size_t count = arguments && arguments->kind == JSON_ARRAY ? arguments->count : 0;
    if (count > WORKSPACE_MAX_ARGUMENTS) {
        r->problem = "arguments";
        count = 0;
    }
    c->arguments = ARENA_ARRAY(r->arena, const char *, count + 1);
    size_t n = 0;
    for (const struct json *row = count ? arguments->first : NULL; row; row = row->next) {
        c->arguments[n++] = text_of(r, row, "arguments");
    }

    const struct json *environment = json_get(r->root, "environment");
    count = environment && environment->kind == JSON_OBJECT ? environment->count : 0;
    if (count > WORKSPACE_MAX_ENVIRONMENT) {
        r->problem = "environment";
        count = 0;
    }
    c->environment = ARENA_ARRAY(r->arena, const char *, 2 * count + 1);
    n = 0;
    for (const struct json *row = count ? environment->first : NULL; row; row = row->next) {
        if (!is_variable(row->name)) {
            r->problem = "environment";
        }
        c->environment[n++] = arena_str(r->arena, row->name).p;
        c->environment[n++] = text_of(r, row, "environment");
    }
}

static bool has_unknown_member(const struct json *root)
{
    static const char *const known[] = {"session",   "generation", "run",         "codi2",
                                        "token",     "arguments",  "environment", "binds",
                                        "uid",       "gid",        "network",     "memory",
                                        "processes", "cpu",        "files",       "grace_ms"};
    for (const struct json *row = root->first; row; row = row->next) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            found = found || str_eq(row->name, str_from(known[i]));
        }
        if (!found) {
            return true;
        }
    }
    return false;
}

static int read_text(int fd, struct arena *arena, struct str *ret_text)
{
    char *text = arena_alloc(arena, WORKSPACE_MAX_CONFIG + 1);
    ssize_t n = fd_read_full(fd, text, WORKSPACE_MAX_CONFIG + 1);
    if (n < 0) {
        return log_err((int)n, "workspace", "the configuration cannot be read");
    }
    if (n > WORKSPACE_MAX_CONFIG) {
        return log_err(ERR_TOO_LARGE, "workspace", "the configuration is larger than 64 KiB");
    }
    *ret_text = str_of(text, (size_t)n);
    return 0;
}

int workspace_config_read(int fd, struct arena *arena, struct workspace_config *ret_config)
{
    struct str text;
    const char *problem;
    int error = read_text(fd, arena, &text);
    if (error) {
        return error;
    }
    error = workspace_config_parse(text, arena, ret_config, &problem);
    return error ? log_err(error, "workspace", "the configuration %s", problem) : 0;
}

static void read_scalars(struct reader *r, struct workspace_config *c)
{
    c->session = str_from(text_of(r, json_get(r->root, "session"), "session"));
    c->generation = integer(r, "generation", INT64_MAX);
    c->run = path(r, "run");
    c->codi2 = path(r, "codi2");
    c->token = text_of(r, json_get(r->root, "token"), "token");
    c->uid = (uid_t)integer(r, "uid", INT32_MAX);
    c->gid = (gid_t)integer(r, "gid", INT32_MAX);
    const struct json *network = member(r, "network", JSON_BOOL);
    c->network = network && network->boolean;
    c->limits.memory = integer(r, "memory", INT64_MAX);
    c->limits.processes = integer(r, "processes", MOST_PROCESSES);
    c->limits.cpu = integer(r, "cpu", MOST_CPU);
    c->limits.files = integer(r, "files", MOST_FILES);
    c->grace = integer(r, "grace_ms", LARGEST_GRACE_MS) * USEC_PER_MS;
    if (!workspace_is_label(c->session)) {
        r->problem = "session";
    }
}

int workspace_config_parse(struct str text, struct arena *arena,
                           struct workspace_config *ret_config, const char **ret_problem)
{
    struct json *root;
    struct json_error where;
    int error = json_parse(arena, text, &root, &where);
    if (error) {
        *ret_problem =
            arena_printf(arena, "is no JSON at byte %zu: %s", where.offset, where.what).p;
        return error;
    }
    struct reader r = {.arena = arena, .root = root};
    struct workspace_config c = {0};
    read_scalars(&r, &c);
    read_binds(&r, &c);
    read_lists(&r, &c);
    if (has_unknown_member(root)) {
        r.problem = "an unknown member";
    }
    if (r.problem) {
        *ret_problem = arena_printf(arena, "is wrong at: %s", r.problem).p;
        return ERR_INVALID;
    }
    *ret_config = c;
    return 0;
}
