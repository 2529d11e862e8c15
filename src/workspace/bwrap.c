/*
 * The arguments of bubblewrap: what of the host a workspace sees. The system's programs read-only, an /etc of files of
 * our own, the binds of the configuration, nothing else. The network namespace is the holder's (see sandbox.c).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "workspace/workspace_int.h"

enum { MOST_ARGUMENTS = 512, PATH_ROOM = 512 };

#define CODI2_INSIDE "/opt/coditect/codi2"
#define HOST_INSIDE "coditect"
#define BASHRC_OF_HOST "/etc/bash.bashrc.host"
/* A Node.js that is not the system's lies at /opt/coditect/node, see workspaces/broker_expose.c. */
#define PATH_INSIDE "/home/dev/.local/bin:/opt/coditect/node/bin:/usr/local/bin:/usr/bin:/bin"

struct list {
    struct arena *arena;
    char **at;
    size_t n;
};

static void add(struct list *l, const char *text)
{
    ASSERT(l->n + 1 < MOST_ARGUMENTS);
    size_t size = strlen(text) + 1;
    l->at[l->n++] =
        memcpy(arena_alloc(l->arena, size), text, size); /* execve wants them writable */
}

static void add2(struct list *l, const char *option, const char *value)
{
    add(l, option);
    add(l, value);
}

static void add3(struct list *l, const char *option, const char *first, const char *second)
{
    add(l, option);
    add(l, first);
    add(l, second);
}

/* A small read-only file inside, its text handed over by descriptor. */
static void add_file(struct list *l, const char *path, struct str text)
{
    FD_AUTO int made = memfd_create("etc", MFD_CLOEXEC);
    /* Inherited by bubblewrap, which closes it; out of the way of the token. */
    int fd = made < 0 ? -1 : fcntl(made, F_DUPFD, WORKSPACE_TOKEN_FD + 1);
    if (fd < 0 || fd_write_all(fd, text) != 0 || lseek(fd, 0, SEEK_SET) < 0) {
        log_warn("workspace", "cannot prepare %s: %m", path);
        fd_close(&fd);
        return;
    }
    add3(l, "--ro-bind-data", arena_printf(l->arena, "%d", fd).p, path);
}

static void add_system(struct list *l)
{
    add3(l, "--ro-bind", "/usr", "/usr");
    add3(l, "--symlink", "usr/bin", "/bin");
    add3(l, "--symlink", "usr/sbin", "/sbin");
    add3(l, "--symlink", "usr/lib", "/lib");
    add3(l, "--symlink", "usr/lib64", "/lib64");
    static const char *const shared[] = {"/etc/alternatives",
                                         "/etc/gdb",
                                         "/etc/ld.so.cache",
                                         "/etc/localtime",
                                         "/etc/manpath.config",
                                         "/etc/mime.types",
                                         "/etc/os-release",
                                         "/etc/protocols",
                                         "/etc/services",
                                         "/etc/ssl/certs",
                                         "/etc/ssl/openssl.cnf",
                                         "/etc/terminfo",
                                         "/etc/vim"};
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        add3(l, "--ro-bind-try", shared[i], shared[i]);
    }
    add2(l, "--dev", "/dev");
    add2(l, "--tmpfs", "/tmp");
    add2(l, "--tmpfs", "/var/tmp");
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/*
 * What /proc tells of the machine and its kernel, not of processes: gone, each as it can be. bubblewrap itself makes sys,
 * sysrq-trigger, irq and bus read-only.
 */
static void add_proc(struct list *l)
{
    static const char *const files[] = {
        "/proc/interrupts",  "/proc/iomem",         "/proc/ioports",     "/proc/kallsyms",
        "/proc/kcore",       "/proc/key-users",     "/proc/keys",        "/proc/kmsg",
        "/proc/kpagecgroup", "/proc/kpagecount",    "/proc/kpageflags",  "/proc/latency_stats",
        "/proc/modules",     "/proc/pagetypeinfo",  "/proc/sched_debug", "/proc/slabinfo",
        "/proc/softirqs",    "/proc/sysrq-trigger", "/proc/timer_list",  "/proc/timer_stats",
        "/proc/vmallocinfo", "/proc/vmcore"};
    static const char *const folders[] = {"/proc/acpi",   "/proc/asound",        "/proc/bus",
                                          "/proc/driver", "/proc/dynamic_debug", "/proc/fs",
                                          "/proc/irq",    "/proc/scsi"};
    add2(l, "--proc", "/proc");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (is_there(files[i])) {
            add3(l, "--ro-bind", "/dev/null",
                 files[i]); /* without its device: nobody may open it */
        }
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (is_there(folders[i])) {
            add2(l, "--tmpfs", folders[i]);
            add2(l, "--remount-ro", folders[i]);
        }
    }
}

/*
 * Of /sys only what programs measure themselves by: the processors, and the limits of this workspace, at which Java and
 * Node.js choose how much they take, and codi2 learns that the kernel had to end a process.
 */
static void add_sys(struct list *l, const struct workspace_group *group)
{
    static const char *const targets[] = {"/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids",
                                          "/sys/fs/cgroup/cpu"};
    add3(l, "--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu");
    bool unified = group->kind == WORKSPACE_GROUP_V2;
    size_t parts = unified ? 1 : group->kind == WORKSPACE_GROUP_V1 ? 2 + group->cpu : 0;
    for (size_t i = 0; i < parts; i++) {
        BUF_AUTO(path, PATH_ROOM);
        workspace_group_path(group, i, &path);
        add3(l, "--ro-bind", buf_z(&path), unified ? "/sys/fs/cgroup" : targets[i]);
    }
}

/*
 * A shell writes its history when it ends, and a shell that is killed does not come to that. So it is written at each prompt, and
 * added to what other shells wrote. All of this is read before the person's own files, which may set it otherwise;
 * PROMPT_COMMAND=… there takes element 0 of the array, and leaves ours. HISTFILESIZE is theirs alone: setting it cuts the file at
 * once; where nobody does, it is HISTSIZE. Without HISTFILE they want none, and history -a would write another file.
 */
static void add_bash(struct list *l)
{
    add3(l, "--ro-bind-try", "/etc/bash.bashrc", BASHRC_OF_HOST);
    add_file(l, "/etc/bash.bashrc",
             STR("if [ -z \"${PS1-}\" ]; then\n"
                 "    return\n"
                 "fi\n"
                 "if [ -f " BASHRC_OF_HOST " ]; then\n"
                 "    . " BASHRC_OF_HOST "\n"
                 "fi\n"
                 "shopt -s histappend\n"
                 ": \"${HISTSIZE:=20000}\"\n"
                 "PROMPT_COMMAND[9]='[ -z \"${HISTFILE-}\" ] || history -a'\n"));
    /* Debian's own would set another PATH in every login shell. */
    add_file(l, "/etc/profile",
             STR("if [ -n \"${PS1-}\" ] && [ -n \"${BASH-}\" ]; then\n"
                 "    . /etc/bash.bashrc\n"
                 "fi\n"));
}

static void add_etc(struct list *l, const struct workspace_config *config)
{
    add_file(
        l, "/etc/passwd",
        STR("root:x:0:0:root:/root:/usr/sbin/nologin\ndev:x:1000:1000:dev:/home/dev:/bin/bash\n"
            "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"));
    add_file(l, "/etc/group", STR("root:x:0:\ndev:x:1000:\nnogroup:x:65534:\n"));
    add_file(l, "/etc/nsswitch.conf", STR("passwd: files\ngroup: files\nhosts: files dns\n"));
    add_file(l, "/etc/hosts", STR("127.0.0.1 localhost " HOST_INSIDE "\n::1 localhost\n"));
    if (config->network) {
        add_file(l, "/etc/resolv.conf", STR("nameserver 10.0.2.3\n")); /* slirp4netns's own */
    }
}

static void add_environment(struct list *l, const struct workspace_config *config)
{
    add(l, "--clearenv");
    static const char *const fixed[] = {"PATH",
                                        PATH_INSIDE,
                                        "HOME",
                                        "/home/dev",
                                        "USER",
                                        "dev",
                                        "SHELL",
                                        "/bin/bash",
                                        "LANG",
                                        "C.UTF-8",
                                        "TERM",
                                        "xterm-256color",
                                        "NPM_CONFIG_PREFIX", /* npm install --global works */
                                        "/home/dev/.local"};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i += 2) {
        add3(l, "--setenv", fixed[i], fixed[i + 1]);
    }
    if (config->codi2_watches_memory && config->limits.memory > 0) {
        struct str limit = arena_printf(l->arena, "%lld", (long long)config->limits.memory);
        add3(l, "--setenv", "MEMORY_LIMIT", limit.p);
    }
    for (const char **e = config->environment; e[0]; e += 2) {
        add3(l, "--setenv", e[0], e[1]);
    }
}

char **workspace_bwrap_arguments(struct arena *arena, const struct workspace_config *config,
                                 const struct workspace_group *group,
                                 const struct workspace_bwrap_fds *fds)
{
    struct list l = {.arena = arena, .at = ARENA_ARRAY(arena, char *, MOST_ARGUMENTS)};
    static const char *const walls[] = {"bwrap",
                                        "--unshare-user",
                                        "--unshare-pid",
                                        "--unshare-ipc",
                                        "--unshare-uts",
                                        "--unshare-cgroup-try",
                                        "--die-with-parent",
                                        "--new-session",
                                        "--as-pid-1",
                                        "--uid",
                                        "1000",
                                        "--gid",
                                        "1000",
                                        "--cap-drop",
                                        "ALL"};
    for (size_t i = 0; i < sizeof walls / sizeof walls[0]; i++) {
        add(&l, walls[i]);
    }
    if (!config->network) {
        add(&l, "--unshare-net");
    }
    add2(&l, "--hostname", HOST_INSIDE); /* short: it stands in every prompt */
    add2(&l, "--info-fd", arena_printf(arena, "%d", fds->info).p);
    add2(&l, "--seccomp", arena_printf(arena, "%d", fds->filter).p);
    add_system(&l);
    add_proc(&l);
    add_sys(&l, group);
    add_etc(&l, config);
    add_bash(&l);
    for (size_t i = 0; i < config->bind_count; i++) {
        const struct workspace_bind *bind = &config->binds[i];
        add3(&l, bind->writable ? "--bind" : "--ro-bind", bind->source, bind->target);
    }
    add3(&l, "--ro-bind", config->codi2, CODI2_INSIDE);
    add2(&l, "--remount-ro", "/"); /* the root itself, which is bubblewrap's own tmpfs */
    add_environment(&l, config);
    add2(&l, "--chdir", "/");
    add2(&l, "--", CODI2_INSIDE);
    add2(&l, "--token-fd", arena_printf(arena, "%d", WORKSPACE_TOKEN_FD).p);
    for (const char **a = config->arguments; *a; a++) {
        add(&l, *a);
    }
    return l.at;
}
