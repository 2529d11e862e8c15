/*
 * Starting the sandbox, in the one order that works with user-mode networking:
 *
 *   1. The holder, the first process of a process namespace, enters the control group, becomes the unprivileged user, and
 *      makes a user and a network namespace in which it is root. Bubblewrap alone would make a second, nested user
 *      namespace, and nobody could then join the network namespace.
 *   2. slirp4netns, as the same user, attaches to the holder and brings up tap0. It gets no way to the host's loopback.
 *   3. The holder executes bubblewrap without a network namespace of its own; bubblewrap executes codi2 as pid 1.
 *
 * Invariants: (a) everything started here dies with this process, at whatever moment it is killed: the holder by its
 * parent-death signal, set before it is told to go on; all others with the holder, since the kernel ends a process
 * namespace with its first process; slirp4netns by its exit descriptor. Bubblewrap's own --die-with-parent comes too late
 * for a child that is just being made. (b) codi2 finds its token on WORKSPACE_TOKEN_FD, a pipe with its writing end closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "workspace/workspace_int.h"

enum { START_DEADLINE_MS = 15000, EXIT_UNUSABLE = 127 };

struct pipe_pair {
    int read;
    int write;
};

static void pipe_fini(struct pipe_pair *p)
{
    fd_close(&p->read);
    fd_close(&p->write);
}

#define PIPE_AUTO(name) struct pipe_pair name __attribute__((cleanup(pipe_fini))) = {-1, -1}

static int pipe_open(struct pipe_pair *p)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return ERR_INTERNAL;
    }
    *p = (struct pipe_pair){.read = ends[0], .write = ends[1]};
    return 0;
}

/* In a child: the supervisor takes its signals through a descriptor and has them blocked. */
static void unblock_signals(void)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * In a child: ends it with a line on the log that the server keeps. The status tells the supervisor which step it was.
 */
enum step { STEP_OTHER = 64, STEP_GROUP, STEP_NAMESPACE, STEP_BUBBLEWRAP };

static _Noreturn void child_failed_at(enum step step, const char *what)
{
    log_error("workspace", "%s: %m", what);
    _exit((int)step);
}

static _Noreturn void child_failed(const char *what)
{
    child_failed_at(STEP_OTHER, what);
}

/* In a child: standard input was the configuration, with the token in it; nothing else that is open goes on either. */
static void shed_descriptors(void)
{
    FD_AUTO int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0) {
        child_failed("cannot shed descriptors");
    }
}

static int keep_open(int fd)
{
    return fcntl(fd, F_SETFD, 0);
}

static void become_user(const struct workspace_config *config)
{
    if (geteuid() != 0) {
        return;
    }
    if (setgroups(0, NULL) < 0 || setresgid(config->gid, config->gid, config->gid) < 0 ||
        setresuid(config->uid, config->uid, config->uid) < 0) {
        child_failed("cannot become the workspace's user");
    }
    /* The change of user made /proc/self root's; the maps below and slirp4netns need it. */
    if (prctl(PR_SET_DUMPABLE, 1) < 0) {
        child_failed("cannot stay visible to the network helper");
    }
}

static bool write_map(const char *path, const char *text)
{
    FD_AUTO int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && fd_write_all(fd, str_from(text)) == 0;
}

/* Who is root in a user namespace, or keeps its number in it: the one user that it has. */
struct user_map {
    unsigned uid, gid;
    bool as_root;
};

static bool write_maps(const struct user_map *m)
{
    char uid_map[32];
    char gid_map[32];
    (void)snprintf(uid_map, sizeof uid_map, "%u %u 1", m->as_root ? 0 : m->uid, m->uid);
    (void)snprintf(gid_map, sizeof gid_map, "%u %u 1", m->as_root ? 0 : m->gid, m->gid);
    return write_map("/proc/self/setgroups", "deny") && write_map("/proc/self/uid_map", uid_map) &&
           write_map("/proc/self/gid_map", gid_map);
}

static void enter_namespaces(void)
{
    struct user_map map = {.uid = geteuid(), .gid = getegid(), .as_root = true};
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 || !write_maps(&map)) {
        child_failed_at(STEP_NAMESPACE, "the kernel refuses user namespaces");
    }
}

/*
 * Forks a child that is the first process of a namespace of its own. Who is no root needs a user namespace for that. glibc
 * has no function for a fork with flags.
 */
static pid_t fork_first(void)
{
    struct user_map map = {.uid = geteuid(), .gid = getegid()};
    bool root = map.uid == 0;
    int others = root ? 0 : CLONE_NEWUSER;
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWPID | others | SIGCHLD, NULL, NULL, NULL, 0);
    if (child == 0 && !root && !write_maps(&map)) {
        child_failed_at(STEP_NAMESPACE, "the kernel refuses user namespaces");
    }
    return child;
}

/* Behind the change of user, which clears it. Who is told to go on later has a living parent. */
static void die_with_supervisor(void)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
        child_failed("cannot follow the supervisor");
    }
}

/* Without a network there is no namespace of ours, and bubblewrap says less well why it can make none. */
static void try_namespace(void)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(unshare(CLONE_NEWUSER) < 0 ? errno : 0);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        child_failed("out of processes");
    }
    if (status != 0) {
        errno = WEXITSTATUS(status);
        child_failed_at(STEP_NAMESPACE, "the kernel refuses user namespaces");
    }
}

/*
 * A /proc of this process namespace: bubblewrap looks its child up there, and the machine's shows another process under that
 * number, or none. While this process still has the rights of the namespace's owner.
 */
static void mount_proc(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        child_failed_at(STEP_NAMESPACE, "the kernel refuses a /proc of its own");
    }
}

struct holder_fds {
    struct pipe_pair *ready; /* holder → supervisor: the namespaces are there */
    struct pipe_pair *go;    /* supervisor → holder: the network is up */
    struct pipe_pair *info;  /* bubblewrap → supervisor */
    struct pipe_pair *token; /* supervisor → codi2 */
};

static _Noreturn void run_holder(const struct workspace_config *config,
                                 const struct workspace_group *group, struct holder_fds *fds)
{
    ARENA_AUTO(arena);
    unblock_signals();
    shed_descriptors();
    fd_close(&fds->go->write); /* else the end of the supervisor would go unnoticed */
    fd_close(&fds->ready->read);
    fd_close(&fds->info->read);
    fd_close(&fds->token->write);
    if (workspace_group_enter(group) != 0) {
        child_failed_at(STEP_GROUP, "cannot enter the control group");
    }
    mount_proc();
    become_user(config);
    die_with_supervisor();
    if (config->network) {
        enter_namespaces();
    } else {
        try_namespace();
    }
    /* After the new user namespace: the kernel then counts this workspace's processes alone. */
    if (workspace_rlimits(config) != 0) {
        child_failed("cannot set the limits");
    }
    char byte = 1;
    if (write(fds->ready->write, &byte, 1) != 1 || read(fds->go->read, &byte, 1) != 1) {
        _exit(EXIT_UNUSABLE); /* the supervisor gave up and has said why */
    }
    /* The token's number may be anybody's by now: what is passed on steps aside, and only then more is opened. */
    struct workspace_bwrap_fds passed = {
        .info = fcntl(fds->info->write, F_DUPFD, WORKSPACE_TOKEN_FD + 1), .filter = -1};
    if (passed.info < 0 || dup2(fds->token->read, WORKSPACE_TOKEN_FD) < 0 ||
        keep_open(WORKSPACE_TOKEN_FD) < 0) {
        child_failed("cannot hand over descriptors");
    }
    if (workspace_filter_open(&passed.filter) != 0 || keep_open(passed.filter) < 0) {
        child_failed("there is no sandbox without the system call filter");
    }
    char **arguments = workspace_bwrap_arguments(&arena, config, group, &passed);
    execvp("bwrap", arguments);
    child_failed_at(STEP_BUBBLEWRAP, "bubblewrap (Debian package bubblewrap) cannot be executed");
}

/* ready: -1: nobody waits for it. */
static _Noreturn void run_slirp(const struct workspace_config *config, pid_t holder, int ready,
                                int exit_fd)
{
    unblock_signals();
    shed_descriptors();
    become_user(config);
    char ready_text[32];
    char exit_text[32];
    char pid_text[16];
    (void)snprintf(ready_text, sizeof ready_text, "--ready-fd=%d", ready);
    (void)snprintf(exit_text, sizeof exit_text, "--exit-fd=%d", exit_fd);
    (void)snprintf(pid_text, sizeof pid_text, "%d", (int)holder);
    if ((ready >= 0 && keep_open(ready) < 0) || keep_open(exit_fd) < 0) {
        child_failed("cannot hand over descriptors");
    }
    if (dup2(STDIN_FILENO, STDOUT_FILENO) < 0) { /* both /dev/null */
        child_failed("/dev/null");
    }
    execlp("slirp4netns", "slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback",
           "--enable-sandbox", "--enable-seccomp", exit_text, pid_text, "tap0",
           ready < 0 ? NULL : ready_text, (char *)NULL);
    child_failed("slirp4netns (Debian package slirp4netns) cannot be executed");
}

/* Waits until fd is readable. ERR_TIMEOUT. */
static int await(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n;
    do {
        n = poll(&p, 1, START_DEADLINE_MS);
    } while (n < 0 && errno == EINTR);
    return n == 1 ? 0 : ERR_TIMEOUT;
}

static int await_byte(int fd)
{
    char byte;
    int error = await(fd);
    return error ? error : read(fd, &byte, 1) == 1 ? 0 : ERR_IO;
}

static int fork_slirp(const struct workspace_config *config, struct workspace_sandbox *s, int ready)
{
    PIPE_AUTO(alive);
    if (pipe_open(&alive)) {
        return ERR_INTERNAL;
    }
    pid_t pid = fork();
    if (pid < 0) {
        return ERR_INTERNAL;
    }
    if (pid == 0) {
        fd_close(&alive.write);
        run_slirp(config, s->holder, ready, alive.read);
    }
    s->slirp = pid;
    fd_close(&s->slirp_exit);
    s->slirp_exit = FD_TAKE(alive.write);
    return 0;
}

static int start_network(const struct workspace_config *config, struct workspace_sandbox *s)
{
    PIPE_AUTO(ready);
    if (pipe_open(&ready)) {
        return ERR_INTERNAL;
    }
    int error = fork_slirp(config, s, ready.write);
    fd_close(&ready.write);
    return error ? error : await_byte(ready.read);
}

int workspace_sandbox_network(const struct workspace_config *config, struct workspace_sandbox *s)
{
    return s->slirp > 0 || s->holder <= 0 ? 0 : fork_slirp(config, s, /* ready= */ -1);
}

/*
 * bubblewrap reports {"child-pid": n, …} once its child exists. The number is one of the inner namespace; our own /proc
 * knows the only child of the holder by the number that counts here.
 */
static int read_child(int info, pid_t holder, pid_t *ret_child)
{
    char text[1024];
    int error = await(info);
    if (error) {
        return error;
    }
    if (fd_read_full(info, text, sizeof text) <= 0) {
        return ERR_IO;
    }
    (void)snprintf(text, sizeof text, "/proc/%d/task/%d/children", (int)holder, (int)holder);
    FD_AUTO int fd = open(text, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof text);
    struct str rest = str_trim(str_of(text, n > 0 ? (size_t)n : 0));
    uint64_t child;
    if (str_u64(rest, INT32_MAX, &child) != 0) {
        return ERR_IO;
    }
    *ret_child = (pid_t)child;
    return 0;
}

static int hand_token(int *fd, const char *token)
{
    int error = fd_write_all(*fd, str_from(token)); /* far below a pipe's room: never blocks */
    fd_close(fd);
    return error;
}

/* Why the holder ended before it was a sandbox. Reaps it. */
static const char *holder_error(struct workspace_sandbox *s)
{
    int status = 0;
    (void)kill(s->holder, SIGKILL); /* one that has ended keeps its status */
    if (waitpid(s->holder, &status, 0) == s->holder) {
        s->holder = 0;
    }
    switch (WIFEXITED(status) ? WEXITSTATUS(status) : 0) {
    case STEP_NAMESPACE:
        return workspace_namespace_remedy();
    case STEP_GROUP:
        return "the workspace's control group cannot be entered";
    case STEP_BUBBLEWRAP:
        return "bubblewrap cannot be executed: install the Debian package bubblewrap";
    default:
        return "the sandbox could not be made; the reason stands in the workspace's log";
    }
}

static int let_go(const struct workspace_config *config, struct holder_fds *fds,
                  struct workspace_sandbox *s)
{
    int error = await_byte(fds->ready->read);
    if (error) {
        s->error = error == ERR_TIMEOUT
                       ? "the sandbox was not made in time; the machine is too busy"
                       : holder_error(s);
        return error;
    }
    if (config->network) {
        error = start_network(config, s);
        s->error = error ? workspace_network_remedy() : NULL;
    }
    if (error) {
        return error;
    }
    s->error = "out of memory for pipes";
    error = hand_token(&fds->token->write, config->token);
    if (!error) {
        error = fd_write_all(fds->go->write, STR("g"));
    }
    if (error) {
        return error;
    }
    error = read_child(fds->info->read, s->holder, &s->codi2);
    s->error = !error                 ? NULL
               : error == ERR_TIMEOUT ? "bubblewrap did not start in time; the machine is too busy"
                                      : holder_error(s);
    return error;
}

/* Bubblewrap reports its child before it makes the binds: what is missing is told here, by a name. */
static int check_sources(const struct workspace_config *config, struct workspace_sandbox *s)
{
    s->error = "codi2 cannot be executed: is the installation complete?";
    if (access(config->codi2, X_OK) < 0) {
        return ERR_NOT_FOUND;
    }
    s->error = "a directory of the workspace is missing";
    for (size_t i = 0; i < config->bind_count; i++) {
        if (access(config->binds[i].source, F_OK) < 0) {
            return log_err(ERR_NOT_FOUND, "workspace", "%s: %m", config->binds[i].source);
        }
    }
    return 0;
}

int workspace_sandbox_start(const struct workspace_config *config,
                            const struct workspace_group *group,
                            struct workspace_sandbox *ret_sandbox)
{
    PIPE_AUTO(ready);
    PIPE_AUTO(go);
    PIPE_AUTO(info);
    PIPE_AUTO(token);
    struct holder_fds fds = {.ready = &ready, .go = &go, .info = &info, .token = &token};
    *ret_sandbox = (struct workspace_sandbox){.slirp_exit = -1};
    int error = check_sources(config, ret_sandbox);
    if (error) {
        return error;
    }
    ret_sandbox->error = "out of descriptors or processes";
    if (pipe_open(&ready) || pipe_open(&go) || pipe_open(&info) || pipe_open(&token)) {
        return ERR_INTERNAL;
    }
    ret_sandbox->holder = fork_first();
    if (ret_sandbox->holder < 0) {
        ret_sandbox->error = errno == EAGAIN ? "out of processes" : workspace_namespace_remedy();
        return log_err(ERR_INTERNAL, "workspace", "no process with a namespace of its own: %m");
    }
    if (ret_sandbox->holder == 0) {
        run_holder(config, group, &fds);
    }
    fd_close(&ready.write);
    fd_close(&info.write);
    return let_go(config, &fds, ret_sandbox);
}

void workspace_sandbox_fini(struct workspace_sandbox *sandbox)
{
    if (sandbox->holder > 0) {
        (void)kill(sandbox->holder, SIGKILL);
    }
    fd_close(&sandbox->slirp_exit);
    if (sandbox->slirp > 0) {
        (void)kill(sandbox->slirp, SIGTERM);
        (void)waitpid(sandbox->slirp, NULL, 0);
        sandbox->slirp = 0;
    }
}
