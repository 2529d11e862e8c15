/*
 * Content to the server. Chunks that were cut wait in memory and are sent in lots: the server is asked once which of a lot it
 * lacks, and those go in groups, each of which is one transaction there, over several connections at once, since each is
 * answered only when it is on the server's disk. While a full lot is on its way the next is cut.
 */
#include <pthread.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "codi2/link_int.h"

/* ---- sending ---- */

static void clear(struct link_lot *lot)
{
    for (size_t i = 0; i < lot->count; i++) {
        MEM_FREE(lot->pieces[i].bytes);
    }
    lot->count = 0;
    lot->bytes = 0;
}

/* What came of the lot that was on its way. */
static int aside_end(struct codi2_link *l)
{
    if (!l->aside.running) {
        return 0;
    }
    (void)pthread_join(l->aside.thread, NULL);
    l->aside.running = false;
    return l->aside.error;
}

void codi2_link_forget(struct codi2_link *l)
{
    (void)aside_end(l);
    clear(&l->lots[0]);
    clear(&l->lots[1]);
}

static int send_piece(struct codi2_link *l, const struct link_piece *piece)
{
    char hash[CONTENT_HASH_TEXT + 1];
    content_hash_text(&piece->hash, hash);
    BUF_AUTO(call, 128);
    BUF_AUTO(reply, 4096);
    buf_printf(&call, "chunks/%s", hash);
    struct link_request request = {.method = "PUT",
                                   .call = buf_z(&call),
                                   .query = "",
                                   .type = "application/octet-stream",
                                   .body =
                                       content_encode(l->codec, str_of(piece->bytes, piece->n))};
    return codi2_link_call(l, &request, &reply);
}

/* Several together, in one transaction of the server. One that is older knows them one by one. */
static int send_group(struct codi2_link *l, const struct link_piece *const *pieces, size_t count)
{
    BUF_AUTO(body, WIRE_MAX_CHUNK_BYTES);
    BUF_AUTO(reply, 4096);
    for (size_t i = 0; i < count && count > 1; i++) {
        struct wire_chunk chunk = {.hash = pieces[i]->hash};
        chunk.encoded = content_encode(l->codec, str_of(pieces[i]->bytes, pieces[i]->n));
        bool added = wire_chunks_add(&body, &chunk);
        ASSERT(added); /* what group_end lets in has room */
    }
    struct link_request request = {.method = "POST",
                                   .call = "chunks",
                                   .query = "",
                                   .type = "application/octet-stream",
                                   .body = buf_str(&body)};
    int error = count > 1 ? codi2_link_call(l, &request, &reply) : ERR_NOT_FOUND;
    if (error != ERR_NOT_FOUND) {
        return error;
    }
    error = 0;
    for (size_t i = 0; i < count && !error; i++) {
        error = send_piece(l, pieces[i]);
    }
    return error;
}

struct sending {
    const struct codi2_link_options *options;
    const struct link_piece *const *pieces;
    size_t begins[LINK_WAITING + 1]; /* of groups, and the end */
    size_t groups;
    const atomic_bool *stop;
    atomic_size_t next;
    atomic_int error;
};

static size_t group_end(const struct link_piece *const *pieces, size_t from, size_t count)
{
    size_t bytes = 0;
    size_t end = from;
    while (end < count && end - from < WIRE_MAX_CHUNKS &&
           (end == from || bytes + pieces[end]->n <= LINK_GROUP_BYTES)) {
        bytes += pieces[end++]->n;
    }
    return end;
}

static void send_groups(struct sending *s, struct codi2_link *l)
{
    for (size_t i;
         (i = atomic_fetch_add(&s->next, 1)) < s->groups && atomic_load(&s->error) == 0;) {
        size_t begin = s->begins[i];
        int error = atomic_load(s->stop)
                        ? ERR_UNAVAILABLE
                        : send_group(l, &s->pieces[begin], s->begins[i + 1] - begin);
        if (error) {
            atomic_store(&s->error, error);
        }
    }
}

static void *sender(void *ctx)
{
    struct sending *s = ctx;
    struct codi2_link *l = codi2_link_create(s->options);
    send_groups(s, l);
    codi2_link_destroy(l);
    return NULL;
}

static int send_all(struct codi2_link *l, const struct link_piece *const *pieces, size_t count)
{
    struct sending s = {.options = &l->options, .pieces = pieces, .stop = l->stop};
    while (s.begins[s.groups] < count) {
        s.begins[s.groups + 1] = group_end(pieces, s.begins[s.groups], count);
        s.groups++;
    }
    pthread_t threads[LINK_SENDERS];
    size_t started = 0;
    while (started + 1 < s.groups && started < LINK_SENDERS &&
           pthread_create(&threads[started], NULL, sender, &s) == 0) {
        started++;
    }
    send_groups(&s, l); /* beside them */
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return atomic_load(&s.error);
}

static int ask_missing(struct codi2_link *l, const struct link_lot *lot, struct arena *arena,
                       struct wire_hashes *ret_missing)
{
    struct wire_hashes have = {.at = ARENA_ARRAY(arena, struct content_hash, lot->count),
                               .n = lot->count};
    for (size_t i = 0; i < have.n; i++) {
        have.at[i] = lot->pieces[i].hash;
    }
    BUF_AUTO(body, WIRE_MAX_REQUEST);
    BUF_AUTO(reply, WIRE_MAX_MESSAGE);
    wire_hashes_write(&body, &have);
    struct link_request request = {.method = "POST",
                                   .call = "chunks:missing",
                                   .query = "",
                                   .type = "application/json",
                                   .body = buf_str(&body)};
    int error = codi2_link_call(l, &request, &reply);
    return error ? error : wire_hashes_read(arena, arena_str(arena, buf_str(&reply)), ret_missing);
}

static bool is_listed(const struct wire_hashes *hashes, const struct content_hash *hash)
{
    for (size_t i = 0; i < hashes->n; i++) {
        if (content_hash_eq(&hashes->at[i], hash)) {
            return true;
        }
    }
    return false;
}

/* Whether it came or not: the lot is empty then. */
static int send_lot(struct codi2_link *l, struct link_lot *lot)
{
    ARENA_AUTO(arena);
    struct wire_hashes missing = {0};
    int error = ask_missing(l, lot, &arena, &missing);
    const struct link_piece *to_send[LINK_WAITING];
    size_t count = 0;
    for (size_t i = 0; i < lot->count && !error; i++) {
        if (is_listed(&missing, &lot->pieces[i].hash)) {
            to_send[count++] = &lot->pieces[i];
        }
    }
    if (!error) {
        error = send_all(l, to_send, count);
    }
    clear(lot);
    return error;
}

static void *send_aside(void *ctx)
{
    struct link_aside *aside = ctx;
    aside->error = send_lot(aside->link, aside->lot);
    return NULL;
}

/* The full lot; the other one is filled from now on. */
static int send_full(struct codi2_link *l)
{
    int error = aside_end(l);
    error = error || !atomic_load(l->stop) ? error : ERR_UNAVAILABLE;
    if (error) {
        return error;
    }
    struct link_aside *aside = &l->aside;
    aside->link = aside->link ? aside->link : codi2_link_create(&l->options);
    aside->link->stop = l->stop;
    aside->lot = &l->lots[l->filling];
    l->filling = 1 - l->filling;
    aside->running = pthread_create(&aside->thread, NULL, send_aside, aside) == 0;
    return aside->running ? 0 : send_lot(l, aside->lot);
}

int codi2_link_flush(struct codi2_link *l)
{
    struct link_lot *lot = &l->lots[l->filling];
    int error = aside_end(l);
    if (!error && lot->count > 0) {
        error = send_lot(l, lot);
    }
    codi2_link_forget(l);
    return error;
}

/* ---- cutting ---- */

static int wait_with(struct codi2_link *l, const struct content_hash *hash, struct str bytes)
{
    struct link_lot *lot = &l->lots[l->filling];
    if (lot->count == LINK_WAITING || lot->bytes + bytes.n > LINK_WAITING_BYTES) {
        int error = send_full(l);
        if (error) {
            codi2_link_forget(l);
            return error;
        }
        lot = &l->lots[l->filling];
    }
    lot->bytes += bytes.n;
    lot->pieces[lot->count++] =
        (struct link_piece){.hash = *hash, .bytes = mem_dup(bytes.p, bytes.n), .n = bytes.n};
    return 0;
}

static int on_page(void *ctx, const struct content_hash *hash, const struct content_page *page,
                   struct str bytes)
{
    (void)page;
    return wait_with(ctx, hash, bytes);
}

static int take_pieces(struct codi2_link *l, struct content_builder *builder)
{
    struct str piece;
    while (content_cutter_next(l->cutter, &piece)) {
        struct content_ref ref = {.length = piece.n};
        content_hash(piece, &ref.hash);
        int error = wait_with(l, &ref.hash, piece);
        if (!error) {
            error = content_builder_add(builder, &ref);
        }
        if (error) {
            return error;
        }
    }
    return 0;
}

/* Reads the file to its end through the cutter. ERR_CONFLICT: it is not as long as it was. */
static int cut(struct codi2_link *l, struct content_builder *builder, int fd, uint64_t length)
{
    uint64_t total = 0;
    int error = 0;
    for (;;) {
        size_t room;
        char *to = content_cutter_room(l->cutter, &room);
        ssize_t n = fd_read_full(fd, to, room);
        if (n < 0) {
            return (int)n;
        }
        total += (uint64_t)n;
        if (n == 0 || total > length) {
            break;
        }
        content_hasher_add(l->hasher, str_of(to, (size_t)n));
        content_cutter_filled(l->cutter, (size_t)n);
        error = take_pieces(l, builder);
        if (error) {
            return error;
        }
    }
    content_cutter_end(l->cutter);
    error = take_pieces(l, builder);
    return error ? error : total == length ? 0 : ERR_CONFLICT;
}

static int read_small(struct codi2_content *content, int fd, uint64_t length)
{
    char more;
    ssize_t n = fd_read_full(fd, content->small, (size_t)length);
    if (n < 0) {
        return (int)n;
    }
    if ((uint64_t)n != length || read(fd, &more, 1) != 0) {
        return ERR_CONFLICT;
    }
    content_hash(str_of(content->small, (size_t)length), &content->hash);
    content->manifest =
        (struct content_manifest){.hash = content->hash, .length = length, .small = true};
    return 0;
}

int codi2_link_upload(struct codi2_link *l, struct codi2_content *ret_content, int fd,
                      uint64_t length)
{
    if (length <= CONTENT_INLINE_MAX) {
        return read_small(ret_content, fd, length);
    }
    struct content_builder *builder = content_builder_create(on_page, l);
    struct content_hash unused;
    content_cutter_reset(l->cutter);
    content_hasher_end(l->hasher, &unused); /* starts anew */
    int error = cut(l, builder, fd, length);
    if (!error) {
        error = content_builder_end(builder, &ret_content->manifest);
    }
    if (!error) {
        content_hasher_end(l->hasher, &ret_content->hash);
    }
    content_builder_destroy(builder);
    return error;
}
