/*
 * The wire's call on what a tenant leaves out of its sessions' trees. A home is the person's: it has no such rules, and says
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

int coditectd_wire_rules(struct coditectd_wire_call *c)
{
    struct wire_rules rules;
    int r = has_rules(c) ? settings_patterns(&c->data, SETTING_FILES_IGNORE, &rules.ignore)
                         : ERR_NOT_FOUND;
    if (r == 0) {
        wire_rules_write(http_body_buf(c->res), &rules);
    }
    return r;
}

int coditectd_wire_rules_mark(struct coditectd_wire_call *c, uint64_t *ret_mark)
{
    struct str ignore = STR_EMPTY;
    int r = has_rules(c) ? settings_patterns(&c->data, SETTING_FILES_IGNORE, &ignore) : 0;
    if (r == 0) {
        *ret_mark = has_rules(c) ? content_ignore_mark(ignore) : 0;
    }
    return r;
}

struct str coditectd_wire_rules_watched(struct coditectd_wire_call *c)
{
    return settings_watched(c->req->arena, &c->peer.scope, SETTING_FILES_IGNORE);
}
