/* Splitting the process by right: the parent keeps root and answers the broker's requests, the child becomes the server. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "workspaces/broker_client_int.h"
#include "workspaces/broker_int.h"

struct server_directory {
    const char *name;
    uid_t owner;
    mode_t mode;
};

/* One directory below the data directory, also when it is there already and another user's (from before the split). */
static int make_server_directory(const char *data, const struct broker_place *place,
                                 const struct server_directory *as)
{
    BUF_AUTO(path, 4096);
    buf_printf(&path, "%s/%s", data, as->name);
    if (mkdir(buf_z(&path), as->mode) < 0 && errno != EEXIST) {
        return log_err(err_from_errno(errno), "workspaces", "%s cannot be made: %m", buf_z(&path));
    }
    if (place->first_uid == 0) {
        return 0;
    }
    if (lchown(buf_z(&path), as->owner, place->server_gid) < 0 ||
        chmod(buf_z(&path), as->mode) < 0) {
        return log_err(err_from_errno(errno), "workspaces", "%s cannot be given to the server: %m",
                       buf_z(&path));
    }
    return 0;
}

/*
 * A file of the store that a server running as root has made. The server can put names into this directory: what has
 * another name elsewhere, or is no plain file, may be somebody else's and is left alone.
 */
static int give_file(int store, const char *name, const struct broker_place *place)
{
    struct stat facts;
    FD_AUTO int fd = openat(store, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts) < 0) {
        return errno == ENOENT ? 0 : err_from_errno(errno);
    }
    if (!S_ISREG(facts.st_mode) || facts.st_nlink != 1 || facts.st_uid == place->server_uid) {
        return 0;
    }
    return fchownat(fd, "", place->server_uid, place->server_gid, AT_EMPTY_PATH) < 0
               ? err_from_errno(errno)
               : 0;
}

static int give_store(const char *data, const struct broker_place *place)
{
    BUF_AUTO(path, 4096);
    buf_printf(&path, "%s/store", data);
    DIR *store = opendir(buf_z(&path));
    if (!store) {
        return err_from_errno(errno);
    }
    int error = 0;
    const struct dirent *one;
    while (!error && (one = readdir(store))) {
        error = give_file(dirfd(store), one->d_name, place);
    }
    (void)closedir(store);
    return error ? log_err(error, "workspaces", "%s cannot be given to the server: %s",
                           buf_z(&path), err_row(error)->text)
                 : 0;
}

/* run/ itself stays root's, since the supervisors' state files lie below it; the server may list it. */
static int make_server_directories(const char *data, const struct broker_place *place)
{
    const struct server_directory all[] = {{"store", place->server_uid, 0700},
                                           {"run", geteuid(), 0751},
                                           {"run/wire", place->server_uid, 0711}};
    if (place->first_uid != 0 && chmod(data, 0711) < 0) {
        return ERR_FORBIDDEN;
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        int error = make_server_directory(data, place, &all[i]);
        if (error) {
            return error;
        }
    }
    return place->first_uid != 0 ? give_store(data, place) : 0;
}

static void find_user(const struct workspaces_broker_options *o, struct broker_place *place)
{
    place->server_uid = geteuid();
    place->server_gid = getegid();
    if (geteuid() != 0) {
        return;
    }
    place->first_uid = o->first_uid;
    place->last_uid = o->last_uid;
    if (!o->server_user) {
        return;
    }
    const struct passwd *user = getpwnam(o->server_user);
    if (!user) {
        log_warn("workspaces",
                 "there is no user %s, so the server stays root: run useradd --system %s and start "
                 "again",
                 o->server_user, o->server_user);
        return;
    }
    place->server_uid = user->pw_uid;
    place->server_gid = user->pw_gid;
}

static int open_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGCHLD);
    return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -1 : signalfd(-1, &set, SFD_CLOEXEC);
}

/* 128 + the signal's number for a server that was killed, as a shell says it. */
static int status_of(pid_t server)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == server) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
    return -1;
}

static _Noreturn void serve(int socket, int signals, pid_t server, const struct broker_place *place)
{
    bool connected = true;
    for (;;) {
        struct pollfd p[] = {{.fd = signals, .events = POLLIN},
                             {.fd = connected ? socket : -1, .events = POLLIN}};
        if (poll(p, 2, -1) < 0) {
            continue;
        }
        struct signalfd_siginfo info;
        if (p[0].revents && read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
            int status = info.ssi_signo == SIGCHLD ? status_of(server) : -1;
            if (status >= 0) {
                _exit(status);
            }
            if (info.ssi_signo != SIGCHLD) {
                (void)kill(server, (int)info.ssi_signo);
            }
        }
        if (p[1].revents) {
            connected = workspaces_broker_serve(socket, place);
        }
    }
}

static int become_server(const struct broker_place *place, pid_t parent)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (geteuid() == 0 && place->server_uid != 0 &&
        (setgroups(0, NULL) < 0 ||
         setresgid(place->server_gid, place->server_gid, place->server_gid) < 0 ||
         setresuid(place->server_uid, place->server_uid, place->server_uid) < 0)) {
        return log_err(ERR_FORBIDDEN, "workspaces", "cannot give up root: %m");
    }
    /* Cleared by a change of user, so set behind it. */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        getppid() != parent) {
        return ERR_CLOSED;
    }
    return 0;
}

int workspaces_broker_fork(const struct workspaces_broker_options *options, struct arena *arena,
                           struct workspaces_broker **ret_broker,
                           struct workspaces_paths *ret_paths)
{
    struct broker_place place = {0};
    find_user(options, &place);
    int error = workspaces_broker_expose(options, arena, &place);
    if (!error) {
        error = make_server_directories(place.data, &place);
    }
    if (error) {
        return error;
    }
    int ends[2];
    FD_AUTO int signals = open_signals();
    if (signals < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return ERR_BUSY;
    }
    pid_t parent = getpid();
    pid_t server = fork();
    if (server < 0) {
        return ERR_BUSY;
    }
    if (server > 0) {
        fd_close(&ends[1]);
        serve(ends[0], signals, server, &place);
    }
    fd_close(&ends[0]);
    error = become_server(&place, parent);
    if (error) {
        fd_close(&ends[1]);
        return error;
    }
    *ret_broker = workspaces_broker_connected(ends[1]);
    *ret_paths = (struct workspaces_paths){
        .data = place.data, .ide = place.ide, .web = place.web, .users = place.first_uid != 0};
    return 0;
}
