/*
 * A request at the operator's door: the method (one byte), then the path and what stands behind its '?'. Refused, or of a row and
 * within its bounds. Its bytes as HTTP are http_head's target.
 */
#include "base/assert.h"
#include "coditectd/admin_int.h"
#include "fuzz.h"

static void check_plan(const struct auth_plan_change *plan)
{
    ASSERT(plan->tenant_id.n == 0 || data_id_is(plan->tenant_id, "ten"));
    for (unsigned i = 0; i < AUTH_PLAN_LIMITS; i++) {
        ASSERT(plan->limits[i] >= AUTH_PLAN_NONE && plan->limits[i] <= AUTH_PLAN_MOST);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO(arena);
    struct str target = str_slice(str_of(data, size), 1, size);
    size_t mark = str_find(target, '?', 0);
    struct http_request req = {
        .method = size > 0 && data[0] == 'P' ? HTTP_POST : HTTP_GET,
        .target = target,
        .path = str_slice(target, 0, mark),
        .query = str_slice(target, mark + 1, target.n),
        .arena = &arena,
    };
    const struct coditectd_admin_row *row;
    struct coditectd_admin_input in;
    struct str allow = coditectd_admin_allow(req.path);
    int r = coditectd_admin_find(&req, &row);
    ASSERT(r == 0 || r == ERR_NOT_FOUND || r == ERR_METHOD_NOT_ALLOWED);
    ASSERT((r == ERR_NOT_FOUND) == (allow.n == 0));
    ASSERT(r < 0 || (row->method == req.method && str_eq(row->path, req.path)));
    r = coditectd_admin_decode(&req, &in);
    ASSERT(r == 0 || r == ERR_INVALID);
    if (r == 0 && in.directory) {
        ASSERT(in.directory[0] == '/' && strlen(in.directory) <= CODITECTD_ADMIN_PATH);
    }
    ASSERT(r < 0 || in.keep <= 10000);
    if (r == 0) {
        check_plan(&in.plan);
    }
    return 0;
}
