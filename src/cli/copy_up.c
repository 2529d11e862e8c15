/*
 * cp into a session: a walk through a folder of this machine, one PUT a file or link. One after the other: the server counts requests
 * (a refused one is waited for), so that several at once would not be faster for long.
 *
 * 1. Memory holds one path and one open folder a level, whatever the tree's size.
 * 2. What is no file is never opened: a name may lead to a device or a pipe.
 * 3. A folder comes before what is in it: with a file the server would make it, and choose its mode.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli_int.h"

enum { PATH_MOST = 4096, DEEPEST = 100 };

struct up {
    struct cli_copy *copy;
    struct str session_id;
    bool follow;      /* what links lead to is copied */
    struct buf path;  /* in the session */
    struct buf local; /* for messages */
    unsigned depth;
};

/* What was said is about the entry where the walk stands. */
static int failed(struct up *u, int code)
{
    u->copy->run->subject = buf_z(&u->local);
    return cli_copy_failed(u->copy, code);
}

static int fail(struct up *u, int code, const char *why)
{
    return failed(u, cli_fail(u->copy->run, code, "%s", why));
}

static int skip(struct up *u, const char *why)
{
    struct cli_copy *copy = u->copy;
    copy->skipped++;
    copy->first = copy->first ? copy->first : (int)ERR_NOT_IMPLEMENTED;
    (void)cli_fail(copy->run, ERR_NOT_IMPLEMENTED, "%s", why);
    copy->run->subject = buf_z(&u->local);
    cli_meter_clear(&copy->meter);
    cli_complain(copy->run);
    return 0;
}

static int send_file(struct up *u, int fd, const struct stat *st)
{
    struct cli_copy *copy = u->copy;
    struct cli_content content = CLI_CONTENT;
    content.body_fd = fd;
    content.length = st->st_size;
    content.meter = &copy->meter;
    copy->meter.name = buf_str(&u->path);
    const struct cli_told told = cli_tell(st);
    struct cli_files_put_in in = {.session_id = u->session_id,
                                  .path = buf_str(&u->path),
                                  .mode = str_from(told.mode),
                                  .has_mode = true,
                                  .mtime = str_from(told.mtime),
                                  .has_mtime = true};
    struct cli_reply reply;
    int r = cli_files_put(copy->client, &in, &content, &reply);
    if (r == 0) {
        copy->files++;
        copy->meter.files++;
        copy->bytes += (uint64_t)st->st_size;
    }
    return r;
}

/* A link is content too: where it leads. */
static int send_link(struct up *u, struct str target, const struct stat *st)
{
    FD_AUTO int fd = memfd_create("coditect-link", MFD_CLOEXEC);
    if (fd < 0 || fd_write_all(fd, target) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        return cli_fail(u->copy->run, ERR_IO, "%s", strerror(errno));
    }
    struct cli_content content = CLI_CONTENT;
    content.body_fd = fd;
    content.length = (int64_t)target.n;
    const struct cli_told told = cli_tell(st);
    struct cli_files_put_in in = {.session_id = u->session_id,
                                  .path = buf_str(&u->path),
                                  .type = STR("symlink"),
                                  .has_type = true,
                                  .mtime = str_from(told.mtime),
                                  .has_mtime = true};
    struct cli_reply reply;
    return cli_files_put(u->copy->client, &in, &content, &reply);
}

static int copy_link(struct up *u, int folder, const char *name, const struct stat *st)
{
    char target[PATH_MOST];
    ssize_t n = readlinkat(folder, name, target, sizeof target);
    if (n < 0) {
        return fail(u, ERR_IO, strerror(errno));
    }
    int r = send_link(u, str_of(target, (size_t)n), st);
    u->copy->links += r == 0;
    return r < 0 ? failed(u, r) : 0;
}

static int copy_file(struct up *u, int folder, const char *name)
{
    int follow = u->follow ? 0 : O_NOFOLLOW;
    FD_AUTO int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | follow);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        return fail(u, ERR_IO, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return fail(u, ERR_IO, "it changed while it was looked at");
    }
    int r = send_file(u, fd, &st);
    return r < 0 ? failed(u, r) : 0;
}

/* One that is there keeps its mode. */
static int make_folder(struct up *u, const struct stat *st)
{
    struct cli_copy *copy = u->copy;
    struct cli_reply reply;
    const struct cli_told told = cli_tell(st);
    struct cli_files_mkdir_in in = {.session_id = u->session_id,
                                    .path = buf_str(&u->path),
                                    .mode = str_from(told.mode),
                                    .has_mode = true,
                                    .mtime = str_from(told.mtime),
                                    .has_mtime = true};
    int r = in.path.n == 0 ? 0 : cli_files_mkdir(copy->client, &in, NULL, &reply);
    if (r == ERR_EXISTS) {
        struct cli_place place = {.id = u->session_id, .path = in.path};
        r = cli_folder_probe(copy->run, &place);
    }
    return r;
}

static int copy_entry(struct up *u, int folder, const char *name);

static int copy_entries(struct up *u, DIR *dir)
{
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            continue;
        }
        int r = copy_entry(u, dirfd(dir), name);
        if (r < 0) {
            return r;
        }
    }
    return errno ? fail(u, ERR_IO, strerror(errno)) : 0;
}

static int copy_folder(struct up *u, int folder, const char *name)
{
    struct cli_copy *copy = u->copy;
    if (!copy->recursive) {
        return fail(u, ERR_IS_DIRECTORY, "it is a folder; -r copies folders");
    }
    if (u->depth == DEEPEST) {
        return fail(u, ERR_LIMIT, "folders lie too deep in each other");
    }
    int follow = u->follow ? 0 : O_NOFOLLOW;
    FD_AUTO int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
    struct stat st;
    DIR *dir = fd < 0 || fstat(fd, &st) != 0 ? NULL : fdopendir(fd);
    if (!dir) {
        return fail(u, ERR_IO, strerror(errno));
    }
    fd = -1; /* the DIR's */
    int made = make_folder(u, &st);
    u->depth++;
    int r = made < 0 ? failed(u, made) : copy_entries(u, dir);
    u->depth--;
    (void)closedir(dir);
    copy->folders += made == 0 && r == 0;
    return r;
}

static int copy_kind(struct up *u, int folder, const char *name, const struct stat *st)
{
    if (S_ISREG(st->st_mode)) {
        return copy_file(u, folder, name);
    }
    if (S_ISDIR(st->st_mode)) {
        return copy_folder(u, folder, name);
    }
    if (S_ISLNK(st->st_mode)) {
        return copy_link(u, folder, name, st);
    }
    return skip(u, "what is neither file, folder nor link is left out");
}

static int copy_entry(struct up *u, int folder, const char *name)
{
    size_t path_n = u->path.n, local_n = u->local.n;
    struct stat st;
    buf_printf(&u->path, "%s%s", u->path.n > 0 ? "/" : "", name);
    buf_printf(&u->local, "%s%s", u->local.n > 0 && u->local.p[u->local.n - 1] != '/' ? "/" : "",
               name);
    int r;
    if (u->path.error || u->local.error) {
        r = fail(u, ERR_TOO_LARGE, "a path below it is too long");
    } else if (fstatat(folder, name, &st, u->follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        r = fail(u, ERR_IO, strerror(errno));
    } else {
        r = copy_kind(u, folder, name, &st);
    }
    if (r == 0) {
        u->path.n = path_n;
        u->local.n = local_n;
        u->path.error = u->local.error = 0;
    }
    return r;
}

/* The name that a source has in the folder that takes it; empty: its content goes there. */
static struct str own_name(struct str source)
{
    while (source.n > 0 && source.p[source.n - 1] == '/') {
        source.n--;
    }
    struct str name = cli_last_name(source);
    bool dots = str_eq(name, STR(".")) || str_eq(name, STR(".."));
    return dots ? STR_EMPTY : name;
}

static int start(struct up *u, const char *source, const struct cli_place *to)
{
    struct stat st;
    buf_add(&u->local, str_from(source));
    buf_add(&u->path, to->path);
    if (fstatat(AT_FDCWD, source, &st, u->follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        return fail(u, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, strerror(errno));
    }
    struct str name = to->folder ? own_name(str_from(source)) : STR_EMPTY;
    if (name.n > 0) {
        buf_printf(&u->path, "%s" STR_FMT, u->path.n > 0 ? "/" : "", STR_ARG(name));
    }
    if (u->path.error || u->local.error) {
        return fail(u, ERR_TOO_LARGE, "the path is too long");
    }
    return copy_kind(u, AT_FDCWD, source, &st);
}

int cli_copy_up(struct cli_copy *copy, const char *source, const struct cli_place *to)
{
    /* As cp does: a link that is named is copied as what it leads to, unless -r is given. */
    struct up u = {.copy = copy, .session_id = to->id, .follow = copy->follow || !copy->recursive};
    buf_init(&u.path, PATH_MOST);
    buf_init(&u.local, 4 * PATH_MOST);
    int r = start(&u, source, to);
    if (r < 0) {
        copy->run->subject = arena_str(&copy->run->arena, buf_str(&u.local)).p;
    }
    copy->meter.name = STR_EMPTY;
    copy->run->subject = r < 0 ? copy->run->subject : NULL;
    buf_fini(&u.path);
    buf_fini(&u.local);
    return r;
}
