#include "coditectd/mail.h"

#include "base/log.h"
#include "coditectd/given.h"

enum { PASSWORD_MOST = 1000, AUTHORITIES_MOST = 1 << 20 };

static int read_files(const struct coditectd_settings *set, struct arena *arena,
                      struct mail_options *options)
{
    const struct coditectd_given password = {"smtp.password_file", set->smtp_password_file,
                                             PASSWORD_MOST};
    const struct coditectd_given authorities = {"smtp.ca_file", set->smtp_ca_file,
                                                AUTHORITIES_MOST};
    int r = 0;
    if (set->smtp_password_file) {
        r = coditectd_given_secret(&password, arena, &options->password);
    }
    if (r == 0 && set->smtp_ca_file) {
        r = coditectd_given_read(&authorities, arena, &options->authorities);
    }
    return r;
}

int coditectd_mail_check(const struct coditectd_settings *set)
{
    return set->registration_confirm && !set->smtp_url
               ? log_err(ERR_INVALID, "coditectd",
                         "registration.confirm wants smtp.url: addresses are confirmed by letters")
               : 0;
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
