/*
 * Says to the server how it goes: the door's status, at each change, at most once a second (in the first 10 s: ten times), and
 * at the latest after 20 s.
 */
#ifndef CODI2_REPORT_H
#define CODI2_REPORT_H

#include "codi2/link.h"
#include "codi2/status.h"

struct codi2_reporter;

/* Starts the thread. status outlives it. ERR_BUSY: no thread can be made. */
int codi2_reporter_start(struct codi2_status *status, const struct codi2_link_options *link,
                         struct codi2_reporter **ret_reporter) BASE_MUST_USE;

/* Says a last word, unless the server has none to hear, and ends the thread. NULL allowed. */
void codi2_reporter_stop(struct codi2_reporter *r, bool last_word);

#endif
