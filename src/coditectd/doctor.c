/*
 * Two parts: here what the server's settings and the machine mean for it, in coditect-workspace what a sandbox is worth, which
 * only a trial tells.
 */
#include "coditectd/doctor_int.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/json.h"
#include "coditectd/backup.h"
#include "coditectd/space.h"

/* Of inotify instances and open files a workspace and its connections take some. */
enum { INSTANCES_EACH = 3, INSTANCES_ENOUGH = 1024, WATCHES_ENOUGH = 524288, FILES_ENOUGH = 16384 };
enum { SAID_ROOM = 400, JSON_ROOM = 8 * SAID_ROOM, LINES_ROOM = 16 * 1024 };
enum { ABOUT_AT = 10, HOW_AT = 27 }; /* in a line */
static const usec_t bucket_patience = 10 * USEC_PER_SEC;

static const char *const words[] = {"enforced", "weaker", "MISSING"};

/* This process does nothing else than look once, so that the form is its own and not passed through everything. */
static bool as_json;
static bool began; /* the array */

static void print_json(enum coditectd_verdict verdict, const char *about, struct str how)
{
    static const char *const states[] = {"ok", "warning", "failed"};
    const char *colon =
        verdict == CODITECTD_ENFORCED ? NULL : (const char *)memmem(how.p, how.n, ": ", 2);
    size_t end = colon ? (size_t)(colon - how.p) : how.n;
    BUF_AUTO(out, JSON_ROOM);
    struct json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    json_member_string(&w, "name", str_from(about));
    json_member_string(&w, "state", str_from(states[verdict]));
    json_member_string(&w, "found", str_slice(how, 0, end));
    if (end < how.n) {
        json_member_string(&w, "remedy", str_slice(how, end + 2, how.n));
    }
    json_object_end(&w);
    (void)printf("%s" STR_FMT, began ? ",\n" : "[", STR_ARG(buf_str(&out)));
    began = true;
}

enum coditectd_verdict coditectd_doctor_say(enum coditectd_verdict verdict, const char *about,
                                            const char *how, ...)
{
    char text[SAID_ROOM];
    va_list arguments;
    va_start(arguments, how);
    (void)vsnprintf(text, sizeof text, how, arguments);
    va_end(arguments);
    if (as_json) {
        print_json(verdict, about, str_from(text));
    } else {
        (void)printf("%-9s %-16s %s\n", words[verdict], about, text);
    }
    return verdict;
}

static enum coditectd_verdict look_at_user(const struct coditectd_options *o)
{
    if (geteuid() != 0) {
        return coditectd_doctor_say(
            CODITECTD_WEAKER, "server's user",
            "the one who starts it, who is the workspaces' too: start it as root, "
            "which it gives up");
    }
    return getpwnam(o->set.user)
               ? coditectd_doctor_say(CODITECTD_ENFORCED, "server's user",
                                      "what speaks to the network gives up root")
               : coditectd_doctor_say(
                     CODITECTD_MISSING, "server's user",
                     "there is none of that name, and the server stays root: run useradd --system, "
                     "or set user");
}

static bool is_loopback(const char *address)
{
    struct str a = str_from(address);
    return str_starts(a, STR("127.")) || str_starts(a, STR("[::1]:")) ||
           str_starts(a, STR("localhost:")) || str_starts(a, STR("unix:"));
}

static enum coditectd_verdict look_at_addresses(const struct coditectd_options *o)
{
    bool near =
        is_loopback(o->set.listen) && (!o->set.ide_listen || is_loopback(o->set.ide_listen));
    enum coditectd_verdict v =
        near ? coditectd_doctor_say(CODITECTD_ENFORCED, "address",
                                    "workspaces and other machines reach no port of the server")
             : coditectd_doctor_say(
                   CODITECTD_WEAKER, "address",
                   "workspaces and other machines reach the server's port, without TLS: listen on "
                   "127.0.0.1 behind a proxy");
    if (o->set.ide_listen) {
        v |= coditectd_doctor_say(
            CODITECTD_WEAKER, "origins",
            "IDEs on a port, where a person's sessions share one origin: use names");
    } else {
        v |= coditectd_doctor_say(CODITECTD_ENFORCED, "origins",
                                  "each session's IDE has one of its own");
    }
    return v;
}

static enum coditectd_verdict look_at_disk(const struct coditectd_options *o)
{
    const struct space space = coditectd_space(&o->set, o->set.data);
    struct statvfs facts = {.f_frsize = 1};
    (void)!statvfs(o->set.data, &facts);
    unsigned long long free_mib = (unsigned long long)facts.f_bavail * facts.f_frsize >> 20;
    unsigned long long all_mib = (unsigned long long)facts.f_blocks * facts.f_frsize >> 20;
    switch (space_level(&space)) {
    case SPACE_AMPLE:
        return coditectd_doctor_say(CODITECTD_ENFORCED, "room on disk",
                                    "%llu of %llu MiB are free: more than the limits ask for",
                                    free_mib, all_mib);
    case SPACE_LOW:
        return coditectd_doctor_say(CODITECTD_WEAKER, "room on disk",
                                    "%llu of %llu MiB are free, less than disk.low, so that no "
                                    "workspace will be started: make room, or add a disk",
                                    free_mib, all_mib);
    default:
        return coditectd_doctor_say(CODITECTD_WEAKER, "room on disk",
                                    "%llu of %llu MiB are free, less than disk.scarce, so that "
                                    "workspaces will be paused: make room, or add a disk",
                                    free_mib, all_mib);
    }
}

/* The worst first. */
static enum coditectd_verdict say_backups(const struct coditectd_backups_state *s)
{
    char last[25], ended[25];
    struct str at = time_str(last, s->last);
    if (s->gone) {
        return coditectd_doctor_say(CODITECTD_WEAKER, "backups",
                                    "those that were made are not there any more: mount what they "
                                    "lie on, or begin anew (coditect admin backup)");
    }
    if (s->last == 0) {
        return coditectd_doctor_say(CODITECTD_WEAKER, "backups",
                                    "there is none as yet: the server's log says why, or make one "
                                    "now (coditect admin backup)");
    }
    if (s->harmed) {
        return coditectd_doctor_say(CODITECTD_WEAKER, "backups",
                                    "the last one, of " STR_FMT ", is damaged: make another, which "
                                    "has anew what was lost (coditect admin backup), and look at "
                                    "what they lie on",
                                    STR_ARG(at));
    }
    if (s->late) {
        return coditectd_doctor_say(
            CODITECTD_WEAKER, "backups",
            "none for longer than twice backup.every, the last one is of " STR_FMT
            ": the server's log says why",
            STR_ARG(at));
    }
    if (s->lost) {
        return coditectd_doctor_say(CODITECTD_WEAKER, "backups",
                                    "the last one, of " STR_FMT
                                    ", lacks content that the store has "
                                    "lost: coditect admin scrub names the files; whoever uploads "
                                    "them again makes them whole",
                                    STR_ARG(at));
    }
    if (s->blemished > 0) {
        return coditectd_doctor_say(CODITECTD_WEAKER, "backups",
                                    "the last one, of " STR_FMT ", is not known to lack anything, "
                                    "but %zu of the %zu older ones are damaged: coditect admin "
                                    "backups names them, look at what they lie on",
                                    STR_ARG(at), s->blemished, s->kept - 1);
    }
    bool read = s->ended > 0;
    return coditectd_doctor_say(CODITECTD_ENFORCED, "backups",
                                "the last one is of " STR_FMT "; %zu are kept; " STR_FMT STR_FMT,
                                STR_ARG(at), s->kept,
                                STR_ARG(read ? STR("all were read and were whole until ")
                                             : STR("they have not been read again as yet")),
                                STR_ARG(read ? time_str(ended, s->ended) : STR_EMPTY));
}

static enum coditectd_verdict look_at_backups(const struct coditectd_options *o)
{
    const char *place = o->set.backup_bucket ? o->set.backup_bucket : o->set.backup_directory;
    struct coditectd_backups_options options = {.where = {place, o->bucket},
                                                .every = o->set.backup_every};
    if (options.where.access.patience > bucket_patience) {
        options.where.access.patience = bucket_patience; /* a person waits */
    }
    struct coditectd_backups_state state;
    if (!place) {
        return coditectd_doctor_say(
            CODITECTD_WEAKER, "backups",
            "none, with this disk all is lost: set backup.directory or backup.bucket "
            "(docs/backup.md)");
    }
    if (coditectd_backups_state(&options, o->set.data, &state) < 0) {
        return coditectd_doctor_say(
            CODITECTD_WEAKER, "backups",
            "those in backup.directory or backup.bucket cannot be read: ask as the "
            "server's user, and look at the place and its rights "
            "(docs/backup.md)");
    }
    return say_backups(&state);
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

static enum coditectd_verdict look_at_machine(void)
{
    struct rlimit files = {0};
    (void)getrlimit(RLIMIT_NOFILE, &files);
    uint64_t instances = setting("/proc/sys/fs/inotify/max_user_instances");
    uint64_t watches = setting("/proc/sys/fs/inotify/max_user_watches");
    enum coditectd_verdict v = CODITECTD_ENFORCED;
    if (instances >= INSTANCES_ENOUGH && watches >= WATCHES_ENOUGH) {
        (void)coditectd_doctor_say(CODITECTD_ENFORCED, "file watching",
                                   "there are instances and watches for all");
    } else {
        v |= coditectd_doctor_say(CODITECTD_WEAKER, "file watching",
                                  "some %llu workspaces of one user fit: sysctl -w "
                                  "fs.inotify.max_user_instances=%d fs.inotify.max_user_watches=%d",
                                  (unsigned long long)(instances / INSTANCES_EACH),
                                  INSTANCES_ENOUGH, WATCHES_ENOUGH);
    }
    v |= files.rlim_max >= FILES_ENOUGH
             ? coditectd_doctor_say(CODITECTD_ENFORCED, "open files",
                                    "enough for thousands of connections")
             : coditectd_doctor_say(CODITECTD_WEAKER, "open files",
                                    "few connections fit: raise the limit (LimitNOFILE)");
    return v;
}

/* Says one of its lines again in our form; ours look the same. */
static void repeat(struct str line)
{
    char about[HOW_AT - ABOUT_AT];
    struct str word = str_slice(line, 0, str_find(line, ' ', 0));
    struct str middle = str_trim(str_slice(line, ABOUT_AT, HOW_AT));
    (void)snprintf(about, sizeof about, STR_FMT, STR_ARG(middle));
    for (unsigned v = CODITECTD_ENFORCED; v <= CODITECTD_MISSING; v++) {
        if (str_eq(word, str_from(words[v]))) {
            (void)coditectd_doctor_say((enum coditectd_verdict)v, about, STR_FMT,
                                       STR_ARG(str_slice(line, HOW_AT, line.n)));
        }
    }
}

/* Runs it and repeats what it says: its status, -1 when it could not be run. */
static int try_sandbox(const char *supervisor, uid_t uid)
{
    char number[16];
    char text[LINES_ROOM];
    int ends[2];
    (void)snprintf(number, sizeof number, "%u", (unsigned)uid);
    (void)fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -1;
    }
    pid_t child = fork();
    if (child == 0) {
        if (dup2(ends[1], STDOUT_FILENO) >= 0) {
            execl(supervisor, "coditect-workspace", "--doctor", number, (char *)NULL);
        }
        _exit(127);
    }
    fd_close(&ends[1]);
    ssize_t n = child < 0 ? 0 : fd_read_full(ends[0], text, sizeof text);
    fd_close(&ends[0]);
    struct str rest = str_of(text, n > 0 ? (size_t)n : 0);
    struct str line;
    while (str_split(&rest, '\n', &line)) {
        repeat(line);
    }
    int status = -1;
    bool ended = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
    return ended && WEXITSTATUS(status) != 127 ? WEXITSTATUS(status) : -1;
}

static enum coditectd_verdict look_at_sandbox(const struct coditectd_options *o, uid_t uid)
{
    int status = try_sandbox(o->supervisor, uid);
    if (status < 0) {
        return coditectd_doctor_say(CODITECTD_MISSING, "sandbox",
                                    "coditect-workspace cannot be run: install it beside us");
    }
    return status == 0 ? CODITECTD_ENFORCED : CODITECTD_MISSING;
}

int coditectd_doctor(const struct coditectd_options *options, uid_t workspace_uid)
{
    as_json = options->json;
    pid_t holder = coditectd_doctor_holder(options->set.data);
    unsigned v = look_at_user(options);
    v |= look_at_addresses(options);
    v |= coditectd_doctor_ports(options, holder);
    v |= coditectd_doctor_clock();
    v |= coditectd_doctor_store(options->set.data, holder);
    v |= look_at_disk(options);
    v |= look_at_backups(options);
    v |= look_at_machine();
    v |= access(options->codi2, X_OK) == 0
             ? CODITECTD_ENFORCED
             : coditectd_doctor_say(CODITECTD_MISSING, "codi2", "is not there: install it");
    v |= look_at_sandbox(options, workspace_uid);
    (void)printf("%s", as_json ? "]\n" : "");
    return fflush(stdout) != 0 || (v & CODITECTD_MISSING) ? 1 : 0;
}
