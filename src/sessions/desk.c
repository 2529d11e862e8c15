/*
 * The desk: how a person's IDE is arranged in a session. Text that the IDE alone understands, beside the session's record and
 * not in it: it changes with every tab, and is neither audited nor told on the feed.
 */
#include "sessions/sessions_int.h"

#include "base/assert.h"

static struct str key_of(struct txn *txn, const struct scope *scope, struct str session)
{
    return DATA_KEY(store_arena(txn), scope, DATA_SPACE_DESK, session, scope->user_id);
}

int sessions_desk_get(struct txn *txn, const struct scope *scope, struct str session,
                      struct str *ret_text)
{
    struct data_session found;
    int r = sessions_find(txn, scope, session, &found);
    return r < 0 ? r : store_get(txn, key_of(txn, scope, session), ret_text);
}

int sessions_desk_put(struct txn *txn, const struct scope *scope, struct str session,
                      struct str text)
{
    struct data_session found;
    ASSERT(text.n <= SESSIONS_DESK_MAX);
    int r = sessions_find(txn, scope, session, &found);
    if (r == 0) {
        store_put(txn, key_of(txn, scope, session), text);
    }
    return r;
}
