#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "workspace/workspace_int.h"

/* Field 22 of /proc/self/stat: ticks since boot when this process started (proc(5)). */
static uint64_t own_start_time(void)
{
    char text[1024];
    FD_AUTO int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof text);
    if (n <= 0) {
        return 0;
    }
    struct str rest = str_of(text, (size_t)n);
    while (rest.n > 0 && rest.p[rest.n - 1] != ')') { /* the name may hold spaces and brackets */
        rest.n--;
    }
    struct str fields = str_of(rest.p + rest.n, (size_t)n - rest.n);
    struct str field;
    for (int number = 2; str_split(&fields, ' ', &field); number++) {
        uint64_t value;
        if (number == 22 && str_u64(field, UINT64_MAX, &value) == 0) {
            return value;
        }
    }
    return 0;
}

static void encode(struct buf *out, const struct workspace_config *config,
                   const struct workspace_state *state)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, "session", config->session);
    json_member_integer(&w, "generation", config->generation);
    json_member_integer(&w, "pid", getpid());
    json_member_integer(&w, "start_time", (int64_t)own_start_time());
    json_member_string(&w, "phase", str_from(state->phase));
    json_member_integer(&w, "sandbox", state->sandbox);
    json_member_integer(&w, "codi2", state->codi2);
    json_member_string(&w, "limits", str_from(state->limits));
    if (state->exit_code >= 0) {
        json_member_integer(&w, "exit_code", state->exit_code);
        json_member_integer(&w, "exit_signal", state->exit_signal);
    }
    if (state->error) {
        json_member_string(&w, "error", str_from(state->error));
    }
    json_object_end(&w);
    buf_byte(out, '\n');
}

int workspace_state_write(const struct workspace_config *config,
                          const struct workspace_state *state)
{
    BUF_AUTO(text, 4096);
    encode(&text, config, state);
    if (text.error) {
        return text.error;
    }
    BUF_AUTO(temporary, 4096);
    BUF_AUTO(final, 4096);
    buf_printf(&temporary, "%s/state.new", config->run);
    buf_printf(&final, "%s/state", config->run);

    FD_AUTO int fd =
        open(buf_z(&temporary), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return log_err(ERR_IO, "workspace", "cannot write %s: %m", buf_z(&temporary));
    }
    int error = fd_write_all(fd, buf_str(&text));
    if (error) {
        return error;
    }
    if (rename(buf_z(&temporary), buf_z(&final)) < 0) {
        return log_err(ERR_IO, "workspace", "cannot write %s: %m", buf_z(&final));
    }
    return 0;
}
