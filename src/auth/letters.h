/* What auth.h says of links and mail; included by it. */
#ifndef AUTH_LETTERS_H
#define AUTH_LETTERS_H

#include "data/data.h"
#include "mail/mail.h"

struct auth;

/* ---- Another password for who forgot theirs ---- */

enum {
    AUTH_RESET_MINUTES = 30,
    AUTH_RESET_MAX = 200, /* bytes of a token */
};

struct auth_reset {
    struct str token; /* told this once */
    usec_t expires_at;
};

/*
 * A link for a member, in place of the one before. ERR_NOT_FOUND: nobody, or removed; ERR_FORBIDDEN: somebody above the caller;
 * ERR_CONFLICT: oneself.
 */
int auth_member_reset(struct data_context *ctx, struct str user_id,
                      struct auth_reset *ret_reset) BASE_MUST_USE;

/* The same from the operator of a server that runs, for anybody; ctx has no scope. ERR_NOT_FOUND: no such account; ERR_INVALID. */
int auth_console_reset(struct data_context *ctx, struct str email,
                       struct auth_reset *ret_reset) BASE_MUST_USE;

struct auth_reset_input {
    struct str token;
    struct str new_password;
};

/*
 * (hash) Uses the link up and ends all logins and API keys of the person; the second step stays. ERR_FORBIDDEN: it does not hold, which is
 * one answer whatever the cause; ERR_INVALID (field new_password); ERR_RATE_LIMITED.
 */
int auth_reset_use(struct auth *a, struct data_context *ctx,
                   const struct auth_reset_input *in) BASE_MUST_USE;

/*
 * Somebody wants a link by e-mail. The same answer after the same work whether or not the address has an account: what is told,
 * and whether, is found when the message is made. Letters of a kind come no more often than AUTH_LIMIT_MAIL, so that the newest
 * link always holds; what is above is dropped without a word. ERR_FORBIDDEN: no mail is sent here; ERR_INVALID (field email),
 * ERR_RATE_LIMITED (as registrations, in one bucket with them), ERR_BUSY.
 */
int auth_reset_ask(struct auth *a, struct data_context *ctx, struct str email) BASE_MUST_USE;

/* ---- Addresses that are confirmed (auth_register, auth_email_change) ---- */

/*
 * Until the link of a letter ends. An account's letter goes to whoever has the address, and says that there is one already if
 * so; the letters to an address are bounded as above.
 */
enum { AUTH_CONFIRM_HOURS = 24 };

/* The mail_compose of all that auth posts; ctx is the struct auth, made with mail_base. */
int auth_letter(void *ctx, const struct mail_draft *draft,
                struct mail_letter *ret_letter) BASE_MUST_USE;

#endif
