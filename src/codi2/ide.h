/*
 * The IDE's backend: a program of the bundle, kept running, that listens on a unix socket in a folder of mode 0700 beside the
 * door's. It is started and watched by the main thread; how it does, and the way to it, may be asked by any thread.
 */
#ifndef CODI2_IDE_H
#define CODI2_IDE_H

#include "base/err.h"
#include "base/str.h"
#include "codi2/children.h"

enum codi2_ide_state {
    CODI2_IDE_NONE, /* no bundle is configured */
    CODI2_IDE_STARTING,
    CODI2_IDE_RUNNING, /* it listens */
    CODI2_IDE_FAILED,  /* it ended, and is started again after a pause */
};

struct codi2_ide_options { /* all texts outlive the IDE; "" for none */
    const char *bundle;
    const char *node;
    const char *workspace;
    const char *door; /* socket; the folder `ide` beside it becomes the backend's */
    const char *session;
    const char *session_name;
    const char *platform_origin;
    const char *base_path;
};

struct codi2_ide;

/* Makes the folder and the gateway's secret; starts nothing. ERR_INVALID: a path is too long for a socket; ERR_IO. */
int codi2_ide_open(const struct codi2_ide_options *options,
                   struct codi2_ide **ret_ide) BASE_MUST_USE;
void codi2_ide_close(struct codi2_ide *ide); /* NULL allowed; its processes have ended */

/* Starts the backend when that is due. Milliseconds until something is to be done, -1: nothing. Main thread, NULL allowed. */
int codi2_ide_turn(struct codi2_ide *ide);

/* Main thread. NULL for NULL. */
struct codi2_keeper *codi2_ide_keeper(struct codi2_ide *ide);

enum codi2_ide_state codi2_ide_look(const struct codi2_ide *ide); /* NULL: CODI2_IDE_NONE */
const char *codi2_ide_state_name(enum codi2_ide_state state);     /* "none", "starting", … */

struct str codi2_ide_address(const struct codi2_ide *ide); /* as net_address_parse takes it */

/* What the backend wants to see in X-Coditect-Gateway. It is no wall against programs of the workspace: see README.md. */
struct str codi2_ide_secret(const struct codi2_ide *ide);

#endif
