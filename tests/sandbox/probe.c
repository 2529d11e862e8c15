/*
 * Runs as pid 1 of a sandbox in codi2's place and tries to get out of it, one line on /workspace/probe for each attempt:
 * name, a space, and what came of it. sandbox.test.mjs holds the lines against what must come. Built without sanitizers'
 * help in mind: it calls the kernel and little else.
 *
 * PROBE_SECRET: a file of the host. PROBE_OTHER: another workspace's tree. PROBE_PORT: a port that listens on the host's
 * 127.0.0.1. PROBE_MEMORY_MB: more than the limit.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOKEN_ROOM = 256, MOST_CHILDREN = 4096, PAGE = 4096 };

static FILE *out;

static void report(const char *name, const char *outcome)
{
    (void)fprintf(out, "%s %s\n", name, outcome);
    (void)fflush(out);
}

/* What a call that must fail gave: the error's name, or "succeeded". */
static void report_call(const char *name, long result)
{
    report(name, result < 0 ? strerrorname_np(errno) : "succeeded");
}

static void try_open(const char *name, const char *path, int flags)
{
    int fd = path ? open(path, flags | O_CLOEXEC, 0600) : (errno = EINVAL, -1);
    report_call(name, fd);
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void try_connect(const char *name, const char *address)
{
    const char *port = getenv("PROBE_PORT");
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(port ? port : "1", NULL, 10))};
    (void)inet_pton(AF_INET, address, &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 3};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    report_call(name, connect(fd, (struct sockaddr *)&to, sizeof to));
    (void)close(fd);
}

static void count_processes(void)
{
    DIR *proc = opendir("/proc");
    int count = 0;
    const struct dirent *entry;
    while (proc && (entry = readdir(proc))) {
        count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
    }
    if (proc) {
        (void)closedir(proc);
    }
    char text[16];
    (void)snprintf(text, sizeof text, "%d", count);
    report("processes-seen", text);
}

static void attack_pid_1(void)
{
    try_open("read-memory-of-codi2", "/proc/1/mem", O_RDONLY);
    try_open("read-environment-of-codi2", "/proc/1/environ", O_RDONLY);
    report_call("trace-codi2", ptrace(PTRACE_ATTACH, 1, NULL, NULL));
    (void)kill(1, SIGKILL);
    (void)kill(1, SIGSTOP);
    (void)kill(1, SIGSEGV);
    report("kill-codi2", kill(1, 0) == 0 ? "alive" : "gone");
}

static void attack_host(void)
{
    try_open("read-server-data", getenv("PROBE_SECRET"), O_RDONLY);
    try_open("read-other-workspace", getenv("PROBE_OTHER"), O_RDONLY | O_DIRECTORY);
    try_open("read-shadow", "/etc/shadow", O_RDONLY);
    try_open("write-usr", "/usr/probe", O_WRONLY | O_CREAT);
    try_open("write-root", "/probe", O_WRONLY | O_CREAT);
    try_open("write-etc", "/etc/probe", O_WRONLY | O_CREAT);
    try_open("write-sysctl", "/proc/sys/kernel/hostname", O_WRONLY);
    try_open("open-disk", "/dev/vda", O_RDONLY);
    try_connect("connect-host-loopback", "127.0.0.1");
    try_connect("connect-host-gateway", "10.0.2.2");
    report_call("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    report_call("become-root", setuid(0));
    report_call("shed-groups", setgroups(0, NULL));
    report_call("enter-namespace-of-1", open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC));
}

/* Forks until the kernel refuses; the children wait for the end of a pipe, so that they go with us. */
static void fork_without_end(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return;
    }
    int count = 0;
    pid_t child = 0;
    while (count < MOST_CHILDREN && (child = fork()) > 0) {
        count++;
    }
    if (child == 0) {
        char byte;
        (void)close(ends[1]);
        (void)!read(ends[0], &byte, 1);
        _exit(0);
    }
    char text[16];
    (void)snprintf(text, sizeof text, "%d", count);
    report("forks", text);
    (void)close(ends[1]);
    while (waitpid(-1, NULL, 0) > 0) {
    }
}

static void fill_memory(void)
{
    const char *wanted = getenv("PROBE_MEMORY_MB");
    size_t bytes = (size_t)strtoul(wanted ? wanted : "0", NULL, 10) << 20;
    pid_t child = fork();
    if (child == 0) {
        volatile char *p =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (size_t i = 0; p != MAP_FAILED && i < bytes; i += PAGE) {
            p[i] = 1;
        }
        _exit(p != MAP_FAILED ? 0 : 1);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    report("fill-memory", WIFSIGNALED(status)        ? "killed"
                          : WEXITSTATUS(status) == 0 ? "succeeded"
                                                     : "refused");
}

static void on_term(int signal)
{
    (void)signal;
    _exit(7);
}

int main(int argc, char **argv)
{
    char token[TOKEN_ROOM];
    ssize_t n = argc > 2 ? read((int)strtoul(argv[2], NULL, 10), token, sizeof token) : -1;
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)signal(SIGTERM, on_term);
    out = fopen("/workspace/probe.part", "we");
    if (!out) {
        return 1;
    }
    report("pid", getpid() == 1 ? "1" : "other");
    report("token", n == 9 && memcmp(token, "probe-tok", 9) == 0 ? "right" : "wrong");
    report("descriptors",
           fcntl(4, F_GETFD) < 0 || fcntl(4, F_GETFD) & FD_CLOEXEC ? "none" : "some");
    pid_t child = fork(); /* a program of the person, not codi2 itself */
    if (child == 0) {
        count_processes();
        attack_pid_1();
        attack_host();
        fill_memory();
        fork_without_end();
        _exit(0);
    }
    (void)waitpid(child, NULL, 0);
    report("done", "done");
    (void)fclose(out);
    (void)rename("/workspace/probe.part", "/workspace/probe");
    for (;;) {
        (void)pause();
    }
}
