#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "workspace/workspace_int.h"

enum { STATE_ROOM = 4096 };

static void encode(struct buf *out, const struct workspace_config *config,
                   const struct workspace_state *state)
{
    uint64_t started = 0; /* of no process: a server then takes this workspace for gone */
    if (process_start_time(getpid(), &started) != 0) {
        log_warn("workspace", "/proc does not tell when this process started");
    }
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, "session", config->session);
    json_member_integer(&w, "generation", config->generation);
    json_member_integer(&w, "pid", getpid());
    json_member_integer(&w, "start_time", (int64_t)started);
    struct stat run = {0};
    if (stat(config->run, &run) < 0) {
        log_warn("workspace", "%s: %m", config->run);
    }
    json_member_integer(&w, "run", (int64_t)run.st_ino);
    json_member_string(&w, "phase", str_from(state->phase));
    json_member_integer(&w, "sandbox", state->sandbox);
    json_member_integer(&w, "codi2", state->codi2);
    json_member_string(&w, "limits", str_from(state->limits));
    json_member_bool(&w, "stored", state->stored);
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
    BUF_AUTO(text, STATE_ROOM);
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

bool workspace_state_was_stored(const struct workspace_config *config)
{
    ARENA_AUTO(arena);
    BUF_AUTO(path, 4096);
    buf_printf(&path, "%s/state", config->run);
    FD_AUTO int fd = open(buf_z(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT;
    }
    char *bytes = arena_alloc(&arena, STATE_ROOM);
    ssize_t n = fd_read_full(fd, bytes, STATE_ROOM);
    n -= n > 0 && bytes[n - 1] == '\n';
    struct json *state;
    if (n <= 0 || json_parse(&arena, str_of(bytes, (size_t)n), &state, NULL) != 0) {
        return false;
    }
    const struct json *stored = json_get(state, "stored");
    return stored && stored->kind == JSON_BOOL && stored->boolean;
}
