/* Naming a process beyond doubt: pids come again, a pid together with its start time does not. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "workspaces/broker_int.h"
#include "workspaces/workspaces.h"

int workspaces_process_start_time(pid_t pid, uint64_t *ret_ticks)
{
    char path[64];
    char text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof text);
    if (n <= 0) {
        return ERR_NOT_FOUND;
    }
    /* proc(5): the name in brackets may hold anything, so count fields from the last bracket; state is field 3. */
    struct str head = str_of(text, (size_t)n);
    while (head.n > 0 && head.p[head.n - 1] != ')') {
        head.n--;
    }
    struct str fields = str_of(head.p + head.n, (size_t)n - head.n);
    struct str field;
    for (int number = 2; str_split(&fields, ' ', &field); number++) {
        if (number == 3 && (field.p[0] == 'Z' || field.p[0] == 'X')) {
            return ERR_NOT_FOUND; /* a zombie is not a live process */
        }
        if (number == 22) {
            return str_u64(field, UINT64_MAX, ret_ticks) == 0 ? 0 : ERR_IO;
        }
    }
    return ERR_IO;
}

int workspaces_broker_signal(const struct broker_place *place, const struct broker_request *request)
{
    char path[64];
    char executable[4096];
    FD_AUTO int process =
        (int)syscall(SYS_pidfd_open, request->pid, 0); /* from here on the pid cannot come again */
    if (process < 0) {
        return ERR_NOT_FOUND;
    }
    uint64_t started;
    int error = workspaces_process_start_time(request->pid, &started);
    if (error || started != request->start_time) {
        return ERR_NOT_FOUND;
    }
    (void)snprintf(path, sizeof path, "/proc/%d/exe", (int)request->pid);
    ssize_t n = readlink(path, executable, sizeof executable);
    struct str name = str_of(executable, n > 0 ? (size_t)n : 0);
    struct str suffix = STR(" (deleted)"); /* the binary was replaced by a newer build meanwhile */
    if (str_ends(name, suffix)) {
        name.n -= suffix.n;
    }
    if (!str_ends(name, STR("/coditect-workspace"))) {
        return ERR_FORBIDDEN;
    }
    return syscall(SYS_pidfd_send_signal, process, request->signal, NULL, 0) < 0 ? ERR_NOT_FOUND
                                                                                 : 0;
}
