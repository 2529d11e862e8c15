/*
 * The local runtime: asks the broker to start supervisors, and finds running ones again by their state files. It keeps
 * nothing in memory: what is true is what the machine says, so a server that starts knows as much as one that ran on.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "data/data.h"
#include "workspaces/broker_client_int.h"

enum { LOCAL_MAGIC = 0x6c6f6361, STATE_ROOM = 4096 };

struct workspaces_local {
    unsigned magic;
    struct workspaces_broker *broker;
    char *data;
};

struct workspaces_local *workspaces_local_create(struct workspaces_broker *broker, const char *data)
{
    struct workspaces_local *l = MEM_NEW(struct workspaces_local);
    l->magic = LOCAL_MAGIC;
    l->broker = broker;
    l->data = mem_dup(data, strlen(data));
    return l;
}

void workspaces_local_destroy(struct workspaces_local *l)
{
    if (!l) {
        return;
    }
    ASSERT_MAGIC(l, LOCAL_MAGIC);
    workspaces_broker_destroy(l->broker);
    mem_free(l->data);
    l->magic = 0;
    mem_free(l);
}

static int encode_start(const struct workspaces_start *s, struct broker_request *r)
{
    int error = workspaces_broker_field(r->session, sizeof r->session, s->session);
    if (!error) {
        error = workspaces_broker_field(r->user, sizeof r->user, s->user);
    }
    if (!error) {
        error = workspaces_broker_field(r->tenant, sizeof r->tenant, s->tenant);
    }
    if (!error) {
        error = workspaces_broker_field(r->name, sizeof r->name, s->name);
    }
    if (!error) {
        error = workspaces_broker_field(r->token, sizeof r->token, s->token);
    }
    r->generation = s->generation;
    r->uid = s->uid;
    r->memory = s->memory;
    r->processes = s->processes;
    r->cpu = s->cpu;
    r->network = s->network;
    return error;
}

int workspaces_local_start(struct workspaces_local *l, struct arena *arena,
                           const struct workspaces_start *start, struct str *ret_text)
{
    ASSERT_MAGIC(l, LOCAL_MAGIC);
    struct broker_request request = {.kind = BROKER_START};
    struct broker_reply reply = {0};
    int error = encode_start(start, &request);
    if (!error) {
        error = workspaces_broker_ask(l->broker, &request, &reply);
    }
    if (error) {
        *ret_text = arena_str(arena, str_from(reply.text[0] ? reply.text : err_row(error)->text));
    }
    return error;
}

static enum workspaces_phase phase_of(struct str name)
{
    static const char *const names[] = {"", "starting", "running", "stopping", "ended"};
    for (size_t i = 1; i < sizeof names / sizeof names[0]; i++) {
        if (str_eq(name, str_from(names[i]))) {
            return (enum workspaces_phase)i;
        }
    }
    return WORKSPACES_GONE;
}

static int64_t integer(const struct json *state, const char *name, int64_t otherwise)
{
    const struct json *value = json_get(state, name);
    return value && value->kind == JSON_INTEGER ? value->integer : otherwise;
}

static struct str text(const struct json *state, const char *name)
{
    const struct json *value = json_get(state, name);
    return value && value->kind == JSON_STRING ? value->string : STR_EMPTY;
}

/* A state that came here by copying a data directory speaks of a workspace of the other one. */
static bool is_of_directory(int fd_of_run, const struct json *state)
{
    struct stat run;
    return fstat(fd_of_run, &run) == 0 && integer(state, "run", -1) == (int64_t)run.st_ino;
}

struct state {
    struct json *json;
    bool here; /* its processes are this machine's */
};

static int read_state(struct workspaces_local *l, struct arena *arena, struct str session,
                      struct state *ret_state)
{
    struct str path = arena_printf(arena, "%s/run/" STR_FMT, l->data, STR_ARG(session));
    FD_AUTO int run = open(path.p, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    FD_AUTO int fd = run < 0 ? -1 : openat(run, "state", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    char *bytes = arena_alloc(arena, STATE_ROOM);
    ssize_t n = fd_read_full(fd, bytes, STATE_ROOM);
    if (n <= 0) {
        return ERR_IO;
    }
    struct str whole = str_of(bytes, (size_t)n);
    if (str_ends(whole, STR("\n"))) {
        whole.n--;
    }
    int error = json_parse(arena, whole, &ret_state->json, NULL);
    if (!error && ret_state->json->kind != JSON_OBJECT) {
        error = ERR_CORRUPT;
    }
    ret_state->here = !error && is_of_directory(run, ret_state->json);
    return error;
}

/* A supervisor of an older release does not say it: then one that ended well, since codi2 ends so when all is stored. */
static bool is_stored(const struct json *state)
{
    const struct json *stored = json_get(state, "stored");
    if (stored) {
        return stored->kind == JSON_BOOL && stored->boolean;
    }
    return phase_of(text(state, "phase")) == WORKSPACES_ENDED &&
           integer(state, "exit_code", -1) == 0 && integer(state, "exit_signal", -1) == 0;
}

void workspaces_local_look(struct workspaces_local *l, struct arena *arena, struct str session,
                           struct workspaces_process *ret_process)
{
    ASSERT_MAGIC(l, LOCAL_MAGIC);
    *ret_process = (struct workspaces_process){.phase = WORKSPACES_GONE, .exit_code = -1};
    struct state found;
    int error = read_state(l, arena, session, &found);
    const struct json *state = error ? NULL : found.json;
    ret_process->unread = error == ERR_NOT_FOUND ? 0 : error;
    ret_process->stored = error ? error == ERR_NOT_FOUND : is_stored(state);
    if (error || !found.here) {
        return;
    }
    ret_process->phase = phase_of(text(state, "phase"));
    ret_process->generation = integer(state, "generation", 0);
    ret_process->pid = (pid_t)integer(state, "pid", 0);
    ret_process->start_time = (uint64_t)integer(state, "start_time", 0);
    ret_process->exit_code = (int)integer(state, "exit_code", -1);
    ret_process->error = text(state, "error");
    ret_process->limits = text(state, "limits");

    uint64_t started;
    bool lives =
        process_start_time(ret_process->pid, &started) == 0 && started == ret_process->start_time;
    if (!lives && ret_process->phase != WORKSPACES_ENDED) {
        ret_process->phase = WORKSPACES_GONE;
    }
}

int workspaces_local_stop(struct workspaces_local *l, struct str session,
                          const struct workspaces_process *process, bool force)
{
    ASSERT_MAGIC(l, LOCAL_MAGIC);
    struct broker_request request = {.kind = BROKER_SIGNAL,
                                     .pid = process->pid,
                                     .start_time = process->start_time,
                                     .signal = force ? SIGKILL : SIGTERM};
    struct broker_reply reply;
    int error = workspaces_broker_field(request.session, sizeof request.session, session);
    return error ? error : workspaces_broker_ask(l->broker, &request, &reply);
}

int workspaces_local_remove(struct workspaces_local *l, struct str session, uid_t uid)
{
    ASSERT_MAGIC(l, LOCAL_MAGIC);
    struct broker_request request = {.kind = BROKER_REMOVE, .uid = uid};
    struct broker_reply reply;
    int error = workspaces_broker_field(request.session, sizeof request.session, session);
    return error ? error : workspaces_broker_ask(l->broker, &request, &reply);
}

int workspaces_local_list(struct workspaces_local *l, struct arena *arena,
                          struct workspaces_sessions *ret_sessions)
{
    ASSERT_MAGIC(l, LOCAL_MAGIC);
    DIR *run = opendir(arena_printf(arena, "%s/run", l->data).p);
    if (!run) {
        return log_err(ERR_IO, "workspaces", "%s/run cannot be listed: %m", l->data);
    }
    VEC(struct str) all = {0};
    struct dirent *one;
    while ((errno = 0, one = readdir(run)) != NULL) {
        if (data_id_is(str_from(one->d_name), "ses")) {
            VEC_ADD(&all, arena_str(arena, str_from(one->d_name)));
        }
    }
    bool whole = errno == 0;
    (void)closedir(run);
    if (!whole) {
        VEC_FREE(&all);
        return log_err(ERR_IO, "workspaces", "%s/run cannot be listed to its end", l->data);
    }
    ret_sessions->n = all.n;
    ret_sessions->at = ARENA_ARRAY(arena, struct str, all.n);
    for (size_t i = 0; i < all.n; i++) {
        ret_sessions->at[i] = all.at[i];
    }
    VEC_FREE(&all);
    return 0;
}

struct str workspaces_local_door(struct workspaces_local *l, struct arena *arena,
                                 struct str session)
{
    ASSERT_MAGIC(l, LOCAL_MAGIC);
    return arena_printf(arena, "%s/run/" STR_FMT "/door/door.sock", l->data, STR_ARG(session));
}
