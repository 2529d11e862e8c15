/* What the checker asks of conversations: that what is kept of their length is what their messages come to. */
#include <stdio.h>

#include "conversations/conversations_int.h"
#include "data/check.h"

enum { PAGE = 100 }; /* messages that are read at once */

/* What one look adds up, in the checker's snapshot of that moment: one conversation may have 600 MB. */
enum { LOOK_MESSAGES = 1000, LOOK_BYTES = 4 << 20 };

/* Whether nobody takes it away: the messages go before what they come to. */
static int is_kept(const struct data_found *found, bool *ret_kept)
{
    struct data_conversation conversation = {.deleted = false};
    struct data_session session;
    int r = data_conversation_get(found->txn, found->scope, found->rest, &conversation);
    r = r < 0 ? r : data_session_get(found->txn, found->scope, conversation.session_id, &session);
    *ret_kept = r == 0 && !conversation.deleted && !session.deleted;
    return r;
}

/* Goes on where the last look ended. What that one saw is as it was: messages are put behind others and never changed. */
static int sum_on(const struct data_found *found)
{
    struct data_slice *slice = found->slice;
    struct data_message match = {.conversation_id = found->rest};
    struct data_query query = {.index = DATA_MESSAGE_BY_CONVERSATION,
                               .match = &match,
                               .fixed = 1,
                               .limit = PAGE,
                               .cursor = str_from(slice->cursor)};
    struct data_message_list rows;
    size_t messages = 0;
    uint64_t bytes = 0;
    int r;
    do {
        r = data_message_list(found->txn, found->scope, &query, &rows);
        for (size_t i = 0; r == 0 && i < rows.n; i++) {
            messages++;
            bytes += rows.at[i].content.n;
        }
        query.cursor = rows.next;
    } while (r == 0 && rows.next.n > 0 && messages < LOOK_MESSAGES && bytes < LOOK_BYTES);
    if (r == 0 && rows.next.n >= sizeof slice->cursor) {
        return ERR_CORRUPT; /* no index has keys so long */
    }
    if (r == 0) {
        (void)snprintf(slice->cursor, sizeof slice->cursor, STR_FMT, STR_ARG(rows.next));
        slice->sum += bytes;
        slice->more = rows.next.n > 0;
    }
    return r;
}

static int judge_usage(const struct data_found *found, const char **ret_fault)
{
    struct data_usage says;
    bool kept = false;
    int r = data_usage_get(found->txn, found->scope, found->rest, &says);
    if (r == ERR_CORRUPT) {
        *ret_fault = "the counters are not well-formed";
        return 0;
    }
    r = r < 0 ? r : is_kept(found, &kept);
    r = r < 0 || !kept ? r : sum_on(found);
    if (r == 0 && kept && !found->slice->more && found->slice->sum != says.bytes) {
        *ret_fault = "it is not the sum of its messages";
    }
    return r;
}

/* No text is empty: where there are messages there are bytes. */
static int judge_record(const struct data_found *found, struct str id, const char **ret_fault)
{
    struct data_usage says = {0};
    uint64_t length = 0;
    int r = data_usage_get(found->txn, found->scope, id, &says);
    r = r < 0 ? r : conversations_length(found->txn, found->scope, id, &length);
    if (r == 0 && length > 0 && says.bytes == 0) {
        *ret_fault = "its messages are counted nowhere";
    }
    return r;
}

int conversations_judge(const struct data_found *found, const char **ret_fault)
{
    int r = 0;
    if (found->type == &data_conversation_type) {
        const struct data_conversation *conversation = found->record;
        r = data_judge_person(found, conversation->user_id, ret_fault);
        r = r < 0 || *ret_fault ? r : judge_record(found, conversation->id, ret_fault);
    } else if (found->space == DATA_SPACE_USAGE && data_id_is(found->rest, "cnv")) {
        r = judge_usage(found, ret_fault);
    }
    return r == ERR_NOT_FOUND || data_unreadable(r) ? 0 : r; /* said of itself */
}
