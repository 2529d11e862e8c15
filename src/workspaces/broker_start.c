/*
 * Starting a supervisor. Directories below the data directory:
 *
 *   run/{session}/        state, log, door/ (the sandbox's side of its sockets)      run/wire/  the server's socket
 *   workspaces/{session}/ tree/ (mounted at /workspace), home/ (at /home/dev), index/ and home-index/ (codi2's)
 *
 * The home is the person's, yet each workspace has a copy of its own, like another machine would: the mirrors keep the copies
 * alike through the store, and what a barrier says holds for the copy that asked.
 *
 * The supervisor is started by a grandchild, so that it is nobody's child but init's: it outlives both sides of the broker.
 *
 * A start is answered when the supervisor's state speaks of it or it has ended: who looks for workspaces from then on misses none. One
 * that does neither in its time is killed: it begins nothing before its state says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/json.h"
#include "workspaces/broker_int.h"

#define IDE_INSIDE "/opt/coditect/ide"

enum { PATH_ROOM = 4096, CONFIG_ROOM = 65536, GRACE_MS = 30000, OPEN_FILES = 65536 };
enum { ANNOUNCE = 3, ANNOUNCE_MS = 10000 }; /* as long as the keeper waits for a state */

static int fail(struct broker_reply *reply, int error, const char *what)
{
    (void)snprintf(reply->text, sizeof reply->text, "%s: %s", what, strerrordesc_np(errno));
    return error;
}

struct directory {
    const char *format; /* %s: data, %s: id */
    const char *id;
    uid_t owner;
    gid_t group;
    mode_t mode;
};

/* Makes one directory, its owner the workspace's user when we may choose. An existing one is taken as it is. */
static int make_directory(const struct broker_place *place, const char *path,
                          const struct directory *as)
{
    if (mkdir(path, as->mode) < 0) {
        return errno == EEXIST ? 0 : err_from_errno(errno);
    }
    if (place->first_uid != 0 && lchown(path, as->owner, as->group) < 0) {
        return err_from_errno(errno);
    }
    return 0;
}

static int make_directories(const struct broker_place *place, const struct broker_request *r)
{
    /* The door can be entered by the workspace and by the server, by nobody else of this machine. */
    const struct directory all[] = {
        {"%s/run%.0s", "", 0, 0, 0711},
        {"%s/workspaces%.0s", "", 0, 0, 0711},
        {"%s/run/%s", r->session, 0, 0, 0711},
        {"%s/run/%s/door", r->session, r->uid, place->server_gid, 0710},
        {"%s/workspaces/%s", r->session, 0, 0, 0711},
        {"%s/workspaces/%s/tree", r->session, r->uid, r->uid, 0700},
        {"%s/workspaces/%s/index", r->session, r->uid, r->uid, 0700},
        {"%s/workspaces/%s/home", r->session, r->uid, r->uid, 0700},
        {"%s/workspaces/%s/home-index", r->session, r->uid, r->uid, 0700},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        BUF_AUTO(path, PATH_ROOM);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        buf_printf(&path, all[i].format, place->data, all[i].id);
#pragma GCC diagnostic pop
        int error = path.error ? path.error : make_directory(place, buf_z(&path), &all[i]);
        if (error) {
            return error;
        }
    }
    return 0;
}

static void bind(struct json_writer *w, struct str source, const char *target, bool writable)
{
    json_object(w);
    json_member_string(w, "source", source);
    json_member_string(w, "target", str_from(target));
    json_member_bool(w, "writable", writable);
    json_object_end(w);
}

static void bind_data(struct json_writer *w, const struct broker_place *place, const char *tail[3],
                      const char *target)
{
    BUF_AUTO(source, PATH_ROOM);
    buf_printf(&source, "%s/%s/%s/%s", place->data, tail[0], tail[1], tail[2]);
    bind(w, buf_str(&source), target, /* writable= */ true);
}

static void encode_binds(struct json_writer *w, const struct broker_place *place,
                         const struct broker_request *r)
{
    json_name(w, "binds");
    json_array(w);
    bind_data(w, place, (const char *[]){"workspaces", r->session, "tree"}, "/workspace");
    bind_data(w, place, (const char *[]){"workspaces", r->session, "index"},
              "/var/lib/codi2/workspace");
    bind_data(w, place, (const char *[]){"workspaces", r->session, "home"}, "/home/dev");
    bind_data(w, place, (const char *[]){"workspaces", r->session, "home-index"},
              "/var/lib/codi2/home");
    bind_data(w, place, (const char *[]){"run", r->session, "door"}, "/run/coditect/door");
    BUF_AUTO(wire, PATH_ROOM);
    buf_printf(&wire, "%s/run/wire", place->data);
    bind(w, buf_str(&wire), "/run/coditect/wire", /* writable= */ false);
    if (place->ide) {
        bind(w, str_from(place->ide), IDE_INSIDE, /* writable= */ false);
    }
    if (place->node) {
        bind(w, str_from(place->node), "/opt/coditect/node", /* writable= */ false);
    }
    json_array_end(w);
}

static void encode_arguments(struct json_writer *w, const struct broker_place *place)
{
    json_name(w, "arguments");
    json_array(w);
    if (place->node_program) {
        json_string(w, STR("--node"));
        json_string(w, str_from(place->node_program));
    }
    if (place->ide) {
        json_string(w, STR("--ide"));
        json_string(w, STR(IDE_INSIDE));
    }
    json_array_end(w);
}

static void encode_environment(struct json_writer *w, const struct broker_place *place,
                               const struct broker_request *r)
{
    BUF_AUTO(generation, 32);
    buf_i64(&generation, r->generation);
    json_name(w, "environment");
    json_object(w);
    json_member_string(w, "USER_ID", str_from(r->user));
    json_member_string(w, "TENANT_ID", str_from(r->tenant));
    json_member_string(w, "SESSION_ID", str_from(r->session));
    json_member_string(w, "SESSION_NAME", str_from(r->name));
    json_member_string(w, "GENERATION", buf_str(&generation));
    if (place->platform_origin) {
        json_member_string(w, "PLATFORM_ORIGIN", str_from(place->platform_origin));
    }
    json_object_end(w);
}

void workspaces_broker_encode(struct buf *out, const struct broker_place *place,
                              const struct broker_request *r)
{
    BUF_AUTO(run, PATH_ROOM);
    buf_printf(&run, "%s/run/%s", place->data, r->session);
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, "session", str_from(r->session));
    json_member_integer(&w, "generation", r->generation);
    json_member_string(&w, "run", buf_str(&run));
    json_member_string(&w, "codi2", str_from(place->codi2));
    json_member_string(&w, "token", str_from(r->token));
    encode_arguments(&w, place);
    encode_environment(&w, place, r);
    encode_binds(&w, place, r);
    json_member_integer(&w, "uid", r->uid);
    json_member_integer(&w, "gid", r->uid);
    json_member_bool(&w, "network", r->network != 0);
    json_member_integer(&w, "memory", r->memory);
    json_member_integer(&w, "processes", r->processes);
    json_member_integer(&w, "cpu", r->cpu);
    json_member_integer(&w, "files", OPEN_FILES);
    json_member_integer(&w, "grace_ms", GRACE_MS);
    json_object_end(&w);
}

static int open_config(const struct broker_place *place, const struct broker_request *r,
                       int *ret_fd)
{
    BUF_AUTO(config, CONFIG_ROOM);
    workspaces_broker_encode(&config, place, r);
    FD_AUTO int fd = memfd_create("workspace", MFD_CLOEXEC);
    if (fd < 0) {
        return ERR_BUSY;
    }
    int error = config.error ? config.error : fd_write_all(fd, buf_str(&config));
    if (!error && lseek(fd, 0, SEEK_SET) < 0) {
        error = ERR_IO;
    }
    if (!error) {
        *ret_fd = FD_TAKE(fd);
    }
    return error;
}

static int open_log(const struct broker_place *place, const struct broker_request *r)
{
    BUF_AUTO(path, PATH_ROOM);
    buf_printf(&path, "%s/run/%s/log", place->data, r->session);
    /* Readable for the supervisor, which keeps it small. */
    return open(buf_z(&path), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
}

struct descriptors {
    int config;
    int log;
    int announce; /* closed by the supervisor when its state file speaks of it */
};

static _Noreturn void become_supervisor(const struct broker_place *place,
                                        const struct descriptors *d)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    /* Moved out of the way first: it may be one of those that are about to be replaced. */
    int announce = fcntl(d->announce, F_DUPFD_CLOEXEC, ANNOUNCE + 1);
    if (dup2(d->config, STDIN_FILENO) < 0 || dup2(d->log, STDOUT_FILENO) < 0 ||
        dup2(d->log, STDERR_FILENO) < 0 || announce < 0 || dup2(announce, ANNOUNCE) < 0) {
        _exit(127);
    }
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *const environment[] = {path, NULL};
    execle(place->supervisor, "coditect-workspace", (char *)NULL, environment);
    _exit(127);
}

/* Into a process of its own; ret_process: a pidfd, or -1 when it has ended already. */
static int begin(const struct broker_place *place, const struct descriptors *d, int announced,
                 int *ret_process)
{
    pid_t pid;
    pid_t child = fork();
    if (child == 0) {
        pid = fork();
        if (pid == 0) {
            become_supervisor(place, d);
        }
        _exit(pid > 0 && write(d->announce, &pid, sizeof pid) == (ssize_t)sizeof pid ? 0 : 1);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0 ||
        read(announced, &pid, sizeof pid) != (ssize_t)sizeof pid) {
        return ERR_BUSY;
    }
    *ret_process = (int)syscall(SYS_pidfd_open, pid, 0);
    return 0;
}

/* The end of the pipe: it has told of itself, or ended. */
static int await_word(int announced, int process, struct broker_reply *reply)
{
    struct pollfd p = {.fd = announced, .events = POLLIN};
    int n;
    do {
        n = poll(&p, 1, ANNOUNCE_MS);
    } while (n < 0 && errno == EINTR);
    if (n != 0) {
        return 0;
    }
    (void)syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
    (void)snprintf(reply->text, sizeof reply->text,
                   "the workspace's supervisor did not begin within %d s", ANNOUNCE_MS / 1000);
    return ERR_TIMEOUT;
}

int workspaces_broker_start(const struct broker_place *place, const struct broker_request *request,
                            struct broker_reply *reply)
{
    int error = make_directories(place, request);
    if (error) {
        return fail(reply, error, "the workspace's directories cannot be made");
    }
    FD_AUTO int config = -1;
    error = open_config(place, request, &config);
    FD_AUTO int log = error ? -1 : open_log(place, request);
    if (error || log < 0) {
        return fail(reply, error ? error : err_from_errno(errno),
                    "the workspace's log cannot be opened");
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return fail(reply, ERR_BUSY, "no process could be started");
    }
    FD_AUTO int announced = ends[0];
    FD_AUTO int announce = ends[1];
    FD_AUTO int process = -1;
    error = begin(place, &(struct descriptors){config, log, announce}, announced, &process);
    if (error) {
        return fail(reply, error, "no process could be started");
    }
    fd_close(&announce);
    return await_word(announced, process, reply);
}
