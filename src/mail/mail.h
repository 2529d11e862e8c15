/*
 * Mail: what is to be told by e-mail waits in the store, written in the transaction that it tells of, and is sent by a thread that
 * nobody waits for, by SMTP.
 *
 * A record says what to tell and whom; its text is made at each try (mail_compose), so that links with secrets are never stored.
 */
#ifndef MAIL_MAIL_H
#define MAIL_MAIL_H

#include "data/data.h"

enum {
    MAIL_MAX_ADDRESS = 254,
    MAIL_MAX_SUBJECT = 200,  /* bytes */
    MAIL_MAX_TEXT = 16384,   /* bytes */
    MAIL_MAX_WAITING = 1000, /* that strangers asked for */
    MAIL_HOURS = 24,         /* until a message that nobody takes is given up */
    MAIL_GRACE_SECONDS = 2,  /* that a stop leaves to a message being handed over */
};

/* ---- The queue ---- */

struct mail_post {
    enum data_mail_kind kind;
    struct str email; /* normalised: ASCII without spaces or signs of control (asserted) */
    struct str tenant_id, user_id, invitation_id; /* that the text is about; empty: none */
    bool from_stranger;                           /* somebody who is not logged in asked for it */
};

/* Inside a store function: it is sent once this is kept. ERR_BUSY: from a stranger, and MAIL_MAX_WAITING wait. */
int mail_post_in(struct txn *txn, const struct mail_post *post) BASE_MUST_USE;

/* How many wait. */
int mail_waiting(struct store *store, uint64_t *ret_count) BASE_MUST_USE;

/* ---- The text ---- */

struct mail_letter {
    struct str subject; /* UTF-8, any; at most MAIL_MAX_SUBJECT */
    struct str text;    /* UTF-8, lines end with \n; at most MAIL_MAX_TEXT */
};

/*
 * Makes the text of a record, in arena, inside a store function, which may run more than once and may write: a link's hash. Runs
 * anew at each try. ERR_NOT_FOUND: there is nothing to tell (any more).
 */
struct mail_draft {
    struct txn *txn;
    struct arena *arena;
    const struct data_mail *mail;
};
typedef int mail_compose(void *ctx, const struct mail_draft *draft, struct mail_letter *ret_letter);

/* ---- The sender ---- */

enum mail_tls {
    MAIL_TLS_REQUIRED, /* STARTTLS, or nothing is said */
    MAIL_TLS_NEVER,    /* a server of this machine */
};

struct mail_options {
    struct store *store;
    mail_compose *compose;
    void *compose_ctx;
    const char *url;        /* smtp:// or smtps://, host, port */
    const char *from;       /* "coditect@example.com" or "Coditect <coditect@example.com>" */
    const char *user;       /* NULL: without a login */
    const char *password;   /* with user */
    struct str authorities; /* certificates as PEM; empty: of those that the machine trusts */
    enum mail_tls tls;      /* of smtp:// */
    usec_t retry;           /* after the first try that failed; later ones wait longer */
};

/* ERR_INVALID: url or from is malformed. Says which in the log. */
int mail_options_check(const struct mail_options *options) BASE_MUST_USE;

struct mail_sender;

/* Starts the thread; what options point to outlives it. ERR_INVALID (as above), ERR_BUSY: no thread. */
int mail_sender_start(const struct mail_options *options,
                      struct mail_sender **ret_sender) BASE_MUST_USE;

/*
 * Lets a message that is being handed over end, for MAIL_GRACE_SECONDS (and the second until libcurl looks). What is cut then stays
 * in the queue, and the next start sends it. NULL allowed.
 */
void mail_sender_stop(struct mail_sender *s);

struct mail_facts {
    uint64_t sent;
    uint64_t deferred; /* tries that failed and are made again */
    uint64_t failed;   /* messages given up: refused for good, or too old */
};
void mail_sender_facts(const struct mail_sender *s,
                       struct mail_facts *ret_facts); /* NULL: zeroes */

#endif
