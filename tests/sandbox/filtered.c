/* filtered PROGRAM ARGUMENT…: executes it under the sandbox's system call filter, and nothing else of a sandbox. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "workspace/workspace_int.h"

int main(int argc, char **argv)
{
    static struct sock_filter code[BPF_MAXINSNS];
    int fd;
    if (argc < 2 || workspace_filter_open(&fd) != 0) {
        return 2;
    }
    ssize_t n = read(fd, code, sizeof code);
    struct sock_fprog program = {.len = (unsigned short)((size_t)n / sizeof code[0]),
                                 .filter = code};
    if (n <= 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        perror("filtered");
        return 1;
    }
    (void)execv(argv[1], argv + 1);
    perror(argv[1]);
    return 1;
}
