#include "coditectd/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "base/args.h"
#include "base/fd.h"
#include "base/log.h"

enum { MAX_MIB = 1 << 20, MAX_PROCESSES = 1 << 20, MAX_MINUTES = 60 * 24 * 365 };

struct given {
    const char *rate_factor;
    const char *memory;
    const char *processes;
    const char *idle;
};

static void parse(char **argv, struct coditectd_options *o, struct given *g)
{
    const struct args_option options[] = {
        {.name = "listen",
         .value = "ADDR:PORT",
         .text = "where to listen (default 127.0.0.1:8080; port 0: any)",
         .given = &o->listen},
        {.name = "data",
         .value = "DIR",
         .text = "everything that must last; made when absent (required)",
         .given = &o->data},
        {.name = "web", .value = "DIR", .text = "the built web app", .given = &o->web},
        {.name = "ide", .value = "DIR", .text = "the built IDE", .given = &o->ide},
        {.name = "node",
         .value = "PATH",
         .text = "Node.js for workspaces: bin/node, or the directory above bin",
         .given = &o->node},
        {.name = "public-url",
         .value = "URL",
         .text = "how browsers reach this server, when not by a local name",
         .given = &o->public_url},
        {.name = "ide-url", .value = "URL", .text = "https://{session}.HOST", .given = &o->ide_url},
        {.name = "ide-listen",
         .value = "ADDR:PORT",
         .text = "IDEs on a port of their own too, where such names do not work",
         .given = &o->ide_listen},
        {.name = "user",
         .value = "NAME",
         .text = "whom the server becomes when started as root (default coditect)",
         .given = &o->user},
        {.name = "memory",
         .value = "MIB",
         .text = "what one workspace may use (default 4096; 0: no limit)",
         .given = &g->memory},
        {.name = "processes",
         .value = "N",
         .text = "what one workspace may have (default 2000; 0: no limit)",
         .given = &g->processes},
        {.name = "idle",
         .value = "MINUTES",
         .text = "without use until a workspace is paused (default 30; 0: never)",
         .given = &g->idle},
        {.name = "rate-factor",
         .value = "N",
         .text = "multiplies the request limits (default 1)",
         .given = &g->rate_factor},
        {.name = "end-workspaces", .text = "stopping ends them too", .flag = &o->end_workspaces},
        {.name = "stop-workspaces",
         .text = "end all workspaces of --data, then exit; when no server runs",
         .flag = &o->stop_workspaces},
        {.name = "check",
         .text = "look whether all that is stored is whole, then exit; when no server runs",
         .flag = &o->check},
        {0},
    };
    (void)args_parse_or_exit(&(struct args_spec){.program = "coditectd",
                                                 .summary = "The Coditect server.",
                                                 .options = options},
                             argv);
}

struct bound {
    const char *name;
    uint64_t least, most;
};

static int number(const char *text, const struct bound *bound, uint64_t *ret_number)
{
    if (str_u64(str_from(text), bound->most, ret_number) != 0 || *ret_number < bound->least) {
        return log_err(ERR_INVALID, "coditectd", "--%s wants a number from %llu to %llu",
                       bound->name, (unsigned long long)bound->least,
                       (unsigned long long)bound->most);
    }
    return 0;
}

static int read_numbers(const struct given *g, struct coditectd_options *o)
{
    uint64_t factor = 0;
    uint64_t memory = 0;
    uint64_t processes = 0;
    uint64_t minutes = 0;
    int r = number(g->rate_factor, &(struct bound){"rate-factor", 1, API_MAX_RATE_FACTOR}, &factor);
    if (!r) {
        r = number(g->memory, &(struct bound){"memory", 0, MAX_MIB}, &memory);
    }
    if (!r) {
        r = number(g->processes, &(struct bound){"processes", 0, MAX_PROCESSES}, &processes);
    }
    if (!r) {
        r = number(g->idle, &(struct bound){"idle", 0, MAX_MINUTES}, &minutes);
    }
    o->rate_factor = (uint32_t)factor;
    o->memory = (int64_t)memory << 20;
    o->processes = (int64_t)processes;
    o->idle_limit = (usec_t)minutes * 60 * USEC_PER_SEC;
    return r;
}

/* The server changes its working directory. NULL stays NULL. */
static int make_absolute(struct arena *arena, const char **path)
{
    char absolute[PATH_MAX];
    if (*path && !realpath(*path, absolute)) {
        return log_err(err_from_errno(errno), "coditectd", "%s cannot be found: %m", *path);
    }
    if (*path) {
        *path = arena_str(arena, str_from(absolute)).p;
    }
    return 0;
}

static int make_data(struct coditectd_options *o, struct arena *arena)
{
    if (!o->data) {
        return log_err(ERR_INVALID, "coditectd",
                       "--data DIR is missing: where everything that must last lies");
    }
    if (!o->check && mkdir(o->data, 0711) < 0 && errno != EEXIST) {
        return log_err(err_from_errno(errno), "coditectd", "%s cannot be made: %m", o->data);
    }
    return make_absolute(arena, &o->data);
}

/* A program of ours: beside this one when installed, in the folder of its name when built. */
static const char *sibling(struct arena *arena, struct str directory, const char *name,
                           const char *folder)
{
    struct str beside = arena_printf(arena, STR_FMT "/%s", STR_ARG(directory), name);
    if (access(beside.p, X_OK) == 0) {
        return beside.p;
    }
    return arena_printf(arena, STR_FMT "/../%s/%s", STR_ARG(directory), folder, name).p;
}

static int find_programs(struct coditectd_options *o, struct arena *arena)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    if (n <= 0 || (size_t)n == sizeof path) {
        return log_err(ERR_INVALID, "coditectd", "/proc is needed: mount it");
    }
    struct str self = str_of(path, (size_t)n);
    size_t slash = self.n;
    while (slash > 0 && self.p[slash - 1] != '/') {
        slash--;
    }
    struct str directory = str_slice(self, 0, slash > 0 ? slash - 1 : 0);
    o->supervisor = sibling(arena, directory, "coditect-workspace", "workspace");
    o->codi2 = sibling(arena, directory, "codi2", "codi2");
    return 0;
}

/* 0 when it says none. */
static uint16_t port_of(const char *address)
{
    struct str text = str_from(address);
    size_t colon = text.n;
    uint64_t port = 0;
    while (colon > 0 && text.p[colon - 1] != ':') {
        colon--;
    }
    return str_u64(str_slice(text, colon, text.n), UINT16_MAX, &port) == 0 ? (uint16_t)port : 0;
}

static int read_ports(struct coditectd_options *o)
{
    o->listen_port = port_of(o->listen);
    o->ide_port = o->ide_listen ? port_of(o->ide_listen) : 0;
    if (o->ide_listen && (o->ide_port == 0 || o->listen_port == 0)) {
        return log_err(ERR_INVALID, "coditectd",
                       "--ide-listen wants a port, and --listen too: pages of one name the other");
    }
    return 0;
}

/* By a name of its own, since cookies do not tell ports apart: see the gateway. */
static void find_origin(struct coditectd_options *o, struct arena *arena)
{
    unsigned port = o->listen_port;
    if (o->public_url) {
        o->origin = o->public_url;
    } else if (o->ide_listen) {
        o->origin =
            arena_printf(arena,
                         "http://coditect.localhost:%u http://localhost:%u http://127.0.0.1:%u",
                         port, port, port)
                .p;
    } else {
        o->origin = arena_printf(arena, "http://coditect.localhost:%u", port).p;
    }
}

int coditectd_options_read(char **argv, struct arena *arena, struct coditectd_options *ret_options)
{
    struct coditectd_options o = {.listen = "127.0.0.1:8080", .user = "coditect"};
    struct given given = {"1", "4096", "2000", "30"};
    parse(argv, &o, &given);
    int r = read_numbers(&given, &o);
    if (!r) {
        r = read_ports(&o);
    }
    if (!r) {
        r = make_data(&o, arena);
    }
    const char **const paths[] = {&o.web, &o.ide, &o.node};
    for (size_t i = 0; !r && i < sizeof paths / sizeof paths[0]; i++) {
        r = make_absolute(arena, paths[i]);
    }
    if (!r) {
        r = find_programs(&o, arena);
    }
    find_origin(&o, arena);
    *ret_options = o;
    return r;
}
