/* What the settings say of mail. */
#ifndef CODITECTD_MAIL_H
#define CODITECTD_MAIL_H

#include "auth/auth.h"
#include "base/arena.h"
#include "coditectd/config.h"
#include "mail/mail.h"

/* What asks for mail where none is sent, said in the log: ERR_INVALID. */
int coditectd_mail_check(const struct coditectd_settings *set) BASE_MUST_USE;

/*
 * Before rights are given up, since the files may be root's alone: reads them into arena, and judges all that is set.
 * url stays NULL when no mail is to be sent. What is wrong is logged: ERR_INVALID, or why a file cannot be read.
 */
int coditectd_mail_read(const struct coditectd_settings *set, struct arena *arena,
                        struct mail_options *ret_options) BASE_MUST_USE;

/* Starts what sends auth's letters; *ret_sender stays when none are to be sent. options, store and auth outlive it. */
int coditectd_mail_start(struct mail_options *options, struct store *store, struct auth *auth,
                         struct mail_sender **ret_sender) BASE_MUST_USE;

#endif
