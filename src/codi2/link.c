#include "base/assert.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "codi2/link_int.h"

enum { LINK_MAGIC = 0x6c696e6b, TARGET_ROOM = 16 * 1024, REPEATS = 5 };

struct codi2_link *codi2_link_create(const struct codi2_link_options *options)
{
    struct codi2_link *l = MEM_NEW(struct codi2_link);
    l->magic = LINK_MAGIC;
    l->options = *options;
    l->stop = &l->cancelled;
    BUF_AUTO(bearer, 4096);
    buf_printf(&bearer, "Bearer " STR_FMT, STR_ARG(options->token));
    l->bearer = mem_dup(bearer.p, bearer.n);
    BUF_AUTO(address, 4096);
    buf_printf(&address, "unix:%s", options->socket);
    struct http_client_options client = {.address = buf_str(&address),
                                         .patience = options->patience ? options->patience
                                                                       : 60 * USEC_PER_SEC};
    if (http_client_create(&client, &l->client) != 0) {
        l->client = NULL; /* every call says that nobody is there */
    }
    l->codec = content_codec_create();
    l->cutter = content_cutter_create();
    l->hasher = content_hasher_create();
    return l;
}

void codi2_link_destroy(struct codi2_link *l)
{
    if (!l) {
        return;
    }
    ASSERT_MAGIC(l, LINK_MAGIC);
    codi2_link_forget(l);
    codi2_link_destroy(l->aside.link);
    codi2_link_ahead_destroy(l->files);
    codi2_link_ahead_destroy(l->parts);
    http_client_destroy(l->client);
    content_codec_destroy(l->codec);
    content_cutter_destroy(l->cutter);
    content_hasher_destroy(l->hasher);
    mem_free(l->bearer);
    l->magic = 0;
    mem_free(l);
}

void codi2_link_cancel(struct codi2_link *l)
{
    ASSERT_MAGIC(l, LINK_MAGIC);
    atomic_store(&l->cancelled, true);
    if (l->client) {
        http_client_cancel(l->client);
    }
}

/* ---- one call ---- */

/*
 * The code that the server's error object names; what we do not know is a server that cannot serve us now. That its disk is
 * full is ERR_DISK_LOW: ERR_NO_SPACE is left to mean this workspace's disk.
 */
static int code_of(struct str body)
{
    ARENA_AUTO(arena);
    struct json *root;
    if (json_parse(&arena, body, &root, NULL) != 0) {
        return ERR_UNAVAILABLE;
    }
    const struct json *error = json_get(root, "error");
    const struct json *code = error ? json_get(error, "code") : NULL;
    for (int i = 1; code && code->kind == JSON_STRING && i <= ERR_COUNT; i++) {
        if (str_eq(code->string, str_from(err_name(-i)))) {
            return -i == ERR_NO_SPACE ? ERR_DISK_LOW : -i;
        }
    }
    return ERR_UNAVAILABLE;
}

int codi2_link_call(struct codi2_link *l, const struct link_request *request, struct buf *out)
{
    ASSERT_MAGIC(l, LINK_MAGIC);
    if (!l->client) {
        return ERR_UNAVAILABLE;
    }
    BUF_AUTO(target, TARGET_ROOM);
    buf_printf(&target, "/wire/%s?root=%s%s", request->call, l->options.root, request->query);
    const struct http_header headers[] = {{STR("Authorization"), str_from(l->bearer)},
                                          {STR("Content-Type"), str_from(request->type)}};
    struct http_call call = {.method = request->method,
                             .target = buf_str(&target),
                             .headers = headers,
                             .header_count = request->body.n > 0 ? 2 : 1,
                             .body = request->body};
    struct http_reply reply;
    buf_clear(out);
    int error = target.error ? target.error : http_client_call(l->client, &call, &reply);
    int status = error ? 0 : reply.status;
    if (!error) {
        error = http_client_body(l->client, out);
    }
    if (error) {
        return ERR_UNAVAILABLE;
    }
    return status >= 200 && status < 300 ? 0 : code_of(buf_str(out));
}

int codi2_link_greet(struct codi2_link *l, struct codi2_welcome *ret_welcome)
{
    ARENA_AUTO(arena);
    BUF_AUTO(body, 256);
    BUF_AUTO(reply, 4096);
    wire_hello_write(&body, &(struct wire_hello){.version = WIRE_VERSION,
                                                 .generation = l->options.generation,
                                                 .program = STR("codi2 " CODITECT_VERSION)});
    struct link_request request = {.method = "POST",
                                   .call = "hello",
                                   .query = "",
                                   .type = "application/json",
                                   .body = buf_str(&body)};
    int error = codi2_link_call(l, &request, &reply);
    struct wire_welcome welcome = {0};
    if (!error) {
        error = wire_welcome_read(&arena, buf_str(&reply), &welcome);
    }
    l->connection = welcome.connection;
    *ret_welcome = (struct codi2_welcome){welcome.seq, welcome.store};
    bool other = error == ERR_NOT_IMPLEMENTED || (!error && welcome.version != WIRE_VERSION);
    return other ? ERR_VERSION_UNSUPPORTED : error;
}

/* ---- changes out ---- */

static struct str author_of(const struct codi2_link *l)
{
    return l->options.author ? str_from(l->options.author) : STR_EMPTY;
}

static enum wire_kind kind_out(enum codi2_kind kind)
{
    return kind == CODI2_FOLDER ? WIRE_FOLDER : kind == CODI2_SYMLINK ? WIRE_SYMLINK : WIRE_FILE;
}

static void change_out(const struct codi2_change *c, struct str author, struct wire_change *ret)
{
    const struct codi2_step *s = &c->step;
    enum wire_author_kind who = c->saved ? WIRE_USER : WIRE_TERMINAL;
    *ret = (struct wire_change){.base = s->base, .author = {.kind = who, .id = author}};
    if (s->op == CODI2_DELETE) {
        ret->kind = WIRE_CHANGE_DELETE;
        ret->entry.path = s->path;
        return;
    }
    if (s->op == CODI2_MOVE) {
        ret->kind = WIRE_CHANGE_MOVE;
        ret->entry.path = s->from;
        ret->to = s->path;
        ret->to_base = s->to_base;
        return;
    }
    ret->kind = WIRE_CHANGE_PUT;
    ret->entry = (struct wire_entry){.path = s->path,
                                     .kind = kind_out(s->look.kind),
                                     .mode = s->look.mode,
                                     .mtime = codi2_look_time(&s->look),
                                     .hash = c->content.hash,
                                     .manifest = c->content.manifest};
    if (s->op == CODI2_LINK) {
        ret->entry.bytes = c->target;
    } else if (c->content.manifest.small) {
        ret->entry.bytes = str_of(c->content.small, (size_t)c->content.manifest.length);
    }
}

/* The person's name stands in the session's place when a change is theirs. The disk's is random: it is ours alone. */
static bool is_ours(const struct codi2_link *l, const struct wire_author *author)
{
    struct str ours = author_of(l);
    struct str disk = wire_author_disk(ours);
    return (author->kind == WIRE_TERMINAL && str_eq(author->id, ours)) ||
           (author->kind == WIRE_USER && disk.n > 0 && str_eq(wire_author_disk(author->id), disk));
}

static void outcome_in(const struct wire_outcome *o, struct codi2_reply *ret)
{
    *ret = (struct codi2_reply){.verdict = o->verdict == WIRE_APPLIED    ? CODI2_ACCEPTED
                                           : o->verdict == WIRE_CONFLICT ? CODI2_CONFLICT
                                                                         : CODI2_MISSING,
                                .index = (size_t)o->index,
                                .version = o->version,
                                .versions = o->versions,
                                .seq = o->seq,
                                .first = o->first};
}

static int send_batch(struct codi2_link *l, struct str body, struct buf *out)
{
    struct link_request request = {
        .method = "POST", .call = "changes", .query = "", .type = "application/json", .body = body};
    int error = ERR_UNAVAILABLE;
    for (int i = 0; i < REPEATS; i++) { /* the same id: harmless when the first one was kept */
        error = codi2_link_call(l, &request, out);
        if (error != ERR_UNKNOWN_RESULT && error != ERR_BUSY) {
            return error;
        }
    }
    return error;
}

int codi2_link_push(struct codi2_link *l, struct arena *arena, const struct codi2_batch *batch,
                    struct codi2_reply *ret_reply)
{
    ASSERT_MAGIC(l, LINK_MAGIC);
    ASSERT(batch->count > 0 && batch->count <= WIRE_MAX_CHANGES);
    int error = codi2_link_flush(l);
    if (error) {
        return error;
    }
    struct wire_batch wire = {.generation = l->options.generation,
                              .connection = l->connection,
                              .unseen = batch->seen + 1,
                              .changes = ARENA_ARRAY(arena, struct wire_change, batch->count),
                              .n = batch->count};
    rand_bytes(wire.id, sizeof wire.id);
    for (size_t i = 0; i < batch->count; i++) {
        change_out(&batch->changes[i], author_of(l), &wire.changes[i]);
    }
    BUF_AUTO(body, WIRE_MAX_REQUEST);
    BUF_AUTO(reply, WIRE_MAX_MESSAGE);
    wire_batch_write(&body, &wire);
    error = body.error ? body.error : send_batch(l, buf_str(&body), &reply);
    struct wire_outcome outcome;
    if (error) {
        return error;
    }
    if (wire_outcome_read(arena, arena_str(arena, buf_str(&reply)), &outcome) != 0 ||
        (outcome.verdict == WIRE_APPLIED && outcome.n != batch->count)) {
        return ERR_UNAVAILABLE; /* no word of what became of it */
    }
    outcome_in(&outcome, ret_reply);
    return 0;
}

/* ---- the store's side ---- */

static void entry_in(const struct wire_entry *e, struct codi2_remote *ret)
{
    *ret = (struct codi2_remote){
        .path = e->path,
        .kind = e->kind == WIRE_FOLDER    ? CODI2_FOLDER
                : e->kind == WIRE_SYMLINK ? CODI2_SYMLINK
                                          : CODI2_FILE,
        .mode = e->mode,
        .mtime = codi2_nanoseconds(e->mtime / USEC_PER_SEC, e->mtime % USEC_PER_SEC * 1000),
        .version = e->version,
        .size = e->manifest.length,
        .hash = e->hash,
        .manifest = e->manifest,
        .bytes = e->bytes,
        .damaged = e->damaged};
}

/* The answer is to be of the store that was greeted. */
static void name_connection(const struct codi2_link *l, struct buf *query)
{
    if (l->connection > 0) {
        buf_printf(query, "&connection=%llu", (unsigned long long)l->connection);
    }
}

/* A call that is answered with a tree. */
static int get_tree(struct codi2_link *l, struct arena *arena, struct link_request request,
                    struct wire_tree *ret_tree)
{
    BUF_AUTO(reply, WIRE_MAX_MESSAGE);
    request.method = "GET";
    request.type = "";
    int error = codi2_link_call(l, &request, &reply);
    return error ? error : wire_tree_read(arena, arena_str(arena, buf_str(&reply)), ret_tree);
}

int codi2_link_tree(struct codi2_link *l, struct arena *arena, const struct codi2_tree_query *query,
                    struct codi2_remotes *ret_tree)
{
    BUF_AUTO(text, TARGET_ROOM);
    buf_printf(&text, "&at=%llu&cursor=", (unsigned long long)query->seq);
    encode_base64url(&text, query->cursor);
    name_connection(l, &text);
    struct wire_tree tree;
    int error =
        get_tree(l, arena, (struct link_request){.call = "tree", .query = buf_z(&text)}, &tree);
    if (error) {
        return error;
    }
    *ret_tree = (struct codi2_remotes){.at = ARENA_ARRAY(arena, struct codi2_remote, tree.n + 1),
                                       .count = tree.n,
                                       .next = tree.next,
                                       .seq = tree.seq};
    for (size_t i = 0; i < tree.n; i++) {
        entry_in(&tree.entries[i], &ret_tree->at[i]);
    }
    return 0;
}

int codi2_link_past_like(struct codi2_link *l, struct arena *arena,
                         const struct codi2_past_query *query, struct codi2_remote *ret_version)
{
    BUF_AUTO(text, TARGET_ROOM);
    const struct codi2_look *look = &query->here->look;
    if (look->mtime < 0 || look->ctime < 0) {
        return ERR_NOT_FOUND; /* a time that the question has no form for */
    }
    buf_printf(&text, "&kind=%d&size=%llu&mtime=%lld&ctime=%lld&others=%d&path=",
               (int)kind_out(look->kind), (unsigned long long)look->size,
               (long long)(look->mtime / 1000), (long long)(look->ctime / 1000),
               query->by_others ? 1 : 0);
    encode_base64url(&text, query->here->path);
    struct wire_tree tree;
    int error = get_tree(l, arena,
                         (struct link_request){.call = "past/like", .query = buf_z(&text)}, &tree);
    if (!error && tree.n != 1) {
        error = ERR_INVALID;
    }
    if (!error) {
        entry_in(&tree.entries[0], ret_version);
    }
    return error;
}

int codi2_link_changes(struct codi2_link *l, struct arena *arena,
                       const struct codi2_changes_query *query, struct codi2_remotes *ret_changes)
{
    BUF_AUTO(text, TARGET_ROOM);
    buf_printf(&text, "&since=%llu&wait=%d", (unsigned long long)query->since, query->wait_ms);
    if (query->rules) {
        buf_printf(&text, "&rules=%llu", (unsigned long long)query->rules);
    }
    name_connection(l, &text);
    BUF_AUTO(reply, WIRE_MAX_MESSAGE);
    struct link_request request = {
        .method = "GET", .call = "changes", .query = buf_z(&text), .type = ""};
    int error = codi2_link_call(l, &request, &reply);
    struct wire_events events;
    if (!error) {
        error = wire_events_read(arena, arena_str(arena, buf_str(&reply)), &events);
    }
    if (error) {
        return error;
    }
    *ret_changes =
        (struct codi2_remotes){.at = ARENA_ARRAY(arena, struct codi2_remote, events.n + 1),
                               .count = events.n,
                               .seq = events.seq,
                               .rules = events.rules};
    for (size_t i = 0; i < events.n; i++) {
        const struct wire_event *e = &events.events[i];
        struct codi2_remote *r = &ret_changes->at[i];
        entry_in(&e->entry, r);
        r->from = e->from;
        r->deleted = e->op == WIRE_DELETE;
        r->restored = e->op == WIRE_RESTORE;
        r->ours = is_ours(l, &e->author);
        r->version = e->seq;
    }
    return 0;
}

int codi2_link_rules(struct codi2_link *l, struct arena *arena, struct wire_rules *ret_rules)
{
    BUF_AUTO(reply, WIRE_MAX_MESSAGE);
    struct link_request request = {.method = "GET", .call = "rules", .query = "", .type = ""};
    int error = codi2_link_call(l, &request, &reply);
    return error ? error : wire_rules_read(arena, arena_str(arena, buf_str(&reply)), ret_rules);
}

int codi2_link_report(struct codi2_link *l, struct str text)
{
    BUF_AUTO(reply, WIRE_MAX_STATUS);
    struct link_request request = {
        .method = "POST", .call = "status", .query = "", .type = "application/json", .body = text};
    return codi2_link_call(l, &request, &reply);
}

int codi2_link_source(struct codi2_link *l, struct arena *arena, struct wire_source *ret_source)
{
    BUF_AUTO(reply, WIRE_MAX_STATUS);
    struct link_request request = {.method = "GET", .call = "source", .query = "", .type = ""};
    int error = codi2_link_call(l, &request, &reply);
    return error ? error : wire_source_read(arena, arena_str(arena, buf_str(&reply)), ret_source);
}

int codi2_link_source_note(struct codi2_link *l, const struct wire_source_note *note)
{
    BUF_AUTO(body, WIRE_MAX_STATUS);
    BUF_AUTO(reply, WIRE_MAX_STATUS);
    wire_source_note_write(&body, note);
    struct link_request request = {.method = "POST",
                                   .call = "source",
                                   .query = "",
                                   .type = "application/json",
                                   .body = buf_str(&body)};
    return codi2_link_call(l, &request, &reply);
}
