#include "codi2/terminal_shell.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "codi2/children.h"

enum { ARGUMENTS = 5, EXIT_NOT_READY = 126, EXIT_NO_SHELL = 127 };

void codi2_shell_setting_make(struct arena *arena, const char *directory,
                              struct codi2_shell_setting *ret_setting)
{
    static const char *const dropped[] = {"TERM=", "COLORTERM=", "CODITECT_", NULL};
    static const char *const ours[] = {"TERM=xterm-256color", "COLORTERM=truecolor", NULL};
    const char *shell = getenv("SHELL");
    *ret_setting = (struct codi2_shell_setting){
        .directory = directory,
        .program = shell && shell[0] == '/' && access(shell, X_OK) == 0 ? shell : "/bin/sh",
        .environment = codi2_child_environment(arena, dropped, ours)};
}

/* As login calls it: a first argument that begins with "-" makes a login shell. */
static void arguments_of(const char *program, const char *command, struct arena *arena,
                         const char *ret_arguments[static ARGUMENTS])
{
    const char *slash = strrchr(program, '/');
    const char *name = slash ? slash + 1 : program;
    size_t n = 0;
    ret_arguments[n++] = command ? name : arena_printf(arena, "-%s", name).p;
    if (command) {
        ret_arguments[n++] = "-l";
        ret_arguments[n++] = "-c";
        ret_arguments[n++] = command;
    }
    ret_arguments[n] = NULL;
}

/* Between fork and exec: other threads may hold any lock, so nothing is allocated. */
static _Noreturn void become(const struct codi2_shell_setting *s, const char *const *arguments,
                             int terminal)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    codi2_child_in_front();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* as in a sandbox, where all ends with pid 1 */
    if (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0) < 0 || dup2(terminal, STDIN_FILENO) < 0 ||
        dup2(terminal, STDOUT_FILENO) < 0 || dup2(terminal, STDERR_FILENO) < 0 ||
        chdir(s->directory) < 0) {
        _exit(EXIT_NOT_READY);
    }
    execve(s->program, (char *const *)(uintptr_t)arguments, s->environment);
    _exit(EXIT_NO_SHELL);
}

/* Both ends of a terminal. No path is needed for the second, whatever is mounted at /dev/pts. */
static int open_ends(const struct codi2_size *size, int *ret_master, int *ret_terminal)
{
    FD_AUTO int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0 || unlockpt(master) < 0) {
        return ERR_IO;
    }
    FD_AUTO int terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios modes;
    if (terminal < 0 || tcgetattr(terminal, &modes) < 0) {
        return ERR_IO;
    }
    modes.c_iflag |= IUTF8; /* what erases a character erases all of its bytes */
    (void)tcsetattr(terminal, TCSANOW, &modes);
    codi2_shell_resize(master, size);
    *ret_master = FD_TAKE(master);
    *ret_terminal = FD_TAKE(terminal);
    return 0;
}

int codi2_shell_start(const struct codi2_shell_setting *setting, const char *command,
                      const struct codi2_size *size, struct codi2_shell *ret_shell)
{
    ARENA_AUTO(arena);
    FD_AUTO int master = -1;
    FD_AUTO int terminal = -1;
    const char *arguments[ARGUMENTS];
    arguments_of(setting->program, command, &arena, arguments);
    int error = open_ends(size, &master, &terminal);
    pid_t pid = error ? -1 : fork();
    if (pid == 0) {
        become(setting, arguments, terminal);
    }
    if (pid < 0) {
        return log_err(ERR_IO, "codi2", "no terminal could be made: %m");
    }
    *ret_shell = (struct codi2_shell){.pid = pid, .master = FD_TAKE(master)};
    return 0;
}

void codi2_shell_resize(int master, const struct codi2_size *size)
{
    const struct winsize window = {.ws_col = (unsigned short)size->cols,
                                   .ws_row = (unsigned short)size->rows};
    (void)ioctl(master, TIOCSWINSZ, &window);
}
