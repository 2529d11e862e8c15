/*
 * The backend's socket exists exactly while it listens: we remove it before each start and after each end, the backend makes
 * it when it is ready. So "does it listen" is one question to the file system, from any thread.
 */
#include "codi2/ide.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/encode.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/vec.h"

enum { IDE_MAGIC = 0x69646520, SECRET_SIZE = 24, LOOK_MS = 100 };

struct codi2_ide {
    unsigned magic;
    struct codi2_ide_options options;
    struct arena arena;
    struct codi2_keeper keeper;
    struct str folder;
    struct str socket;
    struct str address;
    struct str secret;
    atomic_bool failed; /* it ended and waits to be started again */
};

/* ---- what it is started with ---- */

static void make_secret(struct codi2_ide *ide)
{
    uint8_t bytes[SECRET_SIZE];
    rand_bytes(bytes, sizeof bytes);
    BUF_AUTO(text, 2 * SECRET_SIZE);
    encode_hex(&text, str_of(bytes, sizeof bytes));
    ide->secret = arena_str(&ide->arena, buf_str(&text));
}

/* A folder that only this user may enter. One that an earlier codi2 left is taken over when it is ours. */
static int make_folder(struct codi2_ide *ide)
{
    struct str door = str_from(ide->options.door);
    size_t slash = door.n;
    while (slash > 0 && door.p[slash - 1] != '/') {
        slash--;
    }
    struct arena *arena = &ide->arena;
    ide->folder = arena_printf(arena, STR_FMT "ide", STR_ARG(str_slice(door, 0, slash)));
    ide->socket = arena_printf(arena, STR_FMT "/ide.sock", STR_ARG(ide->folder));
    ide->address = arena_printf(arena, "unix:" STR_FMT, STR_ARG(ide->socket));
    if (ide->socket.n >= sizeof((struct sockaddr_un *)0)->sun_path) {
        return log_err(ERR_INVALID, "codi2", "%s: too long for a socket", ide->socket.p);
    }
    struct stat facts;
    if ((mkdir(ide->folder.p, 0700) < 0 && errno != EEXIST) || lstat(ide->folder.p, &facts) < 0 ||
        !S_ISDIR(facts.st_mode) || facts.st_uid != geteuid() || chmod(ide->folder.p, 0700) < 0) {
        return log_err(ERR_IO, "codi2", "%s cannot be made: %m", ide->folder.p);
    }
    return 0;
}

static char *text_of(struct str s)
{
    return (char *)s.p; /* of the arena, with a NUL behind; execve wants it writable */
}

/* Ours, without what we may have inherited under these names. */
static char **environment_of(struct codi2_ide *ide)
{
    struct arena *arena = &ide->arena;
    const struct codi2_ide_options *o = &ide->options;
    const struct {
        const char *name;
        const char *value;
    } ours[] = {
        {"CODITECT_IDE_SOCKET", ide->socket.p},           {"CODITECT_DOOR", o->door},
        {"CODITECT_GATEWAY_SECRET", ide->secret.p},       {"CODITECT_BASE_PATH", o->base_path},
        {"CODITECT_PLATFORM_ORIGIN", o->platform_origin}, {"CODITECT_SESSION_ID", o->session},
        {"CODITECT_SESSION_NAME", o->session_name},
    };
    enum { OURS = sizeof ours / sizeof ours[0] };
    static const char *const dropped[] = {"CODITECT_", NULL};
    const char *given[OURS + 1];
    size_t n = 0;
    for (size_t i = 0; i < OURS; i++) {
        if (ours[i].value[0]) {
            given[n++] = arena_printf(arena, "%s=%s", ours[i].name, ours[i].value).p;
        }
    }
    given[n] = NULL;
    return codi2_child_environment(arena, dropped, given);
}

static char **arguments_of(struct codi2_ide *ide)
{
    struct arena *arena = &ide->arena;
    const struct codi2_ide_options *o = &ide->options;
    char **all = ARENA_ARRAY(arena, char *, 5);
    all[0] = text_of(arena_str(arena, str_from(o->node)));
    all[1] = text_of(arena_printf(arena, "%s/app/lib/backend/main.js", o->bundle));
    all[2] = text_of(arena_str(arena, str_from(o->workspace)));
    all[3] = text_of(arena_printf(arena, "--plugins=local-dir:%s/plugins", o->bundle));
    all[4] = NULL;
    return all;
}

/* ---- its life ---- */

int codi2_ide_open(const struct codi2_ide_options *options, struct codi2_ide **ret_ide)
{
    struct codi2_ide *ide = MEM_NEW(struct codi2_ide);
    ide->magic = IDE_MAGIC;
    ide->options = *options;
    arena_init(&ide->arena);
    make_secret(ide);
    int error = make_folder(ide);
    ide->keeper = (struct codi2_keeper){
        .name = "the IDE",
        .directory = arena_printf(&ide->arena, "%s/app", options->bundle).p,
        .log = arena_printf(&ide->arena, STR_FMT "/ide.log", STR_ARG(ide->folder)).p,
        .output = -1};
    if (error) {
        codi2_ide_close(ide);
        return error;
    }
    ide->keeper.arguments = arguments_of(ide);
    ide->keeper.environment = environment_of(ide);
    ide->keeper.again_at = time_monotonic();
    (void)unlink(ide->socket.p); /* of a codi2 that was killed: nobody listens there */
    *ret_ide = ide;
    return 0;
}

void codi2_ide_close(struct codi2_ide *ide)
{
    if (!ide) {
        return;
    }
    ASSERT_MAGIC(ide, IDE_MAGIC);
    fd_close(&ide->keeper.output);
    (void)unlink(ide->socket.p);
    arena_fini(&ide->arena);
    ide->magic = 0;
    mem_free(ide);
}

int codi2_ide_turn(struct codi2_ide *ide)
{
    if (!ide) {
        return -1;
    }
    ASSERT_MAGIC(ide, IDE_MAGIC);
    struct codi2_keeper *k = &ide->keeper;
    if (k->pid == 0) {
        (void)unlink(ide->socket.p);
    }
    int wait = codi2_keeper_turn(k);
    atomic_store(&ide->failed, k->pid == 0);
    return k->pid > 0 && codi2_ide_look(ide) == CODI2_IDE_STARTING ? LOOK_MS : wait;
}

struct codi2_keeper *codi2_ide_keeper(struct codi2_ide *ide)
{
    return ide ? &ide->keeper : NULL;
}

enum codi2_ide_state codi2_ide_look(const struct codi2_ide *ide)
{
    if (!ide) {
        return CODI2_IDE_NONE;
    }
    ASSERT_MAGIC(ide, IDE_MAGIC);
    if (atomic_load(&ide->failed)) {
        return CODI2_IDE_FAILED;
    }
    return access(ide->socket.p, F_OK) == 0 ? CODI2_IDE_RUNNING : CODI2_IDE_STARTING;
}

const char *codi2_ide_state_name(enum codi2_ide_state state)
{
    static const char *const names[] = {"none", "starting", "running", "failed"};
    ASSERT(state <= CODI2_IDE_FAILED);
    return names[state];
}

struct str codi2_ide_address(const struct codi2_ide *ide)
{
    return ide->address;
}

struct str codi2_ide_secret(const struct codi2_ide *ide)
{
    return ide->secret;
}
