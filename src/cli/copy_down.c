/*
 * cp out of a session: its list, page by page, one GET an entry, each of the version that the list named.
 *
 * 1. The server's names are not trusted: a path is taken apart, "." and ".." and empty parts are refused, and every folder on
 *    the way is opened without following symbolic links. Nothing is written outside the target, whatever the session holds.
 * 2. Memory holds one page of the list.
 * 3. A folder gets its mode and time when everything in it is there: a mode without 'w' would be in the way, and what is made in
 *    it changes its time. Folders that existed keep theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cli/cli_int.h"

enum { PAGE = 500, NAME_MOST = 255 };

struct item {
    struct str path; /* in the session, its bytes */
    bool folder;
    struct cli_facts facts;
    int64_t version;
};

/* A folder that was made here and waits for its mode and time. */
struct made {
    char *path; /* below the target */
    struct cli_facts facts;
};

struct down {
    struct cli_copy *copy;
    const struct cli_place *from;
    int root;           /* the folder here into which paths lead */
    size_t prefix;      /* bytes of an item's path that are not part of the path below root */
    const char *as;     /* the name of a single item; NULL: the path's own */
    struct arena arena; /* of the page */
    VEC(struct item) items;
    VEC(struct made) made; /* each inside the one before */
};

static int fail(struct down *d, int code, const char *why)
{
    (void)cli_fail(d->copy->run, code, "%s", why);
    return code;
}

/* ---- paths of the server ---- */

static bool is_name(struct str name)
{
    return name.n > 0 && name.n <= NAME_MOST && !str_eq(name, STR(".")) &&
           !str_eq(name, STR("..")) && !memchr(name.p, '/', name.n) &&
           !memchr(name.p, '\0', name.n);
}

static int open_below(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && mkdirat(folder, name, 0777) == 0) {
        fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    return fd;
}

/* The folder that path (below root) lies in, and its last name in the arena. */
static int open_parent(struct down *d, struct str path, int *ret_fd, const char **ret_name)
{
    FD_AUTO int fd = fcntl(d->root, F_DUPFD_CLOEXEC, 3);
    struct str rest = path, name = STR_EMPTY;
    while (fd >= 0 && str_split(&rest, '/', &name)) {
        if (!is_name(name)) {
            return fail(d, ERR_INVALID, "the server names a path that is none");
        }
        if (!rest.p) {
            *ret_name = arena_str(&d->arena, name).p;
            *ret_fd = FD_TAKE(fd);
            return 0;
        }
        int next = open_below(fd, arena_str(&d->arena, name).p);
        int number = errno;
        fd_close(&fd);
        fd = next;
        errno = number;
    }
    return fail(d, ERR_IO, fd < 0 ? strerror(errno) : "the server names a path that is none");
}

/* ---- folders ---- */

static void give_folder(int fd, const struct cli_facts *facts)
{
    (void)fchmod(fd, cli_mode_here(facts->mode));
    if (facts->timed) {
        (void)!cli_set_time(fd, facts->mtime);
    }
}

static void give_facts(struct down *d, const struct made *made)
{
    int parent;
    const char *name = NULL;
    if (open_parent(d, str_from(made->path), &parent, &name) < 0) {
        return;
    }
    FD_AUTO int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        give_folder(fd, &made->facts);
    }
    fd_close(&parent);
}

/* Folders that path is not in are complete. */
static void leave_folders(struct down *d, struct str path)
{
    while (d->made.n > 0) {
        struct made *last = &d->made.at[d->made.n - 1];
        struct str folder = str_from(last->path);
        if (path.n > folder.n && str_starts(path, folder) && path.p[folder.n] == '/') {
            return;
        }
        give_facts(d, last);
        mem_free(last->path);
        d->made.n--;
    }
}

static int make_folder(struct down *d, const struct item *item, struct str path)
{
    FD_AUTO int parent = -1;
    const char *name = NULL;
    int r = open_parent(d, path, &parent, &name);
    if (r < 0) {
        return r;
    }
    if (mkdirat(parent, name, 0700) == 0) {
        struct made made = {mem_dup(path.p, path.n), item->facts};
        VEC_ADD(&d->made, made);
    } else if (errno != EEXIST) {
        return fail(d, ERR_IO, strerror(errno));
    }
    FD_AUTO int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return fail(d, ERR_NOT_DIRECTORY, "what has its name here is no folder");
    }
    d->copy->folders++;
    return 0;
}

/* ---- files ---- */

static int fetch(struct down *d, const struct item *item, int fd, struct cli_meter *meter)
{
    struct cli_content content = CLI_CONTENT;
    content.sink_fd = fd;
    content.meter = meter;
    struct cli_files_get_in in = {.session_id = d->from->id,
                                  .path = item->path,
                                  .version = item->version,
                                  .has_version = true};
    struct cli_reply reply;
    return cli_files_get(d->copy->client, &in, &content, &reply);
}

/* A link is content too: where it leads. */
static int write_item(struct down *d, const struct item *item, struct str path)
{
    struct cli_copy *copy = d->copy;
    bool link = item->facts.link;
    FD_AUTO int parent = -1;
    const char *name = NULL;
    struct cli_draft draft;
    int r = open_parent(d, path, &parent, &name);
    r = r < 0 ? r : cli_draft_begin(copy->run, parent, name, &draft);
    if (r < 0) {
        return r;
    }
    uint64_t before = copy->meter.bytes;
    copy->meter.name = item->path;
    r = fetch(d, item, draft.fd, link ? NULL : &copy->meter);
    if (r == ERR_UNAVAILABLE && copy->meter.bytes > before) {
        r = ERR_IO; /* broken off: damaged there, perhaps. Whether the server is gone, the next says */
    }
    r = r < 0 ? r : cli_draft_commit(copy->run, &draft, &item->facts);
    cli_draft_drop(&draft);
    if (r == 0 && link) {
        copy->links++;
    } else if (r == 0) {
        copy->files++;
        copy->meter.files++;
        copy->bytes += copy->meter.bytes - before;
    }
    return r;
}

/* ---- the list ---- */

static int copy_item(struct down *d, const struct item *item)
{
    struct cli_run *run = d->copy->run;
    struct str path = d->as ? str_from(d->as) : str_slice(item->path, d->prefix, item->path.n);
    leave_folders(d, path);
    run->subject =
        arena_printf(&d->arena, STR_FMT ":" STR_FMT, STR_ARG(d->from->session), STR_ARG(item->path))
            .p;
    int r = item->folder ? make_folder(d, item, path) : write_item(d, item, path);
    return r < 0 ? cli_copy_failed(d->copy, r) : 0;
}

static int take_item(struct down *d, const struct json *element)
{
    struct cli_entry entry = {0};
    int r = cli_shape_read(d->copy->run, &cli_shape_entry, element, &entry);
    if (r == 0) {
        struct str path = cli_entry_path(&d->arena, &entry);
        VEC_ADD(&d->items, (struct item){.path = arena_str(&d->arena, path),
                                         .folder = str_eq(entry.type, STR("dir")),
                                         .facts = cli_entry_facts(&entry),
                                         .version = entry.version});
    }
    return r;
}

/* The page at cursor, which moves on; its items are copies, since the reply is gone with the next call. */
static int load_page(struct down *d, struct cli_files_list_in *in, struct buf *cursor)
{
    struct cli_reply reply;
    in->cursor = buf_str(cursor);
    in->has_cursor = cursor->n > 0;
    d->copy->run->subject = NULL; /* it lay in the arena */
    arena_reset(&d->arena);
    d->items.n = 0;
    int r = cli_files_list(d->copy->client, in, NULL, &reply);
    for (const struct json *e = r == 0 ? reply.data->first : NULL; r == 0 && e; e = e->next) {
        r = take_item(d, e);
    }
    buf_clear(cursor);
    if (r == 0) {
        buf_add(cursor, reply.next);
    }
    return r;
}

static struct cli_files_list_in list_of(const struct down *d, struct str folder)
{
    return (struct cli_files_list_in){.session_id = d->from->id,
                                      .path = folder,
                                      .has_path = folder.n > 0,
                                      .limit = PAGE,
                                      .has_limit = true};
}

/* All that is listed. */
static int copy_list(struct down *d, struct cli_files_list_in *in)
{
    BUF_AUTO(cursor, 16 * 1024);
    do {
        int r = load_page(d, in, &cursor);
        for (size_t i = 0; r == 0 && i < d->items.n; i++) {
            r = d->items.at[i].path.n > d->prefix
                    ? copy_item(d, &d->items.at[i])
                    : fail(d, ERR_CORRUPT, "the server names a path that is none");
        }
        if (r < 0) {
            return r;
        }
    } while (cursor.n > 0);
    return 0;
}

/* What is copied itself, out of the list that it is in. ERR_NOT_FOUND: it is not there any more. */
static int find_item(struct down *d, struct item *ret_item)
{
    struct str path = d->from->path;
    struct str parent = str_slice(path, 0, path.n - cli_last_name(path).n);
    parent.n -= parent.n > 0;
    struct cli_files_list_in in = list_of(d, parent);
    BUF_AUTO(cursor, 16 * 1024);
    do {
        int r = load_page(d, &in, &cursor);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < d->items.n; i++) {
            if (str_eq(d->items.at[i].path, path)) {
                *ret_item = d->items.at[i];
                return 0;
            }
        }
    } while (cursor.n > 0);
    return fail(d, ERR_NOT_FOUND, "it is not there any more");
}

/* ---- the two kinds of source ---- */

static int open_root(struct down *d, const char *path)
{
    d->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->root < 0) {
        return cli_fail(d->copy->run, ERR_IO, "%s: %s", path, strerror(errno));
    }
    return 0;
}

static int copy_folder(struct down *d, const char *to)
{
    struct cli_run *run = d->copy->run;
    struct str name = cli_last_name(d->from->path);
    if (!d->copy->recursive) {
        return cli_copy_failed(d->copy,
                               fail(d, ERR_IS_DIRECTORY, "it is a folder; -r copies folders"));
    }
    const char *target = to;
    if (name.n > 0 && is_name(name) && cli_is_folder(to)) {
        target = arena_printf(&run->arena, "%s/" STR_FMT, to, STR_ARG(name)).p;
    }
    struct item top;
    bool named = d->from->path.n > 0;
    int r = named ? find_item(d, &top) : 0;
    if (r < 0) {
        return r;
    }
    bool made = mkdir(target, named ? 0700 : 0777) == 0;
    if (!made && errno != EEXIST) {
        return cli_fail(run, ERR_IO, "%s: %s", target, strerror(errno));
    }
    r = open_root(d, target);
    d->prefix = d->from->path.n > 0 ? d->from->path.n + 1 : 0;
    struct cli_files_list_in in = list_of(d, d->from->path);
    in.recursive = in.has_recursive = true;
    r = r < 0 ? r : copy_list(d, &in);
    leave_folders(d, STR_EMPTY);
    if (made && named && d->root >= 0) {
        give_folder(d->root, &top.facts);
    }
    return r;
}

static int copy_file(struct down *d, const char *to)
{
    struct cli_run *run = d->copy->run;
    struct str name = cli_last_name(d->from->path);
    struct str target = str_from(to), folder = target;
    bool inside = cli_is_folder(to) || str_ends(target, STR("/"));
    if (!inside) {
        struct str last = cli_last_name(target);
        folder = str_slice(target, 0, target.n - last.n);
        name = last;
    }
    d->as = arena_str(&run->arena, name).p;
    struct item item;
    int r = open_root(d, folder.n > 0 ? arena_str(&run->arena, folder).p : ".");
    r = r < 0 ? r : find_item(d, &item);
    return r < 0 ? r : copy_item(d, &item);
}

int cli_copy_down(struct cli_copy *copy, const struct cli_place *from, const char *to)
{
    struct down d = {.copy = copy, .from = from, .root = -1};
    arena_init(&d.arena);
    int r = cli_folder_probe(copy->run, from);
    if (r == 0) {
        r = copy_folder(&d, to);
    } else if (r == ERR_NOT_DIRECTORY) {
        r = copy_file(&d, to);
    } else {
        r = cli_copy_failed(copy, r);
    }
    const char *subject = r < 0 ? copy->run->subject : NULL;
    copy->run->subject = subject ? arena_str(&copy->run->arena, str_from(subject)).p : NULL;
    copy->meter.name = STR_EMPTY;
    VEC_FREE(&d.made);
    VEC_FREE(&d.items);
    arena_fini(&d.arena);
    fd_close(&d.root);
    return r;
}
