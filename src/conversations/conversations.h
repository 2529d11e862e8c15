/*
 * Conversations of a session and their messages, as plain records: who said what, in order. Life of a conversation: create,
 * list, get, rename, delete, restore within 30 days, purge; and all of it when its session is purged. A message is written
 * once and never changed.
 *
 * A conversation belongs to the person whose session it is in; for everybody else, and while the session is deleted, it is the
 * same ERR_NOT_FOUND as an id that never was. All calls act for ctx->scope, a logged-in user's; results live in ctx->arena; each
 * write is one transaction under ctx->op, with its audit record and an event on the tenant's feed. Errors of store_read and
 * store_write may come from every function and are not repeated.
 */
#ifndef CONVERSATIONS_CONVERSATIONS_H
#define CONVERSATIONS_CONVERSATIONS_H

#include "data/data.h"

enum {
    CONVERSATIONS_MAX = 1000,           /* of a session, not deleted */
    CONVERSATIONS_MAX_MESSAGES = 10000, /* of a conversation */
    CONVERSATIONS_MAX_TEXT = 61440,     /* bytes of a message */
    CONVERSATIONS_MAX_JSON =
        65536, /* bytes of a message's text as a JSON string, escapes and quotes included */
    CONVERSATIONS_RESTORE_DAYS = 30,
};

/* A conversation with what is joined when it is read. */
struct conversations_view {
    struct data_conversation conversation;
    uint64_t messages;
    uint64_t bytes; /* of their texts; they count as storage of the tenant */
};

struct conversations_create_input {
    struct str session_id;
    struct str name; /* as data_text_name wants it */
};

/*
 * ERR_NOT_FOUND: the person has no such session. ERR_INVALID (field name), ERR_LIMIT. A repeated ctx->op gives the same
 * conversation.
 */
int conversations_create(struct data_context *ctx, const struct conversations_create_input *in,
                         struct conversations_view *ret_view) BASE_MUST_USE;

enum conversations_sort {
    CONVERSATIONS_BY_ACTIVITY, /* the latest message or change first */
    CONVERSATIONS_BY_CREATED,  /* the newest first */
    CONVERSATIONS_BY_NAME,     /* a to z, whatever the case */
};

/* In another order than that of activity the latest so many are looked at: more than a session has, deleted aside. */
enum { CONVERSATIONS_MAX_GATHERED = 2000 };

struct conversations_list_input {
    struct str session_id; /* empty: of all the person's sessions that are not deleted */
    size_t limit;          /* 1 to DATA_MAX_LIST */
    struct str cursor;     /* empty: from the first */
    struct str words;      /* only those with this in their name, whatever the case; empty: all */
    bool deleted;          /* those that can be restored, instead of the others */
    enum conversations_sort sort;
    bool reverse;
};

struct conversations_page {
    struct conversations_view *at;
    size_t n;
    struct str next; /* cursor; empty at the end */
    int64_t total;   /* of one session without words, or gathered whole; -1: nobody counted */
};

/*
 * In the order of activity a page may hold fewer than there are, even none, while there are more: each call looks
 * at a thousand. ERR_NOT_FOUND: the person has no such session. ERR_INVALID: a bad cursor.
 */
int conversations_list(struct data_context *ctx, const struct conversations_list_input *in,
                       struct conversations_page *ret_page) BASE_MUST_USE;

/* Deleted ones are found too while they can be restored. ERR_NOT_FOUND. */
int conversations_get(struct data_context *ctx, struct str id,
                      struct conversations_view *ret_view) BASE_MUST_USE;

/* ERR_NOT_FOUND (also: deleted), ERR_INVALID (field name), ERR_PRECONDITION: revision is neither 0 nor its. */
struct conversations_rename_input {
    struct str name;
    int64_t revision;
};
int conversations_rename(struct data_context *ctx, struct str id,
                         const struct conversations_rename_input *in,
                         struct conversations_view *ret_view) BASE_MUST_USE;

/* Soft: it disappears from lists and takes no messages. Twice is harmless. ERR_NOT_FOUND, ERR_PRECONDITION. */
int conversations_delete(struct data_context *ctx, struct str id, int64_t revision,
                         struct conversations_view *ret_view) BASE_MUST_USE;

/* Harmless when it is not deleted. ERR_NOT_FOUND (also: after 30 days), ERR_LIMIT. */
int conversations_restore(struct data_context *ctx, struct str id,
                          struct conversations_view *ret_view) BASE_MUST_USE;

/* ---- Messages ---- */

struct conversations_append_input {
    enum data_message_role role;
    struct str content; /* 1 to CONVERSATIONS_MAX_TEXT bytes of UTF-8, whatever characters */
};

/*
 * Behind all that are there: seq is 1 more than the last one's. ERR_NOT_FOUND (also: deleted), ERR_INVALID (field content),
 * ERR_LIMIT, ERR_QUOTA. A repeated ctx->op gives the same message.
 */
int conversations_append(struct data_context *ctx, struct str id,
                         const struct conversations_append_input *in,
                         struct data_message *ret_message) BASE_MUST_USE;

struct conversations_messages_input {
    size_t limit;      /* 1 to DATA_MAX_LIST */
    struct str cursor; /* empty: from the first */
    bool reverse;      /* the last first */
};

struct conversations_messages {
    struct data_message *at;
    size_t n;
    struct str next;
    int64_t total;
};

/* In the order of seq. Long messages make a page shorter than limit. ERR_NOT_FOUND, ERR_INVALID: a bad cursor. */
int conversations_messages(struct data_context *ctx, struct str id,
                           const struct conversations_messages_input *in,
                           struct conversations_messages *ret_messages) BASE_MUST_USE;

/* ---- The end ---- */

/*
 * A duty: conversations that cannot be restored any more go, until the deadline (of time_monotonic). *ret_more: not all. ERR_CORRUPT,
 * ERR_NEWER: one cannot be read and stays, which is logged; the others went.
 */
int conversations_purge(struct store *store, usec_t deadline, bool *ret_more) BASE_MUST_USE;

/* Some of what a session has of them goes, in the transaction of who purges the session. *ret_more: call again. */
int conversations_purge_session(struct txn *txn, const struct scope *scope, struct str session,
                                bool *ret_more) BASE_MUST_USE;

/* A data_judge: a conversation's counters say what its messages come to. Not asked of one that goes. */
int conversations_judge(const struct data_found *found, const char **ret_fault) BASE_MUST_USE;

#endif
