/*
 * The terminals of a workspace, by name: made when first asked for, kept while nobody looks, shown again with what they said last.
 * One that has ended is kept until its end was told to somebody, and longer while there is room; it can be seen again by its run.
 *
 * All calls on the door's one loop, but for codi2_terminals_reaped and codi2_terminals_end. They end with codi2: see README.md.
 */
#ifndef CODI2_TERMINALS_H
#define CODI2_TERMINALS_H

#include <sys/types.h>

#include "codi2/status.h"
#include "http/http.h"

enum { CODI2_TERMINALS = 16 };

struct codi2_terminals;

/* workspace and status outlive it. */
struct codi2_terminals *codi2_terminals_create(const char *workspace, struct codi2_status *status);
void codi2_terminals_destroy(struct codi2_terminals *all); /* NULL allowed; its loop has ended */

/*
 * Answers a handshake for the terminal `id` with its socket. Query: since (position to go on from), run (only this one, never a new
 * one), cols, rows, command (of a new one, instead of a login shell). ERR_INVALID; ERR_FORBIDDEN: a web page asks; ERR_CLOSED: the
 * workspace is ending. What is found out later closes the socket with a reason.
 */
int codi2_terminals_open(struct codi2_terminals *all, struct http_request *request,
                         struct http_response *response, struct str id) BASE_MUST_USE;

/* {"terminals":[{"id","run","state":"running"|"ended","started_at","sockets","exit_code"?,"signal"?}]} */
void codi2_terminals_write(const struct codi2_terminals *all, struct buf *out);

/* Hangs up, and forgets it. ERR_NOT_FOUND. */
int codi2_terminals_delete(struct codi2_terminals *all, struct str id) BASE_MUST_USE;

/* From any thread: a child has ended with this status of waitpid. Whose it was is found out. */
void codi2_terminals_reaped(void *terminals, pid_t pid, int status);

/* From any thread: hangs up on all, and makes none any more. */
void codi2_terminals_end(struct codi2_terminals *all);

#endif
