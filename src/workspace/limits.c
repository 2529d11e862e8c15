/*
 * Control groups, version 2 where it is mounted at the root, else the version 1 controllers, else none. Memory and processes
 * are needed; processors are shared fairly, and limited, where that controller is there too. Only root can make groups; a
 * supervisor of an ordinary user has rlimits alone, and the state file says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "workspace/workspace_int.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

enum { PATH_ROOM = 512, REMOVE_TRIES = 100, REMOVE_PAUSE_MS = 10 };

static int put_file(const char *path, struct str text)
{
    FD_AUTO int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_from_errno(errno);
    }
    return fd_write_all(fd, text);
}

static int put_number(const char *directory, const char *file, int64_t number)
{
    BUF_AUTO(path, PATH_ROOM);
    BUF_AUTO(text, 32);
    buf_printf(&path, "%s/%s", directory, file);
    buf_i64(&text, number);
    return put_file(buf_z(&path), buf_str(&text));
}

/* The last one is a help: without it processors are shared by the process, not by the workspace. */
static const char *const controllers[] = {"memory", "pids", "cpu"};
enum { CONTROLLERS = sizeof controllers / sizeof controllers[0], NEEDED = CONTROLLERS - 1 };

/* {root}/{controller}/coditect/{session}, or without the controller in version 2. */
void workspace_group_path(const struct workspace_group *g, size_t controller, struct buf *out)
{
    bool unified = g->kind == WORKSPACE_GROUP_V2;
    buf_printf(out, CGROUP_ROOT "%s%s/coditect/%s", unified ? "" : "/",
               unified ? "" : controllers[controller], g->name);
}

static int make_directory(const char *path)
{
    return mkdir(path, 0755) < 0 && errno != EEXIST ? err_from_errno(errno) : 0;
}

static int make_v2(struct workspace_group *g)
{
    struct str needed = STR("+memory +pids");
    int error = put_file(CGROUP_ROOT "/cgroup.subtree_control", needed);
    if (!error) {
        error = make_directory(CGROUP_ROOT "/coditect");
    }
    if (!error) {
        error = put_file(CGROUP_ROOT "/coditect/cgroup.subtree_control", needed);
    }
    struct str help = STR("+cpu");
    g->cpu = !error && put_file(CGROUP_ROOT "/cgroup.subtree_control", help) == 0 &&
             put_file(CGROUP_ROOT "/coditect/cgroup.subtree_control", help) == 0;
    BUF_AUTO(path, PATH_ROOM);
    workspace_group_path(g, 0, &path);
    return error ? error : make_directory(buf_z(&path));
}

static int make_v1(struct workspace_group *g)
{
    int error = 0;
    for (size_t i = 0; i < CONTROLLERS && !error; i++) {
        BUF_AUTO(parent, PATH_ROOM);
        BUF_AUTO(path, PATH_ROOM);
        buf_printf(&parent, CGROUP_ROOT "/%s/coditect", controllers[i]);
        workspace_group_path(g, i, &path);
        error = make_directory(buf_z(&parent));
        if (!error) {
            error = make_directory(buf_z(&path));
        }
        g->cpu = i >= NEEDED && !error;
        error = i < NEEDED ? error : 0;
    }
    return error;
}

struct setting {
    size_t controller;
    const char *names[2]; /* version 1, version 2 */
    int64_t values[2];
    bool wanted, needed;
};

static int set(const struct workspace_group *g, const struct workspace_limits *limits)
{
    int64_t memory = limits->memory;
    const struct setting settings[] = {
        {0, {"memory.limit_in_bytes", "memory.max"}, {memory, memory}, memory > 0, true},
        /* Memory that is on the disk is no gift: with swap, all of the machine would wait for one workspace. */
        {0, {"memory.memsw.limit_in_bytes", "memory.swap.max"}, {memory, 0}, memory > 0, false},
        {1,
         {"pids.max", "pids.max"},
         {limits->processes, limits->processes},
         limits->processes > 0,
         true},
        /* Microseconds in each tenth of a second, the kernel's default period. */
        {2,
         {"cpu.cfs_quota_us", "cpu.max"},
         {limits->cpu * 1000, limits->cpu * 1000},
         limits->cpu > 0,
         false},
    };
    int version = g->kind == WORKSPACE_GROUP_V2 ? 1 : 0;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        const struct setting *s = &settings[i];
        BUF_AUTO(path, PATH_ROOM);
        workspace_group_path(g, s->controller, &path);
        int error = s->wanted ? put_number(buf_z(&path), s->names[version], s->values[version]) : 0;
        if (error && s->needed) {
            return error;
        }
    }
    return 0;
}

static void name_group(struct workspace_group *g, struct str session)
{
    struct statfs root;
    bool unified = statfs(CGROUP_ROOT, &root) == 0 && root.f_type == CGROUP2_SUPER_MAGIC;
    *g = (struct workspace_group){.kind = unified ? WORKSPACE_GROUP_V2 : WORKSPACE_GROUP_V1};
    (void)snprintf(g->name, sizeof g->name, STR_FMT, STR_ARG(session));
}

/* How many directories a group is. */
static size_t parts(const struct workspace_group *group)
{
    return group->kind == WORKSPACE_GROUP_V2   ? 1
           : group->kind == WORKSPACE_GROUP_V1 ? CONTROLLERS
                                               : 0;
}

static void kill_listed(const char *directory)
{
    BUF_AUTO(path, PATH_ROOM);
    buf_printf(&path, "%s/cgroup.procs", directory);
    FD_AUTO int fd = open(buf_z(&path), O_RDONLY | O_CLOEXEC);
    char text[8192];
    ssize_t n = fd < 0 ? 0 : fd_read_full(fd, text, sizeof text);
    struct str rest = str_of(text, n > 0 ? (size_t)n : 0);
    struct str line;
    while (rest.n > 0 && str_split(&rest, '\n', &line)) {
        uint64_t pid;
        if (str_u64(line, INT32_MAX, &pid) == 0 && pid > 1 && (pid_t)pid != getpid()) {
            (void)kill((pid_t)pid, SIGKILL);
        }
    }
}

/* A process that was being born, or that dies slowly, is waited for; with force it is ended. ERR_BUSY: one lives on. */
static int remove_part(const struct workspace_group *g, size_t controller, bool force)
{
    BUF_AUTO(path, PATH_ROOM);
    workspace_group_path(g, controller, &path);
    for (int i = 0; i < REMOVE_TRIES; i++) {
        if (rmdir(buf_z(&path)) == 0 || errno != EBUSY) {
            return 0;
        }
        if (force) {
            kill_listed(buf_z(&path));
        }
        (void)poll(NULL, 0, REMOVE_PAUSE_MS);
    }
    return ERR_BUSY;
}

static int remove_group(const struct workspace_group *group, bool force)
{
    int error = 0;
    for (size_t i = 0; i < parts(group) && !error; i++) {
        error = remove_part(group, i, force);
    }
    return error;
}

void workspace_group_destroy(const struct workspace_group *group)
{
    if (remove_group(group, /* force= */ true) != 0) {
        log_warn("workspace", "the control group %s could not be removed", group->name);
    }
}

void workspace_group_clear(struct str session)
{
    struct workspace_group old;
    name_group(&old, session);
    workspace_group_destroy(&old);
}

void workspace_group_create(const struct workspace_config *config,
                            struct workspace_group *ret_group)
{
    *ret_group = (struct workspace_group){.kind = WORKSPACE_GROUP_NONE};
    if (geteuid() != 0) {
        return;
    }
    /* One that was left has its own limits. What lived in it died with its supervisor, whose lock we have. */
    name_group(ret_group, config->session);
    if (remove_group(ret_group, /* force= */ false) != 0) {
        *ret_group = (struct workspace_group){.kind = WORKSPACE_GROUP_NONE, .taken = true};
        return;
    }
    int error = ret_group->kind == WORKSPACE_GROUP_V2 ? make_v2(ret_group) : make_v1(ret_group);
    if (!error) {
        error = set(ret_group, &config->limits);
    }
    if (error) {
        log_warn("workspace", "control groups are not to be had (%s): limits are those of the user",
                 err_name(error));
        workspace_group_destroy(ret_group);
        ret_group->kind = WORKSPACE_GROUP_NONE;
    }
}

int workspace_group_enter(const struct workspace_group *group)
{
    int error = 0;
    for (size_t i = 0; i < parts(group) && !error; i++) {
        BUF_AUTO(path, PATH_ROOM);
        workspace_group_path(group, i, &path);
        error = i < NEEDED || group->cpu ? put_number(buf_z(&path), "cgroup.procs", getpid()) : 0;
    }
    return error;
}

const char *workspace_group_name(const struct workspace_group *group)
{
    switch (group->kind) {
    case WORKSPACE_GROUP_V2:
        return "cgroup2";
    case WORKSPACE_GROUP_V1:
        return "cgroup1";
    default:
        return "rlimit";
    }
}

static int set_limit(int resource, int64_t value)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) < 0) {
        return ERR_INTERNAL;
    }
    rlim_t wanted = (rlim_t)value;
    if (now.rlim_max != RLIM_INFINITY && wanted > now.rlim_max) {
        wanted = now.rlim_max;
    }
    struct rlimit limit = {.rlim_cur = wanted, .rlim_max = wanted};
    return setrlimit((__rlimit_resource_t)resource, &limit) < 0 ? ERR_INTERNAL : 0;
}

int workspace_rlimits(const struct workspace_config *config)
{
    int error = set_limit(RLIMIT_CORE, 0);
    if (!error && config->limits.files > 0) {
        error = set_limit(RLIMIT_NOFILE, config->limits.files);
    }
    if (!error && config->limits.processes > 0) {
        error = set_limit(RLIMIT_NPROC, config->limits.processes);
    }
    return error;
}
