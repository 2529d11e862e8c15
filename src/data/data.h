/*
 * Data: who may see what (the scope), the keys of everything that is stored, and the records of spec/records.yaml with
 * their codec, their indexes and the checker. The only place that builds keys.
 *
 * The tenant wall: every key below t/{tenant}/ is built from a scope, and a scope comes from authentication or from a
 * global index alone. An id of another tenant therefore names a key that does not exist: ERR_NOT_FOUND, as for any id.
 *
 * Functions that take a txn run inside a store function: results borrow from store_arena(txn) until it ends; copy what
 * must live longer with data_x_copy into ctx->arena. Everything here is stateless and safe on any thread.
 */
#ifndef DATA_DATA_H
#define DATA_DATA_H

#include "base/vec.h"
#include "store/store.h"

#include "permissions.gen.h"
#include "records.gen.h"

enum {
    DATA_ID_SIZE = 30,      /* bytes of an id: three letters, hyphen, 26 digits of base32 */
    DATA_ID_ROOM = 31,      /* with a NUL */
    DATA_MAX_LIST = 100,    /* records in a page */
    DATA_MAX_CURSOR = 1024, /* bytes of a cursor */
    DATA_MAX_NAME = 255,    /* bytes of the last part of a key */
    DATA_MAX_EVENT = STORE_MAX_EVENT,
    DATA_FEED_MAX = 64, /* bytes of a feed's name */
    DATA_DIGEST_SIZE = 32,
};

/*
 * Whose request this is. Empty ids: nobody is logged in. With link_session it is nobody's: whoever has a link reads that session.
 * Such a scope makes the keys of the session's record and files, of content and of the tenant's settings, and no others; nothing
 * is written in it. Another record is ERR_NOT_FOUND, a list, a count or a change of records ERR_FORBIDDEN; other keys are asserted.
 */
struct scope {
    struct str tenant_id;
    struct str user_id;
    struct str login_id;
    struct str link_session; /* user_id and login_id are empty then */
    enum data_role role;     /* valid when user_id is not empty */
};

/* Whether the table says so (x-permissions of spec/openapi.yaml). Nobody's role, 0, may nothing. */
bool data_may(enum data_role role, enum data_permission permission);

/* Whether it is for what is the tenant's, whoever made it (the rows tenant.…), and not for one's own alone. */
bool data_may_all(enum data_permission permission);

/* What the person did wrong, for the reply: set together with the error code, static or in ctx->arena. */
struct data_fault {
    struct str field;       /* the input's member, empty when none is to blame */
    struct str message;     /* one sentence; empty: the error's own text is good enough */
    int64_t retry_after_ms; /* with ERR_RATE_LIMITED */
};

/* By how much of what the request was counted, for the RateLimit-* headers. */
struct data_limit {
    uint32_t limit; /* 0: by nothing */
    uint32_t remaining;
    int64_t reset_ms;
};

/* Facts about the caller, for devices, limits and the audit log; all may be empty. */
struct data_client {
    struct str address;    /* IP address in text, <= 64 bytes */
    struct str user_agent; /* longer ones are cut at 200 bytes */
    struct str request_id; /* <= 64 bytes */
    struct str key_id;     /* of the API key that it came with */
    struct str link_id;    /* of the link to a session that it is about, or came by */
    struct str update;     /* the noun of what it updates, "session" */
    struct str fields;     /* names of what it sets there, "name,role", <= 400 bytes */
    bool nobody; /* the server by itself or its operator, in the scope of whom it is about */
};

/* How much there may be; 0: no limit. */
struct data_quota {
    uint64_t session;  /* bytes of a session's files */
    uint64_t home;     /* of a person's home */
    uint64_t tenant;   /* bytes of all trees of a tenant */
    uint64_t stored;   /* bytes of a tenant's content with all its history */
    uint64_t members;  /* of a tenant, as the following */
    uint64_t sessions; /* not deleted */
    uint64_t running;  /* workspaces that are wanted running */
    uint64_t requests; /* a minute and person, as the following; 0: what spec/openapi.yaml says */
    uint64_t file_requests;
    uint64_t socket_requests;
    uint64_t own_running; /* of the person; 0: SESSIONS_MAX_RUNNING */
};

/* Asked in a transaction that writes: what it says below 0 is what the writing comes to. NULL: nobody asks. */
struct data_guard {
    int (*still)(struct txn *txn, void *ctx);
    void *ctx;
};

/* One request. Made by api/ (or a test, or a duty), used by one thread. */
struct data_context {
    struct store *store;
    struct arena *arena; /* all results live here */
    struct scope scope;  /* filled by auth_authenticate; its strings live in arena */
    struct data_client client;
    struct store_op op;               /* identity of the request's one write */
    bool digested;                    /* op came with a digest of the request: */
    uint8_t digest[DATA_DIGEST_SIZE]; /* the same op with another digest is ERR_CONFLICT */
    const struct data_quota *quota;   /* for what this request writes; NULL: none */
    struct data_guard guard;          /* of a request that takes its time: data_still */
    struct data_fault fault;          /* see above; meaningful after a failure only */
    struct data_limit limit;          /* set by auth_limit_request */
    const int64_t *others; /* revisions that If-Match names beside the one that a call is given */
    size_t other_count;
};

/* Whether a record of revision `is` may be changed by who asked for `wanted` (If-Match; 0: whatever), or for one of ctx->others. */
bool data_matches(const struct data_context *ctx, int64_t wanted, int64_t is);

/* Sets ctx->fault and returns code: return data_fault(ctx, ERR_INVALID, "name", "The name is empty."); */
int data_fault(struct data_context *ctx, int code, const char *field,
               const char *message) BASE_MUST_USE;

/* ---- Ids: sortable DNS labels, "ses-" + 48 bits of milliseconds + 80 random bits, Crockford's base32 in lower case ---- */

/* prefix: three lower-case letters, one of spec/records.yaml. Returns the text in id. */
struct str data_id_new(char ret_id[static DATA_ID_ROOM], const char *prefix);

/* A new id in the arena. */
struct str data_id_make(struct arena *arena, const char *prefix);

/* Whether text is a well-formed id of this prefix. What comes from a client is asked before it becomes part of a key. */
bool data_id_is(struct str text, const char *prefix);

/* Whose files a tree of files/ holds: a session's, or, by the person's id, a home. */
static inline bool data_is_tree(struct str id)
{
    return data_id_is(id, "ses") || data_id_is(id, "usr");
}

/* ---- Text from people ---- */

/* The first max bytes at most, never ending inside a character; empty when that is not UTF-8. */
struct str data_text_cut(struct str text, size_t max);

/* Code points. */
size_t data_text_length(struct str utf8);

enum { DATA_NAME_MAX = 100 }; /* characters */

/*
 * A name as shown to people: text without spaces around it, in ctx->arena; 1 (optional: 0) to DATA_NAME_MAX characters,
 * UTF-8 without control characters (U+0000 to 1F, 7F to 9F). ERR_INVALID with the fault on field.
 */
struct data_name_rule {
    const char *field;
    bool optional;
};
int data_text_name(struct data_context *ctx, const struct data_name_rule *rule, struct str text,
                   struct str *ret_name) BASE_MUST_USE;

/* As it is compared by search and sort, in the arena: without upper case, composed. utf8 is well-formed. */
struct str data_text_fold(struct arena *arena, struct str utf8);

/* Whether the folded text has these folded words in it, as they stand. Empty words are in every text. */
bool data_text_has(struct str folded, struct str words);

/* ---- Keys ---- */

/*
 * t/{tenant}/{space}/{part}/{part}…, in the arena: DATA_KEY(arena, scope, DATA_SPACE_ENTRY, session, dir, name). Asserts
 * that the scope has a tenant, that no part but the last contains '/' or is empty, and that the key is legal; the last part
 * may be any bytes (a file name). Numbers are parts made by data_key_number.
 */
#define DATA_KEY(arena, scope, space, ...) \
    data_key((arena), (scope), (space), DATA_KEY_PARTS(/* prefix= */ false, __VA_ARGS__))

/* As DATA_KEY, ended by '/': where a scan of everything below begins; it ends at store_after(arena, prefix). */
#define DATA_PREFIX(arena, scope, space, ...) \
    data_key((arena), (scope), (space), DATA_KEY_PARTS(/* prefix= */ true, __VA_ARGS__))

struct data_key_parts {
    struct str at[6];
    size_t n;
    bool prefix; /* all parts are plain, and a '/' ends them */
};
#define DATA_KEY_PARTS(is_prefix, ...) \
    &(struct data_key_parts) \
    { \
        .at = {__VA_ARGS__}, .n = sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str), \
        .prefix = (is_prefix) \
    }
struct str data_key(struct arena *arena, const struct scope *scope, enum data_space space,
                    const struct data_key_parts *parts);

/* 16 hexadecimal digits, so that byte order is the order of numbers. data_key_number_read: ERR_INVALID. */
struct str data_key_number(struct arena *arena, uint64_t number);
int data_key_number_read(struct str text, uint64_t *ret_number) BASE_MUST_USE;
/* The one that a key of the store ends with. ERR_CORRUPT: it ends with none. */
int data_key_number_last(struct str key, uint64_t *ret_number) BASE_MUST_USE;

/* g/key/{name}: the server's own secrets (auth). name: lower-case letters and hyphens. */
struct str data_key_secret(struct arena *arena, const char *name);

/* g/bell/{name}: written by who has work for a duty, watched by the duty. */
struct str data_key_bell(struct arena *arena, const char *name);

/*
 * The queue of content that nothing names, over all tenants, by the hour in which an upload last had it: g/loose/{hour}/
 * {tenant}/{hash}, empty values. Only files/ writes it; hash is text of lower-case letters and digits.
 */
struct data_loose {
    struct scope scope; /* tenant only */
    uint64_t hour;      /* since 1970 */
    struct str hash;
};
struct str data_key_loose(struct arena *arena, const struct data_loose *loose);

/* Those of hours before `before`, oldest first, at most DATA_MAX_LIST; a key that is damaged is passed over. */
int data_loose_list(struct txn *txn, uint64_t before, struct data_loose **ret_loose,
                    size_t *ret_count) BASE_MUST_USE;

/*
 * The house: the tenant that nobody belongs to, below which lies what is no tenant's: waiting mail, refusals of strangers, turns of keys.
 * data_house_in: first in a transaction that puts something there.
 */
extern const struct scope data_house;
bool data_is_house(struct str tenant_id);
int data_house_in(struct txn *txn) BASE_MUST_USE;

/* The time that deletions by age go by (clock.c): the clock's, also where no server ever ran, or an earlier one when it has leapt ahead. */
int data_clock_get(struct txn *txn, usec_t *ret_now) BASE_MUST_USE;

/* Brings it nearer to the clock, by at most so much; the first time to the clock's. *ret_behind: how far it is off then. */
int data_clock_follow(struct store *store, usec_t most, usec_t *ret_behind) BASE_MUST_USE;

/* The first tenant behind the id `after` (empty: the first of all) that anything is stored of. ERR_NOT_FOUND: none. */
int data_tenant_next(struct txn *txn, struct str after, struct str *ret_tenant) BASE_MUST_USE;

/* Of t/{tenant}/…: whose it is. */
bool data_key_tenant(struct str key, struct str *ret_tenant);

/*
 * Whether a pair goes with the tenant when it moves to another store: its record, what else lies within it, or what lies outside
 * and names it alone (value is looked at). Logins do not go: their tokens are this server's.
 */
enum data_belonging { DATA_ALIEN, DATA_OWN, DATA_OWN_ABROAD, DATA_OWN_RECORD };
enum data_belonging data_key_belongs(struct str tenant, struct str key, struct str value);

/* Deletes all that lies within the scope's tenant, of which nothing outside may be left that names it. */
void data_tenant_clear(struct txn *txn, const struct scope *scope);

/* Names of the feeds: tenant/{tenant} and session/{session}; a person's home tree has one too, by the person's id. */
struct str data_feed_tenant(struct arena *arena, const struct scope *scope);
struct str data_feed_session(struct arena *arena, struct str tree_id);

/* The first feed in the store whose name comes behind after (empty: the first of all). ERR_NOT_FOUND: there is none. */
int data_feed_next(struct txn *txn, struct str after, struct str *ret_feed) BASE_MUST_USE;

/* ---- Records ----
 *
 * For every record X of spec/records.yaml, records.gen.h declares struct data_X and
 *   data_X_get(txn, scope, id, ret)      ERR_NOT_FOUND (also: id is malformed), ERR_CORRUPT, ERR_NEWER
 *   data_X_put(txn, scope, record)       creates or replaces, with index entries; sets record->reply. ERR_EXISTS: a unique
 *                                        value is another record's. Fields are asserted to lie within their bounds.
 *   data_X_delete(txn, scope, id)        with index entries. ERR_NOT_FOUND
 *   data_X_list(txn, scope, query, ret)  a page in the order of an index; ERR_INVALID: a bad cursor. An entry whose record is
 *                                        gone (which the checker finds) is logged and passed over
 *   data_X_copy(arena, record)           deep, into another arena: record's own strings are replaced
 * record.reply: the public fields as a JSON object, as stored; a reply copies it.
 */

/* Whose the record of this id is, where records of its kind are each one person's. ERR_NOT_FOUND (also: they are not). */
int data_owner(struct txn *txn, const struct scope *scope, struct str id,
               struct str *ret_user_id) BASE_MUST_USE;

struct data_query {
    unsigned index;    /* DATA_SESSION_BY_USER …; the order of ids: DATA_BY_ID */
    const void *match; /* a struct data_X: its first `fixed` index fields must be equal */
    unsigned fixed;
    size_t limit;      /* 1 to DATA_MAX_LIST */
    struct str cursor; /* empty, or next of the page before; from a client */
    bool reverse;      /* largest first */
    bool pass_over; /* for duties: a record that cannot be read is left out, as data_places does */
    bool *ret_passed; /* set to true when something was left out; NULL: never mind */
};

/* What reading a record answers that is damaged, or that a newer program wrote: the checker tells; a duty leaves it and goes on. */
static inline bool data_unreadable(int r)
{
    return r == ERR_CORRUPT || r == ERR_NEWER;
}

/* The cursor of a reversed list by id that begins with what was made in the millisecond of until, or before. */
struct str data_cursor_until(struct arena *arena, const char *prefix, usec_t until);

/* The scope (tenant and, for a user record, user) and id of the one record with this value of a global unique index. */
int data_user_by_email(struct txn *txn, struct str email,
                       struct scope *ret_scope) BASE_MUST_USE; /* ERR_NOT_FOUND */
int data_apikey_by_id(struct txn *txn, struct str key_id,
                      struct scope *ret_scope) BASE_MUST_USE; /* ERR_NOT_FOUND */
int data_link_by_id(struct txn *txn, struct str link_id,
                    struct scope *ret_scope) BASE_MUST_USE; /* ERR_NOT_FOUND */
struct data_place;
int data_identity_by_subject(struct txn *txn, const struct data_identity *match,
                             struct data_place *ret_place) BASE_MUST_USE; /* ERR_NOT_FOUND */
int data_login_by_id(struct txn *txn, struct str login_id,
                     struct scope *ret_scope) BASE_MUST_USE; /* ERR_NOT_FOUND */

/* How many records a query of an index matches, at most query->limit (1 to STORE_MAX_SCAN); none is read. */
struct data_count_of {
    const struct scope *scope;
    const struct data_type *type;
};
int data_count(struct txn *txn, const struct data_count_of *of, const struct data_query *query,
               size_t *ret_count) BASE_MUST_USE;

/* The same of a counted index, by as many fields as it is counted by: exact, in one read. cursor and limit mean nothing. */
int data_counted(struct txn *txn, const struct data_count_of *of, const struct data_query *query,
                 uint64_t *ret_count) BASE_MUST_USE;

/* What a global, not unique index names: for duties that work across tenants. */
struct data_place {
    struct scope scope; /* tenant only */
    struct str id;
    struct str cursor;
    const void *record; /* a struct data_X, as it is now; NULL from data_identity_by_subject */
};

/*
 * As data_X_list, with the same query. Records that cannot be read are passed over, which is logged: no tenant's damage keeps a duty from
 * the others. ret_count < limit: the end.
 */
int data_places(struct txn *txn, const struct data_type *type, const struct data_query *query,
                struct data_place **ret_places, size_t *ret_count) BASE_MUST_USE;

/*
 * A page of a list in an order that no index has: its records are gathered in memory and sorted by a key, each its own, since it
 * ends with an id. The cursor is a key, so a place that records coming and going do not move.
 */
struct data_gather {
    const struct scope *scope;
    const struct data_type *type;
    struct data_query
        query;   /* which are looked at, in which order; its limit and cursor mean nothing */
    size_t most; /* are looked at: the first of the query, whole pages of DATA_MAX_LIST */
    /* *ret_key stays empty when the record, a struct data_X, is not wanted. At most DATA_PICK_KEY bytes. */
    int (*key)(struct txn *txn, void *ctx, const void *record, struct str *ret_key);
    void *ctx;
    struct arena *arena; /* of the next cursor */
    size_t limit;
    struct str cursor; /* empty, or next of the page before; from a client */
    bool reverse;      /* largest first */
};
struct data_gathered {
    const void **at; /* the page's records, in the transaction's arena */
    size_t n;
    struct str next; /* cursor; empty at the end */
    int64_t total;   /* -1: not all were looked at */
};
enum { DATA_PICK_KEY = 2048 };

/* ERR_INVALID: a bad cursor; and what key returns. */
int data_gather(struct txn *txn, const struct data_gather *in,
                struct data_gathered *ret_gathered) BASE_MUST_USE;

/* Such keys: by a moment, or by a text as data_text_fold makes it, a shorter one first (none has a zero byte). In the arena. */
struct str data_pick_by_time(struct arena *arena, usec_t at, struct str id);
struct str data_pick_by_text(struct arena *arena, struct str folded, struct str id);

/* ---- Counters of a session's files, kept by files/, shown by sessions/ ---- */

struct data_usage {
    uint64_t seq;   /* the latest change */
    uint64_t files; /* files and links */
    uint64_t bytes; /* the sum of their sizes */
};

/* All 0 when nothing was ever changed. */
int data_usage_get(struct txn *txn, const struct scope *scope, struct str session_id,
                   struct data_usage *ret_usage) BASE_MUST_USE;
void data_usage_put(struct txn *txn, const struct scope *scope, struct str session_id,
                    const struct data_usage *usage);

/*
 * The bytes of all trees of a tenant. The number is kept from the day on that a limit for tenants is set (files/ writes it);
 * before, data_usage_total sums it. data_usage_kept: ERR_NOT_FOUND when none is kept. data_usage_sum: whatever is kept.
 */
int data_usage_total(struct txn *txn, const struct scope *scope, uint64_t *ret_bytes) BASE_MUST_USE;
int data_usage_kept(struct txn *txn, const struct scope *scope, uint64_t *ret_bytes) BASE_MUST_USE;
int data_usage_sum(struct txn *txn, const struct scope *scope, uint64_t *ret_bytes) BASE_MUST_USE;
void data_usage_keep(struct txn *txn, const struct scope *scope, uint64_t bytes);
void data_usage_delete(struct txn *txn, const struct scope *scope, struct str session_id);

/* ---- What happened ---- */

/*
 * Appends an audit record in the same transaction. action: "session.create"; target: an id or empty. Also an event
 * {"kind":action,"id":target} on the tenant's feed.
 */
int data_audit(struct txn *txn, const struct data_context *ctx, const char *action,
               struct str target, enum data_outcome outcome) BASE_MUST_USE;

/*
 * Appends an audit record of calls that changed nothing, in a transaction of their own: no event. action: "request.deny";
 * route: what was called, an operationId, empty of wrong passwords and codes; count: how often.
 */
struct data_calls {
    const char *action;
    struct str route, target;
    enum data_outcome outcome;
    int64_t count;
};
int data_audit_calls(struct txn *txn, const struct data_context *ctx,
                     const struct data_calls *calls) BASE_MUST_USE;

/* What happened, for the feeds: a few words, whose details are elsewhere. */
struct data_event {
    const char *kind;
    struct str id;         /* of what it happened to */
    struct str session_id; /* in whose feed it is told, too; empty: the tenant's alone */
    const char *state;     /* what that came to be in; NULL: nothing of the kind */
};

/* {"kind","id","state"?} on the feeds of the tenant and, when session_id is not empty, of the session. */
void data_event(struct txn *txn, const struct scope *scope, const struct data_event *event);

/*
 * First in the transaction that ends what may have taken its time (an upload, a step of an archive, a fork): whether who asked for it
 * may still do it.
 */
int data_still(struct txn *txn, const struct data_context *ctx) BASE_MUST_USE;

/* ---- Operations that a client repeats ----
 *
 * First line of the store function of every create:
 *     int r = data_replay(txn, ctx, &found, &text); if (r < 0 || found) { … answer from text … }
 * and last line: data_remember(txn, ctx, text), where text (<= 1 KiB) is enough to answer again: usually the new id.
 */
int data_replay(struct txn *txn, const struct data_context *ctx, bool *ret_found,
                struct str *ret_text)
    BASE_MUST_USE; /* ERR_CONFLICT: the same key came with another request */
void data_remember(struct txn *txn, const struct data_context *ctx, struct str text);

/* ---- Versions of records ---- */

/* What a later program left in the store. */
struct data_newer {
    char record[64];        /* as much of its name; "": nothing */
    uint64_t stored, known; /* known 0: not even its name */
};

/*
 * For whoever opens a store to use it, before anything else: notes the versions that will be written to it. ERR_NEWER: it has records
 * of a version that this program does not know, and ret_newer says which; nothing was written.
 */
int data_schema_take(struct store *store, struct data_newer *ret_newer) BASE_MUST_USE;

/* What the checker asks the owner of a key about: data/check.h. */
struct data_found;

#endif
