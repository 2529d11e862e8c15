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

#endif
