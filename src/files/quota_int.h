/* Inside files: storage limits, and the count that one of them is about. */
#ifndef FILES_QUOTA_INT_H
#define FILES_QUOTA_INT_H

#include "files/files_int.h"

/* ---- quota.c ---- */

#define FILES_QUOTA_SESSION_TEXT \
    "The storage limit of this session is reached. Delete files, or have the limit raised."
#define FILES_QUOTA_HOME_TEXT \
    "The storage limit of this home is reached. Delete files, or have the limit raised."
#define FILES_QUOTA_TENANT_TEXT \
    "The storage limit of your organization is reached. Delete files, or have the limit raised."

#define FILES_QUOTA_STORED_TEXT \
    "The storage limit of your organization with its history is reached: older versions and " \
    "deleted sessions count. Have a shorter history kept, delete sessions for good, or have the " \
    "limit raised."

/* How large a file may be that takes the place of one of `there` bytes, before its transaction asks again. */
struct files_room {
    uint64_t bytes;
    const char *text; /* of what is more */
};
int files_quota_room(struct files_tx *tx, uint64_t there,
                     struct files_room *ret_room) BASE_MUST_USE;

/* Whether the tree may hold so many bytes more than before the transaction: ERR_QUOTA with tx->refusal. */
int files_quota_fits(struct files_tx *tx, uint64_t more) BASE_MUST_USE;

/* Before the counters are written: ERR_QUOTA with tx->refusal. */
int files_quota_settle(struct files_tx *tx) BASE_MUST_USE;

/* Whether a return to a moment would pass a limit: ERR_QUOTA with ctx->fault. Errors of files_list. */
int files_quota_look(struct data_context *ctx, const struct files_rewind_input *in) BASE_MUST_USE;

/* r; of ERR_QUOTA with tx->refusal as ctx->fault. */
int files_quota_refused(struct data_context *ctx, const struct files_tx *tx, int r) BASE_MUST_USE;

/* What the tree holds is not counted for the tenant any more; before its counters are deleted. */
int files_quota_forget(struct txn *txn, const struct scope *scope, struct str tree) BASE_MUST_USE;

/* ---- held.c ---- */

/*
 * Before stored/{hash} is written or deleted: it had so many bytes (0: it was not there) and will have so many. ERR_QUOTA with tx->refusal:
 * more than the tenant may have.
 */
int files_held_change(struct files_tx *tx, const struct content_hash *hash, uint64_t before,
                      uint64_t after) BASE_MUST_USE;

/* For the checker: of a key of held/, and of one of stored/. */
int files_held_judge(struct files_tx *tx, const struct data_found *found,
                     const char **ret_fault) BASE_MUST_USE;
int files_held_judge_chunk(struct files_tx *tx, const struct data_found *found,
                           const char **ret_fault) BASE_MUST_USE;

#endif
