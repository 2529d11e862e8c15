/* Inside mail/: the queue's store functions, the form of a message, one SMTP exchange. */
#ifndef MAIL_MAIL_INT_H
#define MAIL_MAIL_INT_H

#include <stdatomic.h>

#include "base/buf.h"
#include "mail/mail.h"

/* data_key_bell of this name is rung when there is something to send. */
#define MAIL_BELL "mail"

/* How long a message is the sender's that took it; longer than an SMTP exchange may last. */
#define MAIL_LEASE (60 * USEC_PER_SEC)

/* ---- queue.c ---- */

enum mail_turn {
    MAIL_TURN_NONE,    /* nothing is due: wait until `due` */
    MAIL_TURN_SEND,    /* mail and letter are for the caller to send, then to end or to put back */
    MAIL_TURN_DROPPED, /* there was nothing to tell */
    MAIL_TURN_OLD,     /* nobody took it for MAIL_HOURS */
};

struct mail_taken {
    enum mail_turn turn;
    usec_t due; /* 0: nothing waits */
    struct data_mail mail;
    struct mail_letter letter;
};

/* The first that is due; results in arena. */
int mail_queue_take(const struct mail_options *o, struct arena *arena,
                    struct mail_taken *ret_taken) BASE_MUST_USE;

/* It was taken, or refused for good. Nothing happens when somebody else has it by now; so with the next. */
int mail_queue_end(struct store *store, const struct data_mail *mail) BASE_MUST_USE;

/* It is tried again later. */
int mail_queue_put_back(const struct mail_options *o, const struct data_mail *mail) BASE_MUST_USE;

/* ---- message.c ---- */

/* An address with a name before it, as settings have it; both borrow from text. */
struct mail_box {
    struct str name; /* may be empty */
    struct str address;
};

/* ERR_INVALID: no address of visible ASCII with one '@', or a name with signs of control. */
int mail_box_read(struct str text, struct mail_box *ret_box) BASE_MUST_USE;

struct mail_message {
    struct mail_box from;
    struct str to;
    struct str id; /* of the record: the same at each try */
    usec_t at;
    struct mail_letter letter;
};

/* RFC 5322 with MIME (RFC 2045, 2047). Whatever the texts hold, no line of the head begins in one of them. */
void mail_message_write(struct buf *out, const struct mail_message *message);

/* ---- smtp.c ---- */

enum mail_result {
    MAIL_SENT,
    MAIL_LATER,   /* nobody answered, or asked to come back, or the fault is ours to mend */
    MAIL_REFUSED, /* this message, for good */
};

struct mail_exchange {
    const struct mail_options *options;
    struct str from, to;
    struct str message;
    const _Atomic int64_t
        *cut_at;   /* by the monotonic clock, in microseconds; 0 there: it may go on */
    char why[256]; /* result, when it was not sent: for the log, without addresses */
};
enum mail_result mail_smtp_send(struct mail_exchange *x);

/* Whether the text is the address of an SMTP server. */
bool mail_smtp_url_fits(const char *url);

#endif
