/*
 * Making what was named on the command line reachable. As root the server and the workspaces run as users of their own, but
 * the data directory and what was built often lie below /root, which lets nobody pass. Such a path is mounted again below
 * /run/coditect, in a mount namespace of our own: the machine's permissions stay as they are, and no other process sees it.
 *
 * 1. The namespace is made once, before the broker forks, so that server, supervisors and sandboxes share it. A later
 *    server has another one, in which the same files have the same names.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "workspaces/broker_int.h"

#define EXPOSED "/run/coditect"
#define NODE_INSIDE "/opt/coditect/node"
#define NODE_PROGRAM "/bin/node"

struct exposure {
    struct arena *arena;
    bool needed;    /* other users than ours will come */
    bool separated; /* the mount namespace is our own */
};

/* True when every directory above and including path lets others pass. */
static bool is_reachable(const char *path)
{
    MEM_AUTO char *part = mem_dup(path, strlen(path));
    for (size_t n = strlen(part); n > 0; n--) {
        if (part[n] != '\0' && part[n] != '/') {
            continue;
        }
        part[n] = '\0';
        struct stat facts;
        if (stat(part, &facts) < 0 || !(facts.st_mode & S_IXOTH)) {
            return false;
        }
    }
    return true;
}

/* A mount namespace of our own, with an empty place for mount points in it: nothing of them is seen or left outside. */
static int separate(struct exposure *e)
{
    if (e->separated) {
        return 0;
    }
    if ((mkdir(EXPOSED, 0711) < 0 && errno != EEXIST) || unshare(CLONE_NEWNS) < 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("coditect", EXPOSED, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0711,size=64k") < 0) {
        return err_from_errno(errno);
    }
    e->separated = true;
    return 0;
}

static int make_point(const char *point, bool directory)
{
    if (directory) {
        return mkdir(point, 0711) < 0 ? err_from_errno(errno) : 0;
    }
    FD_AUTO int fd = open(point, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? err_from_errno(errno) : 0;
}

/* The path at which others reach it: itself, or a mount point of this name. path NULL stays NULL. */
static int show(struct exposure *e, const char *path, const char *name, const char **ret_path)
{
    if (!path || !e->needed || is_reachable(path)) {
        *ret_path = path ? arena_str(e->arena, str_from(path)).p : NULL;
        return 0;
    }
    struct stat facts;
    if (stat(path, &facts) < 0) {
        return log_err(ERR_FORBIDDEN, "workspaces", "%s cannot be read: %m", path);
    }
    const char *point = arena_printf(e->arena, EXPOSED "/%s", name).p;
    if (separate(e) != 0 || make_point(point, S_ISDIR(facts.st_mode)) != 0 ||
        mount(path, point, NULL, MS_BIND | MS_REC, NULL) < 0) {
        return log_err(ERR_FORBIDDEN, "workspaces",
                       "the users of the workspaces cannot reach %s (%m); choose a place below a "
                       "directory that everybody may pass, such as /var/lib/coditect",
                       path);
    }
    *ret_path = point;
    return 0;
}

/*
 * A Node.js below /usr is inside every workspace already, at its own path. Another one is shown as a whole, since npm lies
 * beside its binary.
 */
static int show_node(struct exposure *e, const char *node, struct broker_place *place)
{
    if (!node) {
        return 0;
    }
    struct str directory = str_from(node);
    struct str program = STR(NODE_PROGRAM);
    if (str_ends(directory, program)) {
        directory.n -= program.n;
    }
    const char *top = arena_str(e->arena, directory).p;
    const char *binary = arena_printf(e->arena, "%s" NODE_PROGRAM, top).p;
    if (top[0] != '/' || access(binary, X_OK) < 0) {
        return log_err(ERR_INVALID, "workspaces", "%s is no Node.js: there is no %s", node, binary);
    }
    if (strcmp(top, "/usr") == 0 || str_starts(directory, STR("/usr/"))) {
        place->node_program = binary;
        return 0;
    }
    place->node_program = NODE_INSIDE NODE_PROGRAM;
    return show(e, top, "node", &place->node);
}

int workspaces_broker_expose(const struct workspaces_broker_options *options, struct arena *arena,
                             struct broker_place *place)
{
    struct exposure e = {.arena = arena, .needed = place->first_uid != 0};
    place->supervisor = options->supervisor; /* executed by ourselves */
    place->platform_origin = options->platform_origin;
    int error = show(&e, options->data, "data", &place->data);
    if (!error) {
        error = show(&e, options->codi2, "codi2", &place->codi2);
    }
    if (!error) {
        error = show(&e, options->ide, "ide", &place->ide);
    }
    if (!error) {
        error = show(&e, options->web, "web", &place->web);
    }
    return error ? error : show_node(&e, options->node, place);
}
