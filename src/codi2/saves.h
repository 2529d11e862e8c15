/*
 * What the IDE's editor told that it is about to save: path and content. The change that brings just this content to this path is
 * the person's, every other one the terminal's. By the content, since a time would name the wrong one: a save may fail, and what is
 * saved while the server is away is sent hours later. Besides, that a path was saved is owed to the person until it is stored, however
 * long the server is away: such a path does not wait for being quiet. One object per mirror. Thread safe.
 */
#ifndef CODI2_SAVES_H
#define CODI2_SAVES_H

#include "codi2/dirty.h"
#include "content/content.h"

enum {
    CODI2_MAX_SAVES =
        256, /* the oldest goes: its change is called the terminal's; with as many paths owed, every path is */
    CODI2_SAVE_S = 10 /* so long after it was named the file may still be unwritten */
};

struct codi2_saves;

struct codi2_saves *codi2_saves_create(void);
void codi2_saves_destroy(struct codi2_saves *s); /* NULL allowed */

void codi2_saves_add(struct codi2_saves *s, struct str path, const struct content_hash *hash);
bool codi2_saves_has(struct codi2_saves *s, struct str path, const struct content_hash *hash);

/* Whether a person waits for what path is now. */
bool codi2_saves_is_owed(struct codi2_saves *s, struct str path);

/* A round is over, and went well: what it left clean and was named longer than CODI2_SAVE_S ago is owed no more. */
void codi2_saves_settle(struct codi2_saves *s, const struct codi2_dirty *dirty);

/* The store has it. */
void codi2_saves_done(struct codi2_saves *s, struct str path, const struct content_hash *hash);

#endif
