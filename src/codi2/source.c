/*
 * The thread that clones. The server knows what is wanted and hears how it went; this keeps nothing in memory that matters.
 *
 * 1. git writes into a folder whose name is never mirrored (CODI2_OWN_CLONE), and that folder gets its name by one rename that
 *    writes over nothing: there is no moment at which a part of the repository stands under its name, and nobody else's file
 *    goes. An attempt that was cut leaves that folder alone, which the next one removes.
 * 2. Before the rename it is noted beside the index which folder (its inode) gets which name for which attempt. So whoever was
 *    killed between the rename and the server's answer finds that it is done and does not clone again.
 * 3. "Done" is said when all of it is in the store. A disk that is lost before that leaves a part there, which comes back; so the
 *    server hears the name before anything can stand under it, it is cloned again beside that part, and the person is told.
 * 4. What gets its name is on the disk, flushed: after a power cut it is whole, or it is not there.
 * 5. It begins when the tree has been restored: what is there is known then.
 */
#include "codi2/source.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "codi2/clone.h"
#include "codi2/rules.h"
#include "codi2/tree.h"
#include "wire/wire.h"

enum {
    SOURCE_MAGIC = 0x736f7572,
    AGAIN_MS = 1000, /* until the server is asked again */
    TELL_MS = 1000,  /* between two words on how far it is */
    LONGEST_S = 3600,
    PATIENCE_S = 5,
    MOST_NAMES = 99,
    NOTE_ROOM = 512,
    STACK = 512 * 1024
};

static const struct str draft = {CODI2_OWN_CLONE, sizeof CODI2_OWN_CLONE - 1};

struct codi2_source {
    unsigned magic;
    struct codi2_source_options options;
    struct codi2_tree tree;
    struct codi2_link *link;
    int ends[2]; /* a pipe, written to at the end */
    pthread_t thread;
    atomic_bool stop;
};

/* One attempt. */
struct attempt {
    struct codi2_source *source;
    const struct wire_source *wanted;
    struct str part; /* what stands there of an attempt whose disk was lost; empty: nothing */
    usec_t told_at;  /* monotonic */
};

/* Until it is to end: true. */
static bool rest(struct codi2_source *s, int ms)
{
    (void)poll(&(struct pollfd){.fd = s->ends[0], .events = POLLIN}, 1, ms);
    return atomic_load(&s->stop);
}

/* ---- what is noted beside the index ---- */

static void note_path(const struct codi2_source *s, struct buf *out)
{
    buf_printf(out, "%s/source", s->options.index);
}

static bool note_write(const struct attempt *a, uint64_t inode, struct str name)
{
    BUF_AUTO(path, 4096);
    BUF_AUTO(text, NOTE_ROOM);
    note_path(a->source, &path);
    buf_printf(&text, "%llu %llu " STR_FMT, (unsigned long long)a->wanted->attempt,
               (unsigned long long)inode, STR_ARG(name));
    FD_AUTO int fd =
        open(buf_z(&path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd >= 0 && text.error == 0 && fd_write_all(fd, buf_str(&text)) == 0 && fsync(fd) == 0;
}

static void note_remove(const struct codi2_source *s)
{
    BUF_AUTO(path, 4096);
    note_path(s, &path);
    (void)unlink(buf_z(&path));
}

/* Whether this attempt's repository stands at its place already. */
static bool is_placed(const struct attempt *a, struct arena *arena, struct str *ret_name)
{
    BUF_AUTO(path, 4096);
    note_path(a->source, &path);
    FD_AUTO int fd = open(buf_z(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char text[NOTE_ROOM];
    ssize_t n = fd < 0 ? 0 : fd_read_full(fd, text, sizeof text);
    struct str left = str_of(text, n > 0 ? (size_t)n : 0);
    struct str part;
    struct codi2_look look;
    uint64_t attempt;
    uint64_t inode;
    if (!str_split(&left, ' ', &part) || str_u64(part, UINT64_MAX, &attempt) != 0 ||
        attempt != a->wanted->attempt || !str_split(&left, ' ', &part) ||
        str_u64(part, UINT64_MAX, &inode) != 0 || left.n == 0 ||
        codi2_tree_look(&a->source->tree, left, &look) != 0 || look.kind != CODI2_FOLDER ||
        look.inode != inode) {
        return false;
    }
    *ret_name = arena_str(arena, left);
    return true;
}

/* ---- what the server is told ---- */

static int tell(const struct attempt *a, const struct wire_source_note *note)
{
    struct wire_source_note mine = *note;
    mine.attempt = a->wanted->attempt;
    return codi2_link_source_note(a->source->link, &mine);
}

/* How it ended: until the server has heard it, or wants to hear no more of it. */
static void tell_end(const struct attempt *a, const struct wire_source_note *note)
{
    for (;;) {
        int error = tell(a, note);
        if (error == 0 || error == ERR_CONFLICT || error == ERR_STALE || error == ERR_NOT_FOUND ||
            rest(a->source, AGAIN_MS)) {
            return;
        }
    }
}

static void on_progress(void *ctx, unsigned percent)
{
    struct attempt *a = ctx;
    usec_t now = time_monotonic();
    if (now - a->told_at >= TELL_MS * USEC_PER_MS) {
        a->told_at = now;
        (void)!tell(a, &(struct wire_source_note){
                           .state = WIRE_SOURCE_CLONING, .percent = percent, .folder = a->part});
    }
}

static void failed(const struct attempt *a, struct str why)
{
    struct codi2_source *s = a->source;
    BUF_AUTO(notice, 1024);
    (void)!codi2_tree_remove(&s->tree, draft, &s->stop);
    why = str_slice(why, 0, WIRE_MAX_SOURCE_TEXT);
    why.n = str_utf8_prefix(why);
    tell_end(a, &(struct wire_source_note){.state = WIRE_SOURCE_FAILED, .message = why});
    buf_printf(&notice, "The repository was not cloned. " STR_FMT, STR_ARG(why));
    codi2_status_notice(s->options.status, &(struct codi2_notice){.text = buf_str(&notice)});
    log_info("codi2", "%s", buf_z(&notice));
}

/* ---- one attempt ---- */

/* ERR_TIMEOUT: it is to end; ERR_FORBIDDEN: the store refuses, for want of room. */
static int persist_once(struct codi2_source *s)
{
    uint64_t seq;
    uint64_t barrier = codi2_status_barrier(s->options.status, /* all= */ true);
    for (size_t i = 0; i < s->options.mirror_count; i++) {
        codi2_mirror_wake(s->options.mirrors[i]);
    }
    int error;
    do {
        error = codi2_status_await(s->options.status, barrier,
                                   time_monotonic() + TELL_MS * USEC_PER_MS, &seq);
    } while (error == ERR_TIMEOUT && !atomic_load(&s->stop));
    return error;
}

/* All that is on the disk is in the store. False: it is to end. While the store refuses the mirror says so, and tries again. */
static bool persist(struct codi2_source *s)
{
    int error;
    do {
        error = persist_once(s);
    } while (error == ERR_FORBIDDEN && !rest(s, AGAIN_MS));
    return error == 0;
}

static void finish(const struct attempt *a, struct str name)
{
    struct codi2_source *s = a->source;
    BUF_AUTO(part, WIRE_MAX_SOURCE_TEXT);
    BUF_AUTO(notice, 1024);
    if (!persist(s)) {
        return;
    }
    if (a->part.n > 0 && !str_eq(a->part, name)) {
        buf_printf(&part,
                   "The disk was lost before all of it was stored: " STR_FMT
                   " holds what was, and it was cloned again.",
                   STR_ARG(a->part));
    }
    tell_end(a, &(struct wire_source_note){.state = WIRE_SOURCE_DONE,
                                           .percent = 100,
                                           .folder = name,
                                           .message = buf_str(&part)});
    buf_printf(&notice, "The repository is in " STR_FMT ".%s" STR_FMT, STR_ARG(name),
               part.n > 0 ? " " : "", STR_ARG(buf_str(&part)));
    codi2_status_notice(s->options.status, &(struct codi2_notice){.text = buf_str(&notice)});
    if (!atomic_load(&s->stop)) { /* else it may not have been heard */
        note_remove(s);
    }
}

/* A name that the rules leave out (dist, build, …) would keep the repository out of the store. */
static struct str base_name(struct arena *arena, struct str url, const char *index)
{
    struct str name = codi2_clone_name(arena, url);
    struct content_ignore *rules = content_ignore_create();
    BUF_AUTO(tenants, WIRE_MAX_RULES);
    if (codi2_rules_load(index, CODI2_IGNORE, &tenants) != 0) {
        buf_clear(&tenants);
    }
    bool ignored = content_ignore_add(rules, STR(""), str_from(content_ignore_defaults)) == 0 &&
                   content_ignore_add(rules, STR(""), buf_str(&tenants)) == 0 &&
                   content_ignore_path(rules, name, /* is_folder= */ true);
    content_ignore_destroy(rules);
    return ignored ? arena_printf(arena, STR_FMT "-repository", STR_ARG(name)) : name;
}

/* Of all that was written: git flushes its objects, and not the files that it checks out. */
static bool flush_disk(const struct codi2_source *s)
{
    FD_AUTO int fd = open(s->options.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && syncfs(fd) == 0;
}

/* ERR_EXISTS: it is taken. ERR_CONFLICT, ERR_STALE: that attempt is over. That the server is away does not matter: nothing comes to
 * the store then. */
static int place_as(const struct attempt *a, uint64_t inode, struct str name)
{
    struct codi2_look taken;
    if (codi2_tree_look(&a->source->tree, name, &taken) == 0) {
        return ERR_EXISTS;
    }
    int error = tell(a, &(struct wire_source_note){
                            .state = WIRE_SOURCE_CLONING, .percent = 100, .folder = name});
    if (error == ERR_CONFLICT || error == ERR_STALE) {
        return error;
    }
    return note_write(a, inode, name) ? codi2_tree_rename(&a->source->tree, draft, name) : ERR_IO;
}

/* Gives what was cloned the first name that is free. ERR_EXISTS: none is; ERR_IO. */
static int place(const struct attempt *a, struct arena *arena, struct str *ret_name)
{
    struct codi2_tree *tree = &a->source->tree;
    struct str base = base_name(arena, a->wanted->url, a->source->options.index);
    struct codi2_look look;
    bool good = codi2_tree_look(tree, draft, &look) == 0 && flush_disk(a->source);
    int error = good ? ERR_EXISTS : ERR_IO;
    for (int i = 1; error == ERR_EXISTS && i <= MOST_NAMES; i++) {
        struct str name = i == 1 ? base : arena_printf(arena, STR_FMT "-%d", STR_ARG(base), i);
        error = place_as(a, look.inode, name);
        if (error == 0) {
            *ret_name = name;
        }
    }
    return error;
}

static void clone_it(struct attempt *a, struct arena *arena)
{
    struct codi2_source *s = a->source;
    BUF_AUTO(why, 1024);
    struct str name;
    const struct codi2_clone_options options = {
        .root = s->options.root,
        .folder = draft,
        .url = a->wanted->url,
        .branch = a->wanted->branch,
        .deadline = time_monotonic() + LONGEST_S * USEC_PER_SEC,
        .stop = s->ends[0],
        .progress = on_progress,
        .ctx = a,
    };
    enum codi2_cloned how = codi2_clone(&options, &why);
    if (how == CODI2_CLONE_FAILED) {
        failed(a, buf_str(&why));
    } else if (how == CODI2_CLONED && place(a, arena, &name) != 0) {
        failed(a, STR("It was cloned, and could not be put in place."));
    } else if (how == CODI2_CLONED) {
        finish(a, name);
    }
}

/* False: it is to end first. */
static bool await_tree(struct codi2_source *s)
{
    struct codi2_facts facts;
    for (uint64_t seen = 0;;) {
        codi2_status_get(s->options.status, 0, &facts);
        if (facts.health == CODI2_ONLINE) {
            return true;
        }
        if (rest(s, 0)) {
            return false;
        }
        seen = codi2_status_wait(s->options.status, seen, time_monotonic() + USEC_PER_SEC);
    }
}

/* What came back of an attempt whose disk was lost: the server was told where it is to stand. */
static void find_part(struct attempt *a)
{
    struct codi2_look look;
    struct str folder = a->wanted->folder;
    if (folder.n > 0 && str_find(folder, '/', 0) == folder.n &&
        codi2_tree_look(&a->source->tree, folder, &look) == 0) {
        a->part = folder;
    }
}

static void try_once(struct codi2_source *s, struct arena *arena, const struct wire_source *wanted)
{
    struct attempt a = {.source = s, .wanted = wanted};
    struct str name;
    if (!await_tree(s)) {
        return;
    }
    if (is_placed(&a, arena, &name)) {
        finish(&a, name);
        return;
    }
    find_part(&a);
    (void)!codi2_tree_remove(&s->tree, draft, &s->stop); /* of an attempt that was cut */
    int error =
        tell(&a, &(struct wire_source_note){.state = WIRE_SOURCE_CLONING, .folder = a.part});
    if (error) {
        (void)rest(s, AGAIN_MS);
        return;
    }
    clone_it(&a, arena);
}

static void *run(void *ctx)
{
    struct codi2_source *s = ctx;
    while (!atomic_load(&s->stop)) {
        ARENA_AUTO(arena);
        struct wire_source wanted;
        int error = codi2_link_source(s->link, &arena, &wanted);
        if (error == ERR_NOT_FOUND || error == ERR_STALE ||
            (!error && wanted.state == WIRE_SOURCE_DONE)) {
            break;
        }
        if (error || wanted.state == WIRE_SOURCE_FAILED) {
            (void)rest(s, AGAIN_MS);
        } else {
            try_once(s, &arena, &wanted);
        }
    }
    return NULL;
}

/* ---- its life ---- */

static void release(struct codi2_source *s)
{
    codi2_link_destroy(s->link);
    codi2_tree_close(&s->tree);
    fd_close(&s->ends[0]);
    fd_close(&s->ends[1]);
    s->magic = 0;
    mem_free(s);
}

int codi2_source_start(const struct codi2_source_options *options, struct codi2_source **ret_source)
{
    struct codi2_tree tree;
    int error = codi2_tree_open(options->root, &tree);
    if (error) {
        return error;
    }
    struct codi2_source *s = MEM_NEW(struct codi2_source);
    s->magic = SOURCE_MAGIC;
    s->options = *options;
    s->tree = tree;
    struct codi2_link_options link = options->link;
    link.patience = PATIENCE_S * USEC_PER_SEC;
    s->link = codi2_link_create(&link);
    s->ends[0] = s->ends[1] = -1;
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK);
    bool good =
        pipe2(s->ends, O_CLOEXEC) == 0 && pthread_create(&s->thread, &attributes, run, s) == 0;
    (void)pthread_attr_destroy(&attributes);
    if (!good) {
        release(s);
        return ERR_BUSY;
    }
    *ret_source = s;
    return 0;
}

void codi2_source_cancel(struct codi2_source *s)
{
    if (!s) {
        return;
    }
    ASSERT_MAGIC(s, SOURCE_MAGIC);
    atomic_store(&s->stop, true);
    (void)!write(s->ends[1], "", 1);
    codi2_status_wake(s->options.status);
    codi2_link_cancel(s->link);
}

void codi2_source_stop(struct codi2_source *s)
{
    if (!s) {
        return;
    }
    codi2_source_cancel(s);
    (void)pthread_join(s->thread, NULL);
    release(s);
}
