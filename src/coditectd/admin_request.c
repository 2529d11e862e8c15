/* What a request at the operator's door asks for: its row, and the words behind its '?'. */
#include "base/str.h"
#include "coditectd/admin_int.h"

enum { KEEP_MOST = 10000 }; /* as backup.keep */

static const struct coditectd_admin_row rows[] = {
    {CODITECTD_ADMIN_USERS, HTTP_GET, {"/users", 6}, HTTP_STREAM, CODITECTD_ADMIN_ANY},
    {CODITECTD_ADMIN_TENANTS, HTTP_GET, {"/tenants", 8}, HTTP_STREAM, CODITECTD_ADMIN_ANY},
    {CODITECTD_ADMIN_LIMITS, HTTP_POST, {"/limits", 7}, HTTP_WORK, CODITECTD_ADMIN_ANY},
    {CODITECTD_ADMIN_AUDIT, HTTP_GET, {"/audit", 6}, HTTP_STREAM, CODITECTD_ADMIN_ANY},
    {CODITECTD_ADMIN_CHECK, HTTP_POST, {"/check", 6}, HTTP_STREAM, CODITECTD_ADMIN_READS},
    {CODITECTD_ADMIN_SCRUB, HTTP_POST, {"/scrub", 6}, HTTP_STREAM, CODITECTD_ADMIN_READS},
    {CODITECTD_ADMIN_ROTATE_KEYS, HTTP_POST, {"/rotate-keys", 12}, HTTP_WORK, CODITECTD_ADMIN_ANY},
    {CODITECTD_ADMIN_RESET_PASSWORD,
     HTTP_POST,
     {"/reset-password", 15},
     HTTP_WORK,
     CODITECTD_ADMIN_ANY},
    {CODITECTD_ADMIN_REMOVE_TOTP, HTTP_POST, {"/remove-totp", 12}, HTTP_WORK, CODITECTD_ADMIN_ANY},
    {CODITECTD_ADMIN_BACKUP, HTTP_POST, {"/backup", 7}, HTTP_STREAM, CODITECTD_ADMIN_BACKS_UP},
    {CODITECTD_ADMIN_BACKUP_STREAM,
     HTTP_POST,
     {"/backup/stream", 14},
     HTTP_STREAM,
     CODITECTD_ADMIN_BACKS_UP},
    {CODITECTD_ADMIN_BACKUPS, HTTP_GET, {"/backups", 8}, HTTP_STREAM, CODITECTD_ADMIN_ANY},
};

int coditectd_admin_find(const struct http_request *req, const struct coditectd_admin_row **ret_row)
{
    int r = ERR_NOT_FOUND;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (str_eq(req->path, rows[i].path)) {
            *ret_row = &rows[i];
            r = rows[i].method == req->method ? 0 : ERR_METHOD_NOT_ALLOWED;
        }
    }
    return r;
}

struct str coditectd_admin_allow(struct str path)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (str_eq(path, rows[i].path)) {
            return rows[i].method == HTTP_GET ? STR("GET") : STR("POST");
        }
    }
    return STR_EMPTY;
}

static int decode_directory(const struct http_request *req, const char **ret_directory)
{
    struct str s;
    int r = http_query(req, "directory", &s);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    if (s.n == 0 || s.n > CODITECTD_ADMIN_PATH || s.p[0] != '/' || memchr(s.p, '\0', s.n)) {
        return ERR_INVALID;
    }
    *ret_directory = arena_str(req->arena, s).p;
    return 0;
}

static int decode_keep(const struct http_request *req, unsigned *ret_keep)
{
    struct str s;
    uint64_t keep = 0;
    int r = http_query(req, "keep", &s);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    if (str_u64(s, KEEP_MOST, &keep) < 0 || keep == 0) {
        return ERR_INVALID;
    }
    *ret_keep = (unsigned)keep;
    return 0;
}

static int decode_since(const struct http_request *req, usec_t *ret_since)
{
    struct str s;
    int r = http_query(req, "since", &s);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    return time_parse(s, ret_since) < 0 ? ERR_INVALID : 0;
}

/* What is an address is for auth to say. */
static int decode_email(const struct http_request *req, struct str *ret_email)
{
    int r = http_query(req, "email", ret_email);
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int decode_limit(struct str text, int64_t *ret_limit)
{
    uint64_t number = 0;
    if (str_eq(text, STR("none"))) {
        *ret_limit = AUTH_PLAN_NONE;
    } else if (str_eq(text, STR("default"))) {
        *ret_limit = AUTH_PLAN_AS_SET;
    } else if (str_u64(text, AUTH_PLAN_MOST, &number) == 0 && number > 0) {
        *ret_limit = (int64_t)number;
    } else {
        return ERR_INVALID;
    }
    return 0;
}

static int decode_plan(const struct http_request *req, struct auth_plan_change *ret_plan)
{
    struct auth_plan_change plan = {.given = 0};
    int r = http_query(req, "tenant", &plan.tenant_id);
    if (r == 0 && !data_id_is(plan.tenant_id, "ten")) {
        return ERR_INVALID;
    }
    for (unsigned i = 0; i < AUTH_PLAN_LIMITS && (r == 0 || r == ERR_NOT_FOUND); i++) {
        struct str text;
        r = http_query(req, auth_plan_limit_name((enum auth_plan_limit)i), &text);
        if (r == 0) {
            plan.given |= 1U << i;
            r = decode_limit(text, &plan.limits[i]);
        }
    }
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    *ret_plan = plan;
    return 0;
}

int coditectd_admin_decode(const struct http_request *req, struct coditectd_admin_input *ret_in)
{
    struct coditectd_admin_input in = {.keep = 0};
    int r = decode_directory(req, &in.directory);
    if (r == 0) {
        r = decode_keep(req, &in.keep);
    }
    if (r == 0) {
        r = decode_since(req, &in.since);
    }
    if (r == 0) {
        r = decode_email(req, &in.email);
    }
    if (r == 0) {
        r = decode_plan(req, &in.plan);
    }
    if (r == 0) {
        *ret_in = in;
    }
    return r;
}
