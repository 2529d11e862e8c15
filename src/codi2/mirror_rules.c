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
#include "wire/wire.h"

/* False: nothing of this list was kept here. */
static bool load(struct codi2_mirror *m, enum codi2_list list)
{
    buf_init(&m->rules[list], WIRE_MAX_RULES);
    bool kept = codi2_rules_load(m->index_directory, list, &m->rules[list]) == 0;
    if (!kept) {
        buf_clear(&m->rules[list]);
    }
    return kept;
}

void codi2_mirror_rules_start(struct codi2_mirror *m)
{
    buf_init(&m->rules_said, MIRROR_MOST_WORDS);
    bool known = load(m, CODI2_IGNORE);
    (void)load(m, CODI2_QUIET); /* a codi2 that knew no quiet files kept none: the mark tells */
    if (known) {
        const struct wire_rules rules = {buf_str(&m->rules[CODI2_IGNORE]),
                                         buf_str(&m->rules[CODI2_QUIET])};
        atomic_store(&m->rules_known, wire_rules_mark(&rules));
    }
}

void codi2_mirror_rules_end(struct codi2_mirror *m)
{
    for (enum codi2_list i = 0; i < CODI2_LISTS; i++) {
        buf_fini(&m->rules[i]);
    }
    buf_fini(&m->rules_said);
}

static void take(struct codi2_mirror *m, const struct wire_rules *rules)
{
    const struct str lists[CODI2_LISTS] = {rules->ignore, rules->quiet};
    uint64_t mark = wire_rules_mark(rules);
    if (mark == atomic_load(&m->rules_known)) {
        return;
    }
    for (enum codi2_list i = 0; i < CODI2_LISTS; i++) {
        if (codi2_rules_save(m->index_directory, i, lists[i]) != 0) {
            log_warn("codi2", "the tenant's rules could not be kept beside the index");
        }
        buf_clear(&m->rules[i]);
        buf_add(&m->rules[i], lists[i]);
    }
    atomic_store(&m->rules_known, mark);
    codi2_mirror_keep_anew(m);
}

void codi2_mirror_rules_ask(struct codi2_mirror *m)
{
    ARENA_AUTO(arena);
    struct wire_rules rules;
    if (!atomic_exchange(&m->rules_due, false)) {
        return;
    }
    int error = codi2_link_rules(m->link, &arena, &rules);
    if (!error) {
        take(m, &rules);
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
