/*
 * Stands where coditectd stands: splits itself by workspaces_broker_fork, then carries out one JSON object per line of
 * standard input by the local runtime, and answers each with one line. runtime.test.mjs drives it.
 *
 *   {"do":"start","session":"ses-a","user":"usr-a","tenant":"ten-a","name":"A","token":"t","generation":1,"uid":200001,
 *    "memory":0,"processes":0,"network":false}                                    → {"error":"OK","text":""}
 *   {"do":"look","session":"ses-a"}        → {"phase":2,"generation":1,"pid":…,"start_time":…,"exit_code":-1,…}
 *   {"do":"stop","session":"ses-a","pid":…,"start_time":…,"force":false}           → {"error":"OK"}
 *   {"do":"remove","session":"ses-a","uid":200001}                                 → {"error":"OK"}
 *   {"do":"read","path":"/…"}                        as the server: what a read gives → {"error":"OK"}
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/args.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "workspaces/workspaces.h"

enum { LINE_ROOM = 8192, ANSWER_ROOM = 8192 };

struct options {
    const char *first_uid;
    const char *last_uid;
    struct workspaces_broker_options broker;
};

static void read_options(char **argv, struct options *o)
{
    const struct args_option options[] = {
        {.name = "data", .value = "DIR", .text = "-", .given = &o->broker.data},
        {.name = "supervisor", .value = "FILE", .text = "-", .given = &o->broker.supervisor},
        {.name = "codi2", .value = "FILE", .text = "-", .given = &o->broker.codi2},
        {.name = "node", .value = "PATH", .text = "-", .given = &o->broker.node},
        {.name = "ide", .value = "DIR", .text = "-", .given = &o->broker.ide},
        {.name = "web", .value = "DIR", .text = "-", .given = &o->broker.web},
        {.name = "origin", .value = "URL", .text = "-", .given = &o->broker.platform_origin},
        {.name = "server-user", .value = "NAME", .text = "-", .given = &o->broker.server_user},
        {.name = "first-uid", .value = "N", .text = "-", .given = &o->first_uid},
        {.name = "last-uid", .value = "N", .text = "-", .given = &o->last_uid},
        {0},
    };
    (void)args_parse_or_exit(&(struct args_spec){.program = "workspaces-runtime",
                                                 .summary = "Drives the local runtime.",
                                                 .options = options},
                             argv);
    uint64_t uid;
    if (str_u64(str_from(o->first_uid), INT32_MAX, &uid) == 0) {
        o->broker.first_uid = (uid_t)uid;
    }
    if (str_u64(str_from(o->last_uid), INT32_MAX, &uid) == 0) {
        o->broker.last_uid = (uid_t)uid;
    }
}

static struct str text_of(const struct json *line, const char *name)
{
    const struct json *value = json_get(line, name);
    return value && value->kind == JSON_STRING ? value->string : STR_EMPTY;
}

static int64_t number_of(const struct json *line, const char *name)
{
    const struct json *value = json_get(line, name);
    return value && value->kind == JSON_INTEGER ? value->integer : 0;
}

static bool truth_of(const struct json *line, const char *name)
{
    const struct json *value = json_get(line, name);
    return value && value->kind == JSON_BOOL && value->boolean;
}

static void answer_error(struct json_writer *w, int error, struct str text)
{
    json_member_string(w, "error", error ? str_from(err_name(error)) : STR("OK"));
    json_member_string(w, "text", text);
}

static void do_start(struct workspaces_local *l, struct arena *arena, const struct json *line,
                     struct json_writer *w)
{
    struct workspaces_start start = {
        .tenant = text_of(line, "tenant"),
        .user = text_of(line, "user"),
        .session = text_of(line, "session"),
        .name = text_of(line, "name"),
        .token = text_of(line, "token"),
        .generation = number_of(line, "generation"),
        .uid = (uid_t)number_of(line, "uid"),
        .memory = number_of(line, "memory"),
        .processes = number_of(line, "processes"),
        .cpu = number_of(line, "cpu"),
        .network = truth_of(line, "network"),
    };
    struct str text = STR_EMPTY;
    int error = workspaces_local_start(l, arena, &start, &text);
    answer_error(w, error, text);
}

static void do_look(struct workspaces_local *l, struct arena *arena, const struct json *line,
                    struct json_writer *w)
{
    struct workspaces_process p;
    workspaces_local_look(l, arena, text_of(line, "session"), &p);
    json_member_integer(w, "phase", p.phase);
    json_member_integer(w, "generation", p.generation);
    json_member_integer(w, "pid", p.pid);
    json_member_integer(w, "start_time", (int64_t)p.start_time);
    json_member_integer(w, "exit_code", p.exit_code);
    json_member_bool(w, "stored", p.stored);
    json_member_string(w, "error", p.error);
    json_member_string(w, "limits", p.limits);
    json_member_string(w, "door", workspaces_local_door(l, arena, text_of(line, "session")));
}

static void do_stop(struct workspaces_local *l, const struct json *line, struct json_writer *w)
{
    struct workspaces_process p = {.pid = (pid_t)number_of(line, "pid"),
                                   .start_time = (uint64_t)number_of(line, "start_time")};
    answer_error(w, workspaces_local_stop(l, text_of(line, "session"), &p, truth_of(line, "force")),
                 STR_EMPTY);
}

static void do_remove(struct workspaces_local *l, const struct json *line, struct json_writer *w)
{
    int error = workspaces_local_remove(l, text_of(line, "session"), (uid_t)number_of(line, "uid"));
    answer_error(w, error, STR_EMPTY);
}

static void do_read(struct arena *arena, const struct json *line, struct json_writer *w)
{
    FD_AUTO int fd = open(arena_str(arena, text_of(line, "path")).p, O_RDONLY | O_CLOEXEC);
    answer_error(w, fd < 0 ? err_from_errno(errno) : 0, STR_EMPTY);
}

static void carry_out(struct workspaces_local *l, struct str text)
{
    ARENA_AUTO(arena);
    BUF_AUTO(out, ANSWER_ROOM);
    struct json *line;
    if (json_parse(&arena, text, &line, NULL) != 0) {
        exit(1);
    }
    struct json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    struct str what = text_of(line, "do");
    if (str_eq(what, STR("start"))) {
        do_start(l, &arena, line, &w);
    } else if (str_eq(what, STR("look"))) {
        do_look(l, &arena, line, &w);
    } else if (str_eq(what, STR("stop"))) {
        do_stop(l, line, &w);
    } else if (str_eq(what, STR("remove"))) {
        do_remove(l, line, &w);
    } else {
        do_read(&arena, line, &w);
    }
    json_object_end(&w);
    (void)printf("%s\n", buf_z(&out));
    (void)fflush(stdout);
}

/* The first line: what the server is and sees. */
static void introduce(const struct workspaces_paths *paths)
{
    BUF_AUTO(out, ANSWER_ROOM);
    struct json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    json_member_integer(&w, "uid", geteuid());
    json_member_integer(&w, "pid", getpid());
    json_member_string(&w, "data", str_from(paths->data));
    json_member_string(&w, "ide", str_from(paths->ide));
    json_member_string(&w, "web", str_from(paths->web));
    json_object_end(&w);
    (void)printf("%s\n", buf_z(&out));
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    (void)argc;
    ARENA_AUTO(arena);
    struct options options = {0};
    struct workspaces_broker *broker;
    struct workspaces_paths paths;
    read_options(argv, &options);
    log_setup(LOG_INFO, LOG_JSON);
    if (workspaces_broker_fork(&options.broker, &arena, &broker, &paths) != 0) {
        return 1;
    }
    introduce(&paths);
    struct workspaces_local *l = workspaces_local_create(broker, paths.data);
    char line[LINE_ROOM];
    while (fgets(line, sizeof line, stdin)) {
        carry_out(l, str_of(line, strcspn(line, "\n")));
    }
    workspaces_local_destroy(l);
    return 0;
}
