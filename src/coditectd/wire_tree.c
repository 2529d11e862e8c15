/*
 * The wire's calls on the tree: what a workspace changed, what others changed, and everything there is. The structs of wire/
 * and files/ say the same; they are two because codi2 knows the first and no store.
 */
#include "coditectd/wire_int.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/encode.h"
#include "base/fd.h"

enum { MAX_WAIT_MS = 30000, TREE_LIMIT = 500 };

/* The words of both sides have the same numbers. */
_Static_assert((int)WIRE_FILE == (int)FILES_FILE && (int)WIRE_SYMLINK == (int)FILES_SYMLINK, "");
_Static_assert((int)WIRE_WRITE == (int)FILES_WRITE && (int)WIRE_RESTORE == (int)FILES_RESTORE, "");
_Static_assert((int)WIRE_USER == (int)FILES_USER && (int)WIRE_API == (int)FILES_API, "");
_Static_assert((int)WIRE_APPLIED == (int)FILES_APPLIED && (int)WIRE_MISSING == (int)FILES_MISSING,
               "");
_Static_assert((int)WIRE_MAX_CHANGES == (int)FILES_MAX_BATCH, "");
_Static_assert((int)WIRE_MAX_HASHES == (int)FILES_MAX_NAMED, "");

/* A page, with each byte of it escaped, what stands around and the entry that filled it, fits into an answer. */
enum { MAX_AROUND = 1024 };
_Static_assert(6 * (FILES_PAGE_BYTES + 2 * CONTENT_MAX_PATH + WIRE_MAX_TARGET) +
                       FILES_MAX_BATCH * MAX_AROUND <
                   WIRE_MAX_MESSAGE,
               "");

/* ---- a batch ---- */

static enum files_change_kind change_kind(const struct wire_change *in)
{
    if (in->kind != WIRE_CHANGE_PUT) {
        return in->kind == WIRE_CHANGE_MOVE ? FILES_CHANGE_MOVE : FILES_CHANGE_DELETE;
    }
    switch (in->entry.kind) {
    case WIRE_FILE:
        return FILES_CHANGE_PUT;
    case WIRE_FOLDER:
        return FILES_CHANGE_MKDIR;
    case WIRE_SYMLINK:
        return FILES_CHANGE_SYMLINK;
    }
    UNREACHABLE();
}

/* Who it is that a workspace works for is the token's to say, not the change's. */
static struct files_author author_in(const struct coditectd_wire_call *c,
                                     const struct wire_author *in)
{
    struct files_author author = {(enum files_author_kind)in->kind, in->id};
    if (in->kind == WIRE_USER) {
        author.id = arena_printf(c->req->arena, STR_FMT "." STR_FMT, STR_ARG(c->peer.scope.user_id),
                                 STR_ARG(wire_author_disk(in->id)));
    }
    return author;
}

static struct files_change change_in(const struct coditectd_wire_call *c,
                                     const struct wire_change *in)
{
    return (struct files_change){
        .kind = change_kind(in),
        .path = in->entry.path,
        .to = in->to,
        .base = in->base,
        .to_base = in->to_base,
        .mode = in->entry.mode,
        .mtime = in->entry.mtime,
        .hash = in->entry.hash,
        .manifest = in->entry.manifest,
        .bytes = in->entry.bytes,
        .author = author_in(c, &in->author),
    };
}

struct guard {
    const struct coditectd_wire_peer *peer;
    uint64_t generation;
};

static int guard_check(struct txn *txn, void *arg)
{
    const struct guard *guard = arg;
    return coditectd_wire_generation(txn, guard->peer, guard->generation);
}

static void outcome_out(struct coditectd_wire_call *c, const struct files_apply_result *result,
                        size_t count)
{
    struct wire_outcome outcome = {
        .verdict = (enum wire_verdict)result->outcome,
        .seq = result->seq,
        .first = result->first,
        .versions = result->versions,
        .n = count,
        .index = result->index,
        .version = result->version,
        .missing = {result->missing, result->missing_count},
    };
    wire_outcome_write(http_body_buf(c->res), &outcome);
}

/* From a codi2 that names no connection: as it comes. */
static int apply(struct coditectd_wire_call *c, uint64_t connection,
                 const struct files_apply_input *in, struct files_apply_result *ret_result)
{
    if (connection == 0) {
        return files_apply(&c->data, in, ret_result);
    }
    struct str root = coditectd_wire_root(c);
    int r = coditectd_wire_fence_enter(c->options->fence, root, connection);
    if (r == 0) {
        r = files_apply(&c->data, in, ret_result);
        coditectd_wire_fence_leave(c->options->fence, root);
    }
    return r;
}

int coditectd_wire_batch(struct coditectd_wire_call *c)
{
    struct wire_batch batch;
    int r = wire_batch_read(c->req->arena, c->req->body, &batch);
    if (r < 0) {
        return r;
    }
    struct files_change *changes = ARENA_ARRAY(c->req->arena, struct files_change, batch.n);
    for (size_t i = 0; i < batch.n; i++) {
        changes[i] = change_in(c, &batch.changes[i]);
    }
    struct guard guard = {&c->peer, batch.generation};
    struct files_apply_input in = {
        .session = c->peer.tree,
        .changes = changes,
        .count = batch.n,
        .unseen = batch.unseen,
        .guard = guard_check,
        .guard_ctx = &guard,
    };
    struct files_apply_result result;
    c->data.op = store_op_derived(batch.id);
    r = apply(c, batch.connection, &in, &result);
    if (r == 0) {
        outcome_out(c, &result, batch.n);
    }
    return r;
}

/* ---- what the store has ---- */

static struct wire_entry entry_out(const struct files_entry *in)
{
    return (struct wire_entry){
        .path = in->path,
        .kind = (enum wire_kind)in->kind,
        .version = in->version,
        .mode = in->mode,
        .mtime = in->mtime,
        .hash = in->hash,
        .manifest = in->manifest,
        .bytes = in->bytes,
        .damaged = in->damaged,
    };
}

/* Bytes in base64url; absent: none. */
static int bytes_in(struct coditectd_wire_call *c, const char *name, struct str *ret_bytes)
{
    struct str text;
    BUF_AUTO(b, CONTENT_MAX_PATH);
    int r = http_query(c->req, name, &text);
    if (r == ERR_NOT_FOUND) {
        *ret_bytes = STR_EMPTY;
        return 0;
    }
    if (r < 0 || encode_unbase64url(&b, text) < 0 || b.error) {
        return ERR_INVALID;
    }
    *ret_bytes = arena_str(c->req->arena, buf_str(&b));
    return 0;
}

/* ERR_PRECONDITION: whoever asks takes this for the server that it greeted, which may have had another store. */
static int check_connection(struct coditectd_wire_call *c)
{
    uint64_t connection = 0;
    int r = coditectd_wire_number(c, "connection", INT64_MAX, &connection);
    if (r < 0 || connection == 0) {
        return r;
    }
    struct str root = coditectd_wire_root(c);
    r = coditectd_wire_fence_enter(c->options->fence, root, connection);
    if (r == 0) {
        coditectd_wire_fence_leave(c->options->fence, root);
    }
    return r;
}

int coditectd_wire_tree(struct coditectd_wire_call *c)
{
    struct files_tree_input in = {.session = c->peer.tree, .limit = TREE_LIMIT};
    struct files_page page;
    int r = check_connection(c);
    r = r < 0 ? r : coditectd_wire_number(c, "at", INT64_MAX, &in.at);
    if (r == 0) {
        r = bytes_in(c, "cursor", &in.after);
    }
    if (r == 0) {
        r = files_tree(&c->data, &in, &page);
    }
    if (r < 0) {
        return r;
    }
    struct wire_tree tree = {.n = page.count, .next = page.next, .seq = page.seq};
    tree.entries = ARENA_ARRAY(c->req->arena, struct wire_entry, page.count);
    for (size_t i = 0; i < page.count; i++) {
        tree.entries[i] = entry_out(&page.entries[i]);
    }
    wire_tree_write(http_body_buf(c->res), &tree);
    return 0;
}

/* A tree of one entry. */
int coditectd_wire_past_like(struct coditectd_wire_call *c)
{
    struct files_like like = {
        .is.author = {FILES_TERMINAL,
                      arena_printf(c->req->arena, STR_FMT ".", STR_ARG(c->peer.session))}};
    struct files_entry found;
    uint64_t kind = 0;
    uint64_t mtime = 0;
    uint64_t ctime = 0;
    uint64_t others = 0;
    int r = bytes_in(c, "path", &like.is.entry.path);
    r = r < 0 ? r : coditectd_wire_number(c, "kind", WIRE_SYMLINK, &kind);
    r = r < 0 ? r : coditectd_wire_number(c, "size", INT64_MAX, &like.is.entry.size);
    r = r < 0 ? r : coditectd_wire_number(c, "mtime", INT64_MAX, &mtime);
    r = r < 0 ? r : coditectd_wire_number(c, "ctime", INT64_MAX, &ctime);
    r = r < 0 ? r : coditectd_wire_number(c, "others", 1, &others);
    like.is.entry.kind = kind ? (enum files_kind)kind : FILES_FILE;
    like.is.entry.mtime = (usec_t)mtime;
    like.is.at = (usec_t)ctime;
    like.by_others = others;
    r = r < 0 ? r : files_version_like(&c->data, c->peer.tree, &like, &found);
    if (r == 0) {
        struct wire_entry entry = entry_out(&found);
        wire_tree_write(http_body_buf(c->res),
                        &(struct wire_tree){.entries = &entry, .n = 1, .seq = found.version});
    }
    return r;
}

static void events_out(struct coditectd_wire_call *c, const struct files_events *in, uint64_t rules)
{
    struct wire_events events = {.n = in->count, .seq = in->seq, .more = in->more, .rules = rules};
    events.events = ARENA_ARRAY(c->req->arena, struct wire_event, in->count);
    for (size_t i = 0; i < in->count; i++) {
        const struct files_event *e = &in->events[i];
        events.events[i] = (struct wire_event){
            .seq = e->seq,
            .op = (enum wire_op)e->op,
            .from = e->from,
            .entry = entry_out(&e->entry),
            .author = {(enum wire_author_kind)e->author.kind, e->author.id},
            .at = e->at,
        };
    }
    wire_events_write(http_body_buf(c->res), &events);
}

/* ---- waiting ---- */

struct wait {
    int event; /* eventfd */
    int stop;
    struct store_watch *feed;
    struct store_watch *rules[CODITECTD_WIRE_LISTS]; /* NULL: not waited for */
};

/* On a thread of the store, under its lock. */
static void wait_wake(void *ctx)
{
    struct wait *wait = ctx;
    const uint64_t one = 1;
    ssize_t n = write(wait->event, &one, sizeof one); /* full: it is awake anyway */
    (void)n;
}

static void wait_fini(struct wait *wait)
{
    store_unwatch(wait->feed);
    for (size_t i = 0; i < CODITECTD_WIRE_LISTS; i++) {
        store_unwatch(wait->rules[i]);
    }
    fd_close(&wait->event);
}

/* Until what is watched changes or the deadline is over: false. */
static bool wait_more(struct wait *wait, usec_t deadline)
{
    usec_t left = deadline - time_monotonic();
    if (left <= 0) {
        return false;
    }
    struct pollfd fds[] = {{.fd = wait->event, .events = POLLIN},
                           {.fd = wait->stop, .events = POLLIN}};
    if (poll(fds, 2, (int)(left / USEC_PER_MS) + 1) <= 0 || fds[1].revents) {
        return false;
    }
    uint64_t count;
    ssize_t n = read(wait->event, &count, sizeof count);
    return n == sizeof count;
}

/* What a call asks for. */
struct asked {
    struct files_since_input since;
    uint64_t wait_ms;
    uint64_t rules; /* 0: it knows of none and waits for none */
};

static int asked_read(struct coditectd_wire_call *c, struct asked *ret)
{
    struct asked asked = {.since = {.session = c->peer.tree, .limit = WIRE_MAX_CHANGES}};
    int r = check_connection(c);
    r = r < 0 ? r : coditectd_wire_number(c, "since", INT64_MAX, &asked.since.since);
    r = r < 0 ? r : coditectd_wire_number(c, "wait", MAX_WAIT_MS, &asked.wait_ms);
    r = r < 0 ? r : coditectd_wire_number(c, "rules", INT64_MAX, &asked.rules);
    if (r == 0) {
        *ret = asked;
    }
    return r;
}

static void wait_begin(struct coditectd_wire_call *c, const struct asked *asked, struct wait *wait)
{
    struct store *store = c->options->store;
    if (asked->wait_ms > 0) {
        struct str feed = data_feed_session(c->req->arena, c->peer.tree);
        wait->feed = store_watch(store, feed, wait_wake, wait);
    }
    for (size_t i = 0; i < CODITECTD_WIRE_LISTS && asked->wait_ms > 0 && asked->rules > 0; i++) {
        wait->rules[i] = store_watch(store, coditectd_wire_rules_watched(c, i), wait_wake, wait);
    }
}

int coditectd_wire_events(struct coditectd_wire_call *c)
{
    struct asked asked;
    struct files_events events;
    uint64_t rules = 0;
    int r = asked_read(c, &asked);
    if (r < 0) {
        return r;
    }
    usec_t deadline = time_monotonic() + (usec_t)asked.wait_ms * USEC_PER_MS;
    struct wait wait __attribute__((cleanup(wait_fini))) = {
        .event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .stop = c->options->stop};
    if (wait.event < 0) {
        return ERR_BUSY;
    }
    wait_begin(c, &asked, &wait);
    bool news = false;
    do {
        r = files_changes_since(&c->data, &asked.since, &events);
        r = r < 0 ? r : coditectd_wire_rules_mark(c, &rules);
        news = r < 0 || events.count > 0 || (asked.rules > 0 && rules > 0 && rules != asked.rules);
    } while (!news && wait.feed && wait_more(&wait, deadline));
    if (r == 0) {
        events_out(c, &events, rules);
    }
    return r;
}
