#include "coditectd/mail.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/log.h"

enum { PASSWORD_MOST = 1000, AUTHORITIES_MOST = 1 << 20 };

struct from {
    const char *setting, *path;
    size_t most; /* bytes */
};

static int read_file(const struct from *from, struct arena *arena, struct str *ret_text)
{
    FD_AUTO int fd = open(from->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return log_err(err_from_errno(errno), "coditectd", "%s: %s: %m", from->setting, from->path);
    }
    char *text = arena_alloc(arena, from->most + 1);
    ssize_t n = fd_read_full(fd, text, from->most + 1);
    if (n < 0 || (size_t)n > from->most) {
        return log_err(n < 0 ? (int)n : ERR_TOO_LARGE, "coditectd",
                       "%s: %s cannot be read, or has more than %zu bytes", from->setting,
                       from->path, from->most);
    }
    *ret_text = str_of(text, (size_t)n);
    return 0;
}

/* The first line. */
static int read_password(const char *path, struct arena *arena, const char **ret_password)
{
    const struct from from = {"smtp.password_file", path, PASSWORD_MOST};
    struct str line;
    int r = read_file(&from, arena, &line);
    if (r < 0) {
        return r;
    }
    line = str_slice(line, 0, str_find(line, '\n', 0));
    line.n -= str_ends(line, STR("\r"));
    if (line.n == 0 || str_find(line, '\0', 0) < line.n) {
        return log_err(ERR_INVALID, "coditectd", "%s: the first line of %s is no password",
                       from.setting, path);
    }
    *ret_password = arena_str(arena, line).p;
    return 0;
}

static int read_files(const struct coditectd_settings *set, struct arena *arena,
                      struct mail_options *options)
{
    const struct from authorities = {"smtp.ca_file", set->smtp_ca_file, AUTHORITIES_MOST};
    int r = 0;
    if (set->smtp_password_file) {
        r = read_password(set->smtp_password_file, arena, &options->password);
    }
    if (r == 0 && set->smtp_ca_file) {
        r = read_file(&authorities, arena, &options->authorities);
    }
    return r;
}

int coditectd_mail_read(const struct coditectd_settings *set, struct arena *arena,
                        struct mail_options *ret_options)
{
    static const enum mail_tls tls[] = {
        [SETTING_SMTP_STARTTLS_REQUIRED] = MAIL_TLS_REQUIRED,
        [SETTING_SMTP_STARTTLS_NEVER] = MAIL_TLS_NEVER,
    };
    *ret_options = (struct mail_options){0};
    if (!set->smtp_url) {
        return 0;
    }
    struct mail_options options = {.url = set->smtp_url,
                                   .from = set->smtp_from,
                                   .user = set->smtp_user,
                                   .tls = tls[set->smtp_starttls],
                                   .retry = set->smtp_retry};
    if (!set->public_url) {
        return log_err(ERR_INVALID, "coditectd",
                       "smtp.url wants a public_url beside it: links in mails lead there");
    }
    if (!set->smtp_user != !set->smtp_password_file) {
        return log_err(ERR_INVALID, "coditectd",
                       "smtp.user and smtp.password_file are given together or not at all");
    }
    int r = mail_options_check(&options);
    r = r < 0 ? r : read_files(set, arena, &options);
    if (r == 0) {
        *ret_options = options;
    }
    return r;
}

int coditectd_mail_start(struct mail_options *options, struct store *store, struct auth *auth,
                         struct mail_sender **ret_sender)
{
    if (!options->url) {
        return 0;
    }
    options->store = store;
    options->compose = auth_letter;
    options->compose_ctx = auth;
    return mail_sender_start(options, ret_sender);
}
