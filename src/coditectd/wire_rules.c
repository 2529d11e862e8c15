/*
 * The wire's call on what a tenant says of the files of its sessions' trees. A home is the person's: it has no such rules, and says
 * nothing of them.
 */
#include "coditectd/wire_int.h"

#include "settings/settings.h"

_Static_assert((int)CONTENT_MAX_PATTERN_BYTES <= (int)WIRE_MAX_RULES,
               "what was taken can be handed on");

static bool has_rules(const struct coditectd_wire_call *c)
{
    return str_eq(c->peer.tree, c->peer.session);
}

static int rules_get(struct coditectd_wire_call *c, struct wire_rules *ret_rules)
{
    int r = settings_patterns(&c->data, SETTING_FILES_IGNORE, &ret_rules->ignore);
    return r < 0 ? r : settings_patterns(&c->data, SETTING_FILES_QUIET, &ret_rules->quiet);
}

int coditectd_wire_rules(struct coditectd_wire_call *c)
{
    struct wire_rules rules;
    int r = has_rules(c) ? rules_get(c, &rules) : ERR_NOT_FOUND;
    if (r == 0) {
        wire_rules_write(http_body_buf(c->res), &rules);
    }
    return r;
}

int coditectd_wire_rules_mark(struct coditectd_wire_call *c, uint64_t *ret_mark)
{
    struct wire_rules rules;
    int r = has_rules(c) ? rules_get(c, &rules) : 0;
    if (r == 0) {
        *ret_mark = has_rules(c) ? wire_rules_mark(&rules) : 0;
    }
    return r;
}

struct str coditectd_wire_rules_watched(struct coditectd_wire_call *c, size_t list)
{
    static const enum settings_name lists[CODITECTD_WIRE_LISTS] = {SETTING_FILES_IGNORE,
                                                                   SETTING_FILES_QUIET};
    ASSERT(list < CODITECTD_WIRE_LISTS);
    return settings_watched(c->req->arena, &c->peer.scope, lists[list]);
}
