/*
 * What the IDE's editor told that it is about to save: path and content. The change that brings just this content to this path is
 * the person's, every other one the terminal's. By the content, since a time would name the wrong one: a save may fail, and what is
 * saved while the server is away is sent hours later. One object per mirror. Thread safe.
 */
#ifndef CODI2_SAVES_H
#define CODI2_SAVES_H

#include "content/content.h"

enum {
    CODI2_MAX_SAVES = 256, /* the oldest goes: its change is called the terminal's */
    CODI2_SAVE_S = 10
};

struct codi2_saves;

struct codi2_saves *codi2_saves_create(void);
void codi2_saves_destroy(struct codi2_saves *s); /* NULL allowed */

void codi2_saves_add(struct codi2_saves *s, struct str path, const struct content_hash *hash);
bool codi2_saves_has(struct codi2_saves *s, struct str path, const struct content_hash *hash);

/* Whether any content was named for path in the last CODI2_SAVE_S, which the store has not: a person waits for it. */
bool codi2_saves_is_recent(struct codi2_saves *s, struct str path);

/* The store has it. */
void codi2_saves_done(struct codi2_saves *s, struct str path, const struct content_hash *hash);

#endif
