/* What a tenant says of the files of its workspaces' trees. */
#include "wire/wire_int.h"

void wire_rules_write(struct buf *out, const struct wire_rules *rules)
{
    struct json_writer w;
    ASSERT(rules->ignore.n <= WIRE_MAX_RULES && rules->quiet.n <= WIRE_MAX_RULES);
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, "ignore", rules->ignore);
    json_member_string(&w, "quiet", rules->quiet);
    json_object_end(&w);
}

int wire_rules_read(struct arena *arena, struct str text, struct wire_rules *ret_rules)
{
    const struct json *object;
    struct wire_rules rules;
    if (wire_object(arena, text, &object) < 0 ||
        wire_text(object, "ignore", WIRE_MAX_RULES, &rules.ignore) < 0 ||
        wire_text_or_empty(object, "quiet", WIRE_MAX_RULES, &rules.quiet) < 0) {
        return ERR_INVALID;
    }
    *ret_rules = rules;
    return 0;
}

uint64_t wire_rules_mark(const struct wire_rules *rules)
{
    BUF_AUTO(both, 2 * WIRE_MAX_RULES + 1);
    buf_add(&both, rules->ignore);
    if (rules->quiet.n > 0) {
        buf_byte(&both, '\0'); /* which is in no pattern */
        buf_add(&both, rules->quiet);
    }
    ASSERT(both.error == 0);
    return content_ignore_mark(buf_str(&both));
}
