/*
 * The door: what can be asked of a workspace over its unix socket, by the server's gateway and by programs inside.
 *
 *   GET /health                {"status":"ok","session","version"}
 *   GET /status[?wait=REV]     the truth about persistence; with wait it answers when the revision differs from REV, or
 *                              after 3 s: an answer that stays away is news, too
 *   POST /sync                 the barrier: {"seq":n} when everything written before is in the store; 503 after 30 s, or at
 *                              once when the store refuses it. ?root=workspace: whatever becomes of the home; 409 when the
 *                              store refuses
 *   POST /activity             {"kind":"input"|"visible"}: somebody types in the browser, or has the page before them; 204
 *   POST /held-back            {"choice":"delete"|"restore"}: what is to become of the deletions that are held back. 202
 *                              {"held_back":n}; 409 when none are
 *   GET  /await?root=&path=    204 when what the store has at the path stands on the disk, be it nothing: at once, but while a
 *                              tree is restored; then it is fetched before all others. 503 when that takes over 20 s: ask again
 *   POST /saving?root=         {"path","hash"}: the IDE's editor is about to save this content (SHA-256) there; the change is
 *                              recorded as the person's. 204
 *   GET  /terminals            {"terminals":[{"id","run","state":"running"|"ended","started_at","sockets","exit_code"?,"signal"?}]}
 *   GET  /terminals/{id}       a WebSocket: the terminal of that name ([A-Za-z0-9_-]{1,64}), begun if there is none. Binary frames are
 *                              its bytes, both ways; text frames are about it (terminal_words.h). Query: terminals.h
 *   DELETE /terminals/{id}     hangs up on its shell and forgets it; 204
 *   GET  /past, /past/content, /past/gone, /desk; POST /past/restore; PUT /desk
 *                              handed to the server as /wire/… of the same name (src/wire/README.md); 502 while it is away
 *   any  /ide/x                relayed to the IDE's backend as /x, WebSockets too; 503 while it does not listen, 404 when
 *                              there is no IDE
 *
 * root is "workspace" (the default) or "home", a path relative to it: 404 when there is no such root, 400 for no path.
 * Errors are those of the public API: {"success":false,"error":{"code","message","request_id"}}; 503 has Retry-After.
 */
#ifndef CODI2_DOOR_H
#define CODI2_DOOR_H

#include "codi2/ide.h"
#include "codi2/mirror.h"
#include "codi2/terminals.h"

struct codi2_door_options {
    const char *socket; /* path; a stale socket there is replaced */
    struct str session;
    struct codi2_status *status;
    const struct codi2_ide *ide;   /* NULL: none */
    struct codi2_mirror **mirrors; /* woken by a barrier */
    size_t mirror_count;
    struct codi2_terminals *terminals;
    const char *wire; /* the server's internal socket */
    struct str token; /* for it */
};

struct codi2_door;

/* ERR_IO, ERR_FORBIDDEN: the socket cannot be made. */
int codi2_door_open(const struct codi2_door_options *options,
                    struct codi2_door **ret_door) BASE_MUST_USE;
void codi2_door_close(struct codi2_door *d); /* NULL allowed */

#endif
