/*
 * The tenant's rules, on their way from the server to mirror_keep.c.
 *
 * 1. They are asked for each time that the server is greeted, before anything is sent to it, and when it says that theirs have
 *    another mark than ours.
 * 2. Only an answer that says what they are takes the place of those that we have: no server, an older one, one that fails and an
 *    answer that is none leave them as they were, also over a new start. What we have is never taken for none.
 * 3. They say what is sent from now on. Nothing is deleted for them, here or in the store: see mirror_keep.c.
 */
#include "base/log.h"
#include "codi2/mirror_int.h"
#include "codi2/rules.h"

void codi2_mirror_rules_start(struct codi2_mirror *m)
{
    if (codi2_rules_load(m->index_directory, &m->rules) == 0) {
        atomic_store(&m->rules_known, content_ignore_mark(buf_str(&m->rules)));
    } else {
        buf_clear(&m->rules);
    }
}

static void take(struct codi2_mirror *m, struct str rules)
{
    uint64_t mark = content_ignore_mark(rules);
    if (mark == atomic_load(&m->rules_known)) {
        return;
    }
    if (codi2_rules_save(m->index_directory, rules) != 0) {
        log_warn("codi2", "the tenant's rules could not be kept beside the index");
    }
    buf_clear(&m->rules);
    buf_add(&m->rules, rules);
    atomic_store(&m->rules_known, mark);
    codi2_mirror_keep_anew(m);
}

void codi2_mirror_rules_ask(struct codi2_mirror *m)
{
    ARENA_AUTO(arena);
    struct str rules;
    if (!atomic_exchange(&m->rules_due, false)) {
        return;
    }
    int error = codi2_link_rules(m->link, &arena, &rules);
    if (!error) {
        take(m, rules);
    } else if (error == ERR_UNAVAILABLE) {
        atomic_store(&m->rules_due, true); /* with the next round */
    } else if (error != ERR_NOT_FOUND) {
        log_warn("codi2", "the tenant's rules stay as they were: %s", err_name(error));
    }
}

uint64_t codi2_mirror_rules_last(const struct codi2_mirror *m)
{
    uint64_t told = atomic_load(&m->rules_told);
    return told ? told : 1;
}

bool codi2_mirror_rules_told(struct codi2_mirror *m, uint64_t mark)
{
    if (mark == 0) {
        return false;
    }
    atomic_store(&m->rules_told, mark);
    bool news = mark != atomic_load(&m->rules_known);
    if (news) {
        atomic_store(&m->rules_due, true);
    }
    return news;
}
