/*
 * The watched folders form a tree of nodes, so that a folder that is renamed is moved with all below it by relinking one
 * node: the kernel's watches follow the folders themselves, only our names for them change.
 *
 * Invariants
 * 1. Every node but the root's is in its parent's list of children, the only one of its name, and in `by_wd` under its descriptor.
 * 2. A folder that moved away is held in `moving` until its other half arrives (the next event, by inotify's order) or the
 *    reading ends; then it is dropped with all below it.
 * 3. A path that is built from nodes is at most CODI2_PATH_ROOM; deeper folders are not watched (ERR_LIMIT).
 */
#include "codi2/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/mem.h"
#include "codi2/watch_files.h"

enum { WATCH_MAGIC = 0x77617463, CODI2_PATH_ROOM = 4096, EVENT_ROOM = 64 * 1024 };

struct node {
    int wd;
    struct node *parent;
    struct node *first_child;
    struct node *next; /* siblings */
    struct node *before;
    char *name;
};

struct codi2_watch {
    unsigned magic;
    int fd;
    struct codi2_watch_options options;
    char *root_path;
    struct node *root;
    struct map *by_wd;
    struct map *by_name; /* of its parent: a folder may have any number of folders */
    struct node *moving;
    uint32_t moving_cookie;
    struct codi2_watch_files *files;
};

static struct str wd_key(const int *wd)
{
    return str_of(wd, sizeof *wd);
}

/* ---- the tree of nodes ---- */

struct name_key {
    char bytes[sizeof(struct node *) + NAME_MAX];
    size_t n;
};

static struct str name_key(const struct node *parent, struct str name, struct name_key *key)
{
    size_t n = name.n < NAME_MAX ? name.n : NAME_MAX; /* no file system has more */
    memcpy(key->bytes, &parent, sizeof parent);
    memcpy(key->bytes + sizeof parent, name.p, n);
    return str_of(key->bytes, sizeof parent + n);
}

static struct node *child_named(const struct codi2_watch *w, const struct node *parent,
                                struct str name)
{
    struct name_key key;
    return map_get(w->by_name, name_key(parent, name, &key));
}

static void unlink_node(struct codi2_watch *w, struct node *n)
{
    struct name_key key;
    if (!n->parent) {
        return;
    }
    struct node **at = n->before ? &n->before->next : &n->parent->first_child;
    *at = n->next;
    if (n->next) {
        n->next->before = n->before;
    }
    (void)map_remove(w->by_name, name_key(n->parent, str_from(n->name), &key));
    n->next = NULL;
    n->before = NULL;
    n->parent = NULL;
}

/* There is none of its name. */
static void link_node(struct codi2_watch *w, struct node *n, struct node *parent)
{
    struct name_key key;
    ASSERT(!n->parent);
    n->parent = parent;
    n->next = parent->first_child;
    if (n->next) {
        n->next->before = n;
    }
    parent->first_child = n;
    void *was = map_put(w->by_name, name_key(parent, str_from(n->name), &key), n);
    ASSERT(!was);
}

/* Frees n and everything below it, and ends their watches. Not recursive: depth is the file system's to choose. */
static void drop_node(struct codi2_watch *w, struct node *n)
{
    unlink_node(w, n);
    struct node *at = n;
    while (at) {
        if (at->first_child) {
            at = at->first_child;
            continue;
        }
        struct node *up = at == n ? NULL : at->parent;
        if (up) {
            unlink_node(w, at);
        }
        if (at->wd >= 0) {
            (void)map_remove(w->by_wd, wd_key(&at->wd));
            (void)inotify_rm_watch(w->fd, at->wd);
        }
        mem_free(at->name);
        mem_free(at);
        at = up;
    }
}

static struct node *find(struct codi2_watch *w, struct str path)
{
    struct node *n = w->root;
    struct str rest = path.n ? path : STR_EMPTY;
    struct str name;
    while (n && str_split(&rest, '/', &name)) {
        n = child_named(w, n, name);
    }
    return n;
}

/* Appends the path of n relative to the root, with a slash behind it unless it is empty. */
static void put_path(const struct node *n, struct buf *out)
{
    const struct node *chain[CODI2_PATH_ROOM / 2];
    size_t depth = 0;
    for (; n->parent && depth < CODI2_PATH_ROOM / 2; n = n->parent) {
        chain[depth++] = n;
    }
    while (depth > 0) {
        buf_add(out, str_from(chain[--depth]->name));
        buf_byte(out, '/');
    }
}

/* ---- watching ---- */

int codi2_watch_create(const struct codi2_watch_options *options, struct codi2_watch **ret_watch)
{
    FD_AUTO int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) {
        return errno == EMFILE || errno == ENFILE ? ERR_LIMIT : ERR_INTERNAL;
    }
    struct codi2_watch *w = MEM_NEW(struct codi2_watch);
    w->magic = WATCH_MAGIC;
    w->fd = FD_TAKE(fd);
    w->options = *options;
    w->root_path = mem_dup(options->root, strlen(options->root));
    w->by_wd = map_create();
    w->by_name = map_create();
    w->files = codi2_watch_files_create();
    w->root = MEM_NEW(struct node);
    w->root->wd = -1;
    w->root->name = mem_dup("", 0);
    *ret_watch = w;
    return 0;
}

void codi2_watch_destroy(struct codi2_watch *w)
{
    if (!w) {
        return;
    }
    ASSERT_MAGIC(w, WATCH_MAGIC);
    if (w->moving) {
        drop_node(w, w->moving);
    }
    drop_node(w, w->root);
    map_destroy(w->by_wd);
    map_destroy(w->by_name);
    codi2_watch_files_destroy(w->files);
    fd_close(&w->fd);
    mem_free(w->root_path);
    w->magic = 0;
    mem_free(w);
}

int codi2_watch_fd(const struct codi2_watch *w)
{
    return w->fd;
}

size_t codi2_watch_count(const struct codi2_watch *w)
{
    return map_count(w->by_wd);
}

static int watch_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case ENOMEM:
    case ENAMETOOLONG:
        return ERR_LIMIT;
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EACCES:
        return ERR_NOT_FOUND;
    default:
        return ERR_IO;
    }
}

static struct node *node_for(struct codi2_watch *w, struct str path)
{
    struct str folder = STR_EMPTY;
    struct str name = path;
    for (size_t i = path.n; i > 0; i--) {
        if (path.p[i - 1] == '/') {
            folder = str_slice(path, 0, i - 1);
            name = str_slice(path, i, path.n);
            break;
        }
    }
    struct node *parent = find(w, folder);
    if (!parent) {
        return NULL;
    }
    struct node *n = MEM_NEW(struct node);
    n->wd = -1;
    n->name = mem_dup(name.p, name.n);
    link_node(w, n, parent);
    return n;
}

static int add_at(const struct codi2_watch *w, const char *path)
{
    /*
     * IN_CLOSE_WRITE and IN_MODIFY: a file that stays open for long is looked at while it is written, too. No IN_EXCL_UNLINK:
     * what was opened under a name that is gone may have another one.
     */
    return inotify_add_watch(w->fd, path,
                             IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE |
                                 IN_MODIFY | IN_ATTRIB | IN_ONLYDIR | IN_DONT_FOLLOW);
}

/* With the root's before it a path may be longer than the kernel takes (PATH_MAX): then a folder half way stands for its part. */
static int add_long(const struct codi2_watch *w, struct str path)
{
    size_t half = path.n / 2;
    while (half > 0 && path.p[half] != '/') {
        half--;
    }
    BUF_AUTO(above, 2 * CODI2_PATH_ROOM);
    buf_printf(&above, "%s/" STR_FMT, w->root_path, STR_ARG(str_slice(path, 0, half)));
    FD_AUTO int fd = open(buf_z(&above), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    BUF_AUTO(below, 2 * CODI2_PATH_ROOM);
    buf_printf(&below, "/proc/self/fd/%d" STR_FMT, fd, STR_ARG(str_slice(path, half, path.n)));
    return add_at(w, buf_z(&below));
}

int codi2_watch_add(struct codi2_watch *w, struct str path)
{
    ASSERT_MAGIC(w, WATCH_MAGIC);
    BUF_AUTO(full, 2 * CODI2_PATH_ROOM);
    buf_printf(&full, "%s/" STR_FMT, w->root_path, STR_ARG(path));
    if (full.error) {
        return ERR_LIMIT;
    }
    int wd = add_at(w, buf_z(&full));
    if (wd < 0 && errno == ENAMETOOLONG) {
        wd = add_long(w, path);
    }
    if (wd < 0) {
        return watch_errno(errno);
    }
    struct node *known = map_get(w->by_wd, wd_key(&wd));
    struct node *wanted = path.n ? find(w, path) : w->root;
    if (known && known == wanted) {
        return 0;
    }
    if (known) {
        /* The same folder under an older name: it moved and we have not heard of it yet. Its own events will drop it;
         * until then the newer name is the true one. */
        known->wd = -1;
    }
    if (!wanted) {
        wanted = node_for(w, path);
    }
    if (!wanted) {
        (void)inotify_rm_watch(w->fd, wd);
        return ERR_NOT_FOUND; /* its parent is not watched: it will be found with it */
    }
    if (wanted->wd >= 0) {
        (void)map_remove(w->by_wd, wd_key(&wanted->wd)); /* another folder took the name's place */
    }
    wanted->wd = wd;
    (void)map_put(w->by_wd, wd_key(&wanted->wd), wanted);
    return 0;
}

int codi2_watch_add_file(struct codi2_watch *w, int fd, uint64_t inode)
{
    ASSERT_MAGIC(w, WATCH_MAGIC);
    return codi2_watch_files_add(w->files, w->fd, fd, inode);
}

size_t codi2_watch_file_count(const struct codi2_watch *w)
{
    return codi2_watch_files_count(w->files);
}

bool codi2_watch_has_file(const struct codi2_watch *w, uint64_t inode)
{
    return codi2_watch_files_has(w->files, inode);
}

bool codi2_watch_had_file(const struct codi2_watch *w, uint64_t inode)
{
    return codi2_watch_files_had(w->files, inode);
}

/* ---- events ---- */

static void report(struct codi2_watch *w, enum codi2_seen what, struct str path)
{
    w->options.seen(w->options.ctx, what, path);
}

static void drop_moving(struct codi2_watch *w)
{
    if (w->moving) {
        drop_node(w, w->moving);
        w->moving = NULL;
    }
}

static void folder_left(struct codi2_watch *w, struct node *in, const struct inotify_event *e)
{
    struct node *n = child_named(w, in, str_from(e->name));
    if (!n) {
        return;
    }
    if (e->mask & IN_MOVED_FROM) {
        unlink_node(w, n);
        w->moving = n;
        w->moving_cookie = e->cookie;
    } else {
        drop_node(w, n);
    }
}

/*
 * The name may be known already: whoever listed the parent after its watch saw the folder before we read of it, and watches
 * it. Then its node is the true one; a folder that was there before under this name has been told of by an event of its own.
 */
static void folder_came(struct codi2_watch *w, struct node *in, const struct inotify_event *e)
{
    if (!(e->mask & IN_MOVED_TO) || !w->moving || w->moving_cookie != e->cookie) {
        return;
    }
    struct node *moved = w->moving;
    w->moving = NULL;
    struct node *old = child_named(w, in, str_from(e->name));
    if (old && moved->wd < 0) { /* its watch was found again under the new name */
        drop_node(w, moved);
        return;
    }
    if (old) {
        drop_node(w, old);
    }
    mem_free(moved->name);
    moved->name = mem_dup(e->name, strlen(e->name));
    link_node(w, moved, in);
}

static enum codi2_seen what_of(const struct inotify_event *e, bool came)
{
    if (e->mask & IN_ISDIR && came) {
        return CODI2_SEEN_FOLDER;
    }
    if (e->mask & IN_CLOSE_WRITE) {
        return CODI2_SEEN_CLOSED;
    }
    return e->mask & IN_MODIFY ? CODI2_SEEN_WRITTEN : CODI2_SEEN_CHANGED;
}

static void handle(struct codi2_watch *w, const struct inotify_event *e)
{
    if (e->mask & IN_Q_OVERFLOW) {
        codi2_watch_files_lapse(w->files, w->fd);
        report(w, CODI2_SEEN_OVERFLOW, STR_EMPTY);
        return;
    }
    if (codi2_watch_files_handle(w->files, e)) {
        return;
    }
    if (e->mask & IN_IGNORED) {
        struct node *gone = map_remove(w->by_wd, wd_key(&e->wd));
        if (gone) { /* its parent's event says so too */
            gone->wd = -1;
        }
        return;
    }
    if (w->moving && !(e->mask & IN_MOVED_TO && e->cookie == w->moving_cookie)) {
        drop_moving(w); /* it left the tree */
    }
    struct node *in =
        map_get(w->by_wd, wd_key(&e->wd)); /* that may have been what left, until now */
    if (!in || e->len == 0) {
        return;
    }
    BUF_AUTO(path, 2 * CODI2_PATH_ROOM);
    put_path(in, &path);
    buf_add(&path, str_from(e->name));
    bool came = e->mask & (IN_CREATE | IN_MOVED_TO);
    if (e->mask & IN_ISDIR && e->mask & (IN_MOVED_FROM | IN_DELETE)) {
        folder_left(w, in, e);
    } else if (e->mask & IN_ISDIR && came) {
        folder_came(w, in, e);
    }
    if (!path.error) { /* a part of one would be another file's; so far down nothing is kept */
        report(w, what_of(e, came), buf_str(&path));
    }
}

void codi2_watch_read(struct codi2_watch *w)
{
    ASSERT_MAGIC(w, WATCH_MAGIC);
    _Alignas(struct inotify_event) char events[EVENT_ROOM];
    ssize_t n;
    while ((n = read(w->fd, events, sizeof events)) > 0) {
        for (char *at = events; at < events + n;) {
            const struct inotify_event *e = (const struct inotify_event *)at;
            handle(w, e);
            at += sizeof *e + e->len;
        }
    }
    drop_moving(w);
    codi2_watch_files_report(w->files, w->options.seen_file, w->options.ctx);
}
