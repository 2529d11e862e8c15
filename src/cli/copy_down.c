/*
 * cp out of a session: its list, page by page, one GET an entry, each of the version that the list named.
 *
 * 1. The server's names are not trusted: a path is taken apart, "." and ".." and empty parts are refused, and every folder on
 *    the way is opened without following symbolic links. Nothing is written outside the target, whatever the session holds.
 * 2. Memory holds one page of the list.
 * 3. A folder gets its mode when everything in it is there: a mode without 'w' would be in the way. Folders that existed keep
 *    theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cli/cli_int.h"

enum { PAGE = 500, TARGET_MOST = 4096, NAME_MOST = 255 };

struct item {
    struct str path; /* in the session, its bytes */
    char kind;       /* 'f', 'd', 'l' */
    mode_t mode;
    int64_t version;
};

/* A folder that was made here and waits for its mode. */
struct made {
    char *path; /* below the target */
    mode_t mode;
};

struct down {
    struct cli_copy *copy;
    const struct cli_place *from;
    int root;       /* the folder here into which paths lead */
    size_t prefix;  /* bytes of an item's path that are not part of the path below root */
    const char *as; /* the name of a single item; NULL: the path's own */
    mode_t umask;
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

static void give_mode(struct down *d, const struct made *made)
{
    int parent;
    const char *name = NULL;
    if (open_parent(d, str_from(made->path), &parent, &name) < 0) {
        return;
    }
    FD_AUTO int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        (void)fchmod(fd, made->mode);
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
        give_mode(d, last);
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
        struct made made = {mem_dup(path.p, path.n), item->mode & 0777 & ~d->umask};
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

static int write_file(struct down *d, const struct item *item, struct str path)
{
    struct cli_copy *copy = d->copy;
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
    r = fetch(d, item, draft.fd, &copy->meter);
    if (r == ERR_UNAVAILABLE && copy->meter.bytes > before) {
        r = ERR_IO; /* broken off: damaged there, perhaps. Whether the server is gone, the next says */
    }
    r = r < 0 ? r : cli_draft_commit(copy->run, &draft, item->mode & 0777 & ~d->umask);
    cli_draft_drop(&draft);
    if (r == 0) {
        copy->files++;
        copy->meter.files++;
        copy->bytes += copy->meter.bytes - before;
    }
    return r;
}

/* A link is content too: where it leads. */
static int read_target(struct down *d, const struct item *item, char *ret_target)
{
    FD_AUTO int fd = memfd_create("coditect-link", MFD_CLOEXEC);
    if (fd < 0) {
        return fail(d, ERR_IO, strerror(errno));
    }
    int r = fetch(d, item, fd, NULL);
    if (r < 0) {
        return r;
    }
    ssize_t n = pread(fd, ret_target, TARGET_MOST, 0);
    if (n <= 0 || n == TARGET_MOST || memchr(ret_target, '\0', (size_t)n)) {
        return fail(d, ERR_INVALID, "a symbolic link leads to nothing that is a path");
    }
    ret_target[n] = '\0';
    return 0;
}

static int make_link(struct down *d, const struct item *item, struct str path)
{
    char target[TARGET_MOST];
    FD_AUTO int parent = -1;
    const char *name = NULL;
    struct cli_draft draft;
    int r = open_parent(d, path, &parent, &name);
    r = r < 0 ? r : read_target(d, item, target);
    r = r < 0 ? r : cli_draft_begin(d->copy->run, parent, name, &draft); /* for its name */
    if (r < 0) {
        return r;
    }
    struct stat st;
    bool folder = fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
    if (folder) {
        r = fail(d, ERR_IS_DIRECTORY, "what has its name here is a folder");
    } else if (unlinkat(parent, draft.draft, 0) != 0 ||
               symlinkat(target, parent, draft.draft) != 0 ||
               renameat(parent, draft.draft, parent, name) != 0) {
        r = fail(d, ERR_IO, strerror(errno));
    } else {
        d->copy->links++;
    }
    cli_draft_drop(&draft);
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
    int r = item->kind == 'd'   ? make_folder(d, item, path)
            : item->kind == 'l' ? make_link(d, item, path)
                                : write_file(d, item, path);
    return r < 0 ? cli_copy_failed(d->copy, r) : 0;
}

static int take_item(struct down *d, const struct json *element)
{
    struct cli_entry entry = {0};
    int r = cli_shape_read(d->copy->run, &cli_shape_entry, element, &entry);
    if (r == 0) {
        struct str path = cli_entry_path(&d->arena, &entry);
        char kind = str_eq(entry.type, STR("dir"))       ? 'd'
                    : str_eq(entry.type, STR("symlink")) ? 'l'
                                                         : 'f';
        VEC_ADD(&d->items, (struct item){.path = arena_str(&d->arena, path),
                                         .kind = kind,
                                         .mode = (mode_t)entry.mode,
                                         .version = entry.version});
    }
    return r;
}

/* A page of folder; its items are copies, since the reply is gone with the next call. */
static int load_page(struct down *d, const struct cli_files_list_in *in, struct buf *cursor)
{
    struct cli_reply reply;
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

/* only: the one item with this path; empty: all. ERR_NOT_FOUND: it is not there any more. */
static int copy_list(struct down *d, struct cli_files_list_in *in, struct str only)
{
    BUF_AUTO(cursor, 16 * 1024);
    do {
        BUF_AUTO(given, 16 * 1024);
        buf_add(&given, buf_str(&cursor));
        in->cursor = buf_str(&given);
        in->has_cursor = given.n > 0;
        int r = load_page(d, in, &cursor);
        for (size_t i = 0; r == 0 && i < d->items.n; i++) {
            const struct item *item = &d->items.at[i];
            if (only.n == 0) {
                r = item->path.n > d->prefix
                        ? copy_item(d, item)
                        : fail(d, ERR_CORRUPT, "the server names a path that is none");
            } else if (str_eq(item->path, only)) {
                return copy_item(d, item);
            }
        }
        if (r < 0) {
            return r;
        }
    } while (cursor.n > 0);
    return only.n > 0 ? fail(d, ERR_NOT_FOUND, "it is not there any more") : 0;
}

static struct cli_files_list_in list_of(const struct down *d, struct str folder)
{
    return (struct cli_files_list_in){.session_id = d->from->id,
                                      .path = folder,
                                      .has_path = folder.n > 0,
                                      .limit = PAGE,
                                      .has_limit = true};
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
    if (mkdir(target, 0777) != 0 && errno != EEXIST) {
        return cli_fail(run, ERR_IO, "%s: %s", target, strerror(errno));
    }
    int r = open_root(d, target);
    d->prefix = d->from->path.n > 0 ? d->from->path.n + 1 : 0;
    struct cli_files_list_in in = list_of(d, d->from->path);
    in.recursive = in.has_recursive = true;
    r = r < 0 ? r : copy_list(d, &in, STR_EMPTY);
    leave_folders(d, STR_EMPTY);
    return r;
}

static int copy_file(struct down *d, const char *to)
{
    struct cli_run *run = d->copy->run;
    struct str path = d->from->path, name = cli_last_name(path);
    struct str target = str_from(to), folder = target;
    bool inside = cli_is_folder(to) || str_ends(target, STR("/"));
    if (!inside) {
        struct str last = cli_last_name(target);
        folder = str_slice(target, 0, target.n - last.n);
        name = last;
    }
    d->as = arena_str(&run->arena, name).p;
    int r = open_root(d, folder.n > 0 ? arena_str(&run->arena, folder).p : ".");
    struct str parent = str_slice(path, 0, path.n - cli_last_name(path).n);
    parent.n -= parent.n > 0;
    struct cli_files_list_in in = list_of(d, parent);
    return r < 0 ? r : copy_list(d, &in, path);
}

int cli_copy_down(struct cli_copy *copy, const struct cli_place *from, const char *to)
{
    struct down d = {.copy = copy, .from = from, .root = -1, .umask = cli_umask()};
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
