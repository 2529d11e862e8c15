/* Inside content: patterns. */
#ifndef CONTENT_CONTENT_INT_H
#define CONTENT_CONTENT_INT_H

#include "content/content.h"

/* Whether one name (no slash) matches a pattern without slashes. */
bool content_glob_name(struct str pattern, struct str name);

/* Whether a path matches a pattern whose parts are separated by slashes, from the first name to the last. */
bool content_glob_path(struct str pattern, struct str path);

#endif
