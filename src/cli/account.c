/*
 * The account: server, address and tokens, in {config}/coditect/login.json; {config} is $XDG_CONFIG_HOME or ~/.config.
 *
 * 1. The file appears complete or not at all (written beside, synced, renamed) and is 0600 from its first byte.
 * 2. New tokens are on disk before they are used: the server takes the older refresh token once more only until a token of its
 *    successor was used (docs/adr/0010), so a run that dies between the two loses no login.
 * 3. Two runs never refresh at once: whoever refreshes holds login.lock and reads the file again under it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli_int.h"

enum { ACCOUNT_MOST = 16 * 1024, KEY_MOST = 4096 };

static const char account_name[] = "login.json";
static const char account_draft[] = "login.json.new";

static int not_logged_in(struct cli_run *run)
{
    return cli_fail(run, ERR_UNAUTHENTICATED, "not logged in; log in first: coditect login URL");
}

/* The folder: whoever only reads makes none. */
static int open_folder(struct cli_run *run, bool make, int *ret_fd)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    struct str base;
    if (config && config[0] == '/') {
        base = arena_printf(&run->arena, "%s", config);
    } else if (home && home[0] == '/') {
        base = arena_printf(&run->arena, "%s/.config", home);
    } else {
        return cli_fail(run, ERR_IO, "neither XDG_CONFIG_HOME nor HOME names a folder");
    }
    struct str folder = arena_printf(&run->arena, "%s/coditect", base.p);
    if (make) {
        (void)mkdir(base.p, 0700);
        (void)mkdir(folder.p, 0700);
    }
    int fd = open(folder.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && !make) {
        return not_logged_in(run);
    }
    if (fd < 0) {
        return cli_fail(run, ERR_IO, "%s: %s", folder.p, strerror(errno));
    }
    *ret_fd = fd;
    return 0;
}

static int damaged(struct cli_run *run)
{
    return cli_fail(run, ERR_UNAUTHENTICATED,
                    "login.json cannot be understood; log in again: coditect login URL");
}

static int read_text(struct cli_run *run, struct arena *arena, struct str *ret_text)
{
    FD_AUTO int folder = -1;
    int r = open_folder(run, /* make= */ false, &folder);
    if (r < 0) {
        return r;
    }
    FD_AUTO int fd = openat(folder, account_name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return not_logged_in(run);
    }
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        return cli_fail(run, ERR_IO, "login.json: %s", strerror(errno));
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
        return cli_fail(run, ERR_FORBIDDEN,
                        "login.json can be read by others; log in again, or chmod 600 it");
    }
    char *text = arena_alloc(arena, ACCOUNT_MOST);
    ssize_t n = fd_read_full(fd, text, ACCOUNT_MOST);
    if (n < 0 || n == ACCOUNT_MOST) {
        return damaged(run);
    }
    *ret_text = str_of(text, (size_t)n);
    return 0;
}

static bool take(const struct json *value, const char *name, struct str *ret_text)
{
    const struct json *member = json_get(value, name);
    if (!member || member->kind != JSON_STRING ||
        memchr(member->string.p, '\0', member->string.n)) {
        return false;
    }
    *ret_text = member->string;
    return true;
}

int cli_account_load(struct cli_run *run, struct arena *arena, struct cli_account *ret_account)
{
    struct str text;
    struct json *value;
    int r = read_text(run, arena, &text);
    if (r < 0) {
        return r;
    }
    struct cli_account a = {0};
    if (json_parse(arena, text, &value, NULL) < 0 || !take(value, "url", &a.url) ||
        !take(value, "email", &a.email) || !take(value, "token", &a.token) ||
        !take(value, "refresh_token", &a.refresh_token)) {
        return damaged(run);
    }
    const struct json *expires = json_get(value, "expires_at");
    if (!expires || expires->kind != JSON_INTEGER) {
        return damaged(run);
    }
    a.expires_at = expires->integer;
    *ret_account = a;
    return 0;
}

int cli_account_given(struct cli_run *run, struct cli_account *ret_account, bool *ret_given)
{
    struct str token = str_from(getenv("CODITECT_TOKEN"));
    struct str url = str_from(getenv("CODITECT_URL"));
    *ret_given = token.n > 0;
    if (token.n == 0) {
        return 0;
    }
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] <= ' ' || token.p[i] >= 0x7f || token.n > KEY_MOST) {
            return cli_fail(run, ERR_INVALID, "what is in CODITECT_TOKEN is no API key");
        }
    }
    if (url.n == 0) {
        return cli_fail(run, ERR_INVALID,
                        "CODITECT_TOKEN is for one server: set CODITECT_URL to its address");
    }
    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    *ret_account =
        (struct cli_account){.url = arena_str(&run->arena, url), .token = token, .is_key = true};
    return 0;
}

static void write_account(struct buf *out, const struct cli_account *account)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, "url", account->url);
    json_member_string(&w, "email", account->email);
    json_member_string(&w, "token", account->token);
    json_member_string(&w, "refresh_token", account->refresh_token);
    json_member_integer(&w, "expires_at", account->expires_at);
    json_object_end(&w);
    buf_byte(out, '\n');
}

int cli_account_save(struct cli_run *run, const struct cli_account *account)
{
    BUF_AUTO(text, ACCOUNT_MOST - 1);
    FD_AUTO int folder = -1;
    write_account(&text, account);
    if (text.error) {
        return cli_fail(run, ERR_CORRUPT, "the server's tokens are too long");
    }
    int r = open_folder(run, /* make= */ true, &folder);
    if (r < 0) {
        return r;
    }
    (void)unlinkat(folder, account_draft, 0); /* of a run that died: its mode is not ours */
    FD_AUTO int fd =
        openat(folder, account_draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fd_write_all(fd, buf_str(&text)) < 0 || fsync(fd) != 0 ||
        renameat(folder, account_draft, folder, account_name) != 0 || fsync(folder) != 0) {
        return cli_fail(run, ERR_IO, "login.json cannot be written: %s", strerror(errno));
    }
    return 0;
}

int cli_account_forget(struct cli_run *run)
{
    FD_AUTO int folder = -1;
    int r = open_folder(run, /* make= */ false, &folder);
    if (r == 0 && unlinkat(folder, account_name, 0) != 0 && errno != ENOENT) {
        return cli_fail(run, ERR_IO, "login.json cannot be removed: %s", strerror(errno));
    }
    return r;
}

int cli_account_lock(struct cli_run *run, int *ret_fd)
{
    FD_AUTO int folder = -1;
    int r = open_folder(run, /* make= */ true, &folder);
    if (r < 0) {
        return r;
    }
    FD_AUTO int fd = openat(folder, "login.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    while (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        if (errno != EINTR) {
            fd_close(&fd);
        }
    }
    if (fd < 0) {
        return cli_fail(run, ERR_IO, "login.lock: %s", strerror(errno));
    }
    *ret_fd = FD_TAKE(fd);
    return 0;
}
