/*
 * Sessions: where a person works. Life: create, list, get, rename, open, pause, delete, restore within 30 days. Projects: names
 * that sessions may stand under.
 *
 * A session belongs to one user; for everybody else, inside and outside the tenant, it is the same ERR_NOT_FOUND as an id
 * that never was. All calls act for ctx->scope, which must be a logged-in user's; results live in ctx->arena; each write
 * is one transaction under ctx->op, with its audit record and an event on the feeds. Errors of store_read and store_write
 * may come from every function and are not repeated.
 *
 * The workspace is a record of its own (struct data_workspace): here what is wanted is written (desired, generation);
 * workspaces/ makes it so and writes what is.
 */
#ifndef SESSIONS_SESSIONS_H
#define SESSIONS_SESSIONS_H

#include "base/json.h"
#include "data/data.h"

enum {
    SESSIONS_NAME_MAX = 100,      /* characters */
    SESSIONS_MAX_PER_USER = 1000, /* not deleted ones */
    SESSIONS_MAX_RUNNING =
        4, /* workspaces of a person that are wanted running, unless the quota says */
    SESSIONS_RESTORE_DAYS = 30,
};

/* data_key_bell of this name is rung when a workspace is wanted otherwise than before. */
#define SESSIONS_BELL "workspaces"

/* The same, when a fork is to be copied. */
#define SESSIONS_FORK_BELL "forks"

/* To whoever wants to open or change a session that is not whole yet (ERR_CONFLICT). */
#define SESSIONS_FORKING_TEXT "It is still being copied. Try again in a moment."

/* A session with what is joined when it is read. */
struct sessions_view {
    struct data_session session;
    struct data_workspace workspace;
    struct data_usage usage;
};

struct reply_session;

/*
 * Fills and ends the API's session object. ide_url: where the browser finds its IDE, in full; empty: none now (api/ knows the settings,
 * and that only a running workspace has one).
 */
void sessions_write(struct reply_session reply, const struct sessions_view *view,
                    struct str ide_url);

struct sessions_create_input {
    struct str name; /* 1 to 100 characters after trimming; UTF-8 without control characters */
    struct str project_id; /* empty, or one of the person's: else ERR_INVALID */
    struct str git_url;    /* of the repository that it begins with, see below; empty: none */
    struct str git_branch; /* or tag; empty: the repository's own choice */
    bool plain_http;       /* http:// is taken, too */
};

/* ERR_INVALID (field name, project_id, git_url, git_branch), ERR_LIMIT (SESSIONS_MAX_PER_USER, the tenant's quota). A repeated ctx->op gives the same session. */
int sessions_create(struct data_context *ctx, const struct sessions_create_input *in,
                    struct sessions_view *ret_view) BASE_MUST_USE;

enum sessions_sort {
    SESSIONS_BY_ACTIVITY, /* the latest first */
    SESSIONS_BY_CREATED,  /* the newest first */
    SESSIONS_BY_NAME,     /* a to z, whatever the case */
};

/* Searched, or in another order than that of activity, the latest so many are looked at: more than a person has, deleted
 * aside; of a tenant only by name, since there is an order of making for all. total: -1 where there were more. */
enum { SESSIONS_MAX_GATHERED = 2000 };

struct sessions_list_input {
    size_t limit;          /* 1 to DATA_MAX_LIST */
    struct str cursor;     /* empty: from the first */
    bool deleted;          /* those that can be restored, instead of the others */
    struct str project_id; /* only those in it; empty: all */
    struct str words;      /* only those with this in their name, whatever the case; empty: all */
    enum sessions_sort sort;
    bool reverse;
};

struct sessions_page {
    struct sessions_view *at;
    size_t n;
    struct str next; /* cursor; empty at the end */
    int64_t total;   /* in all pages; -1: nobody counted */
};

/* ERR_INVALID: a bad cursor. ERR_NOT_FOUND: the person has no such project. */
int sessions_list(struct data_context *ctx, const struct sessions_list_input *in,
                  struct sessions_page *ret_page) BASE_MUST_USE;

/* Deleted ones are found too while they can be restored (status "deleted"). ERR_NOT_FOUND. */
int sessions_get(struct data_context *ctx, struct str id,
                 struct sessions_view *ret_view) BASE_MUST_USE;

struct sessions_update_input {
    bool rename;
    bool move; /* into another project, or out of its own */
    struct str name;
    struct str project_id; /* empty: none */
    int64_t revision;      /* If-Match; 0: whatever */
};

/* ERR_NOT_FOUND (also: deleted), ERR_INVALID (field name, project_id), ERR_PRECONDITION. */
int sessions_update(struct data_context *ctx, struct str id, const struct sessions_update_input *in,
                    struct sessions_view *ret_view) BASE_MUST_USE;

/* Soft: it disappears from lists, its workspace is wanted stopped. Twice is harmless. ERR_NOT_FOUND, ERR_PRECONDITION. */
int sessions_delete(struct data_context *ctx, struct str id, int64_t revision,
                    struct sessions_view *ret_view) BASE_MUST_USE;

/* Back to "paused". Harmless when it is not deleted. ERR_NOT_FOUND (also: after 30 days), ERR_LIMIT.
 * ERR_CONFLICT: it is a copy that is not whole, and what it is a copy of is deleted. */
int sessions_restore(struct data_context *ctx, struct str id,
                     struct sessions_view *ret_view) BASE_MUST_USE;

/*
 * Wants the workspace running: status "active"; when it did not run, state "starting" and a new generation. Twice is
 * harmless. ERR_NOT_FOUND; ERR_TOO_MANY_RUNNING: ctx->fault.message names those that could be paused.
 */
int sessions_open(struct data_context *ctx, struct str id,
                  struct sessions_view *ret_view) BASE_MUST_USE;

/* Wants it stopped: status "paused"; workspaces/ persists first, then stops. Twice is harmless. ERR_NOT_FOUND. */
int sessions_pause(struct data_context *ctx, struct str id,
                   struct sessions_view *ret_view) BASE_MUST_USE;

/*
 * Before something is done in the workspace itself: that it runs, for whom it is; audited as action ("terminal.open").
 * ERR_NOT_FOUND; ERR_NOT_RUNNING: ctx->fault.message says what to do.
 */
int sessions_enter(struct data_context *ctx, struct str id, const char *action,
                   struct sessions_view *ret_view) BASE_MUST_USE;

/* Wanted, and nothing is in its way that is known: it runs, or will soon. */
bool sessions_comes(const struct data_workspace *workspace);

/* The same of what only looks: no audit. Of what sessions_get answered. */
int sessions_runs(struct data_context *ctx, const struct sessions_view *view) BASE_MUST_USE;

/*
 * For other folders' own transactions: the caller's session, not deleted. The first line of every store function that
 * touches a session's things. ERR_NOT_FOUND.
 */
int sessions_find(struct txn *txn, const struct scope *scope, struct str id,
                  struct data_session *ret_session) BASE_MUST_USE;

/*
 * The desk: how the person's IDE is arranged in the session, in the IDE's own words; the last one stands. In the transaction
 * of whoever calls. ERR_NOT_FOUND: no such session, or nothing was put there yet. Goes with the session's files.
 */
enum { SESSIONS_DESK_MAX = 64 * 1024 }; /* bytes */
int sessions_desk_get(struct txn *txn, const struct scope *scope, struct str session,
                      struct str *ret_text) BASE_MUST_USE;
int sessions_desk_put(struct txn *txn, const struct scope *scope, struct str session,
                      struct str text) BASE_MUST_USE;

/* ---- Source: the git repository that a session begins with. The server never speaks to it: the workspace clones it, when it
 * runs for the first time, and tells how it went. ----
 *
 * pending → cloning → done, or failed, and from there back to pending when the person asks for another attempt.
 */

enum { SESSIONS_URL_MAX = 2000, SESSIONS_BRANCH_MAX = 250 }; /* bytes */

struct sessions_source {
    struct str url;
    struct str branch;
    int64_t attempt; /* from 1 */
    enum data_source_state state;
    struct str folder; /* where it stands, or was about to; may be empty */
};

/* In the transaction of whoever calls. ERR_NOT_FOUND: no such session, or it has no source. */
int sessions_source_get(struct txn *txn, const struct scope *scope, struct str session,
                        struct sessions_source *ret_source) BASE_MUST_USE;

/* What a workspace says of an attempt: a claim, shown and used for nothing else. */
struct sessions_source_note {
    int64_t attempt;
    enum data_source_state state; /* CLONING, DONE, FAILED */
    int64_t percent;              /* 0 to 100 */
    struct str folder;  /* where the repository stands or is about to; cut to what a record holds */
    struct str message; /* FAILED, DONE; likewise */
};

/* ERR_NOT_FOUND, as above. ERR_CONFLICT: it is about another attempt, or this one has ended otherwise. */
int sessions_source_note(struct txn *txn, const struct scope *scope, struct str session,
                         const struct sessions_source_note *note) BASE_MUST_USE;

/* Another attempt, after one that failed; harmless while one is to come. ERR_NOT_FOUND; ERR_CONFLICT: there is nothing to try again. */
int sessions_clone(struct data_context *ctx, struct str id,
                   struct sessions_view *ret_view) BASE_MUST_USE;

/* ---- For owners and admins of the tenant: whosever it is. That the role permits it was asked before. ---- */

/*
 * Of the whole tenant, by activity, whatever in->sort says; projects are their persons' own. With words a page may hold fewer
 * than there are, even none, while there are more: each call looks at a thousand. ERR_INVALID: a bad cursor.
 */
int sessions_tenant_list(struct data_context *ctx, const struct sessions_list_input *in,
                         struct sessions_page *ret_page) BASE_MUST_USE;

/* As sessions_delete and sessions_restore. Restore: ERR_CONFLICT: its person deleted the account. */
int sessions_tenant_delete(struct data_context *ctx, struct str id, int64_t revision,
                           struct sessions_view *ret_view) BASE_MUST_USE;
int sessions_tenant_restore(struct data_context *ctx, struct str id,
                            struct sessions_view *ret_view) BASE_MUST_USE;

/* Of how many people's workspaces it is wanted in the tenant that they run. */
int sessions_running(struct txn *txn, const struct scope *scope, uint64_t *ret_count) BASE_MUST_USE;

/* How many sessions the tenant has that are not deleted. */
int sessions_count(struct txn *txn, const struct scope *scope, uint64_t *ret_count) BASE_MUST_USE;

/* A workspace with whom it belongs to. */
struct sessions_workspace {
    struct sessions_view view;
    struct data_user user;
};

struct sessions_workspaces_input {
    size_t limit;
    struct str cursor;
    bool
        running; /* those that are wanted running alone, the latest started first; else all, by their sessions' activity */
};

struct sessions_workspaces {
    struct sessions_workspace *at;
    size_t n;
    struct str next;
    int64_t total;
};

/* ERR_INVALID: a bad cursor. */
int sessions_tenant_workspaces(struct data_context *ctx, const struct sessions_workspaces_input *in,
                               struct sessions_workspaces *ret_workspaces) BASE_MUST_USE;

/* As sessions_pause, by the workspace's id, and audited as "workspace.stop". ERR_NOT_FOUND (also: its session is deleted). */
int sessions_tenant_stop(struct data_context *ctx, struct str workspace_id,
                         struct sessions_view *ret_view) BASE_MUST_USE;

/* Pauses whatever of the person's runs, in somebody else's transaction. */
int sessions_pause_all_in(struct txn *txn, const struct data_context *ctx,
                          struct str user_id) BASE_MUST_USE;

/* ---- Who deleted the account ---- */

enum sessions_left {
    SESSIONS_LEFT_NONE,    /* no session, and no project any more */
    SESSIONS_LEFT_DELETED, /* deleted ones; nothing of theirs runs, not even its end */
    SESSIONS_LEFT_WAITING, /* something runs, or is being forked: later */
    SESSIONS_LEFT_SOME,    /* call again */
};

/*
 * Deletes some of the sessions of ctx->scope's person, so that all of it is gone SESSIONS_RESTORE_DAYS after the account at the latest,
 * what they had deleted before too; and their projects behind the last session. For a duty: ctx is the person's, without a login.
 */
int sessions_leave_in(struct txn *txn, struct data_context *ctx,
                      enum sessions_left *ret_left) BASE_MUST_USE;

/* ---- Links: whoever has one reads a session's files, those of now or those of one moment; nothing else, and writes nothing ----
 *
 * A link ends by its age, when it is ended, when the session is deleted (for good: restoring brings none back) and when its
 * person goes. It is worth nothing while the tenant forbids links, which is for api/ to see to.
 */

enum {
    SESSIONS_MAX_LINKS = DATA_MAX_LIST, /* of a person */
    SESSIONS_LINK_DAYS = 365,           /* of a link's life at most */
};

struct sessions_link_input {
    struct str session_id;
    struct str name; /* for whom: 1 to 100 characters */
    int64_t days;    /* 1 to SESSIONS_LINK_DAYS */
    uint64_t at;     /* the moment (files_moment); 0: the files as they are */
    usec_t moment;   /* when it was; 0: not known, or no moment */
};

/*
 * ret_token is the link's secret: only its hash is kept, so that nobody can show it again. A repetition makes another link.
 * ERR_NOT_FOUND (also: no such moment yet), ERR_INVALID (field name), ERR_LIMIT: the person has SESSIONS_MAX_LINKS.
 */
int sessions_link_create(struct data_context *ctx, const struct sessions_link_input *in,
                         struct data_link *ret_link, struct str *ret_token) BASE_MUST_USE;

struct sessions_links {
    struct data_link *at; /* newest first, all of them */
    size_t n;
};

/* ERR_NOT_FOUND. */
int sessions_links_list(struct data_context *ctx, struct str session_id,
                        struct sessions_links *ret_links) BASE_MUST_USE;

/* ERR_NOT_FOUND: no such session, or no such link to it. */
int sessions_link_end(struct data_context *ctx, struct str session_id,
                      struct str link_id) BASE_MUST_USE;

/* What a link opens. */
struct sessions_shared {
    struct data_session session;
    struct data_link link;
};

/*
 * ctx has no scope yet and gets the link's, which is made here and nowhere else. ERR_UNAUTHENTICATED: the token is none that holds,
 * whatever the cause.
 */
int sessions_link_enter(struct data_context *ctx, struct str token,
                        struct sessions_shared *ret_shared) BASE_MUST_USE;

/* Whether the link that was entered still holds. ERR_UNAUTHENTICATED: it does not, whatever the cause. */
int sessions_link_stands(const struct data_context *ctx,
                         const struct sessions_shared *shared) BASE_MUST_USE;

/* In somebody else's transaction: ends all links that the person made. */
int sessions_links_end_all_in(struct txn *txn, const struct data_context *ctx,
                              struct str user_id) BASE_MUST_USE;

/* Ends links that are too old, at most 50 a call; ret_ended tells how many. Call every minute. */
int sessions_links_purge(struct store *store, size_t *ret_ended) BASE_MUST_USE;

/* ---- Projects: names that a person's sessions may stand under; for everybody else they are not there ---- */

enum { SESSIONS_MAX_PROJECTS = 200 }; /* of a person */

struct sessions_project {
    struct data_project project;
    uint64_t sessions; /* in it, not deleted */
};

struct sessions_projects_input {
    size_t limit;
    struct str cursor;
    struct str words;
    enum sessions_sort sort; /* activity counts as created */
    bool reverse;
};

struct sessions_projects {
    struct sessions_project *at;
    size_t n;
    struct str next;
    int64_t total;
};

/* ERR_INVALID: a bad cursor. */
int sessions_projects_list(struct data_context *ctx, const struct sessions_projects_input *in,
                           struct sessions_projects *ret_projects) BASE_MUST_USE;

/* ERR_INVALID (field name), ERR_LIMIT. A repeated ctx->op gives the same project. */
int sessions_project_create(struct data_context *ctx, struct str name,
                            struct sessions_project *ret_project) BASE_MUST_USE;

/* ERR_NOT_FOUND. */
int sessions_project_get(struct data_context *ctx, struct str id,
                         struct sessions_project *ret_project) BASE_MUST_USE;

/* ERR_NOT_FOUND, ERR_INVALID (field name), ERR_PRECONDITION: revision is not 0 and another. */
int sessions_project_rename(struct data_context *ctx, struct str id,
                            const struct sessions_update_input *in,
                            struct sessions_project *ret_project) BASE_MUST_USE;

/* Its sessions stay, in no project. Cut off it is still there, with those that are left. ERR_NOT_FOUND, ERR_PRECONDITION. */
int sessions_project_delete(struct data_context *ctx, struct str id,
                            int64_t revision) BASE_MUST_USE;

/* ---- Fork: a session that begins as a copy of another one ---- */

struct sessions_fork_input {
    struct str id;   /* of the session that is copied */
    struct str name; /* empty: the same */
    uint64_t at;     /* its moment, a seq; 0: now */
    uint64_t bytes;  /* that it held then, where the tenant has a limit; not asked of the latest */
};

/*
 * The new session, which is being copied (status "forking") until lifecycle/ is done. ERR_NOT_FOUND; ERR_CONFLICT: it is being
 * copied itself; ERR_LIMIT: as sessions_create, or too many of the person's are being copied; ERR_QUOTA: with it and with what
 * other forks in hand still copy, the tenant's files would be more than they may. A repeated ctx->op gives the same.
 */
int sessions_fork(struct data_context *ctx, const struct sessions_fork_input *in,
                  struct sessions_view *ret_view) BASE_MUST_USE;

/* What sessions_fork would answer now, without a new session; ret_made: a repeated ctx->op, which gets the one that it made. */
int sessions_fork_may(struct data_context *ctx, const struct sessions_fork_input *in,
                      bool *ret_made) BASE_MUST_USE;

/* A fork in hand. */
struct sessions_forking {
    struct scope scope;
    struct str id;
    struct str from;
    uint64_t seq;   /* the moment of from */
    uint64_t bytes; /* that it held; 0: nothing, or nobody asked */
    bool deleted;   /* nothing is copied; restored, it goes on */
};

struct sessions_fork_page {
    struct sessions_forking *at; /* in the transaction's arena */
    size_t n;
    bool passed;     /* one was left out, which cannot be read */
    struct str next; /* cursor; empty: no more */
};

/* Of all tenants, oldest first. */
int sessions_forks(struct txn *txn, struct str cursor,
                   struct sessions_fork_page *ret_page) BASE_MUST_USE;

/* Where forks were passed over: whether one may be the tenant's, for a session of it cannot be read. */
int sessions_fork_doubt(struct txn *txn, const struct scope *scope, bool *ret_doubt) BASE_MUST_USE;

/* A store_fn, ctx a struct sessions_forking: ERR_STALE unless it is still in hand. */
int sessions_fork_guard(struct txn *txn, void *fork) BASE_MUST_USE;

/* All is copied: it is a session like any other from now on. ERR_STALE. */
int sessions_fork_whole(struct store *store, const struct sessions_forking *fork) BASE_MUST_USE;

/* ---- The end: sessions that were deleted more than SESSIONS_RESTORE_DAYS ago ---- */

struct sessions_over_one {
    struct scope scope; /* tenant only */
    struct str id;
};

struct sessions_over_page {
    struct sessions_over_one *at; /* in the transaction's arena */
    size_t n;
    struct str next; /* cursor; empty: no more */
};

/* Of all tenants, longest deleted first. */
int sessions_over(struct txn *txn, struct str cursor,
                  struct sessions_over_page *ret_page) BASE_MUST_USE;

/* In the transaction that takes its things away: ERR_STALE unless it is still over, and its workspace was seen stopped. */
int sessions_over_check(struct txn *txn, const struct sessions_over_one *one) BASE_MUST_USE;

/* Deletes the records, when all else is gone; audited. ERR_STALE, as before. */
int sessions_forget(struct txn *txn, const struct sessions_over_one *one) BASE_MUST_USE;

/* A data_judge: a session has its person and its workspace, a workspace its session unless it only keeps a number, a project its person. */
int sessions_judge(const struct data_found *found, const char **ret_fault) BASE_MUST_USE;

#endif
