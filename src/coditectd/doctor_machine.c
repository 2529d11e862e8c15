/* What of the machine's ports and clock a server needs. Of a port that is taken the kernel's tables say by whom. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "coditectd/doctor_int.h"
#include "net/net.h"

enum { TABLE_MOST = 8 << 20, PATH_ROOM = 320, WORDS = 10 };

/* ---- whose a port is ---- */

/* Of "  0: 0100007F:1F90 00000000:0000 0A … 0 0 12345 …", a socket that listens on the port, the 12345. */
static bool listens(struct str line, uint16_t port, uint64_t *ret_inode)
{
    struct str words[WORDS];
    size_t n = 0;
    struct str word;
    while (n < WORDS && str_split(&line, ' ', &word)) {
        if (word.n > 0) {
            words[n++] = word;
        }
    }
    char wanted[8];
    (void)snprintf(wanted, sizeof wanted, ":%04X", port);
    return n == WORDS && str_ends(words[1], str_from(wanted)) && str_eq(words[3], STR("0A")) &&
           str_u64(words[9], UINT64_MAX, ret_inode) == 0;
}

static bool find_socket(const char *table, uint16_t port, uint64_t *ret_inode)
{
    BUF_AUTO(text, TABLE_MOST);
    char piece[16 * 1024];
    ssize_t n;
    FD_AUTO int fd = open(table, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (n = read(fd, piece, sizeof piece)) > 0) {
        buf_add(&text, str_of(piece, (size_t)n));
    }
    struct str rest = buf_str(&text);
    struct str line;
    while (str_split(&rest, '\n', &line)) {
        if (listens(line, port, ret_inode)) {
            return true;
        }
    }
    return false;
}

/* Whether one of the process's descriptors is the socket. */
static bool has_socket(const char *pid, const char *socket_name)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool has = false;
    while (folder && !has && (entry = readdir(folder)) != NULL) {
        char target[64];
        ssize_t n = readlinkat(dirfd(folder), entry->d_name, target, sizeof target);
        has = n > 0 && str_eq(str_of(target, (size_t)n), str_from(socket_name));
    }
    if (folder) {
        (void)closedir(folder);
    }
    return has;
}

/* The process that listens there; 0: it cannot be seen. */
static pid_t listener_of(uint16_t port)
{
    uint64_t inode = 0;
    if (!find_socket("/proc/net/tcp", port, &inode) &&
        !find_socket("/proc/net/tcp6", port, &inode)) {
        return 0;
    }
    char name[48];
    (void)snprintf(name, sizeof name, "socket:[%llu]", (unsigned long long)inode);
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    uint64_t pid = 0;
    bool found = false;
    while (folder && !found && (entry = readdir(folder)) != NULL) {
        found = str_u64(str_from(entry->d_name), INT32_MAX, &pid) == 0 &&
                has_socket(entry->d_name, name);
    }
    if (folder) {
        (void)closedir(folder);
    }
    return found ? (pid_t)pid : 0;
}

static struct str name_of_process(pid_t pid, char to[static 32])
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : fd_read_full(fd, to, 31);
    struct str line = str_of(to, n > 0 ? (size_t)n : 0);
    return str_slice(line, 0, str_find(line, '\n', 0));
}

static enum coditectd_verdict say_taken(const char *address, uint16_t port, pid_t holder)
{
    char room[32];
    pid_t pid = listener_of(port);
    if (pid > 0 && pid == holder) {
        return coditectd_doctor_say(CODITECTD_ENFORCED, "port",
                                    "the server that runs, process %d, has %s", (int)pid, address);
    }
    if (pid == 0) {
        return holder > 0 ? coditectd_doctor_say(CODITECTD_WEAKER, "port",
                                                 "somebody has %s: the server that runs, or ask as "
                                                 "root who (ss -ltnp)",
                                                 address)
                          : coditectd_doctor_say(CODITECTD_MISSING, "port",
                                                 "%s is taken: ask as root by whom (ss -ltnp), and "
                                                 "end that or set another address",
                                                 address);
    }
    struct str name = name_of_process(pid, room);
    return coditectd_doctor_say(CODITECTD_MISSING, "port",
                                "process %d (" STR_FMT ") has %s: end that, or set another address",
                                (int)pid, STR_ARG(name), address);
}

static enum coditectd_verdict look_at_port(const char *text, pid_t holder)
{
    struct net_address address;
    FD_AUTO int fd = -1;
    if (!text || net_address_parse(str_from(text), &address) < 0 ||
        net_address_port(&address) == 0) {
        return CODITECTD_ENFORCED; /* none, any, or a path: nobody else can have it */
    }
    int r = net_listen(&address, /* shared= */ false, &fd);
    switch (r) {
    case 0:
        return coditectd_doctor_say(CODITECTD_ENFORCED, "port", "%s is free", text);
    case ERR_EXISTS:
        return say_taken(text, net_address_port(&address), holder);
    case ERR_FORBIDDEN:
        return coditectd_doctor_say(CODITECTD_MISSING, "port",
                                    "%s is for root alone: start as root, or sysctl -w "
                                    "net.ipv4.ip_unprivileged_port_start=%u",
                                    text, net_address_port(&address));
    default:
        return coditectd_doctor_say(CODITECTD_MISSING, "port",
                                    "%s is no address of this machine: see ip address, and set one",
                                    text);
    }
}

enum coditectd_verdict coditectd_doctor_ports(const struct coditectd_options *o, pid_t holder)
{
    unsigned v = look_at_port(o->set.listen, holder);
    v |= look_at_port(o->set.ide_listen, holder);
    v |= look_at_port(o->set.metrics_listen, holder);
    return (enum coditectd_verdict)v;
}

/* ---- the clock ---- */

enum coditectd_verdict coditectd_doctor_clock(void)
{
    struct timex facts = {.modes = 0};
    int state = adjtimex(&facts);
    if (state < 0 || state == TIME_ERROR || (facts.status & STA_UNSYNC) != 0) {
        return coditectd_doctor_say(CODITECTD_WEAKER, "clock",
                                    "no time server sets it, as far as the kernel knows: "
                                    "timedatectl set-ntp true (in a container: on its host)");
    }
    return coditectd_doctor_say(CODITECTD_ENFORCED, "clock", "a time server sets it, to %ld ms",
                                facts.maxerror / 1000 + 1);
}
