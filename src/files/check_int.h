/* What check.c has of check_content.c. */
#ifndef FILES_CHECK_INT_H
#define FILES_CHECK_INT_H

#include "files/files_int.h"

/* As files_judge, of a key that is no tree's; tx has none. */
int files_judge_content(struct files_tx *tx, const struct data_found *found,
                        const char **ret_fault) BASE_MUST_USE;

#endif
