/*
 * Two parts: here what the server's settings and the machine mean for it, in coditect-workspace what a sandbox is worth, which
 * only a trial tells.
 */
#include "coditectd/doctor.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/space.h"
#include "coditectd/backup.h"

/* Of inotify instances and open files a workspace and its connections take some. */
enum { INSTANCES_EACH = 3, INSTANCES_ENOUGH = 1024, WATCHES_ENOUGH = 524288, FILES_ENOUGH = 16384 };

enum verdict { ENFORCED, WEAKER, MISSING };

static enum verdict say(enum verdict verdict, const char *about, const char *how)
{
    static const char *const words[] = {"enforced", "weaker", "MISSING"};
    (void)printf("%-9s %-16s %s\n", words[verdict], about, how);
    return verdict;
}

static enum verdict look_at_user(const struct coditectd_options *o)
{
    if (geteuid() != 0) {
        return say(WEAKER, "server's user", "the one who starts it, who is the workspaces' too");
    }
    return getpwnam(o->set.user)
               ? say(ENFORCED, "server's user", "what speaks to the network gives up root")
               : say(MISSING, "server's user",
                     "there is none of that name, and the server stays root: run useradd --system, "
                     "or set user");
}

static bool is_loopback(const char *address)
{
    struct str a = str_from(address);
    return str_starts(a, STR("127.")) || str_starts(a, STR("[::1]:")) ||
           str_starts(a, STR("localhost:")) || str_starts(a, STR("unix:"));
}

static enum verdict look_at_addresses(const struct coditectd_options *o)
{
    bool near =
        is_loopback(o->set.listen) && (!o->set.ide_listen || is_loopback(o->set.ide_listen));
    enum verdict v =
        near ? say(ENFORCED, "address", "workspaces and other machines reach no port of the server")
             : say(WEAKER, "address",
                   "workspaces and other machines reach the server's port, without TLS: listen on "
                   "127.0.0.1 behind a proxy");
    if (o->set.ide_listen) {
        v |= say(WEAKER, "origins",
                 "IDEs on a port: a person's sessions share one origin there; use names");
    } else {
        v |= say(ENFORCED, "origins", "each session's IDE has one of its own");
    }
    return v;
}

static enum verdict look_at_disk(const struct coditectd_options *o)
{
    const struct space space = {.directory = o->set.data,
                                .low = (uint64_t)o->set.disk_low << 20,
                                .percent = (unsigned)o->set.disk_low_percent,
                                .percent_to = UINT64_MAX,
                                .scarce = (uint64_t)o->set.disk_scarce << 20};
    return space_level(&space) == SPACE_AMPLE
               ? say(ENFORCED, "room on disk", "there is more than the limits ask for")
               : say(WEAKER, "room on disk", "less than disk.low: no workspace will be started");
}

static enum verdict look_at_backups(const struct coditectd_options *o)
{
    const struct coditectd_backups_options options = {.directory = o->set.backup_directory,
                                                      .every = o->set.backup_every};
    bool late = true;
    if (!options.directory) {
        return say(WEAKER, "backups",
                   "none: with this disk all is lost; set backup.directory (docs/backup.md)");
    }
    if (coditectd_backup_is_late(&options, &late) < 0) {
        return say(WEAKER, "backups", "those in backup.directory cannot be read");
    }
    return late ? say(WEAKER, "backups",
                      "none for longer than twice backup.every: the server's log says why")
                : say(ENFORCED, "backups", "there is one that is not late");
}

static uint64_t setting(const char *path)
{
    char text[32];
    uint64_t value = 0;
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : fd_read_full(fd, text, sizeof text);
    struct str rest = str_of(text, n > 0 ? (size_t)n : 0);
    struct str line;
    return str_split(&rest, '\n', &line) && str_u64(line, UINT64_MAX, &value) == 0 ? value : 0;
}

static enum verdict look_at_machine(void)
{
    struct rlimit files = {0};
    (void)getrlimit(RLIMIT_NOFILE, &files);
    uint64_t instances = setting("/proc/sys/fs/inotify/max_user_instances");
    uint64_t watches = setting("/proc/sys/fs/inotify/max_user_watches");
    enum verdict v = ENFORCED;
    if (instances >= INSTANCES_ENOUGH && watches >= WATCHES_ENOUGH) {
        (void)say(ENFORCED, "file watching", "there are instances and watches for all");
    } else {
        char how[160];
        (void)snprintf(how, sizeof how,
                       "some %llu workspaces of one user fit: sysctl -w "
                       "fs.inotify.max_user_instances=%d fs.inotify.max_user_watches=%d",
                       (unsigned long long)(instances / INSTANCES_EACH), INSTANCES_ENOUGH,
                       WATCHES_ENOUGH);
        v |= say(WEAKER, "file watching", how);
    }
    v |= files.rlim_max >= FILES_ENOUGH
             ? say(ENFORCED, "open files", "enough for thousands of connections")
             : say(WEAKER, "open files", "few connections fit: raise the limit (LimitNOFILE)");
    return v;
}

/* Its lines go to our standard output. */
static enum verdict look_at_sandbox(const struct coditectd_options *o, uid_t uid)
{
    char number[16];
    (void)snprintf(number, sizeof number, "%u", (unsigned)uid);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl(o->supervisor, "coditect-workspace", "--doctor", number, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) == 127) {
        return say(MISSING, "sandbox", "coditect-workspace cannot be run: install it beside us");
    }
    return WEXITSTATUS(status) == 0 ? ENFORCED : MISSING;
}

int coditectd_doctor(const struct coditectd_options *options, uid_t workspace_uid)
{
    unsigned v = look_at_user(options);
    v |= look_at_addresses(options);
    v |= look_at_disk(options);
    v |= look_at_backups(options);
    v |= look_at_machine();
    v |= access(options->codi2, X_OK) == 0 ? ENFORCED
                                           : say(MISSING, "codi2", "is not there: install it");
    v |= look_at_sandbox(options, workspace_uid);
    return fflush(stdout) != 0 || (v & MISSING) ? 1 : 0;
}
