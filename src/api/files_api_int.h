/* Inside api/: what the handlers of files and of their history share (files.c). */
#ifndef API_FILES_API_INT_H
#define API_FILES_API_INT_H

#include "api/api_int.h"
#include "files/files.h"

/* Who changes files by this call. */
struct files_author api_author(const struct api_call *call);

/* The members "hash"; name and, when its bytes are no UTF-8, name_b64. */
void api_json_hash(struct json_writer *w, const struct content_hash *hash);
void api_json_path(struct json_writer *w, const char *name, struct str path);

/* Answers with an entry and its ETag. */
int api_answer_entry(struct api_call *call, int status,
                     const struct files_entry *entry) BASE_MUST_USE;

#endif
