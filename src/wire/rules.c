/* What a tenant leaves out of its workspaces' trees. */
#include "wire/wire_int.h"

void wire_rules_write(struct buf *out, const struct wire_rules *rules)
{
    struct json_writer w;
    ASSERT(rules->ignore.n <= WIRE_MAX_RULES);
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, "ignore", rules->ignore);
    json_object_end(&w);
}

int wire_rules_read(struct arena *arena, struct str text, struct wire_rules *ret_rules)
{
    const struct json *object;
    struct wire_rules rules;
    if (wire_object(arena, text, &object) < 0 ||
        wire_text(object, "ignore", WIRE_MAX_RULES, &rules.ignore) < 0) {
        return ERR_INVALID;
    }
    *ret_rules = rules;
    return 0;
}
