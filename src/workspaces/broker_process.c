/* Signals for supervisors: held by a pidfd while the process is compared with the one that was meant. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "workspaces/broker_int.h"

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
    int error = process_start_time(request->pid, &started);
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
