#ifndef CODI2_DOOR_INT_H
#define CODI2_DOOR_INT_H

#include "codi2/door.h"
#include "http/http.h"

/* door.c: answers with an error; message NULL: the code's own. */
void codi2_door_refuse(struct http_request *request, struct http_response *response, int code,
                       const char *message);

/* door_ide.c: whether a request is for the IDE; relays it. On the loop. */
bool codi2_door_is_ide(const struct http_request *request);
void codi2_door_relay(const struct codi2_ide *ide, struct http_request *request,
                      struct http_response *response);

/* door_terminals.c: what is about terminals, on the loop. ERR_NOT_FOUND: not this; ERR_METHOD_NOT_ALLOWED. */
int codi2_door_find_terminal(const struct http_request *request, bool *ret_upgrade) BASE_MUST_USE;
void codi2_door_terminals(struct codi2_terminals *all, struct http_request *request,
                          struct http_response *response);

/* door_past.c: what is handed to the server. ERR_NOT_FOUND: not this; ERR_METHOD_NOT_ALLOWED. */
int codi2_door_find_past(const struct http_request *request, uint64_t *ret_max_body) BASE_MUST_USE;
void codi2_door_relay_past(const struct codi2_door_options *options, struct http_request *request,
                           struct http_response *response);

#endif
