/*
 * Inside the operator's door: what a request is (admin_request.c), lines and what they are asked for (admin.c), tenants and their
 * plans (admin_tenants.c), refusals of strangers (admin_audit.c), backups (admin_backup.c).
 */
#ifndef CODITECTD_ADMIN_INT_H
#define CODITECTD_ADMIN_INT_H

#include <stdatomic.h>

#include "base/json.h"
#include "coditectd/admin.h"
#include "http/http.h"

/* ---- admin_request.c: pure; its bytes are of whoever came in ---- */

enum coditectd_admin_what {
    CODITECTD_ADMIN_USERS,
    CODITECTD_ADMIN_TENANTS,
    CODITECTD_ADMIN_LIMITS,
    CODITECTD_ADMIN_AUDIT,
    CODITECTD_ADMIN_CHECK,
    CODITECTD_ADMIN_SCRUB,
    CODITECTD_ADMIN_ROTATE_KEYS,
    CODITECTD_ADMIN_RESET_PASSWORD,
    CODITECTD_ADMIN_REMOVE_TOTP,
    CODITECTD_ADMIN_BACKUP,
    CODITECTD_ADMIN_BACKUP_STREAM,
    CODITECTD_ADMIN_BACKUPS,
};

enum coditectd_admin_turn { /* one of each kind at a time */
                            CODITECTD_ADMIN_ANY,
                            CODITECTD_ADMIN_READS,
                            CODITECTD_ADMIN_BACKS_UP
};

struct coditectd_admin_row {
    enum coditectd_admin_what what;
    enum http_method method;
    struct str path;
    enum http_lane lane;
    enum coditectd_admin_turn turn;
};

enum { CODITECTD_ADMIN_PATH = 1024 }; /* bytes of a directory's name */

struct coditectd_admin_input {
    const char *directory; /* absolute; NULL: not said */
    unsigned keep;         /* 0: not said */
    usec_t since;          /* 0: not said */
    struct str email;      /* empty: not said */
    struct auth_plan_change plan;
};

/* ERR_NOT_FOUND, ERR_METHOD_NOT_ALLOWED. */
int coditectd_admin_find(const struct http_request *req,
                         const struct coditectd_admin_row **ret_row) BASE_MUST_USE;
struct str coditectd_admin_allow(struct str path); /* the methods of a path; empty: it is none */
/* ERR_INVALID: a name that is not absolute, too long or no name; a number out of its bounds; no time; no tenant's id. */
int coditectd_admin_decode(const struct http_request *req,
                           struct coditectd_admin_input *ret_in) BASE_MUST_USE;

/* ---- admin.c ---- */

enum { CODITECTD_ADMIN_MAGIC = 0x61646d6e, CODITECTD_ADMIN_LINE = 16 * 1024 };

struct coditectd_admin {
    unsigned magic;
    struct coditectd_admin_options options;
    atomic_bool stop;
    atomic_flag reading; /* a check or a scrub is on its way */
    atomic_flag backing_up;
    struct http_app app;
    struct http_server *server;
};

struct coditectd_admin_call {
    struct coditectd_admin *admin;
    struct http_request *req;
    struct http_response *res;
    struct coditectd_admin_input in;
    const char *why; /* what failed, said better than its code does; NULL: it does */
    bool begun;      /* the head is sent */
    bool raw;        /* no lines follow it */
    int broken;      /* why nobody gets anything any more; 0: they do */
    size_t said;     /* faults that were sent */
    usec_t news_at;  /* when something was sent last */
};

/* Sends the head; the first line does it too. */
int coditectd_admin_begin(struct coditectd_admin_call *c) BASE_MUST_USE;
void coditectd_admin_line(struct json_writer *w, struct buf *line); /* begins an object */
/* Ends and sends it. ERR_CLOSED: nobody is there any more, or the server stops. */
int coditectd_admin_say(struct coditectd_admin_call *c, struct json_writer *w,
                        struct buf *line) BASE_MUST_USE;
int coditectd_admin_send(struct coditectd_admin_call *c,
                         struct buf *line) BASE_MUST_USE; /* the same of a whole object */
/* At the end of a list: {"done":true} and each. */
struct coditectd_admin_total {
    const char *name; /* NULL ends them */
    uint64_t value;
};
int coditectd_admin_say_end(struct coditectd_admin_call *c,
                            const struct coditectd_admin_total *totals) BASE_MUST_USE;
/* {"keys":N} once a second; ctx is the call. ERR_CLOSED, as before. */
int coditectd_admin_progress(void *ctx, uint64_t looked_at) BASE_MUST_USE;

/* ---- admin_tenants.c ---- */

int coditectd_admin_tenants(struct coditectd_admin_call *c);
int coditectd_admin_limits(struct coditectd_admin_call *c);

/* ---- admin_audit.c ---- */

int coditectd_admin_audit(struct coditectd_admin_call *c);

/* ---- admin_backup.c ---- */

int coditectd_admin_backup(struct coditectd_admin_call *c);
int coditectd_admin_backup_stream(struct coditectd_admin_call *c);
int coditectd_admin_backups(struct coditectd_admin_call *c);

#endif
