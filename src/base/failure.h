/*
 * The body of a refused request, for whoever answers one: {"success":false,"error":{"code","message","request_id"}}. What else
 * belongs to the error is written between the two calls. code: a negative ERR_*. message empty: the error's own words.
 */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

#include "base/json.h"

void failure_begin(struct json_writer *w, int code, struct str message);
void failure_end(struct json_writer *w, struct str request_id);

#endif
