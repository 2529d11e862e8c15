/* A shell on a terminal of its own (pty). */
#ifndef CODI2_TERMINAL_SHELL_H
#define CODI2_TERMINAL_SHELL_H

#include <sys/types.h>

#include "base/arena.h"
#include "codi2/terminal_words.h"

/* What all shells of a workspace are started with. */
struct codi2_shell_setting {
    const char *directory;
    const char *program; /* the person's shell */
    char **environment;
};

/* In arena: the shell that SHELL names, our environment, a terminal that knows colours. */
void codi2_shell_setting_make(struct arena *arena, const char *directory,
                              struct codi2_shell_setting *ret_setting);

struct codi2_shell {
    pid_t pid;
    int master; /* our end, not blocking */
};

/* A login shell, or with a command one that runs it and ends. ERR_IO: no terminal or no process is to be had. */
int codi2_shell_start(const struct codi2_shell_setting *setting, const char *command,
                      const struct codi2_size *size, struct codi2_shell *ret_shell) BASE_MUST_USE;

void codi2_shell_resize(int master, const struct codi2_size *size);

#endif
