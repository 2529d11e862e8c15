/* Inside conversations/: what store functions here begin and end with. */
#ifndef CONVERSATIONS_CONVERSATIONS_INT_H
#define CONVERSATIONS_CONVERSATIONS_INT_H

#include "conversations/conversations.h"
#include "sessions/sessions.h"

static inline bool conversations_is_over(const struct data_conversation *conversation, usec_t now)
{
    return conversation->deleted &&
           now - conversation->deleted_at >=
               (usec_t)CONVERSATIONS_RESTORE_DAYS * 24 * 60 * 60 * USEC_PER_SEC;
}

/* The caller's, in a session that is not deleted; also a deleted one that can be restored. ERR_NOT_FOUND. */
int conversations_own(struct txn *txn, const struct scope *scope, struct str id,
                      struct data_conversation *ret_conversation) BASE_MUST_USE;

/* Writes it as changed now (revision, time). */
int conversations_changed(struct txn *txn, const struct scope *scope,
                          struct data_conversation *conversation) BASE_MUST_USE;

/* How many messages it has. */
int conversations_length(struct txn *txn, const struct scope *scope, struct str id,
                         uint64_t *ret_count) BASE_MUST_USE;

#endif
